"""What a person has to say in words."""

from __future__ import annotations

from hallnet.window.problems import WordsMissing


def require_words(text: str, where: str, what: str) -> None:
    """Raises WordsMissing for a text of nothing but spaces."""
    if not text.strip():
        raise WordsMissing(where, what=what)

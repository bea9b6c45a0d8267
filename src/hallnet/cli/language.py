"""The language in which commands tell a problem: that of the user's locale."""

from __future__ import annotations

import locale
import os

from hallnet.problems import Problem, Reported


def in_users_language(problem: Problem | Reported) -> str:
    """What is wrong and what to do, in Chinese where the locale is Chinese, else in English."""
    return problem.in_chinese() if speaks_chinese() else problem.in_english()


def speaks_chinese() -> bool:
    """Whether the locale of the user is Chinese."""
    named = os.environ.get("LC_ALL") or os.environ.get("LANG") or ""
    return (named or (locale.getlocale()[0] or "")).startswith("zh")

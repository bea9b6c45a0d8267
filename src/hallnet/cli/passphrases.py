"""Passphrases of keys that are kept offline: from a file, or asked."""

from __future__ import annotations

from pathlib import Path

import typer


def passphrase_of(folder: Path, file: Path | None) -> str:
    """The passphrase of the key in a folder; empty if it lies open."""
    from hallnet.node.rootkeys import is_sealed

    return passphrase_from(file, f"of {folder}", False) if is_sealed(folder) else ""


def passphrase_from(file: Path | None, whose: str, fresh: bool) -> str:
    """The first line of the file, or what is typed; a fresh one is typed twice."""
    if file is not None:
        lines = file.read_text(encoding="utf-8").splitlines()
        return lines[0] if lines else ""
    text: str = typer.prompt(
        f"Passphrase {whose}", hide_input=True, confirmation_prompt=fresh, err=True
    )
    return text

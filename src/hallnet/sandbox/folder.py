"""The one folder in which a sandbox keeps everything."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PASSABLE = 0o711
"""Others may pass through, not look: a database server that runs as another user has its place inside."""


@contextmanager
def sandbox_folder(keep: bool = False) -> Iterator[Path]:
    """A fresh folder, removed at the end unless it is to be kept."""
    folder = Path(tempfile.mkdtemp(prefix="hallnet-"))
    folder.chmod(PASSABLE)
    try:
        yield folder
    finally:
        if not keep:
            shutil.rmtree(folder, ignore_errors=True)

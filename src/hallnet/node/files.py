"""Files that are written whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path

PRIVATE_FILE = 0o600


def write_whole(path: Path, data: bytes) -> None:
    """Write a file, readable by its owner only, so that a power cut leaves the old one or the new one.

    One writer of a file at a time.
    """
    partial = path.with_name(f".{path.name}.partial")
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, PRIVATE_FILE)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        # The name of a file is kept by its folder.
        os.fsync(folder)
    finally:
        os.close(folder)

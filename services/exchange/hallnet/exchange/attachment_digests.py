"""Digests of materials that come, taken of their bytes while these are in memory anyway.

Nothing depends on them: what they missed is read where it is stored.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

RUNNING_MAX = 256
"""Of so many copies at once; those to which nothing was added for longest are given up."""


class CopyId(NamedTuple):
    """A copy of a material, as long as there is one from that sender."""

    digest: bytes
    sender: str
    began_at: datetime


class Kept(NamedTuple):
    """A chunk of a copy that was stored."""

    copy: CopyId
    offset: int
    data: bytes


@dataclass(slots=True)
class Running:
    """The SHA-256 digest of a copy up to an offset."""

    offset: int = 0
    hash: Any = field(default_factory=hashlib.sha256)

    def add(self, data: bytes) -> None:
        """Take the next bytes."""
        self.hash.update(data)
        self.offset += len(data)


class RunningDigests:
    """What was digested of each copy from its beginning on."""

    def __init__(self) -> None:
        self._running: OrderedDict[CopyId, Running] = OrderedDict()

    def add(self, kept: Iterable[Kept]) -> None:
        """Take chunks whose transaction is committed; those behind a gap are left out."""
        for chunk in kept:
            running = self._running.get(chunk.copy)
            if running is None and chunk.offset == 0:
                running = self._running[chunk.copy] = Running()
                if len(self._running) > RUNNING_MAX:
                    self._running.popitem(last=False)
            if running is not None and running.offset == chunk.offset:
                running.add(chunk.data)
                self._running.move_to_end(chunk.copy)

    def end(self, copy: CopyId) -> Running:
        """How far the digest of a copy is; it is not carried on here."""
        return self._running.pop(copy, None) or Running()

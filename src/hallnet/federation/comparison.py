"""Whether a hall has all that another one has said about the cases they share: pure rules.

A hall speaks only for itself, so two halls compare only what the one of them has said: for each case they
share, the sequence and the digest of its last event. The cases are spread over 65,536 ranges by a digest
of their id; a range is summed up by the sum of the digests of its cases, and ranges by the sum of theirs.
The author begins with the sum of all. Where sums differ, the two go down a level, to 256 ranges, to the
finest ones, to the cases in them; so what is exchanged grows with the difference, not with what is shared.
Hash trees for this purpose are due to Merkle; sums instead of hashes of hashes let one case change without
its neighbours being read again (incremental hashing, Bellare and Micciancio 1997).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

FAN_OUT = 256
RANGES = FAN_OUT * FAN_OUT
SUM_BYTES = 16
WITHIN_MAX = 64
"""So many ranges are gone into at once; what else differs is found in the next round."""
LISTED_MAX = 4096
"""So many of the finest ranges are listed in one message."""
MARKS_MAX = 2000
"""So many cases are listed in one message: ranges that hold more are left for the next round."""
_MODULUS = 1 << (8 * SUM_BYTES)

Sums = Mapping[int, int]
"""Sums of ranges by their number; a range that is not there is empty."""


class Mark(NamedTuple):
    """How far what a hall has said about a case goes."""

    sequence: int
    digest: bytes


@dataclass(frozen=True, slots=True)
class Difference:
    """What comes of a comparison case by case."""

    behind: tuple[str, ...]
    """Cases of which the other hall has not all that the author has said."""
    ahead: tuple[str, ...]
    """Cases of which the other hall has more from the author than the author itself: it forgot."""


def range_of(case_id: str) -> int:
    """The finest range of a case."""
    return int.from_bytes(hashlib.sha256(case_id.encode()).digest()[:2], "big")


def weight(case_id: str, mark: Mark) -> int:
    """What a case adds to the sum of its range; nothing if the author has not said anything yet."""
    if not mark.sequence:
        return 0
    text = b"\0".join((case_id.encode(), str(mark.sequence).encode(), mark.digest))
    return int.from_bytes(hashlib.sha256(text).digest()[:SUM_BYTES], "big")


def changed(total: int, before: int, after: int) -> int:
    """A sum in which one case counts differently from now on."""
    return (total - before + after) % _MODULUS


def coarser(sums: Sums) -> dict[int, int]:
    """Sums of the level above."""
    found: dict[int, int] = {}
    for number, value in sums.items():
        above = number // FAN_OUT
        found[above] = (found.get(above, 0) + value) % _MODULUS
    return {number: value for number, value in found.items() if value}


def whole(sums: Sums) -> int:
    """The sum of everything."""
    return sum(sums.values()) % _MODULUS


def differing(one: Sums, other: Sums, most: int = WITHIN_MAX) -> list[int]:
    """Numbers of ranges whose sums differ, in their order, at most so many."""
    numbers = sorted(one.keys() | other.keys())
    return [n for n in numbers if one.get(n, 0) != other.get(n, 0)][:most]


def by_case(own: Mapping[str, Mark], theirs: Mapping[str, Mark]) -> Difference:
    """Compare what the author has said with what the other hall has of it."""
    behind: list[str] = []
    ahead: list[str] = []
    for case_id in sorted(own.keys() | theirs.keys()):
        mine, its = own.get(case_id, _NOTHING), theirs.get(case_id, _NOTHING)
        if mine == its:
            continue
        (ahead if its.sequence > mine.sequence else behind).append(case_id)
    return Difference(tuple(behind), tuple(ahead))


def to_bytes(value: int) -> bytes:
    return value.to_bytes(SUM_BYTES, "big")


def from_bytes(raw: bytes) -> int:
    """Raises ValueError for what is no sum."""
    if len(raw) != SUM_BYTES:
        raise ValueError("sum")
    return int.from_bytes(raw, "big")


def total_weight(marks: Iterable[tuple[str, Mark]]) -> int:
    """The sum of a range from its cases, as if it had never been kept."""
    return sum(weight(case_id, mark) for case_id, mark in marks) % _MODULUS


_NOTHING = Mark(0, b"")

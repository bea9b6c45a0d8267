"""How much is under way at once: as much as the link carries in a moment, learned from the answers.

Much on a slow line holds up what is urgent and outlives the patience of both ends; little on a fast line
wastes it. It goes in two batches: one travels while the neighbour judges the other.
"""

from __future__ import annotations

from dataclasses import dataclass

from hallnet.federation import limits

BATCH_BYTES_FIRST = 512 * 1024
BATCH_BYTES_MIN = 16 * 1024
BATCH_SECONDS = 1.0
"""How long a batch should take from its sending to its answer."""
ANSWER_SECONDS = 15.0
"""How long an answer is waited for on a line that costs no time."""
UNDER_WAY_MAX = 2
"""Batches at once on one link."""
SLOWEST_BYTES_PER_SECOND = 4 * 1024
"""The slowest line on which a batch is still waited for: a bad mobile connection."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How many bytes may be under way."""

    batch_bytes: int = BATCH_BYTES_FIRST

    def share(self, credit_bytes: int) -> int:
        """How many bytes one batch may have, at a neighbour that takes so many at once."""
        return min(self.batch_bytes, credit_bytes) // UNDER_WAY_MAX

    def has_room(self, under_way: int, size: int, credit_bytes: int) -> bool:
        """Whether a batch of that size may go beside so many bytes that are under way."""
        return not under_way or under_way + size <= min(self.batch_bytes, credit_bytes)

    def answered(self, size: int, seconds: float, beside: int = 0) -> Pace:
        """A batch of that many bytes was answered, while so many others were under way: up to twice as
        much, or down to what fits the moment."""
        fitting = int(size * BATCH_SECONDS / max(seconds, 0.001))
        if seconds > BATCH_SECONDS:
            return _bounded(fitting)
        # A batch that was not full says nothing against a bigger one, and nothing for it.
        return _bounded(max(self.batch_bytes, min(fitting, 2 * (size + beside))))

    def silent(self) -> Pace:
        """A batch was not answered."""
        return _bounded(self.batch_bytes // 2)


def patience(size: int) -> float:
    """Seconds to wait for the answer to a batch of that many bytes."""
    return ANSWER_SECONDS + size / SLOWEST_BYTES_PER_SECOND


def _bounded(size: int) -> Pace:
    return Pace(min(max(size, BATCH_BYTES_MIN), limits.BATCH_BYTES_MAX))

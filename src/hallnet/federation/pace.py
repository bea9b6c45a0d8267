"""How much goes into one batch: as much as the link carries in a moment, learned from the answers.

A big batch on a slow line holds up what is urgent and outlives the patience of both ends; small ones on
a fast line waste it.
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
SLOWEST_BYTES_PER_SECOND = 4 * 1024
"""The slowest line on which a batch is still waited for: a bad mobile connection."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How many bytes the next batch may have."""

    batch_bytes: int = BATCH_BYTES_FIRST

    def answered(self, size: int, seconds: float) -> Pace:
        """A batch of that many bytes was answered: up to twice, or down to what fits the moment."""
        fitting = int(size * BATCH_SECONDS / max(seconds, 0.001))
        if seconds > BATCH_SECONDS:
            return _bounded(fitting)
        # A batch that was not full says nothing against a bigger one, and nothing for it.
        return _bounded(max(self.batch_bytes, min(fitting, 2 * size)))

    def silent(self) -> Pace:
        """A batch was not answered."""
        return _bounded(self.batch_bytes // 2)


def patience(size: int) -> float:
    """Seconds to wait for the answer to a batch of that many bytes."""
    return ANSWER_SECONDS + size / SLOWEST_BYTES_PER_SECOND


def _bounded(size: int) -> Pace:
    return Pace(min(max(size, BATCH_BYTES_MIN), limits.BATCH_BYTES_MAX))

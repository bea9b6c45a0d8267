"""How long to wait before the next try."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True)
class Backoff:
    """Doubling pauses between two bounds."""

    first: timedelta
    longest: timedelta

    def next_try(self, failures: int, now: datetime, jitter: float) -> datetime:
        """When to try again after a number of failures in a row; jitter from 0 to 1 spreads the crowd.

        The pause lies between half and the whole of first * 2**(failures-1), capped.
        """
        doublings = min(max(failures, 1) - 1, 32)
        pause: timedelta = min(self.first * 2**doublings, self.longest)
        return now + pause * (0.5 + jitter / 2)


LINK = Backoff(timedelta(seconds=0.5), timedelta(minutes=5))
"""Batches to a neighbour that does not answer. When it is back a hello ends the pause, so a long one costs nothing
but saves a hall that is cut off for days thousands of batches that are made for nobody."""
RETRANSMISSION = Backoff(timedelta(seconds=30), timedelta(hours=6))
"""An envelope whose recipient gave no verdict."""
NOTICE = Backoff(timedelta(seconds=2), timedelta(hours=1))
"""A notice that a channel did not take."""

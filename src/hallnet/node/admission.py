"""Which calls a server takes on: so many that each is answered in good time. The others are told when to come back.

A call that is taken on costs the server a thousand times what it costs to turn one away unread. So it is decided
first of all, before a call is read, and by what the server has shown that it can do: how many are with it now,
times the seconds in which it answers one. Pure: whoever asks says what time it is, in seconds of a clock that
only goes forward.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from hallnet.store.sharing import RETRY_SECONDS_MAX, RETRY_SECONDS_MIN, HallBusy

CALLS_MIN = 64
"""So many at once are taken on however slow they are: also those that only wait for somebody."""
CALLS_MAX = 250
"""So many at once and no more, however fast they are."""
WAIT_SECONDS = 2.0
"""How long a call may wait for those before it."""
LOADED_FROM = 32
"""How fast calls are answered is learned from those that so many were before or beside: a single one that takes
long says nothing of how long many take."""
SMOOTHING = 0.05
"""How much of what was learned one further call changes."""
TURNED_AWAY_MAX = 100_000
"""So many are counted who are to come back."""


@dataclass(frozen=True, slots=True)
class Taken:
    """A call that was taken on: when, and as the how manieth of those that were with the server."""

    at: float
    place: int


class Admission:
    """The calls that are with one server."""

    def __init__(self) -> None:
        self.present = 0
        self._seconds_per_call = 0.0
        """0 before anything was learned."""
        self._to_come_back = 0

    @property
    def limit(self) -> int:
        """How many may be with the server at once."""
        in_time = WAIT_SECONDS / self._seconds_per_call if self._seconds_per_call else math.inf
        return int(min(max(in_time, CALLS_MIN), CALLS_MAX))

    def admits(self, patience_seconds: float = math.inf) -> bool:
        """Whether one more is taken on, who waits only so long for an answer."""
        in_time = self.present * self._seconds_per_call <= patience_seconds
        return in_time and self.present < self.limit

    def begin(self, now: float) -> Taken:
        self.present += 1
        return Taken(now, self.present)

    def end(self, taken: Taken, now: float) -> None:
        self.present -= 1
        self._to_come_back = max(self._to_come_back - 1, 0)
        if taken.place < LOADED_FROM:
            return
        seconds = (now - taken.at) / taken.place
        known = self._seconds_per_call or seconds
        self._seconds_per_call = known + SMOOTHING * (seconds - known)

    def turn_away(self) -> HallBusy:
        """What one is told who is not taken on: to come when all before are done, and those who were told so earlier."""
        self._to_come_back = min(self._to_come_back + 1, TURNED_AWAY_MAX)
        seconds = (self.present + self._to_come_back) * self._seconds_per_call
        bounded = min(max(math.ceil(seconds), RETRY_SECONDS_MIN), RETRY_SECONDS_MAX)
        return HallBusy(waiting=self.present, retry_seconds=bounded)

"""Which calls a server takes on: so many that each is answered in good time. The others are told when to come back.

A call that is taken on costs the server a thousand times what it costs to turn one away unread. So it is decided
first of all, before a call is read, and by what the server has shown that it can do: how many are with it now,
times the seconds in which it answers one. Pure: whoever asks says what time it is, in seconds of a clock that
only goes forward.
"""

from __future__ import annotations

import math

from hallnet.store.sharing import RETRY_SECONDS_MAX, RETRY_SECONDS_MIN, HallBusy

CALLS_MIN = 64
"""So many at once are taken on however slow they are: also those that only wait for somebody."""
CALLS_MAX = 250
"""So many at once and no more, however fast they are."""
WAIT_SECONDS = 2.0
"""How long a call may wait for those before it."""
MEASURED_SECONDS = 0.5
"""Over how long it is measured how fast calls are answered, while there are always some."""
TURNED_AWAY_MAX = 100_000
"""So many are counted who are to come back."""


class Admission:
    """The calls that are with one server."""

    def __init__(self) -> None:
        self.present = 0
        self._seconds_per_call = 0.0
        """By the last measurement; 0 before the first."""
        self._measured_since = 0.0
        self._answered = 0
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

    def begin(self, now: float) -> None:
        if not self.present:
            self._measured_since, self._answered = now, 0
        self.present += 1

    def end(self, now: float) -> None:
        self.present -= 1
        self._answered += 1
        self._to_come_back = max(self._to_come_back - 1, 0)
        taken = now - self._measured_since
        if taken >= MEASURED_SECONDS:
            self._seconds_per_call = taken / self._answered
            self._measured_since, self._answered = now, 0

    def turn_away(self) -> HallBusy:
        """What one is told who is not taken on: to come when all before are done, and those who were told so earlier."""
        self._to_come_back = min(self._to_come_back + 1, TURNED_AWAY_MAX)
        seconds = (self.present + self._to_come_back) * self._seconds_per_call
        bounded = min(max(math.ceil(seconds), RETRY_SECONDS_MIN), RETRY_SECONDS_MAX)
        return HallBusy(waiting=self.present, retry_seconds=bounded)

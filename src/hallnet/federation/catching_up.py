"""How far a link has caught up, and how long it will take: from how much waited when."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

SAMPLES_MAX = 60
"""So many looks make the pace: what was slow long ago says nothing about now."""


@dataclass(slots=True)
class CatchingUp:
    """What waits for one neighbour. Times are seconds on any clock that only goes forward."""

    most: int = 0
    """The most that was seen waiting: what the bar is measured against."""
    _samples: deque[tuple[float, int]] = field(default_factory=lambda: deque(maxlen=SAMPLES_MAX))

    def note(self, at: float, waiting: int) -> None:
        """So much waits at a moment; of moments that do not go on the later word counts."""
        if self._samples and at <= self._samples[-1][0]:
            self._samples.pop()
        self._samples.append((at, waiting))
        self.most = max(self.most, waiting)

    @property
    def waiting(self) -> int:
        return self._samples[-1][1] if self._samples else 0

    @property
    def done(self) -> int:
        return self.most - self.waiting

    @property
    def per_second(self) -> float:
        """By how much the waiting became less; below 0 while more comes than goes."""
        if len(self._samples) < 2:
            return 0.0
        (began, before), (ended, after) = self._samples[0], self._samples[-1]
        return (before - after) / (ended - began)

    @property
    def seconds_left(self) -> float | None:
        """None while nobody can say: nothing goes, or more comes than goes."""
        if self.waiting == 0:
            return 0.0
        pace = self.per_second
        return self.waiting / pace if pace > 0 else None

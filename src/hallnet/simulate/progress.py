"""How far a world is, for who waits for it."""

from __future__ import annotations

import time
from collections.abc import Callable

from hallnet.simulate.invariants import Checker
from hallnet.simulate.scenario import Scenario

EVERY_SECONDS = 15.0
LOOK_EVERY_COMMITS = 200

Say = Callable[[str], None]


def silent(text: str) -> None:
    """Nobody waits."""


class Progress:
    """Tells from time to time how far a world is. Asked at commits, so that it changes nothing in the world."""

    def __init__(self, scenario: Scenario, say: Say) -> None:
        self.happened = 0.0
        """The share of what was planned that has begun."""
        self._scenario = scenario
        self._say = say
        self._began = self._said = time.monotonic()
        self._living_since = self._began
        self._commits = 0

    def founded(self) -> None:
        """All halls stand and start."""
        self._living_since = time.monotonic()
        seconds = self._living_since - self._began
        self._tell(f"{len(self._scenario.halls)} halls founded in {seconds:.0f} s")

    def committed(self, at: float, checker: Checker) -> None:
        """A hall committed something, at a moment of the world in seconds."""
        self._commits += 1
        if self._commits % LOOK_EVERY_COMMITS:
            return
        now = time.monotonic()
        if now - self._said < EVERY_SECONDS:
            return
        lasts = self._scenario.days * 24
        where = f"hour {at / 3600:.1f} of {lasts:.1f}" if at < lasts * 3600 else "healing"
        seen = f"{self._commits:,} commits, {len(checker.violations)} violations"
        self._tell(f"{where}: {seen}, {now - self._began:.0f} s{self._left(now)}")

    def healed(self, hours: float) -> None:
        """Everything came to rest; what follows is the last look."""
        seconds = time.monotonic() - self._began
        self._tell(f"healed in {hours:.1f} hours of its own, {seconds:.0f} s")

    def _left(self, now: float) -> str:
        """How much longer it takes, judged by what has happened so far; healing comes on top."""
        if not 0.02 < self.happened < 1:
            return ""
        left = (now - self._living_since) * (1 / self.happened - 1)
        return f", some {left / 60:.0f} min more until it heals"

    def _tell(self, text: str) -> None:
        self._say(text)
        self._said = time.monotonic()

"""What is said while something long goes on: how much is done, how fast, how long it will take."""

from __future__ import annotations

import time
from collections.abc import Callable

SAY_SECONDS = 10.0


class Progress:
    """Says every SAY_SECONDS how far it is; nothing of what is over before."""

    def __init__(self, total: int, what: str, say: Callable[[str], None]) -> None:
        self._total = total
        self._what = what
        self._say = say
        self._began = self._said = time.monotonic()

    def told(self, done: int) -> None:
        """So many are done by now."""
        now = time.monotonic()
        if done == 0 or now - self._said < SAY_SECONDS:
            return
        self._said = now
        rate = done / (now - self._began)
        left = (self._total - done) / rate
        self._say(
            f"{done:,} of {self._total:,} {self._what}, {rate:,.0f}/s, some {left:,.0f} s left"
        )

"""What every service forgets after a while."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime

from hallnet.store import Database
from hallnet.store.requests import AnsweredRequests

LOOK_SECONDS = 3_600.0


def forget_answers(
    database: Database, answered: AnsweredRequests, clock: Callable[[], datetime]
) -> Callable[[], Awaitable[None]]:
    """A loop that forgets old answers, some at a time, so that no act waits for it."""

    async def run() -> None:
        while True:
            now = clock()
            if not await database.write(lambda c, now=now: answered.forget_old(c, now)):  # type: ignore[misc]
                await asyncio.sleep(LOOK_SECONDS)

    return run

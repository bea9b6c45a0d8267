"""What the parts of the face of the exchange have in common."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeVar

from google.protobuf.message import Message

from hallnet.exchange import tables
from hallnet.exchange.context import Context
from hallnet.exchange.queue.watching import HopWatch
from hallnet.node.home import Home
from hallnet.store import Connection, Database

SURE_PATIENCE_SECONDS = 5.0
"""How long a call waits for the neighbours' word after a start, before it is refused."""

Answer = TypeVar("Answer", bound=Message)


class Answering:
    """Each method is a use case in a transaction; a write is done once for its request."""

    def __init__(
        self,
        database: Database,
        context: Context,
        home: Home,
        version: str,
        watch: HopWatch,
        clock: Callable[[], datetime],
        doors_changed: Callable[[], None],
        attachments_changed: Callable[[], None],
        sure: asyncio.Event,
    ) -> None:
        self._database = database
        self._context = context
        self._home = home
        self._settings = home.settings()
        self._version = version
        self._watch = watch
        self._clock = clock
        self._doors_changed = doors_changed
        self._attachments_changed = attachments_changed
        self._sure = sure

    async def _once(
        self,
        request: Any,
        now: datetime,
        answer_type: type[Answer],
        act: Callable[[Connection], Answer],
    ) -> Answer:
        """Do a write once for its request id, in one transaction; raises JournalHeld soon after a start."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(SURE_PATIENCE_SECONDS):
                await self._sure.wait()
        return await self._database.write(
            lambda connection: tables.answered.once(
                connection, request.request_id, request, now, answer_type, lambda: act(connection)
            )
        )

"""What an exchange does by itself from time to time: send again, give back, move halls, sweep, renew."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial

from hallnet.exchange import attachments, keyring, tables
from hallnet.exchange.certificates import moving, renewing
from hallnet.exchange.context import Context
from hallnet.exchange.queue import outgoing, parcels
from hallnet.exchange.recovery import returning
from hallnet.node import tls
from hallnet.node.home import Home
from hallnet.node.waiting import is_set_within
from hallnet.store import Connection, Database
from hallnet.trust.freshness import Freshness

RETRANSMIT_EVERY_SECONDS = 5.0
GIVE_BACK_EVERY_SECONDS = 1.0
"""How soon a wish is noticed; while one is answered, receipts wake the loop."""
SWEEP_EVERY_SECONDS = 600.0
LOOK_AT_MOVES_EVERY_SECONDS = 5.0
LOOK_AT_CERTIFICATE_EVERY_SECONDS = 60.0
TELL_AGAIN_AFTER = timedelta(hours=1)

_log = logging.getLogger("hallnet.exchange")


class Chores:
    """The loops that nobody asks for."""

    def __init__(
        self,
        database: Database,
        context: Context,
        home: Home,
        clock: Callable[[], datetime],
        wake: Callable[[], None],
        look_at_doors: Callable[[], None],
    ) -> None:
        self._database = database
        self._context = context
        self._home = home
        self._clock = clock
        self._wake = wake
        self._look_at_doors = look_at_doors
        self.may_give = asyncio.Event()
        """There may be room for more of what is given back."""
        self._told_freshness: tuple[Freshness, datetime] | None = None

    async def give_back(self) -> None:
        """Give back what was asked for, portion after portion, and see whether what was lost here is back."""
        while True:
            self.may_give.clear()
            now = self._clock()
            if not await self._database.read(partial(returning.is_under_way, now=now)):
                await asyncio.sleep(GIVE_BACK_EVERY_SECONDS)
            elif await self._database.write(partial(self._go_on_giving, now=now)):
                self._wake()
            else:
                await is_set_within(self.may_give, GIVE_BACK_EVERY_SECONDS)

    def _go_on_giving(self, connection: Connection, now: datetime) -> bool:
        return returning.go_on(connection, self._context, now)

    async def retransmit(self) -> None:
        while True:
            now = self._clock()

            def work(connection: Connection, now: datetime = now) -> int:
                count, entries = outgoing.send_due_again(connection, now)
                tables.feed.append(connection, entries)
                return count

            if await self._database.write(work):
                self._wake()
            await asyncio.sleep(RETRANSMIT_EVERY_SECONDS)

    async def move_halls(self) -> None:
        while True:
            now = self._clock()

            def work(connection: Connection, now: datetime = now) -> None:
                told = moving.carry_out(connection, self._context, now)
                if told:
                    tables.feed.append(connection, told)

            await self._database.write(work)
            tables.feed.announce()
            await asyncio.sleep(LOOK_AT_MOVES_EVERY_SECONDS)

    async def sweep(self) -> None:
        while True:
            now = self._clock()
            await self._database.write(lambda c, now=now: parcels.sweep(c, now))  # type: ignore[misc]
            await self._database.write(lambda c, now=now: attachments.give_up_old(c, now))  # type: ignore[misc]
            self._look_at_doors()
            await asyncio.sleep(SWEEP_EVERY_SECONDS)

    async def renew(self) -> None:
        link_key = tls.public_der(self._home.read("keys/link.key"))
        while True:
            now = self._clock()

            def work(connection: Connection, now: datetime = now) -> None:
                # Another replica of this hall may have renewed it.
                keyring.load(connection, self._context)
                entries = renewing.ask_if_due(connection, self._context, link_key, now)
                tables.feed.append(connection, entries)

            await self._database.write(work)
            self._say_how_fresh(now)
            self._wake()
            await asyncio.sleep(LOOK_AT_CERTIFICATE_EVERY_SECONDS)

    def _say_how_fresh(self, now: datetime) -> None:
        """Old trust data are told when they grow old, and every hour while they are."""
        standing = self._context.standing()
        freshness = standing.freshness(now)
        since = self._told_freshness
        if freshness is Freshness.FRESH:
            if since is not None:
                _log.info("the trust data are fresh again: version %s", standing.version)
            self._told_freshness = None
        elif since is None or since[0] is not freshness or now - since[1] >= TELL_AGAIN_AFTER:
            self._told_freshness = freshness, now
            _log.warning(
                "the trust data (version %s) are %s: soft expiry %s, hard expiry %s",
                standing.version,
                freshness.name,
                standing.soft_expires_at,
                standing.hard_expires_at,
            )

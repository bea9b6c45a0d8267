"""Words of simulated halls that lost records: given back by others, and taken in before the hall acts again."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial

from hallnet.case.case import day_of
from hallnet.exchange import tables
from hallnet.exchange.journal import continuity
from hallnet.exchange.link.making_sure import make_sure
from hallnet.exchange.recovery import asking_back, returning
from hallnet.intake import own_words, records
from hallnet.intake import tables as intake_tables
from hallnet.node.feeds import deal
from hallnet.node.waiting import is_set_within
from hallnet.simulate.carrying import Links
from hallnet.simulate.state import HallState
from hallnet.store import Connection
from hallnet.wire.feed.v1 import feed_pb2 as wire_feed

LOOK_SECONDS = 60.0
_UNDER_WAY = (
    "SELECT 1 WHERE EXISTS (SELECT 1 FROM giving_back)"
    " OR EXISTS (SELECT 1 FROM recovery WHERE ended_at IS NULL)"
    " OR EXISTS (SELECT 1 FROM recovery_asked WHERE answered_at IS NULL)"
)
"""Whether `returning.is_under_way` may be true, in plain SQL: it is asked after every batch."""


class Words:
    """What a hall does about words that were lost, its own and those of others."""

    def __init__(self, hall: HallState, links: Links) -> None:
        self._hall = hall
        self._links = links
        self.known = asyncio.Event()
        """Whether the neighbours have said where the journal ends."""
        self._moved, self._came = hall.signals.moved, hall.signals.returned

    async def make_sure(self) -> None:
        """Ask the neighbours where the journal ends, and then let everybody act."""
        hall = self._hall
        wait = timedelta(seconds=hall.rhythm.children_wait)
        pause = hall.rhythm.ask_again
        await make_sure(hall.exchange, hall.context, self._links.loops, hall.now, wait, pause)
        lost = hall.exchange.look(continuity.gaps)
        if lost:
            noticed_on, today = day_of(lost[-1][1]), day_of(hall.now())
            draw = hall.intake_hall.random_bytes(records.WORD_BYTES)
            words = await hall.intake.write(lambda c: records.are_old(c, noticed_on, today, draw))
            hall.intake_hall.records.words = tuple(words)
        self.known.set()
        await self._until_back()
        hall.intake_hall.records.may_act.set()
        self._links.wake_those_with_parcels()
        await asyncio.Event().wait()

    async def give_back(self) -> None:
        """Portion after portion, and see whether what was lost here is back."""
        hall = self._hall
        while True:
            self._moved.clear()
            if not hall.exchange.ask(_UNDER_WAY):
                await self._moved.wait()
            elif await hall.exchange.write(lambda c: returning.go_on(c, hall.context, hall.now())):
                self._came.set()
                self._links.wake_those_with_parcels()
            elif hall.exchange.look(partial(self._waits, now=hall.now())):
                await is_set_within(self._moved, LOOK_SECONDS)
            else:
                await self._moved.wait()

    def _waits(self, connection: Connection, now: datetime) -> bool:
        """Whether something is due when time has passed, and not when something comes."""
        is_waited_for = asking_back.is_under_way(connection)
        return is_waited_for or asking_back.is_to_ask_again(connection, now)

    async def take_back(self) -> None:
        """The intake follows the feed of words that came back."""
        hall, cursors = self._hall, intake_tables.cursors
        while True:
            self._came.clear()
            if not hall.exchange.ask("SELECT 1 FROM returned_feed_run LIMIT 1"):
                # As in nearly all halls for ever.
                await self._came.wait()
                continue
            position = hall.intake.look(lambda c: cursors.position(c, own_words.FEED))
            entries = hall.exchange.look(partial(tables.returned.after, position=position))
            if not entries:
                await self._came.wait()
                continue
            batch = wire_feed.FollowResponse(entries=entries)
            await hall.intake.write(partial(deal, own_words.FEED, batch, cursors, self._take))

    async def _until_back(self) -> None:
        """Returns when this hall may act again."""
        while True:
            if self._are_back():
                return
            await asyncio.sleep(1)

    def _are_back(self) -> bool:
        hall = self._hall
        position = hall.intake.look(lambda c: intake_tables.cursors.position(c, own_words.FEED))
        waits, last = hall.exchange.look(
            lambda c: (asking_back.is_under_way(c), tables.returned.last(c))
        )
        return not waits and position >= last

    def _take(self, connection: Connection, entries: Sequence[wire_feed.FeedEntry]) -> None:
        own_words.take(connection, self._hall.intake_hall, entries, self._hall.now())

"""Putting the exchange together: the one place that knows its concrete parts."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Collection, Sequence
from datetime import datetime, timedelta

from grpc import aio

from hallnet.exchange import believing, following, keyring, tables
from hallnet.exchange.attachment_loops import AttachmentLoops
from hallnet.exchange.chores import Chores
from hallnet.exchange.context import Context
from hallnet.exchange.faces.face import CALLERS, ExchangeFace
from hallnet.exchange.link.incoming import Taken
from hallnet.exchange.link.making_sure import make_sure
from hallnet.exchange.link.neighbours import Neighbours
from hallnet.exchange.queue.watching import HopWatch
from hallnet.federation.continuity import PARENT_WAIT_RESTORED
from hallnet.node.client import open_channel
from hallnet.node.feeds import FeedFace, follow
from hallnet.node.forgetting import forget_answers
from hallnet.node.home import Home, Part
from hallnet.node.server import Server
from hallnet.places import Address, divisions
from hallnet.store import Connection, Database
from hallnet.store.migrating import migrate
from hallnet.trust.believed import Trust, suites_of
from hallnet.trust.suite import Suite
from hallnet.wire.exchange.v1 import exchange_service_pb2 as wire
from hallnet.wire.exchange.v1 import exchange_service_pb2_grpc as wire_grpc
from hallnet.wire.feed.v1 import feed_pb2 as wire_feed


class Exchange:
    """The exchange of a node."""

    part = Part.EXCHANGE

    def __init__(self, home: Home, version: str, clock: Callable[[], datetime]) -> None:
        self._home = home
        self._settings = home.settings()
        self._version = version
        self._clock = clock
        self._database = Database(home.database_url("exchange"), "exchange", home.vault(self.part))
        migrate(self._database, "hallnet.exchange")
        for feed in (tables.feed, tables.returned):
            self._database.transact(lambda c, feed=feed: feed.leap(c, clock()))  # type: ignore[misc]
        self._context = _recalled(home, self._database, clock())
        self._watch = HopWatch(str(self._context.here))
        self._channels: list[aio.Channel] = []
        self._neighbours = Neighbours(
            self._database,
            self._context,
            home,
            version,
            clock,
            self._watch,
            self._taken_in,
            self._wake_links,
        )
        self._attachments = AttachmentLoops(
            self._database,
            self._context,
            home,
            clock,
            self._wake,
            self._neighbours.run_length,
        )
        self._chores = Chores(
            self._database,
            self._context,
            home,
            clock,
            self._wake,
            self._neighbours.look_at_doors,
        )
        self._sure = asyncio.Event()

    def serve(self, server: Server, feeds: FeedFace) -> None:
        face = ExchangeFace(
            self._database,
            self._context,
            self._home,
            self._version,
            self._watch,
            self._clock,
            self._neighbours.doors_changed,
            self._attachments.came.set,
            self._sure,
        )
        server.add(
            wire.DESCRIPTOR.services_by_name["ExchangeService"],
            wire_grpc.add_ExchangeServiceServicer_to_server,
            face,
            CALLERS,
        )
        feeds.add(tables.feed, self._database)
        feeds.add(tables.returned, self._database)

    def loops(self) -> Sequence[tuple[str, Callable[[], Awaitable[None]]]]:
        endpoints = self._settings.endpoints
        loops: list[tuple[str, Callable[[], Awaitable[None]]]] = [
            ("exchange asks where its journal ends", self._make_sure),
            ("exchange follows intake", self._once_sure(self._follow("intake", endpoints.intake))),
            (
                "exchange follows branch-sync",
                self._once_sure(self._follow("branch-sync", endpoints.branch_sync)),
            ),
            ("exchange retransmits", self._once_sure(self._chores.retransmit)),
            ("exchange gives back", self._once_sure(self._chores.give_back)),
            ("exchange sends attachments", self._once_sure(self._attachments.send)),
            ("exchange looks after attachments", self._attachments.look_after),
            ("exchange sweeps", self._chores.sweep),
            ("exchange moves halls", self._once_sure(self._chores.move_halls)),
            (
                "exchange forgets old answers",
                forget_answers(self._database, tables.answered, self._clock),
            ),
            ("exchange renews its certificate", self._once_sure(self._chores.renew)),
        ]
        loops += self._neighbours.loops()
        return loops

    async def close(self) -> None:
        await self._neighbours.close()
        await self._attachments.close()
        for channel in self._channels:
            await channel.close()
        self._database.close()

    # The end of the journal

    def _once_sure(self, body: Callable[[], Awaitable[None]]) -> Callable[[], Awaitable[None]]:
        """For what adds to the journal."""

        async def run() -> None:
            await self._sure.wait()
            await body()

        return run

    async def _make_sure(self) -> None:
        await make_sure(self._database, self._context, self._neighbours.links, self._clock)
        self._home.is_known_again()
        self._sure.set()
        await asyncio.Event().wait()

    # Feeds

    def _follow(self, feed: str, address: str) -> Callable[[], Awaitable[None]]:
        async def run() -> None:
            channel = open_channel(self._home, Part.EXCHANGE, address)
            self._channels.append(channel)
            await follow(
                channel,
                feed,
                "exchange",
                self._database,
                tables.cursors,
                self._carry,
                self._wake,
                following.concerns,
            )

        return run

    def _carry(self, connection: Connection, entries: Sequence[wire_feed.FeedEntry]) -> None:
        following.take(connection, self._context, entries, self._clock())

    # Waking

    def _taken_in(self, taken: Taken) -> None:
        self._announce()
        if taken.has_materials:
            self._attachments.kept(taken.kept_chunks)

    def _wake_links(self, neighbours: Collection[Address]) -> None:
        # Receipts may have come in: there may be room for more of a material, or of what is given back.
        self._attachments.wished.set()
        self._chores.may_give.set()
        self._neighbours.wake(neighbours)

    def _announce(self) -> None:
        tables.feed.announce()
        tables.returned.announce()

    def _wake(self) -> None:
        self._announce()
        if not self._neighbours.has_links_to_children:
            # What was believed made known one that had been forgotten.
            self._neighbours.doors_changed()
        self._attachments.wished.set()
        self._neighbours.wake_all()


def _recalled(home: Home, database: Database, now: datetime) -> Context:
    """What this hall is, whom it believes and what it has keys for, as it was left."""
    identity, settings = home.identity(), home.settings()
    own = identity.chain[:-1]
    trust = Trust([identity.chain[-1]], suites_of(identity.chain))
    trust.learn(own)
    wanted = settings.hall.suite
    minutes = settings.journal.parent_wait_minutes
    context = Context(
        identity,
        trust,
        divisions(),
        os.urandom,
        incarnation=os.urandom(8),
        children=database.transact(lambda c: believing.load(c, trust)),
        is_sure=False,
        wanted_suite=Suite(wanted) if wanted else None,
    )
    context.parent_wait = PARENT_WAIT_RESTORED if home.is_restored() else timedelta(minutes=minutes)
    # Kept before another chain takes its place in the home: what it signed has to be proved for ever.
    database.transact(lambda c: believing.learn(c, context, own, now))
    database.transact(lambda c: keyring.load(c, context))
    return context

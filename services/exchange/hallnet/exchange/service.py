"""Putting the exchange together: the one place that knows its concrete parts."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Awaitable, Callable, Collection, Sequence
from datetime import datetime, timedelta
from functools import partial

from grpc import aio

from hallnet.exchange import attachments, believing, following, keyring, replicas, tables
from hallnet.exchange.attachment_loops import AttachmentLoops
from hallnet.exchange.certificates import inviting, moving, renewing
from hallnet.exchange.context import Context
from hallnet.exchange.faces.face import CALLERS, ExchangeFace
from hallnet.exchange.journal import numbering
from hallnet.exchange.link import links
from hallnet.exchange.link.incoming import Taken, take_batch
from hallnet.exchange.link.link_loop import LinkLoop
from hallnet.exchange.link.making_sure import make_sure
from hallnet.exchange.link.reception import Reception
from hallnet.exchange.link.sending import OUT_OF_ORDER
from hallnet.exchange.queue import outgoing, parcels
from hallnet.exchange.queue.watching import HopWatch
from hallnet.exchange.recovery import returning
from hallnet.federation.continuity import PARENT_WAIT_RESTORED
from hallnet.node import broker, telemetry, tls
from hallnet.node.broker import subject_of_invitation, subjects_down, subjects_up
from hallnet.node.client import open_channel
from hallnet.node.feeds import FeedFace, follow
from hallnet.node.forgetting import forget_answers
from hallnet.node.home import Home, Part
from hallnet.node.lifecycle import keep_running
from hallnet.node.messaging import LinkClient
from hallnet.node.server import Server
from hallnet.node.waiting import is_set_within
from hallnet.places import Address, divisions
from hallnet.store import Connection, Database
from hallnet.store.migrating import migrate
from hallnet.store.room import measured
from hallnet.trust.believed import Trust, suites_of
from hallnet.trust.freshness import Freshness
from hallnet.trust.suite import Suite
from hallnet.wire.exchange.v1 import exchange_service_pb2 as wire
from hallnet.wire.exchange.v1 import exchange_service_pb2_grpc as wire_grpc
from hallnet.wire.exchange.v1 import link_pb2 as wire_link
from hallnet.wire.feed.v1 import feed_pb2 as wire_feed

RETRANSMIT_EVERY_SECONDS = 5.0
GIVE_BACK_EVERY_SECONDS = 1.0
"""How soon a wish is noticed; while one is answered, receipts wake the loop."""
SWEEP_EVERY_SECONDS = 600.0
LOOK_AT_MOVES_EVERY_SECONDS = 5.0
LOOK_AT_CERTIFICATE_EVERY_SECONDS = 60.0
TELL_AGAIN_AFTER = timedelta(hours=1)
ORDER_TRIES = 20
ORDER_PAUSE_SECONDS = 0.05
QUEUE = "exchange"
"""Replicas of the exchange of a big hall share the requests of its children."""

_log = logging.getLogger("hallnet.exchange")


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
        identity = home.identity()
        wanted = self._settings.hall.suite
        trust = Trust([identity.chain[-1]], suites_of(identity.chain))
        trust.learn(identity.chain[:-1])
        children = self._database.transact(lambda c: believing.load(c, trust))
        self._context = Context(
            identity,
            trust,
            divisions(),
            os.urandom,
            incarnation=os.urandom(8),
            children=children,
            is_sure=False,
            wanted_suite=Suite(wanted) if wanted else None,
        )
        # Kept before another chain takes its place in the home: what it signed has to be proved for ever.
        own = identity.chain[:-1]
        self._database.transact(lambda c: believing.learn(c, self._context, own, clock()))
        self._database.transact(lambda c: keyring.load(c, self._context))
        minutes = self._settings.journal.parent_wait_minutes
        self._context.parent_wait = (
            PARENT_WAIT_RESTORED if home.is_restored() else timedelta(minutes=minutes)
        )
        self._watch = HopWatch(str(identity.address))
        self._channels: list[aio.Channel] = []
        self._links: dict[Address, LinkLoop] = {}
        self._link_tasks: dict[Address, asyncio.Task[None]] = {}
        self._reception = Reception(self._take_one, self._clock)
        self._attachments = AttachmentLoops(
            self._database, self._context, home, self._clock, self._wake, self._run_length
        )
        # On SQLite a node has one process.
        self._has_replicas = not self._database.is_sqlite
        self._belief = self._database.look(replicas.belief)
        self._mine: frozenset[Address] = frozenset()
        self._links_began = asyncio.Event()
        self._sure = asyncio.Event()
        self._to_give = asyncio.Event()
        self._look_at_room()
        self._told_freshness: tuple[Freshness, datetime] | None = None
        self._up = self._parent_client()
        self._down = self._own_client()

    def serve(self, server: Server, feeds: FeedFace) -> None:
        face = ExchangeFace(
            self._database,
            self._context,
            self._home,
            self._version,
            self._watch,
            self._clock,
            self._doors_changed,
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
            ("exchange retransmits", self._once_sure(self._retransmit)),
            ("exchange gives back", self._once_sure(self._give_back)),
            ("exchange sends attachments", self._once_sure(self._attachments.send)),
            ("exchange looks after attachments", self._attachments.look_after),
            ("exchange sweeps", self._sweep),
            ("exchange moves halls", self._once_sure(self._move_halls)),
            (
                "exchange forgets old answers",
                forget_answers(self._database, tables.answered, self._clock),
            ),
            ("exchange renews its certificate", self._once_sure(self._renew)),
        ]
        if self._has_replicas:
            loops.append(("exchange shares its links with others", self._share_links))
        if self._up is not None:
            loops += [
                ("exchange keeps the link up", self._up.run),
                ("exchange says hello", self._greet_parent),
            ]
        if self._down is not None:
            if self._write_broker_configuration():
                broker.reload(self._home)
            if self._settings.broker.supervised:
                broker.end_orphan(self._home)
                loops.append(("exchange runs its message server", self._run_broker))
            loops.append(("exchange keeps the links down", self._down.run))
        return loops

    async def close(self) -> None:
        for task in self._link_tasks.values():
            task.cancel()
        await asyncio.gather(*self._link_tasks.values(), return_exceptions=True)
        if self._has_replicas:
            incarnation = self._context.incarnation
            await self._database.write(lambda c: replicas.leave(c, incarnation))
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
        await make_sure(self._database, self._context, self._links, self._clock)
        self._home.is_known_again()
        self._sure.set()
        await asyncio.Event().wait()

    # Links

    def _parent_client(self) -> LinkClient | None:
        parent = self._context.parent
        if parent is None:
            return None
        here = self._context.here
        client = LinkClient(
            self._settings.broker.parent_url or self._home.welcome().broker_url,
            str(here),
            self._home.path("trust/parent-link.pem"),
            self._home.path("keys/link.key"),
            self._home.path("trust/parent-authority.pem"),
        )
        client.serve(f"{subjects_down(here)}.batch", QUEUE, self._take_batch)
        client.serve(f"{subjects_down(here)}.hello", QUEUE, self._take_hello)
        client.on_up(self._start_parent_link)
        return client

    def _own_client(self) -> LinkClient | None:
        if not self._settings.broker.listen:
            return None
        client = LinkClient(
            self._settings.broker.own_url,
            str(self._context.here),
            self._home.path("tls/own-link.pem"),
            self._home.path("tls/own-link.key"),
            self._home.path("trust/link-authority.pem"),
        )
        client.serve("up.*.batch", QUEUE, self._take_batch, broker.asker)
        client.serve("up.*.hello", QUEUE, self._take_hello, broker.asker)
        client.serve(subject_of_invitation("*"), QUEUE, self._take_newcomer, broker.asker)
        client.on_up(self._start_child_links)
        return client

    async def _start_parent_link(self) -> None:
        assert self._up is not None
        assert self._context.parent is not None
        subject = subjects_up(self._context.here)
        loop = self._start_link(self._context.parent, self._up, subject)
        await loop.say_hello()

    async def _start_child_links(self) -> None:
        assert self._down is not None
        for child in sorted(self._context.children):
            loop = self._start_link(child, self._down, subjects_down(child))
            await loop.say_hello()

    def _start_link(self, neighbour: Address, client: LinkClient, subject: str) -> LinkLoop:
        known = self._links.get(neighbour)
        if known is not None:
            known.wake()
            return known
        loop = LinkLoop(
            neighbour,
            client,
            subject,
            self._database,
            self._context,
            self._watch,
            self._version,
            self._clock,
            self._wake_links,
        )
        if self._has_replicas:
            loop.share(neighbour in self._mine, beside_others=True)
            self._links_began.set()
        self._links[neighbour] = loop
        name = f"exchange carries to {neighbour}"
        self._link_tasks[neighbour] = asyncio.create_task(keep_running(name, loop.run), name=name)
        return loop

    def _doors_changed(self) -> None:
        """A child was certified or invited and may dial in from now on, or was shut out and may not."""
        self._children_changed()
        if self._write_broker_configuration():
            broker.reload(self._home)

    def _children_changed(self) -> None:
        known = self._database.look(lambda c: believing.children(c))
        self._context.children = known
        for gone in self._links.keys() - known - {self._context.parent}:
            self._link_tasks.pop(gone).cancel()
            del self._links[gone]
        if self._down is not None:
            for child in known:
                self._start_link(child, self._down, subjects_down(child))

    def _write_broker_configuration(self) -> bool:
        """Bring the message server's configuration up to date; True if it changed."""
        listen, context = self._settings.broker.listen, self._context
        if not listen:
            return False
        admitted = self._database.look(lambda c: inviting.admitted(c, self._clock()))
        return broker.write_configuration(
            self._home, listen, context.here, context.children, admitted
        )

    async def _run_broker(self) -> None:
        await broker.supervise(self._home)

    async def _greet_parent(self) -> None:
        assert self._context.parent is not None
        while True:
            await asyncio.sleep(links.HELLO_EVERY.total_seconds())
            loop = self._links.get(self._context.parent)
            if loop is not None and self._sends_to(self._context.parent):
                await loop.say_hello()

    def _sends_to(self, neighbour: Address) -> bool:
        return not self._has_replicas or neighbour in self._mine

    async def _share_links(self) -> None:
        """Say that this process is alive, and learn over which links it is to send and what others learned."""
        while True:
            self._links_began.clear()
            # One is let go of once it has come to rest.
            busy = {neighbour for neighbour, loop in self._links.items() if loop.may_be_at_work}
            context = self._context
            share = partial(
                replicas.share,
                context.incarnation,
                set(self._links),
                busy,
                context.is_sure,
                self._clock(),
            )
            alive, self._mine, belief, one_is_sure = await self._database.write(share)
            if one_is_sure and not context.is_sure:
                context.journal_number = await self._database.read(numbering.current)
            # This process may have come to know it meanwhile.
            context.is_sure = context.is_sure or one_is_sure
            for neighbour, loop in self._links.items():
                loop.share(neighbour in self._mine, beside_others=len(alive) > 1)
            presence = replicas.presence(alive)
            if presence != self._context.presence:
                self._context.presence = presence
                for neighbour in self._mine & self._links.keys():
                    await self._links[neighbour].say_hello()
            if belief != self._belief:
                await self._database.read(lambda c: believing.load(c, self._context.trust))
                self._belief = belief
                self._children_changed()
            await is_set_within(self._links_began, replicas.BEAT_SECONDS)

    async def _take_batch(self, subject: str, data: bytes) -> bytes:
        return await self._reception.receive(self._neighbour_of(subject), data)

    async def _take_one(self, neighbour: Address, data: bytes) -> wire_link.BatchReply:
        now = self._clock()
        self._look_at_room()

        def take(connection: Connection) -> Taken:
            return take_batch(connection, self._context, neighbour, data, now)

        with telemetry.span("take batch", neighbour=str(neighbour)):
            taken = await self._database.write(take)
            if self._has_replicas:
                # Another process may have the one before it in hand.
                tries = ORDER_TRIES
                while tries and taken.reply.reason == OUT_OF_ORDER:
                    tries -= 1
                    await asyncio.sleep(ORDER_PAUSE_SECONDS)
                    taken = await self._database.write(take)
        self._announce()
        if taken.has_materials:
            self._attachments.kept(taken.kept_chunks)
        self._watch.show(taken.hops, now)
        self._wake_links(taken.wake | {neighbour})
        return taken.reply

    async def _take_newcomer(self, subject: str, data: bytes) -> bytes:
        """A request with an invitation: the message server vouches for the subject."""
        door = inviting.Door(self._settings.broker.url, self._home.link_authority())
        # Without an answer it asks again.
        self._context.require_sure()
        now = self._clock()
        reply, joined = await self._database.write(
            lambda c: inviting.answer(c, self._context, subject.rpartition(".")[2], data, door, now)
        )
        tables.feed.announce()
        if joined:
            self._doors_changed()
        return reply.SerializeToString()

    async def _take_hello(self, subject: str, data: bytes) -> bytes:
        loop = self._links.get(self._neighbour_of(subject))
        if loop is None:
            return wire_link.HelloReply(reason="LINK_UNKNOWN").SerializeToString()
        return await loop.answer_hello(data)

    def _neighbour_of(self, subject: str) -> Address:
        """Who is at the other end: the message server vouches for the subject."""
        if subject.startswith("down."):
            assert self._context.parent is not None
            return self._context.parent
        return Address.parse(broker.asker(subject))

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

    def _run_length(self, recipient: Address) -> int:
        """How many chunks in a row go to a hall in one envelope: the lines behind a neighbour are not known."""
        link = self._links.get(recipient)
        return link.run_length if link is not None else 1

    def _wake_links(self, neighbours: Collection[Address]) -> None:
        # Receipts may have come in: there may be room for more of a material, or of what is given back.
        self._attachments.wished.set()
        self._to_give.set()
        for neighbour in neighbours:
            if neighbour in self._links:
                self._links[neighbour].wake()

    def _announce(self) -> None:
        tables.feed.announce()
        tables.returned.announce()

    def _wake(self) -> None:
        self._announce()
        self._attachments.wished.set()
        for loop in self._links.values():
            loop.wake()

    # Words of halls that lost records

    async def _give_back(self) -> None:
        """Give back what was asked for, portion after portion, and see whether what was lost here is back."""
        while True:
            self._to_give.clear()
            now = self._clock()
            if not await self._database.read(returning.is_under_way):
                await asyncio.sleep(GIVE_BACK_EVERY_SECONDS)
            elif await self._database.write(partial(self._go_on_giving, now=now)):
                self._wake()
            else:
                await is_set_within(self._to_give, GIVE_BACK_EVERY_SECONDS)

    def _go_on_giving(self, connection: Connection, now: datetime) -> bool:
        return returning.go_on(connection, self._context, now)

    # Housekeeping

    async def _retransmit(self) -> None:
        while True:
            now = self._clock()

            def work(connection: Connection, now: datetime = now) -> int:
                count, entries = outgoing.send_due_again(connection, now)
                tables.feed.append(connection, entries)
                return count

            if await self._database.write(work):
                self._wake()
            await asyncio.sleep(RETRANSMIT_EVERY_SECONDS)

    async def _move_halls(self) -> None:
        while True:
            now = self._clock()

            def work(connection: Connection, now: datetime = now) -> None:
                told = moving.carry_out(connection, self._context, now)
                if told:
                    tables.feed.append(connection, told)

            await self._database.write(work)
            tables.feed.announce()
            await asyncio.sleep(LOOK_AT_MOVES_EVERY_SECONDS)

    def _look_at_room(self) -> None:
        folder = self._settings.watched_folder(self._home.folder)
        self._context.room = measured(folder, self._settings.store.free_bytes_min)

    async def _sweep(self) -> None:
        while True:
            now = self._clock()
            await self._database.write(lambda c, now=now: parcels.sweep(c, now))  # type: ignore[misc]
            await self._database.write(lambda c, now=now: attachments.give_up_old(c, now))  # type: ignore[misc]
            # Invitations end by themselves.
            if self._write_broker_configuration():
                broker.reload(self._home)
            await asyncio.sleep(SWEEP_EVERY_SECONDS)

    async def _renew(self) -> None:
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

"""The links of a hall: a message client up and one down, a loop for each neighbour, what comes in over them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sequence
from datetime import datetime
from functools import partial

from hallnet.exchange import believing, replicas, tables
from hallnet.exchange.certificates import inviting
from hallnet.exchange.context import Context
from hallnet.exchange.journal import numbering
from hallnet.exchange.link import links
from hallnet.exchange.link.incoming import Taken, take_batch
from hallnet.exchange.link.link_loop import LinkLoop
from hallnet.exchange.link.reception import Reception
from hallnet.exchange.link.sending import OUT_OF_ORDER
from hallnet.exchange.queue.watching import HopWatch
from hallnet.node import broker, telemetry
from hallnet.node.broker import subject_of_invitation, subjects_down, subjects_up
from hallnet.node.home import Home
from hallnet.node.lifecycle import keep_running
from hallnet.node.messaging import LinkClient
from hallnet.node.waiting import is_set_within
from hallnet.places import Address
from hallnet.store import Connection, Database
from hallnet.store.room import measured
from hallnet.wire.exchange.v1 import link_pb2 as wire_link

ORDER_TRIES = 20
ORDER_PAUSE_SECONDS = 0.05
QUEUE = "exchange"
"""Replicas of the exchange of a big hall share the requests of its children."""


class Neighbours:
    """Who is at the other ends of a hall's links, as far as this process sends to them."""

    def __init__(
        self,
        database: Database,
        context: Context,
        home: Home,
        version: str,
        clock: Callable[[], datetime],
        watch: HopWatch,
        taken_in: Callable[[Taken], None],
        woken: Callable[[Collection[Address]], None],
    ) -> None:
        self._database = database
        self._context = context
        self._home = home
        self._settings = home.settings()
        self._version = version
        self._clock = clock
        self._watch = watch
        self._taken_in = taken_in
        self._woken = woken
        self.links: dict[Address, LinkLoop] = {}
        self._link_tasks: dict[Address, asyncio.Task[None]] = {}
        self._reception = Reception(self._take_one, clock)
        # On SQLite a node has one process.
        self._has_replicas = not database.is_sqlite
        self._belief = database.look(replicas.belief)
        self._mine: frozenset[Address] = frozenset()
        self._links_began = asyncio.Event()
        self._look_at_room()
        self._up = self._parent_client()
        self._down = self._own_client()

    def loops(self) -> Sequence[tuple[str, Callable[[], Awaitable[None]]]]:
        loops: list[tuple[str, Callable[[], Awaitable[None]]]] = []
        if self._has_replicas:
            loops.append(("exchange shares its links with others", self._share_links))
        if self._up is not None:
            loops += [
                ("exchange keeps the link up", self._up.run),
                ("exchange says hello", self._greet_parent),
            ]
        if self._down is not None:
            self.look_at_doors()
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

    def wake(self, neighbours: Collection[Address]) -> None:
        """There may be something to send to them."""
        for neighbour in neighbours:
            if neighbour in self.links:
                self.links[neighbour].wake()

    def wake_all(self) -> None:
        for loop in self.links.values():
            loop.wake()

    def run_length(self, recipient: Address) -> int:
        """How many chunks in a row go to a hall in one envelope: the lines behind a neighbour are not known."""
        link = self.links.get(recipient)
        return link.run_length if link is not None else 1

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
        known = self.links.get(neighbour)
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
            self._woken,
        )
        if self._has_replicas:
            loop.share(neighbour in self._mine, beside_others=True)
            self._links_began.set()
        self.links[neighbour] = loop
        name = f"exchange carries to {neighbour}"
        self._link_tasks[neighbour] = asyncio.create_task(keep_running(name, loop.run), name=name)
        return loop

    @property
    def has_links_to_children(self) -> bool:
        """Whether each child that may dial in has a link, once there are links at all."""
        return self._down is None or self._context.children <= self.links.keys()

    def doors_changed(self) -> None:
        """A child was certified or invited and may dial in from now on, or was shut out and may not."""
        self._children_changed()
        self.look_at_doors()

    def look_at_doors(self) -> None:
        """Have the message server admit whom it is to admit now; invitations end by themselves."""
        if self._write_broker_configuration():
            broker.reload(self._home)

    def _children_changed(self) -> None:
        known = self._database.look(lambda c: believing.children(c))
        self._context.children = known
        for gone in self.links.keys() - known - {self._context.parent}:
            self._link_tasks.pop(gone).cancel()
            del self.links[gone]
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
            loop = self.links.get(self._context.parent)
            if loop is not None and self._sends_to(self._context.parent):
                await loop.say_hello()

    def _sends_to(self, neighbour: Address) -> bool:
        return not self._has_replicas or neighbour in self._mine

    async def _share_links(self) -> None:
        """Say that this process is alive, and learn over which links it is to send and what others learned."""
        while True:
            self._links_began.clear()
            # One is let go of once it has come to rest.
            busy = {neighbour for neighbour, loop in self.links.items() if loop.may_be_at_work}
            context = self._context
            share = partial(
                replicas.share,
                context.incarnation,
                set(self.links),
                busy,
                context.is_sure,
                self._clock(),
            )
            alive, self._mine, belief, one_is_sure = await self._database.write(share)
            if one_is_sure and not context.is_sure:
                context.journal_number = await self._database.read(numbering.current)
            # This process may have come to know it meanwhile.
            context.is_sure = context.is_sure or one_is_sure
            for neighbour, loop in self.links.items():
                loop.share(neighbour in self._mine, beside_others=len(alive) > 1)
            presence = replicas.presence(alive)
            if presence != self._context.presence:
                self._context.presence = presence
                for neighbour in self._mine & self.links.keys():
                    await self.links[neighbour].say_hello()
            if belief != self._belief:
                await self._database.read(lambda c: believing.load(c, self._context.trust))
                self._belief = belief
                self._children_changed()
            await is_set_within(self._links_began, replicas.BEAT_SECONDS)

    # What comes in

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
        self._taken_in(taken)
        self._watch.show(taken.hops, now)
        self._woken(taken.wake | {neighbour})
        return taken.reply

    def _look_at_room(self) -> None:
        folder = self._settings.watched_folder(self._home.folder)
        self._context.room = measured(folder, self._settings.store.free_bytes_min)

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
            self.doors_changed()
        return reply.SerializeToString()

    async def _take_hello(self, subject: str, data: bytes) -> bytes:
        loop = self.links.get(self._neighbour_of(subject))
        if loop is None:
            return wire_link.HelloReply(reason="LINK_UNKNOWN").SerializeToString()
        return await loop.answer_hello(data)

    def _neighbour_of(self, subject: str) -> Address:
        """Who is at the other end: the message server vouches for the subject."""
        if subject.startswith("down."):
            assert self._context.parent is not None
            return self._context.parent
        return Address.parse(broker.asker(subject))

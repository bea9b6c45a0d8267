"""The live side of a link: batches go out one at a time, hellos come and go."""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Callable, Collection
from datetime import datetime

from hallnet.codec import parse
from hallnet.exchange import links, sending, tables
from hallnet.exchange.context import Context
from hallnet.exchange.watching import HopWatch
from hallnet.federation import limits
from hallnet.federation.pace import Pace, patience
from hallnet.node.messaging import LinkClient, NeighbourAbsent, NeighbourSilent
from hallnet.node.waiting import is_set_within
from hallnet.places import Address
from hallnet.problems import Problem
from hallnet.store import Connection, Database
from hallnet.wire.exchange.v1 import link_pb2 as wire

HELLO_REPLY_SECONDS = 5.0
PAUSE_SECONDS_MIN = 0.01
IDLE_SECONDS = 2.0
"""How soon something is noticed that another process queued; this process wakes the loop itself."""

_log = logging.getLogger("hallnet.exchange.link")


class LinkLoop:
    """Carries what waits for one neighbour."""

    def __init__(
        self,
        neighbour: Address,
        client: LinkClient,
        subject: str,
        database: Database,
        context: Context,
        watch: HopWatch,
        version: str,
        clock: Callable[[], datetime],
        wake_others: Callable[[Collection[Address]], None],
    ) -> None:
        self._neighbour = neighbour
        self._client = client
        self._subject = subject
        self._database = database
        self._context = context
        self._watch = watch
        self._version = version
        self._clock = clock
        self._wake_others = wake_others
        self._wake = asyncio.Event()
        self._restarted = asyncio.Event()
        self._incarnation = b""
        self._credit = limits.BATCH_BYTES_MAX
        self._pace = Pace()

    @property
    def _batch_bytes(self) -> int:
        """What the neighbour will take and the line carries."""
        return min(self._credit, self._pace.batch_bytes)

    def wake(self) -> None:
        """Something waits, or the neighbour is back."""
        self._wake.set()

    async def run(self) -> None:
        """Send for ever: in order, one batch under way, pauses as the link says."""
        while True:
            self._wake.clear()
            pause, batch = await self._database.read(self._look)
            if batch is None:
                await is_set_within(self._wake, max(pause, PAUSE_SECONDS_MIN))
            else:
                await self._carry(batch)

    async def say_hello(self) -> None:
        """Tell the neighbour that this node is here, and note what it answers."""
        hello = await self._database.read(
            lambda c: links.hello(c, self._context, self._neighbour, self._version, self._clock())
        )
        try:
            data = await self._client.request(
                f"{self._subject}.hello", hello.SerializeToString(), HELLO_REPLY_SECONDS
            )
        except (NeighbourAbsent, NeighbourSilent):
            reply = wire.HelloReply(reason="NEIGHBOUR_SILENT")
        else:
            reply = _hello_reply(data)
            if reply.reason:
                _log.warning("%s refuses the link: %s", self._neighbour, reply.reason)
        if reply.reason:
            await self._database.write(lambda c: links.not_heard(c, self._neighbour))
        else:
            await self.take_hello(reply.hello)

    async def take_hello(self, hello: wire.Hello) -> None:
        """The neighbour is there: whatever pause there was is over.

        If it was restarted, what was under way to it will not be answered and goes again at once.
        """
        if hello.incarnation != self._incarnation:
            self._incarnation = hello.incarnation
            self._restarted.set()
        now = self._clock()

        def note(connection: Connection) -> None:
            entries = links.take_hello(connection, self._context, self._neighbour, hello, now)
            if entries:
                tables.feed.append(connection, entries)

        await self._database.write(note)
        tables.feed.announce()
        self.wake()

    def _look(self, connection: Connection) -> tuple[float, sending.Batch | None]:
        """What goes next; if nothing does, for how many seconds to pause."""
        link, now = links.load(connection, self._neighbour), self._clock()
        if not link.may_send(now):
            assert link.next_try_at is not None
            return (link.next_try_at - now).total_seconds(), None
        batch = sending.next_batch(
            connection, self._context, self._neighbour, self._batch_bytes, now
        )
        return IDLE_SECONDS, batch

    async def _next_batch(self, under_way: sending.Batch) -> sending.Batch | None:
        return await self._database.read(
            lambda c: sending.next_batch(
                c, self._context, self._neighbour, self._batch_bytes, self._clock(), under_way
            )
        )

    async def _carry(self, batch: sending.Batch | None) -> None:
        """Carry batch after batch, until nothing waits or there is to be a pause.

        While one is under way the answer to the one before is noted and the next one is made.
        """
        answered: tuple[sending.Batch, wire.BatchReply] | None = None
        while batch is not None:
            async with asyncio.TaskGroup() as together:
                request = together.create_task(self._request(batch.data))
                meanwhile = together.create_task(self._meanwhile(answered, batch))
            data, after = request.result(), meanwhile.result()
            if data is None:
                return
            reply = sending.read_reply(data)
            answered = batch, reply
            goes_on = sending.went_through(reply, batch)
            self._credit = reply.credit_bytes if goes_on else self._credit
            fits = after is not None and len(after.data) <= self._batch_bytes
            batch = after if goes_on and fits else None
        if answered is not None:
            await self._note(*answered)

    async def _meanwhile(
        self, answered: tuple[sending.Batch, wire.BatchReply] | None, under_way: sending.Batch
    ) -> sending.Batch | None:
        if answered is not None:
            await self._note(*answered)
        return await self._next_batch(under_way)

    async def _note(self, batch: sending.Batch, reply: wire.BatchReply) -> None:
        now = self._clock()

        def apply(connection: Connection) -> sending.Applied:
            applied = sending.apply_reply(
                connection, self._context, self._neighbour, batch, reply, now, random.random()
            )
            tables.feed.append(connection, applied.entries)
            return applied

        applied = await self._database.write(apply)
        if applied.entries:
            tables.feed.announce()
        self._wake_others(applied.wake)
        self._watch.show(applied.hops, now)

    async def _request(self, data: bytes) -> bytes | None:
        """The reply to a batch; None if there is none or the neighbour was restarted meanwhile."""
        self._restarted.clear()
        began = time.monotonic()
        reply = asyncio.create_task(
            self._client.request(f"{self._subject}.batch", data, patience(len(data)))
        )
        restarted = asyncio.create_task(self._restarted.wait())
        done, _ = await asyncio.wait({reply, restarted}, return_when=asyncio.FIRST_COMPLETED)
        restarted.cancel()
        if reply not in done:
            reply.cancel()
            return None
        try:
            answer = reply.result()
        except (NeighbourAbsent, NeighbourSilent) as error:
            if isinstance(error, NeighbourSilent):
                self._pace = self._pace.silent()
            await self._database.write(
                lambda c: sending.no_reply(c, self._neighbour, self._clock(), random.random())
            )
            return None
        self._pace = self._pace.answered(len(data), time.monotonic() - began)
        return answer


def _hello_reply(data: bytes) -> wire.HelloReply:
    try:
        return parse(wire.HelloReply, data)
    except Problem:
        return wire.HelloReply(reason="HELLO_MALFORMED")

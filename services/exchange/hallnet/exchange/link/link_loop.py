"""The live side of a link: batches go out in order, hellos come and go."""

from __future__ import annotations

import asyncio
import logging
import random
from collections import deque
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from hallnet.codec import parse
from hallnet.exchange import tables
from hallnet.exchange.context import Context
from hallnet.exchange.link import links, sending
from hallnet.exchange.queue.watching import HopWatch
from hallnet.federation import chunks, limits
from hallnet.federation.pace import UNDER_WAY_MAX, Pace, patience
from hallnet.node.messaging import LinkClient, NeighbourAbsent, NeighbourSilent
from hallnet.node.waiting import is_set_within
from hallnet.places import Address
from hallnet.problems import Problem
from hallnet.store import Connection, Database
from hallnet.wire.exchange.v1 import link_pb2 as wire

HELLO_REPLY_SECONDS = 5.0
PAUSE_SECONDS_MIN = 0.01
IDLE_SECONDS = 2.0
"""How soon is looked whether something waits that nobody told of; this process wakes the loop itself."""
IDLE_BESIDE_OTHERS_SECONDS = 0.2
"""The same where other processes of this exchange may have queued it."""
INCARNATIONS_MAX = 16
"""Of a neighbour, each of its processes one: the newest are remembered."""

_log = logging.getLogger("hallnet.exchange.link")


@dataclass(frozen=True, slots=True)
class _UnderWay:
    """A batch that was sent and is not answered."""

    batch: sending.Batch
    request: asyncio.Task[bytes | None]
    since: float


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
        idle_seconds: float = IDLE_SECONDS,
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
        self._incarnations: deque[bytes] = deque(maxlen=INCARNATIONS_MAX)
        self._may_send = True
        self._idle_seconds = idle_seconds
        self._is_at_work = False
        self._credit = limits.BATCH_BYTES_MAX
        self._takes_chunks = 1
        self._pace = Pace()
        self._answered_at = 0.0

    def wake(self) -> None:
        """Something waits, or the neighbour is back."""
        self._wake.set()

    @property
    def may_be_at_work(self) -> bool:
        """Whether something is under way, or could be at any moment."""
        return self._may_send or self._is_at_work

    @property
    def run_length(self) -> int:
        """How many chunks of a material in a row go in one envelope to this neighbour."""
        fitting = chunks.run_length(self._pace.share(self._credit))
        return min(fitting, self._takes_chunks)

    def share(self, may_send: bool, beside_others: bool) -> None:
        """Whether it is for this process to send, and whether there are others of this exchange."""
        self._idle_seconds = IDLE_BESIDE_OTHERS_SECONDS if beside_others else IDLE_SECONDS
        if may_send and not self._may_send:
            self._wake.set()
        self._may_send = may_send

    async def run(self) -> None:
        """Send for ever: in order, few batches under way, pauses as the link says."""
        while True:
            self._wake.clear()
            self._is_at_work = self._may_send
            pause, batch = (
                await self._database.read_in_turn(self._look)
                if self._may_send
                else (self._idle_seconds, None)
            )
            if batch is not None:
                await self._carry(batch)
            self._is_at_work = False
            if batch is None:
                await is_set_within(self._wake, max(pause, PAUSE_SECONDS_MIN))

    async def say_hello(self) -> None:
        """Tell the neighbour that this node is here, and note what it answers."""
        hello = await self._own_hello()
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

    async def answer_hello(self, data: bytes) -> bytes:
        """The reply to a hello of the neighbour, with the own one in it."""
        try:
            hello = parse(wire.Hello, data)
        except Problem:
            return wire.HelloReply(reason="HELLO_MALFORMED").SerializeToString()
        await self.take_hello(hello)
        return wire.HelloReply(hello=await self._own_hello()).SerializeToString()

    async def take_hello(self, hello: wire.Hello) -> None:
        """The neighbour is there: whatever pause there was is over.

        If it was restarted, what was under way to it will not be answered and goes again at once.
        """
        self._takes_chunks = max(hello.chunks_in_a_row, 1)
        if hello.incarnation not in self._incarnations:
            self._incarnations.append(hello.incarnation)
            self._restarted.set()
        now = self._clock()

        def note(connection: Connection) -> None:
            entries = links.take_hello(connection, self._context, self._neighbour, hello, now)
            if entries:
                tables.feed.append(connection, entries)

        await self._database.write(note)
        tables.feed.announce()
        self.wake()

    async def _own_hello(self) -> wire.Hello:
        now = self._clock()
        return await self._database.read(
            lambda c: links.hello(c, self._context, self._neighbour, self._version, now)
        )

    def _look(self, connection: Connection) -> tuple[float, sending.Batch | None]:
        """What goes next; if nothing does, for how many seconds to pause."""
        if not self._context.is_sure:
            return self._idle_seconds, None
        link, now = links.load(connection, self._neighbour), self._clock()
        if not link.may_send(now):
            assert link.next_try_at is not None
            # Another process of this exchange may take the hello that ends the pause.
            return min((link.next_try_at - now).total_seconds(), self._idle_seconds), None
        batch = sending.next_batch(
            connection, self._context, self._neighbour, self._pace.share(self._credit), now
        )
        return self._idle_seconds, batch

    async def _carry(self, first: sending.Batch) -> None:
        """Carry batch after batch, until nothing waits or there is to be a pause.

        One travels while the neighbour judges the one before; meanwhile the next one is made, so that it
        goes at once when there is room, and what was answered is noted. After one that did not go through
        no other is sent.
        """
        under_way: deque[_UnderWay] = deque([self._send(first)])
        after: sending.Batch | None = None
        goes_on = True
        try:
            while under_way:
                goes_on = goes_on and self._may_send
                if goes_on and after is None:
                    self._wake.clear()
                    after = await self._next_batch([one.batch for one in under_way])
                    if after is None and await self._is_woken_before(under_way[0].request):
                        continue
                if goes_on and after is not None and self._has_room(after, under_way):
                    under_way.append(self._send(after))
                    after = None
                    continue
                oldest = under_way.popleft()
                reply = await self._answer(oldest, under_way)
                if reply is None or not sending.went_through(reply, oldest.batch):
                    if reply is not None and goes_on and not sending.is_out_of_order(reply):
                        await self._note(oldest.batch, reply)
                    goes_on, after = False, None
                    continue
                self._credit = reply.credit_bytes
                if goes_on and after is not None and self._has_room(after, under_way):
                    under_way.append(self._send(after))
                    after = None
                await self._note(oldest.batch, reply)
        finally:
            for one in under_way:
                one.request.cancel()

    async def _is_woken_before(self, request: asyncio.Task[bytes | None]) -> bool:
        """Whether there may be something more to send before a request is answered."""
        woken = asyncio.create_task(self._wake.wait())
        try:
            await asyncio.wait({woken, request}, return_when=asyncio.FIRST_COMPLETED)
            return not request.done()
        finally:
            woken.cancel()

    def _send(self, batch: sending.Batch) -> _UnderWay:
        return _UnderWay(
            batch, asyncio.create_task(self._request(batch.data)), asyncio.get_running_loop().time()
        )

    def _has_room(self, batch: sending.Batch, under_way: Collection[_UnderWay]) -> bool:
        if len(under_way) == UNDER_WAY_MAX:
            return False
        size = sum(len(one.batch.data) for one in under_way)
        return self._pace.has_room(size, len(batch.data), self._credit)

    async def _next_batch(self, under_way: Sequence[sending.Batch]) -> sending.Batch | None:
        share = self._pace.share(self._credit)
        return await self._database.read_in_turn(
            lambda c: sending.next_batch(
                c, self._context, self._neighbour, share, self._clock(), under_way
            )
        )

    async def _answer(
        self, one: _UnderWay, others: Collection[_UnderWay]
    ) -> wire.BatchReply | None:
        """The reply to a batch; None if there is none."""
        data = await one.request
        if data is None:
            return None
        now = asyncio.get_running_loop().time()
        # What was sent while another was under way had to wait for it.
        seconds = now - max(one.since, self._answered_at)
        self._answered_at = now
        beside = sum(len(other.batch.data) for other in others)
        self._pace = self._pace.answered(len(one.batch.data), seconds, beside)
        return sending.read_reply(data)

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
            return reply.result()
        except (NeighbourAbsent, NeighbourSilent) as error:
            if isinstance(error, NeighbourSilent):
                self._pace = self._pace.silent()
            await self._database.write(
                lambda c: sending.no_reply(c, self._neighbour, self._clock(), random.random())
            )
            return None


def _hello_reply(data: bytes) -> wire.HelloReply:
    try:
        return parse(wire.HelloReply, data)
    except Problem:
        return wire.HelloReply(reason="HELLO_MALFORMED")

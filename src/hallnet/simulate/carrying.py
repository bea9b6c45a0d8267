"""How the exchange of a hall carries: its links, what comes over them, and what is sent again."""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import Awaitable, Callable, Collection

from hallnet.exchange import tables
from hallnet.exchange.link.incoming import take_batch
from hallnet.exchange.link.link_loop import LinkLoop
from hallnet.exchange.link.reception import Reception
from hallnet.exchange.queue import outgoing, parcels
from hallnet.exchange.queue.watching import HopWatch
from hallnet.federation import delivery
from hallnet.node.messaging import LinkClient
from hallnet.places import Address
from hallnet.simulate.disk import is_full, written
from hallnet.simulate.founding import chance
from hallnet.simulate.network import Line
from hallnet.simulate.state import HallState
from hallnet.store import Connection
from hallnet.wire.exchange.v1 import link_pb2 as wire_link

VERSION = "simulated"
WAITING = int(parcels.State.WAITING)
UNDER_WAY = int(delivery.State.UNDER_WAY)


class Links:
    """The lines of a hall that is up, one to each neighbour."""

    def __init__(self, hall: HallState) -> None:
        self._hall = hall
        self.loops: dict[Address, LinkLoop] = {}
        self._reception = Reception(self._take_batch, hall.now)
        self._moved = asyncio.Event()
        """Something was queued, or answered."""

    def open(self) -> None:
        """To whoever is around. Who makes sure where its journal ends says hello to all of them."""
        context = self._hall.context
        above = [context.parent] if context.parent is not None else []
        for neighbour in [*above, *sorted(context.children)]:
            self._open(neighbour)

    def start(self, neighbour: Address) -> None:
        """To one that joined meanwhile."""
        self._open(neighbour)
        self._hall.spawn(self.loops[neighbour].say_hello())

    def start_missing(self) -> None:
        """To children that were forgotten and are known again."""
        for child in sorted(self._hall.context.children - self.loops.keys()):
            self.start(child)

    def _open(self, neighbour: Address) -> None:
        is_up = neighbour == self._hall.context.parent
        line = Line(
            self._hall.network,
            self._hall.address,
            neighbour,
            self._hall.address if is_up else neighbour,
        )
        loop = LinkLoop(
            neighbour,
            _as_client(line),
            f"{'up' if is_up else 'down'}.{neighbour}",
            self._hall.exchange,
            self._hall.context,
            HopWatch(str(self._hall.address)),
            VERSION,
            self._hall.now,
            self.wake,
            self._hall.rhythm.idle,
        )
        self.loops[neighbour] = loop
        self._hall.keep(f"exchange carries to {neighbour}", loop.run)

    def came_back(self) -> None:
        """The line to the parent is whole again: the child says so."""
        parent = self._hall.context.parent
        if parent is not None:
            self._hall.spawn(self.loops[parent].say_hello())

    def run_length(self, recipient: Address) -> int:
        """How many chunks of a material in a row go to a hall in one envelope."""
        loop = self.loops.get(recipient)
        return loop.run_length if loop is not None else 1

    def wake(self, neighbours: Collection[Address]) -> None:
        """Something may wait for some neighbours, and there may be room for pieces of materials."""
        self._hall.signals.sent.set()
        self._hall.signals.moved.set()
        self._hall.signals.returned.set()
        self._moved.set()
        for neighbour in waiting_for(self._hall):
            if neighbour in neighbours and neighbour in self.loops:
                self.loops[neighbour].wake()

    def wake_those_with_parcels(self) -> None:
        self.wake(self.loops)

    async def receive(self, giver: Address, kind: str, data: bytes) -> bytes | None:
        """A request from a neighbour, in a task of this hall; None if it fails or the hall goes down."""
        body = self._reception.receive if kind == "batch" else self._take_hello
        task = asyncio.create_task(self._answered(body, giver, data))
        self._hall.remember(task)
        await asyncio.wait([task])
        return None if task.cancelled() else task.result()

    async def _answered(
        self, body: Callable[[Address, bytes], Awaitable[bytes]], giver: Address, data: bytes
    ) -> bytes | None:
        try:
            return await body(giver, data)
        except Exception as error:
            if not is_full(error):
                self._hall.failed("answering", traceback.format_exc())
            return None

    async def _take_batch(self, neighbour: Address, data: bytes) -> wire_link.BatchReply:
        now = self._hall.now()
        taken = await self._hall.exchange.write(
            lambda c: take_batch(c, self._hall.context, neighbour, data, now)
        )
        if taken.has_materials:
            self._hall.signals.came.set()
        self.wake(taken.wake | {neighbour})
        return taken.reply

    async def _take_hello(self, neighbour: Address, data: bytes) -> bytes:
        loop = self.loops.get(neighbour)
        if loop is None:
            return wire_link.HelloReply(reason="LINK_UNKNOWN").SerializeToString()
        return await loop.answer_hello(data)

    async def retransmit(self) -> None:
        hall = self._hall
        spread = chance(hall.seed, "spread", hall.address).random()
        await asyncio.sleep(hall.rhythm.retransmit * spread)
        while True:
            self._moved.clear()
            count = await hall.exchange.write(self._send_again) if _is_due(hall) else 0
            if count:
                self.wake_those_with_parcels()
            if not has_open(hall):
                await self._moved.wait()
            await asyncio.sleep(hall.rhythm.retransmit)

    def _send_again(self, connection: Connection) -> int:
        count, entries = outgoing.send_due_again(connection, self._hall.now())
        tables.feed.append(connection, entries)
        return count

    async def greet(self) -> None:
        if self._hall.context.parent is None:
            await asyncio.Event().wait()
        assert self._hall.context.parent is not None
        spread = chance(self._hall.seed, "spread", self._hall.address).random()
        while True:
            await asyncio.sleep(self._hall.rhythm.hello * (0.5 + spread))
            await self.loops[self._hall.context.parent].say_hello()


def waiting_for(hall: HallState) -> list[Address]:
    """The neighbours for which something waits in the queues of a hall."""
    found = hall.exchange.ask(
        "SELECT neighbour FROM parcel WHERE state = ?"
        " UNION SELECT neighbour FROM delivery WHERE queued = 1",
        WAITING,
    )
    return sorted(Address.parse(neighbour) for (neighbour,) in found)


def has_open(hall: HallState, but_for: str = "\0") -> bool:
    """Whether an envelope of a hall has no verdict yet, but for those that bear a reference."""
    states = sorted(int(state) for state in delivery.OPEN)
    found = hall.exchange.ask(
        "SELECT 1 FROM delivery WHERE state IN (?, ?, ?) AND reference <> ? LIMIT 1",
        *states,
        but_for,
    )
    return bool(found)


def _is_due(hall: HallState) -> bool:
    """Whether an envelope of a hall has to be sent again now, or is too old."""
    states = sorted(int(state) for state in delivery.OPEN)
    now = written(hall.now())
    found = hall.exchange.ask(
        "SELECT 1 FROM delivery WHERE state IN (?, ?, ?)"
        " AND (expires_at <= ? OR (state = ? AND retransmit_at <= ?)) LIMIT 1",
        *states,
        now,
        UNDER_WAY,
        now,
    )
    return bool(found)


def _as_client(line: Line) -> LinkClient:
    """A link asks its client for nothing but requests."""
    return line  # type: ignore[return-value]

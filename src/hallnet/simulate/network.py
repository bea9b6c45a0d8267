"""The network between halls: requests take their time, get lost, come twice, come late, or not at all."""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from hallnet.node.messaging import NeighbourAbsent, NeighbourSilent
from hallnet.places import Address
from hallnet.simulate.founding import chance

ATTIC_MAX = 400
"""So many old requests are kept, to come again long after their time."""

Receive = Callable[[Address, str, bytes], Awaitable[bytes | None]]


@dataclass(frozen=True, slots=True)
class Weather:
    """How bad the lines are: shares of all requests."""

    lost: float = 0.01
    answer_lost: float = 0.01
    doubled: float = 0.01
    late: float = 0.01
    seconds: float = 0.02
    """How long a way usually takes."""


CALM = Weather(0, 0, 0, 0)


@dataclass(slots=True)
class Network:
    """All lines. A line is named by the child: each hall has one, to its parent."""

    seed: int
    weather: Weather
    halls: dict[Address, Receive] = field(default_factory=dict)
    """Who is there now, and how a request reaches it."""
    cut: Counter[Address] = field(default_factory=Counter)
    """Children whose line is cut, and by how many faults at once."""
    messages: int = 0
    carried: int = 0
    """In bytes, both ways."""
    trouble: Counter[str] = field(default_factory=Counter)
    attic: deque[tuple[Address, Address, str, bytes]] = field(
        default_factory=lambda: deque(maxlen=ATTIC_MAX)
    )
    _sent: Counter[tuple[Address, Address]] = field(default_factory=Counter)
    _under_way: set[asyncio.Task[None]] = field(default_factory=set)

    def follow(self, seed: int, weather: Weather) -> None:
        """From now on luck follows from another seed; what was before is not counted."""
        self.seed, self.weather = seed, weather
        self.messages = self.carried = 0
        self.trouble.clear()
        self.attic.clear()
        self._sent.clear()

    async def request(
        self, line: Address, giver: Address, taker: Address, kind: str, data: bytes, patience: float
    ) -> bytes:
        """What the other end answers; raises NeighbourAbsent or NeighbourSilent."""
        self.messages += 1
        self.carried += len(data)
        self._sent[giver, taker] += 1
        fate = chance(self.seed, "line", giver, taker, self._sent[giver, taker])
        way = self.weather.seconds * fate.lognormvariate(0, 0.6)
        if self.cut[line] or taker not in self.halls:
            # Either the own message server knows that nobody is there, or nobody knows anything.
            if fate.random() < 0.5:
                await asyncio.sleep(way)
                raise NeighbourAbsent
            await self._hang(patience)
        luck = fate.random()
        weather = self.weather
        if luck < weather.lost:
            self.trouble["lost"] += 1
            await self._hang(patience)
        luck -= weather.lost
        if luck < weather.late:
            self.trouble["late"] += 1
            self._deliver_later(patience * fate.uniform(1, 30), line, giver, taker, kind, data)
            await self._hang(patience)
        luck -= weather.late
        if luck < weather.doubled:
            self.trouble["doubled"] += 1
            self._deliver_later(way * fate.uniform(0, 3), line, giver, taker, kind, data)
        luck -= weather.doubled
        if kind == "batch" and fate.random() < 0.05:
            self.attic.append((giver, taker, kind, data))
        await asyncio.sleep(way)
        answer = await self._deliver(line, giver, taker, kind, data)
        if answer is None or 0 <= luck < weather.answer_lost or self.cut[line]:
            if answer is not None:
                self.trouble["answer lost"] += 1
            await self._hang(patience)
        assert answer is not None
        await asyncio.sleep(way)
        self.carried += len(answer)
        return answer

    async def replay(self, number: int) -> None:
        """Something old comes once more, as it was."""
        if self.attic:
            giver, taker, kind, data = self.attic[number % len(self.attic)]
            if taker in self.halls:
                self.trouble["replayed"] += 1
                await self.halls[taker](giver, kind, data)

    def _deliver_later(
        self, seconds: float, line: Address, giver: Address, taker: Address, kind: str, data: bytes
    ) -> None:
        async def later() -> None:
            await asyncio.sleep(seconds)
            await self._deliver(line, giver, taker, kind, data)

        task = asyncio.create_task(later())
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    async def _deliver(
        self, line: Address, giver: Address, taker: Address, kind: str, data: bytes
    ) -> bytes | None:
        if self.cut[line] or taker not in self.halls:
            return None
        return await self.halls[taker](giver, kind, data)

    async def _hang(self, patience: float) -> None:
        await asyncio.sleep(patience)
        raise NeighbourSilent


class Line:
    """One end of a line, in the place of the client of a message server."""

    def __init__(self, network: Network, here: Address, there: Address, line: Address) -> None:
        self._network = network
        self._here = here
        self._there = there
        self._line = line

    async def request(self, subject: str, data: bytes, timeout: float) -> bytes:  # noqa: ASYNC109
        kind = subject.rpartition(".")[2]
        return await self._network.request(self._line, self._here, self._there, kind, data, timeout)

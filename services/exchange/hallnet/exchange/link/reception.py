"""Batches as they come in: those of one neighbour one after the other, and only so many of them at once."""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

from hallnet.codec.moments import to_timestamp
from hallnet.federation.pace import UNDER_WAY_MAX
from hallnet.places import Address
from hallnet.wire.exchange.v1 import link_pb2 as wire

BUSY_FOR = timedelta(seconds=0.5)
"""After so long a neighbour that has too many batches under way may send again."""


class Reception:
    """Lets the batches of each neighbour through in the order in which they come."""

    def __init__(
        self,
        take: Callable[[Address, bytes], Awaitable[wire.BatchReply]],
        clock: Callable[[], datetime],
    ) -> None:
        self._take = take
        self._clock = clock
        self._turns: defaultdict[Address, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._asking: Counter[Address] = Counter()

    async def receive(self, neighbour: Address, data: bytes) -> bytes:
        """The reply to a batch; "busy" if more of the neighbour are under way than may be."""
        if self._asking[neighbour] >= UNDER_WAY_MAX:
            again = to_timestamp(self._clock() + BUSY_FOR)
            return wire.BatchReply(reason="BUSY", retry_at=again).SerializeToString()
        self._asking[neighbour] += 1
        try:
            async with self._turns[neighbour]:
                reply = await self._take(neighbour, data)
        finally:
            self._asking[neighbour] -= 1
        return reply.SerializeToString()

"""Showing hops as they happen to those who watch; nobody waits for a slow watcher."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import datetime

from hallnet.codec.codec import to_timestamp
from hallnet.exchange.hops import Hop
from hallnet.wire.exchange.v1 import exchange_service_pb2 as wire

HOPS_PER_WATCHER_MAX = 2000


class HopWatch:
    """Hands each hop to every watcher; a watcher that falls behind loses the oldest ones."""

    def __init__(self, node: str) -> None:
        self._node = node
        self._watchers: set[asyncio.Queue[wire.WatchHopsResponse]] = set()

    def show(self, hops: Sequence[Hop], now: datetime) -> None:
        if not self._watchers:
            return
        for hop in hops:
            message = wire.WatchHopsResponse(
                at=to_timestamp(now),
                node=self._node,
                neighbour=str(hop.neighbour),
                direction=hop.direction,  # type: ignore[arg-type]
                envelope_id=hop.envelope_id,
                sender=hop.sender,
                recipient=hop.recipient,
                kind=hop.kind,
                subject=hop.subject,
                size=hop.size,
                remark=hop.remark,
            )
            for watcher in self._watchers:
                if watcher.full():
                    watcher.get_nowait()
                watcher.put_nowait(message)

    async def watch(self) -> AsyncIterator[wire.WatchHopsResponse]:
        queue: asyncio.Queue[wire.WatchHopsResponse] = asyncio.Queue(HOPS_PER_WATCHER_MAX)
        self._watchers.add(queue)
        try:
            while True:
                yield await queue.get()
        finally:
            self._watchers.discard(queue)

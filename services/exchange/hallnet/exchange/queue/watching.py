"""Showing hops as they happen to those who watch; nobody waits for a slow watcher."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import datetime

from hallnet.codec.moments import to_timestamp
from hallnet.exchange.queue.hops import Hop
from hallnet.exchange.queue.parcels import RECEIPT_KIND, Parcel, Type
from hallnet.trust.receipt import RECEIPT, ReceiptBody
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
            message = _in_words(self._node, hop, now)
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


def _in_words(node: str, hop: Hop, now: datetime) -> wire.WatchHopsResponse:
    message = wire.WatchHopsResponse(
        at=to_timestamp(now),
        node=node,
        neighbour=str(hop.neighbour),
        direction=int(hop.direction),  # type: ignore[arg-type]
        size=hop.size,
        remark=hop.remark,
    )
    about = hop.about
    if about is None:
        return message
    message.envelope_id = about.envelope_id
    if isinstance(about, ReceiptBody):
        message.sender, message.recipient = str(about.issuer), str(about.sender)
        message.kind = RECEIPT_KIND
        message.remark = hop.remark or about.verdict.name
        return message
    message.sender, message.recipient = str(about.sender), str(about.recipient)
    message.kind, message.subject = about.kind, about.subject
    if isinstance(about, Parcel) and about.type is Type.RECEIPT:
        message.remark = hop.remark or RECEIPT.from_bytes(about.head).verdict.name
    return message

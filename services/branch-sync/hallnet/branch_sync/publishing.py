"""Publishing: a release is signed by the exchange, which holds the key, then taken like any other."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from datetime import datetime
from typing import Any

from grpc import aio
from sqlalchemy import Row

from hallnet.branch_sync import releasing, tables
from hallnet.branch_sync.context import Context
from hallnet.codec.codec import to_timestamp
from hallnet.node.client import problems_raised
from hallnet.store import Database
from hallnet.trust.release import ReleaseKind
from hallnet.wire.exchange.v1 import exchange_service_pb2 as wire_exchange
from hallnet.wire.exchange.v1 import exchange_service_pb2_grpc as wire_exchange_grpc
from hallnet.wire.release.v1 import release_pb2 as wire


class Publisher:
    """Publishes releases of this hall, one at a time."""

    def __init__(
        self,
        database: Database,
        context: Context,
        exchange: aio.Channel,
        clock: Callable[[], datetime],
    ) -> None:
        self._database = database
        self._context = context
        self._exchange = wire_exchange_grpc.ExchangeServiceStub(exchange)
        self._clock = clock
        self._turn = asyncio.Lock()

    async def publish(
        self,
        request_id: str,
        kind: ReleaseKind,
        content: bytes,
        effective_at: datetime | None,
        summary: str,
    ) -> Row[Any]:
        """Sign, take and pass on. The same request again gives the same release.

        Raises the problems of the content, and those of the exchange.
        """
        releasing.require_content(kind, content)
        async with self._turn:
            known = await self._database.read(lambda c: releasing.published(c, request_id))
            if known is not None:
                return known
            now = self._clock()
            here = str(self._context.here)
            version = await self._database.read(lambda c: releasing.last_version(c, kind, here) + 1)
            body = wire.ReleaseBody(
                kind=int(kind),  # type: ignore[arg-type]
                author=here,
                version=version,
                issued_at=to_timestamp(now),
                effective_at=to_timestamp(effective_at or now),
                content=content,
                summary=summary,
            )
            request = wire_exchange.SignReleaseRequest(request_id=os.urandom(8).hex(), release=body)
            with problems_raised():
                response = await self._exchange.SignRelease(request)
            row = await self._database.write(
                lambda c: releasing.take(c, self._context, response.release, now, request_id)
            )
            tables.feed.announce()
            return row

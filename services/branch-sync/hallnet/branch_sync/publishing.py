"""Publishing: a release is signed by the exchange, which holds the key, then taken like any other."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from grpc import aio
from sqlalchemy import Row

from hallnet.branch_sync import catalogues, releasing, tables
from hallnet.branch_sync.context import Context
from hallnet.codec import Codec
from hallnet.codec.codec import to_timestamp
from hallnet.node.client import problems_raised
from hallnet.store import Connection, Database
from hallnet.trust.release import ReleaseKind
from hallnet.wire.branch_sync.v1 import branch_sync_service_pb2 as wire
from hallnet.wire.exchange.v1 import exchange_service_pb2 as wire_exchange
from hallnet.wire.exchange.v1 import exchange_service_pb2_grpc as wire_exchange_grpc
from hallnet.wire.release.v1 import release_pb2 as wire_release


@dataclass(frozen=True, slots=True)
class Publication:
    """What is to be published; the fields are those of the wire."""

    request_id: str
    kind: ReleaseKind
    content: bytes
    effective_at: datetime | None
    summary: str


PUBLICATION: Codec[Publication] = Codec(Publication, wire.PublishReleaseRequest)


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

    async def publish(self, publication: Publication) -> wire.PublishReleaseResponse:
        """Sign, take and pass on. The same request again gives the same release.

        Raises the problems of the content, those of the request_id, and those of the exchange.
        """
        releasing.require_author(self._context, publication.kind, self._context.here)
        request = PUBLICATION.to_message(publication)
        publication = await self._prepared(publication)
        releasing.require_content(self._context, publication.kind, publication.content)
        now = self._clock()
        releasing.require_storable(publication.summary, publication.effective_at or now)
        async with self._turn:
            known = await self._database.read(
                lambda c: tables.answered.answer(
                    c, publication.request_id, request, wire.PublishReleaseResponse
                )
            )
            if known is not None:
                return known
            signed = await self._signed(publication, now)

            def take(connection: Connection) -> wire.PublishReleaseResponse:
                row = releasing.publish(connection, self._context, signed, now)
                return wire.PublishReleaseResponse(release=view(row))

            answer = await self._database.write(
                lambda c: tables.answered.once(
                    c,
                    publication.request_id,
                    request,
                    now,
                    wire.PublishReleaseResponse,
                    lambda: take(c),
                )
            )
            tables.feed.announce()
            return answer

    async def _prepared(self, publication: Publication) -> Publication:
        """With overlays merged and rules of publication kept, where it is a catalogue."""
        if publication.kind is not ReleaseKind.CATALOGUE:
            return publication
        content = await self._database.read(
            lambda c: catalogues.prepared(c, self._context.here, publication.content)
        )
        return replace(publication, content=content)

    async def _signed(self, publication: Publication, now: datetime) -> wire_release.SignedRelease:
        here = str(self._context.here)
        last = await self._database.read(
            lambda c: releasing.last_version(c, publication.kind, here)
        )
        body = wire_release.ReleaseBody(
            kind=int(publication.kind),  # type: ignore[arg-type]
            author=here,
            version=last + 1,
            issued_at=to_timestamp(now),
            effective_at=to_timestamp(publication.effective_at or now),
            content=publication.content,
            summary=publication.summary,
        )
        request = wire_exchange.SignReleaseRequest(request_id=os.urandom(8).hex(), release=body)
        with problems_raised():
            response = await self._exchange.SignRelease(request)
        return response.release


def view(row: Row[Any]) -> wire.ReleaseView:
    """A release without its content."""
    return wire.ReleaseView(
        kind=row.kind,
        author=row.author,
        version=row.version,
        issued_at=to_timestamp(row.issued_at),
        effective_at=to_timestamp(row.effective_at),
        received_at=to_timestamp(row.received_at),
        standing=row.standing,
        reason=row.reason,
        summary=row.summary,
        size=row.size,
    )

"""Publishing: a release is signed by the exchange, which holds the key, then taken like any other."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, TypeVar

from google.protobuf.message import Message
from grpc import aio
from sqlalchemy import Row

from hallnet.branch_sync import catalogues, releasing, tables, withdrawing
from hallnet.branch_sync.context import Context
from hallnet.codec import Codec
from hallnet.codec.moments import to_timestamp
from hallnet.node.client import problems_raised
from hallnet.store import Connection, Database
from hallnet.trust.release import ReleaseKind
from hallnet.wire.branch_sync.v1 import branch_sync_service_pb2 as wire
from hallnet.wire.exchange.v1 import exchange_service_pb2 as wire_exchange
from hallnet.wire.exchange.v1 import exchange_service_pb2_grpc as wire_exchange_grpc
from hallnet.wire.release.v1 import release_pb2 as wire_release

Answer = TypeVar("Answer", bound=Message)


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
        body = wire_release.ReleaseBody(
            kind=int(publication.kind),  # type: ignore[arg-type]
            effective_at=to_timestamp(publication.effective_at or now),
            content=publication.content,
            summary=publication.summary,
        )
        releasing.require_storable(publication.summary, publication.effective_at or now)
        return await self._once(
            publication.request_id,
            request,
            wire.PublishReleaseResponse,
            lambda view: wire.PublishReleaseResponse(release=view),
            lambda _: body,
            now,
        )

    async def withdraw(self, request: wire.WithdrawReleaseRequest) -> wire.WithdrawReleaseResponse:
        """Put in force again what was so before the newest release of a kind.

        Raises WithdrawalUnusable, MessageMalformed, and the problems of the exchange and the request_id.
        """
        now = self._clock()
        kind = ReleaseKind(request.kind)
        releasing.require_storable(request.reason, now)
        withdrawing.require_reason(request.reason)

        def body(connection: Connection) -> wire_release.ReleaseBody:
            here = self._context.here
            found = withdrawing.restored(connection, here, kind, request.version, now)
            return wire_release.ReleaseBody(
                kind=request.kind,
                effective_at=to_timestamp(found.effective_at),
                content=found.content,
                summary=request.reason,
                withdraws=request.version,
                restores=found.version,
            )

        return await self._once(
            request.request_id,
            request,
            wire.WithdrawReleaseResponse,
            lambda view: wire.WithdrawReleaseResponse(release=view),
            body,
            now,
        )

    async def _once(
        self,
        request_id: str,
        request: Message,
        answer_type: type[Answer],
        answer_of: Callable[[wire.ReleaseView], Answer],
        body_of: Callable[[Connection], wire_release.ReleaseBody],
        now: datetime,
    ) -> Answer:
        async with self._turn:
            known = await self._database.read(
                lambda c: tables.answered.answer(c, request_id, request, answer_type)
            )
            if known is not None:
                return known
            signed = await self._signed(await self._database.read(body_of), now)

            def take(connection: Connection) -> Answer:
                return answer_of(view(releasing.publish(connection, self._context, signed, now)))

            answer = await self._database.write(
                lambda c: tables.answered.once(
                    c, request_id, request, now, answer_type, lambda: take(c)
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

    async def _signed(
        self, body: wire_release.ReleaseBody, now: datetime
    ) -> wire_release.SignedRelease:
        here, kind = str(self._context.here), ReleaseKind(body.kind)
        last = await self._database.read(lambda c: releasing.last_version(c, kind, here))
        named = wire_release.ReleaseBody(author=here, version=last + 1, issued_at=to_timestamp(now))
        named.MergeFrom(body)
        request = wire_exchange.SignReleaseRequest(request_id=os.urandom(8).hex(), release=named)
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
        withdraws=row.withdraws,
        restores=row.restores,
    )

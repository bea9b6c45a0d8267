"""The part of the face that shows, exports and erases what this hall keeps of what it sent and received."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime
from functools import partial
from typing import Any

from google.protobuf.message import Message
from sqlalchemy import insert, select

from hallnet.codec.moments import from_timestamp, to_timestamp
from hallnet.exchange import tables
from hallnet.exchange.faces.answering import Answering
from hallnet.exchange.records import archiving, bundling, erasing, recovery_report
from hallnet.exchange.records.erasing import Erased
from hallnet.node.paging import Page
from hallnet.problems import Kind, Problem
from hallnet.store import Connection
from hallnet.wire.exchange.v1 import case_bundle_pb2 as wire_bundle
from hallnet.wire.exchange.v1 import exchange_service_pb2 as wire
from hallnet.wire.trust.v1 import journal_pb2 as wire_trust

STREAM_BYTES = 256 * 1024
ARCHIVE_RUNS_AT_ONCE = 64


class MomentInvalid(Problem):
    """A moment that no calendar has."""

    kind = Kind.INVALID
    reason = "MOMENT_INVALID"
    zh = "时间无效"
    zh_remedy = "请核对日期和时间"
    en = "There is no such moment"
    en_remedy = "Check date and time"


def _moment(request: Message, name: str) -> datetime | None:
    """A moment of a request; None if it is not given. Raises MomentInvalid."""
    if not request.HasField(name):
        return None
    try:
        return from_timestamp(getattr(request, name))
    except ValueError as error:
        raise MomentInvalid(name) from error


class RecordsFace(Answering):
    """Deliveries, bundles, the journal, incidents."""

    async def ListDeliveries(self, request: wire.ListDeliveriesRequest, context: Any) -> Any:
        page = Page.of(request.page_size, request.page_token)

        def look(connection: Connection) -> wire.ListDeliveriesResponse:
            table = tables.delivery
            rows = connection.execute(
                select(table)
                .where(table.c.subject == request.subject, table.c.position > page.after)
                .order_by(table.c.position)
                .limit(page.size + 1)
            ).all()
            return wire.ListDeliveriesResponse(
                deliveries=[
                    wire.Delivery(
                        envelope_id=row.envelope_id,
                        recipient=row.recipient,
                        kind=row.kind,
                        subject=row.subject,
                        state=row.state,
                        reason=row.reason,
                        sent_at=to_timestamp(row.wanted_at),
                        changed_at=to_timestamp(row.changed_at),
                        attempts=row.attempts,
                    )
                    for row in rows[: page.size]
                ],
                next_page_token=page.next_token([row.position for row in rows]),
            )

        return await self._database.read(look)

    async def ExportBundle(
        self, request: wire.ExportBundleRequest, context: Any
    ) -> AsyncIterator[wire.ExportBundleResponse]:
        now = self._clock()

        def work(connection: Connection) -> wire_bundle.SignedCaseBundle:
            signed = bundling.export(connection, self._context, request.subject, now)
            _record_export(connection, request, request.subject[:64], now)
            return signed

        signed = await self._database.write(work)
        data = signed.SerializeToString()
        for at in range(0, len(data), STREAM_BYTES):
            yield wire.ExportBundleResponse(data=data[at : at + STREAM_BYTES])

    async def ExportJournal(
        self, request: wire.ExportJournalRequest, context: Any
    ) -> AsyncIterator[wire.ExportJournalResponse]:
        now = self._clock()
        since = _moment(request, "since")
        until = _moment(request, "until")

        def work(connection: Connection) -> tuple[bytes, int, int]:
            head, start, end = archiving.begin(connection, self._context, since, until, now)
            _record_export(connection, request, f"journal {start}..{end}", now)
            return archiving.opening(head), start, end

        opening, at, end = await self._database.write(work)
        yield wire.ExportJournalResponse(data=opening)
        while at < end:
            # A piece at a time: a journal of millions of entries is never in memory.
            pieces, at = await self._database.read(
                partial(
                    archiving.pieces,
                    context=self._context,
                    start=at,
                    end=end,
                    runs_max=ARCHIVE_RUNS_AT_ONCE,
                )
            )
            for piece in pieces:
                for cut in range(0, len(piece), STREAM_BYTES):
                    yield wire.ExportJournalResponse(data=piece[cut : cut + STREAM_BYTES])

    async def ExportRecovery(
        self, request: wire.ExportRecoveryRequest, context: Any
    ) -> AsyncIterator[wire.ExportRecoveryResponse]:
        now = self._clock()
        opening, left = await self._database.read(
            lambda c: recovery_report.begin(c, self._context, request.end, now)
        )
        yield wire.ExportRecoveryResponse(data=opening)
        while left:
            data, at = await self._database.read(
                lambda c, places=left: recovery_report.piece(c, self._context, places)  # type: ignore[misc]
            )
            left = range(at, left.stop)
            for start in range(0, len(data), STREAM_BYTES):
                yield wire.ExportRecoveryResponse(data=data[start : start + STREAM_BYTES])

    async def ForgetArchived(self, request: wire.ForgetArchivedRequest, context: Any) -> Any:
        now = self._clock()

        def begin(connection: Connection) -> None:
            archiving.require_archived(
                connection, self._context, request.start, request.end, request.root
            )
            _record_export(connection, request, f"journal forgotten up to {request.end}", now)

        await self._database.write(begin)
        forgotten = 0
        while more := await self._database.write(lambda c: archiving.forget_some(c, request.end)):
            forgotten += more
        return wire.ForgetArchivedResponse(entries=forgotten)

    async def EraseContents(self, request: wire.EraseContentsRequest, context: Any) -> Any:
        now, before = self._clock(), from_timestamp(request.before)
        subject = request.subject[:64]
        erasing.require_over(before, now)
        record = await self._database.write(
            lambda c: erasing.begin_record(
                c, before, subject, request.actor_id[:64], request.purpose, now
            )
        )
        erased = Erased()
        while some := await self._erase_some(before, subject):
            erased += some
        await self._database.write(lambda c: erasing.end_record(c, record, erased))
        return wire.EraseContentsResponse(
            sent=erased.sent,
            received=erased.received,
            keys=erased.keys,
            feed_entries=erased.feed_entries,
        )

    async def _erase_some(self, before: datetime, subject: str) -> Erased | None:
        """None once nothing was left to erase."""
        some = await self._database.write(lambda c: erasing.erase_some(c, before, subject))
        return None if some == Erased() else some

    async def ListIncidents(self, request: wire.ListIncidentsRequest, context: Any) -> Any:
        page = Page.of(request.page_size, request.page_token)

        def look(connection: Connection) -> wire.ListIncidentsResponse:
            table = tables.incident
            query = select(table).order_by(table.c.leaf_index.desc()).limit(page.size + 1)
            if page.after:
                query = query.where(table.c.leaf_index < page.after)
            rows = connection.execute(query).all()
            return wire.ListIncidentsResponse(
                incidents=[
                    wire.RecordedIncident(
                        incident=wire_trust.Incident.FromString(row.incident),
                        leaf_index=row.leaf_index,
                    )
                    for row in rows[: page.size]
                ],
                next_page_token=page.next_token([row.leaf_index for row in rows]),
            )

        return await self._database.read(look)


def _record_export(
    connection: Connection,
    request: wire.ExportBundleRequest | wire.ExportJournalRequest | wire.ForgetArchivedRequest,
    subject: str,
    now: datetime,
) -> None:
    """Who took what out of this hall, and why."""
    connection.execute(
        insert(tables.export_record).values(
            at=now, actor_id=request.actor_id[:64], subject=subject, purpose=request.purpose
        )
    )

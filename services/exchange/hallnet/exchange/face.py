"""The gRPC face of the exchange: thin; each method is a use case in a transaction."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Callable
from datetime import datetime
from functools import partial
from typing import Any, TypeVar

from google.protobuf.message import Message
from sqlalchemy import Row, func, insert, select

from hallnet.codec.codec import from_timestamp, to_timestamp
from hallnet.exchange import (
    archiving,
    attachment_wishes,
    attachments,
    bundling,
    certifying,
    continuity,
    erasing,
    inviting,
    journal_store,
    links,
    outgoing,
    queues,
    signing,
    succeeding,
    tables,
)
from hallnet.exchange.context import Context
from hallnet.exchange.erasing import Erased
from hallnet.exchange.watching import HopWatch
from hallnet.federation import limits
from hallnet.node.home import Home, Part
from hallnet.node.paging import Page
from hallnet.node.server import EVERY_PART, Callers
from hallnet.places import Address
from hallnet.problems import Kind, Problem
from hallnet.store import Connection, Database
from hallnet.store.room import ROOMY, measured, reusable_bytes
from hallnet.trust.certificate import Permission
from hallnet.wire.exchange.v1 import attachment_pb2 as wire_attachment
from hallnet.wire.exchange.v1 import case_bundle_pb2 as wire_bundle
from hallnet.wire.exchange.v1 import exchange_service_pb2 as wire
from hallnet.wire.exchange.v1 import exchange_service_pb2_grpc as wire_grpc
from hallnet.wire.trust.v1 import journal_pb2 as wire_trust

SURE_PATIENCE_SECONDS = 5.0
"""How long a call waits for the neighbours' word after a start, before it is refused."""
STREAM_BYTES = 256 * 1024
ARCHIVE_RUNS_AT_ONCE = 64

Answer = TypeVar("Answer", bound=Message)
CALLERS: Callers = {
    "GetStatus": EVERY_PART,
    "CertifyChild": frozenset({Part.OPERATOR}),
    "RevokeChild": frozenset({Part.OPERATOR}),
    "InviteChild": frozenset({Part.OPERATOR}),
    "ListInvitations": frozenset({Part.OPERATOR}),
    "WithdrawInvitation": frozenset({Part.OPERATOR}),
    "DeclareSuccession": frozenset({Part.OPERATOR}),
    "TakeRootSuccession": frozenset({Part.OPERATOR}),
    "ConfirmRecords": frozenset({Part.INTAKE}),
    "SignRelease": frozenset({Part.BRANCH_SYNC}),
    "ListDeliveries": frozenset({Part.PORTAL, Part.OPERATOR}),
    "ExportBundle": frozenset({Part.PORTAL, Part.OPERATOR}),
    "ExportJournal": frozenset({Part.OPERATOR}),
    "ForgetArchived": frozenset({Part.OPERATOR}),
    "EraseContents": frozenset({Part.OPERATOR}),
    "ReadAttachment": frozenset({Part.INTAKE}),
    "ReleaseAttachment": frozenset({Part.INTAKE}),
    "ListAttachments": frozenset({Part.PORTAL, Part.OPERATOR}),
    "WatchHops": frozenset({Part.PORTAL, Part.OPERATOR}),
    "ListIncidents": frozenset({Part.PORTAL, Part.OPERATOR}),
}


class AttachmentMissing(Problem):
    """A material that has not arrived, or not wholly."""

    kind = Kind.NOT_FOUND
    reason = "ATTACHMENT_MISSING"
    zh = "该材料尚未完整到达"
    zh_remedy = "请等待传送完成"
    en = "The material has not arrived completely"
    en_remedy = "Wait until it has"


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


def _journal_gaps(connection: Connection) -> list[wire.JournalGap]:
    return [
        wire.JournalGap(start=gap.start, end=gap.stop, found_at=to_timestamp(found_at))
        for gap, found_at in continuity.gaps(connection)
    ]


class ExchangeFace(wire_grpc.ExchangeServiceServicer):
    """Serves hallnet.wire.exchange.v1.ExchangeService."""

    def __init__(
        self,
        database: Database,
        context: Context,
        home: Home,
        version: str,
        watch: HopWatch,
        clock: Callable[[], datetime],
        doors_changed: Callable[[], None],
        attachments_changed: Callable[[], None],
        sure: asyncio.Event,
    ) -> None:
        self._database = database
        self._context = context
        self._home = home
        self._settings = home.settings()
        self._version = version
        self._watch = watch
        self._clock = clock
        self._doors_changed = doors_changed
        self._attachments_changed = attachments_changed
        self._sure = sure

    async def GetStatus(self, request: wire.GetStatusRequest, context: Any) -> Any:
        return await self._database.read(self._status)

    def _status(self, connection: Connection) -> wire.GetStatusResponse:
        certificate = self._context.identity.certificate
        head = journal_store.newest_head(connection, self._context)
        witnessed = journal_store.witnessed_head(connection, self._context)
        standing = self._context.standing()
        freshness = standing.freshness(self._clock())
        room = measured(
            self._settings.watched_folder(self._home.folder), self._settings.store.free_bytes_min
        )
        owed, reusable = attachments.bytes_to_hand_over(connection), reusable_bytes(connection)
        return wire.GetStatusResponse(
            address=str(self._context.here),
            name=certificate.body.name,
            version=self._version,
            links=self._links(connection),
            journal_size=journal_store.size(connection),
            head=head.to_message() if head else None,
            witnessed_size=witnessed.checkpoint.size if witnessed else 0,
            trust_version=standing.version,
            trust_freshness=int(freshness),  # type: ignore[arg-type]
            trust_soft_expires_at=to_timestamp(standing.soft_expires_at),
            trust_hard_expires_at=to_timestamp(standing.hard_expires_at),
            certificate_not_after=to_timestamp(certificate.body.not_after),
            undelivered=outgoing.undelivered(connection),
            incidents=connection.execute(
                select(func.count()).select_from(tables.incident)
            ).scalar_one(),
            believed_halls=len(self._context.trust.halls()),
            suite=int(certificate.body.suite),  # type: ignore[arg-type]
            suites=self._suites(),
            attachments_under_way=attachment_wishes.count_open(connection)
            + attachments.count_coming(connection),
            free_bytes=0 if room is ROOMY else room.free_bytes,
            free_bytes_min=room.free_bytes_min,
            full=not room.is_enough(owed, reusable),
            journal_sure=self._context.is_sure,
            journal_gaps=_journal_gaps(connection),
        )

    def _suites(self) -> list[wire.SuiteUse]:
        trust = self._context.trust
        used = Counter(item.body.suite for item in trust.halls().values())
        return [
            wire.SuiteUse(
                suite=int(suite),  # type: ignore[arg-type]
                allowed=suite in trust.suites,
                halls=used[suite],
            )
            for suite in sorted(trust.suites | used.keys())
        ]

    def _links(self, connection: Connection) -> list[wire.LinkStatus]:
        known = links.load_all(connection)
        waiting = queues.backlog(connection)
        parent = self._context.parent
        neighbours = ([parent] if parent else []) + sorted(self._context.children)
        result = []
        for neighbour in neighbours:
            entry = known.get(neighbour)
            count, since = waiting.get(str(neighbour), (0, None))
            status = wire.LinkStatus(
                neighbour=str(neighbour),
                role=wire.LINK_ROLE_PARENT if neighbour == parent else wire.LINK_ROLE_CHILD,
                waiting=count,
            )
            if since is not None:
                status.oldest_waiting_since.CopyFrom(to_timestamp(since))
            if entry is not None:
                status.up = entry.link.up
                status.failures = entry.link.failures
                status.clock_skew_ms = entry.clock_skew_ms
                status.clock_skewed = links.is_skewed(entry.clock_skew_ms)
                status.neighbour_version = entry.version
                status.seen_size = entry.seen_size
                if entry.link.heard_at is not None:
                    status.heard_at.CopyFrom(to_timestamp(entry.link.heard_at))
                if entry.link.next_try_at is not None:
                    status.next_try_at.CopyFrom(to_timestamp(entry.link.next_try_at))
            result.append(status)
        return result

    async def ConfirmRecords(self, request: wire.ConfirmRecordsRequest, context: Any) -> Any:
        def look(connection: Connection) -> wire.ConfirmRecordsResponse:
            return wire.ConfirmRecordsResponse(
                sure=self._context.is_sure, restored=_journal_gaps(connection)
            )

        return await self._database.read(look)

    async def CertifyChild(self, request: wire.CertifyChildRequest, context: Any) -> Any:
        now = self._clock()

        def act(connection: Connection) -> wire.CertifyChildResponse:
            welcome = certifying.certify(
                connection,
                self._context,
                request.request,
                [Permission(number) for number in request.permissions],
                request.validity_days or self._settings.certificate.validity_days,
                self._settings.broker.url,
                self._home.link_authority(),
                now,
            )
            return wire.CertifyChildResponse(welcome=welcome)

        response = await self._once(request, now, wire.CertifyChildResponse, act)
        self._doors_changed()
        tables.feed.announce()
        return response

    async def RevokeChild(self, request: wire.RevokeChildRequest, context: Any) -> Any:
        now = self._clock()
        child = Address.parse(request.address, "address")
        given = request.HasField("revoked_at")
        revoked_at = from_timestamp(request.revoked_at) if given else now

        def act(connection: Connection) -> wire.RevokeChildResponse:
            revocations = certifying.revoke_child(
                connection, self._context, child, request.reason, revoked_at, now
            )
            return wire.RevokeChildResponse(revocations=revocations)

        response = await self._once(request, now, wire.RevokeChildResponse, act)
        self._doors_changed()
        tables.feed.announce()
        return response

    async def InviteChild(self, request: wire.InviteChildRequest, context: Any) -> Any:
        now = self._clock()
        address = Address.parse(request.address, "address")
        door = inviting.Door(self._settings.broker.url, self._home.link_authority())

        def act(connection: Connection) -> wire.InviteChildResponse:
            invitation = inviting.invite(
                connection,
                self._context,
                address,
                request.link_key,
                request.hours,
                request.validity_days or self._settings.certificate.validity_days,
                door,
                now,
            )
            return wire.InviteChildResponse(invitation=invitation)

        response = await self._once(request, now, wire.InviteChildResponse, act)
        self._doors_changed()
        return response

    async def ListInvitations(self, request: wire.ListInvitationsRequest, context: Any) -> Any:
        page = Page.of(request.page_size, request.page_token)
        now = self._clock()

        def look(connection: Connection) -> wire.ListInvitationsResponse:
            rows = inviting.page(connection, page.after, page.size + 1)
            return wire.ListInvitationsResponse(
                invitations=[inviting.view(row, now) for row in rows[: page.size]],
                next_page_token=page.next_token([row.position for row in rows]),
            )

        return await self._database.read(look)

    async def WithdrawInvitation(
        self, request: wire.WithdrawInvitationRequest, context: Any
    ) -> Any:
        now = self._clock()
        address = Address.parse(request.address, "address")

        def act(connection: Connection) -> wire.WithdrawInvitationResponse:
            ended = inviting.withdraw(connection, address, now)
            return wire.WithdrawInvitationResponse(invitation=ended)

        response = await self._once(request, now, wire.WithdrawInvitationResponse, act)
        self._doors_changed()
        return response

    async def DeclareSuccession(self, request: wire.DeclareSuccessionRequest, context: Any) -> Any:
        now = self._clock()
        predecessor = Address.parse(request.predecessor, "predecessor")
        successor = Address.parse(request.successor, "successor")
        given = request.HasField("effective_at")
        effective_at = from_timestamp(request.effective_at) if given else now

        def act(connection: Connection) -> wire.DeclareSuccessionResponse:
            succession = succeeding.declare_succession(
                connection,
                self._context,
                predecessor,
                successor,
                request.reason,
                effective_at,
                now,
                request.withdrawn,
            )
            return wire.DeclareSuccessionResponse(succession=succession)

        response = await self._once(request, now, wire.DeclareSuccessionResponse, act)
        tables.feed.announce()
        return response

    async def TakeRootSuccession(
        self, request: wire.TakeRootSuccessionRequest, context: Any
    ) -> Any:
        now = self._clock()

        def act(connection: Connection) -> wire.TakeRootSuccessionResponse:
            succeeding.take_root_succession(connection, self._context, request.succession, now)
            roots = [root.to_message() for root in self._context.trust.roots]
            return wire.TakeRootSuccessionResponse(roots=roots)

        response = await self._once(request, now, wire.TakeRootSuccessionResponse, act)
        tables.feed.announce()
        return response

    async def SignRelease(self, request: wire.SignReleaseRequest, context: Any) -> Any:
        now = self._clock()

        def act(connection: Connection) -> wire.SignReleaseResponse:
            signed = signing.signed_release(connection, self._context, request.release, now)
            return wire.SignReleaseResponse(release=signed)

        return await self._once(request, now, wire.SignReleaseResponse, act)

    async def _once(
        self,
        request: Any,
        now: datetime,
        answer_type: type[Answer],
        act: Callable[[Connection], Answer],
    ) -> Answer:
        """Do a write once for its request id, in one transaction; raises JournalHeld soon after a start."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(SURE_PATIENCE_SECONDS):
                await self._sure.wait()
        return await self._database.write(
            lambda connection: tables.answered.once(
                connection, request.request_id, request, now, answer_type, lambda: act(connection)
            )
        )

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
            connection.execute(
                insert(tables.export_record).values(
                    at=now,
                    actor_id=request.actor_id[:64],
                    subject=request.subject[:64],
                    purpose=request.purpose,
                )
            )
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
            connection.execute(
                insert(tables.export_record).values(
                    at=now,
                    actor_id=request.actor_id[:64],
                    subject=f"journal {start}..{end}",
                    purpose=request.purpose,
                )
            )
            return archiving.opening(head), start, end

        opening, at, end = await self._database.write(work)
        yield wire.ExportJournalResponse(data=opening)
        while at < end:
            # A piece at a time: a journal of millions of entries is never in memory.
            pieces, at = await self._database.read(
                partial(archiving.pieces, start=at, end=end, runs_max=ARCHIVE_RUNS_AT_ONCE)
            )
            for piece in pieces:
                for cut in range(0, len(piece), STREAM_BYTES):
                    yield wire.ExportJournalResponse(data=piece[cut : cut + STREAM_BYTES])

    async def ForgetArchived(self, request: wire.ForgetArchivedRequest, context: Any) -> Any:
        now = self._clock()

        def begin(connection: Connection) -> None:
            archiving.require_archived(
                connection, self._context, request.start, request.end, request.root
            )
            connection.execute(
                insert(tables.export_record).values(
                    at=now,
                    actor_id=request.actor_id[:64],
                    subject=f"journal forgotten up to {request.end}",
                    purpose=request.purpose,
                )
            )

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

    async def ReadAttachment(
        self, request: wire.ReadAttachmentRequest, context: Any
    ) -> AsyncIterator[wire.ReadAttachmentResponse]:
        offset = request.offset
        while True:
            pieces = await self._database.read(
                lambda c, at=offset: attachments.read(c, request.digest, at)  # type: ignore[misc]
            )
            if pieces is None:
                raise AttachmentMissing("digest")
            for piece in pieces:
                yield wire.ReadAttachmentResponse(data=piece)
                offset += len(piece)
            if not any(pieces):
                return

    async def ReleaseAttachment(self, request: wire.ReleaseAttachmentRequest, context: Any) -> Any:
        now = self._clock()
        await self._database.write(lambda c: attachments.release(c, request.digest, now))
        self._attachments_changed()
        return wire.ReleaseAttachmentResponse()

    async def ListAttachments(self, request: wire.ListAttachmentsRequest, context: Any) -> Any:
        limit = Page.of(request.limit, "").size

        def look(connection: Connection) -> wire.ListAttachmentsResponse:
            digests = request.digests
            going = attachment_wishes.open_ones(connection, digests, limit)
            coming = attachments.coming(connection, digests, limit)
            return wire.ListAttachmentsResponse(
                attachments=[*map(_going, going), *map(_coming, coming)]
            )

        return await self._database.read(look)

    async def WatchHops(
        self, request: wire.WatchHopsRequest, context: Any
    ) -> AsyncIterator[wire.WatchHopsResponse]:
        async for hop in self._watch.watch():
            yield hop

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


def _going(row: Row[Any]) -> wire.AttachmentProgress:
    answered = row.answered * limits.ATTACHMENT_CHUNK_BYTES
    return wire.AttachmentProgress(
        attachment=wire_attachment.Attachment(digest=row.digest, size=row.size),
        direction=wire.ATTACHMENT_DIRECTION_SENT,
        hall=row.recipient,
        done=min(answered, row.size),
        subject=row.subject,
    )


def _coming(row: Row[Any]) -> wire.AttachmentProgress:
    return wire.AttachmentProgress(
        attachment=wire_attachment.Attachment(digest=row.digest, size=row.size),
        direction=wire.ATTACHMENT_DIRECTION_TAKEN,
        hall=row.sender,
        done=row.received,
        subject=row.subject,
    )

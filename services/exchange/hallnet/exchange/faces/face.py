"""The gRPC face of the exchange: thin; each method is a use case in a transaction."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

from sqlalchemy import func, select

from hallnet.codec.moments import to_timestamp
from hallnet.exchange import attachment_wishes, attachments, tables
from hallnet.exchange.certificates import moving
from hallnet.exchange.faces.attachment_face import AttachmentFace
from hallnet.exchange.faces.records_face import RecordsFace
from hallnet.exchange.faces.trust_face import TrustFace
from hallnet.exchange.journal import continuity, journal_store, numbering
from hallnet.exchange.link import links
from hallnet.exchange.queue import outgoing, queues
from hallnet.exchange.recovery import asking_back
from hallnet.node.home import Part
from hallnet.node.server import EVERY_PART, Callers
from hallnet.store import Connection
from hallnet.store.room import ROOMY, measured, reusable_bytes
from hallnet.wire.exchange.v1 import exchange_service_pb2 as wire
from hallnet.wire.exchange.v1 import exchange_service_pb2_grpc as wire_grpc

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
    "ExportRecovery": frozenset({Part.OPERATOR}),
    "ForgetArchived": frozenset({Part.OPERATOR}),
    "EraseContents": frozenset({Part.OPERATOR}),
    "ReadAttachment": frozenset({Part.INTAKE}),
    "ReleaseAttachment": frozenset({Part.INTAKE}),
    "ListAttachments": frozenset({Part.PORTAL, Part.OPERATOR}),
    "WatchHops": frozenset({Part.PORTAL, Part.OPERATOR}),
    "ListIncidents": frozenset({Part.PORTAL, Part.OPERATOR}),
}


_COUNT_INCIDENTS = select(func.count()).select_from(tables.incident)


class ExchangeFace(TrustFace, RecordsFace, AttachmentFace, wire_grpc.ExchangeServiceServicer):
    """Serves hallnet.wire.exchange.v1.ExchangeService."""

    async def GetStatus(self, request: wire.GetStatusRequest, context: Any) -> Any:
        return await self._database.read(self._status)

    def _status(self, connection: Connection) -> wire.GetStatusResponse:
        # Before anything is read: what a hall that is sure found to be lost is in the tables then.
        is_sure = self._context.is_sure
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
            incidents=connection.execute(_COUNT_INCIDENTS).scalar_one(),
            believed_halls=len(self._context.trust.halls()),
            suite=int(certificate.body.suite),  # type: ignore[arg-type]
            suites=self._suites(),
            attachments_under_way=attachment_wishes.count_open(connection)
            + attachments.count_coming(connection),
            free_bytes=0 if room is ROOMY else room.free_bytes,
            free_bytes_min=room.free_bytes_min,
            full=not room.is_enough(owed, reusable),
            planned_moves=moving.planned(connection, self._clock()),
            journal_sure=is_sure,
            journal_gaps=_journal_gaps(connection),
            journal_numbers=[
                wire.JournalNumber(
                    number=one.number,
                    start=one.start,
                    began_at=to_timestamp(one.began_at),
                    lost_end=one.lost_end,
                )
                for one in numbering.beginnings(connection)
            ],
            **self._asking(),
        )

    def _asking(self) -> dict[str, Any]:
        """While it is not known where the journal ends: since when is asked, and who is silent."""
        context = self._context
        if context.is_sure or context.asking_since is None:
            return {}
        alone_at = context.asking_since + context.parent_wait
        silent = sorted(context.neighbours() - context.heard.keys())
        return {
            "journal_asked_since": to_timestamp(context.asking_since),
            "journal_silent": [str(one) for one in silent],
            "journal_alone_at": to_timestamp(alone_at) if context.parent in silent else None,
        }

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
                sure=self._context.is_sure,
                restored=_journal_gaps(connection),
                words_back=not asking_back.is_under_way(connection),
                words_position=tables.returned.last(connection),
            )

        return await self._database.read(look)

    async def WatchHops(
        self, request: wire.WatchHopsRequest, context: Any
    ) -> AsyncIterator[wire.WatchHopsResponse]:
        async for hop in self._watch.watch():
            yield hop


def _journal_gaps(connection: Connection) -> list[wire.JournalGap]:
    return [
        wire.JournalGap(start=gap.start, end=gap.stop, found_at=to_timestamp(found_at))
        for gap, found_at in continuity.gaps(connection)
    ]

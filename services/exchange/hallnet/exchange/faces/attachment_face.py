"""The part of the face that deals with materials under way."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from sqlalchemy import Row

from hallnet.exchange import attachment_wishes, attachments
from hallnet.exchange.faces.answering import Answering
from hallnet.federation import limits
from hallnet.node.paging import Page
from hallnet.problems import Kind, Problem
from hallnet.store import Connection
from hallnet.wire.exchange.v1 import attachment_pb2 as wire_attachment
from hallnet.wire.exchange.v1 import exchange_service_pb2 as wire


class AttachmentMissing(Problem):
    """A material that has not arrived, or not wholly."""

    kind = Kind.NOT_FOUND
    reason = "ATTACHMENT_MISSING"
    zh = "该材料尚未完整到达"
    zh_remedy = "请等待传送完成"
    en = "The material has not arrived completely"
    en_remedy = "Wait until it has"


class AttachmentFace(Answering):
    """Gives materials to the intake, and shows how far they are."""

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

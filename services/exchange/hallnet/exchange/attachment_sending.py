"""Materials that go: each chunk an envelope, sealed as there is room for it on the way."""

from __future__ import annotations

from datetime import datetime

from hallnet.exchange import attachment_wishes, outgoing
from hallnet.exchange.attachment_wishes import AttachmentWish, Portion
from hallnet.exchange.attachments import CHUNK_KIND
from hallnet.exchange.context import Context
from hallnet.exchange.sealing import Wish
from hallnet.federation import limits
from hallnet.federation.problems import AttachmentSizeWrong
from hallnet.store import Connection
from hallnet.store.feed import Entry
from hallnet.trust.envelope import Urgency
from hallnet.wire.exchange.v1 import attachment_pb2 as wire


def send_portion(
    connection: Connection, context: Context, portion: Portion, data: bytes, now: datetime
) -> list[Entry]:
    """Seal, journal and queue the chunks of a portion; `data` are its bytes.

    The wish remembers it in the same transaction: whatever happens, each chunk is sealed once. A material
    that is shorter than it was said to be is given up. Returns the entries for the feed.
    """
    if len(data) != portion.length:
        attachment_wishes.give_up(connection, portion.position, AttachmentSizeWrong.reason)
        return []
    if not attachment_wishes.note_sent(connection, portion):
        return []
    return outgoing.send(connection, context, envelopes(portion, data), now)


def envelopes(portion: Portion, data: bytes) -> list[Wish]:
    """The chunks of a portion, as what is to be carried."""
    step, wish = limits.ATTACHMENT_CHUNK_BYTES, portion.wish
    return [
        Wish(
            wish.recipient,
            CHUNK_KIND,
            wish.subject,
            Urgency.BULK,
            chunk_of(wish, portion.offset + at, data[at : at + step]),
            reference=portion.reference,
        )
        for at in range(0, max(len(data), 1), step)
    ]


def chunk_of(wish: AttachmentWish, offset: int, data: bytes) -> bytes:
    """The payload of an envelope."""
    named = wire.Attachment(digest=wish.digest, size=wish.size)
    return wire.AttachmentChunk(attachment=named, offset=offset, data=data).SerializeToString()

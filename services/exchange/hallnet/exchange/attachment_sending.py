"""Materials that go: each chunk an envelope, sealed as there is room for it on the way."""

from __future__ import annotations

from datetime import datetime

from hallnet.exchange import attachment_wishes
from hallnet.exchange.attachment_wishes import AttachmentWish, Portion
from hallnet.exchange.attachments import CHUNK_KIND
from hallnet.exchange.context import Context
from hallnet.exchange.queue import outgoing
from hallnet.exchange.queue.sealing import Wish
from hallnet.federation import chunks, limits
from hallnet.federation.problems import AttachmentSizeWrong
from hallnet.store import Connection
from hallnet.store.feed import Entry
from hallnet.trust.envelope import Urgency
from hallnet.wire.exchange.v1 import attachment_pb2 as wire


def send_portion(
    connection: Connection,
    context: Context,
    portion: Portion,
    data: bytes,
    now: datetime,
    run_length: int = 1,
) -> list[Entry]:
    """Seal, journal and queue the chunks of a portion, so many in a row in one envelope; `data` are its bytes.

    The wish remembers it in the same transaction: whatever happens, each chunk is sealed once. A material
    that is shorter than it was said to be is given up. Returns the entries for the feed.
    """
    if len(data) != portion.length:
        attachment_wishes.give_up(connection, portion.position, AttachmentSizeWrong.reason)
        return []
    if not attachment_wishes.note_sent(connection, portion):
        return []
    return outgoing.send(connection, context, envelopes(portion, data, run_length), now)


def envelopes(portion: Portion, data: bytes, run_length: int) -> list[Wish]:
    """The chunks of a portion, as what is to be carried."""
    step, wish = limits.ATTACHMENT_CHUNK_BYTES, portion.wish
    found = []
    for run in chunks.runs(portion.numbers, run_length):
        at = (run.start - portion.numbers.start) * step
        found.append(
            Wish(
                wish.recipient,
                CHUNK_KIND,
                wish.subject,
                Urgency.BULK,
                chunk_of(wish, run.start * step),
                reference=attachment_wishes.reference_of(portion.position, len(run)),
                attached=data[at : at + len(run) * step],
            )
        )
    return found


def chunk_of(wish: AttachmentWish, offset: int, data: bytes = b"") -> bytes:
    """The payload of an envelope; the bytes are attached to it, or stand in it."""
    named = wire.Attachment(digest=wish.digest, size=wish.size)
    return wire.AttachmentChunk(attachment=named, offset=offset, data=data).SerializeToString()

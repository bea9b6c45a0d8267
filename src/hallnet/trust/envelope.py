"""Envelopes: an open header that names no person, a sealed body, and the proof of both.

A header is what stands in the sender's journal. It commits to the sealed bytes, so that every hall on
the way can notice damage, and to the content under a salt, so that the content can be shown to a
third party later, or erased without harm to the journal.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from functools import lru_cache

from google.protobuf.message import DecodeError

from hallnet.codec import Codec, MessageMalformed
from hallnet.codec.frugal import bytes_field
from hallnet.places import Address
from hallnet.trust.certificate import Certificate
from hallnet.trust.evidence import Proof
from hallnet.trust.problems import BodyDamaged, ContentNotAsCommitted
from hallnet.trust.suite import Suite
from hallnet.trust.suites import algorithms
from hallnet.wire.exchange.v1 import envelope_pb2 as wire

ENVELOPE_ID_BYTES = 16
_ATTACHED = wire.Content.ATTACHED_FIELD_NUMBER
_CIPHERTEXT = wire.SealedBody.CIPHERTEXT_FIELD_NUMBER
NAME_LENGTH_MAX = 64
"""Of a kind, a subject, a trace context or a reason, in characters: what every hall can store."""


PAIRS_REMEMBERED_MAX = 1024
"""Of sender and recipient: all envelopes of a batch to a recipient have the same."""


class Urgency(IntEnum):
    """What goes first."""

    URGENT = 1
    ORDINARY = 2
    BULK = 3


@dataclass(frozen=True, slots=True)
class Header:
    """The open part; the fields are those of the wire."""

    suite: Suite
    envelope_id: bytes
    sender: Address
    recipient: Address
    kind: str
    subject: str
    urgency: Urgency
    sent_at: datetime
    expires_at: datetime
    hop_limit: int
    sealed_digest: bytes
    sealed_size: int
    content_commitment: bytes
    recipient_certificate_id: bytes
    traceparent: str


_HEADER: Codec[Header] = Codec(Header, wire.Header)


def read_header(raw: bytes) -> Header:
    """Raises MessageMalformed, AddressMalformed."""
    header = _HEADER.from_bytes(raw)
    if len(header.envelope_id) != ENVELOPE_ID_BYTES:
        raise MessageMalformed("header.envelope_id", message="Header", detail="envelope_id")
    for name in ("kind", "subject", "traceparent"):
        require_name(getattr(header, name), f"header.{name}", "Header")
    return header


def require_name(text: str, where: str, message: str) -> None:
    """Check that an open text is short and printable, so that it holds up no hall that stores it.

    Raises MessageMalformed.
    """
    if len(text) > NAME_LENGTH_MAX or not text.isprintable():
        raise MessageMalformed(where, message=message, detail=where)


@dataclass(frozen=True, slots=True)
class ContentKey:
    """A key for the bodies of one batch to one recipient, plain and sealed to the recipient."""

    plain: bytes
    sealed: bytes
    recipient: Certificate


def content_key(plain: bytes, recipient: Certificate) -> ContentKey:
    """Seal a fresh random key; the one costly step for all envelopes of a batch to a recipient.

    The key is as long as the suite of the recipient has it; raises ValueError if nothing can be sealed.
    """
    suite = algorithms(recipient.body.suite)
    return ContentKey(plain, suite.seal_key(recipient.body.sealing_key, plain), recipient)


@dataclass(frozen=True, slots=True)
class Letter:
    """What the sender wants carried."""

    envelope_id: bytes
    sender: Address
    recipient: Address
    kind: str
    subject: str
    urgency: Urgency
    sent_at: datetime
    expires_at: datetime
    hop_limit: int
    traceparent: str
    payload: bytes
    attached: bytes = b""
    """What the payload names by its digest and so commits to."""


@dataclass(frozen=True, slots=True)
class Sealed:
    """A header as it goes into the journal, and the sealed body."""

    header: bytes
    body: bytes


def commitment(suite: int, salt: bytes, payload: bytes) -> bytes:
    return algorithms(suite).digest(salt + payload)


def seal(letter: Letter, key: ContentKey, salt: bytes, nonce: bytes) -> Sealed:
    """Close a letter. Salt and nonce are random and used once."""
    suite = algorithms(key.recipient.body.suite)
    committed = commitment(suite.suite, salt, letter.payload)
    plain = wire.Content(salt=salt, payload=letter.payload).SerializeToString()
    # What is long is not copied through a message: it is put behind it, where its last field stands.
    if letter.attached:
        plain += bytes_field(_ATTACHED, letter.attached)
    associated = _associated(letter.envelope_id, letter.sender, letter.recipient, committed)
    closed = suite.encrypt(key.plain, nonce, plain, associated)
    body = wire.SealedBody(sealed_key=key.sealed, nonce=nonce).SerializeToString()
    body += bytes_field(_CIPHERTEXT, closed)
    header = Header(
        suite=suite.suite,
        envelope_id=letter.envelope_id,
        sender=letter.sender,
        recipient=letter.recipient,
        kind=letter.kind,
        subject=letter.subject,
        urgency=letter.urgency,
        sent_at=letter.sent_at,
        expires_at=letter.expires_at,
        hop_limit=letter.hop_limit,
        sealed_digest=suite.digest(body),
        sealed_size=len(body),
        content_commitment=committed,
        recipient_certificate_id=key.recipient.id,
        traceparent=letter.traceparent,
    )
    return Sealed(_HEADER.to_bytes(header), body)


def require_whole(header: Header, sealed_body: bytes) -> None:
    """Check that the body is the one that the header names; raises BodyDamaged."""
    if (
        len(sealed_body) != header.sealed_size
        or algorithms(header.suite).digest(sealed_body) != header.sealed_digest
    ):
        raise BodyDamaged("sealed_body")


Unseal = Callable[[bytes], bytes]
"""Gives the content key that was sealed; raises ContentNotAsCommitted."""


def sealed_key_of(sealed_body: bytes) -> bytes:
    """The content key of a body, as it was sealed to the recipient."""
    return wire.SealedBody.FromString(sealed_body).sealed_key


@dataclass(frozen=True, slots=True)
class Content:
    """What was in an envelope."""

    salt: bytes
    payload: bytes
    attached: bytes = b""


def open_body(header: Header, sealed_body: bytes, unseal: Unseal) -> Content:
    """Open an envelope with what opens its content key; raises ContentNotAsCommitted."""
    suite = algorithms(header.suite)
    try:
        body = wire.SealedBody.FromString(sealed_body)
        key = unseal(body.sealed_key)
        associated = _associated(
            header.envelope_id, header.sender, header.recipient, header.content_commitment
        )
        plain = suite.decrypt(key, body.nonce, body.ciphertext, associated)
        content = wire.Content.FromString(plain)
    except DecodeError as error:
        raise ContentNotAsCommitted("sealed_body") from error
    opened = Content(content.salt, content.payload, content.attached)
    require_committed(header, opened)
    return opened


def require_committed(header: Header, content: Content) -> None:
    """Check that the content is the one that the header commits to; raises ContentNotAsCommitted."""
    if commitment(header.suite, content.salt, content.payload) != header.content_commitment:
        raise ContentNotAsCommitted("content")


@dataclass(frozen=True, slots=True)
class Envelope:
    """A sealed letter with its proof."""

    header: bytes
    sealed_body: bytes
    proof: Proof


def _associated(envelope_id: bytes, sender: Address, recipient: Address, committed: bytes) -> bytes:
    return _parts(envelope_id) + _halls(sender, recipient) + _parts(committed)


@lru_cache(maxsize=PAIRS_REMEMBERED_MAX)
def _halls(sender: Address, recipient: Address) -> bytes:
    return _parts(str(sender).encode(), str(recipient).encode())


def _parts(*parts: bytes) -> bytes:
    return b"".join([len(part).to_bytes(4, "big") + part for part in parts])

"""Successions: after a change of divisions a hall goes on under another address; a root takes over from another.

What was signed under an old address or an old root stays verifiable: its certificates are not forgotten.
A succession only says where things go from now on, and whom to believe as well.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from google.protobuf.message import DecodeError

from hallnet.codec import Codec, MessageMalformed
from hallnet.codec.moments import from_timestamp, to_timestamp
from hallnet.places import Address
from hallnet.trust.certificate import (
    Certificate,
    read_certificate,
    verify_root,
)
from hallnet.trust.problems import IssuerNotAbove, SignatureInvalid
from hallnet.trust.statement import require_stated
from hallnet.trust.suite import DIGEST_BYTES, Suite
from hallnet.trust.suites import algorithms
from hallnet.wire.trust.v1 import certificate_pb2 as wire

REASON_LENGTH_MAX = 200
SUCCESSIONS_MAX = 10_000
"""More changes of divisions than the country has had since it numbers them."""
STEPS_MAX = 8
"""How often an address may have changed before nobody follows it any more."""
_SUCCESSION_TEXT = b"hallnet succession v1\n"
ROOT_SUCCESSION_TEXT = b"hallnet root succession v1\n"
"""Stands before what both roots sign."""
KEPT_MAX = 256
"""Of what an ended root signed: certificates of the highest hall, one every few years."""


@dataclass(frozen=True, slots=True)
class SuccessionBody:
    """What is stated; the fields are those of the wire."""

    suite: Suite
    predecessor: Address
    successor: Address
    effective_at: datetime
    signed_at: datetime
    reason: str
    withdrawn: bool = False


_BODY: Codec[SuccessionBody] = Codec(SuccessionBody, wire.SuccessionBody)


@dataclass(frozen=True, slots=True)
class Succession:
    """A body, its bytes as signed, the signature, and by whose certificate."""

    body: SuccessionBody
    raw: bytes
    signature: bytes
    signer_id: bytes

    @property
    def digest(self) -> bytes:
        """Names what was signed."""
        return algorithms(self.body.suite).digest(self.raw)

    def to_message(self) -> wire.Succession:
        return wire.Succession(body=self.raw, signature=self.signature, signer_id=self.signer_id)


def declare(body: SuccessionBody, signer: Certificate, private_key: bytes) -> Succession:
    """Sign a body. Whether the signer may, is checked by who verifies, not here."""
    raw = _BODY.to_bytes(body)
    signature = algorithms(body.suite).sign(private_key, _SUCCESSION_TEXT + raw)
    return Succession(body, raw, signature, signer.id)


def read_succession(message: wire.Succession) -> Succession:
    """Read without verifying; raises MessageMalformed, AddressMalformed or SuiteUnsupported."""
    body = _BODY.from_bytes(message.body)
    usable = len(body.reason) <= REASON_LENGTH_MAX and body.reason.isprintable()
    if not usable or body.predecessor == body.successor:
        raise MessageMalformed("succession", message="SuccessionBody", detail="reason, successor")
    algorithms(body.suite)
    return Succession(body, message.body, message.signature, message.signer_id)


def verify_succession(succession: Succession, signer: Certificate) -> None:
    """Check that `signer` stated it and stands above both addresses.

    Raises IssuerNotAbove, PermissionMissing, SuiteMismatched or SignatureInvalid.
    """
    body, text = succession.body, _SUCCESSION_TEXT + succession.raw
    moved = [body.predecessor, body.successor]
    require_stated(signer, "succession", moved, body.suite, text, succession.signature)


def goes_on_as(
    address: Address, successions: Mapping[Address, SuccessionBody], at: datetime
) -> Address:
    """The address under which a hall is reached at a moment.

    Each step takes effect no earlier than the one before, so that a hall which was moved and moved
    back is found, and nobody is led in a circle.
    """
    earliest: datetime | None = None
    for _ in range(STEPS_MAX):
        step = successions.get(address)
        if step is None or step.withdrawn or step.effective_at > at:
            break
        if earliest is not None and step.effective_at < earliest:
            break
        address, earliest = step.successor, step.effective_at
    return address


@dataclass(frozen=True, slots=True)
class RootSuccession:
    """Two roots of one division that vouch for each other."""

    predecessor: Certificate
    successor: Certificate
    signed_at: datetime
    message: wire.RootSuccession
    ends: bool = False
    """Whether the predecessor ends with it."""
    kept: frozenset[bytes] = frozenset()
    """Digests of what the predecessor signed and that stays believed, if it ends."""

    @property
    def digest(self) -> bytes:
        """Names the statement."""
        return algorithms(self.predecessor.body.suite).digest(self.message.body)


def written_succession(
    predecessor: Certificate,
    successor: Certificate,
    now: datetime,
    kept: Collection[bytes] | None = None,
) -> bytes:
    """What both roots sign. Unless `kept` is None the predecessor ends, and of what it signed only that stays."""
    return wire.RootSuccessionBody(
        predecessor=predecessor.to_message(),
        successor=successor.to_message(),
        signed_at=to_timestamp(now),
        predecessor_ends=kept is not None,
        kept=sorted(kept or ()),
    ).SerializeToString(deterministic=True)


def read_root_succession(message: wire.RootSuccession) -> RootSuccession:
    """Read and check what can be checked by itself: both roots, one division, both signatures.

    Raises MessageMalformed, SuiteUnsupported, CertificateUnknown, IssuerNotAbove or SignatureInvalid.
    """
    try:
        body = wire.RootSuccessionBody.FromString(message.body)
        signed_at = from_timestamp(body.signed_at)
    except (DecodeError, ValueError, OverflowError) as error:
        raise MessageMalformed(
            "root_succession", message="RootSuccessionBody", detail="bytes"
        ) from error
    usable = len(body.kept) <= KEPT_MAX and all(len(one) == DIGEST_BYTES for one in body.kept)
    if not usable or (body.kept and not body.predecessor_ends):
        raise MessageMalformed("root_succession", message="RootSuccessionBody", detail="kept")
    old, new = read_certificate(body.predecessor), read_certificate(body.successor)
    for root in (old, new):
        verify_root(root)
    if old.body.subject != new.body.subject or old.id == new.id:
        raise IssuerNotAbove("root_succession", issuer=old.body.subject, subject=new.body.subject)
    text = ROOT_SUCCESSION_TEXT + message.body
    for root, signature in (
        (old, message.predecessor_signature),
        (new, message.successor_signature),
    ):
        if not root.is_signed(text, signature):
            raise SignatureInvalid("root_succession", what="succession of roots")
    return RootSuccession(old, new, signed_at, message, body.predecessor_ends, frozenset(body.kept))

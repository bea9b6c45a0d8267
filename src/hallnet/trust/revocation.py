"""Revocations: a certificate ends before its time, stated by a hall that stands above its subject."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from hallnet.codec import Codec, MessageMalformed
from hallnet.places import Address
from hallnet.trust.certificate import Certificate
from hallnet.trust.statement import require_stated
from hallnet.trust.suite import Suite
from hallnet.trust.suites import algorithms
from hallnet.wire.trust.v1 import certificate_pb2 as wire

REASON_LENGTH_MAX = 200
REVOCATION_TEXT = b"hallnet revocation v1\n"
"""Stands before what is signed."""


@dataclass(frozen=True, slots=True)
class RevocationBody:
    """What is stated; the fields are those of the wire."""

    suite: Suite
    certificate_id: bytes
    subject: Address
    revoked_at: datetime
    signed_at: datetime
    reason: str


_BODY: Codec[RevocationBody] = Codec(RevocationBody, wire.RevocationBody)


@dataclass(frozen=True, slots=True)
class Revocation:
    """A body, its bytes as signed, the signature, and by whose certificate."""

    body: RevocationBody
    raw: bytes
    signature: bytes
    signer_id: bytes

    @property
    def digest(self) -> bytes:
        """Names what was signed."""
        return algorithms(self.body.suite).digest(self.raw)

    def to_message(self) -> wire.Revocation:
        return wire.Revocation(body=self.raw, signature=self.signature, signer_id=self.signer_id)


def written(body: RevocationBody) -> bytes:
    """The body as it is signed."""
    return _BODY.to_bytes(body)


def revoke(body: RevocationBody, signer: Certificate, private_key: bytes) -> Revocation:
    """Sign a body. Whether the signer may, is checked by who verifies, not here."""
    raw = written(body)
    signature = algorithms(body.suite).sign(private_key, REVOCATION_TEXT + raw)
    return Revocation(body, raw, signature, signer.id)


def read_revocation(message: wire.Revocation) -> Revocation:
    """Read without verifying; raises MessageMalformed, AddressMalformed or SuiteUnsupported."""
    body = _BODY.from_bytes(message.body)
    usable = len(body.reason) <= REASON_LENGTH_MAX and body.reason.isprintable()
    if not usable or body.revoked_at > body.signed_at:
        raise MessageMalformed("revocation", message="RevocationBody", detail="reason, revoked_at")
    algorithms(body.suite)
    return Revocation(body, message.body, message.signature, message.signer_id)


def verify_revocation(revocation: Revocation, signer: Certificate) -> None:
    """Check that `signer` revoked the certificate and was allowed to.

    Raises IssuerNotAbove, PermissionMissing, SuiteMismatched or SignatureInvalid.
    """
    body, text = revocation.body, REVOCATION_TEXT + revocation.raw
    require_stated(signer, "revocation", [body.subject], body.suite, text, revocation.signature)

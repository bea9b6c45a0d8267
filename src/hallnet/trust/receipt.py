"""Receipts: what the journal of a receiver says of an envelope."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum

from hallnet.codec import Codec
from hallnet.places import Address
from hallnet.trust.evidence import Proof, RunProof, SignedCheckpoint
from hallnet.trust.problems import SuiteMismatched
from hallnet.trust.suite import Suite
from hallnet.wire.exchange.v1 import envelope_pb2 as wire


class Verdict(IntEnum):
    """What a recipient says of an envelope. What is not authentic gets no receipt at all."""

    ACCEPTED = 1
    REFUSED = 2
    HELD = 3


@dataclass(frozen=True, slots=True)
class ReceiptBody:
    """A verdict; the fields are those of the wire. The suite is that of the issuer's journal."""

    suite: Suite
    envelope_id: bytes
    header_digest: bytes
    issuer: Address
    sender: Address
    verdict: Verdict
    reason: str
    at: datetime


RECEIPT: Codec[ReceiptBody] = Codec(ReceiptBody, wire.ReceiptBody)

# Where the envelope and the digest of its header lie in a body as every hall writes it: behind two bytes of the
# suite, each behind a tag and a length of one byte.
_ENVELOPE_ID = slice(4, 20)
_DIGEST_TAG = slice(20, 22)
_HEADER_DIGEST = slice(22, 54)


@dataclass(frozen=True, slots=True)
class ReceiptForm:
    """Bodies that differ in nothing but the envelope of which they speak: made and read by its example."""

    example: ReceiptBody
    raw: bytes

    @staticmethod
    def name_of(raw: bytes) -> bytes:
        """The same for all bodies of a form: what they have beside the envelope."""
        return raw[: _ENVELOPE_ID.start] + raw[_DIGEST_TAG] + raw[_HEADER_DIGEST.stop :]

    @property
    def is_regular(self) -> bool:
        """Whether the envelope stands in the example where it is looked for."""
        body, raw = self.example, self.raw
        return raw[_ENVELOPE_ID] == body.envelope_id and raw[_HEADER_DIGEST] == body.header_digest

    def read(self, raw: bytes) -> ReceiptBody:
        """A body of the form's name and the length of its example."""
        return self._about(raw[_ENVELOPE_ID], raw[_HEADER_DIGEST])

    def make(self, envelope_id: bytes, header_digest: bytes) -> tuple[ReceiptBody, bytes]:
        """The body about an envelope, and its bytes."""
        raw = self.raw
        made = (
            raw[: _ENVELOPE_ID.start],
            envelope_id,
            raw[_DIGEST_TAG],
            header_digest,
            raw[_HEADER_DIGEST.stop :],
        )
        return self._about(envelope_id, header_digest), b"".join(made)

    def _about(self, envelope_id: bytes, header_digest: bytes) -> ReceiptBody:
        one = self.example
        return ReceiptBody(
            one.suite,
            envelope_id,
            header_digest,
            one.issuer,
            one.sender,
            one.verdict,
            one.reason,
            one.at,
        )


@dataclass(frozen=True, slots=True)
class Receipt:
    """A verdict as it stands in the issuer's journal, with its proof."""

    body: bytes
    proof: Proof


@dataclass(frozen=True, slots=True)
class ReceiptRun:
    """Verdicts as they stand in a row in the issuer's journal, with what proves all of them together."""

    bodies: tuple[bytes, ...]
    proof: RunProof


def require_suite(body: ReceiptBody, signed: SignedCheckpoint) -> None:
    """Check that the verdict names the suite of the journal in which it stands, a head of which was signed.

    Raises SuiteMismatched.
    """
    used = signed.checkpoint.suite
    if body.suite is not used:
        raise SuiteMismatched(
            "receipt.suite", what="receipt", named=int(body.suite), used=int(used)
        )

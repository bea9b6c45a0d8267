"""Receipts: what the journal of a receiver says of an envelope."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum

from hallnet.codec import Codec
from hallnet.places import Address
from hallnet.trust.evidence import Proof
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


@dataclass(frozen=True, slots=True)
class Receipt:
    """A verdict as it stands in the issuer's journal, with its proof."""

    body: bytes
    proof: Proof

    def require_suite(self, body: ReceiptBody) -> None:
        """Check that the verdict names the suite of the journal in which it stands.

        Raises SuiteMismatched.
        """
        used = self.proof.checkpoint.checkpoint.suite
        if body.suite is not used:
            raise SuiteMismatched(
                "receipt.suite", what="receipt", named=int(body.suite), used=int(used)
            )

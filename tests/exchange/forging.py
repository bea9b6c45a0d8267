"""A hall that holds its true keys and writes what it likes: into a journal of its own, in any name."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from hallnet.federation import limits
from hallnet.node.home import Identity
from hallnet.places import Address
from hallnet.trust.certificate import Certificate, issue
from hallnet.trust.envelope import Letter, Sealed, Urgency, content_key, seal
from hallnet.trust.evidence import (
    Checkpoint,
    EvidenceWriter,
    Proof,
    SignedCheckpoint,
    sign_checkpoint,
)
from hallnet.trust.journal import EntryKind, Journal, entry_leaf
from hallnet.trust.receipt import RECEIPT, ReceiptBody
from hallnet.trust.suite import NONCE_BYTES, SALT_BYTES, Suite
from hallnet.trust.suites import algorithms
from hallnet.wire.exchange.v1 import envelope_pb2 as wire
from hallnet.wire.exchange.v1 import link_pb2 as wire_link
from hallnet.wire.trust.v1 import journal_pb2 as wire_trust

SUITE = algorithms(Suite.ED25519)


@dataclass(slots=True)
class Forger:
    """The keys of a hall in other hands."""

    identity: Identity
    chance: random.Random = field(default_factory=lambda: random.Random(7))
    _journal: Journal = field(init=False)

    def __post_init__(self) -> None:
        self._journal = Journal(SUITE.digest, 0, _nothing_stored)

    def letter(self, sealed_to: Certificate, now: datetime, **changes: Any) -> Sealed:
        """An envelope sealed to the holder of a certificate; every part of it can be another."""
        values: dict[str, Any] = {
            "envelope_id": self.chance.randbytes(16),
            "sender": self.identity.address,
            "recipient": sealed_to.address,
            "kind": "test.message",
            "subject": "matter-1",
            "urgency": Urgency.ORDINARY,
            "sent_at": now,
            "expires_at": now + limits.LIFETIME,
            "hop_limit": limits.HOPS_MAX,
            "traceparent": "",
            "payload": b"forged",
        }
        for name in ("sender", "recipient"):
            if isinstance(changes.get(name), str):
                changes[name] = Address.parse(changes[name])
        key = content_key(self.chance.randbytes(SUITE.content_key_bytes), sealed_to)
        salt, nonce = self.chance.randbytes(SALT_BYTES), self.chance.randbytes(NONCE_BYTES)
        return seal(Letter(**(values | changes)), key, salt, nonce)

    def batch(
        self,
        now: datetime,
        letters: Sequence[Sealed] = (),
        receipts: Sequence[ReceiptBody | bytes] = (),
        *,
        passed: Sequence[str] = (),
        head_of: str = "",
        signed_with: Certificate | None = None,
        sequence: int = 1,
    ) -> wire_link.Batch:
        """Letters and receipts with proofs out of the forger's journal."""
        bodies = [item if isinstance(item, bytes) else RECEIPT.to_bytes(item) for item in receipts]
        leaves = [self._add(EntryKind.SENT, letter.header) for letter in letters]
        leaves += [self._add(EntryKind.RECEIVED, body) for body in bodies]
        head = self.head(now, head_of, signed_with)
        evidence = EvidenceWriter()
        proofs = [self._proof(leaf, head, evidence) for leaf in leaves]
        parcels = [
            wire_link.Parcel(
                envelope=wire.Envelope(header=letter.header, sealed_body=letter.body, proof=proof),
                passed=passed,
            )
            for letter, proof in zip(letters, proofs, strict=False)
        ]
        parcels += [
            wire_link.Parcel(receipt=wire.Receipt(body=body, proof=proof), passed=passed)
            for body, proof in zip(bodies, proofs[len(letters) :], strict=True)
        ]
        return wire_link.Batch(sequence=sequence, parcels=parcels, evidence=evidence.to_message())

    def head(
        self, now: datetime, head_of: str = "", signed_with: Certificate | None = None
    ) -> SignedCheckpoint:
        """The signed head of the forger's journal, in its own name unless in another's."""
        address = Address.parse(head_of) if head_of else self.identity.address
        checkpoint = Checkpoint(address, 1, self._journal.size, self._journal.root(), now)
        certificate = signed_with or self.identity.certificate
        return sign_checkpoint(checkpoint, certificate, self.identity.signing_key)

    def _add(self, kind: EntryKind, data: bytes) -> int:
        return self._journal.append([entry_leaf(SUITE.digest, kind, data)])

    def _proof(
        self, leaf: int, head: SignedCheckpoint, evidence: EvidenceWriter
    ) -> wire_trust.Proof:
        proof = Proof(leaf, tuple(self._journal.inclusion_path(leaf)), head)
        return evidence.add(proof, self.identity.chain[:-1])


def certified(issuer: Identity, like: Certificate, **changes: Any) -> Certificate:
    """A certificate that a hall signs, like another one but for what is changed."""
    return issue(
        replace(
            like.body,
            issuer=issuer.certificate.body.subject,
            issuer_id=issuer.certificate.id,
            **changes,
        ),
        issuer.signing_key,
    )


def _nothing_stored(level: int, index: int) -> bytes:
    raise AssertionError(f"tile {level}/{index} was never stored")

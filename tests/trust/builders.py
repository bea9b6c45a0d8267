"""A small network with real keys: a root, two cities of Zhejiang with what lies under them, journals.

Serial numbers and the keys of suite 1 follow from labels, so that what a test makes is the same in every
run; the keys of suite 2 are made by their library, once for each label.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cache

from hallnet.places import Address
from hallnet.trust.believed import Trust
from hallnet.trust.certificate import Certificate, CertificateBody, Permission, Role, issue
from hallnet.trust.envelope import (
    ContentKey,
    Envelope,
    Letter,
    Urgency,
    content_key,
    read_header,
    seal,
)
from hallnet.trust.evidence import Checkpoint, Proof, SignedCheckpoint, sign_checkpoint
from hallnet.trust.journal import EntryKind, Journal, TileId, entry_leaf
from hallnet.trust.receipt import RECEIPT, Receipt, ReceiptBody, Verdict
from hallnet.trust.revocation import Revocation, RevocationBody, revoke
from hallnet.trust.suite import Suite
from hallnet.trust.suites import algorithms

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
FOUNDED = datetime(2026, 1, 1, tzinfo=UTC)
ENDS = datetime(2028, 1, 1, tzinfo=UTC)
SECOND, DAY = timedelta(seconds=1), timedelta(days=1)
SUITE = algorithms(Suite.ED25519)
EVERYTHING = (Permission.CERTIFY, Permission.EXCHANGE, Permission.RELEASE)

PROVINCE, CITY, COUNTY, TOWNSHIP = "33", "3301", "330110", "330110012"
BRANCH = "330110-shebao"
OTHER_CITY, OTHER_COUNTY, OTHER_TOWNSHIP = "3304", "330424", "330424001"


def made_from(label: str, length: int = 32) -> bytes:
    """Bytes that look random and follow from a label."""
    return hashlib.shake_256(label.encode()).digest(length)


@cache
def private_key(label: str, suite: Suite = Suite.ED25519) -> bytes:
    """The private key of a label."""
    return made_from(label) if suite is Suite.ED25519 else algorithms(suite).new_signing_key()


@dataclass(frozen=True, slots=True)
class Party:
    """A holder of keys, with its certificate and those above it, the own one first."""

    chain: tuple[Certificate, ...]
    signing_key: bytes
    sealing_key: bytes

    @property
    def certificate(self) -> Certificate:
        return self.chain[0]

    @property
    def address(self) -> Address:
        return self.certificate.address

    @property
    def suite(self) -> Suite:
        return self.certificate.body.suite


def body_for(
    subject: str,
    issuer: Party | None,
    *,
    label: str = "",
    not_before: datetime = FOUNDED,
    not_after: datetime = ENDS,
    permissions: tuple[Permission, ...] = EVERYTHING,
    role: Role = Role.HALL,
    suite: Suite = Suite.ED25519,
    suites: tuple[int, ...] = (),
) -> CertificateBody:
    label = label or subject
    keys = algorithms(suite)
    return CertificateBody(
        suite=suite,
        serial=made_from(f"serial {label}", 16),
        role=role,
        subject=subject,
        name=f"{subject}政务服务中心",
        issuer=subject if issuer is None else issuer.certificate.body.subject,
        issuer_id=b"" if issuer is None else issuer.certificate.id,
        signing_key=keys.signing_public(private_key(f"signing {label}", suite)),
        sealing_key=keys.sealing_public(private_key(f"sealing {label}", suite)),
        not_before=not_before,
        not_after=not_after,
        permissions=permissions,
        suites=suites,
    )


def found_root(
    subject: str = "",
    label: str = "root",
    suite: Suite = Suite.ED25519,
    allowed: tuple[int, ...] = (),
) -> Party:
    """A root that signs itself; '' governs the whole country."""
    body = body_for(
        subject,
        None,
        label=label,
        permissions=(Permission.CERTIFY,),
        role=Role.ROOT,
        suite=suite,
        suites=allowed,
    )
    key = private_key(f"signing {label}", suite)
    return Party((issue(body, key),), key, b"")


def certify(
    issuer: Party,
    subject: str,
    *,
    label: str = "",
    not_before: datetime = FOUNDED,
    not_after: datetime = ENDS,
    permissions: tuple[Permission, ...] = EVERYTHING,
    suite: Suite = Suite.ED25519,
    suites: tuple[int, ...] = (1, 2),
) -> Party:
    """A hall whose certificate is signed by `issuer`, whether it may or not."""
    body = body_for(
        subject,
        issuer,
        label=label,
        not_before=not_before,
        not_after=not_after,
        permissions=permissions,
        suite=suite,
        suites=suites,
    )
    return Party(
        (issue(body, issuer.signing_key, issuer.suite), *issuer.chain),
        private_key(f"signing {label or subject}", suite),
        private_key(f"sealing {label or subject}", suite),
    )


@dataclass(frozen=True)
class Network:
    """A root and halls, by their addresses."""

    root: Party
    halls: dict[str, Party]

    def __getitem__(self, address: str) -> Party:
        return self.halls[address]

    def trust(self) -> Trust:
        """What a node believes that knows all halls."""
        trust = Trust([self.root.certificate])
        trust.learn(party.certificate for party in self.halls.values())
        return trust


ONLY_1 = (Suite.ED25519,)
ONLY_2 = (Suite.SM2,)
MIXED = (Suite.ED25519, Suite.SM2)
MIXED_THE_OTHER_WAY = (Suite.SM2, Suite.ED25519)


@cache
def network(suites: tuple[Suite, ...] = ONLY_1) -> Network:
    """Province 33 with two cities, a county, a township and a branch hall.

    The halls have the suites in turn, level by level from the root down, and the root allows all of them.
    """

    def suite_of(subject: str) -> Suite:
        level = len(subject.split("-")[0]) // 2 + subject.count("-")
        return suites[level % len(suites)]

    root = found_root(suite=suites[0], allowed=tuple(int(suite) for suite in suites))
    halls: dict[str, Party] = {}
    for subject, issuer in (
        (PROVINCE, ""),
        (CITY, PROVINCE),
        (COUNTY, CITY),
        (TOWNSHIP, COUNTY),
        (BRANCH, COUNTY),
        (OTHER_CITY, PROVINCE),
        (OTHER_COUNTY, OTHER_CITY),
        (OTHER_TOWNSHIP, OTHER_COUNTY),
    ):
        halls[subject] = certify(
            halls[issuer] if issuer else root, subject, suite=suite_of(subject)
        )
    return Network(root, halls)


@dataclass
class Ledger:
    """The journal of a hall, kept in memory."""

    party: Party
    entries: list[tuple[EntryKind, bytes]] = field(default_factory=list)
    tiles: dict[TileId, bytes] = field(default_factory=dict)

    def _journal(self) -> Journal:
        return Journal(
            self._digest, len(self.entries), lambda level, index: self.tiles[TileId(level, index)]
        )

    @property
    def _digest(self) -> Callable[[bytes], bytes]:
        return algorithms(self.party.suite).digest

    def add(self, kind: EntryKind, data: bytes) -> int:
        journal = self._journal()
        index = journal.append([entry_leaf(self._digest, kind, data)])
        self.tiles.update(journal.changed_tiles())
        self.entries.append((kind, data))
        return index

    def head(self, at: datetime = NOW) -> SignedCheckpoint:
        journal = self._journal()
        checkpoint = Checkpoint(
            self.party.address, 1, journal.size, journal.root(), at, self.party.suite
        )
        return sign_checkpoint(checkpoint, self.party.certificate, self.party.signing_key)

    def head_in_the_name_of(self, other: Party, at: datetime = NOW) -> SignedCheckpoint:
        """What a liar signs with its own key."""
        head = replace(self.head(at).checkpoint, address=other.address)
        return sign_checkpoint(head, self.party.certificate, self.party.signing_key)

    def proof(self, index: int, head: SignedCheckpoint | None = None) -> Proof:
        head = head or self.head()
        path = self._journal().inclusion_path(index, head.checkpoint.size)
        return Proof(index, tuple(path), head)


def letter(
    sender: Party,
    recipient: Party,
    payload: bytes = b"payload",
    *,
    number: int = 1,
    sent_at: datetime = NOW,
    lifetime: timedelta = 60 * DAY,
    hop_limit: int = 16,
    subject: str = "case-1",
) -> Letter:
    return Letter(
        envelope_id=made_from(f"envelope {sender.certificate.body.subject} {number}", 16),
        sender=sender.address,
        recipient=recipient.address,
        kind="case.events",
        subject=subject,
        urgency=Urgency.ORDINARY,
        sent_at=sent_at,
        expires_at=sent_at + lifetime,
        hop_limit=hop_limit,
        traceparent="",
        payload=payload,
    )


def key_for(recipient: Party, label: str = "batch 1") -> ContentKey:
    length = algorithms(recipient.suite).content_key_bytes
    return content_key(made_from(f"content key {label}", length), recipient.certificate)


def post(ledger: Ledger, recipient: Party, written: Letter, at: datetime = NOW) -> Envelope:
    """Seal a letter, put it into the sender's journal and prove it."""
    label = written.envelope_id.hex()
    sealed = seal(
        written,
        key_for(recipient),
        salt=made_from(f"salt {label}"),
        nonce=made_from(f"nonce {label}", 12),
    )
    index = ledger.add(EntryKind.SENT, sealed.header)
    return Envelope(sealed.header, sealed.body, ledger.proof(index, ledger.head(at)))


def receipt_body(
    envelope: Envelope,
    written: Letter,
    issuer: Party,
    verdict: Verdict = Verdict.ACCEPTED,
    reason: str = "",
    at: datetime = NOW + SECOND,
) -> ReceiptBody:
    return ReceiptBody(
        suite=issuer.suite,
        envelope_id=written.envelope_id,
        header_digest=algorithms(read_header(envelope.header).suite).digest(envelope.header),
        issuer=issuer.address,
        sender=written.sender,
        verdict=verdict,
        reason=reason,
        at=at,
    )


def acknowledge(ledger: Ledger, body: ReceiptBody) -> Receipt:
    """Put a verdict into the issuer's journal and prove it."""
    raw = RECEIPT.to_bytes(body)
    return Receipt(raw, ledger.proof(ledger.add(EntryKind.RECEIVED, raw), ledger.head(body.at)))


def revocation(signer: Party, ended: Party, at: datetime) -> Revocation:
    """A hall's certificate is ended by another, whether that may or not."""
    body = RevocationBody(signer.suite, ended.certificate.id, ended.address, at, at, "key lost")
    return revoke(body, signer.certificate, signer.signing_key)


def flipped(data: bytes, bit: int) -> bytes:
    changed = bytearray(data)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


def certificates(parties: Iterable[Party]) -> Sequence[Certificate]:
    return [party.certificate for party in parties]

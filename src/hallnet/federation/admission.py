"""Judging what comes over a link, before anything is kept or passed on.

Four outcomes: what is not authentic is *dropped* and recorded as an incident; what is authentic but not
allowed is *refused* with a receipt; what was valid when it was signed and is not now is *held*; the rest
is *accepted* here or *relayed*. A known envelope is *repeated*: it has no second effect.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from hallnet.federation import limits
from hallnet.federation.problems import (
    ClockAhead,
    EnvelopeExpired,
    EnvelopeIdReused,
    RecipientUnknown,
    SealedToUnknownKey,
    TooLarge,
    TooManyHops,
    WrongLink,
)
from hallnet.places import Address
from hallnet.places.divisions import Divisions
from hallnet.places.routing import Direction, way_to
from hallnet.problems import Problem
from hallnet.trust import envelope as envelopes
from hallnet.trust.believed import Trust
from hallnet.trust.certificate import Certificate, Permission
from hallnet.trust.envelope import Content, Envelope, Header
from hallnet.trust.evidence import Proof, RunProof, SignedCheckpoint
from hallnet.trust.journal import EntryKind, entry_leaf
from hallnet.trust.merkle import ProvedTree
from hallnet.trust.problems import (
    CertificateExpired,
    CertificateRevoked,
    ContentNotAsCommitted,
    NotAuthentic,
    ProofInvalid,
    SignatureInvalid,
    SpeaksForAnother,
)
from hallnet.trust.receipt import (
    RECEIPT,
    Receipt,
    ReceiptBody,
    ReceiptForm,
    ReceiptRun,
    require_suite,
)
from hallnet.trust.suites import algorithms


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Where a parcel is judged: this hall, its neighbours, and what it believes."""

    here: Address
    parent: Address | None
    children: Collection[Address]
    register: Divisions
    trust: Trust
    sealing_keys: Mapping[bytes, bytes]
    """Private keys of this hall by the certificate to which bodies are sealed: the old ones open what
    was under way when the hall renewed its keys."""
    waiting_keys: Sequence[bytes] = ()
    """Private keys for which a certificate was asked: others may have it before this hall does."""
    opened_keys: dict[bytes, bytes] = field(default_factory=dict)
    """Content keys that were opened for the batch that is judged, by what they were sealed as."""

    ways: dict[tuple[Address, Address, Address], bool] = field(default_factory=dict)
    """Neighbours, speakers and goals of that batch, and whether they go together."""

    def neighbour_may_bring(self, neighbour: Address, speaker: Address, goal: Address) -> bool:
        """Whether a parcel from `speaker` to `goal` may come over the link of `neighbour`."""
        way = neighbour, speaker, goal
        known = self.ways.get(way)
        if known is None:
            known = self.ways[way] = self._may_bring(*way)
        return known

    def _may_bring(self, neighbour: Address, speaker: Address, goal: Address) -> bool:
        under = self.register.is_under
        if neighbour == self.parent:
            return under(goal, self.here) and not under(speaker, self.here)
        return under(speaker, neighbour) and not under(goal, neighbour)


@dataclass(frozen=True, slots=True)
class Drop:
    """Not authentic."""

    problem: NotAuthentic
    header: Header | None


@dataclass(frozen=True, slots=True)
class Refuse:
    """Not allowed."""

    problem: Problem
    header: Header


@dataclass(frozen=True, slots=True)
class Hold:
    """Valid once."""

    problem: NotAuthentic
    header: Header


@dataclass(frozen=True, slots=True)
class Accept:
    """For this hall."""

    header: Header
    content: Content


@dataclass(frozen=True, slots=True)
class Relay:
    """For another hall."""

    header: Header
    neighbour: Address


@dataclass(frozen=True, slots=True)
class Repeat:
    """Known already."""

    header: Header


Judgement = Drop | Refuse | Hold | Accept | Relay | Repeat


class _Judged:
    """A checkpoint, who signed it or why nobody did, and what was proved to lead to it."""

    def __init__(self, signed: SignedCheckpoint, signer: Certificate | NotAuthentic) -> None:
        self.signed = signed
        self.signer = signer
        head = signed.checkpoint
        self.digest = algorithms(head.suite).digest
        self.tree = ProvedTree(self.digest, head.size, head.root)
        self.is_valid_now = False


class ProofVerifier:
    """Judges the proofs of one batch: each checkpoint once, and what paths share once."""

    def __init__(self, trust: Trust, now: datetime) -> None:
        self._trust = trust
        self._now = now
        self._judged: dict[int, _Judged] = {}
        """By identity: what a genuine signature proves must not rub off on a forged one."""

    def signer(self, signed: SignedCheckpoint) -> Certificate:
        """Who signed, proved; raises a NotAuthentic problem."""
        signer = self._judge(signed).signer
        if isinstance(signer, NotAuthentic):
            raise signer
        return signer

    def require(self, proof: Proof, kind: EntryKind, data: bytes, what: str) -> None:
        """Check that the entry leads to the root of the checkpoint; raises ProofInvalid."""
        judged = self._judge(proof.checkpoint)
        leaf = entry_leaf(judged.digest, kind, data)
        if not judged.tree.contains(leaf, proof.leaf_index, proof.path):
            raise ProofInvalid("proof", what=what)

    def require_run(
        self, proof: RunProof, kind: EntryKind, entries: Iterable[bytes], what: str
    ) -> None:
        """Check that entries in a row lead to the root of the checkpoint together; raises ProofInvalid."""
        digest = algorithms(proof.checkpoint.checkpoint.suite).digest
        leaves = [entry_leaf(digest, kind, entry) for entry in entries]
        if not proof.is_led_to_by(leaves):
            raise ProofInvalid("proof", what=what)

    def require_valid_now(self, signed: SignedCheckpoint) -> None:
        """Check that who signed could sign now as well; raises a NotAuthentic problem."""
        judged = self._judge(signed)
        if not judged.is_valid_now:
            self._trust.signer(signed.certificate_id, self._now, self._now)
            judged.is_valid_now = True

    def _judge(self, signed: SignedCheckpoint) -> _Judged:
        judged = self._judged.get(id(signed))
        if judged is None:
            try:
                judged = _Judged(signed, self._verify(signed))
            except NotAuthentic as problem:
                judged = _Judged(signed, problem)
            # It holds the checkpoint, so that its identity is not given to another one meanwhile.
            self._judged[id(signed)] = judged
        return judged

    def _verify(self, signed: SignedCheckpoint) -> Certificate:
        head = signed.checkpoint
        certificate = self._trust.signer(signed.certificate_id, head.at, self._now)
        if certificate.address != head.address:
            raise SpeaksForAnother(
                "checkpoint", signer=certificate.body.subject, claimed=head.address
            )
        certificate.require(Permission.EXCHANGE)
        if not certificate.is_signed(signed.note, signed.signature):
            raise SignatureInvalid("checkpoint.signature", what="checkpoint")
        return certificate


def judge_envelope(
    envelope: Envelope,
    passed: int,
    neighbour: Address,
    around: Surroundings,
    proofs: ProofVerifier,
    known_digest: Callable[[bytes], bytes | None],
    now: datetime,
) -> Judgement:
    """What to do with an envelope that `neighbour` brought after `passed` halls.

    `known_digest` gives the header digest under which an envelope id was seen before, if it was.
    """
    header: Header | None = None
    try:
        _require_bounded(envelope)
        header = envelopes.read_header(envelope.header)
        _require_right_link(header.sender, header.recipient, neighbour, around)
        around.trust.require_allowed(header.suite, "header.suite")
        digest = algorithms(header.suite).digest(envelope.header)
        known = known_digest(header.envelope_id)
        if known is not None and known != digest:
            raise EnvelopeIdReused("header.envelope_id")
        _require_authentic(envelope, header, proofs)
    except NotAuthentic as problem:
        return Drop(problem, header)
    except Problem as problem:
        return Drop(_as_not_authentic(problem), header)
    if known is not None:
        return Repeat(header)
    return _judge_authentic(envelope, header, passed, around, proofs, now)


def judge_receipt(
    receipt: Receipt,
    neighbour: Address,
    around: Surroundings,
    proofs: ProofVerifier,
) -> ReceiptBody:
    """The verdict, proved to come from its issuer; raises a NotAuthentic problem."""
    try:
        body = _verdict(receipt.body, neighbour, around, proofs, receipt.proof.checkpoint)
        proofs.require(receipt.proof, EntryKind.RECEIVED, receipt.body, "receipt")
    except NotAuthentic:
        raise
    except Problem as problem:
        raise _as_not_authentic(problem) from problem
    return body


def judge_receipt_run(
    run: ReceiptRun,
    neighbour: Address,
    around: Surroundings,
    proofs: ProofVerifier,
) -> list[ReceiptBody]:
    """The verdicts, all of them proved to come from their issuer; raises a NotAuthentic problem if one of
    them is not."""
    head = run.proof.checkpoint
    try:
        forms: dict[tuple[int, bytes], ReceiptForm] = {}
        bodies: list[ReceiptBody] = []
        for raw in run.bodies:
            # What is judged is the same for all verdicts of a form.
            name = len(raw), ReceiptForm.name_of(raw)
            if name in forms:
                bodies.append(forms[name].read(raw))
                continue
            body = _verdict(raw, neighbour, around, proofs, head)
            bodies.append(body)
            form = ReceiptForm(body, raw)
            if form.is_regular:
                forms[name] = form
        proofs.require_run(run.proof, EntryKind.RECEIVED, run.bodies, "receipt")
    except NotAuthentic:
        raise
    except Problem as problem:
        raise _as_not_authentic(problem) from problem
    return bodies


def _verdict(
    raw: bytes,
    neighbour: Address,
    around: Surroundings,
    proofs: ProofVerifier,
    head: SignedCheckpoint,
) -> ReceiptBody:
    """What a receipt says, if who signed the head may say it over this link."""
    body = RECEIPT.from_bytes(raw)
    envelopes.require_name(body.reason, "receipt.reason", "ReceiptBody")
    _require_right_link(body.issuer, body.sender, neighbour, around)
    signer = proofs.signer(head)
    if signer.address != body.issuer:
        raise SpeaksForAnother("receipt.issuer", signer=signer.body.subject, claimed=body.issuer)
    require_suite(body, head)
    return body


def _judge_authentic(
    envelope: Envelope,
    header: Header,
    passed: int,
    around: Surroundings,
    proofs: ProofVerifier,
    now: datetime,
) -> Judgement:
    try:
        if now >= header.expires_at:
            raise EnvelopeExpired("header.expires_at", expired_at=header.expires_at)
        if passed > min(header.hop_limit, limits.HOPS_MAX):
            raise TooManyHops("parcel.passed")
        ahead = header.sent_at - now
        if ahead > limits.CLOCK_SKEW_MAX:
            raise ClockAhead("header.sent_at", seconds=int(ahead.total_seconds()))
        way = way_to(header.recipient, around.here, around.parent, around.children, around.register)
        if way.direction is Direction.NOWHERE:
            raise RecipientUnknown("header.recipient", recipient=header.recipient)
        if way.neighbour is not None:
            return Relay(header, way.neighbour)
        proofs.require_valid_now(envelope.proof.checkpoint)
        return Accept(header, _open(envelope, header, around))
    except (CertificateExpired, CertificateRevoked) as problem:
        return Hold(problem, header)
    except ContentNotAsCommitted as problem:
        return Refuse(problem, header)
    except Problem as problem:
        return Refuse(problem, header)


def _open(envelope: Envelope, header: Header, around: Surroundings) -> Content:
    suite = algorithms(header.suite)
    key = around.sealing_keys.get(header.recipient_certificate_id)
    for private in around.waiting_keys if key is None else (key,):

        def unseal(sealed: bytes, private: bytes = private) -> bytes:
            # The envelopes of a batch share their content key.
            opened = around.opened_keys.get(sealed)
            if opened is None:
                opened = around.opened_keys[sealed] = suite.open_key(private, sealed)
            return opened

        try:
            return envelopes.open_body(header, envelope.sealed_body, unseal)
        except ContentNotAsCommitted:
            if key is not None:
                raise
    raise SealedToUnknownKey("header.recipient_certificate_id")


def _require_bounded(envelope: Envelope) -> None:
    if len(envelope.header) > limits.HEADER_BYTES_MAX:
        raise TooLarge("header", what="header", limit=limits.HEADER_BYTES_MAX)
    if len(envelope.sealed_body) > limits.SEALED_BODY_BYTES_MAX:
        raise TooLarge("sealed_body", what="sealed body", limit=limits.SEALED_BODY_BYTES_MAX)


def _require_right_link(
    speaker: Address, goal: Address, neighbour: Address, around: Surroundings
) -> None:
    if not around.neighbour_may_bring(neighbour, speaker, goal):
        raise WrongLink("sender", neighbour=neighbour, claimed=speaker)


def _require_authentic(envelope: Envelope, header: Header, proofs: ProofVerifier) -> None:
    envelopes.require_whole(header, envelope.sealed_body)
    signer = proofs.signer(envelope.proof.checkpoint)
    if signer.address != header.sender:
        raise SpeaksForAnother("header.sender", signer=signer.body.subject, claimed=header.sender)
    proofs.require(envelope.proof, EntryKind.SENT, envelope.header, "envelope")


class ParcelMalformed(NotAuthentic):
    """Bytes that are no parcel: cut in half, or of another kind."""

    reason = "PARCEL_MALFORMED"
    zh = "信封不完整或格式有误（{detail}）"
    zh_remedy = "请对方重新发送"
    en = "The parcel is cut short or malformed ({detail})"
    en_remedy = "Have it sent again"


def _as_not_authentic(problem: Problem) -> NotAuthentic:
    return ParcelMalformed(problem.where, detail=f"{problem.reason} {problem.where}")

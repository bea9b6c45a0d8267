"""Verifying a case bundle offline, with nothing but the root certificate.

Each exhibit is checked by itself: the chain of the sender up to the root, the signed head of the
sender's journal, the place of the header in it, the content against the header, and the receipt. The
seal of the hall that exported the bundle covers all of it, so that no bit can be changed unnoticed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from hallnet.codec import parse
from hallnet.codec.moments import from_timestamp
from hallnet.places import Address
from hallnet.problems import Problem
from hallnet.trust import envelope as envelopes
from hallnet.trust.believed import Trust
from hallnet.trust.certificate import Certificate, Permission
from hallnet.trust.envelope import Content, Header
from hallnet.trust.evidence import Cosignature, EvidenceReader, Proof, SignedCheckpoint
from hallnet.trust.journal import EntryKind
from hallnet.trust.problems import (
    BundleMalformed,
    ProofInvalid,
    SignatureInvalid,
    SpeaksForAnother,
)
from hallnet.trust.receipt import RECEIPT, ReceiptBody, Verdict, require_suite
from hallnet.trust.succession import read_root_succession
from hallnet.trust.suites import algorithms, supported
from hallnet.trust.witness import is_cosigned
from hallnet.wire.exchange.v1 import case_bundle_pb2 as wire

_BUNDLE_TEXT = b"hallnet case bundle v1\n"
FIELDS_MAX = 1024 * 1024
"""Of a bundle with all that it contains: a case of thousands of envelopes has fewer."""


@dataclass(frozen=True, slots=True)
class Exhibit:
    """One envelope of a bundle and what was found. `problem` is None if all of it holds."""

    number: int
    problem: Problem | None
    header: Header | None = None
    sender_name: str = ""
    signed_at: datetime | None = None
    leaf_index: int = 0
    content: Content | None = None
    receipt: ReceiptBody | None = None
    witnesses: frozenset[Address] = frozenset()
    """Halls that cosigned a head under which the envelope or its receipt stands."""


@dataclass(frozen=True, slots=True)
class Report:
    """What was found in a bundle. `seal_problem` is None if the exporting hall's seal holds."""

    subject: str
    exported_by: str
    exported_at: datetime
    root_subject: str
    seal_problem: Problem | None
    exhibits: Sequence[Exhibit]

    @property
    def holds(self) -> bool:
        return self.seal_problem is None and all(item.problem is None for item in self.exhibits)


def sign_bundle(
    bundle: wire.CaseBundle, certificate: Certificate, private_key: bytes
) -> wire.SignedCaseBundle:
    raw = bundle.SerializeToString()
    signature = algorithms(certificate.body.suite).sign(private_key, _BUNDLE_TEXT + raw)
    return wire.SignedCaseBundle(bundle=raw, signature=signature, certificate_id=certificate.id)


def verify_bundle(data: bytes, root: Certificate) -> Report:
    """Check the seal and every exhibit; raises BundleMalformed if the bytes are no bundle at all."""
    try:
        signed = parse(wire.SignedCaseBundle, data)
        bundle = parse(wire.CaseBundle, signed.bundle, FIELDS_MAX)
        evidence = EvidenceReader(bundle.evidence)
        exported_at = from_timestamp(bundle.exported_at)
        roots = [read_root_succession(item) for item in bundle.root_successions]
    except (ValueError, Problem) as error:
        raise BundleMalformed("bundle") from error
    if not bundle.exhibits:
        raise BundleMalformed("bundle.exhibits")
    plain = wire.SignedCaseBundle(
        bundle=signed.bundle, signature=signed.signature, certificate_id=signed.certificate_id
    )
    if plain.SerializeToString() != data:
        # Something stands beside what is signed, which nobody vouches for.
        raise BundleMalformed("bundle")
    # Nobody tells what the network allowed when it was signed; each suite is stated by an issuer.
    trust = Trust([root], supported())
    trust.take_root_successions(roots)
    trust.learn_what_leads_to_a_root(evidence.certificates)
    verifier = _Verifier(trust, evidence, bundle.subject)
    return Report(
        bundle.subject,
        bundle.exported_by,
        exported_at,
        root.body.subject,
        _seal_problem(signed, bundle, exported_at, trust),
        [verifier.exhibit(number, item) for number, item in enumerate(bundle.exhibits, 1)],
    )


def _seal_problem(
    signed: wire.SignedCaseBundle, bundle: wire.CaseBundle, exported_at: datetime, trust: Trust
) -> Problem | None:
    try:
        exporter = trust.signer(signed.certificate_id, exported_at, exported_at)
        if exporter.body.subject != bundle.exported_by:
            return SpeaksForAnother(
                "bundle.exported_by", signer=exporter.body.subject, claimed=bundle.exported_by
            )
        if not exporter.is_signed(_BUNDLE_TEXT + signed.bundle, signed.signature):
            return SignatureInvalid("bundle.signature", what="bundle")
    except Problem as problem:
        return problem
    return None


class _Verifier:
    def __init__(self, trust: Trust, evidence: EvidenceReader, subject: str) -> None:
        self._trust = trust
        self._evidence = evidence
        self._subject = subject

    def exhibit(self, number: int, item: wire.Exhibit) -> Exhibit:
        try:
            return self._verified(number, item)
        except Problem as problem:
            return Exhibit(number, problem)

    def _verified(self, number: int, item: wire.Exhibit) -> Exhibit:
        header = envelopes.read_header(item.header)
        proof = self._evidence.proof(item.proof)
        signer = self._signer(proof)
        if signer.address != header.sender:
            raise SpeaksForAnother(
                "header.sender", signer=signer.body.subject, claimed=header.sender
            )
        proof.require(EntryKind.SENT, item.header, "envelope")
        content = None
        if not item.content_erased:
            content = Content(item.content.salt, item.content.payload)
            envelopes.require_committed(header, content)
        if header.subject != self._subject:
            raise ProofInvalid("header.subject", what="envelope")
        receipt, proofs = None, [proof]
        if item.HasField("receipt"):
            receipt = self._receipt(item, header)
            proofs.append(self._evidence.proof(item.receipt.proof))
        return Exhibit(
            number,
            None,
            header,
            signer.body.name,
            proof.checkpoint.checkpoint.at,
            proof.leaf_index,
            content,
            receipt,
            frozenset(self._witness(found.checkpoint, word) for found, word in _words(proofs)),
        )

    def _receipt(self, item: wire.Exhibit, header: Header) -> ReceiptBody:
        body = RECEIPT.from_bytes(item.receipt.body)
        proof = self._evidence.proof(item.receipt.proof)
        signer = self._signer(proof)
        if signer.address != body.issuer:
            raise SpeaksForAnother(
                "receipt.issuer", signer=signer.body.subject, claimed=body.issuer
            )
        require_suite(body, proof.checkpoint)
        proof.require(EntryKind.RECEIVED, item.receipt.body, "receipt")
        about_this = (
            body.envelope_id == header.envelope_id
            and body.header_digest == algorithms(header.suite).digest(item.header)
            and (body.issuer == header.recipient or body.verdict is Verdict.REFUSED)
        )
        if not about_this:
            raise ProofInvalid("receipt", what="receipt")
        return body

    def _witness(self, head: SignedCheckpoint, cosignature: Cosignature) -> Address:
        witness = self._trust.signer(
            cosignature.certificate_id, cosignature.seen_at, cosignature.seen_at
        )
        if witness.address == head.checkpoint.address:
            raise SpeaksForAnother(
                "checkpoint.cosignatures", signer=witness.body.subject, claimed="witness"
            )
        if not is_cosigned(head, cosignature, witness):
            raise SignatureInvalid("checkpoint.cosignatures", what="cosignature")
        return witness.address

    def _signer(self, proof: Proof) -> Certificate:
        signed = proof.checkpoint
        at = signed.checkpoint.at
        signer = self._trust.signer(signed.certificate_id, at, at)
        signer.require(Permission.EXCHANGE)
        if signer.address != signed.checkpoint.address:
            raise SpeaksForAnother(
                "checkpoint", signer=signer.body.subject, claimed=signed.checkpoint.address
            )
        if not signer.is_signed(signed.note, signed.signature):
            raise SignatureInvalid("checkpoint.signature", what="checkpoint")
        return signer


def _words(proofs: Sequence[Proof]) -> Iterator[tuple[Proof, Cosignature]]:
    for proof in proofs:
        for cosignature in proof.checkpoint.cosignatures:
            yield proof, cosignature

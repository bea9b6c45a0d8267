"""Verifying a recovery report offline, with nothing but the root certificate.

A hall that lost records reports what came back. Each entry is checked like that of any journal: it leads to a head
that the hall had signed, at a place that the report names as lost. So what is missing is what is not in it. Who was
asked and who answered is what the hall says, and nobody vouches for it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import BinaryIO

from hallnet.codec.moments import from_timestamp
from hallnet.places import Address
from hallnet.problems import Kind, Problem
from hallnet.trust.believed import Trust
from hallnet.trust.certificate import Certificate, read_certificate
from hallnet.trust.evidence import COUNT_MAX, EvidenceReader, SignedCheckpoint, read_checkpoint
from hallnet.trust.journal import EntryKind
from hallnet.trust.parts import parts_of
from hallnet.trust.problems import (
    NotAuthentic,
    ProofInvalid,
    SignatureInvalid,
    SpeaksForAnother,
)
from hallnet.trust.succession import read_root_succession
from hallnet.trust.suites import supported
from hallnet.wire.exchange.v1 import returning_pb2 as wire

MAGIC = b"hallnet recovery v1\n"


class RecoveryMalformed(Problem):
    """Bytes that are no recovery report: cut short, or of another kind."""

    kind = Kind.INVALID
    reason = "RECOVERY_MALFORMED"
    zh = "文件不是完整的恢复报告（{detail}）"
    zh_remedy = "请重新导出该报告"
    en = "The file is no recovery report, or is cut short ({detail})"
    en_remedy = "Export the report once more"


@dataclass(frozen=True, slots=True)
class Asked:
    """What the hall says of one that it asked."""

    hall: str
    answered_at: datetime | None
    returned: int
    refused: int


@dataclass(frozen=True, slots=True)
class RecoveryReport:
    """What was found in a report. `problem` is None if all of it holds."""

    address: Address
    places: range
    """Numbers of the entries that were lost."""
    found_at: datetime
    waited_until: datetime | None
    asked: Sequence[Asked]
    counts: Mapping[EntryKind, int] = field(default_factory=dict)
    """Entries that came back, by their kind."""
    with_content: int = 0
    """Envelopes of which the content came back too."""
    missing: Sequence[range] = ()
    """Places of which nothing came back."""
    problem: Problem | None = None

    @property
    def holds(self) -> bool:
        return self.problem is None


def read_parts(file: BinaryIO) -> Iterator[wire.RecoveryPart]:
    """The parts of a report, one after the other; raises RecoveryMalformed."""
    return parts_of(file, MAGIC, wire.RecoveryPart, _malformed)


def _malformed(detail: str) -> RecoveryMalformed:
    return RecoveryMalformed("recovery", detail=detail)


def verify_recovery(parts: Iterator[wire.RecoveryPart], root: Certificate) -> RecoveryReport:
    """Check every entry against heads that the hall signed; raises RecoveryMalformed if it is none at all."""
    first = next(parts, None)
    if first is None or first.WhichOneof("part") != "head":
        raise RecoveryMalformed("recovery", detail="head")
    report, end, trust = _read(first.head, root)
    folding = _Folding(report, end, trust)
    try:
        folding.require_signed(end)
        for part in parts:
            folding.take(part)
    except NotAuthentic as problem:
        return replace(report, problem=problem)
    return replace(
        report,
        counts=folding.counts,
        with_content=folding.with_content,
        missing=folding.missing(),
    )


def _read(
    head: wire.RecoveryHead, root: Certificate
) -> tuple[RecoveryReport, SignedCheckpoint, Trust]:
    try:
        end = read_checkpoint(head.end_head)
        if not head.start < head.end == end.checkpoint.size <= COUNT_MAX:
            raise ValueError("places")
        report = RecoveryReport(
            Address.parse(head.address, "recovery.address"),
            range(head.start, head.end),
            from_timestamp(head.found_at),
            from_timestamp(head.waited_until) if head.HasField("waited_until") else None,
            [
                Asked(
                    item.hall,
                    from_timestamp(item.answered_at) if item.HasField("answered_at") else None,
                    item.returned,
                    item.refused,
                )
                for item in head.asked
            ],
        )
        trust = Trust([root], supported())
        trust.take_root_successions([read_root_succession(item) for item in head.root_successions])
        trust.learn_what_leads_to_a_root([read_certificate(item) for item in head.certificates])
    except (Problem, ValueError, OverflowError) as error:
        raise RecoveryMalformed("recovery", detail="head") from error
    return report, end, trust


class _Folding:
    """Goes through the entries in their order."""

    def __init__(self, report: RecoveryReport, end: SignedCheckpoint, trust: Trust) -> None:
        self.counts: Counter[EntryKind] = Counter()
        self.with_content = 0
        self._report, self._end, self._trust = report, end.checkpoint, trust
        self._at = report.places.start
        self._missing: list[range] = []

    def take(self, part: wire.RecoveryPart) -> None:
        if part.WhichOneof("part") != "entries":
            raise ProofInvalid("recovery", what="part")
        try:
            evidence = EvidenceReader(part.entries.evidence)
            self._trust.learn_what_leads_to_a_root(evidence.certificates)
            signed: dict[int, SignedCheckpoint] = {}
            for item in part.entries.entries:
                self._entry(item, evidence, signed)
        except NotAuthentic:
            raise
        except (Problem, ValueError) as error:
            raise ProofInvalid("recovery", what="entry") from error

    def _entry(
        self,
        item: wire.RecoveryEntry,
        evidence: EvidenceReader,
        signed: dict[int, SignedCheckpoint],
    ) -> None:
        proof, kind = evidence.proof(item.proof), EntryKind(item.entry.kind)
        what = f"entry {proof.leaf_index}"
        if not self._at <= proof.leaf_index < self._report.places.stop:
            raise ProofInvalid("recovery", what=what)
        head = proof.checkpoint
        if id(head) not in signed:
            self.require_signed(head)
            signed[id(head)] = head
        proof.require(kind, item.entry.data, what)
        if proof.leaf_index > self._at:
            self._missing.append(range(self._at, proof.leaf_index))
        self._at = proof.leaf_index + 1
        self.counts[kind] += 1
        self.with_content += kind is EntryKind.SENT and item.has_content

    def missing(self) -> list[range]:
        rest = range(self._at, self._report.places.stop)
        return [*self._missing, *([rest] if rest else [])]

    def require_signed(self, signed: SignedCheckpoint) -> None:
        """Check that the hall signed a head of this journal up to its end."""
        head, address = signed.checkpoint, self._report.address
        signer = self._trust.signer(signed.certificate_id, head.at, head.at)
        if signer.address != address or head.address != address:
            raise SpeaksForAnother("recovery", signer=signer.body.subject, claimed=address)
        if not signer.is_signed(signed.note, signed.signature):
            raise SignatureInvalid("recovery", what="checkpoint")
        if (
            head.number > self._end.number
            or head.suite is not self._end.suite
            or head.size > self._end.size
        ):
            raise ProofInvalid("recovery", what="checkpoint")

"""Verifying an archive of a journal offline, with nothing but the root certificate.

The entries are folded into the tree that the archive begins with; at its end, and where another hall
witnessed it, the tree must have the root that was signed. Memory does not grow with the archive.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import BinaryIO

from google.protobuf.message import DecodeError

from hallnet.places import Address
from hallnet.problems import Kind, Problem
from hallnet.trust.believed import Trust
from hallnet.trust.certificate import Certificate, read_certificate
from hallnet.trust.evidence import Checkpoint, SignedCheckpoint, read_checkpoint
from hallnet.trust.journal import EntryKind, entry_leaf
from hallnet.trust.merkle import GrowingTree, frontier_places
from hallnet.trust.parts import parts_of
from hallnet.trust.problems import (
    NotAuthentic,
    OwnJournalRewound,
    ProofInvalid,
    SignatureInvalid,
    SpeaksForAnother,
)
from hallnet.trust.succession import read_root_succession
from hallnet.trust.suites import algorithms, supported
from hallnet.trust.witness import is_cosigned
from hallnet.wire.trust.v1 import archive_pb2 as wire
from hallnet.wire.trust.v1 import journal_pb2 as wire_journal

MAGIC = b"hallnet journal archive v1\n"
CERTIFICATES_MAX = 64


class ArchiveMalformed(Problem):
    """Bytes that are no archive of a journal: cut short, or of another kind."""

    kind = Kind.INVALID
    reason = "ARCHIVE_MALFORMED"
    zh = "文件不是完整的日志存档（{detail}）"
    zh_remedy = "请重新取得该存档"
    en = "The file is no archive of a journal, or is cut short ({detail})"
    en_remedy = "Get the archive once more"


@dataclass(frozen=True, slots=True)
class ArchiveReport:
    """What was found in an archive. `problem` is None if all of it holds."""

    address: Address
    name: str
    root_subject: str
    start: int
    """Number of the first entry."""
    end: int
    """Number after the last entry."""
    end_root: bytes
    """Root of the journal there."""
    signed_at: datetime
    """When the head at the end was signed."""
    counts: Mapping[EntryKind, int] = field(default_factory=dict)
    gaps: Sequence[range] = ()
    """Entries that the hall lost with its records, and said so."""
    witness: Address | None = None
    witnessed: int = 0
    """Up to which entry another hall witnessed the journal."""
    problem: Problem | None = None

    @property
    def holds(self) -> bool:
        return self.problem is None


def read_parts(file: BinaryIO) -> Iterator[wire.JournalArchivePart]:
    """The parts of an archive, one after the other; raises ArchiveMalformed."""
    return parts_of(file, MAGIC, wire.JournalArchivePart, _malformed)


def _malformed(detail: str) -> ArchiveMalformed:
    return ArchiveMalformed("archive", detail=detail)


def verify_archive(parts: Iterator[wire.JournalArchivePart], root: Certificate) -> ArchiveReport:
    """Check every entry against the signed heads; raises ArchiveMalformed if it is none at all."""
    first = next(parts, None)
    if first is None or first.WhichOneof("part") != "head":
        raise ArchiveMalformed("archive", detail="head")
    head = _read(first.head, root)
    counts: Counter[EntryKind] = Counter()
    witness, witnessed = head.witness or (None, 0)
    gaps: list[range] = []
    report = ArchiveReport(
        address=head.address,
        name=head.signer.body.name if head.signer else "",
        root_subject=root.body.subject,
        start=head.tree.size,
        end=head.end.checkpoint.size,
        end_root=head.end.checkpoint.root,
        signed_at=head.end.checkpoint.at,
        counts=counts,
        gaps=gaps,
        witness=witness,
        witnessed=witnessed,
        problem=head.problem,
    )
    if head.problem is None:
        try:
            _fold(head, parts, counts, gaps)
        except NotAuthentic as problem:
            return replace(report, problem=problem)
    return report


@dataclass(slots=True)
class _Head:
    address: Address
    end: SignedCheckpoint
    tree: GrowingTree
    expected: dict[int, bytes]
    """Roots that the tree must have at sizes on the way."""
    trust: Trust
    signer: Certificate | None = None
    witness: tuple[Address, int] | None = None
    problem: Problem | None = None


def _read(message: wire.JournalArchiveHead, root: Certificate) -> _Head:
    """Read the head and check who signed; raises ArchiveMalformed if it cannot be read."""
    try:
        address = Address.parse(message.address, "archive.address")
        end = read_checkpoint(message.end)
        start = read_checkpoint(message.start) if message.HasField("start") else None
        witnessed = read_checkpoint(message.witnessed) if message.HasField("witnessed") else None
        certificates = [read_certificate(item) for item in message.certificates[:CERTIFICATES_MAX]]
        roots = [read_root_succession(item) for item in message.root_successions]
        digest = algorithms(end.checkpoint.suite).digest
        size = start.checkpoint.size if start else 0
        tree = GrowingTree(digest, size, message.frontier)
    except (Problem, ValueError) as error:
        raise ArchiveMalformed("archive", detail="head") from error
    trust = Trust([root], supported())
    trust.take_root_successions(roots)
    trust.learn_what_leads_to_a_root(certificates)
    heads = [item for item in (start, witnessed, end) if item is not None]
    roots_on_the_way = {item.checkpoint.size: item.checkpoint.root for item in heads}
    found = _Head(address, end, tree, roots_on_the_way, trust)
    try:
        for item in heads:
            found.signer = _require_signed(item, address, end.checkpoint, trust)
        if start is not None and tree.root() != start.checkpoint.root:
            raise ProofInvalid("archive.frontier", what="archive")
        if witnessed is not None:
            found.witness = _witness(witnessed, trust), witnessed.checkpoint.size
    except NotAuthentic as problem:
        found.problem = problem
    return found


def _require_signed(
    signed: SignedCheckpoint, address: Address, end: Checkpoint, trust: Trust
) -> Certificate:
    head = signed.checkpoint
    signer = trust.signer(signed.certificate_id, head.at, head.at)
    if signer.address != address or head.address != address:
        raise SpeaksForAnother("archive.head", signer=signer.body.subject, claimed=address)
    if not signer.is_signed(signed.note, signed.signature):
        raise SignatureInvalid("archive.head", what="checkpoint")
    # A journal under a new number begins with all that it was before: the tree shows it.
    if head.number > end.number or head.suite is not end.suite:
        raise ProofInvalid("archive.head", what="archive")
    return signer


def _witness(signed: SignedCheckpoint, trust: Trust) -> Address:
    for word in signed.cosignatures:
        witness = trust.signer(word.certificate_id, word.seen_at, word.seen_at)
        if is_cosigned(signed, word, witness):
            return witness.address
    raise SignatureInvalid("archive.witnessed", what="cosignature")


def _fold(
    head: _Head,
    parts: Iterator[wire.JournalArchivePart],
    counts: Counter[EntryKind],
    gaps: list[range],
) -> None:
    end = head.end.checkpoint.size
    for part in parts:
        if part.WhichOneof("part") == "gap":
            gaps.append(_leap(head, part.gap))
            continue
        tree = head.tree
        if part.WhichOneof("part") != "run" or part.run.start != tree.size:
            raise ProofInvalid("archive.run", what=f"entry {tree.size}")
        if gaps and gaps[-1].stop == tree.size:
            _require_declared(head, part.run)
        _fold_run(head, part.run, counts)
    if head.tree.size != end:
        raise ProofInvalid("archive.end", what=f"entry {head.tree.size}")


def _fold_run(head: _Head, run: wire_journal.JournalRun, counts: Counter[EntryKind]) -> None:
    tree, end = head.tree, head.end.checkpoint
    digest = algorithms(end.suite).digest
    for entry in run.entries:
        try:
            kind = EntryKind(entry.kind)
        except ValueError as error:
            raise ProofInvalid("archive.run", what=f"entry {tree.size}") from error
        tree.append(entry_leaf(digest, kind, entry.data))
        counts[kind] += 1
        expected = head.expected.get(tree.size)
        if expected is not None and tree.root() != expected:
            raise ProofInvalid("archive.run", what=f"entries up to {tree.size}")
        if tree.size > end.size:
            raise ProofInvalid("archive.run", what=f"entry {end.size}")


def _leap(head: _Head, message: wire.JournalArchiveGap) -> range:
    """Go on from the head behind a gap: both of its ends are signed, and what lies wholly before it is the
    same. Returns the places that are missing."""
    before, end = head.tree, head.end.checkpoint
    digest = algorithms(end.suite).digest
    try:
        certificates = [read_certificate(item) for item in message.certificates[:CERTIFICATES_MAX]]
        head.trust.learn_what_leads_to_a_root(certificates)
        after = read_checkpoint(message.after)
        places = range(before.size, after.checkpoint.size)
        tree = GrowingTree(digest, places.stop, message.frontier)
        if places:
            for size, signed in ((places.start, message.before), (places.stop, message.after)):
                if size:
                    _require_end_of_gap(head, read_checkpoint(signed), size)
    except NotAuthentic:
        raise
    except (Problem, ValueError) as error:
        raise ProofInvalid("archive.gap", what="gap") from error
    here = dict(zip(frontier_places(places.start), before.frontier(), strict=True))
    there = zip(frontier_places(places.stop), tree.frontier(), strict=True)
    hidden = any(places.start < size < places.stop for size in head.expected)
    if (
        not places
        or hidden
        or places.stop > end.size
        or before.root() != _root_before(message, before)
        or tree.root() != after.checkpoint.root
        or any(here.get(place, value) != value for place, value in there)
    ):
        raise ProofInvalid("archive.gap", what=f"entry {places.start}")
    head.tree = tree
    return places


def _root_before(message: wire.JournalArchiveGap, tree: GrowingTree) -> bytes:
    return read_checkpoint(message.before).checkpoint.root if tree.size else tree.root()


def _require_end_of_gap(head: _Head, signed: SignedCheckpoint, size: int) -> None:
    _require_signed(signed, head.address, head.end.checkpoint, head.trust)
    if signed.checkpoint.size != size:
        raise ProofInvalid("archive.gap", what=f"entry {size}")


def _require_declared(head: _Head, run: wire_journal.JournalRun) -> None:
    """Behind a gap the hall itself has to say that it lost something: nobody leaves entries out like that."""
    first = run.entries[0] if run.entries else wire_journal.JournalEntry()
    declared = None
    if int(first.kind) == EntryKind.INCIDENT:
        with suppress(DecodeError):
            declared = wire_journal.Incident.FromString(first.data)
    said = (OwnJournalRewound.reason, str(head.address))
    if declared is None or (declared.reason, declared.neighbour) != said:
        raise ProofInvalid("archive.gap", what=f"entry {run.start}")

"""What a neighbour brings: each parcel judged, all of it written in one transaction."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from google.protobuf.message import DecodeError
from sqlalchemy import bindparam, insert, select

from hallnet.codec.moments import to_timestamp
from hallnet.exchange import attachments, contents, tables
from hallnet.exchange.attachment_digests import Kept
from hallnet.exchange.attachments import Piece
from hallnet.exchange.certificates import renewing
from hallnet.exchange.certificates.renewing import Asked, Issued
from hallnet.exchange.context import Context
from hallnet.exchange.journal import continuity, keeping
from hallnet.exchange.journal.journal_store import (
    JournalWriter,
    checkpoint_digest,
    join_path,
    keep_checkpoints,
)
from hallnet.exchange.link.verdicts import Verdicts
from hallnet.exchange.queue import outgoing, parcels
from hallnet.exchange.queue.hops import Direction, Hop
from hallnet.exchange.queue.outgoing import Told
from hallnet.exchange.queue.parcels import Parcel
from hallnet.exchange.recovery import returning
from hallnet.exchange.recovery.returning import Said
from hallnet.federation import admission, limits
from hallnet.federation.admission import (
    Accept,
    Drop,
    Hold,
    ParcelMalformed,
    ProofVerifier,
    Refuse,
    Relay,
    Repeat,
)
from hallnet.places import Address
from hallnet.places.routing import way_to
from hallnet.problems import Problem
from hallnet.store import Connection
from hallnet.store.feed import Entry
from hallnet.store.room import HallFull, reusable_bytes
from hallnet.store.rows import RowsStatement, SoughtRows
from hallnet.trust.envelope import Content, Envelope, Header
from hallnet.trust.evidence import EvidenceReader, SignedCheckpoint
from hallnet.trust.journal import EntryKind
from hallnet.trust.problems import NotAuthentic
from hallnet.trust.receipt import Receipt, ReceiptRun, Verdict
from hallnet.trust.suites import algorithms
from hallnet.wire.exchange.v1 import envelope_pb2 as wire
from hallnet.wire.exchange.v1 import link_pb2 as wire_link
from hallnet.wire.feed.v1 import feed_pb2 as wire_feed
from hallnet.wire.trust.v1 import journal_pb2 as wire_trust

_ADD_SEEN = RowsStatement(insert(tables.seen))
_ADD_INCIDENTS = RowsStatement(insert(tables.incident))
_JUDGED_BEFORE = SoughtRows(
    select(tables.reception.c.envelope_id, tables.reception.c.header).where(
        tables.reception.c.envelope_id.in_(bindparam("sought", expanding=True))
    )
)
_SEEN_BEFORE = SoughtRows(
    select(tables.seen.c.envelope_id, tables.seen.c.header_digest).where(
        tables.seen.c.envelope_id.in_(bindparam("sought", expanding=True))
    )
)


@dataclass(frozen=True, slots=True)
class Written:
    """What came of all that was taken."""

    entries: list[Entry]
    """For the feed."""
    wake: set[Address]
    """Neighbours for whom something waits now."""
    judged: frozenset[bytes]
    """Own envelopes whose verdict came in."""


class Taking:
    """Takes what comes from one neighbour in one transaction."""

    def __init__(
        self,
        connection: Connection,
        context: Context,
        neighbour: Address,
        evidence: EvidenceReader,
        now: datetime,
    ) -> None:
        self._connection = connection
        self._context = context
        self._around = context.surroundings()
        self._neighbour = neighbour
        self._evidence = evidence
        self._now = now
        self._proofs = ProofVerifier(context.trust, now)
        self._journal = JournalWriter(connection, context, now)
        self._known: dict[bytes, bytes] = {}
        self._relayed: list[dict[str, object]] = []
        self._given = Verdicts(connection, context, neighbour, self._journal, now)
        self._queue: list[tuple[Address, Parcel]] = []
        self._verdicts: list[Told] = []
        self._runs: list[ReceiptRun] = []
        self._incidents: list[dict[str, object]] = []
        self._keep: list[SignedCheckpoint] = []
        self._entries: list[Entry] = []
        self._of_certificates: list[Asked | Issued] = []
        self._of_words: list[Said] = []
        self._chunks: list[tuple[Header, Envelope, Content]] = []
        self._has_room: bool | None = None
        self.kept_chunks: list[Kept] = []
        self.hops: list[Hop] = []

    def parcels(self, messages: Sequence[wire_link.Parcel]) -> list[wire_link.ParcelAnswer]:
        """Take the parcels of a batch; says what became of each."""
        self._known = _known_digests(self._connection, list(_envelope_ids(messages)))
        answers = [self._parcel(message) for message in messages]
        self._take_chunks()
        return answers

    def receipts(self, messages: Iterable[wire.Receipt]) -> None:
        """Take the receipts that came with a reply."""
        for message in messages:
            self._take(partial(self._verdict, message), message)

    def receipt_runs(self, messages: Iterable[wire.ReceiptRun]) -> None:
        """Take the verdicts on own envelopes that came with a reply, proved together."""
        for message in messages:
            self._take(partial(self._run, message), message)

    @property
    def has_materials(self) -> bool:
        """Whether chunks of materials were among what was taken."""
        return self._has_room is not None

    def write(self) -> Written:
        """Write what was taken; nothing may be taken after it."""
        connection = self._connection
        if self._journal.has_grown:
            self._journal.sign()
        keep_checkpoints(connection, self._keep)
        for run in self._runs:
            keeping.keep_run(connection, run)
        for statement, rows in (
            (_ADD_SEEN, self._relayed),
            (_ADD_INCIDENTS, self._incidents),
        ):
            statement.execute(connection, rows)
        self._given.write()
        contents.keep_keys(connection, self._around.opened_keys, self._given.uses)
        parcels.enqueue(connection, self._neighbour, self._queue, self._now)
        judged = outgoing.judged(connection, self._context, self._verdicts, self._now)
        entries = self._entries + judged.entries
        # After the journal is closed, for it leads to entries of its own.
        for said in self._of_certificates:
            entries += renewing.act(connection, self._context, said, self._now)
        for word in self._of_words:
            entries += returning.act(connection, self._context, word, self._now)
        return Written(entries, {neighbour for neighbour, _ in self._queue}, judged.done)

    def note_shown(self, frontier: Sequence[bytes]) -> None:
        """Keep the end of the neighbour's journal that its proofs showed; after all else was taken."""
        continuity.note_shown(
            self._connection,
            self._neighbour,
            self._evidence.checkpoints,
            frontier,
            self._proofs,
        )

    def give_receipts(self, reply: wire_link.BatchReply) -> None:
        """Put the receipts of this hall into a reply; after `write`."""
        self.hops += self._given.give(reply)

    def _parcel(self, message: wire_link.Parcel) -> wire_link.ParcelAnswer:
        return self._take(partial(self._load, message), message)

    def _load(self, message: wire_link.Parcel) -> wire_link.ParcelAnswer:
        load = message.WhichOneof("load")
        _require_passed(message.passed)
        if load == "envelope":
            return self._envelope(message)
        if load == "receipt":
            return self._verdict(message.receipt, message.passed)
        raise ParcelMalformed("parcel", detail="load")

    def _take(
        self,
        take: Callable[[], wire_link.ParcelAnswer],
        message: wire_link.Parcel | wire.Receipt | wire.ReceiptRun,
    ) -> wire_link.ParcelAnswer:
        try:
            return take()
        except NotAuthentic as problem:
            return self._drop(message, problem, None)
        except Problem as problem:
            return self._drop(message, ParcelMalformed("parcel", detail=problem.reason), None)

    def _envelope(self, message: wire_link.Parcel) -> wire_link.ParcelAnswer:
        envelope = Envelope(
            message.envelope.header,
            message.envelope.sealed_body,
            self._evidence.proof(message.envelope.proof),
        )
        judgement = admission.judge_envelope(
            envelope,
            len(message.passed),
            self._neighbour,
            self._around,
            self._proofs,
            self._known.get,
            self._now,
        )
        if isinstance(judgement, Drop):
            return self._drop(message, judgement.problem, judgement.header)
        header = judgement.header
        is_new_chunk = header.kind == attachments.CHUNK_KIND and not isinstance(judgement, Repeat)
        if is_new_chunk and not self._has_room_for_materials():
            return _LATER
        size = parcels.size_of(envelope.header, envelope.sealed_body)
        self.hops.append(Hop(self._neighbour, Direction.TAKEN, header, size))
        if isinstance(judgement, Repeat):
            self._repeat(header, envelope, message)
            return _KEPT
        self._known[header.envelope_id] = algorithms(header.suite).digest(envelope.header)
        self._keep.append(envelope.proof.checkpoint)
        if isinstance(judgement, Relay):
            self._relay(header, envelope, message, judgement.neighbour)
        elif isinstance(judgement, Accept):
            self._accept(header, envelope, judgement.content)
        elif isinstance(judgement, Hold):
            self._judge(header, envelope, Verdict.HELD, judgement.problem.reason)
        else:
            assert isinstance(judgement, Refuse)
            self._judge(header, envelope, Verdict.REFUSED, judgement.problem.reason)
        return _KEPT

    def _verdict(self, message: wire.Receipt, passed: Sequence[str] = ()) -> wire_link.ParcelAnswer:
        receipt = Receipt(message.body, self._evidence.proof(message.proof))
        body = admission.judge_receipt(receipt, self._neighbour, self._around, self._proofs)
        self._keep.append(receipt.proof.checkpoint)
        size = parcels.size_of(receipt.body, b"")
        self.hops.append(Hop(self._neighbour, Direction.TAKEN, body, size))
        if body.sender == self._context.here:
            proof = receipt.proof
            path, head = join_path(proof.path), checkpoint_digest(proof.checkpoint)
            self._verdicts.append(Told(body, receipt.body, proof.leaf_index, path, head))
            self._journal.add(EntryKind.CONFIRMED, receipt.body)
        else:
            parcel = parcels.of_receipt(body, receipt.body, receipt.proof, self._passed(passed))
            self._enqueue(body.sender, parcel)
        return _KEPT

    def _run(self, message: wire.ReceiptRun) -> wire_link.ParcelAnswer:
        run = ReceiptRun(tuple(message.bodies), self._evidence.run_proof(message.proof))
        bodies = admission.judge_receipt_run(run, self._neighbour, self._around, self._proofs)
        if any(body.sender != self._context.here for body in bodies):
            raise ParcelMalformed("receipt_run", detail="sender")
        self._keep.append(run.proof.checkpoint)
        self._runs.append(run)
        head = checkpoint_digest(run.proof.checkpoint)
        for place, (body, raw) in enumerate(zip(bodies, run.bodies, strict=True), run.proof.start):
            self._verdicts.append(Told(body, raw, place, None, head))
            self._journal.add(EntryKind.CONFIRMED, raw)
            size = parcels.size_of(raw, b"")
            self.hops.append(Hop(self._neighbour, Direction.TAKEN, body, size))
        return _KEPT

    def _relay(
        self, header: Header, envelope: Envelope, message: wire_link.Parcel, next_hop: Address
    ) -> None:
        self._journal.add(EntryKind.RELAYED, envelope.header)
        digest = self._known[header.envelope_id]
        self._relayed.append({"envelope_id": header.envelope_id, "header_digest": digest})
        self._pass_on(header, envelope, message, next_hop)

    def _pass_on(
        self, header: Header, envelope: Envelope, message: wire_link.Parcel, next_hop: Address
    ) -> None:
        parcel = parcels.of_envelope(
            header,
            envelope.header,
            envelope.sealed_body,
            envelope.proof,
            self._passed(message.passed),
        )
        self._queue.append((next_hop, parcel))

    def _passed(self, before: Sequence[str]) -> tuple[str, ...]:
        return (*before, str(self._context.here))

    def _judge(
        self, header: Header, envelope: Envelope, verdict: Verdict, reason: str = ""
    ) -> None:
        digest = self._known[header.envelope_id]
        self._given.judge(header, digest, envelope, verdict, reason)

    def _accept(self, header: Header, envelope: Envelope, content: Content) -> None:
        """Kinds that the exchange deals with itself end here; all others go to the feed."""
        if header.kind == attachments.CHUNK_KIND:
            self._chunks.append((header, envelope, content))
            return
        try:
            is_own = self._is_for_exchange(header, content)
        except Problem as problem:
            self._judge(header, envelope, Verdict.REFUSED, problem.reason)
            return
        self._judge(header, envelope, Verdict.ACCEPTED)
        if not is_own:
            self._hand_in(header, content)

    def _is_for_exchange(self, header: Header, content: Content) -> bool:
        """Whether it is for the exchange itself, which notes it; raises what is wrong with it."""
        if header.kind in renewing.KINDS:
            said = renewing.read(
                self._connection, self._context, header.sender, header.kind, content.payload
            )
            self._of_certificates.append(said)
        elif header.kind in returning.KINDS:
            self._of_words.append(returning.read(header.sender, header.kind, content.payload))
        else:
            return False
        return True

    def _take_chunks(self) -> None:
        """Those of a batch together: they are large and many."""
        pieces = [
            Piece(header.sender, header.subject, content.payload, header.sent_at, content.attached)
            for header, _, content in self._chunks
        ]
        if not pieces:
            return
        answers, self.kept_chunks = attachments.take_chunks(self._connection, pieces, self._now)
        for (header, envelope, _), answer in zip(self._chunks, answers, strict=True):
            if isinstance(answer, Problem):
                self._judge(header, envelope, Verdict.REFUSED, answer.reason)
            else:
                self._judge(header, envelope, Verdict.ACCEPTED, answer)

    def _has_room_for_materials(self) -> bool:
        """Looked at once for a batch, which is small against what is kept free."""
        if self._has_room is None:
            connection = self._connection
            self._has_room = self._context.room.is_enough(
                attachments.bytes_to_hand_over(connection), reusable_bytes(connection)
            )
        return self._has_room

    def _hand_in(self, header: Header, content: Content) -> None:
        message = wire_feed.InboundMessage(
            envelope_id=header.envelope_id,
            sender=str(header.sender),
            kind=header.kind,
            subject=header.subject,
            payload=content.payload,
            sent_at=to_timestamp(header.sent_at),
        )
        self._entries.append(
            Entry(
                "message.received",
                header.subject,
                message.SerializeToString(),
                self._now,
                traceparent=header.traceparent,
            )
        )

    def _repeat(self, header: Header, envelope: Envelope, message: wire_link.Parcel) -> None:
        """It has no second effect: the original receipt is given again, or the envelope passed on."""
        if self._given.repeat(header.envelope_id):
            return
        way = self._way_to(header.recipient)
        if way is not None:
            self._keep.append(envelope.proof.checkpoint)
            self._pass_on(header, envelope, message, way)

    def _drop(
        self,
        message: wire_link.Parcel | wire.Receipt | wire.ReceiptRun,
        problem: NotAuthentic,
        header: Header | None,
    ) -> wire_link.ParcelAnswer:
        incident = wire_trust.Incident(
            reason=problem.reason,
            neighbour=str(self._neighbour),
            digest=algorithms(1).digest(message.SerializeToString(deterministic=True)),
            at=to_timestamp(self._now),
            claimed_from=str(header.sender) if header else "",
            envelope_id=header.envelope_id if header else b"",
        )
        raw = incident.SerializeToString(deterministic=True)
        leaf_index = self._journal.add(EntryKind.INCIDENT, raw)
        self._incidents.append({"leaf_index": leaf_index, "incident": raw})
        self._entries.append(Entry("incident.recorded", str(self._neighbour), raw, self._now))
        size = message.ByteSize()
        self.hops.append(Hop(self._neighbour, Direction.REFUSED, header, size, problem.reason))
        return wire_link.ParcelAnswer(
            disposition=wire_link.DISPOSITION_DROPPED, reason=problem.reason
        )

    def _enqueue(self, goal: Address, parcel: Parcel) -> None:
        way = self._way_to(goal)
        if way is not None:
            self._queue.append((way, parcel))

    def _way_to(self, goal: Address) -> Address | None:
        around = self._around
        return way_to(goal, around.here, around.parent, around.children, around.register).neighbour


_LATER = wire_link.ParcelAnswer(disposition=wire_link.DISPOSITION_LATER, reason=HallFull.reason)
_KEPT = wire_link.ParcelAnswer(disposition=wire_link.DISPOSITION_KEPT)


def _require_passed(passed: Sequence[str]) -> None:
    """Check the halls that passed a parcel on: nobody signs for them, and they go along with it."""
    if len(passed) > limits.HOPS_MAX + 1:
        raise ParcelMalformed("parcel.passed", detail="HOPS_MAX")
    for text in passed:
        Address.parse(text, "parcel.passed")


def _known_digests(connection: Connection, envelope_ids: Sequence[bytes]) -> dict[bytes, bytes]:
    """The header digests of those that came before."""
    headers = _JUDGED_BEFORE.all(connection, envelope_ids)
    known = {envelope_id: _header_digest(header) for envelope_id, header in headers}
    known.update(tuple(row) for row in _SEEN_BEFORE.all(connection, envelope_ids))
    return known


def _header_digest(header: bytes) -> bytes:
    return algorithms(wire.Header.FromString(header).suite).digest(header)


def _envelope_ids(messages: Sequence[wire_link.Parcel]) -> set[bytes]:
    ids: set[bytes] = set()
    for message in messages:
        if message.HasField("envelope"):
            try:
                ids.add(wire.Header.FromString(message.envelope.header).envelope_id)
            except DecodeError:
                continue
    return ids

"""A batch from a neighbour: judged parcel by parcel, committed whole, answered parcel by parcel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from google.protobuf.message import DecodeError
from sqlalchemy import insert, select

from hallnet.codec.codec import to_timestamp
from hallnet.exchange import attachments, believing, links, outgoing, parcels, renewing, tables
from hallnet.exchange.context import Context
from hallnet.exchange.incidents import record_incident
from hallnet.exchange.journal_store import (
    JournalWriter,
    checkpoint_digest,
    join_path,
    keep_checkpoints,
    proof_now,
)
from hallnet.exchange.renewing import Asked, Issued
from hallnet.federation import admission, limits
from hallnet.federation.admission import (
    Accept,
    CheckpointVerifier,
    Drop,
    Hold,
    ParcelMalformed,
    Refuse,
    Relay,
    Repeat,
)
from hallnet.places import Address
from hallnet.places.routing import way_to
from hallnet.problems import Problem
from hallnet.store import Connection
from hallnet.store.feed import Entry
from hallnet.trust.envelope import Content, Envelope, Header
from hallnet.trust.evidence import COUNT_MAX, EvidenceReader, SignedCheckpoint
from hallnet.trust.journal import EntryKind
from hallnet.trust.problems import NotAuthentic
from hallnet.trust.receipt import RECEIPT, Receipt, ReceiptBody, Verdict
from hallnet.trust.suites import algorithms
from hallnet.wire.exchange.v1 import envelope_pb2 as wire
from hallnet.wire.exchange.v1 import link_pb2 as wire_link
from hallnet.wire.feed.v1 import feed_pb2 as wire_feed
from hallnet.wire.trust.v1 import journal_pb2 as wire_trust


@dataclass(frozen=True, slots=True)
class Hop:
    """One parcel that moved, for those who watch."""

    neighbour: Address
    direction: int
    envelope_id: bytes
    sender: str
    recipient: str
    kind: str
    subject: str
    size: int
    remark: str = ""


@dataclass(slots=True)
class Taken:
    """What came of a batch."""

    reply: wire_link.BatchReply
    hops: list[Hop] = field(default_factory=list)
    wake: set[Address] = field(default_factory=set)
    """Neighbours for whom something waits now."""
    verdicts: int = 0


def take_batch(
    connection: Connection, context: Context, neighbour: Address, data: bytes, now: datetime
) -> Taken:
    """Take a batch in one transaction. Whatever is in it, the answer says what became of each parcel."""
    try:
        batch = wire_link.Batch.FromString(data)
        if batch.sequence > COUNT_MAX:
            return _refuse_whole(connection, context, neighbour, data, "BATCH_MALFORMED", now)
        if len(batch.parcels) > limits.BATCH_PARCELS_MAX:
            raise ParcelMalformed("batch.parcels", detail="BATCH_PARCELS_MAX")
        evidence = EvidenceReader(batch.evidence)
    except (DecodeError, Problem) as error:
        reason = error.reason if isinstance(error, Problem) else "BATCH_MALFORMED"
        return _refuse_whole(connection, context, neighbour, data, reason, now)
    joined = believing.learn(connection, context, evidence.certificates, now)
    taken = _Taking(connection, context, neighbour, batch, evidence, now).run()
    if joined:
        tables.feed.append(connection, outgoing.seal_waiting(connection, context, now))
    return taken


def _refuse_whole(
    connection: Connection,
    context: Context,
    neighbour: Address,
    data: bytes,
    reason: str,
    now: datetime,
) -> Taken:
    """A batch that cannot be read is an incident like a parcel that is not authentic."""
    incident = wire_trust.Incident(
        reason=reason,
        neighbour=str(neighbour),
        digest=algorithms(1).digest(data),
        at=to_timestamp(now),
    )
    tables.feed.append(connection, record_incident(connection, context, incident, now))
    return Taken(wire_link.BatchReply(reason=reason))


class _Taking:
    def __init__(
        self,
        connection: Connection,
        context: Context,
        neighbour: Address,
        batch: wire_link.Batch,
        evidence: EvidenceReader,
        now: datetime,
    ) -> None:
        self._connection = connection
        self._context = context
        self._around = context.surroundings()
        self._neighbour = neighbour
        self._batch = batch
        self._evidence = evidence
        self._now = now
        self._checkpoints = CheckpointVerifier(context.trust, now)
        self._journal = JournalWriter(connection, context, now)
        self._seen = self._known_digests()
        self._new_seen: dict[bytes, bytes] = {}
        self._receptions: list[dict[str, object]] = []
        self._own_receipts: list[tuple[ReceiptBody, bytes, int]] = []
        self._queue: list[tuple[Address, parcels.Parcel]] = []
        self._verdicts: list[tuple[ReceiptBody, Receipt]] = []
        self._repeated: list[Header] = []
        self._incidents: list[dict[str, object]] = []
        self._keep: list[SignedCheckpoint] = []
        self._entries: list[Entry] = []
        self._hops: list[Hop] = []
        self._of_certificates: list[Asked | Issued] = []

    def run(self) -> Taken:
        answers = [self._take(parcel) for parcel in self._batch.parcels]
        self._store()
        # After the journal is closed, for it leads to entries of its own.
        for said in self._of_certificates:
            entries = renewing.act(self._connection, self._context, said, self._now)
            tables.feed.append(self._connection, entries)
        links.took_batch(self._connection, self._neighbour, self._batch.sequence, self._now)
        reply = wire_link.BatchReply(
            sequence=self._batch.sequence,
            answers=answers,
            credit_bytes=limits.BATCH_BYTES_MAX,
        )
        return Taken(
            reply,
            self._hops,
            {neighbour for neighbour, _ in self._queue},
            len(self._verdicts),
        )

    def _take(self, message: wire_link.Parcel) -> wire_link.ParcelAnswer:
        load = message.WhichOneof("load")
        try:
            _require_passed(message)
            if load == "envelope":
                return self._take_envelope(message)
            if load == "receipt":
                return self._take_receipt(message)
            raise ParcelMalformed("parcel", detail="load")
        except NotAuthentic as problem:
            return self._drop(message, problem, None)
        except Problem as problem:
            return self._drop(message, ParcelMalformed("parcel", detail=problem.reason), None)

    def _take_envelope(self, message: wire_link.Parcel) -> wire_link.ParcelAnswer:
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
            self._checkpoints,
            lambda id: self._new_seen.get(id) or self._seen.get(id),
            self._now,
        )
        if isinstance(judgement, Drop):
            return self._drop(message, judgement.problem, judgement.header)
        header = judgement.header
        self._remark(header, message, 2)
        if isinstance(judgement, Repeat):
            self._repeat(header, envelope, message)
            return _KEPT
        self._new_seen[header.envelope_id] = algorithms(header.suite).digest(envelope.header)
        self._keep.append(envelope.proof.checkpoint)
        if isinstance(judgement, Relay):
            self._journal.add(EntryKind.RELAYED, envelope.header)
            self._relay(header, envelope, message, judgement.neighbour)
        elif isinstance(judgement, Accept):
            self._accept(header, envelope, judgement.content)
        elif isinstance(judgement, Hold):
            self._judge(header, envelope, Verdict.HELD, judgement.problem.reason, None)
        else:
            assert isinstance(judgement, Refuse)
            self._judge(header, envelope, Verdict.REFUSED, judgement.problem.reason, None)
        return _KEPT

    def _take_receipt(self, message: wire_link.Parcel) -> wire_link.ParcelAnswer:
        receipt = Receipt(message.receipt.body, self._evidence.proof(message.receipt.proof))
        body = admission.judge_receipt(receipt, self._neighbour, self._around, self._checkpoints)
        self._keep.append(receipt.proof.checkpoint)
        self._hops.append(
            Hop(
                self._neighbour,
                2,
                body.envelope_id,
                str(body.issuer),
                str(body.sender),
                "receipt",
                "",
                message.ByteSize(),
                body.verdict.name,
            )
        )
        if body.sender == self._context.here:
            self._verdicts.append((body, receipt))
            self._journal.add(EntryKind.CONFIRMED, receipt.body)
        else:
            passed = (*message.passed, str(self._context.here))
            self._enqueue(
                body.sender, parcels.of_receipt(body, receipt.body, receipt.proof, passed)
            )
        return _KEPT

    def _relay(
        self, header: Header, envelope: Envelope, message: wire_link.Parcel, next_hop: Address
    ) -> None:
        passed = (*message.passed, str(self._context.here))
        parcel = parcels.of_envelope(
            header, envelope.header, envelope.sealed_body, envelope.proof, passed
        )
        self._queue.append((next_hop, parcel))

    def _judge(
        self,
        header: Header,
        envelope: Envelope,
        verdict: Verdict,
        reason: str,
        content: Content | None,
    ) -> None:
        body = ReceiptBody(
            suite=self._context.identity.certificate.body.suite,
            envelope_id=header.envelope_id,
            header_digest=self._new_seen[header.envelope_id],
            issuer=self._context.here,
            sender=header.sender,
            verdict=verdict,
            reason=reason,
            at=self._now,
        )
        raw = RECEIPT.to_bytes(body)
        leaf_index = self._journal.add(EntryKind.RECEIVED, raw)
        self._own_receipts.append((body, raw, leaf_index))
        kept = content is not None and header.kind != attachments.CHUNK_KIND
        self._receptions.append(
            {
                "envelope_id": header.envelope_id,
                "sender": str(header.sender),
                "kind": header.kind,
                "subject": header.subject,
                "verdict": verdict,
                "received_at": self._now,
                "header": envelope.header,
                "content": wire.Content(
                    salt=content.salt, payload=content.payload
                ).SerializeToString()
                if kept and content is not None
                else None,
                "leaf_index": envelope.proof.leaf_index,
                "path": join_path(envelope.proof.path),
                "checkpoint": checkpoint_digest(envelope.proof.checkpoint),
                "receipt": raw,
                "receipt_leaf_index": leaf_index,
            }
        )

    def _accept(self, header: Header, envelope: Envelope, content: Content) -> None:
        """Kinds that the exchange deals with itself end here; all others go to the feed."""
        if header.kind in renewing.KINDS:
            try:
                said = renewing.read(
                    self._connection, self._context, header.sender, header.kind, content.payload
                )
            except Problem as problem:
                self._judge(header, envelope, Verdict.REFUSED, problem.reason, None)
                return
            self._of_certificates.append(said)
        self._judge(header, envelope, Verdict.ACCEPTED, "", content)
        if header.kind not in renewing.KINDS:
            self._hand_in(header, content)

    def _hand_in(self, header: Header, content: Content) -> None:
        if header.kind == attachments.CHUNK_KIND:
            self._entries += attachments.take_chunk(
                self._connection, header.sender, header.subject, content.payload, self._now
            )
            return
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
        """It has no second effect: the original receipt is sent again, or the envelope passed on."""
        table = tables.reception
        row = self._connection.execute(
            select(table.c.receipt, table.c.receipt_leaf_index).where(
                table.c.envelope_id == header.envelope_id
            )
        ).one_or_none()
        if row is not None:
            proof = proof_now(self._connection, self._context, row.receipt_leaf_index)
            body = RECEIPT.from_bytes(row.receipt)
            self._enqueue(header.sender, parcels.of_receipt(body, row.receipt, proof, ()))
            return
        way = way_to(
            header.recipient,
            self._around.here,
            self._around.parent,
            self._around.children,
            self._around.register,
        )
        if way.neighbour is not None:
            self._keep.append(envelope.proof.checkpoint)
            self._relay(header, envelope, message, way.neighbour)

    def _drop(
        self, message: wire_link.Parcel, problem: NotAuthentic, header: Header | None
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
        self._hops.append(
            Hop(
                self._neighbour,
                3,
                incident.envelope_id,
                incident.claimed_from,
                str(header.recipient) if header else "",
                header.kind if header else "",
                "",
                message.ByteSize(),
                problem.reason,
            )
        )
        return wire_link.ParcelAnswer(
            disposition=wire_link.DISPOSITION_DROPPED, reason=problem.reason
        )

    def _store(self) -> None:
        connection = self._connection
        if self._journal.has_grown:
            self._journal.sign()
        keep_checkpoints(connection, self._keep)
        for table, rows in (
            (
                tables.seen,
                [
                    {"envelope_id": id, "header_digest": digest}
                    for id, digest in self._new_seen.items()
                ],
            ),
            (tables.reception, self._receptions),
            (tables.incident, self._incidents),
        ):
            if rows:
                connection.execute(insert(table), rows)
        for body, raw, leaf_index in self._own_receipts:
            proof = self._journal.proof(leaf_index)
            self._enqueue(body.sender, parcels.of_receipt(body, raw, proof, ()))
        parcels.enqueue(connection, self._queue, self._now)
        self._entries += outgoing.judged(connection, self._context, self._verdicts, self._now)
        if self._entries:
            tables.feed.append(connection, self._entries)

    def _enqueue(self, goal: Address, parcel: parcels.Parcel) -> None:
        around = self._around
        way = way_to(goal, around.here, around.parent, around.children, around.register)
        if way.neighbour is not None:
            self._queue.append((way.neighbour, parcel))

    def _remark(self, header: Header, message: wire_link.Parcel, direction: int) -> None:
        self._hops.append(
            Hop(
                self._neighbour,
                direction,
                header.envelope_id,
                str(header.sender),
                str(header.recipient),
                header.kind,
                header.subject,
                message.ByteSize(),
            )
        )

    def _known_digests(self) -> dict[bytes, bytes]:
        ids = list(_envelope_ids(self._batch.parcels))
        table = tables.seen
        rows = self._connection.execute(select(table).where(table.c.envelope_id.in_(ids)))
        return {row.envelope_id: row.header_digest for row in rows}


def _require_passed(message: wire_link.Parcel) -> None:
    """Check the halls that passed a parcel on: nobody signs for them, and they go along with it."""
    if len(message.passed) > limits.HOPS_MAX + 1:
        raise ParcelMalformed("parcel.passed", detail="HOPS_MAX")
    for text in message.passed:
        Address.parse(text, "parcel.passed")


_KEPT = wire_link.ParcelAnswer(disposition=wire_link.DISPOSITION_KEPT)


def _envelope_ids(messages: Sequence[wire_link.Parcel]) -> set[bytes]:
    ids: set[bytes] = set()
    for message in messages:
        if message.HasField("envelope"):
            try:
                ids.add(wire.Header.FromString(message.envelope.header).envelope_id)
            except DecodeError:
                continue
    return ids

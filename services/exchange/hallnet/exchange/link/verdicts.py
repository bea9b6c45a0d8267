"""The verdicts of this hall on what a neighbour brings, and the receipts that say them, in one transaction."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime

from sqlalchemy import insert, select

from hallnet.exchange import attachments, contents, tables
from hallnet.exchange.context import Context
from hallnet.exchange.journal import continuity
from hallnet.exchange.journal.journal_store import (
    JournalWriter,
    checkpoint_digest,
    join_path,
    proofs_now,
)
from hallnet.exchange.queue.hops import Direction, Hop
from hallnet.places import Address
from hallnet.store import Connection
from hallnet.store.rows import RowsStatement
from hallnet.trust.envelope import Envelope, Header
from hallnet.trust.evidence import EvidenceWriter
from hallnet.trust.journal import EntryKind
from hallnet.trust.receipt import RECEIPT, ReceiptBody, ReceiptForm, Verdict
from hallnet.wire.exchange.v1 import link_pb2 as wire

_ADD_RECEPTIONS = RowsStatement(insert(tables.reception))

_Given = tuple[ReceiptBody, bytes, int]
"""A verdict of this hall, as it stands in the journal, and its place there."""


class Verdicts:
    """Judges envelopes that are for this hall, and gives the receipts to the neighbour who brought them."""

    def __init__(
        self,
        connection: Connection,
        context: Context,
        neighbour: Address,
        journal: JournalWriter,
        now: datetime,
    ) -> None:
        self._connection = connection
        self._context = context
        self._neighbour = neighbour
        self._journal = journal
        self._now = now
        self._receptions: list[dict[str, object]] = []
        self._given: list[_Given] = []
        self._repeated: list[_Given] = []
        self._forms: dict[tuple[Address, Verdict, str], ReceiptForm] = {}
        self.uses: Counter[bytes] = Counter()
        """How many bodies that are kept each content key opens."""

    def judge(
        self,
        header: Header,
        header_digest: bytes,
        envelope: Envelope,
        verdict: Verdict,
        reason: str = "",
    ) -> None:
        """Say a verdict for the first time."""
        body, raw = self._receipt(header, header_digest, verdict, reason)
        leaf_index = self._journal.add(EntryKind.RECEIVED, raw)
        self._given.append((body, raw, leaf_index))
        # Pieces of materials are put together elsewhere; what was not accepted is not opened later.
        kept = verdict is Verdict.ACCEPTED and header.kind != attachments.CHUNK_KIND
        if kept:
            self.uses[contents.sealed_key_of(envelope.sealed_body)] += 1
        self._receptions.append(
            {
                "envelope_id": header.envelope_id,
                "sender": str(header.sender),
                "kind": header.kind,
                "subject": header.subject,
                "verdict": verdict,
                "received_at": self._now,
                "header": envelope.header,
                "sealed_body": envelope.sealed_body if kept else None,
                "leaf_index": envelope.proof.leaf_index,
                "path": join_path(envelope.proof.path),
                "checkpoint": checkpoint_digest(envelope.proof.checkpoint),
                "receipt": raw,
                "receipt_leaf_index": leaf_index,
            }
        )

    def repeat(self, envelope_id: bytes) -> bool:
        """Give the original receipt of an envelope that came before again; False if it was for another hall."""
        table = tables.reception
        row = self._connection.execute(
            select(table.c.receipt, table.c.receipt_leaf_index).where(
                table.c.envelope_id == envelope_id
            )
        ).one_or_none()
        if row is not None:
            body = RECEIPT.from_bytes(row.receipt)
            self._repeated.append((body, row.receipt, row.receipt_leaf_index))
        return row is not None

    def write(self) -> None:
        _ADD_RECEPTIONS.execute(self._connection, self._receptions)

    def give(self, reply: wire.BatchReply) -> list[Hop]:
        """Put into a reply the receipts that this hall gave, and again those of what came again, with
        the end of the own journal that they show; after all is written. Returns how they went."""
        evidence = EvidenceWriter()
        proofs = proofs_now(
            self._connection, self._context, (leaf_index for *_, leaf_index in self._repeated)
        )
        own = [given for given in self._given if given[0].sender == self._neighbour]
        for run in _in_a_row(own):
            self._give_run(reply, run, evidence)
        # Those of other senders go on from there one by one.
        others = [given for given in self._given if given[0].sender != self._neighbour]
        singles = [(body, raw, self._journal.proof(index)) for body, raw, index in others]
        singles += [(body, raw, proofs[index]) for body, raw, index in self._repeated]
        for _, raw, proof in singles:
            receipt = reply.receipts.add(body=raw)
            evidence.write(receipt.proof, proof, self._context.issuers_of(proof.checkpoint))
        reply.evidence.CopyFrom(evidence.to_message())
        reply.frontier.extend(
            self._journal.frontier()
            if self._given
            else continuity.frontier_of_largest(
                self._connection, self._context, [proof.checkpoint for proof in proofs.values()]
            )
        )
        given = [(body, raw) for body, raw, _ in (*own, *singles)]
        return [Hop(self._neighbour, Direction.SENT, body, len(raw)) for body, raw in given]

    def _give_run(
        self, reply: wire.BatchReply, run: Sequence[_Given], evidence: EvidenceWriter
    ) -> None:
        (_, _, first), (_, _, last) = run[0], run[-1]
        proof = self._journal.run_proof(first, last + 1)
        message = reply.receipt_runs.add(bodies=[raw for _, raw, _ in run])
        evidence.write_run(message.proof, proof, self._context.issuers_of(proof.checkpoint))

    def _receipt(
        self, header: Header, header_digest: bytes, verdict: Verdict, reason: str
    ) -> tuple[ReceiptBody, bytes]:
        kind = header.sender, verdict, reason
        form = self._forms.get(kind)
        if form is not None:
            return form.make(header.envelope_id, header_digest)
        body = ReceiptBody(
            suite=self._context.journal_suite,
            envelope_id=header.envelope_id,
            header_digest=header_digest,
            issuer=self._context.here,
            sender=header.sender,
            verdict=verdict,
            reason=reason,
            at=self._now,
        )
        raw = RECEIPT.to_bytes(body)
        form = ReceiptForm(body, raw)
        if form.is_regular:
            self._forms[kind] = form
        return body, raw


def _in_a_row(given: Sequence[_Given]) -> Iterator[list[_Given]]:
    """Runs of receipts between which nothing else was added to the journal."""
    run: list[_Given] = []
    for one in given:
        if run and one[2] != run[-1][2] + 1:
            yield run
            run = []
        run.append(one)
    if run:
        yield run

"""What this hall had said itself and lost comes back: it is taken in as it was.

Each envelope that comes back stands again where it stood, with its proof, its body, its key and its verdict, and
is not sent a second time. Its content goes to the other services in a feed of its own, which they follow before
they act again.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any

from google.protobuf.message import Message
from sqlalchemy import Row, select, update

from hallnet.codec import parse
from hallnet.codec.moments import to_timestamp
from hallnet.exchange import believing, contents, tables
from hallnet.exchange.attachments import CHUNK_KIND
from hallnet.exchange.context import Context
from hallnet.exchange.journal import journal_store
from hallnet.exchange.journal.incidents import record_incident
from hallnet.exchange.queue.parcels import size_of
from hallnet.exchange.recovery import asking_back
from hallnet.exchange.recovery.asking_back import Lost
from hallnet.federation import delivery
from hallnet.federation.admission import ParcelMalformed, ProofVerifier
from hallnet.federation.delivery import State
from hallnet.federation.returning import WORDS_MAX, Loss
from hallnet.places import Address
from hallnet.problems import Problem
from hallnet.store import Connection
from hallnet.store.feed import Entry
from hallnet.store.upsert import upsert
from hallnet.trust import envelope as envelopes
from hallnet.trust.envelope import Content, Header
from hallnet.trust.evidence import EvidenceReader, Proof
from hallnet.trust.journal import EntryKind
from hallnet.trust.problems import (
    EntryContradicted,
    NotAuthentic,
    ProofInvalid,
    SpeaksForAnother,
)
from hallnet.trust.receipt import RECEIPT, Receipt, ReceiptBody, require_suite
from hallnet.trust.suites import algorithms
from hallnet.wire.exchange.v1 import envelope_pb2 as wire
from hallnet.wire.exchange.v1 import returning_pb2 as wire_returning
from hallnet.wire.feed.v1 import feed_pb2 as wire_feed
from hallnet.wire.trust.v1 import journal_pb2 as wire_trust

_log = logging.getLogger("hallnet.exchange")
_ASKED, _RECOVERY = tables.recovery_asked, tables.recovery


def read(payload: bytes) -> wire_returning.WordsReturned:
    """Raises MessageMalformed, or ParcelMalformed for more than may be in one."""
    message = parse(wire_returning.WordsReturned, payload)
    if len(message.words) + len(message.receipts) > WORDS_MAX:
        raise ParcelMalformed("words", detail="WORDS_MAX")
    EvidenceReader(message.evidence)
    return message


def take(
    connection: Connection,
    context: Context,
    giver: Address,
    message: wire_returning.WordsReturned,
    now: datetime,
) -> list[Entry]:
    """Take in what a hall gives back; returns the entries for the feed.

    Each word is judged by itself. What is not what this hall said is an incident in the name of the giver.
    """
    lost = asking_back.loss_of(connection, message)
    if lost is None:
        return []
    of_hall = lost.of(_ASKED) & (_ASKED.c.hall == str(giver))
    asked = connection.execute(select(_ASKED.c.answered_at).where(of_hall)).one_or_none()
    if asked is None:
        # Nobody asked for it.
        return []
    evidence = EvidenceReader(message.evidence)
    believing.learn(connection, context, evidence.certificates, now)
    taking = _Taking(connection, context, giver, lost, evidence, now)
    taking.all_of(message)
    values: dict[str, Any] = {
        "returned": _ASKED.c.returned + taking.counts["returned"],
        "refused": _ASKED.c.refused + taking.counts["refused"],
    }
    if message.complete and asked.answered_at is None:
        values["answered_at"] = now
    connection.execute(update(_ASKED).where(of_hall).values(**values))
    entries = taking.entries + asking_back.ask(connection, context, lost, taking.halls, now)
    asking_back.end_if_due(connection, context, now)
    return entries


@dataclass(slots=True)
class _Taking:
    """Takes what is in one message."""

    connection: Connection
    context: Context
    giver: Address
    lost: Lost
    evidence: EvidenceReader
    now: datetime
    halls: list[Address] = field(default_factory=list)
    """To which something went of which the content is not here, or from which something came."""
    counts: Counter[str] = field(default_factory=Counter)
    entries: list[Entry] = field(default_factory=list)
    _loss: Loss = field(init=False)
    _proofs: ProofVerifier = field(init=False)
    _told: list[Entry] = field(default_factory=list)
    _lies: list[tuple[Problem, bytes]] = field(default_factory=list)

    def __post_init__(self) -> None:
        size = journal_store.size(self.connection)
        journal = journal_store.journal_at(self.connection, self.context, size)
        context = self.context
        self._loss = Loss(
            context.here,
            context.journal_number,
            context.journal_suite,
            self.lost.places,
            journal.node,
            self.lost.before_number,
        )
        self._proofs = ProofVerifier(context.trust, self.now)

    def all_of(self, message: wire_returning.WordsReturned) -> None:
        for word in message.words:
            self._judged(word, partial(self._word, word))
        for receipt in message.receipts:
            self._judged(receipt, partial(self._receipt, receipt))
        tables.returned.append(self.connection, self._told)
        # After the rest, for they are entries of the journal of their own.
        for lie, raw in self._lies:
            self._refuse(lie, raw)

    def _judged(self, piece: Message, take_in: Callable[[], bool]) -> None:
        try:
            self.counts["returned"] += take_in()
        except Problem as problem:
            self._lies.append((problem, piece.SerializeToString(deterministic=True)))

    def _refuse(self, problem: Problem, raw: bytes) -> None:
        self.counts["refused"] += 1
        incident = wire_trust.Incident(
            reason=problem.reason if isinstance(problem, NotAuthentic) else ParcelMalformed.reason,
            neighbour=str(self.giver),
            digest=algorithms(1).digest(raw),
            at=to_timestamp(self.now),
            claimed_from=str(self.context.here),
        )
        self.entries += record_incident(self.connection, self.context, incident, self.now)

    def _receipt(self, message: wire.Receipt) -> bool:
        """A receipt that this hall had given."""
        proof = self.evidence.proof(message.proof)
        body = RECEIPT.from_bytes(message.body)
        if body.issuer != self.context.here:
            raise SpeaksForAnother("word", signer=self.giver, claimed=body.issuer)
        self._loss.require(proof, EntryKind.RECEIVED, message.body, self._proofs)
        if self.lost.before_number:
            self.halls.append(body.sender)
            return True
        known = self._known(proof, EntryKind.RECEIVED, message.body)
        if known is None:
            self._keep(proof, EntryKind.RECEIVED, message.body, whole=True, has_content=True)
            # Materials may have come from there, and only that hall still has them.
            self.halls.append(body.sender)
        return known is None

    def _word(self, message: wire_returning.ReturnedWord) -> bool:
        """An envelope that this hall had sent."""
        proof = self.evidence.proof(message.proof)
        header = envelopes.read_header(message.header)
        if header.sender != self.context.here:
            raise SpeaksForAnother("word", signer=self.giver, claimed=header.sender)
        self._loss.require(proof, EntryKind.SENT, message.header, self._proofs)
        whole = header.recipient == self.giver
        content, key = self._content(header, message) if whole else (None, b"")
        if self.lost.before_number:
            return self._heard_again(header, content)
        verdict = self._verdict(header, message) if whole else None
        known = self._known(proof, EntryKind.SENT, message.header)
        if (
            known is not None
            and (known.has_content or content is None)
            and (known.whole or not whole)
        ):
            return False
        self._keep(proof, EntryKind.SENT, message.header, whole, content is not None)
        if not whole:
            self.halls.append(header.recipient)
            return True
        body = message.sealed_body if content is not None else None
        self._deliver(header, message.header, body, proof, verdict)
        if content is not None:
            sealed = contents.sealed_key_of(message.sealed_body)
            contents.keep_keys(self.connection, {sealed: key}, Counter([sealed]))
            self._told.append(_told(header, content, self.now))
        return known is None or not known.has_content

    def _heard_again(self, header: Header, content: Content | None) -> bool:
        """Under an older number: another entry stands at its place by now, so only what it said comes back."""
        if content is None:
            self.halls.append(header.recipient)
            return True
        self._told.append(_told(header, content, self.now))
        return True

    def _content(
        self, header: Header, message: wire_returning.ReturnedWord
    ) -> tuple[Content | None, bytes]:
        """What was in it, as the header commits to it; raises BodyDamaged or ContentNotAsCommitted."""
        if not message.sealed_body or header.kind == CHUNK_KIND:
            return None, b""
        envelopes.require_whole(header, message.sealed_body)
        key = message.content_key
        return envelopes.open_body(header, message.sealed_body, lambda sealed: key), key

    def _verdict(
        self, header: Header, message: wire_returning.ReturnedWord
    ) -> tuple[ReceiptBody, Receipt] | None:
        if not message.HasField("receipt"):
            return None
        receipt = Receipt(message.receipt.body, self.evidence.proof(message.receipt.proof))
        body = RECEIPT.from_bytes(receipt.body)
        signer = self._proofs.signer(receipt.proof.checkpoint)
        if signer.address != self.giver or body.issuer != self.giver:
            raise SpeaksForAnother("receipt", signer=signer.body.subject, claimed=body.issuer)
        require_suite(body, receipt.proof.checkpoint)
        self._proofs.require(receipt.proof, EntryKind.RECEIVED, receipt.body, "receipt")
        if (
            body.envelope_id != header.envelope_id
            or body.sender != self.context.here
            or body.header_digest != algorithms(header.suite).digest(message.header)
        ):
            raise ProofInvalid("receipt", what="receipt")
        return body, receipt

    def _known(self, proof: Proof, kind: EntryKind, data: bytes) -> Row[Any] | None:
        """What came back for the place before; raises EntryContradicted if that was something else."""
        table = tables.returned_entry
        this = table.c.leaf_index == proof.leaf_index
        row = self.connection.execute(select(table).where(this)).one_or_none()
        if row is not None and (row.kind, row.data) != (int(kind), data):
            raise EntryContradicted("word", place=proof.leaf_index)
        return row

    def _keep(
        self, proof: Proof, kind: EntryKind, data: bytes, whole: bool, has_content: bool
    ) -> None:
        journal_store.keep_checkpoints(self.connection, [proof.checkpoint])
        values = {
            "kind": int(kind),
            "data": data,
            "path": journal_store.join_path(proof.path),
            "checkpoint": journal_store.checkpoint_digest(proof.checkpoint),
            "giver": str(self.giver),
            "whole": whole,
            "has_content": has_content,
        }
        statement = upsert(self.connection, tables.returned_entry)
        self.connection.execute(
            statement.values(leaf_index=proof.leaf_index, **values).on_conflict_do_update(
                index_elements=["leaf_index"], set_=values
            )
        )

    def _deliver(
        self,
        header: Header,
        raw_header: bytes,
        sealed_body: bytes | None,
        proof: Proof,
        verdict: tuple[ReceiptBody, Receipt] | None,
    ) -> None:
        """It was sent, and is not sent again."""
        table, sent = tables.delivery, tables.sent
        row: dict[str, Any] = {
            "recipient": str(header.recipient),
            "kind": header.kind,
            "subject": header.subject,
            "urgency": header.urgency,
            # Without a verdict: one that comes late counts.
            "state": State.EXPIRED,
            "reason": "",
            "traceparent": header.traceparent,
            "reference": "",
            "wanted_at": header.sent_at,
            "changed_at": self.now,
            "expires_at": header.expires_at,
            "attempts": 1,
            "payload": None,
            "leaf_index": proof.leaf_index,
            "header_digest": algorithms(header.suite).digest(raw_header),
            "size": size_of(raw_header, sealed_body or b""),
            "queued": False,
        }
        if verdict is not None:
            body, receipt = verdict
            journal_store.keep_checkpoints(self.connection, [receipt.proof.checkpoint])
            row |= {
                "state": delivery.after(State.UNDER_WAY, delivery.verdict(body.verdict)),
                "reason": body.reason,
                "receipt": receipt.body,
                "receipt_leaf_index": receipt.proof.leaf_index,
                "receipt_path": journal_store.join_path(receipt.proof.path),
                "receipt_checkpoint": journal_store.checkpoint_digest(receipt.proof.checkpoint),
            }
        statement = upsert(self.connection, table).values(envelope_id=header.envelope_id, **row)
        self.connection.execute(
            statement.on_conflict_do_update(index_elements=["envelope_id"], set_=row)
        )
        kept = {"header": raw_header, "sealed_body": sealed_body}
        statement = upsert(self.connection, sent).values(leaf_index=proof.leaf_index, **kept)
        self.connection.execute(
            statement.on_conflict_do_update(index_elements=["leaf_index"], set_=kept)
        )


def _told(header: Header, content: Content, now: datetime) -> Entry:
    message = wire_feed.InboundMessage(
        envelope_id=header.envelope_id,
        sender=str(header.sender),
        kind=header.kind,
        subject=header.subject,
        payload=content.payload,
        sent_at=to_timestamp(header.sent_at),
    )
    return Entry("word.returned", header.subject, message.SerializeToString(), now)

"""Exporting a matter with its proofs, to be verified by anybody who has the root certificate."""

from __future__ import annotations

from datetime import datetime
from itertools import chain
from typing import Any

from sqlalchemy import Row, select

from hallnet.codec.moments import to_timestamp
from hallnet.exchange import believing, contents, tables
from hallnet.exchange.attachments import CHUNK_KIND
from hallnet.exchange.context import Context
from hallnet.exchange.journal.journal_store import witnessed_proof
from hallnet.exchange.journal.keeping import kept_proof, kept_receipt
from hallnet.problems import Kind, Problem
from hallnet.store import Connection
from hallnet.trust.bundle import sign_bundle
from hallnet.trust.evidence import EvidenceWriter
from hallnet.trust.receipt import Verdict
from hallnet.wire.exchange.v1 import case_bundle_pb2 as wire_bundle
from hallnet.wire.exchange.v1 import envelope_pb2 as wire
from hallnet.wire.trust.v1 import journal_pb2 as wire_trust

EXHIBITS_MAX = 2000


class NothingToExport(Problem):
    """There is no envelope of that matter at this hall."""

    kind = Kind.NOT_FOUND
    reason = "NOTHING_TO_EXPORT"
    zh = "本厅没有该事项的信封记录"
    zh_remedy = "请核对办件编号，或向经办该件的大厅索取"
    en = "This hall has no envelope of that matter"
    en_remedy = "Check the number of the case, or ask a hall that handled it"


def export(
    connection: Connection, context: Context, subject: str, now: datetime
) -> wire_bundle.SignedCaseBundle:
    """All accepted envelopes of a matter, sent and received; raises NothingToExport."""
    evidence = EvidenceWriter()
    exhibits: list[tuple[datetime, wire_bundle.Exhibit]] = []
    for row in _sent(connection, subject):
        exhibits.append((row.wanted_at, _sent_exhibit(connection, context, row, evidence)))
    for row in _received(connection, subject):
        exhibits.append((row.received_at, _received_exhibit(connection, context, row, evidence)))
    if not exhibits:
        raise NothingToExport("subject")
    exhibits.sort(key=lambda pair: pair[0])
    bundle = wire_bundle.CaseBundle(
        subject=subject,
        exhibits=[exhibit for _, exhibit in exhibits],
        evidence=evidence.to_message(),
        exported_by=str(context.here),
        exported_at=to_timestamp(now),
        root_successions=believing.root_successions(connection),
    )
    # The seal needs the own chain even where no exhibit does.
    known = {bytes(item.body) for item in bundle.evidence.certificates}
    bundle.evidence.certificates.extend(
        item.to_message() for item in context.identity.chain[:-1] if item.raw not in known
    )
    return sign_bundle(bundle, context.identity.certificate, context.identity.signing_key)


def _sent(connection: Connection, subject: str) -> list[Row[Any]]:
    table, sent = tables.delivery, tables.sent
    query = (
        select(table, sent.c.header, sent.c.sealed_body)
        .join(sent, sent.c.leaf_index == table.c.leaf_index)
        .where(table.c.subject == subject, table.c.kind != CHUNK_KIND)
        .order_by(table.c.position)
        .limit(EXHIBITS_MAX)
    )
    return list(connection.execute(query))


def _received(connection: Connection, subject: str) -> list[Row[Any]]:
    table = tables.reception
    query = (
        select(table)
        .where(
            table.c.subject == subject,
            table.c.kind != CHUNK_KIND,
            table.c.verdict == Verdict.ACCEPTED,
        )
        .order_by(table.c.position)
        .limit(EXHIBITS_MAX)
    )
    return list(connection.execute(query))


def _sent_exhibit(
    connection: Connection, context: Context, row: Row[Any], evidence: EvidenceWriter
) -> wire_bundle.Exhibit:
    exhibit = wire_bundle.Exhibit(
        header=row.header,
        proof=_own_proof(connection, context, row.leaf_index, evidence),
    )
    _show_content(connection, row, exhibit)
    if row.receipt_leaf_index is not None:
        receipt = kept_receipt(connection, row)
        issuers = context.trust.chain_of(receipt.proof.checkpoint.certificate_id)[:-1]
        proof = evidence.add(receipt.proof, issuers)
        exhibit.receipt.CopyFrom(wire.Receipt(body=receipt.body, proof=proof))
    return exhibit


def _received_exhibit(
    connection: Connection, context: Context, row: Row[Any], evidence: EvidenceWriter
) -> wire_bundle.Exhibit:
    proof = kept_proof(connection, row.leaf_index, row.path, row.checkpoint)
    senders = context.trust.chain_of(proof.checkpoint.certificate_id)[:-1]
    exhibit = wire_bundle.Exhibit(
        header=row.header,
        proof=evidence.add(proof, senders),
        receipt=wire.Receipt(
            body=row.receipt,
            proof=_own_proof(connection, context, row.receipt_leaf_index, evidence),
        ),
    )
    _show_content(connection, row, exhibit)
    return exhibit


def _show_content(connection: Connection, row: Row[Any], exhibit: wire_bundle.Exhibit) -> None:
    if row.sealed_body is None:
        exhibit.content_erased = True
        return
    content = contents.opened(connection, row.header, row.sealed_body)
    exhibit.content.CopyFrom(wire.Content(salt=content.salt, payload=content.payload))


def _own_proof(
    connection: Connection, context: Context, leaf_index: int, evidence: EvidenceWriter
) -> wire_trust.Proof:
    """The place of an entry in the own journal, under a head that was witnessed if there is one."""
    proof = witnessed_proof(connection, context, leaf_index)
    head = proof.checkpoint
    signers = [head.certificate_id, *(word.certificate_id for word in head.cosignatures)]
    chains = [context.trust.chain_of(signer)[:-1] for signer in signers]
    return evidence.add(proof, chain.from_iterable(chains))

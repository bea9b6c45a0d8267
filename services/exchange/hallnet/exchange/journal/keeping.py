"""What other halls said, as it is kept with what proves it."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row, bindparam, select

from hallnet.exchange import tables
from hallnet.exchange.journal.journal_store import (
    checkpoint_digest,
    join_path,
    load_checkpoints,
    split_path,
)
from hallnet.store import Connection
from hallnet.store.upsert import Upsert
from hallnet.trust.evidence import Proof, RunProof
from hallnet.trust.journal import EntryKind, entry_leaf
from hallnet.trust.receipt import Receipt, ReceiptRun
from hallnet.trust.suites import algorithms
from hallnet.wire.exchange.v1 import envelope_pb2 as wire

_run = tables.kept_run.c
_KEEP_RUN = Upsert(tables.kept_run)
_KEPT_RUN = (
    select(tables.kept_run)
    .where(
        _run.checkpoint == bindparam("to"),
        _run.start <= bindparam("place"),
        _run.end > bindparam("place"),
    )
    .limit(1)
)


def keep_run(connection: Connection, run: ReceiptRun) -> None:
    """Keep verdicts in a row, from which `kept_receipt` cuts each with its proof."""
    proof = run.proof
    row = {
        "checkpoint": checkpoint_digest(proof.checkpoint),
        "start": proof.start,
        "end": proof.start + len(run.bodies),
        "bodies": wire.ReceiptRun(bodies=run.bodies).SerializeToString(),
        "beside": join_path(proof.beside),
    }
    connection.execute(_KEEP_RUN.on(connection), row)


def kept_proof(connection: Connection, leaf_index: int, path: bytes, checkpoint: bytes) -> Proof:
    """The proof of another hall's entry, as it came."""
    return Proof(
        leaf_index, split_path(path), load_checkpoints(connection, [checkpoint])[checkpoint]
    )


def kept_receipt(connection: Connection, delivery: Row[Any]) -> Receipt:
    """The verdict on an own envelope that has one, as it came: by itself or in a run."""
    place, checkpoint = delivery.receipt_leaf_index, delivery.receipt_checkpoint
    if delivery.receipt is not None:
        proof = kept_proof(connection, place, delivery.receipt_path, checkpoint)
        return Receipt(delivery.receipt, proof)
    row = connection.execute(_KEPT_RUN, {"to": checkpoint, "place": place}).one()
    bodies = wire.ReceiptRun.FromString(row.bodies).bodies
    head = load_checkpoints(connection, [checkpoint])[checkpoint]
    digest = algorithms(head.checkpoint.suite).digest
    leaves = [entry_leaf(digest, EntryKind.RECEIVED, body) for body in bodies]
    proof = RunProof(row.start, split_path(row.beside), head).proof(leaves, place)
    return Receipt(bodies[place - row.start], proof)

"""The journal of this node in its tables: entries are added within a transaction and signed at its end."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import Row, bindparam, insert, select, update

from hallnet.exchange import tables
from hallnet.exchange.context import Context
from hallnet.places import Address
from hallnet.store import Connection
from hallnet.store.upsert import Upsert
from hallnet.trust.evidence import (
    COUNT_MAX,
    Checkpoint,
    Cosignature,
    Proof,
    RunProof,
    SignedCheckpoint,
    sign_checkpoint,
)
from hallnet.trust.journal import EntryKind, Gaps, Journal, entry_leaf
from hallnet.trust.suite import DIGEST_BYTES
from hallnet.trust.suites import algorithms
from hallnet.wire.trust.v1 import journal_pb2 as wire

_NO_GAPS = Gaps()
_GAPS = select(tables.journal_gap.c.start, tables.journal_gap.c.end).order_by(
    tables.journal_gap.c.end
)
_TILE = select(tables.journal_tile.c.hashes).where(
    tables.journal_tile.c.level == bindparam("at"), tables.journal_tile.c.index == bindparam("nth")
)
# Made once, as all statements that run for every batch.
_HEAD = tables.journal_head.c
_HOLD_HEAD = (
    update(tables.journal_head)
    .where(_HEAD.id == 1)
    .values(size=_HEAD.size)
    .returning(_HEAD.size, _HEAD.number)
)
_SIZE = select(_HEAD.size)
_MOVE_HEAD = update(tables.journal_head).where(_HEAD.id == 1).values(size=bindparam("grown"))
_ADD_RUNS = insert(tables.journal_run)
_KEEP_TILES = Upsert(
    tables.journal_tile,
    lambda tiles: tiles.on_conflict_do_update(
        index_elements=["level", "index"], set_={"hashes": tiles.excluded.hashes}
    ),
)
_KEEP_CHECKPOINTS = Upsert(tables.checkpoint)
_KEEP_COSIGNATURE = Upsert(tables.cosignature)
_NEWEST_HEAD = (
    select(tables.checkpoint)
    .where(tables.checkpoint.c.address == bindparam("of"))
    .order_by(tables.checkpoint.c.size.desc())
    .limit(1)
)
_words = tables.cosignature
_WITNESSED_HEAD = (
    select(tables.checkpoint, _words.c.seen_at, _words.c.signature.label("word"))
    .add_columns(_words.c.certificate_id.label("witness_id"))
    .join(_words, _words.c.checkpoint == tables.checkpoint.c.digest)
    .where(tables.checkpoint.c.address == bindparam("of"), _words.c.size <= bindparam("most"))
    .order_by(_words.c.size.desc())
    .limit(1)
)
_CHECKPOINTS = select(tables.checkpoint).where(
    tables.checkpoint.c.digest.in_(bindparam("sought", expanding=True))
)
NOTES_REMEMBERED_MAX = 1024
"""All proofs of a batch lead to a few checkpoints."""
RUN_ENTRIES_MAX = 512
"""How many entries lie in one row, at four kilobytes at most for each."""


class JournalWriter:
    """Adds entries to the journal; the head is locked until the transaction ends."""

    def __init__(self, connection: Connection, context: Context, now: datetime) -> None:
        self._connection = connection
        context.require_sure()
        self._context = context
        self._now = now
        self._digest = algorithms(context.journal_suite).digest
        # Locks the row where the database can: one writer at a time.
        row = connection.execute(_HOLD_HEAD).one_or_none()
        # Another process of this exchange may have begun a new number.
        size: int = row.size if row is not None else 0
        self._number: int = row.number if row is not None else context.journal_number
        if row is None:
            first = insert(tables.journal_head)
            connection.execute(first.values(id=1, number=self._number, size=0))
        self._journal = Journal(self._digest, size, self._read_tile, load_gaps(connection))
        self._start = size
        self._entries: list[tuple[EntryKind, bytes]] = []
        self._signed: SignedCheckpoint | None = None
        self._paths: list[tuple[bytes, ...]] = []

    @property
    def has_grown(self) -> bool:
        return bool(self._entries)

    def add(self, kind: EntryKind, data: bytes) -> int:
        """Append an entry; returns its number."""
        self._entries.append((kind, data))
        return self._start + len(self._entries) - 1

    def sign(self) -> SignedCheckpoint:
        """Store what was added and sign the new head. No entry may be added after it."""
        if self._signed is None:
            self._journal.append(
                entry_leaf(self._digest, kind, data) for kind, data in self._entries
            )
            checkpoint = Checkpoint(
                self._context.here,
                self._number,
                self._journal.size,
                self._journal.root(),
                self._now,
                self._context.journal_suite,
            )
            identity = self._context.identity
            self._signed = sign_checkpoint(checkpoint, identity.certificate, identity.signing_key)
            self._store()
        return self._signed

    def proof(self, leaf_index: int) -> Proof:
        """That an entry of this writer stands in the journal, against the head that `sign` signed."""
        signed = self.sign()
        if not self._paths:
            added = range(self._start, self._journal.size)
            self._paths = self._journal.inclusion_paths(added)
        return Proof(leaf_index, self._paths[leaf_index - self._start], signed)

    def run_proof(self, start: int, end: int) -> RunProof:
        """That entries [start, end) of this writer stand in the journal, against the head that `sign` signed."""
        signed = self.sign()
        return RunProof(start, tuple(self._journal.run_path(start, end)), signed)

    def frontier(self) -> list[bytes]:
        """Of the journal with what was added; empty if the next entry is lost."""
        journal = self._journal
        return [] if journal.gaps.hides(journal.size) else journal.frontier()

    def _store(self) -> None:
        connection = self._connection
        if self._entries:
            connection.execute(_ADD_RUNS, self._runs())
            connection.execute(
                _KEEP_TILES.on(connection),
                [
                    {"level": tile.level, "index": tile.index, "hashes": hashes}
                    for tile, hashes in self._journal.changed_tiles().items()
                ],
            )
            connection.execute(_MOVE_HEAD, {"grown": self._journal.size})
        assert self._signed is not None
        keep_checkpoints(connection, [self._signed])

    def _runs(self) -> list[dict[str, object]]:
        runs: list[dict[str, object]] = []
        for at in range(0, len(self._entries), RUN_ENTRIES_MAX):
            start = self._start + at
            run = wire.JournalRun(start=start)
            for kind, data in self._entries[at : at + RUN_ENTRIES_MAX]:
                run.entries.add(kind=int(kind), data=data)
            runs.append(
                {
                    "end": start + len(run.entries),
                    "start": start,
                    "recorded_at": self._now,
                    "entries": run.SerializeToString(),
                }
            )
        return runs

    def _read_tile(self, level: int, index: int) -> bytes:
        return read_tile(self._connection, level, index)


def read_tile(connection: Connection, level: int, index: int) -> bytes:
    stored: bytes = connection.execute(_TILE, {"at": level, "nth": index}).scalar_one()
    return stored


def read_runs(connection: Connection, start: int, end: int) -> Iterator[wire.JournalRun]:
    """The pieces of the own journal in which the entries [start, end) stand, in their order."""
    table = tables.journal_run
    query = select(table.c.end, table.c.entries).order_by(table.c.end).limit(1)
    at = start
    while at < end and (row := connection.execute(query.where(table.c.end > at)).one_or_none()):
        yield wire.JournalRun.FromString(row.entries)
        at = row.end


def load_gaps(connection: Connection) -> Gaps:
    """Where entries of the own journal were lost, and the hashes over those places that are known."""
    rows = connection.execute(_GAPS).all()
    if not rows:
        return _NO_GAPS
    node = tables.journal_node
    nodes = connection.execute(select(node.c.level, node.c.index, node.c.hash))
    return Gaps(
        tuple(range(row.start, row.end) for row in rows),
        {(level, index): value for level, index, value in nodes},
    )


def size(connection: Connection) -> int:
    """Number of entries."""
    found = connection.execute(_SIZE).scalar_one_or_none()
    return int(found or 0)


def newest_head(connection: Connection, context: Context) -> SignedCheckpoint | None:
    """The newest signed head of the own journal."""
    row = connection.execute(_NEWEST_HEAD, {"of": str(context.here)}).one_or_none()
    return None if row is None else _signed(row)


def head_of_size(connection: Connection, context: Context, size: int) -> SignedCheckpoint:
    """The own head that was signed when the journal had that many entries, which a transaction ended."""
    table = tables.checkpoint
    own = (table.c.address == str(context.here)) & (table.c.size == size)
    return _signed(connection.execute(select(table).where(own).limit(1)).one())


def head_of(connection: Connection, hall: Address, size: int) -> SignedCheckpoint | None:
    """A head of that size of another hall's journal, if one was shown here."""
    table = tables.checkpoint
    of_hall = (table.c.address == str(hall)) & (table.c.size == size)
    row = connection.execute(select(table).where(of_hall).limit(1)).one_or_none()
    return None if row is None else _signed(row)


def witnessed_head(
    connection: Connection, context: Context, size_max: int = COUNT_MAX
) -> SignedCheckpoint | None:
    """The newest own head up to a size that another hall has cosigned, with its cosignature."""
    of_here = {"of": str(context.here), "most": size_max}
    row = connection.execute(_WITNESSED_HEAD, of_here).one_or_none()
    if row is None:
        return None
    return replace(_signed(row), cosignatures=(Cosignature(row.witness_id, row.seen_at, row.word),))


def keep_cosignature(
    connection: Connection, head: SignedCheckpoint, cosignature: Cosignature
) -> None:
    """Keep another hall's word that it saw an own head; the first word of a hall on a head counts."""
    row = {
        "checkpoint": checkpoint_digest(head),
        "certificate_id": cosignature.certificate_id,
        "size": head.checkpoint.size,
        "seen_at": cosignature.seen_at,
        "signature": cosignature.signature,
    }
    connection.execute(_KEEP_COSIGNATURE.on(connection), row)


def proof_now(connection: Connection, context: Context, leaf_index: int) -> Proof:
    """A proof of an older entry against the newest head."""
    return proofs_now(connection, context, [leaf_index])[leaf_index]


def proofs_now(
    connection: Connection, context: Context, leaf_indexes: Iterable[int]
) -> dict[int, Proof]:
    """Proofs of older entries against the newest head, together."""
    wanted = sorted(set(leaf_indexes))
    if not wanted:
        return {}
    head = newest_head(connection, context)
    assert head is not None, "an entry without a signed head"
    proofs: dict[int, Proof] = {}
    gaps = load_gaps(connection)
    lost = [leaf_index for leaf_index in wanted if gaps.over(leaf_index, leaf_index + 1)]
    if lost:
        # What came back is proved as it came.
        proofs = returned_proofs(connection, lost)
        wanted = [leaf_index for leaf_index in wanted if leaf_index not in proofs]
    for gap in gaps.places:
        # What was there before entries were lost is proved by the head from before.
        before = [leaf_index for leaf_index in wanted if leaf_index < gap.start]
        if before:
            last = head_of_size(connection, context, gap.start)
            proofs |= _proofs(connection, context, before, last)
        wanted = wanted[len(before) :]
    return proofs | _proofs(connection, context, wanted, head) if wanted else proofs


def returned_proofs(connection: Connection, leaf_indexes: Sequence[int]) -> dict[int, Proof]:
    """Proofs of those entries that were lost and came back."""
    table = tables.returned_entry
    rows = connection.execute(
        select(table.c.leaf_index, table.c.path, table.c.checkpoint).where(
            table.c.leaf_index.in_(leaf_indexes)
        )
    ).all()
    heads = load_checkpoints(connection, [row.checkpoint for row in rows])
    return {
        row.leaf_index: Proof(row.leaf_index, split_path(row.path), heads[row.checkpoint])
        for row in rows
    }


def witnessed_proof(connection: Connection, context: Context, leaf_index: int) -> Proof:
    """A proof of an older entry against the newest head that was witnessed, if that covers it."""
    head = witnessed_head(connection, context)
    if (
        head is None
        or head.checkpoint.size <= leaf_index
        or load_gaps(connection).over(leaf_index, head.checkpoint.size)
    ):
        return proof_now(connection, context, leaf_index)
    return _proofs(connection, context, [leaf_index], head)[leaf_index]


def _proofs(
    connection: Connection, context: Context, wanted: Sequence[int], head: SignedCheckpoint
) -> dict[int, Proof]:
    """Of entries whose numbers rise."""
    paths = journal_at(connection, context, head.checkpoint.size).inclusion_paths(wanted)
    return {
        leaf_index: Proof(leaf_index, path, head)
        for leaf_index, path in zip(wanted, paths, strict=True)
    }


def journal_at(connection: Connection, context: Context, size: int) -> Journal:
    """The own journal as it was when it had that many entries."""
    digest = algorithms(context.journal_suite).digest
    return Journal(
        digest,
        size,
        lambda level, index: read_tile(connection, level, index),
        load_gaps(connection),
    )


def checkpoint_digest(signed: SignedCheckpoint) -> bytes:
    """By which a kept proof names its checkpoint in the tables."""
    return _digest_of_note(signed.note)


@lru_cache(maxsize=NOTES_REMEMBERED_MAX)
def _digest_of_note(note: bytes) -> bytes:
    return algorithms(1).digest(note)


def keep_checkpoints(connection: Connection, checkpoints: Sequence[SignedCheckpoint]) -> None:
    """Keep each of them once: the proofs of a batch share theirs."""
    by_note = {signed.note: signed for signed in checkpoints}
    rows = [
        {
            "digest": checkpoint_digest(signed),
            "address": str(signed.checkpoint.address),
            "size": signed.checkpoint.size,
            "note": signed.note,
            "signature": signed.signature,
            "certificate_id": signed.certificate_id,
        }
        for signed in by_note.values()
    ]
    if rows:
        connection.execute(_KEEP_CHECKPOINTS.on(connection), rows)


def load_checkpoints(
    connection: Connection, digests: Sequence[bytes]
) -> dict[bytes, SignedCheckpoint]:
    rows = connection.execute(_CHECKPOINTS, {"sought": list(set(digests))})
    return {row.digest: _signed(row) for row in rows}


def join_path(path: Sequence[bytes]) -> bytes:
    return b"".join(path)


def split_path(joined: bytes) -> tuple[bytes, ...]:
    return tuple(joined[at : at + DIGEST_BYTES] for at in range(0, len(joined), DIGEST_BYTES))


def _signed(row: Row[Any]) -> SignedCheckpoint:
    return SignedCheckpoint(
        Checkpoint.from_note(row.note), row.note, row.signature, row.certificate_id
    )

"""The journal at several sizes: what an entry costs to append, to prove and to check."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

from hallnet.bench.exchange import COUNTY, Say
from hallnet.exchange.context import Context
from hallnet.exchange.journal import journal_store
from hallnet.exchange.journal.journal_store import JournalWriter
from hallnet.node.clock import clock
from hallnet.node.home import Home, Part
from hallnet.node.rootkeys import create_root
from hallnet.node.stating import certify_top
from hallnet.places import divisions
from hallnet.sandbox.folder import sandbox_folder
from hallnet.store import Connection, Database
from hallnet.store.migrating import migrate
from hallnet.trust.believed import Trust
from hallnet.trust.journal import EntryKind, entry_leaf
from hallnet.trust.merkle import root_of_path
from hallnet.trust.suites import algorithms

BATCH = 256
"""Entries of a transaction, as many as a full batch of a link has."""
BATCHES = 40
PROOFS = 200
GROWING = 16_384
"""Entries of a transaction while the journal grows to the next size, which is not measured."""
ENTRY_BYTES = 250
_SETTINGS = f'[hall]\naddress = "{COUNTY}"\nname = "bench"\n'


@dataclass(frozen=True, slots=True)
class Cost:
    """Medians at one size of the journal, in microseconds."""

    entries: int
    append_us: float
    """An entry of a durable transaction of BATCH entries, with the signed head and all their paths."""
    prove_us: float
    """The path of one older entry anywhere, read from the tiles that are stored."""
    check_us: float
    """Following such a path up to the root."""
    path_hashes: int


def measure(sizes: Sequence[int], say: Say) -> Iterator[Cost]:
    """Grow one journal, on SQLite, to each size in turn."""
    with sandbox_folder() as folder:
        context, database = _hall(folder)
        try:
            for size in sorted(sizes):
                grown = database.look(journal_store.size)
                while grown < size:
                    count = min(GROWING, size - grown)
                    database.transact(lambda c, count=count: _append(c, context, count))  # type: ignore[misc]
                    grown += count
                say(f"{grown:,} entries")
                yield _cost(context, database)
        finally:
            database.close()


def as_data(costs: Sequence[Cost]) -> list[dict[str, float]]:
    return [asdict(cost) for cost in costs]


def _hall(folder: Path) -> tuple[Context, Database]:
    now = clock()
    root = create_root(folder / "root", COUNTY, "bench root", now)
    home = Home.create(folder / "home", _SETTINGS, now)
    identity = home.join(certify_top(folder / "root", home.request(now), now), root, now)
    trust = Trust([root])
    trust.learn(identity.chain[:-1])
    database = Database(home.database_url("exchange"), "exchange", home.vault(Part.EXCHANGE))
    migrate(database, "hallnet.exchange")
    return Context(identity, trust, divisions(), os.urandom), database


def _append(connection: Connection, context: Context, count: int) -> JournalWriter:
    journal = JournalWriter(connection, context, clock())
    for _ in range(count):
        journal.add(EntryKind.SENT, os.urandom(ENTRY_BYTES))
    journal.sign()
    return journal


def _append_and_prove(connection: Connection, context: Context) -> None:
    start = journal_store.size(connection)
    journal = _append(connection, context, BATCH)
    for leaf_index in range(start, start + BATCH):
        journal.proof(leaf_index)


def _cost(context: Context, database: Database) -> Cost:
    appends, proofs, checks = [], [], []
    for _ in range(BATCHES):
        began = time.perf_counter()
        database.transact(lambda c: _append_and_prove(c, context))
        appends.append((time.perf_counter() - began) / BATCH)
    size = database.look(journal_store.size)
    digest = algorithms(context.journal_suite).digest
    hashes = 0
    for _ in range(PROOFS):
        at = random.randrange(size)
        began = time.perf_counter()
        proof = database.look(lambda c, at=at: journal_store.proof_now(c, context, at))  # type: ignore[misc]
        proofs.append(time.perf_counter() - began)
        leaf = entry_leaf(digest, EntryKind.SENT, b"any other entry")
        began = time.perf_counter()
        root_of_path(digest, leaf, at, size, proof.path)
        checks.append(time.perf_counter() - began)
        hashes = max(hashes, len(proof.path))
    return Cost(size, _microseconds(appends), _microseconds(proofs), _microseconds(checks), hashes)


def _microseconds(seconds: Sequence[float]) -> float:
    return round(median(seconds) * 1e6, 1)

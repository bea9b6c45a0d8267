"""Two halls that share many cases and differ in few: what it costs to find out, in time and bytes."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import insert

from hallnet.branch_sync import comparing, tables
from hallnet.branch_sync.sharing import Side
from hallnet.federation import comparison
from hallnet.federation.comparison import Mark
from hallnet.places import Address
from hallnet.sandbox.folder import sandbox_folder
from hallnet.store import Connection, Database
from hallnet.store.migrating import migrate
from hallnet.store.vault import Vault
from hallnet.trust.suite import Suite
from hallnet.trust.suites import algorithms
from hallnet.wire.branch_sync.v1 import comparison_pb2 as wire

NOW = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)
AUTHOR, OTHER = Address("330127101"), Address("330127")
ROWS_AT_ONCE = 20_000
TURNS_MAX = 20


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one comparison, from the first question until the intake of the author knows the gaps."""

    seconds: float
    messages: int
    payload_bytes: int
    found: int


def measure(cases: int, differing: int, say: Callable[[str], object]) -> tuple[Cost, Cost]:
    """Compare two halls that agree, then two of which the one lacks the last word in some cases."""
    with sandbox_folder() as folder:
        say(f"two halls on SQLite note {cases:,} shared cases each ...")
        author = _hall(folder, "author", AUTHOR, cases, 0)
        other = _hall(folder, "other", OTHER, cases, differing)
        try:
            _twin = _hall(folder, "twin", OTHER, cases, 0)
            agreed = _compare(author, _twin)
            _twin.close()
            return agreed, _compare(author, other)
        finally:
            author.close()
            other.close()


def _hall(folder: Path, name: str, here: Address, cases: int, lacks: int) -> Database:
    """The records of a hall's branch-sync after so many events, put there at once."""
    vault = Vault(algorithms(Suite.ED25519), name.encode(), b"bench")
    database = Database(f"sqlite:///{folder / name}.db", "branch_sync", vault)
    migrate(database, "hallnet.branch_sync")
    sums: dict[int, int] = {}
    side = Side.OWN if here == AUTHOR else Side.THEIRS
    step = max(cases // lacks, 1) if lacks else cases + 1

    def rows() -> Iterator[dict[str, object]]:
        for number in range(cases):
            case_id = f"01a20000-0000-7000-8000-{number:012}"
            behind = number % step == 0 and number // step < lacks
            sequence = 2 if behind else 3
            mark = Mark(sequence, hashlib.sha256(f"{number} {sequence}".encode()).digest())
            place = comparison.range_of(case_id)
            sums[place] = comparison.changed(
                sums.get(place, 0), 0, comparison.weight(case_id, mark)
            )
            for hall, part in ((AUTHOR, mark), (OTHER, Mark(0, b""))):
                yield {
                    "case_id": case_id,
                    "hall": str(hall),
                    "range": place,
                    "sequence": part.sequence,
                    "digest": part.digest,
                }

    batch: list[dict[str, object]] = []
    for row in rows():
        batch.append(row)
        if len(batch) == ROWS_AT_ONCE:
            database.transact(lambda c, batch=batch: c.execute(insert(tables.case_part), batch))  # type: ignore[misc]
            batch = []
    neighbour = OTHER if here == AUTHOR else AUTHOR

    def end(connection: Connection) -> None:
        if batch:
            connection.execute(insert(tables.case_part), batch)
        connection.execute(
            insert(tables.shared_range),
            [
                {
                    "hall": str(neighbour),
                    "side": side,
                    "range": place,
                    "sum": comparison.to_bytes(value),
                }
                for place, value in sums.items()
            ],
        )
        connection.execute(
            insert(tables.comparison).values(hall=str(neighbour), due_at=NOW, behind=0)
        )

    database.transact(end)
    return database


def _compare(author: Database, other: Database) -> Cost:
    """What the two say to each other, handed over as the exchange does it, without the sealing."""
    halls = {author: AUTHOR, other: OTHER}
    positions = {one: one.look(tables.feed.head) for one in halls}
    author.transact(lambda c: comparing.ask_all(c, NOW))
    began = time.perf_counter()
    author.transact(lambda c: comparing.ask_those_due(c, NOW))
    messages = size = found = 0
    for _ in range(TURNS_MAX):
        moved = False
        for giver, taker in ((author, other), (other, author)):
            entries = giver.look(lambda c, g=giver: tables.feed.after(c, positions[g]))  # type: ignore[misc]
            for entry in entries:
                moved = True
                positions[giver] = entry.position
                if entry.kind == "replica.behind":
                    found += len(wire.ReplicaBehind.FromString(entry.payload).case_ids)
                for dispatch in entry.dispatches:
                    messages += 1
                    size += len(dispatch.payload)
                    take = (
                        comparing.take_question
                        if dispatch.kind == comparing.ASKED_KIND
                        else comparing.take_answer
                    )
                    sender = halls[giver]
                    taker.transact(
                        lambda c, d=dispatch, t=take, s=sender, k=taker: t(  # type: ignore[misc]
                            c, halls[k], s, d.payload, NOW
                        )
                    )
        if not moved:
            break
    return Cost(time.perf_counter() - began, messages, size, found)

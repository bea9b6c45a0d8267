"""Feeds: the ordered events of a service, written in the same transaction as what happened.

Positions rise in the order of commits: the row of the head is locked while a transaction appends, so no
follower can pass over an entry that commits later. They count from one to the next, but for a leap with each
start of the service: a position that was given is not given again by records that are older than a follower's.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from sqlalchemy import (
    BigInteger,
    Column,
    Integer,
    MetaData,
    String,
    Table,
    bindparam,
    delete,
    func,
    insert,
    select,
    update,
)

from hallnet.codec.moments import microseconds, to_timestamp
from hallnet.store.columns import Closed
from hallnet.store.database import Connection, Database
from hallnet.store.gathering import gathered
from hallnet.store.upsert import Upsert
from hallnet.wire.feed.v1 import feed_pb2 as wire

ENTRIES_PER_BATCH_MAX = 200
BATCH_BYTES_MAX = 2 * 1024 * 1024
ENTRY_BYTES = 256
"""What is reckoned for an entry beside its payload and dispatches."""
POLL_SECONDS = 0.5
"""How soon a commit of another process is noticed; commits of this process are noticed at once."""
QUIET_POLLS = 10
"""On SQLite, where as a rule one process writes, it is looked only so rarely while that one commits nothing: a hall
follows a dozen feeds, most of which are quiet."""


@dataclass(frozen=True, slots=True)
class Entry:
    """An event to be appended."""

    kind: str
    subject: str
    payload: bytes
    recorded_at: datetime
    dispatches: Sequence[wire.Dispatch] = field(default=())
    traceparent: str = ""


class Feed:
    """The feed of a service, its own table in the service's database, and the cursors it follows by.

    The tables of a second feed of a service have a prefix.
    """

    def __init__(self, name: str, metadata: MetaData, prefix: str = "") -> None:
        self.name = name
        self._head = Table(
            f"{prefix}feed_head",
            metadata,
            Column("id", Integer, primary_key=True, autoincrement=False),
            Column("position", BigInteger, nullable=False),
        )
        self._run = Table(
            f"{prefix}feed_run",
            metadata,
            Column("end", BigInteger, primary_key=True, autoincrement=False),
            Column("start", BigInteger, nullable=False),
            Column("entries", Closed(f"{prefix}feed_run.entries"), nullable=False),
        )
        self._waiting: set[asyncio.Future[None]] = set()
        # Made once: they run for every entry and every look.
        head, run = self._head.c, self._run.c
        moved = update(self._head).where(head.id == 1)
        self._move = moved.values(position=head.position + bindparam("count")).returning(
            head.position
        )
        beyond = run.end > bindparam("position")
        self._ahead = (
            select(run.start, run.end, func.length(run.entries).label("size"))
            .where(beyond)
            .order_by(run.end)
            .limit(ENTRIES_PER_BATCH_MAX)
        )
        self._up_to = (
            select(run.entries).where(beyond, run.end <= bindparam("last")).order_by(run.end)
        )
        self._add = insert(self._run)
        self._of_head = select(head.position)

    def append(self, connection: Connection, entries: Sequence[Entry]) -> int:
        """Append in order; returns the new head. To be called as late as possible in a transaction.

        In a shared transaction it waits for the end of it, and 0 is returned. With nothing to append the head is not touched, so that nobody waits for it.
        """
        if not entries:
            return self.head(connection)
        waiting = gathered(lambda: _Waiting(self), self)
        if waiting is not None:
            return waiting.add(entries)
        return self._write(connection, entries)

    def _write(self, connection: Connection, entries: Sequence[Entry]) -> int:
        count = len(entries)
        head: int | None = connection.execute(self._move, {"count": count}).scalar_one_or_none()
        if head is None:
            connection.execute(insert(self._head).values(id=1, position=count))
            head = count
        rows = [
            {
                "end": run.entries[-1].position,
                "start": run.entries[0].position,
                "entries": run.SerializeToString(),
            }
            for run in _runs(entries, head - count + 1)
        ]
        connection.execute(self._add, rows)
        return head

    def leap(self, connection: Connection, now: datetime) -> None:
        """Go on at a position that no start before has reached: the microseconds of the time."""
        table = self._head
        position = microseconds(now)
        behind = (table.c.id == 1) & (table.c.position < position)
        connection.execute(update(table).where(behind).values(position=position))

    def head(self, connection: Connection) -> int:
        return connection.execute(self._of_head).scalar_one_or_none() or 0

    def last(self, connection: Connection) -> int:
        """Position of the newest entry: a leap leaves the head beyond it."""
        return connection.execute(select(func.max(self._run.c.end))).scalar_one_or_none() or 0

    def after(self, connection: Connection, position: int) -> list[wire.FeedEntry]:
        """The next entries, bounded in number and bytes; always at least one if there is one."""
        ahead = connection.execute(self._ahead, {"position": position})
        last = position
        count = total = 0
        for run in ahead:
            count += run.end - max(run.start - 1, position)
            total += run.size
            if last > position and (count > ENTRIES_PER_BATCH_MAX or total > BATCH_BYTES_MAX):
                break
            last = run.end
        if last == position:
            return []
        return [
            entry
            for raw in connection.scalars(self._up_to, {"position": position, "last": last})
            for entry in wire.FollowResponse.FromString(raw).entries
            if entry.position > position
        ]

    def prune(self, connection: Connection, before: datetime, runs_max: int) -> int:
        """Remove the oldest runs whose entries were all recorded before a moment; returns how many entries.

        The newest run stays, and with it the place where the feed goes on.
        """
        table = self._run
        newest = select(func.max(table.c.end)).scalar_subquery()
        oldest = connection.execute(
            select(table).where(table.c.end < newest).order_by(table.c.end).limit(runs_max)
        )
        last = count = 0
        for run in oldest:
            entries = wire.FollowResponse.FromString(run.entries).entries
            if entries[-1].recorded_at.ToDatetime(UTC) >= before:
                break
            last, count = run.end, count + len(entries)
        connection.execute(delete(table).where(table.c.end <= last))
        return count

    def announce(self) -> None:
        """Tell those who wait that something was committed; called on the event loop."""
        for waiting in self._waiting:
            if not waiting.done():
                waiting.set_result(None)

    async def batches_after(self, database: Database, position: int) -> wire.FollowResponse:
        """The next entries, as soon as there are some; empty after a while without any."""

        def look(connection: Connection) -> wire.FollowResponse:
            return wire.FollowResponse(
                entries=self.after(connection, position), head=self.head(connection)
            )

        committed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.add(committed)
        commits = database.commits_made
        try:
            found = await database.read(look)
            if found.entries:
                return found
            for _ in range(QUIET_POLLS if database.is_sqlite else 1):
                await asyncio.wait([committed], timeout=POLL_SECONDS)
                if committed.done() or database.commits_made != commits:
                    break
            return await database.read(look)
        finally:
            self._waiting.discard(committed)


class _Waiting:
    """Entries of a shared transaction, which go into the feed together at its end."""

    is_last = True

    def __init__(self, feed: Feed) -> None:
        self._feed = feed
        self._entries: list[Entry] = []

    def add(self, entries: Sequence[Entry]) -> int:
        self._entries += entries
        return 0

    def mark(self) -> int:
        return len(self._entries)

    def undo(self, mark: int) -> None:
        del self._entries[mark:]

    def flush(self, connection: Connection) -> None:
        if self._entries:
            self._feed._write(connection, self._entries)


def _runs(entries: Sequence[Entry], start: int) -> Iterator[wire.FollowResponse]:
    """Neighbouring entries that lie in one row and are read together, bounded as a batch is."""
    run, size = wire.FollowResponse(), 0
    for position, entry in enumerate(entries, start):
        length = ENTRY_BYTES + len(entry.payload)
        length += sum(item.ByteSize() for item in entry.dispatches)
        full = len(run.entries) == ENTRIES_PER_BATCH_MAX or size + length > BATCH_BYTES_MAX
        if full and run.entries:
            yield run
            run, size = wire.FollowResponse(), 0
        size += length
        run.entries.add(
            position=position,
            kind=entry.kind,
            subject=entry.subject,
            recorded_at=to_timestamp(entry.recorded_at),
            payload=entry.payload,
            dispatches=entry.dispatches,
            traceparent=entry.traceparent,
        )
    yield run


class Cursors:
    """How far this service has dealt with the feeds of others."""

    def __init__(self, metadata: MetaData) -> None:
        self._cursor = Table(
            "cursor",
            metadata,
            Column("feed", String(32), primary_key=True),
            Column("position", BigInteger, nullable=False),
        )
        cursor = self._cursor.c
        self._position = select(cursor.position).where(cursor.feed == bindparam("of"))
        self._held = self._position.with_for_update()
        self._begin = Upsert(self._cursor)
        self._advance = Upsert(
            self._cursor,
            lambda row: row.on_conflict_do_update(
                index_elements=["feed"],
                set_={"position": row.excluded.position},
                where=cursor.position < row.excluded.position,
            ),
        )

    def position(self, connection: Connection, feed: str) -> int:
        return connection.execute(self._position, {"of": feed}).scalar_one_or_none() or 0

    def claim(self, connection: Connection, feed: str) -> int:
        """The position, held until the transaction ends: a second follower of the feed waits."""
        held: int | None = connection.execute(self._held, {"of": feed}).scalar_one_or_none()
        if held is None:
            connection.execute(self._begin.on(connection), {"feed": feed, "position": 0})
            held = connection.execute(self._held, {"of": feed}).scalar_one()
        return held

    def advance(self, connection: Connection, feed: str, position: int) -> None:
        """Store the position of the last entry that is dealt with; it never goes back."""
        row = {"feed": feed, "position": position}
        connection.execute(self._advance.on(connection), row)

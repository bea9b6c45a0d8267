"""Archives of the own journal: the entries of a period with the signed heads at both ends of it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from io import BytesIO
from itertools import chain

from google.protobuf import proto
from sqlalchemy import delete, func, select

from hallnet.codec.moments import to_timestamp
from hallnet.exchange import believing, tables
from hallnet.exchange.context import Context
from hallnet.exchange.journal import journal_store
from hallnet.problems import Kind, Problem
from hallnet.store import Connection
from hallnet.trust.archive import MAGIC
from hallnet.trust.evidence import SignedCheckpoint
from hallnet.wire.trust.v1 import archive_pb2 as wire
from hallnet.wire.trust.v1 import journal_pb2 as wire_journal

FORGOTTEN_RUNS_AT_ONCE = 200
"""Removed in one transaction."""


class NothingToArchive(Problem):
    """The journal has no entry of that period."""

    kind = Kind.NOT_FOUND
    reason = "NOTHING_TO_ARCHIVE"
    zh = "该时段内日志没有条目"
    zh_remedy = "请核对起止时间"
    en = "The journal has no entry of that period"
    en_remedy = "Check from when until when"


class NotArchived(Problem):
    """An archive is not one of this journal."""

    kind = Kind.INVALID
    reason = "NOT_ARCHIVED"
    zh = "该存档不属于本厅日志，条目未删除"
    zh_remedy = "请使用本厅导出并核验过的存档"
    en = "The archive is not one of this hall's journal: nothing was removed"
    en_remedy = "Use an archive that this hall exported and that was checked"


def begin(
    connection: Connection,
    context: Context,
    since: datetime | None,
    until: datetime | None,
    now: datetime,
) -> tuple[wire.JournalArchiveHead, int, int]:
    """The head of an archive, and from which entry up to which it goes; raises NothingToArchive.

    What was archived and forgotten is not archived again.
    """
    kept_from = _first_kept(connection)
    start = max(_end_of_entries_before(connection, since) if since else 0, kept_from)
    end = _end_of_entries_before(connection, until)
    if end <= start:
        raise NothingToArchive("since")
    first = journal_store.head_of_size(connection, context, start) if start else None
    last = journal_store.head_of_size(connection, context, end)
    witnessed = journal_store.witnessed_head(connection, context, end)
    if witnessed is not None and (
        witnessed.checkpoint.size <= start
        or journal_store.load_gaps(connection).hides(witnessed.checkpoint.size)
    ):
        witnessed = None
    journal = journal_store.journal_at(connection, context, start)
    head = wire.JournalArchiveHead(
        address=str(context.here),
        start=first.to_message() if first else None,
        frontier=journal.frontier(),
        end=last.to_message(),
        witnessed=witnessed.to_message() if witnessed else None,
        root_successions=believing.root_successions(connection),
        archived_at=to_timestamp(now),
    )
    signers = _signers([item for item in (first, last, witnessed) if item is not None])
    chains = chain.from_iterable(context.trust.chain_of(signer)[:-1] for signer in signers)
    for certificate in {item.id: item for item in chains}.values():
        head.certificates.append(certificate.to_message())
    return head, start, end


def require_archived(
    connection: Connection, context: Context, start: int, end: int, root: bytes
) -> None:
    """Check that the journal has that root at a number, and that nothing is left from before the archive.

    Raises NotArchived.
    """
    if start > _first_kept(connection):
        raise NotArchived("start")
    if not 0 < end <= journal_store.size(connection):
        raise NotArchived("end")
    if journal_store.journal_at(connection, context, end).root() != root:
        raise NotArchived("root")


def forget_some(connection: Connection, end: int) -> int:
    """Remove some of the entries before a number, which an archive has. Their hashes stay, and so does all
    that is proved by them.

    Returns how many; 0 if none are left.
    """
    table = tables.journal_run
    runs = connection.execute(
        select(table.c.start, table.c.end)
        .where(table.c.end <= end)
        .order_by(table.c.end)
        .limit(FORGOTTEN_RUNS_AT_ONCE)
    ).all()
    connection.execute(delete(table).where(table.c.end.in_([run.end for run in runs])))
    return sum(run.end - run.start for run in runs)


def opening(head: wire.JournalArchiveHead) -> bytes:
    """The first bytes of an archive."""
    return MAGIC + _prefixed(wire.JournalArchivePart(head=head))


def pieces(
    connection: Connection, context: Context, start: int, end: int, runs_max: int
) -> tuple[list[bytes], int]:
    """The next bytes of an archive, and up to which entry they go."""
    given: list[bytes] = []
    at = start
    for run in _cut(journal_store.read_runs(connection, start, end), start, end):
        if run.start > at:
            gap = _gap(connection, context, range(at, run.start))
            given.append(_prefixed(wire.JournalArchivePart(gap=gap)))
        given.append(_prefixed(wire.JournalArchivePart(run=run)))
        at = run.start + len(run.entries)
        if len(given) == runs_max:
            break
    return given, at


def _gap(connection: Connection, context: Context, places: range) -> wire.JournalArchiveGap:
    """Entries that were lost, with the signed heads at both ends."""
    after = journal_store.head_of_size(connection, context, places.stop)
    gap = wire.JournalArchiveGap(
        after=after.to_message(),
        frontier=journal_store.journal_at(connection, context, places.stop).frontier(),
    )
    heads = [after]
    if places.start:
        before = journal_store.head_of_size(connection, context, places.start)
        gap.before.CopyFrom(before.to_message())
        heads.append(before)
    for signer in _signers(heads):
        gap.certificates.extend(item.to_message() for item in context.trust.chain_of(signer)[:-1])
    return gap


def _cut(
    runs: Iterator[wire_journal.JournalRun], start: int, end: int
) -> Iterator[wire_journal.JournalRun]:
    for run in runs:
        skipped = max(start - run.start, 0)
        entries = run.entries[skipped : end - run.start]
        yield wire_journal.JournalRun(start=run.start + skipped, entries=entries)


def _end_of_entries_before(connection: Connection, moment: datetime | None) -> int:
    table = tables.journal_run
    query = select(func.coalesce(func.max(table.c.end), 0))
    if moment is not None:
        query = query.where(table.c.recorded_at < moment)
    return int(connection.execute(query).scalar_one())


def _first_kept(connection: Connection) -> int:
    """Number of the first entry that was not forgotten."""
    table = tables.journal_run
    first = connection.scalars(select(table.c.start).order_by(table.c.end).limit(1)).one_or_none()
    return first or 0


def _signers(heads: list[SignedCheckpoint]) -> set[bytes]:
    words = {word.certificate_id for head in heads for word in head.cosignatures}
    return {head.certificate_id for head in heads} | words


def _prefixed(part: wire.JournalArchivePart) -> bytes:
    buffer = BytesIO()
    proto.serialize_length_prefixed(part, buffer)
    return buffer.getvalue()

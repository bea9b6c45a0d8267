"""What is in force where: each hall tells the halls above it, and each of them can name who is behind."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, delete, func, insert, select

from hallnet.branch_sync import passing_on, rollups, tables
from hallnet.branch_sync.context import Context
from hallnet.branch_sync.standing import Standing
from hallnet.codec import MessageMalformed, parse
from hallnet.codec.moments import from_timestamp, to_timestamp
from hallnet.federation import limits
from hallnet.places import Address
from hallnet.places.problems import AddressMalformed
from hallnet.store import Connection
from hallnet.store.feed import Entry
from hallnet.store.upsert import upsert
from hallnet.trust.envelope import Urgency
from hallnet.trust.release import ReleaseKind
from hallnet.wire.branch_sync.v1 import branch_sync_service_pb2 as wire_service
from hallnet.wire.branch_sync.v1 import standing_pb2 as wire
from hallnet.wire.feed.v1 import feed_pb2 as wire_feed

STANDINGS_KIND = "release.standings"
GATHER = timedelta(minutes=1)
"""How long changes are gathered before they are told: while halls are founded one after the other there is
a new trust bundle every few seconds."""
TOLD_AGAIN_AFTER = timedelta(days=1)
MISSED_AFTER = timedelta(minutes=10)
"""A child that has not put in force by then what its parent has is sent it again."""
STANDINGS_MAX = 200
"""Kinds times authors above a hall are far fewer."""
_RELEASE, _STANDING, _REPORT = tables.release, tables.standing, tables.standing_report
_Stream = tuple[int, str]


def note_change(connection: Connection, context: Context, now: datetime) -> None:
    """Something took force here: it is told soon."""
    if context.parent is None:
        return
    statement = upsert(connection, _REPORT).values(hall=str(context.here), changed_at=now)
    first = func.coalesce(_REPORT.c.changed_at, statement.excluded.changed_at)
    connection.execute(
        statement.on_conflict_do_update(index_elements=["hall"], set_={"changed_at": first})
    )


def is_due(connection: Connection, context: Context, now: datetime) -> bool:
    """Whether the halls above are to be told what is in force here, if only that nothing is."""
    row = _own_report(connection, context)
    return context.parent is not None and (row is None or _has_something_to_say(row, now))


def _own_report(connection: Connection, context: Context) -> Row[Any] | None:
    own = select(_REPORT).where(_REPORT.c.hall == str(context.here))
    return connection.execute(own).one_or_none()


def _has_something_to_say(row: Row[Any], now: datetime) -> bool:
    if row.changed_at is not None and now >= row.changed_at + GATHER:
        return True
    return row.told_at is not None and now >= row.told_at + TOLD_AGAIN_AFTER


def report(connection: Connection, context: Context, now: datetime) -> bool:
    """Tell every hall above what is in force here, if that changed or was not told for a day.

    A hall that was just founded gathers first, for what is in force above is on its way to it.
    """
    row = _own_report(connection, context)
    if row is None:
        note_change(connection, context, now)
        return False
    if context.parent is None or not _has_something_to_say(row, now):
        return False
    message = wire.Standings(
        at=to_timestamp(now),
        standings=[
            wire.Standing(kind=kind, author=author, version=version)  # type: ignore[arg-type]
            for (kind, author), version in sorted(_own(connection).items())
        ],
    )
    dispatches = [
        wire_feed.Dispatch(
            recipient=str(hall),
            kind=STANDINGS_KIND,
            subject="releases",
            urgency=int(Urgency.BULK),  # type: ignore[arg-type]
            payload=message.SerializeToString(),
        )
        for hall in rollups.halls_above(context)
    ]
    connection.execute(
        _REPORT.update()
        .where(_REPORT.c.hall == str(context.here))
        .values(told_at=now, changed_at=None)
    )
    tables.feed.append(connection, [Entry("standings.told", "releases", b"", now, dispatches)])
    return True


def take(
    connection: Connection, context: Context, sender: Address, payload: bytes, now: datetime
) -> None:
    """Keep what a hall below says; what is older than what is known, or no such message, is passed over."""
    read = _read(payload)
    if read is None or not context.here.may_certify(sender):
        return
    at, has = read
    hall = str(sender)
    known = connection.scalars(
        select(_REPORT.c.told_at).where(_REPORT.c.hall == hall)
    ).one_or_none()
    if (known is not None and at <= known) or at > now + limits.CLOCK_SKEW_MAX:
        return
    statement = upsert(connection, _REPORT).values(hall=hall, told_at=at)
    connection.execute(
        statement.on_conflict_do_update(index_elements=["hall"], set_={"told_at": at})
    )
    connection.execute(delete(_STANDING).where(_STANDING.c.hall == hall))
    if has:
        connection.execute(
            insert(_STANDING),
            [
                {"hall": hall, "kind": kind, "author": author, "version": version}
                for (kind, author), version in has.items()
            ],
        )
    missed = {
        stream: has.get(stream, 0)
        for stream, version in _own(connection, at - MISSED_AFTER).items()
        if has.get(stream, 0) < version
    }
    if missed:
        passing_on.send_from(connection, hall, missed, now)


def spread(
    connection: Connection, context: Context, kind: int
) -> wire_service.ListStandingsResponse:
    """Which releases are in force where, below this hall, and who is behind."""
    halls = rollups.known_halls(connection, context)
    told_at = {
        row.hall: row.told_at
        for row in connection.execute(select(_REPORT).where(_REPORT.c.told_at.is_not(None)))
    }
    has: dict[str, dict[_Stream, int]] = defaultdict(dict)
    for row in connection.execute(select(_STANDING)):
        has[row.hall][row.kind, row.author] = row.version
    here = str(context.here)
    has[here] = _own(connection)
    # Above and here it is known; of a hall below its own word counts.
    wanted = dict(has[here])
    for hall, streams in has.items():
        wanted.update({s: v for s, v in streams.items() if s[1] == hall})
    answer = wire_service.ListStandingsResponse(
        unknown=[str(hall) for hall in halls if str(hall) != here and str(hall) not in told_at]
    )
    for (of_kind, author), version in sorted(wanted.items()):
        if kind and of_kind != kind:
            continue
        one = answer.spreads.add(kind=of_kind, author=author, version=version)
        by = Address.parse(author)
        for below in halls:
            name = str(below)
            reached = below == by or by.may_certify(below)
            if not reached or (name != here and name not in told_at):
                continue
            found = has[name].get((of_kind, author), 0)
            if found >= version:
                one.halls.append(name)
                continue
            since = _since(connection, of_kind, author, found)
            one.behind.add(
                hall=name,
                version=found,
                since=to_timestamp(since) if since is not None else None,
                told_at=to_timestamp(told_at[name]),
            )
    return answer


def _own(connection: Connection, before: datetime | None = None) -> dict[_Stream, int]:
    """What is in force here; with `before`, was so by then."""
    query = select(_RELEASE.c.kind, _RELEASE.c.author, _RELEASE.c.version).where(
        _RELEASE.c.standing == Standing.IN_FORCE
    )
    if before is not None:
        query = query.where(_RELEASE.c.received_at <= before, _RELEASE.c.effective_at <= before)
    return {(row.kind, row.author): row.version for row in connection.execute(query)}


def _since(connection: Connection, kind: int, author: str, version: int) -> datetime | None:
    """Since when a version later than this one is in force."""
    found: datetime | None = connection.execute(
        select(func.min(_RELEASE.c.effective_at)).where(
            _RELEASE.c.kind == kind,
            _RELEASE.c.author == author,
            _RELEASE.c.version > version,
            _RELEASE.c.standing.in_((Standing.IN_FORCE, Standing.REPLACED)),
        )
    ).scalar_one_or_none()
    return found


def _read(payload: bytes) -> tuple[datetime, dict[_Stream, int]] | None:
    try:
        message = parse(wire.Standings, payload)
        found = {
            (int(ReleaseKind(one.kind)), str(Address.parse(one.author))): one.version
            for one in message.standings
            if one.version < 2**63
        }
        at = from_timestamp(message.at)
    except (MessageMalformed, ValueError, OverflowError, AddressMalformed):
        return None
    return (at, found) if len(message.standings) <= STANDINGS_MAX else None

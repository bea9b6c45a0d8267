"""What is in force where: each hall gathers what those below it told and tells its parent, and each can name who is
behind."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, bindparam, case, delete, func, insert, select

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
"""Then a hall tells all that it knows again, its own and that of the halls below."""
MISSED_AFTER = timedelta(minutes=10)
"""A child that has not put in force by then what its parent has is sent it again."""
STANDINGS_MAX = 200
"""Kinds times authors above a hall are far fewer."""
HALLS_MAX = 5_000
"""Halls below of which one word tells; all of a province are 1,489."""
_RELEASE, _STANDING, _REPORT = tables.release, tables.standing, tables.standing_report
_Stream = tuple[int, str]


@dataclass(frozen=True, slots=True)
class _Word:
    """What was in force at a hall."""

    hall: str
    at: datetime
    has: Mapping[_Stream, int]


def note_change(connection: Connection, context: Context, now: datetime) -> None:
    """Something took force here: it is told soon."""
    if context.parent is not None:
        _note_untold(connection, [str(context.here)], now)


def is_due(connection: Connection, context: Context, now: datetime) -> bool:
    """Whether the parent is to be told what is in force here, if only that nothing is."""
    if context.parent is None:
        return False
    reported = _reported(connection, context)
    return not reported.is_begun or _has_something_to_say(reported, now)


def report(connection: Connection, context: Context, now: datetime) -> bool:
    """Tell the parent what is in force here and what halls below told of themselves, as far as that changed; once
    a day all of it.

    A hall that was just founded gathers first, for what is in force above is on its way to it.
    """
    reported = _reported(connection, context)
    if not reported.is_begun:
        note_change(connection, context, now)
        return False
    if context.parent is None or not _has_something_to_say(reported, now):
        return False
    below = _below(connection, context, all_of_it=_is_told_again(reported, now))
    dispatches = [
        wire_feed.Dispatch(
            recipient=str(context.parent),
            kind=STANDINGS_KIND,
            subject="releases",
            urgency=int(Urgency.BULK),  # type: ignore[arg-type]
            payload=message.SerializeToString(),
        )
        for message in _messages(_own(connection), below, now)
    ]
    connection.execute(
        _REPORT.update().where(_REPORT.c.changed_at.is_not(None)).values(changed_at=None)
    )
    connection.execute(
        _REPORT.update().where(_REPORT.c.hall == str(context.here)).values(told_at=now)
    )
    tables.feed.append(connection, [Entry("standings.told", "releases", b"", now, dispatches)])
    return True


def take(
    connection: Connection, context: Context, sender: Address, payload: bytes, now: datetime
) -> None:
    """Keep what a hall below says of itself and of those below it; what is older than what is known, or no such
    message, is passed over."""
    if not context.here.may_certify(sender):
        return
    words = [
        word
        for word in _read(sender, payload)
        if word.at <= now + limits.CLOCK_SKEW_MAX and _may_tell_of(sender, word.hall)
    ]
    fresh = _fresh(connection, words)
    if not fresh:
        return
    changed = _changed(connection, fresh)
    _keep(connection, fresh)
    if changed and context.parent is not None:
        _note_untold(connection, changed, now)
    for word in fresh:
        if word.hall == str(sender):
            _send_what_is_missed(connection, word, now)


_is_own = _REPORT.c.hall == bindparam("here")
_REPORTED = select(
    func.count(case((_is_own, 1))).label("is_begun"),
    func.max(case((_is_own, _REPORT.c.told_at))).label("told_at"),
    func.min(_REPORT.c.changed_at).label("changed_at"),
)
"""Whether this hall has begun to report, when it last did, and since when there is something untold; asked every second."""


def _reported(connection: Connection, context: Context) -> Row[Any]:
    return connection.execute(_REPORTED, {"here": str(context.here)}).one()


def _has_something_to_say(reported: Row[Any], now: datetime) -> bool:
    if _is_told_again(reported, now):
        return True
    return reported.changed_at is not None and now >= reported.changed_at + GATHER


def _is_told_again(reported: Row[Any], now: datetime) -> bool:
    return reported.told_at is not None and now >= reported.told_at + TOLD_AGAIN_AFTER


def _note_untold(connection: Connection, halls: Sequence[str], now: datetime) -> None:
    """The parent has to be told of these, if it does not have to be already."""
    statement = upsert(connection, _REPORT)
    first = func.coalesce(_REPORT.c.changed_at, statement.excluded.changed_at)
    connection.execute(
        statement.on_conflict_do_update(index_elements=["hall"], set_={"changed_at": first}),
        [{"hall": hall, "changed_at": now} for hall in halls],
    )


def _below(connection: Connection, context: Context, all_of_it: bool) -> list[_Word]:
    """What halls below told, in the order of addresses; unless it is all of it, what the parent was not told."""
    reports = select(_REPORT.c.hall, _REPORT.c.told_at).where(
        _REPORT.c.hall != str(context.here), _REPORT.c.told_at.is_not(None)
    )
    if not all_of_it:
        reports = reports.where(_REPORT.c.changed_at.is_not(None))
    told_at = {row.hall: row.told_at for row in connection.execute(reports)}
    has = _known(connection, list(told_at))
    return [_Word(hall, told_at[hall], has.get(hall, {})) for hall in sorted(told_at)]


def _messages(
    own: Mapping[_Stream, int], below: Sequence[_Word], now: datetime
) -> Iterator[wire.Standings]:
    """As many as it takes, each with what is in force here; halls that have the same are told of together."""
    for first in range(0, max(len(below), 1), HALLS_MAX):
        message = wire.Standings(at=to_timestamp(now), standings=_written(own))
        alike: dict[tuple[tuple[_Stream, int], ...], list[_Word]] = defaultdict(list)
        for word in below[first : first + HALLS_MAX]:
            alike[tuple(sorted(word.has.items()))].append(word)
        for has, words in alike.items():
            halls = [wire.StandingHall(hall=word.hall, at=to_timestamp(word.at)) for word in words]
            message.below.add(halls=halls, standings=_written(dict(has)))
        yield message


def _may_tell_of(sender: Address, hall: str) -> bool:
    return hall == str(sender) or sender.may_certify(Address.parse(hall))


def _fresh(connection: Connection, words: Sequence[_Word]) -> list[_Word]:
    """Those that are newer than what is known."""
    halls = [word.hall for word in words]
    known = {
        row.hall: row.told_at
        for row in connection.execute(select(_REPORT).where(_REPORT.c.hall.in_(halls)))
        if row.told_at is not None
    }
    return [word for word in words if word.hall not in known or word.at > known[word.hall]]


def _changed(connection: Connection, words: Sequence[_Word]) -> list[str]:
    """Halls that now have something else, or were never heard of."""
    halls = [word.hall for word in words]
    heard = set(connection.scalars(select(_REPORT.c.hall).where(_REPORT.c.hall.in_(halls))))
    has = _known(connection, halls)
    return [
        word.hall for word in words if word.hall not in heard or has.get(word.hall, {}) != word.has
    ]


def _keep(connection: Connection, words: Sequence[_Word]) -> None:
    statement = upsert(connection, _REPORT)
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=["hall"], set_={"told_at": statement.excluded.told_at}
        ),
        [{"hall": word.hall, "told_at": word.at} for word in words],
    )
    connection.execute(delete(_STANDING).where(_STANDING.c.hall.in_([w.hall for w in words])))
    rows = [
        {"hall": word.hall, "kind": kind, "author": author, "version": version}
        for word in words
        for (kind, author), version in word.has.items()
    ]
    if rows:
        connection.execute(insert(_STANDING), rows)


def _send_what_is_missed(connection: Connection, word: _Word, now: datetime) -> None:
    missed = {
        stream: word.has.get(stream, 0)
        for stream, version in _own(connection, word.at - MISSED_AFTER).items()
        if word.has.get(stream, 0) < version
    }
    if missed:
        passing_on.send_from(connection, word.hall, missed, now)


def _known(connection: Connection, halls: Sequence[str]) -> dict[str, dict[_Stream, int]]:
    """What is known to be in force at these halls."""
    has: dict[str, dict[_Stream, int]] = defaultdict(dict)
    for row in connection.execute(select(_STANDING).where(_STANDING.c.hall.in_(halls))):
        has[row.hall][row.kind, row.author] = row.version
    return has


def spread(
    connection: Connection, context: Context, kind: int
) -> wire_service.ListStandingsResponse:
    """Which releases are in force where, below this hall, and who is behind."""
    halls = rollups.known_halls(connection, context)
    told_at = {
        row.hall: row.told_at
        for row in connection.execute(select(_REPORT).where(_REPORT.c.told_at.is_not(None)))
    }
    has = _known(connection, list(told_at))
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


def _written(has: Mapping[_Stream, int]) -> list[wire.Standing]:
    return [
        wire.Standing(kind=kind, author=author, version=version)  # type: ignore[arg-type]
        for (kind, author), version in sorted(has.items())
    ]


def _read(sender: Address, payload: bytes) -> list[_Word]:
    """All that a word tells; nothing if it is no such message."""
    try:
        message = parse(wire.Standings, payload)
        if sum(len(group.halls) for group in message.below) > HALLS_MAX:
            return []
        own = _Word(str(sender), from_timestamp(message.at), _has(message.standings))
        below = [
            _Word(str(Address.parse(one.hall)), from_timestamp(one.at), has)
            for group in message.below
            for has in (_has(group.standings),)
            for one in group.halls
        ]
    except (MessageMalformed, ValueError, OverflowError, AddressMalformed):
        return []
    # Of a hall that is named twice the newest word counts.
    newest = {word.hall: word for word in sorted([own, *below], key=lambda word: word.at)}
    return list(newest.values())


def _has(standings: Sequence[wire.Standing]) -> dict[_Stream, int]:
    """Raises ValueError or AddressMalformed."""
    if len(standings) > STANDINGS_MAX:
        raise ValueError
    return {
        (int(ReleaseKind(one.kind)), str(Address.parse(one.author))): one.version
        for one in standings
        if one.version < 2**63
    }

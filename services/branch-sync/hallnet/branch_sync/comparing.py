"""Replicas are kept complete: each hall asks those with which it shares cases, from time to time and when
something did not arrive, whether they have all that it has said."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from google.protobuf.message import DecodeError
from sqlalchemy import func, select, update

from hallnet.branch_sync import sharing, tables
from hallnet.branch_sync.sharing import Side
from hallnet.codec.moments import to_timestamp
from hallnet.federation import comparison
from hallnet.federation.comparison import Mark
from hallnet.places import Address
from hallnet.store import Connection
from hallnet.store.feed import Entry
from hallnet.store.upsert import upsert
from hallnet.trust.envelope import Urgency
from hallnet.wire.branch_sync.v1 import branch_sync_service_pb2 as wire_service
from hallnet.wire.branch_sync.v1 import comparison_pb2 as wire
from hallnet.wire.feed.v1 import feed_pb2 as wire_feed

ASKED_KIND = "replica.asked"
"""From the author of what is compared."""
ANSWERED_KIND = "replica.answered"
"""From the hall that has, or has not, what the author said."""
COMPARE_EVERY = timedelta(days=1)
COMPARE_AGAIN = timedelta(minutes=10)
"""After something did not arrive, and as long as differences are found."""
DUE_MAX = 100
"""So many comparisons are begun at once."""
BEHIND_MAX = 200
"""Of so many cases is told at once that another hall is behind."""


def notice(connection: Connection, here: Address, now: datetime) -> None:
    """Plan comparisons with halls that are new."""
    table = tables.comparison
    known = set(connection.scalars(select(table.c.hall)))
    fresh = [hall for hall in sharing.sharers(connection, here) if str(hall) not in known]
    if fresh:
        connection.execute(
            upsert(connection, table).on_conflict_do_nothing(),
            [{"hall": str(hall), "due_at": now + COMPARE_EVERY, "behind": 0} for hall in fresh],
        )


def not_delivered(connection: Connection, recipient: str, now: datetime) -> None:
    """Something about a case did not arrive: compare soon, whatever else is done about it."""
    table = tables.comparison
    soon = now + COMPARE_AGAIN
    statement = upsert(connection, table).values(hall=recipient, due_at=soon, behind=0)
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=["hall"], set_={"due_at": soon}, where=table.c.due_at > soon
        )
    )


def ask_all(connection: Connection, now: datetime) -> None:
    """Compare with everybody as soon as may be: after an outage, or after this node was restored."""
    table = tables.comparison
    connection.execute(update(table).where(table.c.due_at > now).values(due_at=now))


def ask_those_due(connection: Connection, now: datetime) -> int:
    """Begin the comparisons whose time has come; returns how many."""
    table = tables.comparison
    due = connection.scalars(
        select(table.c.hall).where(table.c.due_at <= now).order_by(table.c.due_at).limit(DUE_MAX)
    ).all()
    for text in due:
        hall = Address.parse(text)
        total = comparison.whole(sharing.sums(connection, hall, Side.OWN))
        question = wire.Comparison(level=0, ranges=[_range(0, total)])
        _say(connection, ASKED_KIND, hall, question, now)
        _note(connection, hall, due_at=now + COMPARE_EVERY, asked_at=now)
    return len(due)


def take_question(
    connection: Connection, here: Address, author: Address, payload: bytes, now: datetime
) -> None:
    """The author says what it has said; answer what this hall has of it, where that is something else."""
    question = _read(payload)
    if question is None:
        return
    theirs = sharing.sums(connection, author, Side.THEIRS)
    asked = _sums(question)
    if question.level == 0:
        if asked.get(0, 0) == comparison.whole(theirs):
            _agreed(connection, author, now)
        else:
            answer = wire.Comparison(level=1, ranges=_ranges(comparison.coarser(theirs)))
            _say(connection, ANSWERED_KIND, author, answer, now)
        return
    if question.level != 2:
        return
    within = set(question.within)
    finest = {n: value for n, value in theirs.items() if n // comparison.FAN_OUT in within}
    listed = _list(
        connection, here, author, comparison.differing(asked, finest, len(asked) + len(finest))
    )
    _say(connection, ANSWERED_KIND, author, listed, now)


def take_answer(
    connection: Connection, here: Address, other: Address, payload: bytes, now: datetime
) -> None:
    """What the other hall has of what this hall said: go into what differs, down to the cases."""
    answer = _read(payload)
    if answer is None:
        return
    if not answer.by_case:
        own = sharing.sums(connection, other, Side.OWN)
        within = comparison.differing(comparison.coarser(own), _sums(answer))
        if within:
            inside = set(within)
            finest = {n: value for n, value in own.items() if n // comparison.FAN_OUT in inside}
            question = wire.Comparison(level=2, within=within, ranges=_ranges(finest))
            _say(connection, ASKED_KIND, other, question, now)
        return
    own_marks = sharing.marks(connection, here, other, Side.OWN, list(answer.within))
    theirs = {mark.case_id: Mark(mark.sequence, mark.digest) for mark in answer.marks}
    found = comparison.by_case(own_marks, theirs)
    _tell_behind(connection, other, found.behind, now)
    if found.behind:
        _note(connection, other, due_at=now + COMPARE_AGAIN)
    known = sharing.last_own(connection, here, found.ahead)
    forgotten = [one for one in found.ahead if known.get(one, 0) < theirs[one].sequence]
    _note(connection, other, behind=len(found.behind), forgotten=len(forgotten))


def views(connection: Connection) -> list[wire_service.ReplicaView]:
    """How this hall and the others with which it shares cases stand."""
    part, table = tables.case_part, tables.comparison
    shared = connection.execute(select(part.c.hall, func.count()).group_by(part.c.hall))
    counts: dict[str, int] = dict(shared.tuples().all())
    return [
        wire_service.ReplicaView(
            hall=row.hall,
            agreed_at=to_timestamp(row.agreed_at) if row.agreed_at else None,
            asked_at=to_timestamp(row.asked_at) if row.asked_at else None,
            behind=row.behind,
            forgotten=row.forgotten,
            cases=counts.get(row.hall, 0),
        )
        for row in connection.execute(select(table).order_by(table.c.hall))
    ]


def _list(
    connection: Connection, here: Address, author: Address, ranges: Sequence[int]
) -> wire.Comparison:
    """What this hall has of the author in some finest ranges, case by case, as many as may be listed."""
    found: list[wire.CaseMark] = []
    within: list[int] = []
    for at in range(0, len(ranges), comparison.WITHIN_MAX):
        portion = ranges[at : at + comparison.WITHIN_MAX]
        known = sharing.marks(connection, here, author, Side.THEIRS, portion)
        full = len(found) + len(known) > comparison.MARKS_MAX
        if within and (full or len(within) + len(portion) > comparison.LISTED_MAX):
            break
        within += portion
        found += [
            wire.CaseMark(case_id=case_id, sequence=mark.sequence, digest=mark.digest)
            for case_id, mark in sorted(known.items())
        ]
    return wire.Comparison(level=2, within=within, marks=found, by_case=True)


def _tell_behind(
    connection: Connection, hall: Address, case_ids: Sequence[str], now: datetime
) -> None:
    entries = []
    for at in range(0, len(case_ids), BEHIND_MAX):
        told = wire.ReplicaBehind(hall=str(hall), case_ids=case_ids[at : at + BEHIND_MAX])
        entries.append(Entry("replica.behind", str(hall), told.SerializeToString(), now))
    tables.feed.append(connection, entries)


def _agreed(connection: Connection, author: Address, now: datetime) -> None:
    statement = upsert(connection, tables.comparison).values(
        hall=str(author), due_at=now + COMPARE_EVERY, behind=0, agreed_at=now
    )
    connection.execute(
        statement.on_conflict_do_update(index_elements=["hall"], set_={"agreed_at": now})
    )


def _note(connection: Connection, hall: Address, **values: object) -> None:
    table = tables.comparison
    connection.execute(update(table).where(table.c.hall == str(hall)).values(**values))


def _say(
    connection: Connection, kind: str, hall: Address, message: wire.Comparison, now: datetime
) -> None:
    dispatch = wire_feed.Dispatch(
        recipient=str(hall),
        kind=kind,
        subject="replica",
        urgency=int(Urgency.ORDINARY),  # type: ignore[arg-type]
        payload=message.SerializeToString(),
    )
    tables.feed.append(connection, [Entry(kind, str(hall), b"", now, [dispatch])])


def _read(payload: bytes) -> wire.Comparison | None:
    """None for what no hall says that keeps to the rules."""
    try:
        message = wire.Comparison.FromString(payload)
        _sums(message)
    except (DecodeError, ValueError):
        return None
    numbers = [*message.within, *(item.number for item in message.ranges)]
    if (
        len(message.within) > comparison.LISTED_MAX
        or len(message.marks) > 2 * comparison.MARKS_MAX
        or any(number >= comparison.RANGES for number in numbers)
    ):
        return None
    return message


def _sums(message: wire.Comparison) -> dict[int, int]:
    """Raises ValueError for what is no sum."""
    return {item.number: comparison.from_bytes(item.digest) for item in message.ranges}


def _ranges(sums: comparison.Sums) -> list[wire.Range]:
    return [_range(number, value) for number, value in sorted(sums.items())]


def _range(number: int, value: int) -> wire.Range:
    return wire.Range(number=number, digest=comparison.to_bytes(value))

"""Numbers go up: each hall counts its days from the intake's feed and reports them to every hall above."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta

from google.protobuf.message import DecodeError
from sqlalchemy import delete, func, insert, select, update

from hallnet.branch_sync import tables
from hallnet.branch_sync.context import Context
from hallnet.case.case import day_of
from hallnet.case.event import (
    EVENT,
    Accepted,
    CaseEvent,
    Closed,
    Decided,
    Declined,
    Filed,
    HandedOver,
    NoticeGiven,
    Outcome,
    TakenOver,
    Withdrawn,
)
from hallnet.federation import rollup
from hallnet.federation.rollup import Report
from hallnet.places import Address, divisions
from hallnet.store import Connection
from hallnet.store.feed import Entry
from hallnet.store.upsert import upsert
from hallnet.trust.envelope import Urgency
from hallnet.wire.branch_sync.v1 import branch_sync_service_pb2 as wire_service
from hallnet.wire.branch_sync.v1 import rollup_pb2 as wire
from hallnet.wire.feed.v1 import feed_pb2 as wire_feed

ROLLUP_KIND = "rollup"
UNKNOWN_ITEM = "?"
"""Of a case whose beginning has not come here yet."""
DAYS_BACK_MAX = 400
"""So many days that nobody reported, because the hall was down, are reported as empty."""
REPORTS_AT_ONCE_MAX = 50
_MEASURES: dict[type, str] = {
    Filed: "filed",
    NoticeGiven: "notice_given",
    Accepted: "accepted",
    Declined: "declined",
    HandedOver: "handed_over",
    TakenOver: "taken_over",
    Closed: "closed",
    Withdrawn: "withdrawn",
}


def measure_of(event: CaseEvent) -> str | None:
    """What an event counts as; None for what is not counted."""
    if isinstance(event.fact, Decided):
        granted = event.fact.outcome is Outcome.GRANTED
        return "decided.granted" if granted else "decided.refused"
    return _MEASURES.get(type(event.fact))


def count_events(
    connection: Connection, here: Address, raws: Iterable[bytes], now: datetime
) -> None:
    """Count what this hall did; of what others did only the item of the case is noted."""
    events = [EVENT.from_bytes(raw) for raw in raws]
    items = _items(connection, events)
    counted: Counter[tuple[date, str, str]] = Counter()
    for event in events:
        measure = measure_of(event)
        if event.author == here and measure is not None:
            item_id = items.get(event.case_id, UNKNOWN_ITEM)
            counted[day_of(event.at), item_id, measure] += 1
    if not counted:
        return
    table = tables.rollup_count
    rows = [
        {"hall": str(here), "day": day, "item_id": item_id, "measure": measure, "times": count}
        for (day, item_id, measure), count in sorted(counted.items())
    ]
    statement = upsert(connection, table)
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=["hall", "day", "item_id", "measure"],
            set_={"times": table.c.times + statement.excluded.times},
        ),
        rows,
    )
    days = sorted({day for day, *_ in counted})
    marks = upsert(connection, tables.rollup)
    connection.execute(
        marks.on_conflict_do_update(index_elements=["hall", "day"], set_={"changed": True}),
        [
            {"hall": str(here), "day": day, "version": 0, "changed": True, "received_at": now}
            for day in days
        ],
    )


def report_days(connection: Connection, context: Context, now: datetime) -> int:
    """Report the days that are over and changed since they were reported; returns how many."""
    here, today = str(context.here), day_of(now)
    _open_days(connection, here, today, now)
    table = tables.rollup
    due = connection.execute(
        select(table)
        .where(table.c.hall == here, table.c.day < today, table.c.changed)
        .order_by(table.c.day)
        .limit(REPORTS_AT_ONCE_MAX)
    ).all()
    entries = []
    for row in due:
        message = wire.Rollup(
            day=row.day.isoformat(), version=row.version + 1, counts=_own(connection, here, row.day)
        )
        entries.append(_told_up(context, message, now))
        this = (table.c.hall == here) & (table.c.day == row.day)
        connection.execute(update(table).where(this).values(version=row.version + 1, changed=False))
    tables.feed.append(connection, entries)
    return len(due)


def take(
    connection: Connection, context: Context, sender: Address, payload: bytes, now: datetime
) -> None:
    """Take a report of a hall below; an older version than the known one says nothing new."""
    report = _read(payload)
    if report is None or not context.here.may_certify(sender) or report.day > day_of(now):
        tables.feed.append(connection, [Entry("rollup.refused", str(sender), payload[:1000], now)])
        return
    hall, table, counts = str(sender), tables.rollup, tables.rollup_count
    this = (table.c.hall == hall) & (table.c.day == report.day)
    known = connection.execute(select(table.c.version).where(this)).scalar_one_or_none()
    if not report.replaces(known or 0):
        return
    values = {"version": report.version, "changed": False, "received_at": now}
    statement = upsert(connection, table).values(hall=hall, day=report.day, **values)
    connection.execute(statement.on_conflict_do_update(index_elements=["hall", "day"], set_=values))
    connection.execute(delete(counts).where(counts.c.hall == hall, counts.c.day == report.day))
    rows = [
        {"hall": hall, "day": report.day, "item_id": item_id, "measure": measure, "times": count}
        for (item_id, measure), count in sorted(report.counts.items())
    ]
    if rows:
        connection.execute(insert(counts), rows)


def sums(
    connection: Connection, context: Context, request: wire_service.SumRollupsRequest, now: datetime
) -> wire_service.SumRollupsResponse:
    """Add up days of this hall and those below; raises DaysUnusable, AddressMalformed."""
    first, last = rollup.span(request.first_day, request.last_day)
    under = Address.parse(request.under, "under") if request.under else context.here
    halls = [hall for hall in known_halls(connection, context) if _is_under(hall, under)]
    names = {str(hall) for hall in halls}
    table, counts = tables.rollup, tables.rollup_count
    reported = {
        (row.hall, row.day)
        for row in connection.execute(
            select(table.c.hall, table.c.day).where(table.c.day.between(first, last))
        )
        if row.hall in names or _is_under(Address.parse(row.hall), under)
    }
    hall = counts.c.hall
    grouped = connection.execute(
        select(hall, counts.c.item_id, counts.c.measure, func.sum(counts.c.times).label("times"))
        .where(counts.c.day.between(first, last))
        .group_by(hall, counts.c.item_id, counts.c.measure)
    )
    total: Counter[tuple[str, str, str]] = Counter()
    for row in grouped:
        if _is_under(Address.parse(row.hall), under):
            whose = row.hall if request.by_hall else ""
            total[whose, row.item_id, row.measure] += int(row.times)
    expected = rollup.days_of(first, min(last, day_of(now)))
    return wire_service.SumRollupsResponse(
        sums=[
            wire_service.RollupSum(hall=whose, item_id=item_id, measure=measure, count=count)
            for (whose, item_id, measure), count in sorted(total.items())
        ],
        missing=[
            wire_service.MissingRollup(hall=str(hall), day=day.isoformat())
            for hall in halls
            for day in expected
            if (str(hall), day) not in reported
        ],
        reports=len(reported),
    )


def halls_above(context: Context) -> list[Address]:
    """All halls above this one, the nearest first."""
    return [
        hall
        for hall in divisions().path(context.here)[1:]
        if hall == context.top or context.top.may_certify(hall)
    ]


def known_halls(connection: Connection, context: Context) -> list[Address]:
    """This hall and all below it, as their certificates were told up, in the order of addresses."""
    table = tables.certificate
    subjects = connection.scalars(select(table.c.subject).distinct())
    below = {Address.parse(text) for text in subjects}
    kept = {hall for hall in below if context.here.may_certify(hall)}
    children = connection.scalars(select(tables.child.c.address))
    return sorted(kept | {Address.parse(text) for text in children} | {context.here})


def _is_under(hall: Address, under: Address) -> bool:
    return hall == under or under.may_certify(hall)


def _items(connection: Connection, events: Sequence[CaseEvent]) -> dict[str, str]:
    """The items of cases; those that begin here and now are noted."""
    table = tables.case_item
    ids = sorted({event.case_id for event in events})
    found = {
        row.case_id: row.item_id
        for row in connection.execute(select(table).where(table.c.case_id.in_(ids)))
    }
    fresh = {event.case_id: event.fact.item_id for event in events if isinstance(event.fact, Filed)}
    rows = [
        {"case_id": case_id, "item_id": item_id}
        for case_id, item_id in fresh.items()
        if case_id not in found
    ]
    if rows:
        connection.execute(upsert(connection, table).on_conflict_do_nothing(), rows)
    return found | fresh


def _open_days(connection: Connection, here: str, today: date, now: datetime) -> None:
    """Every day since the first gets its report, also one on which nothing was done."""
    table = tables.rollup
    last = connection.execute(
        select(func.max(table.c.day)).where(table.c.hall == here, table.c.day < today)
    ).scalar_one_or_none()
    yesterday = today - timedelta(days=1)
    first = yesterday if last is None else max(last, today - timedelta(days=DAYS_BACK_MAX))
    rows = [
        {"hall": here, "day": day, "version": 0, "changed": True, "received_at": now}
        for day in rollup.days_of(first, yesterday)
    ]
    if last is None or last < yesterday:
        connection.execute(upsert(connection, table).on_conflict_do_nothing(), rows)


def _own(connection: Connection, here: str, day: date) -> list[wire.RollupCount]:
    table = tables.rollup_count
    rows = connection.execute(
        select(table)
        .where(table.c.hall == here, table.c.day == day)
        .order_by(table.c.item_id, table.c.measure)
    )
    return [
        wire.RollupCount(item_id=row.item_id, measure=row.measure, count=row.times) for row in rows
    ]


def _told_up(context: Context, message: wire.Rollup, now: datetime) -> Entry:
    dispatches = [
        wire_feed.Dispatch(
            recipient=str(hall),
            kind=ROLLUP_KIND,
            subject=f"{ROLLUP_KIND}-{message.day}",
            urgency=int(Urgency.ORDINARY),  # type: ignore[arg-type]
            payload=message.SerializeToString(),
        )
        for hall in halls_above(context)
    ]
    return Entry("rollup.reported", message.day, message.SerializeToString(), now, dispatches)


def _read(payload: bytes) -> Report | None:
    try:
        message = wire.Rollup.FromString(payload)
        counts = ((one.item_id, one.measure, one.count) for one in message.counts)
        return rollup.report(message.day, message.version, counts)
    except (DecodeError, ValueError):
        return None

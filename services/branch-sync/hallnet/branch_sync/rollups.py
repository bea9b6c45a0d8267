"""Numbers go up: what the intake counted of a day that is over is reported to every hall above.

Nothing is counted here, so what a hall above adds up is what the halls report of themselves.
"""

from __future__ import annotations

from collections import Counter
from datetime import date, datetime, time, timedelta

from sqlalchemy import delete, func, insert, select

from hallnet.branch_sync import tables
from hallnet.branch_sync.context import Context
from hallnet.case.case import CHINA, day_of
from hallnet.codec import MessageMalformed, parse
from hallnet.federation import rollup
from hallnet.federation.rollup import Key, Report
from hallnet.numbers.measure import Measure
from hallnet.places import Address, divisions
from hallnet.store import Connection
from hallnet.store.feed import Entry
from hallnet.store.upsert import upsert
from hallnet.trust.envelope import Urgency
from hallnet.wire.branch_sync.v1 import branch_sync_service_pb2 as wire_service
from hallnet.wire.branch_sync.v1 import rollup_pb2 as wire
from hallnet.wire.feed.v1 import feed_pb2 as wire_feed
from hallnet.wire.intake.v1 import intake_service_pb2 as wire_intake

ROLLUP_KIND = "rollup"
NUMBERS_OF_DAY = "numbers.day"
"""Kind of the entry in the intake's feed."""


def take_day(connection: Connection, context: Context, payload: bytes, now: datetime) -> None:
    """What the own intake says of a day that is over: kept, and reported to every hall above."""
    told = wire_intake.DayNumbers.FromString(payload)
    here, day = str(context.here), date.fromisoformat(told.day)
    # Minutes since the day began: a hall that lost its records since counts on, and not from 1.
    age = now - datetime.combine(day, time(), CHINA)
    version = max(_version(connection, here, day) + 1, age // timedelta(minutes=1))
    message = wire.Rollup(
        day=told.day,
        version=version,
        counts=[
            wire.RollupCount(
                item_id=one.item_id,
                handling_kind=one.handling_kind,
                measure=Measure(one.measure).name.lower(),
                count=one.amount,
            )
            for one in told.numbers
        ],
    )
    counts = {Key(one.item_id, one.handling_kind, one.measure): one.count for one in message.counts}
    _keep(connection, here, Report(day, version, counts), now)
    tables.feed.append(connection, [_told_up(context, message, now)])


def take(
    connection: Connection, context: Context, sender: Address, payload: bytes, now: datetime
) -> None:
    """Take a report of a hall below; an older version than the known one says nothing new."""
    report = _read(payload)
    if report is None or not context.here.may_certify(sender) or report.day > day_of(now):
        tables.feed.append(connection, [Entry("rollup.refused", str(sender), payload[:1000], now)])
        return
    if report.replaces(_version(connection, str(sender), report.day)):
        _keep(connection, str(sender), report, now)


def _version(connection: Connection, hall: str, day: date) -> int:
    """Which version of a hall's day is here; 0 if none is."""
    table = tables.rollup
    query = select(table.c.version).where(table.c.hall == hall, table.c.day == day)
    return connection.execute(query).scalar_one_or_none() or 0


def _keep(connection: Connection, hall: str, report: Report, now: datetime) -> None:
    table, counts = tables.rollup, tables.rollup_count
    values = {"version": report.version, "received_at": now}
    statement = upsert(connection, table).values(hall=hall, day=report.day, **values)
    connection.execute(statement.on_conflict_do_update(index_elements=["hall", "day"], set_=values))
    connection.execute(delete(counts).where(counts.c.hall == hall, counts.c.day == report.day))
    rows = [
        {
            "hall": hall,
            "day": report.day,
            "item_id": key.item_id,
            "handling_kind": key.handling_kind,
            "measure": key.measure,
            "times": count,
        }
        for key, count in sorted(report.counts.items())
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
    what = (hall, counts.c.item_id, counts.c.measure, counts.c.handling_kind)
    grouped = connection.execute(
        select(*what, func.sum(counts.c.times).label("times"))
        .where(counts.c.day.between(first, last))
        .group_by(*what)
    )
    total: Counter[tuple[str, str, str, int]] = Counter()
    for row in grouped:
        if _is_under(Address.parse(row.hall), under):
            whose = row.hall if request.by_hall else ""
            total[whose, row.item_id, row.measure, row.handling_kind] += int(row.times)
    expected = rollup.days_of(first, min(last, day_of(now)))
    return wire_service.SumRollupsResponse(
        sums=[
            wire_service.RollupSum(
                hall=whose,
                item_id=item_id,
                measure=measure,
                count=count,
                handling_kind=kind,  # type: ignore[arg-type]
            )
            for (whose, item_id, measure, kind), count in sorted(total.items())
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
    """This hall and all below it that stand, as their certificates were told up, in the order of addresses."""
    table = tables.certificate
    subjects = connection.scalars(select(table.c.subject).distinct())
    below = {Address.parse(text) for text in subjects}
    standing = context.trust.standing_halls()
    kept = {hall for hall in below & standing if context.here.may_certify(hall)}
    children = connection.scalars(select(tables.child.c.address))
    return sorted(kept | {Address.parse(text) for text in children} | {context.here})


def _is_under(hall: Address, under: Address) -> bool:
    return hall == under or under.may_certify(hall)


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
        return rollup.read(parse(wire.Rollup, payload))
    except (MessageMalformed, ValueError):
        return None

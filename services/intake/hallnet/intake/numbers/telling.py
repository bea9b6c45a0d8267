"""Telling what this hall did, day by day, in the feed: once a day is over, and again when it changed."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from sqlalchemy import func, select

from hallnet.case.case import day_of
from hallnet.intake import tables
from hallnet.numbers.measure import Measure
from hallnet.store import Connection
from hallnet.store.feed import Entry
from hallnet.store.upsert import upsert
from hallnet.wire.intake.v1 import intake_service_pb2 as wire

NUMBERS_OF_DAY = "numbers.day"
DAYS_BACK_MAX = 400
"""So many days that nobody told, because the hall was down, are told as what they were."""
DAYS_AT_ONCE_MAX = 50
_ONE_DAY = timedelta(days=1)
_NUMBER, _DAY = tables.number, tables.number_day


def tell_days(connection: Connection, now: datetime) -> int:
    """Tell days that are over and were not told, or changed since; returns how many, the oldest first.

    Every day is told, also one on which nothing was done: who hears nothing of a day knows that the hall
    was silent, not that it was idle.
    """
    yesterday = day_of(now) - _ONE_DAY
    changed = connection.scalars(
        select(_DAY.c.day).where(_DAY.c.changed).order_by(_DAY.c.day).limit(DAYS_AT_ONCE_MAX)
    ).all()
    days = sorted({*changed, *_untold(connection, yesterday)})[:DAYS_AT_ONCE_MAX]
    if not days:
        return 0
    tables.feed.append(
        connection,
        [
            Entry(
                NUMBERS_OF_DAY,
                day.isoformat(),
                numbers_of(connection, day).SerializeToString(deterministic=True),
                now,
            )
            for day in days
        ],
    )
    connection.execute(
        upsert(connection, _DAY).on_conflict_do_update(
            index_elements=["day"], set_={"changed": False}
        ),
        [{"day": day, "changed": False} for day in days],
    )
    return len(days)


def numbers_of(connection: Connection, day: date) -> wire.DayNumbers:
    """What this hall did on a day, as every report of it counts."""
    rows = connection.execute(
        select(_NUMBER)
        .where(
            # Measure by measure, in the order of the key.
            _NUMBER.c.measure.in_([int(measure) for measure in Measure]),
            _NUMBER.c.day == day,
            _NUMBER.c.amount > 0,
        )
        .order_by(_NUMBER.c.item_id, _NUMBER.c.measure, _NUMBER.c.handling_kind)
    )
    return wire.DayNumbers(
        day=day.isoformat(),
        numbers=[
            wire.Number(
                measure=row.measure,
                handling_kind=row.handling_kind,
                item_id=row.item_id,
                amount=row.amount,
            )
            for row in rows
        ],
    )


def _untold(connection: Connection, yesterday: date) -> list[date]:
    """The days up to yesterday after the last one told; before the first, since something was counted."""
    last = connection.execute(select(func.max(_DAY.c.day))).scalar_one_or_none()
    if last is None:
        first = connection.execute(select(func.min(_NUMBER.c.day))).scalar_one_or_none()
        start = min(first or yesterday, yesterday)
    else:
        start = last + _ONE_DAY
    start = max(start, yesterday - DAYS_BACK_MAX * _ONE_DAY)
    count = min((yesterday - start).days + 1, DAYS_AT_ONCE_MAX)
    return [start + number * _ONE_DAY for number in range(count)]

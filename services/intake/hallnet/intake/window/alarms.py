"""What staff have to be told without asking: uncovered slots, instalments, and what is overdue.

Each is told once. Who follows the feed tells the people.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta

from sqlalchemy import select

from hallnet.case import fee as fees
from hallnet.case.calendar import Calendar
from hallnet.case.case import day_of
from hallnet.intake import tables
from hallnet.intake.context import Hall
from hallnet.intake.window import duty, records
from hallnet.intake.window.records import RecordKind
from hallnet.store import Connection
from hallnet.store.feed import Entry
from hallnet.store.upsert import upsert
from hallnet.window.rota import Half, alarmed

UNCOVERED, INSTALMENT, OVERDUE = "window.uncovered", "window.instalment", "window.overdue"
ALARMS_A_ROUND_MAX = 500
_LOOK_AHEAD = timedelta(days=14)
"""More than the working days before which instalments are reminded of."""
_SUBJECT_LENGTH_MAX = 64
_HALVES = {Half.MORNING: "上午", Half.AFTERNOON: "下午"}
_KINDS = {
    RecordKind.ENQUIRY: "咨询",
    RecordKind.RATING: "差评",
    RecordKind.COMPLAINT: "投诉",
}


def sound(connection: Connection, hall: Hall, now: datetime) -> int:
    """Tell what was not told before; returns how many."""
    today, calendar = day_of(now), hall.releases.calendar(connection)
    told = [
        Entry(kind, subject[:_SUBJECT_LENGTH_MAX], b"", now)
        for kind, subject in _alarms(connection, calendar, today)
        if _is_new(connection, f"{kind} {subject}", now)
    ]
    if told:
        tables.feed.append(connection, told)
    return len(told)


def _alarms(connection: Connection, calendar: Calendar, today: date) -> Iterator[tuple[str, str]]:
    for gap in alarmed(duty.uncovered(connection, calendar, today), today):
        yield UNCOVERED, f"{gap.window_id[:40]} {gap.day} {_HALVES[gap.half]}"
    table = tables.window_record
    rows = connection.execute(
        select(table.c.kind, table.c.record_id, table.c.due_on)
        .where(table.c.due_on <= today + _LOOK_AHEAD)
        .order_by(table.c.due_on, table.c.kind, table.c.record_id)
        .limit(ALARMS_A_ROUND_MAX)
    ).all()
    for row in rows:
        kind = RecordKind(row.kind)
        if kind is RecordKind.FEE:
            yield from _instalments(connection, calendar, row.record_id, today)
        elif row.due_on < today:
            yield OVERDUE, f"{_KINDS[kind]} {row.record_id[:36]} {row.due_on}"


def _instalments(
    connection: Connection, calendar: Calendar, case_id: str, today: date
) -> Iterator[tuple[str, str]]:
    account = records.FEES.find(connection, case_id)
    assert account is not None
    for found in fees.reminders(account, today, calendar):
        late = "逾期" if found.dunning is fees.Dunning.OVERDUE else "将到期"
        yield INSTALMENT, f"{case_id} 第{found.number}期{late}"


def _is_new(connection: Connection, alarm: str, now: datetime) -> bool:
    table = tables.alarm_told
    statement = upsert(connection, table).values(alarm=alarm[:128], told_at=now)
    made = statement.on_conflict_do_nothing().returning(table.c.alarm)
    return connection.execute(made).first() is not None

"""What has to be told without asking: to staff uncovered slots, instalments and what is overdue, to applicants
the instalments that they owe.

Each is told once. Who follows the feed tells the people.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import select, tuple_

from hallnet.case import fee as fees
from hallnet.case.calendar import Calendar
from hallnet.case.case import day_of
from hallnet.case.fee import FeeAccount
from hallnet.case.same_matter import stands
from hallnet.intake import cases, tables
from hallnet.intake.context import Hall
from hallnet.intake.window import duty, records
from hallnet.intake.window.codecs import INSTALMENT as INSTALMENT_CODEC
from hallnet.intake.window.records import RecordKind
from hallnet.store import Connection
from hallnet.store.feed import Entry
from hallnet.store.upsert import upsert
from hallnet.window.rota import Half, alarmed
from hallnet.wire.window.v1 import window_pb2 as wire

UNCOVERED, INSTALMENT, OVERDUE = "window.uncovered", "window.instalment", "window.overdue"
REFUND = "window.refund"
REMINDER = "fee.reminder"
"""What the applicant is told."""
LOOKED_AT_MAX = 500
"""Records in one transaction."""
_LOOK_AHEAD = timedelta(days=14)
"""More than the working days before which instalments are reminded of."""
_SUBJECT_LENGTH_MAX = 64
_HALVES = {Half.MORNING: "上午", Half.AFTERNOON: "下午"}
_KINDS = {
    RecordKind.ENQUIRY: "咨询",
    RecordKind.RATING: "差评",
    RecordKind.COMPLAINT: "投诉",
    RecordKind.PERSONAL: "个人信息请求",
    RecordKind.PAPER_ASKED: "向其他大厅调取材料的申请",
    RecordKind.PAPER_WANTED: "其他大厅调取材料的申请",
}


@dataclass(frozen=True, slots=True)
class _Alarm:
    """Something to be told once; `key` is what makes it the same one."""

    kind: str
    subject: str
    key: str
    payload: bytes = b""


Place = tuple[date, int, str]
"""Of a record among those that are due: day, kind and id."""


@dataclass(frozen=True, slots=True)
class Sounded:
    """How many were told, and where to go on; None if all that is due was looked at."""

    told: int
    next_place: Place | None


def sound(connection: Connection, hall: Hall, now: datetime, after: Place | None = None) -> Sounded:
    """Tell what was not told before, of LOOKED_AT_MAX records after a place; what was told long ago and is still
    due does not hide what comes after it."""
    today, calendar = day_of(now), hall.releases.calendar(connection)
    rows = _due(connection, today, after)
    alarms = [] if after else list(_gaps(connection, calendar, today))
    for row in rows:
        alarms += _alarms(connection, hall, calendar, today, row)
    told = [
        Entry(one.kind, one.subject[:_SUBJECT_LENGTH_MAX], one.payload, now)
        for one in alarms
        if _is_new(connection, f"{one.kind} {one.key}", now)
    ]
    if told:
        tables.feed.append(connection, told)
    last = rows[-1] if len(rows) == LOOKED_AT_MAX else None
    return Sounded(len(told), (last.due_on, last.kind, last.record_id) if last else None)


def _due(connection: Connection, today: date, after: Place | None) -> Sequence[Any]:
    table = tables.window_record
    order = (table.c.due_on, table.c.kind, table.c.record_id)
    query = select(table.c.kind, table.c.record_id, table.c.due_on).where(
        table.c.due_on <= today + _LOOK_AHEAD
    )
    if after is not None:
        query = query.where(tuple_(*order) > tuple_(*after))
    return connection.execute(query.order_by(*order).limit(LOOKED_AT_MAX)).all()


def _gaps(connection: Connection, calendar: Calendar, today: date) -> Iterator[_Alarm]:
    for gap in alarmed(duty.uncovered(connection, calendar, today), today):
        yield _for_staff(UNCOVERED, f"{gap.window_id[:40]} {gap.day} {_HALVES[gap.half]}")


def _alarms(
    connection: Connection, hall: Hall, calendar: Calendar, today: date, row: Any
) -> Iterator[_Alarm]:
    kind = RecordKind(row.kind)
    if kind is RecordKind.FEE:
        yield from _instalments(connection, hall, calendar, row.record_id, today)
    elif row.due_on < today:
        yield _for_staff(OVERDUE, f"{_KINDS[kind]} {row.record_id[:36]} {row.due_on}")


def _for_staff(kind: str, subject: str) -> _Alarm:
    return _Alarm(kind, subject, subject)


def _instalments(
    connection: Connection, hall: Hall, calendar: Calendar, case_id: str, today: date
) -> Iterator[_Alarm]:
    """Nobody is reminded of a case that was withdrawn, or ended otherwise without a result: what was paid for it
    goes back."""
    account = records.FEES.find(connection, case_id)
    assert account is not None
    if account.to_be_refunded:
        yield _for_staff(REFUND, f"{case_id} 应退{account.to_be_refunded}分")
    if not stands(cases.load(connection, case_id)):
        return
    for found in fees.reminders(account, today, calendar):
        late = "逾期" if found.dunning is fees.Dunning.OVERDUE else "将到期"
        yield _for_staff(INSTALMENT, f"{case_id} 第{found.number}期{late}")
    for call in fees.calls(account, today, calendar):
        yield _for_applicant(hall, account, call)


def _for_applicant(hall: Hall, account: FeeAccount, call: fees.Call) -> _Alarm:
    assert account.plan is not None
    found = call.reminder
    reminder = wire.InstalmentReminder(
        hall=str(hall.address),
        number=found.number,
        of=len(account.plan.instalments),
        instalment=INSTALMENT_CODEC.to_message(found.instalment),
        dunning=int(found.dunning),  # type: ignore[arg-type]
    )
    key = f"{account.case_id} {found.number} {call.time}"
    return _Alarm(REMINDER, account.case_id, key, reminder.SerializeToString())


def _is_new(connection: Connection, alarm: str, now: datetime) -> bool:
    table = tables.alarm_told
    statement = upsert(connection, table).values(alarm=alarm[:128], told_at=now)
    made = statement.on_conflict_do_nothing().returning(table.c.alarm)
    return connection.execute(made).first() is not None

"""Cases as they are shown: to staff, to agents, to applicants."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import Row

from hallnet.case.calendar import Calendar
from hallnet.case.case import CHINA, Case, Mark, day_of
from hallnet.case.clock import Alarm, Clock, ClockKind, clocks
from hallnet.case.decide import Context, possible_acts
from hallnet.case.event import (
    EVENT,
    AcceptanceBasis,
    Accepted,
    Closed,
    Decided,
    Declined,
    Filed,
    HandedOver,
    HandOverDeclined,
    HandOverFailed,
    HandOverPurpose,
    NoticeGiven,
    Outcome,
    Reviewed,
    Supplemented,
    TakenOver,
    Withdrawn,
)
from hallnet.case.item import ITEM, TimeLimit
from hallnet.codec.codec import to_timestamp
from hallnet.intake import cases, handling, materials
from hallnet.intake.accounts import Account
from hallnet.intake.context import Hall
from hallnet.places import Address
from hallnet.places.divisions import Divisions
from hallnet.store import Connection
from hallnet.wire.case.v1 import item_pb2 as wire_item
from hallnet.wire.case.v1 import person_pb2 as wire_person
from hallnet.wire.intake.v1 import intake_service_pb2 as wire


def summary(row: Row[Any], today: date) -> wire.CaseSummary:
    """A row of a list."""
    return wire.CaseSummary(
        case_id=row.case_id,
        case_no=row.case_no,
        item_name=row.item_name,
        applicant=row.applicant,
        stage=row.stage,
        custodian=row.custodian,
        in_transit_to=row.in_transit_to,
        received_at=to_timestamp(row.received_at),
        changed_at=to_timestamp(row.changed_at),
        due_on=row.due_on.isoformat() if row.due_on else "",
        due_kind=row.due_kind,
        due_provisional=row.due_provisional,
        handling_kind=row.handling_kind,
        alarm=_row_alarm(row, today),
    )


def _row_alarm(row: Row[Any], today: date) -> int:
    """As the clock says it, without counting its days again."""
    if row.due_on is None:
        return Alarm.NONE
    if (row.met_on or today) > row.due_on:
        return Alarm.RED
    return Alarm.YELLOW if row.yellow_on is not None and row.yellow_on <= today else Alarm.NONE


def case_view(
    connection: Connection,
    hall: Hall,
    case: Case,
    account: Account,
    row: Row[Any],
    now: datetime,
) -> wire.CaseView:
    """A case as staff and agents of this hall see it."""
    calendar = hall.releases.calendar(connection)
    today = day_of(now)
    view = wire.CaseView(
        summary=summary(row, today),
        events=[
            EVENT.to_message(EVENT.from_bytes(raw))
            for raw in cases.history(connection, case.case_id)
        ],
        last_digest=case.last_digest,
        in_custody=case.transit is None and case.custodian == hall.address,
    )
    stored = materials.here(connection, [item.digest for item in case.materials])
    for material in case.materials:
        view.materials.append(
            wire.MaterialView(
                material=wire_person.Material(
                    name=material.name,
                    digest=material.digest,
                    size=material.size,
                    media_type=material.media_type,
                    submitted_at=to_timestamp(material.submitted_at),
                ),
                here=material.digest in stored,
            )
        )
    if case.filed.intake_hall == hall.address:
        view.query_code = case.filed.query_code
    item = cases.item_of(connection, hall, case)
    if item is not None:
        view.item.CopyFrom(ITEM.to_message(item))
        view.clocks.extend(
            clock_view(clock, today, calendar) for clock in clocks(case, item, calendar)
        )
        view.missing_materials.extend(case.missing_materials(item))
        context: Context = handling.context_of(connection, hall, account, case, None, now)
        view.possible_acts.extend(possible_acts(case, context))
    return view


def clock_view(clock: Clock, today: date, calendar: Calendar) -> wire.ClockView:
    """A clock with its explanation."""
    return wire.ClockView(
        kind=int(clock.kind),  # type: ignore[arg-type]
        started_by=clock.started_by,
        starts_on=clock.starts_on.isoformat(),
        due_on=clock.due_on.isoformat(),
        provisional=clock.count.provisional,
        unpublished_years=clock.count.unpublished_years,
        limit=_limit(clock.limit),
        met_on=clock.met_on.isoformat() if clock.met_on else "",
        days=[
            wire.DayCount(
                date=day.date.isoformat(),
                counted=day.counted,
                total=day.total,
                reason=day.reason,
            )
            for day in clock.count.days
        ],
        alarm=int(clock.alarm(today, calendar)),
    )


def progress(
    connection: Connection, hall: Hall, case: Case, now: datetime
) -> wire.GetProgressResponse:
    """A case as its applicant sees it."""
    register = hall.register
    item = cases.item_of(connection, hall, case)
    response = wire.GetProgressResponse(
        case_no=case.case_no,
        item_name=item.name if item else "",
        stage=int(case.stage),  # type: ignore[arg-type]
        steps=[
            wire.ProgressStep(
                at=to_timestamp(mark.at),
                text=step_text(mark, register),
                hall=hall_name(mark.author, register),
            )
            for mark in case.marks
        ],
        custodian="" if case.transit else hall_name(case.custodian, register),
    )
    notice = case.newest(NoticeGiven)
    supplement = case.newest(Supplemented)
    if notice is not None and (supplement is None or supplement.at < notice.at):
        assert isinstance(notice.fact, NoticeGiven)
        for defect in notice.fact.defects:
            response.defects.add(
                material=defect.material, problem=defect.problem, remedy=defect.remedy
            )
    if item is not None:
        calendar = hall.releases.calendar(connection)
        promises = [c for c in clocks(case, item, calendar) if c.kind is ClockKind.PROMISE]
        if promises:
            response.promise.CopyFrom(clock_view(promises[0], day_of(now), calendar))
    return response


def hall_name(address: Address, register: Divisions) -> str:
    """The area of a hall, for people."""
    name = register.full_name(address.division)
    return f"{name}分厅" if address.is_branch_hall else name


def step_text(mark: Mark, register: Divisions) -> str:
    """One step, in the words of an applicant."""
    fact = mark.fact
    day = mark.at.astimezone(CHINA).strftime("%Y-%m-%d")
    if isinstance(fact, Filed):
        return f"{day} 已收到您的申请"
    if isinstance(fact, NoticeGiven):
        return f"{day} 已一次性告知需补正的内容"
    if isinstance(fact, Supplemented):
        return f"{day} 已收到补正材料"
    if isinstance(fact, Accepted):
        silent = fact.basis is AcceptanceBasis.SILENCE
        return f"{day} 已受理" + ("（逾期未告知，自收件之日起视为受理）" if silent else "")
    if isinstance(fact, Declined):
        return f"{day} 不予受理：{fact.explanation}"
    if isinstance(fact, Reviewed):
        return f"{day} 已完成初审"
    if isinstance(fact, HandedOver):
        return f"{day} {_HANDED[fact.purpose]}{hall_name(fact.to, register)}"
    if isinstance(fact, TakenOver):
        return f"{day} 已接收"
    if isinstance(fact, HandOverDeclined | HandOverFailed):
        return f"{day} 移交未成，由原大厅继续办理"
    if isinstance(fact, Decided):
        granted = fact.outcome is Outcome.GRANTED
        return f"{day} 已作出决定：" + ("准予" if granted else f"不予，理由：{fact.reasons}")
    if isinstance(fact, Closed):
        return f"{day} 已办结，结果已送达"
    assert isinstance(fact, Withdrawn)
    return f"{day} 已按您的请求撤回"


_HANDED = {
    HandOverPurpose.REPORT_UP: "已上报",
    HandOverPurpose.ACROSS: "已转交",
    HandOverPurpose.RETURN: "结果已回传",
}


def _limit(limit: TimeLimit) -> wire_item.TimeLimit:
    return wire_item.TimeLimit(
        days=limit.days,
        unit=int(limit.unit),  # type: ignore[arg-type]
        remark=limit.remark,
    )

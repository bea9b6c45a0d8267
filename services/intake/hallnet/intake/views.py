"""Cases as they are shown: to staff, to agents, to applicants."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

from hallnet.case.calendar import Calendar
from hallnet.case.case import Case, day_of
from hallnet.case.clock import Alarm, Clock, ClockKind
from hallnet.case.event import Defect, NoticeGiven, PrereviewReturned, Supplemented
from hallnet.case.fact import LegEnded, PlannedLeg
from hallnet.case.item import TimeLimit
from hallnet.case.kind import axes_of, names_of
from hallnet.case.liability import answered_defects
from hallnet.case.person import MATERIAL
from hallnet.case.possible import possible_acts
from hallnet.codec import Codec
from hallnet.codec.moments import to_timestamp
from hallnet.intake import cases, memory, owners
from hallnet.intake.accounts import Account
from hallnet.intake.context import Hall
from hallnet.intake.papers import materials
from hallnet.intake.steps import hall_name, step_text
from hallnet.store import Connection
from hallnet.wire.case.v1 import case_event_pb2 as wire_event
from hallnet.wire.case.v1 import fact_pb2 as wire_fact
from hallnet.wire.case.v1 import item_pb2 as wire_item
from hallnet.wire.intake.v1 import intake_service_pb2 as wire

_PLANNED_LEG: Codec[PlannedLeg] = Codec(PlannedLeg, wire_fact.PlannedLeg)
_DEFECT: Codec[Defect] = Codec(Defect, wire_event.Defect)
_LEG_ENDED: Codec[LegEnded] = Codec(LegEnded, wire_fact.LegEnded)
LIKE_WITHIN = timedelta(days=90)
"""A case that ended with a result is shown beside another one like it if it was received so lately."""


def summary(row: Any, today: date) -> wire.CaseSummary:
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
        owner=row.owner,
    )


def _row_alarm(row: Any, today: date) -> int:
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
    row: Any,
    now: datetime,
) -> wire.CaseView:
    """A case as staff and agents of this hall see it."""
    local = hall.releases.local_rules(connection)
    today = day_of(now)
    view = wire.CaseView(
        summary=summary(row, today),
        events=cases.event_messages(connection, case),
        last_digest=case.last_digest,
        gaps=case.gaps,
        in_custody=case.transit is None and case.custodian == hall.address,
        owner=owners.owner_view(connection, hall, case),
    )
    stored = materials.here(connection, [item.digest for item in case.materials])
    for material in case.materials:
        view.materials.append(
            wire.MaterialView(
                material=MATERIAL.to_message(material), here=material.digest in stored
            )
        )
    if case.home == hall.address:
        view.query_code = case.filed.query_code
    item = cases.item_of(connection, hall, case)
    if item is not None:
        view.item.CopyFrom(memory.item_message(item))
        view.clocks.extend(
            clock_view(clock, today, local.calendar)
            for clock in memory.clocks_of(case, item, local.calendar, local.policy)
        )
        view.kinds.extend(names_of(axes_of(case, item), local.policy))
        view.missing_materials.extend(case.missing_materials(item))
        view.possible_acts.extend(possible_acts(case, item, hall.address))
    view.legs.extend(_legs(connection, case, today))
    view.answered_defects.extend(
        wire.AnsweredDefect(defect=_DEFECT.to_message(found.defect), hall=str(found.hall))
        for found in answered_defects(case)
    )
    return view


def _legs(connection: Connection, case: Case, today: date) -> list[wire.LegView]:
    """The legs of a joint case, each with the row of its own case."""
    if not case.legs:
        return []
    ids = [leg.leg_case_id for leg in case.legs]
    rows = cases.rows_of(connection, ids)
    ended = {fact.leg: fact for fact in case.since_recall(LegEnded)}
    views = []
    for leg in case.legs:
        view = wire.LegView(planned=_PLANNED_LEG.to_message(leg))
        if leg.leg in ended:
            view.ended.CopyFrom(_LEG_ENDED.to_message(ended[leg.leg]))
        if leg.leg_case_id in rows:
            view.summary.CopyFrom(summary(rows[leg.leg_case_id], today))
        views.append(view)
    return views


def clock_view(clock: Clock, today: date, calendar: Calendar) -> wire.ClockView:
    """A clock with its explanation; not to be changed."""
    return memory.clock_message(clock, today, lambda clock: _clock_view(clock, today, calendar))


def _clock_view(clock: Clock, today: date, calendar: Calendar) -> wire.ClockView:
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
        stands=clock.stands,
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
    asked = case.newest(NoticeGiven) or case.newest(PrereviewReturned)
    if asked is not None and case.mark_after(asked, Supplemented) is None:
        assert isinstance(asked.fact, NoticeGiven | PrereviewReturned)
        for defect in asked.fact.defects:
            response.defects.add(
                material=defect.material, problem=defect.problem, remedy=defect.remedy
            )
    if item is not None:
        local = hall.releases.local_rules(connection)
        running = memory.clocks_of(case, item, local.calendar, local.policy)
        promises = [clock for clock in running if clock.kind is ClockKind.PROMISE]
        if promises:
            response.promise.CopyFrom(clock_view(promises[0], day_of(now), local.calendar))
    return response


def _limit(limit: TimeLimit) -> wire_item.TimeLimit:
    return wire_item.TimeLimit(
        days=limit.days,
        unit=int(limit.unit),  # type: ignore[arg-type]
        remark=limit.remark,
    )

"""What is counted, and which event of a case counts for what.

A node counts what it did itself: the events of which it is the author, and what came into its hands and
left them. So nothing is counted at two halls, and the numbers of a county are the sum of those of its
halls. A case is instant or committed by the version of its item, never both and never neither.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from enum import IntEnum

from hallnet.case.calendar import Calendar
from hallnet.case.case import Case
from hallnet.case.clock import Clock, ClockKind, CountClocks, clocks
from hallnet.case.event import (
    Accepted,
    Closed,
    Decided,
    Declined,
    Fact,
    Filed,
    HandedOver,
    HandOverPurpose,
    NoticeGiven,
    Outcome,
    PrereviewReturned,
    Reviewed,
    Supplemented,
    TakenOver,
    Withdrawn,
)
from hallnet.case.fact import (
    DecisionRevoked,
    Ended,
    MadeUrgent,
    OverdueCause,
    OverdueExplained,
    PrereviewPassed,
    ViolationRecorded,
    ViolationRule,
)
from hallnet.case.item import ItemVersion, TimeUnit
from hallnet.case.kind import axes_of
from hallnet.case.policy import Policy
from hallnet.places import Address


class Measure(IntEnum):
    """What is counted; the numbers are those of Measure on the wire."""

    RECEIVED = 1
    NOTICED = 2
    SUPPLEMENTED = 3
    ACCEPTED = 4
    DECLINED = 5
    REVIEWED = 6
    REPORTED_UP = 7
    HANDED_ACROSS = 8
    RETURNED_RESULT = 9
    TAKEN_OVER = 10
    GRANTED = 11
    REFUSED = 12
    FINISHED = 13
    IN_PROMISE = 14
    OVERDUE = 15
    WITHOUT_PROMISE = 16
    EARLY = 17
    WITHDRAWN = 18
    CAME = 19
    LEFT = 20
    ACCEPTED_JOINT = 21
    ACCEPTED_TO_REPORT_UP = 22
    STATUTORY_DAYS = 23
    PROMISED_DAYS = 24
    ACTUAL_DAYS = 25
    ACCEPTED_URGENT = 26
    PREREVIEW_RETURNED = 27
    ENDED = 28
    REVOKED = 29
    LEG_ACCEPTED = 30
    LEG_FINISHED = 31
    OVERDUE_STAMPED = 32
    LATE_BY_STAFF = 33
    LATE_BY_SYSTEM = 34
    LATE_BY_OTHER_BODY = 35
    LATE_BY_APPLICANT = 36
    LATE_BY_COMPLEXITY = 37
    LATE_OTHERWISE = 38
    OFF_HALL = 39


NAMES = {
    Measure.RECEIVED: "收件",
    Measure.NOTICED: "一次性告知",
    Measure.SUPPLEMENTED: "补正",
    Measure.ACCEPTED: "受理",
    Measure.DECLINED: "不予受理",
    Measure.REVIEWED: "初审",
    Measure.REPORTED_UP: "上报",
    Measure.HANDED_ACROSS: "转交",
    Measure.RETURNED_RESULT: "结果回传",
    Measure.TAKEN_OVER: "接收",
    Measure.GRANTED: "准予",
    Measure.REFUSED: "不予许可",
    Measure.FINISHED: "办结",
    Measure.IN_PROMISE: "承诺期限内办结",
    Measure.OVERDUE: "逾期办结",
    Measure.WITHOUT_PROMISE: "无承诺期限办结",
    Measure.EARLY: "提前办结",
    Measure.WITHDRAWN: "撤回",
    Measure.CAME: "转入在手",
    Measure.LEFT: "转出在手",
    Measure.ACCEPTED_JOINT: "受理（联办）",
    Measure.ACCEPTED_TO_REPORT_UP: "受理（上报）",
    Measure.STATUTORY_DAYS: "法定工作日合计",
    Measure.PROMISED_DAYS: "承诺工作日合计",
    Measure.ACTUAL_DAYS: "实际工作日合计",
    Measure.ACCEPTED_URGENT: "受理（特办）",
    Measure.PREREVIEW_RETURNED: "预审退回",
    Measure.ENDED: "终止",
    Measure.REVOKED: "撤销决定",
    Measure.LEG_ACCEPTED: "联办环节受理",
    Measure.LEG_FINISHED: "联办环节办结",
    Measure.OVERDUE_STAMPED: "期限逾期",
    Measure.LATE_BY_STAFF: "逾期原因：人手不足或人员缺位",
    Measure.LATE_BY_SYSTEM: "逾期原因：系统或网络故障",
    Measure.LATE_BY_OTHER_BODY: "逾期原因：等待其他部门",
    Measure.LATE_BY_APPLICANT: "逾期原因：申请人原因",
    Measure.LATE_BY_COMPLEXITY: "逾期原因：情况复杂",
    Measure.LATE_OTHERWISE: "逾期原因：其他",
    Measure.OFF_HALL: "越位收件",
}

_SIMPLE: dict[type[Fact], Measure] = {
    NoticeGiven: Measure.NOTICED,
    Supplemented: Measure.SUPPLEMENTED,
    Accepted: Measure.ACCEPTED,
    Declined: Measure.DECLINED,
    Reviewed: Measure.REVIEWED,
    TakenOver: Measure.TAKEN_OVER,
    Closed: Measure.FINISHED,
    Withdrawn: Measure.WITHDRAWN,
    PrereviewReturned: Measure.PREREVIEW_RETURNED,
    Ended: Measure.ENDED,
    DecisionRevoked: Measure.REVOKED,
}
_OF_A_LEG = {Accepted: Measure.LEG_ACCEPTED, Closed: Measure.LEG_FINISHED}
"""A leg of a joint case is a case of its own for the body that handles it, but in statistics the joint case
is counted, once: of a leg only these."""
_HANDED = {
    HandOverPurpose.REPORT_UP: Measure.REPORTED_UP,
    HandOverPurpose.ACROSS: Measure.HANDED_ACROSS,
    HandOverPurpose.RETURN: Measure.RETURNED_RESULT,
}
_LATE_BY = {
    OverdueCause.STAFF: Measure.LATE_BY_STAFF,
    OverdueCause.SYSTEM: Measure.LATE_BY_SYSTEM,
    OverdueCause.OTHER_BODY: Measure.LATE_BY_OTHER_BODY,
    OverdueCause.APPLICANT: Measure.LATE_BY_APPLICANT,
    OverdueCause.COMPLEX: Measure.LATE_BY_COMPLEXITY,
    OverdueCause.OTHER: Measure.LATE_OTHERWISE,
}
_BROKEN_RULES = {
    ViolationRule.OVERDUE: Measure.OVERDUE_STAMPED,
    ViolationRule.OFF_HALL: Measure.OFF_HALL,
}
_DECIDED = {Outcome.GRANTED: Measure.GRANTED, Outcome.REFUSED: Measure.REFUSED}

COUNTED_OF: dict[Measure, tuple[type[Fact], ...]] = {
    **{measure: (fact,) for fact, measure in _SIMPLE.items()},
    **dict.fromkeys(_HANDED.values(), (HandedOver,)),
    **dict.fromkeys(_DECIDED.values(), (Decided,)),
    **{measure: (fact,) for fact, measure in _OF_A_LEG.items()},
    **dict.fromkeys(_LATE_BY.values(), (OverdueExplained,)),
    **dict.fromkeys(_BROKEN_RULES.values(), (ViolationRecorded,)),
    Measure.RECEIVED: (Filed, PrereviewPassed),
    **dict.fromkeys((Measure.ACCEPTED_JOINT, Measure.ACCEPTED_TO_REPORT_UP), (Accepted,)),
    Measure.ACCEPTED_URGENT: (Accepted, MadeUrgent),
    **dict.fromkeys(
        (
            Measure.IN_PROMISE,
            Measure.OVERDUE,
            Measure.WITHOUT_PROMISE,
            Measure.EARLY,
            Measure.STATUTORY_DAYS,
            Measure.PROMISED_DAYS,
            Measure.ACTUAL_DAYS,
        ),
        (Closed,),
    ),
    Measure.CAME: (),
    Measure.LEFT: (),
}
"""The facts by which a measure can grow; none named where any may."""


def step_name(fact: Fact) -> str:
    """By which name a fact is counted; empty for what is not counted by itself."""
    if isinstance(fact, Filed):
        return NAMES[Measure.RECEIVED]
    if isinstance(fact, HandedOver):
        return NAMES[_HANDED[fact.purpose]] if fact.purpose in _HANDED else ""
    if isinstance(fact, Decided):
        return NAMES[_DECIDED[fact.outcome]]
    return NAMES[_SIMPLE[type(fact)]] if type(fact) in _SIMPLE else ""


@dataclass(frozen=True, slots=True, order=True)
class Key:
    """What a number is about: a day, an item, instant or committed (0 while its item is not known here),
    and what is counted."""

    day: date
    item_id: str
    handling_kind: int
    measure: Measure


def counted(
    before: Case | None,
    case: Case,
    item: ItemVersion | None,
    calendar: Calendar,
    policy: Policy,
    here: Address,
    count_clocks: CountClocks = clocks,
) -> Iterator[tuple[Key, int]]:
    """What the last event of a case adds to the numbers of a hall. `before` is the case without it."""
    mark = case.marks[-1]
    kind = int(item.handling_kind) if item is not None else 0

    def key(measure: Measure) -> Key:
        return Key(mark.day, case.filed.item_id, kind, measure)

    had = before is not None and _is_open_at(before, here)
    has = _is_open_at(case, here)
    if has and not had:
        yield key(Measure.CAME), 1
    if had and not has:
        yield key(Measure.LEFT), 1
    if mark.author != here:
        return
    fact = mark.fact
    # Also of a leg: it is the hall that is late.
    if isinstance(fact, OverdueExplained):
        yield key(_LATE_BY[fact.cause]), 1
    elif isinstance(fact, ViolationRecorded) and fact.rule in _BROKEN_RULES:
        yield key(_BROKEN_RULES[fact.rule]), 1
    if case.filed.lead is not None:
        if type(fact) in _OF_A_LEG:
            yield key(_OF_A_LEG[type(fact)]), 1
        return
    if isinstance(fact, Filed | PrereviewPassed):
        if isinstance(fact, PrereviewPassed) or not fact.for_prereview:
            yield key(Measure.RECEIVED), 1
    elif isinstance(fact, HandedOver):
        # What goes to a successor, to be checked or to be examined again is no step of the case: see CAME, LEFT.
        if fact.purpose in _HANDED:
            yield key(_HANDED[fact.purpose]), 1
    elif isinstance(fact, Decided):
        yield key(_DECIDED[fact.outcome]), 1
    elif type(fact) in _SIMPLE:
        yield key(_SIMPLE[type(fact)]), 1
    if isinstance(fact, Accepted | MadeUrgent) and item is not None:
        for measure in _axes(before, case, item):
            yield key(measure), 1
    if isinstance(fact, Closed):
        running = count_clocks(case, item, calendar, policy) if item is not None else ()
        for measure, amount in _finished(running, calendar):
            yield key(measure), amount


def _is_open_at(case: Case, here: Address) -> bool:
    return case.transit is None and case.custodian == here and not case.ended


def _axes(before: Case | None, case: Case, item: ItemVersion) -> Iterator[Measure]:
    """What an accepted case is besides instant or committed: among the accepted, never added to them."""
    axes = axes_of(case, item)
    if isinstance(case.marks[-1].fact, MadeUrgent):
        # Accepted before it became urgent; a second time changes nothing.
        was = before is not None and axes_of(before, item).urgent
        if not was and case.newest(Accepted) is not None:
            yield Measure.ACCEPTED_URGENT
        return
    if axes.joint:
        yield Measure.ACCEPTED_JOINT
    if axes.report_up:
        yield Measure.ACCEPTED_TO_REPORT_UP
    if axes.urgent:
        yield Measure.ACCEPTED_URGENT


def _finished(running: Sequence[Clock], calendar: Calendar) -> Iterator[tuple[Measure, int]]:
    by_kind = {clock.kind: clock for clock in running}
    promise = by_kind.get(ClockKind.PROMISE)
    if promise is None or promise.met_on is None:
        yield Measure.WITHOUT_PROMISE, 1
        return
    yield (Measure.IN_PROMISE if promise.met_on <= promise.due_on else Measure.OVERDUE), 1
    if promise.met_on < promise.due_on:
        yield Measure.EARLY, 1
    statutory = by_kind.get(ClockKind.STATUTORY)
    if statutory is None:
        return
    if {promise.limit.unit, statutory.limit.unit} == {TimeUnit.WORKING_DAY}:
        taken = calendar.working_days_between(promise.starts_on, promise.met_on)
        yield Measure.STATUTORY_DAYS, statutory.limit.days
        yield Measure.PROMISED_DAYS, promise.limit.days
        yield Measure.ACTUAL_DAYS, taken

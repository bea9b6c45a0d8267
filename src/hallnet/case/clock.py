"""Clocks: every limit that runs for a case, computed from its events, its item and the calendar.

They are equal at every hall that holds the case and the same releases, and each explains itself day by
day. Articles are those of 行政许可法.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import IntEnum

from hallnet.case.calendar import Calendar, Count, Pause
from hallnet.case.case import Case, Mark
from hallnet.case.event import (
    Accepted,
    Closed,
    Decided,
    Fact,
    NoticeGiven,
    Outcome,
    PrereviewReturned,
    Supplemented,
)
from hallnet.case.fact import (
    AfterChecked,
    CheckResult,
    DecisionRevoked,
    Extended,
    MadeUrgent,
    PrereviewPassed,
    ProcedureBegan,
    ProcedureEnded,
)
from hallnet.case.hearing import HELD_WITHIN, asked_hearing
from hallnet.case.item import ClockStart, ItemVersion, TimeLimit, TimeUnit
from hallnet.case.policy import DEFAULT, Policy
from hallnet.case.renewal import ends_on
from hallnet.case.share import UNDECIDED_ENDS, decided_after, share_of_hall

NOTICE_LIMIT = TimeLimit(5, TimeUnit.WORKING_DAY, "行政许可法第三十二条第一款第四项")
DELIVERY_LIMIT = TimeLimit(10, TimeUnit.WORKING_DAY, "行政许可法第四十四条")
YELLOW_SHARE = 0.9
"""Yellow when nine tenths of a limit are used, or a working day is left."""


class ClockKind(IntEnum):
    """The numbers are those of the wire."""

    NOTICE = 1
    PROMISE = 2
    STATUTORY = 3
    LEG = 4
    DELIVERY = 5
    PREREVIEW = 6
    SUPPLEMENT = 7
    GAPS = 8
    PROCEDURE = 9
    AFTER_CHECK = 10
    URGENT = 11
    RENEWAL = 12
    HEARING = 13


CLOCK_NAMES: Mapping[int, str] = {
    ClockKind.NOTICE: "一次性告知时限",
    ClockKind.PROMISE: "承诺办结时限",
    ClockKind.STATUTORY: "法定办结时限",
    ClockKind.LEG: "本环节时限",
    ClockKind.DELIVERY: "送达时限",
    ClockKind.PREREVIEW: "预审时限",
    ClockKind.SUPPLEMENT: "申请人补正时限",
    ClockKind.GAPS: "容缺补交时限",
    ClockKind.PROCEDURE: "特别程序时间",
    ClockKind.AFTER_CHECK: "承诺核查时限",
    ClockKind.URGENT: "特办时限",
    ClockKind.RENEWAL: "原许可有效期",
    ClockKind.HEARING: "组织听证时限",
}


class Alarm(IntEnum):
    """How near the end is; red stays once it was reached."""

    NONE = 0
    YELLOW = 1
    RED = 2


@dataclass(frozen=True, slots=True)
class Clock:
    """A limit with its explanation. `met_on` is None while it runs.

    While it stands still for a special procedure its last day is an estimate.
    """

    kind: ClockKind
    started_by: str
    starts_on: date
    limit: TimeLimit
    count: Count
    met_on: date | None
    stands: bool = False

    @property
    def due_on(self) -> date:
        return self.count.due_on

    def alarm(self, today: date, calendar: Calendar) -> Alarm:
        if self.stands:
            return Alarm.NONE
        if (self.met_on or today) > self.due_on:
            return Alarm.RED
        yellow_on = self.yellow_on(calendar)
        return Alarm.YELLOW if yellow_on is not None and yellow_on <= today else Alarm.NONE

    def yellow_on(self, calendar: Calendar) -> date | None:
        """The first day on which it is yellow; None if it was met or has no days."""
        if self.met_on is not None or self.limit.days == 0 or self.stands:
            return None
        used = self.limit.days * YELLOW_SHARE
        nearly_used = next(day.date for day in self.count.days if day.total >= used)
        left, last_but_one = 0, self.due_on
        for day in reversed(self.count.days):
            if left > 1:
                break
            last_but_one = day.date
            left += calendar.is_workday(day.date)
        return min(nearly_used, last_but_one)


CountClocks = Callable[[Case, ItemVersion, Calendar, Policy], Sequence[Clock]]
"""Gives the clocks of a case: it counts them, as `clocks` does, or knows them already."""


def clocks(
    case: Case, item: ItemVersion, calendar: Calendar, policy: Policy = DEFAULT
) -> list[Clock]:
    """All clocks of a case, in the order in which they were started."""
    found = [
        _prereview(case, calendar, policy),
        _notice(case, calendar),
        _supplement(case, calendar, policy),
        *_limits(case, item, calendar),
        _leg(case, item, calendar),
        _gaps(case, calendar),
        _procedure(case, calendar),
        _hearing(case, calendar),
        _urgent(case, calendar),
        _renewal(case, item, calendar),
        _delivery(case, calendar),
        _after_check(case, calendar, policy),
    ]
    return sorted(
        (clock for clock in found if clock is not None), key=lambda clock: clock.starts_on
    )


def case_clock(running: list[Clock]) -> Clock | None:
    """The clock by which a case is listed: that of an urgent case, the promise, else the statutory
    limit; as long as none of them runs, the notice or the pre-review that is due. A licence that ends before
    that goes first."""
    by_kind = {clock.kind: clock for clock in running}
    order = (
        ClockKind.URGENT,
        ClockKind.PROMISE,
        ClockKind.STATUTORY,
        ClockKind.NOTICE,
        ClockKind.PREREVIEW,
    )
    first = next((by_kind[kind] for kind in order if kind in by_kind), None)
    renewal = by_kind.get(ClockKind.RENEWAL)
    if first is None or (renewal is not None and renewal.due_on < first.due_on):
        return renewal
    return first


def pauses(case: Case, calendar: Calendar) -> tuple[Pause, ...]:
    """The special procedures whose time does not count (article 45).

    One that goes on is taken to end when the applicant was told that it would.
    """
    if case.newest(ProcedureBegan) is None:
        return ()
    found = []
    for mark in case.marks:
        if not isinstance(mark.fact, ProcedureBegan) or mark.fact.counted:
            continue
        ended = case.mark_after(mark, ProcedureEnded)
        if ended is not None:
            found.append(Pause(mark.day, ended.day, mark.fact.name))
        else:
            expected = calendar.count(mark.day, mark.fact.expected).due_on
            found.append(Pause(mark.day, expected, f"{mark.fact.name}（预计）"))
    return tuple(found)


def _prereview(case: Case, calendar: Calendar, policy: Policy) -> Clock | None:
    """How long an online application is looked through before it is received."""
    if not case.filed.for_prereview:
        return None
    started = case.marks[0]
    for returned in (m for m in case.marks if isinstance(m.fact, PrereviewReturned)):
        started = case.mark_after(returned, Supplemented) or started
    met = case.mark_after(started, PrereviewPassed, PrereviewReturned, *UNDECIDED_ENDS)
    return _clock(ClockKind.PREREVIEW, "网上提交", started.day, policy.prereview, calendar, met)


def _notice(case: Case, calendar: Calendar) -> Clock | None:
    """Article 32: what is missing is told within five working days of receipt.

    Materials that answer a notice are received anew; what is handed in unasked moves nothing.
    """
    if case.received is None:
        return None
    started, day = case.received
    text = "收件"
    noticed = case.newest(NoticeGiven)
    answer = case.mark_after(noticed, Supplemented) if noticed is not None else None
    if answer is not None:
        started, day, text = answer, answer.day, "补正"
    met = case.mark_after(started, NoticeGiven, Accepted, *UNDECIDED_ENDS)
    if noticed is not None and answer is None:
        met = noticed
    return _clock(ClockKind.NOTICE, text, day, NOTICE_LIMIT, calendar, met)


def _supplement(case: Case, calendar: Calendar, policy: Policy) -> Clock | None:
    """The applicant's time for what a notice asked for, where the policy sets one."""
    noticed = case.newest(NoticeGiven)
    if noticed is None or policy.supplement_limit is None:
        return None
    met = case.mark_after(noticed, Supplemented, *UNDECIDED_ENDS)
    return _clock(
        ClockKind.SUPPLEMENT,
        "一次性告知",
        noticed.day,
        policy.supplement_limit,
        calendar,
        met,
    )


def _limits(case: Case, item: ItemVersion, calendar: Calendar) -> list[Clock | None]:
    """The promise and the statutory limit, from receipt or acceptance until the decision."""
    lead, accepted = case.filed.lead, case.newest(Accepted)
    if item.clock_start is ClockStart.RECEIVED and lead is None:
        # Received means received whole: a notice stops the limits, a supplement starts them anew.
        if case.received is None:
            return []
        started, day = case.received
        noticed = case.newest(NoticeGiven)
        if noticed is not None:
            answer = case.mark_after(noticed, Supplemented)
            if answer is None:
                return []
            started, day = answer, answer.day
        text = "收到完整申请"
    elif accepted is not None:
        assert isinstance(accepted.fact, Accepted)
        text, started, day = "受理", accepted, accepted.fact.accepted_on
    else:
        return []
    met = decided_after(case, started)
    option = case.filed.option
    promised, statutory = item.promised_of(option), item.statutory_of(option) or item.legal_cap
    if lead is not None:
        promised, statutory = lead.promised, lead.statutory
    limits = ((ClockKind.PROMISE, promised), (ClockKind.STATUTORY, statutory))
    return [
        _running_clock(case, kind, text, day, limit, calendar, met)
        for kind, limit in limits
        if limit is not None
    ]


def _gaps(case: Case, calendar: Calendar) -> Clock | None:
    """The applicant's time for promised materials."""
    accepted, fact = case.newest(Accepted), case.last(Accepted)
    if accepted is None or fact is None or not fact.gaps or fact.gaps_limit is None:
        return None
    met = decided_after(case, accepted)
    if not case.gaps:
        supplied = [mark for mark in case.marks if _brings(mark.fact, fact.gaps)]
        met = supplied[-1] if supplied else met
    return _clock(
        ClockKind.GAPS,
        "容缺受理",
        fact.accepted_on,
        fact.gaps_limit,
        calendar,
        met,
    )


def _brings(fact: Fact, gaps: Collection[str]) -> bool:
    """Whether it is a supplement with something that was promised."""
    return isinstance(fact, Supplemented) and any(one.name in gaps for one in fact.materials)


def _procedure(case: Case, calendar: Calendar) -> Clock | None:
    """How long the newest special procedure takes, as the applicant was told."""
    began = case.newest(ProcedureBegan)
    if began is None:
        return None
    assert isinstance(began.fact, ProcedureBegan)
    met = case.mark_after(began, ProcedureEnded, *UNDECIDED_ENDS)
    return _clock(
        ClockKind.PROCEDURE, began.fact.name, began.day, began.fact.expected, calendar, met
    )


def _hearing(case: Case, calendar: Calendar) -> Clock | None:
    """Article 47: a hearing is held within twenty working days of when it was asked for."""
    hearing = asked_hearing(case)
    if hearing is None:
        return None
    met = hearing.held or case.mark_after(hearing.asked, *UNDECIDED_ENDS)
    return _clock(ClockKind.HEARING, "要求听证", hearing.asked.day, HELD_WITHIN, calendar, met)


def _urgent(case: Case, calendar: Calendar) -> Clock | None:
    """The short clock of an urgent case."""
    urgent = case.newest(MadeUrgent)
    if urgent is None:
        return None
    assert isinstance(urgent.fact, MadeUrgent)
    met = decided_after(case, urgent)
    return _running_clock(
        case, ClockKind.URGENT, "列为特办", urgent.day, urgent.fact.limit, calendar, met
    )


def _renewal(case: Case, item: ItemVersion, calendar: Calendar) -> Clock | None:
    """Article 50: what is not decided before the licence ends is renewed. Nothing holds this limit up."""
    last = ends_on(case, item)
    if last is None or case.received is None:
        return None
    started, day = case.received
    limit = TimeLimit((last - day).days, TimeUnit.CALENDAR_DAY, "行政许可法第五十条第二款")
    met = decided_after(case, started)
    count = calendar.until(day, last, "原许可有效期届满")
    return Clock(ClockKind.RENEWAL, "申请延续", day, limit, count, met.day if met else None)


def _after_check(case: Case, calendar: Calendar, policy: Policy) -> Clock | None:
    """What was promised in place of proofs is checked after the decision."""
    # What is only filed has no decision: it is done when it is closed.
    decided = case.decision or case.newest(Closed)
    if decided is None or case.commitment is None:
        return None
    if isinstance(decided.fact, Decided) and decided.fact.outcome is not Outcome.GRANTED:
        return None
    done = [
        mark
        for mark in case.marks
        if isinstance(mark.fact, DecisionRevoked)
        or (
            isinstance(mark.fact, AfterChecked)
            and mark.fact.result is not CheckResult.TO_BE_PUT_RIGHT
        )
    ]
    met = done[0] if done else None
    return _clock(ClockKind.AFTER_CHECK, "决定", decided.day, policy.after_check, calendar, met)


def _leg(case: Case, item: ItemVersion, calendar: Calendar) -> Clock | None:
    """The share of the hall that has the case now."""
    found = share_of_hall(case, item)
    if found is None:
        return None
    return _running_clock(
        case,
        ClockKind.LEG,
        found.started_by,
        found.starts_on,
        found.limit,
        calendar,
        found.met,
    )


def _delivery(case: Case, calendar: Calendar) -> Clock | None:
    """Article 44: what was granted is delivered within ten working days."""
    decided = case.decision
    if decided is None:
        return None
    met = case.mark_after(decided, Closed, DecisionRevoked)
    return _clock(ClockKind.DELIVERY, "决定", decided.day, DELIVERY_LIMIT, calendar, met)


def _running_clock(
    case: Case,
    kind: ClockKind,
    text: str,
    starts_on: date,
    limit: TimeLimit,
    calendar: Calendar,
    met: Mark | None,
) -> Clock:
    """A limit that special procedures hold up and that can be extended (articles 42 and 45).

    An extension in another unit than the limit leaves it as it is.
    """
    extended = case.last(Extended)
    extendable = kind is not ClockKind.URGENT
    if extended is not None and extendable and extended.by.unit is limit.unit:
        remark = f"{limit.remark}（含延长{extended.by.days}日）"
        limit = TimeLimit(limit.days + extended.by.days, limit.unit, remark)
    held_up = pauses(case, calendar)
    count = calendar.count(starts_on, limit, held_up)
    began = case.procedure
    stands = (
        began is not None
        and isinstance(began.fact, ProcedureBegan)
        and not began.fact.counted
        and met is None
        and count.due_on > began.day
    )
    return Clock(kind, text, starts_on, limit, count, met.day if met else None, stands)


def _clock(
    kind: ClockKind,
    text: str,
    starts_on: date,
    limit: TimeLimit,
    calendar: Calendar,
    met: Mark | None,
) -> Clock:
    return Clock(
        kind, text, starts_on, limit, calendar.count(starts_on, limit), met.day if met else None
    )

"""Clocks: every limit that runs for a case, computed from its events, its item and the calendar.

They are equal at every hall that holds the case and the same releases, and each explains itself day by
day. Articles are those of 行政许可法.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import IntEnum

from hallnet.case.calendar import Calendar, Count
from hallnet.case.case import Case, Mark
from hallnet.case.event import (
    Accepted,
    Closed,
    Decided,
    Declined,
    Filed,
    HandedOver,
    HandOverDeclined,
    HandOverFailed,
    NoticeGiven,
    Supplemented,
    TakenOver,
    Withdrawn,
)
from hallnet.case.item import ClockStart, ItemVersion, TimeLimit, TimeUnit

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


class Alarm(IntEnum):
    """How near the end is; red stays once it was reached."""

    NONE = 0
    YELLOW = 1
    RED = 2


@dataclass(frozen=True, slots=True)
class Clock:
    """A limit with its explanation. `met_on` is None while it runs."""

    kind: ClockKind
    started_by: str
    starts_on: date
    limit: TimeLimit
    count: Count
    met_on: date | None

    @property
    def due_on(self) -> date:
        return self.count.due_on

    def alarm(self, today: date, calendar: Calendar) -> Alarm:
        if (self.met_on or today) > self.due_on:
            return Alarm.RED
        yellow_on = self.yellow_on(calendar)
        return Alarm.YELLOW if yellow_on is not None and yellow_on <= today else Alarm.NONE

    def yellow_on(self, calendar: Calendar) -> date | None:
        """The first day on which it is yellow; None if it was met or has no days."""
        if self.met_on is not None or self.limit.days == 0:
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


def clocks(case: Case, item: ItemVersion, calendar: Calendar) -> list[Clock]:
    """All clocks of a case, in the order in which they were started."""
    found = [_notice(case, calendar), *_limits(case, item, calendar)]
    found += [_leg(case, item, calendar), _delivery(case, calendar)]
    return sorted(
        (clock for clock in found if clock is not None), key=lambda clock: clock.starts_on
    )


def case_clock(running: list[Clock]) -> Clock | None:
    """The clock by which a case is listed: the promise, else the statutory limit; as long as neither
    runs, the notice that is due."""
    by_kind = {clock.kind: clock for clock in running}
    order = (ClockKind.PROMISE, ClockKind.STATUTORY, ClockKind.NOTICE)
    return next((by_kind[kind] for kind in order if kind in by_kind), None)


def _notice(case: Case, calendar: Calendar) -> Clock | None:
    """Article 32: what is missing is told within five working days of receipt."""
    started = case.newest(Supplemented) or case.marks[0]
    answered = _first_after(case, started, (NoticeGiven, Accepted, Declined, Withdrawn))
    text = "收件" if isinstance(started.fact, Filed) else "补正"
    return _clock(ClockKind.NOTICE, text, started.day, NOTICE_LIMIT, calendar, answered)


def _limits(case: Case, item: ItemVersion, calendar: Calendar) -> list[Clock | None]:
    """The promise and the statutory limit, from receipt or acceptance until the decision."""
    if item.clock_start is ClockStart.RECEIVED:
        # Received means received whole: a notice stops the limits, a supplement starts them anew.
        started = case.newest(Supplemented) or case.marks[0]
        text, day = "收到完整申请", None
        if not _after(case, started, (NoticeGiven,)):
            day = started.day
    else:
        accepted = case.newest(Accepted)
        text, day = "受理", None
        if accepted is not None:
            assert isinstance(accepted.fact, Accepted)
            started, day = accepted, accepted.fact.accepted_on
    if day is None:
        return []
    met = _first_after(case, started, (Decided, Withdrawn, Declined))
    limits = (
        (ClockKind.PROMISE, item.promised_limit),
        (ClockKind.STATUTORY, item.statutory_limit or item.legal_cap),
    )
    return [
        _clock(kind, text, day, limit, calendar, met) for kind, limit in limits if limit is not None
    ]


def _leg(case: Case, item: ItemVersion, calendar: Calendar) -> Clock | None:
    """The share of the hall that has the case now (article 43 for a lower hall's review)."""
    accepted = case.newest(Accepted)
    if accepted is None or case.newest(Decided) is not None:
        return None
    taken = _last_after(case, accepted, (TakenOver,))
    started = taken or accepted
    level = case.custodian.level
    leg = next((leg for leg in item.legs if leg.level == level and leg.promised), None)
    if leg is None or leg.promised is None:
        return None
    text = "受理" if started is accepted else "接收移交"
    met = _last_after(case, started, (HandedOver, Decided, Withdrawn))
    if met is not None and _after(case, met, (HandOverDeclined, HandOverFailed)):
        # What was handed over in vain is here again, and not done.
        met = None
    return _clock(ClockKind.LEG, f"{leg.actor}{text}", started.day, leg.promised, calendar, met)


def _delivery(case: Case, calendar: Calendar) -> Clock | None:
    """Article 44: what was granted is delivered within ten working days."""
    decided = case.newest(Decided)
    if decided is None:
        return None
    met = _first_after(case, decided, (Closed,))
    return _clock(ClockKind.DELIVERY, "决定", decided.day, DELIVERY_LIMIT, calendar, met)


def _after(case: Case, started: Mark, kinds: tuple[type, ...]) -> list[Mark]:
    """The marks of some kinds after another one, in the order of the history."""
    position = next(n for n, mark in enumerate(case.marks) if mark is started)
    return [mark for mark in case.marks[position + 1 :] if isinstance(mark.fact, kinds)]


def _first_after(case: Case, started: Mark, kinds: tuple[type, ...]) -> Mark | None:
    return next(iter(_after(case, started, kinds)), None)


def _last_after(case: Case, started: Mark, kinds: tuple[type, ...]) -> Mark | None:
    return next(reversed(_after(case, started, kinds)), None)


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

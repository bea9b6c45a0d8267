"""Working days: published calendars, and counting that explains itself.

行政许可法 article 82: limits are in working days, without statutory holidays. The day of the event is
not counted; a limit in calendar days that ends on a day off ends on the next working day (民法典
articles 201 and 203). The State Council publishes days off and make-up workdays (调休) for each year,
usually in November of the year before. For a year that is not published nothing is guessed in silence:
Monday to Friday are counted for the time being, and the result says that it is provisional.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

from hallnet.case.item import TimeLimit, TimeUnit
from hallnet.case.limits import HOURS_OF_A_WORKING_DAY
from hallnet.case.problems import LimitTooLong
from hallnet.codec import Codec
from hallnet.wire.case.v1 import calendar_pb2 as wire

UNTIL_DAYS_SHOWN = 40
COUNTED_DAYS_MAX = 2000
COUNTS_REMEMBERED_MAX = 1_000
"""Most cases of a day start the same few limits: each is counted once."""
_SATURDAY = 5
_ONE_DAY = timedelta(days=1)
_WEEKDAYS = "一二三四五六日"


@dataclass(frozen=True, slots=True)
class CalendarDay:
    """A day on which the rule of the week does not hold."""

    date: date
    working: bool
    occasion: str


@dataclass(frozen=True, slots=True)
class CalendarYear:
    """The published calendar of a year."""

    year: int
    notice: str
    exceptions: tuple[CalendarDay, ...]


@dataclass(frozen=True, slots=True)
class WorkingCalendar:
    """Content of a calendar release: the years that are published."""

    years: tuple[CalendarYear, ...]


CALENDAR: Codec[WorkingCalendar] = Codec(WorkingCalendar, wire.WorkingCalendar)


@dataclass(frozen=True, slots=True)
class Pause:
    """A special procedure during which the clock stands (行政许可法 article 45).

    The day on which it began still counts, the day on which it ended does not.
    """

    began_on: date
    ended_on: date
    reason: str


@dataclass(frozen=True, slots=True)
class DayCount:
    """One day of a count: whether it counted, how many had counted at its end, and why."""

    date: date
    counted: bool
    total: int
    reason: str


@dataclass(frozen=True, slots=True)
class Count:
    """The end of a limit and how it came about."""

    due_on: date
    days: tuple[DayCount, ...]
    unpublished_years: tuple[int, ...]

    @property
    def provisional(self) -> bool:
        """Whether the end may still move because the calendar of a year is not published."""
        return bool(self.unpublished_years)


class Calendar:
    """Answers whether work is done on a day, and counts limits."""

    def __init__(self, published: WorkingCalendar) -> None:
        self._years = frozenset(year.year for year in published.years)
        self._counted: dict[tuple[date, TimeLimit, tuple[Pause, ...]], Count] = {}
        self._exceptions = {day.date: day for year in published.years for day in year.exceptions}

    def is_published(self, year: int) -> bool:
        return year in self._years

    def is_workday(self, day: date) -> bool:
        """By the published calendar; of an unpublished year, Monday to Friday."""
        exception = self._exceptions.get(day)
        return day.weekday() < _SATURDAY if exception is None else exception.working

    def count(self, event_on: date, limit: TimeLimit, pauses: Iterable[Pause] = ()) -> Count:
        """The last day of a limit that an event on `event_on` started.

        Hours are those of work, eight on each working day after that of the event: which hours a hall
        is open is not known here, so a limit of hours ends with the day in which they are used up.
        Raises LimitTooLong beyond COUNTED_DAYS_MAX days or hours.
        """
        stops = tuple(pauses)
        key = (event_on, limit, stops)
        known = self._counted.get(key)
        if known is None:
            if len(self._counted) >= COUNTS_REMEMBERED_MAX:
                self._counted.clear()
            known = self._counted[key] = self._count(event_on, limit, stops)
        return known

    def _count(self, event_on: date, limit: TimeLimit, stops: tuple[Pause, ...]) -> Count:
        if limit.days > COUNTED_DAYS_MAX:
            raise LimitTooLong("limit.days", limit=COUNTED_DAYS_MAX)
        days = [DayCount(event_on, False, 0, "起始当日不计入")]
        a_day = HOURS_OF_A_WORKING_DAY if limit.unit is TimeUnit.HOUR else 1
        total, day = 0, event_on
        while total < limit.days:
            day += _ONE_DAY
            if len(days) > COUNTED_DAYS_MAX * 3:
                raise LimitTooLong("limit.days", limit=COUNTED_DAYS_MAX)
            counted, reason = self._judge(day, limit.unit, stops)
            total = min(total + counted * a_day, limit.days)
            days.append(DayCount(day, counted, total, reason))
        if limit.unit is TimeUnit.CALENDAR_DAY:
            while limit.days and not self.is_workday(day):
                day += _ONE_DAY
                days.append(DayCount(day, False, total, f"期满日为休息日，顺延至{self._name(day)}"))
        years = {item.date.year for item in days[1:]}
        unpublished = tuple(sorted(year for year in years if not self.is_published(year)))
        return Count(day, tuple(days), unpublished)

    def until(self, event_on: date, last: date, reason: str) -> Count:
        """A limit that ends on a day that is given, be it a working day or not: only its last days are listed,
        UNTIL_DAYS_SHOWN of them."""
        length = (last - event_on).days
        days = [DayCount(event_on, False, 0, "起始当日不计入")]
        for passed in range(max(1, length - UNTIL_DAYS_SHOWN + 1), length + 1):
            day = event_on + passed * _ONE_DAY
            days.append(DayCount(day, True, passed, reason if day == last else self._name(day)))
        return Count(last, tuple(days), ())

    def working_days_between(self, first: date, last: date) -> int:
        """Working days after `first` up to and including `last`."""
        count, day = 0, first
        while day < last:
            day += _ONE_DAY
            count += self.is_workday(day)
        return count

    def _judge(self, day: date, unit: TimeUnit, pauses: tuple[Pause, ...]) -> tuple[bool, str]:
        for pause in pauses:
            if pause.began_on < day <= pause.ended_on:
                return False, f"{pause.reason}期间不计入"
        if unit is TimeUnit.CALENDAR_DAY:
            return True, self._name(day)
        return self.is_workday(day), self._name(day)

    def _name(self, day: date) -> str:
        weekday = f"星期{_WEEKDAYS[day.weekday()]}"
        exception = self._exceptions.get(day)
        if exception is not None:
            kind = "调休上班" if exception.working else "放假"
            return f"{weekday}，{exception.occasion}{kind}"
        kind = "休息日" if day.weekday() >= _SATURDAY else "工作日"
        if not self.is_published(day.year):
            return f"{weekday}，{day.year}年放假安排尚未公布，暂按{kind}计"
        return f"{weekday}，{kind}"

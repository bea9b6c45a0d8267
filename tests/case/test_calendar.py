"""Working days and limits: what the law counts, and every day accounted for."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.case.builders import calendar, calendar_days, working_days

from hallnet.case.calendar import (
    COUNTED_DAYS_MAX,
    Calendar,
    CalendarDay,
    CalendarYear,
    Count,
    Pause,
    WorkingCalendar,
)
from hallnet.case.item import TimeLimit, TimeUnit
from hallnet.case.limits import HOURS_OF_A_WORKING_DAY
from hallnet.case.problems import LimitTooLong
from hallnet.case.supplied_calendar import supplied_calendar

CALENDAR = calendar()


def day(text: str) -> date:
    """A day of 2026, given as MM-DD."""
    return date.fromisoformat(f"2026-{text}")


@pytest.mark.parametrize(
    ("event_on", "days", "due_on"),
    [
        ("02-13", 1, "02-14"),  # a Saturday on which work is done
        ("02-13", 5, "02-27"),
        ("02-13", 20, "03-19"),
        ("04-30", 1, "05-06"),
        ("04-30", 10, "05-18"),
        ("09-18", 5, "09-24"),  # Sunday 09-20 works
        ("09-30", 1, "10-08"),
        ("09-30", 3, "10-10"),  # a Saturday on which work is done
        ("09-28", 20, "10-30"),
        ("03-02", 20, "03-30"),
    ],
)
def test_working_days_of_2026(event_on: str, days: int, due_on: str) -> None:
    """The vectors of the domain notes, section 2.1."""
    count = CALENDAR.count(day(event_on), working_days(days))
    assert count.due_on == day(due_on)
    assert not count.provisional


INSPECTION = Pause(date(2026, 3, 6), date(2026, 3, 20), "检验检测")


def test_a_special_procedure_of_ten_working_days_moves_the_end_by_as_many() -> None:
    """行政许可法 article 45."""
    count = CALENDAR.count(day("03-02"), working_days(20), [INSPECTION])
    assert count.due_on == day("04-14")
    by_date = {line.date: line for line in count.days}
    assert by_date[day("03-06")].counted, "the day on which it began still counts"
    assert not by_date[day("03-09")].counted
    assert by_date[day("03-09")].reason == "检验检测期间不计入"
    assert not by_date[day("03-20")].counted, "the day on which it ended does not"
    assert by_date[day("03-23")].counted


def test_two_pauses_on_one_day_stop_the_clock_once() -> None:
    overlapping = Pause(date(2026, 3, 16), date(2026, 3, 20), "听证")
    both = CALENDAR.count(day("03-02"), working_days(20), [INSPECTION, overlapping])
    assert both.due_on == day("04-14")


def test_a_year_that_is_not_published_gives_a_provisional_end() -> None:
    count = CALENDAR.count(day("12-25"), working_days(5))
    assert count.provisional
    assert count.unpublished_years == (2027,)
    assert count.due_on == date(2027, 1, 1), "Monday to Friday, for the time being"
    told = [line.reason for line in count.days if line.date.year == 2027]
    assert told == ["星期五，2027年放假安排尚未公布，暂按工作日计"]


def test_the_end_is_found_anew_when_the_year_is_published() -> None:
    new_year = CalendarDay(date(2027, 1, 1), False, "元旦")
    published = WorkingCalendar(
        (*supplied_calendar().years, CalendarYear(2027, "通知", (new_year,)))
    )
    count = Calendar(published).count(day("12-25"), working_days(5))
    assert not count.provisional
    assert count.due_on == date(2027, 1, 4)
    assert {line.date: line.reason for line in count.days}[date(2027, 1, 1)] == "星期五，元旦放假"


def test_a_limit_that_ends_before_an_unpublished_year_is_certain() -> None:
    assert not CALENDAR.count(day("12-25"), working_days(4)).provisional
    assert not CALENDAR.count(day("12-31"), working_days(0)).provisional


def test_which_years_are_published() -> None:
    assert not CALENDAR.is_published(2003)
    assert all(CALENDAR.is_published(year) for year in range(2004, 2027))
    assert not CALENDAR.is_published(2027)


@pytest.mark.parametrize(("year", "count"), [(2024, 251), (2025, 248), (2026, 248)])
def test_a_year_has_the_working_days_of_its_notice(year: int, count: int) -> None:
    assert CALENDAR.working_days_between(date(year - 1, 12, 31), date(year, 12, 31)) == count


def test_the_make_up_days_and_days_off_of_2026() -> None:
    exceptions = next(year for year in supplied_calendar().years if year.year == 2026).exceptions
    working = {line.date for line in exceptions if line.working}
    assert working == {day(text) for text in ("01-04", "02-14", "02-28", "05-09", "09-20", "10-10")}
    assert len([line for line in exceptions if not line.working]) == 19
    assert all(line.occasion for line in exceptions)
    assert all((line.date.weekday() >= 5) == line.working for line in exceptions)


@pytest.mark.parametrize(
    ("text", "works"),
    [("02-14", True), ("02-15", False), ("02-16", False), ("03-02", True), ("03-07", False)],
)
def test_whether_work_is_done_on_a_day(text: str, works: bool) -> None:
    assert CALENDAR.is_workday(day(text)) is works


@pytest.mark.parametrize(
    ("event_on", "days", "due_on"),
    [
        ("03-02", 3, "03-05"),
        ("03-02", 5, "03-09"),  # ends on a Saturday: on to Monday
        ("09-30", 1, "10-08"),  # ends on the first of the National Day holidays
        ("02-13", 1, "02-14"),  # a Saturday on which work is done
        ("03-02", 30, "04-01"),
        ("04-30", 30, "06-01"),  # ends on a Saturday
    ],
)
def test_a_limit_in_calendar_days_that_ends_on_a_day_off_moves_on(
    event_on: str, days: int, due_on: str
) -> None:
    """民法典 articles 201 and 203."""
    assert CALENDAR.count(day(event_on), calendar_days(days)).due_on == day(due_on)


def test_the_days_by_which_the_end_moved_on_are_told() -> None:
    count = CALENDAR.count(day("03-02"), calendar_days(5))
    assert [(line.date, line.counted, line.total) for line in count.days[-3:]] == [
        (day("03-07"), True, 5),
        (day("03-08"), False, 5),
        (day("03-09"), False, 5),
    ]
    assert "顺延" in count.days[-1].reason


@pytest.mark.parametrize("limit", [working_days(0), calendar_days(0)])
@pytest.mark.parametrize("text", ["03-02", "03-07", "10-01"])
def test_no_days_is_on_the_spot_also_on_a_day_off(limit: TimeLimit, text: str) -> None:
    assert CALENDAR.count(day(text), limit).due_on == day(text)


DAYS = st.dates(date(2004, 1, 1), date(2028, 12, 31))
LIMITS = st.builds(TimeLimit, st.integers(0, 60), st.sampled_from(TimeUnit))


@st.composite
def pauses(draw: st.DrawFn) -> list[Pause]:
    begins = draw(st.lists(DAYS, max_size=3))
    lengths = st.integers(0, 60).map(lambda days: timedelta(days=days))
    return [Pause(begin, begin + draw(lengths), "听证") for begin in begins]


@given(DAYS, LIMITS, pauses())
def test_the_explanation_adds_up(event_on: date, limit: TimeLimit, stops: list[Pause]) -> None:
    count = CALENDAR.count(event_on, limit, stops)
    first, *rest = count.days
    assert (first.date, first.counted, first.total) == (event_on, False, 0)
    assert count.days[-1].date == count.due_on
    total, last = 0, first
    for line in rest:
        assert line.date == last.date + timedelta(days=1), "no day is left out"
        a_day = HOURS_OF_A_WORKING_DAY if limit.unit is TimeUnit.HOUR else 1
        total = min(total + line.counted * a_day, limit.days)
        assert line.total == total
        assert line.reason
        last = line
    assert total == limit.days


@given(DAYS, LIMITS, pauses())
def test_what_counts_is_a_day_that_no_rule_takes_out(
    event_on: date, limit: TimeLimit, stops: list[Pause]
) -> None:
    for line in CALENDAR.count(event_on, limit, stops).days[1:]:
        stopped = any(stop.began_on < line.date <= stop.ended_on for stop in stops)
        if line.counted:
            assert not stopped
            assert limit.unit is TimeUnit.CALENDAR_DAY or CALENDAR.is_workday(line.date)


@given(DAYS, LIMITS, st.integers(1, 30), pauses())
def test_a_longer_limit_never_ends_earlier(
    event_on: date, limit: TimeLimit, more: int, stops: list[Pause]
) -> None:
    longer = TimeLimit(limit.days + more, limit.unit)
    ends = [CALENDAR.count(event_on, each, stops).due_on for each in (limit, longer)]
    assert ends[0] <= ends[1]


@given(DAYS, LIMITS, st.integers(1, 30), pauses())
def test_a_later_event_never_ends_earlier(
    event_on: date, limit: TimeLimit, later: int, stops: list[Pause]
) -> None:
    after = event_on + timedelta(days=later)
    ends = [CALENDAR.count(each, limit, stops).due_on for each in (event_on, after)]
    assert ends[0] <= ends[1]


@given(DAYS, LIMITS, pauses())
def test_a_pause_never_shortens_a_limit(
    event_on: date, limit: TimeLimit, stops: list[Pause]
) -> None:
    plain = CALENDAR.count(event_on, limit).due_on
    assert CALENDAR.count(event_on, limit, stops).due_on >= plain


@given(DAYS, st.integers(1, 60), st.sampled_from(TimeUnit), pauses())
def test_a_limit_ends_on_a_day_on_which_work_is_done(
    event_on: date, days: int, unit: TimeUnit, stops: list[Pause]
) -> None:
    assert CALENDAR.is_workday(CALENDAR.count(event_on, TimeLimit(days, unit), stops).due_on)


@given(DAYS, LIMITS, pauses())
def test_a_count_is_provisional_exactly_if_it_ran_into_an_unpublished_year(
    event_on: date, limit: TimeLimit, stops: list[Pause]
) -> None:
    count = CALENDAR.count(event_on, limit, stops)
    unpublished = {line.date.year for line in count.days[1:] if line.date.year > 2026}
    assert count.unpublished_years == tuple(sorted(unpublished))
    assert count.provisional == bool(unpublished)


@given(DAYS, DAYS, DAYS)
def test_working_days_between_add_up(one: date, two: date, three: date) -> None:
    first, middle, last = sorted((one, two, three))
    between = CALENDAR.working_days_between
    assert between(first, middle) + between(middle, last) == between(first, last)
    assert between(last, first) == 0


@given(DAYS, st.integers(1, 60))
def test_counting_and_working_days_between_agree(event_on: date, days: int) -> None:
    due_on = CALENDAR.count(event_on, working_days(days)).due_on
    assert CALENDAR.working_days_between(event_on, due_on) == days


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("03-02", "星期一，工作日"),
        ("03-06", "星期五，工作日"),
        ("03-07", "星期六，休息日"),
        ("03-08", "星期日，休息日"),
        ("02-14", "星期六，春节调休上班"),
        ("02-16", "星期一，春节放假"),
    ],
)
def test_each_day_says_what_it_is(text: str, reason: str) -> None:
    count = CALENDAR.count(day(text) - timedelta(days=1), calendar_days(1))
    assert count.days[1].reason == reason


def test_a_limit_that_is_never_meant_is_refused() -> None:
    assert CALENDAR.count(day("03-02"), calendar_days(COUNTED_DAYS_MAX))
    for days in (COUNTED_DAYS_MAX + 1, 2**32 - 1):
        with pytest.raises(LimitTooLong):
            CALENDAR.count(day("03-02"), calendar_days(days))


def test_a_pause_without_an_end_does_not_count_for_ever() -> None:
    endless = Pause(day("03-02"), date(9999, 1, 1), "听证")
    with pytest.raises(LimitTooLong):
        CALENDAR.count(day("03-02"), working_days(1), [endless])


def test_a_calendar_that_has_nothing_published_still_counts_and_says_so() -> None:
    count: Count = Calendar(WorkingCalendar(())).count(day("03-02"), working_days(5))
    assert count.due_on == day("03-09")
    assert count.unpublished_years == (2026,)


@pytest.mark.parametrize(
    ("hours", "due_on"),
    [(1, date(2026, 3, 3)), (8, date(2026, 3, 3)), (9, date(2026, 3, 4)), (24, date(2026, 3, 5))],
)
def test_hours_are_those_of_working_days_after_the_event(hours: int, due_on: date) -> None:
    count = CALENDAR.count(date(2026, 3, 2), TimeLimit(hours, TimeUnit.HOUR))
    assert count.due_on == due_on
    assert count.days[-1].total == hours

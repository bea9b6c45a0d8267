"""Rota windows: A and B, gaps, and the day on which a gap is alarmed."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.case.builders import calendar

from hallnet.window.rota import (
    HORIZON_DAYS_MAX,
    Absence,
    Gap,
    GapKind,
    Half,
    Post,
    Shift,
    alarmed,
    gaps,
    last_workday_before,
    on_duty,
)

FRIDAY, MONDAY = date(2026, 3, 6), date(2026, 3, 9)
POST = Post("land", "甲", "乙", ("分管领导", "联系科室"))
ONE_DAY = timedelta(days=1)


def covered(first: date, days: int) -> list[Shift]:
    return [
        Shift("预约1", first + number * ONE_DAY, half, "land")
        for number in range(days)
        for half in Half
    ]


def found(
    shifts: list[Shift], *absences: Absence, first: date = FRIDAY, days: int = 7
) -> list[Gap]:
    return list(gaps(["预约1"], shifts, {"land": POST}, absences, calendar(), first, days))


# Acceptance check 5: a shared window without cover next Monday is alarmed on Friday.


def test_a_shared_window_without_cover_next_monday_is_alarmed_on_friday() -> None:
    shifts = [shift for shift in covered(FRIDAY, 7) if shift.day != MONDAY]
    uncovered = found(shifts)
    assert [(gap.day, gap.half, gap.kind) for gap in uncovered] == [
        (MONDAY, Half.MORNING, GapKind.NO_SHIFT),
        (MONDAY, Half.AFTERNOON, GapKind.NO_SHIFT),
    ]
    assert alarmed(uncovered, FRIDAY - ONE_DAY) == ()
    assert alarmed(uncovered, FRIDAY) == tuple(uncovered)


@pytest.mark.parametrize(
    ("day", "alarm_on"),
    [
        (date(2026, 3, 10), date(2026, 3, 9)),
        (date(2026, 3, 9), date(2026, 3, 6)),
        # After the spring festival: the Saturday before it was a working day.
        (date(2026, 2, 24), date(2026, 2, 14)),
        (date(2026, 10, 8), date(2026, 9, 30)),
    ],
)
def test_the_alarm_comes_on_the_last_working_day_before(day: date, alarm_on: date) -> None:
    assert last_workday_before(day, calendar()) == alarm_on


def test_no_cover_is_needed_on_days_off_but_on_make_up_workdays() -> None:
    uncovered = found([], first=date(2026, 2, 27), days=3)
    assert {gap.day for gap in uncovered} == {date(2026, 2, 27), date(2026, 2, 28)}


def test_b_stands_in_while_a_is_away_and_both_away_is_a_blocked_slot() -> None:
    a_away, b_away = Absence("甲", MONDAY, MONDAY), Absence("乙", MONDAY, MONDAY + ONE_DAY)
    assert on_duty(POST, MONDAY, []) == "甲"
    assert on_duty(POST, MONDAY, [a_away]) == "乙"
    assert on_duty(POST, MONDAY, [b_away]) == "甲"
    assert on_duty(POST, MONDAY, [a_away, b_away]) is None
    assert on_duty(POST, MONDAY + ONE_DAY, [a_away, b_away]) == "甲"
    blocked = found(covered(FRIDAY, 7), a_away, b_away)
    assert [(gap.day, gap.kind) for gap in blocked] == [(MONDAY, GapKind.BOTH_AWAY)] * 2
    assert blocked[0].contacts == ("分管领导", "联系科室")
    assert alarmed(blocked, FRIDAY) == tuple(blocked)


def test_a_post_without_a_stand_in_is_uncovered_when_a_is_away() -> None:
    assert on_duty(Post("x", "甲", "", ()), MONDAY, [Absence("甲", MONDAY, MONDAY)]) is None


def test_a_shift_of_a_post_that_is_not_there_covers_nothing() -> None:
    [first, *_] = found([Shift("预约1", FRIDAY, Half.MORNING, "gone")], days=1)
    assert first.kind is GapKind.NO_SHIFT


def test_the_horizon_is_bounded() -> None:
    uncovered = found([], days=10_000)
    assert {gap.day for gap in uncovered} <= {
        FRIDAY + number * ONE_DAY for number in range(HORIZON_DAYS_MAX)
    }


@given(
    st.sets(st.tuples(st.integers(0, 13), st.sampled_from(Half))),
    st.lists(st.tuples(st.sampled_from("甲乙"), st.integers(0, 13), st.integers(0, 5)), max_size=4),
)
def test_every_half_of_a_working_day_is_covered_or_a_gap(
    planned: set[tuple[int, Half]], leaves: list[tuple[str, int, int]]
) -> None:
    shifts = [Shift("预约1", FRIDAY + day * ONE_DAY, half, "land") for day, half in planned]
    absences = [
        Absence(who, FRIDAY + first * ONE_DAY, FRIDAY + (first + more) * ONE_DAY)
        for who, first, more in leaves
    ]
    uncovered = {(gap.day, gap.half) for gap in found(shifts, *absences, days=14)}
    for number in range(14):
        day = FRIDAY + number * ONE_DAY
        for half in Half:
            there = (number, half) in planned and on_duty(POST, day, absences) is not None
            needed = calendar().is_workday(day)
            assert ((day, half) in uncovered) is (needed and not there)

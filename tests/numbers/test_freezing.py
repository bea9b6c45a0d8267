"""When months are frozen."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.case.builders import calendar

from hallnet.numbers.freezing import MONTHS_CAUGHT_UP_MAX, months_to_freeze


def due(first: str, today: str, working_day: int = 3) -> list[str]:
    found = months_to_freeze(
        date.fromisoformat(first), date.fromisoformat(today), working_day, calendar().is_workday
    )
    return list(found)


@pytest.mark.parametrize(
    ("today", "frozen"),
    [
        ("2026-10-07", False),
        ("2026-10-08", False),
        ("2026-10-09", False),
        ("2026-10-10", True),
    ],
)
def test_a_month_is_due_on_the_named_working_day_holidays_not_counted(
    today: str, frozen: bool
) -> None:
    """The first working days after the holiday of October 2026 are the 8th, the 9th and Saturday the 10th."""
    assert ("2026-09" in due("2026-09-01", today)) is frozen


def test_months_that_were_missed_are_caught_up_the_oldest_first() -> None:
    assert due("2026-01-15", "2026-05-20") == ["2026-01", "2026-02", "2026-03", "2026-04"]
    assert due("2026-05-02", "2026-05-20") == []
    assert len(due("2000-01-01", "2026-05-20")) == MONTHS_CAUGHT_UP_MAX


@given(st.dates(date(2020, 1, 1), date(2026, 6, 1)), st.integers(0, 700), st.integers(0, 40))
def test_no_month_is_frozen_before_it_is_over_and_none_is_left_out(
    first: date, days: int, working_day: int
) -> None:
    today = first + timedelta(days=days)
    found = list(months_to_freeze(first, today, working_day, lambda day: day.weekday() < 5))
    assert found == sorted(set(found))
    assert all(month < f"{today:%Y-%m}" for month in found)
    if found:
        assert found[0] >= f"{first:%Y-%m}"
        assert len(found) == months_between(found[0], found[-1]) + 1


def months_between(first: str, last: str) -> int:
    years = int(last[:4]) - int(first[:4])
    return 12 * years + int(last[5:]) - int(first[5:])

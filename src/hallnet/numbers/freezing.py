"""When a month is frozen: on a named working day after it ended, so that what came late is in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, timedelta

USUAL_WORKING_DAY = 3
WORKING_DAY_MAX = 15
MONTHS_CAUGHT_UP_MAX = 24
"""So many months back a hall freezes that was long switched off."""
_ONE_DAY = timedelta(days=1)


def months_to_freeze(
    first_counted: date, today: date, working_day: int, is_workday: Callable[[date], bool]
) -> Iterator[str]:
    """Months as YYYY-MM that are over and due to be frozen, the oldest first.

    From the month of the first day that was counted; a month is due once `working_day` working days of the
    next one have begun. Whether it was frozen already is not asked here.
    """
    due = _month_before(today.replace(day=1))
    if _working_days_begun(today, is_workday) < min(max(working_day, 1), WORKING_DAY_MAX):
        due = _month_before(due)
    months: list[str] = []
    while due >= first_counted.replace(day=1) and len(months) < MONTHS_CAUGHT_UP_MAX:
        months.append(f"{due:%Y-%m}")
        due = _month_before(due)
    yield from reversed(months)


def _month_before(first: date) -> date:
    return (first - _ONE_DAY).replace(day=1)


def _working_days_begun(today: date, is_workday: Callable[[date], bool]) -> int:
    days = (today.replace(day=number) for number in range(1, today.day + 1))
    return sum(is_workday(day) for day in days)

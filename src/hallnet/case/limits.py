"""Lengths of time that are counted in different units, compared."""

from __future__ import annotations

from fractions import Fraction

from hallnet.case.item import TimeLimit, TimeUnit

HOURS_OF_A_WORKING_DAY = 8
_CALENDAR_DAYS = {
    TimeUnit.WORKING_DAY: Fraction(7, 5),
    TimeUnit.CALENDAR_DAY: Fraction(1),
    TimeUnit.HOUR: Fraction(7, 5 * HOURS_OF_A_WORKING_DAY),
}
"""How many calendar days a unit is in a week without holidays: enough to compare limits, not to count."""

UNIT_NAMES = {
    TimeUnit.WORKING_DAY: "个工作日",
    TimeUnit.CALENDAR_DAY: "个自然日",
    TimeUnit.HOUR: "小时",
}


def length(limit: TimeLimit) -> Fraction:
    """About how many calendar days."""
    return limit.days * _CALENDAR_DAYS[limit.unit]


def is_longer(limit: TimeLimit, other: TimeLimit) -> bool:
    return length(limit) > length(other)


def in_words(limit: TimeLimit | None, missing: str = "无规定") -> str:
    """For example 5个工作日; 当场 for none at all."""
    if limit is None:
        return missing
    return f"{limit.days}{UNIT_NAMES[limit.unit]}" if limit.days else "当场办结"

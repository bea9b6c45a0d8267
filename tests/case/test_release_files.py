"""Calendars and policies as files."""

from __future__ import annotations

from datetime import date

import pytest

from hallnet.case.calendar import Calendar
from hallnet.case.fact import GapEnd
from hallnet.case.item import TimeLimit, TimeUnit
from hallnet.case.policy import KindScheme, Policy
from hallnet.case.problems import CalendarMalformed, PolicyMalformed
from hallnet.case.release_files import merged, read_calendar, read_policy
from hallnet.case.supplied_calendar import supplied_calendar

NEXT_YEAR = """
years:
- year: 2027
  notice: 国务院办公厅关于2027年部分节假日安排的通知
  exceptions:
  - {date: "2027-01-01", working: false, occasion: 元旦}
  - {date: "2027-01-03", working: true, occasion: 元旦}
"""


def test_the_notice_of_a_new_year_settles_what_was_provisional() -> None:
    five = TimeLimit(5, TimeUnit.WORKING_DAY)
    before = Calendar(supplied_calendar()).count(date(2026, 12, 25), five)
    assert before.provisional
    after = Calendar(merged(supplied_calendar(), read_calendar(NEXT_YEAR))).count(
        date(2026, 12, 25), five
    )
    assert not after.provisional
    assert after.due_on == date(2027, 1, 3)


def test_of_a_year_that_both_have_the_newer_holds() -> None:
    newer = read_calendar('years: [{year: 2026, notice: "更正", exceptions: []}]')
    years = merged(supplied_calendar(), newer)
    assert [year.notice for year in years.years if year.year == 2026] == ["更正"]
    assert len(years.years) == len(supplied_calendar().years)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "years: 2027",
        'years: [{year: 2027, notice: "甲", exceptions: [{date: "2027-02-30"}]}]',
        'years: [{year: 2027, notice: "甲", exceptions: [{date: "2028-02-01"}]}]',
        'years: [{year: 2027, notice: "甲"}, {year: 2027, notice: "乙"}]',
        "years: [",
    ],
)
def test_what_is_no_calendar_is_refused(text: str) -> None:
    with pytest.raises(CalendarMalformed):
        read_calendar(text)


def test_a_policy_says_only_what_differs() -> None:
    policy = read_policy(
        "gaps_end: GAP_END_RETURNED\nkind_scheme: KIND_SCHEME_FIVE\nafter_check_limit:\n"
        "  {days: 30, unit: TIME_UNIT_WORKING_DAY}\n"
    )
    assert policy == Policy(
        gaps_end=GapEnd.RETURNED,
        kind_scheme=KindScheme.FIVE,
        after_check_limit=TimeLimit(30, TimeUnit.WORKING_DAY),
    )
    assert policy.after_check.days == 30
    assert read_policy("{}") == Policy()
    assert Policy().when_gaps_stay is GapEnd.ACCEPTANCE_REVOKED


@pytest.mark.parametrize("text", ["", "gaps_end: 42x", "unknown: 1", "gaps_limit: {days: 3}"])
def test_what_is_no_policy_is_refused(text: str) -> None:
    with pytest.raises(PolicyMalformed):
        read_policy(text)

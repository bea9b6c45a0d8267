"""The calendars that come with hallnet: the years that PyPI `chinesecalendar` knows.

A year that it does not know is not published, as far as hallnet is concerned, until a calendar release
says otherwise.
"""

from __future__ import annotations

from datetime import date, timedelta

import chinese_calendar
from chinese_calendar.constants import holidays, workdays

from hallnet.case.calendar import CalendarDay, CalendarYear, WorkingCalendar

_SATURDAY = 5
_OCCASIONS = {
    "New Year's Day": "元旦",
    "Spring Festival": "春节",
    "Tomb-sweeping Day": "清明节",
    "Labour Day": "劳动节",
    "Dragon Boat Festival": "端午节",
    "National Day": "国庆节",
    "Mid-autumn Festival": "中秋节",
    "Anti-Fascist 70th Day": "抗战胜利70周年纪念日",
}


def supplied_calendar() -> WorkingCalendar:
    """All years that the package knows, with their exceptions to the rule of the week."""
    first, last = min(holidays).year, max(holidays).year
    return WorkingCalendar(tuple(_year(year) for year in range(first, last + 1)))


def _year(year: int) -> CalendarYear:
    day, exceptions = date(year, 1, 1), []
    while day.year == year:
        working = bool(chinese_calendar.is_workday(day))
        if working != (day.weekday() < _SATURDAY):
            occasion = (holidays | workdays).get(day, "")
            exceptions.append(CalendarDay(day, working, _OCCASIONS.get(occasion, occasion)))
        day += timedelta(days=1)
    return CalendarYear(year, f"国务院办公厅关于{year}年部分节假日安排的通知", tuple(exceptions))

"""The numbers of a day: pure rules of counting and merging.

A hall counts what it did itself, so that nothing is counted at two halls and every sum of halls is the
sum of what happened. A report replaces an earlier one of the same hall and day; a hall that did not
report is missing, and never zero.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from hallnet.problems import Kind, Problem

COUNTS_MAX = 10_000
"""So many numbers a report may have: items times measures."""
NAME_LENGTH_MAX = 64
COUNT_MAX = 2**53
"""Beyond it a number is not exact everywhere that shows it."""
DAYS_MAX = 366
"""So many days are added up at once."""

Counts = Mapping[tuple[str, str], int]
"""How often, by item and measure."""


class DaysUnusable(Problem):
    """A span of days that is none."""

    kind = Kind.INVALID
    reason = "DAYS_UNUSABLE"
    zh = "起止日期不正确，或超过{limit}天"
    zh_remedy = "请按2026-11-23的格式填写，起日不晚于止日，跨度不超过{limit}天"
    en = "The first and the last day are no span, or one of more than {limit} days"
    en_remedy = "Give days as 2026-11-23, the first not after the last, at most {limit} of them"


@dataclass(frozen=True, slots=True)
class Report:
    """What a hall did on a day."""

    day: date
    version: int
    counts: Counts

    def replaces(self, version: int) -> bool:
        """Whether this one counts, where another version is known; 0 if none is."""
        return self.version > version


def report(day: str, version: int, counts: Iterable[tuple[str, str, int]]) -> Report:
    """A report as it came; raises ValueError for one that no hall makes that keeps to the rules."""
    read: Counter[tuple[str, str]] = Counter()
    for item_id, measure, count in counts:
        named = all(
            0 < len(name) <= NAME_LENGTH_MAX and name.isprintable() for name in (item_id, measure)
        )
        if not named or not 0 < count <= COUNT_MAX or (item_id, measure) in read:
            raise ValueError("count")
        read[item_id, measure] = count
        if len(read) > COUNTS_MAX:
            raise ValueError("counts")
    if not 0 < version < 2**31:
        raise ValueError("version")
    return Report(date.fromisoformat(day), version, read)


def span(first: str, last: str) -> tuple[date, date]:
    """Raises DaysUnusable."""
    try:
        days = date.fromisoformat(first), date.fromisoformat(last)
    except ValueError as error:
        raise DaysUnusable("first_day, last_day", limit=DAYS_MAX) from error
    if not 0 <= (days[1] - days[0]).days < DAYS_MAX:
        raise DaysUnusable("first_day, last_day", limit=DAYS_MAX)
    return days


def days_of(first: date, last: date) -> list[date]:
    """All days from the first to the last."""
    return [first + timedelta(days=number) for number in range((last - first).days + 1)]

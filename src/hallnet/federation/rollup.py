"""The numbers of a day: pure rules of counting and merging.

A hall counts what it did itself, so that nothing is counted at two halls and every sum of halls is the
sum of what happened. A report replaces an earlier one of the same hall and day; a hall that did not
report is missing, and never zero.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import NamedTuple

from hallnet.problems import Kind, Problem
from hallnet.wire.branch_sync.v1 import rollup_pb2 as wire

COUNTS_MAX = 10_000
"""So many numbers a report may have: items times measures."""
NAME_LENGTH_MAX = 64
COUNT_MAX = 2**53
"""Beyond it a number is not exact everywhere that shows it."""
DAYS_MAX = 366
"""So many days are added up at once."""

HANDLING_KINDS_MAX = 16
"""More than there are ways to handle a case."""


class Key(NamedTuple):
    """What a number is about; the measure as it is named on the wire."""

    item_id: str
    handling_kind: int
    measure: str


Counts = Mapping[Key, int]
"""How often."""


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


def read(message: wire.Rollup) -> Report:
    """A report as it came; raises ValueError for one that no hall makes that keeps to the rules."""
    found: dict[Key, int] = {}
    for one in message.counts:
        key = Key(one.item_id, one.handling_kind, one.measure)
        named = all(
            0 < len(name) <= NAME_LENGTH_MAX and name.isprintable()
            for name in (key.item_id, key.measure)
        )
        known_kind = 0 <= key.handling_kind < HANDLING_KINDS_MAX
        if not named or not known_kind or not 0 < one.count <= COUNT_MAX or key in found:
            raise ValueError("count")
        found[key] = one.count
        if len(found) > COUNTS_MAX:
            raise ValueError("counts")
    if not 0 < message.version < 2**31:
        raise ValueError("version")
    return Report(date.fromisoformat(message.day), message.version, found)


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

"""Rota windows (预约窗口): departments take turns, every post has an A and a B, and no slot is uncovered.

If A is away B stands in; if both are away the slot is blocked. A gap is alarmed on the last working day
before it, so that somebody can still be found: for a Monday, on Friday.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import IntEnum

from hallnet.case.calendar import Calendar

HORIZON_DAYS_MAX = 60
_ONE_DAY = timedelta(days=1)


class Half(IntEnum):
    """Half of a day; the numbers are those of the wire."""

    MORNING = 1
    AFTERNOON = 2


class GapKind(IntEnum):
    """Why nobody is there."""

    NO_SHIFT = 1
    BOTH_AWAY = 2


@dataclass(frozen=True, slots=True)
class Post:
    """A post with its stand-in (AB角), and who is called if neither comes."""

    post_id: str
    a: str
    b: str
    contacts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Shift:
    """A post at a window for half a day."""

    window_id: str
    day: date
    half: Half
    post_id: str


@dataclass(frozen=True, slots=True)
class Absence:
    """Somebody is away, from the first to the last day."""

    actor_id: str
    first: date
    last: date


@dataclass(frozen=True, slots=True)
class Gap:
    """A slot that nobody covers, and the day on which that is alarmed."""

    window_id: str
    day: date
    half: Half
    kind: GapKind
    alarm_on: date
    contacts: tuple[str, ...]


def on_duty(post: Post, day: date, absences: Iterable[Absence]) -> str | None:
    """A, or B while A is away; None if both are."""
    away = {a.actor_id for a in absences if a.first <= day <= a.last}
    return next((actor for actor in (post.a, post.b) if actor and actor not in away), None)


def gaps(
    windows: Iterable[str],
    shifts: Iterable[Shift],
    posts: Mapping[str, Post],
    absences: Iterable[Absence],
    calendar: Calendar,
    first: date,
    days: int,
) -> Iterator[Gap]:
    """Slots of the rota windows on working days that nobody covers, in their order."""
    at = {(shift.window_id, shift.day, shift.half): shift.post_id for shift in shifts}
    away = tuple(absences)
    names = sorted(windows)
    for number in range(min(days, HORIZON_DAYS_MAX)):
        day = first + number * _ONE_DAY
        if not calendar.is_workday(day):
            continue
        alarm_on = last_workday_before(day, calendar)
        for window_id in names:
            for half in Half:
                post = posts.get(at.get((window_id, day, half), ""))
                if post is None:
                    yield Gap(window_id, day, half, GapKind.NO_SHIFT, alarm_on, ())
                elif on_duty(post, day, away) is None:
                    kind = GapKind.BOTH_AWAY
                    yield Gap(window_id, day, half, kind, alarm_on, post.contacts)


def alarmed(found: Iterable[Gap], today: date) -> tuple[Gap, ...]:
    """The gaps of which somebody has to be told today."""
    return tuple(gap for gap in found if gap.alarm_on <= today)


def last_workday_before(day: date, calendar: Calendar) -> date:
    """The working day before a day, make-up workdays among them."""
    before = day - _ONE_DAY
    while not calendar.is_workday(before):
        before -= _ONE_DAY
    return before

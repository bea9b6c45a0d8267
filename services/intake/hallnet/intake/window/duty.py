"""The rota: posts, shifts, absences, and what nobody covers."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta

from sqlalchemy import select

from hallnet.case.calendar import Calendar
from hallnet.case.problems import OwnerMissing
from hallnet.intake import tables
from hallnet.intake.window import tickets
from hallnet.intake.window.codecs import POST
from hallnet.store import Connection
from hallnet.store.upsert import upsert
from hallnet.window.problems import SlotMalformed
from hallnet.window.rota import HORIZON_DAYS_MAX, Absence, Gap, Half, Post, Shift, gaps, on_duty

GAP_DAYS = 14
SHIFTS_MAX = 1_000
POST_ID_LENGTH_MAX = 64
ABSENCE_DAYS_MAX = 366


def put_post(connection: Connection, post: Post) -> None:
    """Raises OwnerMissing without an A, or if A is his own B."""
    named = post.post_id.strip() and len(post.post_id) <= POST_ID_LENGTH_MAX
    if not named or not post.a or post.a == post.b:
        raise OwnerMissing("post")
    raw = POST.to_bytes(post)
    statement = upsert(connection, tables.post).values(post_id=post.post_id, body=raw)
    connection.execute(
        statement.on_conflict_do_update(index_elements=["post_id"], set_={"body": raw})
    )


def put_shifts(connection: Connection, shifts: Iterable[Shift]) -> int:
    """How many were put; raises WindowUnknown, OwnerMissing, SlotMalformed if there are too many."""
    wanted = tuple(shifts)
    if len(wanted) > SHIFTS_MAX:
        raise SlotMalformed("shifts", detail=f"一次最多{SHIFTS_MAX}个班次")
    known = _posts(connection)
    for shift in wanted:
        tickets.find_window(connection, shift.window_id)
        if shift.post_id not in known:
            raise OwnerMissing("shifts.post_id")
        statement = upsert(connection, tables.shift).values(
            window_id=shift.window_id, day=shift.day, half=shift.half, post_id=shift.post_id
        )
        connection.execute(
            statement.on_conflict_do_update(
                index_elements=["window_id", "day", "half"], set_={"post_id": shift.post_id}
            )
        )
    return len(wanted)


def put_absence(connection: Connection, absence: Absence) -> None:
    """Raises SlotMalformed for an absence that ends before it begins or lasts for ever."""
    if not absence.first <= absence.last <= absence.first + timedelta(days=ABSENCE_DAYS_MAX):
        raise SlotMalformed("absence", detail="起止日期有误")
    statement = upsert(connection, tables.absence).values(
        actor_id=absence.actor_id, first=absence.first, last=absence.last
    )
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=["actor_id", "first"], set_={"last": absence.last}
        )
    )


def on_duty_for(connection: Connection, item_id: str, day: date) -> list[str]:
    """Who is on duty on a day at rota windows that serve an item."""
    table = tables.shift
    query = select(table.c.window_id, table.c.post_id).where(table.c.day == day)
    rows = connection.execute(query.distinct().limit(SHIFTS_MAX))
    shifts = [(row.window_id, row.post_id) for row in rows]
    if not shifts:
        return []
    serving = {window.window_id for window in tickets.windows(connection) if window.serves(item_id)}
    posts, away = _posts(connection), _absences(connection, day, day)
    found = [
        on_duty(posts[post_id], day, away)
        for window_id, post_id in shifts
        if window_id in serving and post_id in posts
    ]
    return sorted({actor for actor in found if actor is not None})


def stands_in_for(connection: Connection, actor_id: str, day: date) -> frozenset[str]:
    """Those who are away on a day and whose B somebody is."""
    away = _absences(connection, day, day)
    return frozenset(
        post.a
        for post in _posts(connection).values()
        if post.b == actor_id and on_duty(post, day, away) == actor_id
    )


def away_on(connection: Connection, day: date) -> frozenset[str]:
    """Who is away on a day."""
    return frozenset(absence.actor_id for absence in _absences(connection, day, day))


def windows_of(connection: Connection, actor_id: str, day: date) -> frozenset[str]:
    """The rota windows at which somebody is on duty on a day, as A or in the place of A."""
    posts = _posts(connection)
    away = _absences(connection, day, day)
    mine = [post_id for post_id, post in posts.items() if on_duty(post, day, away) == actor_id]
    table = tables.shift
    query = select(table.c.window_id).where(table.c.day == day, table.c.post_id.in_(mine))
    return frozenset(connection.scalars(query))


def planned(
    connection: Connection, first: date, days: int
) -> tuple[list[Post], list[Shift], list[Absence]]:
    """All posts, and the shifts and absences of some days."""
    last = first + timedelta(days=days - 1)
    table, away = tables.shift, tables.absence
    order = (table.c.day, table.c.half, table.c.window_id)
    shifts = select(table).where(table.c.day.between(first, last)).order_by(*order)
    absences = (
        select(away)
        .where(away.c.last >= first, away.c.first <= last)
        .order_by(away.c.actor_id, away.c.first)
    )
    return (
        [post for _, post in sorted(_posts(connection).items())],
        [
            Shift(row.window_id, row.day, Half(row.half), row.post_id)
            for row in connection.execute(shifts)
        ],
        [Absence(row.actor_id, row.first, row.last) for row in connection.execute(absences)],
    )


def uncovered(
    connection: Connection, calendar: Calendar, first: date, days: int = GAP_DAYS
) -> list[Gap]:
    """What nobody covers from a day on."""
    last = first + timedelta(days=min(days, HORIZON_DAYS_MAX))
    table = tables.shift
    shifts = [
        Shift(row.window_id, row.day, Half(row.half), row.post_id)
        for row in connection.execute(select(table).where(table.c.day.between(first, last)))
    ]
    absences = _absences(connection, first, last)
    shared = [window.window_id for window in tickets.windows(connection) if window.needs_rota]
    return list(gaps(shared, shifts, _posts(connection), absences, calendar, first, days))


def _absences(connection: Connection, first: date, last: date) -> list[Absence]:
    """Who is away on some day of a period."""
    table = tables.absence
    query = select(table).where(table.c.last >= first, table.c.first <= last)
    return [Absence(row.actor_id, row.first, row.last) for row in connection.execute(query)]


def _posts(connection: Connection) -> dict[str, Post]:
    posts = (POST.from_bytes(raw) for raw in connection.scalars(select(tables.post.c.body)))
    return {post.post_id: post for post in posts}

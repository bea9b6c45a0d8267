"""Counting due dates anew when a calendar or a catalogue comes into force."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select

from hallnet.case.case import day_of
from hallnet.intake import cases, tables, views
from hallnet.intake.context import Hall
from hallnet.store import Connection
from hallnet.store.feed import Entry

DUE_CHANGED = "case.due_changed"


def recount(connection: Connection, hall: Hall, now: datetime) -> None:
    """Bring the due dates of all open cases up to date.

    Where the end of a limit moved or is settled now, the hall that received the application tells.
    """
    table = tables.case
    calendar = hall.releases.calendar(connection)
    open_cases = connection.execute(
        select(table.c.case_id, table.c.due_kind, table.c.due_on, table.c.due_provisional).where(
            ~table.c.ended
        )
    ).all()
    changed: list[Entry] = []
    for row in open_cases:
        case = cases.load(connection, row.case_id)
        clock = cases.project(connection, hall, case, case)
        if clock is None or clock.met_on is not None or case.home != hall.address:
            continue
        before = (row.due_kind, row.due_on, row.due_provisional)
        if before != (clock.kind, clock.due_on, clock.count.provisional):
            view = views.clock_view(clock, day_of(now), calendar)
            changed.append(Entry(DUE_CHANGED, row.case_id, view.SerializeToString(), now))
    if changed:
        tables.feed.append(connection, changed)

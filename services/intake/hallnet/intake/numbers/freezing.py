"""Freezing the months that are over, without anybody who thinks of it."""

from __future__ import annotations

import logging
from datetime import date, datetime

from sqlalchemy import func, select

from hallnet.case.case import day_of
from hallnet.case.person import SYSTEM
from hallnet.intake import tables
from hallnet.intake.context import Hall
from hallnet.intake.numbers import reporting
from hallnet.numbers.freezing import USUAL_WORKING_DAY, months_to_freeze
from hallnet.problems import Problem
from hallnet.store import Connection, Database
from hallnet.store.upsert import upsert

_log = logging.getLogger("hallnet.intake")


async def freeze_due(database: Database, hall: Hall, now: datetime) -> list[str]:
    """Freeze each month that is due, in a transaction of its own; returns which.

    A month that does not reconcile is not frozen: it is logged, tried again, and holds up no other.
    """
    frozen = []
    for month in await database.read(lambda c: due_months(c, hall, day_of(now))):
        try:
            done = await database.write(lambda c, month=month: freeze_once(c, hall, month, now))  # type: ignore[misc]
        except Problem as problem:
            _log.error("%s is not frozen: %s", month, problem.reason)
            continue
        if done:
            frozen.append(month)
    return frozen


def due_months(connection: Connection, hall: Hall, today: date) -> list[str]:
    """Months that are to be frozen and are not, the oldest first."""
    first: date | None = connection.execute(select(func.min(tables.number.c.day))).scalar_one()
    if first is None:
        return []
    calendar = hall.releases.calendar(connection)
    working_day = hall.releases.policy(connection).freeze_working_day or USUAL_WORKING_DAY
    table = tables.month_line
    known = set(connection.scalars(select(table.c.month).distinct()))
    due = months_to_freeze(first, today, working_day, calendar.is_workday)
    return [month for month in due if month not in known]


def freeze_once(connection: Connection, hall: Hall, month: str, now: datetime) -> bool:
    """False if it was frozen before, also by another process of this hall at the same time."""
    table = tables.month_claim
    claim = upsert(connection, table).values(month=month, claimed_at=now)
    if connection.execute(
        claim.on_conflict_do_nothing().returning(table.c.month)
    ).first() is None or reporting.lines(connection, month):
        return False
    reporting.freeze(connection, hall, month, "", SYSTEM.actor_id, now)
    return True

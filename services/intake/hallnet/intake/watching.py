"""Watching the calendar: what time alone brings about, for the cases of which this hall is custodian."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import select

from hallnet.case.case import Case, day_of
from hallnet.case.command import Accept, Command, Decide
from hallnet.case.event import Outcome
from hallnet.case.item import ItemVersion
from hallnet.case.person import SYSTEM
from hallnet.case.renewal import is_renewed_by_silence
from hallnet.case.rules.receiving import needs_nothing
from hallnet.case.rules.time import what_time_brings
from hallnet.case.stage import Stage
from hallnet.intake import cases, handling, joining, tables
from hallnet.intake.accounts import Account
from hallnet.intake.context import Hall
from hallnet.store import Connection

CASES_AT_ONCE = 50
_SYSTEM = Account(SYSTEM, frozenset(), ())


def watch(connection: Connection, hall: Hall, now: datetime) -> int:
    """Accept what was met with silence and stamp what is overdue; at most CASES_AT_ONCE cases.

    Returns how many cases changed; 0 when there is nothing left.
    """
    table = tables.case
    due = (
        select(table.c.case_id)
        .where(table.c.custodian == str(hall.address), table.c.watch_on < day_of(now))
        .order_by(table.c.watch_on)
        .limit(CASES_AT_ONCE)
        # Two processes of one hall do not look at the same case.
        .with_for_update(skip_locked=True)
    )
    changed = 0
    for case_id in connection.scalars(due).all():
        case = cases.load(connection, case_id)
        item = cases.item_of(connection, hall, case)
        paper = _paper(case, item, day_of(now)) if item is not None else None
        context = handling.context_of(connection, hall, _SYSTEM, case, paper, now)
        facts = what_time_brings(case, context)
        if facts:
            after = cases.append(connection, hall, case_id, case, facts, SYSTEM, now)
            joining.follow(connection, hall, case, after, context)
            changed += 1
        else:
            cases.project(connection, hall, case, case)
    return changed


def _paper(case: Case, item: ItemVersion, today: date) -> Command | None:
    """What the paper is about that follows from time: it takes a number."""
    if is_renewed_by_silence(case, item, today):
        return Decide(Outcome.GRANTED, "", "")
    return Accept() if case.stage is Stage.RECEIVED and not needs_nothing(case, item) else None

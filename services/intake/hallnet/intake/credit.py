"""What is held against applicants: broken promises, which exclude from promises until the credit is repaired, and
deceit, which bars from applying for the same licence for a time.

A projection of the events of the cases that this hall holds. A person is known by the keyed digest of the
document alone, the key being this hall's own (decision 0021).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from sqlalchemy import select, update

from hallnet.case import command as commands
from hallnet.case.case import Case, Mark
from hallnet.case.command import Command
from hallnet.case.fact import (
    AfterChecked,
    BarLifted,
    CheckResult,
    CreditRepaired,
    DeceitFound,
    RefusalRecalled,
)
from hallnet.case.item import ItemVersion
from hallnet.case.person import Person
from hallnet.case.sought import normal_document_number
from hallnet.intake import tables
from hallnet.store import Connection
from hallnet.store.upsert import upsert

_REST_ON_PROMISES = (commands.SignCommitment, commands.AcceptWithGaps)


def note(connection: Connection, case: Case, marks: Sequence[Mark]) -> None:
    """What the newest events of a case mean for the credit of its applicant."""
    for mark in marks:
        if isinstance(mark.fact, AfterChecked):
            _checked(connection, case, mark.fact, mark.day)
        elif isinstance(mark.fact, CreditRepaired):
            table = tables.broken_promise
            connection.execute(
                update(table).where(table.c.case_id == case.case_id).values(repaired_on=mark.day)
            )
        elif isinstance(mark.fact, DeceitFound):
            _barred(connection, case, mark.fact)
        elif isinstance(mark.fact, BarLifted | RefusalRecalled):
            own = tables.bar.c.case_id == case.case_id
            connection.execute(update(tables.bar).where(own).values(lifted_on=mark.day))


def _checked(connection: Connection, case: Case, fact: AfterChecked, day: date) -> None:
    if fact.result is not CheckResult.BROKEN:
        return
    values = {"broken_on": day, "repaired_on": None}
    statement = upsert(connection, tables.broken_promise).values(
        case_id=case.case_id, person=_person(case.filed.applicant), **values
    )
    connection.execute(statement.on_conflict_do_update(index_elements=["case_id"], set_=values))


def _barred(connection: Connection, case: Case, fact: DeceitFound) -> None:
    if fact.barred_until is None:
        return
    values = {"article": fact.article, "barred_until": fact.barred_until, "lifted_on": None}
    statement = upsert(connection, tables.bar).values(
        case_id=case.case_id,
        person=_person(case.filed.applicant),
        item_id=case.filed.item_id,
        **values,
    )
    connection.execute(statement.on_conflict_do_update(index_elements=["case_id"], set_=values))


def bar_of(connection: Connection, person: Person, item_id: str, today: date) -> DeceitFound | None:
    """What bars a person today from applying for an item, as far as this hall knows: the longest."""
    table = tables.bar
    query = select(table.c.article, table.c.barred_until).where(
        table.c.person == _person(person),
        table.c.item_id == item_id,
        table.c.barred_until >= today,
        table.c.lifted_on.is_(None),
    )
    row = connection.execute(query.order_by(table.c.barred_until.desc()).limit(1)).one_or_none()
    return DeceitFound(row.article, row.barred_until) if row is not None else None


def broken_since(connection: Connection, person: Person) -> date | None:
    """Since when a promise of a person stands as broken, as far as this hall knows."""
    table = tables.broken_promise
    query = select(table.c.broken_on).where(
        table.c.person == _person(person), table.c.repaired_on.is_(None)
    )
    return connection.execute(query.order_by(table.c.broken_on).limit(1)).scalar_one_or_none()


def broken_for(
    connection: Connection, case: Case, item: ItemVersion, command: Command | None
) -> date | None:
    """The same, looked up only for what rests on a promise."""
    with_gaps = isinstance(command, commands.Accept) and bool(case.missing_tolerable(item))
    if not with_gaps and not isinstance(command, _REST_ON_PROMISES):
        return None
    return broken_since(connection, case.filed.applicant)


def _person(person: Person) -> str:
    return f"{person.document_kind} {normal_document_number(person.document_number)}"

"""Cases that look like the same one: the same person, item and option, once more (0021)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, cast

from sqlalchemy import Row, bindparam, insert, select

from hallnet.case.case import Case
from hallnet.case.event import Filed
from hallnet.case.item import ItemVersion
from hallnet.case.same_matter import is_compared, stands, told_to
from hallnet.case.sought import matter
from hallnet.case.stage import Stage
from hallnet.intake import tables
from hallnet.intake.context import Hall
from hallnet.places import Address
from hallnet.store import Connection, FoundBy
from hallnet.store.gathering import execute_later, gathered, note_read, read_once

OTHERS_SHOWN_MAX = 10
"""Cases that look like the same one, shown with a case."""

LOOKED_UP_MAX = 1_000
"""Such cases that are looked up for all applications of a shared transaction at once."""

_case, _elsewhere = tables.case, tables.alike_elsewhere
_LOOK_ALIKE = select(_case).where(
    ~_case.c.ended
    | ((_case.c.stage == int(Stage.CLOSED)) & (_case.c.received_at >= bindparam("since")))
)
_OTHERS_LIKE = (
    _LOOK_ALIKE.where(_case.c.matter == bindparam("of_matter"), _case.c.case_id != bindparam("but"))
    .order_by(_case.c.case_id.desc())
    .limit(OTHERS_SHOWN_MAX)
)
_LIKE_ANY = (
    _LOOK_ALIKE.where(_case.c.matter.in_(bindparam("of_matters", expanding=True)))
    .order_by(_case.c.case_id.desc())
    .limit(LOOKED_UP_MAX)
)
_INSERT_UNTOLD = insert(tables.matter_untold)
_COMPARING = select(tables.matter_key.c.guide)
_ELSEWHERE = (
    select(_elsewhere)
    .where(_elsewhere.c.case_no == bindparam("of_case_no"), _elsewhere.c.stands)
    .order_by(_elsewhere.c.received_on.desc(), _elsewhere.c.other_case_no)
    .limit(OTHERS_SHOWN_MAX)
)


def matter_of(filed: Filed) -> str:
    applicant = filed.applicant
    return matter(filed.item_id, filed.option, applicant.document_kind, applicant.document_number)


def note_filed(filed: Filed) -> None:
    """A case was brought in, and is written at the end of the transaction."""
    waiting = gathered(_Filed)
    if waiting is not None:
        waiting.add(matter_of(filed))


class _Filed:
    """What the cases are about that a shared transaction has brought in and not written yet."""

    def __init__(self) -> None:
        self._matters: list[str] = []

    def add(self, matter: str) -> None:
        self._matters.append(matter)

    def count(self, matter: str) -> int:
        return self._matters.count(matter)

    def mark(self) -> int:
        return len(self._matters)

    def undo(self, mark: int) -> None:
        del self._matters[mark:]

    def flush(self, connection: Connection) -> None:
        """They are written with their cases."""


def others_like(connection: Connection, case: Case, since: datetime) -> Sequence[Row[Any]]:
    """Rows of other cases here of the same person, item and option, the newest first: those that are open,
    and those that ended with a result that stands and were received since a moment. What was declined,
    withdrawn, ended without a decision or taken back may be wanted once more."""
    wanted = matter_of(case.filed)
    known: Sequence[Row[Any]] | None = read_once(_like_key(wanted), _not_looked_up)
    if known is not None and not is_filed_twice(case):
        return known
    values = {"of_matter": wanted, "but": case.case_id, "since": since}
    return connection.execute(_OTHERS_LIKE, values).all()


def is_filed_twice(case: Case) -> bool:
    """Whether the transaction has brought in another one that is not written yet."""
    filed = gathered(_Filed)
    return filed is not None and filed.count(matter_of(case.filed)) > 1


def look_up(connection: Connection, matters: Sequence[str], since: datetime) -> None:
    """Find for many applications of a shared transaction at once which cases look like the same one."""
    values = {"of_matters": matters, "since": since}
    rows = connection.execute(_LIKE_ANY, values).all()
    if len(rows) == LOOKED_UP_MAX:
        # Some may be missing: each looks for itself.
        return
    found: dict[str, list[Row[Any]]] = {}
    for row in rows:
        found.setdefault(row.matter, []).append(row)
    column = cast(FoundBy, _case.c.matter.type)
    for wanted in matters:
        alike = found.get(column.as_read_back(wanted), [])
        note_read(_like_key(wanted), alike[:OTHERS_SHOWN_MAX])


def _like_key(wanted: str) -> tuple[str, str]:
    return "like", wanted


def _not_looked_up() -> None:
    """Nothing was looked up for it."""


# Cases of other halls


def elsewhere_like(connection: Connection, case: Case) -> Sequence[Row[Any]]:
    """Cases of other halls of the same person, item and option, as a guiding hall said, the newest first."""
    return connection.execute(_ELSEWHERE, {"of_case_no": case.case_no}).all()


def note_change(
    connection: Connection, hall: Hall, before: Case | None, case: Case, item: ItemVersion | None
) -> None:
    """If a case is new, or stands no longer, the halls that compare are to be told; `intake/same_matter/matters.py` does."""
    if before is not None and stands(before) == stands(case):
        return
    wanted = compared_at(hall, case, item)
    if wanted:
        # Whom no key was asked for is told all that is remembered once the key has come.
        asked = read_once(("matter keys",), lambda: set(connection.scalars(_COMPARING)))
        guides = [str(guide) for guide in wanted if str(guide) in asked]
        rows = [{"guide": guide, "case_id": case.case_id} for guide in guides]
        if rows:
            execute_later(connection, _INSERT_UNTOLD, rows)


def compared_at(hall: Hall, case: Case, item: ItemVersion | None) -> list[Address]:
    """The halls that this one tells of a case: those that guide it if the case was filed here, and itself of
    what was filed here or at a branch hall under its guidance."""
    filed_at, here = case.filed.intake_hall, hall.address
    if filed_at.division != here.division or not is_compared(case):
        return []
    own = [] if here.is_branch_hall else [here]
    if filed_at != here:
        return own
    return own + told_to(here, hall.above, item.scope if item else None)

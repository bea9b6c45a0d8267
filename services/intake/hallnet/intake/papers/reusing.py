"""Materials of earlier cases that are taken again for a new one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date

from sqlalchemy import select

from hallnet.case.case import Case
from hallnet.case.item import ItemVersion
from hallnet.case.person import ActorKind, Material, Person
from hallnet.case.reuse import held_materials, newest_held, taken_again
from hallnet.case.sought import normal_document_number
from hallnet.intake import cases, tables
from hallnet.intake.accounts import Account
from hallnet.intake.context import Hall
from hallnet.intake.papers import materials
from hallnet.intake.window.records import PAPERS_ASKED
from hallnet.store import Connection
from hallnet.window.paper_request import PAPERS_OF_A_CASE_MAX, usable_paper

CASES_MAX = 50
"""The newest so many cases of an applicant are looked at."""


def held(
    connection: Connection,
    hall: Hall,
    applicant: Person,
    item: ItemVersion,
    today: date,
    but: str = "",
) -> list[Material]:
    """What the applicant has handed in here before, of what an item asks for, and is here still.

    `but` is the id of a case that is left out: the one for which it is wanted.
    """
    policy = hall.releases.policy(connection)
    if policy.materials_not_taken_again:
        return []
    earlier = _cases_of(connection, applicant, but)
    return _those_here(connection, held_materials(earlier, applicant, item, policy, today))


def held_by_name(
    connection: Connection, hall: Hall, applicant: Person, name: str, today: date
) -> list[Material]:
    """What another hall may be given of an applicant: the newest of a name, if it is here still."""
    policy = hall.releases.policy(connection)
    newest = newest_held(_cases_of(connection, applicant), applicant, policy, today)
    return _those_here(connection, [newest[name]] if name in newest else [])


def supplied_for(connection: Connection, case: Case, today: date) -> list[Material]:
    """What other halls supplied for a case, is here, and did not come into it yet."""
    has = {(material.name, material.digest) for material in case.materials}
    asked = PAPERS_ASKED.about(connection, case.case_id, PAPERS_OF_A_CASE_MAX)
    usable = (usable_paper(request, case, today) for request in asked)
    found = [one for one in usable if one is not None and (one.name, one.digest) not in has]
    return _those_here(connection, found)


def with_those_taken_again(
    connection: Connection,
    hall: Hall,
    account: Account,
    handed_in: Sequence[Material],
    applicant: Person,
    item: ItemVersion,
    today: date,
    case: Case | None = None,
) -> list[Material]:
    """Each material that names an earlier case or a request to another hall, as it is there: what a caller says of it
    counts for nothing. Requests are for a case that is supplemented.

    Only staff may: an agent does not learn what the hall has of a client. Raises MaterialNotHeld.
    """
    if not any(material.taken_from for material in handed_in):
        return list(handed_in)
    known: list[Material] = []
    if account.actor.kind is ActorKind.STAFF:
        but = case.case_id if case is not None else ""
        known += held(connection, hall, applicant, item, today, but)
        known += supplied_for(connection, case, today) if case is not None else []
    return [
        taken_again(material, known) if material.taken_from else material for material in handed_in
    ]


def _cases_of(connection: Connection, applicant: Person, but: str = "") -> Iterator[Case]:
    column = tables.case.c
    ids = connection.scalars(
        select(column.case_id)
        .where(
            column.document_number == normal_document_number(applicant.document_number),
            column.case_id != but,
        )
        .order_by(column.case_id.desc())
        .limit(CASES_MAX)
    ).all()
    return (cases.load(connection, case_id) for case_id in ids)


def _those_here(connection: Connection, found: Sequence[Material]) -> list[Material]:
    here = materials.here(connection, [material.digest for material in found])
    return [material for material in found if material.digest in here]

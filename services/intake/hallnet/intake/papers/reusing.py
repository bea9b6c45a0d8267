"""Materials of earlier cases that are taken again for a new one."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from sqlalchemy import select

from hallnet.case.item import ItemVersion
from hallnet.case.person import ActorKind, Material, Person
from hallnet.case.reuse import held_materials, taken_again
from hallnet.case.sought import normal_document_number
from hallnet.intake import cases, tables
from hallnet.intake.accounts import Account
from hallnet.intake.context import Hall
from hallnet.intake.papers import materials
from hallnet.store import Connection

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
    earlier = (cases.load(connection, case_id) for case_id in ids)
    found = held_materials(earlier, applicant, item, policy, today)
    here = materials.here(connection, [material.digest for material in found])
    return [material for material in found if material.digest in here]


def with_those_taken_again(
    connection: Connection,
    hall: Hall,
    account: Account,
    handed_in: Sequence[Material],
    applicant: Person,
    item: ItemVersion,
    today: date,
    but: str = "",
) -> list[Material]:
    """Each material that names an earlier case, as it is there: what a caller says of it counts for nothing.

    Only staff may: an agent does not learn what the hall has of a client. Raises MaterialNotHeld.
    """
    if not any(material.taken_from for material in handed_in):
        return list(handed_in)
    is_staff = account.actor.kind is ActorKind.STAFF
    known = held(connection, hall, applicant, item, today, but) if is_staff else []
    return [
        taken_again(material, known) if material.taken_from else material for material in handed_in
    ]

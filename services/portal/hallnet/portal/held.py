"""What the hall has of an applicant, offered in the form: nobody brings the same paper twice."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from hallnet.node.client import problems_raised
from hallnet.portal.site import Visit
from hallnet.wire.case.v1 import item_pb2 as wire_item
from hallnet.wire.case.v1 import person_pb2 as wire_person
from hallnet.wire.intake.v1 import intake_service_pb2 as wire

LOOK = "held"
"""The button that asks, and the hidden input that remembers that it was asked."""


@dataclass(frozen=True, slots=True)
class Held:
    """What was found, by the name of the material; nothing before somebody asked."""

    asked: bool = False
    materials: Mapping[str, wire_person.Material] = field(default_factory=dict)


NOT_ASKED = Held()


def again_field(name: str) -> str:
    """The box to tick: its value is the number of the earlier case."""
    return f"again:{name}"


def is_asked_now(visit: Visit) -> bool:
    """Whether the form was sent to look, not to file."""
    return visit.form.text("more") == LOOK


async def in_form(visit: Visit, item: wire_item.ItemVersion, applicant: wire_person.Person) -> Held:
    """For an application: look once more for a form that shows it; raises what the intake reports."""
    return await _found(
        visit,
        wire.ListHeldMaterialsRequest(
            actor_id=visit.account.actor_id,
            item_id=item.item_id,
            document_kind=applicant.document_kind,
            document_number=applicant.document_number,
        ),
    )


async def for_case(visit: Visit, case_id: str) -> Held:
    """For a case that is to be supplemented; raises what the intake reports."""
    return await _found(
        visit, wire.ListHeldMaterialsRequest(actor_id=visit.account.actor_id, case_id=case_id)
    )


def ticked(visit: Visit, names: Iterable[str]) -> dict[str, wire_person.Material]:
    """What is to be taken again; what it is the intake knows."""
    numbers = {name: visit.form.text(again_field(name)) for name in names}
    return {
        name: wire_person.Material(name=name, taken_from=number)
        for name, number in numbers.items()
        if number
    }


async def _found(visit: Visit, request: wire.ListHeldMaterialsRequest) -> Held:
    """An agent does not learn what the hall has."""
    if visit.account.is_agent or not (is_asked_now(visit) or visit.form.text(LOOK)):
        return NOT_ASKED
    with problems_raised():
        found = (await visit.desk.intake.ListHeldMaterials(request)).materials
    return Held(True, {material.name: material for material in found})

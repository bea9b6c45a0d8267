"""Filing an application: by staff at the counter, by an agent for a villager."""

from __future__ import annotations

from functools import partial

from starlette.responses import Response

from hallnet.case.case import day_of
from hallnet.case.event import Channel
from hallnet.case.person import CREDIT_CODE, DOCUMENT_KINDS, RESIDENT_IDENTITY_CARD
from hallnet.case.problems import ItemUnknown
from hallnet.node.client import problems_raised
from hallnet.portal import held, mandates
from hallnet.portal.forms import WHOLE_FORM, Refusal, Troubles
from hallnet.portal.mandates import MandateInForm
from hallnet.portal.site import Visit, go, is_uncertain
from hallnet.portal.uploads import NOTHING, Handed, file_field, keep, take_in
from hallnet.problems import Problem, Reported
from hallnet.wire.case.v1 import case_event_pb2 as wire_event
from hallnet.wire.case.v1 import fact_pb2 as wire_fact
from hallnet.wire.case.v1 import item_pb2 as wire_item
from hallnet.wire.case.v1 import person_pb2 as wire_person
from hallnet.wire.intake.v1 import intake_service_pb2 as wire

SEARCH_CHARACTERS_MAX = 40
_FIELDS = frozenset(
    {
        *(f"applicant.{name}" for name in wire_person.Person.DESCRIPTOR.fields_by_name),
        "option",
        "intake_point",
        "for_division",
        "materials",
        "renews",
        "renews.valid_until",
        *mandates.FIELDS,
    }
)
"""Fields beside which the form shows a problem; they bear the names that the intake gives them."""
_IN_CAPITALS = (RESIDENT_IDENTITY_CARD, CREDIT_CODE)
_NAMED_OTHERWISE = {"division": "for_division", **mandates.NAMED_OTHERWISE}


async def items(visit: Visit) -> Response:
    """What can be applied for here."""
    search = visit.query("q").strip()[:SEARCH_CHARACTERS_MAX]
    return visit.show("items.html", items=await _items(visit, search), search=search)


async def guide(visit: Visit) -> Response:
    """What an item needs, and the form to file it."""
    return await _page(visit, await _item(visit), {}, NOTHING, None)


async def file(visit: Visit) -> Response:
    """File an application; what is refused is shown beside its field, and what came in is kept."""
    item = await _item(visit)
    by_agent = visit.account.is_agent
    handed = await take_in(visit, _upload_names(item, by_agent))
    mandate = await mandates.in_form(visit, handed) if by_agent else None
    if handed.troubles or held.is_asked_now(visit):
        return await _page(visit, item, handed.troubles, handed, mandate)
    try:
        mandate_id = ""
        if mandate is not None:
            mandate_id = await mandates.register(visit, item, _applicant(visit), mandate)
        with problems_raised():
            response = await visit.desk.intake.FileCase(_request(visit, item, handed, mandate_id))
    except (Problem, Reported) as refusal:
        if is_uncertain(refusal):
            raise
        return await _page(visit, item, _troubles(refusal), handed, mandate)
    return go(f"/cases/{response.case.summary.case_id}/receipt?new=1")


def _applicant(visit: Visit) -> wire_person.Person:
    """The person in the form."""
    form = visit.form
    kind = form.text("applicant.document_kind", RESIDENT_IDENTITY_CARD)
    number = form.text("applicant.document_number")
    return wire_person.Person(
        name=form.text("applicant.name"),
        document_kind=kind,
        # Their letters are capitals, however they were typed.
        document_number=number.upper() if kind in _IN_CAPITALS else number,
        phone=form.text("applicant.phone"),
        address=form.text("applicant.address"),
        representative=form.text("applicant.representative"),
        contact=form.text("applicant.contact"),
    )


def _request(
    visit: Visit, item: wire_item.ItemVersion, handed: Handed, mandate_id: str
) -> wire.FileCaseRequest:
    form, account = visit.form, visit.account
    channel = Channel.AGENT if account.is_agent else Channel.COUNTER
    division = visit.site.halls.division(form.text("for_division"), "for_division")
    return wire.FileCaseRequest(
        act=wire.Act(request_id=form.request_id, actor_id=account.actor_id),
        item_id=item.item_id,
        option=form.text("option"),
        applicant=_applicant(visit),
        channel=wire_event.Channel.ValueType(channel),
        intake_point=form.text("intake_point") if account.is_agent else "",
        for_division="" if division == visit.site.address.division else division,
        materials=_materials(visit, item, handed),
        mandate_id=mandate_id,
        renews=_renewal(visit),
        # The browser goes on to the receipt, which looks at the case itself.
        summary_only=True,
    )


def _renewal(visit: Visit) -> wire_fact.Renewal | None:
    """The licence that is to be renewed, if the form names one."""
    number, last = (visit.form.text(f"renews.{name}") for name in ("certificate_no", "valid_until"))
    if not number and not last:
        return None
    return wire_fact.Renewal(certificate_no=number, valid_until=last)


def _materials(
    visit: Visit, item: wire_item.ItemVersion, handed: Handed
) -> list[wire_person.Material]:
    """What was handed in, or is taken again where nothing was."""
    uploaded = {name: one.to_material() for name, one in handed.uploaded.items()}
    given = held.ticked(visit, [one.name for one in item.materials]) | uploaded
    return [given[needed.name] for needed in item.materials if needed.name in given]


def _upload_names(item: wire_item.ItemVersion, by_agent: bool) -> list[str]:
    names = [needed.name for needed in item.materials]
    return [*names, mandates.EVIDENCE] if by_agent else names


def _troubles(refusal: Refusal) -> Troubles:
    where = _NAMED_OTHERWISE.get(refusal.where, refusal.where)
    where = where.replace("mandate.client.", "applicant.")
    return {where if where in _FIELDS else WHOLE_FORM: refusal.in_chinese()}


async def _page(
    visit: Visit,
    item: wire_item.ItemVersion,
    troubles: Troubles,
    handed: Handed,
    mandate: MandateInForm | None,
) -> Response:
    asked = [needed for needed in item.materials if _is_asked(needed)]
    return visit.show(
        "filing.html",
        400 if troubles else 200,
        item=item,
        asked=asked,
        others=[needed for needed in item.materials if needed not in asked],
        form=visit.form,
        troubles=troubles,
        handed=handed,
        keep=partial(keep, visit),
        mandate=mandate,
        held=await held.in_form(visit, item, _applicant(visit)),
        evidence=mandates.EVIDENCE,
        evidence_field=file_field(mandates.EVIDENCE),
        document_kinds=DOCUMENT_KINDS,
        neighbourhood=visit.site.halls.neighbourhood,
        points=[(code, visit.site.halls.village(code)) for code in visit.account.points],
        suggested_until=mandates.suggested_until(day_of(visit.now)),
    )


def _is_asked(needed: wire_item.RequiredMaterial) -> bool:
    """Whether an application without it is incomplete."""
    is_needed = needed.requirement == wire_item.REQUIREMENT_NEEDED
    return is_needed and needed.source != wire_item.MATERIAL_SOURCE_SHARED


async def _items(visit: Visit, search: str) -> list[wire_item.ItemVersion]:
    by_agent = visit.account.is_agent
    request = wire.ListItemsRequest(search=search, for_agents=by_agent, accepted_here=not by_agent)
    with problems_raised():
        return list((await visit.desk.intake.ListItems(request)).items)


async def _item(visit: Visit) -> wire_item.ItemVersion:
    """Raises ItemUnknown."""
    wanted = visit.path("item_id")
    for item in await _items(visit, ""):
        if item.item_id == wanted:
            return item
    raise ItemUnknown("item_id", item=wanted[:64])

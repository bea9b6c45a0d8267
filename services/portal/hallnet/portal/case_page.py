"""The page of a case: where it stands, what can be done, what happened, by when it is due."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from urllib.parse import quote

from starlette.responses import Response, StreamingResponse

from hallnet.case.case import day_of
from hallnet.case.event import CaseEvent
from hallnet.node.client import problems_raised
from hallnet.portal import acts, held
from hallnet.portal.acts import Act, Attempt
from hallnet.portal.case_on_desk import CaseOnDesk, on_desk
from hallnet.portal.everyday_acts import EVERYDAY_ACTS
from hallnet.portal.forms import Form, Troubles, trouble_of
from hallnet.portal.further_acts import FURTHER_ACTS
from hallnet.portal.further_wording import Told
from hallnet.portal.problems import PageUnknown
from hallnet.portal.site import Visit, glimpse, go, is_uncertain
from hallnet.portal.uploads import NOTHING, Handed, keep, take_in
from hallnet.portal.window import paper_deeds
from hallnet.portal.wording import tell
from hallnet.problems import Reported
from hallnet.wire.case.v1 import person_pb2 as wire_person
from hallnet.wire.exchange.v1 import exchange_service_pb2 as wire_exchange
from hallnet.wire.intake.v1 import intake_service_pb2 as wire
from hallnet.wire.notify.v1 import notify_service_pb2 as wire_notify

STREAM_SECONDS = 60.0
SIDE_ROWS = 100
PURPOSE_CHARACTERS_MAX = 120
_EXTENSIONS = {
    "image/png": ".png",
    "image/jpeg": ".jpg",
    "image/gif": ".gif",
    "image/webp": ".webp",
    "application/pdf": ".pdf",
}
"""What a browser may show by itself; everything else is a download."""
_EVIDENCE = "委托凭证"
_ACTS = EVERYDAY_ACTS + FURTHER_ACTS
_BY_KEY = {act.key: act for act in _ACTS}
_OTHER_ACTS_DONE = {"retry": "通知已重新排队发送。"}


@dataclass(frozen=True, slots=True)
class Chapter:
    """What one hall did with a case without a break."""

    hall: str
    events: Sequence[tuple[CaseEvent, Told]]


async def show(visit: Visit) -> Response:
    return await _page(visit, await on_desk(visit, _purpose(visit)))


async def act(visit: Visit) -> Response:
    """Carry out an act; what is refused is shown in its form, with what was typed and uploaded."""
    chosen = _BY_KEY.get(visit.path("act"))
    if chosen is None:
        raise PageUnknown()
    case = await on_desk(visit, chosen.name)
    if visit.form.text("more") and not held.is_asked_now(visit):
        return await _page(visit, case, chosen, {})
    names = case.material_names if chosen.takes_files is None else chosen.takes_files
    handed = await take_in(visit, names)
    if handed.troubles or held.is_asked_now(visit):
        return await _page(visit, case, chosen, handed.troubles, handed)
    by = wire.Act(request_id=visit.form.request_id, actor_id=visit.account.actor_id)
    try:
        with problems_raised():
            uploaded = {one.name: one for one in handed.materials()}
            materials = held.ticked(visit, names) | uploaded
            attempt = Attempt(visit.desk, case, by, visit.form, list(materials.values()))
            passed_on = await acts.perform(chosen, attempt)
    except Reported as refusal:
        if is_uncertain(refusal):
            raise
        troubles = trouble_of(refusal, chosen.fields)
        return await _page(visit, await on_desk(visit, chosen.name), chosen, troubles, handed)
    done = f"{chosen.key}.passed-on" if passed_on else chosen.key
    return go(f"/cases/{case.view.summary.case_id}?done={done}")


async def receipt(visit: Visit) -> Response:
    """What the applicant takes home; only at the hall that received the application."""
    case = await on_desk(visit, "打印收件凭证")
    if not case.view.query_code:
        raise PageUnknown()
    return visit.show("receipt.html", case=case, event=case.events[0], is_new=visit.query("new"))


async def material(visit: Visit) -> Response:
    """The bytes of a material of the case; the look is recorded by the intake."""
    case = await on_desk(visit, "查看材料")
    wanted = visit.path("digest")
    own = {item.digest.hex(): item for item in _readable(case)}
    found = own.get(wanted) or (await _supplied_for(visit, case)).get(wanted)
    if found is None:
        raise PageUnknown()
    request = wire.ReadMaterialRequest(
        digest=found.digest,
        case_id=case.view.summary.case_id,
        actor_id=visit.account.actor_id,
    )
    pieces = aiter(visit.desk.intake.ReadMaterial(request, timeout=STREAM_SECONDS))
    # The first piece comes before the answer begins, so that a refusal can still be shown.
    with problems_raised():
        first = await anext(pieces)

    async def body() -> AsyncIterator[bytes]:
        yield first.data
        async for piece in pieces:
            yield piece.data

    return StreamingResponse(body(), headers=_material_headers(found))


async def bundle(visit: Visit) -> Response:
    """All envelopes of the case with their proofs, to be checked with `hallnet verify`."""
    purpose = visit.form.text("purpose")[:PURPOSE_CHARACTERS_MAX] or "导出证据包"
    case = await on_desk(visit, purpose)
    request = wire_exchange.ExportBundleRequest(
        subject=case.view.summary.case_id, actor_id=visit.account.actor_id, purpose=purpose
    )
    with problems_raised():
        parts = visit.desk.exchange.ExportBundle(request, timeout=STREAM_SECONDS)
        data = b"".join([part.data async for part in parts])
    name = f"{case.view.summary.case_no}.bundle"
    headers = {"content-disposition": f"attachment; filename*=UTF-8''{quote(name)}"}
    return Response(data, media_type="application/octet-stream", headers=headers)


async def retry_notice(visit: Visit) -> Response:
    """Try a notice again that was given up."""
    request = wire_notify.RetryNoticeRequest(
        request_id=visit.form.request_id,
        notice_id=visit.path("notice_id"),
        channel=visit.form.text("channel"),
    )
    with problems_raised():
        await visit.desk.notify.RetryNotice(request)
    return go(f"/cases/{quote(visit.path('case_id'))}?done=retry")


async def _page(
    visit: Visit,
    case: CaseOnDesk,
    refused: Act | None = None,
    troubles: Troubles | None = None,
    handed: Handed = NOTHING,
) -> Response:
    (notices, notices_trouble), (deliveries, deliveries_trouble) = await _beside(visit, case)
    offered = acts.offers(_ACTS, case, str(visit.site.address), visit.account)
    troubles = troubles or {}
    return visit.show(
        "case.html",
        400 if troubles else 200,
        case=case,
        view=case.view,
        chapters=_chapters(case, visit),
        offers=offered,
        first=_first(case, offered),
        refused=refused,
        form=visit.form,
        blank=Form(),
        troubles=troubles,
        handed=handed,
        nothing_handed=NOTHING,
        held=await held.for_case(visit, case.view.summary.case_id),
        not_asked=held.NOT_ASKED,
        keep=partial(keep, visit),
        defects=_defect_rows(visit, case, refused),
        evidence=_evidence(case, visit),
        notices=notices,
        notices_trouble=notices_trouble,
        deliveries=deliveries,
        deliveries_trouble=deliveries_trouble,
        done=_done(visit.query("done")),
        today=day_of(visit.now),
    )


async def _beside(
    visit: Visit, case: CaseOnDesk
) -> tuple[
    tuple[wire_notify.ListNoticesResponse | None, str],
    tuple[wire_exchange.ListDeliveriesResponse | None, str],
]:
    """What the other services know of the case."""
    case_id = case.view.summary.case_id
    notices = wire_notify.ListNoticesRequest(subject=case_id, page_size=SIDE_ROWS)
    deliveries = wire_exchange.ListDeliveriesRequest(subject=case_id, page_size=SIDE_ROWS)
    return await asyncio.gather(
        glimpse(visit.desk.notify.ListNotices(notices)),
        glimpse(visit.desk.exchange.ListDeliveries(deliveries)),
    )


def _chapters(case: CaseOnDesk, visit: Visit) -> list[Chapter]:
    halls = visit.site.halls
    return [
        Chapter(halls.name(author), [(event, tell(event, halls)) for event in events])
        for author, events in groupby(case.events, key=lambda event: event.author)
    ]


def _first(case: CaseOnDesk, offered: Sequence[acts.Offer]) -> str:
    """The act whose form stands open: what usually comes next."""
    skipped = {"accept"} if case.view.missing_materials else {"notice"}
    usual = [
        item.act
        for item in offered
        if item.may and item.act.key not in skipped and not item.act.is_rare
    ]
    return usual[0].key if usual and not usual[0].danger else ""


def _defect_rows(visit: Visit, case: CaseOnDesk, refused: Act | None) -> list[object]:
    """Rows of the notice: what was typed, else what is missing; and some that are empty."""
    if refused is None or refused.key not in ("notice", "return-prereview"):
        return [*acts.suggested_defects(case), None]
    typed = acts.defects_in(visit.form)
    empty = 1
    if visit.form.text("more"):
        empty += len(visit.form.texts("defect_material")) - len(typed)
    return [*typed, *[None] * empty]


def _evidence(case: CaseOnDesk, visit: Visit) -> wire_person.Material | None:
    """What shows the client's will; its bytes stay at the hall that recorded the mandate."""
    is_here = case.filed.intake_hall == visit.site.address
    return _evidence_of(case) if is_here else None


def _evidence_of(case: CaseOnDesk) -> wire_person.Material | None:
    mandate = case.filed.mandate
    if mandate is None or mandate.evidence is None:
        return None
    there = mandate.evidence
    return wire_person.Material(
        name=_EVIDENCE, digest=there.digest, size=there.size, media_type=there.media_type
    )


def _readable(case: CaseOnDesk) -> list[wire_person.Material]:
    evidence = _evidence_of(case)
    return [item.material for item in case.view.materials] + ([evidence] if evidence else [])


async def _supplied_for(visit: Visit, case: CaseOnDesk) -> dict[str, wire_person.Material]:
    """What other halls supplied for the case, by digest, looked at before it is taken into it; by staff alone."""
    if visit.account.is_agent:
        return {}
    with problems_raised():
        listed = await paper_deeds.asked_for(visit, case.view.summary.case_id)
    found = (one.request.answer.material for one in listed if one.here)
    return {material.digest.hex(): material for material in found}


def _material_headers(found: wire_person.Material) -> dict[str, str]:
    extension = _EXTENSIONS.get(found.media_type)
    where = "inline" if extension else "attachment"
    name = quote(f"{found.name}{extension or ''}", safe="")
    policy = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"
    return {
        "content-type": found.media_type if extension else "application/octet-stream",
        "content-disposition": f"{where}; filename*=UTF-8''{name}",
        "content-length": str(found.size),
        # The reader of PDF files that is built into browsers does not work in a sandbox.
        "content-security-policy": policy if extension == ".pdf" else f"{policy}; sandbox",
    }


def _purpose(visit: Visit) -> str:
    return "代办查询" if visit.account.is_agent else "办理"


def _done(key: str) -> str:
    """The sentence of an act that was just done; empty for anything else."""
    name, _, passed_on = key.partition(".")
    if name in _OTHER_ACTS_DONE:
        return _OTHER_ACTS_DONE[name]
    if name not in _BY_KEY:
        return ""
    return acts.PASSED_ON if passed_on else _BY_KEY[name].done

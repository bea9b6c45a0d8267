"""Rating a visit or a case: who was invited does it without signing in, once."""

from __future__ import annotations

from starlette.responses import Response

from hallnet.node.client import problems_raised
from hallnet.portal.forms import WHOLE_FORM, Troubles
from hallnet.portal.site import Visit
from hallnet.portal.window.ratings import LEVELS
from hallnet.problems import Kind, Reported
from hallnet.wire.window.v1 import window_pb2 as wire_window
from hallnet.wire.window.v1 import window_service_pb2 as wire

_TOLD = frozenset({Kind.NOT_FOUND, Kind.CONFLICT, Kind.INVALID})
"""What is said in the form; everything else is a page of its own."""


async def ask(visit: Visit) -> Response:
    """Number and word; both come by POST, so that neither is in an address."""
    return _page(visit, None, {})


async def show(visit: Visit) -> Response:
    """What is asked of who was invited."""
    try:
        return _page(visit, await _invitation(visit), {})
    except Reported as refusal:
        return _page(visit, None, _troubles(refusal))


async def rate(visit: Visit) -> Response:
    """Record the rating; what is refused is shown with what was chosen."""
    form = visit.form
    found = None
    try:
        found = await _invitation(visit)
        said = [
            wire_window.IndicatorRating(
                code=one.code, level=wire_window.Satisfaction.ValueType(form.number(one.code))
            )
            for one in found.indicators
            if form.number(one.code)
        ]
        request = wire.RateRequest(
            request_id=form.request_id,
            subject=form.text("subject"),
            invitation_code=form.text("code"),
            level=wire_window.Satisfaction.ValueType(form.number("level")),
            words=form.text("words"),
            named=bool(form.text("named")),
            indicators=said,
        )
        with problems_raised():
            await visit.desk.window.Rate(request)
    except Reported as refusal:
        return _page(visit, found, _troubles(refusal))
    return visit.show(
        "rated.html", is_bad=form.number("level") >= wire_window.SATISFACTION_DISSATISFIED
    )


async def _invitation(visit: Visit) -> wire.GetInvitationResponse:
    request = wire.GetInvitationRequest(
        subject=visit.form.text("subject"), code=visit.form.text("code")
    )
    with problems_raised():
        return await visit.desk.window.GetInvitation(request)


def _troubles(refusal: Reported) -> Troubles:
    """Over the form: it is not to be seen which of number and word was wrong. Raises the rest."""
    if refusal.kind not in _TOLD:
        raise refusal
    return {WHOLE_FORM: refusal.in_chinese()}


def _page(visit: Visit, found: wire.GetInvitationResponse | None, troubles: Troubles) -> Response:
    return visit.show(
        "rating.html",
        400 if troubles else 200,
        found=found,
        form=visit.form,
        troubles=troubles,
        levels=LEVELS,
    )

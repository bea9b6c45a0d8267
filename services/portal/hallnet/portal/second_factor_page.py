"""The pages on which who is signed in sets up codes that change with time."""

from __future__ import annotations

from dataclasses import replace

from starlette.responses import Response

from hallnet.case.problems import ActorUnknown
from hallnet.node.client import problems_raised
from hallnet.portal.entrance import STATUS_OF_WRONG, home_of
from hallnet.portal.forms import Troubles
from hallnet.portal.session import SECOND_FACTOR_PATH, Session
from hallnet.portal.site import STATUS, Visit, go
from hallnet.problems import Reported
from hallnet.window.guessing import WrongTooOften
from hallnet.window.second_factor import SecondFactorNotBegun, SecondFactorWrong
from hallnet.wire.intake.v1 import intake_service_pb2 as wire

_GROUP = 4
"""Characters of a key that are read together."""
_FIELD_OF = {
    ActorUnknown.reason: "password",
    WrongTooOften.reason: "password",
    SecondFactorWrong.reason: "code",
    SecondFactorNotBegun.reason: "code",
}


async def form(visit: Visit) -> Response:
    return _page(visit, {})


async def begin(visit: Visit) -> Response:
    """Shows the key, once."""
    request = wire.BeginSecondFactorRequest(
        actor_id=visit.account.actor_id,
        password=visit.form.secret("password"),
        code=visit.form.text("code"),
    )
    try:
        with problems_raised():
            begun = await visit.desk.intake.BeginSecondFactor(request)
    except Reported as refusal:
        return _page(visit, _troubles(refusal), _status(refusal))
    return _confirming(visit, {}, key=begun.key, uri=begun.uri)


async def confirm(visit: Visit) -> Response:
    request = wire.ConfirmSecondFactorRequest(
        actor_id=visit.account.actor_id, code=visit.form.text("code")
    )
    try:
        with problems_raised():
            await visit.desk.intake.ConfirmSecondFactor(request)
    except Reported as refusal:
        return _confirming(visit, _troubles(refusal), _status(refusal))
    account = replace(visit.account, second_factor_due=False)
    answer = go(f"{SECOND_FACTOR_PATH}?done=confirmed")
    session = Session.open(visit.now, account, visit.session.device_id)
    visit.site.sessions.write(answer, session)
    return answer


def _troubles(refusal: Reported) -> Troubles:
    """Raises what concerns no field."""
    field = _FIELD_OF.get(refusal.reason)
    if field is None:
        raise refusal
    wrong = refusal.reason == ActorUnknown.reason
    return {field: "密码不正确" if wrong else refusal.in_chinese()}


def _status(refusal: Reported) -> int:
    return STATUS_OF_WRONG.get(refusal.reason, STATUS[refusal.kind])


def _page(visit: Visit, troubles: Troubles, status: int = 200) -> Response:
    return visit.show(
        "second_factor.html",
        status,
        troubles=troubles,
        is_done=visit.query("done") == "confirmed",
        home=home_of(visit.account),
    )


def _confirming(
    visit: Visit, troubles: Troubles, status: int = 200, key: str = "", uri: str = ""
) -> Response:
    groups = [key[at : at + _GROUP] for at in range(0, len(key), _GROUP)]
    return visit.show(
        "second_factor_key.html", status, troubles=troubles, key=" ".join(groups), uri=uri
    )

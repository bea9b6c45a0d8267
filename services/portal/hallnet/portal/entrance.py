"""Pages for which nobody signs in: the front page, the sign-in, the progress of a case, health."""

from __future__ import annotations

from starlette.responses import PlainTextResponse, Response

from hallnet.case.case import day_of
from hallnet.case.person import ActorKind
from hallnet.case.power import Power
from hallnet.case.problems import ActorUnknown
from hallnet.case.stage import ENDED, Stage
from hallnet.node.client import problems_raised
from hallnet.portal.forms import WHOLE_FORM, Troubles
from hallnet.portal.session import Session, SignedIn
from hallnet.portal.site import Visit, glimpse, go, sign_out, usable_device
from hallnet.problems import Kind, Reported
from hallnet.window.guessing import WrongTooOften
from hallnet.window.second_factor import SecondFactorWrong
from hallnet.wire.exchange.v1 import exchange_service_pb2 as wire_exchange
from hallnet.wire.intake.v1 import intake_service_pb2 as wire

STATUS_SECONDS = 2.0
STATUS_OF_WRONG = {
    ActorUnknown.reason: 401,
    SecondFactorWrong.reason: 401,
    WrongTooOften.reason: 429,
}
"""Of a password or a code that was wrong, or wrong too often (RFC 6585, 4)."""
_NOT_FOUND = 404
_MILESTONES = (
    ("收件", {Stage.PREREVIEW, Stage.RETURNED, Stage.RECEIVED, Stage.CORRECTING}),
    ("受理", {Stage.ACCEPTED}),
    ("审查", {Stage.REVIEWED}),
    ("决定", {Stage.DECIDED}),
    ("办结", {Stage.CLOSED}),
)
"""What an applicant sees of the way of a case, and the stages in which it is there."""


async def front(visit: Visit) -> Response:
    question = visit.desk.exchange.GetStatus(
        wire_exchange.GetStatusRequest(), timeout=STATUS_SECONDS
    )
    status, _ = await glimpse(question)
    parents = (
        [link for link in status.links if link.role == wire_exchange.LINK_ROLE_PARENT]
        if (status is not None)
        else []
    )
    return visit.show("front.html", status=status, parent=parents[0] if parents else None)


async def health(visit: Visit) -> Response:
    """Whether the portal answers; how its node stands is told by the node."""
    return PlainTextResponse("ok")


async def sign_in_form(visit: Visit) -> Response:
    if visit.session.account is not None:
        return go(home_of(visit.session.account))
    return _sign_in_page(visit, {})


async def sign_in(visit: Visit) -> Response:
    form = visit.form
    request = wire.SignInRequest(
        actor_id=form.text("actor_id"),
        password=form.secret("password"),
        code=form.text("code"),
    )
    try:
        with problems_raised():
            response = await visit.desk.intake.SignIn(request)
    except Reported as refusal:
        status = STATUS_OF_WRONG.get(refusal.reason)
        if status is None:
            raise
        # Beside no field: it is not to be seen which of the two was wrong.
        return _sign_in_page(visit, {WHOLE_FORM: refusal.in_chinese()}, status)
    account = _signed_in(response)
    wanted = form.text("next")
    answer = go(wanted if _is_own_path(wanted) else home_of(account))
    session = Session.open(visit.now, account, await usable_device(visit))
    visit.site.sessions.write(answer, session)
    return answer


async def leave(visit: Visit) -> Response:
    return sign_out(visit)


async def progress_form(visit: Visit) -> Response:
    return visit.show("progress.html", form=visit.form, troubles={}, found=None)


async def progress(visit: Visit) -> Response:
    form = visit.form
    request = wire.GetProgressRequest(
        case_no=form.text("case_no"), query_code=form.text("query_code").upper()
    )
    try:
        with problems_raised():
            found = await visit.desk.intake.GetProgress(request)
    except Reported as refusal:
        if refusal.reason == WrongTooOften.reason:
            return _no_progress(visit, refusal.in_chinese(), STATUS_OF_WRONG[refusal.reason])
        if refusal.kind is not Kind.NOT_FOUND:
            raise
        text = "没有找到相符的办件。请核对办件编号和查询码，两项都印在收件凭证上；如有遗失，请到收件大厅凭证件查询。"
        return _no_progress(visit, text, _NOT_FOUND)
    return visit.show(
        "progress.html",
        form=form,
        troubles={},
        found=found,
        milestones=_milestones(found),
        today=day_of(visit.now),
    )


def _no_progress(visit: Visit, text: str, status: int) -> Response:
    troubles: Troubles = {WHOLE_FORM: text}
    return visit.show("progress.html", status, form=visit.form, troubles=troubles, found=None)


def _milestones(found: wire.GetProgressResponse) -> list[tuple[str, str]]:
    """The way of the case, each part with how it stands: past, here or ahead."""
    stage = Stage(found.stage)
    at = next((n for n, (_, stages) in enumerate(_MILESTONES) if stage in stages), -1)
    if stage in ENDED - {Stage.CLOSED}:
        return []
    if stage is Stage.CLOSED:
        return [(name, "past") for name, _ in _MILESTONES]
    return [
        (name, "past" if n < at else "here" if n == at else "ahead")
        for n, (name, _) in enumerate(_MILESTONES)
    ]


def _sign_in_page(visit: Visit, troubles: Troubles, status: int = 200) -> Response:
    wanted = visit.form.text("next") or visit.query("next")
    return visit.show("sign_in.html", status, form=visit.form, troubles=troubles, wanted=wanted)


def _signed_in(response: wire.SignInResponse) -> SignedIn:
    account = response.account
    return SignedIn(
        actor_id=account.actor.actor_id,
        name=account.actor.name,
        is_agent=int(account.actor.kind) == ActorKind.AGENT,
        powers=frozenset(Power(number) for number in account.powers),
        points=tuple(account.points),
        password_mark=response.password_mark,
        password_due=response.password_due,
        second_factor_due=response.second_factor_due,
    )


def home_of(account: SignedIn) -> str:
    return "/agent" if account.is_agent else "/cases"


def _is_own_path(path: str) -> bool:
    """Whether a path stays on this site: browsers read // and /\\ as another one."""
    return path.startswith("/") and not path.startswith(("//", "/\\"))

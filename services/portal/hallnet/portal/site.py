"""What every page has in common: the hall, who is there, how a page is shown and how it is refused."""

from __future__ import annotations

import base64
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import TypeVar
from urllib.parse import quote

from jinja2 import Environment
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from hallnet.case.power import Power
from hallnet.node.client import problems_raised
from hallnet.node.desk import Desk
from hallnet.node.settings import HallSettings
from hallnet.places import Address
from hallnet.portal.forms import FORM_BYTES_MAX, TOKEN_FIELD, Form, Refusal, read_form
from hallnet.portal.halls import Halls
from hallnet.portal.problems import FormStale, PageFailed, PageNotForYou
from hallnet.portal.session import KnownDevice, Session, Sessions, SignedIn
from hallnet.problems import Kind, Problem, Reported
from hallnet.wire.device.v1 import device_pb2 as wire_device
from hallnet.wire.device.v1 import device_service_pb2 as wire_service
from hallnet.wire.intake.v1 import intake_service_pb2 as wire

SEE_OTHER = 303
STATUS = {
    Kind.INVALID: 400,
    Kind.NOT_FOUND: 404,
    Kind.CONFLICT: 409,
    Kind.DENIED: 403,
    Kind.UNAUTHENTICATED: 401,
    Kind.EXHAUSTED: 413,
    Kind.UNAVAILABLE: 503,
}
_UNCERTAIN = frozenset({"", "SERVICE_UNREACHABLE", "DEADLINE_PASSED"})
"""Reasons after which nobody knows whether the act was done."""

_SIGNS_OUT = frozenset({"ACTOR_UNKNOWN", "DEVICE_UNKNOWN"})
"""Reasons after which nobody is at the browser any more."""

_log = logging.getLogger("hallnet.portal")
Answer = TypeVar("Answer")


class Audience(Enum):
    """For whom a page is."""

    ANYBODY = "所有人"
    NEWLY_SIGNED_IN = "登录人员"
    """Also who has something to do before anything else: change the password, set up codes."""
    SIGNED_IN = "本厅人员"
    STAFF = "本厅工作人员"
    MANAGER = "有督办权的工作人员"
    AGENT = "代办员"

    def admits(self, account: SignedIn) -> bool:
        if self is Audience.STAFF:
            return not account.is_agent
        if self is Audience.MANAGER:
            return not account.is_agent and Power.SUPERVISE in account.powers
        return account.is_agent or self is not Audience.AGENT


_OPEN_AT_ONCE = frozenset({Audience.ANYBODY, Audience.NEWLY_SIGNED_IN})


@dataclass(frozen=True, slots=True)
class Site:
    """The portal of one hall."""

    desk: Desk
    hall: HallSettings
    halls: Halls
    sessions: Sessions
    pages: Environment
    clock: Callable[[], datetime]
    trust_notice: Callable[[], str]
    """What staff are told of the trust data; empty while they are fresh."""

    @property
    def address(self) -> Address:
        return self.halls.here


@dataclass(frozen=True, slots=True)
class Visit:
    """One request, who makes it, and what was sent with it."""

    site: Site
    request: Request
    session: Session
    now: datetime
    form: Form = field(default_factory=Form)

    @property
    def desk(self) -> Desk:
        return self.site.desk

    @property
    def account(self) -> SignedIn:
        """Who is signed in; only pages that need a sign-in ask."""
        assert self.session.account is not None
        return self.session.account

    def path(self, name: str) -> str:
        """A part of the path."""
        return str(self.request.path_params[name])

    def query(self, name: str) -> str:
        return self.request.query_params.get(name, "")

    def show(self, page: str, code: int = 200, **content: object) -> Response:
        """A page; its language is Chinese, and whatever comes from outside is escaped in it."""
        text = self.site.pages.get_template(page).render(
            hall=self.site.hall,
            here=str(self.site.address),
            account=self.session.account,
            token=self.site.sessions.forms_token(self.session),
            now=self.now,
            path=self.request.url.path,
            trust_notice=self.site.trust_notice() if self.session.account else "",
            **content,
        )
        return HTMLResponse(text, code)

    def show_to_all(self, page: str, **content: object) -> Response:
        """A page that is the same for everybody, so that a browser may keep it."""
        text = self.site.pages.get_template(page).render(
            hall=self.site.hall, here=str(self.site.address), **content
        )
        return HTMLResponse(text)

    def refuse(self, refusal: Refusal) -> Response:
        """A page that says what is wrong and what to do."""
        uncertain = refusal.reason in _UNCERTAIN and self.request.method == "POST"
        return self.show(
            "problem.html", STATUS[refusal.kind], text=refusal.in_chinese(), uncertain=uncertain
        )


Page = Callable[[Visit], Awaitable[Response]]
Endpoint = Callable[[Request], Awaitable[Response]]


def go(path: str) -> Response:
    """On to another page, so that loading it again sends nothing twice."""
    return RedirectResponse(path, SEE_OTHER)


def endpoint(
    site: Site, page: Page, audience: Audience, form_bytes_max: int = FORM_BYTES_MAX
) -> Endpoint:
    """A page with what stands before every page: the session, the form and its token."""

    async def visited(request: Request) -> Response:
        now = site.clock()
        known = site.sessions.read(request, now)
        session = known or Session.open(now)
        visit = Visit(site, request, session, now)
        response = await _answer(visit, page, audience, form_bytes_max)
        if known is None and isinstance(response, HTMLResponse):
            site.sessions.write(response, session)
        return response

    return visited


async def _answer(visit: Visit, page: Page, audience: Audience, form_bytes_max: int) -> Response:
    account = visit.session.account
    if audience is not Audience.ANYBODY and account is None:
        return _to_sign_in(visit)
    try:
        if account is not None and not audience.admits(account):
            raise PageNotForYou(audience=audience.value)
        if audience is not Audience.ANYBODY:
            await require_session(visit)
        if account is not None and audience not in _OPEN_AT_ONCE and account.to_do_first:
            return go(account.to_do_first)
        if visit.request.method == "POST":
            visit = await _with_form(visit, form_bytes_max)
        return await page(visit)
    except (Problem, Reported) as refusal:
        if refusal.reason in _SIGNS_OUT and account is not None:
            return sign_out(visit)
        _log.info("refused %s: %s", visit.request.scope["route"].path, refusal.reason)
        return visit.refuse(refusal)
    except Exception:
        _log.exception("%s failed", visit.request.scope["route"].path)
        return visit.show("problem.html", 500, text=PageFailed().in_chinese(), uncertain=True)


async def _with_form(visit: Visit, form_bytes_max: int) -> Visit:
    """Raises FormStale, FormTooLarge or FormMalformed."""
    form = await read_form(visit.request, form_bytes_max)
    if not visit.site.sessions.is_own_form(visit.session, form.text(TOKEN_FIELD)):
        raise FormStale()
    return Visit(visit.site, visit.request, visit.session, visit.now, form)


def _to_sign_in(visit: Visit) -> Response:
    """A form that was sent after the session had ended leads on to its page, not to its address."""
    request = visit.request
    wanted = request.url.path if request.method == "GET" else ""
    return go(f"/sign-in?next={quote(wanted)}")


async def require_session(visit: Visit) -> None:
    """A session ends when the password is changed, the account is closed or the device is shut out at which somebody
    signed in; raises what the intake reports.

    A page that shows something else opens while the intake cannot be asked.
    """
    account = visit.account
    asked = wire.CheckSessionRequest(actor_id=account.actor_id, password_mark=account.password_mark)
    try:
        with problems_raised():
            await visit.desk.intake.CheckSession(asked)
    except Reported as refusal:
        if refusal.reason not in _UNCERTAIN:
            raise
    if visit.session.device_id:
        with problems_raised():
            await visit.desk.device.CheckDevice(
                wire_service.CheckDeviceRequest(device_id=visit.session.device_id)
            )


async def usable_device(visit: Visit) -> str:
    """The id of the enrolled device at which somebody signs in; empty if it is none, or was shut out."""
    known = visit.site.sessions.device(visit.request)
    if known is None:
        return ""
    asked = wire_service.CheckDeviceRequest(device_id=known.device_id)
    try:
        with problems_raised():
            await visit.desk.device.CheckDevice(asked)
    except Reported as refusal:
        if refusal.reason != "DEVICE_UNKNOWN":
            raise
        return ""
    return known.device_id


def device_message(known: KnownDevice | None) -> wire_device.Credential:
    if known is None:
        return wire_device.Credential()
    return wire_device.Credential(device_id=known.device_id, secret=base64.b64decode(known.secret))


def sign_out(visit: Visit) -> Response:
    """A fresh session with nobody in it."""
    response = go("/")
    visit.site.sessions.write(response, Session.open(visit.now))
    return response


def is_uncertain(refusal: Refusal) -> bool:
    """Whether the act may have been done although no answer came: its form must keep its id."""
    return refusal.reason in _UNCERTAIN


async def glimpse(question: Awaitable[Answer]) -> tuple[Answer | None, str]:
    """The answer, or the problem in Chinese: a page shows what the other services say all the same."""
    try:
        with problems_raised():
            return await question, ""
    except Reported as refusal:
        return None, refusal.in_chinese()

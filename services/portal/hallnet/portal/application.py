"""The web application: which page stands at which address, and the headers of every answer."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from starlette.applications import Starlette
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from hallnet.portal import (
    case_page,
    entrance,
    filing,
    network_page,
    offline,
    password_page,
    queue,
    rating_page,
    second_factor_page,
)
from hallnet.portal.forms import UPLOAD_FORM_BYTES_MAX
from hallnet.portal.problems import PageUnknown
from hallnet.portal.session import PASSWORD_PATH, SECOND_FACTOR_PATH, Session
from hallnet.portal.site import Audience, Site, Visit, endpoint
from hallnet.portal.window import pages as window_pages

_STATIC = "/static"
_HEADERS = {
    "content-security-policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; "
        "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    # Personal data are on nearly every page: no browser and no proxy keeps any of them.
    "cache-control": "no-store",
}
_STATIC_CACHE = "public, max-age=31536000, immutable"
_HTTPS_ONLY = "max-age=31536000"


def application(site: Site, secure: bool) -> Starlette:
    """The portal of a hall; `secure` says whether it is reached over HTTPS."""
    return Starlette(
        routes=[*_routes(site), Mount(_STATIC, _static())],
        middleware=[Middleware(_Headers, secure=secure)],
        exception_handlers={HTTPException: _unknown_to(site)},
    )


def _routes(site: Site) -> list[Route]:
    anybody, signed_in = Audience.ANYBODY, Audience.SIGNED_IN
    staff, manager, agent = Audience.STAFF, Audience.MANAGER, Audience.AGENT
    large = UPLOAD_FORM_BYTES_MAX
    opened = [
        ("/", entrance.front, anybody),
        ("/healthz", entrance.health, anybody),
        ("/sign-in", entrance.sign_in_form, anybody),
        (PASSWORD_PATH, password_page.form, Audience.NEWLY_SIGNED_IN),
        (SECOND_FACTOR_PATH, second_factor_page.form, Audience.NEWLY_SIGNED_IN),
        ("/progress", entrance.progress_form, anybody),
        ("/rate", rating_page.ask, anybody),
        ("/cases", queue.queue, staff),
        ("/agent", queue.agents_cases, agent),
        ("/file", filing.items, signed_in),
        ("/file/{item_id}", filing.guide, signed_in),
        ("/cases/{case_id}", case_page.show, signed_in),
        ("/cases/{case_id}/receipt", case_page.receipt, signed_in),
        ("/cases/{case_id}/materials/{digest}", case_page.material, signed_in),
        ("/network", network_page.show, staff),
        ("/window/{page}", window_pages.show, signed_in),
        ("/offline", offline.page, anybody),
    ]
    sent = [
        ("/sign-in", entrance.sign_in, anybody),
        ("/sign-out", entrance.leave, anybody),
        (PASSWORD_PATH, password_page.change, Audience.NEWLY_SIGNED_IN),
        (SECOND_FACTOR_PATH, second_factor_page.begin, Audience.NEWLY_SIGNED_IN),
        (f"{SECOND_FACTOR_PATH}/confirm", second_factor_page.confirm, Audience.NEWLY_SIGNED_IN),
        ("/progress", entrance.progress, anybody),
        ("/rate", rating_page.show, anybody),
        ("/rate/send", rating_page.rate, anybody),
        ("/cases", queue.search, staff),
        ("/cases/export", queue.export, manager),
        ("/agent", queue.agents_search, agent),
        ("/cases/{case_id}/bundle", case_page.bundle, staff),
        ("/cases/{case_id}/notices/{notice_id}", case_page.retry_notice, staff),
    ]
    sent_with_files = [
        ("/file/{item_id}", filing.file, signed_in),
        ("/cases/{case_id}/acts/{act}", case_page.act, signed_in),
        ("/window/{page}/{deed}", window_pages.do, signed_in),
    ]
    return [
        *_offline_routes(site),
        *(Route(at, endpoint(site, page, who), methods=["GET"]) for at, page, who in opened),
        *(Route(at, endpoint(site, page, who), methods=["POST"]) for at, page, who in sent),
        *(
            Route(at, endpoint(site, page, who, large), methods=["POST"])
            for at, page, who in sent_with_files
        ),
    ]


def _offline_routes(site: Site) -> list[Route]:
    """What the script of the page asks that works without a network."""
    asked, piece = offline.asked, offline.PIECE_BYTES_MAX
    questions = [
        ("/offline/open", offline.open_device),
        ("/offline/exchange", offline.exchange),
        ("/offline/settle", offline.settle),
        ("/offline/changes", offline.changes),
        ("/offline/numbers", offline.numbers),
    ]
    upload = asked(site, offline.upload, piece)
    return [
        Route("/offline-worker.js", offline.worker(site), methods=["GET"]),
        Route("/offline/who", asked(site, offline.who), methods=["GET"]),
        Route("/offline/enrol", offline.enrolment(site), methods=["POST"]),
        Route("/offline/uploads/{digest}", upload, methods=["POST"]),
        *(Route(at, asked(site, work), methods=["POST"]) for at, work in questions),
    ]


def _static() -> StaticFiles:
    return StaticFiles(packages=[("hallnet.portal", "static")])


def _unknown_to(site: Site) -> Callable[[Request, Exception], Awaitable[Response]]:
    async def unknown(request: Request, error: Exception) -> Response:
        now = site.clock()
        session = site.sessions.read(request, now) or Session.open(now)
        return Visit(site, request, session, now).refuse(PageUnknown())

    return unknown


class _Headers:
    """Puts the headers that keep browsers careful on every answer that does not say otherwise."""

    def __init__(self, app: ASGIApp, secure: bool) -> None:
        self._app = app
        self._headers = _HEADERS | ({"strict-transport-security": _HTTPS_ONLY} if secure else {})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        kept = scope["path"].startswith(_STATIC)

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                if kept and message["status"] == 200:
                    headers["cache-control"] = _STATIC_CACHE
                for name, value in self._headers.items():
                    headers.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, send_with_headers)

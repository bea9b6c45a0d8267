"""The page that works without a network, and what its script asks of the hall.

The page is the same for everybody and names nobody, so that a browser may keep it. What people queue on it lies in
the browser, closed under a key that the hall gives to who is signed in, and to nobody once the device is shut out.
The secret of the device is in a cookie that no script can read.
"""

from __future__ import annotations

import base64
import binascii
import json
import logging
import secrets
from collections.abc import Awaitable, Callable
from importlib.resources import files
from typing import Any, TypeVar

import msgspec
from google.protobuf import json_format
from google.protobuf.message import Message
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from hallnet.case.person import PERSONAL_DOCUMENTS
from hallnet.node.client import problems_raised
from hallnet.portal.forms import Refusal
from hallnet.portal.problems import FormMalformed, FormStale, FormTooLarge, PageFailed
from hallnet.portal.session import KnownDevice, Session
from hallnet.portal.site import STATUS, Endpoint, Site, Visit, device_message, require_session
from hallnet.problems import Problem, Reported
from hallnet.wire.device.v1 import device_pb2 as wire
from hallnet.wire.device.v1 import device_service_pb2 as service
from hallnet.wire.intake.v1 import intake_service_pb2 as wire_intake

TOKEN_HEADER = "x-hallnet-token"  # noqa: S105  the name of a header
BODY_BYTES_MAX = 2 * 1024 * 1024
PIECE_BYTES_MAX = 256 * 1024
SECRET_BYTES = 32
NUMBERS_KEPT = 5
"""Reserved numbers that a browser holds in stock."""
_SHELL = ("site.css", "offline.js", "offline-store.js", "offline-sync.js", "seal.svg")
_WORKER = "offline-worker.js"
_UNAUTHENTICATED = 401
Work = Callable[[Visit, bytes], Awaitable[dict[str, Any]]]
Found = TypeVar("Found", bound=msgspec.Struct)

_log = logging.getLogger("hallnet.portal")


class _Enrolment(msgspec.Struct):
    name: str


class _Queued(msgspec.Struct):
    id: str
    body: str


class _Batch(msgspec.Struct):
    items: list[_Queued]


class _Settlement(msgspec.Struct):
    id: str
    request_id: str
    discard: bool
    reason: str


class _KnownCase(msgspec.Struct):
    id: str
    digest: str


class _Known(msgspec.Struct):
    cases: list[_KnownCase]
    items: str
    calendar: str


class _Reservation(msgspec.Struct):
    request_id: str


# The page


async def page(visit: Visit) -> Response:
    """The same for everybody."""
    return visit.show_to_all("offline.html", document_kinds=PERSONAL_DOCUMENTS)


def worker(site: Site) -> Endpoint:
    """The script that keeps the page in the browser; another content of the page is another script."""

    async def answered(request: Request) -> Response:
        addresses: dict[str, str] = site.pages.globals["static"]  # type: ignore[assignment]
        shell = ["/offline", *(addresses[name] for name in _SHELL)]
        body = (files("hallnet.portal") / "static" / _WORKER).read_text(encoding="utf-8")
        text = f"const SHELL = {json.dumps(shell)};\n{body}"
        return Response(text, media_type="text/javascript")

    return answered


# What the script asks


async def who(visit: Visit, _: bytes) -> dict[str, Any]:
    """Who is signed in, and the token that goes with every further question."""
    account, halls = visit.account, visit.site.halls
    return {
        "account": account.actor_id,
        "name": account.name,
        "agent": account.is_agent,
        "points": [{"code": code, "name": halls.village(code)} for code in account.points],
        "token": visit.site.sessions.forms_token(visit.session),
        "enrolled": bool(visit.session.device_id),
    }


async def open_device(visit: Visit, _: bytes) -> dict[str, Any]:
    """The key under which the items of this account lie in this browser."""
    request = service.OpenDeviceRequest(
        credential=_credential(visit), actor_id=visit.account.actor_id
    )
    with problems_raised():
        opened = await visit.desk.device.OpenDevice(request)
    return {"key": _text(opened.item_key), "device": opened.device.name}


async def exchange(visit: Visit, body: bytes) -> dict[str, Any]:
    batch = _read(body, _Batch)
    request = service.ExchangeItemsRequest(
        credential=_credential(visit),
        actor_id=visit.account.actor_id,
        items=[wire.QueuedItem(client_id=one.id, body=one.body.encode()) for one in batch.items],
    )
    with problems_raised():
        answer = await visit.desk.device.ExchangeItems(request)
    return _dict(answer)


async def settle(visit: Visit, body: bytes) -> dict[str, Any]:
    """Release an item of one's own, or discard it."""
    wanted = _read(body, _Settlement)
    actor_id = visit.account.actor_id
    request = service.SettleItemRequest(
        act=wire_intake.Act(request_id=wanted.request_id, actor_id=actor_id),
        account=actor_id,
        client_id=wanted.id,
        discard=wanted.discard,
        reason=wanted.reason,
    )
    with problems_raised():
        answer = await visit.desk.device.SettleItem(request)
    return _dict(answer)


async def changes(visit: Visit, body: bytes) -> dict[str, Any]:
    known = _read(body, _Known)
    request = service.GetChangesRequest(
        credential=_credential(visit),
        actor_id=visit.account.actor_id,
        known=[
            service.KnownCase(case_id=one.id, last_digest=_bytes(one.digest)) for one in known.cases
        ],
        items_digest=_bytes(known.items),
        calendar_digest=_bytes(known.calendar),
    )
    with problems_raised():
        answer = await visit.desk.device.GetChanges(request)
    return _dict(answer)


async def numbers(visit: Visit, body: bytes) -> dict[str, Any]:
    wanted = _read(body, _Reservation)
    request = service.ReserveNumbersRequest(
        act=wire_intake.Act(request_id=wanted.request_id, actor_id=visit.account.actor_id),
        credential=_credential(visit),
        count=NUMBERS_KEPT,
    )
    with problems_raised():
        answer = await visit.desk.device.ReserveNumbers(request)
    return _dict(answer)


async def upload(visit: Visit, body: bytes) -> dict[str, Any]:
    """The next bytes of a material; none to ask how much has come."""
    try:
        digest = bytes.fromhex(visit.path("digest"))
        size, offset = int(visit.query("size")), int(visit.query("offset"))
        request = service.ContinueUploadRequest(
            credential=_credential(visit),
            actor_id=visit.account.actor_id,
            digest=digest,
            size=size,
            media_type=visit.query("type"),
            offset=offset,
            data=body,
        )
    except ValueError as error:
        raise FormMalformed() from error
    with problems_raised():
        answer = await visit.desk.device.ContinueUpload(request)
    return {"received": answer.received, "complete": answer.complete}


def enrolment(site: Site) -> Endpoint:
    """Enrol this browser, and bind the session to it: whoever shuts it out ends the session too."""

    async def enrolled(visit: Visit, body: bytes) -> JSONResponse:
        name = _read(body, _Enrolment).name
        secret = secrets.token_bytes(SECRET_BYTES)
        act = wire_intake.Act(
            request_id=f"enrol-{secrets.token_hex(16)}", actor_id=visit.account.actor_id
        )
        request = service.EnrolDeviceRequest(act=act, name=name, secret=secret)
        with problems_raised():
            answer = await visit.desk.device.EnrolDevice(request)
        known = KnownDevice(answer.device.device_id, _text(secret))
        session = Session.open(visit.now, visit.account, known.device_id)
        response = JSONResponse({"device": answer.device.name})
        site.sessions.write(response, session)
        site.sessions.write_device(response, known)
        return response

    return _answering(site, enrolled, BODY_BYTES_MAX)


def asked(site: Site, work: Work, bytes_max: int = BODY_BYTES_MAX) -> Endpoint:
    """A question of the script: JSON comes and goes, and so do problems."""

    async def answered(visit: Visit, body: bytes) -> JSONResponse:
        return JSONResponse(await work(visit, body))

    return _answering(site, answered, bytes_max)


def _answering(
    site: Site, work: Callable[[Visit, bytes], Awaitable[JSONResponse]], bytes_max: int
) -> Endpoint:
    async def answered(request: Request) -> Response:
        now = site.clock()
        session = site.sessions.read(request, now)
        if session is None or session.account is None or session.account.to_do_first:
            return JSONResponse({"reason": "NOT_SIGNED_IN", "text": "请先登录"}, _UNAUTHENTICATED)
        visit = Visit(site, request, session, now)
        try:
            await require_session(visit)
            if request.method == "POST":
                token = request.headers.get(TOKEN_HEADER, "")
                if not site.sessions.is_own_form(session, token):
                    raise FormStale()
            return await work(visit, await _body(request, bytes_max))
        except (Problem, Reported) as refusal:
            _log.info("refused %s: %s", request.scope["route"].path, refusal.reason)
            return _refused(refusal)
        except Exception:
            _log.exception("%s failed", request.scope["route"].path)
            return JSONResponse(
                {"reason": PageFailed.reason, "text": PageFailed().in_chinese()}, 500
            )

    return answered


def _refused(refusal: Refusal) -> JSONResponse:
    told = {"reason": refusal.reason, "text": refusal.in_chinese(), "where": refusal.where}
    return JSONResponse(told, STATUS[refusal.kind])


async def _body(request: Request, bytes_max: int) -> bytes:
    """Raises FormTooLarge."""
    body = b""
    async for piece in request.stream():
        body += piece
        if len(body) > bytes_max:
            raise FormTooLarge(limit_mb=max(bytes_max // 1024 // 1024, 1))
    return body


def _credential(visit: Visit) -> wire.Credential:
    """Of the browser; the hall refuses one that has none."""
    return device_message(visit.site.sessions.device(visit.request))


def _read(body: bytes, kind: type[Found]) -> Found:
    """Raises FormMalformed."""
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise FormMalformed() from error


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _bytes(text: str) -> bytes:
    """Raises FormMalformed."""
    try:
        return base64.b64decode(text, validate=True)
    except (ValueError, binascii.Error) as error:
        raise FormMalformed() from error


def _dict(message: Message) -> dict[str, Any]:
    """The JSON form, with fields that are empty as well, so that a script need not ask."""
    found: dict[str, Any] = json_format.MessageToDict(
        message, always_print_fields_with_no_presence=True
    )
    return found

"""Who is at the browser, and that nobody else can say so."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from starlette.requests import Request
from starlette.responses import Response
from tests.portal.conftest import Enter
from tests.portal.halls import AGENT, CLERK, PASSWORD

from hallnet.portal.session import SESSION_SECONDS, Seal, Session, Sessions

NOW = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)
SEAL = Seal(b"k" * 32)


def request_with(cookie: str) -> Request:
    return Request({"type": "http", "headers": [(b"cookie", cookie.encode())]})


def cookie_of(sessions: Sessions, session: Session) -> str:
    response = Response()
    sessions.write(response, session)
    return response.headers["set-cookie"]


def test_a_session_comes_back_as_it_went_out() -> None:
    sessions = Sessions(SEAL, secure=False)
    session = Session.open(NOW)
    assert sessions.read(request_with(cookie_of(sessions, session)), NOW) == session


def test_a_session_ends_after_a_working_day() -> None:
    sessions = Sessions(SEAL, secure=False)
    cookie = cookie_of(sessions, Session.open(NOW))
    later = NOW + timedelta(seconds=SESSION_SECONDS)
    assert sessions.read(request_with(cookie), later - timedelta(seconds=1)) is not None
    assert sessions.read(request_with(cookie), later) is None


def test_a_session_that_another_key_signed_is_none() -> None:
    forged = cookie_of(Sessions(Seal(b"x" * 32), secure=False), Session.open(NOW))
    assert Sessions(SEAL, secure=False).read(request_with(forged), NOW) is None


@pytest.mark.parametrize("token", ["", ".", "a.b", "%%%.%%%", "ä.ö", "e30.e30"])
def test_what_is_no_token_is_none(token: str) -> None:
    assert SEAL.read("session", token) is None


def test_what_was_signed_for_one_purpose_serves_no_other() -> None:
    token = SEAL.sign("upload", b"data")
    assert SEAL.read("upload", token) == b"data"
    assert SEAL.read("session", token) is None


def test_the_cookie_is_for_this_host_over_https_only() -> None:
    cookie = cookie_of(Sessions(SEAL, secure=True), Session.open(NOW))
    assert cookie.startswith("__Host-hallnet=")
    for attribute in ("HttpOnly", "Secure", "SameSite=lax", "Path=/"):
        assert attribute in cookie


def test_a_form_without_a_token_is_refused(enter: Enter) -> None:
    visitor = enter()
    form = visitor.open("/sign-in").form("/sign-in")
    page = visitor.send(form, actor_id=CLERK, password=PASSWORD, token="")
    assert page.status == 403
    assert "没有生效" in page.text
    assert visitor.open("/cases").url.path == "/sign-in"


def test_a_token_of_another_session_is_refused(enter: Enter) -> None:
    token = enter(CLERK).open("/cases").form("/sign-out").value("token")
    visitor = enter(CLERK, afresh=True)
    form = visitor.open("/cases").form("/sign-out")
    assert visitor.send(form, token=token).status == 403
    assert visitor.open("/cases").url.path == "/cases"


def test_a_changed_cookie_is_nobody(enter: Enter) -> None:
    visitor = enter(CLERK)
    cookie = visitor.client.cookies["hallnet"]
    payload, _, mark = cookie.rpartition(".")
    changed = payload[:-2] + ("A" if payload[-2] != "A" else "B") + payload[-1]
    visitor.client.cookies.clear()
    visitor.client.cookies.set("hallnet", f"{changed}.{mark}")
    assert visitor.open("/cases").url.path == "/sign-in"


def test_signing_in_gives_a_fresh_session(enter: Enter) -> None:
    """Nobody can be made to sign in within a session that somebody else knows."""
    visitor = enter()
    token = visitor.open("/sign-in").form("/sign-in").value("token")
    page = visitor.sign_in(CLERK)
    assert page.form("/sign-out").value("token") != token


def test_a_wrong_password_and_an_unknown_account_look_the_same(enter: Enter) -> None:
    visitor = enter()
    wrong, unknown = visitor.sign_in(CLERK, "wrong"), visitor.sign_in("nobody", "wrong")
    assert wrong.status == unknown.status == 401
    assert "密码不符" in wrong.text
    assert wrong.text == unknown.text
    assert wrong.form("/sign-in").value("actor_id") == CLERK


@pytest.mark.parametrize("elsewhere", ["https://example.org/", "//example.org", "/\\example.org"])
def test_signing_in_leads_to_no_other_site(enter: Enter, elsewhere: str) -> None:
    visitor = enter()
    form = visitor.open("/sign-in").form("/sign-in")
    page = visitor.send(form, actor_id=CLERK, password=PASSWORD, next=elsewhere)
    assert page.url.path == "/cases"


def test_signing_in_leads_on_to_the_page_that_was_wanted(enter: Enter) -> None:
    visitor = enter()
    form = visitor.open("/network").form("/sign-in")
    assert visitor.send(form, actor_id=CLERK, password=PASSWORD).url.path == "/network"


def test_signing_out_ends_it(enter: Enter) -> None:
    visitor = enter(AGENT)
    visitor.send(visitor.open("/agent").form("/sign-out"))
    assert visitor.open("/agent").url.path == "/sign-in"

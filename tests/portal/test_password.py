"""Passwords at the portal: bounded tries, and one that somebody else chose is changed before anything else."""

from __future__ import annotations

import base64
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from tests.portal.conftest import Enter
from tests.portal.halls import Halls
from tests.portal.visitor import Page, Visitor
from tests.simulation.worlds import TOWNSHIP

from hallnet.window.guessing import USUAL_WRONG_MAX
from hallnet.window.second_factor import STEP_SECONDS, code_at
from hallnet.wire.case.v1 import person_pb2 as wire_person
from hallnet.wire.intake.v1 import intake_service_pb2 as wire

GIVEN, CHOSEN = "Given-by-office-1", "只有本人知道的-Word-1"
Newcomer = Callable[..., str]


@pytest.fixture
def newcomer(halls: Halls) -> Newcomer:
    """Makes the account of a member of staff to whom the office gave a password."""

    def make(is_own: bool = False) -> str:
        actor_id = f"new-{uuid.uuid4().hex[:12]}"
        kind = wire_person.ACTOR_KIND_STAFF
        account = wire.Account(
            actor=wire_person.Actor(kind=kind, actor_id=actor_id, name="新窗口"),
            powers=[wire.POWER_RECEIVE],
        )
        request = wire.PutAccountRequest(
            request_id=str(uuid.uuid4()), account=account, password=GIVEN, password_is_own=is_own
        )

        async def ask() -> None:
            await halls.desk(TOWNSHIP).intake.PutAccount(request)

        halls.run(ask())
        return actor_id

    return make


@pytest.fixture
def visitor(enter: Enter) -> Visitor:
    return enter()


def changed(visitor: Visitor, old: str, new: str, again: str = "") -> Page:
    form = visitor.open("/password").form("/password")
    return visitor.send(form, old_password=old, new_password=new, again=again or new)


def test_a_given_password_is_changed_before_anything_else(
    visitor: Visitor, newcomer: Newcomer
) -> None:
    actor_id = newcomer()
    page = visitor.sign_in(actor_id, GIVEN)
    assert page.url.path == "/password"
    assert "由他人设定" in page.text
    for path in ("/cases", "/file", "/window/queue"):
        assert visitor.open(path).url.path == "/password"
    assert visitor.client.post("/offline/numbers", json={}).status_code == 401
    page = changed(visitor, GIVEN, CHOSEN)
    assert "密码已修改" in page.text
    assert visitor.open("/cases").url.path == "/cases"
    visitor.client.cookies.clear()
    assert visitor.sign_in(actor_id, GIVEN).status == 401
    assert visitor.sign_in(actor_id, CHOSEN).url.path == "/cases"


def test_what_is_wrong_with_a_change_stands_beside_its_field(
    visitor: Visitor, newcomer: Newcomer
) -> None:
    visitor.sign_in(newcomer(is_own=True), GIVEN)
    page = changed(visitor, GIVEN, CHOSEN, "something else")
    assert (page.status, list(page.troubles)) == (400, ["again"])
    page = changed(visitor, "not that one", CHOSEN)
    assert (page.status, page.troubles) == (401, {"old_password": "原密码不正确"})
    page = changed(visitor, GIVEN, "short")
    assert (page.status, list(page.troubles)) == (400, ["new_password"])
    assert CHOSEN not in page.text
    assert "密码已修改" in changed(visitor, GIVEN, CHOSEN).text


def test_after_a_few_wrong_passwords_the_page_says_when_to_come_back(
    visitor: Visitor, newcomer: Newcomer
) -> None:
    actor_id = newcomer(is_own=True)
    pages = [visitor.sign_in(actor_id, "wrong") for _ in range(USUAL_WRONG_MAX)]
    assert {page.status for page in pages} == {401}
    page = visitor.sign_in(actor_id, GIVEN)
    assert page.status == 429
    assert "30分钟后再试" in page.text


def test_who_is_signed_in_chooses_another_password_at_any_time(
    visitor: Visitor, newcomer: Newcomer
) -> None:
    page = visitor.sign_in(newcomer(is_own=True), GIVEN)
    assert page.url.path == "/cases"
    assert "/password" in page.html
    assert "密码已修改" in changed(visitor, GIVEN, CHOSEN).text


def test_nobody_changes_a_password_without_signing_in(visitor: Visitor) -> None:
    assert visitor.open("/password").url.path == "/sign-in"


def test_codes_are_set_up_and_then_asked_for(visitor: Visitor, newcomer: Newcomer) -> None:
    actor_id = newcomer(is_own=True)
    visitor.sign_in(actor_id, GIVEN)
    form = visitor.open("/second-factor").form("/second-factor")
    page = visitor.send(form, password="wrong")
    assert (page.status, page.troubles) == (401, {"password": "密码不正确"})
    page = visitor.send(form, password=GIVEN)
    key = base64.b32decode(page.html.partition("<code>")[2].partition("<")[0].replace(" ", ""))
    form = page.form("/second-factor/confirm")
    page = visitor.send(form, code="12")
    assert (page.status, list(page.troubles)) == (401, ["code"])
    now = datetime.now(UTC)
    page = visitor.send(form, code=code_at(key, now))
    assert "动态码已启用" in page.text
    visitor.client.cookies.clear()
    page = visitor.sign_in(actor_id, GIVEN)
    assert page.status == 401
    assert "动态码" in page.text
    form = visitor.open("/sign-in").form("/sign-in")
    # The next one: what confirmed the key counts no more.
    code = code_at(key, now + timedelta(seconds=STEP_SECONDS))
    page = visitor.send(form, actor_id=actor_id, password=GIVEN, code=code)
    assert page.url.path == "/cases"


def test_with_the_password_all_other_sessions_end(enter: Enter, newcomer: Newcomer) -> None:
    """Also that of somebody who had found out the old one."""
    actor_id = newcomer(is_own=True)
    mine, other = enter(), enter()
    for visitor in (mine, other):
        visitor.sign_in(actor_id, GIVEN)
    changed(mine, GIVEN, CHOSEN)
    assert mine.open("/cases").url.path == "/cases"
    assert other.open("/cases").url.path == "/"
    assert other.open("/cases").url.path == "/sign-in"


def test_with_the_account_its_sessions_end(
    visitor: Visitor, newcomer: Newcomer, halls: Halls
) -> None:
    actor_id = newcomer(is_own=True)
    visitor.sign_in(actor_id, GIVEN)
    request = wire.CloseAccountRequest(request_id=str(uuid.uuid4()), actor_id=actor_id)

    async def close() -> None:
        await halls.desk(TOWNSHIP).intake.CloseAccount(request)

    halls.run(close())
    assert visitor.client.post("/offline/numbers", json={}).status_code == 401
    assert visitor.open("/network").url.path == "/"

"""Who signs in tries a few times, has a good password and changes it; who asks for progress tries a few times too."""

from __future__ import annotations

import asyncio
import base64
from dataclasses import replace

import pytest
from tests.exchange.parts import rows
from tests.exchange.test_face import ask
from tests.intake.parts import (
    AGENT,
    OTHER_AGENT,
    PENSION,
    face,
    put_accounts,
    records,
    take_release,
)
from tests.intake.test_people import PASSWORD, account_request, progress, sign_in
from tests.simulation.halls import CHIEF, World
from tests.simulation.worlds import TOWNSHIP

from hallnet.case import command as commands
from hallnet.case.policy import DEFAULT, POLICY
from hallnet.case.problems import AccountHasCases, ActorUnknown, CaseUnknown
from hallnet.intake import guessing, tables
from hallnet.trust.release import ReleaseKind
from hallnet.window.guessing import USUAL_PAUSE_MINUTES, USUAL_WRONG_MAX, WrongTooOften
from hallnet.window.passwords import USUAL_DAYS, PasswordWeak
from hallnet.window.second_factor import SecondFactorNotBegun, SecondFactorWrong, code_at
from hallnet.wire.intake.v1 import intake_service_pb2 as wire

NEW = "Another-word-2"


def change(world: World, old: str, new: str, actor_id: str = "agent") -> None:
    request = wire.ChangePasswordRequest(actor_id=actor_id, old_password=old, new_password=new)
    ask(face(world).ChangePassword(request, None))


def due(world: World, password: str = PASSWORD) -> wire.PasswordDue.ValueType:
    request = wire.SignInRequest(actor_id="agent", password=password)
    answer: wire.SignInResponse = ask(face(world).SignIn(request, None))
    return answer.password_due


def guess(world: World, times: int, actor_id: str = "agent") -> None:
    for _ in range(times):
        with pytest.raises(ActorUnknown):
            sign_in(world, actor_id, "wrong")


def test_after_five_wrong_passwords_the_right_one_is_not_looked_at_either(world: World) -> None:
    """Or it would be told which it was."""
    put_accounts(world, TOWNSHIP, AGENT, password=PASSWORD)
    guess(world, USUAL_WRONG_MAX)
    for password in ("wrong", PASSWORD):
        with pytest.raises(WrongTooOften):
            sign_in(world, "agent", password)
    refused = [row.refused for row in records(world.at(TOWNSHIP), "SignIn")]
    assert refused == ["ACTOR_UNKNOWN"] * USUAL_WRONG_MAX + ["WRONG_TOO_OFTEN"] * 2
    world.time.pass_by(minutes=USUAL_PAUSE_MINUTES)
    assert sign_in(world, "agent", PASSWORD).actor.actor_id == "agent"


def test_who_does_not_exist_is_held_up_like_who_does(world: World) -> None:
    guess(world, USUAL_WRONG_MAX, "nobody")
    with pytest.raises(WrongTooOften):
        sign_in(world, "nobody", "wrong")


def test_one_account_holds_up_no_other_and_what_was_right_is_forgotten(world: World) -> None:
    put_accounts(world, TOWNSHIP, AGENT, OTHER_AGENT, password=PASSWORD)
    other = OTHER_AGENT.actor.actor_id
    for _ in range(3):
        guess(world, USUAL_WRONG_MAX - 1)
        guess(world, 1, other)
        assert sign_in(world, "agent", PASSWORD)
    assert sign_in(world, other, PASSWORD)
    assert rows(world.at(TOWNSHIP).intake, tables.wrong_secret) == []


def test_many_tries_at_once_are_counted_one_by_one(world: World) -> None:
    put_accounts(world, TOWNSHIP, AGENT, password=PASSWORD)
    asked = face(world)
    request = wire.SignInRequest(actor_id="agent", password="wrong")

    async def all_at_once() -> list[object]:
        tries = (asked.SignIn(request, None) for _ in range(3 * USUAL_WRONG_MAX))
        answers: list[object] = await asyncio.gather(*tries, return_exceptions=True)
        return answers

    found = [type(one) for one in ask(all_at_once())]
    assert found.count(ActorUnknown) == USUAL_WRONG_MAX
    assert found.count(WrongTooOften) == 2 * USUAL_WRONG_MAX


def test_a_policy_says_how_often(world: World) -> None:
    content = POLICY.to_bytes(replace(DEFAULT, wrong_secrets_max=1))
    take_release(world, TOWNSHIP, ReleaseKind.POLICY, content, 1)
    guess(world, 1)
    with pytest.raises(WrongTooOften):
        sign_in(world, "agent", "wrong")


def test_a_new_password_from_the_operator_lets_in_again(world: World) -> None:
    put_accounts(world, TOWNSHIP, AGENT, password=PASSWORD)
    guess(world, USUAL_WRONG_MAX)
    ask(face(world).PutAccount(account_request("request-1", AGENT, NEW), None))
    assert due(world, NEW) == wire.PASSWORD_DUE_GIVEN


def test_what_was_wrong_is_known_of_a_bounded_number(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever types names that there are not fills no disk; what is oldest is forgotten."""
    monkeypatch.setattr(guessing, "SECRETS_MAX", 3)
    for number in range(5):
        guess(world, 1, f"nobody-{number}")
        world.time.pass_by(seconds=1)
    kept = rows(world.at(TOWNSHIP).intake, tables.wrong_secret)
    assert len(kept) == 3
    assert all(b"nobody" not in row.whose for row in kept)


def test_a_given_password_is_changed_by_its_owner_and_then_it_is_hers(world: World) -> None:
    ask(face(world).PutAccount(account_request("request-1", AGENT, PASSWORD), None))
    assert due(world) == wire.PASSWORD_DUE_GIVEN
    change(world, PASSWORD, NEW)
    guess(world, 1)
    assert due(world, NEW) == wire.PASSWORD_DUE_UNSPECIFIED
    with pytest.raises(ActorUnknown):
        sign_in(world, "agent", PASSWORD)
    done = [row.refused for row in records(world.at(TOWNSHIP), "ChangePassword")]
    assert done == [""]


def test_an_old_password_has_to_be_changed(world: World) -> None:
    put_accounts(world, TOWNSHIP, AGENT, password=PASSWORD)
    assert due(world) == wire.PASSWORD_DUE_UNSPECIFIED
    world.time.pass_by(days=USUAL_DAYS)
    assert due(world) == wire.PASSWORD_DUE_OLD


def test_a_weak_password_is_refused_and_the_old_one_stays(world: World) -> None:
    put_accounts(world, TOWNSHIP, AGENT, password=PASSWORD)
    for weak in ("", "short", PASSWORD):
        with pytest.raises(PasswordWeak):
            change(world, PASSWORD, weak)
    with pytest.raises(PasswordWeak):
        ask(face(world).PutAccount(account_request("request-1", AGENT, "weak"), None))
    assert sign_in(world, "agent", PASSWORD)


def test_the_old_password_is_no_way_around_the_bound(world: World) -> None:
    put_accounts(world, TOWNSHIP, AGENT, password=PASSWORD)
    for _ in range(USUAL_WRONG_MAX):
        with pytest.raises(ActorUnknown):
            change(world, "wrong", NEW)
    for attempt in (lambda: change(world, PASSWORD, NEW), lambda: sign_in(world, "agent", "x")):
        with pytest.raises(WrongTooOften):
            attempt()


def test_query_codes_are_guessed_a_few_times_only_however_the_number_is_written(
    world: World,
) -> None:
    case = world.file(TOWNSHIP, PENSION)
    for number in (case.case_no, case.case_no, case.case_id, case.case_no, case.case_id):
        with pytest.raises(CaseUnknown):
            progress(world, number, "AAAAAAAA")
    with pytest.raises(WrongTooOften):
        progress(world, case.case_no, case.filed.query_code)
    world.time.pass_by(minutes=USUAL_PAUSE_MINUTES)
    assert progress(world, case.case_no, case.filed.query_code)


def test_each_password_has_a_mark_of_its_own_and_an_old_one_ends_the_session(world: World) -> None:
    put_accounts(world, TOWNSHIP, AGENT, password=PASSWORD)
    first = enter(world, "").password_mark
    assert enter(world, "").password_mark == first
    goes_on(world, first)
    change(world, PASSWORD, NEW)
    for mark in (first, "", "x"):
        with pytest.raises(ActorUnknown):
            goes_on(world, mark)
    change(world, NEW, PASSWORD)
    assert enter(world, "").password_mark != first


def goes_on(world: World, mark: str, actor_id: str = "agent") -> None:
    request = wire.CheckSessionRequest(actor_id=actor_id, password_mark=mark)
    ask(face(world).CheckSession(request, None))


def test_an_account_that_has_no_password_has_no_session(world: World) -> None:
    for actor_id in ("clerk", "nobody"):
        with pytest.raises(ActorUnknown):
            goes_on(world, "", actor_id)


# Codes that change with time


def with_codes(world: World) -> bytes:
    """The agent sets up codes; returns the key, and some time passes."""
    put_accounts(world, TOWNSHIP, AGENT, password=PASSWORD)
    key = begin_codes(world)
    confirm_codes(world, code_at(key, world.time.now))
    world.time.pass_by(minutes=5)
    return key


def begin_codes(world: World, code: str = "") -> bytes:
    request = wire.BeginSecondFactorRequest(actor_id="agent", password=PASSWORD, code=code)
    answer: wire.BeginSecondFactorResponse = ask(face(world).BeginSecondFactor(request, None))
    return base64.b32decode(answer.key)


def confirm_codes(world: World, code: str) -> None:
    request = wire.ConfirmSecondFactorRequest(actor_id="agent", code=code)
    ask(face(world).ConfirmSecondFactor(request, None))


def enter(world: World, code: str) -> wire.SignInResponse:
    request = wire.SignInRequest(actor_id="agent", password=PASSWORD, code=code)
    answer: wire.SignInResponse = ask(face(world).SignIn(request, None))
    return answer


def test_an_account_with_codes_opens_with_password_and_code_alone(world: World) -> None:
    key = with_codes(world)
    for wrong in ("", "000000"):
        with pytest.raises(SecondFactorWrong):
            enter(world, wrong)
    code = code_at(key, world.time.now)
    assert enter(world, code).account.actor.actor_id == "agent"
    with pytest.raises(SecondFactorWrong):
        enter(world, code)


def test_a_key_counts_once_it_was_confirmed(world: World) -> None:
    """Who wrote it down wrongly is not shut out."""
    put_accounts(world, TOWNSHIP, AGENT, password=PASSWORD)
    with pytest.raises(SecondFactorNotBegun):
        confirm_codes(world, "000000")
    begin_codes(world)
    with pytest.raises(SecondFactorWrong):
        confirm_codes(world, "000000")
    assert enter(world, "")


def test_who_knows_the_password_alone_sets_up_no_other_key(world: World) -> None:
    key = with_codes(world)
    with pytest.raises(SecondFactorWrong):
        begin_codes(world)
    other = begin_codes(world, code_at(key, world.time.now))
    world.time.pass_by(minutes=1)
    assert enter(world, code_at(key, world.time.now))
    confirm_codes(world, code_at(other, world.time.now))
    world.time.pass_by(minutes=1)
    with pytest.raises(SecondFactorWrong):
        enter(world, code_at(key, world.time.now))
    assert enter(world, code_at(other, world.time.now))


def test_codes_are_guessed_as_often_as_passwords(world: World) -> None:
    key = with_codes(world)
    for _ in range(USUAL_WRONG_MAX):
        with pytest.raises(SecondFactorWrong):
            enter(world, "000000")
    with pytest.raises(WrongTooOften):
        enter(world, code_at(key, world.time.now))


def test_who_lost_the_phone_is_let_in_by_the_operator(world: World) -> None:
    with_codes(world)
    request = wire.DropSecondFactorRequest(request_id="request-1", actor_id="agent")
    ask(face(world).DropSecondFactor(request, None))
    assert enter(world, "")
    assert [row.actor_id for row in records(world.at(TOWNSHIP), "DropSecondFactor")] == ["agent"]


def test_a_policy_asks_everybody_for_codes(world: World) -> None:
    content = POLICY.to_bytes(replace(DEFAULT, second_factor_required=True))
    take_release(world, TOWNSHIP, ReleaseKind.POLICY, content, 1)
    put_accounts(world, TOWNSHIP, AGENT, password=PASSWORD)
    assert enter(world, "").second_factor_due
    key = begin_codes(world)
    confirm_codes(world, code_at(key, world.time.now))
    world.time.pass_by(minutes=1)
    assert not enter(world, code_at(key, world.time.now)).second_factor_due


# Who left


def close(world: World, actor_id: str) -> None:
    request = wire.CloseAccountRequest(request_id=f"close-{actor_id}", actor_id=actor_id)
    ask(face(world).CloseAccount(request, None))


def test_who_left_can_do_nothing_and_stays_in_the_records(world: World) -> None:
    """GB/T 22239-2019, 8.1.4.2 c): accounts that are not needed any more are closed in time."""
    put_accounts(world, TOWNSHIP, AGENT, password=PASSWORD)
    close(world, "agent")
    for attempt in (
        lambda: sign_in(world, "agent", PASSWORD),
        lambda: change(world, PASSWORD, NEW),
        lambda: begin_codes(world),
        lambda: close(world, "nobody"),
    ):
        with pytest.raises(ActorUnknown):
            attempt()
    looking = wire.ListCasesRequest(actor_id="agent")
    with pytest.raises(ActorUnknown):
        ask(face(world).ListCases(looking, None))
    kept = rows(world.at(TOWNSHIP).intake, tables.account)
    assert "agent" in {row.actor_id for row in kept}


def test_who_comes_back_gets_a_new_password(world: World) -> None:
    put_accounts(world, TOWNSHIP, AGENT, password=PASSWORD)
    close(world, "agent")
    ask(face(world).PutAccount(account_request("request-1", AGENT), None))
    with pytest.raises(ActorUnknown):
        sign_in(world, "agent", PASSWORD)
    ask(face(world).PutAccount(account_request("request-2", AGENT, NEW), None))
    assert sign_in(world, "agent", NEW)


def test_nobody_leaves_while_open_cases_have_no_other_owner(world: World) -> None:
    case = world.file(TOWNSHIP, PENSION)
    with pytest.raises(AccountHasCases) as caught:
        close(world, "clerk")
    assert caught.value.particulars == {"count": "1"}
    world.act(TOWNSHIP, case, commands.OfferOwnership("chief"))
    world.act(TOWNSHIP, case, commands.TakeOwnership(), CHIEF)
    close(world, "clerk")

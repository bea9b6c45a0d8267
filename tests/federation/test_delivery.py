"""Where an own envelope is: every state, everything that can happen, and who may say so."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.trust.builders import NOW, made_from

from hallnet.federation.delivery import OPEN, TABLE, Happening, State, after, may_judge, verdict
from hallnet.places import Address, divisions
from hallnet.trust.receipt import ReceiptBody, Verdict
from hallnet.trust.suite import Suite
from hallnet.wire.exchange.v1 import exchange_service_pb2 as wire

U, W, R = State.UNSEALED, State.WAITING, State.UNDER_WAY
A, X, H, E, D = State.ACCEPTED, State.REFUSED, State.HELD, State.EXPIRED, State.DROPPED
# Sealed, kept, dropped, accepted, refused, held, expired, sent again: in the order of Happening.
EXPECTED = {
    U: (W, U, U, U, U, U, E, U),
    W: (W, R, D, A, X, H, E, W),
    R: (R, R, R, A, X, H, E, W),
    E: (E, E, E, A, X, H, E, E),
    D: (D, D, D, A, X, H, D, D),
    A: (A, A, A, A, A, A, A, A),
    X: (X, X, X, X, X, X, X, X),
    H: (H, H, H, H, H, H, H, H),
}


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("happening", Happening)
def test_what_becomes_of_an_envelope(state: State, happening: Happening) -> None:
    assert after(state, happening) is EXPECTED[state][happening - 1]


def test_every_state_stands_in_the_table() -> None:
    assert TABLE.keys() == set(State)
    assert {state.value for state in State} == set(wire.DeliveryState.values()) - {0}


@pytest.mark.parametrize("state", [A, X, H])
@given(happenings=st.lists(st.sampled_from(Happening)))
def test_a_verdict_is_final(state: State, happenings: list[Happening]) -> None:
    reached = state
    for happening in happenings:
        reached = after(reached, happening)
    assert reached is state


@given(st.lists(st.sampled_from(Happening)))
def test_an_envelope_whose_time_is_over_is_no_longer_open(happenings: list[Happening]) -> None:
    state = State.UNSEALED
    for happening in [*happenings, Happening.EXPIRED]:
        state = after(state, happening)
    assert state not in OPEN


@given(st.lists(st.sampled_from(Happening)))
def test_what_ended_never_opens_again(happenings: list[Happening]) -> None:
    state, ended = State.UNSEALED, False
    for happening in happenings:
        state = after(state, happening)
        assert not (ended and state in OPEN)
        ended = ended or state not in OPEN


@given(st.lists(st.sampled_from(Happening)), st.sampled_from(Happening))
def test_what_happens_twice_in_a_row_happens_once(
    happenings: list[Happening], twice: Happening
) -> None:
    state = State.UNSEALED
    for happening in happenings:
        state = after(state, happening)
    once = after(state, twice)
    assert after(once, twice) is once


@pytest.mark.parametrize("given_verdict", Verdict)
def test_a_verdict_happens_under_its_own_name(given_verdict: Verdict) -> None:
    assert verdict(given_verdict).name == given_verdict.name
    assert after(State.UNDER_WAY, verdict(given_verdict)).name == given_verdict.name


SENDER, RECIPIENT = Address("330110012"), Address("330424001")


def receipt(issuer: str, given_verdict: Verdict, sender: Address = SENDER) -> ReceiptBody:
    return ReceiptBody(
        suite=Suite.ED25519,
        envelope_id=made_from("envelope", 16),
        header_digest=made_from("header"),
        issuer=Address.parse(issuer),
        sender=sender,
        verdict=given_verdict,
        reason="",
        at=NOW,
    )


@pytest.mark.parametrize("given_verdict", Verdict)
def test_the_recipient_may_say_anything(given_verdict: Verdict) -> None:
    assert may_judge(receipt("330424001", given_verdict), RECIPIENT, divisions())


@pytest.mark.parametrize("issuer", ["330110", "3301", "33", "3304", "330424"])
def test_a_hall_on_the_way_may_refuse_and_nothing_else(issuer: str) -> None:
    assert may_judge(receipt(issuer, Verdict.REFUSED), RECIPIENT, divisions())
    assert not may_judge(receipt(issuer, Verdict.ACCEPTED), RECIPIENT, divisions())
    assert not may_judge(receipt(issuer, Verdict.HELD), RECIPIENT, divisions())


@pytest.mark.parametrize("issuer", ["330127", "330424002", "3305", "34", "330110-shebao", "999999"])
def test_a_hall_beside_the_way_says_nothing(issuer: str) -> None:
    for given_verdict in Verdict:
        assert not may_judge(receipt(issuer, given_verdict), RECIPIENT, divisions())


def test_a_hall_above_the_sender_may_refuse_what_goes_to_a_division_that_is_not_registered() -> (
    None
):
    """A register that is newer than ours knows it; the refusal still has to reach the sender."""
    unknown = Address("330424999")
    assert may_judge(receipt("33", Verdict.REFUSED), unknown, divisions())
    assert may_judge(receipt("330424999", Verdict.ACCEPTED), unknown, divisions())
    assert not may_judge(receipt("330424", Verdict.REFUSED), unknown, divisions())


def test_a_refusal_that_names_an_unregistered_sender_is_judged_by_the_way_of_the_recipient() -> (
    None
):
    unknown = Address("330110999")
    assert may_judge(receipt("330424", Verdict.REFUSED, unknown), RECIPIENT, divisions())
    assert not may_judge(receipt("330127", Verdict.REFUSED, unknown), RECIPIENT, divisions())

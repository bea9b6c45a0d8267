"""Who answers for something: one person, until another has taken it (首问负责, 首办负责)."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.case.builders import (
    ACCEPTED,
    AGENT,
    CLERK,
    COUNTY,
    FAILED,
    NOT_TAKEN,
    OFFERED,
    TOWNSHIP,
    History,
    case_with,
    context,
    event_for,
    extended,
    filed,
    to,
)

from hallnet.case import command as commands
from hallnet.case.case import Case
from hallnet.case.command import Command
from hallnet.case.decide import decide
from hallnet.case.event import Fact, TakenOver
from hallnet.case.ownership import (
    HAND_OVERS_MAX,
    HEAD_OF_HALL,
    Ownership,
    Roster,
    declined,
    offered,
    owner_of_arrival,
    ownership_of,
    taken,
)
from hallnet.case.person import Actor, ActorKind
from hallnet.case.power import Power
from hallnet.case.problems import ActNotPossible, HandOversTooMany, NotYours, OwnerMissing

NAMES = st.sampled_from(["甲", "乙", "丙", "丁"])
COLLEAGUE = Actor(ActorKind.STAFF, "colleague", "周同事")


def done(case: Case, command: Command, by: Actor = CLERK, **given_besides: Any) -> Case:
    """The case after a command of somebody without powers."""
    nobody: dict[str, Any] = {"actor": by, "powers": frozenset()}
    facts = decide(case, command, context(case.custodian, **(nobody | given_besides)))
    for fact in facts:
        case = extended(case, event_for(case, fact, case.custodian, actor=by))
    return case


def test_who_files_at_the_counter_answers_for_the_case() -> None:
    assert ownership_of(case_with()) == Ownership("clerk")


def test_an_agent_never_answers_for_a_case() -> None:
    by_agent = event_for(None, filed(), COUNTY, actor=AGENT)
    assert ownership_of(extended(None, by_agent)).owner == HEAD_OF_HALL
    named = event_for(None, filed(owner="clerk"), COUNTY, actor=AGENT)
    assert ownership_of(extended(None, named)).owner == "clerk"
    with pytest.raises(NotYours):
        done(case_with(OFFERED), commands.TakeOwnership(), AGENT)


def test_a_colleague_owns_it_from_acceptance_and_not_before() -> None:
    case = done(case_with(), commands.OfferOwnership("colleague"))
    assert ownership_of(case) == Ownership("clerk", "colleague")
    case = done(case, commands.TakeOwnership(), COLLEAGUE)
    assert ownership_of(case) == Ownership("colleague", "", ("clerk",))


def test_what_is_not_taken_stays_where_it_is() -> None:
    case = done(case_with(OFFERED), commands.DeclineOwnership("正忙"), COLLEAGUE)
    assert ownership_of(case) == Ownership("clerk")
    with pytest.raises(ActNotPossible):
        done(case, commands.TakeOwnership(), COLLEAGUE)


def test_only_the_owner_offers_and_only_who_was_asked_takes() -> None:
    with pytest.raises(NotYours):
        done(case_with(), commands.OfferOwnership("clerk"), COLLEAGUE)
    with pytest.raises(NotYours):
        done(case_with(OFFERED), commands.TakeOwnership())
    with pytest.raises(OwnerMissing):
        done(case_with(), commands.OfferOwnership(""))


@pytest.mark.parametrize("power", [Power.HEAD, Power.SUPERVISE])
def test_who_oversees_the_hall_may_ask_another_for_the_owner(power: Power) -> None:
    wanted = commands.OfferOwnership("third")
    case = done(case_with(), wanted, COLLEAGUE, powers=frozenset({power}))
    assert ownership_of(case) == Ownership("clerk", "third")


def test_while_a_is_away_b_hands_it_on_and_takes_it() -> None:
    """AB角."""
    for_clerk = {"stands_in_for": frozenset({"clerk"})}
    case = done(case_with(), commands.OfferOwnership("third"), COLLEAGUE, **for_clerk)
    assert ownership_of(case).offered_to == "third"
    b_of_third = Actor(ActorKind.STAFF, "fourth", "陈某")
    for_third = {"stands_in_for": frozenset({"third"})}
    case = done(case, commands.TakeOwnership(), b_of_third, **for_third)
    assert ownership_of(case) == Ownership("fourth", "", ("clerk",))


@pytest.mark.parametrize("back", [FAILED, NOT_TAKEN], ids=["failed", "declined"])
def test_what_comes_back_untaken_is_with_its_owner_and_no_longer_offered(back: Fact) -> None:
    history = History(filed(TOWNSHIP)).extend([ACCEPTED, OFFERED, to(COUNTY)])
    assert ownership_of(history.case) == Ownership("clerk")
    assert ownership_of(history.add(back).case) == Ownership("clerk")


def test_at_the_next_hall_another_answers_and_at_home_the_first_one_again() -> None:
    history = History(filed(TOWNSHIP)).extend([ACCEPTED, to(COUNTY), TakenOver("county-clerk")])
    assert ownership_of(history.case) == Ownership("county-clerk")
    history.extend([to(TOWNSHIP), TakenOver("clerk")])
    assert ownership_of(history.case) == Ownership("clerk")


def test_what_arrives_goes_to_who_had_it_else_the_rota_else_a_head_else_anybody() -> None:
    everybody = frozenset({"a", "b", "c", "d"})
    full = Roster(everybody, ("c", "b"), frozenset({"d"}))
    assert owner_of_arrival("a", full) == "a"
    assert owner_of_arrival("gone", full) == "b"
    assert owner_of_arrival("", Roster(everybody, (), frozenset({"d"}))) == "d"
    assert owner_of_arrival("", Roster(everybody)) == "a"
    assert owner_of_arrival("", Roster()) == HEAD_OF_HALL


@given(
    NAMES,
    st.frozensets(NAMES),
    st.lists(NAMES, max_size=3),
    st.frozensets(NAMES),
)
def test_whoever_is_there_somebody_answers_and_every_time_the_same(
    before: str, staff: frozenset[str], on_duty: list[str], heads: frozenset[str]
) -> None:
    owner = owner_of_arrival(before, Roster(staff, on_duty, heads))
    assert owner in staff | set(on_duty) | heads | {HEAD_OF_HALL}
    assert owner != HEAD_OF_HALL or not (staff or on_duty or heads)
    assert owner == owner_of_arrival(before, Roster(sorted(staff), on_duty[::-1], sorted(heads)))


@given(st.lists(st.tuples(st.integers(0, 2), NAMES, NAMES), max_size=80))
def test_whatever_is_tried_there_is_one_owner_and_an_end_to_handing_on(
    steps: list[tuple[int, str, str]],
) -> None:
    ownership = Ownership("甲")
    for step, by, other in steps:
        try:
            if step == 0:
                ownership = offered(ownership, by, other)
            else:
                ownership = (taken if step == 1 else declined)(ownership, by)
        except (NotYours, OwnerMissing, HandOversTooMany):
            continue
        assert ownership.owner
        assert ownership.offered_to != ownership.owner
        assert len(ownership.owners_before) <= HAND_OVERS_MAX

"""What a hall has of an applicant is not asked for once more: 政务数据共享条例 article 19."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.case.builders import (
    ACCEPTED,
    APPLICANT,
    DECLINED,
    FORM,
    GRANTED,
    NEIGHBOUR,
    REVOKED,
    START,
    case_with,
    filed,
    item,
    material,
    needed,
)

from hallnet.case.case import Case, day_of
from hallnet.case.event import Fact, Outcome
from hallnet.case.item import MaterialSource
from hallnet.case.item_terms import TrustLevel
from hallnet.case.person import Material, Person
from hallnet.case.policy import DEFAULT, Policy
from hallnet.case.reuse import (
    USUAL_DAYS,
    MaterialNotHeld,
    held_materials,
    may_be_taken_again,
    taken_again,
)

REGISTER, CARD = "居民户口簿", "社会保障卡"
ITEM = item(
    materials=(
        needed(FORM),
        needed(CARD, source=MaterialSource.GOVERNMENT),
        needed(REGISTER, source=MaterialSource.SHARED),
    )
)
TODAY = day_of(START) + timedelta(days=100)


def earlier(*facts: Fact, number: int = 1, days: int = 0, of: Person = APPLICANT) -> Case:
    papers = tuple(material(name, START + timedelta(days=days)) for name in (FORM, REGISTER, CARD))
    opening = filed(case_no=f"330110-20260302-{number:04}", materials=papers, applicant=of)
    return case_with(*facts, opening=opening)


def held(*cases: Case, policy: Policy = DEFAULT) -> list[Material]:
    return held_materials(cases, APPLICANT, ITEM, policy, TODAY)


def test_what_was_issued_is_offered_again_in_the_order_of_the_item_with_the_case_it_is_of() -> None:
    found = held(earlier(ACCEPTED))
    assert [(one.name, one.taken_from) for one in found] == [
        (CARD, "330110-20260302-0001"),
        (REGISTER, "330110-20260302-0001"),
    ]
    assert found[0].submitted_at == START


def test_what_an_applicant_writes_is_for_one_matter() -> None:
    assert not may_be_taken_again(needed(FORM))
    assert FORM not in {one.name for one in held(earlier(ACCEPTED))}


@pytest.mark.parametrize("level", TrustLevel)
def test_the_trust_level_says_how_far_a_material_may_be_reused(level: TrustLevel) -> None:
    relied_upon = level in (TrustLevel.ISSUED, TrustLevel.VERIFIED)
    for source in MaterialSource:
        assert may_be_taken_again(needed(CARD, source=source, trust_level=level)) is relied_upon


def test_nobody_gets_the_papers_of_somebody_else() -> None:
    assert held(earlier(ACCEPTED, of=NEIGHBOUR)) == []


@pytest.mark.parametrize(
    "facts",
    [
        (),
        (DECLINED,),
        (ACCEPTED, replace(GRANTED, outcome=Outcome.REFUSED)),
        (ACCEPTED, GRANTED, REVOKED),
    ],
)
def test_papers_of_a_case_that_nobody_accepted_or_that_came_to_nothing_are_not_relied_upon(
    facts: tuple[Fact, ...],
) -> None:
    assert held(earlier(*facts)) == []
    assert held(earlier(ACCEPTED, GRANTED)) != []


def test_the_newest_of_each_name_is_offered() -> None:
    old, new = earlier(ACCEPTED, number=1), earlier(ACCEPTED, number=2, days=30)
    for order in ((old, new), (new, old)):
        assert {one.taken_from for one in held(*order)} == {"330110-20260302-0002"}


def test_a_paper_does_not_become_younger_by_being_taken_again() -> None:
    once = held(earlier(ACCEPTED))
    opening = filed(case_no="330110-20260602-0009", materials=tuple(once))
    again = case_with(ACCEPTED, opening=opening)
    assert [one.submitted_at for one in held(again)] == [START, START]


@given(st.integers(0, 800), st.integers(0, 400))
def test_a_paper_is_taken_again_for_so_many_days_as_the_policy_says(age: int, days: int) -> None:
    policy = Policy(materials_taken_again_days=days)
    today = day_of(START) + timedelta(days=age)
    found = held_materials([earlier(ACCEPTED)], APPLICANT, ITEM, policy, today)
    assert bool(found) is (age <= (days or USUAL_DAYS))


def test_a_policy_may_have_each_case_bring_its_own() -> None:
    assert held(earlier(ACCEPTED), policy=Policy(materials_not_taken_again=True)) == []


def test_only_what_is_held_in_the_case_that_is_named_is_taken_again() -> None:
    known = held(earlier(ACCEPTED))
    wanted = replace(material(CARD), digest=b"", taken_from="330110-20260302-0001")
    assert taken_again(wanted, known) == known[0]
    for wrong in (replace(wanted, taken_from="330110-20260302-0002"), replace(wanted, name=FORM)):
        with pytest.raises(MaterialNotHeld):
            taken_again(wrong, known)

"""The same person, item and option at two halls: shown to staff where both cases are, and to nobody else."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from tests.exchange.test_face import ask
from tests.intake.parts import (
    ACCEPT,
    AGENT,
    CLOSE,
    ELDER_CARD,
    GRANT,
    HAND_OVER,
    PENSION,
    RELIEF,
    REVIEW,
    SUBSISTENCE,
    WITHDRAW,
    Post,
    act,
    face,
    file_request,
    mandate,
    put_accounts,
)
from tests.simulation.halls import World
from tests.simulation.worlds import COUNTY, TOWNSHIP

from hallnet.case import command as commands
from hallnet.case.fact import EndManner
from hallnet.case.mandate import MANDATE
from hallnet.case.person import Person
from hallnet.intake import alike, cases
from hallnet.wire.intake.v1 import intake_service_pb2 as wire

SOMEBODY = Person("方小明", "111", "11010519491231002X", "13900000000", "")


def filed(world: World, at: str, item_id: str, person: Person = SOMEBODY) -> wire.CaseView:
    item = world.at(at).intake.look(
        lambda c: world.at(at).hall.releases.item_to_file(c, item_id, world.time.now.date())
    )
    papers = [needed.name for needed in item.materials if needed.asked_of_applicant]
    request = file_request(world, at=at, item_id=item_id, applicant=person, papers=papers)
    world.time.pass_by(minutes=1)
    return ask(face(world, at).FileCase(request, None)).case  # type: ignore[no-any-return]


def likes(world: World, at: str, view: wire.CaseView, actor_id: str = "chief") -> list[str]:
    request = wire.GetCaseRequest(case_ref=view.summary.case_id, actor_id=actor_id, purpose="x")
    found = ask(face(world, at).GetCase(request, None)).case.possible_duplicates
    return [row.case_id for row in found]


def do(world: World, at: str, view: wire.CaseView, *commands: Any) -> None:
    for command in commands:
        case = world.at(at).intake.look(lambda c: cases.load(c, view.summary.case_id))
        world.act(at, case, command)


def test_the_same_matter_at_two_halls_is_shown_where_both_cases_come_together(world: World) -> None:
    at_township = filed(world, TOWNSHIP, PENSION)
    at_county = filed(world, COUNTY, PENSION)
    assert not at_county.possible_duplicates
    assert likes(world, TOWNSHIP, at_township) == likes(world, COUNTY, at_county) == []
    do(world, TOWNSHIP, at_township, ACCEPT, REVIEW, HAND_OVER)
    Post(world).settle()
    assert likes(world, COUNTY, at_county) == [at_township.summary.case_id]
    assert likes(world, COUNTY, at_township) == [at_county.summary.case_id]
    assert likes(world, TOWNSHIP, at_township) == []


def test_the_same_matter_twice_at_a_hall_is_shown_when_it_is_filed(world: World) -> None:
    first = filed(world, TOWNSHIP, RELIEF)
    second = filed(world, TOWNSHIP, RELIEF, replace(SOMEBODY, name="方晓明", phone=""))
    assert [row.case_id for row in second.possible_duplicates] == [first.summary.case_id]


def test_another_person_or_item_is_another_matter(world: World) -> None:
    filed(world, TOWNSHIP, RELIEF)
    assert not filed(world, TOWNSHIP, SUBSISTENCE).possible_duplicates
    assert not filed(world, TOWNSHIP, RELIEF, world.person()).possible_duplicates


def test_what_was_withdrawn_is_no_duplicate(world: World) -> None:
    do(world, TOWNSHIP, filed(world, TOWNSHIP, RELIEF), WITHDRAW)
    assert not filed(world, TOWNSHIP, RELIEF).possible_duplicates


def test_what_ended_without_a_decision_is_no_duplicate(world: World) -> None:
    """What was voided because it was entered twice is not what is wanted once more."""
    first = filed(world, TOWNSHIP, RELIEF)
    do(world, TOWNSHIP, first, commands.End(EndManner.VOID, "重复录入", ""))
    assert not filed(world, TOWNSHIP, RELIEF).possible_duplicates


def test_what_was_taken_back_is_no_duplicate_and_what_was_granted_is(world: World) -> None:
    card = filed(world, TOWNSHIP, ELDER_CARD)
    do(world, TOWNSHIP, card, GRANT, CLOSE)
    again = filed(world, TOWNSHIP, ELDER_CARD)
    assert [row.case_id for row in again.possible_duplicates] == [card.summary.case_id]
    do(world, TOWNSHIP, card, commands.RevokeDecision("以欺骗手段取得", "行政许可法第六十九条"))
    assert likes(world, TOWNSHIP, again) == []


def test_an_agent_does_not_learn_of_other_cases(world: World) -> None:
    """The villager may have filed at the hall; that is not for the agent to know."""
    put_accounts(world, TOWNSHIP, AGENT)
    filed(world, TOWNSHIP, SUBSISTENCE)
    given = mandate(world, SOMEBODY)
    register = wire.RegisterMandateRequest(act=act(AGENT), mandate=MANDATE.to_message(given))
    mandate_id = ask(face(world).RegisterMandate(register, None)).mandate.mandate_id
    request = file_request(
        world,
        actor=AGENT,
        applicant=SOMEBODY,
        intake_point="330127101200",
        mandate_id=mandate_id,
    )
    view = ask(face(world).FileCase(request, None)).case
    assert not view.possible_duplicates
    assert likes(world, TOWNSHIP, view, "agent") == []
    assert len(likes(world, TOWNSHIP, view)) == 1


def test_applications_that_share_a_transaction_show_each_other_and_what_was_there(
    world: World,
) -> None:
    before = filed(world, TOWNSHIP, RELIEF).summary.case_id
    other = replace(SOMEBODY, document_number="110105194912310038")
    requests = [
        file_request(world, item_id=RELIEF, applicant=who, papers=()) for who in (SOMEBODY, other)
    ]
    again = file_request(world, item_id=RELIEF, applicant=SOMEBODY, papers=())

    async def together() -> list[list[str]]:
        desk = face(world)
        answers = await asyncio.gather(*(desk.FileCase(one, None) for one in (*requests, again)))
        return [
            [answer.case.summary.case_id, *(row.case_id for row in answer.case.possible_duplicates)]
            for answer in answers
        ]

    (first, *first_shown), (_, *other_shown), (_, *second_shown) = ask(together())
    assert first_shown == [before]
    assert other_shown == []
    assert set(second_shown) == {first, before}


def test_where_too_many_look_alike_to_be_looked_up_at_once_each_looks_for_itself(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = filed(world, TOWNSHIP, RELIEF).summary.case_id
    filed(world, TOWNSHIP, RELIEF, replace(SOMEBODY, document_number="110105194912310038"))
    monkeypatch.setattr(alike, "LOOKED_UP_MAX", 1)
    shown = filed(world, TOWNSHIP, RELIEF).possible_duplicates
    assert [row.case_id for row in shown] == [before]

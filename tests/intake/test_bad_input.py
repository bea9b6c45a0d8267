"""What people and halls send by mistake or on purpose: a typed error, and nothing half done."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from google.protobuf.message import Message
from tests.exchange.test_face import ask
from tests.intake.parts import (
    ACCEPT,
    GRANT,
    HAND_OVER,
    RELIEF,
    REVIEW,
    SUBSISTENCE,
    act,
    asking,
    events_message,
    everything,
    face,
    file_request,
    raws,
    receive,
    set_aside,
    take_items,
)
from tests.simulation.halls import CHIEF, World
from tests.simulation.worlds import COUNTY, TOWNSHIP

from hallnet.case.item import ItemVersion, ShelfStatus
from hallnet.case.person import Person
from hallnet.case.problems import (
    ActNotPossible,
    IdentityNumberCheckDigit,
    IdentityNumberMalformed,
    ItemNotInForce,
    MaterialUnknown,
    NotTheCustodian,
)
from hallnet.node.bounds import ELEMENTS_MAX, ListTooLong, TextTooLong, require_bounds
from hallnet.problems import Problem
from hallnet.wire.case.v1 import case_event_pb2 as wire_event
from hallnet.wire.case.v1 import command_pb2 as wire_command
from hallnet.wire.intake.v1 import intake_service_pb2 as wire

NUMBER = "11010519491231002X"


def person(name: str = "方小明", number: str = NUMBER) -> Person:
    return Person(name, "111", number, "13900000000", "")


def file(world: World, applicant: Person, **values: Any) -> wire.CaseView:
    request = file_request(world, item_id=RELIEF, applicant=applicant, papers=(), **values)
    require_bounds(request)
    return ask(face(world).FileCase(request, None)).case  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    "name",
    [
        "𠮷野家",
        "㛃",
        "王😀芳",
        "买买提·艾力",
        "ＪＯＨＮ　Ｓｍｉｔｈ",
        "Ａ" * 200,
        "王\u200b芳",
        "ﷺ",
    ],
)
def test_a_name_is_kept_as_it_was_written_and_found_again(world: World, name: str) -> None:
    view = file(world, person(name))
    assert view.events[0].filed.applicant.name == name
    request = wire.ListCasesRequest(actor_id="chief", search=name, search_by=wire.SEARCH_BY_NAME)
    found = ask(face(world).ListCases(request, None)).cases
    assert [row.case_id for row in found] == [view.summary.case_id]


def test_a_name_of_ten_thousand_characters_is_refused(world: World) -> None:
    before = everything(world.at(TOWNSHIP))
    with pytest.raises(TextTooLong) as caught:
        file(world, person("王" * 10_000))
    assert caught.value.where == "applicant.name"
    assert everything(world.at(TOWNSHIP)) == before


@pytest.mark.parametrize(
    ("number", "problem"),
    [
        ("１１０１０５１９４９１２３１００２X", IdentityNumberMalformed),
        ("11010519490230002X", IdentityNumberMalformed),
        ("11010519491331002X", IdentityNumberMalformed),
        ("110105194912310021", IdentityNumberCheckDigit),
        ("11010519491231002x", IdentityNumberMalformed),
    ],
)
def test_a_wrong_identity_number_files_nothing(
    world: World, number: str, problem: type[Problem]
) -> None:
    tables_before = {
        name: rows
        for name, rows in everything(world.at(TOWNSHIP)).items()
        if name not in ("access_record", "material", "material_chunk")
    }
    with pytest.raises(problem):
        file(world, person(number=number))
    after = everything(world.at(TOWNSHIP))
    assert {name: after[name] for name in tables_before} == tables_before


def many_papers(world: World, count: int) -> tuple[ItemVersion, list[str]]:
    """The item asks for so many materials."""
    station = world.at(TOWNSHIP)
    item = station.intake.look(
        lambda c: station.hall.releases.item_to_file(c, RELIEF, world.time.now.date())
    )
    names = [f"材料{number}" for number in range(count)]
    model = item.materials[0]
    materials = tuple(replace(model, name=name) for name in names)
    return replace(item, version=item.version + 1, materials=materials), names


def test_a_form_with_five_hundred_materials_goes_through_its_whole_life(world: World) -> None:
    item, names = many_papers(world, 500)
    take_items(world, TOWNSHIP, [item])
    request = file_request(world, item_id=RELIEF, papers=names)
    require_bounds(request)
    view = ask(face(world).FileCase(request, None)).case
    assert len(view.materials) == 500
    case_id = view.summary.case_id
    accept = asking(act(), case_id, wire_command.Accept())
    assert ask(face(world).ActOnCase(accept, None)).case.summary.stage == wire.CASE_STAGE_ACCEPTED


def test_one_unknown_material_among_five_hundred_refuses_all(world: World) -> None:
    item, names = many_papers(world, 499)
    take_items(world, TOWNSHIP, [item])
    request = file_request(world, item_id=RELIEF, papers=[*names, "不知名"])
    with pytest.raises(MaterialUnknown):
        ask(face(world).FileCase(request, None))
    assert everything(world.at(TOWNSHIP))["case"] == []


def test_more_materials_than_any_form_has_are_not_even_looked_at(world: World) -> None:
    request = file_request(world, item_id=RELIEF, papers=())
    for _ in range(ELEMENTS_MAX + 1):
        request.materials.add(name="x")
    with pytest.raises(ListTooLong):
        require_bounds(request)


def test_an_item_that_is_withdrawn_between_draft_and_filing_is_refused(world: World) -> None:
    draft = file_request(world, item_id=RELIEF, papers=())
    station = world.at(TOWNSHIP)
    item = station.intake.look(
        lambda c: station.hall.releases.item_to_file(c, RELIEF, world.time.now.date())
    )
    filed = ask(face(world).FileCase(file_request(world, item_id=RELIEF, papers=()), None)).case
    gone = replace(item, version=item.version + 1, status=ShelfStatus.OFF_SHELF)
    take_items(world, TOWNSHIP, [gone])
    before = everything(station)["case"]
    with pytest.raises(ItemNotInForce):
        ask(face(world).FileCase(draft, None))
    assert everything(station)["case"] == before
    # What was filed before runs on under its version.
    assert filed.item.version == item.version


# Two clerks at once


def at_once(world: World, requests: Sequence[tuple[str, Any]], at: str = TOWNSHIP) -> list[Any]:
    """Several clerks ask in the same moment, through the face of one process."""

    async def all_of_them() -> list[Any]:
        counter = face(world, at)
        return await asyncio.gather(
            *(getattr(counter, method)(request, None) for method, request in requests),
            return_exceptions=True,
        )

    return asyncio.run(all_of_them())


def test_two_clerks_accept_a_case_at_once_and_one_of_them_is_told(world: World) -> None:
    case = world.file(TOWNSHIP, RELIEF)
    found = at_once(
        world,
        [("ActOnCase", asking(act(), case.case_id, wire_command.Accept())) for _ in range(3)],
    )
    assert Counter(type(answer) for answer in found) == {
        wire.ActOnCaseResponse: 1,
        ActNotPossible: 2,
    }
    assert len(raws(world.at(TOWNSHIP), case)) == 2


def test_two_clerks_decide_otherwise_at_once_and_one_decision_stands(world: World) -> None:
    case = world.file(TOWNSHIP, RELIEF)
    world.act(TOWNSHIP, case, ACCEPT)
    grant, refuse = (
        asking(
            act(CHIEF),
            case.case_id,
            wire_command.Decide(outcome=outcome, reasons="x", legal_basis="y"),
        )
        for outcome in (wire_event.OUTCOME_GRANTED, wire_event.OUTCOME_REFUSED)
    )
    found = at_once(world, [("ActOnCase", grant), ("ActOnCase", refuse)])
    assert isinstance(found[1], ActNotPossible)
    assert found[0].case.summary.stage == wire.CASE_STAGE_DECIDED
    papers = [
        event.decided.document_no
        for event in found[0].case.events
        if event.WhichOneof("fact") == "decided"
    ]
    assert len(papers) == 1


def test_numbers_of_papers_have_no_gap_where_an_act_was_refused(world: World) -> None:
    """The number that a refused act had taken goes to the next one."""
    cases = [world.file(TOWNSHIP, RELIEF) for _ in range(3)]
    asked = [cases[0], cases[0], cases[1], cases[2]]
    found = at_once(
        world,
        [("ActOnCase", asking(act(), case.case_id, wire_command.Accept())) for case in asked],
    )
    numbers = [
        answer.case.events[-1].accepted.document_no
        for answer in found
        if not isinstance(answer, Problem)
    ]
    assert numbers == [f"330127101受〔2026〕{number}号" for number in (1, 2, 3)]


def test_many_filed_at_once_have_each_a_number_of_its_own(world: World) -> None:
    requests = [("FileCase", file_request(world, item_id=RELIEF, papers=())) for _ in range(20)]
    found = at_once(world, requests)
    numbers = [answer.case.summary.case_no for answer in found]
    assert numbers == [f"330127101-20261123-{number:04}" for number in range(1, 21)]


def test_the_acts_of_one_case_in_one_moment_follow_each_other(world: World) -> None:
    case = world.file(TOWNSHIP, RELIEF)
    wanted: list[tuple[wire.Act, Message]] = [
        (act(), wire_command.Accept()),
        (act(CHIEF), wire_command.Decide(outcome=wire_event.OUTCOME_GRANTED, reasons="x")),
        (act(), wire_command.Close(method=wire_event.DELIVERY_METHOD_COUNTER, received_by="x")),
    ]
    found = at_once(
        world, [("ActOnCase", asking(by, case.case_id, command)) for by, command in wanted]
    )
    assert [answer.case.summary.stage for answer in found] == [
        wire.CASE_STAGE_ACCEPTED,
        wire.CASE_STAGE_DECIDED,
        wire.CASE_STAGE_CLOSED,
    ]
    assert [len(answer.case.events) for answer in found] == [2, 3, 4]


# Halls


def test_what_is_no_longer_here_is_not_acted_upon(world: World) -> None:
    case = world.file(TOWNSHIP, SUBSISTENCE)
    for command in (ACCEPT, REVIEW, HAND_OVER):
        world.act(TOWNSHIP, case, command)
    world.settle()
    before = raws(world.at(TOWNSHIP), case)
    with pytest.raises(NotTheCustodian):
        world.act(TOWNSHIP, case, GRANT)
    assert raws(world.at(TOWNSHIP), case) == before


def test_an_event_by_a_hall_that_is_not_the_custodian_is_set_aside(world: World) -> None:
    case = world.file(TOWNSHIP, SUBSISTENCE)
    for command in (ACCEPT, REVIEW, HAND_OVER):
        world.act(TOWNSHIP, case, command)
    world.settle()
    known = raws(world.at(COUNTY), case)
    receive(world, COUNTY, events_message("330127101", case.case_id, known[-1]))
    assert raws(world.at(COUNTY), case) == known
    assert [reason for _, reason in set_aside(world.at(COUNTY))] == ["EVENT_OUT_OF_TURN"]

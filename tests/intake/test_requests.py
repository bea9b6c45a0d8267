"""Wishes of applicants that are brought to one hall while another one has the case."""

from __future__ import annotations

import pytest
from tests.exchange.test_face import ask
from tests.intake.parts import (
    ACCEPT,
    AUTHORISATION,
    GRANT,
    HAND_OVER,
    MATERIAL,
    REFUSED,
    RELIEF,
    Post,
    act,
    asking,
    end_delivery,
    events_told,
    everything,
    face,
    facts,
    history,
    message,
    receive,
    reported_up,
    sent,
    set_aside,
    told,
)
from tests.simulation.halls import BEGINNING, World
from tests.simulation.worlds import COUNTY, OTHER_COUNTY, TOWNSHIP

from hallnet.case import command as commands
from hallnet.case.case import Case
from hallnet.case.event import (
    REQUEST,
    REQUEST_REFUSED,
    CaseRequest,
    CaseRequestRefused,
    Defect,
    Supplemented,
    Withdrawn,
)
from hallnet.case.person import Actor, ActorKind
from hallnet.case.problems import CaseInTransit, NotTheCustodian
from hallnet.case.stage import Stage
from hallnet.node import telemetry
from hallnet.store import sharing
from hallnet.store.sharing import HallBusy
from hallnet.wire.case.v1 import command_pb2 as wire_command
from hallnet.wire.feed.v1 import feed_pb2 as wire_feed
from hallnet.wire.intake.v1 import intake_service_pb2 as wire


def with_the_county(world: World) -> tuple[Case, Post]:
    """A case that the township gave to the county."""
    case, post = reported_up(world), Post(world)
    post.settle()
    return case, post


def withdraw(world: World, case: Case, request_id: str = "") -> wire.ActOnCaseResponse:
    request = asking(
        act(request_id=request_id), case.case_id, wire_command.Withdraw(reason="不办了")
    )
    answer: wire.ActOnCaseResponse = ask(face(world).ActOnCase(request, None))
    return answer


def test_a_wish_is_passed_on_to_the_custodian_and_done_there(world: World) -> None:
    case, post = with_the_county(world)
    answer = withdraw(world, case)
    assert answer.passed_on
    assert answer.case.summary.stage == wire.CASE_STAGE_REVIEWED
    post.settle()
    for address in (COUNTY, TOWNSHIP):
        assert facts(history(world.at(address), case))[-1] == "Withdrawn"
    withdrawn = history(world.at(TOWNSHIP), case)[-1]
    assert str(withdrawn.author) == COUNTY
    assert withdrawn.actor.name == "王首席"


def test_a_wish_that_is_asked_for_again_is_passed_on_once(world: World) -> None:
    case, post = with_the_county(world)
    first = withdraw(world, case, "one-request")
    assert withdraw(world, case, "one-request") == first
    assert len(told(world.at(TOWNSHIP), "case.request_sent")) == 1
    post.settle()
    assert told(world.at(COUNTY), "case.request_declined") == []


def test_a_wish_at_the_custodian_is_done_there_and_passed_on_to_nobody(world: World) -> None:
    case = world.file(TOWNSHIP, "subsistence-allowance")
    assert not withdraw(world, case).passed_on
    assert told(world.at(TOWNSHIP), "case.request_sent") == []
    assert facts(events_told(world.at(TOWNSHIP), case)) == ["Filed", "Withdrawn"]


def test_nothing_is_asked_for_while_a_case_is_on_its_way(world: World) -> None:
    case = reported_up(world)
    with pytest.raises(CaseInTransit):
        withdraw(world, case)
    assert told(world.at(TOWNSHIP), "case.request_sent") == []


def test_a_wish_that_the_custodian_refuses_is_told_to_staff_where_it_was_made(
    world: World,
) -> None:
    case, post = with_the_county(world)
    paper = MATERIAL.to_message(world.upload(TOWNSHIP, AUTHORISATION, b"new"))
    request = asking(act(), case.case_id, wire_command.Supplement(materials=[paper]))
    assert ask(face(world).ActOnCase(request, None)).passed_on
    post.settle()
    (declined,) = told(world.at(COUNTY), "case.request_declined")
    (refused,) = told(world.at(TOWNSHIP), "case.request_refused")
    answer = REQUEST_REFUSED.from_bytes(refused.payload)
    assert refused.payload == declined.payload
    assert answer.reason == "ACT_NOT_POSSIBLE"
    assert answer.request_id == request.act.request_id
    assert "已初审" in answer.explanation
    assert facts(history(world.at(COUNTY), case))[-1] == "TakenOver"


def test_the_materials_of_a_wish_go_with_it(world: World) -> None:
    case, _ = with_the_county(world)
    paper = world.upload(TOWNSHIP, AUTHORISATION, b"new")
    request = asking(
        act(), case.case_id, wire_command.Supplement(materials=[MATERIAL.to_message(paper)])
    )
    ask(face(world).ActOnCase(request, None))
    (entry,) = told(world.at(TOWNSHIP), "case.request_sent")
    (wanted,) = entry.dispatches
    assert wanted.recipient == COUNTY
    assert [attached.digest for attached in wanted.attachments] == [paper.digest]


def test_a_wish_for_a_case_that_went_back_meanwhile_is_refused(world: World) -> None:
    case, post = with_the_county(world)
    withdraw(world, case)
    world.act(COUNTY, case, GRANT)
    post.settle()
    refused = [
        REQUEST_REFUSED.from_bytes(entry.payload).reason
        for entry in told(world.at(TOWNSHIP), "case.request_refused")
    ]
    assert refused == ["CASE_IN_TRANSIT"]
    assert world.case(TOWNSHIP, case).stage is Stage.DECIDED  # type: ignore[union-attr]


def request_from(
    sender: str, case_id: str, kind: ActorKind = ActorKind.STAFF
) -> wire_feed.InboundMessage:
    actor = Actor(kind, "somebody", "某人")
    request = CaseRequest(case_id, "request-1", actor, BEGINNING, Withdrawn("不办了"))
    return message(sender, "case.request", case_id, REQUEST.to_bytes(request))


def test_a_request_that_is_refused_here_is_answered_to_nobody_but_its_sender(
    world: World,
) -> None:
    """A hall that did not receive the application speaks for no applicant."""
    case, post = with_the_county(world)
    receive(world, COUNTY, request_from(OTHER_COUNTY, case.case_id))
    (declined,) = told(world.at(COUNTY), "case.request_declined")
    assert [item.recipient for item in declined.dispatches] == [OTHER_COUNTY]
    answer = REQUEST_REFUSED.from_bytes(declined.payload)
    assert answer.reason == "EVENT_OUT_OF_TURN"
    post.settle()
    assert facts(history(world.at(COUNTY), case))[-1] == "TakenOver"


def test_a_request_for_a_case_that_is_not_known_is_refused(world: World) -> None:
    receive(world, COUNTY, request_from(TOWNSHIP, "01890000-0000-7000-8000-000000000009"))
    (declined,) = told(world.at(COUNTY), "case.request_declined")
    assert REQUEST_REFUSED.from_bytes(declined.payload).reason == "CASE_UNKNOWN"


def test_an_agent_asks_from_afar_for_no_more_than_the_mandate_allows(world: World) -> None:
    case, _ = with_the_county(world)
    receive(world, COUNTY, request_from(TOWNSHIP, case.case_id, ActorKind.AGENT))
    (declined,) = told(world.at(COUNTY), "case.request_declined")
    assert REQUEST_REFUSED.from_bytes(declined.payload).reason == "MANDATE_MISSING"


def test_a_supplement_from_afar_names_a_material_of_the_item(wide_world: World) -> None:
    world = wide_world
    case, post = world.file(COUNTY, "hukou-transfer-cross", for_division=OTHER_COUNTY), Post(world)
    world.act(COUNTY, case, HAND_OVER)
    post.settle()
    actor = Actor(ActorKind.STAFF, "clerk", "李窗口")
    wish = Supplemented((world.upload(COUNTY, "别的材料"),))
    request = CaseRequest(case.case_id, "request-2", actor, BEGINNING, wish)
    unclear = Defect(case.materials[0].name, "不清楚", "重拍")
    world.act(OTHER_COUNTY, case, commands.GiveNotice((unclear,)))
    receive(
        world,
        OTHER_COUNTY,
        message(COUNTY, "case.request", case.case_id, REQUEST.to_bytes(request)),
    )
    (declined,) = told(world.at(OTHER_COUNTY), "case.request_declined")
    assert REQUEST_REFUSED.from_bytes(declined.payload).reason == "MATERIAL_UNKNOWN"
    post.settle()
    paper = world.upload(COUNTY, case.materials[0].name, b"better")
    asked = asking(
        act(), case.case_id, wire_command.Supplement(materials=[MATERIAL.to_message(paper)])
    )
    assert ask(face(world, COUNTY).ActOnCase(asked, None)).passed_on
    post.settle()
    world.act(OTHER_COUNTY, case, ACCEPT)
    post.settle()
    assert facts(history(world.at(COUNTY), case))[-2:] == ["Supplemented", "Accepted"]


def test_only_the_hall_of_intake_passes_a_wish_on(world: World) -> None:
    branch = f"{COUNTY}-shebao"
    world.found(branch)
    case, post = world.file(branch, "resident-pension-enrolment"), Post(world)
    post.settle()
    request = asking(act(), case.case_id, wire_command.Withdraw(reason="不办了"))
    with pytest.raises(NotTheCustodian):
        ask(face(world, COUNTY).ActOnCase(request, None))
    assert told(world.at(COUNTY), "case.request_sent") == []


def test_a_wish_that_did_not_arrive_is_told_and_moves_no_case(world: World) -> None:
    case, _ = with_the_county(world)
    withdraw(world, case)
    end_delivery(world, TOWNSHIP, case, REFUSED, "TOO_LARGE", recipient=COUNTY, kind="case.request")
    assert len(told(world.at(TOWNSHIP), "case.undelivered")) == 1
    assert facts(history(world.at(TOWNSHIP), case))[-1] == "TakenOver"


def test_refusals_that_are_no_use_or_of_halls_without_a_part_are_set_aside(world: World) -> None:
    """What staff are told of the custodian's no comes from a hall of the case and can be read."""
    case, _ = with_the_county(world)
    refused = REQUEST_REFUSED.to_bytes(CaseRequestRefused(case.case_id, "r", "NO", "不行"))
    strange = REQUEST_REFUSED.to_bytes(CaseRequestRefused("\0", "r", "NO", "不行"))
    unknown = REQUEST_REFUSED.to_bytes(
        CaseRequestRefused("01890000-0000-7000-8000-000000000009", "r", "NO", "不行")
    )
    for sender, payload in (
        (COUNTY, b"\xff"),
        (COUNTY, strange),
        (COUNTY, unknown),
        (OTHER_COUNTY, refused),
    ):
        receive(world, TOWNSHIP, message(sender, "case.request_refused", case.case_id, payload))
    assert told(world.at(TOWNSHIP), "case.request_refused") == []
    assert set_aside(world.at(TOWNSHIP)) == [
        (COUNTY, "MESSAGE_MALFORMED"),
        (COUNTY, "MESSAGE_MALFORMED"),
        (COUNTY, "CASE_UNKNOWN"),
        (OTHER_COUNTY, "EVENT_OUT_OF_TURN"),
    ]
    receive(world, TOWNSHIP, message(COUNTY, "case.request_refused", "other", refused))
    assert [entry.subject for entry in told(world.at(TOWNSHIP), "case.request_refused")] == [
        case.case_id
    ]


def test_requests_that_are_no_use_are_set_aside(world: World) -> None:
    case, _ = with_the_county(world)
    before = everything(world.at(COUNTY))["case_event"]
    receive(
        world,
        COUNTY,
        message(TOWNSHIP, "case.request", case.case_id, b"\xff"),
        request_from(TOWNSHIP, "\0"),
        request_from(TOWNSHIP, "i" * 300),
    )
    assert set_aside(world.at(COUNTY)) == [(TOWNSHIP, "MESSAGE_MALFORMED")] * 3
    assert everything(world.at(COUNTY))["case_event"] == before
    assert sent(world.at(COUNTY), TOWNSHIP)[-1].kind == "case.events"


def test_what_an_act_tells_belongs_to_the_trace_of_the_act(world: World) -> None:
    trace = "0af7651916cd43dd8448eb211c80319c"
    case = world.file(TOWNSHIP, RELIEF)
    request = asking(act(), case.case_id, wire_command.Withdraw(reason="不办了"))

    async def traced() -> None:
        with telemetry.span("act", f"00-{trace}-b7ad6b7169203331-01"):
            await face(world).ActOnCase(request, None)

    ask(traced())
    [entry] = told(world.at(TOWNSHIP), "case.event")[-1:]
    assert entry.traceparent.split("-")[1] == trace


def test_who_is_told_to_come_again_later_costs_the_busy_hall_no_write(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody was refused anything by right: there is nothing to put on record."""
    case = world.file(TOWNSHIP, RELIEF)
    desk, before = face(world), everything(world.at(TOWNSHIP))
    request = asking(act(), case.case_id, wire_command.Withdraw(reason="不办了"))
    monkeypatch.setattr(sharing, "WAITING_MAX", 0)
    with pytest.raises(HallBusy):
        ask(desk.ActOnCase(request, None))
    assert everything(world.at(TOWNSHIP)) == before
    monkeypatch.undo()
    assert ask(desk.ActOnCase(request, None)).case.summary.stage == wire.CASE_STAGE_WITHDRAWN

"""First-handler responsibility at a hall: every case has an owner, through every way it can come."""

from __future__ import annotations

from typing import Any

import pytest
from tests.exchange.test_face import ask
from tests.intake.parts import (
    ACCEPT,
    AGENT,
    CLOSE,
    GRANT,
    HAND_OVER,
    RELIEF,
    REVIEW,
    SUBSISTENCE,
    Post,
    act,
    face,
    file_request,
    mandate,
    put_accounts,
    row_of,
)
from tests.intake.test_window import call
from tests.simulation.halls import CHIEF, CLERK, World
from tests.simulation.worlds import COUNTY, TOWNSHIP

from hallnet.case import command as commands
from hallnet.case.case import Case
from hallnet.case.mandate import MANDATE
from hallnet.case.ownership import ownership_of
from hallnet.case.person import Actor, ActorKind
from hallnet.case.problems import ActorUnknown, NotYours
from hallnet.intake.accounts import Account
from hallnet.wire.case.v1 import case_event_pb2 as wire_event
from hallnet.wire.intake.v1 import intake_service_pb2 as wire
from hallnet.wire.window.v1 import window_pb2 as wire_window

NEW = Account(Actor(ActorKind.STAFF, "new", "陈新人"), frozenset(), ())
TAKE = commands.TakeOwnership()


def owner_at(world: World, at: str, case: Case) -> str:
    held = world.case(at, case)
    assert held is not None
    return ownership_of(held).owner


def mine(world: World, owner: str, at: str = TOWNSHIP, **fields: Any) -> list[str]:
    request = wire.ListCasesRequest(actor_id="chief", owner=owner, **fields)
    return [row.case_no for row in ask(face(world, at).ListCases(request, None)).cases]


def view(world: World, case: Case, at: str = TOWNSHIP) -> wire.CaseView:
    request = wire.GetCaseRequest(case_ref=case.case_id, actor_id="chief", purpose="x")
    return ask(face(world, at).GetCase(request, None)).case  # type: ignore[no-any-return]


def rota(world: World, at: str, a: str, b: str = "", away: str = "") -> None:
    """A rota window for everything, with a post today."""
    today = world.time.now.date().isoformat()
    window = wire_window.Window(window_id="综合1", items=["*"], open=True, needs_rota=True)
    call(world, "PutWindow", at, window=window)
    call(world, "PutPost", at, post=wire_window.Post(post_id="民政", a=a, b=b))
    shift = wire_window.Shift(
        window_id="综合1", day=today, half=wire_window.HALF_MORNING, post_id="民政"
    )
    call(world, "PutShifts", at, shifts=[shift])
    if away:
        absence = wire_window.Absence(actor_id=away, first=today, last=today)
        call(world, "PutAbsence", at, absence=absence)


def test_who_files_at_the_counter_owns_the_case_and_finds_it_among_the_own_ones(
    world: World,
) -> None:
    case = world.file(TOWNSHIP, RELIEF)
    owner = view(world, case).owner
    assert (owner.actor_id, owner.name) == ("clerk", "李窗口")
    assert mine(world, "clerk") == [case.case_no]
    assert mine(world, "chief") == []


def test_a_colleague_finds_it_among_the_own_ones_from_acceptance(world: World) -> None:
    put_accounts(world, TOWNSHIP, NEW)
    case = world.file(TOWNSHIP, RELIEF)
    world.act(TOWNSHIP, case, commands.OfferOwnership("new"), CLERK)
    assert view(world, case).owner.offered_to == "new"
    assert (mine(world, "clerk"), mine(world, "new")) == ([case.case_no], [])
    with pytest.raises(NotYours):
        world.act(TOWNSHIP, case, TAKE, CLERK)
    world.act(TOWNSHIP, case, TAKE, NEW)
    assert (mine(world, "clerk"), mine(world, "new")) == ([], [case.case_no])
    assert list(view(world, case).owner.before) == ["clerk"]


def test_a_case_is_offered_to_staff_of_the_hall_alone(world: World) -> None:
    put_accounts(world, TOWNSHIP, AGENT)
    case = world.file(TOWNSHIP, RELIEF)
    for nobody in ("stranger", "agent"):
        with pytest.raises(ActorUnknown):
            world.act(TOWNSHIP, case, commands.OfferOwnership(nobody), CLERK)


def test_what_an_agent_files_goes_to_who_is_on_duty_b_while_a_is_away(world: World) -> None:
    put_accounts(world, TOWNSHIP, AGENT, NEW)
    rota(world, TOWNSHIP, a="clerk", b="new", away="clerk")
    person = world.person()
    register = wire.RegisterMandateRequest(
        act=act(AGENT), mandate=MANDATE.to_message(mandate(world, person))
    )
    mandate_id = ask(face(world).RegisterMandate(register, None)).mandate.mandate_id
    request = file_request(
        world,
        actor=AGENT,
        applicant=person,
        intake_point="330127101200",
        mandate_id=mandate_id,
        item_id=SUBSISTENCE,
    )
    request.channel = wire_event.CHANNEL_AGENT
    filed = ask(face(world).FileCase(request, None)).case
    assert filed.owner.actor_id == filed.summary.owner == "new"


def test_what_comes_from_the_net_goes_to_a_head_where_there_is_no_rota(world: World) -> None:
    request = file_request(world, item_id=SUBSISTENCE, actor=CLERK, for_prereview=True)
    request.channel = wire_event.CHANNEL_ONLINE
    assert ask(face(world).FileCase(request, None)).case.owner.actor_id == "chief"


def test_at_every_hall_on_its_way_somebody_owns_it_and_at_home_the_first_one_again(
    world: World,
) -> None:
    put_accounts(world, COUNTY, NEW)
    rota(world, COUNTY, a="new")
    post = Post(world)
    case = world.file(TOWNSHIP, SUBSISTENCE)
    for command in (ACCEPT, REVIEW, HAND_OVER):
        case = world.act(TOWNSHIP, case, command)
    assert owner_at(world, TOWNSHIP, case) == "clerk"
    post.settle()
    assert owner_at(world, COUNTY, case) == owner_at(world, TOWNSHIP, case) == "new"
    assert (mine(world, "new", COUNTY), mine(world, "clerk")) == ([case.case_no], [])
    assert view(world, case).owner.name == ""
    world.act(COUNTY, case, GRANT)
    post.settle()
    assert owner_at(world, TOWNSHIP, case) == "clerk"
    assert mine(world, "clerk") == [case.case_no]
    world.act(TOWNSHIP, case, CLOSE)
    assert mine(world, "clerk") == []
    assert row_of(world.at(TOWNSHIP), case).owner == ""


def test_while_a_is_away_b_finds_the_cases_of_a_and_may_hand_them_on(world: World) -> None:
    put_accounts(world, TOWNSHIP, NEW)
    case = world.file(TOWNSHIP, RELIEF)
    rota(world, TOWNSHIP, a="clerk", b="new")
    assert mine(world, "new") == []
    rota(world, TOWNSHIP, a="clerk", b="new", away="clerk")
    assert mine(world, "new") == [case.case_no]
    world.act(TOWNSHIP, case, commands.OfferOwnership("new"), NEW)
    world.act(TOWNSHIP, case, TAKE, NEW)
    assert owner_at(world, TOWNSHIP, case) == "new"


def test_the_own_ones_are_narrowed_by_stage_and_by_what_is_sought(world: World) -> None:
    first, second = world.file(TOWNSHIP, RELIEF), world.file(TOWNSHIP, RELIEF)
    world.act(TOWNSHIP, first, ACCEPT)
    assert mine(world, "clerk", stages=[wire.CASE_STAGE_ACCEPTED]) == [first.case_no]
    assert mine(world, "clerk", case_no_prefix=second.case_no) == [second.case_no]
    assert mine(world, CHIEF.actor.actor_id, case_no_prefix=second.case_no) == []

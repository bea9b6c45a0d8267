"""A hall is suspended, resumed and closed; another one goes on in its place, case by case, as was ordered."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from tests.exchange.test_face import ask
from tests.intake.parts import (
    ACCEPT,
    CLOSE,
    ELDER_CARD,
    GRANT,
    HAND_OVER,
    NOTICE,
    RELIEF,
    REVIEW,
    SUBSISTENCE,
    Post,
    face,
    reported_up,
    supplement,
)
from tests.simulation.halls import World
from tests.simulation.worlds import CITY, COUNTY, HALLS, OTHER_COUNTY, PROVINCE, TOWNSHIP, worlds

from hallnet.case import command as commands
from hallnet.case.case import Case
from hallnet.case.event import HandedOver, HandOverDeclined, HandOverPurpose
from hallnet.case.problems import ActNotPossible
from hallnet.case.rules.problems import SuccessorUnknown
from hallnet.case.stage import Stage
from hallnet.codec.moments import to_timestamp
from hallnet.intake import cases, counting, following, hall_state, tables
from hallnet.intake.hall_state import (
    REASON_LENGTH_MAX,
    HallNotIdle,
    HallState,
    HallStateUnusable,
    HallTakesNothing,
    TransferUnusable,
    may_become,
)
from hallnet.places import Address
from hallnet.places.problems import DivisionUnknown
from hallnet.wire.feed.v1 import feed_pb2 as wire_feed
from hallnet.wire.intake.v1 import intake_service_pb2 as wire

NEIGHBOUR = "330127102"
"""The township that goes on."""
TO_NEIGHBOUR = commands.HandOver("两镇合并", Address(NEIGHBOUR))
OPEN, SUSPENDED, CLOSED = (
    wire.HALL_STATE_OPEN,
    wire.HALL_STATE_SUSPENDED,
    wire.HALL_STATE_CLOSED,
)
_ids = itertools.count(1)


@pytest.fixture(params=["sqlite", "postgresql"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    """The usual halls and a second township of the county."""
    yield from worlds(request, tmp_path, halls=(*HALLS, NEIGHBOUR))


def request_id() -> str:
    return f"request-{next(_ids):08}"


def put(
    world: World, at: str, state: wire.HallState.ValueType, successor: str = ""
) -> wire.HallStanding:
    asked = wire.SetHallStateRequest(
        request_id=request_id(), state=state, reason="两镇合并", successor=successor
    )
    answer: wire.SetHallStateResponse = ask(face(world, at).SetHallState(asked, None))
    return answer.standing


def look(world: World, at: str) -> wire.GetHallStateResponse:
    answer: wire.GetHallStateResponse = ask(
        face(world, at).GetHallState(wire.GetHallStateRequest(), None)
    )
    return answer


def order(world: World, at: str = COUNTY, withdrawn: bool = False, **halls: str) -> None:
    asked = wire.OrderTransferRequest(
        request_id=request_id(),
        giver=halls.get("giver", TOWNSHIP),
        taker=halls.get("taker", NEIGHBOUR),
        reason="浙政函〔2026〕1号",
        withdrawn=withdrawn,
    )
    ask(face(world, at).OrderTransfer(asked, None))
    Post(world).settle()


def at(world: World, hall: str, case: Case) -> Case:
    return world.at(hall).intake.look(lambda c: cases.load(c, case.case_id))


# Suspended


def test_a_suspended_hall_takes_nothing_new_and_finishes_what_it_has(world: World) -> None:
    case = world.file(TOWNSHIP, RELIEF)
    put(world, TOWNSHIP, SUSPENDED)
    with pytest.raises(HallTakesNothing) as told:
        world.file(TOWNSHIP, ELDER_CARD)
    assert "两镇合并" in told.value.in_chinese()
    for command in (ACCEPT, GRANT, CLOSE):
        case = world.act(TOWNSHIP, case, command)
    assert case.stage is Stage.CLOSED
    put(world, TOWNSHIP, OPEN)
    world.file(TOWNSHIP, ELDER_CARD)


def test_a_suspended_hall_declines_what_is_handed_to_it_and_takes_its_own_back(
    world: World,
) -> None:
    post = Post(world)
    back = reported_up(world)
    post.settle()
    put(world, COUNTY, SUSPENDED)
    new = reported_up(world)
    post.settle()
    declined = at(world, TOWNSHIP, new).last(HandOverDeclined)
    assert declined is not None
    assert declined.reason == "HALL_TAKES_NOTHING"
    assert at(world, TOWNSHIP, new).custodian == Address(TOWNSHIP)
    put(world, TOWNSHIP, SUSPENDED)
    world.act(COUNTY, back, GRANT)
    post.settle()
    assert at(world, TOWNSHIP, back).custodian == Address(TOWNSHIP)


def test_the_halls_above_are_told_and_show_it_until_it_is_resumed(world: World) -> None:
    put(world, TOWNSHIP, SUSPENDED)
    Post(world).settle()
    for above in (COUNTY, CITY, PROVINCE):
        (found,) = look(world, above).below
        assert (found.hall, found.state, found.reason) == (TOWNSHIP, SUSPENDED, "两镇合并")
    assert not look(world, OTHER_COUNTY).below
    world.time.pass_by(minutes=1)
    put(world, TOWNSHIP, OPEN)
    Post(world).settle()
    assert not look(world, COUNTY).below


def test_what_a_hall_says_of_itself_is_believed_of_no_other_and_never_older(world: World) -> None:
    def say(sender: str, state: wire.HallState.ValueType, since: timedelta) -> None:
        told = wire.HallStanding(
            hall=TOWNSHIP, state=state, since=to_timestamp(world.time.now + since)
        )
        dispatch = wire_feed.Dispatch(
            kind=hall_state.STATE_KIND, subject="hall", payload=told.SerializeToString()
        )
        _receive(world, COUNTY, sender, dispatch)

    say(TOWNSHIP, SUSPENDED, timedelta(0))
    say(TOWNSHIP, OPEN, timedelta(hours=-1))
    say(OTHER_COUNTY, CLOSED, timedelta(0))
    assert [(one.hall, one.state) for one in look(world, COUNTY).below] == [(TOWNSHIP, SUSPENDED)]


def _receive(world: World, to: str, sender: str, dispatch: wire_feed.Dispatch) -> None:
    message = wire_feed.InboundMessage(
        sender=sender, kind=dispatch.kind, subject=dispatch.subject, payload=dispatch.payload
    )
    entry = wire_feed.FeedEntry(kind="message.received", payload=message.SerializeToString())
    station = world.at(to)
    station.intake.transact(
        lambda c: following.take_messages(c, station.hall, [entry], world.time.now)
    )


@pytest.mark.parametrize("payload", [b"\xff", b"", wire.HallStanding(state=99).SerializeToString()])  # type: ignore[arg-type]
def test_bytes_that_are_no_word_about_halls_hold_up_nothing(world: World, payload: bytes) -> None:
    for kind in (hall_state.STATE_KIND, hall_state.TRANSFER_KIND):
        dispatch = wire_feed.Dispatch(kind=kind, subject="hall", payload=payload)
        _receive(world, COUNTY, TOWNSHIP, dispatch)
    assert not look(world, COUNTY).below


@pytest.mark.parametrize(
    "states",
    [[OPEN], [CLOSED], [SUSPENDED, SUSPENDED], [SUSPENDED, CLOSED, OPEN], [0], [9]],
    ids=["open", "closed at once", "twice", "opened again", "none", "unknown"],
)
def test_a_hall_changes_from_open_to_suspended_and_from_there_alone(
    world: World, states: list[wire.HallState.ValueType]
) -> None:
    for state in states[:-1]:
        put(world, TOWNSHIP, state)
    with pytest.raises(HallStateUnusable):
        put(world, TOWNSHIP, states[-1])


def test_a_branch_hall_says_who_owns_it_and_who_guides_it(world: World) -> None:
    assert not look(world, COUNTY).standing.guide
    station = world.at(COUNTY)
    branch = replace(
        station.hall, address=Address(COUNTY, "shebao"), department="县人力资源和社会保障局"
    )
    found = station.intake.look(lambda c: hall_state.standing(c, branch))
    assert (found.guide, found.department) == (COUNTY, "县人力资源和社会保障局")


# Handed over


def test_every_open_case_goes_to_the_hall_that_goes_on_and_is_finished_there(world: World) -> None:
    """Received, accepted, reviewed, with the applicant, decided: each as it stands."""
    post = Post(world)
    order(world)
    received = world.file(TOWNSHIP, RELIEF)
    accepted = world.act(TOWNSHIP, world.file(TOWNSHIP, RELIEF), ACCEPT)
    reviewed = world.file(TOWNSHIP, SUBSISTENCE)
    for command in (ACCEPT, REVIEW):
        reviewed = world.act(TOWNSHIP, reviewed, command)
    asked = world.act(TOWNSHIP, world.file(TOWNSHIP, SUBSISTENCE), NOTICE)
    decided = world.act(TOWNSHIP, world.file(TOWNSHIP, ELDER_CARD), GRANT)
    put(world, TOWNSHIP, SUSPENDED)
    moved = (received, accepted, reviewed, asked, decided)
    for case in moved:
        world.act(TOWNSHIP, case, TO_NEIGHBOUR)
    post.settle()
    for case in moved:
        now = at(world, NEIGHBOUR, case)
        assert now.custodian == Address(NEIGHBOUR)
        assert now == at(world, TOWNSHIP, case)
    world.act(NEIGHBOUR, received, ACCEPT)
    for case in (received, accepted):
        world.act(NEIGHBOUR, case, GRANT)
    for case in (received, accepted, decided):
        world.act(NEIGHBOUR, case, CLOSE)
    asked = world.act(NEIGHBOUR, asked, supplement(world, NEIGHBOUR))
    assert asked.stage is Stage.RECEIVED
    # What is decided above comes back to the hall that goes on.
    world.act(NEIGHBOUR, reviewed, HAND_OVER)
    post.settle()
    world.act(COUNTY, reviewed, GRANT)
    post.settle()
    assert at(world, NEIGHBOUR, reviewed).custodian == Address(NEIGHBOUR)
    world.act(NEIGHBOUR, reviewed, CLOSE)
    post.settle()
    for hall in (TOWNSHIP, NEIGHBOUR):
        station = world.at(hall)
        kept = station.intake.look(counting.kept)
        assert kept == station.intake.look(lambda c, s=station: counting.from_events(c, s.hall))  # type: ignore[misc]


def test_the_due_date_stays_what_it_was(world: World) -> None:
    order(world)
    case = world.act(TOWNSHIP, world.file(TOWNSHIP, RELIEF), ACCEPT)
    world.act(TOWNSHIP, case, TO_NEIGHBOUR)
    Post(world).settle()

    def due(hall: str) -> object:
        found = at(world, hall, case)
        return world.at(hall).intake.look(lambda c: cases.row_of(c, found).due_on)

    assert due(TOWNSHIP) == due(NEIGHBOUR)


def test_a_case_goes_to_nobody_who_was_not_ordered_to_go_on(world: World) -> None:
    case = world.file(TOWNSHIP, RELIEF)
    with pytest.raises(SuccessorUnknown):
        world.act(TOWNSHIP, case, TO_NEIGHBOUR)
    order(world)
    order_back(world)
    with pytest.raises(SuccessorUnknown):
        world.act(TOWNSHIP, case, TO_NEIGHBOUR)


def order_back(world: World) -> None:
    world.time.pass_by(minutes=1)
    order(world, withdrawn=True)


def test_a_hall_takes_no_cases_for_good_that_it_was_not_told_of(world: World) -> None:
    """An order that reached the giver alone moves nothing: the case is back with it."""
    order(world)
    post = Post(world)
    post.settle()
    station = world.at(NEIGHBOUR)
    station.intake.transact(lambda c: c.execute(tables.transfer.delete()))
    case = world.file(TOWNSHIP, RELIEF)
    world.act(TOWNSHIP, case, TO_NEIGHBOUR)
    post.settle()
    found = at(world, TOWNSHIP, case)
    assert found.custodian == Address(TOWNSHIP)
    declined = found.last(HandOverDeclined)
    assert declined is not None
    assert declined.reason == "SUCCESSION_NOT_ORDERED"


def test_a_case_goes_on_to_the_next_successor(world: World) -> None:
    """Moved twice: the hall that holds it now is the competent one."""
    order(world)
    order(world, giver=NEIGHBOUR, taker=TOWNSHIP)
    post = Post(world)
    case = world.file(TOWNSHIP, RELIEF)
    world.act(TOWNSHIP, case, TO_NEIGHBOUR)
    post.settle()
    world.act(NEIGHBOUR, case, commands.HandOver("改回", Address(TOWNSHIP)))
    post.settle()
    found = at(world, TOWNSHIP, case)
    assert found.custodian == found.competent_hall == found.home == Address(TOWNSHIP)
    assert [one.purpose for one in found.all_of(HandedOver)] == [HandOverPurpose.SUCCESSION] * 2
    world.act(TOWNSHIP, case, ACCEPT)


def test_what_has_ended_stays_where_it_is(world: World) -> None:
    order(world)
    case = world.file(TOWNSHIP, ELDER_CARD)
    for command in (GRANT, CLOSE):
        case = world.act(TOWNSHIP, case, command)
    with pytest.raises(ActNotPossible):
        world.act(TOWNSHIP, case, TO_NEIGHBOUR)


@pytest.mark.parametrize(
    ("by", "giver", "taker"),
    [
        (TOWNSHIP, TOWNSHIP, NEIGHBOUR),
        (OTHER_COUNTY, TOWNSHIP, NEIGHBOUR),
        (COUNTY, COUNTY, NEIGHBOUR),
        (COUNTY, TOWNSHIP, TOWNSHIP),
        (COUNTY, TOWNSHIP, OTHER_COUNTY),
    ],
)
def test_a_transfer_is_ordered_by_a_hall_above_both(
    world: World, by: str, giver: str, taker: str
) -> None:
    with pytest.raises(TransferUnusable):
        order(world, by, giver=giver, taker=taker)


def test_an_order_of_a_hall_that_is_not_above_both_is_none(world: World) -> None:
    told = wire.Transfer(
        giver=TOWNSHIP, taker=NEIGHBOUR, reason="x", ordered_at=to_timestamp(world.time.now)
    )
    dispatch = wire_feed.Dispatch(
        kind=hall_state.TRANSFER_KIND, subject="hall", payload=told.SerializeToString()
    )
    for sender in (NEIGHBOUR, OTHER_COUNTY, TOWNSHIP):
        _receive(world, TOWNSHIP, sender, dispatch)
    assert not look(world, TOWNSHIP).successors
    _receive(world, TOWNSHIP, CITY, dispatch)
    assert list(look(world, TOWNSHIP).successors) == [NEIGHBOUR]


# Closed


def test_a_hall_is_closed_when_nothing_is_open_there_and_not_before(world: World) -> None:
    post = Post(world)
    order(world)
    here = world.file(TOWNSHIP, RELIEF)
    there = reported_up(world)
    post.settle()
    put(world, TOWNSHIP, SUSPENDED)
    with pytest.raises(HallNotIdle):
        put(world, TOWNSHIP, CLOSED, NEIGHBOUR)
    found = look(world, TOWNSHIP)
    assert (found.in_hand, found.in_transit, found.to_come_back) == (1, 0, 1)
    world.act(TOWNSHIP, here, TO_NEIGHBOUR)
    found = look(world, TOWNSHIP)
    assert (found.in_hand, found.in_transit, found.to_come_back) == (0, 1, 1)
    post.settle()
    world.act(COUNTY, there, GRANT)
    post.settle()
    found = look(world, TOWNSHIP)
    assert (found.in_hand, found.in_transit, found.to_come_back) == (1, 0, 0)
    world.act(TOWNSHIP, there, TO_NEIGHBOUR)
    post.settle()
    put(world, TOWNSHIP, CLOSED, NEIGHBOUR)
    with pytest.raises(HallTakesNothing) as told:
        world.file(TOWNSHIP, ELDER_CARD)
    assert NEIGHBOUR in told.value.in_chinese()
    assert "已关闭" in told.value.in_chinese()
    world.act(NEIGHBOUR, there, CLOSE)


def test_who_hands_something_to_a_closed_hall_is_told_who_goes_on(world: World) -> None:
    put(world, COUNTY, SUSPENDED)
    put(world, COUNTY, CLOSED, OTHER_COUNTY)
    case = reported_up(world)
    Post(world).settle()
    declined = at(world, TOWNSHIP, case).last(HandOverDeclined)
    assert declined is not None
    assert OTHER_COUNTY in declined.explanation


def test_a_successor_that_no_register_knows_is_refused(world: World) -> None:
    put(world, TOWNSHIP, SUSPENDED)
    with pytest.raises(DivisionUnknown):
        put(world, TOWNSHIP, CLOSED, "330127999")


def test_a_hall_is_suspended_before_it_is_closed_and_a_closed_one_stays_closed() -> None:
    """Without a hall: the rule alone, for every pair."""
    possible = {
        (before, wanted)
        for before in HallState
        for wanted in HallState
        if may_become(before, wanted, "撤并", "")
    }
    assert possible == {
        (HallState.OPEN, HallState.SUSPENDED),
        (HallState.SUSPENDED, HallState.OPEN),
        (HallState.SUSPENDED, HallState.CLOSED),
    }
    assert may_become(HallState.SUSPENDED, HallState.CLOSED, "撤并", "330127101")
    assert not may_become(HallState.SUSPENDED, HallState.OPEN, "撤并", "330127101")
    for reason in ("", "\0", "字" * (REASON_LENGTH_MAX + 1)):
        assert not may_become(HallState.OPEN, HallState.SUSPENDED, reason, "")

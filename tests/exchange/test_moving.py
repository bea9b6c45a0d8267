"""A hall goes on under another address only once it is closed, whenever its moment was to be."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from tests.exchange.parts import told
from tests.simulation.halls import World
from tests.simulation.worlds import CITY, COUNTY, TOWNSHIP

from hallnet.exchange import following
from hallnet.exchange.certificates import moving
from hallnet.exchange.certificates.moving import HELD_KIND, TELL_AGAIN_AFTER, HallNotClosed
from hallnet.exchange.certificates.succeeding import (
    NotAboveBoth,
    NothingToWithdraw,
    SuccessionUnusable,
)
from hallnet.places import Address
from hallnet.store.feed import Entry
from hallnet.wire.feed.v1 import feed_pb2 as wire_feed
from hallnet.wire.intake.v1 import intake_service_pb2 as wire_intake
from hallnet.wire.trust.v1 import certificate_pb2 as wire

MOVED, ELSEWHERE = "330110012", "330110013"
DAY = timedelta(days=1)


def move(
    world: World,
    effective_at: datetime | None = None,
    new: str = MOVED,
    at: str = CITY,
    gone: bool = False,
    reason: str = "浙政函〔2026〕1号",
) -> wire.Succession | None:
    hall, now = world.at(at), world.time.now
    return hall.exchange.transact(
        lambda c: moving.move(
            c,
            hall.context,
            Address.parse(TOWNSHIP),
            Address.parse(new),
            reason,
            effective_at or now,
            now,
            gone,
        )
    )


def withdraw(world: World) -> wire.Succession | None:
    city = world.at(CITY)
    return city.exchange.transact(
        lambda c: moving.withdraw(
            c, city.context, Address(TOWNSHIP), Address(MOVED), "有误", world.time.now
        )
    )


def close(
    world: World, state: wire_intake.HallState.ValueType = wire_intake.HALL_STATE_CLOSED
) -> None:
    """As the intake of the city tells it, when a hall below has told it."""
    city = world.at(CITY)
    payload = wire_intake.HallStanding(hall=TOWNSHIP, state=state).SerializeToString()
    entry = wire_feed.FeedEntry(kind="hall.state", subject=TOWNSHIP, payload=payload)
    city.exchange.transact(lambda c: following.take(c, city.context, [entry], world.time.now))


def carry_out(world: World) -> list[Entry]:
    city = world.at(CITY)
    return city.exchange.transact(lambda c: moving.carry_out(c, city.context, world.time.now))


def goes_on_as(world: World) -> str:
    trust = world.restart(CITY).context.trust
    return str(trust.goes_on_as(Address(TOWNSHIP), world.time.now))


def test_a_hall_that_is_not_closed_does_not_move_at_once(world: World) -> None:
    with pytest.raises(HallNotClosed):
        move(world)
    close(world, wire_intake.HALL_STATE_SUSPENDED)
    with pytest.raises(HallNotClosed):
        move(world)
    close(world)
    assert move(world) is not None
    assert goes_on_as(world) == MOVED


def test_a_hall_that_is_lost_moves_though_nobody_closed_it(world: World) -> None:
    assert move(world, gone=True) is not None
    assert goes_on_as(world) == MOVED


def test_a_move_that_lies_ahead_is_stated_in_its_moment_and_not_before(world: World) -> None:
    assert move(world, world.time.now + DAY) is None
    close(world)
    assert carry_out(world) == []
    assert told(world.at(CITY), "trust.stated") == []
    world.time.pass_by(days=1)
    assert carry_out(world) == []
    assert len(told(world.at(CITY), "trust.stated")) == 1
    assert goes_on_as(world) == MOVED
    assert carry_out(world) == []
    assert len(told(world.at(CITY), "trust.stated")) == 1


def test_a_moment_does_not_pass_with_the_hall_still_open(world: World) -> None:
    """The move is held, people are told once a day, and it happens when the hall is closed."""
    move(world, world.time.now + DAY)
    world.time.pass_by(days=1)
    (entry,) = carry_out(world)
    assert (entry.kind, entry.subject) == (HELD_KIND, TOWNSHIP)
    assert carry_out(world) == []
    assert goes_on_as(world) == TOWNSHIP
    world.time.now += TELL_AGAIN_AFTER
    assert len(carry_out(world)) == 1
    city = world.at(CITY)
    (planned,) = city.exchange.look(lambda c: moving.planned(c, world.time.now))
    assert planned.held
    close(world)
    assert carry_out(world) == []
    assert goes_on_as(world) == MOVED
    assert city.exchange.look(lambda c: moving.planned(c, world.time.now)) == []


def test_a_lost_hall_moves_in_its_moment_though_nobody_closed_it(world: World) -> None:
    move(world, world.time.now + DAY, gone=True)
    world.time.pass_by(days=1)
    assert carry_out(world) == []
    assert goes_on_as(world) == MOVED


def test_a_move_that_is_held_can_be_taken_back_and_one_in_effect_cannot(world: World) -> None:
    move(world, world.time.now + DAY)
    world.time.pass_by(days=2)
    assert withdraw(world) is None
    close(world)
    assert carry_out(world) == []
    assert goes_on_as(world) == TOWNSHIP
    with pytest.raises(NothingToWithdraw):
        withdraw(world)
    move(world)
    with pytest.raises(NothingToWithdraw):
        withdraw(world)


def test_of_two_moves_of_one_hall_the_later_one_counts(world: World) -> None:
    move(world, world.time.now + DAY, ELSEWHERE)
    move(world, world.time.now + DAY)
    close(world)
    world.time.pass_by(days=1)
    carry_out(world)
    assert goes_on_as(world) == MOVED


def test_a_move_that_cannot_be_stated_is_not_noted(world: World) -> None:
    later = world.time.now + DAY
    with pytest.raises(NotAboveBoth):
        move(world, later, at=COUNTY)
    with pytest.raises(SuccessionUnusable):
        move(world, later, reason=" ")
    assert world.at(CITY).exchange.look(lambda c: moving.planned(c, later)) == []

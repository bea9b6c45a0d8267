"""Past the hard expiry of its trust data a hall queues what it would send, and goes on to renew them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from tests.exchange.parts import (
    deliveries,
    dispatch,
    follow,
    in_force,
    messages,
    reasons,
    settle_exchanges,
    want,
)
from tests.exchange.test_face import ask, face, homes
from tests.exchange.test_sending import trust_release
from tests.simulation.halls import BEGINNING, World
from tests.simulation.worlds import CITY, COUNTY, OTHER_COUNTY, TOWNSHIP

from hallnet.federation.delivery import State
from hallnet.node.home import Home
from hallnet.trust.freshness import CARRIED_ALWAYS, HARD_EXPIRY, SOFT_EXPIRY
from hallnet.wire.exchange.v1 import exchange_service_pb2 as wire

__all__ = ["homes"]
SECOND = timedelta(seconds=1)


@pytest.fixture(autouse=True)
def bundled(world: World) -> None:
    """Every hall has a bundle of today."""
    for address in world.stations:
        follow(world, address, in_force(trust_release(world)))


def states(world: World, at: str) -> list[State]:
    return [State(row.state) for row in deliveries(world.at(at))]


def test_up_to_the_hard_expiry_everything_is_sent(world: World) -> None:
    world.time.now = BEGINNING + HARD_EXPIRY - SECOND
    want(world, COUNTY, dispatch(OTHER_COUNTY))
    settle_exchanges(world)
    assert states(world, COUNTY) == [State.ACCEPTED]


def test_past_it_all_waits_and_goes_when_a_fresh_bundle_comes(world: World) -> None:
    world.time.now = BEGINNING + HARD_EXPIRY
    want(world, COUNTY, dispatch(OTHER_COUNTY), dispatch(TOWNSHIP))
    settle_exchanges(world)
    assert states(world, COUNTY) == [State.UNSEALED] * 2
    release = trust_release(world, 2)
    follow(world, COUNTY, in_force(release))
    assert states(world, COUNTY) == [State.UNSEALED] * 2  # this one is as old as the first


@pytest.mark.parametrize("kind", sorted(CARRIED_ALWAYS))
def test_past_it_what_renews_trust_data_is_sent_all_the_same(world: World, kind: str) -> None:
    world.time.now = BEGINNING + HARD_EXPIRY
    want(world, COUNTY, dispatch(CITY, kind=kind), dispatch(CITY))
    settle_exchanges(world)
    assert {row.kind for row in deliveries(world.at(COUNTY)) if row.state != State.UNSEALED} == {
        kind
    }


def test_past_it_a_hall_still_takes_and_passes_on(world: World) -> None:
    """Whether the sender is believed is judged by what is known; the recipient judges for itself."""
    county = world.at(COUNTY)
    assert county.context.trust.standing is not None
    world.time.now = BEGINNING + SOFT_EXPIRY
    for address in (TOWNSHIP, OTHER_COUNTY):
        world.at(address).context.trust.standing = None
    world.time.now = BEGINNING + HARD_EXPIRY - timedelta(minutes=6)
    want(world, TOWNSHIP, dispatch(OTHER_COUNTY))
    world.time.now = BEGINNING + HARD_EXPIRY
    settle_exchanges(world)
    assert [message.sender for message in messages(world.at(OTHER_COUNTY))] == [TOWNSHIP]
    assert reasons(county) == []


@pytest.mark.parametrize(
    ("age", "expected"),
    [
        (timedelta(0), wire.TRUST_FRESHNESS_FRESH),
        (SOFT_EXPIRY, wire.TRUST_FRESHNESS_STALE),
        (HARD_EXPIRY, wire.TRUST_FRESHNESS_EXPIRED),
    ],
)
def test_the_status_says_how_fresh_they_are(
    world: World, homes: dict[str, Home], age: timedelta, expected: int
) -> None:
    world.time.now = BEGINNING + age
    status = ask(face(world, homes).GetStatus(wire.GetStatusRequest(), None))
    assert status.trust_freshness == expected
    assert status.trust_soft_expires_at.ToDatetime(BEGINNING.tzinfo) == BEGINNING + SOFT_EXPIRY
    assert status.trust_hard_expires_at.ToDatetime(BEGINNING.tzinfo) == BEGINNING + HARD_EXPIRY


def test_a_hall_that_was_just_founded_is_fresh_without_a_bundle(
    world: World, homes: dict[str, Home]
) -> None:
    context = world.at(COUNTY).context
    context.trust.standing = None
    founded_at = context.home.certificate.body.not_before
    status = ask(face(world, homes).GetStatus(wire.GetStatusRequest(), None))
    assert (status.trust_version, status.trust_freshness) == (0, wire.TRUST_FRESHNESS_FRESH)
    world.time.now = founded_at + HARD_EXPIRY
    status = ask(face(world, homes).GetStatus(wire.GetStatusRequest(), None))
    assert status.trust_freshness == wire.TRUST_FRESHNESS_EXPIRED

"""A hall that lost its records knows the children again that it had certified since its backup."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from tests.exchange.losses import Backup, backup_of, recover
from tests.exchange.parts import deliveries, dispatch, follow, greet, in_force, told, want
from tests.exchange.test_certifying import KEY, NEWCOMER, asked, certify, first
from tests.exchange.test_sending import trust_release
from tests.simulation.halls import World
from tests.simulation.worlds import CITY, COUNTY, TOWNSHIP

from hallnet.exchange.certificates import certifying, moving
from hallnet.federation.delivery import State
from hallnet.places import Address
from hallnet.trust.certificate import Certificate, make_request
from hallnet.wire.intake.v1 import intake_service_pb2 as wire_intake
from hallnet.wire.trust.v1 import certificate_pb2 as wire_trust

NEW = Address(NEWCOMER)


@pytest.fixture
def before(world: World) -> Backup:
    """Of the county, when it had not certified the newcomer."""
    greet(world, TOWNSHIP, COUNTY)
    greet(world, COUNTY, CITY)
    return backup_of(world, COUNTY)


def certified(world: World) -> Certificate:
    made = first(certify(world, COUNTY, make_request(asked(world), KEY)))
    greet(world, COUNTY, CITY)
    return made


def lose(world: World, backup: Backup) -> None:
    recover(world, COUNTY, backup, CITY, TOWNSHIP)
    assert NEW not in world.at(COUNTY).context.children


def states(world: World) -> list[State]:
    rows = deliveries(world.at(COUNTY))
    return [State(row.state) for row in rows if row.recipient == NEWCOMER]


def publish(
    world: World, *others: Certificate, revocations: Sequence[wire_trust.Revocation] = ()
) -> None:
    follow(world, COUNTY, in_force(trust_release(world, 7, others, revocations)))


def test_the_trust_bundle_names_a_child_that_was_forgotten(world: World, before: Backup) -> None:
    certificate = certified(world)
    lose(world, before)
    publish(world, certificate)
    assert NEW in world.at(COUNTY).context.children
    assert NEWCOMER in [entry.subject for entry in told(world.at(COUNTY), "child.enrolled")]
    assert NEW in world.restart(COUNTY).context.children


def test_what_waited_for_it_goes_then(world: World, before: Backup) -> None:
    certificate = certified(world)
    lose(world, before)
    want(world, COUNTY, dispatch(NEWCOMER))
    assert states(world) == [State.UNSEALED]
    publish(world, certificate)
    assert states(world) == [State.WAITING]


def test_a_hall_that_lost_nothing_gets_no_child_from_a_bundle(world: World) -> None:
    certificate = certified(world)
    county = world.at(COUNTY)
    county.exchange.transact(
        lambda c: certifying.revoke_child(
            c, county.context, NEW, "closed", world.time.now, world.time.now
        )
    )
    publish(world, certificate)
    assert NEW not in county.context.children


def test_who_was_shut_out_is_no_child_again(world: World, before: Backup) -> None:
    certificate = certified(world)
    county = world.at(COUNTY)
    revocations = county.exchange.transact(
        lambda c: certifying.revoke_child(
            c, county.context, NEW, "stolen", world.time.now, world.time.now
        )
    )
    greet(world, COUNTY, CITY)
    lose(world, before)
    publish(world, certificate, revocations=revocations)
    assert NEW not in world.at(COUNTY).context.children


def test_a_hall_that_is_closed_is_no_child_again(world: World, before: Backup) -> None:
    certificate = certified(world)
    lose(world, before)
    standing = wire_intake.HallStanding(hall=NEWCOMER, state=wire_intake.HALL_STATE_CLOSED)
    world.at(COUNTY).exchange.transact(
        lambda c: moving.take_state(c, standing.SerializeToString(), world.time.now)
    )
    publish(world, certificate)
    assert NEW not in world.at(COUNTY).context.children


def test_a_child_of_another_hall_is_no_child_here(world: World, before: Backup) -> None:
    certified(world)
    lose(world, before)
    elsewhere = first(certify(world, CITY, make_request(asked(world, "330182"), KEY)))
    publish(world, elsewhere)
    assert world.at(COUNTY).context.children == {Address(TOWNSHIP)}

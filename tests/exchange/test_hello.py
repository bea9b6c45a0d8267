"""Hellos: what a neighbour tells of itself is noted, and a neighbour that went back in time is noticed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from tests.exchange.parts import (
    VERSION,
    everything,
    hear,
    hello,
    incidents,
    talk,
)
from tests.simulation.halls import World
from tests.simulation.worlds import CITY, COUNTY, TOWNSHIP

from hallnet.codec.moments import from_timestamp
from hallnet.exchange.link import links
from hallnet.exchange.link.links import Neighbour
from hallnet.federation.limits import CLOCK_SKEW_MAX
from hallnet.places import Address
from hallnet.trust.evidence import read_checkpoint
from hallnet.wire.exchange.v1 import link_pb2 as wire


def known(world: World, at: str, neighbour: str) -> Neighbour:
    return world.at(at).exchange.look(lambda c: links.load_all(c)[Address(neighbour)])


def test_a_hello_says_who_speaks_what_time_it_is_and_how_far_the_journal_is(world: World) -> None:
    talk(world)
    said = hello(world, TOWNSHIP, COUNTY)
    assert said.address == TOWNSHIP
    assert from_timestamp(said.clock) == world.time.now
    assert said.version == VERSION
    assert list(said.suites) == [1]
    assert said.last_sent_sequence > said.last_taken_sequence == 0
    assert hello(world, COUNTY, TOWNSHIP).last_taken_sequence == said.last_sent_sequence
    assert said.incarnation == world.at(TOWNSHIP).context.incarnation
    head = read_checkpoint(said.head)
    assert head.checkpoint.address == Address(TOWNSHIP)
    assert head.checkpoint.size == 2


def test_a_hall_that_never_sent_anything_says_hello_all_the_same(world: World) -> None:
    hear(world, COUNTY, TOWNSHIP, hello(world, TOWNSHIP, COUNTY))
    assert known(world, COUNTY, TOWNSHIP).link.up
    assert not hello(world, COUNTY, TOWNSHIP).HasField("seen_head")


@pytest.mark.parametrize("skew", [timedelta(0), timedelta(seconds=90), timedelta(minutes=-7)])
def test_the_neighbours_clock_and_version_are_noted(world: World, skew: timedelta) -> None:
    said = hello(world, TOWNSHIP, COUNTY)
    said.clock.FromDatetime(world.time.now + skew)
    said.version = "v" * 100
    hear(world, COUNTY, TOWNSHIP, said)
    found = known(world, COUNTY, TOWNSHIP)
    assert found.clock_skew_ms == skew.total_seconds() * 1000
    assert found.version == "v" * links.VERSION_LENGTH_MAX


def hello_with_skew(world: World, skew: timedelta) -> wire.Hello:
    said = hello(world, TOWNSHIP, COUNTY)
    said.clock.FromDatetime(world.time.now + skew)
    return said


@pytest.mark.parametrize("sign", [1, -1])
def test_clocks_that_part_by_more_than_the_bound_are_an_incident_once(
    world: World, sign: int
) -> None:
    bound, beyond = sign * CLOCK_SKEW_MAX, sign * (CLOCK_SKEW_MAX + timedelta(seconds=1))
    for skew in (bound, beyond, beyond * 2, beyond):
        hear(world, COUNTY, TOWNSHIP, hello_with_skew(world, skew))
    (incident,) = incidents(world.at(COUNTY))
    assert (incident.reason, incident.neighbour) == ("CLOCKS_APART", TOWNSHIP)


def test_clocks_that_part_again_are_another_incident(world: World) -> None:
    for minutes in (0, 9, 0, 9):
        world.time.pass_by(minutes=1)
        hear(world, COUNTY, TOWNSHIP, hello_with_skew(world, timedelta(minutes=minutes)))
    reasons = [item.reason for item in incidents(world.at(COUNTY))]
    assert reasons == ["CLOCKS_APART"] * 2


def test_both_halls_notice_and_what_they_send_is_still_judged_by_its_own_date(
    world: World,
) -> None:
    """The township's clock runs six minutes ahead: each finds the other's apart."""
    ahead = timedelta(minutes=6)
    hear(world, COUNTY, TOWNSHIP, hello_with_skew(world, ahead))
    answer = hello(world, COUNTY, TOWNSHIP)
    world.time.now += ahead
    hear(world, TOWNSHIP, COUNTY, answer)
    for one, other in ((COUNTY, TOWNSHIP), (TOWNSHIP, COUNTY)):
        (incident,) = incidents(world.at(one))
        assert (incident.reason, incident.neighbour) == ("CLOCKS_APART", other)


def test_a_head_from_the_future_is_not_followed_before_its_time(world: World) -> None:
    """Else a hall with a fast clock would seem to have rewound its journal when it is set right."""
    ahead = CLOCK_SKEW_MAX + timedelta(seconds=1)
    world.time.now += ahead
    talk(world)
    said = hello(world, TOWNSHIP, COUNTY)
    world.time.now -= ahead
    hear(world, COUNTY, TOWNSHIP, said)
    assert known(world, COUNTY, TOWNSHIP).seen_size == 0
    world.time.pass_by(seconds=1)
    hear(world, COUNTY, TOWNSHIP, said)
    assert known(world, COUNTY, TOWNSHIP).seen_size > 0


def test_a_hello_ends_the_pause_of_a_link(world: World) -> None:
    county = world.at(COUNTY)
    failed = links.load
    county.exchange.transact(
        lambda c: links.store(
            c, Address(TOWNSHIP), failed(c, Address(TOWNSHIP)).failed(world.time.now, 0.5)
        )
    )
    assert not known(world, COUNTY, TOWNSHIP).link.may_send(world.time.now)
    hear(world, COUNTY, TOWNSHIP, hello(world, TOWNSHIP, COUNTY))
    link = known(world, COUNTY, TOWNSHIP).link
    assert link.may_send(world.time.now)
    assert (link.up, link.failures, link.heard_at) == (True, 0, world.time.now)


UNREADABLE: dict[str, Callable[[wire.Hello], None]] = {
    "a clock beyond all years": lambda said: setattr(said.clock, "seconds", 2**60),
    "a clock before all years": lambda said: setattr(said.clock, "seconds", -(2**60)),
    "a version that no store keeps": lambda said: setattr(said, "version", "1\0"),
    "rubbish for a head": lambda said: setattr(said.head, "note", b"\xff"),
    "a head without a note": lambda said: said.head.Clear(),
}


@pytest.mark.parametrize("what", UNREADABLE)
def test_a_hello_with_rubbish_in_it_holds_up_nobody(world: World, what: str) -> None:
    said = hello(world, TOWNSHIP, COUNTY)
    UNREADABLE[what](said)
    hear(world, COUNTY, TOWNSHIP, said)
    assert incidents(world.at(COUNTY)) == []
    talk(world)


# What is remembered of a link


def test_a_link_is_remembered_over_a_restart(world: World) -> None:
    talk(world)
    hear(world, COUNTY, TOWNSHIP, hello(world, TOWNSHIP, COUNTY))
    before = known(world, COUNTY, TOWNSHIP)
    world.restart(COUNTY)
    assert known(world, COUNTY, TOWNSHIP) == before
    assert before.link.taken_sequence == known(world, TOWNSHIP, COUNTY).link.sent_sequence


def test_a_hall_knows_nothing_of_a_neighbour_it_never_heard(world: World) -> None:
    assert world.at(COUNTY).exchange.look(links.load_all) == {}
    link = world.at(COUNTY).exchange.look(lambda c: links.load(c, Address(CITY)))
    assert not link.up
    assert link.may_send(world.time.now)
    assert everything(world.at(COUNTY).exchange)["link"] == []

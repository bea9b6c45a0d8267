"""Several processes of one exchange: at every moment one of them sends over a link, and none is left alone."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

from tests.exchange.parts import hear, hello
from tests.simulation.halls import World
from tests.simulation.worlds import CITY, COUNTY

from hallnet.exchange import replicas
from hallnet.exchange.link import links
from hallnet.exchange.replicas import SILENT_AFTER
from hallnet.places import Address

ONE, OTHER = b"one-----", b"other---"
MANY = [Address(f"330127{number}") for number in range(101, 121)]


def beat(
    world: World, replica: bytes, at_work: set[Address] | frozenset[Address] = frozenset()
) -> frozenset[Address]:
    """What a process of the county is to send over once it has said that it is alive."""
    return (
        world.at(COUNTY)
        .exchange.transact(
            lambda c: replicas.share(replica, MANY, at_work, True, world.time.now, c)
        )
        .mine
    )


def test_one_alone_sends_over_all_links(world: World) -> None:
    assert beat(world, ONE) == set(MANY)


def test_two_share_the_links_and_no_link_has_two(world: World) -> None:
    beat(world, ONE)
    beat(world, OTHER)
    # The first lets go of what is not its own any more, then the second takes it.
    first = beat(world, ONE)
    second = beat(world, OTHER)
    assert first | second == set(MANY)
    assert first & second == frozenset()
    assert min(len(first), len(second)) >= 3


def test_a_link_at_work_is_not_handed_over(world: World) -> None:
    beat(world, ONE)
    beat(world, OTHER)
    first = beat(world, ONE, at_work=set(MANY))
    assert beat(world, OTHER) == frozenset()
    # It sends nothing new over them all the same, and lets go once it has come to rest.
    assert first < set(MANY)
    beat(world, ONE)
    assert beat(world, OTHER) == set(MANY) - first


def test_what_a_silent_one_had_is_taken_over_and_nothing_before(world: World) -> None:
    for _ in range(2):
        beat(world, ONE)
        mine = beat(world, OTHER)
    world.time.now += SILENT_AFTER - timedelta(microseconds=1)
    assert beat(world, OTHER) == mine
    world.time.now += timedelta(microseconds=1)
    assert beat(world, OTHER) == set(MANY)


def test_one_that_leaves_in_order_is_not_waited_for(world: World) -> None:
    for _ in range(2):
        beat(world, ONE)
        beat(world, OTHER)
    world.at(COUNTY).exchange.transact(lambda c: replicas.leave(c, ONE))
    assert beat(world, OTHER) == set(MANY)


def test_when_one_of_three_is_gone_no_link_of_the_others_changes_hands() -> None:
    third = b"third---"
    for neighbour in MANY:
        before = replicas.owner([ONE, OTHER, third], neighbour)
        if before != third:
            assert replicas.owner([ONE, OTHER], neighbour) == before
    counts = Counter(replicas.owner([ONE, OTHER, third], neighbour) for neighbour in MANY)
    assert len(counts) == 3


def test_who_sends_over_a_link_changes_nothing_else_of_it(world: World) -> None:
    hear(world, COUNTY, CITY, hello(world, CITY, COUNTY))
    county = world.at(COUNTY).exchange
    before = county.look(lambda c: links.load(c, Address(CITY)))
    county.transact(
        lambda c: replicas.share(ONE, [Address(CITY)], frozenset(), True, world.time.now, c)
    )
    assert county.look(lambda c: links.load(c, Address(CITY))) == before
    assert before.up


def test_what_one_learns_the_others_see_that_there_is_something_to_load(world: World) -> None:
    county = world.at(COUNTY).exchange
    before = county.look(replicas.belief)
    assert county.look(replicas.belief) == before
    world.found("330127102")
    assert county.look(replicas.belief) != before

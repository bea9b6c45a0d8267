"""Hellos: what a neighbour tells of itself is noted, and a neighbour that went back in time is noticed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from tests.exchange.forging import Forger
from tests.exchange.parts import (
    dispatch,
    everything,
    give,
    incidents,
    reasons,
    rows,
    settle_exchanges,
    want,
)
from tests.simulation.halls import World
from tests.simulation.worlds import CITY, COUNTY, OTHER_COUNTY, TOWNSHIP

from hallnet.codec.codec import from_timestamp
from hallnet.exchange import links, tables
from hallnet.exchange.links import Neighbour
from hallnet.places import Address
from hallnet.store import Connection
from hallnet.trust.evidence import SignedCheckpoint, read_checkpoint
from hallnet.wire.exchange.v1 import link_pb2 as wire

VERSION = "0.1.0"


def hello(world: World, speaker: str, listener: str) -> wire.Hello:
    """What a hall says to its neighbour now."""
    station = world.at(speaker)
    return station.exchange.look(
        lambda c: links.hello(c, station.context, Address(listener), VERSION, world.time.now)
    )


def hear(world: World, listener: str, speaker: str, message: wire.Hello) -> None:
    station = world.at(listener)

    def take(connection: Connection) -> None:
        entries = links.take_hello(
            connection, station.context, Address(speaker), message, world.time.now
        )
        if entries:
            tables.feed.append(connection, entries)

    station.exchange.transact(take)


def known(world: World, at: str, neighbour: str) -> Neighbour:
    return world.at(at).exchange.look(lambda c: links.load_all(c)[Address(neighbour)])


def seen(world: World, at: str, neighbour: str) -> SignedCheckpoint | None:
    """The newest head of a neighbour that a hall tells back to it."""
    message = hello(world, at, neighbour)
    return read_checkpoint(message.seen_head) if message.HasField("seen_head") else None


def talk(world: World) -> None:
    """The journal of the township grows."""
    want(world, TOWNSHIP, dispatch(COUNTY))
    settle_exchanges(world)


def test_a_hello_says_who_speaks_what_time_it_is_and_how_far_the_journal_is(world: World) -> None:
    talk(world)
    said = hello(world, TOWNSHIP, COUNTY)
    assert said.address == TOWNSHIP
    assert from_timestamp(said.clock) == world.time.now
    assert said.version == VERSION
    assert list(said.suites) == [1]
    assert (said.last_sent_sequence, said.last_taken_sequence) == (1, 1)
    assert said.incarnation == world.at(TOWNSHIP).context.incarnation
    head = read_checkpoint(said.head)
    assert head.checkpoint.address == Address(TOWNSHIP)
    assert head.checkpoint.size == 2


def test_a_hall_that_never_sent_anything_says_hello_all_the_same(world: World) -> None:
    hear(world, COUNTY, TOWNSHIP, hello(world, TOWNSHIP, COUNTY))
    assert known(world, COUNTY, TOWNSHIP).link.up
    assert seen(world, COUNTY, TOWNSHIP) is None


@pytest.mark.parametrize("skew", [timedelta(0), timedelta(seconds=90), timedelta(minutes=-7)])
def test_the_neighbours_clock_and_version_are_noted(world: World, skew: timedelta) -> None:
    said = hello(world, TOWNSHIP, COUNTY)
    said.clock.FromDatetime(world.time.now + skew)
    said.version = "v" * 100
    hear(world, COUNTY, TOWNSHIP, said)
    found = known(world, COUNTY, TOWNSHIP)
    assert found.clock_skew_ms == skew.total_seconds() * 1000
    assert found.version == "v" * links.VERSION_LENGTH_MAX


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


# The neighbour's journal


def test_the_newest_head_of_a_neighbour_is_remembered_and_told_back(world: World) -> None:
    for size in (2, 4):
        talk(world)
        hear(world, COUNTY, TOWNSHIP, hello(world, TOWNSHIP, COUNTY))
        head = seen(world, COUNTY, TOWNSHIP)
        assert head is not None
        assert head.checkpoint.size == size
    world.restart(COUNTY)
    assert seen(world, COUNTY, TOWNSHIP) == head
    assert incidents(world.at(COUNTY)) == []


def test_a_neighbour_that_was_rewound_is_an_incident(world: World) -> None:
    """Its journal is shorter than it was: it was restored from an old backup, or somebody cut it."""
    talk(world)
    old = hello(world, TOWNSHIP, COUNTY)
    talk(world)
    hear(world, COUNTY, TOWNSHIP, hello(world, TOWNSHIP, COUNTY))
    hear(world, COUNTY, TOWNSHIP, old)
    (incident,) = incidents(world.at(COUNTY))
    assert (incident.reason, incident.neighbour) == ("NEIGHBOUR_REWOUND", TOWNSHIP)
    assert incident.claimed_from == TOWNSHIP


def test_a_rewound_neighbour_that_goes_on_from_there_is_one_incident(world: World) -> None:
    """It says hello every few seconds: staff are told once, not for hours."""
    heads = []
    for _ in range(4):
        talk(world)
        heads.append(hello(world, TOWNSHIP, COUNTY))
    for said in (heads[3], heads[0], heads[0], heads[1], heads[1], heads[2], heads[3]):
        hear(world, COUNTY, TOWNSHIP, said)
    assert reasons(world.at(COUNTY)) == ["NEIGHBOUR_REWOUND"]
    hear(world, COUNTY, TOWNSHIP, heads[1])
    assert reasons(world.at(COUNTY)) == ["NEIGHBOUR_REWOUND"] * 2
    kept = {row.size for row in rows(world.at(COUNTY).exchange, tables.checkpoint)}
    assert read_checkpoint(heads[3].head).checkpoint.size in kept


def test_another_journal_of_the_same_length_is_an_incident(world: World) -> None:
    """History only grows: two heads of one size with two roots are a fork."""
    talk(world)
    hear(world, COUNTY, TOWNSHIP, hello(world, TOWNSHIP, COUNTY))
    identity = world.at(TOWNSHIP).context.identity
    forger = Forger(identity)
    forger.batch(
        world.time.now,
        [forger.letter(world.at(COUNTY).context.identity.certificate, world.time.now)] * 2,
    )
    forked = hello(world, TOWNSHIP, COUNTY)
    forked.head.CopyFrom(forger.head(world.time.now).to_message())
    hear(world, COUNTY, TOWNSHIP, forked)
    assert reasons(world.at(COUNTY)) == ["NEIGHBOUR_REWOUND"]


def test_the_same_head_again_is_no_incident(world: World) -> None:
    talk(world)
    for _ in range(3):
        hear(world, COUNTY, TOWNSHIP, hello(world, TOWNSHIP, COUNTY))
        world.time.pass_by(seconds=10)
    assert incidents(world.at(COUNTY)) == []


@pytest.mark.parametrize("whose", [OTHER_COUNTY, CITY, COUNTY])
def test_a_head_that_the_neighbour_did_not_sign_itself_counts_for_nothing(
    world: World, whose: str
) -> None:
    talk(world)
    hear(world, COUNTY, TOWNSHIP, hello(world, TOWNSHIP, COUNTY))
    before = seen(world, COUNTY, TOWNSHIP)
    said = hello(world, TOWNSHIP, COUNTY)
    said.head.CopyFrom(Forger(world.at(whose).context.identity).head(world.time.now).to_message())
    hear(world, COUNTY, TOWNSHIP, said)
    in_its_name = Forger(world.at(whose).context.identity).head(world.time.now, TOWNSHIP)
    said.head.CopyFrom(in_its_name.to_message())
    hear(world, COUNTY, TOWNSHIP, said)
    assert seen(world, COUNTY, TOWNSHIP) == before
    assert incidents(world.at(COUNTY)) == []


# What is remembered of a link


def test_a_link_is_remembered_over_a_restart(world: World) -> None:
    talk(world)
    hear(world, COUNTY, TOWNSHIP, hello(world, TOWNSHIP, COUNTY))
    before = known(world, COUNTY, TOWNSHIP)
    world.restart(COUNTY)
    assert known(world, COUNTY, TOWNSHIP) == before
    assert before.link.taken_sequence == 1


def test_sequences_never_go_back(world: World) -> None:
    want(world, TOWNSHIP, dispatch(COUNTY))
    give(world, TOWNSHIP, COUNTY)
    county, township = world.at(COUNTY), world.at(TOWNSHIP)
    world.take(township, county, wire.Batch(sequence=9).SerializeToString())
    world.take(township, county, wire.Batch(sequence=3).SerializeToString())
    assert known(world, COUNTY, TOWNSHIP).link.taken_sequence == 9


def test_a_hall_knows_nothing_of_a_neighbour_it_never_heard(world: World) -> None:
    assert world.at(COUNTY).exchange.look(links.load_all) == {}
    link = world.at(COUNTY).exchange.look(lambda c: links.load(c, Address(CITY)))
    assert not link.up
    assert link.may_send(world.time.now)
    assert everything(world.at(COUNTY).exchange)["link"] == []

"""A hall whose records are older than its journal notices it before it adds to it, and goes on from there."""

from __future__ import annotations

import pytest
from tests.exchange.losses import Backup, backup_of, put_back
from tests.exchange.parts import (
    deliveries,
    dispatch,
    give,
    greet,
    hello,
    messages,
    queued,
    settle_exchanges,
    talk,
    told,
    want,
)
from tests.exchange.test_witnessing import own_size, seen_size
from tests.simulation.halls import World
from tests.simulation.worlds import CITY, COUNTY, OTHER_COUNTY, TOWNSHIP

from hallnet.exchange import tables
from hallnet.exchange.context import JournalHeld
from hallnet.exchange.journal import continuity, journal_store
from hallnet.exchange.journal.witnessing import UNPROVED_FOR_MAX
from hallnet.exchange.queue import resending
from hallnet.federation.continuity import is_known
from hallnet.federation.delivery import State
from hallnet.places import Address
from hallnet.trust.problems import NeighbourRestored, OwnJournalRewound
from hallnet.wire.feed.v1 import feed_pb2 as wire_feed
from hallnet.wire.trust.v1 import journal_pb2 as wire_trust


def go_on(world: World, address: str) -> None:
    """All neighbours have said hello: what the service does then."""
    station = world.at(address)
    context = station.context
    assert is_known(context.parent, context.neighbours(), context.heard, UNPROVED_FOR_MAX)
    station.exchange.transact(
        lambda c: tables.feed.append(c, continuity.go_on(c, context, world.time.now))
    )
    context.is_sure = True


def incidents(world: World, address: str) -> list[str]:
    """The reasons of what the feed of a hall told, for its journal is not whole any more."""
    entries = told(world.at(address), "incident.recorded")
    return [wire_trust.Incident.FromString(entry.payload).reason for entry in entries]


def test_nothing_is_added_sent_or_taken_before_the_neighbours_have_spoken(world: World) -> None:
    talk(world)
    put_back(world, TOWNSHIP, backup_of(world, TOWNSHIP))
    size = own_size(world, TOWNSHIP)
    with pytest.raises(JournalHeld):
        want(world, TOWNSHIP, dispatch(COUNTY))
    want(world, COUNTY, dispatch(TOWNSHIP))
    assert give(world, COUNTY, TOWNSHIP).reason == JournalHeld.reason
    assert not hello(world, TOWNSHIP, COUNTY).HasField("head")
    assert own_size(world, TOWNSHIP) == size


def test_records_that_are_not_old_go_on_as_if_nothing_had_been(world: World) -> None:
    talk(world)
    put_back(world, TOWNSHIP, backup_of(world, TOWNSHIP))
    greet(world, TOWNSHIP, COUNTY)
    go_on(world, TOWNSHIP)
    talk(world)
    greet(world, TOWNSHIP, COUNTY)
    assert seen_size(world) == own_size(world, TOWNSHIP)
    assert told(world.at(TOWNSHIP), "journal.restored") == []
    assert incidents(world, TOWNSHIP) == incidents(world, COUNTY) == []


@pytest.mark.parametrize("greeted", [False, True], ids=["shown in batches", "shown in a hello"])
def test_a_restored_hall_goes_on_from_the_end_that_its_neighbour_saw(
    world: World, greeted: bool
) -> None:
    talk(world)
    greet(world, TOWNSHIP, COUNTY)
    backup = backup_of(world, TOWNSHIP)
    before = own_size(world, TOWNSHIP)
    for _ in range(3):
        talk(world)
    if greeted:
        greet(world, TOWNSHIP, COUNTY)
    want(world, COUNTY, dispatch(TOWNSHIP))
    settle_exchanges(world)
    lost = own_size(world, TOWNSHIP)
    put_back(world, TOWNSHIP, backup)
    assert own_size(world, TOWNSHIP) == before
    greet(world, TOWNSHIP, COUNTY)
    go_on(world, TOWNSHIP)
    # The entry behind those that are lost tells of the loss.
    assert before < lost <= own_size(world, TOWNSHIP)
    (entry,) = told(world.at(TOWNSHIP), "journal.restored")
    restored = wire_feed.JournalRestored.FromString(entry.payload)
    assert restored.start == before
    assert restored.end == own_size(world, TOWNSHIP) - 1
    assert incidents(world, TOWNSHIP) == [OwnJournalRewound.reason]

    for _ in range(3):
        talk(world)
        world.time.pass_by(seconds=10)
        greet(world, TOWNSHIP, COUNTY)
    assert seen_size(world) == own_size(world, TOWNSHIP)
    # The county has the proof from what it saw last on, and knows that the one before is lost.
    assert incidents(world, COUNTY) == [NeighbourRestored.reason]


def test_a_hall_that_is_restored_again_and_again_never_has_two_pasts(world: World) -> None:
    greet(world, TOWNSHIP, COUNTY)
    backup = backup_of(world, TOWNSHIP)
    sizes = []
    for number in range(4):
        for _ in range(number + 1):
            talk(world)
        sizes.append(own_size(world, TOWNSHIP))
        put_back(world, TOWNSHIP, backup)
        greet(world, TOWNSHIP, COUNTY)
        go_on(world, TOWNSHIP)
        talk(world)
        if number % 2:
            backup = backup_of(world, TOWNSHIP)
        # One to hear what the neighbour saw, one to show that the journal goes on from there.
        for _ in range(2):
            world.time.pass_by(minutes=1)
            greet(world, TOWNSHIP, COUNTY)
        assert seen_size(world) == own_size(world, TOWNSHIP)
    assert sizes == sorted(set(sizes))
    assert set(incidents(world, COUNTY)) == {NeighbourRestored.reason}


def test_the_longest_word_counts(world: World) -> None:
    """A hall in the middle: its parent and its children saw different ends of its journal."""
    for neighbour in (CITY, TOWNSHIP):
        greet(world, COUNTY, neighbour)
    backup = backup_of(world, COUNTY)
    want(world, TOWNSHIP, dispatch(OTHER_COUNTY))
    settle_exchanges(world)
    for _ in range(3):
        talk(world)
    put_back(world, COUNTY, backup)
    greet(world, COUNTY, CITY)
    greet(world, COUNTY, TOWNSHIP)
    ends = {str(hall): end.size for hall, end in world.at(COUNTY).context.heard.items() if end}
    assert ends[TOWNSHIP] > ends[CITY] > 0
    go_on(world, COUNTY)
    assert own_size(world, COUNTY) == ends[TOWNSHIP] + 1
    talk(world)
    assert len(messages(world.at(OTHER_COUNTY))) == 1


def test_old_entries_are_proved_by_the_head_from_before_and_new_ones_by_the_newest(
    world: World,
) -> None:
    talk(world)
    greet(world, TOWNSHIP, COUNTY)
    backup = backup_of(world, TOWNSHIP)
    before = own_size(world, TOWNSHIP)
    talk(world)
    put_back(world, TOWNSHIP, backup)
    greet(world, TOWNSHIP, COUNTY)
    go_on(world, TOWNSHIP)
    station = world.at(TOWNSHIP)
    newest = own_size(world, TOWNSHIP)
    proofs = station.exchange.look(
        lambda c: journal_store.proofs_now(c, station.context, [before - 1, newest - 1])
    )
    assert proofs[before - 1].checkpoint.checkpoint.size == before
    assert proofs[newest - 1].checkpoint.checkpoint.size == newest


def test_an_end_that_this_hall_did_not_sign_is_not_believed(world: World) -> None:
    talk(world)
    greet(world, TOWNSHIP, COUNTY)
    station = world.at(TOWNSHIP)
    said = hello(world, COUNTY, TOWNSHIP)
    assert continuity.word_of(station.context, said, world.time.now) is not None
    for spoil in ("signature", "note"):
        forged = type(said).FromString(said.SerializeToString())
        value = bytearray(getattr(forged.known_end.head, spoil))
        value[-2] ^= 1
        setattr(forged.known_end.head, spoil, bytes(value))
        assert continuity.word_of(station.context, forged, world.time.now) is None
    forged = type(said).FromString(said.SerializeToString())
    forged.known_end.frontier[0] = bytes(32)
    assert continuity.word_of(station.context, forged, world.time.now) is None
    # The county's own journal is not that of the township.
    forged.known_end.CopyFrom(hello(world, TOWNSHIP, COUNTY).known_end)
    assert continuity.word_of(station.context, forged, world.time.now) is None


def test_a_neighbour_keeps_only_ends_that_the_hall_itself_showed(world: World) -> None:
    talk(world)
    greet(world, TOWNSHIP, COUNTY)
    known = hello(world, COUNTY, TOWNSHIP).known_end
    assert known.head.note.decode().startswith(f"hallnet/{TOWNSHIP}/")
    said = hello(world, TOWNSHIP, COUNTY)
    talk(world)
    said.frontier[0] = bytes(32)
    world.at(COUNTY).exchange.transact(
        lambda c: continuity.note_shown(
            c,
            Address(TOWNSHIP),
            [],
            list(said.frontier),
            None,  # type: ignore[arg-type]
        )
    )
    assert len(hello(world, COUNTY, TOWNSHIP).known_end.frontier) > 0


# What neighbours send again


def of(world: World, address: str) -> list[bytes]:
    return [message.envelope_id for message in messages(world.at(address))]


def lose_and_ask(world: World, backup: Backup) -> None:
    """The township is put back, and has told its neighbour so."""
    put_back(world, TOWNSHIP, backup)
    greet(world, TOWNSHIP, COUNTY)
    go_on(world, TOWNSHIP)
    world.time.pass_by(seconds=10)
    greet(world, TOWNSHIP, COUNTY)


def test_neighbours_send_again_what_a_restored_hall_had_taken_since(world: World) -> None:
    """What the neighbour sent itself, and what it had passed on from others."""
    want(world, COUNTY, dispatch(TOWNSHIP))
    settle_exchanges(world)
    greet(world, TOWNSHIP, COUNTY)
    backup = backup_of(world, TOWNSHIP)
    kept = of(world, TOWNSHIP)
    world.time.pass_by(hours=5)
    for giver in (COUNTY, OTHER_COUNTY, CITY):
        want(world, giver, dispatch(TOWNSHIP), dispatch(TOWNSHIP))
    settle_exchanges(world)
    taken = of(world, TOWNSHIP)
    states = {row.envelope_id: row.state for row in deliveries(world.at(COUNTY))}
    lose_and_ask(world, backup)
    assert of(world, TOWNSHIP) == kept
    settle_exchanges(world)
    assert sorted(of(world, TOWNSHIP)) == sorted(taken)
    # Whoever had its verdict keeps it.
    assert {row.envelope_id: row.state for row in deliveries(world.at(COUNTY))} == states
    assert not queued(world.at(COUNTY))


@pytest.mark.parametrize("giver", [COUNTY, OTHER_COUNTY])
def test_what_a_hall_refused_before_it_lost_its_records_does_not_come_again(
    world: World, giver: str
) -> None:
    """Its sender has drawn the consequence: the hall is not to take today what it refused yesterday. Halls that passed it on
    saw the verdict."""
    greet(world, TOWNSHIP, COUNTY)
    backup = backup_of(world, TOWNSHIP)
    world.time.pass_by(hours=1)
    world.at(TOWNSHIP).cut = True
    want(world, giver, dispatch(TOWNSHIP))
    settle_exchanges(world)
    world.time.pass_by(hours=-1)
    world.at(TOWNSHIP).cut = False
    settle_exchanges(world)
    assert [row.state for row in deliveries(world.at(giver))] == [State.REFUSED]
    world.time.pass_by(hours=2)
    lose_and_ask(world, backup)
    settle_exchanges(world)
    assert [row.state for row in deliveries(world.at(giver))] == [State.REFUSED]
    assert of(world, TOWNSHIP) == []


def test_what_was_lost_is_sent_again_once(world: World) -> None:
    greet(world, TOWNSHIP, COUNTY)
    backup = backup_of(world, TOWNSHIP)
    want(world, COUNTY, dispatch(TOWNSHIP))
    talk(world)
    lose_and_ask(world, backup)
    settle_exchanges(world)
    for _ in range(3):
        world.time.pass_by(hours=2)
        greet(world, TOWNSHIP, COUNTY)
        assert not queued(world.at(COUNTY))


def test_a_loss_that_nobody_can_have_had_is_not_answered(world: World) -> None:
    want(world, COUNTY, dispatch(TOWNSHIP))
    talk(world)
    greet(world, TOWNSHIP, COUNTY)
    said = hello(world, TOWNSHIP, COUNTY)
    said.restored.end = own_size(world, TOWNSHIP) + 1000
    world.at(COUNTY).exchange.transact(
        lambda c: resending.send_again(c, Address(TOWNSHIP), said, world.time.now)
    )
    assert not queued(world.at(COUNTY))

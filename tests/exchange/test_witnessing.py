"""History only grows: a hall that cuts, changes or forks its journal is found out by its neighbours."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import update
from tests.exchange.forging import Forger
from tests.exchange.parts import greet, hear, hello, incidents, reasons, rows, talk
from tests.simulation.halls import World
from tests.simulation.worlds import CITY, COUNTY, OTHER_COUNTY, TOWNSHIP

from hallnet.codec.moments import to_timestamp
from hallnet.exchange import tables
from hallnet.exchange.journal import journal_store, numbering
from hallnet.exchange.journal.witnessing import UNPROVED_FOR_MAX
from hallnet.exchange.records import bundling
from hallnet.places import Address
from hallnet.trust.bundle import verify_bundle
from hallnet.trust.evidence import SignedCheckpoint, read_checkpoint
from hallnet.wire.exchange.v1 import link_pb2 as wire

SOON = timedelta(seconds=10)


def seen(world: World, at: str, neighbour: str) -> SignedCheckpoint | None:
    """The newest head of a neighbour that a hall tells back to it."""
    message = hello(world, at, neighbour)
    return read_checkpoint(message.seen_head) if message.HasField("seen_head") else None


def seen_size(world: World) -> int:
    """How far the county has followed the township."""
    head = seen(world, COUNTY, TOWNSHIP)
    return head.checkpoint.size if head is not None else 0


def own_size(world: World, address: str) -> int:
    return world.at(address).exchange.look(journal_store.size)


def witnessed(world: World, address: str) -> SignedCheckpoint | None:
    station = world.at(address)
    return station.exchange.look(lambda c: journal_store.witnessed_head(c, station.context))


def greetings(world: World, count: int = 2) -> None:
    for _ in range(count):
        world.time.pass_by(seconds=10)
        greet(world, TOWNSHIP, COUNTY)


def forged_hello(world: World, forger: Forger, entries: int) -> wire.Hello:
    """The township, or who has its keys, shows another journal with that many more entries."""
    world.time.pass_by(seconds=10)
    county = world.at(COUNTY).context.identity.certificate
    if entries:
        forger.batch(world.time.now, [forger.letter(county, world.time.now)] * entries)
    said = hello(world, TOWNSHIP, COUNTY)
    said.head.CopyFrom(forger.head(world.time.now).to_message())
    return said


def forger_at(world: World, address: str) -> Forger:
    return Forger(world.at(address).context.identity)


# What an honest neighbour sees


def test_the_newest_head_is_followed_told_back_and_remembered(world: World) -> None:
    for _ in range(3):
        talk(world)
        greetings(world)
        assert seen_size(world) == own_size(world, TOWNSHIP)
    world.restart(COUNTY)
    assert seen_size(world) == own_size(world, TOWNSHIP)
    assert incidents(world.at(COUNTY)) == incidents(world.at(TOWNSHIP)) == []


def test_a_restart_on_either_side_needs_no_new_beginning(world: World) -> None:
    talk(world)
    greetings(world)
    for address in (TOWNSHIP, COUNTY):
        world.restart(address)
        talk(world)
        greetings(world)
        assert seen_size(world) == own_size(world, TOWNSHIP)
    assert incidents(world.at(COUNTY)) == []


def test_the_same_head_again_is_no_incident(world: World) -> None:
    talk(world)
    greetings(world, 4)
    assert incidents(world.at(COUNTY)) == []


def test_an_old_hello_that_comes_late_changes_nothing(world: World) -> None:
    talk(world)
    greetings(world)
    late = hello(world, TOWNSHIP, COUNTY)
    talk(world)
    greetings(world)
    hear(world, COUNTY, TOWNSHIP, late)
    assert seen_size(world) == own_size(world, TOWNSHIP)
    assert incidents(world.at(COUNTY)) == []


# The parent's word


def test_the_parent_cosigns_what_it_saw_and_the_child_keeps_it(world: World) -> None:
    talk(world)
    assert witnessed(world, TOWNSHIP) is None
    greetings(world)
    world.restart(TOWNSHIP)
    head = witnessed(world, TOWNSHIP)
    assert head is not None
    assert head.checkpoint.size == own_size(world, TOWNSHIP)
    (word,) = head.cosignatures
    assert word.certificate_id == world.at(COUNTY).context.identity.certificate.id


def test_a_child_is_no_witness_of_a_hall_that_has_a_parent(world: World) -> None:
    talk(world)
    greetings(world)
    assert witnessed(world, COUNTY) is None


def test_the_highest_hall_takes_the_word_of_a_child(world: World) -> None:
    province = next(a for a, station in world.stations.items() if station.context.parent is None)
    child = next(
        str(station.address)
        for station in world.stations.values()
        if station.context.parent == Address(province)
    )
    for _ in range(2):
        greet(world, child, province)
    world.at(province).exchange.transact(
        lambda c: journal_store.JournalWriter(c, world.at(province).context, world.time.now).sign()
    )
    for _ in range(2):
        greet(world, child, province)
    assert witnessed(world, province) is not None


@pytest.mark.parametrize("whose", [OTHER_COUNTY, CITY])
def test_the_word_of_another_hall_than_the_parent_is_not_kept(world: World, whose: str) -> None:
    talk(world)
    greetings(world)
    kept = rows(world.at(TOWNSHIP).exchange, tables.cosignature)
    talk(world)
    hear(world, COUNTY, TOWNSHIP, hello(world, TOWNSHIP, COUNTY))
    said = hello(world, COUNTY, TOWNSHIP)
    (word,) = said.seen_head.cosignatures
    word.certificate_id = world.at(whose).context.identity.certificate.id
    hear(world, TOWNSHIP, COUNTY, said)
    assert rows(world.at(TOWNSHIP).exchange, tables.cosignature) == kept


def test_a_bundle_says_who_witnessed_the_journal(world: World) -> None:
    talk(world)
    greetings(world)
    township = world.at(TOWNSHIP)
    data = township.exchange.look(
        lambda c: bundling.export(c, township.context, "matter-1", world.time.now)
    ).SerializeToString()
    report = verify_bundle(data, world.root)
    assert report.holds
    assert [item.witnesses for item in report.exhibits] == [{Address(COUNTY)}]


# What a dishonest one does


def test_a_journal_that_was_cut_is_an_incident(world: World) -> None:
    """Restored from an old backup, or cut by somebody: either way staff have to look."""
    talk(world)
    greetings(world)
    hear(world, COUNTY, TOWNSHIP, forged_hello(world, forger_at(world, TOWNSHIP), 1))
    (incident,) = incidents(world.at(COUNTY))
    assert (incident.reason, incident.neighbour) == ("NEIGHBOUR_REWOUND", TOWNSHIP)
    assert incident.claimed_from == TOWNSHIP


def test_another_journal_of_the_same_length_is_an_incident(world: World) -> None:
    talk(world)
    greetings(world)
    forger = forger_at(world, TOWNSHIP)
    hear(world, COUNTY, TOWNSHIP, forged_hello(world, forger, own_size(world, TOWNSHIP)))
    assert reasons(world.at(COUNTY)) == ["NEIGHBOUR_FORKED"]


def test_a_longer_journal_with_another_past_is_an_incident(world: World) -> None:
    """Length alone is no excuse: the path has to lead from what was seen."""
    talk(world)
    greetings(world)
    forger = forger_at(world, TOWNSHIP)
    said = forged_hello(world, forger, own_size(world, TOWNSHIP) + 3)
    hear(world, COUNTY, TOWNSHIP, said)
    assert reasons(world.at(COUNTY)) == ["NEIGHBOUR_FORKED"]
    sizes = {row.size for row in rows(world.at(COUNTY).exchange, tables.checkpoint)}
    assert {own_size(world, TOWNSHIP), own_size(world, TOWNSHIP) + 3} <= sizes


def test_a_hall_that_stays_in_the_past_is_found_out_in_time(world: World) -> None:
    """A cut journal under a head that pretends to be an old one."""
    forger = forger_at(world, TOWNSHIP)
    said = forged_hello(world, forger, 1)
    talk(world)
    world.time.pass_by(seconds=10)
    greetings(world)
    for _ in range(int(UNPROVED_FOR_MAX / SOON) + 2):
        said.clock.CopyFrom(to_timestamp(world.time.now))
        hear(world, COUNTY, TOWNSHIP, said)
        world.time.pass_by(seconds=10)
    assert reasons(world.at(COUNTY)) == ["NEIGHBOUR_REWOUND"]


def test_a_hall_that_hides_the_path_is_found_out_in_time(world: World) -> None:
    talk(world)
    greetings(world)
    talk(world)
    before = seen_size(world)
    said = hello(world, TOWNSHIP, COUNTY)
    said.ClearField("continues_from")
    for _ in range(int(UNPROVED_FOR_MAX / SOON)):
        said.clock.CopyFrom(to_timestamp(world.time.now))
        hear(world, COUNTY, TOWNSHIP, said)
        world.time.pass_by(seconds=10)
    assert incidents(world.at(COUNTY)) == []
    assert seen_size(world) == before
    world.time.pass_by(seconds=10)
    said.clock.CopyFrom(to_timestamp(world.time.now))
    hear(world, COUNTY, TOWNSHIP, said)
    assert reasons(world.at(COUNTY)) == ["NEIGHBOUR_UNPROVED"]


def test_a_journal_begun_anew_is_an_incident(world: World) -> None:
    talk(world)
    greetings(world)
    township = world.at(TOWNSHIP)
    township.exchange.transact(lambda c: numbering.begin(c, township.context, 2, world.time.now))
    said = hello(world, TOWNSHIP, COUNTY)
    # Without the path from what was seen it is any journal.
    said.ClearField("continues_from")
    hear(world, COUNTY, TOWNSHIP, said)
    assert reasons(world.at(COUNTY)) == ["NEIGHBOUR_BEGUN_ANEW"]


def test_an_entry_changed_in_the_database_of_a_hall_is_found_by_its_parent(world: World) -> None:
    """Somebody with access to all of the township's tables changes what was sent."""
    for _ in range(3):
        talk(world)
    greetings(world)
    tile = tables.journal_tile
    (stored,) = rows(world.at(TOWNSHIP).exchange, tile)
    changed = bytes([stored.hashes[0] ^ 1]) + stored.hashes[1:]
    world.at(TOWNSHIP).exchange.transact(lambda c: c.execute(update(tile).values(hashes=changed)))
    talk(world)
    greetings(world)
    assert reasons(world.at(COUNTY)) == ["NEIGHBOUR_FORKED"]


def test_a_hall_that_was_restored_from_an_old_backup_notices_it_itself(world: World) -> None:
    """The parent tells it a head that it signed and does not have."""
    talk(world)
    greetings(world)
    said = hello(world, COUNTY, TOWNSHIP)
    forger = forger_at(world, TOWNSHIP)
    forger.batch(
        world.time.now,
        [forger.letter(world.at(COUNTY).context.identity.certificate, world.time.now)] * 9,
    )
    said.seen_head.CopyFrom(forger.head(world.time.now).to_message())
    hear(world, TOWNSHIP, COUNTY, said)
    assert reasons(world.at(TOWNSHIP)) == ["OWN_JOURNAL_REWOUND"]


def test_staff_are_told_once_and_the_journal_is_followed_from_where_it_is(world: World) -> None:
    talk(world)
    greetings(world)
    forger = forger_at(world, TOWNSHIP)
    said = forged_hello(world, forger, 1)
    for _ in range(3):
        hear(world, COUNTY, TOWNSHIP, said)
    assert reasons(world.at(COUNTY)) == ["NEIGHBOUR_REWOUND"]
    assert seen_size(world) == 1


@pytest.mark.parametrize("whose", [OTHER_COUNTY, CITY, COUNTY])
def test_a_head_that_the_neighbour_did_not_sign_itself_counts_for_nothing(
    world: World, whose: str
) -> None:
    talk(world)
    greetings(world)
    before = seen(world, COUNTY, TOWNSHIP)
    said = hello(world, TOWNSHIP, COUNTY)
    said.head.CopyFrom(forger_at(world, whose).head(world.time.now).to_message())
    hear(world, COUNTY, TOWNSHIP, said)
    in_its_name = forger_at(world, whose).head(world.time.now, TOWNSHIP)
    said.head.CopyFrom(in_its_name.to_message())
    hear(world, COUNTY, TOWNSHIP, said)
    assert seen(world, COUNTY, TOWNSHIP) == before
    assert incidents(world.at(COUNTY)) == []

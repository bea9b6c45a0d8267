"""A hall that starts while its parent is out of reach goes on with the halls below it, and never with two pasts of
one journal."""

from __future__ import annotations

import asyncio
from io import BytesIO

import pytest
from tests.exchange.losses import Backup, backup_of, put_back, settle_words, words
from tests.exchange.parts import (
    deliveries,
    dispatch,
    greet,
    hello,
    messages,
    queued,
    rows,
    settle_exchanges,
    told,
    want,
)
from tests.exchange.test_witnessing import own_size, seen
from tests.simulation.halls import World
from tests.simulation.worlds import CITY, COUNTY, OTHER_COUNTY, TOWNSHIP

from hallnet.exchange import tables
from hallnet.exchange.journal import journal_store, numbering
from hallnet.exchange.link import making_sure
from hallnet.exchange.link.making_sure import make_sure
from hallnet.exchange.records import archiving
from hallnet.exchange.recovery import giving_back, taking_back
from hallnet.places import Address
from hallnet.store import Connection
from hallnet.trust.archive import read_parts, verify_archive
from hallnet.trust.evidence import read_checkpoint
from hallnet.trust.problems import ProofInvalid
from hallnet.wire.exchange.v1 import returning_pb2 as wire_returning
from hallnet.wire.trust.v1 import journal_pb2 as wire_trust

NEW_NUMBER, LOST = "OWN_JOURNAL_RENUMBERED", "OWN_JOURNAL_REWOUND"


def live(world: World) -> None:
    """The county has to do with both its neighbours."""
    want(world, TOWNSHIP, dispatch(COUNTY))
    want(world, COUNTY, dispatch(TOWNSHIP), dispatch(CITY))
    want(world, CITY, dispatch(COUNTY))
    settle_exchanges(world)
    world.time.pass_by(seconds=10)
    greet(world, COUNTY, CITY)
    greet(world, TOWNSHIP, COUNTY)


def start_alone(world: World, records: Backup) -> None:
    """The county starts on those records while the city is out of reach, and hears the township."""
    put_back(world, COUNTY, records)
    world.at(COUNTY).cut = True
    greet(world, COUNTY, TOWNSHIP)
    goes_on(world, COUNTY)


def goes_on(world: World, address: str) -> int:
    """Its neighbours have spoken; returns the number of its journal."""
    station = world.at(address)
    station.exchange.transact(lambda c: making_sure.go_on(c, station.context, world.time.now))
    station.context.journal_number = station.exchange.look(numbering.current)
    station.context.is_sure = True
    return station.context.journal_number


def mend(world: World) -> None:
    world.at(COUNTY).cut = False
    for _ in range(3):
        world.time.pass_by(seconds=10)
        greet(world, COUNTY, CITY)
        greet(world, TOWNSHIP, COUNTY)
        settle_exchanges(world)


def told_incidents(world: World, address: str) -> list[wire_trust.Incident]:
    entries = told(world.at(address), "incident.recorded")
    return [wire_trust.Incident.FromString(entry.payload) for entry in entries]


def reasons(world: World, address: str) -> list[str]:
    return [incident.reason for incident in told_incidents(world, address)]


def number_of_seen(world: World, at: str) -> int:
    head = seen(world, at, COUNTY)
    assert head is not None
    return head.checkpoint.number


def test_a_hall_goes_on_with_the_halls_below_it_under_a_new_number(world: World) -> None:
    live(world)
    before = own_size(world, COUNTY)
    start_alone(world, backup_of(world, COUNTY))
    assert reasons(world, COUNTY) == [NEW_NUMBER]
    want(world, COUNTY, dispatch(TOWNSHIP))
    want(world, TOWNSHIP, dispatch(COUNTY))
    taken = len(messages(world.at(TOWNSHIP)))
    settle_exchanges(world)
    assert len(messages(world.at(TOWNSHIP))) == taken + 1
    (row,) = rows(world.at(COUNTY).exchange, tables.journal_number)
    assert (row.number, row.start, row.lost_end) == (2, before, 0)


def test_whoever_saw_no_more_has_the_proof_that_nothing_is_missing(world: World) -> None:
    live(world)
    start_alone(world, backup_of(world, COUNTY))
    want(world, COUNTY, dispatch(TOWNSHIP))
    settle_exchanges(world)
    mend(world)
    for neighbour in (CITY, TOWNSHIP):
        assert reasons(world, neighbour) == ["NEIGHBOUR_RENUMBERED"]
        assert number_of_seen(world, neighbour) == 2
    assert reasons(world, COUNTY) == [NEW_NUMBER]
    live(world)
    assert reasons(world, CITY) == ["NEIGHBOUR_RENUMBERED"]
    station = world.at(COUNTY)
    witnessed = station.exchange.look(lambda c: journal_store.witnessed_head(c, station.context))
    assert witnessed is not None
    assert witnessed.checkpoint.number == 2


def test_what_only_the_parent_saw_comes_to_light_and_is_sent_again(world: World) -> None:
    """The disk of the county forgot what it had confirmed to the city, and the city went down with it."""
    live(world)
    records = backup_of(world, COUNTY)
    want(world, CITY, dispatch(COUNTY), dispatch(COUNTY))
    settle_exchanges(world)
    # It said so to the city alone.
    lost = {message.envelope_id for message in messages(world.at(COUNTY))}
    seen_end = hello(world, CITY, COUNTY).known_end
    start_alone(world, records)
    here = {message.envelope_id for message in messages(world.at(COUNTY))}
    assert len(lost - here) == 2
    want(world, TOWNSHIP, dispatch(COUNTY))
    settle_exchanges(world)
    mend(world)
    assert {message.envelope_id for message in messages(world.at(COUNTY))} >= lost
    assert reasons(world, COUNTY) == [NEW_NUMBER, LOST]
    # People are told whom to ask: the hall that saw it.
    assert told_incidents(world, COUNTY)[-1].neighbour == CITY
    assert reasons(world, CITY) == ["NEIGHBOUR_BEGUN_ANEW"]
    assert reasons(world, TOWNSHIP) == ["NEIGHBOUR_RENUMBERED"]
    (row,) = rows(world.at(COUNTY).exchange, tables.journal_number)
    assert row.lost_end == read_checkpoint(seen_end.head).checkpoint.size > row.start
    # And once only.
    taken = len(messages(world.at(COUNTY)))
    world.time.pass_by(hours=3)
    mend(world)
    assert len(messages(world.at(COUNTY))) == taken
    assert reasons(world, COUNTY) == [NEW_NUMBER, LOST]


def test_what_a_child_saw_is_a_gap_before_the_new_number(world: World) -> None:
    live(world)
    records = backup_of(world, COUNTY)
    before = own_size(world, COUNTY)
    live(world)
    start_alone(world, records)
    assert reasons(world, COUNTY) == [LOST, NEW_NUMBER]
    (gap,) = rows(world.at(COUNTY).exchange, tables.journal_gap)
    assert gap.start == before < gap.end
    mend(world)
    live(world)
    assert number_of_seen(world, CITY) == number_of_seen(world, TOWNSHIP) == 2


def test_neighbours_give_back_the_end_of_the_newest_number(world: World) -> None:
    """The city saw a longer journal under the number before; after the next start the newer one counts."""
    live(world)
    records = backup_of(world, COUNTY)
    for _ in range(5):
        want(world, CITY, dispatch(COUNTY))
        settle_exchanges(world)
    start_alone(world, records)
    mend(world)
    settle_exchanges(world)
    size = own_size(world, COUNTY)
    put_back(world, COUNTY, records)
    for neighbour in (CITY, TOWNSHIP):
        greet(world, COUNTY, neighbour)
    station = world.at(COUNTY)
    station.exchange.transact(lambda c: making_sure.go_on(c, station.context, world.time.now))
    assert station.exchange.look(numbering.current) == 2
    # The incident of the loss stands behind the end that was seen.
    assert own_size(world, COUNTY) >= size


def test_an_archive_over_a_new_number_holds(world: World) -> None:
    live(world)
    start_alone(world, backup_of(world, COUNTY))
    live(world)
    station = world.at(COUNTY)

    def archive() -> bytes:
        def read(connection) -> bytes:  # type: ignore[no-untyped-def]
            head, start, end = archiving.begin(
                connection, station.context, None, None, world.time.now
            )
            given, at = archiving.pieces(connection, station.context, start, end, 1000)
            assert at == end
            return archiving.opening(head) + b"".join(given)

        return station.exchange.look(read)

    report = verify_archive(read_parts(BytesIO(archive())), world.root)
    assert report.holds
    assert not report.gaps


@pytest.mark.parametrize("spoken", [False, True], ids=["silent", "in time"])
def test_a_new_number_begins_only_when_the_parent_was_silent_for_the_whole_time(
    world: World, spoken: bool
) -> None:
    """The loop of the service itself, with a clock of its own."""
    live(world)
    put_back(world, COUNTY, backup_of(world, COUNTY))
    station = world.at(COUNTY)
    greet(world, COUNTY, TOWNSHIP)
    if spoken:
        greet(world, COUNTY, CITY)
    station.context.parent_wait = type(station.context.parent_wait)(seconds=0.3)
    asyncio.run(
        make_sure(
            station.exchange,
            station.context,
            {},
            lambda: world.time.now,
            station.context.parent_wait,
        )
    )
    assert station.context.is_sure
    assert station.context.journal_number == (1 if spoken else 2)
    assert reasons(world, COUNTY) == ([] if spoken else [NEW_NUMBER])
    assert Address(TOWNSHIP) in station.context.heard


# Neighbours that lost records themselves


def both_lost(world: World) -> None:
    """The township and the county are put back to records from before what the township showed the county last;
    the county has heard from the city what it lost."""
    live(world)
    records = {hall: backup_of(world, hall) for hall in (COUNTY, TOWNSHIP)}
    live(world)
    live(world)
    put_back(world, TOWNSHIP, records[TOWNSHIP])
    put_back(world, COUNTY, records[COUNTY])
    greet(world, COUNTY, CITY)


def test_the_word_of_a_parent_that_lost_records_itself_is_not_enough_to_go_on_as_before(
    world: World,
) -> None:
    both_lost(world)
    before = own_size(world, TOWNSHIP)
    assert goes_on(world, COUNTY) == 1
    assert LOST in reasons(world, COUNTY)
    greet(world, TOWNSHIP, COUNTY)
    assert goes_on(world, TOWNSHIP) == 2
    assert reasons(world, TOWNSHIP) == [NEW_NUMBER]
    (row,) = rows(world.at(TOWNSHIP).exchange, tables.journal_number)
    assert (row.number, row.start) == (2, before)


def test_a_parent_that_asks_itself_is_asked_again_when_it_is_sure(world: World) -> None:
    both_lost(world)
    greet(world, TOWNSHIP, COUNTY)
    assert Address(TOWNSHIP) in world.at(COUNTY).context.heard
    assert world.at(TOWNSHIP).context.heard == {}
    goes_on(world, COUNTY)
    greet(world, TOWNSHIP, COUNTY)
    assert set(world.at(TOWNSHIP).context.heard) == {Address(COUNTY)}


def test_a_parent_is_trusted_again_once_it_was_shown_the_end_since_its_loss(world: World) -> None:
    both_lost(world)
    goes_on(world, COUNTY)
    greet(world, TOWNSHIP, COUNTY)
    goes_on(world, TOWNSHIP)
    for _ in range(3):
        live(world)
    put_back(world, TOWNSHIP, backup_of(world, TOWNSHIP))
    greet(world, TOWNSHIP, COUNTY)
    assert goes_on(world, TOWNSHIP) == 2


# Own words under the number before


def lost_words(world: World) -> Backup:
    """The county says something to the city and beyond, which only they have heard; returns its records from before."""
    live(world)
    records = backup_of(world, COUNTY)
    for hall in (CITY, OTHER_COUNTY):
        want(world, COUNTY, dispatch(hall, f"to {hall}".encode(), kind="case.events"))
    settle_exchanges(world)
    return records


def said_again(world: World) -> list[bytes]:
    return [word.payload for word in words(world.at(COUNTY))]


def test_what_it_had_said_under_the_number_before_comes_back_from_whoever_heard_it(
    world: World,
) -> None:
    records = lost_words(world)
    start_alone(world, records)
    want(world, COUNTY, *(dispatch(TOWNSHIP, b"said since", kind="case.events") for _ in range(9)))
    settle_exchanges(world)
    mend(world)
    settle_words(world)
    assert said_again(world) == [f"to {hall}".encode() for hall in (CITY, OTHER_COUNTY)]
    assert reasons(world, COUNTY) == [NEW_NUMBER, LOST]
    # What was said since stands where it stood, and goes to nobody a second time.
    since = [row for row in deliveries(world.at(COUNTY)) if row.kind == "case.events"]
    assert [row.recipient for row in since] == [TOWNSHIP] * 9
    assert not queued(world.at(COUNTY))


def test_words_that_stand_behind_what_is_lost_are_not_taken_for_lost_ones(world: World) -> None:
    """Places are counted on under the new number, so a neighbour has two words for one place: it gives the older."""
    records = lost_words(world)
    start_alone(world, records)
    mend(world)
    want(world, COUNTY, *(dispatch(CITY, b"said since", kind="case.events") for _ in range(9)))
    settle_words(world)
    assert b"said since" not in said_again(world)
    assert set(reasons(world, COUNTY)) == {NEW_NUMBER, LOST}


def test_a_start_after_which_nothing_is_missing_asks_for_no_words(world: World) -> None:
    live(world)
    start_alone(world, backup_of(world, COUNTY))
    mend(world)
    settle_words(world)
    assert said_again(world) == []
    assert rows(world.at(CITY).exchange, tables.giving_back) == []


def test_a_word_under_the_new_number_is_not_believed_as_one_of_the_number_before(
    world: World,
) -> None:
    """It stands at a place that was lost, but in the journal that goes on."""
    start_alone(world, lost_words(world))
    want(world, COUNTY, dispatch(TOWNSHIP, b"said since", kind="case.events"))
    settle_exchanges(world)
    mend(world)
    settle_words(world)
    before = said_again(world)

    def give(connection: Connection) -> wire_returning.WordsReturned:
        asked = tables.giving_back
        connection.execute(asked.update().values(before_number=3, of_cases=0))
        (row,) = connection.execute(asked.select()).all()
        portion, _ = giving_back._next_portion(connection, world.at(TOWNSHIP).context, row)
        assert portion is not None
        return portion

    lie = world.at(TOWNSHIP).exchange.transact(give)
    assert [word.header for word in lie.words]
    lie.before_number = 2
    station = world.at(COUNTY)

    def take(connection: Connection) -> None:
        giver, now = Address(TOWNSHIP), world.time.now
        entries = taking_back.take(connection, station.context, giver, lie, now)
        tables.feed.append(connection, entries)

    station.exchange.transact(take)
    assert said_again(world) == before
    assert reasons(world, COUNTY)[-1] == ProofInvalid.reason

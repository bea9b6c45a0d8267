"""A hall that lost its records gets back what it had said itself, and believes nothing but that."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import update
from tests.exchange.losses import (
    Backup,
    backup_of,
    give_back,
    is_recovered,
    recover,
    returned,
    settle_words,
    words,
)
from tests.exchange.parts import (
    SECRET,
    deliveries,
    dispatch,
    everything,
    greet,
    messages,
    queued,
    receipt_bodies,
    rows,
    sent_bodies,
    settle_exchanges,
    talk,
    told,
    want,
)
from tests.simulation.halls import World
from tests.simulation.worlds import CITY, COUNTY, OTHER_COUNTY, TOWNSHIP

from hallnet.exchange import tables
from hallnet.exchange.records import bundling
from hallnet.exchange.recovery import giving_back, taking_back
from hallnet.federation.delivery import State
from hallnet.federation.returning import WORDS_AWAITED_FOR, WORDS_MAX
from hallnet.places import Address
from hallnet.store import Connection
from hallnet.trust.bundle import verify_bundle
from hallnet.trust.journal import EntryKind
from hallnet.trust.problems import (
    BodyDamaged,
    ContentNotAsCommitted,
    EntryContradicted,
    ProofInvalid,
    SignatureInvalid,
    SpeaksForAnother,
)
from hallnet.wire.exchange.v1 import returning_pb2 as wire
from hallnet.wire.trust.v1 import journal_pb2 as wire_trust

EVENTS = "case.events"


def said(recipient: str, number: int) -> bytes:
    return SECRET + f" {number} to {recipient}".encode()


def speak(world: World, *recipients: str, count: int = 2, kind: str = EVENTS) -> None:
    """The township says something about its cases."""
    for recipient in recipients:
        want(
            world,
            TOWNSHIP,
            *(dispatch(recipient, said(recipient, n), kind=kind) for n in range(count)),
        )
    settle_exchanges(world)


def lose(world: World, backup: Backup) -> None:
    recover(world, TOWNSHIP, backup, COUNTY)


def before(world: World) -> Backup:
    talk(world)
    greet(world, TOWNSHIP, COUNTY)
    return backup_of(world, TOWNSHIP)


def incidents(world: World, address: str) -> list[str]:
    entries = told(world.at(address), "incident.recorded")
    return [wire_trust.Incident.FromString(entry.payload).reason for entry in entries]


def test_what_a_hall_had_said_to_its_neighbour_and_beyond_comes_back_as_it_was(
    world: World,
) -> None:
    backup = before(world)
    speak(world, COUNTY, OTHER_COUNTY)
    lost = {row.envelope_id: row for row in deliveries(world.at(TOWNSHIP))}
    bodies = sent_bodies(world.at(TOWNSHIP))
    receipts = receipt_bodies(world.at(TOWNSHIP))
    lose(world, backup)
    settle_words(world)
    station = world.at(TOWNSHIP)
    back = {row.envelope_id: row for row in deliveries(station) if row.kind == EVENTS}
    assert len(back) == 4
    for envelope_id, row in back.items():
        known = lost[envelope_id]
        for name in ("recipient", "subject", "leaf_index", "header_digest", "wanted_at"):
            assert getattr(row, name) == getattr(known, name)
        assert row.state == State.ACCEPTED
        assert receipt_bodies(station)[envelope_id] == receipts[envelope_id]
        assert sent_bodies(station)[row.leaf_index] == bodies[row.leaf_index]
    assert [word.payload for word in words(station)] == [
        said(hall, number) for hall in (COUNTY, OTHER_COUNTY) for number in range(2)
    ]
    assert is_recovered(station)


def test_nothing_that_came_back_is_sent_a_second_time(world: World) -> None:
    backup = before(world)
    speak(world, COUNTY, OTHER_COUNTY)
    lose(world, backup)
    settle_words(world)
    assert not queued(world.at(TOWNSHIP))
    for hall in (COUNTY, OTHER_COUNTY):
        assert len([one for one in messages(world.at(hall)) if one.kind == EVENTS]) == 2


def test_what_came_back_is_proved_as_before(world: World) -> None:
    """A bundle of the matter shows it with the proof that came back, though the journal lost the entries."""
    backup = before(world)
    speak(world, COUNTY)
    lose(world, backup)
    settle_words(world)
    station = world.at(TOWNSHIP)
    signed = station.exchange.look(
        lambda c: bundling.export(c, station.context, "matter-1", world.time.now)
    )
    report = verify_bundle(signed.SerializeToString(), world.root)
    assert report.holds
    shown = [item.content.payload for item in report.exhibits if item.content]
    assert [text for text in shown if text != SECRET] == [said(COUNTY, 0), said(COUNTY, 1)]


def test_own_receipts_come_back_as_entries_of_the_journal(world: World) -> None:
    backup = before(world)
    for giver in (COUNTY, OTHER_COUNTY):
        want(world, giver, dispatch(TOWNSHIP))
    settle_exchanges(world)
    lose(world, backup)
    settle_words(world)
    back = rows(world.at(TOWNSHIP).exchange, tables.returned_entry)
    assert [row.kind for row in back].count(int(EntryKind.RECEIVED)) == 2


def test_a_hall_waits_until_all_have_answered_and_no_longer_than_the_bound(world: World) -> None:
    backup = before(world)
    speak(world, COUNTY, OTHER_COUNTY)
    world.at(OTHER_COUNTY).cut = True
    lose(world, backup)
    settle_words(world)
    station = world.at(TOWNSHIP)
    assert len(words(station)) == 2
    assert not is_recovered(station)
    world.time.pass_by(seconds=WORDS_AWAITED_FOR.total_seconds())
    give_back(world, station)
    assert is_recovered(station)
    # What comes later is taken in all the same.
    world.at(OTHER_COUNTY).cut = False
    settle_words(world)
    assert len(words(station)) == 4


def test_a_clock_that_goes_back_meanwhile_does_not_make_a_hall_wait_for_longer(
    world: World,
) -> None:
    backup = before(world)
    speak(world, COUNTY)
    world.time.pass_by(hours=1)
    lose(world, backup)
    world.at(TOWNSHIP).cut = True
    world.time.pass_by(hours=-1)
    station = world.at(TOWNSHIP)
    give_back(world, station)
    assert not is_recovered(station)
    world.time.pass_by(seconds=WORDS_AWAITED_FOR.total_seconds())
    give_back(world, station)
    assert is_recovered(station)


def test_a_hall_does_not_wait_for_one_to_which_there_is_no_way(world: World) -> None:
    """Its parent lost records too, and does not know it any more: nobody will answer."""
    backup = before(world)
    speak(world, COUNTY, OTHER_COUNTY)
    lose(world, backup)
    unknown = tables.delivery.c.recipient == OTHER_COUNTY

    def refused(connection: Connection) -> None:
        wanted = unknown & (tables.delivery.c.kind == giving_back.WANTED_KIND)
        ended = {"state": State.REFUSED, "reason": "RECIPIENT_UNKNOWN"}
        assert connection.execute(update(tables.delivery).where(wanted).values(ended)).rowcount

    world.at(OTHER_COUNTY).cut = True
    settle_words(world)
    station = world.at(TOWNSHIP)
    assert not is_recovered(station)
    station.exchange.transact(refused)
    give_back(world, station)
    assert is_recovered(station)


def with_a_clock_ahead(world: World, act: Callable[[], object]) -> None:
    """Something is done by a hall whose clock is an hour ahead of all others."""
    world.time.pass_by(hours=1)
    act()
    world.time.pass_by(hours=-1)


def said_of(world: World, address: str, kind: str) -> list[tuple[State, str]]:
    """How messages ended that are about words, the oldest first."""
    return [
        (State(row.state), row.reason)
        for row in deliveries(world.at(address))
        if row.kind == kind and row.recipient in (COUNTY, TOWNSHIP)
    ]


REFUSED_FOR_CLOCK, TAKEN = (State.REFUSED, "CLOCK_AHEAD"), (State.ACCEPTED, "")


def test_a_question_that_was_refused_for_the_clock_of_who_asks_is_asked_again(
    world: World,
) -> None:
    """Nobody acts before the answer, either."""
    backup = before(world)
    speak(world, COUNTY, OTHER_COUNTY)
    with_a_clock_ahead(world, lambda: lose(world, backup))
    settle_exchanges(world)
    assert said_of(world, TOWNSHIP, giving_back.WANTED_KIND) == [REFUSED_FOR_CLOCK]
    assert not is_recovered(world.at(TOWNSHIP))
    settle_words(world)
    assert said_of(world, TOWNSHIP, giving_back.WANTED_KIND) == [REFUSED_FOR_CLOCK, TAKEN]
    assert len(words(world.at(TOWNSHIP))) == 4
    assert is_recovered(world.at(TOWNSHIP))


def test_as_long_as_a_clock_is_wrong_it_is_asked_once_a_minute(world: World) -> None:
    backup = before(world)
    speak(world, COUNTY)
    with_a_clock_ahead(world, lambda: lose(world, backup))
    settle_exchanges(world)

    def ask_twice() -> None:
        for _ in range(2):
            give_back(world, world.at(TOWNSHIP))

    with_a_clock_ahead(world, ask_twice)
    settle_exchanges(world)
    assert said_of(world, TOWNSHIP, giving_back.WANTED_KIND) == [REFUSED_FOR_CLOCK]
    world.time.pass_by(seconds=giving_back.SAID_AGAIN_AFTER.total_seconds())
    with_a_clock_ahead(world, ask_twice)
    settle_exchanges(world)
    assert said_of(world, TOWNSHIP, giving_back.WANTED_KIND) == [REFUSED_FOR_CLOCK] * 2


def test_a_portion_that_was_refused_for_the_clock_of_who_gives_is_given_again(
    world: World,
) -> None:
    backup = before(world)
    speak(world, COUNTY)
    lose(world, backup)
    settle_exchanges(world)
    with_a_clock_ahead(world, lambda: give_back(world, world.at(COUNTY)))
    settle_exchanges(world)
    assert said_of(world, COUNTY, giving_back.RETURNED_KIND) == [REFUSED_FOR_CLOCK]
    settle_words(world)
    assert said_of(world, COUNTY, giving_back.RETURNED_KIND)[:2] == [REFUSED_FOR_CLOCK, TAKEN]
    assert len(words(world.at(TOWNSHIP))) == 2
    assert is_recovered(world.at(TOWNSHIP))


def test_cases_come_before_the_rest_and_a_portion_is_bounded(world: World) -> None:
    backup = before(world)
    speak(world, COUNTY, count=3, kind="numbers.of_day")
    speak(world, COUNTY, count=WORDS_MAX + 5)
    lose(world, backup)
    settle_words(world)
    kinds = [word.kind for word in words(world.at(TOWNSHIP))]
    assert kinds == [EVENTS] * (WORDS_MAX + 5) + ["numbers.of_day"] * 3
    entries = [entry.kind for entry in returned(world.at(TOWNSHIP))]
    assert entries.index("journal.recovered") >= WORDS_MAX + 5


def test_a_giver_that_goes_down_in_the_middle_goes_on_from_there(world: World) -> None:
    """Whatever is repeated or broken off: each word comes back once, and stands once."""
    backup = before(world)
    speak(world, COUNTY, count=3 * WORDS_MAX)
    lose(world, backup)
    for number in range(40):
        for station in list(world.stations.values()):
            give_back(world, station)
        if number % 2:
            world.restart(COUNTY if number % 4 == 1 else TOWNSHIP)
        batch = world.next_batch(world.at(COUNTY), world.at(TOWNSHIP))
        if batch is not None:
            # The answer is lost: the batch comes again.
            world.take(world.at(COUNTY), world.at(TOWNSHIP), batch.data)
        settle_exchanges(world)
    found = [word.envelope_id for word in words(world.at(TOWNSHIP))]
    assert len(found) == len(set(found)) == 3 * WORDS_MAX


def test_a_transaction_that_is_broken_off_leaves_nothing(world: World) -> None:
    backup = before(world)
    speak(world, COUNTY)
    lose(world, backup)
    settle_exchanges(world)
    station = world.at(COUNTY)
    untouched = everything(station.exchange)

    class PowerFailed(Exception):
        pass

    def work(connection: Connection) -> None:
        giving_back.give_some(connection, station.context, world.time.now)
        raise PowerFailed

    with pytest.raises(PowerFailed):
        station.exchange.transact(work)
    assert everything(station.exchange) == untouched
    settle_words(world)
    assert len(words(world.at(TOWNSHIP))) == 2


def test_a_hall_that_lost_its_records_twice_gets_all_of_it_back(world: World) -> None:
    backup = before(world)
    speak(world, COUNTY)
    lose(world, backup)
    settle_words(world)
    world.time.pass_by(minutes=1)
    greet(world, TOWNSHIP, COUNTY)
    speak(world, COUNTY, count=3)
    lose(world, backup)
    settle_words(world)
    assert len(words(world.at(TOWNSHIP))) == 5


def test_words_that_were_under_way_come_back_once_they_arrived(world: World) -> None:
    backup = before(world)
    world.at(OTHER_COUNTY).cut = True
    speak(world, OTHER_COUNTY)
    lose(world, backup)
    settle_words(world)
    assert words(world.at(TOWNSHIP)) == []
    world.at(OTHER_COUNTY).cut = False
    settle_words(world)
    assert len(words(world.at(TOWNSHIP))) == 2
    assert len([one for one in messages(world.at(OTHER_COUNTY)) if one.kind == EVENTS]) == 2


def test_content_that_was_erased_does_not_come_back_but_its_proof_does(world: World) -> None:
    backup = before(world)
    speak(world, COUNTY)

    def erase(connection: Connection) -> None:
        connection.execute(tables.reception.update().values(sealed_body=None))

    world.at(COUNTY).exchange.transact(erase)
    lose(world, backup)
    settle_words(world)
    station = world.at(TOWNSHIP)
    assert words(station) == []
    back = [row for row in rows(station.exchange, tables.returned_entry) if row.kind == 1]
    assert [row.has_content for row in back] == [False, False]
    assert [row.state for row in deliveries(station) if row.kind == EVENTS] == [State.ACCEPTED] * 2


# Neighbours that lie


def given(world: World, **asked: object) -> wire.WordsReturned:
    """What the county gives back, or would if something else had been asked for."""
    station = world.at(COUNTY)

    def look(connection: Connection) -> wire.WordsReturned:
        table = tables.giving_back
        connection.execute(table.update().values(of_cases=0, others=0, **asked))
        (row,) = connection.execute(table.select()).all()
        portion, _ = giving_back._next_portion(connection, station.context, row)
        assert portion is not None
        return portion

    return station.exchange.transact(look)


def hand(world: World, message: wire.WordsReturned, giver: str = COUNTY) -> None:
    station = world.at(TOWNSHIP)

    def take(connection: Connection) -> None:
        entries = taking_back.take(
            connection, station.context, Address(giver), message, world.time.now
        )
        tables.feed.append(connection, entries)

    station.exchange.transact(take)


def _header(message: wire.WordsReturned) -> None:
    message.words[0].header = message.words[1].header


def _body(message: wire.WordsReturned) -> None:
    raw = bytearray(message.words[0].sealed_body)
    raw[-1] ^= 1
    message.words[0].sealed_body = bytes(raw)


def _key(message: wire.WordsReturned) -> None:
    message.words[0].content_key = bytes(len(message.words[0].content_key))


def _signature(message: wire.WordsReturned) -> None:
    for head in message.evidence.checkpoints:
        head.signature = bytes(len(head.signature))


def _path(message: wire.WordsReturned) -> None:
    message.evidence.hashes = bytes(len(message.evidence.hashes))


def _receipt(message: wire.WordsReturned) -> None:
    message.words[0].receipt.CopyFrom(message.words[1].receipt)


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (_header, ProofInvalid.reason),
        (_body, BodyDamaged.reason),
        (_key, ContentNotAsCommitted.reason),
        (_signature, SignatureInvalid.reason),
        (_path, ProofInvalid.reason),
        (_receipt, ProofInvalid.reason),
    ],
    ids=[
        "another header",
        "another body",
        "another key",
        "no signature",
        "no path",
        "another receipt",
    ],
)
def test_what_was_changed_is_refused_and_recorded_and_the_rest_believed(
    world: World, spoil: Callable[[wire.WordsReturned], None], reason: str
) -> None:
    backup = before(world)
    speak(world, COUNTY)
    lose(world, backup)
    settle_exchanges(world)
    message = given(world)
    assert len(message.words) == 2
    spoil(message)
    hand(world, message)
    station = world.at(TOWNSHIP)
    assert reason in incidents(world, TOWNSHIP)
    believed = [word.payload for word in words(station)]
    assert said(COUNTY, 0) not in believed
    assert believed == ([] if spoil in (_signature, _path) else [said(COUNTY, 1)])


def test_words_of_another_hall_are_refused(world: World) -> None:
    """Its own words, with its own proofs."""
    backup = before(world)
    speak(world, COUNTY)
    lose(world, backup)
    settle_exchanges(world)
    want(world, CITY, dispatch(COUNTY, kind=EVENTS))
    settle_exchanges(world)
    end = given(world).end
    message = given(world, hall=CITY, start=0, end=2**40)
    assert message.words
    message.end = end
    hand(world, message)
    assert incidents(world, TOWNSHIP).count(SpeaksForAnother.reason) >= 1
    assert words(world.at(TOWNSHIP)) == []


def test_words_from_places_that_are_not_lost_are_refused(world: World) -> None:
    """What stands before the gap is here, and what stands behind it cannot have been given back."""
    backup = before(world)
    speak(world, COUNTY)
    lose(world, backup)
    settle_exchanges(world)
    message = given(world)
    want(world, TOWNSHIP, dispatch(COUNTY, kind=EVENTS))
    settle_exchanges(world)
    forged = given(world, start=message.end, end=2**40)
    assert forged.words
    forged.end = message.end
    hand(world, forged)
    assert ProofInvalid.reason in incidents(world, TOWNSHIP)
    assert words(world.at(TOWNSHIP)) == []


def test_two_entries_for_one_place_are_evidence(world: World) -> None:
    """A head of a second journal of this hall, signed with its key."""
    backup = before(world)
    speak(world, COUNTY)
    lose(world, backup)
    settle_exchanges(world)
    message = given(world)
    hand(world, message)
    station = world.at(TOWNSHIP)

    def other(connection: Connection) -> None:
        connection.execute(tables.returned_entry.update().values(data=b"something else"))

    station.exchange.transact(other)
    hand(world, message)
    assert EntryContradicted.reason in incidents(world, TOWNSHIP)


def test_what_nobody_asked_for_changes_nothing(world: World) -> None:
    backup = before(world)
    speak(world, COUNTY)
    lose(world, backup)
    settle_exchanges(world)
    message = given(world)
    untouched = everything(world.at(TOWNSHIP).exchange)
    hand(world, message, giver=CITY)
    message.end += 1
    hand(world, message)
    assert everything(world.at(TOWNSHIP).exchange) == untouched


def test_a_wish_is_answered_once_and_only_with_the_words_of_who_asks(world: World) -> None:
    backup = before(world)
    speak(world, COUNTY)
    want(world, CITY, dispatch(COUNTY, kind=EVENTS))
    settle_exchanges(world)
    lose(world, backup)
    settle_words(world)
    assert len(words(world.at(TOWNSHIP))) == 2
    station = world.at(COUNTY)
    (row,) = rows(station.exchange, tables.giving_back)
    wish = wire.WordsWanted(start=row.start, end=row.end)
    station.exchange.transact(
        lambda c: giving_back.take_wish(c, Address(TOWNSHIP), wish, world.time.now)
    )
    assert rows(station.exchange, tables.giving_back) == [row]
    world.time.pass_by(seconds=(giving_back.KEPT_FOR + timedelta(hours=1)).total_seconds())
    give_back(world, station)
    assert rows(station.exchange, tables.giving_back) == []

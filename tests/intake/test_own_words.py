"""A hall that lost its records knows again what it had said of its cases, exactly as it was."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import MetaData, Row, delete, insert
from tests.exchange.parts import greet, rows
from tests.intake.parts import (
    ACCEPT,
    GRANT,
    HAND_OVER,
    REVIEW,
    SUBSISTENCE,
    raws,
    reported_up,
    row_of,
    set_aside,
    told,
)
from tests.simulation.halls import World
from tests.simulation.worlds import COUNTY, TOWNSHIP

from hallnet.case.event import EVENT
from hallnet.case.problems import HistoryBroken
from hallnet.exchange import tables as exchange_tables
from hallnet.exchange.link import making_sure
from hallnet.federation.returning import WORDS_AWAITED_FOR
from hallnet.intake import dispatches, hall_state, numbering, own_words
from hallnet.intake import tables as intake_tables
from hallnet.intake.records import Records
from hallnet.store import Connection, Database
from hallnet.wire.feed.v1 import feed_pb2 as wire_feed
from hallnet.wire.intake.v1 import intake_service_pb2 as wire

Tables = dict[str, list[Row[Any]]]
Backup = tuple[Tables, Tables]


def copy_of(database: Database, metadata: MetaData) -> Tables:
    return {table.name: rows(database, table) for table in metadata.sorted_tables}


def write(database: Database, metadata: MetaData, copy: Tables) -> None:
    def work(connection: Connection) -> None:
        for table in reversed(metadata.sorted_tables):
            connection.execute(delete(table))
        for table in metadata.sorted_tables:
            if copy[table.name]:
                connection.execute(insert(table), [dict(row._mapping) for row in copy[table.name]])

    database.transact(work)


def backup_of(world: World, at: str) -> Backup:
    station = world.at(at)
    return (
        copy_of(station.exchange, exchange_tables.metadata),
        copy_of(station.intake, intake_tables.metadata),
    )


def put_back(world: World, at: str, backup: Backup, *neighbours: str) -> None:
    """Both services have the records of the backup, and the hall asks for what it had said."""
    station = world.at(at)
    write(station.exchange, exchange_tables.metadata, backup[0])
    write(station.intake, intake_tables.metadata, backup[1])
    station = world.restart(at)
    station.context.is_sure = False
    station.hall = replace(station.hall, records=Records.unsure(()))
    for feed, database in (
        (exchange_tables.feed, station.exchange),
        (exchange_tables.returned, station.exchange),
        (intake_tables.feed, station.intake),
    ):
        database.transact(lambda c, feed=feed: feed.leap(c, world.time.now))  # type: ignore[misc]
    for neighbour in neighbours:
        greet(world, at, neighbour)
    station.exchange.transact(lambda c: making_sure.go_on(c, station.context, world.time.now))
    station.context.is_sure = True
    world.time.pass_by(seconds=10)
    for neighbour in neighbours:
        greet(world, at, neighbour)


def begun(world: World) -> Backup:
    """Something is known of the township's journal before the backup is taken."""
    world.file(TOWNSHIP, SUBSISTENCE)
    world.settle()
    greet(world, TOWNSHIP, COUNTY)
    world.time.pass_by(minutes=5)
    return backup_of(world, TOWNSHIP)


def test_what_was_said_to_the_county_since_the_backup_is_known_again_event_by_event(
    world: World,
) -> None:
    backup = begun(world)
    case = reported_up(world)
    world.settle()
    case = world.act(COUNTY, case, GRANT)
    world.settle()
    before = raws(world.at(TOWNSHIP), case)
    listed = row_of(world.at(TOWNSHIP), case)._mapping
    put_back(world, TOWNSHIP, backup, COUNTY)
    assert world.case(TOWNSHIP, case) is None
    world.settle()
    assert raws(world.at(TOWNSHIP), case) == before == raws(world.at(COUNTY), case)
    again = row_of(world.at(TOWNSHIP), case)._mapping
    assert {name: again[name] for name in listed} == dict(listed)
    assert set_aside(world.at(TOWNSHIP)) == set_aside(world.at(COUNTY)) == []


def test_a_case_that_was_known_goes_on_from_where_it_was(world: World) -> None:
    case = world.file(TOWNSHIP, SUBSISTENCE)
    backup = begun(world)
    for command in (ACCEPT, REVIEW, HAND_OVER):
        case = world.act(TOWNSHIP, case, command)
    world.settle()
    put_back(world, TOWNSHIP, backup, COUNTY)
    known = world.case(TOWNSHIP, case)
    assert known is not None
    assert known.sequence == 1
    world.settle()
    now = world.case(TOWNSHIP, case)
    assert now is not None
    assert now.sequence == case.sequence + 1
    assert str(now.custodian) == COUNTY
    case = world.act(COUNTY, case, GRANT)
    world.settle()
    assert raws(world.at(TOWNSHIP), case) == raws(world.at(COUNTY), case)
    assert set_aside(world.at(TOWNSHIP)) == set_aside(world.at(COUNTY)) == []


def test_a_case_that_was_taken_over_is_not_taken_over_a_second_time(world: World) -> None:
    """The county is put back to before the hand-over, which the township sends again."""
    world.file(TOWNSHIP, SUBSISTENCE)
    world.settle()
    greet(world, COUNTY, TOWNSHIP)
    world.time.pass_by(minutes=5)
    early = reported_up(world)
    world.settle()
    greet(world, COUNTY, TOWNSHIP)
    backup = backup_of(world, COUNTY)
    case = reported_up(world)
    world.settle()
    early = world.act(COUNTY, early, GRANT)
    case = world.act(COUNTY, case, GRANT)
    world.settle()
    histories = {one.case_id: raws(world.at(COUNTY), one) for one in (early, case)}
    put_back(world, COUNTY, backup, TOWNSHIP)
    world.settle()
    for one in (early, case):
        assert raws(world.at(COUNTY), one) == histories[one.case_id]
        assert raws(world.at(TOWNSHIP), one) == histories[one.case_id]
    assert set_aside(world.at(TOWNSHIP)) == set_aside(world.at(COUNTY)) == []


def test_nobody_is_told_a_second_time(world: World) -> None:
    """Neither other halls nor the people: what came back is told as words of another hall are."""
    backup = begun(world)
    case = reported_up(world)
    world.settle()
    put_back(world, TOWNSHIP, backup, COUNTY)
    told_before = len(told(world.at(TOWNSHIP), "case.event"))
    world.settle()
    assert len(told(world.at(TOWNSHIP), "case.event")) == told_before
    back = [one for one in told(world.at(TOWNSHIP), "case.replica") if one.subject == case.case_id]
    own = [one for one in back if str(EVENT.from_bytes(one.payload).author) == TOWNSHIP]
    assert len(own) == 4
    assert not any(entry.dispatches for entry in own)


def test_numbers_that_were_given_are_known_again(world: World) -> None:
    backup = begun(world)
    case = reported_up(world)
    world.settle()
    put_back(world, TOWNSHIP, backup, COUNTY)
    world.settle()
    day = world.time.now.date()
    number = world.at(TOWNSHIP).intake.transact(
        lambda c: numbering.next_case_no(c, world.at(TOWNSHIP).address, day)
    )
    assert number > case.case_no


def test_the_numbers_of_the_hall_follow(world: World) -> None:
    """What it had done since the backup is counted as before."""
    backup = begun(world)
    reported_up(world)
    world.settle()
    table = intake_tables.number
    before = rows(world.at(TOWNSHIP).intake, table)
    put_back(world, TOWNSHIP, backup, COUNTY)
    assert rows(world.at(TOWNSHIP).intake, table) != before
    world.settle()
    assert rows(world.at(TOWNSHIP).intake, table) == before


def test_who_acted_before_it_came_back_made_a_second_history_for_a_person_to_look_at(
    world: World,
) -> None:
    case = world.file(TOWNSHIP, SUBSISTENCE)
    backup = begun(world)
    later = case
    for command in (ACCEPT, REVIEW, HAND_OVER):
        later = world.act(TOWNSHIP, later, command)
    world.settle()
    world.at(TOWNSHIP).cut = True
    put_back(world, TOWNSHIP, backup, COUNTY)
    world.settle()
    assert not world.at(TOWNSHIP).hall.records.may_act.is_set()
    world.time.pass_by(seconds=WORDS_AWAITED_FOR.total_seconds())
    world.settle()
    assert world.at(TOWNSHIP).hall.records.may_act.is_set()
    second = case
    for command in (ACCEPT, REVIEW, HAND_OVER):
        second = world.act(TOWNSHIP, second, command)
    world.at(TOWNSHIP).cut = False
    world.settle()
    assert raws(world.at(TOWNSHIP), case) != raws(world.at(COUNTY), case)
    assert (TOWNSHIP, HistoryBroken.reason) in set_aside(world.at(TOWNSHIP))
    assert (TOWNSHIP, HistoryBroken.reason) in set_aside(world.at(COUNTY))


def test_the_same_word_twice_has_one_effect(world: World) -> None:
    backup = begun(world)
    case = reported_up(world)
    world.settle()
    put_back(world, TOWNSHIP, backup, COUNTY)
    world.settle()
    station = world.at(TOWNSHIP)
    before = raws(station, case)
    entries = station.exchange.look(lambda c: exchange_tables.returned.after(c, 0))
    assert entries
    station.intake.transact(lambda c: own_words.take(c, station.hall, entries, world.time.now))
    assert raws(station, case) == before
    assert set_aside(station) == []


@pytest.mark.parametrize("kind", [dispatches.EVENTS_KIND, hall_state.STATE_KIND])
def test_a_word_that_nobody_can_read_holds_up_no_other(world: World, kind: str) -> None:
    """Neither had it an effect where it was sent."""
    station = world.at(TOWNSHIP)
    said = wire.HallStanding(state=wire.HALL_STATE_CLOSED, reason="撤销")
    entries = [
        wire_feed.FeedEntry(
            kind="word.returned",
            payload=wire_feed.InboundMessage(
                sender=TOWNSHIP, kind=of, payload=payload
            ).SerializeToString(),
        )
        for of, payload in ((kind, b"\xff"), (hall_state.STATE_KIND, said.SerializeToString()))
    ]
    station.intake.transact(lambda c: own_words.take(c, station.hall, entries, world.time.now))
    found = station.intake.look(lambda c: hall_state.standing(c, station.hall))
    assert found.reason == "撤销"


@pytest.mark.parametrize("is_newer", [True, False])
def test_a_hall_that_had_closed_knows_so_again(world: World, is_newer: bool) -> None:
    station = world.at(TOWNSHIP)
    request = wire.SetHallStateRequest(state=wire.HALL_STATE_SUSPENDED, reason="盘点")
    standing = station.intake.transact(
        lambda c: hall_state.change(c, station.hall, request, world.time.now)
    )
    said = wire.HallStanding.FromString(standing.SerializeToString())
    said.state, said.reason = wire.HALL_STATE_CLOSED, "撤销"
    said.since.seconds += 60 if is_newer else -60
    message = wire_feed.InboundMessage(
        sender=TOWNSHIP, kind=hall_state.STATE_KIND, payload=said.SerializeToString()
    )
    entry = wire_feed.FeedEntry(kind="word.returned", payload=message.SerializeToString())
    station.intake.transact(lambda c: own_words.take(c, station.hall, [entry], world.time.now))
    found = station.intake.look(lambda c: hall_state.standing(c, station.hall))
    assert found.reason == ("撤销" if is_newer else "盘点")

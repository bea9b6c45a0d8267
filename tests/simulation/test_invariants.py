"""The invariants of the network, each by its name, on the very code that the nodes run."""

from __future__ import annotations

import base64
import random

import pytest
from sqlalchemy import func, select
from tests.simulation.conftest import CITY, COUNTY, OTHER_COUNTY, TOWNSHIP
from tests.simulation.halls import Station, World

from hallnet.case import command as commands
from hallnet.case.case import Case
from hallnet.case.command import Command
from hallnet.case.event import DeliveryMethod, Opinion, Outcome
from hallnet.case.problems import CaseInTransit, NotTheCustodian
from hallnet.case.stage import Stage
from hallnet.exchange import tables as exchange_tables
from hallnet.exchange.journal.journal_store import read_runs, read_tile
from hallnet.exchange.queue import outgoing
from hallnet.federation import delivery
from hallnet.intake import tables as intake_tables
from hallnet.places import Address
from hallnet.problems import Problem
from hallnet.store import Connection, Database
from hallnet.trust import merkle
from hallnet.trust.journal import Journal
from hallnet.trust.suites import algorithms

SUBSISTENCE = "subsistence-allowance"
PENSION = "resident-pension-enrolment"


def reported_up(world: World) -> Case:
    """A case that the township has accepted, reviewed and given to the county."""
    case = world.file(TOWNSHIP, SUBSISTENCE)
    world.act(TOWNSHIP, case, commands.Accept())
    world.act(TOWNSHIP, case, commands.Review(Opinion.FAVOURABLE, "符合条件"))
    return world.act(TOWNSHIP, case, commands.HandOver("请予确认"))


def test_a_case_goes_up_is_decided_and_comes_back_the_same_at_both_halls(world: World) -> None:
    case = reported_up(world)
    world.settle()
    world.act(COUNTY, case, commands.Decide(Outcome.GRANTED, "符合条件", ""))
    world.settle()
    world.act(TOWNSHIP, case, commands.Close(DeliveryMethod.AGENT, "代办员"))
    world.settle()
    here, there = world.case(TOWNSHIP, case), world.case(COUNTY, case)
    assert here == there
    assert here is not None
    assert here.stage is Stage.CLOSED
    assert here.custodian == Address(TOWNSHIP)


def test_nothing_lost_when_replies_are_lost(world: World) -> None:
    """What the neighbour committed and could not confirm is sent again and is not lost."""
    case = reported_up(world)
    township, county = world.at(TOWNSHIP), world.at(COUNTY)
    world.follow(township)
    for _ in range(3):
        batch = world.next_batch(township, county)
        assert batch is not None
        world.take(township, county, batch.data)
    world.settle()
    found = world.case(COUNTY, case)
    assert found is not None
    assert found.custodian == Address(COUNTY)


def test_nothing_twice_when_a_batch_comes_many_times_at_any_age(world: World) -> None:
    """The same bytes again, a minute and a year later, have no second effect."""
    case = reported_up(world)
    township, county = world.at(TOWNSHIP), world.at(COUNTY)
    world.follow(township)
    batch = world.next_batch(township, county)
    assert batch is not None
    world.settle()
    settled = world.case(COUNTY, case)
    entries = entries_of(county)
    for length in ({"minutes": 1}, {"days": 1}, {"days": 365}):
        world.time.pass_by(**length)
        taken = world.take(township, county, batch.data)
        assert [answer.disposition for answer in taken.reply.answers] == [1] * len(
            taken.reply.answers
        )
    assert entries_of(county) == entries
    assert world.case(COUNTY, case) == settled


def test_a_repeated_envelope_is_answered_with_the_original_receipt(world: World) -> None:
    reported_up(world)
    township, county = world.at(TOWNSHIP), world.at(COUNTY)
    world.follow(township)
    batch = world.next_batch(township, county)
    assert batch is not None
    world.settle()
    first = receipts_of(county)
    world.time.pass_by(days=1)
    reply = world.take(township, county, batch.data).reply
    assert receipts_of(county) == first
    assert {receipt.body for receipt in reply.receipts} <= set(first)
    assert len(reply.receipts) == len(batch.parcels)


def test_one_custodian_at_every_instant(world: World) -> None:
    """While a case is in transit nobody may decide it; afterwards only the taker."""
    case = reported_up(world)
    grant = commands.Decide(Outcome.GRANTED, "符合条件", "")
    with pytest.raises(CaseInTransit):
        world.act(TOWNSHIP, case, grant)
    world.settle()
    with pytest.raises(NotTheCustodian):
        world.act(TOWNSHIP, case, commands.Review(Opinion.FAVOURABLE, "再看"))
    world.act(COUNTY, case, grant)
    with pytest.raises(CaseInTransit):
        world.act(COUNTY, case, commands.Close(DeliveryMethod.COUNTER, ""))


def test_history_only_grows(world: World) -> None:
    """Every journal keeps every entry, and each head continues the one before."""

    reported_up(world)
    world.settle()
    for station in world.stations.values():

        def check(connection: Connection, station: Station = station) -> None:
            table = exchange_tables.checkpoint
            own = connection.execute(
                select(table.c.size, table.c.note)
                .where(table.c.address == str(station.address))
                .order_by(table.c.size)
            ).all()
            digest = algorithms(station.context.journal_suite).digest
            size = own[-1].size if own else 0
            journal = Journal(
                digest, size, lambda level, index: read_tile(connection, level, index)
            )
            runs = read_runs(connection, 0, size)
            assert sum(len(run.entries) for run in runs) == size
            for row in own:
                root = journal.root(row.size)
                assert root in _root_of(row.note)
                if 0 < row.size < size:
                    path = journal.consistency_path(row.size)
                    assert merkle.is_consistent(digest, row.size, root, size, journal.root(), path)

        station.exchange.look(check)


def _root_of(note: bytes) -> list[bytes]:
    return [base64.b64decode(note.decode().splitlines()[2])]


def test_due_dates_are_equal_at_every_hall_that_holds_the_case(world: World) -> None:
    case = reported_up(world)
    world.settle()
    rows = []
    for address in (TOWNSHIP, COUNTY):
        rows.append(
            world.at(address).intake.look(
                lambda c: c.execute(
                    select(intake_tables.case.c.due_on, intake_tables.case.c.due_provisional).where(
                        intake_tables.case.c.case_id == case.case_id
                    )
                ).one()
            )
        )
    assert rows[0] == rows[1]
    assert rows[0].due_on is not None


def test_a_hall_works_alone(world: World) -> None:
    """With its parent gone a township takes in and decides within its powers, and catches up."""
    township = world.at(TOWNSHIP)
    township.cut = True
    instant = world.file(TOWNSHIP, "elder-card")
    decided = world.act(TOWNSHIP, instant, commands.Decide(Outcome.GRANTED, "符合条件", ""))
    assert decided.stage is Stage.DECIDED
    waiting = [reported_up(world) for _ in range(5)]
    world.settle()
    assert all(world.case(COUNTY, case) is None for case in waiting)
    township.cut = False
    world.settle()
    for case in waiting:
        found = world.case(COUNTY, case)
        assert found is not None
        assert found.custodian == Address(COUNTY)
        assert found == world.case(TOWNSHIP, case)


def test_a_case_across_counties_is_read_by_no_hall_between(world: World) -> None:
    """The city carries what two of its counties say to each other and cannot read it."""
    case = world.file(COUNTY, PENSION, for_division=OTHER_COUNTY)
    world.act(COUNTY, case, commands.HandOver("材料已核对"))
    world.settle()
    found = world.case(OTHER_COUNTY, case)
    assert found is not None
    assert found.custodian == Address(OTHER_COUNTY)
    assert world.case(CITY, case) is None
    secrets = [case.filed.applicant.name.encode(), case.filed.applicant.document_number.encode()]
    database = world.at(CITY).exchange
    for raw in everything_in(database):
        assert not any(secret in raw for secret in secrets)


@pytest.mark.parametrize("seed", range(6))
def test_all_halls_agree_after_any_disorder(world: World, seed: int) -> None:
    """Batches lost, doubled and late, answers lost, links cut: afterwards nothing is lost or doubled,
    every case has one custodian, and all halls that hold a case agree on all of it."""
    chance = random.Random(seed)
    cases = [reported_up(world) for _ in range(3)]
    cases += [world.file(COUNTY, PENSION, for_division=OTHER_COUNTY) for _ in range(2)]
    late: list[tuple[Station, Station, bytes]] = []
    for _ in range(60):
        disturb(world, chance, late)
        work_a_little(world, chance, cases)
        world.time.pass_by(seconds=chance.uniform(0, 40))
    for station in world.stations.values():
        station.cut = False
    for giver, taker, data in late:
        world.take(giver, taker, data)
    finish(world)
    for case in cases:
        truth = world.case(str(case.filed.intake_hall), case)
        assert truth is not None
        assert truth.transit is None
        views = [world.case(address, case) for address in (TOWNSHIP, COUNTY, OTHER_COUNTY)]
        assert [view for view in views if view is not None] == [truth] * len(truth.halls())
    for station in world.stations.values():
        assert station.exchange.look(open_deliveries) == 0


def disturb(
    world: World, chance: random.Random, late: list[tuple[Station, Station, bytes]]
) -> None:
    """One random piece of traffic or trouble."""
    child = world.at(chance.choice([CITY, COUNTY, OTHER_COUNTY, TOWNSHIP]))
    parent = world._parent(child.address)
    assert parent is not None
    giver, taker = (child, parent) if chance.random() < 0.5 else (parent, child)
    world.follow(giver)
    if chance.random() < 0.1:
        child.cut = not child.cut
    if child.cut:
        return
    batch = world.next_batch(giver, taker)
    if batch is None:
        return
    fate = chance.random()
    if fate < 0.2:
        late.append((giver, taker, batch.data))
        return
    taken = world.take(giver, taker, batch.data)
    if fate < 0.4:
        return
    if fate < 0.5:
        world.take(giver, taker, batch.data)
    world.answer(giver, taker, batch, taken.reply.SerializeToString())


def work_a_little(world: World, chance: random.Random, cases: list[Case]) -> None:
    """Some hall tries something with some case; what is not possible is refused and changes nothing."""
    case, address = chance.choice(cases), chance.choice([TOWNSHIP, COUNTY, OTHER_COUNTY])
    choices: list[Command] = [
        commands.HandOver("移交"),
        commands.Accept(),
        commands.Decide(Outcome.GRANTED, "符合条件", ""),
        commands.Close(DeliveryMethod.COUNTER, "本人"),
    ]
    command = chance.choice(choices)
    try:
        world.act(address, case, command)
    except Problem:
        return


def finish(world: World) -> None:
    """Let time pass until every retransmission is due, and everything settle."""
    for _ in range(4):
        world.settle()
        world.time.pass_by(hours=7)
        for station in world.stations.values():

            def again(connection: Connection, station: Station = station) -> None:
                _, entries = outgoing.send_due_again(connection, world.time.now)
                if entries:
                    exchange_tables.feed.append(connection, entries)

            station.exchange.transact(again)
    world.settle()


def open_deliveries(connection: Connection) -> int:
    table = exchange_tables.delivery
    return int(
        connection.execute(
            select(func.count()).where(table.c.state.in_(delivery.OPEN))
        ).scalar_one()
    )


def entries_of(station: Station) -> int:
    """How many entries the exchange's feed has: what it told the other services."""
    return station.exchange.look(lambda c: exchange_tables.feed.head(c))


def receipts_of(station: Station) -> list[bytes]:
    table = exchange_tables.reception
    return station.exchange.look(
        lambda c: list(c.scalars(select(table.c.receipt).order_by(table.c.position)))
    )


def everything_in(database: Database) -> list[bytes]:
    """Every value of every row of every table of a database, as bytes."""

    def read(connection: Connection) -> list[bytes]:
        found = []
        for table in exchange_tables.metadata.sorted_tables:
            for row in connection.execute(select(table)):
                found += [
                    value if isinstance(value, bytes) else str(value).encode() for value in row
                ]
        return found

    return database.look(read)

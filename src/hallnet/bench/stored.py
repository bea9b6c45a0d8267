"""A county's cases of a year, made by the very rules and stores of the intake, many in one transaction.

The mix is that of a county hall's published year: 893,236 cases, 883,439 of them instant; four in five of
the committed ones are decided before the day that was promised. Items, working days, numbers and clocks are
real, people are invented.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial
from itertools import islice

from hallnet.bench.exchange import Say
from hallnet.bench.progress import Progress
from hallnet.case import command as commands
from hallnet.case.calendar import Calendar
from hallnet.case.case import CHINA, Case
from hallnet.case.catalogue import competent_hall
from hallnet.case.event import Channel, DeliveryMethod, Outcome
from hallnet.case.item import (
    HandlingKind,
    IntakePlace,
    ItemVersion,
    MaterialSource,
    RequiredMaterial,
    Requirement,
    TimeUnit,
)
from hallnet.case.person import RESIDENT_IDENTITY_CARD, Material, Person
from hallnet.case.supplied_calendar import supplied_calendar
from hallnet.demo.world import CHIEF, CLERK, villager
from hallnet.intake import handling
from hallnet.intake.context import Hall, hall_of
from hallnet.intake.identifiers import new_id
from hallnet.intake.papers import materials
from hallnet.intake.window.records import FEES
from hallnet.node.home import Home, Part
from hallnet.store import Connection, Database
from hallnet.store.gathering import gathering

YEAR = 2025
CASES_OF_THE_YEAR = 893_236
INSTANT_OF_THE_YEAR = 883_439
EARLY, COMMITTED = 14_494, 17_685
"""Of so many committed cases so many were decided before the promised day."""
PEOPLE = 1_000_000
CASES_IN_A_TRANSACTION = 500
OPEN_HOUR, OPEN_MINUTES = 9, 8 * 60
_ACCEPT = commands.Accept()
_GRANT = commands.Decide(Outcome.GRANTED, "经审查符合条件", "")
_CLOSE = commands.Close(DeliveryMethod.COUNTER, "申请人本人", "依法免收")


@dataclass(frozen=True, slots=True)
class Planned:
    """A case that is to be: what, when, and when it is decided."""

    item: ItemVersion
    received_at: datetime
    decided_at: datetime


def fill(home: Home, count: int, say: Say) -> None:
    """Store so many cases, received over a year and finished, while the intake does not run.

    The rows are those that the intake itself writes, by the same code: only the commits are fewer, and no request
    is answered. In memory are the cases of one transaction.
    """
    progress = Progress(count, "cases stored", say)
    done = 0
    database = Database(home.database_url("intake"), "intake", home.vault(Part.INTAKE))
    try:
        hall = hall_of(home)
        handed_in = database.transact(partial(_papers, hall=hall))
        plan = planned(hall, database.look(partial(items_here, hall=hall)), count)
        while batch := list(islice(plan, CASES_IN_A_TRANSACTION)):
            database.transact(partial(_live_through, hall=hall, batch=batch, papers=handed_in))
            done += len(batch)
            progress.told(done)
    finally:
        database.close()


def items_here(connection: Connection, hall: Hall) -> list[ItemVersion]:
    """What a county receives and decides itself; what is only filed is not decided."""
    found = hall.releases.items_in_force(connection, date(YEAR, 12, 31))
    return [
        item
        for item in found
        if IntakePlace.COUNTY in item.accepts_at
        and not item.report_up
        and not item.filing_only
        and competent_hall(item, hall.address, hall.branch_field, "", hall.register) == hall.address
    ]


def planned(hall: Hall, items: list[ItemVersion], count: int) -> Iterator[Planned]:
    """The cases of the year in the order of their receipt, spread over its working days."""
    chance = random.Random(9)
    calendar = Calendar(supplied_calendar())
    days = [
        day
        for day in (date(YEAR, 1, 1) + timedelta(days=number) for number in range(365))
        if calendar.is_workday(day)
    ]
    instant = [item for item in items if item.handling_kind is HandlingKind.INSTANT]
    committed = [
        item
        for item in items
        if item.handling_kind is HandlingKind.COMMITTED
        and item.promised_limit is not None
        and item.promised_limit.unit is TimeUnit.WORKING_DAY
    ]
    committed_so_far = 0
    for number in range(count):
        place = number * len(days) / count
        day = days[int(place)]
        minutes = (place - int(place)) * OPEN_MINUTES
        received_at = datetime(day.year, day.month, day.day, OPEN_HOUR, tzinfo=CHINA) + timedelta(
            minutes=minutes
        )
        # Of so many so many are instant, to the case, however few are made.
        if _is_among(number, INSTANT_OF_THE_YEAR, CASES_OF_THE_YEAR):
            item = chance.choice(instant)
            yield Planned(item, received_at, received_at + timedelta(minutes=10))
        else:
            item = chance.choice(committed)
            assert item.promised_limit is not None
            due_on = calendar.count(day, item.promised_limit).due_on
            is_early = _is_among(committed_so_far, EARLY, COMMITTED)
            committed_so_far += 1
            if is_early:
                decided_on = day + timedelta(days=chance.randrange(max((due_on - day).days, 1)))
                decided_on = min(decided_on, due_on - timedelta(days=1))
            else:
                decided_on = due_on
            at = datetime(decided_on.year, decided_on.month, decided_on.day, 16, 45, tzinfo=CHINA)
            yield Planned(item, received_at, max(at, received_at + timedelta(minutes=10)))


def _is_among(number: int, part: int, whole: int) -> bool:
    """Whether the case of a number is one of the part, so that of any first so many the share is right."""
    return (number + 1) * part // whole > number * part // whole


def is_handed_in(material: RequiredMaterial) -> bool:
    """Whoever hands in what may come later as well leaves no gap."""
    may_be_missing = material.requirement is Requirement.OPTIONAL
    return not may_be_missing and material.source is not MaterialSource.SHARED


def _papers(connection: Connection, hall: Hall) -> dict[str, Material]:
    """One stored scan for each material that an item asks for."""
    now = datetime(YEAR, 1, 1, tzinfo=CHINA)
    found = {}
    for item in items_here(connection, hall):
        for needed in item.materials:
            if is_handed_in(needed) and needed.name not in found:
                scan = f"scan of {needed.name}".encode()
                digest = materials.store(connection, scan, "image/png", now)
                found[needed.name] = Material(needed.name, digest, len(scan), "image/png", now)
    return found


def _live_through(
    connection: Connection, hall: Hall, batch: list[Planned], papers: dict[str, Material]
) -> None:
    with gathering() as gathered:
        ids = [new_id(planned.received_at, hall.random_bytes) for planned in batch]
        FEES.look_up(connection, ids)
        for case_id, planned in zip(ids, batch, strict=True):
            _life(connection, hall, case_id, planned, papers)
        gathered.flush(connection)


def _life(
    connection: Connection,
    hall: Hall,
    case_id: str,
    planned: Planned,
    papers: dict[str, Material],
) -> None:
    """File, accept, decide, close; an instant case is accepted and decided in one act."""
    item, now = planned.item, planned.received_at
    somebody = villager(int.from_bytes(hall.random_bytes(4), "big") % PEOPLE)
    handling.file(
        connection,
        hall,
        case_id,
        CLERK,
        item.item_id,
        item.options[0].name if item.options else "",
        Person(somebody.name, RESIDENT_IDENTITY_CARD, somebody.number, somebody.phone, ""),
        Channel.COUNTER,
        None,
        "",
        [papers[needed.name] for needed in item.materials if is_handed_in(needed)],
        "",
        now,
    )

    def act(command: commands.Command, at: datetime) -> Case:
        return handling.act(connection, hall, CHIEF, case_id, command, at)

    if item.handling_kind is HandlingKind.COMMITTED:
        act(_ACCEPT, now + timedelta(minutes=5))
    act(_GRANT, planned.decided_at)
    act(_CLOSE, planned.decided_at + timedelta(minutes=5))

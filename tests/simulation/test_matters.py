"""Digests of who wants what lie at the hall that guides and at the hall that told them, and nowhere else."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import MetaData, select
from tests.simulation.halls import Station, World
from tests.simulation.worlds import CITY, COUNTY, OTHER_COUNTY, TOWNSHIP, worlds
from tests.store.lying import lying_in

from hallnet.case.same_matter import digest
from hallnet.exchange import tables as exchange_tables
from hallnet.intake import tables as intake_tables
from hallnet.intake.same_matter import matter_keys, matters
from hallnet.places import Address
from hallnet.store import Connection, Database

NEIGHBOUR, FAR = "330127102", "330110012"
HALLS = (CITY, COUNTY, OTHER_COUNTY, TOWNSHIP, NEIGHBOUR, FAR)
ELDER_CARD = "elder-card"
"""Instant, at every township of the city."""


@pytest.fixture(params=["sqlite", "postgresql"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    """Halls with exchanges, that also tell what was filed."""
    for made in worlds(request, tmp_path, halls=HALLS):
        made.also.append(partial(told, made))
        yield made


def told(world: World, station: Station) -> bool:
    """Some of what is new at a hall."""
    return bool(station.intake.transact(lambda c: matters.tell(c, station.hall, world.time.now)))


def filed_twice(world: World) -> None:
    """By the same person, at townships of two counties."""
    person = world.person()
    for at in (TOWNSHIP, FAR):
        world.file(at, ELDER_CARD, person=person)


def found(world: World, at: str) -> list[str]:
    table = intake_tables.alike_elsewhere
    return list(world.at(at).intake.look(lambda c: c.scalars(select(table.c.other_hall)).all()))


def key_at(world: World, at: str, guide: str) -> bytes:
    row = world.at(at).intake.look(lambda c: matter_keys.key_of(c, Address.parse(guide)))
    assert row is not None
    return bytes(row.key)


def opened_in(database: Database, metadata: MetaData) -> bytes:
    """All values of all rows, closed ones opened: what the hall itself can read."""

    def read(connection: Connection) -> bytes:
        values = [
            value
            for table in metadata.sorted_tables
            for row in connection.execute(select(table))
            for value in row
        ]
        return b"\0".join(
            value if isinstance(value, bytes) else str(value).encode() for value in values
        )

    return database.look(read)


def in_both(world: World, at: str, look: Callable[[Database, MetaData], bytes]) -> bytes:
    """Of the exchange and the intake of a hall."""
    station = world.at(at)
    return look(station.exchange, exchange_tables.metadata) + look(
        station.intake, intake_tables.metadata
    )


def test_no_sibling_and_no_hall_on_the_way_has_a_digest_or_a_key_that_is_not_for_it(
    world: World,
) -> None:
    filed_twice(world)
    alone = world.file(TOWNSHIP, ELDER_CARD)
    world.settle()
    assert (found(world, TOWNSHIP), found(world, FAR)) == ([FAR], [TOWNSHIP])
    readable = {at: in_both(world, at, opened_in) for at in HALLS}
    lying = {at: in_both(world, at, lying_in) for at in HALLS}
    for guide, with_key in ((COUNTY, {TOWNSHIP, COUNTY}), (CITY, {TOWNSHIP, FAR, CITY})):
        key = key_at(world, TOWNSHIP, guide)
        word = digest(key, alone)
        for at in HALLS:
            assert key not in lying[at]
            assert (key in readable[at]) == (at in with_key)
            for form in (word, word.hex().encode()):
                assert form not in lying[at]
                assert at in (TOWNSHIP, guide) or form not in readable[at]
        assert word in readable[TOWNSHIP]
        assert word in readable[guide]
    assert f"{TOWNSHIP}-".encode() in lying[CITY]


def test_it_is_found_when_the_links_that_were_cut_are_back(world: World) -> None:
    for at in (TOWNSHIP, OTHER_COUNTY):
        world.at(at).cut = True
    filed_twice(world)
    world.settle()
    assert found(world, TOWNSHIP) == found(world, FAR) == []
    for at in (OTHER_COUNTY, TOWNSHIP):
        world.at(at).cut = False
        world.settle()
    assert (found(world, TOWNSHIP), found(world, FAR)) == ([FAR], [TOWNSHIP])

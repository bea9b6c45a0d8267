"""Secrecy at rest: who has the databases of a hall, and not its keys, reads nothing of a villager."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select
from tests.simulation.halls import World
from tests.simulation.test_invariants import reported_up
from tests.simulation.worlds import COUNTY, TOWNSHIP, worlds
from tests.store.lying import lying_in

from hallnet.exchange import tables as exchange_tables
from hallnet.intake import tables as intake_tables
from hallnet.store.columns import opened_by
from hallnet.store.reclosing import reclose
from hallnet.store.vault import Secret, Vault
from hallnet.trust.suite import Suite
from hallnet.trust.suites import algorithms

SUITE = algorithms(Suite.ED25519)


@pytest.fixture(params=["sqlite", "postgresql"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    yield from worlds(request, tmp_path)


def test_no_database_of_a_hall_on_the_way_of_a_case_shows_whose_it_is(world: World) -> None:
    case = reported_up(world)
    world.settle()
    assert world.case(COUNTY, case) is not None
    person = case.filed.applicant
    words = {
        "name": person.name,
        "identity number": person.document_number,
        "phone": person.phone,
        "masked name": person.masked_name,
        "query code": case.filed.query_code,
    }
    assert all(words.values())
    for address in world.stations:
        station = world.at(address)
        lying = lying_in(station.exchange, exchange_tables.metadata)
        lying += lying_in(station.intake, intake_tables.metadata)
        for what, word in words.items():
            assert word.encode() not in lying, f"{what} at {address}"
    # What names nobody lies open, so the search finds what is there.
    lying = lying_in(world.at(COUNTY).intake, intake_tables.metadata)
    assert case.filed.case_no.encode() in lying


def test_all_that_a_hall_keeps_closed_opens_after_its_secret_was_changed(world: World) -> None:
    """Every table with closed columns, whatever its key is."""
    reported_up(world)
    world.settle()
    for address in (COUNTY, TOWNSHIP):
        station = world.at(address)
        for service, database, metadata in (
            ("exchange", station.exchange, exchange_tables.metadata),
            ("intake", station.intake, intake_tables.metadata),
        ):
            secret = Secret(SUITE, address.encode())
            purpose = service.encode()
            between = Vault(SUITE, b"new", purpose, secret, secret)
            found = reclose(database, metadata, between)
            assert found.changed == found.values > 0
            after = Vault(SUITE, b"new", purpose)
            with opened_by(after):
                for table in metadata.sorted_tables:
                    with database.engine.connect() as connection:
                        connection.execute(select(table)).all()
            assert reclose(database, metadata, between).changed == 0

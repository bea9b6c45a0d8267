"""Trees of halls for tests of how halls deal with each other."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.simulation.halls import World

from hallnet.sandbox.postgresql import Postgresql

PROVINCE = "33"
CITY = "3301"
COUNTY = "330127"
OTHER_COUNTY = "330110"
TOWNSHIP = "330127101"
HALLS = (PROVINCE, CITY, COUNTY, OTHER_COUNTY, TOWNSHIP)

_TEMPLATE = "world_template"
_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def world_template(postgresql_server: Postgresql) -> str:
    """A database with the tables of all halls, from which those of the tests are copied."""
    made = World(postgresql_server.create_database(_TEMPLATE))
    for address in HALLS:
        made.make_tables(address)
    return _TEMPLATE


@pytest.fixture(params=["sqlite", "postgresql"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    """A province, a city, two counties and a township, on either database."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path / 'world.db'}"
    else:
        server: Postgresql = request.getfixturevalue("postgresql_server")
        template: str = request.getfixturevalue("world_template")
        url = server.create_database(f"world_{next(_numbers)}", template)
    made = World(url)
    made.found(*HALLS)
    yield made
    made.close()

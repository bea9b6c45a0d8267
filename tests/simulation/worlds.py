"""The fixture `world`, for every folder whose tests let halls deal with each other.

A conftest takes it in with `from tests.simulation.worlds import world`. The halls are founded once in a
worker; each test gets a copy of their records.
"""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Iterator
from pathlib import Path

import psycopg
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
_templates: dict[str, World] = {}
_numbers = itertools.count(1)


@pytest.fixture(params=["sqlite", "postgresql"])
def world(
    request: pytest.FixtureRequest, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[World]:
    """A province, a city, two counties and a township, on either database."""
    if request.param == "sqlite":
        yield from _on_sqlite(tmp_path, tmp_path_factory)
    else:
        yield from _on_postgresql(request.getfixturevalue("postgresql_server"))


def _on_sqlite(folder: Path, factory: pytest.TempPathFactory) -> Iterator[World]:
    if "sqlite" not in _templates:
        _templates["sqlite"] = _founded(f"sqlite:///{factory.mktemp(_TEMPLATE) / 'world.db'}")
    template = _templates["sqlite"]
    for file in Path(template.database_url.removeprefix("sqlite:///")).parent.glob("*.db"):
        shutil.copy(file, folder)
    made = template.copied(f"sqlite:///{folder / 'world.db'}")
    yield made
    made.close()


def _on_postgresql(server: Postgresql) -> Iterator[World]:
    if "postgresql" not in _templates:
        _templates["postgresql"] = _founded(server.create_database(_TEMPLATE))
    name = f"world_{next(_numbers)}"
    made = _templates["postgresql"].copied(server.create_database(name, _TEMPLATE))
    yield made
    made.close()
    with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
        connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)'.encode())


def _founded(database_url: str) -> World:
    template = World(database_url)
    template.found(*HALLS)
    template.close()
    return template

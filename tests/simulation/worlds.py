"""The fixture `world`, for every folder whose tests let halls deal with each other.

A conftest takes it in with `from tests.simulation.worlds import world`. The halls are founded once in a
worker; each test gets a copy of their records.
"""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from tests.simulation.halls import World

from hallnet.sandbox.postgresql import Postgresql
from hallnet.trust.suite import Suite

PROVINCE = "33"
CITY = "3301"
COUNTY = "330127"
OTHER_COUNTY = "330110"
TOWNSHIP = "330127101"
HALLS = (PROVINCE, CITY, COUNTY, OTHER_COUNTY, TOWNSHIP)

SUITES = {
    "": (Suite.ED25519,),
    "suite 2": (Suite.SM2,),
    "both suites": (Suite.ED25519, Suite.SM2),
}
"""What a world may be of, as a fixture's parameter names it after its database."""
Preparation = Callable[[World], None]
_templates: dict[tuple[object, ...], World] = {}
_numbers = itertools.count(1)


@pytest.fixture(params=["sqlite", "postgresql"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    """A province, a city, two counties and a township, on either database."""
    yield from worlds(request, tmp_path)


def worlds(
    request: pytest.FixtureRequest,
    folder: Path,
    *,
    intakes: bool = True,
    halls: tuple[str, ...] = HALLS,
    prepare: Preparation | None = None,
) -> Iterator[World]:
    """One world for the body of a fixture with the parameters `sqlite` and `postgresql`.

    A parameter may say more: `sqlite, suite 2` or `sqlite, both suites`.
    `prepare` is done once to the world from which all are copied.
    """
    key = (request.param, intakes, halls, prepare)
    database, _, kind = request.param.partition(", ")
    suites = SUITES[kind]
    if database == "sqlite":
        factory: pytest.TempPathFactory = request.getfixturevalue("tmp_path_factory")
        if key not in _templates:
            url = f"sqlite:///{factory.mktemp('template') / 'world.db'}"
            _templates[key] = _founded(url, intakes, suites, halls, prepare)
        yield from _on_sqlite(folder, _templates[key])
    else:
        server: Postgresql = request.getfixturevalue("postgresql_server")
        name = f"template_{len(_templates)}"
        if key not in _templates:
            url = server.create_database(name)
            _templates[key] = _founded(url, intakes, suites, halls, prepare)
        yield from _on_postgresql(server, _templates[key])


def _on_sqlite(folder: Path, template: World) -> Iterator[World]:
    for file in Path(template.database_url.removeprefix("sqlite:///")).parent.glob("*.db"):
        shutil.copy(file, folder)
    made = template.copied(f"sqlite:///{folder / 'world.db'}")
    yield made
    made.close()


def _on_postgresql(server: Postgresql, template: World) -> Iterator[World]:
    copy = f"world_{next(_numbers)}"
    name = template.database_url.rpartition("/")[2]
    made = template.copied(server.create_database(copy, name))
    yield made
    made.close()
    with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
        connection.execute(f'DROP DATABASE "{copy}" WITH (FORCE)'.encode())


def _founded(
    database_url: str,
    intakes: bool,
    suites: tuple[Suite, ...],
    halls: tuple[str, ...],
    prepare: Preparation | None,
) -> World:
    template = World(database_url, intakes, suites)
    template.found(*halls)
    if prepare is not None:
        prepare(template)
    template.close()
    return template

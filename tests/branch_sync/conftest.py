"""A tree of halls with exchanges and branch-syncs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.branch_sync.parts import Halls
from tests.simulation.halls import World
from tests.simulation.worlds import HALLS, worlds


@pytest.fixture(params=["sqlite", "postgresql"])
def new_halls(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Halls]:
    """A province, a city, two counties and a township whose branch-syncs have heard of nobody yet."""
    yield from _halls(worlds(request, tmp_path, intakes=False, prepare=_found))


@pytest.fixture(params=["sqlite", "postgresql"])
def halls(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Halls]:
    """The same halls once every certificate was told up."""
    yield from _halls(worlds(request, tmp_path, intakes=False, prepare=_settle))


def _halls(found: Iterator[World]) -> Iterator[Halls]:
    for world in found:
        made = Halls(world)
        yield made
        made.close()


def _found(world: World) -> None:
    _founded(world).close()


def _settle(world: World) -> None:
    halls = _founded(world)
    halls.settle()
    halls.close()


def _founded(world: World) -> Halls:
    halls = Halls(world, founded=False)
    for address in HALLS:
        halls.at(address)
    return halls

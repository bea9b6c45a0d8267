"""Worlds for the tests of the intake: mostly a county and its township, where needed all five halls."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.simulation.halls import World
from tests.simulation.worlds import COUNTY, TOWNSHIP, worlds


@pytest.fixture(params=["sqlite", "postgresql"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    """A county and a township of it, on either database."""
    yield from worlds(request, tmp_path, halls=(COUNTY, TOWNSHIP))


@pytest.fixture(params=["sqlite", "postgresql"])
def wide_world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    """A province, a city, two counties and a township, on either database."""
    yield from worlds(request, tmp_path)

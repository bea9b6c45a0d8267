"""Trees of halls for tests of how halls deal with each other."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.simulation.halls import World
from tests.simulation.worlds import CITY, COUNTY, HALLS, OTHER_COUNTY, PROVINCE, TOWNSHIP, worlds

__all__ = ["CITY", "COUNTY", "HALLS", "OTHER_COUNTY", "PROVINCE", "TOWNSHIP", "world"]


@pytest.fixture(params=["sqlite", "postgresql", "sqlite, suite 2", "sqlite, both suites"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    """A province, a city, two counties and a township, on either database and in either suite."""
    yield from worlds(request, tmp_path)

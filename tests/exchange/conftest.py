"""Trees of halls of which only the exchanges are looked at."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.simulation.halls import World
from tests.simulation.worlds import worlds


@pytest.fixture(params=["sqlite", "postgresql"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    """A province, a city, two counties and a township, on either database."""
    yield from worlds(request, tmp_path, intakes=False)

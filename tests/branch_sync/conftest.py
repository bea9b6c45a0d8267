"""A tree of halls with exchanges and branch-syncs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.branch_sync.parts import Halls
from tests.simulation.worlds import worlds


@pytest.fixture(params=["sqlite", "postgresql"])
def halls(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Halls]:
    """A province, a city, two counties and a township, on either database."""
    for world in worlds(request, tmp_path, intakes=False):
        made = Halls(world)
        yield made
        made.close()

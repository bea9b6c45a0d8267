"""What every folder of tests shares: how hypothesis searches, and the two real databases."""

from __future__ import annotations

import gc
import itertools
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from hallnet.node.lifecycle import COLLECTOR_THRESHOLDS
from hallnet.sandbox.folder import sandbox_folder
from hallnet.sandbox.postgresql import Postgresql

# A run of CI repeats itself; a run at a desk looks at new examples each time.
settings.register_profile(
    "hallnet",
    deadline=None,
    max_examples=60,
    derandomize="CI" in os.environ,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("hallnet")

# As in a node: what the collector looks at here lives as long as the process.
gc.set_threshold(*COLLECTOR_THRESHOLDS)

LONG_SECONDS = 1_000
"""A test that is given so much time takes minutes."""

_database_numbers = itertools.count(1)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes longest begins first: at the end all processes would wait for one."""
    items.sort(key=_is_short)


def _is_short(item: pytest.Item) -> bool:
    given = item.get_closest_marker("timeout")
    return given is None or given.args[0] < LONG_SECONDS


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[Postgresql]:
    """A real PostgreSQL for this worker, started when the first test asks for it."""
    with sandbox_folder() as folder:
        server = Postgresql(folder / "postgresql")
        try:
            yield server.start()
        finally:
            server.stop()


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """The address of a fresh SQLite file."""
    return f"sqlite:///{tmp_path / 'hallnet.db'}"


@pytest.fixture
def postgresql_url(postgresql_server: Postgresql) -> str:
    """The address of a fresh, empty database of the worker's PostgreSQL."""
    return postgresql_server.create_database(f"test_{next(_database_numbers)}")


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    """The address of a fresh, empty database: every test that takes it runs on both."""
    return str(request.getfixturevalue(f"{request.param}_url"))

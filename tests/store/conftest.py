"""A fresh database of a service, on SQLite and on PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.store.builders import opened

from hallnet.store import Database


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """On each of the two, with an empty schema; `tests.store.builders.made` makes its tables."""
    with opened(database_url) as found:
        yield found


@pytest.fixture
def sqlite(sqlite_url: str) -> Iterator[Database]:
    """For what only SQLite does."""
    with opened(sqlite_url) as found:
        yield found


@pytest.fixture
def postgresql(postgresql_url: str) -> Iterator[Database]:
    """For what only PostgreSQL does."""
    with opened(postgresql_url) as found:
        yield found

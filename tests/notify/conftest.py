"""The records of notify, on either database."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.store.builders import VAULT

from hallnet.notify import tables
from hallnet.store import Database


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """The database of a notify that has heard of nothing yet."""
    made = Database(database_url, "notify", VAULT)
    made.create_schema()
    tables.metadata.create_all(made.engine)
    yield made
    made.close()

"""How long the fuzz tests search, and how an example leaves no trace."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hallnet.store import Connection, Database

EXAMPLES = int(os.environ.get("HALLNET_FUZZ_EXAMPLES", "40"))
"""Of each test; for a long search set more, in the tens of thousands."""

numbers = given(number=st.integers(0, 2**32))
"""A number stands for one way of changing what is genuine."""
one_world = settings(
    max_examples=EXAMPLES,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
"""All examples of a test look at the same halls, and leave them as they were."""


class Undone(Exception):
    """Ends a transaction, so that every example finds the hall as it was."""


def undone(database: Database, work: Callable[[Connection], object]) -> None:
    """Do something in a transaction that does not stay; what it raises is raised."""

    def once(connection: Connection) -> None:
        work(connection)
        raise Undone

    with pytest.raises(Undone):
        database.transact(once)

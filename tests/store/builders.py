"""Tables for the store's own tests, and many threads that start together."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from threading import Barrier
from typing import TypeVar

from sqlalchemy import Column, Integer, MetaData, String, Table

from hallnet.store import Database, Moment
from hallnet.store.feed import Cursors, Entry, Feed
from hallnet.store.requests import AnsweredRequests
from hallnet.store.vault import Vault
from hallnet.trust.suite import Suite
from hallnet.trust.suites import algorithms

Result = TypeVar("Result")

NOW = datetime(2026, 3, 2, 9, 30, 15, 123456, UTC)

metadata = MetaData()
feed = Feed("a-service", metadata)
cursors = Cursors(metadata)
answered = AnsweredRequests(metadata)
thing = Table(
    "thing",
    metadata,
    Column("name", String(40), primary_key=True),
    Column("amount", Integer, nullable=False),
    Column("at", Moment),
)


VAULT = Vault(algorithms(Suite.ED25519), b"a secret of the home", b"a service")


@contextmanager
def opened(url: str, schema: str = "a_service") -> Iterator[Database]:
    """A database with an empty schema, closed at the end."""
    database = Database(url, schema, VAULT)
    try:
        database.create_schema()
        yield database
    finally:
        database.close()


def made(database: Database) -> Database:
    """The database with its tables."""
    metadata.create_all(database.engine)
    return database


def entry(text: str, payload: bytes = b"payload") -> Entry:
    return Entry("thing.happened", text, payload, NOW)


def together(count: int, work: Callable[[int], Result]) -> list[Result]:
    """Run `work` for each number in a thread of its own, all let go at the same moment."""
    barrier = Barrier(count)

    def start(number: int) -> Result:
        barrier.wait()
        return work(number)

    with ThreadPoolExecutor(count) as threads:
        return list(threads.map(start, range(count)))

"""The disk of one service of a hall: a real SQLite database in memory, and what disks do to people.

It can fill up (SQLite's own error), it can forget what it said it had written, and the power can fail
before or after any commit.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import cache
from typing import Any, TypeVar

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.engine import Connection
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import NullPool

from hallnet.store import Database
from hallnet.store.columns import opened_by
from hallnet.store.vault import Vault
from hallnet.trust.suite import Suite
from hallnet.trust.suites import algorithms

Result = TypeVar("Result")

SEEK_SECONDS = 0.001
"""How long a transaction takes: between two of them others have their turn."""
PAGE_BYTES = 1024


class PowerFailed(asyncio.CancelledError):
    """The hall went down in the middle of something. Nobody who works there lives to see it."""


class _Lent:
    """A connection that is lent for one transaction and stays open when it is given back."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    def close(self) -> None:
        """Stays open."""


class _Inserted:
    """The engine of all disks of one service: what it has compiled it compiles once for a province.

    Services do not share it, so that what one of them listens to costs the others nothing.
    """

    def __init__(self) -> None:
        self.current: sqlite3.Connection | None = None
        self.engine: Engine = create_engine(
            "sqlite://", creator=self._lend, poolclass=NullPool, hide_parameters=True
        )

        @event.listens_for(self.engine, "connect")
        def _on_connect(connection: Any, _record: Any) -> None:
            connection._connection.isolation_level = None

    def _lend(self) -> Any:
        assert self.current is not None
        return _Lent(self.current)


@cache
def _inserted(service: str) -> _Inserted:
    return _Inserted()


@contextmanager
def borrowed(disk: Disk) -> Iterator[None]:
    """Within it the engine of its service works on this disk."""
    inserted = _inserted(disk.schema)
    before, inserted.current = inserted.current, disk.raw
    try:
        yield
    finally:
        inserted.current = before


def new_connection() -> sqlite3.Connection:
    connection = sqlite3.connect(":memory:", check_same_thread=False, isolation_level=None)
    connection.execute(f"PRAGMA page_size={PAGE_BYTES}")
    # One that was never written to has no image.
    connection.execute("PRAGMA user_version=1")
    return connection


def seal(secret: bytes, service: str) -> Vault:
    """The key of a service for its closed columns."""
    return Vault(algorithms(Suite.ED25519), secret, service.encode())


class Disk(Database):
    """A database of one service. `committed` is called after each commit, before anybody hears of it."""

    def __init__(self, service: str, image: bytes, vault: Vault) -> None:
        # Not as the real one does: there is one engine for all halls, and no thread.
        self.schema = service
        self.is_sqlite = True
        self._vault = vault
        self.raw = new_connection()
        self.raw.deserialize(image)
        self._connection: Connection | None = None
        self._kept: bytes | None = None
        self.commits = 0
        self.on = True
        self.committed: Callable[[Disk], None] = lambda disk: None
        self.before_commit: Callable[[Disk], None] = lambda disk: None

    @property
    def engine(self) -> Engine:
        return _inserted(self.schema).engine

    def transact(self, work: Callable[[Connection], Result]) -> Result:
        self._require_power()
        changes = self.raw.total_changes
        connection = self._connected()
        with opened_by(self._vault), connection.begin():
            # By itself, for a listener of the engine would be asked about every statement.
            self.raw.execute("BEGIN")
            result = work(connection)
            self.before_commit(self)
        if self.raw.total_changes != changes:
            self.commits += 1
            self.committed(self)
        return result

    def look(self, work: Callable[[Connection], Result]) -> Result:
        self._require_power()
        return self.inspect(work)

    def inspect(self, work: Callable[[Connection], Result]) -> Result:
        """What lies on the disk, whether anybody is at home or not.

        Nobody else has the disk meanwhile, so one moment is seen without a transaction.
        """
        connection = self._connected()
        with opened_by(self._vault), connection.begin():
            return work(connection)

    def _connected(self) -> Connection:
        if self._connection is None:
            with borrowed(self):
                self._connection = self.engine.connect()
        return self._connection

    async def write(self, work: Callable[[Connection], Result]) -> Result:
        await asyncio.sleep(SEEK_SECONDS)
        result = self.transact(work)
        await asyncio.sleep(0)
        self._require_power()
        return result

    async def read(self, work: Callable[[Connection], Result]) -> Result:
        return self.look(work)

    async def read_in_turn(self, work: Callable[[Connection], Result]) -> Result:
        return self.look(work)

    def ask(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        """Plain SQL, for those who watch."""
        return self.raw.execute(statement, values).fetchall()

    def fill(self) -> None:
        """From now on there is no room for another page."""
        (pages,) = self.raw.execute("PRAGMA page_count").fetchone()
        self.raw.execute(f"PRAGMA max_page_count={pages}")

    def clear(self) -> None:
        """There is room again."""
        self.raw.execute("PRAGMA max_page_count=1000000000")

    def keep(self) -> None:
        """From now on it only says that it writes."""
        self._kept = self.raw.serialize()

    def forget(self) -> bool:
        """All that it only said it wrote is gone; False if it did not lie."""
        if self._kept is None:
            return False
        self.put_back(self._kept)
        return True

    def image(self) -> bytes:
        """All of it, as a backup takes it."""
        return self.raw.serialize()

    def put_back(self, image: bytes) -> None:
        """From now on it is as it was when that backup was taken."""
        self.raw.deserialize(image)
        self._kept = None

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
        self.raw.close()

    def _require_power(self) -> None:
        if not self.on:
            raise PowerFailed


def is_full(error: BaseException) -> bool:
    """Whether something failed because a disk is full, and for no other reason."""
    if isinstance(error, BaseExceptionGroup):
        return all(is_full(one) for one in error.exceptions)
    return isinstance(error, OperationalError) and "full" in str(error.orig)


def written(moment: datetime) -> str:
    """A moment as SQLite keeps it, for plain SQL."""
    return moment.isoformat(" ", "microseconds").removesuffix("+00:00")

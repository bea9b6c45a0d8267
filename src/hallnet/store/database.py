"""One database of one service: SQLite or PostgreSQL, transactions as plain functions.

Work on a database is a function of a connection; what it returns is the result of the transaction. The
functions are synchronous, so that rules and stores can be run by a simulation without an event loop;
the asynchronous edge of a service calls them in threads through `read` and `write`.

SQLite runs in WAL mode with synchronous=FULL and one writer; what is committed is moved from the log to
the file in a thread of its own, so that no commit waits for it. PostgreSQL gives each service a schema of
its own. A write that loses against another one is tried again a bounded number of times.
"""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Engine, create_engine, event, make_url, text
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import QueuePool

from hallnet.store.columns import opened_by
from hallnet.store.vault import Vault

__all__ = ["Connection", "Database"]

Result = TypeVar("Result")

READERS = 2
POSTGRESQL_WRITERS = 2
SERIALIZATION_TRIES_MAX = 5
BUSY_TIMEOUT_MS = 10_000
WAL_TRIES_MAX = 200
WAL_PAUSE_SECONDS = 0.05
PAGE_BYTES = 8192
"""Materials lie in rows of 128 KiB and envelopes in rows of a few: half as many pages as with the default."""
CHECKPOINT_AFTER_COMMITS = 32
"""Of SQLite: then the log is moved to the file beside the work."""
LOG_PAGES_MAX = 8192
"""A log that grew longer meanwhile is moved by the commit that sees it, so it stays bounded."""
CACHE_KIB = 8192
"""A transaction that takes a batch of materials fits into it and is written to the log once."""
BOOT_FILE = Path("/proc/sys/kernel/random/boot_id")
"""Where Linux says it. Elsewhere every start is taken for one of the same."""
_PRAGMAS = (
    "synchronous=FULL",
    "foreign_keys=ON",
    f"wal_autocheckpoint={LOG_PAGES_MAX}",
    f"cache_size=-{CACHE_KIB}",
    # What is deleted is overwritten where the page is written anyway. It lies closed: to write pages
    # for that alone, as some builds of SQLite do, doubles what the removal of a material costs.
    "secure_delete=FAST",
)
_RETRYABLE_STATES = frozenset(
    {
        "40001",  # serialization failure
        "40P01",  # deadlock
        "23505",  # another transaction has just written the same row: look again
    }
)


class Database:
    """The database of one service.

    `url` is `sqlite:///FILE` or `postgresql://...`; `schema` names the service and becomes the schema
    of a PostgreSQL database. `vault` opens the closed columns, which cannot be used without one.
    """

    def __init__(self, url: str, schema: str, vault: Vault | None = None) -> None:
        parsed = make_url(url)
        self.schema = schema
        self._vault = vault
        self.is_sqlite = parsed.get_backend_name() == "sqlite"
        if self.is_sqlite:
            self._writer = _sqlite_engine(url, "IMMEDIATE", 1)
            # Beside the readers: who reads in turn, and who moves the log.
            self._reader = _sqlite_engine(url, "DEFERRED", READERS + 2)
            writers = 1
        else:
            engine = create_engine(
                parsed.set(drivername="postgresql+psycopg"),
                pool_size=READERS + POSTGRESQL_WRITERS,
                max_overflow=0,
                pool_pre_ping=True,
                connect_args={"options": f"-csearch_path={_quoted(schema)}"},
                hide_parameters=True,
            )
            self._writer = self._reader = engine
            writers = POSTGRESQL_WRITERS
        self._write_threads = ThreadPoolExecutor(writers, thread_name_prefix=f"{schema}-write")
        self._read_threads = ThreadPoolExecutor(READERS, thread_name_prefix=f"{schema}-read")
        self._log_thread = ThreadPoolExecutor(1, thread_name_prefix=f"{schema}-log")
        self._commits = 0

    @property
    def commits_made(self) -> int:
        """How many transactions this process committed."""
        return self._commits

    @property
    def engine(self) -> Engine:
        """The engine that may write."""
        return self._writer

    def transact(self, work: Callable[[Connection], Result]) -> Result:
        """Run `work` in a transaction that is committed when it returns and undone if it raises."""
        for attempt in range(1, SERIALIZATION_TRIES_MAX + 1):
            try:
                with opened_by(self._vault), self._writer.begin() as connection:
                    result = work(connection)
            except DBAPIError as error:
                if attempt == SERIALIZATION_TRIES_MAX or not _is_retryable(error):
                    raise
                time.sleep(0.01 * 2**attempt)
            else:
                self._count_commit()
                return result
        raise AssertionError("unreachable")

    def _count_commit(self) -> None:
        self._commits += 1
        if self.is_sqlite and self._commits % CHECKPOINT_AFTER_COMMITS == 0:
            self._log_thread.submit(self._move_log)

    def _move_log(self) -> None:
        """Move what is committed from the log to the file; nobody waits, and nobody is waited for."""
        connection = self._reader.raw_connection()
        try:
            connection.cursor().execute("PRAGMA wal_checkpoint(PASSIVE)")
        finally:
            connection.close()

    def look(self, work: Callable[[Connection], Result]) -> Result:
        """Run `work` on one consistent view of the database; it must not write."""
        with opened_by(self._vault), self._reader.connect() as connection:
            if not self.is_sqlite:
                connection = connection.execution_options(
                    isolation_level="REPEATABLE READ", postgresql_readonly=True
                )
            with connection.begin():
                return work(connection)

    async def write(self, work: Callable[[Connection], Result]) -> Result:
        """`transact` in a thread, which belongs to the trace of who asks."""
        loop, context = asyncio.get_running_loop(), copy_context()
        return await loop.run_in_executor(self._write_threads, context.run, self.transact, work)

    async def read(self, work: Callable[[Connection], Result]) -> Result:
        """`look` in a thread, which belongs to the trace of who asks."""
        loop, context = asyncio.get_running_loop(), copy_context()
        return await loop.run_in_executor(self._read_threads, context.run, self.look, work)

    async def read_in_turn(self, work: Callable[[Connection], Result]) -> Result:
        """`read`, for loops that read what they then write: on SQLite after the writes that wait, in their thread.

        Two threads that step through rows beside each other hand the lock of the interpreter to and fro at
        every row, which costs more than to wait for one's turn.
        """
        loop, context = asyncio.get_running_loop(), copy_context()
        threads = self._write_threads if self.is_sqlite else self._read_threads
        return await loop.run_in_executor(threads, context.run, self.look, work)

    def boot(self) -> str:
        """Names the start of the machine, or of the PostgreSQL server: while it is the same, nothing that was
        committed can have been lost in a cache."""
        if self.is_sqlite:
            return BOOT_FILE.read_text().strip() if BOOT_FILE.exists() else ""
        started = text("SELECT pg_postmaster_start_time()::text")
        return str(self.look(lambda connection: connection.execute(started).scalar_one()))

    def create_schema(self) -> None:
        """Make the schema of the service, where the database has schemas."""
        if not self.is_sqlite:
            # Of two who make it at once PostgreSQL lets one fail, IF NOT EXISTS or not: try again.
            statement = text(f"CREATE SCHEMA IF NOT EXISTS {_quoted(self.schema)}")
            self.transact(lambda connection: connection.execute(statement))

    def close(self) -> None:
        self._write_threads.shutdown(wait=True)
        self._read_threads.shutdown(wait=True)
        self._log_thread.shutdown(wait=True)
        self._writer.dispose()
        self._reader.dispose()


def _quoted(schema: str) -> str:
    if not schema.replace("_", "").isalnum():
        raise ValueError("schema")
    return f'"{schema}"'


def _is_retryable(error: DBAPIError) -> bool:
    return getattr(error.orig, "sqlstate", None) in _RETRYABLE_STATES


def _use_write_ahead_log(connection: Any) -> None:
    """The one statement for which SQLite does not wait when another process does the same at once."""
    for attempt in range(1, WAL_TRIES_MAX + 1):
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError:
            if attempt == WAL_TRIES_MAX:
                raise
            time.sleep(WAL_PAUSE_SECONDS)


def _sqlite_engine(url: str, begin: str, connections: int) -> Engine:
    engine = create_engine(
        url,
        poolclass=QueuePool,
        pool_size=connections,
        max_overflow=0,
        connect_args={"check_same_thread": False, "timeout": BUSY_TIMEOUT_MS / 1000},
        # Errors go to logs, and what is stored names people.
        hide_parameters=True,
    )

    @event.listens_for(engine, "connect")
    def _on_connect(connection: Any, _record: Any) -> None:
        # The driver is not to open transactions of its own: `begin` below says which kind.
        connection.isolation_level = None
        connection.execute(f"PRAGMA page_size={PAGE_BYTES}")
        _use_write_ahead_log(connection)
        for pragma in _PRAGMAS:
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _on_begin(connection: Connection) -> None:
        connection.exec_driver_sql(f"BEGIN {begin}")

    return engine

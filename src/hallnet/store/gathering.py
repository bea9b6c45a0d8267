"""What a transaction gathers and writes once at its end.

Many acts can share one transaction (`hallnet.store.sharing`). What each of them would write into the same
few rows is gathered meanwhile and written once for all. An act that fails takes back what it gathered.
Outside a shared transaction nothing is gathered: who asks gets None and writes at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Protocol, TypeVar, cast

from sqlalchemy import Executable

from hallnet.store.database import Connection


class Gathered(Protocol):
    """Things of one kind that are written at the end of the transaction."""

    def mark(self) -> int:
        """How much there is, to come back to."""
        ...

    def undo(self, mark: int) -> None:
        """Forget what came after a mark."""
        ...

    def flush(self, connection: Connection) -> None:
        """Write it."""
        ...


Kind = TypeVar("Kind")
_MISSING = object()


class Gathering:
    """All that a shared transaction has gathered so far, and what it has read and can use again."""

    def __init__(self) -> None:
        self._kinds: dict[object, Gathered] = {}
        self._read: dict[object, Any] = {}
        self.wrote = False
        """Whether something was written since somebody set it to False."""

    def of(self, key: object, make: Callable[[], Gathered]) -> Gathered:
        found = self._kinds.get(key)
        if found is None:
            found = self._kinds[key] = make()
        return found

    def read_once(self, key: object, read: Callable[[], Any]) -> Any:
        found = self._read.get(key, _MISSING)
        if found is _MISSING:
            found = self._read[key] = read()
        return found

    def note_read(self, key: object, value: object) -> None:
        self._read[key] = value

    def forget_read(self) -> None:
        self._read.clear()

    def mark(self) -> dict[object, int]:
        return {key: kind.mark() for key, kind in self._kinds.items()}

    def undo(self, marks: dict[object, int]) -> None:
        """Back to what there was when the marks were made."""
        self._read.clear()
        for key, kind in self._kinds.items():
            kind.undo(marks.get(key, 0))

    def flush_one(self, key: object, connection: Connection) -> None:
        found = self._kinds.get(key)
        if found is not None:
            found.flush(connection)

    def flush(self, connection: Connection) -> None:
        """In the order in which the kinds came up, but feeds last: their head is a lock."""
        kinds = sorted(self._kinds.values(), key=lambda kind: getattr(kind, "is_last", False))
        for kind in kinds:
            kind.flush(connection)


_gathering: ContextVar[Gathering | None] = ContextVar("gathering", default=None)


@contextmanager
def gathering() -> Iterator[Gathering]:
    """Within it things are gathered; who opens it flushes."""
    made = Gathering()
    token = _gathering.set(made)
    try:
        yield made
    finally:
        _gathering.reset(token)


def gathered(make: Callable[[], Kind], key: object = None) -> Kind | None:
    """The things of a kind that this transaction gathers; None if it gathers nothing."""
    present = _gathering.get()
    if present is None:
        return None
    return cast(Kind, present.of(key if key is not None else make, cast(Any, make)))


def read_once(key: object, read: Callable[[], Kind]) -> Kind:
    """What does not change within a transaction is read once in it."""
    present = _gathering.get()
    return read() if present is None else cast(Kind, present.read_once(key, read))


def note_read(key: object, value: object) -> None:
    """What a read would give from here on in this transaction."""
    present = _gathering.get()
    if present is not None:
        present.note_read(key, value)


def note_write() -> None:
    """Something was written at once."""
    present = _gathering.get()
    if present is not None:
        present.wrote = True


def forget_read() -> None:
    """Something was written that may have been read before."""
    present = _gathering.get()
    if present is not None:
        present.forget_read()


class _Rows:
    """Sets of parameters of one statement, which is executed once with all of them."""

    def __init__(self, statement: Executable) -> None:
        self._statement = statement
        self._rows: list[Mapping[str, Any]] = []
        self._written = 0

    def add(self, row: Mapping[str, Any]) -> None:
        self._rows.append(row)

    def mark(self) -> int:
        return len(self._rows)

    def undo(self, mark: int) -> None:
        del self._rows[mark:]
        self._written = min(self._written, mark)

    def flush(self, connection: Connection) -> None:
        rows = self._rows[self._written :]
        if rows:
            connection.execute(self._statement, rows)
        self._written = len(self._rows)


def execute_later(
    connection: Connection, statement: Executable, rows: Sequence[Mapping[str, Any]]
) -> None:
    """Execute a statement with each set of parameters: in a shared transaction at its end, in one go.

    `statement` is one that is made once, not anew for each call. Who reads in the same transaction what it
    writes calls `execute_now` before.
    """
    waiting = gathered(lambda: _Rows(statement), statement)
    if waiting is None:
        connection.execute(statement, rows if len(rows) > 1 else rows[0])
        return
    for row in rows:
        waiting.add(row)


def execute_now(connection: Connection, *statements: Executable) -> None:
    """Execute what was put off of these statements."""
    present = _gathering.get()
    if present is not None:
        for statement in statements:
            present.flush_one(statement, connection)

"""Types of columns: moments and bytes as both databases keep them, and what lies closed.

Who has the database has not what people wrote: the key to closed columns belongs to the database object,
not to the table, so that rules and stores speak of plain values. What is closed cannot be compared or
sorted by the database; a column of keyed digests finds it (`FoundBy`).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import DateTime, Dialect, LargeBinary
from sqlalchemy.dialects import sqlite
from sqlalchemy.types import TypeDecorator, TypeEngine

from hallnet.store.vault import Vault
from hallnet.trust.suite import NONCE_BYTES

_vault: ContextVar[Vault] = ContextVar("vault")


@contextmanager
def opened_by(vault: Vault | None) -> Iterator[None]:
    """Within it closed columns are written and read with this vault."""
    if vault is None:
        yield
        return
    token = _vault.set(vault)
    try:
        yield
    finally:
        _vault.reset(token)


_UTC_LENGTH = len("+00:00")
MOMENTS_REMEMBERED_MAX = 1024
"""All rows of one transaction bear the same few."""


class Bytes(LargeBinary):
    """Bytes as the drivers of both databases give and take them: nothing is to be done for a value."""

    def bind_processor(self, dialect: Dialect) -> None:
        return None

    def result_processor(self, dialect: Dialect, coltype: object) -> None:
        return None


@lru_cache(maxsize=MOMENTS_REMEMBERED_MAX)
def _text_of_moment(value: datetime | None) -> str | None:
    if value is None:
        return None
    # In UTC what is cut off is always the same.
    return _in_utc(value).isoformat(" ", "microseconds")[:-_UTC_LENGTH]


def _in_utc(value: datetime) -> datetime:
    if value.tzinfo is None:
        raise ValueError("a moment without a time zone")
    return value if value.tzinfo is UTC else value.astimezone(UTC)


class _TextOfMoment(sqlite.DATETIME):
    """What SQLAlchemy keeps of a moment in SQLite, without its regular expression for each value."""

    def bind_processor(self, dialect: Dialect) -> Callable[[datetime | None], str | None]:
        return _text_of_moment

    def result_processor(
        self, dialect: Dialect, coltype: object
    ) -> Callable[[str | None], datetime | None]:
        def read(value: str | None) -> datetime | None:
            return None if value is None else datetime.fromisoformat(value)

        return read


class Moment(TypeDecorator[datetime]):
    """A moment with time zone, kept in UTC; both databases give it back with its zone."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        if dialect.name == "sqlite":
            return _TextOfMoment()  # type: ignore[no-untyped-call]
        return dialect.type_descriptor(DateTime(timezone=True))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return None if value is None else _in_utc(value)

    def bind_processor(self, dialect: Dialect) -> Callable[[Any], Any] | None:
        # All rows of a transaction bear the same few moments: SQLite's text of them is remembered.
        return _text_of_moment if dialect.name == "sqlite" else super().bind_processor(dialect)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Closed(TypeDecorator[bytes]):
    """Bytes, closed for their column: what lies in one column cannot be moved to another."""

    impl = Bytes
    cache_ok = True

    def __init__(self, place: str) -> None:
        super().__init__()
        self.place = place

    def process_bind_param(self, value: bytes | None, dialect: Dialect) -> bytes | None:
        if value is None:
            return None
        return _vault.get().close(value, self.place.encode(), os.urandom(NONCE_BYTES))

    def process_result_value(self, value: bytes | None, dialect: Dialect) -> bytes | None:
        return None if value is None else _vault.get().open(value, self.place.encode())


class ClosedText(TypeDecorator[str]):
    """Text, closed for its column; `length` is what rules hold it to, in characters."""

    impl = Bytes
    cache_ok = True

    def __init__(self, place: str, length: int | None = None) -> None:
        super().__init__()
        self.place = place
        self.length = length

    def process_bind_param(self, value: str | None, dialect: Dialect) -> bytes | None:
        if value is None:
            return None
        return _vault.get().close(value.encode(), self.place.encode(), os.urandom(NONCE_BYTES))

    def process_result_value(self, value: bytes | None, dialect: Dialect) -> str | None:
        return None if value is None else _vault.get().open(value, self.place.encode()).decode()


DIGEST_BYTES = 16
"""Enough that no two values of a database ever share a digest by chance."""


class FoundBy(TypeDecorator[str]):
    """A keyed digest of a text that lies closed elsewhere: equal texts are found, and nothing else.

    Rules and stores compare it with plain text; what is read back is the digest in hexadecimal. The
    column's place is part of what is digested, so that columns cannot be compared with each other.
    """

    impl = Bytes
    cache_ok = True

    def __init__(self, place: str) -> None:
        super().__init__()
        self.place = place

    def process_bind_param(self, value: str | None, dialect: Dialect) -> bytes | None:
        if not value:
            # What was not given is not found by looking for nothing.
            return None
        return self._digest(value)

    def process_result_value(self, value: bytes | None, dialect: Dialect) -> str | None:
        return None if value is None else value.hex()

    def as_read_back(self, value: str) -> str:
        """What is read back of a text that was written."""
        return self._digest(value).hex()

    def _digest(self, value: str) -> bytes:
        text = self.place.encode() + b"\0" + value.encode()
        return _vault.get().index(text)[:DIGEST_BYTES]

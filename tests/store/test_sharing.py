"""Acts that share a transaction: as if each had one of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import Column, Integer, MetaData, String, Table, func, insert, select
from sqlalchemy.exc import IntegrityError
from tests.store.builders import VAULT

from hallnet.store import Connection, Database, sharing
from hallnet.store.feed import Entry, Feed
from hallnet.store.gathering import execute_later, execute_now, read_once
from hallnet.store.requests import AnsweredRequests, RequestIdReused
from hallnet.store.sharing import HallBusy, SharedWrites
from hallnet.wire.intake.v1 import intake_service_pb2 as wire

metadata = MetaData()
feed = Feed("shared", metadata)
answered = AnsweredRequests(metadata)
line = Table(
    "line",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("text", String(20), nullable=False),
)
WRITE_LINE = insert(line)
NOW = datetime(2026, 11, 23, tzinfo=UTC)


class Refused(Exception):
    """As a rule refuses."""


@pytest.fixture
def records(database_url: str) -> Iterator[Database]:
    made = Database(database_url, "lines", VAULT)
    made.create_schema()
    metadata.create_all(made.engine)
    yield made
    made.close()


def later(number: int, refuse: bool = False) -> Callable[[Connection], int]:
    """Write a line and tell the feed, gathered."""

    def work(connection: Connection) -> int:
        execute_later(connection, WRITE_LINE, [{"number": number, "text": "x"}])
        feed.append(connection, [Entry("line", str(number), b"", NOW)])
        if refuse:
            raise Refused
        return number

    return work


def at_once(number: int, refuse: bool = False) -> Callable[[Connection], int]:
    def work(connection: Connection) -> int:
        connection.execute(insert(line).values(number=number, text="x"))
        if refuse:
            raise Refused
        return number

    return work


def share(records: Database, *works: Callable[[Connection], Any]) -> list[Any]:
    """Have all of them wait while another one runs, so that they share the next transaction."""

    async def all_of_them() -> list[Any]:
        writes = SharedWrites(records)
        first = asyncio.create_task(writes.write(lambda c: c.scalar(select(1))))
        await asyncio.sleep(0)
        wanted: list[Any] = [first, *(writes.write(work) for work in works)]
        return await asyncio.gather(*wanted, return_exceptions=True)

    found: list[Any] = asyncio.run(all_of_them())
    return found[1:]


def written(records: Database) -> tuple[list[int], list[str]]:
    def look(connection: Connection) -> tuple[list[int], list[str]]:
        numbers = list(connection.scalars(select(line.c.number).order_by(line.c.number)))
        return numbers, [entry.subject for entry in feed.after(connection, 0)]

    return records.look(look)


def test_all_are_done_and_told_in_their_order(records: Database) -> None:
    assert share(records, *(later(number) for number in (3, 1, 2))) == [3, 1, 2]
    assert written(records) == ([1, 2, 3], ["3", "1", "2"])


def test_one_that_is_refused_takes_back_its_own_and_nothing_else(records: Database) -> None:
    found = share(records, later(1), later(2, refuse=True), later(3))
    assert isinstance(found[1], Refused)
    assert written(records) == ([1, 3], ["1", "3"])


def test_one_that_wrote_at_once_and_is_refused_takes_back_its_own_as_well(
    records: Database,
) -> None:
    found = share(records, later(1), at_once(2, refuse=True), at_once(3))
    assert isinstance(found[1], Refused)
    assert written(records) == ([1, 3], ["1"])


def test_one_that_the_database_refuses_does_not_spoil_the_others(records: Database) -> None:
    records.transact(at_once(2))
    found = share(records, later(1), later(2), at_once(3))
    assert isinstance(found[1], IntegrityError)
    assert written(records) == ([1, 2, 3], ["1"])


def test_what_was_put_off_is_there_for_who_asks(records: Database) -> None:
    def counts(connection: Connection) -> int:
        execute_now(connection, WRITE_LINE)
        return connection.scalar(select(func.count()).select_from(line)) or 0

    assert share(records, later(1), counts, later(2), counts) == [1, 1, 2, 2]


def test_what_was_read_is_not_read_again_until_somebody_is_refused(records: Database) -> None:
    seen: list[int] = []

    def reads(connection: Connection) -> int:
        def read() -> int:
            seen.append(1)
            return len(seen)

        return read_once("key", read)

    found = share(records, reads, reads, later(1, refuse=True), reads)
    assert [found[0], found[1], found[3]] == [1, 1, 2]


def test_the_same_request_twice_in_one_transaction_is_done_once(records: Database) -> None:
    done: list[int] = []

    def once(search: str) -> Callable[[Connection], wire.ListItemsRequest]:
        def act() -> wire.ListItemsRequest:
            done.append(1)
            return wire.ListItemsRequest(search=f"answer {len(done)}")

        def work(connection: Connection) -> wire.ListItemsRequest:
            request = wire.ListItemsRequest(search=search)
            return answered.once(connection, "request-1", request, NOW, wire.ListItemsRequest, act)

        return work

    first, second, other = share(records, once("a"), once("a"), once("b"))
    assert first == second
    assert isinstance(other, RequestIdReused)
    assert share(records, once("a")) == [first]
    assert len(done) == 1


def test_who_comes_when_too_many_wait_is_told_when_to_come_back(
    records: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sharing, "WAITING_MAX", 3)
    found = share(records, *(later(number) for number in range(6)))
    busy = [problem for problem in found if isinstance(problem, HallBusy)]
    assert len(busy) == 3
    assert all(int(problem.particulars["retry_seconds"]) >= 1 for problem in busy)
    done = [number for number in found if isinstance(number, int)]
    assert written(records) == (done, [str(number) for number in done])


def test_who_gave_up_waiting_is_not_served(records: Database) -> None:
    async def run() -> None:
        writes = SharedWrites(records)
        first = asyncio.create_task(writes.write(later(1)))
        await asyncio.sleep(0)
        gone = asyncio.create_task(writes.write(later(2)))
        await asyncio.sleep(0)
        gone.cancel()
        await asyncio.gather(first, gone, return_exceptions=True)
        await writes.write(later(3))

    asyncio.run(run())
    assert written(records) == ([1, 3], ["1", "3"])

"""Transactions as plain functions, the same on both databases."""

from __future__ import annotations

import asyncio
import sqlite3
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, insert, select, update
from sqlalchemy.exc import DBAPIError, IntegrityError, StatementError
from tests.store.builders import NOW, cursors, entry, feed, made, opened, thing, together

from hallnet.store import Connection, Database
from hallnet.store.database import (
    CHECKPOINT_AFTER_COMMITS,
    LOG_PAGES_MAX,
    SERIALIZATION_TRIES_MAX,
)
from hallnet.store.upsert import upsert

CHINA = timezone(timedelta(hours=8))


def put(connection: Connection, name: str, amount: int = 1, at: datetime | None = None) -> None:
    connection.execute(insert(thing).values(name=name, amount=amount, at=at))


def names(connection: Connection) -> list[str]:
    return list(connection.scalars(select(thing.c.name).order_by(thing.c.name)))


def test_what_returns_is_committed_and_its_result_given_back(database: Database) -> None:
    made(database)

    def work(connection: Connection) -> int:
        put(connection, "one")
        return 7

    assert database.transact(work) == 7
    assert database.look(names) == ["one"]


def test_what_raises_is_undone_whole(database: Database) -> None:
    """The thing, the feed and the cursor stand or fall together."""
    made(database)

    def work(connection: Connection) -> None:
        put(connection, "one")
        feed.append(connection, [entry("one")])
        cursors.advance(connection, "intake", 5)
        raise ValueError("half way")

    with pytest.raises(ValueError, match="half way"):
        database.transact(work)
    assert database.look(names) == []
    assert database.look(feed.head) == 0
    assert database.look(lambda connection: feed.after(connection, 0)) == []
    assert database.look(lambda connection: cursors.position(connection, "intake")) == 0


def test_what_the_database_refuses_is_undone_whole(database: Database) -> None:
    made(database)
    database.transact(lambda connection: put(connection, "one"))

    def work(connection: Connection) -> None:
        put(connection, "two")
        put(connection, "one")

    with pytest.raises(IntegrityError):
        database.transact(work)
    assert database.look(names) == ["one"]


def test_a_write_that_loses_again_and_again_is_given_up(database: Database) -> None:
    made(database)
    database.transact(lambda connection: put(connection, "one"))
    tries = 0

    def work(connection: Connection) -> None:
        nonlocal tries
        tries += 1
        put(connection, "one")

    with pytest.raises(IntegrityError):
        database.transact(work)
    assert tries == (1 if database.is_sqlite else SERIALIZATION_TRIES_MAX)


def test_what_is_wrong_by_itself_is_not_tried_again(database: Database) -> None:
    made(database)
    tries = 0

    def work(connection: Connection) -> None:
        nonlocal tries
        tries += 1
        connection.exec_driver_sql("SELECT nonsense FROM nowhere")

    with pytest.raises(DBAPIError):
        database.transact(work)
    assert tries == 1


def test_of_two_who_make_the_same_thing_at_once_the_second_finds_it(database: Database) -> None:
    made(database)

    def make(connection: Connection) -> str:
        if names(connection):
            return "found"
        put(connection, "one")
        return "made"

    said = together(4, lambda number: database.transact(make))
    assert sorted(said) == ["found", "found", "found", "made"]


def test_no_count_is_lost_among_many_writers(database: Database) -> None:
    made(database)
    database.transact(lambda connection: put(connection, "count", 0))

    def add(connection: Connection) -> None:
        connection.execute(update(thing).values(amount=thing.c.amount + 1))

    def work(number: int) -> None:
        for _ in range(10):
            database.transact(add)

    together(6, work)
    assert database.look(lambda c: c.execute(select(thing.c.amount)).scalar_one()) == 60


def test_a_look_sees_one_moment_however_long_it_takes(database: Database) -> None:
    made(database)
    database.transact(lambda connection: put(connection, "one"))

    def look(connection: Connection) -> tuple[list[str], list[str]]:
        before = names(connection)
        database.transact(lambda other: put(other, "two"))
        return before, names(connection)

    assert database.look(look) == (["one"], ["one"])
    assert database.look(names) == ["one", "two"]


def test_a_look_that_raises_leaves_the_database_usable(database: Database) -> None:
    made(database)

    def look(connection: Connection) -> None:
        raise ValueError("no")

    for _ in range(10):
        with pytest.raises(ValueError, match="no"):
            database.look(look)
    assert database.look(names) == []


def test_the_asynchronous_edge_writes_and_reads(database: Database) -> None:
    made(database)

    async def edge() -> list[str]:
        async def write(name: str) -> None:
            await database.write(lambda connection: put(connection, name))

        await asyncio.gather(*(write(name) for name in "abcdefgh"))
        return await database.read(names)

    assert asyncio.run(edge()) == list("abcdefgh")


def test_what_was_committed_is_there_after_the_database_was_opened_again(
    database: Database, database_url: str
) -> None:
    made(database)
    database.transact(lambda connection: put(connection, "one"))
    database.close()
    with opened(database_url) as again:
        assert again.look(names) == ["one"]


def test_services_share_a_postgresql_database_and_nothing_in_it(
    postgresql: Database, postgresql_url: str
) -> None:
    made(postgresql)
    with opened(postgresql_url, "another_service") as other:
        made(other)
        postgresql.transact(lambda connection: put(connection, "one"))
        assert other.look(names) == []


@pytest.mark.parametrize("schema", ['x"; DROP SCHEMA public; --', "", "a b", "a-b"])
def test_a_schema_is_a_plain_name(postgresql_url: str, schema: str) -> None:
    with pytest.raises(ValueError, match="schema"):
        Database(postgresql_url, schema)


def test_a_look_at_postgresql_cannot_write(postgresql: Database) -> None:
    made(postgresql)
    with pytest.raises(DBAPIError):
        postgresql.look(lambda connection: put(connection, "one"))
    assert postgresql.look(names) == []


def test_sqlite_commits_to_the_disk_and_lets_readers_go_on(sqlite: Database) -> None:
    def pragma(name: str) -> object:
        return sqlite.transact(
            lambda connection: connection.exec_driver_sql(f"PRAGMA {name}").scalar_one()
        )

    assert pragma("journal_mode") == "wal"
    assert pragma("synchronous") == 2
    assert pragma("foreign_keys") == 1


# Moments ---------------------------------------------------------------------------------------


def stored(database: Database, moment: datetime | None) -> datetime | None:
    def work(connection: Connection) -> datetime | None:
        statement = upsert(connection, thing).values(name="moment", amount=0, at=moment)
        connection.execute(
            statement.on_conflict_do_update(index_elements=["name"], set_={"at": moment})
        )
        found: datetime | None = connection.execute(
            select(thing.c.at).where(thing.c.name == "moment")
        ).scalar_one()
        return found

    return database.transact(work)


@pytest.mark.parametrize(
    "moment",
    [
        NOW,
        datetime(2026, 3, 2, tzinfo=UTC),
        datetime(2026, 3, 2, 0, 0, 0, 1, UTC),
        datetime(2026, 3, 2, 23, 59, 59, 999999, UTC),
        datetime(2026, 3, 3, 7, 59, 59, 999999, CHINA),
        datetime(1900, 1, 1, tzinfo=UTC),
        datetime(9998, 12, 31, tzinfo=UTC),
    ],
)
def test_a_moment_keeps_its_zone_and_microseconds(database: Database, moment: datetime) -> None:
    made(database)
    found = stored(database, moment)
    assert found == moment
    assert found is not None
    assert found.utcoffset() == timedelta(0)


def test_no_moment_is_no_moment(database: Database) -> None:
    made(database)
    assert stored(database, None) is None


def test_a_moment_without_a_zone_is_not_stored(database: Database) -> None:
    made(database)
    with pytest.raises(StatementError, match="time zone"):
        stored(database, NOW.replace(tzinfo=None))


MOMENTS = st.datetimes(
    datetime(1900, 1, 1), datetime(2200, 1, 1), timezones=st.sampled_from([UTC, CHINA])
)


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(MOMENTS, min_size=1, max_size=8, unique=True), st.data())
def test_moments_are_compared_and_sorted_as_moments(
    database: Database, moments: list[datetime], data: st.DataObject
) -> None:
    made(database)
    border = data.draw(st.sampled_from(moments))

    def work(connection: Connection) -> tuple[list[datetime], int]:
        connection.execute(thing.delete())
        for number, moment in enumerate(moments):
            put(connection, f"{number}", at=moment)
        ordered = list(connection.scalars(select(thing.c.at).order_by(thing.c.at)))
        earlier = select(func.count()).select_from(thing).where(thing.c.at < border)
        return ordered, connection.execute(earlier).scalar_one()

    ordered, earlier = database.transact(work)
    assert ordered == sorted(moments)
    assert earlier == sum(moment < border for moment in moments)


# Upserts ---------------------------------------------------------------------------------------


def test_an_upsert_leaves_or_changes_what_is_there(database: Database) -> None:
    made(database)

    def work(connection: Connection) -> list[int]:
        amounts = []
        for amount in (1, 2):
            connection.execute(
                upsert(connection, thing).values(name="one", amount=amount).on_conflict_do_nothing()
            )
        amounts.append(connection.execute(select(thing.c.amount)).scalar_one())
        statement = upsert(connection, thing).values(name="one", amount=3)
        connection.execute(
            statement.on_conflict_do_update(
                index_elements=["name"], set_={"amount": statement.excluded.amount}
            )
        )
        amounts.append(connection.execute(select(thing.c.amount)).scalar_one())
        return amounts

    assert database.transact(work) == [1, 3]


def test_the_log_of_sqlite_is_moved_to_the_file_beside_the_work(tmp_path: Path) -> None:
    file = tmp_path / "test.db"
    database = Database(f"sqlite:///{file}", "test")
    made(database)
    before = file.stat().st_size
    for number in range(CHECKPOINT_AFTER_COMMITS):
        database.transact(lambda c, name=f"{number} {'x' * 500}": put(c, name))  # type: ignore[misc]
    # Another connection keeps the log from being moved by the last one that closes.
    reader = sqlite3.connect(file)
    reader.execute("SELECT count(*) FROM thing").fetchone()
    database.close()
    after = file.stat().st_size
    reader.close()
    assert after > before


def test_a_log_that_nobody_moves_stays_bounded(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'test.db'}", "test")
    bound = database.look(lambda c: c.exec_driver_sql("PRAGMA wal_autocheckpoint").scalar_one())
    database.close()
    assert bound == LOG_PAGES_MAX

"""Many rows with one statement are what the same rows are one by one, on both databases."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from sqlalchemy import (
    Boolean,
    Column,
    Integer,
    MetaData,
    String,
    Table,
    bindparam,
    insert,
    select,
    update,
)
from sqlalchemy.exc import StatementError
from tests.store.lying import lying_in

from hallnet.store import Bytes, Closed, Connection, Database, Moment
from hallnet.store.rows import RowsStatement, SoughtRows
from hallnet.store.upsert import Upsert

metadata = MetaData()
letter = Table(
    "letter",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("subject", String(64), nullable=False),
    Column("sealed", Bytes),
    Column("plain", Closed("letter.plain")),
    Column("sent_at", Moment, nullable=False),
    Column("read", Boolean, nullable=False),
    Column("state", Integer),
)
ADD = RowsStatement(insert(letter))
END = RowsStatement(
    update(letter).where(letter.c.number == bindparam("ended"), letter.c.state.is_(None))
)
KEEP = RowsStatement(
    Upsert(
        letter,
        lambda row: row.on_conflict_do_update(
            index_elements=["number"],
            set_={"subject": row.excluded.subject, "state": 7},
            where=letter.c.sent_at <= bindparam("long_ago", type_=Moment()),
        ),
    )
)
SOUGHT = SoughtRows(
    select(letter.c.number, letter.c.sealed).where(
        letter.c.number.in_(bindparam("sought", expanding=True))
    )
)
NOON = datetime(2026, 11, 23, 4, 0, 0, 120_000, tzinfo=UTC)
CHINA = timezone(timedelta(hours=8))


@pytest.fixture
def records(database: Database) -> Database:
    metadata.create_all(database.engine)
    return database


def row(number: int, **changes: object) -> dict[str, object]:
    return {
        "number": number,
        "subject": f"case {number}",
        "sealed": bytes([number]) * 3,
        "plain": b"11010519491231002X" if number % 2 else None,
        "sent_at": (NOON + timedelta(days=number)).astimezone(CHINA),
        "read": number % 2 == 0,
        "state": None,
    } | changes


def read(connection: Connection) -> list[dict[str, object]]:
    return [
        dict(item)
        for item in connection.execute(select(letter).order_by(letter.c.number)).mappings()
    ]


def test_rows_are_read_as_they_were_written(records: Database) -> None:
    rows = [row(number) for number in range(1, 6)]
    records.transact(lambda c: ADD.execute(c, rows))
    assert records.look(read) == rows
    assert b"11010519491231002X" not in lying_in(records, metadata)


def test_an_update_with_parameters_changes_the_rows_that_it_names(records: Database) -> None:
    records.transact(lambda c: ADD.execute(c, [row(1), row(2), row(3, state=5)]))
    ends = [{"ended": number, "state": number * 10, "read": True} for number in (1, 3, 4)]
    records.transact(lambda c: END.execute(c, ends))
    assert records.look(read) == [row(1, state=10, read=True), row(2), row(3, state=5)]


def test_an_upsert_takes_constants_and_parameters_of_its_own(records: Database) -> None:
    records.transact(lambda c: ADD.execute(c, [row(1), row(2)]))
    again = [
        row(number, subject="again", long_ago=NOON + timedelta(days=1)) for number in (1, 2, 3)
    ]
    records.transact(lambda c: KEEP.execute(c, again))
    assert records.look(read) == [
        row(1, subject="again", state=7),
        row(2),
        row(3, subject="again"),
    ]


def test_rows_of_other_keys_and_no_rows_at_all_are_taken_too(records: Database) -> None:
    few = [{"number": 9, "subject": "short", "sent_at": NOON, "read": False}]
    records.transact(lambda c: ADD.execute(c, []))
    records.transact(lambda c: ADD.execute(c, [row(1)]))
    records.transact(lambda c: ADD.execute(c, few))
    assert records.look(read) == [row(1), row(9, sealed=None, plain=None, read=False) | few[0]]


@pytest.mark.parametrize("count", [0, 1, 2, 3, 8, 9])
def test_rows_are_sought_by_any_number_of_values_and_found_once(
    records: Database, count: int
) -> None:
    records.transact(lambda c: ADD.execute(c, [row(number) for number in range(20)]))
    sought = [*range(count), *range(100, 100 + count)]
    found = records.look(lambda c: SOUGHT.all(c, sought))
    assert sorted(map(tuple, found)) == [(number, bytes([number]) * 3) for number in range(count)]


def test_what_sqlite_does_not_give_back_as_it_is_is_not_sought_so(records: Database) -> None:
    moments = SoughtRows(
        select(letter.c.sent_at).where(letter.c.number.in_(bindparam("sought", expanding=True)))
    )
    if records.is_sqlite:
        with pytest.raises(TypeError):
            records.look(lambda c: moments.all(c, [1]))


def test_a_moment_without_a_zone_is_not_stored(records: Database) -> None:
    naive = NOON.replace(tzinfo=None)
    with pytest.raises((ValueError, StatementError)):
        records.transact(lambda c: ADD.execute(c, [row(1, sent_at=naive)]))

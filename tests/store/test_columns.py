"""Closed columns: rules and stores see what was written, and who has only the database does not."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Column, Integer, MetaData, Table, insert, select, update
from sqlalchemy.exc import StatementError
from tests.store.builders import VAULT
from tests.store.lying import lying_in

from hallnet.store import Closed, ClosedText, Connection, Database
from hallnet.store.vault import CLOSING_BYTES, Vault, VaultNotOpened
from hallnet.trust.suite import Suite
from hallnet.trust.suites import algorithms

metadata = MetaData()
letter = Table(
    "letter",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("text", ClosedText("letter.text")),
    Column("photo", Closed("letter.photo")),
)
SECRET = "方小明，身份证号 11010519491231002X"


@pytest.fixture
def records(database_url: str) -> Iterator[Database]:
    made = Database(database_url, "letters", VAULT)
    made.create_schema()
    metadata.create_all(made.engine)
    yield made
    made.close()


def write(number: int, text: str | None, photo: bytes | None, connection: Connection) -> None:
    connection.execute(insert(letter).values(number=number, text=text, photo=photo))


def read(connection: Connection) -> list[tuple[str | None, bytes | None]]:
    query = select(letter.c.text, letter.c.photo).order_by(letter.c.number)
    return [(row.text, row.photo) for row in connection.execute(query)]


def test_what_is_written_is_read_and_does_not_lie_open(records: Database) -> None:
    records.transact(lambda c: write(1, SECRET, SECRET.encode(), c))
    assert records.look(read) == [(SECRET, SECRET.encode())]
    lying = lying_in(records, metadata)
    assert SECRET.encode() not in lying
    assert "方小明".encode() not in lying
    assert b"11010519491231002X" not in lying


def test_nothing_stays_nothing(records: Database) -> None:
    records.transact(lambda c: write(1, None, None, c))
    assert records.look(read) == [(None, None)]


def test_equal_values_do_not_lie_equal(records: Database) -> None:
    """Nobody sees that two people wrote the same."""
    for number in (1, 2):
        records.transact(lambda c, number=number: write(number, "yes", b"", c))  # type: ignore[misc]
    raw = lying_in(records, metadata).split(b"\0")
    assert len(set(raw)) == len(raw)


def test_what_was_moved_to_another_column_is_not_opened(records: Database) -> None:
    def swap(connection: Connection) -> None:
        write(1, SECRET, None, connection)
        connection.exec_driver_sql("UPDATE letter SET photo = text")

    records.transact(swap)
    with pytest.raises(VaultNotOpened):
        records.look(read)


def test_without_the_key_it_can_neither_be_read_nor_written(
    records: Database, database_url: str
) -> None:
    records.transact(lambda c: write(1, SECRET, None, c))
    thief = Database(
        database_url, "letters", Vault(algorithms(Suite.ED25519), b"another", b"letters")
    )
    keyless = Database(database_url, "letters")
    with pytest.raises(VaultNotOpened):
        thief.look(read)
    with pytest.raises(LookupError):
        keyless.look(read)
    with pytest.raises(StatementError):
        keyless.transact(lambda c: c.execute(update(letter).values(text="other")))
    assert records.look(read) == [(SECRET, None)]
    thief.close()
    keyless.close()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
@given(text=st.text(max_size=300), photo=st.binary(max_size=3000))
def test_any_text_and_any_bytes_come_back(records: Database, text: str, photo: bytes) -> None:
    text = text.encode("utf-8", "ignore").decode()

    def work(connection: Connection) -> list[tuple[str | None, bytes | None]]:
        connection.execute(letter.delete())
        write(1, text, photo, connection)
        return read(connection)

    assert records.transact(work) == [(text, photo)]


def test_closing_adds_a_known_number_of_bytes() -> None:
    for suite in Suite:
        vault = Vault(algorithms(suite), b"a secret", b"test")
        assert len(vault.close(b"12345", b"place", bytes(12))) == 5 + CLOSING_BYTES


def test_an_index_finds_equal_values_and_tells_nothing_to_who_has_no_key() -> None:
    other = Vault(algorithms(Suite.ED25519), b"another", b"a service")
    assert VAULT.index(b"330127199001011234") == VAULT.index(b"330127199001011234")
    assert VAULT.index(b"330127199001011234") != VAULT.index(b"330127199001011235")
    assert VAULT.index(b"330127199001011234") != other.index(b"330127199001011234")

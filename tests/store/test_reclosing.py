"""A vault has a new secret: all is closed anew under it, however often that is broken off."""

from __future__ import annotations

import pytest
from tests.store.builders import entry, feed, made, metadata

from hallnet.store import Connection, Database
from hallnet.store.reclosing import ROWS_AT_ONCE, Reclosed, reclose
from hallnet.store.vault import Secret, Vault, VaultNotOpened
from hallnet.trust.suite import NONCE_BYTES, Suite
from hallnet.trust.suites import algorithms

SUITE = algorithms(Suite.ED25519)
OLD, NEW, PURPOSE = b"the old secret", b"the new secret", b"a service"
BEFORE = Vault(SUITE, OLD, PURPOSE)
BETWEEN = Vault(SUITE, NEW, PURPOSE, Secret(SUITE, OLD), Secret(SUITE, OLD))
AFTER = Vault(SUITE, NEW, PURPOSE)
RUNS = 3 * ROWS_AT_ONCE + 1


def with_vault(url: str, vault: Vault) -> Database:
    return Database(url, "a_service", vault)


def payloads(database: Database) -> list[bytes]:
    def read(connection: Connection) -> list[bytes]:
        position, found = 0, []
        while more := feed.after(connection, position):
            position = more[-1].position
            found += [item.payload for item in more]
        return found

    try:
        return database.look(read)
    finally:
        database.close()


WRITTEN = [b"%d" % number for number in range(RUNS)]


@pytest.fixture
def url(database_url: str) -> str:
    """Of a database with rows that lie closed under the old secret."""
    database = with_vault(database_url, BEFORE)
    database.create_schema()
    made(database)
    for payload in WRITTEN:
        database.transact(lambda c, payload=payload: feed.append(c, [entry("x", payload)]))  # type: ignore[misc]
    database.close()
    return database_url


def pass_over(url: str, vault: Vault = BETWEEN) -> Reclosed:
    database = with_vault(url, vault)
    try:
        return reclose(database, metadata, vault)
    finally:
        database.close()


def test_after_a_pass_the_new_secret_opens_all_and_the_old_one_nothing(url: str) -> None:
    assert pass_over(url) == Reclosed(RUNS, RUNS)
    assert payloads(with_vault(url, AFTER)) == WRITTEN
    with pytest.raises(VaultNotOpened):
        payloads(with_vault(url, BEFORE))


def test_a_second_pass_finds_nothing_to_do(url: str) -> None:
    pass_over(url)
    assert pass_over(url) == Reclosed(RUNS, 0)


def test_what_is_broken_off_is_readable_at_every_moment_and_goes_on(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    transact, left = Database.transact, 3

    def dies(self: Database, work: object) -> object:
        nonlocal left
        if left == 0:
            raise KeyboardInterrupt
        left -= 1
        return transact(self, work)  # type: ignore[arg-type]

    with monkeypatch.context() as broken:
        broken.setattr(Database, "transact", dies)
        with pytest.raises(KeyboardInterrupt):
            pass_over(url)
    assert payloads(with_vault(url, BETWEEN)) == WRITTEN
    rest = pass_over(url)
    assert rest.values == RUNS
    assert 0 < rest.changed <= RUNS - ROWS_AT_ONCE
    assert payloads(with_vault(url, AFTER)) == WRITTEN


def test_what_is_written_meanwhile_is_closed_under_the_new_secret(url: str) -> None:
    database = with_vault(url, BETWEEN)
    database.transact(lambda c: feed.append(c, [entry("x", b"meanwhile")]))
    database.close()
    assert pass_over(url) == Reclosed(RUNS + 1, RUNS)
    assert payloads(with_vault(url, AFTER)) == [*WRITTEN, b"meanwhile"]


def test_without_the_old_secret_nothing_is_changed(url: str) -> None:
    with pytest.raises(VaultNotOpened):
        pass_over(url, AFTER)
    assert payloads(with_vault(url, BEFORE)) == WRITTEN


def test_what_is_found_by_a_digest_is_still_found(url: str) -> None:
    assert BETWEEN.index(b"a number") == BEFORE.index(b"a number") != AFTER.index(b"a number")


def test_a_new_secret_closes_at_once_and_the_old_one_still_opens() -> None:
    nonce = bytes(NONCE_BYTES)
    closed_before = BEFORE.close(b"text", b"place", nonce)
    assert BETWEEN.open(closed_before, b"place") == b"text"
    assert not BETWEEN.is_current(closed_before, b"place")
    closed = BETWEEN.close(b"text", b"place", nonce)
    assert AFTER.open(closed, b"place") == b"text"
    assert BETWEEN.is_current(closed, b"place")
    with pytest.raises(VaultNotOpened):
        BETWEEN.open(AFTER.close(b"text", b"elsewhere", nonce), b"place")

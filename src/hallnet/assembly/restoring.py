"""Putting a backup in the place of a node's records, so that it can be run again."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from datetime import datetime
from pathlib import Path

from hallnet.assembly.backup import DUMP, KEYS, Manifest, Progress, check_backup, run_tool
from hallnet.node.files import write_whole
from hallnet.node.home import PRIVATE_FOLDER, Home
from hallnet.node.settings import read_settings
from hallnet.problems import Kind, Problem


class KeysMissing(Problem):
    """A backup without keys, for a home without keys."""

    kind = Kind.INVALID
    reason = "KEYS_MISSING"
    zh = "备份中没有密钥，{home}中也没有"
    zh_remedy = "请先将另行保管的keys目录放入{home}；没有密钥则记录无法解读，须重新建厅"
    en = "There are no keys in the backup, and none in {home}"
    en_remedy = (
        "Put the folder keys that was kept apart into {home}; without it nobody can read the records, and "
        "the hall has to be founded anew"
    )


class NodeRuns(Problem):
    """A home whose node is running."""

    kind = Kind.CONFLICT
    reason = "NODE_RUNS"
    zh = "{home}中的节点正在使用{file}"
    zh_remedy = "请先停止节点"
    en = "The node in {home} is using {file}"
    en_remedy = "Stop it first"


def restore(
    backup: Path, folder: Path, now: datetime, progress: Progress
) -> tuple[Manifest, Path | None]:
    """Check a backup and put it into a home; returns what it holds, and where the records that were there
    are now.

    The node has to be stopped. Raises BackupDamaged, KeysMissing, NodeRuns or ToolFailed.
    """
    manifest = check_backup(backup, progress)
    home = Home(folder)
    if not manifest.has_keys and not home.path(KEYS).is_dir():
        raise KeysMissing(str(folder), home=folder)
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(PRIVATE_FOLDER)
    moved = _set_aside(home, now)
    for file in manifest.files:
        part, _, name = file.path.partition("/")
        if part == "home":
            target = folder / name
            target.parent.mkdir(mode=PRIVATE_FOLDER, parents=True, exist_ok=True)
            write_whole(target, (backup / file.path).read_bytes())
    data = home.path("data")
    data.mkdir(mode=PRIVATE_FOLDER, exist_ok=True)
    if manifest.database == "sqlite":
        copies = [file for file in manifest.files if file.path.startswith("data/")]
        total, done = sum(file.size for file in copies), 0
        for file in copies:
            shutil.copyfile(backup / file.path, folder / file.path)
            (folder / file.path).chmod(0o600)
            done += file.size
            progress("records", done, total)
        _say_that_it_is_restored(data / "intake.db")
    else:
        url = read_settings(folder).database.url
        arguments = ("--clean", "--if-exists", "--no-owner", "--exit-on-error", f"--dbname={url}")
        run_tool("pg_restore", *arguments, str(backup / "data" / DUMP))
    home.note_restored()
    return manifest, moved


def _set_aside(home: Home, now: datetime) -> Path | None:
    """Records that are there are kept: they may have what the backup has not."""
    data = home.path("data")
    files = sorted(data.glob("*.db")) if data.is_dir() else []
    if not files:
        return None
    for file in files:
        _require_free(home, file)
    aside = home.path(f"data.before-{now:%Y%m%dT%H%M%S}")
    data.rename(aside)
    return aside


def _require_free(home: Home, file: Path) -> None:
    """No other process has it open: then it can be locked as no running node lets it be."""
    try:
        with closing(sqlite3.connect(file, timeout=0, isolation_level=None)) as database:
            database.execute("PRAGMA locking_mode=EXCLUSIVE")
            database.execute("BEGIN EXCLUSIVE")
            database.execute("ROLLBACK")
    except sqlite3.OperationalError as error:
        raise NodeRuns(str(home.folder), home=home.folder, file=file.name) from error


def _say_that_it_is_restored(intake: Path) -> None:
    """The next start is none in order: numbers bear a word from then on."""
    with closing(sqlite3.connect(intake)) as database, database:
        database.execute("UPDATE last_run SET closed = 0, boot = ''")

"""Room on the disk: what is large is refused before the disk is full, so that cases still find a place.

The rule is pure; `measured` looks at the disk, `reusable_bytes` at the database.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import text

from hallnet.problems import Kind, Problem
from hallnet.store.database import Connection

_MEGABYTE = 1024 * 1024


class HallFull(Problem):
    """There is no room for materials."""

    kind = Kind.EXHAUSTED
    reason = "HALL_FULL"
    zh = "本厅磁盘空间不足：剩余{free_mb}MB，须为办件保留{kept_mb}MB，暂不接收材料"
    zh_remedy = "办件不受影响；请运维人员扩大磁盘或清理空间，或调整hallnet.toml中[store]的free_bytes_min，之后重试"
    en = (
        "The disk of the hall has {free_mb} MB left and keeps {kept_mb} MB for cases: "
        "no materials are taken for now"
    )
    en_remedy = (
        "Cases go on. Have the operator enlarge or clear the disk, or change free_bytes_min in [store] "
        "of hallnet.toml; then try again"
    )


@dataclass(frozen=True, slots=True)
class Room:
    """Free bytes of the disk, and how many of them are kept for cases."""

    free_bytes: int
    free_bytes_min: int

    def is_enough(self, wanted: int = 0, reusable: int = 0) -> bool:
        """Whether so many bytes may come; `reusable` ones are free within the database."""
        return self.free_bytes + reusable - wanted >= self.free_bytes_min

    def require(self, wanted: int = 0, reusable: int = 0) -> None:
        """Raises HallFull."""
        if not self.is_enough(wanted, reusable):
            raise HallFull(
                "data",
                free_mb=max(self.free_bytes + reusable, 0) // _MEGABYTE,
                kept_mb=self.free_bytes_min // _MEGABYTE,
            )


ROOMY = Room(2**62, 0)
"""For where nothing is measured."""


def measured(folder: Path | None, free_bytes_min: int) -> Room:
    """The room on the disk of a folder; without one ROOMY."""
    if folder is None:
        return ROOMY
    return Room(shutil.disk_usage(folder).free, free_bytes_min)


def reusable_bytes(connection: Connection) -> int:
    """Pages of an SQLite database that are free: it does not give them back but fills them again.

    0 for PostgreSQL, which keeps its own account.
    """
    if connection.dialect.name != "sqlite":
        return 0
    pages = connection.execute(text("PRAGMA freelist_count")).scalar_one()
    size = connection.execute(text("PRAGMA page_size")).scalar_one()
    return int(pages) * int(size)

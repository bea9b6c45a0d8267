"""Withdrawing a release: its author publishes what was in force before it once more, as the next version.

So a withdrawal goes down the tree, takes force and only moves forward as every release does: a hall that
missed the bad one never has it, and it cannot come back by being sent again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, select

from hallnet.branch_sync import tables
from hallnet.branch_sync.passing_on import signed_of
from hallnet.branch_sync.standing import Standing
from hallnet.places import Address
from hallnet.problems import Kind, Problem
from hallnet.store import Connection
from hallnet.trust.release import RELEASE, ReleaseKind
from hallnet.wire.release.v1 import release_pb2 as wire


class WithdrawalUnusable(Problem):
    """A release that cannot be withdrawn, or a withdrawal without a reason."""

    kind = Kind.CONFLICT
    reason = "WITHDRAWAL_UNUSABLE"
    zh = "只能撤回本厅最新发布的版本（现为第{newest}版），须写明理由；信任数据不能撤回"
    zh_remedy = "请用hallnet release list核对版本；信任数据有误时请直接吊销有关证书"
    en = (
        "Only the newest release of this hall (version {newest}) can be withdrawn, with a reason, and "
        "no trust data"
    )
    en_remedy = "Look at hallnet release list; of wrong trust data revoke the certificates"


@dataclass(frozen=True, slots=True)
class Restored:
    """What is put in force instead: an earlier version, 0 if there is none, and its content."""

    version: int
    content: bytes
    effective_at: datetime


def restored(
    connection: Connection, here: Address, kind: ReleaseKind, version: int, now: datetime
) -> Restored:
    """What is in force once a version is withdrawn; raises WithdrawalUnusable."""
    table = tables.release
    rows = connection.execute(
        select(table)
        .where(
            table.c.kind == kind,
            table.c.author == str(here),
            table.c.standing != Standing.REFUSED,
        )
        .order_by(table.c.version.desc())
    ).all()
    newest = rows[0] if rows else None
    if kind is ReleaseKind.TRUST or newest is None or version != newest.version or _is_void(newest):
        raise WithdrawalUnusable("version", newest=newest.version if newest is not None else 0)
    good = _newest_good(rows, now)
    if good is None:
        return Restored(0, b"", now)
    signed = signed_of(connection, kind, str(here), good.version)
    content = RELEASE.from_bytes(wire.SignedRelease.FromString(signed).body).content
    return Restored(good.version, content, max(now, good.effective_at))


def require_reason(reason: str) -> None:
    """Raises WithdrawalUnusable."""
    if not reason.strip():
        raise WithdrawalUnusable("reason", newest="")


def _newest_good(rows: Sequence[Row[Any]], now: datetime) -> Row[Any] | None:
    """The newest version before the first one of `rows` that nobody withdrew, and that was in force
    before it if that one is."""
    newest = rows[0]
    bad = {row.version for row in rows if row.standing == Standing.WITHDRAWN}
    bad |= {newest.version, newest.restores}
    for row in rows[1:]:
        was = newest.standing == Standing.PENDING or row.effective_at <= newest.effective_at
        if was and not _is_void(row) and not {row.version, row.restores} & (bad - {0}):
            return row
    return None


def _is_void(row: Row[Any]) -> bool:
    return bool(row.withdraws and not row.restores)

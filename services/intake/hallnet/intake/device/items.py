"""What came from devices, and what became of it: the same item gets the same answer."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Row, delete, insert, select, update

from hallnet.codec.moments import to_timestamp
from hallnet.intake import tables
from hallnet.node.paging import Page
from hallnet.problems import Problem
from hallnet.store import Connection
from hallnet.window.offline import RESULTS_KEPT_FOR, ItemState
from hallnet.window.offline_problems import QueuedItemUnknown
from hallnet.wire.device.v1 import device_pb2 as wire

FORGOTTEN_AT_ONCE = 500
_OVER = frozenset({ItemState.DONE, ItemState.DISCARDED})
_item = tables.device_item


@dataclass(frozen=True, slots=True)
class Kept:
    """An item with its result."""

    client_id: str
    digest: bytes
    state: ItemState
    result: wire.ItemResult
    body: bytes
    """Empty once nothing is left to do with it."""
    case_id: str = ""
    events: frozenset[int] = field(default_factory=frozenset)
    """Of its case: the events that it made, and those of items on which it depended."""


def content_digest(body: bytes) -> bytes:
    return hashlib.sha256(body).digest()


def find_all(connection: Connection, actor_id: str, client_ids: Collection[str]) -> dict[str, Kept]:
    """Those of some items of an account that came before."""
    query = select(_item).where(_item.c.actor_id == actor_id, _item.c.client_id.in_(client_ids))
    return {row.client_id: _kept(row) for row in connection.execute(query)}


def locked(connection: Connection, actor_id: str, client_id: str) -> Kept:
    """An item that is about to change; raises QueuedItemUnknown."""
    of_item = (_item.c.actor_id == actor_id) & (_item.c.client_id == client_id)
    row = connection.execute(select(_item).where(of_item).with_for_update()).one_or_none()
    if row is None:
        raise QueuedItemUnknown("client_id")
    return _kept(row)


def keep(
    connection: Connection, actor_id: str, device_id: str, kept: Kept, now: datetime
) -> wire.ItemResult:
    """Keep a new item with what became of it. If another transaction has just kept it, this one is undone."""
    connection.execute(
        insert(_item).values(
            actor_id=actor_id,
            client_id=kept.client_id,
            digest=kept.digest,
            device_id=device_id,
            came_at=now,
            **_values(kept),
        )
    )
    return kept.result


def change(connection: Connection, actor_id: str, kept: Kept) -> wire.ItemResult:
    """Keep what became of an item in place of what was known of it."""
    of_item = (_item.c.actor_id == actor_id) & (_item.c.client_id == kept.client_id)
    connection.execute(update(_item).where(of_item).values(**_values(kept)))
    return kept.result


def _values(kept: Kept) -> dict[str, Any]:
    return {
        "state": int(kept.state),
        "case_id": kept.case_id,
        "events": ",".join(str(number) for number in sorted(kept.events)),
        "result": kept.result.SerializeToString(),
        "body": b"" if kept.state in _OVER else kept.body,
    }


def listed(
    connection: Connection, actor_id: str, states: Sequence[int], page: Page
) -> list[wire.KeptItem]:
    """The oldest first, one more than the page if there is more; of all accounts if none is named."""
    query = select(_item)
    if actor_id:
        query = query.where(_item.c.actor_id == actor_id)
    if states:
        query = query.where(_item.c.state.in_(states))
    order = (_item.c.came_at, _item.c.actor_id, _item.c.client_id)
    rows = connection.execute(query.order_by(*order).offset(page.after).limit(page.size + 1))
    return [
        wire.KeptItem(
            result=wire.ItemResult.FromString(row.result),
            account=row.actor_id,
            device_id=row.device_id,
            came_at=to_timestamp(row.came_at),
            body=row.body,
        )
        for row in rows
    ]


def forget_old(connection: Connection, now: datetime) -> int:
    """Forget what came long ago; it is too old to be done once more. Returns how many were forgotten."""
    old = select(_item.c.actor_id, _item.c.client_id).where(
        _item.c.came_at < now - RESULTS_KEPT_FOR
    )
    rows = connection.execute(old.limit(FORGOTTEN_AT_ONCE)).all()
    for row in rows:
        of_item = (_item.c.actor_id == row.actor_id) & (_item.c.client_id == row.client_id)
        connection.execute(delete(_item).where(of_item))
    return len(rows)


def result_of(client_id: str, state: ItemState, problem: Problem | None = None) -> wire.ItemResult:
    """A result with nothing but a state and, if there is one, the reason for it."""
    found = wire.ItemResult(client_id=client_id, state=int(state))  # type: ignore[arg-type]
    if problem is not None:
        found.problem.CopyFrom(
            wire.ItemProblem(
                reason=problem.reason,
                chinese=problem.in_chinese(),
                english=problem.in_english(),
                where=problem.where,
            )
        )
    return found


def _kept(row: Row[Any]) -> Kept:
    return Kept(
        row.client_id,
        row.digest,
        ItemState(row.state),
        wire.ItemResult.FromString(row.result),
        row.body,
        row.case_id,
        frozenset(int(number) for number in filter(None, row.events.split(","))),
    )

"""Keys of codes that change with time (the rule is `hallnet.window.second_factor`)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from sqlalchemy import Row, delete, select, update

from hallnet.intake import tables
from hallnet.store import Connection
from hallnet.store.upsert import upsert
from hallnet.window import second_factor as rules
from hallnet.window.second_factor import SecondFactorNotBegun

_TABLE = tables.second_factor


def has_one(connection: Connection, actor_id: str) -> bool:
    """Whether codes are asked for."""
    row = _row(connection, actor_id)
    return row is not None and row.key is not None


def require_right(connection: Connection, actor_id: str, code: str, now: datetime) -> None:
    """Use up a code, if the account has a key; raises SecondFactorWrong."""
    row = _row(connection, actor_id)
    if row is None or row.key is None:
        return
    step = rules.right_step(row.key, code, row.last_step, now)
    _change(connection, actor_id, last_step=step)


def begin(connection: Connection, actor_id: str, random_bytes: Callable[[int], bytes]) -> bytes:
    """A new key, which counts once it is confirmed."""
    key = random_bytes(rules.KEY_BYTES)
    statement = upsert(connection, _TABLE).values(actor_id=actor_id, begun=key, last_step=0)
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=["actor_id"], set_={"begun": statement.excluded.begun}
        )
    )
    return key


def confirm(connection: Connection, actor_id: str, code: str, now: datetime) -> None:
    """Raises SecondFactorNotBegun or SecondFactorWrong."""
    row = _row(connection, actor_id)
    if row is None or row.begun is None:
        raise SecondFactorNotBegun()
    step = rules.right_step(row.begun, code, 0, now)
    _change(connection, actor_id, key=row.begun, begun=None, last_step=step)


def drop(connection: Connection, actor_id: str) -> None:
    connection.execute(delete(_TABLE).where(_TABLE.c.actor_id == actor_id))


def _row(connection: Connection, actor_id: str) -> Row[Any] | None:
    query = select(_TABLE).where(_TABLE.c.actor_id == actor_id).with_for_update()
    return connection.execute(query).one_or_none()


def _change(connection: Connection, actor_id: str, **values: Any) -> None:
    connection.execute(update(_TABLE).where(_TABLE.c.actor_id == actor_id).values(values))

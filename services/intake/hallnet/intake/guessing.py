"""Passwords and query codes that were wrong: how often in a row (the rule is `hallnet.window.guessing`)."""

from __future__ import annotations

import hashlib
from datetime import datetime
from enum import Enum

from sqlalchemy import delete, func, select, update

from hallnet.case.policy import Policy
from hallnet.intake import tables
from hallnet.store import Connection
from hallnet.store.upsert import upsert
from hallnet.window.guessing import Tries, pause

SECRETS_MAX = 10_000
"""Of so many is known that they were wrong; the oldest are forgotten first."""

_TABLE = tables.wrong_secret


class Secret(Enum):
    """What is guessed at."""

    PASSWORD = "password"  # noqa: S105  the name of a kind
    QUERY_CODE = "query code"


def begin(
    connection: Connection, secret: Secret, whose: str, policy: Policy, now: datetime
) -> None:
    """Note a try before anybody looks whether it is right, so that many at once are counted too; raises
    WrongTooOften."""
    known = _TABLE.c.whose == _digest(secret, whose)
    _forget_some(connection, policy, now)
    # Who comes first locks the row for all who try at the same moment.
    first = upsert(connection, _TABLE).values(whose=_digest(secret, whose), wrong=0, last_at=now)
    connection.execute(first.on_conflict_do_nothing())
    row = connection.execute(select(_TABLE).where(known).with_for_update()).one()
    tries = Tries(row.wrong, row.last_at).one_more(policy, now)
    values = {"wrong": tries.wrong, "last_at": tries.last_at}
    connection.execute(update(_TABLE).where(known).values(values))


def was_right(connection: Connection, secret: Secret, whose: str) -> None:
    """What was tried before is forgotten."""
    connection.execute(delete(_TABLE).where(_TABLE.c.whose == _digest(secret, whose)))


def _forget_some(connection: Connection, policy: Policy, now: datetime) -> None:
    """Those whose pause is over and, beyond the bound, the oldest."""
    connection.execute(delete(_TABLE).where(_TABLE.c.last_at <= now - pause(policy)))
    count = connection.execute(select(func.count()).select_from(_TABLE)).scalar_one()
    if count >= SECRETS_MAX:
        oldest = select(_TABLE.c.whose).order_by(_TABLE.c.last_at).limit(count - SECRETS_MAX + 1)
        connection.execute(delete(_TABLE).where(_TABLE.c.whose.in_(oldest.scalar_subquery())))


def _digest(secret: Secret, whose: str) -> bytes:
    return hashlib.sha256(f"{secret.value}\0{whose}".encode()).digest()

"""Passwords of accounts: kept as salted hashes, tried a few times, changed by their owners."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from datetime import datetime
from typing import Any

from sqlalchemy import Row, bindparam, select, update

from hallnet.case.policy import Policy
from hallnet.case.problems import ActorUnknown
from hallnet.intake import guessing, tables
from hallnet.intake.guessing import Secret
from hallnet.store import Connection
from hallnet.window import passwords as rules

SALT_BYTES = 16
MARK_CHARACTERS = 32
_SCRYPT = {"n": 2**14, "r": 8, "p": 1, "dklen": 32}
_TABLE = tables.account
_FIND = select(_TABLE).where(_TABLE.c.actor_id == bindparam("sought"))
_NOBODYS = bytes(SALT_BYTES + _SCRYPT["dklen"])
"""Compared for an account that there is not, so that it takes as long."""


def put(
    connection: Connection,
    actor_id: str,
    password: str,
    is_own: bool,
    random_bytes: Callable[[int], bytes],
    now: datetime,
) -> None:
    """Give an account a password; what was tried before is forgotten. Raises PasswordWeak."""
    rules.require_good(password, actor_id)
    _write(connection, actor_id, password, is_own, random_bytes, now)


def begin_try(connection: Connection, actor_id: str, policy: Policy, now: datetime) -> None:
    """To be committed before the password is looked at; raises WrongTooOften."""
    guessing.begin(connection, Secret.PASSWORD, actor_id, policy, now)


def require_right(connection: Connection, actor_id: str, password: str) -> None:
    """Raises ActorUnknown, the same for a wrong name and a wrong password."""
    row = _row(connection, actor_id)
    kept = row.password_hash if row is not None and row.password_hash else _NOBODYS
    if not hmac.compare_digest(_hash(password, kept[:SALT_BYTES]), kept):
        raise ActorUnknown()


def was_right(
    connection: Connection, actor_id: str, policy: Policy, now: datetime
) -> rules.PasswordDue | None:
    """Forget what was tried before; returns why the password has to be changed."""
    guessing.was_right(connection, Secret.PASSWORD, actor_id)
    row = _row(connection, actor_id)
    if row is None:
        raise ActorUnknown()
    return rules.due(row.password_set_at, bool(row.password_is_own), policy, now)


def mark(connection: Connection, actor_id: str) -> str:
    """Another one for each password that an account ever gets; raises ActorUnknown without one."""
    row = _row(connection, actor_id)
    if row is None or not row.password_hash:
        raise ActorUnknown()
    return hashlib.sha256(row.password_hash).hexdigest()[:MARK_CHARACTERS]


def change(
    connection: Connection,
    actor_id: str,
    old: str,
    new: str,
    random_bytes: Callable[[int], bytes],
    now: datetime,
) -> None:
    """By its owner, whose old password was right; raises PasswordWeak."""
    rules.require_good(new, actor_id, old)
    _write(connection, actor_id, new, True, random_bytes, now)


def _write(
    connection: Connection,
    actor_id: str,
    password: str,
    is_own: bool,
    random_bytes: Callable[[int], bytes],
    now: datetime,
) -> None:
    hashed = _hash(password, random_bytes(SALT_BYTES))
    connection.execute(
        update(_TABLE)
        .where(_TABLE.c.actor_id == actor_id)
        .values(password_hash=hashed, password_set_at=now, password_is_own=is_own)
    )
    guessing.was_right(connection, Secret.PASSWORD, actor_id)


def _row(connection: Connection, actor_id: str) -> Row[Any] | None:
    return connection.execute(_FIND, {"sought": actor_id}).one_or_none()


def _hash(password: str, salt: bytes) -> bytes:
    return salt + hashlib.scrypt(password.encode(), salt=salt, **_SCRYPT)

"""Staff and agents of this hall: who they are, what they may do, and whether they are who they say."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import Row, select

from hallnet.case.person import Actor, ActorKind
from hallnet.case.power import Power
from hallnet.case.problems import ActorUnknown
from hallnet.intake import tables
from hallnet.places import Village
from hallnet.store import Connection
from hallnet.store.gathering import forget_read, read_once
from hallnet.store.upsert import upsert
from hallnet.wire.case.v1 import person_pb2 as wire_person
from hallnet.wire.intake.v1 import intake_service_pb2 as wire

SALT_BYTES = 16
AGENTS_MAX = 20_000
STAFF_MAX = 500
_HAVE_ACCOUNTS = frozenset({int(ActorKind.STAFF), int(ActorKind.AGENT)})
_SCRYPT = {"n": 2**14, "r": 8, "p": 1, "dklen": 32}


@dataclass(frozen=True, slots=True)
class Account:
    """A member of staff with powers, or an agent with village points."""

    actor: Actor
    powers: frozenset[Power]
    points: tuple[Village, ...]


def put(
    connection: Connection, account: Account, password: str, random_bytes: Callable[[int], bytes]
) -> None:
    """Make or change an account; an empty password leaves the one that is there."""
    values = {
        "kind": account.actor.kind,
        "name": account.actor.name,
        "powers": ",".join(str(int(power)) for power in sorted(account.powers)),
        "points": ",".join(str(point) for point in account.points),
    }
    hashed = _hash(password, random_bytes(SALT_BYTES)) if password else b""
    statement = upsert(connection, tables.account).values(
        actor_id=account.actor.actor_id, password_hash=hashed, **values
    )
    changed = values | ({"password_hash": hashed} if password else {})
    connection.execute(statement.on_conflict_do_update(index_elements=["actor_id"], set_=changed))
    forget_read()


def find(connection: Connection, actor_id: str) -> Account:
    """Raises ActorUnknown."""
    return read_once(("account", actor_id), lambda: _account(_row(connection, actor_id)))


def agents(connection: Connection) -> list[Account]:
    """All agents of this hall."""
    table = tables.account
    query = select(table).where(table.c.kind == ActorKind.AGENT).order_by(table.c.actor_id)
    return [_account(row) for row in connection.execute(query.limit(AGENTS_MAX))]


def staff(connection: Connection) -> list[Account]:
    """The members of staff of this hall, by their accounts."""
    table = tables.account
    query = select(table).where(table.c.kind == ActorKind.STAFF).order_by(table.c.actor_id)
    return [_account(row) for row in connection.execute(query.limit(STAFF_MAX))]


def sign_in(connection: Connection, actor_id: str, password: str) -> Account:
    """Raises ActorUnknown, the same for a wrong name and a wrong password."""
    try:
        row = _row(connection, actor_id)
    except ActorUnknown as problem:
        raise ActorUnknown() from problem
    salt = row.password_hash[:SALT_BYTES]
    if not row.password_hash or not hmac.compare_digest(_hash(password, salt), row.password_hash):
        raise ActorUnknown()
    return _account(row)


def to_message(account: Account) -> wire.Account:
    return wire.Account(
        actor=wire_person.Actor(
            kind=int(account.actor.kind),  # type: ignore[arg-type]
            actor_id=account.actor.actor_id,
            name=account.actor.name,
        ),
        powers=[int(power) for power in sorted(account.powers)],  # type: ignore[misc]
        points=[str(point) for point in account.points],
    )


def from_message(message: wire.Account) -> Account:
    """Raises VillageMalformed, or ActorUnknown for a kind that has no account."""
    if int(message.actor.kind) not in _HAVE_ACCOUNTS or not message.actor.actor_id:
        raise ActorUnknown("account.actor")
    return Account(
        Actor(ActorKind(message.actor.kind), message.actor.actor_id, message.actor.name),
        frozenset(Power(number) for number in message.powers),
        tuple(Village.parse(point, "account.points") for point in message.points),
    )


def _row(connection: Connection, actor_id: str) -> Row[tuple[object, ...]]:
    row = connection.execute(
        select(tables.account).where(tables.account.c.actor_id == actor_id)
    ).one_or_none()
    if row is None:
        raise ActorUnknown("actor_id")
    return row


def _account(row: Row[tuple[object, ...]]) -> Account:
    return Account(
        Actor(ActorKind(row.kind), row.actor_id, row.name),
        frozenset(Power(int(number)) for number in filter(None, row.powers.split(","))),
        tuple(Village.parse(code) for code in filter(None, row.points.split(","))),
    )


def _hash(password: str, salt: bytes) -> bytes:
    return salt + hashlib.scrypt(password.encode(), salt=salt, **_SCRYPT)

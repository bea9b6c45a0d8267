"""Staff and agents of this hall: who they are and what they may do."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from typing import Any, cast

from sqlalchemy import Row, bindparam, func, select, update

from hallnet.case import grant as rules
from hallnet.case.case import day_of
from hallnet.case.grant import Grant, Held, Subject
from hallnet.case.person import Actor, ActorKind
from hallnet.case.power import Power
from hallnet.case.problems import AccountHasCases, ActorUnknown
from hallnet.case.sought import normal_document_number
from hallnet.codec import Codec
from hallnet.intake import tables
from hallnet.intake.window import duty
from hallnet.places import Village
from hallnet.store import Connection, FoundBy
from hallnet.store.gathering import forget_read, read_once
from hallnet.store.upsert import upsert
from hallnet.wire.case.v1 import person_pb2 as wire_person
from hallnet.wire.intake.v1 import intake_service_pb2 as wire

AGENTS_MAX = 20_000
STAFF_MAX = 5_000
GRANTS_REMEMBERED = 1_024
_HAVE_ACCOUNTS = frozenset({int(ActorKind.STAFF), int(ActorKind.AGENT)})
_FIND = select(tables.account).where(tables.account.c.actor_id == bindparam("sought"))


@dataclass(frozen=True, slots=True)
class Account:
    """A member of staff with powers, or an agent with village points."""

    actor: Actor
    powers: frozenset[Power]
    """Held without term and for everything."""
    points: tuple[Village, ...]
    grants: tuple[Grant, ...] = ()
    """All that was ever given."""

    def powers_anywhere(self, day: date) -> frozenset[Power]:
        """What is held on a day at all: for everything, or for something."""
        return self.powers | rules.anywhere(self.grants, day)


@dataclass(frozen=True, slots=True)
class _Grants:
    grants: tuple[Grant, ...]


GRANT: Codec[Grant] = Codec(Grant, wire.PowerGrant)
_GRANTS: Codec[_Grants] = Codec(_Grants, wire.PowerGrants)


def put(
    connection: Connection,
    account: Account,
    now: datetime,
) -> None:
    """Make, change or open again an account, without its password. What was given for a time or for something is
    left as it is."""
    known = connection.execute(
        _FIND.with_for_update(), {"sought": account.actor.actor_id}
    ).one_or_none()
    before = _grants_of(known.grants) if known is not None else ()
    values = {
        "kind": account.actor.kind,
        "name": account.actor.name,
        "grants": _GRANTS.to_bytes(_Grants(rules.restated(before, account.powers, now))),
        "points": ",".join(str(point) for point in account.points),
    }
    statement = upsert(connection, tables.account).values(
        actor_id=account.actor.actor_id, password_hash=b"", **values
    )
    opened = values | {"closed_at": None}
    connection.execute(statement.on_conflict_do_update(index_elements=["actor_id"], set_=opened))
    forget_read()


def close(connection: Connection, actor_id: str, now: datetime) -> None:
    """The person may do nothing here any more; the name stays for the records. Raises ActorUnknown, or
    AccountHasCases while open cases have nobody else who answers for them."""
    _row(connection, actor_id)
    case = tables.case
    query = select(func.count()).select_from(case).where(case.c.owner == actor_id)
    owned = connection.execute(query).scalar_one()
    if owned:
        raise AccountHasCases("actor_id", count=owned)
    table = tables.account
    changed = update(table).where(table.c.actor_id == actor_id)
    connection.execute(changed.values(closed_at=now, password_hash=b""))
    forget_read()


def put_document(connection: Connection, actor_id: str, document_number: str) -> None:
    """Note whose account it is; only a keyed digest is kept. An empty number leaves what is there."""
    document = normal_document_number(document_number)
    if document:
        table = tables.account
        of_this = table.c.actor_id == actor_id
        connection.execute(update(table).where(of_this).values(document=document))


def documents(connection: Connection) -> dict[str, str]:
    """Digests of the documents of accounts, where they are known, by account."""
    table = tables.account
    query = select(table.c.actor_id, table.c.document).where(table.c.document.is_not(None))
    return {row.actor_id: row.document for row in connection.execute(query)}


def document_digest(document_number: str) -> str:
    """What `documents` has of a document; empty if there is none."""
    document = normal_document_number(document_number)
    column = cast(FoundBy, tables.account.c.document.type)
    return column.as_read_back(document) if document else ""


def find(connection: Connection, actor_id: str) -> Account:
    """One that is not closed; raises ActorUnknown."""
    return read_once(("account", actor_id), lambda: _account(_row(connection, actor_id)))


def change_grants(
    connection: Connection,
    actor_id: str,
    rule: Callable[[Sequence[Grant]], tuple[Grant, ...]],
) -> tuple[Grant, ...]:
    """Give somebody a power or take one back; raises ActorUnknown and what the rule raises."""
    row = connection.execute(_FIND.with_for_update(), {"sought": actor_id}).one_or_none()
    if row is None or row.kind != ActorKind.STAFF or row.closed_at is not None:
        raise ActorUnknown("actor_id")
    after = rule(_grants_of(row.grants))
    table = tables.account
    connection.execute(
        update(table)
        .where(table.c.actor_id == actor_id)
        .values(grants=_GRANTS.to_bytes(_Grants(after)))
    )
    forget_read()
    return after


def held(
    connection: Connection,
    account: Account,
    day: date,
    item_id: str = "",
    kinds: Callable[[], Collection[str]] = tuple,
    departments: Collection[str] = (),
) -> Held:
    """What somebody may do on a day about a case of an item, or about none. Where the person is on duty and
    which kinds the case is of is looked up only if a grant depends on it."""
    grants = account.grants
    windows = (
        duty.windows_of(connection, account.actor.actor_id, day)
        if any(grant.window_id for grant in grants)
        else ()
    )
    named = kinds() if any(grant.kind for grant in grants) else ()
    found = rules.held(grants, Subject(item_id, named, windows, departments), day)
    # An account that another hall vouches for has powers and no grants.
    return Held(found.powers | account.powers, found.lapsed)


def require_power(connection: Connection, actor_id: str, now: datetime, *any_of: Power) -> Account:
    """A member of staff who holds one of the powers now, for everything; raises ActorUnknown, PowerMissing,
    PowerLapsed."""
    account = find(connection, actor_id)
    held(connection, account, day_of(now)).require(*any_of)
    return account


def staff_member(connection: Connection, actor_id: str, where: str) -> Account:
    """A member of staff; raises ActorUnknown, for `where`, also for an agent."""
    account = find(connection, actor_id)
    if account.actor.kind is not ActorKind.STAFF:
        raise ActorUnknown(where)
    return account


def staff(connection: Connection) -> list[Account]:
    """All staff of this hall, by name of account."""
    table = tables.account
    query = select(table).where(table.c.kind == ActorKind.STAFF, table.c.closed_at.is_(None))
    query = query.order_by(table.c.actor_id)
    return [_account(row) for row in connection.execute(query.limit(STAFF_MAX))]


def agents(connection: Connection, with_former: bool = False) -> list[Account]:
    """All agents of this hall."""
    table = tables.account
    query = select(table).where(table.c.kind == ActorKind.AGENT).order_by(table.c.actor_id)
    if not with_former:
        query = query.where(table.c.closed_at.is_(None))
    return [_account(row) for row in connection.execute(query.limit(AGENTS_MAX))]


def to_message(account: Account, day: date) -> wire.Account:
    """As it is on a day."""
    powers = account.powers_anywhere(day)
    return wire.Account(
        actor=wire_person.Actor(
            kind=int(account.actor.kind),  # type: ignore[arg-type]
            actor_id=account.actor.actor_id,
            name=account.actor.name,
        ),
        powers=[int(power) for power in sorted(powers)],  # type: ignore[misc]
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


def _row(connection: Connection, actor_id: str) -> Row[Any]:
    row = connection.execute(_FIND, {"sought": actor_id}).one_or_none()
    if row is None or row.closed_at is not None:
        raise ActorUnknown("actor_id")
    return row


@lru_cache(maxsize=GRANTS_REMEMBERED)
def _grants_of(raw: bytes) -> tuple[Grant, ...]:
    """The same bytes are the same grants: they are read with every act."""
    return _GRANTS.from_bytes(raw).grants


def _account(row: Row[Any]) -> Account:
    grants = _grants_of(row.grants)
    return Account(
        Actor(ActorKind(row.kind), row.actor_id, row.name),
        frozenset(grant.power for grant in grants if grant.is_standing and not grant.revoked_at),
        tuple(Village.parse(code) for code in filter(None, row.points.split(","))),
        grants,
    )

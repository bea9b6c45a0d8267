"""Several processes of one exchange on one database: over each link one of them sends at a time.

All of them take what neighbours send. Who sends over a link follows from who is alive (highest random
weight, Thaler and Ravishankar 1998), so that links are shared and few change hands when one dies; a link
is taken over only when the one before has let go of it or is not alive any more.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import delete, func, select, update

from hallnet.exchange import tables
from hallnet.places import Address
from hallnet.store import Connection
from hallnet.store.upsert import upsert

BEAT_SECONDS = 1.0
SILENT_AFTER = timedelta(seconds=4)
"""One that did not say for so long that it is alive is not."""
PRESENCE_BYTES = 8
FORGOTTEN_AFTER = timedelta(hours=1)


class Share(NamedTuple):
    """What a process learns when it says that it is alive."""

    alive: frozenset[bytes]
    mine: frozenset[Address]
    """The links over which it is to send."""
    belief: tuple[object, ...]
    """Changes whenever a process learned something that the others have to load."""
    is_sure: bool
    """Whether one of them knows that the journal ends where the neighbours saw it end."""


def share(
    replica: bytes,
    neighbours: Collection[Address],
    at_work: Collection[Address],
    is_sure: bool,
    now: datetime,
    connection: Connection,
) -> Share:
    """All that a process does again and again to share the links with others."""
    alive = beat(connection, replica, now, is_sure)
    mine = claim(connection, replica, alive, neighbours, at_work)
    return Share(alive, mine, belief(connection), _is_sure(connection, alive))


def presence(alive: Collection[bytes]) -> bytes:
    """Names those that are alive together."""
    return hashlib.sha256(b"".join(sorted(alive))).digest()[:PRESENCE_BYTES]


def beat(connection: Connection, replica: bytes, now: datetime, is_sure: bool) -> frozenset[bytes]:
    """Say that a process is alive; returns all that are."""
    table = tables.replica
    values = {"seen_at": now, "sure": is_sure}
    statement = upsert(connection, table).values(incarnation=replica, **values)
    connection.execute(statement.on_conflict_do_update(index_elements=["incarnation"], set_=values))
    connection.execute(delete(table).where(table.c.seen_at < now - FORGOTTEN_AFTER))
    alive = connection.scalars(
        select(table.c.incarnation).where(table.c.seen_at > now - SILENT_AFTER)
    )
    return frozenset(alive)


def _is_sure(connection: Connection, alive: Collection[bytes]) -> bool:
    table = tables.replica
    sure = select(table.c.incarnation).where(table.c.sure, table.c.incarnation.in_(alive)).limit(1)
    return connection.execute(sure).one_or_none() is not None


def leave(connection: Connection, replica: bytes) -> None:
    """A process ends in order: others need not wait for its silence."""
    table, link = tables.replica, tables.link
    connection.execute(delete(table).where(table.c.incarnation == replica))
    connection.execute(update(link).where(link.c.sender == replica).values(sender=None))


def owner(alive: Collection[bytes], neighbour: Address) -> bytes:
    """Who of those that are alive is to send over the link to a neighbour."""
    return max(alive, key=lambda one: hashlib.sha256(one + str(neighbour).encode()).digest())


def claim(
    connection: Connection,
    replica: bytes,
    alive: Collection[bytes],
    neighbours: Iterable[Address],
    at_work: Collection[Address],
) -> frozenset[Address]:
    """The links over which a process may send from now on: it takes what is its and free, and lets go of
    what is not its, unless it is `at_work` there.
    """
    table = tables.link
    rows = connection.execute(select(table.c.neighbour, table.c.sender).with_for_update())
    senders = {row.neighbour: row.sender for row in rows}
    held = set()
    for neighbour in sorted(neighbours):
        sender = senders.get(str(neighbour))
        if owner(alive, neighbour) == replica:
            if sender in (None, replica) or sender not in alive:
                held.add(neighbour)
                if sender != replica:
                    _give(connection, neighbour, replica)
        elif sender == replica and neighbour not in at_work:
            _give(connection, neighbour, None)
    return frozenset(held)


def _give(connection: Connection, neighbour: Address, replica: bytes | None) -> None:
    statement = upsert(connection, tables.link).values(
        neighbour=str(neighbour),
        up=False,
        failures=0,
        sent_sequence=0,
        taken_sequence=0,
        sender=replica,
    )
    connection.execute(
        statement.on_conflict_do_update(index_elements=["neighbour"], set_={"sender": replica})
    )


def belief(connection: Connection) -> tuple[object, ...]:
    """How much is believed, in few numbers."""
    certificates, revocations, moved = tables.certificate, tables.revocation, tables.succession
    return tuple(
        connection.execute(
            select(
                select(func.count()).select_from(certificates).scalar_subquery(),
                select(func.count()).select_from(revocations).scalar_subquery(),
                select(func.max(moved.c.learned_at)).scalar_subquery(),
                select(func.count()).select_from(tables.root_succession).scalar_subquery(),
                select(func.max(tables.trust_bundle.c.version)).scalar_subquery(),
                select(func.count()).select_from(tables.child).scalar_subquery(),
                select(func.max(tables.child.c.enrolled_at)).scalar_subquery(),
            )
        ).one()
    )

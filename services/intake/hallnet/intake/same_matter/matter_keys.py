"""The keys under which halls tell what was filed (0021): asked for, given, replaced.

A hall that compares makes one key and gives it, sealed, to each hall below that asks. When one of them leaves
(it is closed, its certificate is revoked, it goes on under another address) the key is replaced, and the halls
that stay tell again what is remembered.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Row, delete, select, update

from hallnet.case.same_matter import KEY_BYTES, KEY_ID_BYTES, REMEMBERED_FOR, compares
from hallnet.codec import MessageMalformed, parse
from hallnet.codec.moments import from_timestamp
from hallnet.intake import dispatches, tables
from hallnet.intake.context import Hall
from hallnet.intake.hall_state import HallState
from hallnet.intake.identifiers import new_id
from hallnet.places import Address
from hallnet.store import Connection
from hallnet.store.feed import Entry
from hallnet.store.gathering import forget_read
from hallnet.store.upsert import upsert
from hallnet.wire.intake.v1 import matter_pb2 as wire
from hallnet.wire.trust.v1 import certificate_pb2 as wire_trust

WANTED_KIND = "matter.key_wanted"
KEY_KIND = "matter.key"
SUBJECT = "matters"
"""Headers lie open: they name no case."""
_KEY, _HOLDER = tables.matter_key, tables.matter_key_holder


def key_of(connection: Connection, guide: Address) -> Row[Any] | None:
    """The key for a hall above, or the own one; None if there is none, or it has not come."""
    query = select(_KEY).where(_KEY.c.guide == str(guide), _KEY.c.key_id.is_not(None))
    return connection.execute(query).one_or_none()


def note_asked(connection: Connection, guide: Address, now: datetime) -> None:
    """A key was asked for, or is to be asked for again after a while."""
    _put(connection, guide, {"key_id": None, "key": None, "asked_at": now, "again_after": ""})


def take_wanted(
    connection: Connection, hall: Hall, sender: Address, payload: bytes, now: datetime
) -> None:
    """A hall below asks for the key under which it is to tell what it filed."""
    if hall.releases.policy(connection).matters_untold:
        return
    if not compares(hall.address) or not hall.address.may_certify(sender):
        return
    try:
        parse(wire.MatterKeyWanted, payload)
    except MessageMalformed:
        return
    if key_of(connection, hall.address) is None:
        _make(connection, hall, now)
    statement = upsert(connection, _HOLDER).values(hall=str(sender), given_at=now)
    connection.execute(
        statement.on_conflict_do_update(index_elements=["hall"], set_={"given_at": now})
    )
    give(connection, hall, [sender], now)


def give(connection: Connection, hall: Hall, to: list[Address], now: datetime) -> None:
    """The own key to halls below."""
    key = key_of(connection, hall.address)
    if key is None or not to:
        return
    message = wire.MatterKey(key_id=key.key_id, key=key.key)
    given = [dispatches.dispatch(one, KEY_KIND, SUBJECT, message.SerializeToString()) for one in to]
    tables.feed.append(connection, [Entry(KEY_KIND, SUBJECT, b"", now, given)])


def take_key(
    connection: Connection, hall: Hall, sender: Address, payload: bytes, now: datetime
) -> None:
    """A hall above gave its key, or another one: all that is remembered is told under it. Should an older one
    come last, what is told under it is answered with the present one."""
    if sender not in hall.above or not compares(sender):
        return
    if hall.releases.policy(connection).matters_untold:
        return
    try:
        read = parse(wire.MatterKey, payload)
    except MessageMalformed:
        return
    if len(read.key_id) != KEY_ID_BYTES or len(read.key) != KEY_BYTES:
        return
    known = key_of(connection, sender)
    if known is None or known.key_id != read.key_id:
        _note_key(connection, sender, read.key_id, read.key, now)


def hall_below_changed(connection: Connection, hall: Hall, sender: Address, now: datetime) -> None:
    """A hall below said how it stands: one that is closed has left."""
    below = tables.hall_below
    state = connection.execute(
        select(below.c.state).where(below.c.hall == str(sender))
    ).scalar_one_or_none()
    if state == HallState.CLOSED and str(sender) in _holders(connection):
        replace(connection, hall, {str(sender)}, now)


def look_at_trust(connection: Connection, hall: Hall, content: bytes, now: datetime) -> None:
    """A trust bundle came: halls that were revoked, or go on elsewhere, since they got the key have left."""
    holders = _holders(connection)
    if not holders:
        return
    bundle = wire_trust.TrustBundle.FromString(content)
    left = set()
    for revocation in bundle.revocations:
        revoked = wire_trust.RevocationBody.FromString(revocation.body)
        given_at = holders.get(revoked.subject)
        if given_at is not None and from_timestamp(revoked.signed_at) > given_at:
            left.add(revoked.subject)
    for succession in bundle.successions:
        moved = wire_trust.SuccessionBody.FromString(succession.body)
        in_effect = not moved.withdrawn and from_timestamp(moved.effective_at) <= now
        if in_effect and moved.predecessor in holders:
            left.add(moved.predecessor)
    if left:
        replace(connection, hall, left, now)


def replace(connection: Connection, hall: Hall, left: set[str], now: datetime) -> None:
    """A new key for the halls that stay. What was told under the old one cannot be compared with what comes
    under the new one: it is told again."""
    connection.execute(delete(_HOLDER).where(_HOLDER.c.hall.in_(left)))
    connection.execute(update(tables.matter_told).values(matter=None))
    _make(connection, hall, now)
    staying = _holders(connection)
    connection.execute(update(_HOLDER).values(given_at=now))
    give(connection, hall, [Address.parse(one) for one in sorted(staying)], now)


def _make(connection: Connection, hall: Hall, now: datetime) -> None:
    """The own key, new."""
    key_id, key = hall.random_bytes(KEY_ID_BYTES), hall.random_bytes(KEY_BYTES)
    _note_key(connection, hall.address, key_id, key, now)


def _note_key(
    connection: Connection, guide: Address, key_id: bytes, key: bytes, now: datetime
) -> None:
    # Ids of cases are in the order of the time of filing (UUID version 7).
    oldest = new_id(now - REMEMBERED_FOR, bytes)
    values = {"key_id": key_id, "key": key, "asked_at": now, "again_after": oldest}
    _put(connection, guide, values)


def _put(connection: Connection, guide: Address, values: dict[str, Any]) -> None:
    statement = upsert(connection, _KEY).values(guide=str(guide), **values)
    connection.execute(statement.on_conflict_do_update(index_elements=["guide"], set_=values))
    forget_read()


def forget_all(connection: Connection) -> None:
    """This hall takes no part any more."""
    for table in (_KEY, _HOLDER):
        connection.execute(delete(table))
    forget_read()


def _holders(connection: Connection) -> dict[str, datetime]:
    return {row.hall: row.given_at for row in connection.execute(select(_HOLDER))}

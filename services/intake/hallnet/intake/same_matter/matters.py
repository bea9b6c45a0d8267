"""Telling the halls that guide this one what was filed here, as keyed digests (0021).

Nothing is told in the transaction of an act: what is new waits in a table and goes in batches, so that many cases
cost one envelope. Whatever is lost on the way is mended in one way: the key is asked for again, and with it all
that is remembered is told again.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, delete, insert, select, update

from hallnet.case.case import Case, day_of
from hallnet.case.same_matter import REMEMBERED_FOR, asks_for_keys, digest, stands
from hallnet.intake import alike, cases, dispatches, tables
from hallnet.intake.context import Hall
from hallnet.intake.same_matter import alike_notes, matching, matter_keys
from hallnet.intake.same_matter.alike_notes import ALIKE_KIND
from hallnet.intake.same_matter.matching import TOLD_AT_ONCE_MAX, TOLD_KIND
from hallnet.intake.same_matter.matter_keys import SUBJECT, WANTED_KIND
from hallnet.places import Address
from hallnet.store import Connection
from hallnet.store.feed import Entry
from hallnet.wire.exchange.v1 import envelope_pb2 as wire_envelope
from hallnet.wire.feed.v1 import feed_pb2 as wire_feed
from hallnet.wire.intake.v1 import matter_pb2 as wire

ASKED_AGAIN_AFTER = timedelta(days=1)
"""So long a hall that asked for a key, or whose words did not arrive, waits before it asks once more."""
_KEY, _UNTOLD, _CASE = tables.matter_key, tables.matter_untold, tables.case


def tell(connection: Connection, hall: Hall, now: datetime) -> int:
    """Tell some of what is new, ask for keys, forget what is old; returns how much moved, 0 if nothing waits."""
    if hall.releases.policy(connection).matters_untold:
        return _take_no_part(connection, hall, now)
    matching.forget_old(connection, now)
    alike_notes.forget_old(connection, now)
    keys = {Address.parse(row.guide): row for row in connection.execute(select(_KEY))}
    asked = _ask(connection, hall, keys, now)
    usable = {guide: row for guide, row in keys.items() if row.key_id is not None}
    again = sum(_note_again(connection, hall, row) for row in usable.values())
    return asked + again + _tell_some(connection, hall, usable, now)


def take_delivery_end(
    connection: Connection, hall: Hall, ended: wire_feed.DeliveryEnded, now: datetime
) -> None:
    """What was told did not arrive: the key is asked for again after a while, and all is told again.

    An answer that expired is given again; one that was refused is not, for it would be refused again at once.
    """
    badly = ended.verdict != wire_envelope.VERDICT_ACCEPTED
    recipient = Address.parse(ended.recipient)
    if badly and ended.kind in (TOLD_KIND, WANTED_KIND):
        matter_keys.note_asked(connection, recipient, now)
    if ended.kind == ALIKE_KIND and ended.verdict == wire_envelope.VERDICT_UNSPECIFIED:
        matching.answer_again(connection, hall, recipient, now)


def _ask(
    connection: Connection, hall: Hall, keys: Mapping[Address, Row[Any]], now: datetime
) -> int:
    """Ask the halls that guide this one for their keys, once something was filed here."""
    missing = []
    for guide in asks_for_keys(hall.address, hall.above):
        row = keys.get(guide)
        if row is None or (row.key_id is None and row.asked_at + ASKED_AGAIN_AFTER <= now):
            missing.append(guide)
    filed = select(_CASE.c.case_id).where(_CASE.c.case_no.startswith(f"{hall.address}-")).limit(1)
    if not missing or connection.execute(filed).first() is None:
        return 0
    wanted = wire.MatterKeyWanted(hall=str(hall.address)).SerializeToString()
    for guide in missing:
        matter_keys.note_asked(connection, guide, now)
    asked = [dispatches.dispatch(guide, WANTED_KIND, SUBJECT, wanted) for guide in missing]
    tables.feed.append(connection, [Entry(WANTED_KIND, SUBJECT, b"", now, asked)])
    return len(missing)


def _note_again(connection: Connection, hall: Hall, key: Row[Any]) -> int:
    """Put the next cases that were not told under a new key where those wait that are to be told."""
    if not key.again_after:
        return 0
    ids = connection.scalars(
        select(_CASE.c.case_id)
        .where(
            _CASE.c.case_id > key.again_after,
            _CASE.c.case_no.startswith(f"{hall.address.division}-"),
        )
        .order_by(_CASE.c.case_id)
        .limit(TOLD_AT_ONCE_MAX)
    ).all()
    if ids:
        rows = [{"guide": key.guide, "case_id": case_id} for case_id in ids]
        connection.execute(insert(_UNTOLD), rows)
    last = ids[-1] if len(ids) == TOLD_AT_ONCE_MAX else ""
    connection.execute(update(_KEY).where(_KEY.c.guide == key.guide).values(again_after=last))
    return len(ids)


def _tell_some(
    connection: Connection, hall: Hall, keys: Mapping[Address, Row[Any]], now: datetime
) -> int:
    """Tell the cases that wait longest, each hall that compares in one message."""
    rows = connection.execute(
        select(_UNTOLD)
        .order_by(_UNTOLD.c.position)
        .limit(TOLD_AT_ONCE_MAX)
        # Two processes of one hall do not tell the same case.
        .with_for_update(skip_locked=True)
    ).all()
    if not rows:
        return 0
    positions = [row.position for row in rows]
    connection.execute(delete(_UNTOLD).where(_UNTOLD.c.position.in_(positions)))
    waiting: dict[Address, set[str]] = defaultdict(set)
    for row in rows:
        waiting[Address.parse(row.guide)].add(row.case_id)
    for guide in sorted(waiting.keys() & keys.keys()):
        found = [cases.find(connection, case_id) for case_id in sorted(waiting[guide])]
        told = [case for case in found if case and _is_for(connection, hall, guide, case, now)]
        _tell_one(connection, hall, keys[guide], told, now)
    return len(rows)


def _is_for(connection: Connection, hall: Hall, guide: Address, case: Case, now: datetime) -> bool:
    item = cases.item_of(connection, hall, case)
    recent = day_of(case.received_at) >= day_of(now) - REMEMBERED_FOR
    return recent and guide in alike.compared_at(hall, case, item)


def _tell_one(
    connection: Connection, hall: Hall, key: Row[Any], told: Sequence[Case], now: datetime
) -> None:
    words: dict[Address, list[wire.ToldMatter]] = defaultdict(list)
    for case in told:
        words[case.filed.intake_hall].append(_word(key.key, case))
    for filed_at, of_hall in words.items():
        if key.guide == str(hall.address):
            matching.enter(connection, hall, filed_at, of_hall, now)
        else:
            message = wire.MattersTold(key_id=key.key_id, matters=of_hall)
            _send(connection, key.guide, message, now)


def _word(key: bytes, case: Case) -> wire.ToldMatter:
    still = stands(case)
    return wire.ToldMatter(
        case_no=case.case_no,
        digest=digest(key, case) if still else b"",
        received_on=day_of(case.received_at).isoformat(),
        sequence=case.sequence,
        stands=still,
    )


def _send(connection: Connection, guide: str, message: wire.MattersTold, now: datetime) -> None:
    payload = message.SerializeToString()
    sent = dispatches.dispatch(Address.parse(guide), TOLD_KIND, SUBJECT, payload)
    tables.feed.append(connection, [Entry(TOLD_KIND, SUBJECT, b"", now, [sent])])


def _take_no_part(connection: Connection, hall: Hall, now: datetime) -> int:
    """The policy is that nothing is told: what was told is forgotten, here and where it was told."""
    keys = connection.execute(select(_KEY)).all()
    for key in keys:
        if key.key_id is not None and key.guide != str(hall.address):
            _send(connection, key.guide, wire.MattersTold(key_id=key.key_id, ends=True), now)
    if keys:
        matter_keys.forget_all(connection)
        matching.forget_all(connection)
        alike_notes.forget_all(connection)
        connection.execute(delete(_UNTOLD))
    return len(keys)

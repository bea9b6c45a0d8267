"""Comparing what halls below filed, by keyed digests: the same matter at two of them is told to both (0021).

The halls below have the key of this hall and never see each other's digests. What is kept is a digest of the
digest, a case number and a day; no name and no number of a person.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Row, delete, func, select, update

from hallnet.case.case import EVENTS_MAX, day_of
from hallnet.case.same_matter import DIGEST_BYTES, REMEMBERED_FOR, compares, is_number_of
from hallnet.codec import MessageMalformed, parse
from hallnet.intake import dispatches, tables
from hallnet.intake.alike import OTHERS_SHOWN_MAX
from hallnet.intake.context import Hall
from hallnet.intake.same_matter import alike_notes, matter_keys
from hallnet.places import Address
from hallnet.store import Connection
from hallnet.store.feed import Entry
from hallnet.store.upsert import upsert
from hallnet.wire.intake.v1 import matter_pb2 as wire

TOLD_KIND = "matter.told"
TOLD_AT_ONCE_MAX = 100
"""Cases of one message."""
MATCHES_A_DAY_MAX = 100
"""So many cases of a hall are found to look like those of others on a day. Who tells what nobody filed, to
learn whether somebody applied elsewhere, learns no more than this, and staff of this hall hear of it."""
TOLD_BY_HALL_MAX = 1_000_000
"""Cases remembered of one hall; what it tells beyond that is passed over."""
ANSWERED_AGAIN_MAX = 1_000
"""Cases of a hall, the newest, of which it is told once more when it did not get its answers."""
TOO_MANY = "matter.too_many"
_CLOCKS_APART = timedelta(days=1)
_TOLD = tables.matter_told
_MINE = _TOLD.alias("mine")


def take_told(
    connection: Connection, hall: Hall, sender: Address, payload: bytes, now: datetime
) -> None:
    """What a hall below tells. Under another key than the present one it is of no use: the hall is given
    that, and tells again."""
    if hall.releases.policy(connection).matters_untold:
        return
    if not compares(hall.address) or not hall.address.may_certify(sender):
        return
    try:
        read = parse(wire.MattersTold, payload)
    except MessageMalformed:
        return
    if read.ends:
        connection.execute(delete(_TOLD).where(_TOLD.c.hall == str(sender)))
        return
    key = matter_keys.key_of(connection, hall.address)
    if key is None or key.key_id != read.key_id:
        matter_keys.take_wanted(connection, hall, sender, b"", now)
        return
    enter(connection, hall, sender, read.matters[:TOLD_AT_ONCE_MAX], now)


def enter(
    connection: Connection,
    hall: Hall,
    teller: Address,
    told: Sequence[wire.ToldMatter],
    now: datetime,
) -> None:
    """Keep what a hall tells, and tell both halls of each two cases that look alike; what does not fit is
    passed over."""
    pairs: list[tuple[Row[Any], Row[Any]]] = []
    today, too_many = day_of(now), False
    left = MATCHES_A_DAY_MAX - _count(connection, teller, _TOLD.c.matched_on == today)
    if _count(connection, teller) >= TOLD_BY_HALL_MAX:
        return
    for one in told:
        if not _fits(teller, one, today):
            continue
        known = _row(connection, one.case_no)
        if known is not None and known.sequence >= one.sequence and not _is_told_again(known, one):
            continue
        if not one.stands:
            # Those that looked like it are told before it is forgotten what it was.
            _put(connection, teller, one, known)
            pairs += [(_need(connection, one.case_no), other) for other in _others(connection, one)]
            _blank(connection, one)
            continue
        _put(connection, teller, one, known, one.digest)
        others = _others(connection, one)
        is_new = bool(others) and (known is None or known.matched_on is None)
        if is_new and left <= 0:
            too_many = True
            continue
        if is_new:
            left -= 1
            _note_matched(connection, one, today)
        mine = _need(connection, one.case_no)
        pairs += [pair for other in others for pair in ((mine, other), (other, mine))]
    _answer(connection, hall, pairs, now)
    if too_many:
        tables.feed.append(connection, [Entry(TOO_MANY, str(teller), str(teller).encode(), now)])


def answer_again(connection: Connection, hall: Hall, to: Address, now: datetime) -> None:
    """A hall did not get its answers in their time: it is told of all its cases that look like others still.

    Of one that stands no longer nothing is left to compare: what was said of it is forgotten with its day.
    """
    mine = connection.execute(
        select(_TOLD)
        .where(_TOLD.c.hall == str(to), _TOLD.c.matter.is_not(None), _TOLD.c.stands)
        .order_by(_TOLD.c.received_on.desc(), _TOLD.c.case_no)
        .limit(ANSWERED_AGAIN_MAX)
    ).all()
    for begin in range(0, len(mine), TOLD_AT_ONCE_MAX):
        some = mine[begin : begin + TOLD_AT_ONCE_MAX]
        pairs = [(other, row) for row in some for other in _others(connection, row)]
        _answer(connection, hall, pairs, now)


def forget_old(connection: Connection, now: datetime) -> None:
    oldest = day_of(now) - REMEMBERED_FOR
    connection.execute(delete(_TOLD).where(_TOLD.c.received_on < oldest))


def forget_all(connection: Connection) -> None:
    """This hall compares nothing any more."""
    connection.execute(delete(_TOLD))


def _fits(teller: Address, one: wire.ToldMatter, today: date) -> bool:
    """Whether a hall can say so: of its own case, not long ago and not yet to come."""
    try:
        received_on = date.fromisoformat(one.received_on)
    except ValueError:
        return False
    return (
        is_number_of(teller, one.case_no)
        and today - REMEMBERED_FOR <= received_on <= today + _CLOCKS_APART
        and 1 <= one.sequence <= EVENTS_MAX
        and len(one.digest) == (DIGEST_BYTES if one.stands else 0)
    )


def _is_told_again(known: Row[Any], one: wire.ToldMatter) -> bool:
    """Under a new key."""
    return known.sequence == one.sequence and known.matter is None and one.stands


def _answer(
    connection: Connection, hall: Hall, pairs: Sequence[tuple[Row[Any], Row[Any]]], now: datetime
) -> None:
    """Say of each first case, to the hall of the second, that it looks like that one, or no longer stands."""
    answers: dict[str, list[wire.AlikeMatter]] = defaultdict(list)
    for case, other in pairs:
        answers[other.hall].append(
            wire.AlikeMatter(
                case_no=other.case_no,
                other_case_no=case.case_no,
                other_hall=case.hall,
                other_received_on=case.received_on.isoformat(),
                other_sequence=case.sequence,
                stands=case.stands,
            )
        )
    alike_notes.note(connection, hall, answers.pop(str(hall.address), []), now)
    sent = [
        dispatches.dispatch(
            Address.parse(to),
            alike_notes.ALIKE_KIND,
            matter_keys.SUBJECT,
            wire.MattersAlike(matters=found).SerializeToString(),
        )
        for to, found in sorted(answers.items())
    ]
    if sent:
        entry = Entry(alike_notes.ALIKE_KIND, matter_keys.SUBJECT, b"", now, sent)
        tables.feed.append(connection, [entry])


def _others(connection: Connection, one: wire.ToldMatter | Row[Any]) -> Sequence[Row[Any]]:
    """Cases of other halls of the same matter, the newest first."""
    query = (
        select(_TOLD)
        .join(_MINE, _TOLD.c.matter == _MINE.c.matter)
        .where(_MINE.c.case_no == one.case_no, _TOLD.c.hall != _MINE.c.hall)
        .order_by(_TOLD.c.received_on.desc(), _TOLD.c.case_no)
        .limit(OTHERS_SHOWN_MAX)
    )
    return connection.execute(query).all()


def _put(
    connection: Connection,
    teller: Address,
    one: wire.ToldMatter,
    known: Row[Any] | None,
    digest: bytes = b"",
) -> None:
    """Without a digest the one that is known stays."""
    values: dict[str, Any] = {
        "hall": str(teller),
        "received_on": date.fromisoformat(one.received_on),
        "sequence": one.sequence,
        "stands": one.stands,
    }
    if digest or known is None:
        values["matter"] = digest.hex()
    statement = upsert(connection, _TOLD).values(case_no=one.case_no, **values)
    connection.execute(statement.on_conflict_do_update(index_elements=["case_no"], set_=values))


def _blank(connection: Connection, one: wire.ToldMatter) -> None:
    connection.execute(update(_TOLD).where(_TOLD.c.case_no == one.case_no).values(matter=None))


def _note_matched(connection: Connection, one: wire.ToldMatter, today: date) -> None:
    connection.execute(update(_TOLD).where(_TOLD.c.case_no == one.case_no).values(matched_on=today))


def _count(connection: Connection, teller: Address, *of_these: ColumnElement[bool]) -> int:
    query = select(func.count()).where(_TOLD.c.hall == str(teller), *of_these)
    return int(connection.execute(query).scalar_one())


def _row(connection: Connection, case_no: str) -> Row[Any] | None:
    return connection.execute(select(_TOLD).where(_TOLD.c.case_no == case_no)).one_or_none()


def _need(connection: Connection, case_no: str) -> Row[Any]:
    row = _row(connection, case_no)
    assert row is not None
    return row

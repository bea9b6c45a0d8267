"""Cases of other halls that look like cases of this one, as a hall that guides both says (0021)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from sqlalchemy import delete, insert, select, update

from hallnet.case.case import day_of
from hallnet.case.same_matter import REMEMBERED_FOR, compares, is_number_of
from hallnet.codec import MessageMalformed, parse
from hallnet.intake import tables
from hallnet.intake.context import Hall
from hallnet.places import Address
from hallnet.problems import Problem
from hallnet.store import Connection
from hallnet.store.feed import Entry
from hallnet.wire.intake.v1 import matter_pb2 as wire

ALIKE_KIND = "matter.alike"
FOUND = "case.looks_alike"
"""What the feed tells staff."""
_NOTE, _CASE = tables.alike_elsewhere, tables.case


def take(
    connection: Connection, hall: Hall, sender: Address, payload: bytes, now: datetime
) -> None:
    """Only a hall above that compares is believed."""
    if sender not in hall.above or not compares(sender):
        return
    if hall.releases.policy(connection).matters_untold:
        return
    try:
        read = parse(wire.MattersAlike, payload)
    except MessageMalformed:
        return
    note(connection, hall, read.matters, now)


def note(
    connection: Connection, hall: Hall, found: Sequence[wire.AlikeMatter], now: datetime
) -> None:
    """Keep it for those who open the case, and tell staff once. What does not fit is passed over."""
    told = []
    for one in found:
        try:
            other = Address.parse(one.other_hall)
            name = hall.register.full_name(other.division)
            received_on = date.fromisoformat(one.other_received_on)
        except (Problem, ValueError):
            continue
        case_id = connection.execute(
            select(_CASE.c.case_id).where(_CASE.c.case_no == one.case_no)
        ).scalar_one_or_none()
        if case_id is None or not is_number_of(other, one.other_case_no):
            continue
        if _is_news(connection, one, received_on) and one.stands:
            text = f"{name}，{one.other_case_no}"
            told.append(Entry(FOUND, case_id, text.encode(), now))
    tables.feed.append(connection, told)


def forget_old(connection: Connection, now: datetime) -> None:
    oldest = day_of(now) - REMEMBERED_FOR
    connection.execute(delete(_NOTE).where(_NOTE.c.received_on < oldest))


def forget_all(connection: Connection) -> None:
    """This hall takes no part any more."""
    connection.execute(delete(_NOTE))


def _is_news(connection: Connection, one: wire.AlikeMatter, received_on: date) -> bool:
    """Whether nothing was known of the pair; what was said later counts, whichever came first."""
    pair = (_NOTE.c.case_no == one.case_no) & (_NOTE.c.other_case_no == one.other_case_no)
    known = connection.execute(select(_NOTE.c.sequence).where(pair)).scalar_one_or_none()
    values = {
        "other_hall": one.other_hall,
        "received_on": received_on,
        "sequence": one.other_sequence,
        "stands": one.stands,
    }
    if known is None:
        key = {"case_no": one.case_no, "other_case_no": one.other_case_no}
        connection.execute(insert(_NOTE).values(**key, **values))
    elif known < one.other_sequence:
        connection.execute(update(_NOTE).where(pair).values(**values))
    return known is None

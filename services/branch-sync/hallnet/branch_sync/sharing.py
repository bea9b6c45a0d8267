"""Which cases this hall shares with whom, and how far everybody has spoken: kept from the intake's feed.

Nothing is decided about a case here. Of each event it is noted who said it, and to which halls it makes
the case known; the sums of ranges that are compared with other halls are brought up to date with it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from enum import IntEnum

from sqlalchemy import and_, select

from hallnet.branch_sync import tables
from hallnet.case.event import EVENT, CaseEvent, Filed, HandedOver, digest
from hallnet.federation import comparison
from hallnet.federation.comparison import Mark
from hallnet.places import Address
from hallnet.store import Connection
from hallnet.store.upsert import upsert

_SILENT = Mark(0, b"")
_Change = tuple[str, int, int]
"""A hall, a side and a range."""


class Side(IntEnum):
    """Whose words are summed up."""

    OWN = 0
    """What this hall said about the cases that it shares with another."""
    THEIRS = 1
    """What this hall has of what the other said."""


def take_events(connection: Connection, here: Address, raws: Iterable[bytes]) -> None:
    """Note events as they became part of histories at this hall, own ones and those of others."""
    by_case: dict[str, list[tuple[CaseEvent, bytes]]] = defaultdict(list)
    for raw in raws:
        event = EVENT.from_bytes(raw)
        by_case[event.case_id].append((event, digest(raw)))
    changes: dict[_Change, int] = defaultdict(int)
    rows = []
    known = _parts(connection, list(by_case))
    for case_id, events in by_case.items():
        before = known.get(case_id, {})
        after = dict(before)
        for event, mark in events:
            for hall in _concerned(event):
                after.setdefault(hall, _SILENT)
            after[event.author] = Mark(event.sequence, mark)
        _add_changes(changes, here, case_id, before, after)
        rows += [
            {
                "case_id": case_id,
                "hall": str(hall),
                "range": comparison.range_of(case_id),
                "sequence": part.sequence,
                "digest": part.digest,
            }
            for hall, part in after.items()
            if before.get(hall) != part
        ]
    if rows:
        statement = upsert(connection, tables.case_part)
        connection.execute(
            statement.on_conflict_do_update(
                index_elements=["case_id", "hall"],
                set_={name: statement.excluded[name] for name in ("sequence", "digest")},
            ),
            rows,
        )
        _change_sums(connection, changes)


def sums(connection: Connection, hall: Address, side: Side) -> dict[int, int]:
    """Sums of the finest ranges that are not empty."""
    table = tables.shared_range
    rows = connection.execute(
        select(table.c.range, table.c.sum).where(table.c.hall == str(hall), table.c.side == side)
    )
    found = ((number, comparison.from_bytes(raw)) for number, raw in rows)
    return {number: value for number, value in found if value}


def marks(
    connection: Connection, here: Address, hall: Address, side: Side, ranges: Sequence[int]
) -> dict[str, Mark]:
    """How far the author of a side has spoken about each case of some ranges that the two share."""
    part = tables.case_part
    author = here if side is Side.OWN else hall
    query = select(part.c.case_id, part.c.sequence, part.c.digest).where(
        part.c.hall == str(author), part.c.range.in_(ranges), part.c.sequence > 0
    )
    if side is Side.OWN:
        other = part.alias()
        query = query.join(
            other, and_(other.c.case_id == part.c.case_id, other.c.hall == str(hall))
        )
    return {row.case_id: Mark(row.sequence, row.digest) for row in connection.execute(query)}


def last_own(connection: Connection, here: Address, case_ids: Sequence[str]) -> dict[str, int]:
    """Sequences of the last events that this hall itself said about cases, whoever else has to do with
    them."""
    table = tables.case_part
    query = select(table.c.case_id, table.c.sequence).where(
        table.c.hall == str(here), table.c.case_id.in_(case_ids)
    )
    return {row.case_id: row.sequence for row in connection.execute(query)}


def sharers(connection: Connection, here: Address) -> list[Address]:
    """All halls with which this one shares cases."""
    table = tables.shared_range
    found = connection.scalars(select(table.c.hall).distinct().order_by(table.c.hall))
    return [Address.parse(text) for text in found]


def _parts(connection: Connection, case_ids: Sequence[str]) -> dict[str, dict[Address, Mark]]:
    table = tables.case_part
    found: dict[str, dict[Address, Mark]] = defaultdict(dict)
    for row in connection.execute(select(table).where(table.c.case_id.in_(case_ids))):
        found[row.case_id][Address.parse(row.hall)] = Mark(row.sequence, row.digest)
    return found


def _concerned(event: CaseEvent) -> set[Address]:
    """The halls to which an event makes the case known: see `hallnet.case.case.Case.halls`."""
    halls = {event.author}
    if isinstance(event.fact, HandedOver):
        halls.add(event.fact.to)
    elif isinstance(event.fact, Filed):
        halls.add(event.fact.intake_hall)
    return halls | {Address(hall.division) for hall in halls if hall.is_branch_hall}


def _add_changes(
    changes: dict[_Change, int],
    here: Address,
    case_id: str,
    before: dict[Address, Mark],
    after: dict[Address, Mark],
) -> None:
    """By how much the sums of ranges differ when a case stands as `after` and not as `before`."""
    place = comparison.range_of(case_id)
    own_before = comparison.weight(case_id, before.get(here, _SILENT))
    own_after = comparison.weight(case_id, after.get(here, _SILENT))
    for hall, part in after.items():
        if hall == here:
            continue
        known = before.get(hall)
        counted = own_before if known is not None else 0
        changes[str(hall), Side.OWN, place] += own_after - counted
        theirs = comparison.weight(case_id, known or _SILENT)
        changes[str(hall), Side.THEIRS, place] += comparison.weight(case_id, part) - theirs


def _change_sums(connection: Connection, changes: dict[_Change, int]) -> None:
    table = tables.shared_range
    rows = []
    for (hall, side, place), difference in sorted(changes.items()):
        if not difference:
            continue
        this = (table.c.hall == hall) & (table.c.side == side) & (table.c.range == place)
        raw = connection.execute(select(table.c.sum).where(this)).scalar_one_or_none()
        total = comparison.from_bytes(raw) if raw is not None else 0
        value = comparison.to_bytes(comparison.changed(total, 0, difference))
        rows.append({"hall": hall, "side": int(side), "range": place, "sum": value})
    if rows:
        statement = upsert(connection, table)
        connection.execute(
            statement.on_conflict_do_update(
                index_elements=["hall", "side", "range"], set_={"sum": statement.excluded.sum}
            ),
            rows,
        )

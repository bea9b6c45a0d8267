"""Cases in their tables: history, projection, and what has to be told to the other halls concerned."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from itertools import pairwise
from types import SimpleNamespace
from typing import Any

from sqlalchemy import Row, bindparam, insert, select, update

from hallnet.case.case import Case, evolve, read_history
from hallnet.case.clock import Clock, case_clock
from hallnet.case.event import EVENT, CaseEvent, Fact, digest
from hallnet.case.item import ItemVersion
from hallnet.case.person import Actor
from hallnet.case.problems import CaseUnknown
from hallnet.case.rules.time import watch_on
from hallnet.case.sought import normal_document_number, normal_name, normal_phone
from hallnet.intake import alike, counting, credit, dispatches, memory, owners, queues, tables
from hallnet.intake.context import Hall
from hallnet.intake.identifiers import is_id
from hallnet.intake.window import refunds
from hallnet.node import telemetry
from hallnet.places import Address
from hallnet.store import Connection
from hallnet.store.feed import Entry
from hallnet.store.gathering import execute_later, execute_now, note_read, read_once
from hallnet.wire.case.v1 import case_event_pb2 as wire

LISTED_LAST = date(9999, 12, 31)
"""Where a case without a due date stands in a list."""

# Statements of every act, made once.
_case, _event = tables.case, tables.case_event
_ID_OF = select(_case.c.case_id).where(_case.c.case_no == bindparam("ref"))
_EVENTS_FROM = (
    select(_event.c.event)
    .where(_event.c.case_id == bindparam("of_case"), _event.c.sequence >= bindparam("first"))
    .order_by(_event.c.sequence)
)
_LAST_DIGESTS = select(_case.c.case_id, _case.c.last_digest).where(
    _case.c.case_id.in_(bindparam("of_cases", expanding=True))
)
_ROW_OF = select(_case).where(_case.c.case_id == bindparam("of_case"))
_INSERT = insert(_case)
_INSERT_EVENTS = insert(_event)
_UPDATE = update(_case).where(_case.c.case_id == bindparam("of_case"))


def load(connection: Connection, case_id: str) -> Case:
    """Raises CaseUnknown."""
    case = find(connection, case_id)
    if case is None:
        raise CaseUnknown("case_id")
    return case


def find(connection: Connection, case_id: str) -> Case | None:
    found = _history(connection, case_id)
    return found.case if found else None


def history(connection: Connection, case_id: str) -> list[bytes]:
    """Serialised events, the oldest first."""
    found = _history(connection, case_id)
    return list(found.raws) if found else []


def event_messages(connection: Connection, case: Case) -> Sequence[wire.CaseEvent]:
    """The events that a case is the fold of."""
    known = memory.history_of(case.case_id)
    if known is None or known.case.last_digest != case.last_digest:
        known = _history(connection, case.case_id)
    return known.messages if known else ()


def _history(connection: Connection, case_id: str) -> memory.History | None:
    """Only what is newer than what is remembered is read; if that does not fit on, all of it."""
    known = memory.history_of(case_id)
    if known is not None and read_once(("last digest", case_id), bytes) == known.case.last_digest:
        return known
    if known is not None:
        last, *newer = _events_from(connection, case_id, known.case.sequence) or [b""]
        if last == known.raws[-1]:
            return _folded(known, newer) if newer else known
    raws = _events_from(connection, case_id, 1)
    return _folded(None, raws) if raws else None


def look_up(connection: Connection, case_ids: Sequence[str]) -> None:
    """Find out for many cases of a shared transaction at once whether what is remembered is right."""
    usable = [case_id for case_id in case_ids if is_id(case_id)]
    for row in connection.execute(_LAST_DIGESTS, {"of_cases": usable}):
        _note_last_digest(row.case_id, row.last_digest)


def _note_last_digest(case_id: str, last_digest: bytes) -> None:
    note_read(("last digest", case_id), last_digest)


def _folded(before: memory.History | None, raws: Sequence[bytes]) -> memory.History:
    case = read_history(raws, before.case if before else None)
    assert case is not None
    return memory.remember(case, raws, before)


def _events_from(connection: Connection, case_id: str, sequence: int) -> list[bytes]:
    execute_now(connection, _INSERT_EVENTS)
    return list(connection.scalars(_EVENTS_FROM, {"of_case": case_id, "first": sequence}))


def id_of(connection: Connection, case_ref: str) -> str:
    """The id of a case by its id or number; raises CaseUnknown."""
    if is_id(case_ref):
        # Whether there is one shows as soon as it is loaded.
        return case_ref
    execute_now(connection, _INSERT)
    found: str | None = connection.execute(_ID_OF, {"ref": case_ref}).scalar_one_or_none()
    if found is None:
        raise CaseUnknown("case_ref")
    return found


def number_is_taken(connection: Connection, case_no: str) -> bool:
    table = tables.case
    query = select(table.c.case_id).where(table.c.case_no == case_no)
    return connection.execute(query).first() is not None


def append(
    connection: Connection,
    hall: Hall,
    case_id: str,
    case: Case | None,
    facts: Sequence[Fact],
    actor: Actor,
    now: datetime,
) -> Case:
    """Add this hall's own events, and tell the feed and every other hall concerned."""
    before = case
    raws: list[bytes] = []
    stages: list[Case] = []
    for fact in facts:
        event = CaseEvent(
            case_id=case_id,
            sequence=case.sequence + 1 if case else 1,
            previous=case.last_digest if case else b"",
            at=now,
            author=hall.address,
            actor=actor,
            fact=fact,
        )
        raw = EVENT.to_bytes(event)
        stages.append(case := evolve(case, event, digest(raw)))
        raws.append(raw)
    assert case is not None
    _insert(connection, hall.address, case, raws)
    _remember(before, case, raws)
    for earlier, later in pairwise((before, *stages)):
        assert later is not None
        counting.note(connection, hall, earlier, later)
    project(connection, hall, before, case)
    trace = telemetry.traceparent()
    entries = [Entry("case.event", case_id, raw, now, traceparent=trace) for raw in raws]
    told = dispatches.of_case(
        hall.address, before, case, raws, lambda: own_events(connection, hall.address, case_id)
    )
    last = entries[-1]
    entries[-1] = Entry(
        last.kind, last.subject, last.payload, last.recorded_at, told, last.traceparent
    )
    tables.feed.append(connection, entries)
    return case


def append_replica(
    connection: Connection,
    hall: Hall,
    before: Case | None,
    case: Case,
    raws: Sequence[bytes],
    author: Address,
    now: datetime,
) -> None:
    """Add events of another hall that were checked; if they bring in a hall that is new to the case,
    or hand the case over once more, tell that hall what this hall itself has said so far. Own events that
    came back after a loss were told to everybody before."""
    _insert(connection, author, case, raws)
    counting.note(connection, hall, before, case)
    project(connection, hall, before, case)
    known = before.halls() if before else frozenset()
    own = own_events(connection, hall.address, case.case_id)
    concerned = (case.halls() - known) | dispatches.handed_to(case, raws)
    told = [
        dispatches.of_events(case, other, own, ())
        for other in sorted(concerned - {hall.address, author})
        if own and before is not None and author != hall.address
    ]
    entries = [Entry("case.replica", case.case_id, raw, now) for raw in raws]
    last = entries[-1]
    entries[-1] = Entry(last.kind, last.subject, last.payload, last.recorded_at, told)
    tables.feed.append(connection, entries)


def sent_again(connection: Connection, hall: Hall, case: Case, now: datetime) -> Entry:
    """All own events once more to the hall to which the case is on its way; the entry for the feed."""
    assert case.transit is not None
    own = own_events(connection, hall.address, case.case_id)
    again = dispatches.of_events(case, case.transit.to, own, case.materials)
    return Entry("case.sent_again", case.case_id, b"", now, [again])


def told_again(
    connection: Connection, hall: Hall, case: Case, other: Address, now: datetime
) -> Entry:
    """All own events once more to a hall that has a gap; the entry for the feed."""
    own = own_events(connection, hall.address, case.case_id)
    again = dispatches.of_events(case, other, own, ())
    return Entry("case.sent_again", case.case_id, b"", now, [again])


def own_events(connection: Connection, here: Address, case_id: str) -> list[bytes]:
    """What this hall itself has said about a case."""
    execute_now(connection, _INSERT_EVENTS)
    table = tables.case_event
    query = (
        select(table.c.event)
        .where(table.c.case_id == case_id, table.c.author == str(here))
        .order_by(table.c.sequence)
    )
    return list(connection.scalars(query))


def project(connection: Connection, hall: Hall, before: Case | None, case: Case) -> Clock | None:
    """Bring the row of a case up to date with its events, its item and the calendar.

    `before` is the case as the row has it. Returns the clock by which the case is listed.
    """
    filed = case.filed
    item = hall.releases.item_of(connection, filed)
    local = hall.releases.local_rules(connection)
    running = memory.clocks_of(case, item, local.calendar, local.policy) if item is not None else []
    clock = case_clock(running)
    queue = queues.queue_of(case, hall.address)
    moves = {
        # The item may have come after the case.
        "item_name": item.name if item else filed.item_id,
        "handling_kind": item.handling_kind if item else 0,
        "stage": case.stage,
        "place": queue.place,
        "last_digest": case.last_digest,
        "listed_by": clock.due_on if clock else LISTED_LAST,
        "ended": case.ended,
        "custodian": "" if case.transit else str(case.custodian),
        "in_transit_to": str(case.transit.to) if case.transit else "",
        "changed_at": case.changed_at,
        "due_on": clock.due_on if clock and not clock.stands else None,
        "due_kind": clock.kind if clock else 0,
        "due_provisional": clock.count.provisional if clock else False,
        "met_on": clock.met_on if clock else None,
        "yellow_on": clock.yellow_on(local.calendar) if clock else None,
        "watch_on": watch_on(case, running, item),
        "owner": owners.listed_owner(case, hall),
    }
    if before is None:
        execute_later(connection, _INSERT, [{"case_id": case.case_id, **_stays(case), **moves}])
        queues.move(connection, None, queue)
        alike.note_filed(filed)
    else:
        execute_later(connection, _UPDATE, [{"of_case": case.case_id, **moves}])
        queues.move(connection, queues.queue_of(before, hall.address), queue)
    alike.note_change(connection, hall, before, case, item)
    # Whoever acted is shown the case: the row need not be read to be shown.
    shown = SimpleNamespace(
        case_id=case.case_id,
        case_no=case.case_no,
        applicant=filed.applicant.masked_name,
        received_at=case.received_at,
        **moves,
    )
    read_once(_row_key(case), lambda: shown)
    return clock


def row_of(connection: Connection, case: Case) -> Any:
    """What lists say of a case."""

    def read() -> Any:
        write_now(connection)
        return connection.execute(_ROW_OF, {"of_case": case.case_id}).one()

    return read_once(_row_key(case), read)


def write_now(connection: Connection) -> None:
    """Write the rows that this transaction has put off, so that they can be looked for."""
    execute_now(connection, _INSERT, _UPDATE)


def rows_of(connection: Connection, case_ids: Sequence[str]) -> dict[str, Row[Any]]:
    """What lists say of those of the cases that are here."""
    write_now(connection)
    table = tables.case
    query = select(table).where(table.c.case_id.in_(case_ids))
    return {row.case_id: row for row in connection.execute(query)}


def _row_key(case: Case) -> tuple[str, str, bytes]:
    return "row", case.case_id, case.last_digest


def _remember(before: Case | None, case: Case, raws: Sequence[bytes]) -> None:
    """The next act on the case, and the view of it, need not read what was just written."""
    known = memory.history_of(case.case_id)
    if before is None:
        memory.remember(case, raws, None)
    elif known is not None and known.case.last_digest == before.last_digest:
        memory.remember(case, raws, known)
    _note_last_digest(case.case_id, case.last_digest)


def _stays(case: Case) -> dict[str, object]:
    """What the row of a case says for ever: indexes over it are written once."""
    filed, applicant = case.filed, case.filed.applicant
    return {
        "case_no": case.case_no,
        "query_code": filed.query_code,
        "item_id": filed.item_id,
        "item_version": filed.item_version,
        "applicant": applicant.masked_name,
        "agent_id": filed.mandate.agent_id if filed.mandate else "",
        "received_at": case.received_at,
        "applicant_name": normal_name(applicant.name),
        "document_number": normal_document_number(applicant.document_number),
        "phone": normal_phone(applicant.phone),
        "matter": alike.matter_of(filed),
    }


def item_of(connection: Connection, hall: Hall, case: Case) -> ItemVersion | None:
    return hall.releases.item_of(connection, case.filed)


def _insert(connection: Connection, author: Address, case: Case, raws: Sequence[bytes]) -> None:
    """The newest events of a case."""
    marks = case.marks[-len(raws) :]
    credit.note(connection, case, marks)
    refunds.note(connection, case, marks)
    execute_later(
        connection,
        _INSERT_EVENTS,
        [
            {
                "case_id": case.case_id,
                "sequence": sequence,
                "event": raw,
                "author": str(author),
                "on_day": mark.day,
                "fact": counting.FACT_NUMBER[type(mark.fact)],
            }
            for sequence, raw, mark in zip(
                range(case.sequence - len(raws) + 1, case.sequence + 1), raws, marks, strict=True
            )
        ],
    )

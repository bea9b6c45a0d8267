"""Cases in their tables: history, projection, and what has to be told to the other halls concerned."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import insert, select

from hallnet.case.case import Case, evolve, read_history
from hallnet.case.clock import Clock, case_clock, clocks
from hallnet.case.event import EVENT, CaseEvent, Fact, HandedOver, digest
from hallnet.case.item import ItemVersion
from hallnet.case.person import Actor, Material
from hallnet.case.problems import CaseUnknown
from hallnet.case.rules.time import watch_on
from hallnet.intake import tables
from hallnet.intake.context import Hall
from hallnet.node import telemetry
from hallnet.places import Address
from hallnet.store import Connection
from hallnet.store.feed import Entry
from hallnet.store.upsert import upsert
from hallnet.trust.envelope import Urgency
from hallnet.wire.case.v1 import case_event_pb2 as wire
from hallnet.wire.exchange.v1 import attachment_pb2 as wire_attachment
from hallnet.wire.feed.v1 import feed_pb2 as wire_feed

EVENTS_KIND = "case.events"
REQUEST_KIND = "case.request"


def load(connection: Connection, case_id: str) -> Case:
    """Raises CaseUnknown."""
    case = find(connection, case_id)
    if case is None:
        raise CaseUnknown("case_id")
    return case


def find(connection: Connection, case_id: str) -> Case | None:
    return read_history(history(connection, case_id))


def history(connection: Connection, case_id: str) -> list[bytes]:
    """Serialised events, the oldest first."""
    table = tables.case_event
    query = select(table.c.event).where(table.c.case_id == case_id).order_by(table.c.sequence)
    return list(connection.scalars(query))


def id_of(connection: Connection, case_ref: str) -> str:
    """The id of a case by its id or number; raises CaseUnknown."""
    table = tables.case
    found: str | None = connection.execute(
        select(table.c.case_id).where((table.c.case_id == case_ref) | (table.c.case_no == case_ref))
    ).scalar_one_or_none()
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
        case = evolve(case, event, digest(raw))
        raws.append(raw)
    assert case is not None
    _insert(connection, hall.address, case_id, raws, case.sequence - len(raws) + 1)
    project(connection, hall, case)
    trace = telemetry.traceparent()
    entries = [Entry("case.event", case_id, raw, now, traceparent=trace) for raw in raws]
    dispatches = _dispatches(connection, hall, before, case, raws)
    last = entries[-1]
    entries[-1] = Entry(
        last.kind, last.subject, last.payload, last.recorded_at, dispatches, last.traceparent
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
    or hand the case over once more, tell that hall what this hall itself has said so far."""
    _insert(connection, author, case.case_id, raws, case.sequence - len(raws) + 1)
    project(connection, hall, case)
    known = before.halls() if before else frozenset()
    own = own_events(connection, hall.address, case.case_id)
    concerned = (case.halls() - known) | _handed_to(case, raws)
    dispatches = [
        _message(case, other, own, ())
        for other in sorted(concerned - {hall.address, author})
        if own and before is not None
    ]
    entries = [Entry("case.replica", case.case_id, raw, now) for raw in raws]
    last = entries[-1]
    entries[-1] = Entry(last.kind, last.subject, last.payload, last.recorded_at, dispatches)
    tables.feed.append(connection, entries)


def sent_again(connection: Connection, hall: Hall, case: Case, now: datetime) -> Entry:
    """All own events once more to the hall to which the case is on its way; the entry for the feed."""
    assert case.transit is not None
    own = own_events(connection, hall.address, case.case_id)
    again = _message(case, case.transit.to, own, case.materials)
    return Entry("case.sent_again", case.case_id, b"", now, [again])


def told_again(
    connection: Connection, hall: Hall, case: Case, other: Address, now: datetime
) -> Entry:
    """All own events once more to a hall that has a gap; the entry for the feed."""
    own = own_events(connection, hall.address, case.case_id)
    return Entry("case.sent_again", case.case_id, b"", now, [_message(case, other, own, ())])


def own_events(connection: Connection, here: Address, case_id: str) -> list[bytes]:
    """What this hall itself has said about a case."""
    table = tables.case_event
    query = (
        select(table.c.event)
        .where(table.c.case_id == case_id, table.c.author == str(here))
        .order_by(table.c.sequence)
    )
    return list(connection.scalars(query))


def project(connection: Connection, hall: Hall, case: Case) -> Clock | None:
    """Bring the row of a case up to date with its events, its item and the calendar.

    Returns the clock by which it is listed.
    """
    filed = case.filed
    item = hall.releases.item(connection, filed.item_id, filed.item_version)
    calendar = hall.releases.calendar(connection)
    policy = hall.releases.policy(connection)
    running = clocks(case, item, calendar, policy) if item is not None else []
    clock = case_clock(running)
    values = {
        "case_no": case.case_no,
        "query_code": filed.query_code,
        "item_id": filed.item_id,
        "item_version": filed.item_version,
        "item_name": item.name if item else filed.item_id,
        "handling_kind": item.handling_kind if item else 0,
        "applicant": filed.applicant.masked_name,
        "agent_id": filed.mandate.agent_id if filed.mandate else "",
        "stage": case.stage,
        "ended": case.ended,
        "custodian": "" if case.transit else str(case.custodian),
        "in_transit_to": str(case.transit.to) if case.transit else "",
        "received_at": case.received_at,
        "changed_at": case.changed_at,
        "due_on": clock.due_on if clock and not clock.stands else None,
        "due_kind": clock.kind if clock else 0,
        "due_provisional": clock.count.provisional if clock else False,
        "met_on": clock.met_on if clock else None,
        "yellow_on": clock.yellow_on(calendar) if clock else None,
        "watch_on": watch_on(case, running),
    }
    statement = upsert(connection, tables.case).values(case_id=case.case_id, **values)
    connection.execute(statement.on_conflict_do_update(index_elements=["case_id"], set_=values))
    return clock


def item_of(connection: Connection, hall: Hall, case: Case) -> ItemVersion | None:
    return hall.releases.item(connection, case.filed.item_id, case.filed.item_version)


def _insert(
    connection: Connection, author: Address, case_id: str, raws: Sequence[bytes], first: int
) -> None:
    connection.execute(
        insert(tables.case_event),
        [
            {"case_id": case_id, "sequence": sequence, "event": raw, "author": str(author)}
            for sequence, raw in enumerate(raws, first)
        ],
    )


def _dispatches(
    connection: Connection, hall: Hall, before: Case | None, case: Case, raws: Sequence[bytes]
) -> list[wire_feed.Dispatch]:
    """New events to the halls that know the case; all own events to those that are new to it, and to
    one that is handed the case: of a hand-over that failed before it may have received nothing.

    With no other hall concerned the events go into the own journal alone.
    """
    others = sorted(case.halls() - {hall.address})
    if not others:
        return [_message(case, hall.address, raws, ())]
    known = before.halls() if before else frozenset()
    own = own_events(connection, hall.address, case.case_id)
    handed_to = _handed_to(case, raws)
    return [
        _message(
            case,
            other,
            raws if other in known - handed_to else own,
            case.materials if other in handed_to and other != case.filed.intake_hall else (),
        )
        for other in others
    ]


def _handed_to(case: Case, raws: Sequence[bytes]) -> frozenset[Address]:
    """The halls to which the newest events hand the case over."""
    return frozenset(
        mark.fact.to for mark in case.marks[-len(raws) :] if isinstance(mark.fact, HandedOver)
    )


def _message(
    case: Case, recipient: Address, raws: Sequence[bytes], materials: Sequence[Material]
) -> wire_feed.Dispatch:
    return dispatch(
        recipient,
        EVENTS_KIND,
        case.case_id,
        wire.CaseEvents(case_id=case.case_id, events=raws).SerializeToString(),
        materials,
        str(case.sequence),
    )


def dispatch(
    recipient: Address,
    kind: str,
    case_id: str,
    payload: bytes,
    materials: Sequence[Material] = (),
    reference: str = "",
) -> wire_feed.Dispatch:
    """A message to another hall about a case. `reference` comes back when it has ended."""
    return wire_feed.Dispatch(
        recipient=str(recipient),
        kind=kind,
        subject=case_id,
        urgency=int(Urgency.ORDINARY),  # type: ignore[arg-type]
        payload=payload,
        attachments=[
            wire_attachment.Attachment(digest=material.digest, size=material.size)
            for material in materials
        ],
        reference=reference,
    )

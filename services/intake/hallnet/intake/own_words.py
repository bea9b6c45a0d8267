"""What this hall itself had said, after its records were lost and others gave it back.

The exchange has proved that it is what this hall signed. Its own events become part of the histories again
exactly as they were, behind those of others that they followed: nobody is told of them a second time, neither
other halls, which have them, nor the people.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime

from sqlalchemy import insert, select

from hallnet.case.case import Case
from hallnet.case.event import EVENT, CaseEvent, Filed
from hallnet.case.problems import EventOutOfTurn, HistoryBroken
from hallnet.codec import MessageMalformed, parse
from hallnet.intake import cases, dispatches, hall_state, numbering, replicas, tables
from hallnet.intake.context import Hall
from hallnet.intake.identifiers import is_id
from hallnet.problems import Problem
from hallnet.store import Connection
from hallnet.wire.case.v1 import case_event_pb2 as wire
from hallnet.wire.feed.v1 import feed_pb2 as wire_feed

FEED = "exchange-returned"
ANSWERED_AT_ONCE = 200
"""Cases that were handed to this hall and have no answer when its words are back."""


def take(
    connection: Connection, hall: Hall, entries: Sequence[wire_feed.FeedEntry], now: datetime
) -> None:
    """Deal with entries of the feed of words that came back."""
    for entry in entries:
        if entry.kind == "journal.recovered":
            _answer_all(connection, hall, now)
        elif entry.kind == "word.returned":
            message = wire_feed.InboundMessage.FromString(entry.payload)
            # What nobody can read had no effect anywhere when it was said, and must not hold up the others.
            with suppress(MessageMalformed):
                _take_word(connection, hall, message, now)


def _take_word(
    connection: Connection, hall: Hall, message: wire_feed.InboundMessage, now: datetime
) -> None:
    if message.kind == dispatches.EVENTS_KIND:
        _take_events(connection, hall, message.payload, now)
    elif message.kind == hall_state.STATE_KIND:
        hall_state.take_back(connection, message.payload)


def _take_events(connection: Connection, hall: Hall, payload: bytes, now: datetime) -> None:
    message = parse(wire.CaseEvents, payload)
    case_id = message.case_id
    if not is_id(case_id):
        return
    for raw in message.events:
        try:
            _keep(connection, hall, case_id, raw, now)
        except Problem as problem:
            # Somebody acted here meanwhile: two histories, and a person has to look at both.
            payload = wire.CaseEvents(case_id=case_id, events=[raw]).SerializeToString()
            replicas.set_aside(connection, case_id, hall.address, problem.reason, payload, now)
    case = replicas.apply_early(connection, hall, cases.find(connection, case_id), case_id, now)
    if hall.records.may_act.is_set() and _waits_here(hall, case):
        # It came late, and nobody tells once more that the case was handed to this hall.
        replicas.answer(connection, hall, cases.load(connection, case_id), now)


def _waits_here(hall: Hall, case: Case | None) -> bool:
    return case is not None and case.transit is not None and case.transit.to == hall.address


def _keep(connection: Connection, hall: Hall, case_id: str, raw: bytes, now: datetime) -> None:
    """Let an own event wait for its place; raises HistoryBroken if something else stands there."""
    event = EVENT.from_bytes(raw)
    if event.author != hall.address or event.case_id != case_id:
        raise EventOutOfTurn("event.author", author=event.author)
    case = cases.find(connection, case_id)
    known = replicas.known_at(connection, case, event)
    if known is not None and known != raw:
        raise HistoryBroken("event.sequence", sequence=event.sequence)
    if known is None:
        _note_number(connection, hall, event)
        connection.execute(
            insert(tables.early_event).values(
                case_id=case_id,
                sequence=event.sequence,
                author=str(hall.address),
                event=raw,
                came_at=now,
            )
        )


def _note_number(connection: Connection, hall: Hall, event: CaseEvent) -> None:
    if isinstance(event.fact, Filed):
        numbering.note_case_no(connection, hall.address, event.fact.case_no)


def _answer_all(connection: Connection, hall: Hall, now: datetime) -> None:
    """What was handed to this hall, and nobody knows of an answer: it is given now."""
    table = tables.case
    waiting = connection.scalars(
        select(table.c.case_id)
        .where(table.c.in_transit_to == str(hall.address), ~table.c.ended)
        .order_by(table.c.case_id)
        .limit(ANSWERED_AT_ONCE)
    ).all()
    for case_id in waiting:
        replicas.answer(connection, hall, cases.load(connection, case_id), now)

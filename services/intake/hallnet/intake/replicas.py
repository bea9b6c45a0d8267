"""What other halls say about cases: events of theirs, wishes of applicants, and what did not arrive.

A hall speaks only for itself: an event is taken only from its author. What comes before its turn waits;
what contradicts what is known is set aside for a person to look at.
"""

from __future__ import annotations

from datetime import datetime

from google.protobuf.message import DecodeError
from sqlalchemy import delete, insert, select

from hallnet.case.case import Case, evolve
from hallnet.case.decide import answer_hand_over
from hallnet.case.event import (
    EVENT,
    REQUEST,
    REQUEST_REFUSED,
    CaseRequestRefused,
    HandOverFailed,
    digest,
)
from hallnet.case.person import Actor, ActorKind
from hallnet.case.power import Power
from hallnet.case.problems import EventOutOfTurn, HistoryBroken
from hallnet.intake import cases, handling, tables
from hallnet.intake.accounts import Account
from hallnet.intake.context import Hall
from hallnet.places import Address
from hallnet.problems import Problem
from hallnet.store import Connection
from hallnet.store.feed import Entry
from hallnet.store.upsert import upsert
from hallnet.wire.case.v1 import case_event_pb2 as wire
from hallnet.wire.exchange.v1 import envelope_pb2 as wire_envelope
from hallnet.wire.feed.v1 import feed_pb2 as wire_feed

REFUSED_KIND = "case.request_refused"
SYSTEM = Actor(ActorKind.SYSTEM, "system", "系统")
EARLY_EVENTS_MAX = 500


def take_events(
    connection: Connection, hall: Hall, sender: Address, payload: bytes, now: datetime
) -> None:
    """Take events from their author, and answer a hand-over that is for this hall."""
    try:
        message = wire.CaseEvents.FromString(payload)
    except DecodeError:
        _set_aside(connection, "", sender, "MESSAGE_MALFORMED", payload, now)
        return
    case = cases.find(connection, message.case_id)
    try:
        for raw in message.events:
            _keep_early(connection, hall, case, sender, message.case_id, raw, now)
        case = _apply_early(connection, hall, case, message.case_id, now)
    except Problem as problem:
        _set_aside(connection, message.case_id, sender, problem.reason, payload, now)
        return
    if case is not None and case.transit is not None and case.transit.to == hall.address:
        _answer(connection, hall, case, now)


def take_request(
    connection: Connection, hall: Hall, sender: Address, payload: bytes, now: datetime
) -> None:
    """Do what an applicant asked for at the hall of intake, or say why not."""
    try:
        request = REQUEST.from_bytes(payload)
    except Problem as problem:
        _set_aside(connection, "", sender, problem.reason, payload, now)
        return
    account = Account(request.actor, frozenset({Power.VERIFY, Power.RECEIVE}), ())
    try:
        case = cases.load(connection, request.case_id)
        if case.filed.intake_hall != sender:
            raise EventOutOfTurn("sender", author=sender)
        handling.carry_out(connection, hall, account, case, handling.command_of(request.wish), now)
    except Problem as problem:
        refused = CaseRequestRefused(
            request.case_id, request.request_id, problem.reason, problem.in_chinese()
        )
        answer = cases.dispatch(
            sender, REFUSED_KIND, request.case_id, REQUEST_REFUSED.to_bytes(refused)
        )
        entry = Entry(
            "case.request_declined",
            request.case_id,
            REQUEST_REFUSED.to_bytes(refused),
            now,
            [answer],
        )
        tables.feed.append(connection, [entry])


def take_refusal(connection: Connection, case_id: str, payload: bytes, now: datetime) -> None:
    """The custodian did not do what was asked: staff are told."""
    tables.feed.append(connection, [Entry("case.request_refused", case_id, payload, now)])


def take_delivery_end(
    connection: Connection, hall: Hall, ended: wire_feed.DeliveryEnded, now: datetime
) -> None:
    """A message about a case ended. A refused hand-over comes back; all other bad ends are told."""
    if ended.verdict == wire_envelope.VERDICT_ACCEPTED:
        return
    case = cases.find(connection, ended.subject)
    if case is None:
        return
    if ended.kind == cases.EVENTS_KIND and _has_no_effect(ended) and _waits_for(case, hall, ended):
        facts = [HandOverFailed(ended.reason)]
        cases.append(connection, hall, case.case_id, case, facts, SYSTEM, now)
    tables.feed.append(
        connection,
        [Entry("case.undelivered", ended.subject, ended.SerializeToString(), now)],
    )


def _has_no_effect(ended: wire_feed.DeliveryEnded) -> bool:
    """Whether it is known that the recipient did nothing: what has no id was never sent."""
    verdicts = (wire_envelope.VERDICT_REFUSED, wire_envelope.VERDICT_HELD)
    return (
        ended.verdict in verdicts
        or ended.reason == "RECIPIENT_UNKNOWN"
        or not ended.envelope_id
    )


def _waits_for(case: Case, hall: Hall, ended: wire_feed.DeliveryEnded) -> bool:
    transit = case.transit
    return (
        transit is not None and transit.giver == hall.address and str(transit.to) == ended.recipient
    )


def _keep_early(
    connection: Connection,
    hall: Hall,
    case: Case | None,
    sender: Address,
    case_id: str,
    raw: bytes,
    now: datetime,
) -> None:
    """Note an event that is not known yet; raises EventOutOfTurn, HistoryBroken, MessageMalformed."""
    event = EVENT.from_bytes(raw)
    if event.author != sender or event.author == hall.address or event.case_id != case_id:
        raise EventOutOfTurn("event.author", author=event.author)
    if case is not None and event.sequence <= case.sequence:
        table = tables.case_event
        known = connection.execute(
            select(table.c.event).where(
                table.c.case_id == case_id, table.c.sequence == event.sequence
            )
        ).scalar_one()
        if known != raw:
            # The same place in the history, filled twice: evidence of a fork.
            raise HistoryBroken("event.sequence", sequence=event.sequence)
        return
    statement = upsert(connection, tables.early_event).values(
        case_id=case_id, sequence=event.sequence, event=raw, came_at=now
    )
    connection.execute(statement.on_conflict_do_nothing())


def _apply_early(
    connection: Connection, hall: Hall, case: Case | None, case_id: str, now: datetime
) -> Case | None:
    """Apply what follows on the history without a gap; the rest goes on waiting."""
    table = tables.early_event
    rows = connection.execute(
        select(table.c.sequence, table.c.event)
        .where(table.c.case_id == case_id)
        .order_by(table.c.sequence)
        .limit(EARLY_EVENTS_MAX)
    ).all()
    for row in rows:
        if row.sequence != (case.sequence if case else 0) + 1:
            break
        connection.execute(
            delete(table).where(table.c.case_id == case_id, table.c.sequence == row.sequence)
        )
        event = EVENT.from_bytes(row.event)
        before, case = case, evolve(case, event, digest(row.event))
        cases.append_replica(connection, hall, before, case, [row.event], event.author, now)
    return case


def _answer(connection: Connection, hall: Hall, case: Case, now: datetime) -> None:
    item = cases.item_of(connection, hall, case)
    fact = answer_hand_over(case, hall.address, item is not None)
    cases.append(connection, hall, case.case_id, case, [fact], SYSTEM, now)


def _set_aside(
    connection: Connection,
    case_id: str,
    sender: Address,
    reason: str,
    payload: bytes,
    now: datetime,
) -> None:
    connection.execute(
        insert(tables.set_aside).values(
            case_id=case_id, sender=str(sender), reason=reason, payload=payload, at=now
        )
    )
    tables.feed.append(connection, [Entry("case.set_aside", case_id, reason.encode(), now)])

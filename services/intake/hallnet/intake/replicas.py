"""What other halls say about cases: events of theirs, wishes of applicants, and what did not arrive.

A hall speaks only for itself: an event is taken only from its author. What comes before its turn waits;
what contradicts what is known is set aside for a person to look at.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from google.protobuf.message import DecodeError
from sqlalchemy import String, delete, insert, select

from hallnet.case.case import EVENTS_MAX, Case, evolve
from hallnet.case.event import (
    EVENT,
    REQUEST,
    REQUEST_REFUSED,
    Accepted,
    CaseEvent,
    CaseRequestRefused,
    Filed,
    HandOverFailed,
    digest,
)
from hallnet.case.person import SYSTEM
from hallnet.case.power import Power
from hallnet.case.problems import EventOutOfTurn, HistoryBroken
from hallnet.case.rules.custody import answer_hand_over
from hallnet.codec.codec import MessageMalformed
from hallnet.intake import cases, dispatches, hall_state, handling, joining, owners, tables
from hallnet.intake.accounts import Account
from hallnet.intake.context import Hall
from hallnet.intake.identifiers import is_id
from hallnet.places import Address
from hallnet.problems import Problem
from hallnet.store import ClosedText, Connection
from hallnet.store.feed import Entry
from hallnet.wire.case.v1 import case_event_pb2 as wire
from hallnet.wire.exchange.v1 import envelope_pb2 as wire_envelope
from hallnet.wire.feed.v1 import feed_pb2 as wire_feed

REFUSED_KIND = "case.request_refused"
VERSION_MAX = 2**31 - 1
LATEST_YEAR = 2999
"""No day of a case lies so far off; what does cannot be counted from."""


def take_events(
    connection: Connection, hall: Hall, sender: Address, payload: bytes, now: datetime
) -> None:
    """Take events from their author, and answer a hand-over that is for this hall."""
    try:
        message = wire.CaseEvents.FromString(payload)
    except DecodeError:
        set_aside(connection, "", sender, MessageMalformed.reason, payload, now)
        return
    case_id = message.case_id
    if not is_id(case_id):
        set_aside(connection, "", sender, MessageMalformed.reason, payload, now)
        return
    case = cases.find(connection, case_id)
    try:
        for raw in message.events:
            _keep_early(connection, hall, case, sender, case_id, raw, now)
    except Problem as problem:
        set_aside(connection, case_id, sender, problem.reason, payload, now)
    case = apply_early(connection, hall, case, case_id, now)
    if case is not None and case.transit is not None and case.transit.to == hall.address:
        case = answer(connection, hall, case, now)
    if case is not None:
        joining.leg_ended(connection, hall, case, now)


def take_request(
    connection: Connection, hall: Hall, sender: Address, payload: bytes, now: datetime
) -> None:
    """Do what an applicant asked for at the hall of intake, or say why not."""
    try:
        request = REQUEST.from_bytes(payload)
        _require_id(request.case_id)
    except Problem as problem:
        set_aside(connection, "", sender, problem.reason, payload, now)
        return
    account = Account(request.actor, frozenset({Power.VERIFY, Power.RECEIVE}), ())
    try:
        case = cases.load(connection, request.case_id)
        if case.home != sender:
            raise EventOutOfTurn("sender", author=sender)
        handling.carry_out(connection, hall, account, case, handling.command_of(request.wish), now)
    except Problem as problem:
        refused = CaseRequestRefused(
            request.case_id, request.request_id, problem.reason, problem.in_chinese()
        )
        answer = dispatches.dispatch(
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


def take_refusal(connection: Connection, sender: Address, payload: bytes, now: datetime) -> None:
    """The custodian did not do what was asked: staff are told, if the sender has to do with the case."""
    case_id = ""
    try:
        refused = REQUEST_REFUSED.from_bytes(payload)
        _require_id(refused.case_id)
        case_id = refused.case_id
        if sender not in cases.load(connection, case_id).halls():
            raise EventOutOfTurn("sender", author=sender)
    except Problem as problem:
        set_aside(connection, case_id, sender, problem.reason, payload, now)
        return
    tables.feed.append(connection, [Entry("case.request_refused", case_id, payload, now)])


def take_delivery_end(
    connection: Connection, hall: Hall, ended: wire_feed.DeliveryEnded, now: datetime
) -> None:
    """A message about a case ended badly: staff are told.

    A hand-over that was refused comes back. Of one that expired nobody knows whether it was taken, so it
    is sent again, for as long as it is not answered.
    """
    if ended.verdict == wire_envelope.VERDICT_ACCEPTED:
        return
    case = cases.find(connection, ended.subject)
    if case is None:
        return
    told = [Entry("case.undelivered", ended.subject, ended.SerializeToString(), now)]
    if ended.kind == dispatches.EVENTS_KIND and _waits_for(case, hall, ended):
        if _has_no_effect(ended):
            facts = [HandOverFailed(ended.reason)]
            cases.append(connection, hall, case.case_id, case, facts, SYSTEM, now)
        else:
            told.append(cases.sent_again(connection, hall, case, now))
    tables.feed.append(connection, told)


def complete(
    connection: Connection, hall: Hall, other: Address, case_ids: Iterable[str], now: datetime
) -> None:
    """Another hall has not all that this one said about cases: say it again, if they concern it."""
    entries = []
    for case_id in case_ids:
        case = cases.find(connection, case_id)
        if case is not None and other in case.halls():
            entries.append(cases.told_again(connection, hall, case, other, now))
    tables.feed.append(connection, entries)


def _has_no_effect(ended: wire_feed.DeliveryEnded) -> bool:
    """Whether it is known that the recipient did nothing: what has no id was never sent."""
    verdicts = (wire_envelope.VERDICT_REFUSED, wire_envelope.VERDICT_HELD)
    return ended.verdict in verdicts or ended.reason == "RECIPIENT_UNKNOWN" or not ended.envelope_id


def _waits_for(case: Case, hall: Hall, ended: wire_feed.DeliveryEnded) -> bool:
    """Whether it is the very hand-over that is not answered, and not an earlier message."""
    transit = case.transit
    return (
        transit is not None
        and transit.giver == hall.address
        and str(transit.to) == ended.recipient
        and ended.reference == str(case.sequence)
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
    """Note an event that is not known yet.

    Raises EventOutOfTurn, HistoryBroken for a fork or a place that no event has, MessageMalformed.
    """
    event = EVENT.from_bytes(raw)
    if event.author != sender or event.author == hall.address or event.case_id != case_id:
        raise EventOutOfTurn("event.author", author=event.author)
    _require_usable(event)
    known = known_at(connection, case, event)
    if known is None:
        connection.execute(
            insert(tables.early_event).values(
                case_id=case_id, sequence=event.sequence, author=str(sender), event=raw, came_at=now
            )
        )
    elif known != raw:
        # The same place in the history, filled twice: evidence of a fork.
        raise HistoryBroken("event.sequence", sequence=event.sequence)


def known_at(connection: Connection, case: Case | None, event: CaseEvent) -> bytes | None:
    """What stands at the place of an event, or waits for it in the name of the same author."""
    table = tables.case_event
    query = select(table.c.event).where(
        table.c.case_id == event.case_id, table.c.sequence == event.sequence
    )
    if case is None or event.sequence > case.sequence:
        table = tables.early_event
        query = select(table.c.event).where(
            table.c.case_id == event.case_id,
            table.c.sequence == event.sequence,
            table.c.author == str(event.author),
        )
    return connection.execute(query).scalar_one_or_none()


def _require_usable(event: CaseEvent) -> None:
    """Raises HistoryBroken or MessageMalformed for what no honest hall says and no table holds."""
    if not 1 <= event.sequence <= EVENTS_MAX:
        raise HistoryBroken("event.sequence", sequence=event.sequence)
    fact = event.fact
    days = [event.at.date()]
    if isinstance(fact, Accepted):
        days.append(fact.accepted_on)
    if any(day.year > LATEST_YEAR for day in days):
        raise MessageMalformed("event.at", message="CaseEvent", detail="at")
    if isinstance(fact, Filed):
        _require_fits(event.author, fact)


def _require_fits(author: Address, filed: Filed) -> None:
    """A case bears a number of the hall that received it, and what is listed of it fits the list."""
    listed = {
        "case_no": filed.case_no,
        "query_code": filed.query_code,
        "item_id": filed.item_id,
        "applicant": filed.applicant.masked_name,
        "agent_id": filed.mandate.agent_id if filed.mandate else "",
    }
    for name, text in listed.items():
        column = tables.case.c[name].type
        assert isinstance(column, String | ClosedText)
        if "\0" in text or (column.length is not None and len(text) > column.length):
            raise MessageMalformed(f"filed.{name}", message="Filed", detail=name)
    if filed.item_version > VERSION_MAX:
        raise MessageMalformed("filed.item_version", message="Filed", detail="item_version")
    if not filed.case_no.startswith(f"{author}-"):
        raise EventOutOfTurn("filed.case_no", author=author)


def _require_id(case_id: str) -> None:
    if not is_id(case_id):
        raise MessageMalformed("case_id", message="case_id", detail="case_id")


def apply_early(
    connection: Connection, hall: Hall, case: Case | None, case_id: str, now: datetime
) -> Case | None:
    """Apply what follows on the history without a gap; the rest goes on waiting."""
    table = tables.early_event
    while True:
        place = (table.c.case_id == case_id) & (
            table.c.sequence == (case.sequence if case else 0) + 1
        )
        waiting = connection.execute(select(table).where(place).order_by(table.c.author)).all()
        if not waiting:
            return case
        connection.execute(delete(table).where(place))
        before = case
        for row in waiting:
            # Several halls may claim a place. One that has no say there is set aside in its own name.
            try:
                case = _apply(connection, hall, case, row.event, now)
            except Problem as problem:
                payload = wire.CaseEvents(case_id=case_id, events=[row.event]).SerializeToString()
                sender = Address.parse(row.author)
                set_aside(connection, case_id, sender, problem.reason, payload, now)
        if case is before:
            return case


def _apply(
    connection: Connection, hall: Hall, before: Case | None, raw: bytes, now: datetime
) -> Case:
    """Raises as `evolve` does, and HistoryBroken for a number that another case bears."""
    event = EVENT.from_bytes(raw)
    case = evolve(before, event, digest(raw))
    if before is None and cases.number_is_taken(connection, case.case_no):
        raise HistoryBroken("filed.case_no", sequence=event.sequence)
    cases.append_replica(connection, hall, before, case, [raw], event.author, now)
    return case


def answer(connection: Connection, hall: Hall, case: Case, now: datetime) -> Case:
    """Take over what is handed to this hall, or say why not."""
    item = cases.item_of(connection, hall, case)
    owner = owners.of_arrival(connection, hall, case, case.filed.item_id, now)
    fact = answer_hand_over(
        case,
        hall.address,
        item is not None,
        owner,
        goes_on_for=hall_state.predecessors(connection, hall),
        takes_nothing=hall_state.takes_nothing(connection, hall),
    )
    return cases.append(connection, hall, case.case_id, case, [fact], SYSTEM, now)


def set_aside(
    connection: Connection,
    case_id: str,
    sender: Address,
    reason: str,
    payload: bytes,
    now: datetime,
) -> None:
    """Keep what cannot be believed for a person to look at."""
    connection.execute(
        insert(tables.set_aside).values(
            case_id=case_id, sender=str(sender), reason=reason, payload=payload, at=now
        )
    )
    tables.feed.append(connection, [Entry("case.set_aside", case_id, reason.encode(), now)])

"""Own envelopes: from a service's wish to have something carried, through the journal, to its verdict."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Row, and_, bindparam, delete, func, select, update

from hallnet.codec import MessageMalformed
from hallnet.exchange import attachment_wishes, tables
from hallnet.exchange.attachment_wishes import Ended
from hallnet.exchange.attachments import CHUNK_KIND
from hallnet.exchange.context import Context
from hallnet.exchange.queue.sealing import Sealing, Wish, holds_back
from hallnet.federation import delivery, limits
from hallnet.federation.backoff import RETRANSMISSION
from hallnet.federation.delivery import Happening, State
from hallnet.federation.problems import RecipientUnknown, TooLarge
from hallnet.places import Address, Divisions
from hallnet.store import Connection
from hallnet.store.feed import Entry
from hallnet.store.rows import RowsStatement, SoughtRows
from hallnet.trust import envelope as envelopes
from hallnet.trust.envelope import Urgency
from hallnet.trust.freshness import CARRIED_ALWAYS
from hallnet.trust.receipt import ReceiptBody, Verdict
from hallnet.wire.feed.v1 import feed_pb2 as wire_feed

DUE_ROWS_MAX = 500


class Told(NamedTuple):
    """A verdict on an own envelope, and its place in the issuer's journal."""

    body: ReceiptBody
    raw: bytes
    leaf_index: int
    path: bytes | None
    """None if it lies in a kept run."""
    checkpoint: bytes


class _Delivery(NamedTuple):
    """What is looked at when something became of an own envelope."""

    position: int
    envelope_id: bytes
    recipient: str
    kind: str
    subject: str
    state: int
    attempts: int
    header_digest: bytes | None
    traceparent: str
    reference: str


_OWN = tables.delivery.c
_OPEN_ONES = SoughtRows(
    select(*(_OWN[name] for name in _Delivery._fields)).where(
        _OWN.envelope_id.in_(bindparam("sought", expanding=True))
    )
)
_JUDGE = RowsStatement(update(tables.delivery).where(_OWN.position == bindparam("judged")))
_JUDGE_RUN = RowsStatement(
    update(tables.delivery)
    .where(_OWN.position.between(bindparam("first"), bindparam("last")))
    .values(receipt_leaf_index=_OWN.position - bindparam("ahead"))
)
"""Of envelopes whose verdicts stand in a kept run as they themselves stand among the deliveries."""


def wish_of(dispatch: wire_feed.Dispatch, traceparent: str, register: Divisions) -> Wish:
    """Raises AddressMalformed, RecipientUnknown, MessageMalformed or TooLarge."""
    if len(dispatch.payload) > limits.PAYLOAD_BYTES_MAX:
        raise TooLarge("dispatch.payload", what="payload", limit=limits.PAYLOAD_BYTES_MAX)
    recipient = Address.parse(dispatch.recipient, "dispatch.recipient")
    if not register.exists(recipient.division):
        raise RecipientUnknown("dispatch.recipient", recipient=recipient)
    envelopes.require_name(dispatch.kind, "dispatch.kind", "Dispatch")
    envelopes.require_name(dispatch.subject, "dispatch.subject", "Dispatch")
    envelopes.require_name(dispatch.reference, "dispatch.reference", "Dispatch")
    try:
        urgency = Urgency(dispatch.urgency)
    except ValueError as error:
        raise MessageMalformed(
            "dispatch.urgency", message="Dispatch", detail="dispatch.urgency"
        ) from error
    return Wish(
        recipient,
        dispatch.kind,
        dispatch.subject,
        urgency,
        dispatch.payload,
        traceparent,
        dispatch.reference,
    )


def send(
    connection: Connection, context: Context, wishes: Sequence[Wish], now: datetime
) -> list[Entry]:
    """Seal, journal and queue what is wished; what cannot be sealed yet waits for the certificate.

    Returns the entries for the feed: deliveries that ended at once, because nobody is there.
    """
    nowhere = Sealing(connection, context, now).send(wishes)
    return end(connection, nowhere, Happening.REFUSED, "RECIPIENT_UNKNOWN", now)


def seal_waiting(connection: Connection, context: Context, now: datetime) -> list[Entry]:
    """Try again to seal what waits for a certificate; called when new ones are believed."""
    table = tables.delivery
    unsealed = table.c.state == State.UNSEALED
    if holds_back(context, now):
        unsealed = and_(unsealed, table.c.kind.in_(CARRIED_ALWAYS))
    recipients = connection.scalars(select(table.c.recipient).where(unsealed).distinct()).all()
    asking = Sealing(connection, context, now)
    known = [text for text in recipients if asking.is_possible_to(Address.parse(text))]
    waiting = (
        select(table)
        .where(unsealed, table.c.recipient.in_(known))
        .order_by(table.c.position)
        .limit(DUE_ROWS_MAX)
    )
    entries: list[Entry] = []
    # What cannot be sealed yet is left out, so each round brings the rest nearer to its end.
    while known and (rows := connection.execute(waiting).all()):
        nowhere = Sealing(connection, context, now).send_kept(list(map(_kept, rows)))
        entries += end(connection, nowhere, Happening.REFUSED, "RECIPIENT_UNKNOWN", now)
    return entries


def _kept(row: Row[Any]) -> tuple[bytes, Wish]:
    return row.envelope_id, Wish(
        Address.parse(row.recipient),
        row.kind,
        row.subject,
        Urgency(row.urgency),
        row.payload,
        row.traceparent,
        row.reference,
    )


def kept_by_neighbour(
    connection: Connection, envelope_ids: Sequence[bytes], now: datetime, jitter: float
) -> None:
    """The first link carried them; from now on a verdict is awaited."""
    table = tables.delivery
    by_attempts: dict[int, list[bytes]] = defaultdict(list)
    ended: list[bytes] = []
    for row in _rows(connection, envelope_ids):
        if delivery.after(State(row.state), Happening.KEPT_BY_NEIGHBOUR) is State.UNDER_WAY:
            by_attempts[row.attempts + 1].append(row.envelope_id)
        else:
            ended.append(row.envelope_id)
    _leave(connection, ended)
    for attempts, ids in by_attempts.items():
        connection.execute(
            update(table)
            .where(table.c.envelope_id.in_(ids))
            .values(
                state=State.UNDER_WAY,
                queued=False,
                attempts=attempts,
                changed_at=now,
                retransmit_at=RETRANSMISSION.next_try(attempts, now, jitter),
            )
        )


def _leave(connection: Connection, envelope_ids: Sequence[bytes]) -> None:
    """They wait for a link no more."""
    if envelope_ids:
        table = tables.delivery
        connection.execute(
            update(table).where(table.c.envelope_id.in_(envelope_ids)).values(queued=False)
        )


def _enter(connection: Connection, envelope_ids: Sequence[bytes]) -> None:
    """They wait for their link again."""
    table = tables.delivery
    leads_on = table.c.neighbour.is_not(None)
    connection.execute(
        update(table).where(table.c.envelope_id.in_(envelope_ids), leads_on).values(queued=True)
    )


@dataclass(frozen=True, slots=True)
class Judged:
    """What verdicts changed: entries for the feed, and which own envelopes are done."""

    entries: list[Entry]
    done: frozenset[bytes]


def judged(
    connection: Connection,
    context: Context,
    verdicts: Sequence[Told],
    now: datetime,
) -> Judged:
    """Receipts for own envelopes came in. Those that do not fit their envelope have no effect."""
    rows = {
        row.envelope_id: row
        for row in _rows(connection, [told.body.envelope_id for told in verdicts])
    }
    entries: list[Entry] = []
    judgements: list[tuple[Told, _Delivery, dict[str, object]]] = []
    done: list[bytes] = []
    of_attachments: dict[bytes, Ended] = {}
    for told in verdicts:
        body = told.body
        row = rows.get(body.envelope_id)
        if row is None or not _fits(body, row, context):
            continue
        before = State(row.state)
        state = delivery.after(before, delivery.verdict(body.verdict))
        if state is before:
            continue
        judgement: dict[str, object] = {
            "state": state,
            "queued": False,
            "reason": body.reason,
            "changed_at": now,
            "attempts": row.attempts + (before is State.WAITING),
            "retransmit_at": None,
            "receipt_checkpoint": told.checkpoint,
        }
        judgements.append((told, row, judgement))
        done.append(body.envelope_id)
        # A verdict is final: the same receipt once more in this batch says nothing new.
        del rows[body.envelope_id]
        if row.kind == CHUNK_KIND:
            of_attachments[row.envelope_id] = Ended(row.reference, body.verdict, body.reason)
        else:
            entries.append(_ended(row, body.verdict, body.reason, now))
    _write_judgements(connection, judgements)
    _note_attachments(connection, of_attachments, now)
    return Judged(entries, frozenset(done))


def _write_judgements(
    connection: Connection, judgements: Sequence[tuple[Told, _Delivery, dict[str, object]]]
) -> None:
    """Those in a kept run, which are most, stretch by stretch: what is equal is written by one statement."""
    singles: list[dict[str, object]] = []
    stretches: list[dict[str, object]] = []
    before: dict[str, object] = {}
    last = 0
    for told, row, judgement in judgements:
        if told.path is not None:
            receipt = {
                "judged": row.position,
                "receipt": told.raw,
                "receipt_leaf_index": told.leaf_index,
                "receipt_path": told.path,
            }
            singles.append(judgement | receipt)
            continue
        judgement["ahead"] = row.position - told.leaf_index
        if stretches and row.position == last + 1 and judgement == before:
            stretches[-1]["last"] = row.position
        else:
            stretches.append(judgement | {"first": row.position, "last": row.position})
        before, last = judgement, row.position
    _JUDGE.execute(connection, singles)
    _JUDGE_RUN.execute(connection, stretches)


def end(
    connection: Connection,
    envelope_ids: Sequence[bytes],
    happening: Happening,
    reason: str,
    now: datetime,
) -> list[Entry]:
    """Envelopes that end without a receipt; returns the entries for the feed."""
    entries: list[Entry] = []
    of_attachments: list[Ended] = []
    table = tables.delivery
    _leave(connection, envelope_ids)
    for row in _rows(connection, envelope_ids):
        state = delivery.after(State(row.state), happening)
        if state is State(row.state):
            continue
        connection.execute(
            update(table)
            .where(table.c.envelope_id == row.envelope_id)
            .values(state=state, reason=reason, changed_at=now, retransmit_at=None)
        )
        if row.kind == CHUNK_KIND:
            of_attachments.append(Ended(row.reference, None, reason))
        else:
            entries.append(_ended(row, None, reason, now))
    attachment_wishes.note_ended(connection, of_attachments, now)
    return entries


def send_due_again(connection: Connection, now: datetime) -> tuple[int, list[Entry]]:
    """Send again what got no verdict in time, and end what is too old.

    Returns how many were queued again, and the entries for the feed.
    """
    table = tables.delivery
    expired = connection.execute(
        select(table.c.envelope_id, table.c.state)
        .where(table.c.state.in_(delivery.OPEN), table.c.expires_at <= now)
        .limit(DUE_ROWS_MAX)
    ).all()
    # What was never sealed never left: whoever wished it may rely on that.
    never_left = [row.envelope_id for row in expired if row.state == State.UNSEALED]
    others = [row.envelope_id for row in expired if row.state != State.UNSEALED]
    entries = end(connection, never_left, Happening.EXPIRED, "RECIPIENT_UNKNOWN", now)
    entries += end(connection, others, Happening.EXPIRED, "ENVELOPE_EXPIRED", now)
    # Once more, to hear what became of it: the recipient repeats its verdict, or refuses what is too old.
    _enter(connection, others)
    due = connection.scalars(
        select(table.c.envelope_id)
        .where(table.c.state == State.UNDER_WAY, table.c.retransmit_at <= now)
        .limit(DUE_ROWS_MAX)
    ).all()
    if due:
        connection.execute(
            update(table)
            .where(table.c.envelope_id.in_(due))
            .values(state=delivery.after(State.UNDER_WAY, Happening.SENT_AGAIN), changed_at=now)
        )
        _enter(connection, due)
    return len(due), entries


def _note_attachments(connection: Connection, ended: Mapping[bytes, Ended], now: datetime) -> None:
    """Chunks of materials were judged: nobody is told of each, and their bytes lie with the material."""
    if ended:
        table, sent = tables.delivery, tables.sent
        leaves = select(table.c.leaf_index).where(table.c.envelope_id.in_(ended))
        connection.execute(delete(sent).where(sent.c.leaf_index.in_(leaves)))
        attachment_wishes.note_ended(connection, list(ended.values()), now)


_COUNT_OPEN = select(func.count()).where(_OWN.state.in_(delivery.OPEN))


def undelivered(connection: Connection) -> int:
    """How many own envelopes have no verdict."""
    return connection.execute(_COUNT_OPEN).scalar_one()


def _rows(connection: Connection, envelope_ids: Sequence[bytes]) -> list[_Delivery]:
    return [_Delivery(*row) for row in _OPEN_ONES.all(connection, envelope_ids)]


def _fits(body: ReceiptBody, row: _Delivery, context: Context) -> bool:
    return (
        row.header_digest is not None
        and body.header_digest == row.header_digest
        and body.sender == context.here
        and delivery.may_judge(body, Address.parse(row.recipient), context.register)
    )


def _ended(row: _Delivery, verdict: Verdict | None, reason: str, now: datetime) -> Entry:
    ended = wire_feed.DeliveryEnded(
        envelope_id=row.envelope_id,
        recipient=row.recipient,
        kind=row.kind,
        subject=row.subject,
        verdict=int(verdict or 0),  # type: ignore[arg-type]
        reason=reason,
        reference=row.reference,
    )
    return Entry(
        "delivery.ended",
        row.subject,
        ended.SerializeToString(),
        now,
        traceparent=row.traceparent,
    )

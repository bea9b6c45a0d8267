"""Own envelopes: from a service's wish to have something carried, through the journal, to its verdict."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Row, and_, bindparam, func, select, update

from hallnet.codec import MessageMalformed
from hallnet.exchange import attachment_wishes, contents, parcels, tables
from hallnet.exchange.attachment_wishes import Ended
from hallnet.exchange.attachments import CHUNK_KIND
from hallnet.exchange.context import Context
from hallnet.exchange.journal_store import JournalWriter, checkpoint_digest, join_path
from hallnet.federation import delivery, limits
from hallnet.federation.backoff import RETRANSMISSION
from hallnet.federation.delivery import Happening, State
from hallnet.federation.problems import RecipientUnknown, TooLarge
from hallnet.places import Address, Divisions
from hallnet.places.routing import way_to
from hallnet.store import Connection
from hallnet.store.feed import Entry
from hallnet.store.upsert import upsert
from hallnet.trust import envelope as envelopes
from hallnet.trust.envelope import ContentKey, Letter, Sealed, Urgency
from hallnet.trust.freshness import CARRIED_ALWAYS, Freshness
from hallnet.trust.journal import EntryKind
from hallnet.trust.problems import NotAuthentic
from hallnet.trust.receipt import Receipt, ReceiptBody, Verdict
from hallnet.trust.suites import NONCE_BYTES, SALT_BYTES, algorithms
from hallnet.wire.exchange.v1 import envelope_pb2 as wire
from hallnet.wire.feed.v1 import feed_pb2 as wire_feed

DUE_ROWS_MAX = 500


@dataclass(frozen=True, slots=True)
class Wish:
    """What a service wants carried."""

    recipient: Address
    kind: str
    subject: str
    urgency: Urgency
    payload: bytes
    traceparent: str = ""
    reference: str = ""
    """What the service that wished it calls it."""


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
    return _Sealing(connection, context, now).run((context.random_bytes(16), w) for w in wishes)


def seal_waiting(connection: Connection, context: Context, now: datetime) -> list[Entry]:
    """Try again to seal what waits for a certificate; called when new ones are believed."""
    table = tables.delivery
    unsealed = table.c.state == State.UNSEALED
    if _holds_back(context, now):
        unsealed = and_(unsealed, table.c.kind.in_(CARRIED_ALWAYS))
    recipients = connection.scalars(select(table.c.recipient).where(unsealed).distinct()).all()
    asking = _Sealing(connection, context, now)
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
        entries += _Sealing(connection, context, now).run(
            (
                row.envelope_id,
                Wish(
                    Address.parse(row.recipient),
                    row.kind,
                    row.subject,
                    Urgency(row.urgency),
                    row.payload,
                    row.traceparent,
                    row.reference,
                ),
            )
            for row in rows
        )
    return entries


def _holds_back(context: Context, now: datetime) -> bool:
    """Past the hard expiry of its trust data a hall does not know to whom it may seal: all waits but
    what renews them."""
    return context.standing().freshness(now) is Freshness.EXPIRED


class _Sealing:
    """One transaction's worth of own envelopes: one checkpoint, one content key for each recipient."""

    def __init__(self, connection: Connection, context: Context, now: datetime) -> None:
        self._connection = connection
        self._context = context
        self._now = now
        self._keys: dict[Address, ContentKey | None] = {}
        self._held_back = _holds_back(context, now)
        self._rows: list[dict[str, object]] = []
        self._sealed: list[tuple[Letter, Sealed]] = []

    def run(self, wishes: Iterable[tuple[bytes, Wish]]) -> list[Entry]:
        journal: JournalWriter | None = None
        for envelope_id, wished in wishes:
            wish = self._forwarded(wished)
            held_back = self._held_back and wish.kind not in CARRIED_ALWAYS
            key = None if held_back else self._key(wish.recipient)
            if key is None:
                self._keep_unsealed(envelope_id, wish)
                continue
            journal = journal or JournalWriter(self._connection, self._context, self._now)
            self._seal(envelope_id, wish, key, journal)
        self._store()
        return self._enqueue(journal) if journal is not None else []

    def is_possible_to(self, recipient: Address) -> bool:
        """Whether a certificate of the recipient is at hand to which something can be sealed."""
        return self._key(self._now_at(recipient)) is not None

    def _forwarded(self, wish: Wish) -> Wish:
        recipient = self._now_at(wish.recipient)
        return wish if recipient == wish.recipient else replace(wish, recipient=recipient)

    def _now_at(self, recipient: Address) -> Address:
        """After a change of divisions a hall is reached under another address; its neighbours, with
        whom it settles what is open, reach it at the old one for as long as it stands."""
        context = self._context
        if recipient in (context.here, context.parent) or recipient in context.children:
            return recipient
        return context.trust.goes_on_as(recipient, self._now)

    def _key(self, recipient: Address) -> ContentKey | None:
        if recipient not in self._keys:
            try:
                certificate = self._context.trust.hall(recipient, self._now)
                certificate.require_understands(self._context.identity.certificate.body.suite)
                length = algorithms(certificate.body.suite).content_key_bytes
                fresh = self._context.random_bytes(length)
                self._keys[recipient] = envelopes.content_key(fresh, certificate)
            except (NotAuthentic, ValueError):
                # Not known, not valid now, of a suite that one of the two does not have, or with a
                # key that is none.
                self._keys[recipient] = None
        return self._keys[recipient]

    def _seal(
        self, envelope_id: bytes, wish: Wish, key: ContentKey, journal: JournalWriter
    ) -> None:
        letter = Letter(
            envelope_id,
            self._context.here,
            wish.recipient,
            wish.kind,
            wish.subject,
            wish.urgency,
            self._now,
            self._now + limits.LIFETIME,
            limits.HOPS_MAX,
            wish.traceparent,
            wish.payload,
        )
        salt = self._context.random_bytes(SALT_BYTES)
        sealed = envelopes.seal(letter, key, salt, self._context.random_bytes(NONCE_BYTES))
        leaf_index = journal.add(EntryKind.SENT, sealed.header)
        to_itself = wish.recipient == self._context.here
        self._sealed.append((letter, sealed))
        self._rows.append(
            self._row(envelope_id, wish, State.ACCEPTED if to_itself else State.WAITING)
            | {
                "payload": None,
                "header": sealed.header,
                "sealed_body": sealed.body,
                "leaf_index": leaf_index,
            }
        )

    def _keep_unsealed(self, envelope_id: bytes, wish: Wish) -> None:
        self._rows.append(
            self._row(envelope_id, wish, State.UNSEALED)
            | {"payload": wish.payload, "header": None, "sealed_body": None, "leaf_index": None}
        )

    def _row(self, envelope_id: bytes, wish: Wish, state: State) -> dict[str, object]:
        return {
            "envelope_id": envelope_id,
            "recipient": str(wish.recipient),
            "kind": wish.kind,
            "subject": wish.subject,
            "urgency": wish.urgency,
            "state": state,
            "reason": "",
            "traceparent": wish.traceparent,
            "reference": wish.reference,
            "wanted_at": self._now,
            "changed_at": self._now,
            "expires_at": self._now + limits.LIFETIME,
            "attempts": 0,
        }

    def _store(self) -> None:
        if self._rows:
            statement = upsert(self._connection, tables.delivery)
            changed = (
                "recipient",
                "state",
                "payload",
                "header",
                "sealed_body",
                "leaf_index",
                "changed_at",
                "expires_at",
            )
            self._connection.execute(
                statement.on_conflict_do_update(
                    index_elements=["envelope_id"],
                    set_={name: statement.excluded[name] for name in changed},
                ),
                self._rows,
            )
        keys = {key.sealed: key.plain for key in self._keys.values() if key is not None}
        contents.keep_keys(self._connection, keys if self._sealed else {})

    def _enqueue(self, journal: JournalWriter) -> list[Entry]:
        journal.sign()
        around = self._context.surroundings()
        queue: list[tuple[Address, Letter, Sealed]] = []
        nowhere: list[bytes] = []
        for letter, sealed in self._sealed:
            way = way_to(
                letter.recipient, around.here, around.parent, around.children, around.register
            )
            if way.neighbour is not None:
                queue.append((way.neighbour, letter, sealed))
            elif letter.recipient != around.here:
                nowhere.append(letter.envelope_id)
        parcels.enqueue_own(self._connection, queue, self._now)
        return end(self._connection, nowhere, Happening.REFUSED, "RECIPIENT_UNKNOWN", self._now)


def kept_by_neighbour(
    connection: Connection, envelope_ids: Sequence[bytes], now: datetime, jitter: float
) -> None:
    """The first link carried them; from now on a verdict is awaited."""
    table = tables.delivery
    by_attempts: dict[int, list[bytes]] = defaultdict(list)
    for row in _rows(connection, envelope_ids):
        if delivery.after(State(row.state), Happening.KEPT_BY_NEIGHBOUR) is State.UNDER_WAY:
            by_attempts[row.attempts + 1].append(row.envelope_id)
    for attempts, ids in by_attempts.items():
        connection.execute(
            update(table)
            .where(table.c.envelope_id.in_(ids))
            .values(
                state=State.UNDER_WAY,
                attempts=attempts,
                changed_at=now,
                retransmit_at=RETRANSMISSION.next_try(attempts, now, jitter),
            )
        )


@dataclass(frozen=True, slots=True)
class Judged:
    """What verdicts changed: entries for the feed, and which own envelopes are done."""

    entries: list[Entry]
    done: frozenset[bytes]


def judged(
    connection: Connection,
    context: Context,
    verdicts: Sequence[tuple[ReceiptBody, Receipt]],
    now: datetime,
) -> Judged:
    """Receipts for own envelopes came in. Those that do not fit their envelope have no effect."""
    table = tables.delivery
    rows = {
        row.envelope_id: row
        for row in _rows(connection, [body.envelope_id for body, _ in verdicts])
    }
    entries: list[Entry] = []
    judgements: list[dict[str, object]] = []
    done: list[bytes] = []
    of_attachments: dict[bytes, Ended] = {}
    for body, receipt in verdicts:
        row = rows.get(body.envelope_id)
        if row is None or not _fits(body, row, context):
            continue
        state = delivery.after(State(row.state), delivery.verdict(body.verdict))
        if state is State(row.state):
            continue
        judgements.append(
            {
                "judged": body.envelope_id,
                "state": state,
                "reason": body.reason,
                "changed_at": now,
                "attempts": row.attempts + (row.state == State.WAITING),
                "retransmit_at": None,
                "receipt": receipt.body,
                "receipt_leaf_index": receipt.proof.leaf_index,
                "receipt_path": join_path(receipt.proof.path),
                "receipt_checkpoint": checkpoint_digest(receipt.proof.checkpoint),
            }
        )
        done.append(body.envelope_id)
        # A verdict is final: the same receipt once more in this batch says nothing new.
        del rows[body.envelope_id]
        if row.kind == CHUNK_KIND:
            of_attachments[row.envelope_id] = Ended(row.reference, body.verdict, body.reason)
        else:
            entries.append(_ended(row, body.verdict, body.reason, now))
    if judgements:
        this = table.c.envelope_id == bindparam("judged")
        connection.execute(update(table).where(this), judgements)
        parcels.forget(connection, done)
        _note_attachments(connection, of_attachments)
    return Judged(entries, frozenset(done))


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
    attachment_wishes.note_ended(connection, of_attachments)
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
    parcels.send_again(connection, others, now)
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
        parcels.send_again(connection, due, now)
    return len(due), entries


def _note_attachments(connection: Connection, ended: Mapping[bytes, Ended]) -> None:
    """Chunks of materials were judged: nobody is told of each, and their bytes lie with the material."""
    if ended:
        table = tables.delivery
        connection.execute(
            update(table).where(table.c.envelope_id.in_(ended)).values(sealed_body=None)
        )
        attachment_wishes.note_ended(connection, list(ended.values()))


def undelivered(connection: Connection) -> int:
    """How many own envelopes have no verdict."""
    table = tables.delivery
    query = select(func.count()).where(table.c.state.in_(delivery.OPEN))
    return connection.execute(query).scalar_one()


def _rows(connection: Connection, envelope_ids: Sequence[bytes]) -> list[Row[Any]]:
    if not envelope_ids:
        return []
    table = tables.delivery
    columns = (
        "recipient",
        "kind",
        "subject",
        "state",
        "attempts",
        "header",
        "traceparent",
        "reference",
    )
    query = select(table.c.envelope_id, *(table.c[name] for name in columns)).where(
        table.c.envelope_id.in_(envelope_ids)
    )
    return list(connection.execute(query))


def _fits(body: ReceiptBody, row: Row[Any], context: Context) -> bool:
    if row.header is None:
        return False
    suite = algorithms(wire.Header.FromString(row.header).suite)
    return (
        body.header_digest == suite.digest(row.header)
        and body.sender == context.here
        and delivery.may_judge(body, Address.parse(row.recipient), context.register)
    )


def _ended(row: Row[Any], verdict: Verdict | None, reason: str, now: datetime) -> Entry:
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

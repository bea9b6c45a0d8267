"""Sealing own envelopes: into the journal, and onto the queue of the link that leads to their recipient."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import insert

from hallnet.exchange import contents, tables
from hallnet.exchange.attachments import CHUNK_KIND
from hallnet.exchange.context import Context
from hallnet.exchange.journal.journal_store import JournalWriter
from hallnet.exchange.queue import queues
from hallnet.exchange.queue.parcels import size_of
from hallnet.federation import limits
from hallnet.federation.delivery import State
from hallnet.places import Address
from hallnet.places.routing import way_to
from hallnet.store import Connection
from hallnet.store.rows import RowsStatement
from hallnet.store.upsert import Upsert
from hallnet.trust import envelope as envelopes
from hallnet.trust.envelope import ENVELOPE_ID_BYTES, ContentKey, Letter, Sealed, Urgency
from hallnet.trust.freshness import CARRIED_ALWAYS, Freshness
from hallnet.trust.journal import EntryKind
from hallnet.trust.problems import NotAuthentic
from hallnet.trust.suite import NONCE_BYTES, SALT_BYTES
from hallnet.trust.suites import algorithms
from hallnet.wire.exchange.v1 import attachment_pb2 as wire_attachment

_TIME_BYTES = 6
_ONCE_SEALED = (
    "recipient",
    "state",
    "payload",
    "leaf_index",
    "header_digest",
    "size",
    "neighbour",
    "turn",
    "queued",
    "changed_at",
    "expires_at",
)
_ADD_SENT = RowsStatement(insert(tables.sent))
_ADD_DELIVERIES = RowsStatement(insert(tables.delivery))
_SEAL_DELIVERIES = RowsStatement(
    Upsert(
        tables.delivery,
        lambda delivery: delivery.on_conflict_do_update(
            index_elements=["envelope_id"],
            set_={name: delivery.excluded[name] for name in _ONCE_SEALED},
        ),
    )
)


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
    attached: bytes = b""
    """What the payload names by its digest."""


def whole_payload(wish: Wish) -> bytes:
    """With what is attached in it, as it waits for a certificate."""
    if not wish.attached:
        return wish.payload
    chunk = wire_attachment.AttachmentChunk.FromString(wish.payload)
    chunk.data = wish.attached
    return chunk.SerializeToString()


def new_envelope_ids(context: Context, now: datetime, count: int) -> Iterator[bytes]:
    """Milliseconds and random bytes, so that those of one hour lie together in every index.

    The layout is that of a UUID of version 7 (RFC 9562, 5.7) without its version and variant.
    """
    time = int(now.timestamp() * 1000).to_bytes(_TIME_BYTES, "big")
    for drawn in draws(context, count, ENVELOPE_ID_BYTES - _TIME_BYTES):
        yield time + drawn


def draws(context: Context, count: int, length: int) -> Iterator[bytes]:
    """So many random values of a length, asked for at once."""
    drawn = context.random_bytes(count * length)
    return (drawn[at : at + length] for at in range(0, count * length, length))


def holds_back(context: Context, now: datetime) -> bool:
    """Past the hard expiry of its trust data a hall does not know to whom it may seal: all waits but
    what renews them."""
    return context.standing().freshness(now) is Freshness.EXPIRED


@dataclass(frozen=True, slots=True)
class _Goal:
    """A recipient as one transaction sees it."""

    name: str
    key: ContentKey
    neighbour: Address | None
    """Over whose link it is reached; none for this hall itself and for one that is nowhere."""


class Sealing:
    """One transaction's worth of own envelopes: one checkpoint, one content key for each recipient."""

    def __init__(self, connection: Connection, context: Context, now: datetime) -> None:
        self._connection = connection
        self._context = context
        self._now = now
        self._expires_at = now + limits.LIFETIME
        self._goals: dict[Address, _Goal | None] = {}
        self._reached: dict[Address, Address] = {}
        """Under which addresses recipients are reached now."""
        self._held_back = holds_back(context, now)
        self._unsealed: list[dict[str, Any]] = []
        self._sealed: list[dict[str, Any]] = []
        self._sent: list[dict[str, Any]] = []
        self._queued: list[tuple[dict[str, Any], tuple[Address, Urgency]]] = []
        self._nowhere: list[bytes] = []
        self._uses: Counter[bytes] = Counter()

    def send(self, wishes: Sequence[Wish]) -> list[bytes]:
        """Seal new ones; what cannot be sealed yet is kept. Returns those whose recipient is nowhere."""
        ids = new_envelope_ids(self._context, self._now, len(wishes))
        self._seal_all(list(zip(ids, wishes, strict=True)))
        # The columns of the two are not the same ones.
        for rows in (self._unsealed, self._sealed):
            _ADD_DELIVERIES.execute(self._connection, rows)
        return self._nowhere

    def send_kept(self, kept: Sequence[tuple[bytes, Wish]]) -> list[bytes]:
        """Seal what was kept; the rest stays as it is. Returns those whose recipient is nowhere."""
        self._seal_all(kept)
        _SEAL_DELIVERIES.execute(self._connection, self._sealed)
        return self._nowhere

    def is_possible_to(self, recipient: Address) -> bool:
        """Whether a certificate of the recipient is at hand to which something can be sealed."""
        return self._goal(self._now_at(recipient)) is not None

    def _seal_all(self, wishes: Sequence[tuple[bytes, Wish]]) -> None:
        journal: JournalWriter | None = None
        fresh = draws(self._context, len(wishes), SALT_BYTES + NONCE_BYTES)
        for (envelope_id, wished), drawn in zip(wishes, fresh, strict=True):
            wish = self._forwarded(wished)
            held_back = self._held_back and wish.kind not in CARRIED_ALWAYS
            goal = None if held_back else self._goal(wish.recipient)
            if goal is None:
                self._keep_unsealed(envelope_id, wish)
                continue
            journal = journal or JournalWriter(self._connection, self._context, self._now)
            self._seal(envelope_id, wish, goal, journal, drawn)
        if journal is None:
            return
        journal.sign()
        _ADD_SENT.execute(self._connection, self._sent)
        self._take_turns()
        keys = {goal.key.sealed: goal.key.plain for goal in self._goals.values() if goal}
        contents.keep_keys(self._connection, keys, self._uses)

    def _forwarded(self, wish: Wish) -> Wish:
        recipient = self._reached.get(wish.recipient)
        if recipient is None:
            recipient = self._reached[wish.recipient] = self._now_at(wish.recipient)
        return wish if recipient is wish.recipient else replace(wish, recipient=recipient)

    def _now_at(self, recipient: Address) -> Address:
        """After a change of divisions a hall is reached under another address; its neighbours and the hall
        that goes on, with whom it settles what is open, reach it at the old one for as long as it stands."""
        context = self._context
        if recipient in (context.here, context.parent) or recipient in context.children:
            return recipient
        found = context.trust.goes_on_as(recipient, self._now)
        return recipient if found == context.here and self._stands(recipient) else found

    def _stands(self, hall: Address) -> bool:
        try:
            self._context.trust.hall(hall, self._now)
        except NotAuthentic:
            return False
        return True

    def _goal(self, recipient: Address) -> _Goal | None:
        if recipient not in self._goals:
            try:
                certificate = self._context.trust.hall(recipient, self._now)
                certificate.require_understands(self._context.identity.certificate.body.suite)
                length = algorithms(certificate.body.suite).content_key_bytes
                fresh = self._context.random_bytes(length)
                key = envelopes.content_key(fresh, certificate)
            except (NotAuthentic, ValueError):
                # Not known, not valid now, of a suite that one of the two does not have, or with a
                # key that is none.
                self._goals[recipient] = None
            else:
                around = self._context.surroundings()
                way = way_to(
                    recipient, around.here, around.parent, around.children, around.register
                )
                self._goals[recipient] = _Goal(str(recipient), key, way.neighbour)
        return self._goals[recipient]

    def _seal(
        self, envelope_id: bytes, wish: Wish, goal: _Goal, journal: JournalWriter, drawn: bytes
    ) -> None:
        letter = Letter(
            envelope_id,
            self._context.here,
            wish.recipient,
            wish.kind,
            wish.subject,
            wish.urgency,
            self._now,
            self._expires_at,
            limits.HOPS_MAX,
            wish.traceparent,
            wish.payload,
            wish.attached,
        )
        sealed = envelopes.seal(letter, goal.key, drawn[:SALT_BYTES], drawn[SALT_BYTES:])
        leaf_index = journal.add(EntryKind.SENT, sealed.header)
        self._sent.append(
            {"leaf_index": leaf_index, "header": sealed.header, "sealed_body": sealed.body}
        )
        # Pieces of materials are not opened here any more.
        if wish.kind != CHUNK_KIND:
            self._uses[goal.key.sealed] += 1
        self._note_sealed(envelope_id, wish, goal, sealed, leaf_index)

    def _note_sealed(
        self, envelope_id: bytes, wish: Wish, goal: _Goal, sealed: Sealed, leaf_index: int
    ) -> None:
        to_itself = wish.recipient == self._context.here
        row = self._row(envelope_id, wish, State.ACCEPTED if to_itself else State.WAITING)
        row |= {
            "payload": None,
            "leaf_index": leaf_index,
            "header_digest": algorithms(goal.key.recipient.body.suite).digest(sealed.header),
            "size": size_of(sealed.header, sealed.body),
            "neighbour": None,
            "turn": None,
        }
        self._sealed.append(row)
        if goal.neighbour is not None:
            self._queued.append((row, (goal.neighbour, wish.urgency)))
        elif not to_itself:
            self._nowhere.append(envelope_id)

    def _take_turns(self) -> None:
        turns = queues.turns_of_own(self._connection, (queue for _, queue in self._queued))
        for (row, (neighbour, _)), turn in zip(self._queued, turns, strict=True):
            row |= {"neighbour": str(neighbour), "turn": turn, "queued": True}

    def _keep_unsealed(self, envelope_id: bytes, wish: Wish) -> None:
        row = self._row(envelope_id, wish, State.UNSEALED)
        self._unsealed.append(row | {"payload": whole_payload(wish)})

    def _row(self, envelope_id: bytes, wish: Wish, state: State) -> dict[str, Any]:
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
            "expires_at": self._expires_at,
            "attempts": 0,
            "queued": False,
        }

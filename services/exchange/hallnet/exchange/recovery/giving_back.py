"""Another hall lost its records: what it had said is given back to it, portion after portion.

It gets its own envelopes as they came, each with the proof that came with it, the key to its body and this
hall's receipt; of what was only passed on, header and proof; and its own receipts. So it learns from a neighbour
with which halls farther away it had to do, and asks them itself. What has to do with cases goes first, and a
portion goes when the one before has its verdict: nothing piles up. It is begun anew only when a portion was refused because the clock of this hall was ahead.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, Table, delete, func, insert, select, update

from hallnet.codec import parse
from hallnet.codec.moments import from_timestamp
from hallnet.exchange import attachment_losses, contents, tables
from hallnet.exchange.attachments import CHUNK_KIND
from hallnet.exchange.context import Context
from hallnet.exchange.journal import journal_store, keeping
from hallnet.exchange.queue import outgoing, parcels
from hallnet.exchange.queue.resending import MARGIN
from hallnet.exchange.queue.sealing import Wish
from hallnet.federation import delivery
from hallnet.federation.limits import PAYLOAD_BYTES_MAX
from hallnet.federation.problems import ClockAhead
from hallnet.federation.returning import WORDS_BYTES_MAX, WORDS_MAX
from hallnet.places import Address
from hallnet.store import Connection
from hallnet.store.feed import Entry
from hallnet.trust.envelope import Urgency
from hallnet.trust.evidence import COUNT_MAX, EvidenceWriter, Proof
from hallnet.trust.journal import EntriesMissing
from hallnet.trust.problems import ContentNotAsCommitted
from hallnet.trust.receipt import RECEIPT, Verdict
from hallnet.wire.exchange.v1 import envelope_pb2 as wire
from hallnet.wire.exchange.v1 import returning_pb2 as wire_returning

WANTED_KIND = "words.wanted"
RETURNED_KIND = "words.returned"
SUBJECT = "words"
CASES = "case."
"""How kinds begin that have to do with cases: they go first. Nothing else is known of them here."""
ROWS_AT_ONCE = 500
"""Rows that are looked at together."""
LOOKS_MAX = 20
"""As often for one portion of a table: what nobody asked for is gone through in many transactions."""
NUMBER_MAX = 2**31 - 1
LOSSES_MAX = 8
"""Of one hall that are answered at the same time, the newest."""
BODY_BYTES_MAX = PAYLOAD_BYTES_MAX - 64 * 1024
"""A longer body does not fit in a message beside its proof: it is given back without."""
SAID_AGAIN_AFTER = timedelta(minutes=1)
"""What was refused for a clock is said again after that."""
KEPT_FOR = parcels.RELAYED_KEPT_FOR
"""So long what comes late is given back as well."""

_GIVING = tables.giving_back


def take_wish(
    connection: Connection, hall: Address, message: wire_returning.WordsWanted, now: datetime
) -> None:
    """Note that a hall wants its words back, and send the materials that it had; the same loss is answered once."""
    if not message.start < message.end <= COUNT_MAX or message.before_number > NUMBER_MAX:
        return
    try:
        since = from_timestamp(message.since) - MARGIN
    except (ValueError, OverflowError):
        return
    of_hall = _GIVING.c.hall == str(hall)
    newest_first = (_GIVING.c.asked_at.desc(), _GIVING.c.end.desc())
    known = connection.execute(select(_GIVING).where(of_hall).order_by(*newest_first)).all()
    number = message.before_number
    if any(row.before_number == number and message.end <= row.end for row in known):
        return
    for row in known[LOSSES_MAX - 1 :]:
        connection.execute(delete(_GIVING).where(_this(row)))
    connection.execute(
        insert(_GIVING).values(
            hall=str(hall),
            before_number=number,
            start=message.start,
            end=message.end,
            asked_at=now,
            since=since,
            **_beginning(connection, since),
        )
    )
    attachment_losses.send_anew(connection, hall, since, now)


def _beginning(connection: Connection, since: datetime) -> dict[str, object]:
    """Where the tables are gone through from."""
    received = _before(connection, tables.reception, tables.reception.c.received_at, since)
    return {
        "passed_on": 0,
        "of_cases": received,
        "others": received,
        "receipts": _before(connection, tables.delivery, tables.delivery.c.wanted_at, since),
        "complete": False,
    }


def _this(asked: Row[Any]) -> Any:
    return (
        (_GIVING.c.hall == asked.hall)
        & (_GIVING.c.before_number == asked.before_number)
        & (_GIVING.c.end == asked.end)
    )


def read_wish(payload: bytes) -> wire_returning.WordsWanted:
    """Raises MessageMalformed."""
    return parse(wire_returning.WordsWanted, payload)


def give_some(connection: Connection, context: Context, now: datetime) -> tuple[int, list[Entry]]:
    """Queue the next portion for each hall that waits for one.

    Returns for how many halls something was done, and the entries for the feed.
    """
    connection.execute(delete(_GIVING).where(_GIVING.c.asked_at < now - KEPT_FOR))
    # One process of this exchange at a time.
    query = select(_GIVING).order_by(*_GIVING.primary_key).with_for_update()
    asked = connection.execute(query).all()
    halls = {row.hall for row in asked}
    busy = _busy(connection, halls) if asked else set()
    for hall, said_at in refused_for_clock(connection, RETURNED_KIND, halls - busy).items():
        if is_said_again(said_at, now):
            _begin_anew(connection, [row for row in asked if row.hall == hall])
            asked = connection.execute(query).all()
        else:
            busy.add(hall)
    wishes: list[Wish] = []
    moved = 0
    for row in asked:
        if row.hall in busy:
            continue
        portion, has_moved = _next_portion(connection, context, row)
        moved += has_moved
        if portion is not None:
            payload = portion.SerializeToString()
            wishes.append(
                Wish(Address.parse(row.hall), RETURNED_KIND, SUBJECT, Urgency.URGENT, payload)
            )
            busy.add(row.hall)
    return moved, outgoing.send(connection, context, wishes, now) if wishes else []


def _begin_anew(connection: Connection, asked: Sequence[Row[Any]]) -> None:
    """What a hall has of it already it passes over."""
    for row in asked:
        values = _beginning(connection, row.since)
        connection.execute(update(_GIVING).where(_this(row)).values(values))


def refused_for_clock(
    connection: Connection, kind: str, halls: Iterable[str]
) -> dict[str, datetime]:
    """The halls that refused the newest message of a kind because the clock of this one was ahead, and when it was sent:
    nothing was wrong with it, and it is sent again."""
    table = tables.delivery
    newest = (
        select(func.max(table.c.position))
        .where(
            table.c.subject == SUBJECT, table.c.kind == kind, table.c.recipient.in_(sorted(halls))
        )
        .group_by(table.c.recipient)
    )
    refused = select(table.c.recipient, table.c.wanted_at).where(
        table.c.position.in_(newest),
        table.c.state == delivery.State.REFUSED,
        table.c.reason == ClockAhead.reason,
    )
    return {row.recipient: row.wanted_at for row in connection.execute(refused)} if halls else {}


def is_said_again(said_at: datetime, now: datetime) -> bool:
    """Whether what was refused for a clock may be right by now. That clock may have gone back since."""
    return abs(now - said_at) >= SAID_AGAIN_AFTER


def is_asked(connection: Connection) -> bool:
    return connection.execute(select(_GIVING.c.hall).limit(1)).first() is not None


def _busy(connection: Connection, halls: set[str]) -> set[str]:
    """Halls that have not judged the portion before."""
    table = tables.delivery
    query = select(table.c.recipient).where(
        table.c.subject == SUBJECT,
        table.c.kind == RETURNED_KIND,
        table.c.state.in_(delivery.OPEN),
        table.c.recipient.in_(halls),
    )
    return set(connection.scalars(query))


@dataclass(slots=True)
class _Portion:
    """What goes in one message, as it is gathered."""

    context: Context
    hall: Address
    before_number: int
    end: int
    words: list[wire_returning.ReturnedWord] = field(default_factory=list)
    receipts: list[wire.Receipt] = field(default_factory=list)
    evidence: EvidenceWriter = field(default_factory=EvidenceWriter)
    size: int = 0

    @property
    def is_full(self) -> bool:
        return self.size >= WORDS_BYTES_MAX or len(self.words) + len(self.receipts) >= WORDS_MAX

    def fits(self, size: int) -> bool:
        return not self.size or self.size + size <= BODY_BYTES_MAX

    def is_wanted(self, proof: Proof) -> bool:
        """Whether it stands under a number of the hall's journal of which words are given back."""
        return not self.before_number or proof.checkpoint.checkpoint.number < self.before_number

    def prove(self, proof: Proof) -> Any:
        return self.evidence.add(proof, self.context.issuers_of(proof.checkpoint))

    def to_message(self, complete: bool) -> wire_returning.WordsReturned:
        return wire_returning.WordsReturned(
            end=self.end,
            words=self.words,
            receipts=self.receipts,
            evidence=self.evidence.to_message(),
            complete=complete,
            before_number=self.before_number,
        )


Give = Callable[[Connection, _Portion, Row[Any]], bool]
"""Puts a row into a portion; False if it has no room for it."""


def _next_portion(
    connection: Connection, context: Context, asked: Row[Any]
) -> tuple[wire_returning.WordsReturned | None, bool]:
    """What is to be given back next, if there is something, and whether anything was gone through."""
    portion = _Portion(context, Address.parse(asked.hall), asked.before_number, asked.end)
    places = range(asked.start, asked.end)
    moved: dict[str, int] = {}
    is_complete = asked.complete
    for name, table, rows_of, give in _SOURCES:
        after = getattr(asked, name)
        reached, at_end = _gather(
            connection, portion, table, rows_of, give, asked.hall, places, after
        )
        if reached != after:
            moved[name] = reached
        if not at_end:
            break
        if name == "of_cases":
            is_complete = True
    has_news = bool(portion.words or portion.receipts) or is_complete != asked.complete
    if is_complete != asked.complete:
        moved["complete"] = is_complete
    if moved:
        connection.execute(update(_GIVING).where(_this(asked)).values(**moved))
    return portion.to_message(is_complete) if has_news else None, bool(moved)


def _gather(
    connection: Connection,
    portion: _Portion,
    table: Table,
    rows_of: Callable[[str, range], Any],
    give: Give,
    hall: str,
    places: range,
    after: int,
) -> tuple[int, bool]:
    """Put rows of a table behind a position into a portion.

    Returns up to which position, and whether that is the end of the table.
    """
    for _ in range(LOOKS_MAX):
        if portion.is_full:
            break
        last = _position_after(connection, table, after)
        if last == after:
            return after, True
        wanted = rows_of(hall, places).where(table.c.position > after, table.c.position <= last)
        rows = connection.execute(wanted.order_by(table.c.position).limit(WORDS_MAX)).all()
        for row in rows:
            if portion.is_full or not give(connection, portion, row):
                return after, False
            after = row.position
        if len(rows) < WORDS_MAX:
            after = last
    return after, False


def _position_after(connection: Connection, table: Table, after: int) -> int:
    """Some rows farther on, so that a transaction does not go through all of a table."""
    some = (
        select(table.c.position)
        .where(table.c.position > after)
        .order_by(table.c.position)
        .limit(ROWS_AT_ONCE)
        .subquery()
    )
    return connection.execute(select(func.max(some.c.position))).scalar_one() or after


def _before(connection: Connection, table: Table, moment: Any, since: datetime) -> int:
    """A position before all rows that were written since a moment: they lie in the order of time."""
    low, high = connection.execute(
        select(
            func.coalesce(func.min(table.c.position), 0),
            func.coalesce(func.max(table.c.position), 0),
        )
    ).one()
    low = max(low - 1, 0)
    while low < high:
        middle = (low + high + 1) // 2
        found = connection.execute(
            select(moment).where(table.c.position >= middle).order_by(table.c.position).limit(1)
        ).scalar_one()
        if found < since:
            low = middle
        else:
            high = middle - 1
    return int(low)


def _received(hall: str, places: range, *conditions: Any) -> Any:
    table = tables.reception
    return select(table).where(
        table.c.sender == hall,
        table.c.leaf_index >= places.start,
        table.c.leaf_index < places.stop,
        table.c.kind.not_in((WANTED_KIND, RETURNED_KIND)),
        *conditions,
    )


def _of_cases(hall: str, places: range) -> Any:
    return _received(hall, places, tables.reception.c.kind.startswith(CASES))


def _others(hall: str, places: range) -> Any:
    return _received(hall, places, tables.reception.c.kind.not_like(f"{CASES}%"))


def _passed_on(hall: str, places: range) -> Any:
    """Envelopes of the hall, and receipts that it gave."""
    table = tables.parcel
    return select(table).where(
        table.c.sender == hall,
        table.c.leaf_index >= places.start,
        table.c.leaf_index < places.stop,
        table.c.kind.not_in((CHUNK_KIND, WANTED_KIND, RETURNED_KIND)),
    )


def _receipts(hall: str, places: range) -> Any:
    table = tables.delivery
    return select(
        table.c.position,
        table.c.receipt,
        table.c.receipt_leaf_index,
        table.c.receipt_path,
        table.c.receipt_checkpoint,
    ).where(
        table.c.recipient == hall,
        table.c.receipt_leaf_index >= places.start,
        table.c.receipt_leaf_index < places.stop,
    )


def _give_received(connection: Connection, portion: _Portion, row: Row[Any]) -> bool:
    """An envelope that the hall had sent to this one."""
    proof = keeping.kept_proof(connection, row.leaf_index, row.path, row.checkpoint)
    if not portion.is_wanted(proof):
        return True
    body, key = _opened(connection, row) if row.verdict == Verdict.ACCEPTED else (b"", b"")
    if not portion.fits(len(body)):
        return False
    word = wire_returning.ReturnedWord(
        header=row.header,
        proof=portion.prove(proof),
        sealed_body=body,
        content_key=key,
    )
    for own in _own_proofs(connection, portion.context, row.receipt_leaf_index):
        word.receipt.CopyFrom(wire.Receipt(body=row.receipt, proof=portion.prove(own)))
    portion.words.append(word)
    portion.size += len(row.header) + len(body)
    return True


def _own_proofs(connection: Connection, context: Context, leaf_index: int) -> Iterator[Proof]:
    """The proof of an own entry; none if this hall lost what it takes."""
    try:
        yield journal_store.proof_now(connection, context, leaf_index)
    except EntriesMissing:
        return


def _opened(connection: Connection, row: Row[Any]) -> tuple[bytes, bytes]:
    """The body and its key; empty if it was erased or is too long."""
    body: bytes | None = row.sealed_body
    if body is None or len(body) > BODY_BYTES_MAX:
        return b"", b""
    try:
        return body, contents.content_key_of(connection, body)
    except ContentNotAsCommitted:
        return b"", b""


def _give_passed_on(connection: Connection, portion: _Portion, row: Row[Any]) -> bool:
    kept = keeping.kept_proof(connection, row.leaf_index, row.path, row.checkpoint)
    if not portion.is_wanted(kept):
        return True
    proof = portion.prove(kept)
    if row.type == parcels.Type.RECEIPT:
        portion.receipts.append(wire.Receipt(body=row.head, proof=proof))
    else:
        portion.words.append(wire_returning.ReturnedWord(header=row.head, proof=proof))
    portion.size += len(row.head)
    return True


def _give_receipt(connection: Connection, portion: _Portion, row: Row[Any]) -> bool:
    """A receipt that the hall had given for an envelope of this one."""
    receipt = keeping.kept_receipt(connection, row)
    if RECEIPT.from_bytes(receipt.body).issuer != portion.hall:
        # A hall on the way had refused it.
        return True
    if not portion.is_wanted(receipt.proof):
        return True
    proof = portion.prove(receipt.proof)
    portion.receipts.append(wire.Receipt(body=receipt.body, proof=proof))
    portion.size += len(receipt.body)
    return True


_SOURCES: Sequence[tuple[str, Table, Callable[[str, range], Any], Give]] = (
    ("passed_on", tables.parcel, _passed_on, _give_passed_on),
    ("of_cases", tables.reception, _of_cases, _give_received),
    ("others", tables.reception, _others, _give_received),
    ("receipts", tables.delivery, _receipts, _give_receipt),
)
"""In the order in which they are given back."""

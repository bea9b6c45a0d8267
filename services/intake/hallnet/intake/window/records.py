"""Enquiries, ratings, complaints, fees and score sheets: values that a rule turns into the next one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from enum import IntEnum
from typing import Any, Generic, TypeVar

from sqlalchemy import bindparam, func, insert, select, update

from hallnet.case.case import day_of
from hallnet.case.fee import FeeAccount
from hallnet.codec import Codec
from hallnet.intake import tables
from hallnet.intake.window.codecs import (
    COMPLAINT,
    ENQUIRY,
    FEE_ACCOUNT,
    PAPER_REQUEST,
    PERSONAL_REQUEST,
    RATING,
    SCORING,
)
from hallnet.node.paging import Page
from hallnet.store import Connection
from hallnet.store.gathering import forget_read, note_read, read_once
from hallnet.window.complaint import Complaint, ComplaintState
from hallnet.window.enquiry import Enquiry, EnquiryState
from hallnet.window.paper_request import PaperRequest
from hallnet.window.personal_request import PersonalRequest, PersonalRequestState
from hallnet.window.problems import RecordUnknown
from hallnet.window.rating import Rating
from hallnet.wire.window.v1 import window_service_pb2 as wire

Value = TypeVar("Value")
SUBJECT_CHARACTERS_MAX = 64


class RecordKind(IntEnum):
    """The numbers are those of the wire."""

    ENQUIRY = 1
    RATING = 2
    COMPLAINT = 3
    FEE = 4
    SCORE = 5
    PERSONAL = 6
    PAPER_ASKED = 7
    PAPER_WANTED = 8


@dataclass(frozen=True, slots=True)
class Listed:
    """How a record stands in lists."""

    record_id: str
    subject: str
    owner: str
    made_on: date
    due_on: date | None


class Records(Generic[Value]):
    """The records of one kind."""

    def __init__(
        self, kind: RecordKind, codec: Codec[Value], listed: Callable[[Value], Listed]
    ) -> None:
        self._kind = kind
        self._codec = codec
        self._listed = listed
        table = tables.window_record
        self._find = select(table.c.body).where(
            table.c.kind == kind, table.c.record_id == bindparam("sought")
        )
        self._hold = self._find.with_for_update()
        self._find_all = select(table.c.record_id, table.c.body).where(
            table.c.kind == kind, table.c.record_id.in_(bindparam("sought", expanding=True))
        )

    def add(self, connection: Connection, value: Value) -> Value:
        """A record of the same number is not to be there."""
        listed = self._listed(value)
        connection.execute(
            insert(tables.window_record).values(
                kind=self._kind,
                record_id=listed.record_id,
                made_on=listed.made_on,
                **self._columns(value, listed),
            )
        )
        forget_read()
        return value

    def find(self, connection: Connection, record_id: str) -> Value | None:
        def read() -> bytes | None:
            return connection.execute(self._find, {"sought": record_id}).scalar_one_or_none()

        raw = read_once(self._key(record_id), read)
        return None if raw is None else self._codec.from_bytes(raw)

    def known(self, connection: Connection, record_id: str) -> Value:
        """Raises RecordUnknown."""
        value = self.find(connection, record_id)
        if value is None:
            raise RecordUnknown("record_id")
        return value

    def look_up(self, connection: Connection, record_ids: Sequence[str]) -> None:
        """Find many at once, for the acts of a shared transaction."""
        usable = [record_id for record_id in record_ids if "\0" not in record_id]
        rows = connection.execute(self._find_all, {"sought": usable})
        found = {row.record_id: row.body for row in rows}
        for record_id in usable:
            note_read(self._key(record_id), found.get(record_id))

    def change(
        self, connection: Connection, record_id: str, rule: Callable[[Value], Value]
    ) -> Value:
        """Apply a rule; raises RecordUnknown and what the rule raises."""
        raw = connection.execute(self._hold, {"sought": record_id}).scalar_one_or_none()
        if raw is None:
            raise RecordUnknown("record_id")
        value = rule(self._codec.from_bytes(raw))
        table = tables.window_record
        connection.execute(
            update(table)
            .where(table.c.kind == self._kind, table.c.record_id == record_id)
            .values(**self._columns(value, self._listed(value)))
        )
        forget_read()
        return value

    def about(self, connection: Connection, subject: str, limit: int) -> list[Value]:
        """Those about something, the newest first, as many as are looked at."""
        table = tables.window_record
        query = select(table.c.body).where(
            table.c.kind == self._kind, table.c.subject == subject[:SUBJECT_CHARACTERS_MAX]
        )
        bodies = connection.scalars(query.order_by(table.c.record_id.desc()).limit(limit))
        return [self._codec.from_bytes(body) for body in bodies]

    def waiting_about(self, connection: Connection, subject: str) -> int:
        """How many about something still wait for somebody."""
        table = tables.window_record
        query = select(func.count()).where(
            table.c.kind == self._kind,
            table.c.subject == subject[:SUBJECT_CHARACTERS_MAX],
            table.c.due_on.is_not(None),
        )
        return connection.execute(query).scalar_one()

    def made_between(self, connection: Connection, first: date, last: date) -> Iterator[Value]:
        table = tables.window_record
        query = select(table.c.body).where(
            table.c.kind == self._kind, table.c.made_on.between(first, last)
        )
        for raw in connection.execute(query).scalars():
            yield self._codec.from_bytes(raw)

    def _key(self, record_id: str) -> tuple[str, int, str]:
        return "window record", self._kind, record_id

    def _columns(self, value: Value, listed: Listed) -> dict[str, object]:
        return {
            "subject": listed.subject[:SUBJECT_CHARACTERS_MAX],
            "owner": listed.owner[:64],
            "due_on": listed.due_on,
            "body": self._codec.to_bytes(value),
        }


def _enquiry(one: Enquiry) -> Listed:
    open_ = one.state is EnquiryState.OPEN
    owner, made = one.owner, day_of(one.opened_at)
    return Listed(one.enquiry_id, "", owner, made, one.due_on if open_ else None)


def _rating(one: Rating) -> Listed:
    return Listed(one.rating_id, one.subject, "", day_of(one.rated_at), one.due_on)


def _complaint(one: Complaint) -> Listed:
    waits = one.state in (ComplaintState.OPEN, ComplaintState.ANSWERED)
    made = day_of(one.opened_at)
    return Listed(one.complaint_id, one.subject, one.owner, made, one.due_on if waits else None)


def _personal(one: PersonalRequest) -> Listed:
    """Whom it is about stands in nothing that lies open."""
    waits = one.state is PersonalRequestState.OPEN
    made = day_of(one.opened_at)
    return Listed(one.request_no, "", one.owner, made, one.due_on if waits else None)


def _paper_asked(one: PaperRequest) -> Listed:
    """Found by the case for which it was asked."""
    made = day_of(one.asked_at)
    return Listed(one.request_no, one.case_id, one.owner, made, one.due_on)


def _paper_wanted(one: PaperRequest) -> Listed:
    """Found by the hall that asks."""
    made = day_of(one.asked_at)
    return Listed(one.request_no, str(one.asker), one.owner, made, one.due_on)


def _fee(one: FeeAccount) -> Listed:
    """Listed by the instalment that is next, or by the day from which money is to go back."""
    due_on = one.ended_on if one.to_be_refunded else None
    if one.plan is not None and one.outstanding > 0:
        covered = 0
        for part in one.plan.instalments:
            covered += part.amount_fen
            if covered > one.paid:
                due_on = part.due_on
                break
    return Listed(one.case_id, one.case_id, "", date.min, due_on)


ENQUIRIES = Records(RecordKind.ENQUIRY, ENQUIRY, _enquiry)
RATINGS = Records(RecordKind.RATING, RATING, _rating)
COMPLAINTS = Records(RecordKind.COMPLAINT, COMPLAINT, _complaint)
FEES = Records(RecordKind.FEE, FEE_ACCOUNT, _fee)
PERSONAL = Records(RecordKind.PERSONAL, PERSONAL_REQUEST, _personal)
PAPERS_ASKED = Records(RecordKind.PAPER_ASKED, PAPER_REQUEST, _paper_asked)
PAPERS_WANTED = Records(RecordKind.PAPER_WANTED, PAPER_REQUEST, _paper_wanted)
SCORES = Records(
    RecordKind.SCORE, SCORING, lambda one: Listed(one.sheet.sheet_id, "", "", date.min, None)
)


def due(
    connection: Connection, kinds: Sequence[RecordKind], owner: str, page: Page
) -> Sequence[Any]:
    """What waits for somebody, the one due first at the top; one row more than the page if there is more."""
    table = tables.window_record
    columns = (table.c.kind, table.c.record_id, table.c.subject, table.c.owner, table.c.due_on)
    query = select(*columns).where(table.c.due_on.is_not(None))
    if kinds:
        query = query.where(table.c.kind.in_(kinds))
    if owner:
        query = query.where(table.c.owner == owner)
    order = (table.c.due_on, table.c.kind, table.c.record_id)
    return connection.execute(query.order_by(*order).offset(page.after).limit(page.size + 1)).all()


def listed(
    connection: Connection, kind: RecordKind, waiting: bool, owner: str, page: Page
) -> list[tuple[bytes, date | None]]:
    """Records with their due dates; one row more than the page if there is more.

    What waits for somebody, the one due first at the top; or all, the newest first.
    """
    table = tables.window_record
    query = select(table.c.body, table.c.due_on).where(table.c.kind == kind)
    if owner:
        query = query.where(table.c.owner == owner)
    if waiting:
        query = query.where(table.c.due_on.is_not(None))
        query = query.order_by(table.c.due_on, table.c.record_id)
    else:
        query = query.order_by(table.c.made_on.desc(), table.c.record_id.desc())
    rows = connection.execute(query.offset(page.after).limit(page.size + 1))
    return [(row.body, row.due_on) for row in rows]


def to_message(
    kind: RecordKind, body: bytes, due_on: date | None, today: date
) -> wire.WindowRecord:
    """A record as the wire has it."""
    found = wire.WindowRecord(overdue=due_on is not None and due_on < today)
    field = getattr(found, _FIELDS[kind])
    field.ParseFromString(body)
    field.SetInParent()
    return found


_FIELDS = {
    RecordKind.ENQUIRY: "enquiry",
    RecordKind.RATING: "rating",
    RecordKind.COMPLAINT: "complaint",
    RecordKind.FEE: "fee",
    RecordKind.SCORE: "scoring",
    RecordKind.PERSONAL: "personal",
    RecordKind.PAPER_ASKED: "paper_asked",
    RecordKind.PAPER_WANTED: "paper_wanted",
}

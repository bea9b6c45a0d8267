"""What this hall keeps about a person: gathered for a copy, and erased where the law lets it go."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import Row, select, update

from hallnet.case.case import Case
from hallnet.case.fact import Corrected
from hallnet.case.mandate import MANDATE
from hallnet.case.person import Person
from hallnet.case.problems import CaseUnknown
from hallnet.case.sought import normal_document_number, normal_name
from hallnet.case.stage import NAMES
from hallnet.intake import cases, tables
from hallnet.intake.context import Hall
from hallnet.intake.steps import hall_name, step_text
from hallnet.intake.window import booking, records
from hallnet.places import Divisions
from hallnet.store import Connection
from hallnet.window import enquiry as enquiries
from hallnet.window import slots
from hallnet.window.complaint import STATE_NAMES
from hallnet.window.paper_request import STATE_NAMES as PAPER_STATE_NAMES
from hallnet.window.personal_copy import (
    CopiedCase,
    CopiedCorrection,
    CopiedLook,
    CopiedMandate,
    CopiedMaterial,
    PersonalCopy,
    look_name,
)
from hallnet.window.personal_request import PersonalRequest
from hallnet.window.problems import AppointmentUnknown, NotErasable, RecordUnknown
from hallnet.window.rating import LEVEL_NAMES

CASES_MAX = 100
LOOKS_MAX = 50
"""Of one case, the newest."""
MANDATES_MAX = 100
ABOUT_MAX = 50
"""Complaints, and papers that other halls were asked for, of one case."""
_CASE, _MANDATE, _LOOK = tables.case, tables.mandate, tables.access_record


def cases_of(connection: Connection, person: Person) -> list[Case]:
    """Cases that this hall holds of who has this document, the newest first; one more than a copy holds."""
    number = normal_document_number(person.document_number)
    query = select(_CASE.c.case_id).where(_CASE.c.document_number == number)
    ids = connection.scalars(query.order_by(_CASE.c.case_id.desc()).limit(CASES_MAX + 1)).all()
    found = (cases.load(connection, case_id) for case_id in ids)
    return [case for case in found if _is_of(case, person)]


def copy(
    connection: Connection, hall: Hall, person: Person, found: Sequence[Case], now: datetime
) -> PersonalCopy:
    """What is kept of a person in cases, mandates, and around the windows of these cases."""
    permitted = _mandates_of(connection, person)
    return PersonalCopy(
        hall.address,
        now,
        person,
        tuple(_copied(connection, hall, case) for case in found[:CASES_MAX]),
        tuple(permitted[:MANDATES_MAX]),
        len(found) > CASES_MAX or len(permitted) > MANDATES_MAX,
    )


def require_case_of(connection: Connection, case_ref: str, person: Person) -> Case:
    """The case that a request is about; raises RecordUnknown if there is none of this person here."""
    try:
        case = cases.load(connection, cases.id_of(connection, case_ref))
    except CaseUnknown as problem:
        raise RecordUnknown("about") from problem
    if not _is_of(case, person):
        raise RecordUnknown("about")
    return case


def erase(connection: Connection, request: PersonalRequest, today: date) -> None:
    """What is asked to be erased: the name and telephone of an appointment that is over, or the words of an
    enquiry that was answered. A case stays: a law has it kept.

    Raises NotErasable; RecordUnknown for what is not here or another person's.
    """
    enquiry = records.ENQUIRIES.find(connection, request.about)
    if enquiry is not None:
        _require_same(enquiry.asked_by, request.person)
        records.ENQUIRIES.change(connection, request.about, enquiries.erased)
        return
    try:
        appointment = booking.find(connection, request.about)
    except AppointmentUnknown:
        case = require_case_of(connection, request.about, request.person)
        raise NotErasable("about", what=case.case_no, why="办件属于应当归档保存的材料") from None
    _require_same(appointment.visitor, request.person)
    _require_over(connection, appointment, today)
    connection.execute(
        update(tables.appointment)
        .where(tables.appointment.c.appointment_id == appointment.appointment_id)
        .values(visitor="", telephone="", holder="", standing=None)
    )


def _require_over(connection: Connection, appointment: Row[Any], today: date) -> None:
    state = slots.BookingState(appointment.state)
    waits = state in (slots.BookingState.BOOKED, slots.BookingState.WAITING)
    if waits and booking.day_of_slot(connection, appointment.slot_id) >= today:
        raise NotErasable("about", what="预约", why="预约尚未到期，请先取消")


def _require_same(name: str, person: Person) -> None:
    if not name or normal_name(name) != normal_name(person.name):
        raise RecordUnknown("about")


def _is_of(case: Case, person: Person) -> bool:
    applicant = case.filed.applicant
    return applicant.document_kind == person.document_kind and normal_document_number(
        applicant.document_number
    ) == normal_document_number(person.document_number)


def _copied(connection: Connection, hall: Hall, case: Case) -> CopiedCase:
    row = cases.row_of(connection, case)
    return CopiedCase(
        case.case_no,
        row.item_name,
        NAMES[case.stage],
        case.filed.applicant,
        tuple(step_text(mark, hall.register) for mark in case.marks),
        tuple(
            CopiedMaterial(
                one.name,
                one.size,
                one.submitted_at,
                one.taken_from,
                hall_name(one.supplied_by, hall.register) if one.supplied_by else "",
            )
            for one in case.materials
        ),
        tuple(hall_name(one, hall.register) for one in sorted(case.halls())),
        tuple(CopiedCorrection(it.field, it.before, it.after) for it in case.all_of(Corrected)),
        tuple(_around(connection, hall.register, case)),
        tuple(_looks(connection, case.case_id)),
    )


def _around(connection: Connection, register: Divisions, case: Case) -> Iterator[str]:
    rating = records.RATINGS.find(connection, case.case_id)
    if rating is not None:
        yield f"评价：{LEVEL_NAMES[rating.level]}，{rating.words or '没有留言'}"
    for asked in records.PAPERS_ASKED.about(connection, case.case_id, ABOUT_MAX):
        hall = hall_name(asked.asked, register)
        yield f"向{hall}调取材料：{asked.paper}（{PAPER_STATE_NAMES[asked.state]}）"
    for complaint in reversed(records.COMPLAINTS.about(connection, case.case_id, ABOUT_MAX)):
        said = f"投诉：{complaint.words}（{STATE_NAMES[complaint.state]}）"
        yield f"{said}，答复：{complaint.answer}" if complaint.answer else said
    fees = records.FEES.find(connection, case.case_id)
    if fees is not None:
        yield f"已缴费{fees.paid / 100:.2f}元"


def _looks(connection: Connection, case_id: str) -> Iterator[CopiedLook]:
    query = select(_LOOK).where(_LOOK.c.subject == case_id).order_by(_LOOK.c.position.desc())
    for row in connection.execute(query.limit(LOOKS_MAX)):
        yield CopiedLook(row.at, look_name(row.act), row.purpose, bool(row.refused))


def _mandates_of(connection: Connection, person: Person) -> Sequence[CopiedMandate]:
    number = normal_document_number(person.document_number)
    query = select(_MANDATE.c.mandate).where(_MANDATE.c.client_document == number)
    raws = connection.scalars(
        query.order_by(_MANDATE.c.valid_until.desc(), _MANDATE.c.mandate_id).limit(MANDATES_MAX + 1)
    )
    found = (MANDATE.from_bytes(raw) for raw in raws)
    return [
        CopiedMandate(one.mandate_id, one.agent_id, one.valid_until)
        for one in found
        if one.client.document_kind == person.document_kind
    ]

"""Complaints and hotline tickets (12345, 国办发〔2020〕53号; GB/T 36113): each kind has its own clock.

Limits differ from place to place and are given; those here are the usual ones. What belongs elsewhere is
sent back within one working day; a limit is extended once, with a reason; who answered does not close.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import IntEnum

from hallnet.case.calendar import Calendar
from hallnet.case.case import day_of
from hallnet.case.item import TimeLimit, TimeUnit
from hallnet.case.problems import NotYours, OwnerMissing
from hallnet.window.problems import StepNotPossible, WordsMissing


class ComplaintKind(IntEnum):
    """The numbers are those of the wire."""

    ENQUIRY = 1
    REQUEST = 2
    COMPLAINT = 3


class ComplaintState(IntEnum):
    """The numbers are those of the wire."""

    OPEN = 1
    ANSWERED = 2
    CLOSED = 3
    SENT_BACK = 4


STATE_NAMES = {
    ComplaintState.OPEN: "办理中",
    ComplaintState.ANSWERED: "已答复",
    ComplaintState.CLOSED: "已办结",
    ComplaintState.SENT_BACK: "已退回",
}
Limits = Mapping[ComplaintKind, TimeLimit]
USUAL_LIMITS: Limits = {
    ComplaintKind.ENQUIRY: TimeLimit(2, TimeUnit.WORKING_DAY, "咨询2个工作日"),
    ComplaintKind.REQUEST: TimeLimit(10, TimeUnit.WORKING_DAY, "求助、建议10个工作日"),
    ComplaintKind.COMPLAINT: TimeLimit(15, TimeUnit.WORKING_DAY, "投诉、举报15个工作日"),
}
EXTENSION = TimeLimit(5, TimeUnit.WORKING_DAY, "延长5个工作日，一次为限")
SEND_BACK_LIMIT = TimeLimit(1, TimeUnit.WORKING_DAY, "不属于本单位的1个工作日内退回")


@dataclass(frozen=True, slots=True)
class Complaint:
    """What somebody asks for or complains of."""

    complaint_id: str
    kind: ComplaintKind
    subject: str
    words: str
    against: str
    owner: str
    opened_at: datetime
    limit: TimeLimit
    due_on: date
    state: ComplaintState
    extended_for: str
    answer: str
    answered_by: str
    answered_at: datetime | None
    closed_by: str
    sent_back_to: str


def opened(
    complaint_id: str,
    kind: ComplaintKind,
    subject: str,
    words: str,
    against: str,
    owner: str,
    now: datetime,
    calendar: Calendar,
    limits: Limits = USUAL_LIMITS,
) -> Complaint:
    """Raises OwnerMissing, WordsMissing, NotYours if its owner is whom it is against."""
    if not owner:
        raise OwnerMissing("owner")
    if owner == against:
        raise NotYours("owner", detail="被投诉人不得办理本人的投诉")
    if not words.strip():
        raise WordsMissing("words", what="投诉内容")
    limit = limits[kind]
    return Complaint(
        complaint_id,
        kind,
        subject,
        words,
        against,
        owner,
        now,
        limit,
        calendar.count(day_of(now), limit).due_on,
        ComplaintState.OPEN,
        "",
        "",
        "",
        None,
        "",
        "",
    )


def extended(complaint: Complaint, reason: str, calendar: Calendar) -> Complaint:
    """Once, before the end, with a reason that is told."""
    _require(complaint, ComplaintState.OPEN, "延期")
    if not reason.strip():
        raise WordsMissing("reason", what="延期原因")
    if complaint.extended_for:
        raise StepNotPossible("complaint_id", state="已延期一次", act="再延期")
    due_on = calendar.count(complaint.due_on, EXTENSION).due_on
    return replace(complaint, extended_for=reason, due_on=due_on)


def sent_back(complaint: Complaint, to: str, now: datetime, calendar: Calendar) -> Complaint:
    """It belongs to another body, which is named; only at once."""
    _require(complaint, ComplaintState.OPEN, "退回")
    if not to.strip():
        raise WordsMissing("to", what="应承办的单位")
    if day_of(now) > calendar.count(day_of(complaint.opened_at), SEND_BACK_LIMIT).due_on:
        raise StepNotPossible("complaint_id", state="已过退回期限", act="退回")
    return replace(complaint, state=ComplaintState.SENT_BACK, sent_back_to=to)


def answered(complaint: Complaint, by: str, answer: str, now: datetime) -> Complaint:
    """By the owner, in words."""
    _require(complaint, ComplaintState.OPEN, "答复")
    if by != complaint.owner:
        raise NotYours("by", detail="承办人是他人")
    if not answer.strip():
        raise WordsMissing("answer", what="答复内容")
    return replace(
        complaint,
        state=ComplaintState.ANSWERED,
        answer=answer,
        answered_by=by,
        answered_at=now,
    )


def closed(complaint: Complaint, by: str) -> Complaint:
    """After the applicant was asked, by another than who answered or is complained of."""
    _require(complaint, ComplaintState.ANSWERED, "办结")
    if by in (complaint.answered_by, complaint.against):
        raise NotYours("by", detail="办结须由答复人和被投诉人以外的人办理")
    return replace(complaint, state=ComplaintState.CLOSED, closed_by=by)


def is_overdue(complaint: Complaint, today: date) -> bool:
    """Whether it was or is answered after its end."""
    at = complaint.answered_at
    if complaint.state is ComplaintState.SENT_BACK:
        return False
    return (day_of(at) if at else today) > complaint.due_on


def _require(complaint: Complaint, state: ComplaintState, act: str) -> None:
    if complaint.state is not state:
        raise StepNotPossible("complaint_id", state=STATE_NAMES[complaint.state], act=act)

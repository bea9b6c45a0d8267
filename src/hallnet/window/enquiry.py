"""Enquiries: who is asked first owns the question until somebody else has taken it (首问负责).

The rule of owning is that of cases (`hallnet.case.ownership`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import IntEnum

from hallnet.case import ownership
from hallnet.case.calendar import Calendar
from hallnet.case.case import day_of
from hallnet.case.item import TimeLimit, TimeUnit
from hallnet.case.ownership import Ownership
from hallnet.case.problems import NotYours, OwnerMissing
from hallnet.window.problems import NotErasable, StepNotPossible, WordsMissing

ERASED = "（已按本人请求删除）"
REPLY_LIMIT = TimeLimit(2, TimeUnit.WORKING_DAY, "咨询类2个工作日内答复")


class EnquiryState(IntEnum):
    """The numbers are those of the wire."""

    OPEN = 1
    ANSWERED = 2


@dataclass(frozen=True, slots=True)
class Enquiry:
    """A question, whose it is, whom it is offered to, and whose it was before."""

    enquiry_id: str
    question: str
    asked_by: str
    opened_at: datetime
    owner: str
    offered_to: str
    owners_before: tuple[str, ...]
    answer: str
    answered_at: datetime | None
    state: EnquiryState
    due_on: date


def opened(
    enquiry_id: str,
    question: str,
    asked_by: str,
    owner: str,
    now: datetime,
    calendar: Calendar,
    limit: TimeLimit = REPLY_LIMIT,
) -> Enquiry:
    """Raises OwnerMissing or WordsMissing."""
    if not owner:
        raise OwnerMissing("owner")
    if not question.strip():
        raise WordsMissing("question", what="咨询内容")
    due_on = calendar.count(day_of(now), limit).due_on
    return Enquiry(
        enquiry_id, question, asked_by, now, owner, "", (), "", None, EnquiryState.OPEN, due_on
    )


def offered(enquiry: Enquiry, by: str, to: str) -> Enquiry:
    """The owner asks another to take it, and stays the owner meanwhile."""
    _require_open(enquiry, "转交")
    return _owned(enquiry, ownership.offered(_ownership(enquiry), by, to))


def accepted(enquiry: Enquiry, by: str) -> Enquiry:
    """Who was asked takes it, and owns it from now on."""
    _require_open(enquiry, "接手")
    return _owned(enquiry, ownership.taken(_ownership(enquiry), by))


def declined(enquiry: Enquiry, by: str) -> Enquiry:
    """Who was asked does not take it: it stays where it is."""
    _require_open(enquiry, "退回")
    return _owned(enquiry, ownership.declined(_ownership(enquiry), by))


def answered(enquiry: Enquiry, by: str, answer: str, now: datetime) -> Enquiry:
    """The owner answers."""
    _require_open(enquiry, "答复")
    _require_owner(enquiry, by)
    if not answer.strip():
        raise WordsMissing("answer", what="答复内容")
    return replace(
        enquiry, answer=answer, answered_at=now, offered_to="", state=EnquiryState.ANSWERED
    )


def erased(enquiry: Enquiry) -> Enquiry:
    """At the wish of who asked: that somebody asked and was answered stays, not who and what.

    个人信息保护法 article 47; only what was answered, for until then it is needed.
    """
    if enquiry.state is not EnquiryState.ANSWERED:
        raise NotErasable("about", what="咨询", why="咨询尚未答复")
    return replace(enquiry, question=ERASED, asked_by="", answer=ERASED)


def _require_open(enquiry: Enquiry, act: str) -> None:
    if enquiry.state is not EnquiryState.OPEN:
        raise StepNotPossible("enquiry_id", state="已答复", act=act)


def _require_owner(enquiry: Enquiry, by: str) -> None:
    if by != enquiry.owner:
        raise NotYours("by", detail="负责人是他人")


def _ownership(enquiry: Enquiry) -> Ownership:
    return Ownership(enquiry.owner, enquiry.offered_to, enquiry.owners_before)


def _owned(enquiry: Enquiry, by: Ownership) -> Enquiry:
    return replace(
        enquiry, owner=by.owner, offered_to=by.offered_to, owners_before=by.owners_before
    )

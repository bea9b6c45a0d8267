"""Complaints: a clock for each kind, one extension, and who closes."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from tests.case.builders import START, at, calendar, working_days

from hallnet.case.problems import NotYours, OwnerMissing
from hallnet.window import complaint as complaints
from hallnet.window.complaint import Complaint, ComplaintKind, ComplaintState
from hallnet.window.problems import StepNotPossible, WordsMissing


def opened(kind: ComplaintKind = ComplaintKind.COMPLAINT, **changes: Any) -> Complaint:
    given: dict[str, Any] = {"words": "态度不好", "against": "窗口员", "owner": "督查员"} | changes
    limits = given.pop("limits", complaints.USUAL_LIMITS)
    return complaints.opened(
        "c1",
        kind,
        "case",
        given["words"],
        given["against"],
        given["owner"],
        START,
        calendar(),
        limits,
    )


@pytest.mark.parametrize(
    ("kind", "due_on"),
    [
        (ComplaintKind.ENQUIRY, date(2026, 3, 4)),
        (ComplaintKind.REQUEST, date(2026, 3, 16)),
        (ComplaintKind.COMPLAINT, date(2026, 3, 23)),
    ],
)
def test_each_kind_has_its_own_clock(kind: ComplaintKind, due_on: date) -> None:
    """2, 10 and 15 working days."""
    assert opened(kind).due_on == due_on


def test_a_place_sets_its_own_limits() -> None:
    limits = {kind: working_days(5) for kind in ComplaintKind}
    assert opened(limits=limits).due_on == date(2026, 3, 9)


def test_it_is_extended_once_with_a_reason() -> None:
    longer = complaints.extended(opened(), "需要现场核查", calendar())
    assert longer.due_on == date(2026, 3, 30)
    with pytest.raises(StepNotPossible):
        complaints.extended(longer, "又", calendar())
    with pytest.raises(WordsMissing):
        complaints.extended(opened(), " ", calendar())


def test_what_belongs_elsewhere_is_sent_back_within_a_working_day_naming_the_right_body() -> None:
    back = complaints.sent_back(opened(), "县民政局", at("2026-03-03 17:00"), calendar())
    assert (back.state, back.sent_back_to) == (ComplaintState.SENT_BACK, "县民政局")
    with pytest.raises(StepNotPossible):
        complaints.sent_back(opened(), "县民政局", at("2026-03-04 09:00"), calendar())
    with pytest.raises(WordsMissing):
        complaints.sent_back(opened(), "", START, calendar())


def test_who_is_complained_of_neither_handles_nor_closes_it() -> None:
    with pytest.raises(NotYours):
        opened(owner="窗口员")
    answered = complaints.answered(opened(), "督查员", "已批评教育", START)
    for by in ("窗口员", "督查员"):
        with pytest.raises(NotYours):
            complaints.closed(answered, by)
    assert complaints.closed(answered, "主任").state is ComplaintState.CLOSED


def test_it_always_has_an_owner_who_answers_in_words() -> None:
    with pytest.raises(OwnerMissing):
        opened(owner="")
    with pytest.raises(WordsMissing):
        opened(words="")
    with pytest.raises(NotYours):
        complaints.answered(opened(), "别人", "答", START)
    with pytest.raises(WordsMissing):
        complaints.answered(opened(), "督查员", " ", START)
    with pytest.raises(StepNotPossible):
        complaints.closed(opened(), "主任")


def test_overdue_is_what_was_or_is_answered_after_the_end() -> None:
    due = date(2026, 3, 23)
    assert not complaints.is_overdue(opened(), due)
    assert complaints.is_overdue(opened(), date(2026, 3, 24))
    late = complaints.answered(opened(), "督查员", "答", at("2026-03-24 09:00"))
    assert complaints.is_overdue(late, due)
    back = complaints.sent_back(opened(), "县民政局", START, calendar())
    assert not complaints.is_overdue(back, date(2026, 12, 1))

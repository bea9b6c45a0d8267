"""An enquiry is never with nobody."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.case.builders import START, calendar

from hallnet.case.ownership import HAND_OVERS_MAX
from hallnet.case.problems import HandOversTooMany, NotYours, OwnerMissing
from hallnet.window import enquiry as enquiries
from hallnet.window.enquiry import Enquiry, EnquiryState
from hallnet.window.problems import StepNotPossible, WordsMissing


def asked(owner: str = "甲") -> Enquiry:
    return enquiries.opened("e1", "能不能迁户口？", "来访群众", owner, START, calendar())


def test_who_is_asked_first_is_the_owner_and_answers_within_two_working_days() -> None:
    """首问负责制."""
    enquiry = asked()
    assert (enquiry.owner, enquiry.due_on) == ("甲", date(2026, 3, 4))
    with pytest.raises(OwnerMissing):
        asked("")
    with pytest.raises(WordsMissing):
        enquiries.opened("e1", " ", "", "甲", START, calendar())


def test_a_hand_over_needs_acceptance_and_until_then_the_owner_stays() -> None:
    offered = enquiries.offered(asked(), "甲", "乙")
    assert (offered.owner, offered.offered_to) == ("甲", "乙")
    with pytest.raises(NotYours):
        enquiries.accepted(offered, "丙")
    taken = enquiries.accepted(offered, "乙")
    assert (taken.owner, taken.offered_to, taken.owners_before) == ("乙", "", ("甲",))
    refused = enquiries.declined(offered, "乙")
    assert (refused.owner, refused.offered_to) == ("甲", "")
    assert enquiries.answered(offered, "甲", "可以", START).state is EnquiryState.ANSWERED


def test_only_the_owner_offers_and_answers() -> None:
    with pytest.raises(NotYours):
        enquiries.offered(asked(), "乙", "丙")
    with pytest.raises(NotYours):
        enquiries.answered(asked(), "乙", "可以", START)
    with pytest.raises(OwnerMissing):
        enquiries.offered(asked(), "甲", "")
    with pytest.raises(OwnerMissing):
        enquiries.offered(asked(), "甲", "甲")
    with pytest.raises(NotYours):
        enquiries.accepted(asked(), "")
    with pytest.raises(WordsMissing):
        enquiries.answered(asked(), "甲", "", START)


def test_what_is_answered_is_over() -> None:
    done = enquiries.answered(asked(), "甲", "可以", START + timedelta(hours=1))
    with pytest.raises(StepNotPossible):
        enquiries.offered(done, "甲", "乙")
    with pytest.raises(StepNotPossible):
        enquiries.accepted(done, "乙")
    with pytest.raises(StepNotPossible):
        enquiries.declined(done, "乙")
    with pytest.raises(StepNotPossible):
        enquiries.answered(done, "甲", "又", START)


def test_an_enquiry_is_not_handed_on_for_ever() -> None:
    """推诿: who passes it on again and again is stopped."""
    enquiry = asked()
    for number in range(HAND_OVERS_MAX):
        by, to = ("甲", "乙") if number % 2 == 0 else ("乙", "甲")
        enquiry = enquiries.accepted(enquiries.offered(enquiry, by, to), to)
    with pytest.raises(HandOversTooMany):
        enquiries.offered(enquiry, enquiry.owner, "丙")


PEOPLE = st.sampled_from(["", "甲", "乙", "丙"])


@given(
    st.lists(st.tuples(st.sampled_from(["offer", "accept", "decline", "answer"]), PEOPLE, PEOPLE))
)
def test_whatever_happens_it_has_an_owner(acts: list[tuple[str, str, str]]) -> None:
    enquiry = asked()
    for act, by, to in acts:
        try:
            if act == "offer":
                enquiry = enquiries.offered(enquiry, by, to)
            elif act == "accept":
                enquiry = enquiries.accepted(enquiry, by)
            elif act == "decline":
                enquiry = enquiries.declined(enquiry, by)
            else:
                enquiry = enquiries.answered(enquiry, by, "答", START)
        except (NotYours, OwnerMissing, StepNotPossible):
            continue
        assert enquiry.owner

"""Requests about personal information: who may be asked for what until when, and how it is refused."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from tests.case.builders import APPLICANT, ORGANISATION, START, calendar, working_days

from hallnet.case.problems import IdentityNumberCheckDigit, NotYours, OwnerMissing
from hallnet.window import personal_request as rules
from hallnet.window.personal_request import (
    GROUNDS,
    PersonalGround,
    PersonalRequest,
    PersonalRequestState,
    PersonalRight,
)
from hallnet.window.problems import (
    CopyNotMade,
    GroundNotOfLaw,
    NotANaturalPerson,
    StepNotPossible,
    WordsMissing,
)

SOON = START + timedelta(hours=1)


def opened(right: PersonalRight = PersonalRight.COPY, **changes: Any) -> PersonalRequest:
    needs_more = right is not PersonalRight.COPY
    given: dict[str, Any] = {
        "person": APPLICANT,
        "identity_shown": "居民身份证原件",
        "representative": "",
        "authority": "",
        "about": "330110-20260302-0001" if needs_more else "",
        "words": "姓名有误" if needs_more else "",
        "owner": "clerk",
        "limit": rules.USUAL_LIMIT,
    }
    given |= changes
    return rules.opened("p1", right, now=START, calendar=calendar(), **given)


def test_it_has_an_owner_and_is_answered_within_thirty_days() -> None:
    request = opened()
    assert request.due_on == date(2026, 4, 1)
    assert not rules.is_overdue(request, date(2026, 4, 1))
    assert rules.is_overdue(request, date(2026, 4, 2))
    with pytest.raises(OwnerMissing):
        opened(owner="")


def test_a_place_sets_a_shorter_limit() -> None:
    assert opened(limit=working_days(5)).due_on == date(2026, 3, 9)


def test_nothing_is_taken_in_before_it_was_seen_who_it_is() -> None:
    with pytest.raises(WordsMissing):
        opened(identity_shown=" ")
    wrong = replace(APPLICANT, document_number=APPLICANT.document_number[:-1] + "0")
    with pytest.raises(IdentityNumberCheckDigit):
        opened(person=wrong)


def test_what_is_kept_of_an_organisation_is_nobodys_personal_information() -> None:
    with pytest.raises(NotANaturalPerson):
        opened(person=ORGANISATION)


def test_who_asks_for_another_says_why_he_may() -> None:
    """Articles 31 and 49: parents of a child, close relatives of somebody who died."""
    with pytest.raises(WordsMissing):
        opened(representative="章大")
    assert (
        opened(representative="章大", authority="父亲，本人未满十四周岁").representative == "章大"
    )


@pytest.mark.parametrize("right", [PersonalRight.CORRECT, PersonalRight.ERASE])
@pytest.mark.parametrize("missing", ["about", "words"])
def test_a_correction_or_an_erasure_says_of_what_and_why(
    right: PersonalRight, missing: str
) -> None:
    with pytest.raises(WordsMissing):
        opened(right, **{missing: " "})


def test_a_copy_is_granted_once_it_was_made_and_by_the_owner_alone() -> None:
    request = opened()
    with pytest.raises(CopyNotMade):
        rules.granted(request, "clerk", "已交本人", SOON)
    with pytest.raises(NotYours):
        rules.copied(request, "other", SOON)
    made = rules.copied(request, "clerk", SOON)
    with pytest.raises(NotYours):
        rules.granted(made, "other", "已交本人", SOON)
    done = rules.granted(made, "clerk", "已交本人", SOON)
    assert (done.state, done.answered_at) == (PersonalRequestState.GRANTED, SOON)
    assert not rules.is_overdue(done, date(2027, 1, 1))
    with pytest.raises(StepNotPossible):
        rules.granted(done, "clerk", "又", SOON)


def test_a_copy_is_of_a_request_for_one() -> None:
    with pytest.raises(StepNotPossible):
        rules.copied(opened(PersonalRight.ERASE), "clerk", SOON)


@pytest.mark.parametrize("right", list(PersonalRight))
@pytest.mark.parametrize("ground", list(PersonalGround))
def test_it_is_refused_on_a_ground_of_the_law_alone_with_reasons_and_remedy(
    right: PersonalRight, ground: PersonalGround
) -> None:
    request = opened(right)
    with pytest.raises(WordsMissing):
        rules.refused(request, "clerk", ground, " ", SOON)
    if ground not in GROUNDS[right]:
        with pytest.raises(GroundNotOfLaw):
            rules.refused(request, "clerk", ground, "理由", SOON)
        return
    done = rules.refused(request, "clerk", ground, "理由", SOON)
    assert done.state is PersonalRequestState.REFUSED
    assert (done.ground, done.answer) == (ground, "理由")
    assert "人民法院" in done.remedy

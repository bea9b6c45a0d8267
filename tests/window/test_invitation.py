"""Invitations to rate: one for each visit or case, good for a while, with a word that goes with it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from tests.case.builders import START

from hallnet.case.case import day_of
from hallnet.window.invitation import VALID_DAYS, Invitation, invited, require_answerable
from hallnet.window.problems import RatingInvitationOver, RatingInvitationUnknown
from hallnet.window.rating import RatingChannel

TODAY = day_of(START)


def made(code: str = "ABCD2345") -> Invitation:
    return invited("20261201-0001", RatingChannel.ON_SITE, "item", "clerk", code, START)


def test_who_has_the_word_may_rate_until_the_last_day() -> None:
    last = TODAY + timedelta(days=VALID_DAYS)
    assert require_answerable(made(), " abcd2345 ", last) == made()
    with pytest.raises(RatingInvitationOver):
        require_answerable(made(), "ABCD2345", last + timedelta(days=1))


@pytest.mark.parametrize("word", ["", "ABCD2346", "评价"])
def test_another_word_is_as_if_there_were_no_invitation(word: str) -> None:
    with pytest.raises(RatingInvitationUnknown):
        require_answerable(made(), word, TODAY)
    with pytest.raises(RatingInvitationUnknown):
        require_answerable(None, word, TODAY)


def test_a_case_without_a_word_is_rated_by_nobody() -> None:
    """A replica of a case of another hall has no query code."""
    with pytest.raises(RatingInvitationUnknown):
        require_answerable(made(code=""), "", TODAY)

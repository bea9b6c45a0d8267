"""What a browser sends is taken within bounds."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from tests.portal.conftest import Enter

from hallnet.portal.forms import FORM_AGE_MAX, Form, new_request_id, shown_at
from hallnet.store.requests import REQUEST_ID_LENGTH

NOW = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)


@pytest.mark.parametrize("text", ["", "x", "-1", "1.5", "99999", "９", "1e3", "9" * 5000])
def test_what_is_no_choice_is_none(text: str) -> None:
    assert Form({"outcome": (text,)}).number("outcome") == 0


def test_choices_are_numbers() -> None:
    form = Form({"acts": ("1", " 3 ", "x")})
    assert form.numbers("acts") == (1, 3)
    assert form.number("acts") == 1
    assert Form().number("acts") == 0


def test_every_form_has_a_request_of_its_own() -> None:
    first, second = new_request_id(NOW), new_request_id(NOW)
    assert first != second
    shortest, longest = REQUEST_ID_LENGTH
    assert shortest <= len(f"{first}-mandate") <= longest


def test_a_request_knows_when_its_form_was_shown() -> None:
    assert shown_at(new_request_id(NOW), NOW + timedelta(hours=1)) == NOW


@pytest.mark.parametrize(
    "request_id",
    ["", "x-1", "f" * 40, new_request_id(NOW + timedelta(1)), new_request_id(NOW - FORM_AGE_MAX)],
    ids=["empty", "short", "letters", "tomorrow", "too old"],
)
def test_a_moment_that_cannot_be_right_is_not_believed(request_id: str) -> None:
    assert shown_at(request_id, NOW) == NOW


def test_what_no_database_keeps_is_refused(enter: Enter) -> None:
    visitor = enter()
    form = visitor.open("/progress").form("/progress")
    assert visitor.send(form, case_no="a\0b", query_code="x").status == 400

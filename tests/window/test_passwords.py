"""Passwords are hard to guess and are changed (GB/T 22239-2019, 8.1.4.1 a))."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from hallnet.case.policy import DEFAULT
from hallnet.window.passwords import (
    CHARACTERS_MAX,
    USUAL_DAYS,
    PasswordDue,
    PasswordWeak,
    due,
    require_good,
)

NOON = datetime(2026, 3, 2, 4, tzinfo=UTC)


@pytest.mark.parametrize(
    "password",
    ["Wu-lin88", "窗口 window 1", "一件事也不让群众跑第二趟的窗口", "correct horse battery staple"],
)
def test_eight_characters_of_three_kinds_or_many_of_any_are_good(password: str) -> None:
    require_good(password, "li")


@pytest.mark.parametrize(
    ("password", "why"),
    [
        ("", "0个字符"),
        ("Wu-li88", "7个字符"),
        ("Aa1-" * CHARACTERS_MAX, "512个字符"),
        ("wulinmen88", "三种"),
        ("Aa1Aa1Aa1", "不同"),
        ("1111111111111111", "不同"),
        ("Clerk-2026", "账号"),
    ],
)
def test_what_is_guessed_easily_is_refused_with_the_reason(password: str, why: str) -> None:
    with pytest.raises(PasswordWeak) as caught:
        require_good(password, "clerk")
    assert why in caught.value.in_chinese()
    assert not password or password not in caught.value.in_chinese()


def test_the_one_before_is_no_new_one() -> None:
    with pytest.raises(PasswordWeak):
        require_good("Wu-lin88", "li", "Wu-lin88")


def test_a_password_that_somebody_else_chose_is_changed_first() -> None:
    assert due(NOON, False, DEFAULT, NOON) is PasswordDue.GIVEN


def test_after_ninety_days_a_password_is_old_unless_the_policy_says_otherwise() -> None:
    after = NOON + timedelta(days=USUAL_DAYS)
    assert due(NOON, True, DEFAULT, after - timedelta(seconds=1)) is None
    assert due(NOON, True, DEFAULT, after) is PasswordDue.OLD
    assert due(NOON, True, replace(DEFAULT, password_days=180), after) is None
    assert due(NOON, True, replace(DEFAULT, passwords_do_not_age=True), after) is None
    assert due(None, True, DEFAULT, NOON) is PasswordDue.OLD

"""A secret that was wrong a few times is not looked at for a while (GB/T 22239-2019, 8.1.4.1 b))."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hallnet.case.policy import DEFAULT
from hallnet.window.guessing import (
    PAUSE_MINUTES_MAX,
    POLICY_WRONG_MAX,
    USUAL_PAUSE_MINUTES,
    USUAL_WRONG_MAX,
    Tries,
    WrongTooOften,
    pause,
)

NOON = datetime(2026, 3, 2, 4, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def tried(times: int, at: datetime = NOON) -> Tries:
    tries = Tries()
    for _ in range(times):
        tries = tries.one_more(DEFAULT, at)
    return tries


def test_five_tries_and_then_a_pause_that_is_told() -> None:
    tries = tried(USUAL_WRONG_MAX)
    with pytest.raises(WrongTooOften) as caught:
        tries.one_more(DEFAULT, NOON + 10 * MINUTE)
    assert caught.value.particulars == {"minutes": "20"}
    assert "20分钟" in caught.value.in_chinese()


def test_after_the_pause_it_is_as_if_nothing_had_been_tried() -> None:
    after = NOON + USUAL_PAUSE_MINUTES * MINUTE
    assert tried(USUAL_WRONG_MAX).one_more(DEFAULT, after) == Tries(1, after)
    with pytest.raises(WrongTooOften):
        tried(USUAL_WRONG_MAX).one_more(DEFAULT, after - timedelta(seconds=1))


def test_a_policy_says_how_often_and_how_long_and_cannot_switch_it_off() -> None:
    strict = replace(DEFAULT, wrong_secrets_max=3, wrong_secrets_pause_minutes=60)
    tries = Tries(3, NOON)
    with pytest.raises(WrongTooOften):
        tries.one_more(strict, NOON + 59 * MINUTE)
    assert tries.one_more(strict, NOON + 60 * MINUTE).wrong == 1
    loose = replace(DEFAULT, wrong_secrets_max=10**6, wrong_secrets_pause_minutes=10**6)
    with pytest.raises(WrongTooOften):
        Tries(POLICY_WRONG_MAX, NOON).one_more(loose, NOON)
    assert pause(loose) == PAUSE_MINUTES_MAX * MINUTE


@given(st.lists(st.integers(min_value=0, max_value=600), max_size=60))
def test_in_no_pause_are_more_tries_than_allowed(gaps: list[int]) -> None:
    """However they are spread over the time."""
    now, tries, begun = NOON, Tries(), []
    for seconds in gaps:
        now += timedelta(seconds=seconds)
        try:
            tries = tries.one_more(DEFAULT, now)
        except WrongTooOften:
            continue
        begun.append(now)
    for first, last in zip(begun, begun[USUAL_WRONG_MAX:], strict=False):
        assert last - first >= pause(DEFAULT)

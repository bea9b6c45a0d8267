"""Codes that change with time (RFC 6238)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hallnet.window.second_factor import (
    STEP_SECONDS,
    STEPS_APART_MAX,
    SecondFactorWrong,
    code_at,
    key_text,
    right_step,
    uri,
)

KEY = b"12345678901234567890"
STEP = timedelta(seconds=STEP_SECONDS)


@pytest.mark.parametrize(
    ("seconds", "code"),
    [
        (59, "287082"),
        (1111111109, "081804"),
        (1111111111, "050471"),
        (1234567890, "005924"),
        (2000000000, "279037"),
        (20000000000, "353130"),
    ],
)
def test_the_published_vectors_are_right_at_their_time(seconds: int, code: str) -> None:
    """RFC 6238, appendix B: the last six of their eight digits."""
    now = datetime.fromtimestamp(seconds, UTC)
    assert code_at(KEY, now) == code
    assert right_step(KEY, f" {code[:3]} {code[3:]}", 0, now) == seconds // STEP_SECONDS


@given(st.integers(min_value=10**9, max_value=4 * 10**9), st.integers(-5, 5))
def test_a_code_is_right_for_a_minute_and_a_half_and_no_longer(seconds: int, apart: int) -> None:
    now = datetime.fromtimestamp(seconds, UTC)
    code = code_at(KEY, now)
    if abs(apart) <= STEPS_APART_MAX:
        assert right_step(KEY, code, 0, now + apart * STEP) == seconds // STEP_SECONDS
    elif code not in {code_at(KEY, now + (apart + near) * STEP) for near in (-1, 0, 1)}:
        with pytest.raises(SecondFactorWrong):
            right_step(KEY, code, 0, now + apart * STEP)


def test_no_code_counts_twice() -> None:
    now = datetime.fromtimestamp(1111111109, UTC)
    step = right_step(KEY, code_at(KEY, now), 0, now)
    with pytest.raises(SecondFactorWrong):
        right_step(KEY, code_at(KEY, now), step, now)
    after = now + STEP
    assert right_step(KEY, code_at(KEY, after), step, after) == step + 1


@pytest.mark.parametrize(
    "typed", ["", "28708", "２８７０８２", "abcdef", "287082 287082", "\x00" * 6]
)
def test_what_is_no_code_is_wrong(typed: str) -> None:
    with pytest.raises(SecondFactorWrong):
        right_step(KEY, typed, 0, datetime.fromtimestamp(59, UTC))


def test_the_key_is_written_as_authenticators_take_it() -> None:
    assert key_text(KEY) == "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
    link = uri(KEY, "li", "hallnet 330127")
    assert link.startswith("otpauth://totp/hallnet%20330127:li?")
    assert f"secret={key_text(KEY)}" in link

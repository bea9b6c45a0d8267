"""How long to wait before the next try: longer each time, never longer than the bound."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hallnet.federation.backoff import LINK, NOTICE, RETRANSMISSION, Backoff

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
JITTERS = st.floats(0, 1)
BACKOFFS = st.sampled_from([LINK, RETRANSMISSION, NOTICE]) | st.builds(
    Backoff,
    st.timedeltas(timedelta(milliseconds=1), timedelta(minutes=1)),
    st.timedeltas(timedelta(minutes=1), timedelta(days=1)),
)


@given(BACKOFFS, st.integers(0, 10**9), JITTERS)
def test_a_pause_lies_between_half_the_first_and_the_longest(
    backoff: Backoff, failures: int, jitter: float
) -> None:
    pause = backoff.next_try(failures, NOW, jitter) - NOW
    assert backoff.first / 2 <= pause <= backoff.longest


@given(BACKOFFS, st.integers(0, 40), JITTERS, JITTERS)
def test_a_pause_lies_between_half_and_the_whole_of_its_doubling(
    backoff: Backoff, failures: int, jitter: float, other_jitter: float
) -> None:
    doubled: timedelta = backoff.first * 2 ** max(failures - 1, 0)
    whole = min(doubled, backoff.longest)
    pause = backoff.next_try(failures, NOW, jitter) - NOW
    tolerance = timedelta(microseconds=1)
    assert whole / 2 - tolerance <= pause <= whole
    low, high = sorted((jitter, other_jitter))
    assert backoff.next_try(failures, NOW, low) <= backoff.next_try(failures, NOW, high)


@given(BACKOFFS, st.integers(0, 40), JITTERS)
def test_a_further_failure_never_shortens_the_pause(
    backoff: Backoff, failures: int, jitter: float
) -> None:
    assert backoff.next_try(failures, NOW, jitter) <= backoff.next_try(failures + 1, NOW, jitter)


@pytest.mark.parametrize(
    ("failures", "seconds"), [(1, 0.5), (2, 1), (3, 2), (6, 16), (10, 256), (11, 300), (1000, 300)]
)
def test_the_pauses_of_a_link_without_luck(failures: int, seconds: float) -> None:
    assert LINK.next_try(failures, NOW, 1.0) == NOW + timedelta(seconds=seconds)
    assert LINK.next_try(failures, NOW, 0.0) == NOW + timedelta(seconds=seconds / 2)

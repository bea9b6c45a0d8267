"""Batches fit the line: they grow while it is fast, shrink while it is slow, and stay within bounds."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from hallnet.federation import limits
from hallnet.federation.pace import (
    ANSWER_SECONDS,
    BATCH_BYTES_FIRST,
    BATCH_BYTES_MIN,
    BATCH_SECONDS,
    SLOWEST_BYTES_PER_SECOND,
    UNDER_WAY_MAX,
    Pace,
    patience,
)


def carried(bytes_per_second: float, batches: int) -> Pace:
    """What a node has learned after full batches on a line of that speed."""
    pace = Pace()
    for _ in range(batches):
        pace = pace.answered(pace.batch_bytes, pace.batch_bytes / bytes_per_second)
    return pace


def test_on_a_fast_line_batches_grow_to_the_limit() -> None:
    assert carried(100e6, 10).batch_bytes == limits.BATCH_BYTES_MAX


def test_on_a_slow_line_batches_take_about_a_moment() -> None:
    pace = carried(64_000, 3)
    assert pace.batch_bytes == 64_000 * BATCH_SECONDS


def test_a_batch_that_was_not_full_changes_nothing_on_a_fast_line() -> None:
    assert Pace().answered(100, 0.001) == Pace()


def test_two_batches_have_together_what_may_be_under_way() -> None:
    pace = carried(100e6, 10)
    share = pace.share(limits.BATCH_BYTES_MAX)
    assert UNDER_WAY_MAX * share == limits.BATCH_BYTES_MAX
    assert pace.has_room(share, share, limits.BATCH_BYTES_MAX)
    assert not pace.has_room(share, share + 1, limits.BATCH_BYTES_MAX)
    assert not pace.has_room(share, share, limits.BATCH_BYTES_MAX - 1)


def test_one_batch_goes_however_big_it_is() -> None:
    """A parcel is not cut."""
    assert Pace().has_room(0, 2**30, 0)


def test_batches_grow_though_each_has_only_its_share() -> None:
    pace = Pace()
    for _ in range(10):
        share = pace.share(limits.BATCH_BYTES_MAX)
        pace = pace.answered(share, 0.01, beside=share)
    assert pace.batch_bytes == limits.BATCH_BYTES_MAX


def test_silence_halves_the_batch_down_to_a_bound() -> None:
    pace = Pace()
    sizes = []
    for _ in range(12):
        pace = pace.silent()
        sizes.append(pace.batch_bytes)
    assert sizes[0] == BATCH_BYTES_FIRST // 2
    assert sizes[-1] == BATCH_BYTES_MIN


def test_the_wait_for_an_answer_grows_with_what_was_sent() -> None:
    assert patience(0) == ANSWER_SECONDS
    assert patience(limits.BATCH_BYTES_MAX) == ANSWER_SECONDS + 2048
    assert patience(SLOWEST_BYTES_PER_SECOND) == ANSWER_SECONDS + 1


def test_the_credit_of_all_neighbours_together_is_bounded() -> None:
    assert limits.credit(0) == limits.credit(1) == limits.credit(8) == limits.BATCH_BYTES_MAX
    for neighbours in (17, 90, 1000):
        assert neighbours * limits.credit(neighbours) <= limits.CREDIT_BYTES_TOTAL
    assert limits.credit(100_000) == limits.CREDIT_BYTES_MIN


@given(
    st.lists(
        st.none()
        | st.tuples(st.integers(0, 2**33), st.floats(0, 1e6, allow_nan=False, allow_infinity=False))
    )
)
def test_whatever_happens_a_batch_stays_within_its_bounds(
    answers: list[tuple[int, float] | None],
) -> None:
    pace = Pace()
    for answer in answers:
        pace = pace.silent() if answer is None else pace.answered(*answer)
        assert BATCH_BYTES_MIN <= pace.batch_bytes <= limits.BATCH_BYTES_MAX

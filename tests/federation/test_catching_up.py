"""How long catching up takes is said only when somebody can say it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as s

from hallnet.federation.catching_up import SAMPLES_MAX, CatchingUp


@given(s.integers(1, 500), s.integers(2, 300), s.integers(1, 60))
def test_at_a_steady_pace_the_estimate_is_right(pace: int, looks: int, left: int) -> None:
    found = CatchingUp()
    most = pace * (looks - 1 + left)
    for look in range(looks):
        found.note(float(look), most - pace * look)
    assert found.per_second == pace
    assert found.seconds_left == left
    assert (found.done, found.waiting) == (pace * (looks - 1), pace * left)


@given(s.lists(s.integers(0, 10_000), min_size=1, max_size=200))
def test_the_bar_never_leaves_its_ends(waiting: list[int]) -> None:
    found = CatchingUp()
    for at, number in enumerate(waiting):
        found.note(float(at), number)
        assert 0 <= found.done <= found.most
    assert found.waiting == waiting[-1]


def test_while_more_comes_than_goes_nobody_says_how_long() -> None:
    found = CatchingUp()
    for at, waiting in enumerate((10, 20, 30)):
        found.note(float(at), waiting)
    assert found.seconds_left is None
    found.note(3.0, 0)
    assert found.seconds_left == 0.0


def test_what_was_slow_long_ago_says_nothing_about_now() -> None:
    found = CatchingUp()
    found.note(0.0, 10_000)
    for look in range(SAMPLES_MAX):
        found.note(1_000.0 + look, 10_000 - 100 * look)
    assert found.per_second == 100


def test_two_looks_at_one_moment_are_one() -> None:
    found = CatchingUp()
    found.note(1.0, 7)
    found.note(1.0, 5)
    assert (found.waiting, found.per_second, found.most) == (5, 0.0, 7)

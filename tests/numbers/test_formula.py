"""The formulas with figures that halls have published: those that are right, and those that cannot be."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hallnet.numbers import formula
from hallnet.numbers.formula import Rate, require_rate, require_sum
from hallnet.numbers.problems import (
    NothingToDivideBy,
    NumbersDoNotReconcile,
    PartExceedsWhole,
    RateDoesNotReconcile,
)
from hallnet.numbers.report import require_classes


@pytest.mark.parametrize(
    ("rate", "stated"),
    [
        (formula.instant_share(883_439, 893_236), "98.9"),
        (formula.instant_share(883_439, 893_236), "98.903"),
        (formula.on_time_rate(17_685, 17_685), "100"),
        (formula.early_rate(14_494, 17_685), "82"),
        (formula.early_rate(14_494, 17_685), "81.96"),
        (formula.compression([200], [95]), "52.5"),
        (formula.finished_rate(4_657, 4_839), "96.24"),
        (formula.promise_speed_up(10_000, 3_362), "66.38"),
        (formula.actual_speed_up(10_000, 1_116), "88.84"),
    ],
)
def test_published_rates_that_follow_from_their_numbers_stand(rate: Rate, stated: str) -> None:
    require_rate(rate, Decimal(stated))


@pytest.mark.parametrize(
    ("rate", "stated"),
    [
        (formula.finished_rate(4_657, 4_839), "98.37"),
        (formula.early_rate(14_494, 17_685), "83"),
        (formula.instant_share(883_439, 893_236), "98.0"),
    ],
)
def test_published_rates_that_do_not_follow_are_refused(rate: Rate, stated: str) -> None:
    with pytest.raises(RateDoesNotReconcile) as caught:
        require_rate(rate, Decimal(stated))
    assert stated in caught.value.in_chinese()


def test_a_number_that_lost_its_repeated_digits_is_refused() -> None:
    """893,236 printed as 89,336: more instant cases than cases."""
    with pytest.raises(PartExceedsWhole):
        formula.instant_share(883_439, 89_336)
    with pytest.raises(NumbersDoNotReconcile):
        require_sum("受理总量", 89_336, {"即办": 883_439, "承诺": 9_797})


def test_replay_of_a_county_year_refuses_a_total_that_its_classes_exceed() -> None:
    """Acceptance check: 883,439 instant and 17,685 committed are 901,124, not 893,236."""
    with pytest.raises(NumbersDoNotReconcile) as caught:
        require_classes("受理总量", 893_236, {"即办": 883_439, "承诺": 17_685})
    assert "901,124" in caught.value.in_english()
    assert "7,888" in caught.value.in_english()
    require_classes("受理总量", 893_236, {"即办": 883_439, "承诺": 9_797})


def test_a_sum_of_systems_that_is_one_too_many_is_refused() -> None:
    with pytest.raises(NumbersDoNotReconcile):
        require_sum("业务系统", 85, {"内网": 3, "专网": 70, "外网": 13})


def test_a_sum_of_two_hundred_and_fifteen_days_stands() -> None:
    require_sum("全年", 24_359, {"一": 8_237, "二": 15_861, "三": 79, "四": 182})
    assert formula.daily_mean(24_359, 215).exact == Fraction(24_359, 215)
    assert round(float(formula.daily_mean(24_359, 215).exact), 1) == 113.3


def test_a_rate_without_its_numerator_has_no_whole_numerator() -> None:
    """99.9% of 5,850 would be 5,844.15 people: both numbers have to be kept."""
    assert (Fraction("0.999") * 5_850).denominator != 1
    kept = formula.satisfied_rate(5_844, 5_850)
    assert (kept.numerator, kept.denominator) == (5_844, 5_850)
    require_rate(kept, Decimal("99.9"))


def test_compression_is_a_ratio_of_sums_not_a_mean_of_ratios() -> None:
    assert formula.compression([100, 10], [10, 10]).exact == Fraction(90, 110)


def test_speed_up_says_its_base() -> None:
    assert formula.actual_speed_up(20, 5).percent() == Decimal("75.00")
    assert formula.actual_speed_up_of_promise(10, 5).percent() == Decimal("50.00")
    assert formula.actual_speed_up(20, 25).percent() == Decimal("-25.00")


def test_items_in_the_hall_are_of_those_that_must_be() -> None:
    assert formula.in_hall_rate(145, 200).percent(1) == Decimal("72.5")


def test_nothing_is_no_rate() -> None:
    with pytest.raises(NothingToDivideBy):
        formula.on_time_rate(0, 0).percent()


@given(st.integers(0, 10**7), st.integers(1, 10**7), st.integers(0, 4))
def test_a_rate_as_printed_always_stands(part: int, whole: int, digits: int) -> None:
    rate = formula.share(min(part, whole), whole)
    require_rate(rate, rate.percent(digits))


@given(st.dictionaries(st.text(max_size=4), st.integers(0, 10**9), max_size=6), st.integers())
def test_a_sum_stands_only_if_it_is_the_sum(parts: dict[str, int], off: int) -> None:
    total = sum(parts.values())
    require_sum("x", total, parts)
    if off:
        with pytest.raises(NumbersDoNotReconcile):
            require_sum("x", total + off, parts)

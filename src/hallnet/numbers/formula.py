"""Formulas of a hall's numbers, each defined once. A rate always carries its numerator and denominator.

The names are those in use at the halls; where places differ the base is part of the name.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

from hallnet.numbers.problems import (
    NothingToDivideBy,
    NumbersDoNotReconcile,
    PartExceedsWhole,
    RateDoesNotReconcile,
)


@dataclass(frozen=True, slots=True)
class Rate:
    """A quotient of two counts, which are kept."""

    numerator: int
    denominator: int

    @property
    def exact(self) -> Fraction:
        """Raises NothingToDivideBy."""
        if self.denominator == 0:
            raise NothingToDivideBy()
        return Fraction(self.numerator, self.denominator)

    def percent(self, digits: int = 2) -> Decimal:
        """Rounded half up, as rates are printed; raises NothingToDivideBy."""
        return _rounded(self.exact * 100, digits)


def share(part: int, whole: int) -> Rate:
    """A part of a whole; raises PartExceedsWhole."""
    if not 0 <= part <= whole:
        raise PartExceedsWhole(numerator=part, denominator=whole)
    return Rate(part, whole)


def instant_share(instant: int, accepted: int) -> Rate:
    """即办比重: instant of the accepted cases."""
    return share(instant, accepted)


def on_time_rate(in_promise: int, finished_committed: int) -> Rate:
    """按时办结率: decided within the promise, of the finished committed cases."""
    return share(in_promise, finished_committed)


def early_rate(early: int, finished_committed: int) -> Rate:
    """提前办结率: decided before the last promised day, of the finished committed cases."""
    return share(early, finished_committed)


def finished_rate(finished: int, accepted: int) -> Rate:
    """办结率: finished of the accepted cases."""
    return share(finished, accepted)


def satisfied_rate(satisfied: int, valid: int) -> Rate:
    """满意率: satisfied of the valid ratings; default ratings are no valid ones."""
    return share(satisfied, valid)


def in_hall_rate(in_hall: int, must_be_in: int) -> Rate:
    """进驻率: items in the hall of those that must be there."""
    return share(in_hall, must_be_in)


def compression(old: Sequence[int], new: Sequence[int]) -> Rate:
    """时限压缩比例: what was taken off all limits together, of all limits before (a ratio of sums, not a
    mean of ratios)."""
    return share(sum(old) - sum(new), sum(old))


def promise_speed_up(statutory_days: int, promised_days: int) -> Rate:
    """承诺提速: what the promise takes off the statutory limit, on the base of the statutory limit."""
    return share(statutory_days - promised_days, statutory_days)


def actual_speed_up(statutory_days: int, actual_days: int) -> Rate:
    """办理提速 on the base of the statutory limit; negative where more time was taken than the law gives."""
    return Rate(statutory_days - actual_days, statutory_days)


def actual_speed_up_of_promise(promised_days: int, actual_days: int) -> Rate:
    """办理提速 on the base of the promise, as some places define it."""
    return Rate(promised_days - actual_days, promised_days)


def daily_mean(accepted: int, working_days: int) -> Rate:
    """日均: accepted cases on a working day."""
    return Rate(accepted, working_days)


def require_sum(whole: str, total: int, parts: Mapping[str, int]) -> None:
    """Parts that are disjoint and complete add up to their whole; raises NumbersDoNotReconcile."""
    found = sum(parts.values())
    if found != total:
        raise NumbersDoNotReconcile(
            whole,
            whole=whole,
            total=f"{total:,}",
            sum=f"{found:,}",
            difference=f"{abs(found - total):,}",
            parts=" + ".join(f"{name}{count:,}" for name, count in parts.items()),
        )


def require_rate(rate: Rate, stated_percent: Decimal) -> None:
    """A stated percentage is that of its numerator and denominator, rounded to the digits it has; raises
    RateDoesNotReconcile, PartExceedsWhole or NothingToDivideBy.

    Rounding half up and cutting off are both in use.
    """
    if rate.numerator > rate.denominator:
        raise PartExceedsWhole(numerator=rate.numerator, denominator=rate.denominator)
    exponent = stated_percent.as_tuple().exponent
    digits = -exponent if isinstance(exponent, int) and exponent < 0 else 0
    exact = rate.exact * 100
    step = Fraction(1, 10**digits)
    cut = Fraction(int(exact / step)) * step
    if Fraction(stated_percent) not in (Fraction(_rounded(exact, digits)), cut):
        raise RateDoesNotReconcile(
            numerator=f"{rate.numerator:,}",
            denominator=f"{rate.denominator:,}",
            right=_rounded(exact, max(digits, 2)),
            stated=stated_percent,
        )


def _rounded(value: Fraction, digits: int) -> Decimal:
    exact = Decimal(value.numerator) / Decimal(value.denominator)
    return exact.quantize(Decimal(1).scaleb(-digits), rounding=ROUND_HALF_UP)

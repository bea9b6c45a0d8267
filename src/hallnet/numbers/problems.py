"""What is wrong with numbers."""

from __future__ import annotations

from hallnet.problems import Kind, Problem


class NumbersDoNotReconcile(Problem):
    """Parts that do not add up to their whole."""

    kind = Kind.CONFLICT
    reason = "NUMBERS_DO_NOT_RECONCILE"
    zh = "{parts}合计{sum}，与{whole}{total}不符，相差{difference}"
    zh_remedy = "请核对各项口径：各类办件不得重叠，也不得遗漏"
    en = "{parts} add up to {sum}, not to the {total} of {whole}: {difference} apart"
    en_remedy = "Check what each of them counts: classes may neither overlap nor leave out cases"


class RateDoesNotReconcile(Problem):
    """A rate that does not follow from its numerator and denominator."""

    kind = Kind.CONFLICT
    reason = "RATE_DOES_NOT_RECONCILE"
    zh = "{numerator}÷{denominator}应为{right}%，而所报为{stated}%"
    zh_remedy = "请核对分子和分母，连同比率一并报送"
    en = "{numerator} of {denominator} are {right}%, not {stated}%"
    en_remedy = "Check numerator and denominator, and report both beside the rate"


class PartExceedsWhole(Problem):
    """More of something than there is."""

    kind = Kind.CONFLICT
    reason = "PART_EXCEEDS_WHOLE"
    zh = "分子{numerator}大于分母{denominator}"
    zh_remedy = "请核对分子和分母的口径是否一致，数字是否漏位"
    en = "The numerator {numerator} is more than the denominator {denominator}"
    en_remedy = "Check that both count the same, and that no digit was lost"


class NothingToDivideBy(Problem):
    """A rate of nothing."""

    kind = Kind.INVALID
    reason = "NOTHING_TO_DIVIDE_BY"
    zh = "分母为0，比率没有意义"
    zh_remedy = "该期间没有相应办件时，请填“无”，不要填0%或100%"
    en = "There is nothing to divide by, so there is no rate"
    en_remedy = "Where a period has no such cases say so, not 0% or 100%"


class PeriodInvalid(Problem):
    """A period that ends before it begins, or is too long, or is not over."""

    kind = Kind.INVALID
    reason = "PERIOD_INVALID"
    zh = "统计期间{period}无效"
    zh_remedy = "请填写起止日期（先起后止，不超过{days}天）或已经结束的月份（YYYY-MM）"
    en = "The period {period} is not valid"
    en_remedy = (
        "Give a first and a last day in order, no more than {days} days, or a month that is over "
        "as YYYY-MM"
    )


class MonthFrozen(Problem):
    """A month whose numbers stand."""

    kind = Kind.CONFLICT
    reason = "MONTH_FROZEN"
    zh = "{month}的统计已经定格"
    zh_remedy = "如需更正，请写明理由，更正将另起一行，原数字不变"
    en = "The numbers of {month} are frozen"
    en_remedy = "To correct them give a reason: the correction is a new line, and what stands stays"

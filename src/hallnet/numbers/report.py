"""The numbers of a period, reconciled before anybody sees them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from hallnet.case.calendar import Calendar
from hallnet.case.item import HandlingKind
from hallnet.numbers import formula
from hallnet.numbers.formula import Rate
from hallnet.numbers.measure import NAMES, Key, Measure

CLASSES = {
    int(HandlingKind.INSTANT): "即办",
    int(HandlingKind.COMMITTED): "承诺",
    0: "事项版本未知",
}


@dataclass(frozen=True, slots=True)
class Report:
    """Counts of a period by class, what follows from them, and the cases in hand at its two ends."""

    first: date
    last: date
    counts: Mapping[tuple[int, Measure], int]
    """By handling kind and measure."""
    occurred: Mapping[Measure, int]
    """How many events of the histories there are for some of the measures: counted apart from the counts."""
    in_hand_before: int
    in_hand_after: int
    working_days: int

    def total(self, measure: Measure) -> int:
        return sum(count for (_, of), count in self.counts.items() if of is measure)

    def of_class(self, kind: HandlingKind, measure: Measure) -> int:
        return self.counts.get((int(kind), measure), 0)

    @property
    def rates(self) -> dict[str, Rate]:
        """By name, those of which there is something to divide by."""
        instant, committed = HandlingKind.INSTANT, HandlingKind.COMMITTED
        finished = self.of_class(committed, Measure.FINISHED)
        statutory = self.of_class(committed, Measure.STATUTORY_DAYS)
        promised = self.of_class(committed, Measure.PROMISED_DAYS)
        actual = self.of_class(committed, Measure.ACTUAL_DAYS)
        accepted = self.total(Measure.ACCEPTED)
        found = {
            "即办比重": formula.instant_share(self.of_class(instant, Measure.ACCEPTED), accepted),
            "按时办结率": formula.on_time_rate(
                self.of_class(committed, Measure.IN_PROMISE), finished
            ),
            "提前办结率": formula.early_rate(self.of_class(committed, Measure.EARLY), finished),
            # Of the cases of other periods some are finished in this one: no share of a whole.
            "办结率": Rate(self.total(Measure.FINISHED), accepted),
            "承诺提速": Rate(statutory - promised, statutory),
            "办理提速（以法定时限为基数）": formula.actual_speed_up(statutory, actual),
            "办理提速（以承诺时限为基数）": formula.actual_speed_up_of_promise(promised, actual),
            "日均受理": formula.daily_mean(accepted, self.working_days),
        }
        return {name: rate for name, rate in found.items() if rate.denominator}


def report(
    counts: Iterable[tuple[Key, int]],
    first: date,
    last: date,
    occurred: Mapping[Measure, int],
    in_hand_before: int,
    in_hand_after: int,
    calendar: Calendar,
) -> Report:
    """The numbers from the first day to the last; raises NumbersDoNotReconcile.

    `in_hand_after` is counted from the cases themselves, or from what came and left until then.
    """
    by_class: Counter[tuple[int, Measure]] = Counter()
    for key, amount in counts:
        by_class[key.handling_kind, key.measure] += amount
    days = calendar.working_days_between(date.fromordinal(first.toordinal() - 1), last)
    made = Report(first, last, dict(by_class), occurred, in_hand_before, in_hand_after, days)
    reconcile(made)
    return made


def reconcile(made: Report) -> None:
    """Raises NumbersDoNotReconcile.

    Instant and committed cases are all there are, and as many as their events; every finished case met its
    promise, or did not, or had none; what is in hand is what was there and came, without what left.
    """
    for measure, number in made.occurred.items():
        require_classes(
            NAMES[measure],
            number,
            {name: made.counts.get((kind, measure), 0) for kind, name in CLASSES.items()},
        )
    formula.require_sum(
        "办结",
        made.total(Measure.FINISHED),
        {
            "承诺期限内": made.total(Measure.IN_PROMISE),
            "逾期": made.total(Measure.OVERDUE),
            "无承诺期限": made.total(Measure.WITHOUT_PROMISE),
        },
    )
    formula.require_sum(
        "期末在手",
        made.in_hand_after,
        {
            "期初在手": made.in_hand_before,
            "转入": made.total(Measure.CAME),
            "转出": -made.total(Measure.LEFT),
        },
    )


def require_classes(whole: str, total: int, classes: Mapping[str, int]) -> None:
    """Classes of cases that leave nothing out and count nothing twice; raises NumbersDoNotReconcile."""
    formula.require_sum(whole, total, {name: count for name, count in classes.items() if count})

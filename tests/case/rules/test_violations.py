"""Why a case is late (优化营商环境条例 article 36), and what is found on inspection: 越位收件, 体外循环."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.case.builders import (
    ACCEPTED,
    CLERK,
    COUNTY,
    EXPLAINED,
    ITEM,
    VIOLATION,
    calendar,
    case_with,
    context,
)

from hallnet.case import command as commands
from hallnet.case.case import Case
from hallnet.case.clock import ClockKind
from hallnet.case.decide import decide
from hallnet.case.fact import (
    OverdueCause,
    OverdueExplained,
    ViolationRecorded,
    ViolationRule,
)
from hallnet.case.policy import DEFAULT
from hallnet.case.possible import possible_acts
from hallnet.case.power import Power
from hallnet.case.problems import ActNotPossible, NotYours, PowerMissing, ReasonsMissing
from hallnet.case.rules.problems import NothingOverdue
from hallnet.numbers.measure import Measure, counted

EXPLAIN = commands.ExplainOverdue(ClockKind.PROMISE.name, OverdueCause.OTHER_BODY, "协办局回函迟")
LATE = case_with(ACCEPTED, VIOLATION)


def measures(case: Case) -> set[Measure]:
    return {key.measure for key, _ in counted(None, case, ITEM, calendar(), DEFAULT, COUNTY)}


def test_whoever_answers_for_a_case_says_why_it_is_late_and_the_stamp_stays() -> None:
    """优化营商环境条例 article 36: whoever is late makes public why."""
    assert decide(LATE, EXPLAIN, context()) == [
        OverdueExplained("PROMISE", OverdueCause.OTHER_BODY, "协办局回函迟")
    ]
    after = case_with(ACCEPTED, VIOLATION, EXPLAINED)
    assert after.all_of(ViolationRecorded) == [VIOLATION]


def test_the_reason_is_given_once_for_each_stamp_and_in_words() -> None:
    with pytest.raises(ReasonsMissing):
        decide(LATE, replace(EXPLAIN, explanation=" "), context())
    for case in (case_with(ACCEPTED), case_with(ACCEPTED, VIOLATION, EXPLAINED)):
        with pytest.raises(ActNotPossible):
            decide(case, EXPLAIN, context())
    with pytest.raises(NothingOverdue):
        decide(LATE, replace(EXPLAIN, subject="DELIVERY"), context())
    again = case_with(ACCEPTED, VIOLATION, EXPLAINED, VIOLATION)
    assert decide(again, EXPLAIN, context())


def test_another_than_the_owner_explains_it_only_by_the_power_to_supervise() -> None:
    other = replace(CLERK, actor_id="colleague")
    with pytest.raises(NotYours):
        decide(LATE, EXPLAIN, context(actor=other, powers=frozenset({Power.RECEIVE})))
    assert decide(LATE, EXPLAIN, context(actor=other, powers=frozenset({Power.SUPERVISE})))


def test_it_can_be_explained_exactly_while_a_stamp_has_no_reason() -> None:
    assert "ExplainOverdue" in possible_acts(LATE, ITEM, COUNTY)
    for case in (case_with(ACCEPTED), case_with(ACCEPTED, VIOLATION, EXPLAINED)):
        assert "ExplainOverdue" not in possible_acts(case, ITEM, COUNTY)


def test_stamps_and_their_reasons_are_counted() -> None:
    """The numbers of a hall say how often it was late, and why."""
    assert Measure.OVERDUE_STAMPED in measures(LATE)
    found = measures(case_with(ACCEPTED, VIOLATION, EXPLAINED))
    assert Measure.LATE_BY_OTHER_BODY in found
    assert not found & {Measure.OVERDUE_STAMPED, Measure.LATE_BY_STAFF}


def test_what_was_taken_in_elsewhere_than_at_the_hall_is_recorded_by_who_supervises() -> None:
    """体外循环, 已进中心的事项不得在后方受理: no program sees it, people find it."""
    found = commands.RecordOffHall("材料由局机关后方收取，未经窗口")
    assert decide(case_with(ACCEPTED), found, context()) == [
        ViolationRecorded(ViolationRule.OFF_HALL, "", "材料由局机关后方收取，未经窗口")
    ]
    with pytest.raises(PowerMissing):
        decide(case_with(ACCEPTED), found, context(powers=frozenset({Power.RECEIVE})))
    with pytest.raises(ReasonsMissing):
        decide(case_with(ACCEPTED), replace(found, explanation=""), context())
    once = case_with(ACCEPTED, ViolationRecorded(ViolationRule.OFF_HALL, "", "后方收件"))
    with pytest.raises(ActNotPossible):
        decide(once, found, context())
    assert Measure.OFF_HALL in measures(once)

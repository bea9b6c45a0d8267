"""A licence whose renewal was applied for in time is renewed by silence (行政许可法 article 50)."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.case.builders import (
    ACCEPTED,
    BEGAN,
    COUNTY,
    ITEM,
    LEG_OPENED,
    NOTICE,
    PLANNED,
    START,
    SUPPLEMENT,
    TAKEN,
    TOWNSHIP,
    History,
    at,
    calendar,
    context,
    file,
    filed,
    item,
)

from hallnet.case import command as commands
from hallnet.case.case import Case
from hallnet.case.clock import Clock, ClockKind, case_clock, clocks
from hallnet.case.decide import decide, file_case
from hallnet.case.event import Decided, HandedOver, HandOverPurpose, Outcome
from hallnet.case.fact import Renewal, ViolationRecorded, ViolationRule
from hallnet.case.item import TaskType
from hallnet.case.problems import RenewalNotOfThis
from hallnet.case.rules.problems import AlreadyRenewed
from hallnet.case.rules.time import watch_on, what_time_brings
from hallnet.case.stage import Stage

ENDS = date(2026, 4, 4)
"""A Saturday, 33 days after the application of 2026-03-02."""
RENEWS = Renewal("许可 2021-7", ENDS)
FRIDAY, SATURDAY, SUNDAY = (at(f"2026-04-0{day} 10:00") for day in (3, 4, 5))
REFUSE = commands.Decide(Outcome.REFUSED, "不符合条件", "某法第一条")


def renewal(*facts: Any, renews: Renewal = RENEWS, **changes: Any) -> Case:
    history = History(filed(renews=renews, **changes))
    return history.extend(facts).case


def running(case: Case) -> dict[ClockKind, Clock]:
    return {clock.kind: clock for clock in clocks(case, ITEM, calendar())}


def test_what_is_not_decided_before_the_licence_ends_is_renewed_on_the_day_after() -> None:
    case = renewal(ACCEPTED)
    for moment in (FRIDAY, SATURDAY):
        assert not [fact for fact in what_time_brings(case, context(now=moment)) if _is_grant(fact)]
    facts = what_time_brings(case, context(now=SUNDAY))
    assert [_is_grant(fact) for fact in facts][-1]
    violations = [fact for fact in facts if isinstance(fact, ViolationRecorded)]
    assert (ViolationRule.OVERDUE, "RENEWAL") in {(one.rule, one.subject) for one in violations}
    assert History(filed(renews=RENEWS)).extend((ACCEPTED, *facts)).case.stage is Stage.DECIDED


def test_the_licence_ends_on_its_day_be_it_a_day_off_and_nothing_holds_it_up() -> None:
    for case in (renewal(ACCEPTED), renewal(ACCEPTED, BEGAN)):
        clock = running(case)[ClockKind.RENEWAL]
        assert (clock.due_on, clock.stands, clock.count.days[-1].date) == (ENDS, False, ENDS)
        assert watch_on(case, list(running(case).values()), ITEM) is not None


def test_a_licence_that_ends_before_the_promise_is_what_the_case_is_listed_by() -> None:
    assert ITEM.promised_limit is not None
    late = item(promised_limit=replace(ITEM.promised_limit, days=60), statutory_limit=None)
    found = case_clock(clocks(renewal(ACCEPTED), late, calendar()))
    assert found is not None
    assert found.kind is ClockKind.RENEWAL


@given(st.integers(-40, 120), st.sampled_from([0, 60]))
def test_only_who_applied_in_time_has_it_renewed_by_silence(days: int, before: int) -> None:
    """Thirty calendar days, or what another law says."""
    ends = START.date() + timedelta(days=days)
    wanted = item(renewal_days_before=before)
    case = renewal(ACCEPTED, renews=Renewal("7", ends))
    facts = what_time_brings(case, context(now=START + timedelta(days=200), wanted=wanted))
    assert any(_is_grant(fact) for fact in facts) == (days >= (before or 30))


def test_an_application_that_was_not_complete_by_then_is_not_renewed_by_silence() -> None:
    told = History(filed(renews=RENEWS)).add(NOTICE)
    assert what_time_brings(told.case, context(now=SUNDAY)) == []
    told.add(SUPPLEMENT, at("2026-04-06 09:00"))
    accepted = replace(ACCEPTED, accepted_on=date(2026, 4, 7))
    told.add(accepted, at("2026-04-07 09:00"))
    facts = what_time_brings(told.case, context(now=at("2026-04-08 09:00")))
    assert not any(_is_grant(fact) for fact in facts)


def test_what_was_going_on_when_the_licence_ended_has_no_say_any_more() -> None:
    for going_on in ((BEGAN,), (PLANNED, LEG_OPENED)):
        facts = what_time_brings(renewal(ACCEPTED, *going_on), context(now=SUNDAY))
        ended = History(filed(renews=RENEWS)).extend((ACCEPTED, *going_on, *facts)).case
        assert ended.stage is Stage.DECIDED


def test_a_renewal_that_was_filed_elsewhere_goes_back_there() -> None:
    case = renewal(ACCEPTED, intake=TOWNSHIP, competent=COUNTY)
    last = what_time_brings(case, context(TOWNSHIP, now=SUNDAY))[-1]
    assert _is_grant(last)
    there = History(filed(TOWNSHIP, renews=RENEWS))
    there.add(HandedOver(COUNTY, HandOverPurpose.ACROSS, "")).add(TAKEN).add(ACCEPTED)
    last = what_time_brings(there.case, context(COUNTY, now=SUNDAY))[-1]
    assert isinstance(last, HandedOver)
    assert (last.to, last.purpose) == (TOWNSHIP, HandOverPurpose.RETURN)


def test_what_counts_as_renewed_is_not_refused_any_more() -> None:
    case = renewal(ACCEPTED)
    with pytest.raises(AlreadyRenewed):
        decide(case, REFUSE, context(now=SUNDAY))
    assert decide(case, REFUSE, context(now=SATURDAY))


def test_only_a_licence_with_its_number_is_renewed() -> None:
    assert file_case(file(renews=RENEWS), context()).renews == RENEWS
    for wanted, renews in (
        (item(task_type=TaskType.PUBLIC_SERVICE), RENEWS),
        (ITEM, replace(RENEWS, certificate_no=" ")),
    ):
        with pytest.raises(RenewalNotOfThis):
            file_case(file(renews=renews), context(wanted=wanted))


def _is_grant(fact: object) -> bool:
    return (
        isinstance(fact, Decided)
        and fact.outcome is Outcome.GRANTED
        and fact.legal_basis == "行政许可法第五十条第二款"
    )

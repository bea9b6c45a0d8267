"""In process: special procedures, surveys, more time and less; 行政许可法 articles 34 to 48."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from tests.case.builders import (
    ACCEPTED,
    BEGAN,
    EXTENDED,
    PROCEDURE_ENDED,
    SURVEYED,
    URGENT,
    History,
    at,
    calendar,
    calendar_days,
    case_with,
    context,
    filed,
    item,
    working_days,
)

from hallnet.case import command as commands
from hallnet.case.case import Case
from hallnet.case.clock import Alarm, Clock, ClockKind, case_clock, clocks
from hallnet.case.decide import decide
from hallnet.case.fact import (
    Extended,
    ProcedureBegan,
    ProcedureKind,
    Surveyed,
    Surveyor,
    ViolationRecorded,
    ViolationRule,
)
from hallnet.case.item import Extension, JointMode, SpecialProcedure, TaskType
from hallnet.case.power import Power
from hallnet.case.problems import ActNotPossible, PowerMissing, ReasonsMissing
from hallnet.case.rules.problems import (
    DayImpossible,
    HearingTooSoon,
    NotExtendable,
    ProcedureTimeMissing,
    ProcedureTooLong,
    ProcedureUnknown,
    SurveyorsTooFew,
)
from hallnet.case.rules.time import what_time_brings

ACCEPTED_CASE = case_with(ACCEPTED)
TEST = commands.BeginProcedure(ProcedureKind.TEST, "", working_days(10), "需要检测", None)
HEARING = commands.BeginProcedure(
    ProcedureKind.HEARING, "", working_days(20), "涉及他人", date(2026, 3, 11), "法制科周八"
)
EXTEND = commands.Extend(working_days(10), "局长", "案情复杂")


def clock(case: Case, kind: ClockKind, wanted: object = None) -> Clock:
    running = clocks(case, wanted or item(), calendar())  # type: ignore[arg-type]
    return next(found for found in running if found.kind is kind)


# Special procedures


@pytest.mark.parametrize(
    "kind", [kind for kind in ProcedureKind if kind is not ProcedureKind.OF_ITEM]
)
def test_the_time_of_the_steps_of_the_law_does_not_count(kind: ProcedureKind) -> None:
    """Article 45."""
    command = replace(TEST, kind=kind, held_on=date(2026, 6, 1), presiding="周八")
    (fact,) = decide(ACCEPTED_CASE, command, context())
    assert isinstance(fact, ProcedureBegan)
    assert not fact.counted
    assert fact.document_no


@pytest.mark.parametrize("counted", [True, False])
def test_for_a_step_of_the_item_the_item_says_whether_its_time_counts(counted: bool) -> None:
    wanted = item(special_procedures=(SpecialProcedure("公示", working_days(7), counted, ""),))
    command = replace(TEST, kind=ProcedureKind.OF_ITEM, name="公示", expected=working_days(7))
    (fact,) = decide(ACCEPTED_CASE, command, context(wanted=wanted))
    assert isinstance(fact, ProcedureBegan)
    assert fact.counted is counted
    with pytest.raises(ProcedureTooLong):
        decide(ACCEPTED_CASE, replace(command, expected=working_days(8)), context(wanted=wanted))
    with pytest.raises(ProcedureUnknown):
        decide(ACCEPTED_CASE, replace(command, name="内部会商"), context(wanted=wanted))


@pytest.mark.parametrize("changes", [{"expected": working_days(0)}, {"reason": " "}])
def test_there_is_no_pause_of_which_the_applicant_was_not_told(changes: dict[str, object]) -> None:
    """Article 45: how long it takes is told in writing; no notice, no pause."""
    with pytest.raises(ProcedureTimeMissing):
        decide(ACCEPTED_CASE, replace(TEST, **changes), context())  # type: ignore[arg-type]


def test_a_hearing_is_announced_seven_working_days_before() -> None:
    """Article 48: told on 2026-03-02, held on 03-11 at the earliest."""
    assert decide(ACCEPTED_CASE, HEARING, context())
    for held_on in (date(2026, 3, 10), None):
        with pytest.raises(HearingTooSoon):
            decide(ACCEPTED_CASE, replace(HEARING, held_on=held_on), context())


def test_a_pause_moves_the_end_by_its_working_days() -> None:
    """2026-03-02 and 20 days end on 03-30; with a pause from 03-06 to 03-20 on 04-14."""
    history = History(filed()).add(ACCEPTED, at("2026-03-02 10:00"))
    wanted = item(promised_limit=None)
    assert clock(history.case, ClockKind.STATUTORY, wanted).due_on == date(2026, 3, 30)
    history.add(BEGAN, at("2026-03-06 09:00"))
    history.add(PROCEDURE_ENDED, at("2026-03-20 17:00"))
    ended = clock(history.case, ClockKind.STATUTORY, wanted)
    assert ended.due_on == date(2026, 4, 14)
    assert any("专家评审期间不计入" in day.reason for day in ended.count.days)


def test_while_a_procedure_goes_on_the_clock_stands_and_the_estimate_is_what_was_told() -> None:
    history = History(filed()).add(ACCEPTED, at("2026-03-02 10:00"))
    history.add(BEGAN, at("2026-03-06 09:00"))
    standing = clock(history.case, ClockKind.PROMISE)
    assert standing.stands
    assert standing.alarm(date(2026, 12, 1), calendar()) is Alarm.NONE
    assert standing.yellow_on(calendar()) is None
    told = clock(history.case, ClockKind.PROCEDURE)
    assert told.due_on == date(2026, 3, 20)
    assert told.alarm(date(2026, 3, 21), calendar()) is Alarm.RED


def test_a_pause_that_begins_after_the_last_day_undoes_nothing() -> None:
    history = History(filed()).add(ACCEPTED, at("2026-03-02 10:00"))
    history.add(BEGAN, at("2026-03-20 09:00"))
    late = clock(history.case, ClockKind.PROMISE)
    assert not late.stands
    assert late.alarm(date(2026, 3, 21), calendar()) is Alarm.RED


def test_one_procedure_at_a_time() -> None:
    with pytest.raises(ActNotPossible):
        decide(case_with(ACCEPTED, BEGAN), TEST, context())
    with pytest.raises(ActNotPossible):
        decide(ACCEPTED_CASE, commands.EndProcedure("合格"), context())


# Surveys


@pytest.mark.parametrize(
    "surveyors",
    [
        (),
        SURVEYED.surveyors[:1],
        (SURVEYED.surveyors[0], SURVEYED.surveyors[0]),
        (SURVEYED.surveyors[0], Surveyor("周七", "执法室", "")),
        (SURVEYED.surveyors[0], Surveyor(" ", "执法室", "33-2")),
    ],
)
def test_a_survey_needs_two_people_with_a_certificate(surveyors: tuple[Surveyor, ...]) -> None:
    """Article 34."""
    command = commands.Survey(date(2026, 3, 2), surveyors, "符合", True)
    with pytest.raises(SurveyorsTooFew):
        decide(ACCEPTED_CASE, command, context())


def test_a_survey_is_recorded_with_its_people_and_day() -> None:
    command = commands.Survey(date(2026, 3, 3), SURVEYED.surveyors, "符合", True)
    (fact,) = decide(ACCEPTED_CASE, command, context(now=at("2026-03-04 09:00")))
    assert fact == Surveyed(date(2026, 3, 3), SURVEYED.surveyors, "符合", True)
    for day in (date(2026, 3, 1), date(2026, 3, 5)):
        with pytest.raises(DayImpossible):
            decide(
                ACCEPTED_CASE,
                replace(command, surveyed_on=day),
                context(now=at("2026-03-04 09:00")),
            )


# Extension


def test_the_head_extends_once_by_ten_days_with_a_reason() -> None:
    """Article 42(1)."""
    (fact,) = decide(ACCEPTED_CASE, EXTEND, context())
    assert fact == Extended("330110-0001", working_days(10), "局长", "案情复杂")
    with pytest.raises(PowerMissing):
        decide(ACCEPTED_CASE, EXTEND, context(powers=frozenset(Power) - {Power.HEAD}))
    for lacking in (replace(EXTEND, reason=" "), replace(EXTEND, approver="")):
        with pytest.raises(ReasonsMissing):
            decide(ACCEPTED_CASE, lacking, context())
    with pytest.raises(ActNotPossible):
        decide(case_with(ACCEPTED, EXTENDED), EXTEND, context())


@pytest.mark.parametrize("by", [working_days(11), working_days(0), calendar_days(10)])
def test_no_more_than_the_law_allows(by: object) -> None:
    with pytest.raises(NotExtendable):
        decide(ACCEPTED_CASE, replace(EXTEND, by=by), context())  # type: ignore[arg-type]


def test_joint_handling_may_be_extended_by_fifteen_days() -> None:
    """Article 42(2)."""
    joint = item(joint_mode=JointMode.PARALLEL)
    by = replace(EXTEND, by=working_days(15))
    assert decide(ACCEPTED_CASE, by, context(wanted=joint))
    with pytest.raises(NotExtendable):
        decide(ACCEPTED_CASE, by, context())


def test_what_is_no_licence_is_extended_only_as_the_item_says() -> None:
    benefit = item(task_type=TaskType.BENEFIT)
    with pytest.raises(NotExtendable):
        decide(ACCEPTED_CASE, EXTEND, context(wanted=benefit))
    said = replace(benefit, extension=Extension(working_days(10), "民政局负责人"))
    assert decide(ACCEPTED_CASE, EXTEND, context(wanted=said))


def test_limit_and_extension_together_stay_within_what_the_item_says() -> None:
    capped = item(extension=Extension(working_days(10), "局长", working_days(25)))
    with pytest.raises(NotExtendable):
        decide(ACCEPTED_CASE, EXTEND, context(wanted=capped))
    assert decide(ACCEPTED_CASE, replace(EXTEND, by=working_days(5)), context(wanted=capped))


def test_what_is_over_is_not_extended() -> None:
    with pytest.raises(NotExtendable):
        decide(ACCEPTED_CASE, EXTEND, context(now=at("2026-03-10 09:00")))


def test_an_extension_moves_the_last_day_and_says_so() -> None:
    """2026-03-02 and 5 days end on 03-09, with 10 more on 03-23."""
    extended = clock(case_with(ACCEPTED, EXTENDED), ClockKind.PROMISE)
    assert extended.due_on == date(2026, 3, 23)
    assert "含延长10日" in extended.limit.remark


# Urgent, and overdue


def test_an_urgent_case_is_listed_by_its_short_clock() -> None:
    case = case_with(ACCEPTED, URGENT)
    listed = case_clock(clocks(case, item(), calendar()))
    assert listed is not None
    assert (listed.kind, listed.due_on) == (ClockKind.URGENT, date(2026, 3, 3))


def test_overdue_is_stamped_once_and_stays() -> None:
    """The promise ends on 2026-03-09: whatever the calendar becomes, the stamp stays."""
    history = History(filed()).add(ACCEPTED)
    assert what_time_brings(history.case, context(now=at("2026-03-09 23:59"))) == []
    (stamp,) = what_time_brings(history.case, context(now=at("2026-03-10 00:00")))
    assert isinstance(stamp, ViolationRecorded)
    assert (stamp.rule, stamp.subject) == (ViolationRule.OVERDUE, "PROMISE")
    history.add(stamp, at("2026-03-10 00:01"))
    assert what_time_brings(history.case, context(now=at("2026-03-11 00:00"))) == []
    later = what_time_brings(history.case, context(now=at("2026-03-31 00:00")))
    assert [fact.subject for fact in later if isinstance(fact, ViolationRecorded)] == ["STATUTORY"]

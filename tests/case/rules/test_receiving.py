"""Receiving an application: 行政许可法 articles 29 to 33, and the local rules on acceptance with gaps."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from tests.case.builders import (
    CHECKUP,
    COUNTY,
    FORM,
    NOTICE,
    OTHER_COUNTY,
    PHOTO,
    RETURNED,
    SIGNED,
    SUPPLEMENT,
    TAKEN,
    TOLERANT,
    History,
    at,
    calendar,
    calendar_days,
    case_with,
    context,
    filed,
    item,
    material,
    to,
    working_days,
)

from hallnet.case import command as commands
from hallnet.case.clock import ClockKind, clocks
from hallnet.case.decide import decide
from hallnet.case.event import (
    AcceptanceBasis,
    Accepted,
    Decided,
    Defect,
    DefectKind,
    NoticeGiven,
    Outcome,
    PrereviewReturned,
    Supplemented,
)
from hallnet.case.fact import (
    Ended,
    EndManner,
    GapEnd,
    PrereviewPassed,
    ViolationRecorded,
    ViolationRule,
)
from hallnet.case.item import TaskType
from hallnet.case.liability import answered_defects
from hallnet.case.policy import Policy
from hallnet.case.problems import ActNotPossible, DefectsIncomplete, MaterialsMissing
from hallnet.case.rules.problems import (
    EndNotAllowed,
    GapsNotDue,
    GapsNotPromised,
    GapsOpen,
    GapsUnknown,
    PromiseUnsigned,
)
from hallnet.case.rules.time import watch_on, what_time_brings

PROMISE = commands.AcceptWithGaps(material("承诺书"))
WITH_GAPS = Accepted(
    "A-1",
    AcceptanceBasis.TOLERANT,
    date(2026, 3, 2),
    (CHECKUP,),
    working_days(5),
    GapEnd.ACCEPTANCE_REVOKED,
    material("承诺书"),
)


# Pre-review


def test_what_is_complete_online_was_received_on_the_day_it_had_arrived() -> None:
    """Article 33: filing online is filing; the limits are not counted from the hall's click."""
    case = History(filed(for_prereview=True)).case
    *_, fact = decide(case, commands.PassPrereview(), context(now=at("2026-03-04 10:00")))
    assert fact == PrereviewPassed(date(2026, 3, 2))


def test_what_was_completed_after_a_return_was_received_on_that_day() -> None:
    history = History(filed(for_prereview=True, materials=(material(FORM),))).add(RETURNED)
    history.add(SUPPLEMENT, at("2026-03-05 09:00"))
    (fact,) = decide(history.case, commands.PassPrereview(), context(now=at("2026-03-06 10:00")))
    assert fact == PrereviewPassed(date(2026, 3, 5))


def test_pre_review_starts_no_limit_of_the_law_and_ends_within_one_working_day() -> None:
    case = History(filed(for_prereview=True)).case
    kinds = {clock.kind: clock.due_on for clock in clocks(case, item(), calendar())}
    assert kinds == {ClockKind.PREREVIEW: date(2026, 3, 3)}


def test_a_pre_review_is_given_back_with_all_that_is_wrong() -> None:
    case = History(filed(for_prereview=True, materials=())).case
    one = (Defect(FORM, "缺少", "补交"),)
    with pytest.raises(DefectsIncomplete):
        decide(case, commands.ReturnPrereview(one), context())
    both = (*one, Defect(PHOTO, "缺少", "补交"))
    assert decide(case, commands.ReturnPrereview(both), context()) == [PrereviewReturned(both)]


def test_nothing_incomplete_passes_a_pre_review() -> None:
    case = History(filed(for_prereview=True, materials=())).case
    with pytest.raises(MaterialsMissing):
        decide(case, commands.PassPrereview(), context())


# One-time notice


def test_second_notice_with_new_defect_on_an_unchanged_material_is_a_violation() -> None:
    """Article 32(4); acceptance check 7."""
    first = NoticeGiven("N-1", (Defect(PHOTO, "模糊", "重拍"),))
    case = case_with(first, Supplemented((material(PHOTO),)))
    late = commands.GiveNotice((Defect(FORM, "未签名", "补签"), Defect(PHOTO, "过期", "重拍")))
    notice, violation = decide(case, late, context())
    assert isinstance(notice, NoticeGiven)
    assert isinstance(violation, ViolationRecorded)
    assert (violation.rule, violation.subject) == (ViolationRule.SECOND_NOTICE, FORM)


def test_what_was_told_before_or_of_a_changed_material_may_be_told_again() -> None:
    first = NoticeGiven("N-1", (Defect(PHOTO, "模糊", "重拍"), Defect(FORM, "未签名", "补签")))
    case = case_with(first, Supplemented((material(PHOTO),)))
    again = commands.GiveNotice((Defect(FORM, "未签名", "补签"), Defect(PHOTO, "过期", "重拍")))
    assert len(decide(case, again, context())) == 1


def test_a_notice_is_an_event_and_no_command_changes_it() -> None:
    """Acceptance check 7: nobody changes a notice that was given; a new one has a number of its own."""
    case = case_with(NOTICE)
    with pytest.raises(ActNotPossible):
        decide(case, commands.GiveNotice((Defect(PHOTO, "另", "另"),)), context())
    with pytest.raises(ActNotPossible):
        decide(case, commands.Correct("告知内容", "甲", "乙", "笔误"), context())


@pytest.mark.parametrize(
    ("kind", "at_intake"),
    [
        (None, True),
        (DefectKind.FORM, True),
        (DefectKind.IDENTITY, True),
        (DefectKind.SUBSTANCE, False),
        (DefectKind.LEGALITY, False),
    ],
)
def test_identity_and_form_are_the_intakes_and_substance_and_legality_the_deciders(
    kind: DefectKind | None, at_intake: bool
) -> None:
    """异地代收代办, 收受分离."""
    assert Defect(FORM, "问题", "办法", kind).missed_at_intake is at_intake


def test_what_the_deciding_hall_finds_wrong_says_who_answers_for_it() -> None:
    """Identity and form are missed at intake; what the hall of intake found itself nobody missed."""
    photo = Defect(PHOTO, "模糊", "重拍", DefectKind.FORM)
    lawful = Defect(FORM, "用途不符", "更正", DefectKind.LEGALITY)
    history = History(filed(OTHER_COUNTY, COUNTY))
    history.extend([NOTICE, SUPPLEMENT, to(COUNTY), TAKEN, NoticeGiven("N-2", (photo, lawful))])
    found = [(one.defect, one.hall) for one in answered_defects(history.case)]
    assert found == [(photo, OTHER_COUNTY), (lawful, COUNTY)]
    at_home = case_with(NoticeGiven("N-2", (photo, lawful)))
    assert answered_defects(at_home) == []


# Silence


def test_silence_for_five_working_days_is_acceptance_from_the_first_day() -> None:
    """Article 32(4): received on 2026-03-02, nothing told by 03-09, so accepted from 03-02."""
    case = case_with()
    assert what_time_brings(case, context(now=at("2026-03-09 23:00"))) == []
    accepted, violation, *_ = what_time_brings(case, context(now=at("2026-03-10 00:01")))
    assert isinstance(accepted, Accepted)
    assert (accepted.basis, accepted.accepted_on) == (AcceptanceBasis.SILENCE, date(2026, 3, 2))
    assert isinstance(violation, ViolationRecorded)
    assert violation.rule is ViolationRule.SILENCE


def test_silence_after_a_supplement_is_acceptance_from_the_supplement() -> None:
    history = History(filed(materials=(material(FORM),))).add(NOTICE)
    history.add(SUPPLEMENT, at("2026-03-20 09:00"))
    accepted = what_time_brings(history.case, context(now=at("2026-04-01 09:00")))[0]
    assert isinstance(accepted, Accepted)
    assert accepted.accepted_on == date(2026, 3, 20)


def test_what_is_handed_in_unasked_gives_the_hall_no_more_time() -> None:
    history = History(filed(materials=(material(FORM),))).add(SUPPLEMENT, at("2026-03-06 09:00"))
    accepted = what_time_brings(history.case, context(now=at("2026-03-10 09:00")))[0]
    assert isinstance(accepted, Accepted)
    assert accepted.accepted_on == date(2026, 3, 2)


def test_no_silence_while_the_applicant_has_the_turn() -> None:
    case = case_with(NOTICE)
    assert what_time_brings(case, context(now=at("2026-12-01 09:00"))) == []
    assert watch_on(case, clocks(case, item(), calendar()), item()) is None


# Acceptance with gaps


def test_what_may_come_later_is_accepted_with_gaps_on_a_promise() -> None:
    """浙江省保障“最多跑一次”改革规定 article 4: what, how, when and what happens otherwise is told."""
    (fact,) = decide(case_with(), PROMISE, context(wanted=TOLERANT))
    assert fact == replace(WITH_GAPS, document_no="330110-0001")


def test_the_time_for_gaps_is_no_longer_than_the_promise_unless_the_policy_says_so() -> None:
    policy = Policy(gaps_limit=calendar_days(30), gaps_end=GapEnd.RETURNED)
    (fact,) = decide(case_with(), PROMISE, context(wanted=TOLERANT, policy=policy))
    assert isinstance(fact, Accepted)
    assert (fact.gaps_limit, fact.gaps_end) == (calendar_days(30), GapEnd.RETURNED)


def test_main_materials_are_no_gaps() -> None:
    case = case_with(opening=filed(materials=(material(FORM),)))
    with pytest.raises(MaterialsMissing):
        decide(case, PROMISE, context(wanted=TOLERANT))


def test_a_complete_application_has_no_gaps() -> None:
    with pytest.raises(GapsUnknown):
        decide(case_with(), PROMISE, context())


def test_a_promise_is_signed() -> None:
    unsigned = commands.AcceptWithGaps(replace(material("承诺书"), size=0))
    with pytest.raises(PromiseUnsigned):
        decide(case_with(), unsigned, context(wanted=TOLERANT))


def test_a_policy_may_ask_for_the_signed_promise() -> None:
    policy = Policy(gaps_need_promise=True)
    with pytest.raises(GapsNotPromised):
        decide(case_with(), commands.Accept(), context(wanted=TOLERANT, policy=policy))
    (fact,) = decide(case_with(), commands.Accept(), context(wanted=TOLERANT))
    assert isinstance(fact, Accepted)
    assert fact.gaps == (CHECKUP,)


def test_nothing_is_decided_while_gaps_are_open_except_help() -> None:
    case = case_with(WITH_GAPS)
    grant = commands.Decide(Outcome.GRANTED, "", "")
    with pytest.raises(GapsOpen):
        decide(case, grant, context(wanted=TOLERANT))
    filled = case_with(WITH_GAPS, Supplemented((material(CHECKUP),)))
    assert decide(filled, grant, context(wanted=TOLERANT))
    help_first = replace(TOLERANT, task_type=TaskType.BENEFIT)
    assert decide(case, grant, context(wanted=help_first))


ENDS = {
    GapEnd.ACCEPTANCE_REVOKED: EndManner.ACCEPTANCE_REVOKED,
    GapEnd.DEEMED_WITHDRAWN: EndManner.DEEMED_WITHDRAWN,
    GapEnd.RETURNED: EndManner.RETURNED,
    GapEnd.TERMINATED: EndManner.TERMINATED,
}
LATE = at("2026-03-10 09:00")


@pytest.mark.parametrize("told", ENDS)
def test_gaps_that_stay_end_as_the_applicant_was_told_and_not_before(told: GapEnd) -> None:
    """The places differ: 浙江, 安阳, 滨州, 洋县 and 西安 have five ends."""
    case = case_with(replace(WITH_GAPS, gaps_end=told))
    right = commands.End(ENDS[told], "逾期未补", "本地规定")
    if told is not GapEnd.TERMINATED:
        with pytest.raises(GapsNotDue):
            decide(case, right, context(wanted=TOLERANT, now=at("2026-03-09 09:00")))
        other = ENDS[GapEnd.RETURNED if told is not GapEnd.RETURNED else GapEnd.DEEMED_WITHDRAWN]
        with pytest.raises(EndNotAllowed):
            decide(case, replace(right, manner=other), context(wanted=TOLERANT, now=LATE))
    *_, fact = decide(case, right, context(wanted=TOLERANT, now=LATE))
    assert isinstance(fact, Ended)
    assert (fact.manner, bool(fact.remedy)) == (ENDS[told], True)


def test_gaps_that_stay_are_refused_where_that_was_told() -> None:
    """滨州: 不予审批, by a person, with reasons."""
    case = case_with(replace(WITH_GAPS, gaps_end=GapEnd.REFUSED))
    refuse = commands.Decide(Outcome.REFUSED, "逾期未补", "某条例")
    with pytest.raises(GapsOpen):
        decide(case, refuse, context(wanted=TOLERANT))
    facts = decide(case, refuse, context(wanted=TOLERANT, now=LATE))
    assert [fact for fact in facts if isinstance(fact, Decided)]


def test_a_notice_that_is_not_answered_ends_only_where_a_time_is_set_and_over() -> None:
    case = case_with(NOTICE)
    end = commands.End(EndManner.DEEMED_WITHDRAWN, "逾期未补正", "本地规定")
    with pytest.raises(EndNotAllowed):
        decide(case, end, context(now=at("2027-03-02 09:00")))
    policy = Policy(supplement_limit=working_days(10))
    with pytest.raises(GapsNotDue):
        decide(case, end, context(now=at("2026-03-16 09:00"), policy=policy))
    assert decide(case, end, context(now=at("2026-03-17 09:00"), policy=policy))


def test_a_promise_in_place_of_proofs_makes_an_application_complete() -> None:
    """国办发〔2020〕42号: the body stops asking for the proof."""
    case = case_with(SIGNED, opening=filed(materials=(material(FORM),)))
    (fact,) = decide(case, commands.Accept(), context())
    assert isinstance(fact, Accepted)
    assert fact.basis is AcceptanceBasis.COMMITMENT

"""The decision and after it: 行政许可法 articles 38 to 44, 69 and 79, and the practice of halls."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from tests.case.builders import (
    ACCEPTED,
    AGENT,
    ARCHIVED,
    CHECKED,
    CLERK,
    CLOSED,
    CONFIRMED,
    COUNTY,
    GRANTED,
    NOTICE,
    PHOTO,
    REPORTED,
    SENT,
    SIGNED,
    START,
    SUSPENDED,
    TAKEN,
    TOWNSHIP,
    UNSIGNED,
    WITHDRAWN,
    at,
    calendar,
    case_with,
    context,
    filed,
    item,
    mandate,
    material,
    to,
)

from hallnet.case import command as commands
from hallnet.case.case import Case
from hallnet.case.clock import ClockKind, clocks
from hallnet.case.decide import decide
from hallnet.case.event import (
    Closed,
    Decided,
    DeliveryMethod,
    HandedOver,
    HandOverPurpose,
    Outcome,
)
from hallnet.case.fact import (
    AfterChecked,
    CheckResult,
    CommitmentSigned,
    Corrected,
    DecisionRevoked,
    Ended,
    EndManner,
    Issued,
    MandateChange,
    MandateChanged,
    OriginalsReceived,
    RefusalReported,
    ViolationRecorded,
)
from hallnet.case.fee import Charge, FeeAccount, Payment, assessed, paid
from hallnet.case.fee_problems import FeeOutstanding, FeesNotAssessed
from hallnet.case.item import Fee
from hallnet.case.policy import Policy
from hallnet.case.power import Power
from hallnet.case.problems import (
    ActNotPossible,
    MandateMissing,
    MandateNotForThis,
    NotCompetent,
    PowerMissing,
    ReasonsMissing,
)
from hallnet.case.rules.problems import (
    BagNumberTaken,
    BagUnknown,
    CheckPending,
    CommitmentMissing,
    CommitmentNotAllowed,
    MandateChangeImpossible,
    NothingCorrected,
    OnePersonOnly,
    OriginalsMissing,
    PromiseUnsigned,
    RefusalNotReported,
)
from hallnet.case.stage import Stage

REFUSED = Decided("J-2", Outcome.REFUSED, "不符合条件", "某法第一条", "可申请复议", "")
CLOSE = commands.Close(DeliveryMethod.COUNTER, "章三")
REVOKE = commands.RevokeDecision("承诺不实", "某法第六十九条")
ARCHIVE = commands.Archive("档-1")
PROMISED = item(commitment_allowed=True)
SIGN = commands.SignCommitment((PHOTO,), "2026版", material("承诺书"))


# Refusal


def test_refusing_an_investment_case_needs_written_reasons_and_a_report() -> None:
    """Acceptance check 3: article 38, and 否定报备."""
    case = case_with(ACCEPTED)
    with pytest.raises(ReasonsMissing):
        decide(case, commands.Decide(Outcome.REFUSED, "", ""), context())
    refused = case_with(ACCEPTED, REFUSED)
    with pytest.raises(RefusalNotReported):
        decide(refused, CLOSE, context())
    report = commands.ReportRefusal("联络员", "不符合条件")
    assert decide(refused, report, context()) == [RefusalReported("联络员", "不符合条件")]
    assert isinstance(decide(case_with(ACCEPTED, REFUSED, REPORTED), CLOSE, context())[0], Closed)


def test_where_no_report_is_asked_for_none_is_needed() -> None:
    refused = case_with(ACCEPTED, REFUSED)
    assert decide(refused, CLOSE, context(policy=Policy(refusal_report_waived=True)))


def test_what_was_granted_is_not_reported_as_refused_and_what_was_refused_is_not_issued() -> None:
    with pytest.raises(ActNotPossible):
        decide(case_with(ACCEPTED, GRANTED), commands.ReportRefusal("甲", "乙"), context())
    issue = commands.Issue("某证", "Z-1", date(2026, 3, 2), None)
    with pytest.raises(ActNotPossible):
        decide(case_with(ACCEPTED, REFUSED), issue, context())
    assert decide(case_with(ACCEPTED, GRANTED), issue, context()) == [
        Issued("某证", "Z-1", date(2026, 3, 2), None)
    ]


# Who decides


def test_one_review_and_one_check_are_two_people_where_the_policy_says_so() -> None:
    """一审一核."""
    case, grant = case_with(ACCEPTED), commands.Decide(Outcome.GRANTED, "", "")
    two = Policy(two_persons_decide=True)
    with pytest.raises(OnePersonOnly):
        decide(case, grant, context(policy=two))
    another = replace(CLERK, actor_id="chief")
    assert decide(case, grant, context(policy=two, actor=another))
    assert decide(case, grant, context())


def test_a_late_decision_bears_the_stamp() -> None:
    late = context(now=at("2026-03-10 09:00"))
    facts = decide(case_with(ACCEPTED), commands.Decide(Outcome.GRANTED, "", ""), late)
    assert [type(fact) for fact in facts] == [ViolationRecorded, Decided]


# Promises and their check


def test_a_promise_is_for_items_that_allow_it_and_is_signed() -> None:
    """国办发〔2020〕42号: not for security, life and health and the like."""
    with pytest.raises(CommitmentNotAllowed):
        decide(case_with(), SIGN, context())
    for lacking in (
        replace(SIGN, evidence=replace(SIGN.evidence, size=0)),
        replace(SIGN, text_version=""),
    ):
        with pytest.raises(PromiseUnsigned):
            decide(case_with(), lacking, context(wanted=PROMISED))
    (fact,) = decide(case_with(), SIGN, context(wanted=PROMISED))
    assert isinstance(fact, CommitmentSigned)


def test_a_promise_is_withdrawn_before_the_decision_and_the_proofs_are_asked_for_again() -> None:
    """安阳市政务服务条例 article 26."""
    opening = filed(materials=(material("申请表"),))
    assert case_with(SIGNED, opening=opening).missing_materials(PROMISED) == []
    assert case_with(SIGNED, UNSIGNED, opening=opening).missing_materials(PROMISED) == [PHOTO]
    with pytest.raises(CommitmentMissing):
        decide(case_with(), commands.WithdrawCommitment("改"), context(wanted=PROMISED))
    with pytest.raises(ActNotPossible):
        decide(
            case_with(SIGNED, ACCEPTED, GRANTED),
            commands.WithdrawCommitment("改"),
            context(wanted=PROMISED),
        )


def test_a_promise_is_checked_within_sixty_working_days_of_the_decision() -> None:
    """浙江省保障“最多跑一次”改革规定 article 14."""
    case = case_with(SIGNED, ACCEPTED, GRANTED)
    running = {clock.kind: clock for clock in clocks(case, PROMISED, calendar())}
    check = running[ClockKind.AFTER_CHECK]
    assert (check.limit.days, check.met_on) == (60, None)
    done = clocks(case_with(SIGNED, ACCEPTED, GRANTED, CHECKED), PROMISED, calendar())
    assert next(clock for clock in done if clock.kind is ClockKind.AFTER_CHECK).met_on


def test_what_is_to_be_put_right_is_not_yet_checked() -> None:
    halfway = replace(CHECKED, result=CheckResult.TO_BE_PUT_RIGHT)
    case = case_with(SIGNED, ACCEPTED, GRANTED, CLOSED, halfway)
    running = clocks(case, PROMISED, calendar())
    assert next(clock for clock in running if clock.kind is ClockKind.AFTER_CHECK).met_on is None
    with pytest.raises(CheckPending):
        decide(case, ARCHIVE, context())
    kept = case_with(SIGNED, ACCEPTED, GRANTED, CLOSED, halfway, CHECKED)
    assert decide(kept, ARCHIVE, context()) == [ARCHIVED]


def test_a_closed_case_with_a_promise_goes_back_to_the_hall_that_decided() -> None:
    from_township = case_with(
        SIGNED, to(COUNTY), TAKEN, ACCEPTED, GRANTED, to(TOWNSHIP), TAKEN, opening=filed(TOWNSHIP)
    )
    closed, handed = decide(from_township, CLOSE, context(TOWNSHIP, PROMISED))
    assert isinstance(closed, Closed)
    assert handed == HandedOver(COUNTY, HandOverPurpose.AFTER_CHECK, "告知承诺事后核查")


def test_a_broken_promise_takes_the_decision_back() -> None:
    """安阳市政务服务条例 article 29, 行政许可法 article 69."""
    case = case_with(SIGNED, ACCEPTED, GRANTED, CLOSED)
    (checked,) = decide(
        case, commands.CheckAfterwards(CheckResult.BROKEN, "没有场地"), context(wanted=PROMISED)
    )
    assert checked == AfterChecked(CheckResult.BROKEN, "没有场地")
    (revoked,) = decide(case, REVOKE, context(wanted=PROMISED))
    assert isinstance(revoked, DecisionRevoked)
    assert revoked.remedy
    for lacking in (replace(REVOKE, reasons=""), replace(REVOKE, legal_basis=" ")):
        with pytest.raises(ReasonsMissing):
            decide(case, lacking, context(wanted=PROMISED))


def test_only_the_hall_that_is_competent_takes_a_decision_back() -> None:
    at_township = case_with(
        to(COUNTY), TAKEN, ACCEPTED, GRANTED, to(TOWNSHIP), TAKEN, opening=filed(TOWNSHIP)
    )
    with pytest.raises(NotCompetent):
        decide(at_township, REVOKE, context(TOWNSHIP))


# Correction and archive


def test_a_slip_is_put_right_without_opening_the_case_again() -> None:
    case = case_with(ACCEPTED, GRANTED, CLOSED)
    (fact,) = decide(case, commands.Correct("姓名", "章三", "章叁", "录入错误"), context())
    assert fact == Corrected("姓名", "章三", "章叁", "录入错误")
    corrected = case_with(ACCEPTED, GRANTED, CLOSED, fact)
    assert corrected.stage is Stage.CLOSED
    for empty in (("", "甲", "乙", "因"), ("姓名", "甲", "甲", "因"), ("姓名", "甲", "乙", " ")):
        with pytest.raises(NothingCorrected):
            decide(case, commands.Correct(*empty), context())


def test_only_what_has_ended_is_archived_and_once() -> None:
    for facts in ((), (NOTICE,), (ACCEPTED,), (ACCEPTED, GRANTED)):
        with pytest.raises(ActNotPossible):
            decide(case_with(*facts), ARCHIVE, context())
    for ended in ((WITHDRAWN,), (ACCEPTED, GRANTED, CLOSED)):
        assert decide(case_with(*ended), ARCHIVE, context()) == [ARCHIVED]
        with pytest.raises(ActNotPossible):
            decide(case_with(*ended, ARCHIVED), ARCHIVE, context())


def test_a_slip_of_the_hall_is_voided_by_who_supervises() -> None:
    void = commands.End(EndManner.VOID, "重复录入", "")
    (fact,) = decide(case_with(), void, context())
    assert isinstance(fact, Ended)
    with pytest.raises(PowerMissing):
        decide(case_with(), void, context(powers=frozenset(Power) - {Power.SUPERVISE}))


def test_to_terminate_in_process_needs_a_legal_basis() -> None:
    end = commands.End(EndManner.TERMINATED, "申请人死亡", "")
    with pytest.raises(ReasonsMissing):
        decide(case_with(ACCEPTED), end, context())
    assert decide(case_with(ACCEPTED), replace(end, legal_basis="某法"), context())


# Originals


def test_a_bag_is_confirmed_where_it_was_sent_and_once() -> None:
    send = commands.SendOriginals("B-1", ("房产证",), TOWNSHIP, "邮政")
    confirm = commands.ReceiveOriginals("B-1", ("房产证",), True, "")
    under_way = case_with(SENT, to(TOWNSHIP), TAKEN)
    assert decide(under_way, confirm, context(TOWNSHIP)) == [
        OriginalsReceived("B-1", ("房产证",), True, "")
    ]
    with pytest.raises(BagNumberTaken):
        decide(case_with(SENT), send, context())
    for case, here in ((case_with(SENT), COUNTY), (case_with(), COUNTY)):
        with pytest.raises(BagUnknown):
            decide(case, confirm, context(here))
    with pytest.raises(BagUnknown):
        decide(case_with(SENT, to(TOWNSHIP), TAKEN, CONFIRMED), confirm, context(TOWNSHIP))
    with pytest.raises(OriginalsMissing):
        decide(case_with(), replace(send, originals=(" ",)), context())


# Permissions


def of_an_agent(*facts: MandateChanged) -> Case:
    return case_with(NOTICE, *facts, opening=filed(mandate=mandate()))


def test_a_suspended_or_revoked_permission_lets_the_agent_do_nothing() -> None:
    """委托中止, 终止."""
    supplement = commands.Supplement((material(PHOTO),))
    by_agent = context(actor=AGENT, powers=frozenset())
    assert decide(of_an_agent(), supplement, by_agent)
    for change in (MandateChange.SUSPENDED, MandateChange.REVOKED):
        with pytest.raises(MandateNotForThis):
            decide(of_an_agent(replace(SUSPENDED, change=change)), supplement, by_agent)
    resumed = of_an_agent(SUSPENDED, replace(SUSPENDED, change=MandateChange.RESUMED))
    assert decide(resumed, supplement, by_agent)


def test_what_was_revoked_does_not_come_back() -> None:
    resume = commands.ChangeMandate(MandateChange.RESUMED, "本人要求")
    revoked = of_an_agent(replace(SUSPENDED, change=MandateChange.REVOKED))
    with pytest.raises(MandateChangeImpossible):
        decide(revoked, resume, context())
    with pytest.raises(MandateChangeImpossible):
        decide(of_an_agent(), resume, context())
    assert decide(of_an_agent(SUSPENDED), resume, context())
    with pytest.raises(MandateMissing):
        decide(case_with(NOTICE), resume, context())


def test_an_agent_does_not_change_the_permission() -> None:
    command = commands.ChangeMandate(MandateChange.SUSPENDED, "想")
    with pytest.raises(PowerMissing):
        decide(of_an_agent(), command, context(actor=AGENT))


# Fees

OWED = FeeAccount("case-1", (Charge("工本费", 1000, "某办法", "某证号", "某局"),), (), None, True)


def test_what_is_owed_is_paid_before_a_result_is_issued_or_handed_over() -> None:
    issue = commands.Issue("某证", "Z-1", date(2026, 3, 2), None)
    for command in (issue, CLOSE):
        with pytest.raises(FeeOutstanding):
            decide(case_with(ACCEPTED, GRANTED), command, context(fees=OWED))
        paid = replace(OWED, payments=(Payment("R-1", 1000, at("2026-03-02 09:00")),))
        assert decide(case_with(ACCEPTED, GRANTED), command, context(fees=paid))


def test_who_is_refused_is_told_so_whatever_is_owed() -> None:
    assert decide(case_with(ACCEPTED, REFUSED, REPORTED), CLOSE, context(fees=OWED))


def test_what_has_a_fee_is_closed_once_it_was_assessed_or_says_why_nothing_is_charged() -> None:
    fee = Fee("工本费", 1000, False, "某法", "", "县财政局", "", permit="目录清单")
    wanted, case = item(fees=(fee,)), case_with(ACCEPTED, GRANTED)
    with pytest.raises(FeesNotAssessed):
        decide(case, CLOSE, context(wanted=wanted))
    with pytest.raises(FeesNotAssessed):
        decide(case, replace(CLOSE, no_fee=" "), context(wanted=wanted))
    account = assessed("case-1", wanted)
    with pytest.raises(FeeOutstanding):
        decide(case, CLOSE, context(wanted=wanted, fees=account))
    settled = paid(account, Payment("R1", 1000, START))
    assert decide(case, CLOSE, context(wanted=wanted, fees=settled)) == [CLOSED]
    waived = replace(CLOSE, no_fee="财税〔2017〕20号停征")
    assert decide(case, waived, context(wanted=wanted)) == [
        replace(CLOSED, no_fee="财税〔2017〕20号停征")
    ]
    agent = context(wanted=wanted, actor=AGENT, powers=frozenset())
    for_agent = case_with(ACCEPTED, GRANTED, opening=filed(mandate=mandate()))
    with pytest.raises(PowerMissing):
        decide(for_agent, waived, agent)
    refused = case_with(ACCEPTED, REFUSED, REPORTED)
    assert decide(refused, CLOSE, context(wanted=wanted)) == [CLOSED]
    assert decide(case, CLOSE, context(wanted=item(fees=(replace(fee, amount_fen=0),)))) == [CLOSED]

"""Broken promises and credit (浙江省保障“最多跑一次”改革规定 article 14, 安阳市政务服务条例 article 29), and the
recall of a refusal that was reported (否定报备)."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from tests.case.builders import (
    ACCEPTED,
    CHECKED,
    CLOSED,
    COUNTY,
    GRANTED,
    ITEM,
    PHOTO,
    RECALLED,
    REPAIRED,
    REPORTED,
    REVIEWED,
    SIGNED,
    TAKEN,
    TOLERANT,
    TOWNSHIP,
    History,
    at,
    calendar,
    case_with,
    context,
    event_for,
    extended,
    filed,
    item,
    material,
    to,
)

from hallnet.case import command as commands
from hallnet.case.case import Case
from hallnet.case.clock import Alarm, Clock, ClockKind, clocks
from hallnet.case.decide import decide
from hallnet.case.event import HandedOver, HandOverPurpose, Outcome
from hallnet.case.fact import CheckResult, CreditRepaired, RefusalRecalled
from hallnet.case.possible import possible_acts
from hallnet.case.power import Power
from hallnet.case.problems import (
    ActNotPossible,
    NotCompetent,
    PowerMissing,
    ReasonsMissing,
)
from hallnet.case.rules.custody import answer_hand_over
from hallnet.case.rules.ending import is_refused
from hallnet.case.rules.problems import CreditNotRepaired, RefusalNotReported
from hallnet.case.stage import Stage

PROMISED = item(commitment_allowed=True)
BROKEN = replace(CHECKED, result=CheckResult.BROKEN, findings="场地虚假")
SINCE = date(2026, 1, 5)
SIGN = commands.SignCommitment((PHOTO,), "2026版", material("承诺书"))
REFUSED = replace(GRANTED, outcome=Outcome.REFUSED, reasons="不符合条件", legal_basis="某法")
RECALL, REPAIR = commands.RecallRefusal("依据有误"), commands.RepairCredit("已履行承诺")


# Credit


def test_who_broke_a_promise_has_none_taken_until_the_credit_is_repaired() -> None:
    case = case_with()
    with pytest.raises(CreditNotRepaired) as caught:
        decide(case, SIGN, context(wanted=PROMISED, credit_broken_since=SINCE))
    assert caught.value.particulars["since"] == "2026-01-05"
    assert decide(case, SIGN, context(wanted=PROMISED))


@pytest.mark.parametrize(
    "command", [commands.Accept(), commands.AcceptWithGaps(material("承诺书"))]
)
def test_who_broke_a_promise_is_not_accepted_with_gaps(command: commands.Command) -> None:
    with pytest.raises(CreditNotRepaired):
        decide(case_with(), command, context(wanted=TOLERANT, credit_broken_since=SINCE))
    assert decide(case_with(), command, context(wanted=TOLERANT))


def test_what_rests_on_no_promise_is_accepted_whatever_the_credit() -> None:
    assert decide(case_with(), commands.Accept(), context(credit_broken_since=SINCE))


def test_credit_is_repaired_by_the_hall_that_found_it_broken_with_a_reason() -> None:
    case = case_with(SIGNED, ACCEPTED, GRANTED, BROKEN)
    assert "RepairCredit" in possible_acts(case, PROMISED, COUNTY)
    assert decide(case, REPAIR, context(wanted=PROMISED)) == [CreditRepaired("已履行承诺")]
    with pytest.raises(ReasonsMissing):
        decide(case, commands.RepairCredit(" "), context(wanted=PROMISED))
    with pytest.raises(PowerMissing):
        decide(case, REPAIR, context(wanted=PROMISED, powers=frozenset({Power.DECIDE})))
    at_intake = History(filed(TOWNSHIP)).extend([SIGNED, ACCEPTED, GRANTED, BROKEN]).case
    with pytest.raises(NotCompetent):
        decide(at_intake, REPAIR, context(TOWNSHIP, PROMISED))


def test_only_what_is_broken_is_repaired_and_once() -> None:
    for facts in ((CHECKED,), (BROKEN, REPAIRED)):
        case = case_with(SIGNED, ACCEPTED, GRANTED, *facts)
        assert "RepairCredit" not in possible_acts(case, PROMISED, COUNTY)
        with pytest.raises(ActNotPossible):
            decide(case, REPAIR, context(wanted=PROMISED))


def test_credit_is_repaired_also_after_the_decision_was_taken_back() -> None:
    case = case_with(SIGNED, ACCEPTED, GRANTED, BROKEN)
    [revoked] = decide(case, commands.RevokeDecision("承诺不实", "某法"), context(wanted=PROMISED))
    case = extended(case, event_for(case, revoked, COUNTY))
    assert decide(case, REPAIR, context(wanted=PROMISED))


# The recall of a refusal


def clock(case: Case, kind: ClockKind) -> Clock:
    return next(one for one in clocks(case, ITEM, calendar()) if one.kind is kind)


def test_a_reported_refusal_is_recalled_by_the_centre_with_a_reason() -> None:
    case = case_with(ACCEPTED, REFUSED, REPORTED)
    assert decide(case, RECALL, context()) == [RefusalRecalled("依据有误")]
    with pytest.raises(ReasonsMissing):
        decide(case, commands.RecallRefusal(""), context())
    with pytest.raises(PowerMissing):
        decide(case, RECALL, context(powers=frozenset({Power.DECIDE, Power.HEAD})))
    after = extended(case, event_for(case, RECALLED, COUNTY))
    assert after.stage is Stage.ACCEPTED
    assert not is_refused(after)
    assert "Decide" in possible_acts(after, ITEM, COUNTY)


@pytest.mark.parametrize(
    "facts",
    [(GRANTED,), (REFUSED,), (REFUSED, REPORTED, CLOSED), (REFUSED, REPORTED, RECALLED)],
    ids=["granted", "not reported", "delivered", "recalled"],
)
def test_nothing_else_is_recalled(facts: tuple[object, ...]) -> None:
    case = case_with(ACCEPTED, *facts)  # type: ignore[arg-type]
    assert "RecallRefusal" not in possible_acts(case, ITEM, COUNTY)
    with pytest.raises(ActNotPossible):
        decide(case, RECALL, context())


def test_the_limits_run_on_from_where_they_began_and_the_days_of_the_refusal_count() -> None:
    """Five days were promised at acceptance on Monday; the refusal of Tuesday gives no more."""
    history = History().extend([ACCEPTED])
    history.add(REFUSED, at("2026-03-03 09:00"))
    assert clock(history.case, ClockKind.PROMISE).met_on == date(2026, 3, 3)
    assert clock(history.case, ClockKind.DELIVERY).due_on == date(2026, 3, 17)
    history.add(REPORTED).add(RECALLED, at("2026-03-06 09:00"))
    promise = clock(history.case, ClockKind.PROMISE)
    assert (promise.starts_on, promise.due_on, promise.met_on) == (
        date(2026, 3, 2),
        date(2026, 3, 9),
        None,
    )
    assert promise.alarm(date(2026, 3, 10), calendar()) is Alarm.RED
    assert all(one.kind is not ClockKind.DELIVERY for one in clocks(history.case, ITEM, calendar()))
    history.add(GRANTED, at("2026-03-10 09:00"))
    assert clock(history.case, ClockKind.PROMISE).met_on == date(2026, 3, 10)
    assert clock(history.case, ClockKind.DELIVERY).starts_on == date(2026, 3, 10)


def test_a_new_refusal_is_reported_anew_before_it_is_closed() -> None:
    again = case_with(ACCEPTED, REFUSED, REPORTED, RECALLED, REFUSED)
    close = commands.Close(CLOSED.method, "章三")
    with pytest.raises(RefusalNotReported):
        decide(again, close, context())
    reported = extended(again, event_for(again, REPORTED, COUNTY))
    assert decide(reported, close, context())


def test_a_recalled_refusal_goes_back_to_the_hall_that_decided() -> None:
    home = History(filed(TOWNSHIP)).extend(
        [
            ACCEPTED,
            REVIEWED,
            to(COUNTY, HandOverPurpose.REPORT_UP),
            TAKEN,
            REFUSED,
            to(TOWNSHIP, HandOverPurpose.RETURN),
            TAKEN,
            REPORTED,
        ]
    )
    facts = decide(home.case, RECALL, context(TOWNSHIP, item(report_up=True)))
    assert facts == [
        RefusalRecalled("依据有误"),
        HandedOver(COUNTY, HandOverPurpose.REVIEW_AGAIN, "依据有误"),
    ]
    home.extend(facts)
    home.add(answer_hand_over(home.case, COUNTY, item_known=True))
    decided = decide(
        home.case,
        commands.Decide(Outcome.GRANTED, "", ""),
        context(COUNTY, item(report_up=True)),
    )
    assert decided[-1] == HandedOver(TOWNSHIP, HandOverPurpose.RETURN, "结果回传收件大厅")

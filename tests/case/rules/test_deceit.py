"""Who hid facts, gave false papers, or got a licence by deceit (行政许可法 articles 69, 78 and 79)."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from tests.case.builders import (
    ACCEPTED,
    APPLICANT,
    BARRED,
    CLOSED,
    COUNTY,
    GRANTED,
    ITEM,
    LIFTED,
    ORGANISATION,
    RECALLED,
    REPORTED,
    TOWNSHIP,
    at,
    case_with,
    context,
    event_for,
    extended,
    file,
    filed,
    item,
)

from hallnet.case import command as commands
from hallnet.case.case import Case
from hallnet.case.decide import decide, file_case
from hallnet.case.event import Closed, DeclineGround, HandedOver, HandOverPurpose, Outcome
from hallnet.case.fact import BarLifted, DeceitFound
from hallnet.case.item import TaskType
from hallnet.case.possible import possible_acts
from hallnet.case.power import Power
from hallnet.case.problems import ActNotPossible, NotCompetent, PowerMissing, ReasonsMissing
from hallnet.case.rules.deceit import standing_bar
from hallnet.case.rules.problems import ApplicantBarred, DeceitGranted, NoLicence

SAFETY = item(concerns_safety=True)
REFUSED = replace(GRANTED, outcome=Outcome.REFUSED, reasons="证明系伪造", legal_basis="某法")
DECLINE = commands.Decline(DeclineGround.DECEIT, "证明系伪造", "")
REFUSE = commands.Decide(Outcome.REFUSED, "证明系伪造", "某法", deceit=True)
REVOKE = commands.RevokeDecision("以欺骗手段取得", "行政许可法第六十九条", deceit=True)
LIFT = commands.LiftBar("复核属实")
CLOSE = commands.Close(CLOSED.method, "章三")


@pytest.mark.parametrize(
    ("case", "command", "article", "until"),
    [
        (case_with(), DECLINE, "行政许可法第七十八条", date(2027, 3, 2)),
        (case_with(ACCEPTED), REFUSE, "行政许可法第七十八条", date(2027, 3, 2)),
        (case_with(ACCEPTED, GRANTED), REVOKE, "行政许可法第七十九条", date(2029, 3, 2)),
    ],
    ids=["declined", "refused", "revoked"],
)
def test_who_deceived_about_safety_is_barred_for_one_year_and_who_got_it_so_for_three(
    case: Case, command: commands.Command, article: str, until: date
) -> None:
    assert decide(case, command, context(wanted=SAFETY))[-1] == DeceitFound(article, until)
    assert decide(case, command, context())[-1] == DeceitFound(article, None)


def test_a_year_from_a_leap_day_ends_with_its_month() -> None:
    leap = context(wanted=SAFETY, now=at("2028-02-29 09:00"))
    [_, found] = decide(case_with(), DECLINE, leap)
    assert found == replace(BARRED, barred_until=date(2029, 2, 28))


def test_these_articles_are_of_licences_and_of_refusals_alone() -> None:
    benefit = item(task_type=TaskType.BENEFIT)
    for case, command in ((case_with(), DECLINE), (case_with(ACCEPTED), REFUSE)):
        with pytest.raises(NoLicence):
            decide(case, command, context(wanted=benefit))
    with pytest.raises(DeceitGranted):
        decide(case_with(ACCEPTED), replace(REFUSE, outcome=Outcome.GRANTED), context())


@pytest.mark.parametrize("applicant", [APPLICANT, ORGANISATION])
def test_who_is_barred_does_not_apply_until_the_day_after(applicant: object) -> None:
    wanted = file(applicant=applicant)
    last = context(wanted=SAFETY, now=at("2027-03-02 17:00"), bar=BARRED)
    with pytest.raises(ApplicantBarred) as caught:
        file_case(wanted, last)
    assert caught.value.particulars["until"] == "2027-03-02"
    assert caught.value.particulars["article"] == "行政许可法第七十八条"
    assert file_case(wanted, replace(last, now=at("2027-03-03 00:00")))


def test_a_bar_that_was_found_wrongly_is_lifted_by_a_head_with_a_reason() -> None:
    case = case_with(ACCEPTED, REFUSED, BARRED)
    assert "LiftBar" in possible_acts(case, SAFETY, COUNTY)
    assert decide(case, LIFT, context(wanted=SAFETY)) == [BarLifted("复核属实")]
    with pytest.raises(ReasonsMissing):
        decide(case, commands.LiftBar(" "), context(wanted=SAFETY))
    with pytest.raises(PowerMissing):
        decide(case, LIFT, context(wanted=SAFETY, powers=frozenset(Power) - {Power.HEAD}))
    lifted = extended(case, event_for(case, LIFTED, COUNTY))
    assert standing_bar(lifted) is None
    with pytest.raises(ActNotPossible):
        decide(lifted, LIFT, context(wanted=SAFETY))


def test_a_recalled_refusal_bars_nobody_and_a_mere_warning_is_no_bar() -> None:
    assert standing_bar(case_with(ACCEPTED, REFUSED, BARRED, REPORTED)) == BARRED
    assert standing_bar(case_with(ACCEPTED, REFUSED, BARRED, REPORTED, RECALLED)) is None
    assert standing_bar(case_with(ACCEPTED, REFUSED, replace(BARRED, barred_until=None))) is None


def test_a_township_lifts_what_it_found_itself_and_not_what_the_county_found() -> None:
    opening = filed(TOWNSHIP)
    here = context(TOWNSHIP, item(report_up=True, concerns_safety=True))
    declined = opening_declined(opening)
    assert decide(declined, LIFT, here) == [BarLifted("复核属实")]
    refused = case_with(ACCEPTED, REFUSED, BARRED, REPORTED, opening=opening)
    assert "LiftBar" not in possible_acts(refused, here.item, TOWNSHIP)
    with pytest.raises(NotCompetent):
        decide(refused, LIFT, here)
    assert [type(fact) for fact in decide(refused, CLOSE, here)] == [Closed, HandedOver]
    handed = decide(refused, CLOSE, here)[-1]
    assert isinstance(handed, HandedOver)
    assert (handed.to, handed.purpose) == (COUNTY, HandOverPurpose.AFTER_CHECK)


def opening_declined(opening: object) -> Case:
    case = case_with(opening=opening)  # type: ignore[arg-type]
    for fact in decide(case, DECLINE, context(TOWNSHIP, SAFETY)):
        case = extended(case, event_for(case, fact, TOWNSHIP))
    return case


def test_who_is_barred_is_declined_where_the_application_came_in_all_the_same() -> None:
    barred = commands.Decline(DeclineGround.BARRED, "2027年3月2日前不得再次申请", "")
    assert len(decide(case_with(), barred, context(wanted=SAFETY))) == 1
    assert ITEM.concerns_safety is False

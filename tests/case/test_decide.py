"""Deciding: each rule of the law and each refusal. Articles are those of 行政许可法."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from tests.case.builders import (
    ACCEPTED,
    AGENT,
    APPLICANT,
    CITY,
    CLERK,
    COUNTY,
    EXTRACT,
    FORM,
    GRANTED,
    INSTANT,
    ITEM,
    NEIGHBOUR,
    NOT_TAKEN,
    NOTICE,
    ORGANISATION,
    OTHER_COUNTY,
    PHOTO,
    POWERS,
    REPORTED_UP,
    REVIEWED,
    SHEBAO,
    START,
    SUPPLEMENT,
    SYSTEM,
    TAKEN,
    TOWNSHIP,
    at,
    case_with,
    context,
    file,
    filed,
    item,
    mandate,
    material,
    to,
)

from hallnet.case import command as commands
from hallnet.case.case import Case
from hallnet.case.command import Command
from hallnet.case.context import REMEDY
from hallnet.case.decide import decide, file_case
from hallnet.case.event import (
    AcceptanceBasis,
    Accepted,
    Channel,
    Closed,
    Decided,
    Declined,
    DeclineGround,
    Defect,
    DeliveryMethod,
    Fact,
    Filed,
    HandedOver,
    HandOverDeclined,
    HandOverPurpose,
    NoticeGiven,
    Opinion,
    Outcome,
    Reviewed,
    Supplemented,
    TakenOver,
    Withdrawn,
)
from hallnet.case.item import ItemOption, ShelfStatus
from hallnet.case.item_terms import ServedParty
from hallnet.case.mandate import MandateAct
from hallnet.case.person import ActorKind
from hallnet.case.possible import possible_acts
from hallnet.case.power import NAMES as POWER_NAMES
from hallnet.case.power import Power
from hallnet.case.problems import (
    ActNotPossible,
    AgentNotAllowed,
    ApplicantNotServed,
    CaseInTransit,
    DefectsIncomplete,
    DefectsMissing,
    IdentityNumberCheckDigit,
    ItemNotInForce,
    MandateMissing,
    MandateNotForThis,
    MaterialsMissing,
    MaterialUnknown,
    NotCompetent,
    NothingSupplemented,
    NothingToHandOver,
    NotTheCustodian,
    OptionUnknown,
    PowerMissing,
    ReasonsMissing,
    ResultsSuspended,
    RightBodyMissing,
)
from hallnet.case.rules.custody import answer_hand_over
from hallnet.case.stage import Stage
from hallnet.places import Address, Village
from hallnet.problems import Problem
from hallnet.wire.intake.v1 import intake_service_pb2 as wire

GIVE_NOTICE = commands.GiveNotice((Defect(PHOTO, "缺少", "补交"),))
SUPPLEMENT_IT = commands.Supplement((material(PHOTO),))
ACCEPT, REVIEW = commands.Accept(), commands.Review(Opinion.FAVOURABLE, "符合条件")
DECLINE = commands.Decline(DeclineGround.NOT_NEEDED, "无需许可", "")
HAND_OVER = commands.HandOver("请办理")
GRANT = commands.Decide(Outcome.GRANTED, "", "")
REFUSE = commands.Decide(Outcome.REFUSED, "不符合条件", "某法第一条")
CLOSE = commands.Close(DeliveryMethod.COUNTER, "章三")
WITHDRAW = commands.Withdraw("不办了")
EVERY_COMMAND: tuple[Command, ...] = (
    GIVE_NOTICE,
    SUPPLEMENT_IT,
    ACCEPT,
    DECLINE,
    REVIEW,
    HAND_OVER,
    GRANT,
    CLOSE,
    WITHDRAW,
)


def refused(problem: type[Problem], case: Case, command: Command, **changes: Any) -> Problem:
    with pytest.raises(problem) as raised:
        decide(case, command, context(**changes))
    return raised.value


def decided(case: Case, command: Command, **changes: Any) -> Fact:
    (fact,) = decide(case, command, context(**changes))
    return fact


def from_township(*facts: Fact) -> Case:
    """A case that a township received for its county."""
    return case_with(*facts, opening=filed(TOWNSHIP))


def from_elsewhere(*facts: Fact, **changes: Any) -> Case:
    """A case that another county received for this one (同城通办)."""
    return case_with(*facts, opening=filed(OTHER_COUNTY, **changes))


# Filing ----------------------------------------------------------------------------------------


def test_what_is_filed_is_what_was_applied_for() -> None:
    command = file(channel=Channel.ONLINE, intake_point=Village("330110012001"))
    assert file_case(command, context(TOWNSHIP)) == Filed(
        case_no=command.case_no,
        item_id="an-item",
        item_version=1,
        option="",
        applicant=APPLICANT,
        channel=Channel.ONLINE,
        intake_hall=TOWNSHIP,
        intake_point=Village("330110012001"),
        competent_hall=COUNTY,
        materials=command.materials,
        mandate=None,
        query_code="ABCD2345",
    )


def test_an_application_may_be_filed_incomplete() -> None:
    """Article 32(4): what is missing is told, not turned away at the door."""
    assert file_case(file(materials=()), context()).materials == ()


@pytest.mark.parametrize(
    "wanted",
    [
        item(status=ShelfStatus.OFF_SHELF),
        item(effective_from=date(2026, 3, 3)),
        item(effective_until=date(2026, 3, 2)),
    ],
)
def test_an_item_that_is_not_in_force_is_not_applied_for(wanted: Any) -> None:
    with pytest.raises(ItemNotInForce):
        file_case(file(), context(wanted=wanted))


def test_whether_an_item_is_in_force_is_asked_for_the_day_in_china() -> None:
    from_tomorrow = item(effective_from=date(2026, 3, 3))
    with pytest.raises(ItemNotInForce):
        file_case(file(), context(wanted=from_tomorrow, now=at("2026-03-02 23:59")))
    assert file_case(file(), context(wanted=from_tomorrow, now=at("2026-03-03 00:00")))


def test_an_applicant_with_a_wrong_number_is_not_filed() -> None:
    wrong = replace(APPLICANT, document_number="110105194912310021")
    with pytest.raises(IdentityNumberCheckDigit) as raised:
        file_case(file(applicant=wrong), context())
    assert raised.value.where == "applicant.document_number"


def test_an_organisation_does_not_apply_for_what_serves_persons_alone() -> None:
    """服务对象: nothing said, and both named, is for both."""
    both = (ServedParty.PERSON, ServedParty.ENTERPRISE)
    for served in ((), both, (ServedParty.ENTERPRISE,)):
        for applicant in (APPLICANT, ORGANISATION):
            wanted = context(item=item(served=served))
            assert file_case(file(applicant=applicant), wanted).applicant == applicant
    with pytest.raises(ApplicantNotServed):
        file_case(file(applicant=ORGANISATION), context(item=item(served=(ServedParty.PERSON,))))


@pytest.mark.parametrize(
    ("option", "is_filed"), [("首次", True), ("延续", True), ("", False), ("注销", False)]
)
def test_of_an_item_with_variants_one_is_chosen(option: str, is_filed: bool) -> None:
    wanted = item(options=(ItemOption("首次", None, ""), ItemOption("延续", None, "")))
    if is_filed:
        assert file_case(file(option=option), context(wanted=wanted)).option == option
    else:
        with pytest.raises(OptionUnknown):
            file_case(file(option=option), context(wanted=wanted))


def test_only_what_the_service_guide_lists_is_taken() -> None:
    with pytest.raises(MaterialUnknown) as raised:
        file_case(file(materials=(material("无关证明"),)), context())
    assert raised.value.particulars["material"] == "无关证明"


def test_who_may_not_receive_does_not_file() -> None:
    with pytest.raises(PowerMissing) as raised:
        file_case(file(), context(powers=POWERS - {Power.RECEIVE}))
    assert raised.value.particulars == {"power": "收件受理权"}


def test_an_agent_files_with_a_mandate() -> None:
    """Article 29: an application may be made through an agent."""
    by_agent = context(TOWNSHIP, actor=AGENT, powers=frozenset())
    command = file(mandate=mandate(), channel=Channel.AGENT)
    assert file_case(command, by_agent).mandate == mandate()


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"mandate": None}, MandateMissing),
        ({"mandate": mandate(agent_id="agent-2")}, MandateNotForThis),
        ({"mandate": mandate(client=NEIGHBOUR)}, MandateNotForThis),
        ({"mandate": mandate(item_ids=("another-item",))}, MandateNotForThis),
        ({"mandate": mandate(acts=(MandateAct.COLLECT,))}, MandateNotForThis),
        ({"mandate": mandate(valid_until=date(2026, 3, 1))}, MandateNotForThis),
        ({"mandate": mandate(), "applicant": NEIGHBOUR}, MandateNotForThis),
    ],
)
def test_an_agent_does_not_file_without_one_that_covers_it(
    changes: dict[str, Any], problem: type[Problem]
) -> None:
    by_agent = context(actor=AGENT, powers=POWERS)
    with pytest.raises(problem):
        file_case(file(**changes), by_agent)


def test_an_agent_does_not_file_what_has_to_be_applied_for_in_person() -> None:
    """Article 29: unless the applicant has to come in person."""
    in_person = item(agent_allowed=False)
    with pytest.raises(AgentNotAllowed):
        file_case(file(mandate=mandate()), context(wanted=in_person, actor=AGENT))


# Custody ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", EVERY_COMMAND, ids=lambda command: type(command).__name__)
def test_a_hall_without_custody_does_nothing(command: Command) -> None:
    for facts in ((), (NOTICE,), (ACCEPTED,), (ACCEPTED, GRANTED)):
        problem = refused(NotTheCustodian, case_with(*facts), command, here=OTHER_COUNTY)
        assert problem.particulars == {"custodian": "330110"}


@pytest.mark.parametrize("command", EVERY_COMMAND, ids=lambda command: type(command).__name__)
def test_nobody_does_anything_with_a_case_that_is_on_its_way(command: Command) -> None:
    case = case_with(to(OTHER_COUNTY))
    for here in (COUNTY, OTHER_COUNTY, TOWNSHIP):
        problem = refused(CaseInTransit, case, command, here=here)
        assert problem.particulars == {"to": "330127"}


# Notice and supplement -------------------------------------------------------------------------

NOTHING_THERE = case_with(opening=filed(materials=()))
BOTH = (Defect(FORM, "缺少", "补交"), Defect(PHOTO, "缺少", "补交"))


def test_all_that_is_missing_is_told_at_once() -> None:
    """Article 32(4)."""
    fact = decided(NOTHING_THERE, commands.GiveNotice(BOTH))
    assert fact == NoticeGiven("330110-0001", BOTH)


def test_more_than_the_missing_may_be_told() -> None:
    """What was handed in may be wrong."""
    defect = Defect(FORM, "未签名", "补签")
    assert decided(case_with(), commands.GiveNotice((defect,))) == NoticeGiven(
        "330110-0001", (defect,)
    )


def test_a_notice_that_names_nothing_is_none() -> None:
    """Article 32(4)."""
    refused(DefectsMissing, NOTHING_THERE, commands.GiveNotice(()))


def test_a_notice_that_leaves_something_out_is_refused() -> None:
    """Article 32(4): all of it at once."""
    problem = refused(DefectsIncomplete, NOTHING_THERE, commands.GiveNotice(BOTH[:1]))
    assert problem.particulars == {"materials": PHOTO}


def test_what_halls_can_share_is_not_asked_for_in_a_notice() -> None:
    """政务数据共享条例 article 19."""
    assert EXTRACT not in NOTHING_THERE.missing_materials(ITEM)
    assert decided(NOTHING_THERE, commands.GiveNotice(BOTH))


@pytest.mark.parametrize("facts", [(NOTICE,), (ACCEPTED,), (ACCEPTED, REVIEWED)])
def test_a_notice_is_given_before_acceptance_only(facts: tuple[Fact, ...]) -> None:
    """Article 32: after acceptance the hall has said that it is complete."""
    refused(ActNotPossible, case_with(*facts), GIVE_NOTICE)


def test_what_was_asked_for_is_supplemented() -> None:
    assert decided(case_with(NOTICE), SUPPLEMENT_IT) == Supplemented((material(PHOTO),))


def test_a_supplement_of_nothing_is_none() -> None:
    refused(NothingSupplemented, case_with(NOTICE), commands.Supplement(()))


def test_a_supplement_of_what_nobody_asks_for_is_refused() -> None:
    command = commands.Supplement((material("无关证明"),))
    refused(MaterialUnknown, case_with(NOTICE), command)


def test_what_can_be_put_right_on_the_spot_is_put_right() -> None:
    """Article 32(3): before acceptance, asked or not."""
    assert decided(case_with(), SUPPLEMENT_IT) == Supplemented((material(PHOTO),))


def test_after_acceptance_nothing_is_supplemented_that_was_not_promised() -> None:
    refused(ActNotPossible, case_with(ACCEPTED), SUPPLEMENT_IT)


def test_after_acceptance_what_another_hall_supplied_is_taken_in_when_it_comes() -> None:
    """政务数据共享条例 articles 19 and 22."""
    paper = replace(material(EXTRACT), taken_from="r1", supplied_by=COUNTY)
    command = commands.Supplement((paper,))
    assert decided(case_with(ACCEPTED), command) == Supplemented((paper,))
    both = commands.Supplement((paper, material(PHOTO)))
    refused(ActNotPossible, case_with(ACCEPTED), both)


# Acceptance ------------------------------------------------------------------------------------


def test_what_is_complete_is_accepted_with_a_dated_paper() -> None:
    """Article 32(5)."""
    fact = decided(case_with(), ACCEPT, now=at("2026-03-03 00:30"))
    assert fact == Accepted("330110-0001", AcceptanceBasis.EXAMINED, date(2026, 3, 3))


def test_what_is_incomplete_is_not_accepted() -> None:
    problem = refused(MaterialsMissing, NOTHING_THERE, ACCEPT)
    assert problem.particulars == {"materials": f"{FORM}、{PHOTO}"}


def test_what_was_supplemented_is_accepted() -> None:
    opening = filed(materials=(material(FORM),))
    assert decided(case_with(NOTICE, SUPPLEMENT, opening=opening), ACCEPT)
    still_missing = replace(SUPPLEMENT, materials=(material(FORM),))
    refused(MaterialsMissing, case_with(NOTICE, still_missing, opening=opening), ACCEPT)


def test_a_case_is_not_accepted_while_the_applicant_has_the_turn() -> None:
    refused(ActNotPossible, case_with(NOTICE), ACCEPT)


def test_a_case_is_not_accepted_twice() -> None:
    refused(ActNotPossible, case_with(ACCEPTED), ACCEPT)


def test_a_hall_that_is_not_competent_does_not_accept() -> None:
    problem = refused(NotCompetent, from_elsewhere(), ACCEPT, here=OTHER_COUNTY)
    assert problem.particulars == {"competent": "330110"}
    refused(NotCompetent, from_township(), ACCEPT, here=TOWNSHIP)


def test_the_hall_that_reports_up_accepts_what_it_received() -> None:
    """Article 35: the hall below receives and reviews what the hall above decides."""
    fact = decided(from_township(), ACCEPT, here=TOWNSHIP, wanted=REPORTED_UP)
    assert isinstance(fact, Accepted)


def test_a_hall_beside_reports_nothing_up() -> None:
    refused(NotCompetent, from_elsewhere(), ACCEPT, here=OTHER_COUNTY, wanted=REPORTED_UP)


# Declining -------------------------------------------------------------------------------------


def test_what_needs_no_permission_is_declined_with_reasons() -> None:
    """Article 32(1)."""
    fact = decided(case_with(), DECLINE)
    assert fact == Declined("330110-0001", DeclineGround.NOT_NEEDED, "无需许可", "")


def test_where_another_body_is_competent_it_is_named() -> None:
    """Article 32(2)."""
    named = commands.Decline(DeclineGround.WRONG_BODY, "不属本局职权", "市某局")
    assert decided(case_with(), named) == Declined(
        "330110-0001", DeclineGround.WRONG_BODY, "不属本局职权", "市某局"
    )
    for body in ("", " ", "\u3000"):
        refused(RightBodyMissing, case_with(), replace(named, right_body=body))


@pytest.mark.parametrize("explanation", ["", " ", "\n\t", "\u3000"])
def test_nothing_is_declined_without_reasons(explanation: str) -> None:
    """Article 32, article 38."""
    refused(ReasonsMissing, case_with(), replace(DECLINE, explanation=explanation))


@pytest.mark.parametrize("facts", [(NOTICE,), (ACCEPTED,), (ACCEPTED, GRANTED)])
def test_declining_is_for_before_acceptance(facts: tuple[Fact, ...]) -> None:
    """Article 32: at once; what was accepted has to be decided."""
    refused(ActNotPossible, case_with(*facts), DECLINE)


# Review and hand-over --------------------------------------------------------------------------


def test_a_review_gives_an_opinion_with_reasons() -> None:
    """Article 35."""
    accepted = from_township(ACCEPTED)
    here: dict[str, Any] = {"here": TOWNSHIP, "wanted": REPORTED_UP}
    assert decided(accepted, REVIEW, **here) == Reviewed(Opinion.FAVOURABLE, "符合条件")
    refused(ReasonsMissing, accepted, commands.Review(Opinion.UNFAVOURABLE, " "), **here)
    refused(ActNotPossible, from_township(), REVIEW, **here)
    refused(ActNotPossible, from_township(ACCEPTED, REVIEWED), REVIEW, **here)


def test_a_case_is_reported_up_after_the_review() -> None:
    """Article 35: with the opinion and all of the papers."""
    reviewed = from_township(ACCEPTED, REVIEWED)
    fact = decided(reviewed, HAND_OVER, here=TOWNSHIP, wanted=REPORTED_UP)
    assert fact == HandedOver(COUNTY, HandOverPurpose.REPORT_UP, "请办理")


@pytest.mark.parametrize("facts", [(), (ACCEPTED,)])
def test_a_case_is_not_reported_up_without_a_review(facts: tuple[Fact, ...]) -> None:
    """Article 35."""
    refused(ActNotPossible, from_township(*facts), HAND_OVER, here=TOWNSHIP, wanted=REPORTED_UP)


def test_a_complete_case_is_handed_across_to_the_competent_hall() -> None:
    fact = decided(from_elsewhere(), HAND_OVER, here=OTHER_COUNTY)
    assert fact == HandedOver(COUNTY, HandOverPurpose.ACROSS, "请办理")


def test_an_incomplete_case_is_not_handed_across() -> None:
    """The check of form is done where the applicant stands."""
    incomplete = from_elsewhere(materials=(material(FORM),))
    problem = refused(MaterialsMissing, incomplete, HAND_OVER, here=OTHER_COUNTY)
    assert problem.particulars == {"materials": PHOTO}


def test_a_case_that_waits_for_the_applicant_is_not_handed_across() -> None:
    refused(ActNotPossible, from_elsewhere(NOTICE), HAND_OVER, here=OTHER_COUNTY)


def test_the_competent_hall_has_nobody_to_hand_the_case_to() -> None:
    for facts in ((), (ACCEPTED,), (ACCEPTED, REVIEWED)):
        refused(NothingToHandOver, case_with(*facts), HAND_OVER)


def test_a_branch_hall_hands_to_its_centre_what_is_not_its_own() -> None:
    at_branch = case_with(opening=filed(SHEBAO))
    fact = decided(at_branch, HAND_OVER, here=SHEBAO)
    assert fact == HandedOver(COUNTY, HandOverPurpose.ACROSS, "请办理")


# Answering a hand-over -------------------------------------------------------------------------


def test_the_competent_hall_takes_what_is_handed_to_it() -> None:
    assert answer_hand_over(from_elsewhere(to(COUNTY)), COUNTY, item_known=True) == TakenOver()


def test_a_hall_that_is_not_competent_does_not_take_it() -> None:
    answer = answer_hand_over(from_elsewhere(to(CITY)), CITY, item_known=True)
    assert isinstance(answer, HandOverDeclined)
    assert answer.reason == "NOT_COMPETENT"
    assert answer.explanation


def test_a_hall_that_does_not_know_the_item_does_not_take_it() -> None:
    answer = answer_hand_over(from_elsewhere(to(COUNTY)), COUNTY, item_known=False)
    assert isinstance(answer, HandOverDeclined)
    assert answer.reason == "ITEM_UNKNOWN"


def test_a_result_that_comes_back_is_always_taken() -> None:
    back = from_elsewhere(
        to(COUNTY), TAKEN, ACCEPTED, GRANTED, to(OTHER_COUNTY, HandOverPurpose.RETURN)
    )
    assert answer_hand_over(back, OTHER_COUNTY, item_known=False) == TakenOver()


# Decision --------------------------------------------------------------------------------------


def test_what_is_granted_says_what_is_issued() -> None:
    """Article 38(1)."""
    expected = Decided("330110-0001", Outcome.GRANTED, "", "", "", "某证")
    assert decided(case_with(ACCEPTED), GRANT) == expected
    assert decided(case_with(ACCEPTED, REVIEWED), GRANT) == expected


def test_what_is_refused_says_why_and_what_can_be_done_against_it() -> None:
    """Article 38(2)."""
    assert decided(case_with(ACCEPTED), REFUSE) == Decided(
        "330110-0001", Outcome.REFUSED, "不符合条件", "某法第一条", REMEDY, ""
    )
    assert "60日" in REMEDY
    assert "6个月" in REMEDY


@pytest.mark.parametrize(
    ("reasons", "basis"), [("", "某法"), ("理由", ""), (" ", "某法"), ("", "")]
)
def test_nothing_is_refused_without_reasons_and_legal_basis(reasons: str, basis: str) -> None:
    """Article 38(2)."""
    command = commands.Decide(Outcome.REFUSED, reasons, basis)
    refused(ReasonsMissing, case_with(ACCEPTED), command)


def test_a_committed_case_is_decided_only_after_it_was_accepted() -> None:
    refused(ActNotPossible, case_with(), GRANT)
    refused(ActNotPossible, case_with(NOTICE), GRANT)


def test_a_case_is_decided_once() -> None:
    refused(ActNotPossible, case_with(ACCEPTED, GRANTED), GRANT)


def test_a_hall_that_is_not_competent_does_not_decide() -> None:
    """Article 35: the hall below gives an opinion, the one above decides."""
    reviewed = from_township(ACCEPTED, REVIEWED)
    problem = refused(NotCompetent, reviewed, GRANT, here=TOWNSHIP, wanted=REPORTED_UP)
    assert problem.particulars == {"competent": "330110"}
    refused(NotCompetent, from_elsewhere(), GRANT, here=OTHER_COUNTY, wanted=INSTANT)


def test_an_instant_case_is_accepted_and_decided_in_one_act() -> None:
    accepted, granted = decide(case_with(), GRANT, context(wanted=INSTANT))
    assert isinstance(accepted, Accepted)
    assert accepted.accepted_on == date(2026, 3, 2)
    assert isinstance(granted, Decided)


def test_an_instant_case_that_is_incomplete_is_not_decided() -> None:
    """Article 32(5): what is accepted is complete, also on the spot."""
    refused(MaterialsMissing, NOTHING_THERE, GRANT, wanted=INSTANT)


def test_an_instant_case_that_was_accepted_before_is_only_decided() -> None:
    assert isinstance(decided(case_with(ACCEPTED), GRANT, wanted=INSTANT), Decided)


def test_an_instant_case_is_not_refused_on_the_spot_without_reasons() -> None:
    """Article 38(2)."""
    command = commands.Decide(Outcome.REFUSED, "", "")
    refused(ReasonsMissing, case_with(), command, wanted=INSTANT)


def test_a_result_goes_back_to_the_hall_that_received_the_application() -> None:
    """回传: the applicant collects where the application was made."""
    taken = from_elsewhere(to(COUNTY), TAKEN, ACCEPTED)
    granted, returned = decide(taken, GRANT, context())
    assert isinstance(granted, Decided)
    assert isinstance(returned, HandedOver)
    assert (returned.to, returned.purpose) == (OTHER_COUNTY, HandOverPurpose.RETURN)


def test_an_instant_case_from_elsewhere_is_accepted_decided_and_returned_in_one_act() -> None:
    taken = from_elsewhere(to(COUNTY), TAKEN)
    facts = decide(taken, GRANT, context(wanted=INSTANT))
    assert [type(fact) for fact in facts] == [Accepted, Decided, HandedOver]


def test_no_result_is_issued_on_trust_data_past_their_hard_expiry() -> None:
    """Intake goes on, decisions wait, and so does the handing out of what was decided before."""
    since = START - timedelta(days=1)
    suspended: dict[str, Any] = {"results_suspended_since": since}
    problem = refused(ResultsSuspended, case_with(ACCEPTED), GRANT, **suspended)
    assert problem.particulars == {"expired_at": str(since)}
    refused(ResultsSuspended, case_with(ACCEPTED), REFUSE, **suspended)
    refused(ResultsSuspended, case_with(), GRANT, wanted=INSTANT, **suspended)
    refused(ResultsSuspended, case_with(ACCEPTED, GRANTED), CLOSE, **suspended)
    assert decided(case_with(), ACCEPT, **suspended)
    assert decided(case_with(), GIVE_NOTICE, **suspended)
    assert file_case(file(), context(**suspended))


# Closing and withdrawing -----------------------------------------------------------------------


def test_a_case_is_closed_when_the_result_is_with_the_applicant() -> None:
    """Article 44."""
    fact = decided(case_with(ACCEPTED, GRANTED), CLOSE)
    assert fact == Closed(DeliveryMethod.COUNTER, "章三")
    refused(ActNotPossible, case_with(ACCEPTED), CLOSE)


def test_the_hall_that_received_the_application_closes_it_when_the_result_is_back() -> None:
    back = from_elsewhere(
        to(COUNTY), TAKEN, ACCEPTED, GRANTED, to(OTHER_COUNTY, HandOverPurpose.RETURN), TAKEN
    )
    assert isinstance(decided(back, CLOSE, here=OTHER_COUNTY), Closed)


@pytest.mark.parametrize("facts", [(), (NOTICE,), (ACCEPTED,), (ACCEPTED, REVIEWED)])
def test_an_application_is_withdrawn_any_time_before_it_is_decided(
    facts: tuple[Fact, ...],
) -> None:
    assert decided(case_with(*facts), WITHDRAW) == Withdrawn("不办了")


def test_what_was_decided_is_not_withdrawn() -> None:
    refused(ActNotPossible, case_with(ACCEPTED, GRANTED), WITHDRAW)


# Powers and agents -----------------------------------------------------------------------------

NEEDED: list[tuple[Case, Command, Power, dict[str, Any]]] = [
    (case_with(), GIVE_NOTICE, Power.VERIFY, {}),
    (case_with(NOTICE), SUPPLEMENT_IT, Power.VERIFY, {}),
    (case_with(), ACCEPT, Power.RECEIVE, {}),
    (case_with(), DECLINE, Power.GATEKEEP, {}),
    (case_with(ACCEPTED), REVIEW, Power.REVIEW, {}),
    (
        from_township(ACCEPTED, REVIEWED),
        HAND_OVER,
        Power.REVIEW,
        {"here": TOWNSHIP, "wanted": REPORTED_UP},
    ),
    (from_elsewhere(), HAND_OVER, Power.COORDINATE, {"here": OTHER_COUNTY}),
    (case_with(ACCEPTED), GRANT, Power.DECIDE, {}),
    (case_with(ACCEPTED), GRANT, Power.DECIDE_INSTANT, {"wanted": INSTANT}),
    (case_with(ACCEPTED, GRANTED), CLOSE, Power.RECEIVE, {}),
    (case_with(), WITHDRAW, Power.RECEIVE, {}),
]
each_power = pytest.mark.parametrize(("case", "command", "power", "where"), NEEDED)


@each_power
def test_staff_need_the_power_for_each_act_and_no_other(
    case: Case, command: Command, power: Power, where: dict[str, Any]
) -> None:
    assert decide(case, command, context(**where, powers=frozenset({power})))
    problem = refused(PowerMissing, case, command, **where, powers=POWERS - {power})
    assert problem.particulars == {"power": POWER_NAMES[power]}


def test_an_instant_decision_needs_the_power_to_accept_as_well() -> None:
    both = frozenset({Power.DECIDE_INSTANT, Power.RECEIVE})
    assert len(decide(case_with(), GRANT, context(wanted=INSTANT, powers=both))) == 2
    for power in both:
        refused(PowerMissing, case_with(), GRANT, wanted=INSTANT, powers=frozenset({power}))


@each_power
def test_the_system_acts_by_its_rules_without_a_power(
    case: Case, command: Command, power: Power, where: dict[str, Any]
) -> None:
    assert power
    assert decide(case, command, context(**where, actor=SYSTEM, powers=frozenset()))


@pytest.mark.parametrize(
    ("case", "command", "where"),
    [
        (case, command, where)
        for case, command, _, where in NEEDED
        if not isinstance(command, commands.Supplement | commands.Close | commands.Withdraw)
    ],
)
def test_an_agent_never_acts_for_the_hall_whatever_powers_are_on_record(
    case: Case, command: Command, where: dict[str, Any]
) -> None:
    """Article 24: what is delegated is not delegated further; an agent is the applicant's."""
    refused(PowerMissing, case, command, **where, actor=AGENT, powers=POWERS)


OF_AN_AGENT = filed(mandate=mandate(), materials=(material(FORM),))
BY_AGENT: dict[str, Any] = {"actor": AGENT, "powers": frozenset()}


def test_an_agent_supplements_withdraws_and_collects_within_the_mandate() -> None:
    """Article 29."""
    asked = case_with(NOTICE, opening=OF_AN_AGENT)
    assert isinstance(decided(asked, SUPPLEMENT_IT, **BY_AGENT), Supplemented)
    assert isinstance(decided(asked, WITHDRAW, **BY_AGENT), Withdrawn)
    done = case_with(NOTICE, SUPPLEMENT, ACCEPTED, GRANTED, opening=OF_AN_AGENT)
    assert isinstance(decided(done, CLOSE, **BY_AGENT), Closed)


@pytest.mark.parametrize("command", [SUPPLEMENT_IT, WITHDRAW])
def test_an_agent_without_a_mandate_does_nothing_for_the_applicant(command: Command) -> None:
    refused(MandateMissing, case_with(NOTICE), command, **BY_AGENT)


@pytest.mark.parametrize(
    "changes",
    [
        {"actor": replace(AGENT, actor_id="agent-2")},
        {"now": at("2027-01-01 00:00")},
        {"wanted": item(item_id="another-item")},
    ],
)
def test_a_mandate_is_asked_for_again_at_every_act(changes: dict[str, Any]) -> None:
    asked = case_with(NOTICE, opening=OF_AN_AGENT)
    refused(MandateNotForThis, asked, SUPPLEMENT_IT, **(BY_AGENT | changes))


def test_an_agent_who_may_file_may_not_therefore_collect() -> None:
    only_submit = replace(OF_AN_AGENT, mandate=mandate(acts=(MandateAct.SUBMIT,)))
    done = case_with(NOTICE, SUPPLEMENT, ACCEPTED, GRANTED, opening=only_submit)
    refused(MandateNotForThis, done, CLOSE, **BY_AGENT)


def test_powers_bear_the_numbers_of_the_wire_and_a_name() -> None:
    assert {power.value for power in Power} == set(wire.Power.values()) - {0}
    assert POWER_NAMES.keys() == set(Power)


# What is possible ------------------------------------------------------------------------------


OPEN = {"SendOriginals", "End", "OfferOwnership", "RecordOffHall"}
BEFORE = OPEN | {"Supplement", "MakeUrgent"}
DURING = OPEN | {"BeginProcedure", "Survey", "Extend", "MakeUrgent", "TellRights"}


@pytest.mark.parametrize(
    ("case", "here", "wanted", "acts"),
    [
        (case_with(), COUNTY, ITEM, {"GiveNotice", "Accept", "Decline", "Withdraw"} | BEFORE),
        (
            case_with(),
            COUNTY,
            INSTANT,
            {"GiveNotice", "Accept", "Decline", "Decide", "Withdraw"} | BEFORE,
        ),
        (case_with(NOTICE), COUNTY, ITEM, {"Supplement", "Withdraw"} | OPEN),
        (case_with(ACCEPTED), COUNTY, ITEM, {"Review", "Decide", "Withdraw"} | DURING),
        (case_with(ACCEPTED, REVIEWED), COUNTY, ITEM, {"Decide", "Withdraw"} | DURING),
        (
            case_with(ACCEPTED, GRANTED),
            COUNTY,
            ITEM,
            {"Close", "Issue", "Correct", "RevokeDecision"}
            | {"SendOriginals", "OfferOwnership", "RecordOffHall"},
        ),
        (
            from_township(),
            TOWNSHIP,
            REPORTED_UP,
            {"GiveNotice", "Accept", "Decline", "Withdraw"} | BEFORE,
        ),
        (from_township(ACCEPTED), TOWNSHIP, REPORTED_UP, {"Review", "Withdraw"} | DURING),
        (
            from_township(ACCEPTED, REVIEWED),
            TOWNSHIP,
            REPORTED_UP,
            {"HandOver", "Withdraw"} | DURING,
        ),
        (
            from_elsewhere(),
            OTHER_COUNTY,
            ITEM,
            {"GiveNotice", "Decline", "HandOver", "Withdraw"} | BEFORE,
        ),
        (from_elsewhere(to(COUNTY)), OTHER_COUNTY, ITEM, set()),
        (from_elsewhere(to(COUNTY)), COUNTY, ITEM, set()),
        (from_elsewhere(to(COUNTY), TAKEN), OTHER_COUNTY, ITEM, set()),
        (
            from_elsewhere(to(COUNTY), NOT_TAKEN),
            OTHER_COUNTY,
            ITEM,
            {"GiveNotice", "Decline", "HandOver", "Withdraw"} | BEFORE,
        ),
    ],
)
def test_which_acts_a_clerk_is_offered(
    case: Case, here: Address, wanted: Any, acts: set[str]
) -> None:
    assert set(possible_acts(case, wanted, here)) == acts


def test_a_case_that_ended_is_archived_and_originals_go_back_and_nothing_else() -> None:
    for facts in ((Declined("", DeclineGround.NOT_NEEDED, "", ""),), (Withdrawn(""),)):
        case = case_with(*facts)
        assert case.stage in {Stage.DECLINED, Stage.WITHDRAWN}
        assert case.ended
        assert possible_acts(case, ITEM, COUNTY) == ["SendOriginals", "Archive"]
    assert CLERK.kind is ActorKind.STAFF

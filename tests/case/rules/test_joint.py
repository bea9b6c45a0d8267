"""Joint cases: one receipt starts all parallel clocks, groups follow on each other, a refusal undoes."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from tests.case.builders import (
    ACCEPTED,
    CITY,
    COUNTY,
    GRANTED,
    LEG,
    LEG_ENDED,
    OTHER_COUNTY,
    RECALLED,
    REPORTED,
    History,
    at,
    calendar,
    case_with,
    context,
    filed,
    item,
    working_days,
)

from hallnet.case import command as commands
from hallnet.case.case import Case, day_of
from hallnet.case.clock import Alarm, ClockKind, clocks
from hallnet.case.decide import decide
from hallnet.case.event import (
    AcceptanceBasis,
    Accepted,
    Decided,
    Filed,
    HandedOver,
    HandOverPurpose,
    Outcome,
)
from hallnet.case.fact import Lead, LegEnded, LegOpened, LegOutcome, LegsPlanned, PlannedLeg
from hallnet.case.item import JointMode, Leg
from hallnet.case.policy import LegSilence, Policy
from hallnet.case.possible import possible_acts
from hallnet.case.power import Power
from hallnet.case.problems import ActNotPossible, NotCompetent, PowerMissing
from hallnet.case.rules import joint
from hallnet.case.rules.problems import LegNotSilent, LegsOpen, LegsToAskAgain, LegUnknown, NotJoint
from hallnet.places import Level, divisions

OPEN = commands.OpenLegs()
THREE = tuple(
    replace(
        LEG, leg=number, body=f"第{number}局", leg_case_id=f"leg-{number}", leg_case_no=f"L{number}"
    )
    for number in (1, 2, 3)
)
STAGED = (THREE[0], THREE[1], replace(THREE[2], group=2, hall=OTHER_COUNTY))
JOINT = item(joint_bodies=("甲局", "乙局"), joint_mode=JointMode.PARALLEL)


def opened(*legs: PlannedLeg) -> Case:
    first = min(leg.group for leg in legs)
    opening = [LegOpened(leg.leg) for leg in legs if leg.group == first]
    return case_with(ACCEPTED, LegsPlanned(legs), *opening)


def own_case(lead: Case, leg: PlannedLeg, today: date = date(2026, 3, 2)) -> Case:
    """The case of a leg, from its first facts."""
    facts = joint.facts_of_leg(lead, leg, COUNTY, today, "CODE2345")
    assert isinstance(facts[0], Filed)
    return History(facts[0]).extend(facts[1:]).case


def test_joint_case_with_three_departments_starts_all_clocks_at_the_same_instant() -> None:
    """Acceptance check 6: however late the legs are opened, their clocks start with the joint case."""
    lead = opened(*THREE)
    starts = set()
    for leg in lead.open_legs:
        running = clocks(own_case(lead, leg, date(2026, 3, 6)), JOINT, calendar())
        starts |= {clock.starts_on for clock in running if clock.kind is ClockKind.PROMISE}
    assert starts == {date(2026, 3, 2)}


def test_one_late_leg_turns_only_that_department_red() -> None:
    """Acceptance check 6."""
    lead = opened(replace(THREE[0], promised=working_days(2)), *THREE[1:])
    today = date(2026, 3, 5)
    alarms = {}
    for leg in lead.open_legs:
        running = clocks(own_case(lead, leg), JOINT, calendar())
        promise = next(clock for clock in running if clock.kind is ClockKind.PROMISE)
        alarms[leg.body] = promise.alarm(today, calendar())
    assert alarms["第1局"] is Alarm.RED
    assert {alarms["第2局"], alarms["第3局"]} <= {Alarm.NONE, Alarm.YELLOW}


def test_legs_are_accepted_with_the_joint_case_and_go_to_their_halls() -> None:
    """浙江省保障“最多跑一次”改革规定 article 5."""
    lead = opened(THREE[0], replace(THREE[1], hall=OTHER_COUNTY))
    here = joint.facts_of_leg(lead, lead.legs[0], COUNTY, date(2026, 3, 2), "CODE2345")
    there = joint.facts_of_leg(lead, lead.legs[1], COUNTY, date(2026, 3, 2), "CODE2345")
    assert [type(fact) for fact in here] == [Filed, Accepted]
    assert isinstance(there[0], Filed)
    assert there[0].materials == lead.materials
    assert isinstance(there[1], Accepted)
    assert there[1].basis is AcceptanceBasis.UNIFIED
    assert there[2] == HandedOver(OTHER_COUNTY, HandOverPurpose.ACROSS, "联办环节：第2局")


def test_the_next_group_opens_when_all_before_it_agreed_and_its_clock_starts_then() -> None:
    lead = opened(*STAGED)
    assert [leg.leg for leg in lead.open_legs] == [1, 2]
    half = case_with(ACCEPTED, LegsPlanned(STAGED), LegOpened(1), LegOpened(2), LEG_ENDED)
    assert joint.next_legs(half) == []
    agreed = (LEG_ENDED, replace(LEG_ENDED, leg=2))
    whole = case_with(ACCEPTED, LegsPlanned(STAGED), LegOpened(1), LegOpened(2), *agreed)
    assert joint.next_legs(whole) == [LegOpened(3)]
    later = joint.facts_of_leg(whole, STAGED[2], COUNTY, date(2026, 3, 20), "CODE2345")[1]
    assert isinstance(later, Accepted)
    assert later.accepted_on == date(2026, 3, 20)


def test_after_a_refusal_nothing_more_is_opened() -> None:
    ended = (replace(LEG_ENDED, outcome=LegOutcome.REFUSED), replace(LEG_ENDED, leg=2))
    lead = case_with(ACCEPTED, LegsPlanned(STAGED), LegOpened(1), LegOpened(2), *ended)
    assert joint.next_legs(lead) == []


def test_a_refused_joint_case_takes_back_what_was_agreed() -> None:
    """Compensation."""
    ended = (LEG_ENDED, replace(LEG_ENDED, leg=2, outcome=LegOutcome.REFUSED))
    lead = case_with(ACCEPTED, LegsPlanned(THREE[:2]), LegOpened(1), LegOpened(2), *ended)
    facts = decide(
        lead, commands.Decide(Outcome.REFUSED, "第2局不同意", "某法"), context(wanted=JOINT)
    )
    assert isinstance(facts[0], LegEnded)
    assert (facts[0].leg, facts[0].outcome) == (1, LegOutcome.COMPENSATED)
    assert isinstance(facts[1], Decided)


def test_a_joint_case_is_decided_when_its_legs_have_ended() -> None:
    grant = commands.Decide(Outcome.GRANTED, "", "")
    with pytest.raises(LegsOpen) as refused:
        decide(opened(*THREE), grant, context(wanted=JOINT))
    assert refused.value.particulars == {"bodies": "第1局、第2局、第3局"}
    ended = case_with(ACCEPTED, LegsPlanned((LEG,)), LegOpened(1), LEG_ENDED)
    assert decide(ended, grant, context(wanted=JOINT))


def test_legs_are_opened_once_by_who_coordinates_at_the_competent_hall() -> None:
    ready = context(wanted=JOINT, legs=THREE)
    facts = decide(case_with(ACCEPTED), OPEN, ready)
    assert facts == [LegsPlanned(THREE), LegOpened(1), LegOpened(2), LegOpened(3)]
    with pytest.raises(NotJoint):
        decide(opened(*THREE), OPEN, ready)
    with pytest.raises(NotJoint):
        decide(case_with(ACCEPTED), OPEN, context())
    with pytest.raises(PowerMissing):
        decide(
            case_with(ACCEPTED), OPEN, replace(ready, powers=frozenset(Power) - {Power.COORDINATE})
        )
    elsewhere = case_with(ACCEPTED, opening=filed(COUNTY, OTHER_COUNTY))
    with pytest.raises(NotCompetent):
        decide(elsewhere, OPEN, ready)


@pytest.mark.parametrize("command", [commands.Withdraw("不办了")])
def test_with_the_joint_case_its_open_legs_end(command: Any) -> None:
    facts = decide(opened(*THREE), command, context(wanted=JOINT))
    stopped = [fact for fact in facts if isinstance(fact, LegEnded)]
    assert [leg.outcome for leg in stopped] == [LegOutcome.STOPPED] * 3


def test_silence_agrees_only_where_the_policy_says_so_and_when_the_leg_is_late() -> None:
    lead = opened(*THREE)
    silent = commands.EndLeg(2, LegOutcome.DEEMED_AGREED, "逾期未答复")
    late: dict[str, Any] = {
        "wanted": JOINT,
        "legs_due": {2: date(2026, 3, 5)},
        "now": at("2026-03-06 09:00"),
    }
    agrees = Policy(leg_silence=LegSilence.AGREES)
    assert decide(lead, silent, context(**late, policy=agrees)) == [
        LegEnded(2, LegOutcome.DEEMED_AGREED, "逾期未答复")
    ]
    with pytest.raises(LegNotSilent):
        decide(lead, silent, context(**late))
    with pytest.raises(LegNotSilent):
        decide(lead, silent, context(**(late | {"now": at("2026-03-05 09:00")}), policy=agrees))
    with pytest.raises(LegUnknown):
        decide(lead, replace(silent, leg=9), context(**late, policy=agrees))


# Planning


def planned(wanted: Any, command: commands.OpenLegs = OPEN, **bundled: Any) -> list[PlannedLeg]:
    items = {version.item_id: version for version in bundled.values()}
    return joint.plan_legs(case_with(ACCEPTED), wanted, items, command, COUNTY, divisions())


def test_an_item_with_assisting_bodies_has_a_leg_for_each() -> None:
    assert [(leg.body, leg.group, leg.hall) for leg in planned(JOINT)] == [
        ("甲局", 1, COUNTY),
        ("乙局", 1, COUNTY),
    ]
    serial = replace(JOINT, joint_mode=JointMode.SERIAL)
    assert [leg.group for leg in planned(serial)] == [1, 2]


def test_legs_of_the_record_keep_their_groups_levels_and_limits() -> None:
    legs = (
        Leg(1, 1, Level.COUNTY, "发改局", "立项", working_days(3), None, True),
        Leg(2, 2, Level.CITY, "市生态环境局", "环评", working_days(5), working_days(30), True),
    )
    recorded = item(joint_mode=JointMode.MIXED, legs=legs)
    staged = planned(recorded)
    assert [(leg.group, leg.hall, leg.promised, leg.statutory) for leg in staged] == [
        (1, COUNTY, working_days(3), working_days(20)),
        (2, CITY, working_days(5), working_days(30)),
    ]
    assert "OpenLegs" in possible_acts(case_with(ACCEPTED), recorded, COUNTY)


@pytest.mark.parametrize("mode", [None, JointMode.MIXED])
def test_legs_are_offered_to_be_opened_where_there_are_some(mode: JointMode | None) -> None:
    alone = item(joint_mode=mode)
    assert "OpenLegs" not in possible_acts(case_with(ACCEPTED), alone, COUNTY)


def test_a_bundle_has_a_leg_for_each_item_that_the_applicant_needs() -> None:
    """一件事: the questions choose among its items."""
    birth = item(item_id="birth", name="出生医学证明", authority="卫健局")
    household = item(item_id="household", name="落户", authority="公安局")
    bundle = item(bundled_items=("birth", "household"), joint_mode=JointMode.PARALLEL)
    assert [leg.item_id for leg in planned(bundle, a=birth, b=household)] == ["birth", "household"]
    chosen = commands.OpenLegs(items=("household",))
    assert [leg.body for leg in planned(bundle, chosen, a=birth, b=household)] == ["公安局"]


def test_a_leg_is_sent_to_the_hall_that_is_named_for_it() -> None:
    place = commands.OpenLegs(places=(commands.LegPlace(2, OTHER_COUNTY),))
    assert [leg.hall for leg in planned(JOINT, place)] == [COUNTY, OTHER_COUNTY]


@pytest.mark.parametrize(
    ("outcome", "wanted"),
    [(Outcome.GRANTED, LegOutcome.AGREED), (Outcome.REFUSED, LegOutcome.REFUSED)],
)
def test_what_a_body_decides_ends_its_leg(outcome: Outcome, wanted: LegOutcome) -> None:
    lead = opened(*THREE)
    own = own_case(lead, THREE[0])
    assert joint.outcome_of_leg(own) is None
    decided = Decided("J-1", outcome, "", "", "", "")
    facts = joint.facts_of_leg(lead, THREE[0], COUNTY, day_of(at("2026-03-02 09:00")), "C")
    assert isinstance(facts[0], Filed)
    assert joint.outcome_of_leg(History(facts[0]).extend([*facts[1:], decided]).case) is wanted


# A refusal that is recalled

REFUSED = replace(GRANTED, outcome=Outcome.REFUSED, reasons="不符合条件", legal_basis="某法")
AGREED_THEN_REFUSED = (
    ACCEPTED,
    LegsPlanned(THREE[:2]),
    LegOpened(1),
    LegOpened(2),
    LEG_ENDED,
    replace(LEG_ENDED, leg=2, outcome=LegOutcome.REFUSED),
    replace(LEG_ENDED, outcome=LegOutcome.COMPENSATED),
    REFUSED,
    REPORTED,
)
AGAIN = tuple(
    replace(leg, leg_case_id=f"again-{leg.leg}", leg_case_no=f"A{leg.leg}") for leg in THREE[:2]
)
RECALL = commands.RecallRefusal("依据有误")


def test_the_refusal_of_a_joint_case_is_recalled_and_its_bodies_have_said_nothing() -> None:
    case = case_with(*AGREED_THEN_REFUSED)
    assert "RecallRefusal" in possible_acts(case, JOINT, COUNTY)
    facts = decide(case, RECALL, context(wanted=JOINT))
    assert facts == [RECALLED]
    after = case_with(*AGREED_THEN_REFUSED, RECALLED)
    assert (after.legs, after.opened_legs, after.open_legs) == ((), (), ())
    assert {"OpenLegs", "Decide"} <= set(possible_acts(after, JOINT, COUNTY))


def test_nothing_is_granted_on_what_was_taken_back_until_the_bodies_are_asked_anew() -> None:
    after = case_with(*AGREED_THEN_REFUSED, RECALLED)
    grant = commands.Decide(Outcome.GRANTED, "", "")
    with pytest.raises(LegsToAskAgain):
        decide(after, grant, context(wanted=JOINT))
    assert decide(
        after, commands.Decide(Outcome.REFUSED, "仍不符合", "某法"), context(wanted=JOINT)
    )
    opening = decide(after, OPEN, context(wanted=JOINT, legs=AGAIN))
    assert opening == [LegsPlanned(AGAIN), LegOpened(1), LegOpened(2)]
    asked = case_with(*AGREED_THEN_REFUSED, RECALLED, *opening)
    assert [leg.leg_case_id for leg in asked.open_legs] == ["again-1", "again-2"]
    with pytest.raises(LegsOpen):
        decide(asked, grant, context(wanted=JOINT))
    agreed = case_with(
        *AGREED_THEN_REFUSED, RECALLED, *opening, LEG_ENDED, replace(LEG_ENDED, leg=2)
    )
    assert isinstance(decide(agreed, grant, context(wanted=JOINT))[0], Decided)


def test_refused_once_more_only_what_was_agreed_since_is_taken_back() -> None:
    opening = (LegsPlanned(AGAIN), LegOpened(1), LegOpened(2))
    ended = (replace(LEG_ENDED, outcome=LegOutcome.REFUSED), replace(LEG_ENDED, leg=2))
    case = case_with(*AGREED_THEN_REFUSED, RECALLED, *opening, *ended)
    facts = decide(
        case, commands.Decide(Outcome.REFUSED, "第1局不同意", "某法"), context(wanted=JOINT)
    )
    taken_back = [fact.leg for fact in facts if isinstance(fact, LegEnded)]
    assert taken_back == [2]


def test_a_body_that_is_asked_anew_has_its_whole_limit() -> None:
    """It had no part in the days of the refusal."""
    again = case_with(*AGREED_THEN_REFUSED, RECALLED, LegsPlanned(AGAIN), LegOpened(1))
    accepted = joint.facts_of_leg(again, AGAIN[0], COUNTY, date(2026, 3, 20), "CODE2345")[1]
    assert isinstance(accepted, Accepted)
    assert accepted.accepted_on == date(2026, 3, 20)


def test_a_leg_is_not_recalled_by_itself() -> None:
    leg = case_with(
        ACCEPTED, REFUSED, REPORTED, opening=filed(lead=Lead("joint", 1, "某局", None, None))
    )
    assert "RecallRefusal" not in possible_acts(leg, JOINT, COUNTY)
    with pytest.raises(ActNotPossible):
        decide(leg, RECALL, context(wanted=JOINT))

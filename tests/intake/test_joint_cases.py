"""Joint cases over halls: their legs travel, end, follow on each other and are called back."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.case.builders import item, needed
from tests.intake.parts import CLOSE, GRANT, Post, history, take_items
from tests.simulation.halls import World
from tests.simulation.worlds import COUNTY, TOWNSHIP

from hallnet.case import command as commands
from hallnet.case.case import Case
from hallnet.case.event import AcceptanceBasis, Accepted, Outcome
from hallnet.case.fact import LegEnded, LegOpened, LegOutcome
from hallnet.case.item import JointMode
from hallnet.case.rules.problems import LegsOpen, LegsToAskAgain
from hallnet.case.stage import Stage
from hallnet.intake import cases
from hallnet.places import Address

JOINT = item(
    item_id="joint",
    name="联合验收",
    joint_bodies=("住建局", "人防办", "档案馆"),
    joint_mode=JointMode.PARALLEL,
    materials=(needed("申请表"),),
)
SERIAL = replace(JOINT, item_id="serial", joint_mode=JointMode.SERIAL)
ELSEWHERE = commands.OpenLegs(places=(commands.LegPlace(2, Address(TOWNSHIP)),))
REFUSE = commands.Decide(Outcome.REFUSED, "不符合条件", "某法第一条")
REPORT = commands.ReportRefusal("联络员", "不符合条件")


def opened(world: World, item_id: str = "joint") -> tuple[Case, Post]:
    """A joint case of a county, of which the second leg belongs to a township."""
    for hall in (COUNTY, TOWNSHIP):
        take_items(world, hall, [JOINT, SERIAL], version=3)
    case = world.file(COUNTY, item_id)
    world.act(COUNTY, case, commands.Accept())
    lead = world.act(COUNTY, case, ELSEWHERE)
    post = Post(world)
    post.settle()
    return lead, post


def lead_of(world: World, case: Case) -> Case:
    found = world.case(COUNTY, case)
    assert found is not None
    return found


def leg(world: World, at: str, lead: Case, number: int) -> Case:
    """The case of a leg as a hall knows it."""
    case_id = lead.legs[number - 1].leg_case_id
    return world.at(at).intake.look(lambda c: cases.load(c, case_id))


def outcomes(case: Case) -> dict[int, LegOutcome]:
    return {ended.leg: ended.outcome for ended in case.all_of(LegEnded)}


def test_all_legs_start_together_and_each_is_with_its_own_hall(world: World) -> None:
    lead, _ = opened(world)
    assert [fact.leg for fact in lead.all_of(LegOpened)] == [1, 2, 3]
    for number, hall in ((1, COUNTY), (2, TOWNSHIP), (3, COUNTY)):
        own = leg(world, hall, lead, number)
        accepted = own.last(Accepted)
        assert accepted is not None
        assert accepted.basis is AcceptanceBasis.UNIFIED
        assert str(own.custodian) == hall
        assert own.materials == lead.materials


def test_the_lead_decides_when_every_body_has_agreed(world: World) -> None:
    lead, post = opened(world)
    with pytest.raises(LegsOpen):
        world.act(COUNTY, lead, GRANT)
    world.act(COUNTY, leg(world, COUNTY, lead, 1), GRANT)
    world.act(COUNTY, leg(world, COUNTY, lead, 3), GRANT)
    world.act(TOWNSHIP, leg(world, TOWNSHIP, lead, 2), GRANT)
    assert outcomes(lead_of(world, lead)) == {1: LegOutcome.AGREED, 3: LegOutcome.AGREED}
    post.settle()
    assert outcomes(lead_of(world, lead))[2] is LegOutcome.AGREED
    for number in (1, 2, 3):
        assert leg(world, COUNTY, lead, number).stage is Stage.CLOSED
    world.act(COUNTY, lead, GRANT)
    assert world.act(COUNTY, lead, CLOSE).stage is Stage.CLOSED


def test_a_late_message_about_a_leg_changes_nothing_twice(world: World) -> None:
    lead, post = opened(world)
    world.act(TOWNSHIP, leg(world, TOWNSHIP, lead, 2), GRANT)
    post.settle()
    before = history(world.at(COUNTY), lead_of(world, lead))
    post.settle()
    assert history(world.at(COUNTY), lead_of(world, lead)) == before


def test_serial_legs_follow_on_each_other(world: World) -> None:
    lead, post = opened(world, "serial")
    assert [fact.leg for fact in lead.all_of(LegOpened)] == [1]
    world.act(COUNTY, leg(world, COUNTY, lead, 1), GRANT)
    post.settle()
    assert [fact.leg for fact in lead_of(world, lead).all_of(LegOpened)] == [1, 2]
    world.act(TOWNSHIP, leg(world, TOWNSHIP, lead, 2), GRANT)
    post.settle()
    assert [fact.leg for fact in lead_of(world, lead).all_of(LegOpened)] == [1, 2, 3]


def test_after_a_refused_leg_the_agreed_ones_go_back_to_their_halls_to_be_undone(
    world: World,
) -> None:
    lead, post = opened(world)
    world.act(COUNTY, leg(world, COUNTY, lead, 1), GRANT)
    world.act(TOWNSHIP, leg(world, TOWNSHIP, lead, 2), GRANT)
    world.act(COUNTY, leg(world, COUNTY, lead, 3), REFUSE)
    post.settle()
    world.act(COUNTY, lead, REFUSE)
    post.settle()
    assert outcomes(lead_of(world, lead)) == {
        1: LegOutcome.COMPENSATED,
        2: LegOutcome.COMPENSATED,
        3: LegOutcome.REFUSED,
    }
    back = leg(world, TOWNSHIP, lead, 2)
    assert str(back.custodian) == TOWNSHIP
    world.act(TOWNSHIP, back, commands.RevokeDecision("联办未通过", "某法第六十九条"))
    assert leg(world, TOWNSHIP, lead, 2).stage is Stage.REVOKED
    world.act(COUNTY, lead, REPORT)
    assert world.act(COUNTY, lead, CLOSE).stage is Stage.CLOSED


def test_a_withdrawn_joint_case_withdraws_its_legs_wherever_they_are(world: World) -> None:
    lead, post = opened(world)
    world.act(COUNTY, lead, commands.Withdraw("不办了"))
    post.settle()
    assert lead_of(world, lead).stage is Stage.WITHDRAWN
    assert leg(world, COUNTY, lead, 1).stage is Stage.WITHDRAWN
    assert leg(world, TOWNSHIP, lead, 2).stage is Stage.WITHDRAWN


def test_a_leg_that_is_not_needed_is_stopped_where_it_is(world: World) -> None:
    lead, post = opened(world)
    world.act(COUNTY, lead, commands.EndLeg(2, LegOutcome.STOPPED, "无需人防意见"))
    post.settle()
    assert leg(world, TOWNSHIP, lead, 2).stage is Stage.WITHDRAWN
    assert outcomes(lead_of(world, lead)) == {2: LegOutcome.STOPPED}


def test_a_recalled_joint_case_asks_its_bodies_anew_and_old_legs_have_no_say(world: World) -> None:
    first, post = opened(world)
    world.act(COUNTY, leg(world, COUNTY, first, 1), GRANT)
    world.act(TOWNSHIP, leg(world, TOWNSHIP, first, 2), GRANT)
    world.act(COUNTY, leg(world, COUNTY, first, 3), REFUSE)
    post.settle()
    for command in (REFUSE, REPORT, commands.RecallRefusal("第三环节依据有误")):
        world.act(COUNTY, first, command)
    post.settle()
    with pytest.raises(LegsToAskAgain):
        world.act(COUNTY, first, GRANT)
    again = world.act(COUNTY, first, ELSEWHERE)
    post.settle()
    old, new = ({leg.leg_case_id for leg in case.legs} for case in (first, again))
    assert not old & new
    # What was given back to be undone is undone, and changes nothing in the joint case.
    before = history(world.at(COUNTY), again)
    back = leg(world, TOWNSHIP, first, 2)
    world.act(TOWNSHIP, back, commands.RevokeDecision("联办未通过", "某法第六十九条"))
    post.settle()
    assert history(world.at(COUNTY), again) == before
    world.act(COUNTY, leg(world, COUNTY, again, 1), GRANT)
    world.act(COUNTY, leg(world, COUNTY, again, 3), GRANT)
    world.act(TOWNSHIP, leg(world, TOWNSHIP, again, 2), GRANT)
    post.settle()
    assert not lead_of(world, again).open_legs
    world.act(COUNTY, again, GRANT)
    assert world.act(COUNTY, again, CLOSE).stage is Stage.CLOSED
    assert [leg(world, COUNTY, again, number).stage for number in (1, 2, 3)] == [Stage.CLOSED] * 3

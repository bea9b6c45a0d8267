"""Joint cases (并联审批, 一件事): legs that run together, each a case of its own with its own custodian.

One form and one set of materials; the lead accepts once and with that for all (统一受理), so that no
clock starts late; groups of legs follow on each other; the late leg alone turns red. Sources:
行政许可法 article 26, 浙江省保障“最多跑一次”改革规定 article 5, 滨州市并联审批规定, 国办发〔2022〕32号.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date

from hallnet.case import command as commands
from hallnet.case.case import Case
from hallnet.case.catalogue import competent_hall, hall_of_level
from hallnet.case.context import Context, require_possible, require_text
from hallnet.case.event import (
    AcceptanceBasis,
    Accepted,
    Decided,
    Fact,
    Filed,
    HandedOver,
    HandOverPurpose,
    Outcome,
)
from hallnet.case.fact import (
    Lead,
    LegEnded,
    LegOpened,
    LegOutcome,
    LegsPlanned,
    PlannedLeg,
    RefusalRecalled,
)
from hallnet.case.item import ItemOverlay, ItemVersion, JointMode
from hallnet.case.ownership import ownership_of
from hallnet.case.policy import LegSilence
from hallnet.case.power import Power
from hallnet.case.problems import ActNotPossible
from hallnet.case.rules.problems import LegNotSilent, LegsToAskAgain, LegUnknown, NotJoint
from hallnet.case.stage import NAMES, Stage
from hallnet.places import Address, Divisions

AGREED = frozenset({LegOutcome.AGREED, LegOutcome.DEEMED_AGREED})


def has_legs(item: ItemVersion) -> bool:
    """Whether `plan_legs` finds any, in the item's bundle, its record of legs or its bodies."""
    recorded = item.joint_mode is not None and bool(item.legs)
    return recorded or bool(item.bundled_items or item.joint_bodies)


def plan_legs(
    case: Case,
    item: ItemVersion,
    bundled: Mapping[str, ItemVersion],
    command: commands.OpenLegs,
    here: Address,
    register: Divisions,
) -> list[PlannedLeg]:
    """All legs that an item or a bundle has, in their groups.

    A bundle (一件事) has a leg for each of its items, or for those that the applicant needs; an item
    that several bodies handle has those of its record.
    """
    places = {place.leg: place.hall for place in command.places}
    if item.bundled_items:
        chosen = [name for name in item.bundled_items if name in (command.items or bundled)]
        plans = [
            _bundled_leg(number, item, bundled[name], here, register)
            for number, name in enumerate(chosen, 1)
            if name in bundled
        ]
    elif item.joint_mode is not None and item.legs:
        plans = [
            PlannedLeg(
                leg.sequence,
                leg.group,
                leg.actor,
                hall_of_level(Address(here.division), leg.level, register),
                item.item_id,
                item.version,
                leg.promised,
                leg.statutory or item.statutory_limit,
            )
            for leg in item.legs
        ]
    else:
        plans = [
            PlannedLeg(
                number,
                _group(item, number),
                body,
                case.competent_hall,
                item.item_id,
                item.version,
                item.promised_limit,
                item.statutory_limit,
            )
            for number, body in enumerate(item.joint_bodies, 1)
        ]
    return [_at(plan, places.get(plan.leg)) for plan in plans]


def open_legs(case: Case, command: commands.OpenLegs, context: Context) -> list[Fact]:
    """Say which legs there are and open the first group; the others follow as those before agree."""
    context.require(Power.COORDINATE)
    require_possible(case, LegsPlanned, "开启联办环节")
    context.require_competent(case)
    if case.filed.lead is not None or case.legs or not context.legs:
        raise NotJoint("case_id", item=context.item.name)
    first = min(leg.group for leg in context.legs)
    opened = [LegOpened(leg.leg) for leg in context.legs if leg.group == first]
    return [LegsPlanned(context.legs), *opened]


def next_legs(case: Case) -> list[Fact]:
    """The legs of the next group, once all that were opened have agreed."""
    outcomes = {ended.leg: ended.outcome for ended in case.since_recall(LegEnded)}
    opened = {leg.leg for leg in case.opened_legs}
    waiting = [leg for leg in case.legs if leg.leg not in opened]
    if not waiting or any(outcomes.get(leg) not in AGREED for leg in opened):
        return []
    group = min(leg.group for leg in waiting)
    return [LegOpened(leg.leg) for leg in waiting if leg.group == group]


def facts_of_leg(
    case: Case,
    leg: PlannedLeg,
    here: Address,
    today: date,
    query_code: str,
    overlay: ItemOverlay | None = None,
) -> list[Fact]:
    """The first facts of a leg's own case: filed and accepted with the joint case, and off it goes.

    Legs of the first group are accepted on the very day of the joint case; a later one on the day
    when the one before it agreed, which is today. So is one that is asked anew after a recall: the body had no
    part in the days that went by.
    """
    accepted = case.last(Accepted)
    assert accepted is not None
    first_group = leg.group == min(other.group for other in case.legs)
    first = first_group and case.newest(RefusalRecalled) is None
    filed = Filed(
        case_no=leg.leg_case_no,
        item_id=leg.item_id,
        item_version=leg.item_version,
        option=case.filed.option if leg.item_id == case.filed.item_id else "",
        applicant=case.filed.applicant,
        channel=case.filed.channel,
        intake_hall=here,
        intake_point=None,
        competent_hall=leg.hall,
        materials=case.materials,
        mandate=case.filed.mandate,
        query_code=query_code,
        lead=Lead(case.case_id, leg.leg, leg.body, leg.promised, leg.statutory),
        # Until it goes off, whoever answers for the joint case answers for its legs.
        owner=ownership_of(case).owner,
        overlay=overlay,
    )
    accepted_on = accepted.accepted_on if first else today
    facts: list[Fact] = [
        filed,
        Accepted(accepted.document_no, AcceptanceBasis.UNIFIED, accepted_on),
    ]
    if leg.hall != here:
        facts.append(HandedOver(leg.hall, HandOverPurpose.ACROSS, f"联办环节：{leg.body}"))
    return facts


def outcome_of_leg(leg_case: Case) -> LegOutcome | None:
    """How a leg's own case has ended for the joint case; None while it has not."""
    decided = leg_case.last(Decided)
    if decided is None and leg_case.stage is Stage.CLOSED:
        # What is only filed is done without a decision.
        return LegOutcome.AGREED
    if decided is not None:
        granted = decided.outcome is Outcome.GRANTED
        return LegOutcome.AGREED if granted else LegOutcome.REFUSED
    if leg_case.stage is Stage.WITHDRAWN:
        return LegOutcome.STOPPED
    return LegOutcome.REFUSED if leg_case.ended else None


def end_leg(case: Case, command: commands.EndLeg, context: Context) -> list[Fact]:
    """A leg that is not needed any more, or whose silence counts as agreement here.

    What a body decides ends its leg by itself.
    """
    context.require(Power.COORDINATE)
    require_possible(case, LegEnded, "终结联办环节")
    require_text(command.explanation, "explanation")
    if command.leg not in {leg.leg for leg in case.open_legs}:
        raise LegUnknown("leg", leg=command.leg)
    if command.outcome is LegOutcome.DEEMED_AGREED:
        _require_silent(command.leg, context)
    elif command.outcome is not LegOutcome.STOPPED:
        raise ActNotPossible("outcome", stage=NAMES[case.stage], act="代替协办部门作出意见")
    return [LegEnded(command.leg, command.outcome, command.explanation)]


def stopped_legs(case: Case) -> list[Fact]:
    """With the joint case its open legs end."""
    return [LegEnded(leg.leg, LegOutcome.STOPPED, "牵头办件已终结") for leg in case.open_legs]


def compensated_legs(case: Case) -> list[Fact]:
    """What was agreed is taken back when the joint case is refused."""
    outcomes = {ended.leg: ended.outcome for ended in case.since_recall(LegEnded)}
    return [
        LegEnded(leg, LegOutcome.COMPENSATED, "联办件不予许可，请核查并撤回本环节意见")
        for leg, outcome in outcomes.items()
        if outcome in AGREED
    ]


def require_asked_again(case: Case) -> None:
    """After a recall bodies whose word was taken back are asked anew before anything is granted; raises
    LegsToAskAgain."""
    asked_before = case.newest(LegsPlanned) is not None
    if asked_before and not case.legs:
        raise LegsToAskAgain("case_id")


def _require_silent(leg: int, context: Context) -> None:
    if context.policy.leg_silence is not LegSilence.AGREES:
        raise LegNotSilent("outcome", why="本地没有逾期默认的规定")
    due_on = context.legs_due.get(leg)
    if due_on is None or context.today <= due_on:
        raise LegNotSilent("outcome", why="该环节没有逾期")


def _bundled_leg(
    number: int, bundle: ItemVersion, item: ItemVersion, here: Address, register: Divisions
) -> PlannedLeg:
    return PlannedLeg(
        number,
        _group(bundle, number),
        item.authority or item.name,
        competent_hall(item, here, "", "", register),
        item.item_id,
        item.version,
        item.promised_limit,
        item.statutory_limit or item.legal_cap,
    )


def _group(item: ItemVersion, number: int) -> int:
    """Parallel legs are one group; one after another, each is its own."""
    return number if item.joint_mode is JointMode.SERIAL else 1


def _at(plan: PlannedLeg, hall: Address | None) -> PlannedLeg:
    return plan if hall is None else replace(plan, hall=hall)

"""Deciding: from a case, a command and the context to the facts that follow, or a problem.

Pure: time, powers, item and numbers are given. The life of a case is that of 行政许可法 articles 29 to
44; the articles stand at the rules.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from hallnet.case import command as commands
from hallnet.case.case import NAMES, TABLE, Case, Stage, day_of
from hallnet.case.command import Command, File
from hallnet.case.event import (
    AcceptanceBasis,
    Accepted,
    Closed,
    Decided,
    Declined,
    DeclineGround,
    Fact,
    Filed,
    HandedOver,
    HandOverDeclined,
    HandOverPurpose,
    NoticeGiven,
    Outcome,
    Reviewed,
    Supplemented,
    TakenOver,
    Withdrawn,
)
from hallnet.case.item import HandlingKind, ItemVersion
from hallnet.case.mandate import MandateAct, require_covers
from hallnet.case.person import Actor, ActorKind, Material, require_person
from hallnet.case.power import NAMES as POWER_NAMES
from hallnet.case.power import Power
from hallnet.case.problems import (
    ActNotPossible,
    CaseInTransit,
    DefectsIncomplete,
    DefectsMissing,
    ItemNotInForce,
    MandateMissing,
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
from hallnet.places import Address

REMEDY = "申请人不服的，可自收到决定之日起60日内申请行政复议，或6个月内提起行政诉讼"
"""行政许可法 article 38, 行政复议法 article 20, 行政诉讼法 article 46."""


@dataclass(frozen=True, slots=True)
class Context:
    """What a decision needs to know beside the case. `document_no` is for a paper that may follow."""

    now: datetime
    here: Address
    actor: Actor
    powers: frozenset[Power]
    item: ItemVersion
    document_no: str
    results_suspended_since: datetime | None = None

    @property
    def today(self) -> date:
        return day_of(self.now)

    def require(self, power: Power) -> None:
        """Staff act by their powers; an agent has none (行政许可法 article 24)."""
        is_agent = self.actor.kind is ActorKind.AGENT
        is_system = self.actor.kind is ActorKind.SYSTEM
        if is_agent or (not is_system and power not in self.powers):
            raise PowerMissing("act.actor_id", power=POWER_NAMES[power])


def file_case(command: File, context: Context) -> Filed:
    """Receive an application (收件), by staff or by an agent with a mandate."""
    item = context.item
    if not item.in_force_on(context.today):
        raise ItemNotInForce("item_id", item=item.name)
    require_person(command.applicant, "applicant")
    if item.options and command.option not in {option.name for option in item.options}:
        raise OptionUnknown("option", item=item.name, option=command.option)
    _require_known(command.materials, item)
    mandate, by_agent = command.mandate, context.actor.kind is ActorKind.AGENT
    if not by_agent:
        context.require(Power.RECEIVE)
    elif mandate is None:
        raise MandateMissing("mandate_id")
    if mandate is not None:
        # Whoever files: with the case its agent gets to see it.
        agent_id = context.actor.actor_id if by_agent else mandate.agent_id
        require_covers(mandate, item, command.applicant, agent_id, MandateAct.SUBMIT, context.today)
    return Filed(
        case_no=command.case_no,
        item_id=item.item_id,
        item_version=item.version,
        option=command.option,
        applicant=command.applicant,
        channel=command.channel,
        intake_hall=context.here,
        intake_point=command.intake_point,
        competent_hall=command.competent_hall,
        materials=command.materials,
        mandate=command.mandate,
        query_code=command.query_code,
    )


def decide(case: Case, command: Command, context: Context) -> list[Fact]:
    """The facts that follow from a command at this hall; raises a problem and changes nothing."""
    if case.transit is not None:
        raise CaseInTransit("case_id", to=case.transit.to)
    if case.custodian != context.here:
        raise NotTheCustodian("case_id", custodian=case.custodian)
    rule: Callable[[Case, Any, Context], list[Fact]] = _RULES[type(command)]
    return rule(case, command, context)


def answer_hand_over(case: Case, here: Address, item_known: bool) -> TakenOver | HandOverDeclined:
    """Whether this hall takes a case that was handed to it."""
    assert case.transit is not None
    if case.transit.purpose is not HandOverPurpose.RETURN:
        if case.filed.competent_hall != here:
            return HandOverDeclined("NOT_COMPETENT", "本厅不是该事项的办理大厅")
        if not item_known:
            return HandOverDeclined("ITEM_UNKNOWN", "本厅事项目录中没有该事项版本")
    return TakenOver()


def possible_acts(case: Case, context: Context) -> list[str]:
    """Names of the commands that this hall could carry out now, as far as stage and place decide."""
    if case.transit is not None or case.custodian != context.here:
        return []
    stage = case.stage
    acts = [
        ("GiveNotice", NoticeGiven),
        ("Supplement", Supplemented),
        ("Accept", Accepted),
        ("Decline", Declined),
        ("Review", Reviewed),
        ("HandOver", HandedOver),
        ("Decide", Decided),
        ("Close", Closed),
        ("Withdraw", Withdrawn),
    ]
    fitting = {name for name, fact in acts if fact in TABLE[stage]}
    competent = case.filed.competent_hall == context.here
    handed_over_at = Stage.REVIEWED if _reports_up(case, context) else Stage.RECEIVED
    if competent or stage is not handed_over_at:
        fitting.discard("HandOver")
    if not competent:
        fitting.discard("Decide")
        if not _reports_up(case, context):
            fitting -= {"Accept", "Review"}
    elif stage is Stage.RECEIVED and context.item.handling_kind is HandlingKind.INSTANT:
        fitting.add("Decide")
    return [name for name, _ in acts if name in fitting]


def _give_notice(case: Case, command: commands.GiveNotice, context: Context) -> list[Fact]:
    """Article 32(4): on the spot or within five days, once, all of it."""
    context.require(Power.VERIFY)
    _require_stage(case, NoticeGiven, "出具一次性告知书")
    if not command.defects:
        raise DefectsMissing("defects")
    named = {defect.material for defect in command.defects}
    left_out = [name for name in case.missing_materials(context.item) if name not in named]
    if left_out:
        raise DefectsIncomplete("defects", materials="、".join(left_out))
    return [NoticeGiven(context.document_no, command.defects)]


def _supplement(case: Case, command: commands.Supplement, context: Context) -> list[Fact]:
    _require_applicant_side(case, context, Power.VERIFY, MandateAct.SUBMIT)
    _require_stage(case, Supplemented, "补正")
    if not command.materials:
        raise NothingSupplemented("materials")
    _require_known(command.materials, context.item)
    return [Supplemented(command.materials)]


def _accept(case: Case, command: commands.Accept, context: Context) -> list[Fact]:
    """Article 32(5): what is complete has to be accepted, with a dated paper."""
    context.require(Power.RECEIVE)
    _require_stage(case, Accepted, "受理")
    _require_may_accept(case, context)
    missing = case.missing_materials(context.item)
    if missing:
        raise MaterialsMissing("materials", materials="、".join(missing))
    return [Accepted(context.document_no, AcceptanceBasis.EXAMINED, context.today)]


def _decline(case: Case, command: commands.Decline, context: Context) -> list[Fact]:
    """Article 32(1) and (2): at once, with reasons, and with the right body if there is one."""
    context.require(Power.GATEKEEP)
    _require_stage(case, Declined, "不予受理")
    if not command.explanation.strip():
        raise ReasonsMissing("explanation")
    if command.ground is DeclineGround.WRONG_BODY and not command.right_body.strip():
        raise RightBodyMissing("right_body")
    return [Declined(context.document_no, command.ground, command.explanation, command.right_body)]


def _review(case: Case, command: commands.Review, context: Context) -> list[Fact]:
    context.require(Power.REVIEW)
    _require_stage(case, Reviewed, "初审")
    if not command.explanation.strip():
        raise ReasonsMissing("explanation")
    return [Reviewed(command.opinion, command.explanation)]


def _hand_over(case: Case, command: commands.HandOver, context: Context) -> list[Fact]:
    """上报 after a review, or 转交 after the check of form at the place of intake."""
    competent = case.filed.competent_hall
    if competent == context.here:
        raise NothingToHandOver("case_id")
    if _reports_up(case, context):
        context.require(Power.REVIEW)
        if case.stage is not Stage.REVIEWED:
            raise ActNotPossible("case_id", stage=NAMES[case.stage], act="上报（须先初审）")
        purpose = HandOverPurpose.REPORT_UP
    else:
        context.require(Power.COORDINATE)
        if case.stage is not Stage.RECEIVED:
            raise ActNotPossible("case_id", stage=NAMES[case.stage], act="转交")
        missing = case.missing_materials(context.item)
        if missing:
            raise MaterialsMissing("materials", materials="、".join(missing))
        purpose = HandOverPurpose.ACROSS
    return [HandedOver(competent, purpose, command.explanation)]


def _decide(case: Case, command: commands.Decide, context: Context) -> list[Fact]:
    """Article 38; an instant case is accepted and decided in one act."""
    if case.filed.competent_hall != context.here:
        raise NotCompetent("case_id", competent=case.filed.competent_hall)
    _require_results(context)
    facts: list[Fact] = []
    if context.item.handling_kind is HandlingKind.INSTANT:
        context.require(Power.DECIDE_INSTANT)
        if case.stage is Stage.RECEIVED:
            facts += _accept(case, commands.Accept(), context)
    else:
        context.require(Power.DECIDE)
    if not facts:
        _require_stage(case, Decided, "作出决定")
    refused = command.outcome is Outcome.REFUSED
    if refused and not (command.reasons.strip() and command.legal_basis.strip()):
        raise ReasonsMissing("reasons")
    facts.append(
        Decided(
            context.document_no,
            command.outcome,
            command.reasons,
            command.legal_basis,
            REMEDY if refused else "",
            "" if refused else context.item.result_name,
        )
    )
    home = case.filed.intake_hall
    if home != context.here:
        facts.append(HandedOver(home, HandOverPurpose.RETURN, "结果回传收件大厅"))
    return facts


def _require_results(context: Context) -> None:
    """Past the hard expiry of its trust data a hall issues no results."""
    if context.results_suspended_since is not None:
        raise ResultsSuspended("case_id", expired_at=context.results_suspended_since)


def _close(case: Case, command: commands.Close, context: Context) -> list[Fact]:
    _require_results(context)
    _require_applicant_side(case, context, Power.RECEIVE, MandateAct.COLLECT)
    _require_stage(case, Closed, "办结")
    return [Closed(command.method, command.received_by)]


def _withdraw(case: Case, command: commands.Withdraw, context: Context) -> list[Fact]:
    _require_applicant_side(case, context, Power.RECEIVE, MandateAct.SUBMIT)
    _require_stage(case, Withdrawn, "撤回")
    return [Withdrawn(command.reason)]


_RULES: dict[type[Command], Callable[[Case, Any, Context], list[Fact]]] = {
    commands.GiveNotice: _give_notice,
    commands.Supplement: _supplement,
    commands.Accept: _accept,
    commands.Decline: _decline,
    commands.Review: _review,
    commands.HandOver: _hand_over,
    commands.Decide: _decide,
    commands.Close: _close,
    commands.Withdraw: _withdraw,
}


def _require_stage(case: Case, fact: type[Fact], act: str) -> None:
    if fact not in TABLE[case.stage]:
        raise ActNotPossible("case_id", stage=NAMES[case.stage], act=act)


def _require_applicant_side(case: Case, context: Context, power: Power, act: MandateAct) -> None:
    """Staff with a power, or the agent whose mandate covers the act; checked again at every hall."""
    if context.actor.kind is not ActorKind.AGENT:
        context.require(power)
        return
    if case.filed.mandate is None:
        raise MandateMissing("mandate_id")
    require_covers(
        case.filed.mandate,
        context.item,
        case.filed.applicant,
        context.actor.actor_id,
        act,
        context.today,
    )


def _require_may_accept(case: Case, context: Context) -> None:
    """The competent hall accepts; for items that are reported up, the hall that received does."""
    competent = case.filed.competent_hall
    if competent != context.here and not _reports_up(case, context):
        raise NotCompetent("case_id", competent=competent)


def _reports_up(case: Case, context: Context) -> bool:
    return context.item.report_up and case.filed.competent_hall.may_certify(context.here)


def _require_known(materials: tuple[Material, ...], item: ItemVersion) -> None:
    for material in materials:
        if item.material(material.name) is None:
            raise MaterialUnknown("materials", item=item.name, material=material.name)

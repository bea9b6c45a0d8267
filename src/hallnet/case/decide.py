"""Deciding: from a case, a command and the context to the facts that follow, or a problem.

Pure: time, powers, item, calendar, policy and numbers are given. The life of a case is that of
行政许可法 articles 29 to 48; the rules stand in `hallnet.case.rules`, with their articles.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hallnet.case import command as commands
from hallnet.case.case import Case
from hallnet.case.command import Command, File
from hallnet.case.context import Context
from hallnet.case.event import (
    Accepted,
    Closed,
    Decided,
    Declined,
    Fact,
    Filed,
    HandedOver,
    NoticeGiven,
    PrereviewReturned,
    Reviewed,
    Supplemented,
    Withdrawn,
)
from hallnet.case.fact import (
    AfterChecked,
    Archived,
    CommitmentSigned,
    CommitmentWithdrawn,
    Corrected,
    CreditRepaired,
    DecisionRevoked,
    Ended,
    Extended,
    Issued,
    LegEnded,
    LegsPlanned,
    MadeUrgent,
    MandateChanged,
    OriginalsReceived,
    OriginalsSent,
    OwnershipDeclined,
    OwnershipOffered,
    OwnershipTaken,
    PrereviewPassed,
    ProcedureBegan,
    ProcedureEnded,
    RefusalRecalled,
    RefusalReported,
    Surveyed,
)
from hallnet.case.item import HandlingKind
from hallnet.case.mandate import MandateAct, require_covers
from hallnet.case.ownership import ownership_of
from hallnet.case.person import ActorKind, require_person
from hallnet.case.power import Power
from hallnet.case.problems import (
    CaseInTransit,
    ItemNotInForce,
    MandateMissing,
    NotTheCustodian,
    OptionUnknown,
)
from hallnet.case.rules import (
    custody,
    ending,
    joint,
    owning,
    permission,
    processing,
    promises,
    receiving,
)
from hallnet.case.stage import TABLE, Stage


def file_case(command: File, context: Context) -> Filed:
    """Receive an application (收件), by staff or by an agent with a mandate."""
    item = context.item
    if not item.in_force_on(context.today):
        raise ItemNotInForce("item_id", item=item.name)
    require_person(command.applicant, "applicant")
    if item.options and command.option not in {option.name for option in item.options}:
        raise OptionUnknown("option", item=item.name, option=command.option)
    receiving.require_known(command.materials, item)
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
        for_prereview=command.for_prereview,
        lead=command.lead,
        owner=command.owner,
        overlay=command.overlay,
    )


def decide(case: Case, command: Command, context: Context) -> list[Fact]:
    """The facts that follow from a command at this hall; raises a problem and changes nothing."""
    if case.transit is not None:
        raise CaseInTransit("case_id", to=case.transit.to)
    if case.custodian != context.here:
        raise NotTheCustodian("case_id", custodian=case.custodian)
    rule, _ = RULES[type(command)]
    return rule(case, command, context)


def possible_acts(case: Case, context: Context) -> list[str]:
    """Names of the commands that this hall could carry out now, as far as stage and place decide."""
    if case.transit is not None or case.custodian != context.here:
        return []
    left_out = _not_of_this_case(case, context) | _not_of_this_hall(case, context)
    instant = context.item.handling_kind is HandlingKind.INSTANT
    competent = case.competent_hall == context.here
    decidable = not context.item.filing_only and not receiving.needs_nothing(case, context.item)
    at_once = competent and instant and decidable and case.stage is Stage.RECEIVED
    fitting = _FITTING[case.stage]
    return [
        name
        for name in _NAMES
        if (name in fitting and name not in left_out) or (at_once and name == "Decide")
    ]


def _not_of_this_hall(case: Case, context: Context) -> set[str]:
    competent = case.competent_hall == context.here
    reports_up = context.reports_up(case)
    left_out: set[str] = set()
    ready = case.stage is Stage.REVIEWED if reports_up else custody.may_go_across(case)
    if competent or not ready or case.open_legs or case.procedure is not None:
        left_out.add("HandOver")
    if not competent:
        left_out |= {"Decide", "RevokeDecision", "CheckAfterwards", "OpenLegs", "RepairCredit"}
        if case.stage is not Stage.DECIDED:
            left_out.add("Close")
        if not reports_up:
            left_out |= {"Accept", "AcceptWithGaps", "Review"}
    return left_out


def _not_of_this_case(case: Case, context: Context) -> set[str]:
    """What the item or the history of the case leaves out."""
    item = context.item
    something_needed = not receiving.needs_nothing(case, item)
    is_offered = bool(ownership_of(case).offered_to)
    conditions = {
        "AcceptWithGaps": bool(case.missing_tolerable(item)) and something_needed,
        "Accept": something_needed,
        "GiveNotice": something_needed,
        "SignCommitment": item.commitment_allowed and case.commitment is None,
        "WithdrawCommitment": case.commitment is not None,
        "CheckAfterwards": case.commitment is not None,
        "BeginProcedure": case.procedure is None,
        "EndProcedure": case.procedure is not None,
        "Extend": case.newest(Extended) is None and processing.extension_of(item) is not None,
        "Review": case.procedure is None,
        "OpenLegs": _is_joint(case, context) and not case.legs,
        "EndLeg": bool(case.open_legs),
        "ReceiveOriginals": any(bag.to == context.here for bag in custody.bags_under_way(case)),
        "ReportRefusal": ending.is_refused(case),
        "Issue": not ending.is_refused(case),
        "ChangeMandate": case.filed.mandate is not None,
        "Archive": not case.archived,
        "Decide": case.procedure is None and not case.open_legs and not item.filing_only,
        "Close": case.stage is Stage.DECIDED
        or (item.filing_only and case.procedure is None and not case.open_legs),
        "RecallRefusal": ending.is_refused(case)
        and ending.is_reported(case)
        and not case.legs
        and case.filed.lead is None,
        "RepairCredit": promises.is_broken(case),
        "Supplement": case.stage not in _IN_PROCESS or bool(case.gaps),
        "TakeOwnership": is_offered,
        "DeclineOwnership": is_offered,
    }
    return {name for name, holds in conditions.items() if not holds}


_IN_PROCESS = frozenset({Stage.ACCEPTED, Stage.REVIEWED})


def _is_joint(case: Case, context: Context) -> bool:
    item = context.item
    several = bool(item.bundled_items or item.joint_bodies)
    return case.filed.lead is None and several


Rule = Callable[[Case, Any, Context], list[Fact]]
RULES: dict[type[Command], tuple[Rule, type[Fact]]] = {
    commands.PassPrereview: (receiving.pass_prereview, PrereviewPassed),
    commands.ReturnPrereview: (receiving.return_prereview, PrereviewReturned),
    commands.GiveNotice: (receiving.give_notice, NoticeGiven),
    commands.Supplement: (receiving.supplement, Supplemented),
    commands.Accept: (receiving.accept, Accepted),
    commands.AcceptWithGaps: (receiving.accept_with_gaps, Accepted),
    commands.Decline: (receiving.decline, Declined),
    commands.SignCommitment: (promises.sign_commitment, CommitmentSigned),
    commands.WithdrawCommitment: (promises.withdraw_commitment, CommitmentWithdrawn),
    commands.Review: (processing.review, Reviewed),
    commands.BeginProcedure: (processing.begin_procedure, ProcedureBegan),
    commands.EndProcedure: (processing.end_procedure, ProcedureEnded),
    commands.Survey: (processing.survey, Surveyed),
    commands.Extend: (processing.extend, Extended),
    commands.MakeUrgent: (processing.make_urgent, MadeUrgent),
    commands.OpenLegs: (joint.open_legs, LegsPlanned),
    commands.EndLeg: (joint.end_leg, LegEnded),
    commands.SendOriginals: (custody.send_originals, OriginalsSent),
    commands.ReceiveOriginals: (custody.receive_originals, OriginalsReceived),
    commands.HandOver: (custody.hand_over, HandedOver),
    commands.Decide: (ending.decide_case, Decided),
    commands.ReportRefusal: (ending.report_refusal, RefusalReported),
    commands.Issue: (ending.issue, Issued),
    commands.Close: (ending.close, Closed),
    commands.CheckAfterwards: (promises.check_afterwards, AfterChecked),
    commands.RevokeDecision: (ending.revoke_decision, DecisionRevoked),
    commands.Correct: (ending.correct, Corrected),
    commands.Withdraw: (ending.withdraw, Withdrawn),
    commands.End: (ending.end, Ended),
    commands.Archive: (ending.archive, Archived),
    commands.ChangeMandate: (permission.change_mandate, MandateChanged),
    commands.OfferOwnership: (owning.offer_ownership, OwnershipOffered),
    commands.TakeOwnership: (owning.take_ownership, OwnershipTaken),
    commands.DeclineOwnership: (owning.decline_ownership, OwnershipDeclined),
    commands.RecallRefusal: (ending.recall_refusal, RefusalRecalled),
    commands.RepairCredit: (promises.repair_credit, CreditRepaired),
}
"""Each command with its rule and the fact that it chiefly makes."""
_NAMES = tuple(command.__name__ for command in RULES)
_FITTING = {
    stage: frozenset(command.__name__ for command, (_, fact) in RULES.items() if fact in facts)
    for stage, facts in TABLE.items()
}
"""The commands whose fact can happen in each stage."""

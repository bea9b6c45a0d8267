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
    BarLifted,
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
    OverdueExplained,
    OwnershipDeclined,
    OwnershipOffered,
    OwnershipTaken,
    PrereviewPassed,
    ProcedureBegan,
    ProcedureEnded,
    RefusalRecalled,
    RefusalReported,
    RightsTold,
    Surveyed,
    ViewHeard,
    ViolationRecorded,
)
from hallnet.case.mandate import MandateAct, require_covers
from hallnet.case.person import ActorKind, require_person
from hallnet.case.power import Power
from hallnet.case.problems import (
    CaseInTransit,
    ItemNotInForce,
    MandateMissing,
    NotTheCustodian,
    OptionUnknown,
)
from hallnet.case.renewal import require_renewable
from hallnet.case.rules import (
    custody,
    deceit,
    ending,
    hearing,
    joint,
    owning,
    permission,
    processing,
    promises,
    receiving,
    time,
    violations,
)


def file_case(command: File, context: Context) -> Filed:
    """Receive an application (收件), by staff or by an agent with a mandate."""
    item = context.item
    if not item.in_force_on(context.today):
        raise ItemNotInForce("item_id", item=item.name)
    require_person(command.applicant, "applicant")
    deceit.require_not_barred(context)
    receiving.require_served(command.applicant, item)
    if item.options and command.option not in {option.name for option in item.options}:
        raise OptionUnknown("option", item=item.name, option=command.option)
    receiving.require_known(command.materials, item)
    require_renewable(command.renews, item)
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
        renews=command.renews,
    )


def decide(case: Case, command: Command, context: Context) -> list[Fact]:
    """The facts that follow from a command at this hall, after the stamps of what is overdue by now; raises a problem
    and changes nothing."""
    if case.transit is not None:
        raise CaseInTransit("case_id", to=case.transit.to)
    if case.custodian != context.here:
        raise NotTheCustodian("case_id", custodian=case.custodian)
    rule, _ = RULES[type(command)]
    facts = rule(case, command, context)
    return [*time.overdue(case, context.clocks_of(case), context.today), *facts]


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
    commands.ExplainOverdue: (violations.explain_overdue, OverdueExplained),
    commands.RecordOffHall: (violations.record_off_hall, ViolationRecorded),
    commands.TellRights: (hearing.tell_rights, RightsTold),
    commands.HearView: (hearing.hear_view, ViewHeard),
    commands.LiftBar: (deceit.lift_bar, BarLifted),
}
"""Each command with its rule and the fact that it chiefly makes."""

"""The decision and what comes after it, and the other ends of a case."""

from __future__ import annotations

from hallnet.case import command as commands
from hallnet.case.case import Case
from hallnet.case.clock import Clock, ClockKind
from hallnet.case.context import REMEDY, Context, require_possible, require_text
from hallnet.case.event import (
    Accepted,
    Closed,
    Decided,
    Fact,
    HandedOver,
    HandOverPurpose,
    Outcome,
    Reviewed,
    Withdrawn,
)
from hallnet.case.fact import (
    AfterChecked,
    Archived,
    CheckResult,
    Corrected,
    DecisionRevoked,
    Ended,
    EndManner,
    GapEnd,
    Issued,
    RefusalRecalled,
    RefusalReported,
)
from hallnet.case.fee import require_may_issue
from hallnet.case.fee_problems import FeesNotAssessed
from hallnet.case.item import HandlingKind, TaskType
from hallnet.case.mandate import MandateAct
from hallnet.case.power import Power
from hallnet.case.problems import ActNotPossible, ReasonsMissing
from hallnet.case.renewal import ends_on, is_renewed_by_silence
from hallnet.case.rules.deceit import IN_APPLYING, IN_OBTAINING, deceit_found, standing_bar
from hallnet.case.rules.hearing import require_heard
from hallnet.case.rules.joint import compensated_legs, require_asked_again, stopped_legs
from hallnet.case.rules.problems import (
    AlreadyRenewed,
    CheckPending,
    DeceitGranted,
    EndNotAllowed,
    GapsNotDue,
    GapsOpen,
    LegsOpen,
    NothingCorrected,
    NothingToDecide,
    OnePersonOnly,
    RefusalNotReported,
)
from hallnet.case.rules.receiving import accept
from hallnet.case.stage import ENDED, NAMES, Stage

MANNER_NAMES = {
    EndManner.ACCEPTANCE_REVOKED: "撤销受理",
    EndManner.DEEMED_WITHDRAWN: "视为撤回申请",
    EndManner.RETURNED: "退办",
    EndManner.TERMINATED: "终止办理",
    EndManner.VOID: "作废",
}
_MANNER_OF_GAPS = {
    GapEnd.ACCEPTANCE_REVOKED: EndManner.ACCEPTANCE_REVOKED,
    GapEnd.DEEMED_WITHDRAWN: EndManner.DEEMED_WITHDRAWN,
    GapEnd.RETURNED: EndManner.RETURNED,
    GapEnd.TERMINATED: EndManner.TERMINATED,
}


def decide_case(case: Case, command: commands.Decide, context: Context) -> list[Fact]:
    """Article 38; an instant case is accepted and decided in one act."""
    context.require_competent(case)
    context.require_results()
    if context.item.filing_only:
        raise NothingToDecide("case_id", item=context.item.name)
    facts: list[Fact] = []
    if context.item.handling_kind is HandlingKind.INSTANT:
        context.require(Power.DECIDE_INSTANT)
        if case.stage is Stage.RECEIVED:
            facts += accept(case, commands.Accept(), context)
    else:
        context.require(Power.DECIDE)
        _require_another_person(case, context)
    if not facts:
        require_possible(case, Decided, "作出决定")
    refused = command.outcome is Outcome.REFUSED
    if refused and not (command.reasons.strip() and command.legal_basis.strip()):
        raise ReasonsMissing("reasons")
    if refused and is_renewed_by_silence(case, context.item, context.today):
        raise AlreadyRenewed("outcome", ended_on=ends_on(case, context.item))
    if command.deceit and not refused:
        raise DeceitGranted("deceit")
    _require_nothing_open(case, refused, context)
    require_heard(case, command.reasons, context)
    if not refused:
        require_asked_again(case)
    if refused:
        facts += compensated_legs(case)
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
    if command.deceit:
        facts.append(deceit_found(IN_APPLYING, context))
    home = case.home
    if home != context.here:
        facts.append(HandedOver(home, HandOverPurpose.RETURN, "结果回传收件大厅"))
    return facts


def report_refusal(case: Case, command: commands.ReportRefusal, context: Context) -> list[Fact]:
    """否定报备: a refusal is reported before the case is closed."""
    context.require(Power.DECIDE, Power.DECIDE_INSTANT, Power.RECEIVE)
    if not is_refused(case):
        raise ActNotPossible("case_id", stage=NAMES[case.stage], act="否定报备")
    require_possible(case, RefusalReported, "否定报备")
    require_text(command.liaison, "liaison")
    return [RefusalReported(command.liaison, command.explanation)]


def issue(case: Case, command: commands.Issue, context: Context) -> list[Fact]:
    """Article 39: what was granted is issued."""
    context.require(Power.DECIDE, Power.DECIDE_INSTANT, Power.RECEIVE)
    context.require_results()
    if is_refused(case):
        raise ActNotPossible("case_id", stage=NAMES[case.stage], act="出证（已不予许可）")
    require_possible(case, Issued, "出证")
    require_may_issue(context.fees)
    require_text(command.certificate, "certificate")
    return [
        Issued(command.certificate, command.certificate_no, command.valid_from, command.valid_until)
    ]


def close(case: Case, command: commands.Close, context: Context) -> list[Fact]:
    """Article 44: the result is with the applicant. What was promised goes back to be checked, and whom a refusal
    bars from applying again to the hall that may take it back."""
    context.require_results()
    context.require_applicant_side(case, Power.RECEIVE, MandateAct.COLLECT)
    require_possible(case, Closed, "办结")
    if case.stage is not Stage.DECIDED:
        _require_filed(case, context)
    if is_refused(case) and not (is_reported(case) or context.policy.refusal_report_waived):
        raise RefusalNotReported("case_id")
    no_fee = command.no_fee.strip()
    if not is_refused(case):
        require_may_issue(context.fees)
        _require_assessed(case, no_fee, context)
    facts: list[Fact] = [Closed(command.method, command.received_by, no_fee)]
    competent = case.competent_hall
    goes_back = _goes_back_for(case)
    if competent != context.here and goes_back:
        facts.append(HandedOver(competent, HandOverPurpose.AFTER_CHECK, goes_back))
    return facts


def recall_refusal(case: Case, command: commands.RecallRefusal, context: Context) -> list[Fact]:
    """否定报备: the centre recalls a refusal that was reported and not delivered; it goes back into process,
    to the hall that decided. The limits run on from where they began: the days of the refusal count. Of a joint
    case what its bodies agreed to was given back to be undone when it was refused: they are asked anew."""
    context.require(Power.SUPERVISE)
    require_possible(case, RefusalRecalled, "撤回不予许可决定重新审查")
    if not is_refused(case) or not is_reported(case):
        raise ActNotPossible("case_id", stage=NAMES[case.stage], act="撤回（须为已报备的不予许可）")
    if case.filed.lead is not None:
        # The joint case has noted how its leg ended; it is that which is recalled, and asks the bodies anew.
        raise ActNotPossible("case_id", stage=NAMES[case.stage], act="撤回联办环节的意见")
    require_text(command.reason, "reason")
    facts: list[Fact] = [RefusalRecalled(command.reason)]
    competent = case.competent_hall
    if competent != context.here:
        facts.append(HandedOver(competent, HandOverPurpose.REVIEW_AGAIN, command.reason))
    return facts


def revoke_decision(case: Case, command: commands.RevokeDecision, context: Context) -> list[Fact]:
    """Articles 69 and 79: a decision that must not stand is taken back, with reasons and remedy."""
    context.require(Power.DECIDE)
    require_possible(case, DecisionRevoked, "撤销决定")
    context.require_competent(case)
    require_text(command.reasons, "reasons")
    require_text(command.legal_basis, "legal_basis")
    facts: list[Fact] = [
        DecisionRevoked(context.document_no, command.reasons, command.legal_basis, REMEDY)
    ]
    if command.deceit:
        facts.append(deceit_found(IN_OBTAINING, context))
    return facts


def correct(case: Case, command: commands.Correct, context: Context) -> list[Fact]:
    """A slip in the record of a decided case is put right; it is not opened again."""
    context.require(Power.DECIDE, Power.DECIDE_INSTANT)
    require_possible(case, Corrected, "更正")
    named = command.field.strip() and command.reason.strip()
    if not named or command.before == command.after:
        raise NothingCorrected("field")
    return [Corrected(command.field, command.before, command.after, command.reason)]


def withdraw(case: Case, command: commands.Withdraw, context: Context) -> list[Fact]:
    context.require_applicant_side(case, Power.RECEIVE, MandateAct.SUBMIT)
    require_possible(case, Withdrawn, "撤回")
    return [*stopped_legs(case), Withdrawn(command.reason)]


def end(case: Case, command: commands.End, context: Context) -> list[Fact]:
    """An end without a decision: only in the manner that the applicant was told, and when it is time."""
    context.require(Power.GATEKEEP, Power.SUPERVISE)
    require_possible(case, Ended, "终结办件")
    require_text(command.reasons, "reasons")
    if command.manner is EndManner.VOID:
        context.require(Power.SUPERVISE)
    elif command.manner is EndManner.TERMINATED and case.stage in _IN_PROCESS:
        require_text(command.legal_basis, "legal_basis")
    else:
        _require_time_is_over(case, command.manner, context)
    ended = Ended(context.document_no, command.manner, command.reasons, command.legal_basis, REMEDY)
    return [*stopped_legs(case), ended]


_IN_PROCESS = frozenset({Stage.ACCEPTED, Stage.REVIEWED})


def archive(case: Case, command: commands.Archive, context: Context) -> list[Fact]:
    context.require(Power.RECEIVE)
    if case.stage not in ENDED or case.archived:
        raise ActNotPossible("case_id", stage=NAMES[case.stage], act="归档")
    if case.stage is Stage.CLOSED and _to_be_checked(case):
        raise CheckPending("case_id")
    require_text(command.archive_no, "archive_no")
    return [Archived(command.archive_no)]


def _require_another_person(case: Case, context: Context) -> None:
    """一审一核: whoever accepted or examined a case does not decide it, where the policy says so."""
    if not context.policy.two_persons_decide:
        return
    examined = case.newest(Reviewed) or case.newest(Accepted)
    if (
        examined is not None
        and examined.author == context.here
        and examined.actor.actor_id == context.actor.actor_id
    ):
        raise OnePersonOnly("act.actor_id")


def _require_nothing_open(case: Case, refused: bool, context: Context) -> None:
    if case.open_legs:
        raise LegsOpen("case_id", bodies="、".join(leg.body for leg in case.open_legs))
    if not case.gaps or context.item.task_type is TaskType.BENEFIT:
        # Help comes first, papers later (社会救助暂行办法: 先行救助).
        return
    clock = _clock(case, ClockKind.GAPS, context)
    over = clock is not None and context.today > clock.due_on
    if not (refused and over and _told_end(case) is GapEnd.REFUSED):
        raise GapsOpen("materials", materials="、".join(case.gaps))


def _require_time_is_over(case: Case, manner: EndManner, context: Context) -> None:
    """Promised materials did not come, or a notice was not answered in time."""
    if case.stage is Stage.CORRECTING and manner is EndManner.DEEMED_WITHDRAWN:
        clock = _clock(case, ClockKind.SUPPLEMENT, context)
    elif case.gaps:
        if _MANNER_OF_GAPS.get(_told_end(case)) is not manner:
            why = "容缺时告知申请人的处理方式不同"
            raise EndNotAllowed("manner", manner=MANNER_NAMES[manner], why=why)
        clock = _clock(case, ClockKind.GAPS, context)
    else:
        why = "没有逾期未补的材料"
        raise EndNotAllowed("manner", manner=MANNER_NAMES[manner], why=why)
    if clock is None:
        why = "本地没有规定补正期限"
        raise EndNotAllowed("manner", manner=MANNER_NAMES[manner], why=why)
    if context.today <= clock.due_on:
        raise GapsNotDue("case_id", due_on=clock.due_on)


def _told_end(case: Case) -> GapEnd:
    """What the applicant was told would become of the case if promised materials do not come."""
    accepted = case.last(Accepted)
    return (accepted.gaps_end if accepted else None) or GapEnd.ACCEPTANCE_REVOKED


def _clock(case: Case, kind: ClockKind, context: Context) -> Clock | None:
    running = context.clocks_of(case)
    return next((clock for clock in running if clock.kind is kind), None)


def is_refused(case: Case) -> bool:
    """Whether it was decided against the applicant, and that stands."""
    decided = case.decision
    return (
        decided is not None
        and isinstance(decided.fact, Decided)
        and decided.fact.outcome is Outcome.REFUSED
    )


def is_reported(case: Case) -> bool:
    """Whether the decision that stands was reported as a refusal."""
    decided = case.decision
    return decided is not None and case.mark_after(decided, RefusalReported) is not None


def _require_assessed(case: Case, no_fee: str, context: Context) -> None:
    """Articles 58 and 59: what the law has charged is charged, or it is on record why not; of a joint case once,
    with the whole. Raises FeesNotAssessed."""
    if no_fee:
        # Who collects for the applicant does not waive a fee.
        context.require(Power.RECEIVE)
        return
    costs = any(fee.charges for fee in context.item.fees)
    if costs and context.fees is None and case.filed.lead is None:
        raise FeesNotAssessed("no_fee", item=context.item.name)


def _require_filed(case: Case, context: Context) -> None:
    """备案: complete once the information has arrived; nothing is decided and nothing refused."""
    if not context.item.filing_only or case.procedure is not None:
        raise ActNotPossible("case_id", stage=NAMES[case.stage], act="办结（尚未作出决定）")
    context.require_competent(case)
    _require_nothing_open(case, False, context)


def _goes_back_for(case: Case) -> str:
    """Why a closed case goes back to the hall that decided; empty if it does not."""
    if _to_be_checked(case):
        return "告知承诺事后核查"
    return "不得再次申请的限制由作出决定的大厅管理" if standing_bar(case) else ""


def _to_be_checked(case: Case) -> bool:
    """Whether a promise stands that nobody has checked for good."""
    if case.commitment is None or is_refused(case):
        return False
    checks = case.all_of(AfterChecked)
    return not checks or checks[-1].result is CheckResult.TO_BE_PUT_RIGHT

"""The steps of a case in the words of an applicant."""

from __future__ import annotations

from hallnet.case.case import CHINA, Mark
from hallnet.case.event import (
    AcceptanceBasis,
    Accepted,
    Closed,
    Decided,
    Declined,
    Fact,
    Filed,
    HandedOver,
    HandOverDeclined,
    HandOverFailed,
    HandOverPurpose,
    NoticeGiven,
    Outcome,
    PrereviewReturned,
    Reviewed,
    Supplemented,
    TakenOver,
    Withdrawn,
)
from hallnet.case.fact import (
    CHECK_RESULT_NAMES,
    LEG_OUTCOME_NAMES,
    MANDATE_CHANGES_TOLD,
    OVERDUE_CAUSE_NAMES,
    AfterChecked,
    Archived,
    BarLifted,
    CommitmentSigned,
    CommitmentWithdrawn,
    Corrected,
    CreditRepaired,
    DeceitFound,
    DecisionRevoked,
    Ended,
    Extended,
    Issued,
    LegEnded,
    LegOpened,
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
from hallnet.case.rules.ending import MANNER_NAMES
from hallnet.places import Address
from hallnet.places.divisions import Divisions

_HANDED = {
    HandOverPurpose.REPORT_UP: "已上报",
    HandOverPurpose.ACROSS: "已转交",
    HandOverPurpose.RETURN: "结果已回传",
    HandOverPurpose.AFTER_CHECK: "已转事后核查：",
    HandOverPurpose.REVIEW_AGAIN: "已转重新审查：",
    HandOverPurpose.SUCCESSION: "已移交承接大厅",
}
_BASES = {
    AcceptanceBasis.EXAMINED: "",
    AcceptanceBasis.SILENCE: "（逾期未告知，自收件之日起视为受理）",
    AcceptanceBasis.TOLERANT: "（容缺受理）",
    AcceptanceBasis.COMMITMENT: "（告知承诺）",
    AcceptanceBasis.UNIFIED: "（联办统一受理）",
}


def hall_name(address: Address, register: Divisions) -> str:
    """The area of a hall, for people."""
    name = register.full_name(address.division)
    return f"{name}分厅" if address.is_branch_hall else name


def step_text(mark: Mark, register: Divisions) -> str:
    """One step: the day and what happened."""
    return f"{mark.at.astimezone(CHINA):%Y-%m-%d} {_what(mark.fact, register)}"


def _what(fact: Fact, register: Divisions) -> str:
    match fact:
        case Filed(lead=lead):
            return "已收到您的申请" if lead is None else f"联办环节：{lead.body}"
        case NoticeGiven():
            return "已一次性告知需补正的内容"
        case Supplemented() as supplemented if supplemented.is_obtained:
            return "已从其他大厅调取所需材料"
        case Supplemented():
            return "已收到补正材料"
        case Accepted(basis=basis):
            return f"已受理{_BASES[basis]}"
        case Declined(explanation=explanation):
            return f"不予受理：{explanation}"
        case Reviewed():
            return "已完成初审"
        case HandedOver(to, purpose):
            return f"{_HANDED[purpose]}{hall_name(to, register)}"
        case TakenOver():
            return "已接收"
        case HandOverDeclined() | HandOverFailed():
            return "移交未成，由原大厅继续办理"
        case Decided(outcome=Outcome.GRANTED):
            return "已作出决定：准予"
        case Decided(reasons=reasons):
            return f"已作出决定：不予，理由：{reasons}"
        case Closed():
            return "已办结，结果已送达"
        case Withdrawn():
            return "已按您的请求撤回"
        case PrereviewPassed(received_on):
            return f"预审通过，自{received_on}起视为收件"
        case PrereviewReturned():
            return "预审退回，已告知全部问题"
    return _later(fact, register)


def _later(fact: Fact, register: Divisions) -> str:
    match fact:
        case CommitmentSigned():
            return "已签署告知承诺"
        case CommitmentWithdrawn():
            return "承诺已撤回，按一般程序办理"
        case AfterChecked(result):
            return f"承诺核查：{CHECK_RESULT_NAMES[result]}"
        case ProcedureBegan(name=name, expected=expected, counted=counted):
            effect = "计入" if counted else "不计入"
            return f"开始{name}，预计{expected.days}日，{effect}办理期限"
        case ProcedureEnded():
            return "特别程序结束，继续计算办理期限"
        case Surveyed(met, _, _, conditions_met):
            return f"{met}已现场核查，{'符合' if conditions_met else '不符合'}条件"
        case Extended(by=by, reason=reason):
            return f"办理期限延长{by.days}日：{reason}"
        case MadeUrgent():
            return "列为特办件"
        case LegsPlanned(legs):
            return f"联办环节共{len(legs)}个"
        case LegOpened(leg):
            return f"第{leg}个环节开始办理"
        case LegEnded(leg, outcome):
            return f"第{leg}个环节：{LEG_OUTCOME_NAMES[outcome]}"
        case OriginalsSent(bag_no, _, to):
            return f"原件封袋{bag_no}寄往{hall_name(to, register)}"
        case OriginalsReceived(bag_no, _, sealed):
            return f"原件封袋{bag_no}已签收，封口{'完好' if sealed else '异常'}"
    return _last(fact)


def _last(fact: Fact) -> str:
    match fact:
        case RefusalReported():
            return "不予许可已报备"
        case Issued(certificate):
            return f"{certificate}已制发"
        case DecisionRevoked(reasons=reasons):
            return f"决定已撤销：{reasons}"
        case Corrected(field):
            return f"记录已更正：{field}，办理结果不变"
        case Ended(manner=manner, reasons=reasons):
            return f"{MANNER_NAMES[manner]}：{reasons}"
        case Archived():
            return "已归档"
        case RefusalRecalled(reason):
            return f"不予许可的决定已收回，重新审查：{reason}"
        case DeceitFound(article, barred_until):
            until = f"，{barred_until}之前（含当日）不得再次申请" if barred_until else ""
            return f"已认定弄虚作假并给予警告（{article}）{until}"
        case BarLifted(reason):
            return f"不得再次申请的限制已撤销：{reason}"
        case CreditRepaired():
            return "信用已修复"
        case OwnershipOffered() | OwnershipDeclined():
            return "承办人交接中"
        case OwnershipTaken():
            return "承办人已交接"
        case MandateChanged(change=change):
            return f"代办委托已{MANDATE_CHANGES_TOLD[change]}"
        case RightsTold(hearing=hearing):
            return "已告知利害关系人陈述、申辩" + ("和要求听证的权利" if hearing else "的权利")
        case ViewHeard(asks_hearing=asks_hearing):
            return "已听取意见" + ("，将组织听证" if asks_hearing else "")
        case OverdueExplained(_, cause, explanation):
            return f"逾期原因：{OVERDUE_CAUSE_NAMES[cause]}，{explanation}"
        case ViolationRecorded(explanation=explanation):
            return f"大厅违规记录：{explanation}"
    raise AssertionError(f"no words for {type(fact).__name__}")

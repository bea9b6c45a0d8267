"""The words for what is rarer in a case: promises, procedures, legs, originals, and what comes after."""

from __future__ import annotations

from dataclasses import dataclass

from hallnet.case.clock import CLOCK_NAMES, ClockKind
from hallnet.case.event import Defect, Fact, PrereviewReturned
from hallnet.case.fact import (
    CHECK_RESULT_NAMES,
    LEG_OUTCOME_NAMES,
    OVERDUE_CAUSE_NAMES,
    AfterChecked,
    Archived,
    BarLifted,
    CheckResult,
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
    LegOutcome,
    LegsPlanned,
    MadeUrgent,
    MandateChange,
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
from hallnet.portal.halls import Halls


@dataclass(frozen=True, slots=True)
class Told:
    """An event in words: a headline, particulars by name, and a tone for its colour."""

    headline: str
    tone: str
    particulars: tuple[tuple[str, str], ...] = ()
    defects: tuple[Defect, ...] = ()


_MANDATES = {
    MandateChange.REVOKED: "终止",
    MandateChange.SUSPENDED: "中止",
    MandateChange.RESUMED: "续办",
}


Pairs = tuple[tuple[str, str], ...]


def tell_later(fact: Fact, halls: Halls) -> Told:
    """What happened, for staff and agents."""
    pairs: Pairs
    match fact:
        case PrereviewPassed(received_on):
            return Told("预审通过", "work", _told(("视为收件", str(received_on))))
        case PrereviewReturned(defects):
            return Told("预审退回", "wait", (), defects)
        case CommitmentSigned(document_no, materials, text_version):
            names = "、".join(materials)
            pairs = (("文书", document_no), ("代替材料", names), ("文本", text_version))
            return Told("签署告知承诺", "work", _told(*pairs))
        case CommitmentWithdrawn(reason):
            return Told("撤回承诺，按一般程序办理", "wait", _told(("原因", reason)))
        case ProcedureBegan(document_no, _, name, expected, counted, reason, held_on, presiding):
            pairs = (
                ("文书", document_no),
                ("所需时间", f"{expected.days}日，{'计入' if counted else '不计入'}期限"),
                ("举行日期", str(held_on or "")),
                ("主持人", presiding),
                ("原因", reason),
            )
            return Told(f"启动{name}", "wait", _told(*pairs))
        case ProcedureEnded(result, signed_by):
            pairs = (("结果", result), ("笔录签字", "、".join(signed_by)))
            return Told("特别程序结束", "work", _told(*pairs))
        case Surveyed(surveyed_on, surveyors, findings, conditions_met):
            names = "、".join(f"{person.name}（{person.unit}）" for person in surveyors)
            pairs = (("日期", str(surveyed_on)), ("人员", names), ("情况", findings))
            verdict = "符合条件" if conditions_met else "不符合条件"
            return Told(f"现场核查：{verdict}", "work" if conditions_met else "bad", _told(*pairs))
        case Extended(document_no, by, approver, reason):
            pairs = (("文书", document_no), ("批准", approver), ("理由", reason))
            return Told(f"延期{by.days}日", "wait", _told(*pairs))
        case MadeUrgent(approver, reason, limit):
            pairs = (("批准", approver), ("理由", reason), ("时限", f"{limit.days}日"))
            return Told("列为特办件", "work", _told(*pairs))
    return _tell_of_legs_and_originals(fact, halls)


def _tell_of_legs_and_originals(fact: Fact, halls: Halls) -> Told:
    pairs: Pairs
    match fact:
        case LegsPlanned(legs):
            bodies = "；".join(f"{leg.leg}. {leg.body}（{halls.name(leg.hall)}）" for leg in legs)
            return Told(f"联办，共{len(legs)}个环节", "move", _told(("环节", bodies)))
        case LegOpened(leg):
            return Told(f"第{leg}个环节开始", "move")
        case LegEnded(leg, outcome, explanation):
            agreed = outcome in (LegOutcome.AGREED, LegOutcome.DEEMED_AGREED)
            tone = "work" if agreed else "bad"
            return Told(
                f"第{leg}个环节：{LEG_OUTCOME_NAMES[outcome]}", tone, _told(("说明", explanation))
            )
        case OriginalsSent(bag_no, originals, to, carrier):
            pairs = (("封袋", bag_no), ("原件", "、".join(originals)), ("承运", carrier))
            return Told(f"寄送原件 → {halls.name(to)}", "move", _told(*pairs))
        case OriginalsReceived(bag_no, originals, sealed, remark):
            pairs = (("封袋", bag_no), ("原件", "、".join(originals)), ("不符之处", remark))
            state = "封口完好" if sealed else "封口异常"
            return Told(f"签收原件，{state}", "work" if sealed else "bad", _told(*pairs))
    return _tell_of_the_end(fact)


def _tell_of_the_end(fact: Fact) -> Told:
    pairs: Pairs
    match fact:
        case RefusalReported(liaison, explanation):
            return Told("否定报备", "work", _told(("报备对象", liaison), ("说明", explanation)))
        case Issued(certificate, certificate_no, valid_from, valid_until):
            term = f"{valid_from}至{valid_until or '长期'}"
            return Told(
                f"出证：{certificate}", "done", _told(("编号", certificate_no), ("有效期", term))
            )
        case AfterChecked(result, findings):
            tone = "done" if result is CheckResult.KEPT else "bad"
            return Told(f"承诺核查：{CHECK_RESULT_NAMES[result]}", tone, _told(("情况", findings)))
        case DecisionRevoked(document_no, reasons, legal_basis, remedy):
            pairs = (
                ("文书", document_no),
                ("理由", reasons),
                ("依据", legal_basis),
                ("救济途径", remedy),
            )
            return Told("撤销决定", "bad", _told(*pairs))
        case Corrected(field, before, after, reason):
            pairs = (("更正前", before), ("更正后", after), ("原因", reason))
            return Told(f"更正：{field}", "work", _told(*pairs))
        case Ended(document_no, manner, reasons, legal_basis, remedy):
            pairs = (
                ("文书", document_no),
                ("理由", reasons),
                ("依据", legal_basis),
                ("救济途径", remedy),
            )
            return Told(MANNER_NAMES[manner], "ended", _told(*pairs))
        case Archived(archive_no):
            return Told("归档", "ended", _told(("档案编号", archive_no)))
        case RefusalRecalled(reason):
            return Told("收回不予许可，重新审查", "wait", _told(("原因", reason)))
        case DeceitFound(article, barred_until):
            pairs = (("依据", article), ("不得再次申请至", str(barred_until or "")))
            return Told("认定弄虚作假，给予警告", "bad", _told(*pairs))
        case BarLifted(reason):
            return Told("撤销不得再次申请的限制", "done", _told(("原因", reason)))
        case CreditRepaired(reason):
            return Told("信用修复", "done", _told(("原因", reason)))
        case OwnershipOffered(to):
            return Told("转交承办", "move", _told(("转交给", to)))
        case OwnershipTaken():
            return Told("接手承办", "work")
        case OwnershipDeclined(reason):
            return Told("退回转交，承办人不变", "wait", _told(("原因", reason)))
        case MandateChanged(_, change, reason):
            return Told(f"代办委托{_MANDATES[change]}", "move", _told(("原因", reason)))
        case RightsTold(document_no, parties, interest, hearing):
            pairs = (("文书", document_no), ("告知", "、".join(parties)), ("重大利益", interest))
            right = "和要求听证的权利" if hearing else "的权利"
            return Told(f"告知陈述、申辩{right}", "wait", _told(*pairs))
        case ViewHeard(party, statement, asks_hearing):
            pairs = (("陈述人", party), ("意见", statement))
            return Told("要求听证" if asks_hearing else "听取意见", "work", _told(*pairs))
        case OverdueExplained(subject, cause, explanation):
            limit = CLOCK_NAMES[ClockKind[subject]] if subject in ClockKind.__members__ else subject
            pairs = (("期限", limit), ("说明", explanation))
            return Told(f"逾期原因：{OVERDUE_CAUSE_NAMES[cause]}", "work", _told(*pairs))
        case ViolationRecorded(_, _, explanation):
            return Told("违规记录", "bad", _told(("情形", explanation)))
    raise AssertionError(f"no words for {type(fact).__name__}")


def _told(*pairs: tuple[str, str]) -> Pairs:
    return tuple((name, text) for name, text in pairs if text)

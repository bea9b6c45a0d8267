"""What people are told, in their language: a pure function of what happened.

An applicant, and the agent if there is one, is told of every act upon the case. Staff are told of what
needs a person.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

from hallnet.case.event import (
    Accepted,
    Closed,
    Decided,
    Declined,
    Defect,
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
    MANDATE_CHANGES_TOLD,
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
from hallnet.case.item import TimeLimit
from hallnet.case.limits import UNIT_NAMES
from hallnet.case.template import BUILT_IN_TEXTS, PaperKind, Texts
from hallnet.places import Address, Divisions
from hallnet.wire.intake.v1 import intake_service_pb2 as wire_intake
from hallnet.wire.window.v1 import paper_request_pb2 as wire_paper
from hallnet.wire.window.v1 import window_pb2 as wire_window


class Audience(IntEnum):
    """Whom a notice is for; the numbers are those of the wire."""

    APPLICANT = 1
    AGENT = 2
    STAFF = 3


@dataclass(frozen=True, slots=True)
class Recipient:
    """The people of a case, as far as notices need them."""

    case_no: str
    query_code: str
    item_name: str
    applicant: str
    phone: str
    agent_id: str
    is_leg: bool = False


@dataclass(frozen=True, slots=True)
class Message:
    """A text for somebody; the address is a phone number, or an account of the hall."""

    audience: Audience
    address: str
    text: str


def messages(
    fact: Fact,
    author: Address,
    to: Recipient,
    register: Divisions,
    texts: Texts = BUILT_IN_TEXTS,
) -> list[Message]:
    """What is told because of an event of a case; of what is inside the hall nothing.

    What is a paper has the text that is in force (`texts`); the rest is said in passing.
    """
    sentence = _paper(fact, to, texts) or _sentence(fact, register)
    return _to_people(author, sentence, to, register) if sentence else []


def due_messages(clock: wire_intake.ClockView, to: Recipient, register: Divisions) -> list[Message]:
    """What is told when a due date was counted anew: of the limits for deciding, not of the notice."""
    if clock.kind == wire_intake.CLOCK_KIND_NOTICE:
        return []
    years = "、".join(str(year) for year in clock.unpublished_years)
    open_end = f"（{years}年放假安排尚未公布，为暂定日期）" if clock.provisional else ""
    sentence = f"的办理期限已按公布的放假安排重新计算，到期日为{clock.due_on}{open_end}。"
    # The number of a case begins with the hall that received it.
    here = Address.parse(to.case_no.rsplit("-", 2)[0])
    return _to_people(here, sentence, to, register)


def instalment_messages(
    reminder: wire_window.InstalmentReminder, to: Recipient, register: Divisions
) -> list[Message]:
    """按期催交: an instalment will soon be due, or is overdue."""
    part = reminder.instalment
    amount = f"{part.amount_fen // 100}.{part.amount_fen % 100:02}元"
    late = reminder.dunning == wire_window.DUNNING_OVERDUE
    when = f"应于{part.due_on}前缴纳，现已逾期，请尽快缴纳" if late else f"请于{part.due_on}前缴纳"
    sentence = (
        f"的费用分{reminder.of}期缴纳，第{reminder.number}期{amount}{when}。已缴纳的请忽略本通知。"
    )
    return _to_people(Address.parse(reminder.hall), sentence, to, register)


def paper_messages(
    asked: wire_paper.PaperRequest, to: Recipient, register: Divisions
) -> list[Message]:
    """The applicant is told of whom the hall asks for which paper, and why (个人信息保护法 articles 17 and 35); of what is
    said of the request afterwards, nothing."""
    if asked.edition != 1:
        return []
    asked_hall = _hall(Address.parse(asked.asked), register)
    sentence = (
        f"所需的“{asked.paper}”，本厅正依法向{asked_hall}调取，仅用于办理本件，您不必提交。"
        f"依据：{_bare(asked.basis)}。"
    )
    return _to_people(Address.parse(asked.asker), sentence, to, register)


def _to_people(author: Address, sentence: str, to: Recipient, register: Divisions) -> list[Message]:
    text = f"【{_hall(author, register)}】{to.applicant}，您申请的“{to.item_name}”（{to.case_no}）{sentence}"
    told = [Message(Audience.APPLICANT, to.phone, text)]
    if to.agent_id:
        told.append(Message(Audience.AGENT, to.agent_id, f"（代办）{text}"))
    return told


def _paper(fact: Fact, to: Recipient, texts: Texts) -> str:
    """The text of a paper that the event gives; empty if it gives none."""
    match fact:
        case Filed():
            return texts.fill(PaperKind.RECEIPT, query_code=to.query_code)
        case NoticeGiven(document_no, defects):
            return texts.fill(PaperKind.NOTICE, document_no, defects=_listed(defects))
        case PrereviewReturned(defects):
            return texts.fill(PaperKind.PREREVIEW_RETURN, defects=_listed(defects))
        case Accepted(document_no, gaps=gaps, gaps_limit=limit) if gaps and limit is not None:
            return texts.fill(
                PaperKind.ACCEPTANCE_WITH_GAPS,
                document_no,
                limit=_length(limit),
                gaps="、".join(gaps),
            )
        case Accepted(document_no):
            return texts.fill(PaperKind.ACCEPTANCE, document_no)
        case Declined(document_no, _, explanation, right_body):
            where = f"请向{right_body}申请。" if right_body else ""
            return texts.fill(
                PaperKind.DECLINE, document_no, explanation=_bare(explanation), where=where
            )
        case Decided(document_no, Outcome.GRANTED, _, _, _, result):
            given = f"办理结果：{_bare(result)}。" if _bare(result) else ""
            return texts.fill(PaperKind.GRANT, document_no, result=given)
        case Decided(document_no, _, reasons, legal_basis, remedy):
            return _reasoned(texts, PaperKind.REFUSAL, document_no, reasons, legal_basis, remedy)
        case DecisionRevoked(document_no, reasons, legal_basis, remedy):
            return _reasoned(texts, PaperKind.REVOCATION, document_no, reasons, legal_basis, remedy)
        case CommitmentSigned(document_no):
            return texts.fill(PaperKind.COMMITMENT, document_no)
        case ProcedureBegan(document_no, _, name, expected, counted, reason):
            return texts.fill(
                PaperKind.PROCEDURE,
                document_no,
                name=name,
                expected=_length(expected),
                effect="计入" if counted else "不计入",
                reason=_bare(reason),
            )
        case Extended(document_no, by, _, reason):
            return texts.fill(
                PaperKind.EXTENSION, document_no, by=_length(by), reason=_bare(reason)
            )
        case RightsTold(document_no, parties, interest, hearing):
            return texts.fill(
                PaperKind.RIGHTS,
                document_no,
                parties="、".join(parties),
                interest=_bare(interest),
                hearing=_OF_HEARING if hearing else "",
            )
        case Ended(document_no, _, reasons, _, remedy):
            return texts.fill(
                PaperKind.END, document_no, reasons=_bare(reasons), remedy=_ending(remedy)
            )
    return ""


def _reasoned(
    texts: Texts,
    paper: PaperKind,
    document_no: str,
    reasons: str,
    legal_basis: str,
    remedy: str,
) -> str:
    """A paper with reasons, basis and remedy (行政许可法 article 38)."""
    return texts.fill(
        paper,
        document_no,
        reasons=_bare(reasons),
        legal_basis=_bare(legal_basis),
        remedy=_ending(remedy),
    )


_OF_HEARING = (
    "自被告知之日起五个工作日内可以要求听证，听证自要求之日起二十个工作日内组织，"
    "申请人、利害关系人不承担听证费用。"
)
"""行政许可法 article 47."""


def _ending(text: str) -> str:
    """A sentence with its stop; nothing for nothing."""
    return f"{_bare(text)}。" if _bare(text) else ""


def _sentence(fact: Fact, register: Divisions) -> str:
    match fact:
        case Supplemented() as supplemented if supplemented.is_obtained:
            return "所需的材料已从其他大厅调取，您不必提交。"
        case Supplemented():
            return "的补正材料已收到。"
        case Reviewed():
            return "已完成初审。"
        case HandedOver(hall, HandOverPurpose.REPORT_UP):
            return f"已上报{_hall(hall, register)}。"
        case HandedOver(hall, HandOverPurpose.ACROSS):
            return f"已转交{_hall(hall, register)}办理。"
        case HandedOver(hall, HandOverPurpose.SUCCESSION):
            return f"因机构调整已移交{_hall(hall, register)}继续办理，时限照常计算。"
        case HandedOver(_, HandOverPurpose.AFTER_CHECK | HandOverPurpose.REVIEW_AGAIN):
            return ""
        case HandedOver(hall, _):
            return f"的办理结果已回传{_hall(hall, register)}，请等候领取通知。"
        case TakenOver():
            return "已由本厅接收。"
        case HandOverDeclined(_, explanation):
            return f"未能由本厅接收（{_bare(explanation)}），由原大厅继续办理。"
        case HandOverFailed():
            return "未能送达对方大厅，由本厅继续办理。"
        case Closed():
            return "已办结，结果已送达。请您评价本次服务。"
        case Withdrawn():
            return "已按您的请求撤回。"
    return _later_sentence(fact, register)


def _later_sentence(fact: Fact, register: Divisions) -> str:
    """What is told of promises, procedures, legs and what comes after the decision."""
    match fact:
        case PrereviewPassed():
            return "已通过预审，视为收件。"
        case CommitmentWithdrawn():
            return "的承诺已撤回，按一般程序办理，请补交相应证明。"
        case ProcedureEnded(result):
            return f"的特别程序已结束：{_bare(result)}。办理期限继续计算。"
        case Surveyed():
            return "已完成现场核查。"
        case MadeUrgent():
            return "已列为特办件，优先办理。"
        case OriginalsSent(bag_no, originals, to):
            names = "、".join(originals)
            return f"的原件（{names}）已装入封袋{bag_no}寄往{_hall(to, register)}。"
        case OriginalsReceived(bag_no, _, sealed):
            state = "完好" if sealed else "封口异常，请与大厅联系"
            return f"的封袋{bag_no}已签收，{state}。"
        case Issued(certificate, certificate_no):
            number = f"（{certificate_no}）" if certificate_no else ""
            return f"的{certificate}{number}已制发。"
        case AfterChecked(CheckResult.TO_BE_PUT_RIGHT, findings):
            return f"的承诺事项经核查需要整改：{_bare(findings)}。"
        case Corrected(field, before, after):
            return f"的“{field}”已由“{before}”更正为“{after}”，办理结果不变，您无需再跑。"
        case MandateChanged(_, change, _):
            return f"的代办委托已{MANDATE_CHANGES_TOLD[change]}。"
        case RefusalRecalled(reason):
            return f"的不予批准决定已收回，重新审查，原决定书不再有效。原因：{_bare(reason)}。"
        case AfterChecked(CheckResult.BROKEN, findings):
            return (
                f"的承诺事项经核查不属实：{_bare(findings)}。"
                "已记入信用记录，信用修复前不适用告知承诺和容缺受理。"
            )
        case ViewHeard(asks_hearing=asks_hearing):
            more = "，将组织听证，申请人、利害关系人不承担听证费用" if asks_hearing else ""
            return f"已听取意见{more}。"
        case OverdueExplained(_, cause, explanation):
            why = f"{OVERDUE_CAUSE_NAMES[cause]}，{_bare(explanation)}"
            return f"未能在期限内办完，原因：{why}。逾期已记录在案。"
        case DeceitFound(article, barred_until):
            until = (
                f"，在{barred_until}之前（含当日）不得再次申请该行政许可" if barred_until else ""
            )
            return f"经认定存在隐瞒情况、提供虚假材料等不正当行为，依照{article}给予警告{until}。"
        case BarLifted(reason):
            return f"的弄虚作假认定和申请限制已撤销，可以再次申请。原因：{_bare(reason)}。"
        case CreditRepaired():
            return "的失信记录已修复，可以重新适用告知承诺和容缺受理。"
        case AfterChecked() | Archived() | LegsPlanned() | LegOpened() | LegEnded():
            return ""
        case OwnershipOffered() | OwnershipTaken() | OwnershipDeclined():
            return ""
        case RefusalReported() | ViolationRecorded():
            return ""
    raise AssertionError(f"no sentence for {type(fact).__name__}")


def _listed(defects: Sequence[Defect]) -> str:
    return "；".join(
        f"{number}. {item.material}：{_bare(item.problem)}，{_bare(item.remedy)}"
        for number, item in enumerate(defects, 1)
    )


def _length(limit: TimeLimit) -> str:
    return f"{limit.days}{UNIT_NAMES[limit.unit]}"


def _bare(text: str) -> str:
    """What somebody typed, without the stop that the sentence around it brings."""
    return text.strip().rstrip("。；")


def staff_message(kind: str, detail: str) -> Message | None:
    """What staff are told of something that needs a person; None if it needs none."""
    text = _FOR_STAFF.get(kind)
    return Message(Audience.STAFF, "", text.format(detail=_bare(detail))) if text else None


_FOR_STAFF = {
    "case.set_aside": "收到无法采信的办件信息，已留存待核（{detail}）。请联系发出大厅。",
    "case.undelivered": "一封办件信封未能送达（{detail}）。请查看办件并联系对方大厅。",
    "case.request_refused": "申请人的请求未被办理大厅接受（{detail}）。请告知申请人。",
    "case.looks_alike": "另一大厅有同一人同一事项的办件（{detail}）。请打开办件核对，系统不会自动处理。",
    "matter.too_many": "下级大厅（{detail}）今天报来的办件与其他大厅相同的异常多，超出部分未再告知。请核实该大厅是否如实报送。",
    "incident.recorded": "安全事件：拒收一封不真实的信封（{detail}）。证据已留存，请向上级报告。",
    "incident.journal": "安全事件：{detail}。",
    "move.held": "下级大厅变更地址（{detail}）的生效时间已到，但该厅尚未关闭，变更暂缓。请关闭该厅（hallnet hall close），或撤回变更。",
    "window.uncovered": "预约窗口无人值守（{detail}）。请立即安排接班人员。",
    "window.instalment": "分期付款需要催交（{detail}）。请联系缴款人。",
    "window.refund": "办件终结且没有办理结果，已收费用应退还（{detail}）。请办理退费。",
    "window.overdue": "一项回应已超期（{detail}）。请立即办理。",
    "paper.wanted": "其他大厅申请调取材料（{detail}）。请在“调取材料”中办理。",
    "paper.answer_came": "调取材料的申请有答复（{detail}）。请在“调取材料”中查看。",
    "paper.undelivered": "调取材料的申请或答复未能送达（{detail}）。请在“调取材料”中重新发送，或联系对方大厅。",
    "release.refused": "拒收一项不可信的发布（{detail}）。请向上级报告。",
}


def _hall(address: Address, register: Divisions) -> str:
    name = register.full_name(address.division)
    return f"{name}分厅" if address.is_branch_hall else name

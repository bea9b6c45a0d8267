"""What people are told, in their language: a pure function of what happened.

An applicant, and the agent if there is one, is told of every act upon the case. Staff are told of what
needs a person.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from hallnet.case.event import (
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
    Reviewed,
    Supplemented,
    TakenOver,
    Withdrawn,
)
from hallnet.places import Address, Divisions
from hallnet.wire.intake.v1 import intake_service_pb2 as wire_intake


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


@dataclass(frozen=True, slots=True)
class Message:
    """A text for somebody; the address is a phone number, or an account of the hall."""

    audience: Audience
    address: str
    text: str


def messages(fact: Fact, author: Address, to: Recipient, register: Divisions) -> list[Message]:
    """What is told because of an event of a case."""
    return _to_people(author, _sentence(fact, to, register), to, register)


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


def _to_people(author: Address, sentence: str, to: Recipient, register: Divisions) -> list[Message]:
    text = f"【{_hall(author, register)}】{to.applicant}，您申请的“{to.item_name}”（{to.case_no}）{sentence}"
    told = [Message(Audience.APPLICANT, to.phone, text)]
    if to.agent_id:
        told.append(Message(Audience.AGENT, to.agent_id, f"（代办）{text}"))
    return told


def _sentence(fact: Fact, to: Recipient, register: Divisions) -> str:
    match fact:
        case Filed():
            return f"已收件。查询码{to.query_code}，凭办件编号和查询码可随时查询进度。"
        case NoticeGiven(document_no, defects):
            needed = "；".join(
                f"{number}. {item.material}：{_bare(item.problem)}，{_bare(item.remedy)}"
                for number, item in enumerate(defects, 1)
            )
            return (
                f"需要补正，现一次性告知全部内容（{document_no}）：{needed}。补齐后无需重新申请。"
            )
        case Supplemented():
            return "的补正材料已收到。"
        case Accepted(document_no):
            return f"已受理（{document_no}）。"
        case Declined(document_no, _, explanation, right_body):
            where = f"请向{right_body}申请。" if right_body else ""
            return f"不予受理（{document_no}）：{_bare(explanation)}。{where}"
        case Reviewed():
            return "已完成初审。"
        case HandedOver(hall, HandOverPurpose.REPORT_UP):
            return f"已上报{_hall(hall, register)}。"
        case HandedOver(hall, HandOverPurpose.ACROSS):
            return f"已转交{_hall(hall, register)}办理。"
        case HandedOver(hall, _):
            return f"的办理结果已回传{_hall(hall, register)}，请等候领取通知。"
        case TakenOver():
            return "已由本厅接收。"
        case HandOverDeclined(_, explanation):
            return f"未能由本厅接收（{_bare(explanation)}），由原大厅继续办理。"
        case HandOverFailed():
            return "未能送达对方大厅，由本厅继续办理。"
        case Decided(document_no, Outcome.GRANTED, _, _, _, result):
            given = f"办理结果：{_bare(result)}。" if _bare(result) else ""
            return f"已准予（{document_no}）。{given}"
        case Decided(document_no, _, reasons, legal_basis, remedy):
            appeal = f"{_bare(remedy)}。" if _bare(remedy) else ""
            why = f"理由：{_bare(reasons)}；依据：{_bare(legal_basis)}。"
            return f"不予批准（{document_no}）。{why}{appeal}"
        case Closed():
            return "已办结，结果已送达。请您评价本次服务。"
        case Withdrawn():
            return "已按您的请求撤回。"
    raise AssertionError(f"no sentence for {type(fact).__name__}")


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
    "incident.recorded": "安全事件：拒收一封不真实的信封（{detail}）。证据已留存，请向上级报告。",
    "incident.journal": "安全事件：{detail}。",
    "release.refused": "拒收一项不可信的发布（{detail}）。请向上级报告。",
}


def _hall(address: Address, register: Divisions) -> str:
    name = register.full_name(address.division)
    return f"{name}分厅" if address.is_branch_hall else name

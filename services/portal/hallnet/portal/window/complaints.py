"""Complaints, requests and enquiries of the hotline, each with its own limit."""

from __future__ import annotations

from hallnet.portal.inputs import Input, choosing
from hallnet.portal.site import Visit
from hallnet.portal.window.board import (
    OVERSEES,
    Ask,
    Board,
    Cell,
    Deed,
    Doing,
    Offer,
    Page,
    Row,
    Section,
    case_cell,
    export_of,
    listed,
    name_of,
    staff,
)
from hallnet.window.complaint import STATE_NAMES, ComplaintKind, ComplaintState
from hallnet.wire.window.v1 import window_pb2 as wire_window
from hallnet.wire.window.v1 import window_service_pb2 as wire

_KINDS = {
    int(ComplaintKind.ENQUIRY): "咨询",
    int(ComplaintKind.REQUEST): "求助、建议",
    int(ComplaintKind.COMPLAINT): "投诉、举报",
}


async def _open(doing: Doing) -> str:
    text = doing.text
    answer = await doing.visit.desk.window.OpenComplaint(
        wire.OpenComplaintRequest(
            act=doing.act,
            kind=wire_window.ComplaintKind.ValueType(doing.form.number("kind")),
            subject=text("subject"),
            words=text("words"),
            against=text("against"),
            owner=text("owner"),
        )
    )
    return f"已登记，须在{answer.complaint.due_on}前答复。"


def _stepped(step: wire.ComplaintStep.ValueType) -> Ask:
    async def ask(doing: Doing) -> None:
        request = wire.StepComplaintRequest(
            act=doing.act, complaint_id=doing.of, step=step, words=doing.text("words")
        )
        await doing.visit.desk.window.StepComplaint(request)

    return ask


_OPEN = Deed(
    "open",
    "登记工单",
    "",
    _open,
    (
        Input("kind", "类别", "choice", _KINDS),
        Input("words", "内容", "area"),
        Input("owner", "承办人", "select"),
        Input("against", "被投诉人", "select", required=False),
        Input("subject", "涉及的办件或排队号", required=False),
    ),
)
_EXTEND = Deed(
    "extend",
    "延期",
    "已延期。",
    _stepped(wire.COMPLAINT_STEP_EXTEND),
    (Input("words", "延期原因", "area"),),
    OVERSEES,
)
_SEND_BACK = Deed(
    "send-back",
    "退回",
    "已退回。",
    _stepped(wire.COMPLAINT_STEP_SEND_BACK),
    (Input("words", "应承办的单位"),),
    danger=True,
)
_ANSWER = Deed(
    "answer",
    "答复",
    "已答复。",
    _stepped(wire.COMPLAINT_STEP_ANSWER),
    (Input("words", "答复内容", "area"),),
)
_CLOSE = Deed(
    "close",
    "办结",
    "已办结。",
    _stepped(wire.COMPLAINT_STEP_CLOSE),
    powers=OVERSEES,
    explanation="由答复人和被投诉人以外的人回访后办理。",
)
_EXPORT = export_of(wire.RECORD_KIND_COMPLAINT)
_DEEDS = {
    ComplaintState.OPEN: (_ANSWER, _EXTEND, _SEND_BACK),
    ComplaintState.ANSWERED: (_CLOSE,),
}


async def board(visit: Visit) -> Board:
    """What waits, the one due first at the top; then all, the newest first."""
    names = await staff(visit)
    choose = choosing(_OPEN.inputs, {"owner": names, "against": names})
    columns = ("类别", "内容", "承办人", "被投诉人", "涉及", "状态", "期限", "答复")
    waiting = await listed(visit, wire.RECORD_KIND_COMPLAINT, waiting=True)
    every = await listed(visit, wire.RECORD_KIND_COMPLAINT)
    over = {int(ComplaintState.CLOSED), int(ComplaintState.SENT_BACK)}
    return Board(
        "投诉与工单",
        (
            Section(
                "待办",
                columns,
                [_row(one, names) for one in waiting],
                [Offer(_OPEN, inputs=choose)],
                nothing="没有待办的工单。",
                folded=True,
            ),
            Section(
                "已结束",
                columns,
                [_row(one, names) for one in every if one.complaint.state in over],
                [Offer(_EXPORT)],
                folded=True,
            ),
        ),
    )


def _row(one: wire.WindowRecord, names: dict[str, str]) -> Row:
    complaint = one.complaint
    state = ComplaintState(complaint.state)
    mine = (Offer(deed, complaint.complaint_id) for deed in _DEEDS.get(state, ()))
    extended = "（已延期）" if complaint.extended_for else ""
    return Row(
        (
            Cell(_KINDS[complaint.kind]),
            Cell(complaint.words),
            Cell(name_of(names, complaint.owner)),
            Cell(name_of(names, complaint.against) if complaint.against else "—"),
            case_cell(complaint.subject),
            Cell(STATE_NAMES[state]),
            Cell(f"{complaint.due_on}{extended}", "bad" if one.overdue else ""),
            Cell(complaint.answer or complaint.sent_back_to or "—"),
        ),
        list(mine),
        "alarm-bad" if one.overdue else "",
    )


PAGE = Page("complaints", "投诉", board, (_OPEN, _EXTEND, _SEND_BACK, _ANSWER, _CLOSE, _EXPORT))

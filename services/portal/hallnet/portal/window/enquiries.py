"""Enquiries: whose each is, and how it is handed over (首问负责)."""

from __future__ import annotations

from hallnet.codec.moments import from_timestamp
from hallnet.portal import wording
from hallnet.portal.inputs import Input
from hallnet.portal.site import Visit
from hallnet.portal.window.board import (
    Ask,
    Board,
    Cell,
    Deed,
    Doing,
    Offer,
    Page,
    Row,
    Section,
    export_of,
    listed,
    name_of,
    staff,
)
from hallnet.wire.window.v1 import window_pb2 as wire_window
from hallnet.wire.window.v1 import window_service_pb2 as wire


async def _open(doing: Doing) -> None:
    request = wire.OpenEnquiryRequest(
        act=doing.act, question=doing.text("question"), asked_by=doing.text("asked_by")
    )
    await doing.visit.desk.window.OpenEnquiry(request)


def _stepped(step: wire.EnquiryStep.ValueType) -> Ask:
    async def ask(doing: Doing) -> None:
        request = wire.StepEnquiryRequest(
            act=doing.act,
            enquiry_id=doing.of,
            step=step,
            to=doing.text("to"),
            answer=doing.text("answer"),
        )
        await doing.visit.desk.window.StepEnquiry(request)

    return ask


_OPEN = Deed(
    "open",
    "登记咨询",
    "咨询已登记，由您首问负责。",
    _open,
    (Input("question", "咨询内容", "area"), Input("asked_by", "咨询人", required=False)),
)
_OFFER = Deed(
    "offer",
    "转交",
    "已请对方接手；对方接手之前仍由您负责。",
    _stepped(wire.ENQUIRY_STEP_OFFER),
    (Input("to", "转给", "select"),),
)
_ACCEPT = Deed("accept", "接手", "已接手，现由您负责。", _stepped(wire.ENQUIRY_STEP_ACCEPT))
_DECLINE = Deed("decline", "不接手", "已退回原负责人。", _stepped(wire.ENQUIRY_STEP_DECLINE))
_ANSWER = Deed(
    "answer",
    "答复",
    "已答复。",
    _stepped(wire.ENQUIRY_STEP_ANSWER),
    (Input("answer", "答复内容", "area"),),
)


_EXPORT = export_of(wire.RECORD_KIND_ENQUIRY)


async def board(visit: Visit) -> Board:
    """What waits for an answer, one's own and what one is asked to take first; then the others."""
    names = await staff(visit)
    me = visit.account.actor_id
    waiting = await listed(visit, wire.RECORD_KIND_ENQUIRY, waiting=True)
    mine = [one for one in waiting if me in (one.enquiry.owner, one.enquiry.offered_to)]
    others = [one for one in waiting if one not in mine]
    every = await listed(visit, wire.RECORD_KIND_ENQUIRY)
    answered = [one for one in every if one.enquiry.state == wire_window.ENQUIRY_STATE_ANSWERED]
    columns = ("咨询内容", "咨询人", "负责人", "转交给", "期限")
    return Board(
        "咨询",
        (
            Section(
                "我的",
                columns,
                [_row(one, names, me) for one in mine],
                [Offer(_OPEN)],
                nothing="没有等您答复的咨询。",
            ),
            Section("其他人的", columns, [_row(one, names, me) for one in others]),
            Section(
                "已答复",
                ("咨询内容", "咨询人", "负责人", "答复", "答复时间"),
                [_closed(one.enquiry, names) for one in answered],
                [Offer(_EXPORT)],
                folded=True,
            ),
        ),
    )


def _row(one: wire.WindowRecord, names: dict[str, str], me: str) -> Row:
    enquiry = one.enquiry
    deeds: list[Offer] = []
    if enquiry.offered_to == me:
        deeds += [Offer(_ACCEPT, enquiry.enquiry_id), Offer(_DECLINE, enquiry.enquiry_id)]
    if enquiry.owner == me:
        colleagues = {account: name for account, name in names.items() if account != me}
        choose = (Input("to", "转给", "select", options=colleagues),)
        deeds += [Offer(_ANSWER, enquiry.enquiry_id), Offer(_OFFER, enquiry.enquiry_id, choose)]
    return Row(
        (
            Cell(enquiry.question),
            Cell(enquiry.asked_by or "—"),
            Cell(name_of(names, enquiry.owner)),
            Cell(name_of(names, enquiry.offered_to) if enquiry.offered_to else "—"),
            Cell(enquiry.due_on, "bad" if one.overdue else ""),
        ),
        deeds,
        "alarm-bad" if one.overdue else "",
    )


def _closed(enquiry: wire_window.Enquiry, names: dict[str, str]) -> Row:
    return Row(
        (
            Cell(enquiry.question),
            Cell(enquiry.asked_by or "—"),
            Cell(name_of(names, enquiry.owner)),
            Cell(enquiry.answer),
            Cell(wording.moment(from_timestamp(enquiry.answered_at))),
        )
    )


PAGE = Page("enquiries", "咨询", board, (_OPEN, _OFFER, _ACCEPT, _DECLINE, _ANSWER, _EXPORT))

"""The queue of today: taking a number, calling the next one to one's window, and what becomes of it."""

from __future__ import annotations

from hallnet.portal.inputs import Input
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
    asked,
)
from hallnet.window.queue import CALLS_MAX, STATE_NAMES, TicketState
from hallnet.wire.window.v1 import window_pb2 as wire_window
from hallnet.wire.window.v1 import window_service_pb2 as wire

LANES = {
    int(wire_window.LANE_ORDINARY): "普通",
    int(wire_window.LANE_PRIORITY): "优先",
    int(wire_window.LANE_BOOKED): "预约",
}
_TAKEN = {lane: name for lane, name in LANES.items() if lane != wire_window.LANE_BOOKED}
_GROUNDS = {
    int(wire_window.PRIORITY_GROUND_OLD_AGE): "老年人",
    int(wire_window.PRIORITY_GROUND_DISABILITY): "残疾人",
    int(wire_window.PRIORITY_GROUND_SOLDIER): "现役军人",
    int(wire_window.PRIORITY_GROUND_PREGNANCY): "孕妇",
}
_TONES = {
    TicketState.WAITING: "plain",
    TicketState.CALLED: "wait",
    TicketState.SERVED: "work",
    TicketState.MISSED: "bad",
    TicketState.DONE: "done",
}
_STANDING = (TicketState.SERVED, TicketState.CALLED, TicketState.WAITING, TicketState.MISSED)


async def _take(doing: Doing) -> str:
    first, *further = doing.text("item_id").split() or [""]
    answer = await doing.visit.desk.window.TakeTicket(
        wire.TakeTicketRequest(
            request_id=doing.request_id,
            item_id=first,
            further_items=further,
            enquiry=bool(doing.text("enquiry")),
            lane=wire_window.Lane.ValueType(doing.form.number("lane")),
            ground=wire_window.PriorityGround.ValueType(doing.form.number("ground")),
        )
    )
    return f"{answer.ticket.label}，前面还有{answer.ahead}人。"


async def _call(doing: Doing) -> str:
    window_id = doing.text("window")
    answer = await doing.visit.desk.window.CallNext(
        wire.CallNextRequest(act=doing.act, window_id=window_id)
    )
    if not answer.HasField("ticket"):
        return "没有人在等这个窗口。"
    return f"请{answer.ticket.label}到{window_id}窗口。"


def _stepped(step: wire.TicketStep.ValueType) -> Ask:
    async def ask(doing: Doing) -> str | None:
        answer = await doing.visit.desk.window.StepTicket(
            wire.StepTicketRequest(
                act=doing.act,
                ticket_id=doing.of,
                step=step,
                window_id=doing.text("to") or doing.text("window"),
            )
        )
        if not answer.HasField("invitation"):
            return None
        invitation = answer.invitation
        return (
            f"接待结束。请邀请来人评价：编号{invitation.subject}，评价码{invitation.code}，"
            f"{invitation.expires_on}前有效。"
        )

    return ask


async def _put_window(doing: Doing) -> None:
    text = doing.text
    window = wire_window.Window(
        window_id=text("window_id"),
        title=text("title"),
        items=text("items").split() or ["*"],
        open=bool(text("open")),
        needs_rota=bool(text("needs_rota")),
        enquiries=bool(text("enquiries")),
    )
    await doing.visit.desk.window.PutWindow(wire.PutWindowRequest(act=doing.act, window=window))


_CALL = Deed("call", "叫下一位", "", _call)
_TAKE = Deed(
    "take",
    "取号",
    "",
    _take,
    (
        Input("lane", "队列", "choice", _TAKEN, default="3"),
        Input("ground", "优先事由", "choice", _GROUNDS, required=False),
        Input(
            "item_id",
            "事项编码",
            hint="窗口只办部分事项时填写；办几件事用空格隔开，先叫到能一次办完的窗口",
            required=False,
        ),
        Input("enquiry", "只是咨询", "check", required=False),
    ),
)
_SERVE = Deed("serve", "到窗口", "开始办理。", _stepped(wire.TICKET_STEP_SERVE))
_AGAIN = Deed("again", "再叫一次", "已再次叫号。", _stepped(wire.TICKET_STEP_CALL_AGAIN))
_MISS = Deed("miss", "过号", "已记为过号。", _stepped(wire.TICKET_STEP_MISS))
_BACK = Deed("back", "重新排队", "已重新排队。", _stepped(wire.TICKET_STEP_BACK))
_LEAVE = Deed("leave", "已离开", "已记为离开。", _stepped(wire.TICKET_STEP_LEAVE))
_FINISH = Deed("finish", "办完", "接待结束。", _stepped(wire.TICKET_STEP_FINISH))
_HAND_OVER = Deed(
    "hand-over",
    "转窗口",
    "已转到另一窗口，优先叫号。",
    _stepped(wire.TICKET_STEP_HAND_OVER),
    (Input("to", "转到", "select"),),
)
_WINDOW = Deed(
    "window",
    "设置窗口",
    "窗口已设置。",
    _put_window,
    (
        Input("window_id", "窗口编号"),
        Input("title", "窗口名称"),
        Input("items", "可办事项编码（空格隔开，空为全部）", required=False),
        Input("open", "开放", "check", required=False, default="1"),
        Input("needs_rota", "轮值窗口，不得空岗", "check", required=False),
        Input("enquiries", "解答各类咨询", "check", required=False),
    ),
    powers=OVERSEES,
)
_CALLED_IN_VAIN = (_SERVE, _MISS)
"""After the last call."""
_DEEDS = {
    TicketState.WAITING: (_LEAVE,),
    TicketState.CALLED: (_SERVE, _AGAIN),
    TicketState.SERVED: (_FINISH, _HAND_OVER),
    TicketState.MISSED: (_BACK,),
}


async def board(visit: Visit) -> Board:
    """Who waits, who was called and who is served, the ones at this window first."""
    windows = (await visit.desk.window.ListWindows(wire.ListWindowsRequest())).windows
    names = {one.window_id: f"{one.window_id} {one.title}".strip() for one in windows if one.open}
    mine = asked(visit, "window")
    found = await visit.desk.window.ListTickets(wire.ListTicketsRequest())
    tickets = sorted(
        (one for one in found.tickets if TicketState(one.state) in _STANDING),
        key=lambda one: (
            one.window_id != mine,
            _STANDING.index(TicketState(one.state)),
            one.stands_since.ToNanoseconds(),
        ),
    )
    waiting = sum(one.state == wire_window.TICKET_STATE_WAITING for one in tickets)
    waits = found.waits
    called = f"今天已叫{waits.people}人" if waits.people else "今天还没有叫号"
    note = (
        f"等候{waiting}人；{called}，一半的人等候不超过{_minutes(waits.median)}分钟，"
        f"最长{_minutes(waits.longest)}分钟。"
        if waits.people
        else f"等候{waiting}人；{called}。"
    )
    calls = [Offer(_CALL)] if mine in names else []
    return Board(
        "排队叫号",
        (
            Section(
                "今天的号",
                ("号", "事由", "队列", "状态", "窗口", "已叫", "等候"),
                [_row(one, names) for one in tickets],
                nothing="现在没有人排队。",
                note=note if mine in names else f"{note}先选择您所在的窗口，再叫号。",
                offers=calls,
            ),
            Section("取号与窗口", offers=[Offer(_TAKE), Offer(_WINDOW)], folded=True),
        ),
        filters=(
            Input("window", "我的窗口", "select", options=names, default=mine, required=False),
        ),
        refresh=True,
    )


def _row(ticket: wire_window.Ticket, windows: dict[str, str]) -> Row:
    state = TicketState(ticket.state)
    others = {one: name for one, name in windows.items() if one != ticket.window_id}
    choose = (Input("to", "转到", "select", options=others),)
    called_in_vain = state is TicketState.CALLED and ticket.calls >= CALLS_MAX
    deeds = _CALLED_IN_VAIN if called_in_vain else _DEEDS.get(state, ())
    return Row(
        (
            Cell(ticket.label),
            Cell(_matter(ticket)),
            Cell(LANES[ticket.lane]),
            Cell(STATE_NAMES[state], _TONES.get(state, "plain")),
            Cell(ticket.window_id or ticket.only_for or "—"),
            Cell(f"{ticket.calls}次" if ticket.calls else "—"),
            Cell(f"{_minutes(ticket.waited_seconds)}分钟" if ticket.calls else "—"),
        ),
        [Offer(deed, ticket.ticket_id, choose if deed is _HAND_OVER else None) for deed in deeds],
    )


def _matter(ticket: wire_window.Ticket) -> str:
    """What is still to be done."""
    every = (ticket.item_id, *ticket.further_items)
    items = "、".join(one for one in every if one and one not in ticket.done_items)
    if ticket.enquiry:
        return f"咨询：{items}" if items else "咨询"
    return items or "—"


def _minutes(seconds: int) -> int:
    return -(-seconds // 60)


PAGE = Page(
    "queue",
    "叫号",
    board,
    (_CALL, _TAKE, _SERVE, _AGAIN, _MISS, _BACK, _LEAVE, _FINISH, _HAND_OVER, _WINDOW),
    kept=("window",),
)

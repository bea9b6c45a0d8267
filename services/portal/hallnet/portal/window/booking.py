"""Appointments: the slots of a day, places in them, and who came."""

from __future__ import annotations

from urllib.parse import urlencode

from hallnet.case.case import day_of
from hallnet.case.sought import normal_phone
from hallnet.codec.moments import from_timestamp
from hallnet.portal import wording
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
from hallnet.portal.window.cases import case_id_of
from hallnet.portal.window.parsing import day_or, minute
from hallnet.window.slots import STATE_NAMES, BookingState
from hallnet.wire.intake.v1 import intake_service_pb2 as wire_intake
from hallnet.wire.window.v1 import window_pb2 as wire_window
from hallnet.wire.window.v1 import window_service_pb2 as wire

_HOLDER = "appointment holder"
_TONES = {
    BookingState.BOOKED: "work",
    BookingState.WAITING: "wait",
    BookingState.ARRIVED: "done",
    BookingState.MISSED: "bad",
}


async def _book(doing: Doing) -> str:
    text = doing.text
    case_no = text("case_no")
    answer = await doing.visit.desk.window.BookSlot(
        wire.BookSlotRequest(
            request_id=doing.request_id,
            slot_id=doing.of,
            holder=_holder(doing.visit, text("telephone")),
            visitor=text("visitor"),
            telephone=text("telephone"),
            case_id=await case_id_of(doing.visit, case_no, "case_no") if case_no else "",
            or_wait=bool(text("or_wait")),
        )
    )
    waits = answer.appointment.state == wire_window.BOOKING_STATE_WAITING
    return "该时段已约满，已登记候补，有人取消时依次递补。" if waits else "预约成功。"


def _holder(visit: Visit, telephone: str) -> str:
    """Names nobody, and is the same for the same telephone, so that nobody books twice."""
    seal = visit.site.sessions.seal
    return seal.mark(_HOLDER, normal_phone(telephone).encode())[:40]


def _stepped(state: BookingState) -> Ask:
    async def ask(doing: Doing) -> str | None:
        request = wire.StepAppointmentRequest(
            request_id=doing.request_id,
            appointment_id=doing.of,
            state=int(state),  # type: ignore[arg-type]
        )
        answer = await doing.visit.desk.window.StepAppointment(request)
        return "已取消，候补的第一位已递补。" if answer.HasField("moved_up") else None

    return ask


async def _arrive(doing: Doing) -> str:
    """Who booked and came takes a ticket, and stands in the lane of those who booked."""
    answer = await doing.visit.desk.window.TakeTicket(
        wire.TakeTicketRequest(
            request_id=doing.request_id,
            lane=wire_window.LANE_BOOKED,
            appointment_id=doing.of,
        )
    )
    return f"已到场取号：{answer.ticket.label}，前面还有{answer.ahead}人。"


async def _open(doing: Doing) -> str:
    text, number = doing.text, doing.form.number
    plan = wire_window.SlotPlan(
        group=text("group"),
        day=text("day"),
        first_minute=minute(text("first"), "first"),
        last_minute=minute(text("last"), "last"),
        minutes=number("minutes"),
        capacity=number("capacity"),
    )
    answer = await doing.visit.desk.window.OpenSlots(
        wire.OpenSlotsRequest(act=doing.act, plan=plan)
    )
    return f"已开放{len(answer.slots)}个时段。"


_BOOK = Deed(
    "book",
    "预约",
    "预约成功。",
    _book,
    (
        Input("visitor", "来人姓名"),
        Input("telephone", "手机号", "tel"),
        Input("case_no", "办件编号", required=False),
        Input("or_wait", "约满时登记候补", "check", required=False),
    ),
)
_ARRIVE = Deed("arrive", "到场取号", "已取号。", _arrive)
_CANCEL = Deed("cancel", "取消", "已取消预约。", _stepped(BookingState.CANCELLED), danger=True)
_MISS = Deed("miss", "爽约", "已记为爽约。", _stepped(BookingState.MISSED))
_OPEN = Deed(
    "open",
    "开放号源",
    "号源已开放。",
    _open,
    (
        Input("group", "窗口组", hint="例如 婚姻登记"),
        Input("day", "日期", "date"),
        Input("first", "开始", "time", default="09:00"),
        Input("last", "结束", "time", default="17:00"),
        Input("minutes", "每段几分钟", "number", default="30"),
        Input("capacity", "每段几人", "number", default="5"),
    ),
    powers=OVERSEES,
    explanation="已有预约的时段保持不变。工作时间以外的时段只接待预约，不影响任何法定期限。",
)


async def board(visit: Visit) -> Board:
    """The slots of a day; of one that was chosen, who comes. That look is recorded."""
    day = day_or(asked(visit, "day"), day_of(visit.now)).isoformat()
    chosen = asked(visit, "slot")
    found = await visit.desk.window.ListSlots(wire.ListSlotsRequest(day=day))
    sections = [
        Section(
            "时段",
            ("时间", "窗口组", "剩余", "候补", "名单"),
            [_row(one, day) for one in found.slots],
            nothing="这一天没有开放预约。",
        )
    ]
    if chosen in {one.slot.slot_id for one in found.slots}:
        sections.insert(0, await _visitors(visit, chosen))
    sections.append(Section("安排", offers=[Offer(_OPEN)], folded=True))
    return Board("预约", sections, filters=(Input("day", "日期", "date", default=day),))


def _row(view: wire.SlotView, day: str) -> Row:
    slot = view.slot
    address = "/window/booking?" + urlencode({"day": day, "slot": slot.slot_id})
    begins, ends = (
        wording.moment(from_timestamp(at))[-5:] for at in (slot.begins_at, slot.ends_at)
    )
    full = view.free == 0
    return Row(
        (
            Cell(f"{begins}—{ends}{'（延时服务）' if slot.out_of_hours else ''}"),
            Cell(slot.group),
            Cell("已满" if full else f"{view.free}/{slot.capacity}", "wait" if full else "done"),
            Cell(str(view.waiting or "")),
            Cell("查看", at=address),
        ),
        [Offer(_BOOK, slot.slot_id)],
    )


async def _visitors(visit: Visit, slot_id: str) -> Section:
    act = wire_intake.Act(actor_id=visit.account.actor_id)
    found = await visit.desk.window.ListAppointments(
        wire.ListAppointmentsRequest(act=act, slot_id=slot_id)
    )
    return Section(
        "名单",
        ("姓名", "手机", "状态", "办件"),
        [_visitor(one) for one in found.appointments],
        nothing="还没有人预约这个时段。",
    )


def _visitor(one: wire_window.Appointment) -> Row:
    state = BookingState(one.state)
    deeds = {
        BookingState.BOOKED: (_ARRIVE, _MISS, _CANCEL),
        BookingState.WAITING: (_CANCEL,),
    }.get(state, ())
    at = f"/cases/{one.case_id}" if one.case_id else ""
    return Row(
        (
            Cell(one.visitor or "—"),
            Cell(one.telephone or "—"),
            Cell(STATE_NAMES[state], _TONES.get(state, "plain")),
            Cell("查看办件" if at else "—", at=at),
        ),
        [Offer(deed, one.appointment_id) for deed in deeds],
    )


PAGE = Page(
    "booking",
    "预约",
    board,
    (_BOOK, _ARRIVE, _CANCEL, _MISS, _OPEN),
    kept=("day", "slot"),
)

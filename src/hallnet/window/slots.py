"""Appointments: slots with a capacity, and the life of a booking.

A booking moves no legal date: no clock of a case looks here, also where a slot lies outside the hours or
on a day off.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import IntEnum

from hallnet.case.calendar import Calendar
from hallnet.case.case import CHINA
from hallnet.window.problems import SlotMalformed, SlotOver, StepNotPossible

CAPACITY_MAX = 1_000
SLOTS_A_PLAN_MAX = 288
"""A day in steps of five minutes."""
WAITING_A_SLOT_MAX = 200
DAYS_AHEAD_MAX = 180
OPENS, CLOSES = time(9), time(17)
"""Ordinary hours; a slot outside them is served by appointment only (预约服务)."""
NO_SHOW_AFTER = timedelta(minutes=15)


class BookingState(IntEnum):
    """The numbers are those of the wire."""

    BOOKED = 1
    WAITING = 2
    ARRIVED = 3
    CANCELLED = 4
    MISSED = 5


STATE_NAMES = {
    BookingState.BOOKED: "已预约",
    BookingState.WAITING: "候补",
    BookingState.ARRIVED: "已到场",
    BookingState.CANCELLED: "已取消",
    BookingState.MISSED: "爽约",
}


@dataclass(frozen=True, slots=True)
class SlotPlan:
    """Slots of one length on one day; minutes are counted from midnight in China."""

    group: str
    day: date
    first_minute: int
    last_minute: int
    minutes: int
    capacity: int


@dataclass(frozen=True, slots=True)
class Slot:
    """A time in which so many can come."""

    slot_id: str
    group: str
    day: date
    begins_at: datetime
    ends_at: datetime
    capacity: int
    out_of_hours: bool


def slots_of(plan: SlotPlan, calendar: Calendar, today: date) -> tuple[Slot, ...]:
    """The slots of a plan in their order; raises SlotMalformed."""
    fault = _fault(plan, today)
    if fault:
        raise SlotMalformed("plan", detail=fault)
    return tuple(_slots(plan, calendar))


def require_bookable(slot: Slot, now: datetime) -> None:
    """Raises SlotOver once the slot has begun."""
    if now >= slot.begins_at:
        raise SlotOver("slot_id")


def after(state: BookingState, step: BookingState, slot: Slot, now: datetime) -> BookingState:
    """What a booking becomes; raises StepNotPossible or SlotOver.

    It is given back until the slot begins; who has not come a while after is entered as missed.
    """
    open_states = (BookingState.BOOKED, BookingState.WAITING)
    if step is BookingState.CANCELLED and state in open_states:
        require_bookable(slot, now)
        return step
    if step is BookingState.ARRIVED and state is BookingState.BOOKED:
        return step
    missed = step is BookingState.MISSED and state is BookingState.BOOKED
    if missed and now >= slot.begins_at + NO_SHOW_AFTER:
        return step
    raise StepNotPossible("state", state=STATE_NAMES[state], act=STATE_NAMES[step])


def _fault(plan: SlotPlan, today: date) -> str:
    if not plan.group.strip() or len(plan.group) > 64:
        return "没有窗口组"
    if not 0 <= plan.first_minute < plan.last_minute <= 24 * 60:
        return "起止时间不在一天之内"
    if not 5 <= plan.minutes <= plan.last_minute - plan.first_minute:
        return "每段时长应不少于5分钟且不超过总时长"
    if not 1 <= plan.capacity <= CAPACITY_MAX:
        return f"每段容量应为1至{CAPACITY_MAX}"
    if not today <= plan.day <= today + timedelta(days=DAYS_AHEAD_MAX):
        return f"日期应在今天起{DAYS_AHEAD_MAX}天之内"
    return ""


def _slots(plan: SlotPlan, calendar: Calendar) -> Iterator[Slot]:
    midnight = datetime.combine(plan.day, time(), CHINA)
    workday = calendar.is_workday(plan.day)
    for first in range(plan.first_minute, plan.last_minute - plan.minutes + 1, plan.minutes):
        begins = midnight + timedelta(minutes=first)
        ends = begins + timedelta(minutes=plan.minutes)
        closes = midnight + timedelta(hours=CLOSES.hour)
        usual = workday and begins.time() >= OPENS and ends <= closes
        slot_id = f"{plan.day:%Y%m%d}-{begins:%H%M}-{plan.group}"
        yield Slot(slot_id, plan.group, plan.day, begins, ends, plan.capacity, not usual)

"""Slots of a day, and what a booking may become."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.case.builders import at, calendar

from hallnet.window.problems import SlotMalformed, SlotOver, StepNotPossible
from hallnet.window.slots import BookingState, SlotPlan, after, slots_of

MONDAY = date(2026, 3, 2)
PLAN = SlotPlan("婚姻登记", MONDAY, 9 * 60, 17 * 60, 30, 70)
BOOKED, WAITING, ARRIVED, CANCELLED, MISSED = BookingState


def test_a_plan_becomes_slots_without_gaps_or_overlaps() -> None:
    slots = slots_of(PLAN, calendar(), MONDAY)
    assert len(slots) == 16
    assert slots[0].begins_at == at("2026-03-02 09:00")
    assert slots[-1].ends_at == at("2026-03-02 17:00")
    assert all(one.ends_at == two.begins_at for one, two in itertools.pairwise(slots))
    assert len({slot.slot_id for slot in slots}) == 16
    assert {slot.capacity for slot in slots} == {70}


@given(first=st.integers(0, 1440), length=st.integers(0, 1440), minutes=st.integers(1, 1440))
def test_whatever_is_planned_no_slot_leaves_its_hours(
    first: int, length: int, minutes: int
) -> None:
    plan = replace(PLAN, first_minute=first, last_minute=first + length, minutes=minutes)
    try:
        slots = slots_of(plan, calendar(), MONDAY)
    except SlotMalformed:
        return
    begins, ends = slots[0].begins_at, slots[-1].ends_at
    assert ends - begins <= timedelta(minutes=length)
    assert len(slots) == length // minutes


@pytest.mark.parametrize(
    "changes",
    [
        {"group": " "},
        {"first_minute": -1},
        {"last_minute": 9 * 60},
        {"last_minute": 1441},
        {"minutes": 4},
        {"capacity": 0},
        {"capacity": 1001},
        {"day": MONDAY - timedelta(days=1)},
        {"day": MONDAY + timedelta(days=181)},
    ],
)
def test_a_plan_that_cannot_be_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(SlotMalformed):
        slots_of(replace(PLAN, **changes), calendar(), MONDAY)


@pytest.mark.parametrize(
    ("day", "first", "out_of_hours"),
    [
        (MONDAY, 9 * 60, False),
        (MONDAY, 8 * 60, True),
        (MONDAY, 17 * 60, True),
        (date(2026, 3, 7), 9 * 60, True),
        # A Saturday on which work is done (调休).
        (date(2026, 2, 28), 9 * 60, False),
        # A Thursday of the spring festival.
        (date(2026, 2, 19), 9 * 60, True),
    ],
)
def test_a_slot_outside_the_hours_or_on_a_day_off_says_so(
    day: date, first: int, out_of_hours: bool
) -> None:
    plan = replace(PLAN, day=day, first_minute=first, last_minute=first + 30)
    [slot] = slots_of(plan, calendar(), date(2026, 2, 1))
    assert slot.out_of_hours is out_of_hours


SLOT = slots_of(PLAN, calendar(), MONDAY)[2]
BEFORE, BEGINS, LATER = at("2026-03-02 09:59"), at("2026-03-02 10:00"), at("2026-03-02 10:15")
POSSIBLE = {
    (BOOKED, CANCELLED, BEFORE),
    (WAITING, CANCELLED, BEFORE),
    (BOOKED, ARRIVED, BEFORE),
    (BOOKED, ARRIVED, BEGINS),
    (BOOKED, ARRIVED, LATER),
    (BOOKED, MISSED, LATER),
}


@pytest.mark.parametrize("moment", [BEFORE, BEGINS, LATER], ids=["before", "begins", "later"])
@pytest.mark.parametrize("step", BookingState)
@pytest.mark.parametrize("state", BookingState)
def test_a_booking_becomes_only_what_follows(
    state: BookingState, step: BookingState, moment: Any
) -> None:
    if (state, step, moment) in POSSIBLE:
        assert after(state, step, SLOT, moment) is step
    else:
        with pytest.raises((StepNotPossible, SlotOver)):
            after(state, step, SLOT, moment)

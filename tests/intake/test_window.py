"""What stands around a window, through its face, on both databases."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from tests.case.builders import at, working_days
from tests.exchange.test_face import ask
from tests.intake.parts import (
    ACCEPT,
    AGENT,
    GRANT,
    RELIEF,
    REVIEW,
    SUBSISTENCE,
    VILLAGE,
    act,
    asking,
    put_accounts,
    records,
    row_of,
    take_release,
    told,
)
from tests.intake.test_bad_input import at_once as asked_at_once
from tests.intake.test_listing import statements
from tests.simulation.halls import CHIEF, CLERK, Station, World
from tests.simulation.worlds import COUNTY, TOWNSHIP

from hallnet.case import command as commands
from hallnet.case.fee_problems import (
    FeeAlreadyCollected,
    FeeCollectedElsewhere,
    FeeOutstanding,
    FeeWithoutBasis,
)
from hallnet.case.person import Actor, ActorKind
from hallnet.case.policy import POLICY, Policy
from hallnet.case.power import Power
from hallnet.case.problems import ActorUnknown, CaseUnknown, NotYours, OwnerMissing, PowerMissing
from hallnet.intake import cases, tables
from hallnet.intake.accounts import Account
from hallnet.intake.asked import ChoiceMissing
from hallnet.intake.window import alarms, booking, tickets
from hallnet.intake.window.face import CALLERS, WindowFace
from hallnet.places.problems import DivisionUnknown
from hallnet.problems import Problem
from hallnet.store.requests import RequestIdReused
from hallnet.trust.release import ReleaseKind
from hallnet.window.problems import (
    AlreadyBooked,
    AlreadyRated,
    QueueFull,
    RecordUnknown,
    ScoreNotReproducible,
    ScoreSheetMalformed,
    SlotFull,
    SlotMalformed,
    SlotUnknown,
    StepNotPossible,
    TicketMalformed,
    WindowNotForThis,
    WindowUnknown,
)
from hallnet.window.queue import WAITING_MAX, Lane
from hallnet.wire.case.v1 import case_event_pb2 as wire_event
from hallnet.wire.case.v1 import command_pb2 as wire_command
from hallnet.wire.intake.v1 import intake_service_pb2 as intake_wire
from hallnet.wire.window.v1 import window_pb2 as wire
from hallnet.wire.window.v1 import window_service_pb2 as service

_numbers = itertools.count(1)
INSPECTOR = Account(Actor(ActorKind.STAFF, "inspector", "周督查"), frozenset({Power.SUPERVISE}), ())
STRANGER = Account(Actor(ActorKind.STAFF, "stranger", "某某"), frozenset(), ())


def face(world: World, at: str = COUNTY) -> WindowFace:
    station = world.at(at)
    return WindowFace(station.intake, station.hall, lambda: world.time.now)


def call(world: World, method: str, at: str = COUNTY, **fields: Any) -> Any:
    """Call a method; what a write needs beside its own fields is given."""
    request_type = getattr(service, f"{method}Request")
    names = request_type.DESCRIPTOR.fields_by_name
    if "act" in names and "act" not in fields:
        fields["act"] = act()
    if "request_id" in names and "request_id" not in fields:
        fields["request_id"] = f"window-{next(_numbers)}"
    return ask(getattr(face(world, at), method)(request_type(**fields), None))


def on_day(world: World, days: int) -> str:
    return (world.time.now + timedelta(days=days)).date().isoformat()


def opened(
    world: World, capacity: int, days: int = 1, group: str = "婚姻登记", many: int = 1
) -> Any:
    plan = wire.SlotPlan(
        group=group,
        day=on_day(world, days),
        first_minute=9 * 60,
        last_minute=9 * 60 + 30 * many,
        minutes=30,
        capacity=capacity,
    )
    return call(world, "OpenSlots", plan=plan).slots


def book(world: World, slot: Any, holder: str, **fields: Any) -> Any:
    return call(world, "BookSlot", slot_id=slot.slot_id, holder=holder, **fields).appointment


# Appointments


def test_a_thousand_couples_on_one_day_have_a_place_each_and_no_place_is_given_twice(
    world: World,
) -> None:
    """Acceptance check 8: 2008-08-08, nearly a thousand pre-reviewed couples."""
    slots = opened(world, capacity=70, many=16)
    station, couples = world.at(COUNTY), 1_000
    places = sum(slot.capacity for slot in slots)
    assert places == 1_120
    results = at_once(
        station,
        [
            booking_of(station, slots[number % len(slots)].slot_id, f"couple-{number}", world)
            for number in range(couples)
        ],
    )
    assert results.count("booked") == couples
    for slot in slots:
        rows = station.intake.look(lambda c, s=slot: booking.of_slot(c, s.slot_id))  # type: ignore[misc]
        assert len(rows) <= slot.capacity
        assert len({row.holder for row in rows}) == len(rows)
    assert sum(view.free for view in listed(world, slots[0].day)) == places - couples


def listed(world: World, day: str) -> Any:
    return call(world, "ListSlots", day=day).slots


def booking_of(station: Station, slot_id: str, holder: str, world: World) -> Callable[[], str]:
    number = next(_numbers)

    def work() -> str:
        try:
            station.intake.transact(
                lambda c: booking.book(
                    c, f"{number:036}", slot_id, holder, "", "", "", False, world.time.now
                )
            )
        except (SlotFull, AlreadyBooked) as problem:
            return problem.reason
        return "booked"

    return work


def at_once(station: Station, works: list[Callable[[], str]], threads: int = 4) -> list[str]:
    """Run them in threads that begin together."""
    start = threading.Barrier(threads)

    def share(number: int) -> list[str]:
        start.wait()
        return [work() for work in works[number::threads]]

    with ThreadPoolExecutor(threads) as pool:
        return [result for part in pool.map(share, range(threads)) for result in part]


def test_of_many_who_want_the_last_places_at_once_only_as_many_get_one(world: World) -> None:
    [slot] = opened(world, capacity=5)
    station = world.at(COUNTY)
    wanted = [booking_of(station, slot.slot_id, f"p-{number}", world) for number in range(40)]
    results = at_once(station, wanted)
    assert results.count("booked") == 5
    assert results.count("SLOT_FULL") == 35
    [view] = listed(world, slot.day)
    assert (view.free, view.waiting) == (0, 0)


def test_one_who_books_twice_at_once_has_one_appointment(world: World) -> None:
    slots = opened(world, capacity=50, many=4)
    station = world.at(COUNTY)
    wanted = [booking_of(station, slots[n % 4].slot_id, "same", world) for n in range(16)]
    results = at_once(station, wanted)
    assert results.count("booked") == 1
    assert results.count("ALREADY_BOOKED") == 15


def test_an_appointment_out_of_hours_moves_no_legal_date(world: World) -> None:
    case = world.file(TOWNSHIP, RELIEF)
    world.act(TOWNSHIP, case, ACCEPT)
    before = row_of(world.at(TOWNSHIP), case)
    plan = wire.SlotPlan(
        group="综合",
        day=on_day(world, 1),
        first_minute=20 * 60,
        last_minute=20 * 60 + 30,
        minutes=30,
        capacity=1,
    )
    [slot] = call(world, "OpenSlots", at=TOWNSHIP, plan=plan).slots
    assert slot.out_of_hours
    call(
        world,
        "BookSlot",
        at=TOWNSHIP,
        slot_id=slot.slot_id,
        holder=before.case_no,
        case_id=case.case_id,
    )
    after = row_of(world.at(TOWNSHIP), case)
    assert (after.due_on, after.changed_at) == (before.due_on, before.changed_at)


def test_who_waits_gets_the_place_that_is_given_back(world: World) -> None:
    [slot] = opened(world, capacity=1)
    first = book(world, slot, "first")
    with pytest.raises(SlotFull):
        book(world, slot, "second")
    second = book(world, slot, "second", or_wait=True)
    third = book(world, slot, "third", or_wait=True)
    assert (second.state, third.state) == (wire.BOOKING_STATE_WAITING,) * 2
    answer = call(
        world,
        "StepAppointment",
        appointment_id=first.appointment_id,
        state=wire.BOOKING_STATE_CANCELLED,
    )
    assert answer.moved_up.appointment_id == second.appointment_id
    assert answer.moved_up.state == wire.BOOKING_STATE_BOOKED
    [view] = listed(world, slot.day)
    assert (view.free, view.waiting) == (0, 1)
    assert book(world, slot, "first", or_wait=True).state == wire.BOOKING_STATE_WAITING


def test_who_does_not_come_is_entered_as_missed_and_a_place_given_back_is_free(
    world: World,
) -> None:
    [slot] = opened(world, capacity=2)
    one, other = book(world, slot, "one"), book(world, slot, "other")

    def become(found: Any, state: Any) -> Any:
        answer = call(world, "StepAppointment", appointment_id=found.appointment_id, state=state)
        return answer.appointment

    become(other, wire.BOOKING_STATE_CANCELLED)
    assert listed(world, slot.day)[0].free == 1
    with pytest.raises(StepNotPossible):
        become(one, wire.BOOKING_STATE_MISSED)
    world.time.pass_by(days=2)
    assert become(one, wire.BOOKING_STATE_MISSED).state == wire.BOOKING_STATE_MISSED


def test_what_cannot_be_booked_is_told(world: World) -> None:
    [slot] = opened(world, capacity=1)
    with pytest.raises(SlotUnknown):
        call(world, "BookSlot", slot_id="none", holder="a")
    with pytest.raises(SlotMalformed):
        call(world, "BookSlot", slot_id=slot.slot_id, holder=" ")
    for field, length in (("holder", 65), ("case_id", 37), ("telephone", 33)):
        with pytest.raises(SlotMalformed):
            call(world, "BookSlot", **{"slot_id": slot.slot_id, "holder": "a", field: "1" * length})
    with pytest.raises(ChoiceMissing):
        call(world, "ListSlots", day="20260302")
    with pytest.raises(ChoiceMissing):
        call(world, "StepAppointment", appointment_id="x", state=99)


def test_opening_the_same_slots_again_leaves_who_has_a_place(world: World) -> None:
    [slot] = opened(world, capacity=1)
    book(world, slot, "one")
    opened(world, capacity=9)
    [view] = listed(world, slot.day)
    assert (view.slot.capacity, view.free) == (1, 0)


def test_the_same_request_books_once(world: World) -> None:
    [slot] = opened(world, capacity=9)
    first = book(world, slot, "one", request_id="request-1")
    assert book(world, slot, "one", request_id="request-1") == first
    assert listed(world, slot.day)[0].free == 8
    with pytest.raises(RequestIdReused):
        book(world, slot, "other", request_id="request-1")


def test_names_and_telephones_lie_closed_and_a_look_at_them_is_on_record(world: World) -> None:
    [slot] = opened(world, capacity=9)
    book(world, slot, "case-1", visitor="章三", telephone="13800000000")
    station = world.at(COUNTY)
    [row] = station.intake.look(lambda c: booking.of_slot(c, slot.slot_id))
    assert (row.visitor, row.telephone) == ("章三", "13800000000")
    with station.intake.engine.connect() as connection:
        raw = connection.exec_driver_sql("SELECT visitor, telephone FROM appointment").one()
    assert "章三".encode() not in bytes(raw[0])
    assert b"138" not in bytes(raw[1])
    [found] = call(world, "ListAppointments", slot_id=slot.slot_id).appointments
    assert found.visitor == "章三"
    looks = station.intake.look(lambda c: c.execute(tables.access_record.select()).all())
    assert [look.subject for look in looks if look.act == "ListAppointments"] == [slot.slot_id]


# The queue


def put_window(world: World, name: str = "1", items: tuple[str, ...] = ("*",), **more: Any) -> None:
    window = wire.Window(window_id=name, title="窗口", items=items, open=True)
    for field, value in more.items():
        setattr(window, field, value)
    call(world, "PutWindow", window=window)


def take(world: World, item_id: str = RELIEF, lane: Any = wire.LANE_ORDINARY, **more: Any) -> Any:
    answer = call(world, "TakeTicket", item_id=item_id, lane=lane, **more)
    world.time.pass_by(minutes=1)
    return answer.ticket


def call_next(world: World, window: str = "1") -> Any:
    return call(world, "CallNext", window_id=window).ticket


def step(world: World, ticket: Any, name: str, window: str = "") -> Any:
    number = service.TicketStep.Value(f"TICKET_STEP_{name}")
    return call(
        world, "StepTicket", ticket_id=ticket.ticket_id, step=number, window_id=window
    ).ticket


def test_tickets_are_called_by_lane_to_windows_that_may_serve_them(world: World) -> None:
    put_window(world, "1")
    put_window(world, "2", ("housing",))
    plain = take(world)
    old = take(world, lane=wire.LANE_PRIORITY, ground=wire.PRIORITY_GROUND_OLD_AGE)
    house = take(world, "housing")
    assert [t.label for t in (plain, old, house)] == ["A001", "P002", "A003"]
    assert call_next(world, "2").ticket_id == house.ticket_id
    assert call_next(world, "1").ticket_id == old.ticket_id
    assert call_next(world, "1").ticket_id == plain.ticket_id
    assert call_next(world, "1").ticket_id == ""
    with pytest.raises(WindowUnknown):
        call_next(world, "9")


def test_a_ticket_is_missed_stands_again_is_handed_over_and_ends(world: World) -> None:
    put_window(world, "1")
    put_window(world, "2")
    ticket = take(world)
    call_next(world)
    for _ in range(2):
        step(world, ticket, "CALL_AGAIN", "1")
    with pytest.raises(StepNotPossible):
        step(world, ticket, "CALL_AGAIN", "1")
    assert step(world, ticket, "MISS").state == wire.TICKET_STATE_MISSED
    assert step(world, ticket, "BACK").state == wire.TICKET_STATE_WAITING
    assert call_next(world).ticket_id == ticket.ticket_id
    step(world, ticket, "SERVE")
    with pytest.raises(WindowNotForThis):
        step(world, ticket, "HAND_OVER", "1")
    step(world, ticket, "HAND_OVER", "2")
    assert call_next(world, "1").ticket_id == ""
    assert call_next(world, "2").ticket_id == ticket.ticket_id
    step(world, ticket, "SERVE")
    assert step(world, ticket, "FINISH").state == wire.TICKET_STATE_DONE


def test_a_number_for_several_items_goes_to_a_window_for_all_or_from_one_to_the_next(
    world: World,
) -> None:
    put_window(world, "1", ("housing",))
    put_window(world, "2", ("pension",))
    put_window(world, "3", ("housing", "pension"))
    several = take(world, "housing", further_items=["pension"])
    assert call_next(world, "1").ticket_id == ""
    put_window(world, "3", ("housing", "pension"), open=False)
    assert call_next(world, "1").ticket_id == several.ticket_id
    step(world, several, "SERVE")
    assert list(step(world, several, "HAND_OVER", "2").done_items) == ["housing"]
    assert call_next(world, "1").ticket_id == ""
    assert call_next(world, "2").ticket_id == several.ticket_id


def test_a_number_for_a_question_is_called_where_questions_are_answered(world: World) -> None:
    put_window(world, "1", ("housing",))
    put_window(world, "2", ("pension",), enquiries=True)
    question = take(world, "", enquiry=True)
    assert call_next(world, "1").ticket_id == ""
    assert call_next(world, "2").ticket_id == question.ticket_id
    with pytest.raises(TicketMalformed):
        take(world, "a", further_items=["a"])


def test_two_windows_that_call_at_once_call_different_people(world: World) -> None:
    put_window(world, "1")
    for _ in range(12):
        call(world, "TakeTicket", item_id=RELIEF, lane=wire.LANE_ORDINARY)
    station = world.at(COUNTY)

    def work() -> str:
        found = station.intake.transact(lambda c: tickets.call_next(c, "1", world.time.now))
        return found.ticket_id if found else ""

    called = at_once(station, [work] * 16)
    assert len({number for number in called if number}) == 12
    assert called.count("") == 4


def test_waits_of_a_day_are_measured(world: World) -> None:
    put_window(world)
    take(world)
    take(world)
    call_next(world)
    call_next(world)
    waits = call(world, "ListTickets").waits
    assert (waits.people, waits.longest, waits.total) == (2, 120, 180)


def test_who_booked_takes_a_ticket_with_the_appointment(world: World) -> None:
    put_window(world)
    [slot] = opened(world, capacity=1)
    booked = book(world, slot, "one")
    world.time.pass_by(days=1)
    plain = take(world)
    ticket = take(world, lane=wire.LANE_BOOKED, appointment_id=booked.appointment_id)
    assert call_next(world).ticket_id == ticket.ticket_id
    assert call_next(world).ticket_id == plain.ticket_id
    with pytest.raises(StepNotPossible):
        take(world, lane=wire.LANE_BOOKED, appointment_id=booked.appointment_id)


def test_no_more_wait_than_can_be_served(world: World) -> None:
    def fill(connection: Any) -> None:
        for _ in range(WAITING_MAX):
            tickets.take(connection, RELIEF, Lane.ORDINARY, None, world.time.now)

    world.at(COUNTY).intake.transact(fill)
    with pytest.raises(QueueFull):
        take(world)


# The rota


def test_an_uncovered_slot_next_monday_is_an_alarm_on_friday(world: World) -> None:
    """Acceptance check 5, through the face."""
    put_window(world, "预约1", needs_rota=True)
    go_to(world, "2026-03-05 09:00")
    post = wire.Post(
        post_id="land", a=CHIEF.actor.actor_id, b=CLERK.actor.actor_id, contacts=["科长"]
    )
    call(world, "PutPost", post=post)
    shifts = [
        wire.Shift(window_id="预约1", day=day, half=half, post_id="land")
        for day in ("2026-03-05", "2026-03-06", "2026-03-10")
        for half in (wire.HALF_MORNING, wire.HALF_AFTERNOON)
    ]
    assert call(world, "PutShifts", shifts=shifts).count == 6
    thursday = call(world, "ListGaps", days=6)
    assert [gap.day for gap in thursday.gaps] == ["2026-03-09"] * 2
    assert list(thursday.alarms) == []
    world.time.pass_by(days=1)
    friday = call(world, "ListGaps", days=5)
    assert [gap.alarm_on for gap in friday.alarms] == ["2026-03-06"] * 2


def go_to(world: World, text: str) -> None:
    world.time.pass_by(seconds=(at(text) - world.time.now).total_seconds())


def test_both_away_is_told_to_who_enters_the_absence(world: World) -> None:
    put_window(world, "预约1", needs_rota=True)
    day = "2026-03-06"
    go_to(world, f"{day} 08:00")
    post = wire.Post(post_id="land", a=CHIEF.actor.actor_id, b=CLERK.actor.actor_id)
    call(world, "PutPost", post=post)
    shift = wire.Shift(window_id="预约1", day=day, half=wire.HALF_MORNING, post_id="land")
    call(world, "PutShifts", shifts=[shift])

    def away(actor: str) -> list[Any]:
        absence = wire.Absence(actor_id=actor, first=day, last=day)
        gaps = call(world, "PutAbsence", absence=absence).gaps
        return [gap.kind for gap in gaps if gap.day == day and gap.half == wire.HALF_MORNING]

    assert away(CHIEF.actor.actor_id) == []
    assert away(CLERK.actor.actor_id) == [wire.GAP_KIND_BOTH_AWAY]


def test_a_post_has_two_different_people_who_exist(world: World) -> None:
    chief = CHIEF.actor.actor_id
    with pytest.raises(OwnerMissing):
        call(world, "PutPost", post=wire.Post(post_id="x", a=chief, b=chief))
    with pytest.raises(ActorUnknown):
        call(world, "PutPost", post=wire.Post(post_id="x", a="nobody"))
    shift = wire.Shift(window_id="?", day="2026-03-06", half=wire.HALF_MORNING, post_id="land")
    with pytest.raises(WindowUnknown):
        call(world, "PutShifts", shifts=[shift])


# Enquiries


def test_an_enquiry_is_the_first_contacts_until_another_takes_it(world: World) -> None:
    chief, clerk = CHIEF.actor.actor_id, CLERK.actor.actor_id
    opened_ = call(world, "OpenEnquiry", act=act(CLERK), question="怎么办？").enquiry
    assert opened_.owner == clerk

    def enquiry(by: Any, name: str, **more: Any) -> Any:
        number = service.EnquiryStep.Value(f"ENQUIRY_STEP_{name}")
        fields = {"act": act(by), "enquiry_id": opened_.enquiry_id, "step": number} | more
        return call(world, "StepEnquiry", **fields).enquiry

    with pytest.raises(ActorUnknown):
        enquiry(CLERK, "OFFER", to="nobody")
    assert enquiry(CLERK, "OFFER", to=chief).owner == clerk
    assert due(world) == [(opened_.enquiry_id, clerk)]
    assert enquiry(CHIEF, "ACCEPT").owner == chief
    assert due(world, owner=clerk) == []
    with pytest.raises(NotYours):
        enquiry(CLERK, "ANSWER", answer="这样办")
    enquiry(CHIEF, "ANSWER", answer="这样办")
    assert due(world) == []


def due(world: World, **fields: Any) -> list[tuple[str, str]]:
    return [(one.record_id, one.owner) for one in call(world, "ListDue", **fields).records]


# Ratings


def rate(world: World, subject: str, level: Any, **more: Any) -> Any:
    fields: dict[str, Any] = {
        "subject": subject,
        "level": level,
        "handler": CLERK.actor.actor_id,
        "named": True,
    }
    return call(world, "Rate", **(fields | more)).rating


def test_a_visit_is_rated_once_and_a_bad_rating_goes_its_way(world: World) -> None:
    put_accounts(world, COUNTY, INSPECTOR)
    rating = rate(world, "visit-1", wire.SATISFACTION_DISSATISFIED, words="等太久")
    assert rating.state == wire.RATING_STATE_CALL_BACK
    with pytest.raises(AlreadyRated):
        rate(world, "visit-1", wire.SATISFACTION_SATISFIED)
    assert due(world) == [("visit-1", "")]

    def next_(by: Any, name: str, **more: Any) -> Any:
        number = service.RatingStep.Value(f"RATING_STEP_{name}")
        fields: dict[str, Any] = {"act": act(by), "rating_id": "visit-1", "step": number}
        return call(world, "StepRating", **(fields | more)).rating

    with pytest.raises(NotYours):
        next_(CLERK, "CALL_BACK", finding=wire.FINDING_CONFIRMED)
    called = next_(CHIEF, "CALL_BACK", finding=wire.FINDING_CONFIRMED)
    assert called.state == wire.RATING_STATE_REPAIR
    next_(CLERK, "REPAIR", words="增开窗口")
    for by in (CLERK, CHIEF):
        with pytest.raises(NotYours):
            next_(by, "CLOSE")
    assert next_(INSPECTOR, "CLOSE").state == wire.RATING_STATE_CLOSED
    assert due(world) == []
    assert next_(CHIEF, "ADD", words="后来好了").added == "后来好了"


def test_default_ratings_are_left_out_of_the_rates(world: World) -> None:
    rate(world, "a", wire.SATISFACTION_SATISFIED)
    rate(world, "b", wire.SATISFACTION_VERY_DISSATISFIED)
    rate(world, "c", wire.SATISFACTION_VERY_SATISFIED, by_default=True)
    first = on_day(world, -1)
    rates = call(world, "GetRatingRates", first=first, last=on_day(world, 1))
    assert (rates.satisfied.part, rates.satisfied.whole, rates.left_out) == (1, 2, 1)
    assert (rates.called_back_in_time.part, rates.called_back_in_time.whole) == (0, 1)
    assert not call(world, "GetRatingRates", first=first, last=first).satisfied.whole


# Complaints


def test_a_complaint_is_answered_by_its_owner_and_closed_by_another(world: World) -> None:
    chief, clerk = CHIEF.actor.actor_id, CLERK.actor.actor_id
    complaint = call(
        world,
        "OpenComplaint",
        kind=wire.COMPLAINT_KIND_COMPLAINT,
        words="态度不好",
        against="someone",
        owner=clerk,
    ).complaint

    def next_(by: Any, name: str, words: str = "") -> Any:
        number = service.ComplaintStep.Value(f"COMPLAINT_STEP_{name}")
        fields = {"act": act(by), "complaint_id": complaint.complaint_id, "step": number}
        return call(world, "StepComplaint", **fields, words=words).complaint

    assert next_(CLERK, "EXTEND", "需核查").due_on > complaint.due_on
    next_(CLERK, "ANSWER", "已处理")
    with pytest.raises(NotYours):
        next_(CLERK, "CLOSE")
    assert next_(CHIEF, "CLOSE").closed_by == chief
    assert due(world) == []


def test_a_policy_sets_the_limits_of_its_place(world: World) -> None:
    policy = Policy(call_back_limit=working_days(3), ticket_complaint_limit=working_days(5))
    take_release(world, COUNTY, ReleaseKind.POLICY, POLICY.to_bytes(policy))
    go_to(world, "2026-03-02 09:00")
    assert rate(world, "visit", wire.SATISFACTION_DISSATISFIED).due_on == "2026-03-05"
    complaint = call(
        world,
        "OpenComplaint",
        kind=wire.COMPLAINT_KIND_COMPLAINT,
        words="态度不好",
        owner=CLERK.actor.actor_id,
    ).complaint
    assert complaint.due_on == "2026-03-09"


# Fees


def fee_account(world: World, item_id: str, **more: Any) -> Any:
    case = world.file(COUNTY, item_id)
    return call(world, "AssessFees", case_id=case.case_id, **more).account


def test_a_fee_is_told_collected_once_and_guards_the_result(world: World) -> None:
    account = fee_account(world, "realty-transfer")
    assert [charge.amount_fen for charge in account.charges] == [8000]
    found = call(world, "GetFees", case_id=account.case_id)
    assert (found.outstanding_fen, found.may_issue) == (8000, False)
    pay = {"case_id": account.case_id, "receipt_no": "R1", "amount_fen": 8000}
    call(world, "RecordPayment", **pay)
    assert call(world, "GetFees", case_id=account.case_id).may_issue
    with pytest.raises(FeeAlreadyCollected):
        call(world, "RecordPayment", **(pay | {"receipt_no": "R2"}))


def test_results_that_are_given_in_one_moment_are_guarded_each_by_its_own_fee(world: World) -> None:
    owing, paid, costs_nothing = (world.file(COUNTY, "realty-transfer") for _ in range(3))
    for case in (owing, paid):
        call(world, "AssessFees", case_id=case.case_id)
    call(world, "RecordPayment", case_id=paid.case_id, receipt_no="R1", amount_fen=8000)
    for case in (paid, costs_nothing, owing):
        world.act(COUNTY, case, ACCEPT)
        world.act(COUNTY, case, GRANT)
    close = wire_command.Close(method=wire_event.DELIVERY_METHOD_COUNTER, received_by="x")
    free = wire_command.Close(method=close.method, received_by="x", no_fee="财税〔2016〕79号免收")
    acts = ((paid, close), (costs_nothing, free), (owing, close))
    with statements(world.at(COUNTY)) as seen:
        found = asked_at_once(
            world, [("ActOnCase", asking(act(), case.case_id, one)) for case, one in acts], COUNTY
        )
    stages = [answer.case.summary.stage for answer in found[:2]]
    assert stages == [intake_wire.CASE_STAGE_CLOSED] * 2
    assert isinstance(found[2], FeeOutstanding)
    assert len([text for text, _ in seen if "FROM window_record" in text]) == 1


def test_instalments_are_reviewed_approved_promised_paid_and_reminded(world: World) -> None:
    name = "防空地下室易地建设费"
    with pytest.raises(FeeWithoutBasis):
        fee_account(world, "civil-air-defence-offsite")
    quantity = service.FeeQuantity(fee=name, units=100, local_amount_fen=2000)
    account = fee_account(world, "civil-air-defence-offsite", quantities=[quantity])
    case_id = account.case_id
    parts = [wire.Instalment(amount_fen=100_000, due_on=on_day(world, days)) for days in (0, 30)]
    call(world, "PlanInstalments", case_id=case_id, instalments=parts)

    def next_(by: Any, name: str, digest: bytes = b"") -> Any:
        number = service.InstalmentStep.Value(f"INSTALMENT_STEP_{name}")
        fields = {"act": act(by), "case_id": case_id, "step": number, "promise_digest": digest}
        return call(world, "StepInstalments", **fields).account

    next_(CLERK, "REVIEW")
    next_(CHIEF, "APPROVE")
    call(world, "RecordPayment", case_id=case_id, receipt_no="R1", amount_fen=100_000)
    assert not call(world, "GetFees", case_id=case_id).may_issue
    with pytest.raises(RecordUnknown):
        next_(CHIEF, "PROMISE", b"x" * 32)
    next_(CHIEF, "PROMISE", world.upload(COUNTY, "promise").digest)
    assert call(world, "GetFees", case_id=case_id).may_issue
    world.time.pass_by(days=31)
    [reminder] = call(world, "GetFees", case_id=case_id).reminders
    assert (reminder.number, reminder.dunning) == (2, wire.DUNNING_OVERDUE)
    assert due(world, kinds=[service.RECORD_KIND_FEE]) == [(case_id, "")]


def test_what_was_paid_for_a_case_that_was_withdrawn_waits_to_go_back(world: World) -> None:
    account = fee_account(world, "realty-transfer")
    case_id = account.case_id
    call(world, "RecordPayment", case_id=case_id, receipt_no="R1", amount_fen=8000)
    assert due(world, kinds=[service.RECORD_KIND_FEE]) == []
    case = world.at(COUNTY).intake.look(lambda c: cases.load(c, case_id))
    world.act(COUNTY, case, commands.Withdraw("不办了"))
    assert due(world, kinds=[service.RECORD_KIND_FEE]) == [(case_id, "")]
    assert sounded(world) == [(alarms.REFUND, f"{case_id} 应退8000分")]
    back = {"case_id": case_id, "refund_no": "T1", "amount_fen": 8000, "reason": "申请人撤回"}
    call(world, "RefundFee", act=act(CHIEF), **back)
    assert due(world, kinds=[service.RECORD_KIND_FEE]) == []
    assert call(world, "GetFees", case_id=case_id).account.refunds[0].approved_by == "chief"


def test_a_fee_is_collected_at_one_hall_alone(world: World) -> None:
    """一次性收费: where it was filed and the result is handed out, not once more where it is decided."""
    case = world.file(TOWNSHIP, SUBSISTENCE)
    for command in (ACCEPT, REVIEW, commands.HandOver("上报")):
        case = world.act(TOWNSHIP, case, command)
    world.settle()
    with pytest.raises(FeeCollectedElsewhere):
        call(world, "AssessFees", case_id=case.case_id)


def test_fees_are_those_of_a_case(world: World) -> None:
    with pytest.raises(CaseUnknown):
        call(world, "AssessFees", case_id="none")
    with pytest.raises(RecordUnknown):
        call(world, "RecordPayment", case_id="none", receipt_no="R", amount_fen=1)


# Score sheets


def test_a_score_follows_from_its_evidence(world: World) -> None:
    """Acceptance check 9, through the face."""
    rules = [
        wire.ScoreRule(rule_id="presence", words="空岗", points=500, taken_each=100),
        wire.ScoreRule(rule_id="overdue", words="超期", points=500, taken_each=1),
    ]
    sheet = wire.ScoreSheet(sheet_id="2026-03", full_score=1000, pass_score=900, rules=rules)
    assert call(world, "PutScoreSheet", sheet=sheet).score.total == 1000

    def evidence(number: str, rule: str, **more: Any) -> Any:
        piece = wire.Evidence(evidence_id=number, rule_id=rule, reference="巡查记录", **more)
        return call(world, "PutEvidence", sheet_id="2026-03", evidence=piece).score

    assert (evidence("1", "presence").total, evidence("2", "overdue").total) == (900, 899)
    assert not call(world, "GetScore", sheet_id="2026-03", claimed=899).score.passed
    with pytest.raises(ScoreNotReproducible):
        call(world, "GetScore", sheet_id="2026-03", claimed=900)
    with pytest.raises(ScoreSheetMalformed):
        evidence("2", "presence")
    assert evidence("2", "overdue", set_aside=True).passed
    with pytest.raises(ScoreSheetMalformed):
        call(world, "PutScoreSheet", sheet=sheet)


# Lists


def test_what_is_due_comes_in_pages_the_first_at_the_top(world: World) -> None:
    for number in range(5):
        rate(world, f"visit-{number}", wire.SATISFACTION_DISSATISFIED)
        world.time.pass_by(days=1)
    found: list[str] = []
    token = ""
    for _ in range(5):
        answer = call(world, "ListDue", page_size=2, page_token=token)
        found += [one.record_id for one in answer.records]
        token = answer.next_page_token
        if not token:
            break
    assert found == [f"visit-{number}" for number in range(5)]
    assert call(world, "ListDue").records[0].overdue


# Who may


FIELDS: dict[str, dict[str, Any]] = {
    "ListRecords": {"kind": service.RECORD_KIND_RATING},
    "ListRota": {"first": "2026-03-06"},
    "OpenComplaint": {"kind": wire.COMPLAINT_KIND_REQUEST},
    "OpenSlots": {"plan": wire.SlotPlan(day="2026-03-06")},
    "PutAbsence": {"absence": wire.Absence(first="2026-03-06", last="2026-03-06")},
    "PutPost": {"post": wire.Post()},
    "PutWindow": {"window": wire.Window()},
    "PutScoreSheet": {"sheet": wire.ScoreSheet(sheet_id="x")},
    "PutEvidence": {"evidence": wire.Evidence()},
    "StepTicket": {"step": service.TICKET_STEP_SERVE},
}
"""What is read before anybody is looked up."""


def test_only_staff_acts_at_a_window(world: World) -> None:
    put_accounts(world, COUNTY, AGENT)
    for method in service.DESCRIPTOR.services_by_name["WindowService"].methods:
        request_type = getattr(service, f"{method.name}Request")
        if "act" not in request_type.DESCRIPTOR.fields_by_name:
            continue
        for actor in (AGENT, STRANGER):
            with pytest.raises(Problem) as refused:
                call(world, method.name, act=act(actor), **FIELDS.get(method.name, {}))
            assert refused.value.reason == "ACTOR_UNKNOWN", method.name


def test_every_method_has_its_callers(world: World) -> None:
    methods = service.DESCRIPTOR.services_by_name["WindowService"].methods
    assert set(CALLERS) == {method.name for method in methods}
    assert all(hasattr(face(world), method.name) for method in methods)


# Agents


def test_the_villages_of_a_county_without_an_agent_are_listed(world: World) -> None:
    before = call(world, "GetAgentCoverage", only_gaps=True)
    assert (before.total, before.gaps, len(before.villages)) == (361, 361, 361)
    put_accounts(world, COUNTY, AGENT)
    after = call(world, "GetAgentCoverage", only_gaps=True)
    assert (after.total, after.gaps) == (361, 360)
    [covered] = {row.village for row in before.villages} - {row.village for row in after.villages}
    assert covered == VILLAGE
    every = call(world, "GetAgentCoverage", within=VILLAGE[:9]).villages
    assert [list(row.agents) for row in every if row.village == VILLAGE] == [["agent"]]
    with pytest.raises(DivisionUnknown):
        call(world, "GetAgentCoverage", within="330199")


# Alarms


def sounded(world: World) -> list[tuple[str, str]]:
    """What is told now, as the feed has it."""
    station = world.at(COUNTY)
    place = None
    while True:
        sound = partial(alarms.sound, hall=station.hall, now=world.time.now, after=place)
        place = station.intake.transact(sound).next_place
        if place is None:
            break
    entries = told(station, alarms.UNCOVERED, alarms.INSTALMENT, alarms.OVERDUE, alarms.REFUND)
    return [(entry.kind, entry.subject) for entry in entries]


def test_an_uncovered_monday_is_told_on_friday_and_once(world: World) -> None:
    put_window(world, "预约1", needs_rota=True)
    go_to(world, "2026-03-05 18:00")
    chief = CHIEF.actor.actor_id
    call(world, "PutPost", post=wire.Post(post_id="land", a=chief))
    shifts = [
        wire.Shift(window_id="预约1", day=day, half=half, post_id="land")
        for day in ("2026-03-05", "2026-03-06")
        for half in (wire.HALF_MORNING, wire.HALF_AFTERNOON)
    ]
    call(world, "PutShifts", shifts=shifts)
    assert sounded(world) == []
    world.time.pass_by(days=1)
    monday = [
        (alarms.UNCOVERED, "预约1 2026-03-09 上午"),
        (alarms.UNCOVERED, "预约1 2026-03-09 下午"),
    ]
    assert sounded(world) == monday
    assert sounded(world) == monday


def test_a_bad_rating_that_nobody_called_back_and_an_instalment_are_told(world: World) -> None:
    rate(world, "visit-1", wire.SATISFACTION_DISSATISFIED)
    name = "防空地下室易地建设费"
    quantity = service.FeeQuantity(fee=name, units=1, local_amount_fen=2000)
    account = fee_account(world, "civil-air-defence-offsite", quantities=[quantity])
    parts = [wire.Instalment(amount_fen=1000, due_on=on_day(world, days)) for days in (1, 60)]
    call(world, "PlanInstalments", case_id=account.case_id, instalments=parts)
    assert sounded(world) == [(alarms.INSTALMENT, f"{account.case_id} 第1期将到期")]
    world.time.pass_by(days=10)
    kinds = [kind for kind, _ in sounded(world)]
    assert kinds == [alarms.INSTALMENT, alarms.OVERDUE, alarms.INSTALMENT]


def test_what_was_told_and_is_still_due_hides_nothing_that_comes_after_it(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(alarms, "LOOKED_AT_MAX", 2)
    for number in range(5):
        rate(world, f"visit-{number}", wire.SATISFACTION_DISSATISFIED)
    world.time.pass_by(days=30)
    told = [subject for _, subject in sounded(world)]
    assert [subject.split()[1] for subject in told] == [f"visit-{number}" for number in range(5)]
    assert [subject for _, subject in sounded(world)] == told


def owed_in_instalments(world: World) -> str:
    """A case with an approved and promised plan, due in two days and in sixty; returns its id."""
    name = "防空地下室易地建设费"
    quantity = service.FeeQuantity(fee=name, units=1, local_amount_fen=2000)
    account = fee_account(world, "civil-air-defence-offsite", quantities=[quantity])
    parts = [wire.Instalment(amount_fen=1000, due_on=on_day(world, days)) for days in (2, 60)]
    call(world, "PlanInstalments", case_id=account.case_id, instalments=parts)
    digest = world.upload(COUNTY, "promise").digest
    for by, name in ((CLERK, "REVIEW"), (CHIEF, "APPROVE"), (CHIEF, "PROMISE")):
        step = service.InstalmentStep.Value(f"INSTALMENT_STEP_{name}")
        fields = {"act": act(by), "case_id": account.case_id, "step": step}
        call(world, "StepInstalments", **fields, promise_digest=digest)
    return str(account.case_id)


def reminded(world: World) -> list[tuple[int, int]]:
    """Of what applicants were reminded up to now, by number and how pressing."""
    sounded(world)
    entries = told(world.at(COUNTY), alarms.REMINDER)
    found = [wire.InstalmentReminder.FromString(entry.payload) for entry in entries]
    return [(one.number, one.dunning) for one in found]


def test_the_applicant_is_reminded_of_an_instalment_before_and_after_and_not_for_ever(
    world: World,
) -> None:
    owed_in_instalments(world)
    first = [(1, wire.DUNNING_SOON)]
    assert reminded(world) == reminded(world) == first
    for days, times in ((3, 1), (8, 2), (8, 3), (8, 3)):
        world.time.pass_by(days=days)
        assert reminded(world) == first + times * [(1, wire.DUNNING_OVERDUE)]


def test_who_paid_is_reminded_of_the_next_instalment_alone(world: World) -> None:
    case_id = owed_in_instalments(world)
    call(world, "RecordPayment", case_id=case_id, receipt_no="R1", amount_fen=1000)
    assert reminded(world) == []
    world.time.pass_by(days=58)
    assert reminded(world) == [(2, wire.DUNNING_SOON)]


def test_nobody_is_reminded_of_a_case_that_was_withdrawn(world: World) -> None:
    case_id = owed_in_instalments(world)
    case = world.at(COUNTY).intake.look(lambda c: cases.load(c, case_id))
    world.act(COUNTY, case, commands.Withdraw("不办了"))
    world.time.pass_by(days=30)
    assert reminded(world) == []
    assert sounded(world) == []


# Tables to take home


def test_an_export_is_one_look_on_record_with_its_purpose_however_many_pages(world: World) -> None:
    for number in range(3):
        call(world, "OpenEnquiry", question=f"问题{number}")
    wanted: dict[str, Any] = {"kind": service.RECORD_KIND_ENQUIRY, "export_purpose": "月报"}
    found, token = 0, ""
    while True:
        page = call(world, "ListRecords", page_size=1, page_token=token, **wanted)
        found, token = found + len(page.records), page.next_page_token
        if not token:
            break
    assert found == 3
    [look] = records(world.at(COUNTY), "ExportRecords")
    assert (look.subject, look.purpose, look.refused) == ("enquiry", "月报", "")


def test_only_who_supervises_takes_a_table_home(world: World) -> None:
    put_accounts(world, COUNTY, STRANGER)
    with pytest.raises(PowerMissing):
        call(
            world,
            "ListRecords",
            act=act(STRANGER),
            kind=service.RECORD_KIND_COMPLAINT,
            export_purpose="好奇",
        )
    assert records(world.at(COUNTY), "ExportRecords")[-1].refused == "POWER_MISSING"

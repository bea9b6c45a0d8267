"""Clocks: when each limit starts, when it is met, what stops it, and when it turns yellow or red."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.case.builders import (
    ACCEPTED,
    CHECKUP,
    CLOSED,
    COUNTY,
    DECLINED,
    EXTRACT,
    FAILED,
    GRANTED,
    ITEM,
    NOT_TAKEN,
    NOTICE,
    OTHER_COUNTY,
    REVIEWED,
    SUPPLEMENT,
    TAKEN,
    TOLERANT,
    TOWNSHIP,
    WITHDRAWN,
    History,
    accepted_on,
    at,
    calendar,
    calendar_days,
    filed,
    item,
    material,
    to,
    working_days,
)

from hallnet.case.calendar import Calendar, CalendarDay, CalendarYear, WorkingCalendar
from hallnet.case.case import read_history
from hallnet.case.clock import Alarm, Clock, ClockKind, case_clock, clocks
from hallnet.case.event import AcceptanceBasis, Accepted, Fact, HandOverPurpose, Supplemented
from hallnet.case.item import ClockStart, ItemOption, ItemVersion, Leg, TimeLimit
from hallnet.case.supplied_calendar import supplied_calendar
from hallnet.places import Level
from hallnet.wire.intake.v1 import intake_service_pb2 as wire

CALENDAR = calendar()


def on(text: str) -> date:
    return date.fromisoformat(f"2026-{text}")


def told(opened: str, *facts: tuple[str, Fact], **changes: Any) -> History:
    """A case that was filed at a moment of 2026, and what happened at which moment."""
    history = History(filed(**changes), at(f"2026-{opened}"))
    for moment, fact in facts:
        history.add(fact, at(f"2026-{moment}"))
    return history


def running(history: History, wanted: ItemVersion = ITEM) -> dict[ClockKind, Clock]:
    return {clock.kind: clock for clock in clocks(history.case, wanted, CALENDAR)}


def clock_of(kind: ClockKind, history: History, wanted: ItemVersion = ITEM) -> Clock:
    return running(history, wanted)[kind]


# Notice (article 32) ---------------------------------------------------------------------------


def test_what_is_missing_is_told_within_five_working_days_of_receipt() -> None:
    """Article 32(4)."""
    clock = clock_of(ClockKind.NOTICE, told("03-02 09:00"))
    assert (clock.starts_on, clock.due_on, clock.met_on) == (on("03-02"), on("03-09"), None)
    assert clock.limit == replace(working_days(5), remark=clock.limit.remark)
    assert clock.started_by == "收件"


@pytest.mark.parametrize("answer", [NOTICE, ACCEPTED, DECLINED, WITHDRAWN])
def test_the_notice_is_met_by_whatever_answers_the_application(answer: Fact) -> None:
    clock = clock_of(ClockKind.NOTICE, told("03-02 09:00", ("03-04 10:00", answer)))
    assert clock.met_on == on("03-04")


def test_handing_the_case_over_does_not_answer_the_applicant() -> None:
    history = told("03-02 09:00", ("03-03 09:00", to(OTHER_COUNTY)), ("03-04 09:00", TAKEN))
    clock = clock_of(ClockKind.NOTICE, history)
    assert (clock.starts_on, clock.met_on) == (on("03-02"), None)


def test_a_supplement_starts_the_notice_anew() -> None:
    history = told("03-02 09:00", ("03-04 10:00", NOTICE), ("03-12 10:00", SUPPLEMENT))
    clock = clock_of(ClockKind.NOTICE, history)
    assert (clock.starts_on, clock.due_on, clock.met_on) == (on("03-12"), on("03-19"), None)
    assert clock.started_by == "补正"


@pytest.mark.parametrize(
    ("opened", "starts_on"), [("03-02 23:59", on("03-02")), ("03-03 00:00", on("03-03"))]
)
def test_a_clock_starts_on_the_day_in_china(opened: str, starts_on: date) -> None:
    assert clock_of(ClockKind.NOTICE, told(opened)).starts_on == starts_on


# Promise and statutory limit (article 42) ------------------------------------------------------


def test_promise_and_statutory_limit_run_from_acceptance() -> None:
    """Article 42: twenty days from acceptance."""
    found = running(told("03-02 09:00", ("03-04 10:00", accepted_on(on("03-04")))))
    promise, statutory = found[ClockKind.PROMISE], found[ClockKind.STATUTORY]
    assert (promise.starts_on, promise.due_on) == (on("03-04"), on("03-11"))
    assert (statutory.starts_on, statutory.due_on) == (on("03-04"), on("04-01"))
    assert promise.started_by == statutory.started_by == "受理"
    assert promise.met_on is statutory.met_on is None


def test_before_acceptance_no_limit_runs_but_the_notice() -> None:
    assert running(told("03-02 09:00")).keys() == {ClockKind.NOTICE}
    declined = told("03-02 09:00", ("03-03 09:00", DECLINED))
    assert running(declined).keys() == {ClockKind.NOTICE}


def test_the_day_that_counts_is_the_one_that_the_acceptance_names() -> None:
    """Article 32(4): accepted by silence is accepted from the day of receipt, however late it is
    noticed."""
    silent = told("03-02 09:00", ("03-10 00:10", accepted_on(on("03-02"))))
    clock = clock_of(ClockKind.PROMISE, silent)
    assert (clock.starts_on, clock.due_on) == (on("03-02"), on("03-09"))


def test_the_decision_meets_both_limits() -> None:
    history = told(
        "03-02 09:00", ("03-04 10:00", accepted_on(on("03-04"))), ("03-09 17:00", GRANTED)
    )
    for kind in (ClockKind.PROMISE, ClockKind.STATUTORY):
        assert clock_of(kind, history).met_on == on("03-09")


def test_withdrawing_ends_both_limits() -> None:
    history = told(
        "03-02 09:00", ("03-04 10:00", accepted_on(on("03-04"))), ("03-05 10:00", WITHDRAWN)
    )
    assert clock_of(ClockKind.PROMISE, history).met_on == on("03-05")


def test_a_hand_over_does_not_stop_the_limits_of_the_case() -> None:
    history = told(
        "03-02 09:00",
        ("03-02 10:00", accepted_on(on("03-02"))),
        ("03-03 10:00", REVIEWED),
        ("03-04 10:00", to(COUNTY, HandOverPurpose.REPORT_UP)),
        ("03-06 10:00", TAKEN),
        intake=TOWNSHIP,
    )
    clock = clock_of(ClockKind.PROMISE, history)
    assert (clock.starts_on, clock.due_on, clock.met_on) == (on("03-02"), on("03-09"), None)


def test_an_item_without_a_promise_or_a_law_has_no_such_clock() -> None:
    history = told("03-02 09:00", ("03-02 10:00", accepted_on(on("03-02"))))
    neither = item(promised_limit=None, statutory_limit=None)
    assert running(history, neither).keys() == {ClockKind.NOTICE}
    capped = item(promised_limit=None, statutory_limit=None, legal_cap=working_days(3))
    assert clock_of(ClockKind.STATUTORY, history, capped).due_on == on("03-05")
    both = item(legal_cap=working_days(3))
    assert clock_of(ClockKind.STATUTORY, history, both).limit == working_days(20)


def test_a_limit_in_calendar_days_is_counted_so() -> None:
    history = told("03-02 09:00", ("03-02 10:00", accepted_on(on("03-02"))))
    wanted = item(promised_limit=calendar_days(5))
    assert clock_of(ClockKind.PROMISE, history, wanted).due_on == on("03-09")


FROM_RECEIPT = item(clock_start=ClockStart.RECEIVED)


def test_where_receipt_starts_the_limits_they_run_before_acceptance() -> None:
    clock = clock_of(ClockKind.PROMISE, told("03-02 09:00"), FROM_RECEIPT)
    assert (clock.starts_on, clock.due_on) == (on("03-02"), on("03-09"))
    assert clock.started_by == "收到完整申请"
    accepted = told("03-02 09:00", ("03-04 10:00", accepted_on(on("03-04"))))
    assert clock_of(ClockKind.PROMISE, accepted, FROM_RECEIPT).starts_on == on("03-02")


def test_received_means_received_whole() -> None:
    """While the applicant has the turn no limit runs; the supplement starts them anew."""
    waiting = told("03-02 09:00", ("03-03 10:00", NOTICE))
    assert running(waiting, FROM_RECEIPT).keys() == {ClockKind.NOTICE}
    whole = told("03-02 09:00", ("03-03 10:00", NOTICE), ("03-20 10:00", SUPPLEMENT))
    clock = clock_of(ClockKind.PROMISE, whole, FROM_RECEIPT)
    assert (clock.starts_on, clock.due_on) == (on("03-20"), on("03-27"))


def test_what_was_withdrawn_while_the_applicant_had_the_turn_was_never_late() -> None:
    """The limit did not run then, so it cannot have run out."""
    history = told("03-02 09:00", ("03-03 10:00", NOTICE), ("06-01 10:00", WITHDRAWN))
    assert running(history, FROM_RECEIPT).keys() == {ClockKind.NOTICE}


# Legs (article 43) -----------------------------------------------------------------------------


def leg(level: Level, days: int | None, sequence: int = 1) -> Leg:
    promised = None if days is None else working_days(days)
    return Leg(sequence, sequence, level, f"{level.name}厅", "办理", promised, None, True)


IN_LEGS = item(report_up=True, legs=(leg(Level.TOWNSHIP, 2), leg(Level.COUNTY, 3, 2)))
REPORT = to(COUNTY, HandOverPurpose.REPORT_UP)


def reported_up(*more: tuple[str, Fact]) -> History:
    return told(
        "03-02 09:00",
        ("03-02 10:00", accepted_on(on("03-02"))),
        ("03-03 10:00", REVIEWED),
        *more,
        intake=TOWNSHIP,
    )


def test_the_leg_of_the_lower_hall_runs_from_acceptance_until_it_hands_over() -> None:
    """Article 43."""
    clock = clock_of(ClockKind.LEG, reported_up(), IN_LEGS)
    assert (clock.starts_on, clock.due_on, clock.met_on) == (on("03-02"), on("03-04"), None)
    assert clock.started_by == "TOWNSHIP厅受理"
    handed = clock_of(ClockKind.LEG, reported_up(("03-04 10:00", REPORT)), IN_LEGS)
    assert (handed.due_on, handed.met_on) == (on("03-04"), on("03-04"))


def test_the_leg_of_the_upper_hall_runs_from_the_taking_over_until_the_decision() -> None:
    taken = reported_up(("03-04 10:00", REPORT), ("03-05 10:00", TAKEN))
    clock = clock_of(ClockKind.LEG, taken, IN_LEGS)
    assert (clock.starts_on, clock.due_on, clock.met_on) == (on("03-05"), on("03-10"), None)
    assert clock.started_by == "COUNTY厅接收移交"
    decided = taken.add(GRANTED, at("2026-03-06 10:00"))
    assert ClockKind.LEG not in running(decided, IN_LEGS)


@pytest.mark.parametrize("back", [NOT_TAKEN, FAILED])
def test_a_leg_goes_on_when_the_hand_over_came_to_nothing(back: Fact) -> None:
    """The hall has the case again, and is not done with it."""
    history = reported_up(("03-04 10:00", REPORT), ("03-05 10:00", back))
    clock = clock_of(ClockKind.LEG, history, IN_LEGS)
    assert (clock.starts_on, clock.due_on, clock.met_on) == (on("03-02"), on("03-04"), None)
    again = history.add(REPORT, at("2026-03-06 10:00"))
    assert clock_of(ClockKind.LEG, again, IN_LEGS).met_on == on("03-06")


def test_a_leg_starts_with_the_taking_over_also_where_that_halls_clock_is_behind() -> None:
    """The order of events is that of the history, not that of two halls' clocks."""
    history = told(
        "03-02 09:00",
        ("03-02 10:00", accepted_on(on("03-02"))),
        ("03-02 10:01", REVIEWED),
        ("03-02 10:02", REPORT),
        ("03-02 09:58", TAKEN),
        intake=TOWNSHIP,
    )
    assert clock_of(ClockKind.LEG, history, IN_LEGS).started_by == "COUNTY厅接收移交"


def test_a_hall_without_a_share_has_no_leg() -> None:
    for legs in ((), (leg(Level.COUNTY, 3),), (leg(Level.TOWNSHIP, None),)):
        assert ClockKind.LEG not in running(reported_up(), item(report_up=True, legs=legs))
    assert ClockKind.LEG not in running(told("03-02 09:00", intake=TOWNSHIP), IN_LEGS)


def test_a_case_that_was_handed_across_before_acceptance_has_its_leg_from_acceptance() -> None:
    history = told(
        "03-02 09:00",
        ("03-02 10:00", to(COUNTY)),
        ("03-03 10:00", TAKEN),
        ("03-04 10:00", accepted_on(on("03-04"))),
        intake=OTHER_COUNTY,
    )
    clock = clock_of(ClockKind.LEG, history, item(legs=(leg(Level.COUNTY, 3),)))
    assert (clock.starts_on, clock.started_by) == (on("03-04"), "COUNTY厅受理")


# Delivery (article 44) -------------------------------------------------------------------------


def test_what_was_decided_is_delivered_within_ten_working_days() -> None:
    """Article 44."""
    history = told(
        "03-02 09:00", ("03-02 10:00", accepted_on(on("03-02"))), ("03-05 10:00", GRANTED)
    )
    clock = clock_of(ClockKind.DELIVERY, history)
    assert (clock.starts_on, clock.due_on, clock.met_on) == (on("03-05"), on("03-19"), None)
    closed = history.add(CLOSED, at("2026-03-10 10:00"))
    assert clock_of(ClockKind.DELIVERY, closed).met_on == on("03-10")


# All of them -----------------------------------------------------------------------------------


def test_a_case_is_listed_by_its_promise_else_by_the_law_else_by_the_notice() -> None:
    history = told("03-02 09:00", ("03-02 10:00", accepted_on(on("03-02"))))

    def listed(history: History, wanted: ItemVersion) -> ClockKind | None:
        found = case_clock(clocks(history.case, wanted, CALENDAR))
        return None if found is None else found.kind

    assert listed(history, ITEM) is ClockKind.PROMISE
    assert listed(history, item(promised_limit=None)) is ClockKind.STATUTORY
    assert listed(history, item(promised_limit=None, statutory_limit=None)) is ClockKind.NOTICE
    assert listed(told("03-02 09:00"), ITEM) is ClockKind.NOTICE
    assert case_clock([]) is None


def test_clocks_come_in_the_order_in_which_they_were_started() -> None:
    history = reported_up(("03-04 10:00", REPORT), ("03-05 10:00", TAKEN), ("03-06 10:00", GRANTED))
    starts = [clock.starts_on for clock in clocks(history.case, IN_LEGS, CALENDAR)]
    assert starts == sorted(starts)


def test_clocks_are_equal_at_every_hall_that_holds_the_case() -> None:
    """Invariant 6: from the same events, item and calendar, whoever computes them."""
    history = reported_up(("03-04 10:00", REPORT), ("03-05 10:00", TAKEN))
    replica = read_history(history.raws)
    assert replica is not None
    elsewhere = Calendar(supplied_calendar())
    assert clocks(replica, IN_LEGS, elsewhere) == clocks(history.case, IN_LEGS, CALENDAR)


def test_an_end_in_an_unpublished_year_is_provisional_until_the_calendar_comes() -> None:
    history = told("12-28 09:00", ("12-28 10:00", accepted_on(on("12-28"))))
    clock = clock_of(ClockKind.PROMISE, history)
    assert clock.count.provisional
    assert clock.due_on == date(2027, 1, 4)
    new_year = CalendarDay(date(2027, 1, 4), False, "元旦")
    years = (*supplied_calendar().years, CalendarYear(2027, "通知", (new_year,)))
    published = Calendar(WorkingCalendar(years))
    by_kind = {found.kind: found for found in clocks(history.case, ITEM, published)}
    assert not by_kind[ClockKind.PROMISE].count.provisional
    assert by_kind[ClockKind.PROMISE].due_on == date(2027, 1, 5)


def test_clock_kinds_bear_the_numbers_of_the_wire() -> None:
    assert {kind.value for kind in ClockKind} == set(wire.ClockKind.values()) - {0}


# Alarms ----------------------------------------------------------------------------------------


def limited(limit: TimeLimit, met_on: date | None = None) -> Clock:
    return Clock(
        ClockKind.PROMISE, "受理", on("03-02"), limit, CALENDAR.count(on("03-02"), limit), met_on
    )


NONE, YELLOW, RED = Alarm.NONE, Alarm.YELLOW, Alarm.RED


@pytest.mark.parametrize(
    ("days", "today", "alarm"),
    [
        (5, "03-02", NONE),
        (5, "03-05", NONE),
        (5, "03-06", YELLOW),  # a working day is left
        (5, "03-07", YELLOW),
        (5, "03-09", YELLOW),  # the last day
        (5, "03-10", RED),
        (20, "03-25", NONE),
        (20, "03-26", YELLOW),  # 18 of 20 days are used
        (20, "03-30", YELLOW),
        (20, "03-31", RED),
        (1, "03-02", YELLOW),
        (1, "03-03", YELLOW),
        (1, "03-04", RED),
        (0, "03-02", NONE),
        (0, "03-03", RED),
    ],
)
def test_a_limit_turns_yellow_near_its_end_and_red_after_it(
    days: int, today: str, alarm: Alarm
) -> None:
    assert limited(working_days(days)).alarm(on(today), CALENDAR) is alarm


@pytest.mark.parametrize(
    ("met_on", "alarm"), [("03-02", NONE), ("03-09", NONE), ("03-10", RED), ("04-10", RED)]
)
def test_red_stays_once_it_was_reached_and_what_was_met_in_time_stays_without(
    met_on: str, alarm: Alarm
) -> None:
    clock = limited(working_days(5), on(met_on))
    for today in ("03-02", "03-09", "03-10", "12-31"):
        assert clock.alarm(on(today), CALENDAR) is alarm


@given(st.integers(0, 60), st.integers(0, 120), st.none() | st.integers(0, 120))
def test_red_is_exactly_what_ended_or_stands_after_the_due_day(
    days: int, passed: int, met_after: int | None
) -> None:
    start = on("03-02")
    met_on = None if met_after is None else start + timedelta(days=met_after)
    clock = limited(working_days(days), met_on)
    today = start + timedelta(days=passed)
    is_red = (met_on or today) > clock.due_on
    assert (clock.alarm(today, CALENDAR) is RED) == is_red


@given(st.integers(0, 60), st.integers(0, 100), st.integers(1, 30))
def test_an_alarm_of_a_running_clock_never_goes_down(days: int, passed: int, more: int) -> None:
    clock = limited(working_days(days))
    today = on("03-02") + timedelta(days=passed)
    assert clock.alarm(today, CALENDAR) <= clock.alarm(today + timedelta(days=more), CALENDAR)


@given(st.integers(1, 60))
def test_a_limit_of_days_is_yellow_on_its_last_day(days: int) -> None:
    clock = limited(working_days(days))
    assert clock.alarm(clock.due_on, CALENDAR) is YELLOW
    assert isinstance(clock.due_on, date)
    assert not isinstance(clock.due_on, datetime)


def test_a_variant_has_limits_of_its_own() -> None:
    quick = ItemOption("变更", working_days(3), "", working_days(1))
    wanted = item(options=(quick, ItemOption("新办", None, "")))
    for option, promised, statutory in (("变更", 1, 3), ("新办", 5, 20)):
        case = History(filed(option=option)).add(ACCEPTED).case
        found = {clock.kind: clock.limit.days for clock in clocks(case, wanted, calendar())}
        assert found[ClockKind.PROMISE] == promised
        assert found[ClockKind.STATUTORY] == statutory


# What was promised (容缺受理) -------------------------------------------------------------------


def test_what_another_hall_supplies_later_does_not_move_the_day_on_which_a_promise_was_kept() -> (
    None
):
    accepted = Accepted(
        "A-1", AcceptanceBasis.TOLERANT, on("03-03"), (CHECKUP,), working_days(5), None, None
    )
    paper = replace(material(EXTRACT), taken_from="r1", supplied_by=COUNTY)
    history = told(
        "03-02 09:00",
        ("03-03 09:00", accepted),
        ("03-05 09:00", Supplemented((material(CHECKUP),))),
        ("03-20 09:00", Supplemented((paper,))),
    )
    assert clock_of(ClockKind.GAPS, history, TOLERANT).met_on == on("03-05")

"""Who is called next, and what a ticket may become."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.case.builders import START

from hallnet.window import queue
from hallnet.window.problems import (
    PriorityUnfounded,
    StepNotPossible,
    TicketMalformed,
    WindowNotForThis,
)
from hallnet.window.queue import (
    CALLS_MAX,
    PRIVILEGED_RUN_MAX,
    Lane,
    PriorityGround,
    Ticket,
    TicketState,
    Window,
    next_for,
    privileged_run,
    waits,
)

PENSIONS = Window("1", "社保", ("pension", "medical"), True, False)
ANYTHING = Window("2", "综合", ("*",), True, False)
MINUTE = timedelta(minutes=1)


def ticket(number: int = 1, **changes: Any) -> Ticket:
    """Taken in the minute of its number."""
    moment = START + number * MINUTE
    made = Ticket(
        ticket_id=f"{number:04}",
        label=f"A{number:03}",
        item_id="pension",
        lane=Lane.ORDINARY,
        ground=None,
        state=TicketState.WAITING,
        taken_at=moment,
        stands_since=moment,
        called_at=None,
        served_at=None,
        ended_at=None,
        window_id="",
        only_for="",
        calls=0,
        waited_seconds=0,
    )
    return replace(made, **changes)


def number_of(found: Ticket | None) -> str:
    return found.ticket_id if found else ""


def test_who_came_first_is_called_first() -> None:
    assert number_of(next_for(ANYTHING, [ticket(3), ticket(1), ticket(2)])) == "0001"
    assert next_for(ANYTHING, []) is None


def test_old_disabled_and_soldiers_go_first_then_who_booked() -> None:
    old = ticket(9, lane=Lane.PRIORITY, ground=PriorityGround.OLD_AGE)
    booked = ticket(8, lane=Lane.BOOKED)
    assert next_for(ANYTHING, [ticket(1), booked, old]) == old
    assert next_for(ANYTHING, [ticket(1), booked]) == booked


@pytest.mark.parametrize("ground", PriorityGround)
def test_the_priority_lane_needs_a_ground_and_the_others_have_none(ground: PriorityGround) -> None:
    queue.require_lane(Lane.PRIORITY, ground)
    queue.require_lane(Lane.ORDINARY, None)
    with pytest.raises(PriorityUnfounded):
        queue.require_lane(Lane.PRIORITY, None)
    with pytest.raises(PriorityUnfounded):
        queue.require_lane(Lane.BOOKED, ground)


def test_a_window_is_called_only_for_what_it_may_serve() -> None:
    housing = ticket(1, item_id="housing")
    assert next_for(PENSIONS, [housing]) is None
    assert next_for(PENSIONS, [housing, ticket(2)]) == ticket(2)
    assert next_for(ANYTHING, [housing]) == housing
    with pytest.raises(WindowNotForThis):
        queue.called(housing, PENSIONS, START)


def test_a_window_that_is_shut_calls_nobody() -> None:
    assert next_for(replace(ANYTHING, open=False), [ticket()]) is None


def test_a_run_of_privileged_calls_ends_while_ordinary_people_wait() -> None:
    old = ticket(9, lane=Lane.PRIORITY, ground=PriorityGround.OLD_AGE)
    run = PRIVILEGED_RUN_MAX
    assert next_for(ANYTHING, [ticket(1), old], run - 1) == old
    assert next_for(ANYTHING, [ticket(1), old], run) == ticket(1)
    assert next_for(ANYTHING, [old], run) == old
    assert privileged_run([Lane.PRIORITY, Lane.BOOKED, Lane.ORDINARY, Lane.PRIORITY]) == 2
    assert privileged_run([]) == 0


@given(
    st.lists(st.tuples(st.sampled_from(Lane), st.sampled_from(["pension", "housing"])), max_size=40)
)
def test_everybody_is_called_once_and_of_a_lane_in_order(people: list[tuple[Lane, str]]) -> None:
    waiting = {
        f"{number:04}": ticket(
            number,
            lane=lane,
            item_id=item_id,
            ground=PriorityGround.SOLDIER if lane is Lane.PRIORITY else None,
        )
        for number, (lane, item_id) in enumerate(people)
    }
    everyone = dict(waiting)
    order: list[Ticket] = []
    while waiting:
        lanes = [found.lane for found in reversed(order)]
        found = next_for(ANYTHING, waiting.values(), privileged_run(lanes))
        assert found is not None
        order.append(waiting.pop(found.ticket_id))
    assert len(order) == len(everyone)
    for lane in Lane:
        numbers = [found.ticket_id for found in order if found.lane is lane]
        assert numbers == sorted(numbers)
    ordinary_left = sum(found.lane is Lane.ORDINARY for found in order)
    run = 0
    for found in order:
        run = 0 if found.lane is Lane.ORDINARY else run + 1
        ordinary_left -= found.lane is Lane.ORDINARY
        assert run <= PRIVILEGED_RUN_MAX or not ordinary_left


def test_who_is_called_in_vain_misses_the_turn_and_may_stand_at_the_end_again() -> None:
    found = queue.called(ticket(1), ANYTHING, START + 10 * MINUTE)
    with pytest.raises(StepNotPossible):
        queue.missed(found, START)
    for _ in range(CALLS_MAX - 1):
        found = queue.called(found, ANYTHING, START + 11 * MINUTE)
    with pytest.raises(StepNotPossible):
        queue.called(found, ANYTHING, START)
    gone = queue.missed(found, START + 12 * MINUTE)
    again = queue.back(gone, START + 13 * MINUTE)
    assert (again.state, again.label) == (TicketState.WAITING, "A001")
    assert next_for(ANYTHING, [again, ticket(12)]) == ticket(12)
    with pytest.raises(StepNotPossible):
        queue.back(again, START)


def test_a_call_is_repeated_only_by_the_window_that_made_it() -> None:
    found = queue.called(ticket(1), ANYTHING, START)
    with pytest.raises(StepNotPossible):
        queue.called(found, PENSIONS, START)


def test_a_ticket_goes_on_to_another_window_that_serves_it_and_is_first_there() -> None:
    serving = queue.served(queue.called(ticket(5), ANYTHING, START), START)
    moved = queue.handed_over(serving, PENSIONS, START + 20 * MINUTE)
    old = ticket(1, lane=Lane.PRIORITY, ground=PriorityGround.OLD_AGE)
    assert next_for(PENSIONS, [ticket(2), old, moved]) == moved
    assert next_for(PENSIONS, [ticket(2), old, moved], PRIVILEGED_RUN_MAX) == moved
    assert next_for(ANYTHING, [moved]) is None
    with pytest.raises(WindowNotForThis):
        queue.handed_over(replace(serving, item_id="housing"), PENSIONS, START)
    with pytest.raises(WindowNotForThis):
        queue.handed_over(serving, ANYTHING, START)


def test_nothing_is_done_with_a_ticket_that_does_not_follow() -> None:
    waiting = ticket()
    called = queue.called(waiting, ANYTHING, START + MINUTE)
    served = queue.served(called, START)
    done = queue.done(served, START)
    for found, act in [
        (waiting, queue.served),
        (waiting, queue.done),
        (called, queue.done),
        (called, queue.left),
        (served, queue.left),
        (done, queue.done),
        (done, queue.left),
        (done, queue.missed),
    ]:
        with pytest.raises(StepNotPossible):
            act(found, START)
    assert queue.left(waiting, START).state is TicketState.LEFT


def test_waits_are_measured_until_the_call_and_again_after_a_missed_one() -> None:
    first = queue.called(ticket(1), ANYTHING, START + 6 * MINUTE)
    assert first.waited_seconds == 300
    late = replace(first, calls=CALLS_MAX)
    again = queue.back(queue.missed(late, START + 7 * MINUTE), START + 8 * MINUTE)
    assert queue.called(again, ANYTHING, START + 9 * MINUTE).waited_seconds == 360


def test_waits_are_told_of_those_who_were_called() -> None:
    tickets = [
        replace(ticket(number), called_at=START, waited_seconds=number * 60)
        for number in range(1, 101)
    ]
    found = waits([*tickets, ticket(500)])
    assert (found.people, found.median, found.p95, found.longest) == (100, 3000, 5700, 6000)
    assert found.total == sum(range(1, 101)) * 60
    assert waits([]).people == 0


# A number is for a matter

BOTH = ticket(1, further_items=("housing",))
HOUSING = Window("3", "住房", ("housing",), True, False)


def test_who_comes_for_several_items_is_called_to_a_window_that_does_them_all() -> None:
    every = (PENSIONS, ANYTHING, HOUSING)
    assert next_for(PENSIONS, [BOTH], windows=every) is None
    assert next_for(HOUSING, [BOTH, ticket(2, item_id="housing")], windows=every) == ticket(
        2, item_id="housing"
    )
    assert next_for(ANYTHING, [BOTH], windows=every) == BOTH


def test_where_no_open_window_does_all_of_it_one_does_what_it_may_and_hands_on_the_rest() -> None:
    every = (PENSIONS, replace(ANYTHING, open=False), HOUSING)
    assert next_for(PENSIONS, [BOTH], windows=every) == BOTH
    serving = queue.served(queue.called(BOTH, PENSIONS, START), START)
    moved = queue.handed_over(serving, HOUSING, START, PENSIONS)
    assert (moved.done_items, moved.open_items) == (("pension",), ("housing",))
    assert next_for(PENSIONS, [moved], windows=every) is None
    assert next_for(HOUSING, [moved], windows=every) == moved
    again = queue.served(queue.called(moved, HOUSING, START), START)
    with pytest.raises(WindowNotForThis):
        queue.handed_over(again, PENSIONS, START, HOUSING)


def test_an_item_that_is_not_done_may_go_on_to_another_window_that_does_it() -> None:
    serving = queue.served(queue.called(ticket(1), PENSIONS, START), START)
    moved = queue.handed_over(serving, ANYTHING, START, PENSIONS)
    assert moved.open_items == ("pension",)


def test_a_question_is_answered_where_questions_are_or_where_its_item_is_dealt_with() -> None:
    desk = Window("咨询", "咨询", (), True, False, enquiries=True)
    question = ticket(1, item_id="", enquiry=True)
    about = ticket(2, item_id="pension", enquiry=True)
    assert next_for(desk, [ticket(3), question]) == question
    assert next_for(PENSIONS, [question]) is None
    assert next_for(HOUSING, [about]) is None
    assert next_for(PENSIONS, [about]) == next_for(desk, [about]) == about
    assert next_for(replace(desk, open=False), [question]) is None
    assert next_for(ANYTHING, [question]) == question


@pytest.mark.parametrize(
    ("item_id", "further"),
    [("a", tuple(map(str, range(queue.ITEMS_MAX)))), ("", ("b",)), ("a", ("a",)), ("a", ("",))],
    ids=["too many", "first not named", "twice", "not named"],
)
def test_a_ticket_is_for_a_few_items_each_once(item_id: str, further: tuple[str, ...]) -> None:
    with pytest.raises(TicketMalformed):
        queue.require_items(item_id, further)
    queue.require_items("", ())
    queue.require_items("a", ("b", "c"))

"""Whose word a hall needs after a start before it adds to its journal."""

from __future__ import annotations

from datetime import timedelta

from hallnet.federation.continuity import (
    CHILDREN_WAIT,
    PARENT_WAIT,
    PARENT_WAIT_RESTORED,
    is_alone,
    is_known,
)
from hallnet.places import Address

PARENT, ONE, OTHER = map(Address, ("3301", "330127101", "330127102"))
ALL = {PARENT, ONE, OTHER}
AT_ONCE = timedelta(0)


def test_a_hall_that_has_no_neighbour_goes_on_at_once() -> None:
    assert is_known(None, set(), set(), AT_ONCE)


def test_when_all_neighbours_have_spoken_nothing_is_waited_for() -> None:
    assert is_known(PARENT, ALL, ALL, AT_ONCE)
    assert not is_known(PARENT, ALL, ALL - {OTHER}, AT_ONCE)


def test_once_the_parent_has_spoken_silent_children_are_not_waited_for_long() -> None:
    assert is_known(PARENT, ALL, {PARENT}, CHILDREN_WAIT)


def test_without_its_parent_a_hall_goes_on_only_after_a_while_and_with_a_childs_word() -> None:
    assert not is_known(PARENT, ALL, {ONE, OTHER}, PARENT_WAIT - timedelta(seconds=1))
    assert is_known(PARENT, ALL, {ONE}, PARENT_WAIT)
    assert not is_known(PARENT, ALL, set(), 10 * PARENT_WAIT)


def test_after_a_backup_was_put_back_it_waits_for_its_parent_for_a_day() -> None:
    almost = timedelta(days=1) - timedelta(seconds=1)
    wait = CHILDREN_WAIT, PARENT_WAIT_RESTORED
    assert not is_known(PARENT, ALL, {ONE, OTHER}, almost, *wait)
    assert is_known(PARENT, ALL, {ONE, OTHER}, timedelta(days=1), *wait)


def test_a_hall_is_alone_whose_parent_is_silent() -> None:
    assert is_alone(PARENT, {ONE, OTHER})
    assert not is_alone(PARENT, {PARENT})
    assert not is_alone(None, {ONE})


def test_the_highest_hall_needs_the_word_of_a_child() -> None:
    children = {ONE, OTHER}
    assert is_known(None, children, {ONE}, CHILDREN_WAIT)
    assert not is_known(None, children, set(), 10 * PARENT_WAIT)


def test_a_neighbour_that_lost_records_itself_does_not_count() -> None:
    assert is_alone(PARENT, ALL, {PARENT})
    assert not is_alone(PARENT, ALL, {ONE})
    assert is_alone(None, {ONE, OTHER}, {ONE, OTHER})
    assert not is_alone(None, {ONE, OTHER}, {ONE})
    assert not is_alone(None, set(), set())

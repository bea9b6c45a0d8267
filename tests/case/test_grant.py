"""Grants of powers (授权): for what, from when to when, by whom, checked at the act's time."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.case.builders import (
    CLERK,
    COUNTY,
    INSTANT,
    ITEM,
    POWERS,
    START,
    calendar,
    case_with,
    filed,
    item,
)

from hallnet.case import command as commands
from hallnet.case import grant as grants
from hallnet.case.case import Case
from hallnet.case.context import Context
from hallnet.case.decide import decide
from hallnet.case.fact import Lead
from hallnet.case.grant import (
    NOTHING,
    OPERATOR,
    Grant,
    GrantState,
    Subject,
    departments_of,
    held,
)
from hallnet.case.item import ItemVersion, PowerOrigin
from hallnet.case.policy import KindScheme, Policy
from hallnet.case.power import Power
from hallnet.case.problems import GrantImpossible, GrantUnknown, PowerLapsed, PowerMissing

TODAY = START.date()
DAY = timedelta(days=1)
SEVEN = Policy(kind_scheme=KindScheme.SEVEN)
DAYS = st.dates(TODAY - 30 * DAY, TODAY + 30 * DAY)


def given_to_clerk(grant: Grant, *before: Grant) -> tuple[Grant, ...]:
    return grants.given(before, grant, "clerk", "head", START)


@settings(max_examples=200)
@given(first=st.none() | DAYS, last=st.none() | DAYS, day=DAYS)
def test_a_grant_holds_from_its_first_to_its_last_day(
    first: date | None, last: date | None, day: date
) -> None:
    one = Grant(1, Power.DECIDE, valid_from=first, valid_until=last)
    inside = (first is None or first <= day) and (last is None or day <= last)
    assert (Power.DECIDE in held([one], NOTHING, day).powers) == inside
    assert (one.state_on(day) is GrantState.HOLDS) == inside


def test_an_expired_grant_is_refused_with_its_day_and_who_can_renew_it() -> None:
    """The act's own time decides: on the last day it holds, on the next it does not."""
    over = given_to_clerk(Grant(0, Power.RECEIVE, valid_until=TODAY))

    def accept_on(day: date) -> None:
        found = held(over, Subject(ITEM.item_id), day)
        context = Context(
            START, COUNTY, CLERK, found.powers, ITEM, "文号", None, calendar(), lapsed=found.lapsed
        )
        decide(case_with(), commands.Accept(), context)

    accept_on(TODAY)
    with pytest.raises(PowerLapsed) as caught:
        accept_on(TODAY + DAY)
    assert caught.value.particulars["since"] == "2026-03-03"
    assert caught.value.particulars["given_by"] == "head"


def test_who_never_had_a_power_is_told_so() -> None:
    with pytest.raises(PowerMissing):
        held([], NOTHING, TODAY).require(Power.DECIDE)
    to_come = Grant(1, Power.DECIDE, valid_from=TODAY + DAY)
    with pytest.raises(PowerMissing):
        held([to_come], NOTHING, TODAY).require(Power.DECIDE)


def test_what_was_taken_back_holds_no_more() -> None:
    [one] = given_to_clerk(Grant(0, Power.REVIEW))
    [gone] = grants.revoked([one], 1, "head", "调岗", START)
    assert (gone.revoked_by, gone.revocation_reason) == ("head", "调岗")
    with pytest.raises(PowerLapsed):
        held([gone], NOTHING, TODAY).require(Power.REVIEW)
    with pytest.raises(GrantUnknown):
        grants.revoked([gone], 1, "head", "再收", START)
    with pytest.raises(GrantImpossible):
        grants.revoked([one], 1, "head", " ", START)


def test_a_grant_for_items_kinds_or_a_window_covers_nothing_else() -> None:
    for_item = Grant(1, Power.DECIDE, item_ids=(ITEM.item_id,))
    for_kind = Grant(2, Power.DECIDE_INSTANT, kind="即办件")
    for_window = Grant(3, Power.VERIFY, window_id="预约1")
    every = (for_item, for_kind, for_window)
    assert held(every, NOTHING, TODAY).powers == frozenset()
    assert held(every, Subject(ITEM.item_id), TODAY).powers == {Power.DECIDE}
    assert held(every, Subject("another", ("即办件",)), TODAY).powers == {Power.DECIDE_INSTANT}
    assert held(every, Subject("another", (), ("预约1",)), TODAY).powers == {Power.VERIFY}


def test_a_grant_of_a_department_covers_its_items_and_legs_and_the_counter() -> None:
    """主办、协办部门: each for its own part of a joint case."""
    code = "11330127002501234X"
    civil = item(
        authority="县民政局",
        power_origin=PowerOrigin(None, None, code, ""),
        joint_bodies=("残联",),
    )
    whole = case_with(opening=filed())
    leg = case_with(opening=filed(lead=Lead("joint", 1, "残联", None, None)))
    own_leg = case_with(opening=filed(lead=Lead("joint", 2, "县民政局", None, None)))

    def may(department: str, of_item: ItemVersion, case: Case | None) -> bool:
        subject = Subject(of_item.item_id, (), (), departments_of(of_item, case))
        one = Grant(1, Power.DECIDE, department=department)
        return Power.DECIDE in held([one], subject, TODAY).powers

    for name in ("县民政局", code):
        assert may(name, civil, None)
        assert may(name, civil, whole)
        assert may(name, civil, own_leg)
        assert not may(name, civil, leg)
        assert not may(name, item(authority="县林业局"), whole)
    assert may("残联", civil, leg)
    assert not may("残联", civil, whole)
    assert not may("民政局", civil, whole)
    assert not may("县民政局", item(authority=""), whole)
    of_one = Grant(1, Power.RECEIVE, department="县民政局")
    assert held([of_one], NOTHING, TODAY).powers == {Power.RECEIVE}
    assert not of_one.is_standing
    assert {"县民政局", code, "残联"} <= grants.departments([civil])


def test_what_is_over_for_another_item_is_not_told() -> None:
    other = Grant(1, Power.DECIDE, item_ids=("another",), valid_until=TODAY - DAY)
    with pytest.raises(PowerMissing):
        held([other], Subject(ITEM.item_id), TODAY).require(Power.DECIDE)


def test_nobody_gives_himself_a_power_and_a_head_makes_no_head() -> None:
    with pytest.raises(GrantImpossible):
        grants.given((), Grant(0, Power.DECIDE), "head", "head", START)
    with pytest.raises(GrantImpossible):
        given_to_clerk(Grant(0, Power.HEAD))


@pytest.mark.parametrize(
    "wrong",
    [
        Grant(0, Power.DECIDE, kind="即办件"),
        Grant(0, Power.DECIDE, valid_from=TODAY, valid_until=TODAY - DAY),
        Grant(0, Power.DECIDE, valid_until=TODAY - DAY),
        Grant(0, Power.DECIDE, item_ids=("x",) * (grants.ITEMS_MAX + 1)),
        Grant(0, Power.DECIDE, department="某" * 65),
    ],
    ids=["kind", "ends before it begins", "over", "too many items", "too long"],
)
def test_a_grant_that_cannot_hold_is_not_given(wrong: Grant) -> None:
    with pytest.raises(GrantImpossible):
        given_to_clerk(wrong)


def test_an_account_has_a_bounded_number_of_grants() -> None:
    many = tuple(Grant(number, Power.DECIDE) for number in range(1, grants.GRANTS_MAX + 1))
    with pytest.raises(GrantImpossible):
        given_to_clerk(Grant(0, Power.REVIEW), *many)


@given(st.lists(st.frozensets(st.sampled_from(Power)), max_size=5))
def test_the_operator_says_what_is_held_without_term_and_leaves_the_rest(
    states: list[frozenset[Power]],
) -> None:
    for_a_time = given_to_clerk(Grant(0, Power.DECIDE, valid_until=TODAY + DAY))
    now = for_a_time
    for powers in states:
        now = grants.restated(now, powers, START)
        standing = {g.power for g in now if g.is_standing and g.revoked_at is None}
        assert standing == powers
        assert now[0] == for_a_time[0]
    assert [grant.number for grant in now] == list(range(1, len(now) + 1))
    assert {grant.given_by for grant in now[1:]} <= {OPERATOR}


def test_a_kind_for_which_nobody_at_the_hall_holds_the_power_is_a_gap() -> None:
    """即办权, 督办权, 协调权, 初审权, 把关权, 核实权."""
    clerk = grants.restated((), {Power.RECEIVE, Power.VERIFY}, START)
    found = grants.gaps([INSTANT], SEVEN, [clerk], (), TODAY)
    assert [(gap.kind, gap.power) for gap in found] == [
        ("即办件", Power.DECIDE_INSTANT),
        ("退回件", Power.GATEKEEP),
    ]
    chief = grants.restated((), POWERS, START)
    assert grants.gaps([INSTANT, ITEM], SEVEN, [clerk, chief], (), TODAY) == []


def test_a_gap_that_is_to_come_is_known_before() -> None:
    for_a_week = tuple(
        replace(grant, valid_until=TODAY + 7 * DAY) for grant in grants.restated((), POWERS, START)
    )
    assert grants.gaps([INSTANT], SEVEN, [for_a_week], (), TODAY + 7 * DAY) == []
    assert len(grants.gaps([INSTANT], SEVEN, [for_a_week], (), TODAY + 8 * DAY)) == 3

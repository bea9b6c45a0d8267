"""Items that were queued without a network: their order, and whether a case went on meanwhile."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.case.builders import (
    ACCEPTED,
    COUNTY,
    FORM,
    GRANTED,
    LATER_FACTS,
    NOTICE,
    OFFERED,
    OWNED,
    PHOTO,
    REVIEWED,
    SENT,
    START,
    SUPPLEMENT,
    VIOLATION,
    WITHDRAWN,
    History,
    case_with,
    context,
    material,
)

from hallnet.case import command as commands
from hallnet.case.case import Case
from hallnet.case.command import Command
from hallnet.case.decide import decide
from hallnet.case.event import DeclineGround, Defect, Fact, Opinion, Outcome, Supplemented
from hallnet.case.event import digest as event_digest
from hallnet.case.fact import MandateChange, OriginalsSent
from hallnet.problems import Problem
from hallnet.window.offline import (
    CLOCKS_APART,
    ITEM_AGE_MAX,
    RESULTS_KEPT_FOR,
    ItemState,
    Queued,
    conflicting,
    held_back,
    in_order,
    leaves_be,
    require_usable_time,
    unknown_to,
)
from hallnet.window.offline_problems import ItemTimeUnusable

NAMES = "abcdefg"
SUPPLY = commands.Supplement((material(PHOTO),))
WITHDRAW = commands.Withdraw("不办了")
COMMANDS: tuple[Command, ...] = (
    SUPPLY,
    WITHDRAW,
    commands.Supplement((material(FORM),)),
    commands.ChangeMandate(MandateChange.REVOKED, "本人要求"),
    commands.GiveNotice((Defect(PHOTO, "缺少", "补交"),)),
    commands.Accept(),
    commands.Decline(DeclineGround.NOT_NEEDED, "无需许可", ""),
    commands.Review(Opinion.FAVOURABLE, "符合条件"),
    commands.Decide(Outcome.GRANTED, "符合条件", ""),
    commands.Correct("姓名", "章三", "章叁", "录入错误"),
    commands.Archive("档-1"),
    commands.SendOriginals("B-2", ("房产证",), COUNTY, "邮政"),
    commands.OfferOwnership("colleague"),
    commands.TakeOwnership(),
)
HARMLESS: tuple[Fact, ...] = (
    VIOLATION,
    OFFERED,
    OWNED,
    SENT,
    Supplemented((material(FORM),)),
    Supplemented((material(PHOTO),)),
)


# The order


@st.composite
def batches(draw: st.DrawFn) -> list[Queued]:
    """Up to seven items that depend on any of each other, on themselves, or on one that is not there."""
    names = draw(st.permutations(NAMES[: draw(st.integers(1, len(NAMES)))]))
    parents = st.frozensets(st.sampled_from([*names, "elsewhere"]), max_size=3)
    return [Queued(name, draw(parents)) for name in names]


def is_above(items: Sequence[Queued], ancestor: str, name: str) -> bool:
    """Whether one waits for the other, found by trying all ways."""
    known = {item.client_id: item.depends_on for item in items}
    others = [item.client_id for item in items]
    for length in range(len(others) + 1):
        for between in itertools.permutations(others, length):
            way = [name, *between, ancestor]
            if all(later in known.get(sooner, ()) for sooner, later in itertools.pairwise(way)):
                return True
    return False


@given(batches())
def test_parents_are_done_before_children_and_each_item_once(items: list[Queued]) -> None:
    order = in_order(items)
    assert sorted(order.done) == list(range(len(items)))
    place = {items[n].client_id: at for at, n in enumerate(order.done)}
    for n, item in enumerate(items):
        if n not in order.in_a_circle:
            for parent in item.depends_on & place.keys():
                assert place[parent] < place[item.client_id]


@given(batches().filter(lambda items: len(items) <= 4))
def test_in_a_circle_is_who_waits_for_itself_and_nobody_else(items: list[Queued]) -> None:
    circle = in_order(items).in_a_circle
    assert circle == {
        n for n, item in enumerate(items) if is_above(items, item.client_id, item.client_id)
    }


@given(st.permutations([Queued(name) for name in NAMES]))
def test_what_depends_on_nothing_is_done_as_it_came(items: list[Queued]) -> None:
    assert in_order(items).done == tuple(range(len(items)))


@given(st.lists(st.sampled_from([*ItemState, None]), max_size=5))
def test_one_parent_that_will_not_be_done_outweighs_those_that_may_come(
    parents: list[ItemState | None],
) -> None:
    held = held_back(parents)
    over = {
        ItemState.REFUSED,
        ItemState.CONFLICT,
        ItemState.QUARANTINED,
        ItemState.DISCARDED,
    }
    if over & set(parents):
        assert held is ItemState.QUARANTINED
    else:
        assert held is (None if set(parents) <= {ItemState.DONE} else ItemState.WAITS)


# The time


@pytest.mark.parametrize("age", [timedelta(0), ITEM_AGE_MAX, -CLOCKS_APART])
def test_an_item_of_the_last_months_is_taken(age: timedelta) -> None:
    require_usable_time(START - age, START)


@pytest.mark.parametrize(
    "age", [ITEM_AGE_MAX + timedelta(seconds=1), -CLOCKS_APART - timedelta(seconds=1)]
)
def test_an_older_one_or_one_of_the_future_is_not(age: timedelta) -> None:
    with pytest.raises(ItemTimeUnusable):
        require_usable_time(START - age, START)


def test_a_result_is_kept_longer_than_its_item_can_be_done_once_more() -> None:
    """It came at most `CLOCKS_APART` before it was made; when it is forgotten it is older than is taken."""
    assert RESULTS_KEPT_FOR - CLOCKS_APART > ITEM_AGE_MAX


# Conflicts


def against(case: Case, command: Command, known: int, *own: int) -> tuple[int, ...]:
    return conflicting(case, command, range(known + 1, case.sequence + 1), own)


def test_what_nobody_else_touched_is_no_conflict() -> None:
    case = case_with(NOTICE)
    assert against(case, SUPPLY, case.sequence) == ()


@pytest.mark.parametrize(
    "fact", [NOTICE, ACCEPTED, WITHDRAWN], ids=lambda fact: type(fact).__name__
)
def test_what_moves_a_case_on_is_a_conflict_with_every_act(fact: Fact) -> None:
    case = case_with(fact)
    for command in COMMANDS:
        assert against(case, command, 1) == (2,)


def test_what_an_item_before_brought_about_is_none() -> None:
    case = case_with(NOTICE, SUPPLEMENT, VIOLATION)
    assert against(case, WITHDRAW, 2) == (3,)
    assert against(case, WITHDRAW, 2, 3) == ()


def test_supplements_of_different_materials_do_not_meet() -> None:
    case = case_with(NOTICE, Supplemented((material(FORM),)))
    assert against(case, SUPPLY, 2) == ()
    case = case_with(NOTICE, SUPPLEMENT)
    assert against(case, SUPPLY, 2) == (3,)


def test_of_originals_only_those_in_the_same_bag_meet() -> None:
    case = case_with(SENT)
    bag = OriginalsSent("B-1", ("房产证",), COUNTY, "邮政").bag_no
    assert against(case, commands.SendOriginals("B-2", ("户口本",), COUNTY, ""), 1) == ()
    assert against(case, commands.SendOriginals(bag, ("户口本",), COUNTY, ""), 1) == (2,)


def test_who_knew_another_history_knew_nothing() -> None:
    history = History().extend([NOTICE, SUPPLEMENT])
    case, digests = history.case, [event_digest(raw) for raw in history.raws]
    assert list(unknown_to(case, 2, digests[1], digests)) == [3]
    assert list(unknown_to(case, 3, digests[2], digests)) == []
    for sequence, digest in ((2, digests[2]), (2, b""), (0, b""), (4, digests[2]), (9, b"x")):
        assert list(unknown_to(case, sequence, digest, digests)) == [1, 2, 3]


@st.composite
def cases(draw: st.DrawFn) -> History:
    """A case to which up to six things happened, whatever can."""
    history = History()
    facts = (NOTICE, SUPPLEMENT, ACCEPTED, REVIEWED, GRANTED, WITHDRAWN, *LATER_FACTS)
    for fact in draw(st.lists(st.sampled_from(facts), max_size=6)):
        try:
            history.add(fact)
        except Problem:
            continue
    return history


@given(cases(), st.sampled_from(COMMANDS), st.sampled_from(HARMLESS))
def test_an_act_that_is_no_conflict_means_the_same_as_before(
    history: History, command: Command, fact: Fact
) -> None:
    """The rule answers with the same facts, or the same refusal, as if the other thing had not happened."""
    before = history.case
    try:
        after = history.add(fact).case
    except Problem:
        return
    if leaves_be(fact, command, after):
        assert answer(after, command) == answer(before, command)


def answer(case: Case, command: Command) -> object:
    try:
        return decide(case, command, context(now=case.changed_at))
    except Problem as problem:
        return problem.reason

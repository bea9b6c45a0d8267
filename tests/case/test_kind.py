"""Kinds of cases: axes, and the local schemes as views on them (五件管理, 七件管理)."""

from __future__ import annotations

from itertools import product

import pytest
from tests.case.builders import (
    ACCEPTED,
    DECLINED,
    INSTANT,
    ITEM,
    NOTICE,
    REPORTED_UP,
    URGENT,
    case_with,
)

from hallnet.case.case import Case
from hallnet.case.item import HandlingKind, ItemVersion
from hallnet.case.kind import POWER_OF_KIND, Axes, axes_of, names_of, powers_missing
from hallnet.case.policy import KindScheme, Policy
from hallnet.case.power import Power

FIVE = Policy(kind_scheme=KindScheme.FIVE)
SEVEN = Policy(kind_scheme=KindScheme.SEVEN)
EVERY = [Axes(kind, *flags) for kind in HandlingKind for flags in product((False, True), repeat=6)]


@pytest.mark.parametrize("scheme", [FIVE, SEVEN, Policy()])
def test_every_case_is_in_one_class_of_the_statistics_and_no_other(scheme: Policy) -> None:
    for axes in EVERY:
        names = names_of(axes, scheme)
        assert names[0] in {"即办件", "承诺件"}
        assert not {"即办件", "承诺件"} <= set(names)
        assert len(set(names)) == len(names)


@pytest.mark.parametrize(
    ("case", "wanted", "names"),
    [
        (case_with(), INSTANT, ["即办件"]),
        (case_with(ACCEPTED), ITEM, ["承诺件"]),
        (case_with(NOTICE), ITEM, ["承诺件", "补办件"]),
        (case_with(DECLINED), ITEM, ["承诺件", "退回件"]),
        (case_with(URGENT), ITEM, ["承诺件", "特办件"]),
        (case_with(), REPORTED_UP, ["承诺件", "上报件"]),
    ],
)
def test_the_seven_names_follow_from_the_axes(
    case: Case, wanted: ItemVersion, names: list[str]
) -> None:
    assert names_of(axes_of(case, wanted), SEVEN) == names


def test_the_five_names_know_an_answer_and_no_urgency() -> None:
    assert names_of(axes_of(case_with(DECLINED), ITEM), FIVE) == ["承诺件", "答复件"]
    assert names_of(axes_of(case_with(URGENT), ITEM), FIVE) == ["承诺件"]


def test_a_kind_for_which_a_window_lacks_the_power_is_a_gap_that_is_shown() -> None:
    """即办权, 督办权, 协调权, 初审权, 把关权, 核实权."""
    axes = axes_of(case_with(), INSTANT)
    assert powers_missing(axes, SEVEN, frozenset(Power)) == []
    assert powers_missing(axes, SEVEN, frozenset({Power.RECEIVE})) == ["即办件"]
    assert len(set(POWER_OF_KIND.values())) == len(POWER_OF_KIND)

"""Ratings: five levels, codes of two directions, and the way of a bad one."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.case.builders import START, at, calendar

from hallnet.case.item import HandlingKind
from hallnet.case.policy import USUAL_INDICATORS
from hallnet.case.problems import NotYours
from hallnet.window import rating as ratings
from hallnet.window.problems import CodeUnknown, IndicatorUnknown, StepNotPossible, WordsMissing
from hallnet.window.rating import (
    CodeTable,
    Finding,
    IndicatorRating,
    Rating,
    RatingChannel,
    RatingState,
    Satisfaction,
    Share,
    asked_of,
    called_back_at_all,
    called_back_in_time,
    code_of,
    kind_code_of,
    kind_of,
    level_of,
    satisfied,
    satisfied_with,
    with_indicators,
)

BAD, GOOD = Satisfaction.DISSATISFIED, Satisfaction.SATISFIED


def rated(level: Satisfaction = BAD, **changes: Any) -> Rating:
    return ratings.rated(
        "r1", "case", "item", "窗口员", level, "等太久", START, calendar(), **changes
    )


def mended() -> Rating:
    called = ratings.called_back(rated(), "回访员", Finding.CONFIRMED, START, calendar())
    return ratings.repaired(called, "科长", "增开窗口")


# Codes


def test_the_codes_run_both_ways_and_names_stay() -> None:
    """GB/T 39046-2020 table A.8: 1 is 非常满意; at the interfaces 1 is 非常不满意."""
    assert level_of(1, CodeTable.NATIONAL) is Satisfaction.VERY_SATISFIED
    assert level_of(1, CodeTable.INTERFACE) is Satisfaction.VERY_DISSATISFIED
    assert code_of(Satisfaction.VERY_SATISFIED, CodeTable.INTERFACE) == 5
    assert code_of(Satisfaction.FAIRLY_SATISFIED, CodeTable.INTERFACE) == 3


@pytest.mark.parametrize("table", CodeTable)
@pytest.mark.parametrize("level", Satisfaction)
def test_every_level_comes_back_from_its_code(level: Satisfaction, table: CodeTable) -> None:
    assert level_of(code_of(level, table), table) is level


@pytest.mark.parametrize("table", CodeTable)
@pytest.mark.parametrize("kind", HandlingKind)
def test_instant_and_committed_run_both_ways_too(kind: HandlingKind, table: CodeTable) -> None:
    assert kind_of(kind_code_of(kind, table), table) is kind
    assert kind_code_of(kind, CodeTable.NATIONAL) != kind_code_of(kind, CodeTable.INTERFACE)


@pytest.mark.parametrize("code", [-1, 0, 6, 7])
def test_a_code_that_is_none_is_refused(code: int) -> None:
    for table in CodeTable:
        with pytest.raises(CodeUnknown):
            level_of(code, table)
        with pytest.raises(CodeUnknown):
            kind_of(code, table)


# The way of a rating


@pytest.mark.parametrize("level", Satisfaction)
def test_the_last_two_levels_are_bad_and_called_back_within_one_working_day(
    level: Satisfaction,
) -> None:
    found = rated(level)
    if level in (Satisfaction.DISSATISFIED, Satisfaction.VERY_DISSATISFIED):
        assert (found.state, found.due_on) == (RatingState.CALL_BACK, date(2026, 3, 3))
    else:
        assert (found.state, found.due_on) == (RatingState.CLOSED, None)


def test_over_a_weekend_calling_back_is_due_on_monday() -> None:
    friday = at("2026-03-06 16:00")
    found = ratings.rated("r", "case", "item", "窗口员", BAD, "", friday, calendar())
    assert found.due_on == date(2026, 3, 9)


def test_a_bad_rating_is_called_back_then_mended_then_closed_by_another() -> None:
    called = ratings.called_back(rated(), "回访员", Finding.CONFIRMED, START, calendar())
    assert (called.state, called.due_on) == (RatingState.REPAIR, date(2026, 3, 9))
    closed = ratings.closed(mended(), "督查员")
    assert (closed.state, closed.closed_by, closed.due_on) == (RatingState.CLOSED, "督查员", None)


def test_who_was_rated_does_not_call_back() -> None:
    with pytest.raises(NotYours):
        ratings.called_back(rated(), "窗口员", Finding.UNFOUNDED, START, calendar())


@pytest.mark.parametrize("by", ["窗口员", "回访员", "科长"])
def test_who_was_rated_called_back_or_mended_does_not_close(by: str) -> None:
    with pytest.raises(NotYours):
        ratings.closed(mended(), by)


@pytest.mark.parametrize("finding", [Finding.NO_BASIS, Finding.UNFOUNDED])
def test_what_has_no_basis_or_is_false_is_explained_and_closed_by_another(finding: Finding) -> None:
    called = ratings.called_back(rated(), "回访员", finding, START, calendar())
    assert called.state is RatingState.TO_CLOSE
    with pytest.raises(StepNotPossible):
        ratings.repaired(called, "科长", "改")
    with pytest.raises(NotYours):
        ratings.closed(called, "回访员")
    assert ratings.closed(called, "督查员").state is RatingState.CLOSED


def test_steps_are_not_skipped() -> None:
    with pytest.raises(StepNotPossible):
        ratings.repaired(rated(), "科长", "改")
    with pytest.raises(StepNotPossible):
        ratings.closed(rated(), "督查员")
    with pytest.raises(StepNotPossible):
        ratings.called_back(rated(GOOD), "回访员", Finding.CONFIRMED, START, calendar())
    with pytest.raises(WordsMissing):
        ratings.repaired(
            ratings.called_back(rated(), "回访员", Finding.CONFIRMED, START, calendar()),
            "科长",
            " ",
        )


def test_words_can_be_added_and_the_level_stays() -> None:
    added = ratings.added_to(rated(GOOD), "后来又好了")
    assert (added.added, added.level) == ("后来又好了", GOOD)
    with pytest.raises(WordsMissing):
        ratings.added_to(rated(GOOD), "")


# Rates


def test_default_ratings_are_never_counted() -> None:
    default = rated(Satisfaction.VERY_SATISFIED, by_default=True)
    assert satisfied([default]) == Share(0, 0)
    assert satisfied([default]).percent is None
    assert satisfied([default, rated(GOOD), rated(BAD)]) == Share(1, 2)


def test_a_default_is_never_a_bad_rating_to_call_back() -> None:
    assert rated(BAD, by_default=True).state is RatingState.CLOSED


def test_what_was_found_false_does_not_count_and_what_had_no_basis_does() -> None:
    def after(finding: Finding) -> Rating:
        return ratings.called_back(rated(), "回访员", finding, START, calendar())

    assert satisfied([after(Finding.UNFOUNDED), rated(GOOD)]) == Share(1, 1)
    assert satisfied([after(Finding.NO_BASIS), rated(GOOD)]) == Share(1, 2)


def test_how_many_named_bad_ratings_were_called_back_in_time() -> None:
    """实名差评回访率100%."""
    in_time = ratings.called_back(
        rated(), "回访员", Finding.CONFIRMED, at("2026-03-03 17:00"), calendar()
    )
    late = ratings.called_back(
        rated(), "回访员", Finding.CONFIRMED, at("2026-03-04 09:00"), calendar()
    )
    nameless = rated(named=False)
    found = called_back_in_time([in_time, late, rated(), nameless, rated(GOOD)], calendar())
    assert found == Share(1, 3)


@given(
    st.lists(
        st.tuples(
            st.sampled_from(Satisfaction), st.booleans(), st.none() | st.sampled_from(Finding)
        )
    )
)
def test_both_numbers_of_a_rate_are_kept_and_classes_are_disjoint(
    given_ratings: list[tuple[Satisfaction, bool, Finding | None]],
) -> None:
    found = [
        replace(rated(level, by_default=default), finding=finding)
        for level, default, finding in given_ratings
    ]
    share = satisfied(found)
    left_out = [r for r in found if r.by_default or r.finding is Finding.UNFOUNDED]
    assert share.whole + len(left_out) == len(found)
    assert 0 <= share.part <= share.whole


# Indicators


def test_each_channel_is_asked_what_its_edition_says() -> None:
    edition = USUAL_INDICATORS
    assert [one.title for one in asked_of(RatingChannel.ON_SITE, edition)] == [
        "整体评价",
        "办事效率",
        "业务水平",
        "服务态度",
    ]
    assert asked_of(RatingChannel.CARD, edition) == edition.on_site
    assert len(asked_of(RatingChannel.ONLINE, edition)) == 5


def said_of(*codes: str, level: Satisfaction = GOOD) -> tuple[IndicatorRating, ...]:
    return tuple(IndicatorRating(code, level) for code in codes)


@pytest.mark.parametrize("codes", [("501",), ("601", "601")], ids=["of another channel", "twice"])
def test_only_indicators_of_the_edition_are_rated_and_each_once(codes: tuple[str, ...]) -> None:
    with pytest.raises(IndicatorUnknown):
        with_indicators(rated(), RatingChannel.ON_SITE, said_of(*codes), USUAL_INDICATORS)


def test_an_indicator_is_counted_within_its_edition_and_never_by_default() -> None:
    edition, site = USUAL_INDICATORS, RatingChannel.ON_SITE
    good = with_indicators(rated(GOOD), site, said_of("601", "604"), edition)
    bad = with_indicators(rated(BAD), site, said_of("601", level=BAD), edition)
    silent = with_indicators(rated(GOOD), site, (), edition)
    by_default = with_indicators(rated(GOOD, by_default=True), site, said_of("601"), edition)
    older = replace(good, indicator_version="usual-0")
    every = [good, bad, silent, by_default, older]
    assert satisfied_with(every, "601", edition.version) == Share(1, 2)
    assert satisfied_with(every, "604", edition.version) == Share(1, 1)
    assert silent.indicator_version == ""


def test_bad_ratings_with_a_name_are_all_to_be_called_back() -> None:
    """国办发〔2019〕51号: 实名差评回访率 100 %."""
    called = ratings.called_back(rated(), "回访员", Finding.CONFIRMED, START, calendar())
    nameless, by_default = rated(named=False), rated(by_default=True)
    assert called_back_at_all([called, rated(), nameless, by_default]) == Share(1, 2)

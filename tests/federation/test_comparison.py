"""Two halls find out in which cases the one has not all that the other said."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from hallnet.federation import comparison
from hallnet.federation.comparison import Mark

case_ids = st.uuids().map(str)
marks = st.builds(Mark, st.integers(1, 1000), st.binary(min_size=32, max_size=32))
known = st.dictionaries(case_ids, marks, max_size=30)


def sums_of(cases: dict[str, Mark]) -> dict[int, int]:
    """Sums of the finest ranges, kept case by case as a hall keeps them."""
    found: dict[int, int] = {}
    for case_id, mark in cases.items():
        place = comparison.range_of(case_id)
        weight = comparison.weight(case_id, mark)
        found[place] = comparison.changed(found.get(place, 0), 0, weight)
    return found


def compared(own: dict[str, Mark], theirs: dict[str, Mark]) -> tuple[set[str], set[str]]:
    """Behind and ahead, as two halls find it by going down the levels."""
    mine, its = sums_of(own), sums_of(theirs)
    if comparison.whole(mine) == comparison.whole(its):
        return set(), set()
    within = comparison.differing(
        comparison.coarser(mine), comparison.coarser(its), comparison.RANGES
    )
    inside = set(within)
    fine, finer = (
        {n: value for n, value in sums.items() if n // comparison.FAN_OUT in inside}
        for sums in (mine, its)
    )
    ranges = set(comparison.differing(fine, finer, comparison.RANGES))
    found = comparison.by_case(
        *(
            {one: mark for one, mark in cases.items() if comparison.range_of(one) in ranges}
            for cases in (own, theirs)
        )
    )
    return set(found.behind), set(found.ahead)


@given(known)
def test_halls_that_agree_find_no_difference(cases: dict[str, Mark]) -> None:
    assert compared(cases, dict(cases)) == (set(), set())


@given(known, known)
def test_every_case_that_lacks_something_is_found_and_no_other(
    shared: dict[str, Mark], more: dict[str, Mark]
) -> None:
    own = shared | more
    behind, ahead = compared(own, shared)
    assert behind == {one for one in own if own[one] != shared.get(one)}
    assert ahead == set()


@given(known, st.data())
def test_who_forgot_what_it_said_is_told_where(cases: dict[str, Mark], data: st.DataObject) -> None:
    forgot = data.draw(st.sets(st.sampled_from(sorted(cases)))) if cases else set()
    own = {one: mark for one, mark in cases.items() if one not in forgot}
    assert compared(own, cases) == (set(), forgot)


@given(case_ids, marks, marks)
def test_another_event_at_the_same_place_is_a_difference(
    case_id: str, one: Mark, other: Mark
) -> None:
    twin = Mark(one.sequence, other.digest)
    behind, _ = compared({case_id: one}, {case_id: twin})
    assert behind == ({case_id} if one.digest != other.digest else set())


@given(known, case_ids, marks, marks)
def test_a_sum_that_is_kept_up_equals_one_that_is_taken_anew(
    cases: dict[str, Mark], case_id: str, before: Mark, after: Mark
) -> None:
    place = comparison.range_of(case_id)
    cases = {one: mark for one, mark in cases.items() if comparison.range_of(one) == place}
    cases[case_id] = before
    total = comparison.total_weight(cases.items())
    kept = comparison.changed(
        total, comparison.weight(case_id, before), comparison.weight(case_id, after)
    )
    assert kept == comparison.total_weight((cases | {case_id: after}).items())


@given(known)
def test_the_levels_sum_up_to_the_same_whole(cases: dict[str, Mark]) -> None:
    sums = sums_of(cases)
    assert comparison.whole(comparison.coarser(sums)) == comparison.whole(sums)


def test_a_case_about_which_nothing_was_said_counts_nothing() -> None:
    assert comparison.weight("case", Mark(0, b"")) == 0


def test_what_differs_is_gone_into_in_portions() -> None:
    one = dict.fromkeys(range(1000), 1)
    assert comparison.differing(one, {}) == list(range(comparison.WITHIN_MAX))

"""Score sheets: a total follows from its evidence and from nothing else."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hallnet.window.problems import ScoreNotReproducible, ScoreSheetMalformed
from hallnet.window.score import Evidence, ScoreRule, ScoreSheet, require_reproducible, scored

PRESENCE = ScoreRule("presence", "空岗一次扣20分", 300, 20)
OVERDUE = ScoreRule("overdue", "超期一件扣1分", 400, 1)
RATING = ScoreRule("rating", "差评一件扣10分", 300, 10)
SHEET = ScoreSheet("2026-03", 1000, 900, (PRESENCE, OVERDUE, RATING))


def evidence(**numbers: int) -> list[Evidence]:
    return [
        Evidence(f"{rule}-{number}", rule, f"case-{number}")
        for rule, many in numbers.items()
        for number in range(many)
    ]


# Acceptance check 9: a sheet of 1,000 points, its total recomputed from evidence, 899 against 900.


def test_a_score_of_900_passes_and_one_of_899_does_not_and_both_follow_from_evidence() -> None:
    at_the_line = evidence(presence=5)
    below = evidence(presence=5, overdue=1)
    passed, failed = scored(SHEET, at_the_line), scored(SHEET, below)
    assert (passed.total, passed.passed) == (900, True)
    assert (failed.total, failed.passed) == (899, False)
    assert require_reproducible(SHEET, below, 899) == failed
    with pytest.raises(ScoreNotReproducible):
        require_reproducible(SHEET, below, 900)


def test_a_line_says_by_which_evidence_it_came_about() -> None:
    lines = {line.rule_id: line for line in scored(SHEET, evidence(rating=2)).lines}
    assert lines["rating"].taken == 20
    assert lines["rating"].evidence == ("rating-0", "rating-1")
    assert lines["overdue"].evidence == ()


def test_what_an_appeal_sets_aside_does_not_count() -> None:
    [piece] = evidence(rating=1)
    assert scored(SHEET, [piece]).total == 990
    assert scored(SHEET, [replace(piece, set_aside=True)]).total == 1000


def test_a_rule_takes_no_more_than_its_own_points() -> None:
    assert scored(SHEET, evidence(presence=100)).total == 700


@pytest.mark.parametrize(
    "sheet",
    [
        replace(SHEET, full_score=999),
        replace(SHEET, rules=(PRESENCE, PRESENCE, OVERDUE)),
        replace(SHEET, pass_score=1001),
        replace(SHEET, sheet_id=""),
        replace(SHEET, sheet_id="x" * 65),
        replace(SHEET, rules=(replace(PRESENCE, taken_each=-1), OVERDUE, RATING)),
        replace(SHEET, rules=(replace(PRESENCE, points=-300), OVERDUE, RATING)),
    ],
)
def test_a_sheet_that_does_not_add_up_is_refused(sheet: ScoreSheet) -> None:
    with pytest.raises(ScoreSheetMalformed):
        scored(sheet, [])


def test_evidence_names_a_rule_and_counts_once() -> None:
    with pytest.raises(ScoreSheetMalformed):
        scored(SHEET, evidence(charm=1))
    [piece] = evidence(rating=1)
    with pytest.raises(ScoreSheetMalformed):
        scored(SHEET, [piece, piece])


@given(st.integers(0, 30), st.integers(0, 500), st.integers(0, 40), st.randoms())
def test_the_order_of_evidence_changes_nothing_and_the_total_is_the_sum_of_its_lines(
    presence: int, overdue: int, rating: int, order: object
) -> None:
    pieces = evidence(presence=presence, overdue=overdue, rating=rating)
    score = scored(SHEET, pieces)
    order.shuffle(pieces)  # type: ignore[attr-defined]
    again = scored(SHEET, pieces)
    assert again.total == score.total
    assert score.total == sum(line.points - line.taken for line in score.lines)
    assert 0 <= score.total <= SHEET.full_score

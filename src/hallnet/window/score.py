"""Score sheets (百分制, 千分制): a total is nothing but rules applied to evidence, and can be reckoned again.

A point is taken or given only for a piece of evidence that names its rule. What an appeal sets aside does
not count. No rule takes more than its own points, so that one fault cannot eat what others earned.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from hallnet.window.problems import ScoreNotReproducible, ScoreSheetMalformed

EVIDENCE_MAX = 10_000
SHEET_ID_LENGTH_MAX = 64


@dataclass(frozen=True, slots=True)
class ScoreRule:
    """A rule: how many points it carries, and how many a piece of evidence takes from them."""

    rule_id: str
    words: str
    points: int
    taken_each: int


@dataclass(frozen=True, slots=True)
class Evidence:
    """A piece of evidence against a window or a person; `reference` names where it lies."""

    evidence_id: str
    rule_id: str
    reference: str
    set_aside: bool = False


@dataclass(frozen=True, slots=True)
class ScoreSheet:
    """The rules of a period: their points make up the full score."""

    sheet_id: str
    full_score: int
    pass_score: int
    rules: tuple[ScoreRule, ...]


@dataclass(frozen=True, slots=True)
class Scoring:
    """A sheet with its evidence, in the order in which it came."""

    sheet: ScoreSheet
    evidence: tuple[Evidence, ...] = ()

    def score(self) -> Score:
        """Raises ScoreSheetMalformed."""
        return scored(self.sheet, self.evidence)


def with_evidence(scoring: Scoring, piece: Evidence) -> Scoring:
    """A piece more, or the same one set aside; what it says is not changed. Raises ScoreSheetMalformed."""
    known = {one.evidence_id: one for one in scoring.evidence}
    before = known.get(piece.evidence_id)
    if before is not None and replace(before, set_aside=piece.set_aside) != piece:
        raise ScoreSheetMalformed("evidence", detail=f"证据{piece.evidence_id}内容不能更改")
    known[piece.evidence_id] = piece
    after = replace(scoring, evidence=tuple(known.values()))
    after.score()
    return after


@dataclass(frozen=True, slots=True)
class Line:
    """What a rule came to, and by which evidence."""

    rule_id: str
    points: int
    taken: int
    evidence: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Score:
    """A total with its lines."""

    total: int
    passed: bool
    lines: tuple[Line, ...]


def scored(sheet: ScoreSheet, evidence: Iterable[Evidence]) -> Score:
    """The score that follows from the evidence; raises ScoreSheetMalformed."""
    pieces = tuple(evidence)
    _require_sound(sheet, pieces)
    standing = [piece for piece in pieces if not piece.set_aside]
    lines = tuple(_line(rule, standing) for rule in sheet.rules)
    total = sum(line.points - line.taken for line in lines)
    return Score(total, total >= sheet.pass_score, lines)


def require_reproducible(sheet: ScoreSheet, evidence: Iterable[Evidence], claimed: int) -> Score:
    """Raises ScoreNotReproducible if a total was made up by hand."""
    score = scored(sheet, evidence)
    if score.total != claimed:
        raise ScoreNotReproducible("total", claimed=claimed, computed=score.total)
    return score


def _line(rule: ScoreRule, standing: Sequence[Evidence]) -> Line:
    against = tuple(piece.evidence_id for piece in standing if piece.rule_id == rule.rule_id)
    return Line(
        rule.rule_id, rule.points, min(rule.points, rule.taken_each * len(against)), against
    )


def _require_sound(sheet: ScoreSheet, pieces: Sequence[Evidence]) -> None:
    rules = Counter(rule.rule_id for rule in sheet.rules)
    points = sum(rule.points for rule in sheet.rules)
    if not 0 < len(sheet.sheet_id) <= SHEET_ID_LENGTH_MAX:
        raise ScoreSheetMalformed("sheet_id", detail="考核表没有编号")
    twice = [name for name, times in rules.items() if times > 1]
    known = Counter(piece.evidence_id for piece in pieces)
    if twice:
        raise ScoreSheetMalformed("rules", detail=f"细则{twice[0]}重复")
    if points != sheet.full_score:
        raise ScoreSheetMalformed("rules", detail=f"各项合计{points}分，满分{sheet.full_score}分")
    if not 0 <= sheet.pass_score <= sheet.full_score:
        raise ScoreSheetMalformed("pass_score", detail="合格分不在0和满分之间")
    if any(rule.points < 0 or rule.taken_each < 0 for rule in sheet.rules):
        raise ScoreSheetMalformed("rules", detail="分值不得为负")
    if len(pieces) > EVIDENCE_MAX:
        raise ScoreSheetMalformed("evidence", detail=f"证据超过{EVIDENCE_MAX}条")
    for piece in pieces:
        if piece.rule_id not in rules:
            raise ScoreSheetMalformed("evidence", detail=f"证据没有对应的细则{piece.rule_id}")
        if known[piece.evidence_id] > 1:
            raise ScoreSheetMalformed("evidence", detail=f"证据{piece.evidence_id}重复")

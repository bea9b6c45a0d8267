"""The ledger of a hall (台账) follows from the events; what is posted of it names nobody and no refusal."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from tests.case.builders import (
    ACCEPTED,
    CLOSED,
    EXPLAINED,
    GRANTED,
    ORGANISATION,
    REVIEWED,
    VIOLATION,
    case_with,
    filed,
)

from hallnet.case.case import Case
from hallnet.case.event import Fact, Outcome
from hallnet.case.fact import Issued, OverdueCause, RefusalReported
from hallnet.numbers.ledger import COLUMNS, POSTED_COLUMNS, entry, may_be_posted

ISSUED = Issued("某证", "证-7", date(2026, 3, 2), None)
REFUSED = replace(GRANTED, outcome=Outcome.REFUSED, reasons="不符合条件", legal_basis="某法")
WHOLE: tuple[Fact, ...] = (ACCEPTED, REVIEWED, GRANTED, ISSUED, CLOSED)


def cells(case: Case, named: bool = False) -> dict[str, str]:
    row = entry(case, "某事项", named).row
    assert len(row) == len(COLUMNS)
    return dict(zip(COLUMNS, row, strict=True))


def test_the_ledger_says_who_for_what_how_it_went_and_how_it_was_handed_out() -> None:
    """办件人、审批内容、办件过程、结果发放."""
    found = cells(case_with(*WHOLE), named=True)
    assert (found["申请人"], found["事项"], found["环节"]) == ("章三", "某事项", "已办结")
    steps = [step.split("（")[0][10:] for step in found["办理过程"].split("；")]
    assert steps == ["收件", "受理", "初审", "准予", "办结"]
    assert (found["结果"], found["决定文书"], found["证照编号"]) == ("准予", "J-1", "证-7")
    assert (found["领取方式"], found["领取人"]) == ("窗口领取", "章三")
    assert found["收件"] == found["受理"] == found["决定"] == found["办结"] == "2026-03-02"


def test_names_are_masked_unless_they_are_asked_for() -> None:
    found = entry(case_with(*WHOLE), "某事项")
    assert (found.applicant, found.received_by) == ("章*", "章*")
    company = case_with(*WHOLE, opening=filed(applicant=ORGANISATION))
    assert entry(company, "某事项").applicant == ORGANISATION.name


def test_what_has_not_happened_is_empty() -> None:
    found = cells(case_with())
    assert {found[name] for name in ("受理", "结果", "决定", "证照编号", "领取人", "办结")} == {""}


@pytest.mark.parametrize(
    ("facts", "posted"),
    [
        (WHOLE, True),
        (WHOLE[:-1], False),
        ((ACCEPTED, REFUSED, RefusalReported("联络员", ""), CLOSED), False),
    ],
    ids=["granted and handed out", "not handed out", "refused"],
)
def test_posted_is_what_was_granted_and_handed_out(facts: tuple[Fact, ...], posted: bool) -> None:
    """一事一公示; 行政许可法 article 40."""
    case = case_with(*facts)
    assert may_be_posted(case) == posted
    assert len(entry(case, "某事项").posted) == len(POSTED_COLUMNS)


def test_why_it_was_late_stands_in_the_ledger_and_is_posted() -> None:
    """优化营商环境条例 article 36: the reasons of what is overdue are made public, each cause once; what was written
    of it concerns the case and is not posted."""
    why = replace(EXPLAINED, cause=OverdueCause.STAFF)
    case = case_with(ACCEPTED, VIOLATION, EXPLAINED, VIOLATION, EXPLAINED, VIOLATION, why)
    assert entry(case, "某事项").late_because == "等待其他部门；人手不足或人员缺位"
    assert "等待其他部门；人手不足或人员缺位" in entry(case, "某事项").posted
    assert EXPLAINED.explanation not in "".join(entry(case, "某事项").row)
    assert entry(case_with(ACCEPTED, VIOLATION), "某事项").late_because == "逾期，原因未登记"
    assert entry(case_with(ACCEPTED), "某事项").late_because == ""

"""The ledger of a hall (台账): who applied for what, how it went, and how the result was handed out; and what is
posted of it (办结公告).

A view on the events of each case: nothing in it can be written by hand.
"""

from __future__ import annotations

from dataclasses import dataclass

from hallnet.case.case import Case
from hallnet.case.event import Accepted, Closed, Decided, DeliveryMethod, Outcome
from hallnet.case.fact import (
    OVERDUE_CAUSE_NAMES,
    Issued,
    OverdueExplained,
    ViolationRecorded,
    ViolationRule,
)
from hallnet.case.person import masked
from hallnet.case.stage import NAMES as STAGES
from hallnet.case.stage import Stage
from hallnet.numbers.measure import step_name

COLUMNS = (
    "办件编号",
    "申请人",
    "事项",
    "收件",
    "受理",
    "办理过程",
    "环节",
    "结果",
    "决定",
    "决定文书",
    "证照编号",
    "领取方式",
    "领取人",
    "办结",
    "逾期原因",
)
POSTED_COLUMNS = ("办件编号", "申请人", "事项", "结果", "办结", "逾期原因")
DELIVERIES = {
    DeliveryMethod.COUNTER: "窗口领取",
    DeliveryMethod.AGENT: "代办员转交",
    DeliveryMethod.POST: "邮寄",
    DeliveryMethod.ELECTRONIC: "电子送达",
}
_OUTCOMES = {Outcome.GRANTED: "准予", Outcome.REFUSED: "不予"}


@dataclass(frozen=True, slots=True)
class Entry:
    """A case as the ledger has it; what has not happened is empty."""

    case_no: str
    applicant: str
    item: str
    received_on: str
    accepted_on: str
    steps: str
    stage: str
    outcome: str
    decided_on: str
    document_no: str
    certificate_no: str
    delivery: str
    received_by: str
    closed_on: str
    late_because: str

    @property
    def row(self) -> tuple[str, ...]:
        """In the order of COLUMNS."""
        return tuple(str(getattr(self, name)) for name in self.__slots__)

    @property
    def posted(self) -> tuple[str, ...]:
        """In the order of POSTED_COLUMNS."""
        return (
            self.case_no,
            self.applicant,
            self.item,
            self.outcome,
            self.closed_on,
            self.late_because,
        )


def entry(case: Case, item_name: str, named: bool = False) -> Entry:
    """The entry of a case. Names of people are masked unless `named`."""
    applicant = case.filed.applicant
    received, accepted, decided = case.received, case.last(Accepted), case.decision
    closed, issued = case.newest(Closed), case.last(Issued)
    delivered = case.last(Closed)
    taken_by = delivered.received_by if delivered else ""
    decision = decided.fact if decided is not None else None
    assert decision is None or isinstance(decision, Decided)
    return Entry(
        case_no=case.case_no,
        applicant=applicant.name if named else applicant.masked_name,
        item=item_name,
        received_on=str(received[1]) if received else "",
        accepted_on=str(accepted.accepted_on) if accepted else "",
        steps=_steps(case),
        stage=STAGES[case.stage],
        outcome=_outcome(case, decision),
        decided_on=str(decided.day) if decided else "",
        document_no=decision.document_no if decision else "",
        certificate_no=issued.certificate_no if issued else "",
        delivery=DELIVERIES[delivered.method] if delivered else "",
        received_by=masked(taken_by) if taken_by and not named else taken_by,
        closed_on=str(closed.day) if closed else "",
        late_because=_late_because(case),
    )


def may_be_posted(case: Case) -> bool:
    """Posted is what was granted, or done without a decision, and handed out, and still stands: a refusal
    concerns nobody but the applicant (行政许可法 article 40 makes public what was granted)."""
    decided = case.last(Decided)
    granted = decided is None or decided.outcome is Outcome.GRANTED
    return case.stage is Stage.CLOSED and granted and case.filed.lead is None


def _steps(case: Case) -> str:
    told = [(mark, step_name(mark.fact)) for mark in case.marks]
    return "；".join(f"{mark.day}{name}（{mark.actor.name}）" for mark, name in told if name)


def _late_because(case: Case) -> str:
    """Each cause once (优化营商环境条例 article 36); empty if nothing was late."""
    causes = dict.fromkeys(fact.cause for fact in case.all_of(OverdueExplained))
    if causes:
        return "；".join(OVERDUE_CAUSE_NAMES[cause] for cause in causes)
    stamps = case.all_of(ViolationRecorded)
    late = any(stamp.rule is ViolationRule.OVERDUE for stamp in stamps)
    return "逾期，原因未登记" if late else ""


def _outcome(case: Case, decision: Decided | None) -> str:
    if decision is not None:
        return _OUTCOMES[decision.outcome]
    return "已备案" if case.stage is Stage.CLOSED else ""

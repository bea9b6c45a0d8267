"""Facts about a case beyond filing, notice, acceptance and decision.

Promises, special procedures, legs, originals, ends, and what comes after the decision. The fields and
numbers are those of the wire.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import IntEnum

from hallnet.case.item import TimeLimit
from hallnet.case.person import Material
from hallnet.places import Address


@dataclass(frozen=True, slots=True)
class Lead:
    """The joint case of which a case is a leg, and what the leg's body promised."""

    case_id: str
    leg: int
    body: str
    promised: TimeLimit | None
    statutory: TimeLimit | None


@dataclass(frozen=True, slots=True)
class PrereviewPassed:
    """网上预审通过: from `received_on`, when it had arrived complete, the limits are counted."""

    received_on: date


# Promises


@dataclass(frozen=True, slots=True)
class Renewal:
    """The licence of which an application asks for the renewal (行政许可法 article 50)."""

    certificate_no: str
    valid_until: date


class GapEnd(IntEnum):
    """What becomes of a case whose promised materials do not come; places differ."""

    ACCEPTANCE_REVOKED = 1
    DEEMED_WITHDRAWN = 2
    REFUSED = 3
    RETURNED = 4
    TERMINATED = 5


@dataclass(frozen=True, slots=True)
class CommitmentSigned:
    """告知承诺: a promise in place of proofs."""

    document_no: str
    materials: tuple[str, ...]
    text_version: str
    evidence: Material


@dataclass(frozen=True, slots=True)
class CommitmentWithdrawn:
    """The promise is taken back before the decision."""

    reason: str


class CheckResult(IntEnum):
    """What a check after the decision found."""

    KEPT = 1
    TO_BE_PUT_RIGHT = 2
    BROKEN = 3


CHECK_RESULT_NAMES = {
    CheckResult.KEPT: "属实",
    CheckResult.TO_BE_PUT_RIGHT: "需要整改",
    CheckResult.BROKEN: "不属实",
}


@dataclass(frozen=True, slots=True)
class AfterChecked:
    """事后核查."""

    result: CheckResult
    findings: str


# Special procedures, surveys, more time and less


class ProcedureKind(IntEnum):
    """Steps whose time the law sets apart (行政许可法 article 45), or that the item names."""

    HEARING = 1
    TENDER = 2
    AUCTION = 3
    INSPECTION = 4
    TEST = 5
    QUARANTINE = 6
    APPRAISAL = 7
    EXPERT_REVIEW = 8
    OF_ITEM = 9


@dataclass(frozen=True, slots=True)
class ProcedureBegan:
    """特别程序: the applicant was told in writing how long it takes."""

    document_no: str
    kind: ProcedureKind
    name: str
    expected: TimeLimit
    counted: bool
    reason: str
    held_on: date | None
    presiding: str = ""


@dataclass(frozen=True, slots=True)
class ProcedureEnded:
    """The clocks go on."""

    result: str
    signed_by: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Surveyor:
    """One of those who check on site."""

    name: str
    unit: str
    certificate_no: str


@dataclass(frozen=True, slots=True)
class Surveyed:
    """现场踏勘 by two or more (行政许可法 article 34)."""

    surveyed_on: date
    surveyors: tuple[Surveyor, ...]
    findings: str
    conditions_met: bool


@dataclass(frozen=True, slots=True)
class Extended:
    """延期: the limits are longer, once (行政许可法 article 42)."""

    document_no: str
    by: TimeLimit
    approver: str
    reason: str


@dataclass(frozen=True, slots=True)
class MadeUrgent:
    """特办: a short clock of its own."""

    approver: str
    reason: str
    limit: TimeLimit


# Legs of a joint case


@dataclass(frozen=True, slots=True)
class PlannedLeg:
    """A part of a joint case that a body decides; legs of one group run at the same time."""

    leg: int
    group: int
    body: str
    hall: Address
    item_id: str
    item_version: int
    promised: TimeLimit | None
    statutory: TimeLimit | None
    leg_case_id: str = ""
    leg_case_no: str = ""


@dataclass(frozen=True, slots=True)
class LegsPlanned:
    """Which legs a joint case has; said once."""

    legs: tuple[PlannedLeg, ...]


@dataclass(frozen=True, slots=True)
class LegOpened:
    """A leg's own case is filed and on its way to its body."""

    leg: int


class LegOutcome(IntEnum):
    """How a leg ended."""

    AGREED = 1
    REFUSED = 2
    DEEMED_AGREED = 3
    STOPPED = 4
    COMPENSATED = 5


LEG_OUTCOME_NAMES = {
    LegOutcome.AGREED: "同意",
    LegOutcome.REFUSED: "不同意",
    LegOutcome.DEEMED_AGREED: "逾期视为同意",
    LegOutcome.STOPPED: "停办",
    LegOutcome.COMPENSATED: "意见待撤回",
}


@dataclass(frozen=True, slots=True)
class LegEnded:
    """How a leg ended, in the record of the joint case."""

    leg: int
    outcome: LegOutcome
    explanation: str


# Originals under way


@dataclass(frozen=True, slots=True)
class OriginalsSent:
    """Originals go off in a sealed bag."""

    bag_no: str
    originals: tuple[str, ...]
    to: Address
    carrier: str


@dataclass(frozen=True, slots=True)
class OriginalsReceived:
    """A bag is confirmed."""

    bag_no: str
    originals: tuple[str, ...]
    sealed: bool
    remark: str


# The decision and after


@dataclass(frozen=True, slots=True)
class RefusalReported:
    """否定报备."""

    liaison: str
    explanation: str


@dataclass(frozen=True, slots=True)
class Issued:
    """出证: what was granted is issued."""

    certificate: str
    certificate_no: str
    valid_from: date
    valid_until: date | None


@dataclass(frozen=True, slots=True)
class DecisionRevoked:
    """撤销: the decision is taken back."""

    document_no: str
    reasons: str
    legal_basis: str
    remedy: str


@dataclass(frozen=True, slots=True)
class Corrected:
    """更正: a slip in the record is put right; what was decided stays as it is."""

    field: str
    before: str
    after: str
    reason: str


class EndManner(IntEnum):
    """How a case ends without a decision."""

    ACCEPTANCE_REVOKED = 1
    DEEMED_WITHDRAWN = 2
    RETURNED = 3
    TERMINATED = 4
    VOID = 5


@dataclass(frozen=True, slots=True)
class Ended:
    """The case ends without a decision."""

    document_no: str
    manner: EndManner
    reasons: str
    legal_basis: str
    remedy: str


@dataclass(frozen=True, slots=True)
class Archived:
    """归档."""

    archive_no: str


# Permissions and violations


class MandateChange(IntEnum):
    """What becomes of an agent's permission."""

    REVOKED = 1
    SUSPENDED = 2
    RESUMED = 3


MANDATE_CHANGES_TOLD = {
    MandateChange.REVOKED: "终止",
    MandateChange.SUSPENDED: "中止",
    MandateChange.RESUMED: "恢复",
}
"""In the words of an applicant; staff call the last one 续办."""


@dataclass(frozen=True, slots=True)
class MandateChanged:
    """终止, 中止 or 续办 of the permission under which a case was filed."""

    mandate_id: str
    change: MandateChange
    reason: str


class ViolationRule(IntEnum):
    """Rules that a hall can break."""

    SECOND_NOTICE = 1
    SILENCE = 2
    OVERDUE = 3
    OFF_HALL = 4


@dataclass(frozen=True, slots=True)
class ViolationRecorded:
    """A rule was broken; it stays on record."""

    rule: ViolationRule
    subject: str
    explanation: str


class OverdueCause(IntEnum):
    """Why something was late."""

    STAFF = 1
    SYSTEM = 2
    OTHER_BODY = 3
    APPLICANT = 4
    COMPLEX = 5
    OTHER = 6


OVERDUE_CAUSE_NAMES = {
    OverdueCause.STAFF: "人手不足或人员缺位",
    OverdueCause.SYSTEM: "系统或网络故障",
    OverdueCause.OTHER_BODY: "等待其他部门",
    OverdueCause.APPLICANT: "申请人原因",
    OverdueCause.COMPLEX: "情况复杂",
    OverdueCause.OTHER: "其他",
}


@dataclass(frozen=True, slots=True)
class OverdueExplained:
    """Why a limit was overrun, named as its stamp names it; the stamp stays (优化营商环境条例 article 36)."""

    subject: str
    cause: OverdueCause
    explanation: str


# Those who are heard


@dataclass(frozen=True, slots=True)
class RightsTold:
    """告知利害关系人, 听证告知: whose important interest is touched may be heard (行政许可法 articles 36, 47)."""

    document_no: str
    parties: tuple[str, ...]
    interest: str
    hearing: bool


@dataclass(frozen=True, slots=True)
class ViewHeard:
    """陈述、申辩: what somebody who was told said."""

    party: str
    statement: str
    asks_hearing: bool


# Who answers for a case, and what follows from refusals and broken promises


@dataclass(frozen=True, slots=True)
class OwnershipOffered:
    """Another member of staff is asked to answer for the case."""

    to: str


@dataclass(frozen=True, slots=True)
class OwnershipTaken:
    """The actor answers for the case from here on."""


@dataclass(frozen=True, slots=True)
class OwnershipDeclined:
    """The actor does not take it."""

    reason: str


@dataclass(frozen=True, slots=True)
class RefusalRecalled:
    """A reported refusal goes back into process; the limits run on from where they began."""

    reason: str


@dataclass(frozen=True, slots=True)
class CreditRepaired:
    """The exclusion that followed from a broken promise ends."""

    reason: str


@dataclass(frozen=True, slots=True)
class DeceitFound:
    """隐瞒情况、提供虚假材料, or a licence got by deceit (行政许可法 articles 78, 79): a warning, and until the end of
    a day no application for the same licence; None if it concerns neither safety nor health."""

    article: str
    barred_until: date | None


@dataclass(frozen=True, slots=True)
class BarLifted:
    """The applicant may apply again: the deceit was found wrongly."""

    reason: str

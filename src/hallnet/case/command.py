"""What people ask for: the commands that `decide` answers with facts or a problem."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from hallnet.case.event import (
    Channel,
    DeclineGround,
    Defect,
    DeliveryMethod,
    Opinion,
    Outcome,
)
from hallnet.case.fact import (
    CheckResult,
    EndManner,
    Lead,
    LegOutcome,
    MandateChange,
    OverdueCause,
    ProcedureKind,
    Renewal,
    Surveyor,
)
from hallnet.case.item import ItemOverlay, TimeLimit
from hallnet.case.mandate import Mandate
from hallnet.case.person import Material, Person
from hallnet.codec import Codec
from hallnet.places import Address, Village
from hallnet.wire.case.v1 import command_pb2 as wire


@dataclass(frozen=True, slots=True)
class File:
    """Receive an application. Number and query code are given by the hall."""

    case_no: str
    query_code: str
    option: str
    applicant: Person
    channel: Channel
    intake_point: Village | None
    competent_hall: Address
    materials: tuple[Material, ...]
    mandate: Mandate | None
    for_prereview: bool = False
    lead: Lead | None = None
    owner: str = ""
    """Who answers for it, if not who files it."""
    overlay: ItemOverlay | None = None
    renews: Renewal | None = None


@dataclass(frozen=True, slots=True)
class GiveNotice:
    """Tell once all that is missing."""

    defects: tuple[Defect, ...]


@dataclass(frozen=True, slots=True)
class Supplement:
    """Add what was missing."""

    materials: tuple[Material, ...]


@dataclass(frozen=True, slots=True)
class Accept:
    """Accept after examination."""


@dataclass(frozen=True, slots=True)
class Decline:
    """Do not accept."""

    ground: DeclineGround
    explanation: str
    right_body: str


@dataclass(frozen=True, slots=True)
class Review:
    """Give a first opinion."""

    opinion: Opinion
    explanation: str


@dataclass(frozen=True, slots=True)
class HandOver:
    """Give the case to the hall that is competent, or to the one that goes on in the place of this one."""

    explanation: str
    successor: Address | None = None


@dataclass(frozen=True, slots=True)
class Decide:
    """Grant or refuse."""

    outcome: Outcome
    reasons: str
    legal_basis: str
    deceit: bool = False


@dataclass(frozen=True, slots=True)
class Close:
    """The result is with the applicant."""

    method: DeliveryMethod
    received_by: str
    no_fee: str = ""


@dataclass(frozen=True, slots=True)
class Withdraw:
    """The applicant does not want it any more."""

    reason: str


@dataclass(frozen=True, slots=True)
class PassPrereview:
    """The application is complete: it counts as received."""


@dataclass(frozen=True, slots=True)
class ReturnPrereview:
    """Give an application back before it is received."""

    defects: tuple[Defect, ...]


@dataclass(frozen=True, slots=True)
class AcceptWithGaps:
    """Accept with materials that are promised (容缺受理)."""

    promise: Material


@dataclass(frozen=True, slots=True)
class SignCommitment:
    """Take the applicant's promise in place of proofs (告知承诺)."""

    materials: tuple[str, ...]
    text_version: str
    evidence: Material


@dataclass(frozen=True, slots=True)
class WithdrawCommitment:
    """Take the promise back."""

    reason: str


@dataclass(frozen=True, slots=True)
class BeginProcedure:
    """Begin a special procedure; `name` is that of the item's, empty for one of the law's."""

    kind: ProcedureKind
    name: str
    expected: TimeLimit
    reason: str
    held_on: date | None
    presiding: str = ""


@dataclass(frozen=True, slots=True)
class EndProcedure:
    """End the special procedure."""

    result: str
    signed_by: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Survey:
    """Record a check on site."""

    surveyed_on: date
    surveyors: tuple[Surveyor, ...]
    findings: str
    conditions_met: bool


@dataclass(frozen=True, slots=True)
class Extend:
    """Make the limits longer."""

    by: TimeLimit
    approver: str
    reason: str


@dataclass(frozen=True, slots=True)
class MakeUrgent:
    """Give the case a short clock of its own."""

    approver: str
    reason: str
    limit: TimeLimit


@dataclass(frozen=True, slots=True)
class LegPlace:
    """The hall of a leg, where that does not follow from its level."""

    leg: int
    hall: Address


@dataclass(frozen=True, slots=True)
class OpenLegs:
    """Open the first legs of a joint case; of a bundle those of `items`, or all."""

    items: tuple[str, ...] = ()
    places: tuple[LegPlace, ...] = ()


@dataclass(frozen=True, slots=True)
class EndLeg:
    """End a leg without a decision of its body."""

    leg: int
    outcome: LegOutcome
    explanation: str


@dataclass(frozen=True, slots=True)
class SendOriginals:
    """Put originals on their way."""

    bag_no: str
    originals: tuple[str, ...]
    to: Address
    carrier: str


@dataclass(frozen=True, slots=True)
class ReceiveOriginals:
    """Confirm a bag."""

    bag_no: str
    originals: tuple[str, ...]
    sealed: bool
    remark: str


@dataclass(frozen=True, slots=True)
class ReportRefusal:
    """Report a refusal to those who watch over it."""

    liaison: str
    explanation: str


@dataclass(frozen=True, slots=True)
class Issue:
    """Issue what was granted."""

    certificate: str
    certificate_no: str
    valid_from: date
    valid_until: date | None


@dataclass(frozen=True, slots=True)
class CheckAfterwards:
    """Check what the applicant promised."""

    result: CheckResult
    findings: str


@dataclass(frozen=True, slots=True)
class RevokeDecision:
    """Take the decision back."""

    reasons: str
    legal_basis: str
    deceit: bool = False


@dataclass(frozen=True, slots=True)
class Correct:
    """Put a slip in the record right."""

    field: str
    before: str
    after: str
    reason: str


@dataclass(frozen=True, slots=True)
class End:
    """End the case without a decision."""

    manner: EndManner
    reasons: str
    legal_basis: str


@dataclass(frozen=True, slots=True)
class Archive:
    """Put an ended case into the archive."""

    archive_no: str


@dataclass(frozen=True, slots=True)
class ChangeMandate:
    """Revoke, suspend or resume the agent's permission."""

    change: MandateChange
    reason: str


@dataclass(frozen=True, slots=True)
class OfferOwnership:
    """Ask another member of staff to answer for the case."""

    to: str


@dataclass(frozen=True, slots=True)
class TakeOwnership:
    """Take a case that was offered."""


@dataclass(frozen=True, slots=True)
class DeclineOwnership:
    """Do not take it."""

    reason: str


@dataclass(frozen=True, slots=True)
class RecallRefusal:
    """Take a reported refusal back, to be examined again."""

    reason: str


@dataclass(frozen=True, slots=True)
class RepairCredit:
    """End the exclusion that followed from a broken promise."""

    reason: str


@dataclass(frozen=True, slots=True)
class LiftBar:
    """Take back that the applicant may not apply again for a time."""

    reason: str


@dataclass(frozen=True, slots=True)
class ExplainOverdue:
    """Say why a limit was overrun, named as its stamp names it."""

    subject: str
    cause: OverdueCause
    explanation: str


@dataclass(frozen=True, slots=True)
class RecordOffHall:
    """Record that the application was received elsewhere than at the hall (越位收件)."""

    explanation: str


@dataclass(frozen=True, slots=True)
class TellRights:
    """Tell those whose important interest is touched that they may be heard."""

    parties: tuple[str, ...]
    interest: str
    hearing: bool


@dataclass(frozen=True, slots=True)
class HearView:
    """Record what somebody who was told said."""

    party: str
    statement: str
    asks_hearing: bool


Command = (
    PassPrereview
    | ReturnPrereview
    | GiveNotice
    | Supplement
    | Accept
    | AcceptWithGaps
    | Decline
    | SignCommitment
    | WithdrawCommitment
    | Review
    | BeginProcedure
    | EndProcedure
    | Survey
    | Extend
    | MakeUrgent
    | OpenLegs
    | EndLeg
    | SendOriginals
    | ReceiveOriginals
    | HandOver
    | Decide
    | ReportRefusal
    | Issue
    | Close
    | CheckAfterwards
    | RevokeDecision
    | Correct
    | Withdraw
    | End
    | Archive
    | ChangeMandate
    | OfferOwnership
    | TakeOwnership
    | DeclineOwnership
    | RecallRefusal
    | RepairCredit
    | ExplainOverdue
    | RecordOffHall
    | TellRights
    | HearView
    | LiftBar
)


@dataclass(frozen=True, slots=True)
class CaseCommand:
    """A command as it comes over the wire."""

    command: Command


COMMAND: Codec[CaseCommand] = Codec(CaseCommand, wire.CaseCommand)

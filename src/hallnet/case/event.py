"""Events: what happened to a case, who says so, and the chain of digests that ties them together."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import date, datetime
from enum import IntEnum

from hallnet.case.fact import (
    AfterChecked,
    Archived,
    BarLifted,
    CommitmentSigned,
    CommitmentWithdrawn,
    Corrected,
    CreditRepaired,
    DeceitFound,
    DecisionRevoked,
    Ended,
    Extended,
    GapEnd,
    Issued,
    Lead,
    LegEnded,
    LegOpened,
    LegsPlanned,
    MadeUrgent,
    MandateChanged,
    OriginalsReceived,
    OriginalsSent,
    OverdueExplained,
    OwnershipDeclined,
    OwnershipOffered,
    OwnershipTaken,
    PrereviewPassed,
    ProcedureBegan,
    ProcedureEnded,
    RefusalRecalled,
    RefusalReported,
    Renewal,
    RightsTold,
    Surveyed,
    ViewHeard,
    ViolationRecorded,
)
from hallnet.case.item import ItemOverlay, TimeLimit
from hallnet.case.mandate import Mandate
from hallnet.case.person import Actor, Material, Person
from hallnet.codec import Codec
from hallnet.places import Address, Village
from hallnet.wire.case.v1 import case_event_pb2 as wire


class Channel(IntEnum):
    """How an application reached the hall."""

    COUNTER = 1
    AGENT = 2
    ONLINE = 3


class AcceptanceBasis(IntEnum):
    """Why a case is accepted."""

    EXAMINED = 1
    SILENCE = 2
    TOLERANT = 3
    COMMITMENT = 4
    UNIFIED = 5


class DeclineGround(IntEnum):
    """Why a case is not accepted."""

    NOT_NEEDED = 1
    WRONG_BODY = 2
    DECEIT = 3
    BARRED = 4


class Opinion(IntEnum):
    """Outcome of a review."""

    FAVOURABLE = 1
    UNFAVOURABLE = 2


class HandOverPurpose(IntEnum):
    """Why custody passes on."""

    REPORT_UP = 1
    ACROSS = 2
    RETURN = 3
    AFTER_CHECK = 4
    REVIEW_AGAIN = 5
    SUCCESSION = 6


class Outcome(IntEnum):
    """What was decided."""

    GRANTED = 1
    REFUSED = 2


class DeliveryMethod(IntEnum):
    """How a result reached the applicant."""

    COUNTER = 1
    AGENT = 2
    POST = 3
    ELECTRONIC = 4


@dataclass(frozen=True, slots=True)
class Filed:
    """收件: the application was received."""

    case_no: str
    item_id: str
    item_version: int
    option: str
    applicant: Person
    channel: Channel
    intake_hall: Address
    intake_point: Village | None
    competent_hall: Address
    materials: tuple[Material, ...]
    mandate: Mandate | None
    query_code: str
    for_prereview: bool = False
    lead: Lead | None = None
    owner: str = ""
    overlay: ItemOverlay | None = None
    renews: Renewal | None = None


class DefectKind(IntEnum):
    """What is wrong with a material."""

    FORM = 1
    IDENTITY = 2
    SUBSTANCE = 3
    LEGALITY = 4


@dataclass(frozen=True, slots=True)
class Defect:
    """One thing that is missing or wrong."""

    material: str
    problem: str
    remedy: str
    kind: DefectKind | None = None

    @property
    def missed_at_intake(self) -> bool:
        """Whether the hall of intake answers for having missed it, and not the one that decides:
        identity and form are checked where the application is received (收受分离)."""
        return self.kind in (None, DefectKind.FORM, DefectKind.IDENTITY)


@dataclass(frozen=True, slots=True)
class PrereviewReturned:
    """网上预审退回: given back before it was received, with all that is wrong."""

    defects: tuple[Defect, ...]


@dataclass(frozen=True, slots=True)
class NoticeGiven:
    """一次性告知: told at once all that is missing."""

    document_no: str
    defects: tuple[Defect, ...]


@dataclass(frozen=True, slots=True)
class Supplemented:
    """补正."""

    materials: tuple[Material, ...]

    @property
    def is_obtained(self) -> bool:
        """Whether other halls supplied all of it, and the applicant brought nothing."""
        return all(material.supplied_by for material in self.materials)


@dataclass(frozen=True, slots=True)
class Accepted:
    """受理."""

    document_no: str
    basis: AcceptanceBasis
    accepted_on: date
    gaps: tuple[str, ...] = ()
    gaps_limit: TimeLimit | None = None
    gaps_end: GapEnd | None = None
    promise: Material | None = None


@dataclass(frozen=True, slots=True)
class Declined:
    """不予受理."""

    document_no: str
    ground: DeclineGround
    explanation: str
    right_body: str


@dataclass(frozen=True, slots=True)
class Reviewed:
    """初审."""

    opinion: Opinion
    explanation: str


@dataclass(frozen=True, slots=True)
class HandedOver:
    """Custody is given to another hall; until it answers nobody may decide."""

    to: Address
    purpose: HandOverPurpose
    explanation: str


@dataclass(frozen=True, slots=True)
class TakenOver:
    """Custody is taken: the author is the custodian from here on, and `owner` answers for the case there."""

    owner: str = ""


@dataclass(frozen=True, slots=True)
class HandOverDeclined:
    """Custody is not taken: it stays with the giver."""

    reason: str
    explanation: str


@dataclass(frozen=True, slots=True)
class HandOverFailed:
    """Custody stays with the giver, the author, because the envelope was refused on its way."""

    reason: str


@dataclass(frozen=True, slots=True)
class Decided:
    """决定."""

    document_no: str
    outcome: Outcome
    reasons: str
    legal_basis: str
    remedy: str
    result_name: str


@dataclass(frozen=True, slots=True)
class Closed:
    """办结: the result is with the applicant."""

    method: DeliveryMethod
    received_by: str
    no_fee: str = ""


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """撤回."""

    reason: str


Fact = (
    Filed
    | NoticeGiven
    | Supplemented
    | Accepted
    | Declined
    | Reviewed
    | HandedOver
    | TakenOver
    | HandOverDeclined
    | HandOverFailed
    | Decided
    | Closed
    | Withdrawn
    | PrereviewPassed
    | PrereviewReturned
    | CommitmentSigned
    | CommitmentWithdrawn
    | ProcedureBegan
    | ProcedureEnded
    | Surveyed
    | Extended
    | MadeUrgent
    | LegOpened
    | LegEnded
    | OriginalsSent
    | OriginalsReceived
    | RefusalReported
    | Issued
    | AfterChecked
    | DecisionRevoked
    | Corrected
    | Ended
    | Archived
    | MandateChanged
    | ViolationRecorded
    | LegsPlanned
    | OwnershipOffered
    | OwnershipTaken
    | OwnershipDeclined
    | RefusalRecalled
    | CreditRepaired
    | OverdueExplained
    | RightsTold
    | ViewHeard
    | DeceitFound
    | BarLifted
)


@dataclass(frozen=True, slots=True)
class CaseEvent:
    """One thing that happened to a case; the fields are those of the wire."""

    case_id: str
    sequence: int
    previous: bytes
    at: datetime
    author: Address
    actor: Actor
    fact: Fact


EVENT: Codec[CaseEvent] = Codec(CaseEvent, wire.CaseEvent)


Wish = Supplemented | Withdrawn | MandateChanged


@dataclass(frozen=True, slots=True)
class CaseRequest:
    """What an applicant wants, passed on to the custodian by another hall; as on the wire."""

    case_id: str
    request_id: str
    actor: Actor
    at: datetime
    wish: Wish


@dataclass(frozen=True, slots=True)
class CaseRequestRefused:
    """The custodian's no to a request; as on the wire."""

    case_id: str
    request_id: str
    reason: str
    explanation: str


REQUEST: Codec[CaseRequest] = Codec(CaseRequest, wire.CaseRequest)
REQUEST_REFUSED: Codec[CaseRequestRefused] = Codec(CaseRequestRefused, wire.CaseRequestRefused)


def digest(raw: bytes) -> bytes:
    """Digest by which the next event names this one."""
    return hashlib.sha256(raw).digest()

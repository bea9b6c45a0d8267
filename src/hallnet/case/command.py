"""What people ask for: the commands that `decide` answers with facts or a problem."""

from __future__ import annotations

from dataclasses import dataclass

from hallnet.case.event import (
    Channel,
    DeclineGround,
    Defect,
    DeliveryMethod,
    Opinion,
    Outcome,
)
from hallnet.case.mandate import Mandate
from hallnet.case.person import Material, Person
from hallnet.places import Address, Village


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
    """Give the case to the hall that is competent."""

    explanation: str


@dataclass(frozen=True, slots=True)
class Decide:
    """Grant or refuse."""

    outcome: Outcome
    reasons: str
    legal_basis: str


@dataclass(frozen=True, slots=True)
class Close:
    """The result is with the applicant."""

    method: DeliveryMethod
    received_by: str


@dataclass(frozen=True, slots=True)
class Withdraw:
    """The applicant does not want it any more."""

    reason: str


Command = GiveNotice | Supplement | Accept | Decline | Review | HandOver | Decide | Close | Withdraw

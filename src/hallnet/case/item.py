"""Service items (事项): what can be applied for, where, with what, within which time.

The fields and numbers are those of the wire; the codes of GB/T 39046-2020 appendix A are kept.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import IntEnum

from hallnet.case.item_terms import (
    AuthorityKind,
    DisclosureSet,
    HandlingForm,
    MaterialFormat,
    PowerSource,
    ResultKind,
    ServedParty,
    TrustLevel,
)
from hallnet.codec import Codec
from hallnet.places import Level
from hallnet.wire.case.v1 import item_pb2 as wire


class TaskType(IntEnum):
    """Class of an item (事项类型)."""

    LICENCE = 1
    PENALTY = 2
    COERCION = 3
    LEVY = 4
    BENEFIT = 5
    INSPECTION = 6
    CONFIRMATION = 7
    AWARD = 8
    RULING = 9
    OTHER = 10
    PUBLIC_SERVICE = 20


class ShelfStatus(IntEnum):
    """Whether it can be applied for."""

    ON_SHELF = 1
    OFF_SHELF = 2


class IntakePlace(IntEnum):
    """Kinds of places at which it can be applied for."""

    VILLAGE_POINT = 1
    TOWNSHIP = 2
    COUNTY = 3
    BRANCH_HALL = 4
    CITY = 5
    PROVINCE = 6


class HandlingKind(IntEnum):
    """即办 or 承诺."""

    INSTANT = 1
    COMMITTED = 2


class TimeUnit(IntEnum):
    """What a limit is counted in."""

    WORKING_DAY = 1
    CALENDAR_DAY = 2
    HOUR = 3


class ClockStart(IntEnum):
    """What starts the limits: 收件 or 受理."""

    RECEIVED = 1
    ACCEPTED = 2


class Scope(IntEnum):
    """通办范围: how far from its own hall it can be applied for."""

    NATION = 1
    PROVINCE = 2
    CITY = 3
    COUNTY = 4
    TOWNSHIP = 5


class CrossAreaMode(IntEnum):
    """How an application from elsewhere is handled."""

    ONLINE = 1
    REMOTE_INTAKE = 2
    MULTI_PLACE = 3
    ANY_OFFICE = 4


class JointMode(IntEnum):
    """How several bodies work on a case."""

    PARALLEL = 1
    SERIAL = 2
    MIXED = 3


class Requirement(IntEnum):
    """How far a material is needed: 必要, 容缺, 非必要."""

    NEEDED = 1
    TOLERATED = 2
    OPTIONAL = 3


class MaterialSource(IntEnum):
    """Where a material comes from."""

    APPLICANT = 1
    GOVERNMENT = 2
    SHARED = 3


class MaterialForm(IntEnum):
    """原件, 复印件, 电子, 原件和复印件."""

    ORIGINAL = 1
    COPY = 2
    ELECTRONIC = 3
    ORIGINAL_AND_COPY = 4


@dataclass(frozen=True, slots=True)
class LegalBasis:
    """设定依据."""

    law: str
    article: str
    remark: str


@dataclass(frozen=True, slots=True)
class TimeLimit:
    """A length of time; 0 is on the spot. `days` counts the unit, also where that is the hour."""

    days: int
    unit: TimeUnit
    remark: str = ""


@dataclass(frozen=True, slots=True)
class Extension:
    """By how much, and by whom, a limit may be extended."""

    limit: TimeLimit
    approver: str
    total_max: TimeLimit | None = None


@dataclass(frozen=True, slots=True)
class Leg:
    """One body's part in a case. Legs of one group run in parallel."""

    sequence: int
    group: int
    level: Level
    actor: str
    act: str
    promised: TimeLimit | None
    statutory: TimeLimit | None
    counted: bool


class CrossAreaPart(IntEnum):
    """收件, 办理 or 送达."""

    INTAKE = 1
    DECISION = 2
    RESULT = 3


@dataclass(frozen=True, slots=True)
class CrossAreaLeg:
    """A place's part in a case that was filed elsewhere. Without `part` it is described and has no clock."""

    sequence: int
    place: str
    act: str
    limit: TimeLimit | None
    started_by: str
    part: CrossAreaPart | None = None


@dataclass(frozen=True, slots=True)
class RequiredMaterial:
    """A material that an item asks for."""

    name: str
    requirement: Requirement
    source: MaterialSource
    form: MaterialForm
    shared_from: str
    condition: str
    format: MaterialFormat | None = None
    copies: int = 0
    blank_form: str = ""
    example: str = ""
    acceptance_standard: str = ""
    filling_help: str = ""
    basis: str = ""
    trust_level: TrustLevel | None = None

    @property
    def asked_of_applicant(self) -> bool:
        """Whether an application without it is incomplete: what halls can share is not asked for
        (政务数据共享条例 article 19)."""
        return self.requirement is Requirement.NEEDED and self.source is not MaterialSource.SHARED


@dataclass(frozen=True, slots=True)
class ItemOption:
    """A variant that is chosen when filing."""

    name: str
    statutory: TimeLimit | None
    remark: str
    promised: TimeLimit | None = None
    code: str = ""
    materials: tuple[str, ...] = ()
    needs_nothing: bool = False


@dataclass(frozen=True, slots=True)
class Fee:
    """What an item costs, in fen, and why it may."""

    name: str
    amount_fen: int
    amount_set_locally: bool
    basis: str
    unit: str
    collected_by: str
    remark: str
    standard: str = ""
    permit: str = ""
    reducible: bool = False
    reduction: str = ""
    instalments_allowed: bool = False

    @property
    def charges(self) -> bool:
        """Whether something is asked for, here or by the place."""
        return self.amount_fen > 0 or self.amount_set_locally


@dataclass(frozen=True, slots=True)
class SpecialProcedure:
    """A step that the law sets apart, and whether its time counts."""

    name: str
    limit: TimeLimit | None
    counted: bool
    remark: str
    basis: str = ""
    charged: bool = False


@dataclass(frozen=True, slots=True)
class PowerOrigin:
    """By what right a body decides."""

    source: PowerSource | None
    authority_kind: AuthorityKind | None
    authority_code: str
    granted_by: str


@dataclass(frozen=True, slots=True)
class FlowLink:
    """A step inside the body that decides (环节)."""

    name: str
    post: str
    limit: TimeLimit | None


@dataclass(frozen=True, slots=True)
class ServicePlace:
    """Where people go."""

    name: str
    address: str
    opening_hours: str
    telephone: str
    division: str
    counters: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Question:
    """What people ask about an item."""

    question: str
    answer: str


@dataclass(frozen=True, slots=True)
class ItemCodes:
    """Codes of the national catalogue."""

    base_code: str
    implementation_code: str
    option_code: str


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where the record comes from and how sure it is."""

    sources: str
    sureness: str


@dataclass(frozen=True, slots=True)
class ItemVersion:
    """One published edition of an item. A case keeps the one under which it was filed."""

    item_id: str
    version: int
    name: str
    status: ShelfStatus
    status_remark: str
    task_type: TaskType
    level: Level
    accepts_at: tuple[IntakePlace, ...]
    authority: str
    legal_basis: tuple[LegalBasis, ...]
    statutory_limit: TimeLimit | None
    promised_limit: TimeLimit | None
    legal_cap: TimeLimit | None
    clock_start: ClockStart
    extension: Extension | None
    half_rule_exemption: str
    handling_kind: HandlingKind
    joint_bodies: tuple[str, ...]
    joint_mode: JointMode | None
    report_up: bool
    legs: tuple[Leg, ...]
    scope: Scope
    cross_area_mode: CrossAreaMode | None
    cross_area_remark: str
    agent_allowed: bool
    agent_limit: str
    needs_presence: bool
    max_visits: int
    options: tuple[ItemOption, ...]
    materials: tuple[RequiredMaterial, ...]
    fees: tuple[Fee, ...]
    special_procedures: tuple[SpecialProcedure, ...]
    result_name: str
    commitment_allowed: bool
    branch_hall_field: str
    bundled_items: tuple[str, ...]
    prereview: bool
    booking: bool
    effective_from: date | None
    effective_until: date | None
    codes: ItemCodes | None
    provenance: Provenance | None
    commitment_remark: str
    cross_area_legs: tuple[CrossAreaLeg, ...]
    power_origin: PowerOrigin | None = None
    served: tuple[ServedParty, ...] = ()
    handling_forms: tuple[HandlingForm, ...] = ()
    conditions: str = ""
    links: tuple[FlowLink, ...] = ()
    complex_flow: bool = False
    quantity_limit: str = ""
    intermediary: str = ""
    outside_hall_reason: str = ""
    outside_hall_approver: str = ""
    visits_reason: str = ""
    online_depth: int = 0
    paid_online: bool = False
    sent_by_courier: bool = False
    at_terminals: bool = False
    places: tuple[ServicePlace, ...] = ()
    enquiry_way: str = ""
    complaint_way: str = ""
    result_kind: ResultKind | None = None
    result_sample: str = ""
    questions: tuple[Question, ...] = ()
    topics: tuple[str, ...] = ()
    shelf_basis: str = ""
    filing_only: bool = False
    filed_anew_when_incomplete: bool = False
    base_version: int = 0
    needs_no_materials: bool = False
    results_stay_valid: bool = False
    renewal_days_before: int = 0
    concerns_safety: bool = False

    @property
    def edition(self) -> tuple[int, int]:
        """By which versions of an item are ordered: what narrows a version comes right after it."""
        return (self.base_version or self.version, self.version if self.base_version else 0)

    def in_force_on(self, day: date) -> bool:
        """Whether it can be applied for on a day."""
        return (
            self.status is ShelfStatus.ON_SHELF
            and (self.effective_from is None or self.effective_from <= day)
            and (self.effective_until is None or day < self.effective_until)
        )

    def material(self, name: str) -> RequiredMaterial | None:
        return next((item for item in self.materials if item.name == name), None)

    def option(self, name: str) -> ItemOption | None:
        return next((option for option in self.options if option.name == name), None)

    def statutory_of(self, option: str) -> TimeLimit | None:
        """The limit that the law sets for a variant ('' for none)."""
        chosen = self.option(option)
        return (chosen.statutory if chosen else None) or self.statutory_limit

    def promised_of(self, option: str) -> TimeLimit | None:
        """The limit that is promised for a variant ('' for none)."""
        chosen = self.option(option)
        return (chosen.promised if chosen else None) or self.promised_limit


@dataclass(frozen=True, slots=True)
class BaseItem:
    """An entry of the base catalogue (基本目录)."""

    base_code: str
    name: str


@dataclass(frozen=True, slots=True)
class PublishingRules:
    """What a catalogue is checked against before it is published; 0 and () are the usual rules."""

    disclosures: DisclosureSet | None = None
    promise_percent_max: int = 0
    links_max: int = 0
    complex_links_max: int = 0
    general_laws: tuple[str, ...] = ()
    base_items: tuple[BaseItem, ...] = ()


@dataclass(frozen=True, slots=True)
class LocalAmount:
    """The amount of a fee that an item leaves to the place, in fen."""

    fee: str
    amount_fen: int
    basis: str
    permit: str


@dataclass(frozen=True, slots=True)
class ItemOverlay:
    """What a hall says of an item of a hall above it: it may narrow, never widen."""

    item_id: str
    base_version: int
    revision: int
    promised_limit: TimeLimit | None = None
    dropped_materials: tuple[str, ...] = ()
    visits_saved: int = 0
    places: tuple[ServicePlace, ...] = ()
    enquiry_way: str = ""
    complaint_way: str = ""
    also_accepts_at: tuple[IntakePlace, ...] = ()
    also_handled_by: tuple[HandlingForm, ...] = ()
    local_amounts: tuple[LocalAmount, ...] = ()
    effective_from: date | None = None
    effective_until: date | None = None


@dataclass(frozen=True, slots=True)
class Catalogue:
    """All item versions of a release."""

    items: tuple[ItemVersion, ...]
    source: str
    rules: PublishingRules | None = None
    overlays: tuple[ItemOverlay, ...] = ()


ITEM: Codec[ItemVersion] = Codec(ItemVersion, wire.ItemVersion)
CATALOGUE: Codec[Catalogue] = Codec(Catalogue, wire.Catalogue)

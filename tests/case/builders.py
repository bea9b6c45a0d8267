"""People with valid numbers, items, and cases with a history of real events."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import Any

from hallnet.case.calendar import Calendar
from hallnet.case.case import CHINA, Case, evolve
from hallnet.case.command import File
from hallnet.case.context import Context
from hallnet.case.event import (
    EVENT,
    AcceptanceBasis,
    Accepted,
    CaseEvent,
    Channel,
    Closed,
    Decided,
    Declined,
    DeclineGround,
    Defect,
    DeliveryMethod,
    Fact,
    Filed,
    HandedOver,
    HandOverDeclined,
    HandOverFailed,
    HandOverPurpose,
    NoticeGiven,
    Opinion,
    Outcome,
    PrereviewReturned,
    Reviewed,
    Supplemented,
    TakenOver,
    Withdrawn,
    digest,
)
from hallnet.case.fact import (
    AfterChecked,
    Archived,
    BarLifted,
    CheckResult,
    CommitmentSigned,
    CommitmentWithdrawn,
    Corrected,
    CreditRepaired,
    DeceitFound,
    DecisionRevoked,
    Ended,
    EndManner,
    Extended,
    Issued,
    LegEnded,
    LegOpened,
    LegOutcome,
    LegsPlanned,
    MadeUrgent,
    MandateChange,
    MandateChanged,
    OriginalsReceived,
    OriginalsSent,
    OverdueCause,
    OverdueExplained,
    OwnershipDeclined,
    OwnershipOffered,
    OwnershipTaken,
    PlannedLeg,
    PrereviewPassed,
    ProcedureBegan,
    ProcedureEnded,
    ProcedureKind,
    RefusalRecalled,
    RefusalReported,
    RightsTold,
    Surveyed,
    Surveyor,
    ViewHeard,
    ViolationRecorded,
    ViolationRule,
)
from hallnet.case.item import (
    ClockStart,
    HandlingKind,
    IntakePlace,
    ItemVersion,
    MaterialForm,
    MaterialSource,
    RequiredMaterial,
    Requirement,
    Scope,
    ShelfStatus,
    TaskType,
    TimeLimit,
    TimeUnit,
)
from hallnet.case.mandate import EvidenceKind, Mandate, MandateAct
from hallnet.case.person import Actor, ActorKind, Material, Person
from hallnet.case.power import Power
from hallnet.case.supplied_calendar import supplied_calendar
from hallnet.places import Address, Level

TOWNSHIP, COUNTY, OTHER_COUNTY = Address("330110012"), Address("330110"), Address("330127")
CITY, SHEBAO = Address("3301"), Address("330110", "shebao")

CLERK = Actor(ActorKind.STAFF, "clerk", "李四")
AGENT = Actor(ActorKind.AGENT, "agent-1", "王五")
SYSTEM = Actor(ActorKind.SYSTEM, "system", "系统")
POWERS = frozenset(Power)

_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)


def identity_number(first_seventeen: str) -> str:
    """The number with the check character of GB 11643."""
    total = sum(
        int(digit) * weight for digit, weight in zip(first_seventeen, _WEIGHTS, strict=True)
    )
    return first_seventeen + "10X98765432"[total % 11]


APPLICANT = Person("章三", "111", identity_number("33011019900307002"), "13800000000", "")
NEIGHBOUR = Person("赵六", "111", identity_number("33011019851224113"), "13900000000", "")
ORGANISATION = Person(
    "杭州某某建设有限公司", "001", "91610800064834709T", "13700000000", "", "钱七", "孙八"
)


def at(text: str) -> datetime:
    """A moment in China, given as `2026-03-02 09:00`."""
    return datetime.fromisoformat(text).replace(tzinfo=CHINA).astimezone(UTC)


START = at("2026-03-02 09:00")


@cache
def calendar() -> Calendar:
    """The years 2004 to 2026; 2027 is not published."""
    return Calendar(supplied_calendar())


def working_days(days: int) -> TimeLimit:
    return TimeLimit(days, TimeUnit.WORKING_DAY)


def calendar_days(days: int) -> TimeLimit:
    return TimeLimit(days, TimeUnit.CALENDAR_DAY)


def needed(name: str, **changes: Any) -> RequiredMaterial:
    wanted = RequiredMaterial(
        name, Requirement.NEEDED, MaterialSource.APPLICANT, MaterialForm.ORIGINAL, "", ""
    )
    return replace(wanted, **changes)


FORM, PHOTO = "申请表", "照片"
EXTRACT = "户籍信息"
"""What another body shares, so that nobody is asked for it."""


def item(**changes: Any) -> ItemVersion:
    """A committed item of the county that needs a form and a photo."""
    made = ItemVersion(
        item_id="an-item",
        version=1,
        name="某事项",
        status=ShelfStatus.ON_SHELF,
        status_remark="",
        task_type=TaskType.LICENCE,
        level=Level.COUNTY,
        accepts_at=(IntakePlace.TOWNSHIP, IntakePlace.COUNTY),
        authority="某局",
        legal_basis=(),
        statutory_limit=working_days(20),
        promised_limit=working_days(5),
        legal_cap=None,
        clock_start=ClockStart.ACCEPTED,
        extension=None,
        half_rule_exemption="",
        handling_kind=HandlingKind.COMMITTED,
        joint_bodies=(),
        joint_mode=None,
        report_up=False,
        legs=(),
        scope=Scope.CITY,
        cross_area_mode=None,
        cross_area_remark="",
        agent_allowed=True,
        agent_limit="",
        needs_presence=False,
        max_visits=1,
        options=(),
        materials=(
            needed(FORM),
            needed(PHOTO),
            needed(EXTRACT, source=MaterialSource.SHARED),
            needed("授权书", requirement=Requirement.OPTIONAL),
            needed("体检表", requirement=Requirement.OPTIONAL),
        ),
        fees=(),
        special_procedures=(),
        result_name="某证",
        commitment_allowed=False,
        branch_hall_field="",
        bundled_items=(),
        prereview=False,
        booking=False,
        effective_from=None,
        effective_until=None,
        codes=None,
        provenance=None,
        commitment_remark="",
        cross_area_legs=(),
    )
    return replace(made, **changes)


ITEM = item()
INSTANT = item(handling_kind=HandlingKind.INSTANT, promised_limit=working_days(0))
REPORTED_UP = item(report_up=True)
CHECKUP = "体检表"
TOLERANT = item(
    materials=(needed(FORM), needed(PHOTO), needed(CHECKUP, requirement=Requirement.TOLERATED))
)
"""An item that lists what may come after acceptance."""


def material(name: str, submitted_at: datetime = START) -> Material:
    return Material(name, digest(name.encode()), 1000, "image/jpeg", submitted_at)


COMPLETE = (material(FORM), material(PHOTO))


def mandate(**changes: Any) -> Mandate:
    made = Mandate(
        mandate_id="mandate-1",
        client=APPLICANT,
        agent_id=AGENT.actor_id,
        item_ids=(ITEM.item_id,),
        acts=(MandateAct.SUBMIT, MandateAct.COLLECT),
        valid_from=date(2026, 1, 1),
        valid_until=date(2026, 12, 31),
        evidence_kind=EvidenceKind.SIGNATURE,
        evidence=material("委托书"),
    )
    return replace(made, **changes)


def file(**changes: Any) -> File:
    """An application for an item of the county."""
    made = File(
        case_no="330110012-20260302-0001",
        query_code="ABCD2345",
        option="",
        applicant=APPLICANT,
        channel=Channel.COUNTER,
        intake_point=None,
        competent_hall=COUNTY,
        materials=COMPLETE,
        mandate=None,
    )
    return replace(made, **changes)


def filed(intake: Address = COUNTY, competent: Address = COUNTY, **changes: Any) -> Filed:
    made = Filed(
        case_no="330110-20260302-0001",
        item_id=ITEM.item_id,
        item_version=ITEM.version,
        option="",
        applicant=APPLICANT,
        channel=Channel.COUNTER,
        intake_hall=intake,
        intake_point=None,
        competent_hall=competent,
        materials=COMPLETE,
        mandate=None,
        query_code="ABCD2345",
    )
    return replace(made, **changes)


def context(here: Address = COUNTY, wanted: ItemVersion = ITEM, **changes: Any) -> Context:
    """A clerk of a hall who holds every power."""
    made = Context(
        now=START,
        here=here,
        actor=CLERK,
        powers=POWERS,
        item=wanted,
        document_no="330110-0001",
        calendar=calendar(),
    )
    return replace(made, **changes)


NOTICE = NoticeGiven("N-1", (Defect(PHOTO, "缺少", "补交"),))
SUPPLEMENT = Supplemented((material(PHOTO),))
ACCEPTED = Accepted("A-1", AcceptanceBasis.EXAMINED, START.astimezone(CHINA).date())
DECLINED = Declined("D-1", DeclineGround.NOT_NEEDED, "无需许可", "")
REVIEWED = Reviewed(Opinion.FAVOURABLE, "符合条件")
GRANTED = Decided("J-1", Outcome.GRANTED, "", "", "", "某证")
CLOSED = Closed(DeliveryMethod.COUNTER, "章三")
WITHDRAWN = Withdrawn("不办了")
PASSED = PrereviewPassed(START.astimezone(CHINA).date())
RETURNED = PrereviewReturned(NOTICE.defects)
SIGNED = CommitmentSigned("C-1", (PHOTO,), "2026版", material("承诺书"))
UNSIGNED = CommitmentWithdrawn("改按一般程序")
BEGAN = ProcedureBegan(
    "P-1", ProcedureKind.EXPERT_REVIEW, "专家评审", working_days(10), False, "技术复杂", None
)
PROCEDURE_ENDED = ProcedureEnded("通过")
SURVEYED = Surveyed(
    START.astimezone(CHINA).date(),
    (Surveyor("李四", "工程处", "33-1"), Surveyor("周七", "执法室", "33-2")),
    "符合",
    True,
)
EXTENDED = Extended("E-1", working_days(10), "局长", "情况复杂")
URGENT = MadeUrgent("主任", "救急", working_days(1))
LEG = PlannedLeg(
    1, 1, "某协办局", COUNTY, "an-item", 1, working_days(3), working_days(20), "leg-1", "330110-L1"
)
PLANNED = LegsPlanned((LEG,))
LEG_OPENED = LegOpened(1)
LEG_ENDED = LegEnded(1, LegOutcome.AGREED, "同意")
SENT = OriginalsSent("B-1", ("房产证",), TOWNSHIP, "邮政")
CONFIRMED = OriginalsReceived("B-1", ("房产证",), True, "")
REPORTED = RefusalReported("联络员", "不符合条件")
ISSUED = Issued("某证", "Z-1", START.astimezone(CHINA).date(), None)
CHECKED = AfterChecked(CheckResult.KEPT, "属实")
REVOKED = DecisionRevoked("R-1", "承诺不实", "某法第一条", "可申请复议")
CORRECTED = Corrected("姓名", "章三", "章叁", "录入错误")
ENDED_OTHERWISE = Ended("X-1", EndManner.TERMINATED, "申请人死亡", "某法第二条", "可申请复议")
ARCHIVED = Archived("档-1")
SUSPENDED = MandateChanged("mandate-1", MandateChange.SUSPENDED, "本人要求")
VIOLATION = ViolationRecorded(ViolationRule.OVERDUE, "PROMISE", "逾期")
RIGHTS_TOLD = RightsTold("Q-1", ("吴九",), "采光", True)
HEARD = ViewHeard("吴九", "影响采光", False)
EXPLAINED = OverdueExplained("PROMISE", OverdueCause.OTHER_BODY, "协办局回函迟")
OFFERED, OWNED, NOT_OWNED = (
    OwnershipOffered("colleague"),
    OwnershipTaken(),
    OwnershipDeclined("正在休假"),
)
BARRED = DeceitFound("行政许可法第七十八条", date(2027, 3, 2))
LIFTED = BarLifted("复核属实")
RECALLED, REPAIRED = RefusalRecalled("依据有误"), CreditRepaired("已履行承诺")
TAKEN, NOT_TAKEN = TakenOver(), HandOverDeclined("NOT_COMPETENT", "不是本厅的事项")
FAILED = HandOverFailed("RECIPIENT_UNKNOWN")


def to(hall: Address, purpose: HandOverPurpose = HandOverPurpose.ACROSS) -> HandedOver:
    return HandedOver(hall, purpose, "")


def accepted_on(day: date) -> Accepted:
    return replace(ACCEPTED, accepted_on=day)


def who_has_the_say(case: Case, fact: Fact) -> Address:
    """The only hall that may say this now."""
    if case.transit is None:
        return case.custodian
    return case.transit.giver if isinstance(fact, HandOverFailed) else case.transit.to


def event_for(
    case: Case | None,
    fact: Fact,
    author: Address,
    moment: datetime = START,
    actor: Actor = CLERK,
    **changes: Any,
) -> CaseEvent:
    """The event that follows on a case."""
    made = CaseEvent(
        case_id="case-1" if case is None else case.case_id,
        sequence=1 if case is None else case.sequence + 1,
        previous=b"" if case is None else case.last_digest,
        at=moment,
        author=author,
        actor=actor,
        fact=fact,
    )
    return replace(made, **changes)


def extended(case: Case | None, event: CaseEvent) -> Case:
    return evolve(case, event, digest(EVENT.to_bytes(event)))


@dataclass
class History:
    """A case that grows event by event, each by the hall that has the say, a minute after the last."""

    opening: Filed = field(default_factory=filed)
    opened_at: datetime = START
    case_id: str = "case-1"
    raws: list[bytes] = field(default_factory=list)
    case: Case = field(init=False)

    def __post_init__(self) -> None:
        author = self.opening.intake_hall
        self._grow(event_for(None, self.opening, author, self.opened_at, case_id=self.case_id))

    def add(
        self, fact: Fact, moment: datetime | None = None, author: Address | None = None
    ) -> History:
        moment = moment or self.case.changed_at + timedelta(minutes=1)
        self._grow(event_for(self.case, fact, author or who_has_the_say(self.case, fact), moment))
        return self

    def extend(self, facts: Sequence[Fact]) -> History:
        for fact in facts:
            self.add(fact)
        return self

    def _grow(self, event: CaseEvent) -> None:
        raw = EVENT.to_bytes(event)
        self.case = evolve(getattr(self, "case", None), event, digest(raw))
        self.raws.append(raw)


def case_with(*facts: Fact, opening: Filed | None = None) -> Case:
    return History(opening or filed()).extend(facts).case


LATER_FACTS: tuple[Fact, ...] = (
    EXPLAINED,
    RIGHTS_TOLD,
    HEARD,
    OFFERED,
    OWNED,
    NOT_OWNED,
    RECALLED,
    REPAIRED,
    BARRED,
    LIFTED,
    ARCHIVED,
    BEGAN,
    CHECKED,
    CONFIRMED,
    CORRECTED,
    ENDED_OTHERWISE,
    EXTENDED,
    ISSUED,
    LEG_ENDED,
    LEG_OPENED,
    PASSED,
    PLANNED,
    PROCEDURE_ENDED,
    REPORTED,
    RETURNED,
    REVOKED,
    SENT,
    SIGNED,
    SURVEYED,
    SUSPENDED,
    UNSIGNED,
    URGENT,
    VIOLATION,
)
"""One of each kind of fact beyond the main line."""

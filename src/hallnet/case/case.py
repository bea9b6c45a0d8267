"""A case: the fold of its events.

`evolve` is the only thing that changes a case. It accepts an event only if it follows on the one before,
comes from the hall that has the say at that point, and fits the stage (`stage.TABLE`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta, timezone
from itertools import dropwhile, pairwise
from typing import TypeVar, cast

from hallnet.case.event import (
    EVENT,
    Accepted,
    CaseEvent,
    Decided,
    Fact,
    Filed,
    HandedOver,
    HandOverDeclined,
    HandOverFailed,
    HandOverPurpose,
    Supplemented,
    TakenOver,
    digest,
)
from hallnet.case.fact import (
    Archived,
    CommitmentSigned,
    CommitmentWithdrawn,
    LegEnded,
    LegOpened,
    LegsPlanned,
    MandateChange,
    MandateChanged,
    PlannedLeg,
    PrereviewPassed,
    ProcedureBegan,
    ProcedureEnded,
    RefusalRecalled,
)
from hallnet.case.item import ItemVersion, MaterialSource, RequiredMaterial, Requirement
from hallnet.case.person import Actor, Material
from hallnet.case.problems import ActNotPossible, EventOutOfTurn, HistoryBroken
from hallnet.case.stage import ENDED, NAMES, NOT_DURING_PROCEDURE, TABLE, WITH_APPLICANT, Stage
from hallnet.places import Address

CHINA = timezone(timedelta(hours=8), "Asia/Shanghai")
"""The one time zone of the country: days of the law are days there."""

EVENTS_MAX = 1000
AFact = TypeVar("AFact", bound=Fact)


def day_of(moment: datetime) -> date:
    """The day of a moment, as the law counts days."""
    return moment.astimezone(CHINA).date()


@dataclass(frozen=True, slots=True)
class Transit:
    """A hand-over that is not answered."""

    giver: Address
    to: Address
    purpose: HandOverPurpose
    since: datetime


@dataclass(frozen=True, slots=True)
class Mark:
    """One event as the clocks see it: what, when, and at which hall."""

    fact: Fact
    at: datetime
    author: Address
    actor: Actor
    day: date = field(init=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "day", day_of(self.at))


@dataclass(frozen=True, slots=True)
class Case:
    """What is known of a case. `custodian` may add events, unless the case is in transit."""

    case_id: str
    filed: Filed
    stage: Stage
    custodian: Address
    transit: Transit | None
    materials: tuple[Material, ...]
    """The newest of each name."""
    marks: tuple[Mark, ...]
    sequence: int
    last_digest: bytes
    newest_marks: Mapping[type, Mark] = field(compare=False, repr=False)
    """The newest mark of each kind of fact: most kinds never happen to a case."""

    @property
    def case_no(self) -> str:
        return self.filed.case_no

    @property
    def competent_hall(self) -> Address:
        """The hall that decides: the one of the filing, or that which goes on in its place."""
        return self._in_place_of(self.filed.competent_hall)

    @property
    def home(self) -> Address:
        """The hall to which the result goes: where it was filed, or that which goes on in its place."""
        return self._in_place_of(self.filed.intake_hall)

    def _in_place_of(self, hall: Address) -> Address:
        if HandedOver not in self.newest_marks:
            return hall
        for given, taken in pairwise(self.marks):
            fact = given.fact
            if (
                isinstance(fact, HandedOver)
                and fact.purpose is HandOverPurpose.SUCCESSION
                and given.author == hall
                and isinstance(taken.fact, TakenOver)
            ):
                hall = taken.author
        return hall

    @property
    def received_at(self) -> datetime:
        return self.marks[0].at

    @property
    def changed_at(self) -> datetime:
        return self.marks[-1].at

    @property
    def ended(self) -> bool:
        return self.stage in ENDED

    @property
    def decided_or_ended(self) -> bool:
        return self.ended or self.stage is Stage.DECIDED

    def newest(self, kind: type[Fact]) -> Mark | None:
        return self.newest_marks.get(kind)

    def last(self, kind: type[AFact]) -> AFact | None:
        """The newest fact of a kind."""
        mark = self.newest_marks.get(kind)
        return cast(AFact, mark.fact) if mark is not None else None

    def all_of(self, kind: type[AFact]) -> list[AFact]:
        """The facts of a kind, the oldest first."""
        if kind not in self.newest_marks:
            return []
        return [mark.fact for mark in self.marks if isinstance(mark.fact, kind)]

    def mark_after(self, start: Mark, *kinds: type[Fact]) -> Mark | None:
        """The first mark of some kinds after another one."""
        return next(iter(self.marks_after(start, *kinds)), None)

    def marks_after(self, start: Mark, *kinds: type[Fact]) -> list[Mark]:
        """The marks of some kinds after another one, in the order of the history."""
        if self.newest_marks.keys().isdisjoint(kinds):
            return []
        position = next(n for n, mark in enumerate(self.marks) if mark is start)
        return [mark for mark in self.marks[position + 1 :] if isinstance(mark.fact, kinds)]

    @property
    def received(self) -> tuple[Mark, date] | None:
        """What made the application count as received, and the day; None while it is pre-reviewed."""
        if not self.filed.for_prereview:
            return self.marks[0], self.marks[0].day
        passed = self.newest(PrereviewPassed)
        if passed is None:
            return None
        assert isinstance(passed.fact, PrereviewPassed)
        return passed, passed.fact.received_on

    @property
    def procedure(self) -> Mark | None:
        """The special procedure that goes on."""
        began = self.newest(ProcedureBegan)
        if began is None or self.mark_after(began, ProcedureEnded) is not None:
            return None
        return began

    @property
    def decision(self) -> Mark | None:
        """The decision, unless it was recalled to be examined again."""
        decided = self.newest(Decided)
        if decided is None or self.mark_after(decided, RefusalRecalled) is not None:
            return None
        return decided

    @property
    def commitment(self) -> CommitmentSigned | None:
        """The promise in place of proofs, unless it was withdrawn."""
        signed = self.newest(CommitmentSigned)
        if signed is None or self.mark_after(signed, CommitmentWithdrawn) is not None:
            return None
        return self.last(CommitmentSigned)

    @property
    def gaps(self) -> tuple[str, ...]:
        """Promised materials that have not come."""
        accepted = self.last(Accepted)
        there = {material.name for material in self.materials}
        return tuple(name for name in (accepted.gaps if accepted else ()) if name not in there)

    def since_recall(self, kind: type[AFact]) -> list[AFact]:
        """The facts of a kind since a refusal was recalled last, the oldest first; all if none was. What bodies
        said of a joint case before that was taken back with the refusal: they are asked anew."""
        recalled = self.newest(RefusalRecalled)
        if recalled is None:
            return self.all_of(kind)
        later = dropwhile(lambda mark: mark is not recalled, self.marks)
        return [mark.fact for mark in later if isinstance(mark.fact, kind)]

    @property
    def legs(self) -> tuple[PlannedLeg, ...]:
        """All legs of a joint case, opened or not."""
        planned = self.since_recall(LegsPlanned)
        return planned[-1].legs if planned else ()

    @property
    def opened_legs(self) -> tuple[PlannedLeg, ...]:
        opened = {fact.leg for fact in self.since_recall(LegOpened)}
        return tuple(leg for leg in self.legs if leg.leg in opened)

    @property
    def open_legs(self) -> tuple[PlannedLeg, ...]:
        """Legs that were opened and have not ended."""
        ended = {fact.leg for fact in self.since_recall(LegEnded)}
        return tuple(leg for leg in self.opened_legs if leg.leg not in ended)

    @property
    def mandate_stands_still(self) -> bool:
        """Whether the agent may not act now, because the permission was revoked or suspended."""
        changed = self.last(MandateChanged)
        return changed is not None and changed.change is not MandateChange.RESUMED

    @property
    def archived(self) -> bool:
        return self.newest(Archived) is not None

    def reports_up(self, item: ItemVersion, here: Address) -> bool:
        """Whether a hall examines the case and a hall above it decides (上报)."""
        return item.report_up and self.competent_hall.may_certify(here)

    def missing_materials(self, item: ItemVersion) -> list[str]:
        """Names of what the applicant has to hand in and did not."""
        return self._missing(needed for needed in item.materials if needed.asked_of_applicant)

    def missing_tolerable(self, item: ItemVersion) -> list[str]:
        """Names of what is missing and may be handed in after acceptance (容缺).

        What is asked for only under a condition is not missing before somebody says so.
        """
        return self._missing(
            needed
            for needed in item.materials
            if needed.requirement is Requirement.TOLERATED
            and needed.source is not MaterialSource.SHARED
            and not needed.condition
        )

    def _missing(self, asked: Iterable[RequiredMaterial]) -> list[str]:
        there = {material.name for material in self.materials}
        if self.commitment is not None:
            there |= set(self.commitment.materials)
        return [needed.name for needed in asked if needed.name not in there]

    def halls(self) -> frozenset[Address]:
        """Every hall that has or had a part in the case: each keeps a replica.

        The centre that guides a branch hall is one of them.
        """
        halls = {self.filed.intake_hall}
        for mark in self.marks:
            halls.add(mark.author)
            if isinstance(mark.fact, HandedOver):
                halls.add(mark.fact.to)
        guides = {Address(hall.division) for hall in halls if hall.is_branch_hall}
        return frozenset(halls | guides)


def read_history(raw_events: Iterable[bytes], case: Case | None = None) -> Case | None:
    """Fold serialised events onto a case; raises as `evolve` does."""
    for raw in raw_events:
        case = evolve(case, EVENT.from_bytes(raw), digest(raw))
    return case


def evolve(case: Case | None, event: CaseEvent, event_digest: bytes) -> Case:
    """The case after an event.

    Raises HistoryBroken if the event does not follow on the last one, EventOutOfTurn if its author had
    no say, ActNotPossible if it does not fit the stage.
    """
    if case is None:
        return _opened(event, event_digest)
    if (
        event.case_id != case.case_id
        or event.sequence != case.sequence + 1
        or event.previous != case.last_digest
        or event.sequence > EVENTS_MAX
    ):
        raise HistoryBroken("event.sequence", sequence=event.sequence)
    _require_turn(case, event)
    stage = TABLE[case.stage].get(type(event.fact))
    if stage is None or not _fits(case, event.fact):
        raise ActNotPossible("event", stage=NAMES[case.stage], act=type(event.fact).__name__)
    mark = Mark(event.fact, event.at, event.author, event.actor)
    return replace(
        case,
        stage=stage,
        custodian=_custodian_after(case, event),
        transit=_transit_after(event),
        materials=_merged(case.materials, event.fact),
        marks=(*case.marks, mark),
        sequence=event.sequence,
        last_digest=event_digest,
        newest_marks={**case.newest_marks, type(event.fact): mark},
    )


def _opened(event: CaseEvent, event_digest: bytes) -> Case:
    filed = event.fact
    if not isinstance(filed, Filed) or event.sequence != 1 or event.previous:
        raise HistoryBroken("event.sequence", sequence=event.sequence)
    if filed.intake_hall != event.author:
        raise EventOutOfTurn("event.author", author=event.author)
    mark = Mark(filed, event.at, event.author, event.actor)
    return Case(
        case_id=event.case_id,
        filed=filed,
        stage=Stage.PREREVIEW if filed.for_prereview else Stage.RECEIVED,
        custodian=event.author,
        transit=None,
        materials=filed.materials,
        marks=(mark,),
        sequence=1,
        last_digest=event_digest,
        newest_marks={Filed: mark},
    )


def _require_turn(case: Case, event: CaseEvent) -> None:
    fact, transit = event.fact, case.transit
    if isinstance(fact, HandOverFailed):
        may = transit is not None and event.author == transit.giver
    elif isinstance(fact, TakenOver | HandOverDeclined):
        may = transit is not None and event.author == transit.to
    else:
        may = transit is None and event.author == case.custodian
    if not may:
        raise EventOutOfTurn("event.author", author=event.author)


def _fits(case: Case, fact: Fact) -> bool:
    """What the stage alone does not say."""
    if isinstance(fact, ProcedureEnded):
        return case.procedure is not None
    succession = isinstance(fact, HandedOver) and fact.purpose is HandOverPurpose.SUCCESSION
    if isinstance(fact, NOT_DURING_PROCEDURE) and case.procedure is not None and not succession:
        return False
    if isinstance(fact, HandedOver) and case.stage in WITH_APPLICANT and not succession:
        return False
    if isinstance(fact, Decided | HandedOver) and case.open_legs:
        return False
    if isinstance(fact, LegsPlanned):
        return not case.legs
    return not isinstance(fact, Archived) or not case.archived


def _custodian_after(case: Case, event: CaseEvent) -> Address:
    if isinstance(event.fact, HandOverDeclined):
        assert case.transit is not None
        return case.transit.giver
    return event.author


def _transit_after(event: CaseEvent) -> Transit | None:
    if isinstance(event.fact, HandedOver):
        return Transit(event.author, event.fact.to, event.fact.purpose, event.at)
    return None


def _merged(materials: tuple[Material, ...], fact: Fact) -> tuple[Material, ...]:
    if not isinstance(fact, Supplemented):
        return materials
    newer = {material.name: material for material in fact.materials}
    kept = tuple(material for material in materials if material.name not in newer)
    return kept + fact.materials

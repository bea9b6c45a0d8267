"""A case: the fold of its events.

`evolve` is the only thing that changes a case. It accepts an event only if it follows on the one before,
comes from the hall that has the say at that point, and fits the stage: see TABLE.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta, timezone
from enum import IntEnum

from hallnet.case.event import (
    EVENT,
    Accepted,
    CaseEvent,
    Closed,
    Decided,
    Declined,
    Fact,
    Filed,
    HandedOver,
    HandOverDeclined,
    HandOverFailed,
    HandOverPurpose,
    NoticeGiven,
    Reviewed,
    Supplemented,
    TakenOver,
    Withdrawn,
    digest,
)
from hallnet.case.item import ItemVersion
from hallnet.case.person import Material
from hallnet.case.problems import ActNotPossible, EventOutOfTurn, HistoryBroken
from hallnet.places import Address

CHINA = timezone(timedelta(hours=8), "Asia/Shanghai")
"""The one time zone of the country: days of the law are days there."""

EVENTS_MAX = 1000


def day_of(moment: datetime) -> date:
    """The day of a moment, as the law counts days."""
    return moment.astimezone(CHINA).date()


class Stage(IntEnum):
    """Where a case is in its life; the numbers are those of CaseStage on the wire."""

    RECEIVED = 1
    CORRECTING = 2
    ACCEPTED = 3
    REVIEWED = 4
    DECIDED = 5
    CLOSED = 6
    DECLINED = 7
    WITHDRAWN = 8


NAMES = {
    Stage.RECEIVED: "已收件",
    Stage.CORRECTING: "待补正",
    Stage.ACCEPTED: "已受理",
    Stage.REVIEWED: "已初审",
    Stage.DECIDED: "已决定",
    Stage.CLOSED: "已办结",
    Stage.DECLINED: "不予受理",
    Stage.WITHDRAWN: "已撤回",
}
ENDED = frozenset({Stage.CLOSED, Stage.DECLINED, Stage.WITHDRAWN})


def _stays(stage: Stage) -> dict[type[Fact], Stage]:
    """Custody moves without changing the stage."""
    return dict.fromkeys((HandedOver, TakenOver, HandOverDeclined, HandOverFailed), stage)


TABLE: dict[Stage, dict[type[Fact], Stage]] = {
    Stage.RECEIVED: {
        NoticeGiven: Stage.CORRECTING,
        Accepted: Stage.ACCEPTED,
        Declined: Stage.DECLINED,
        Withdrawn: Stage.WITHDRAWN,
        **_stays(Stage.RECEIVED),
    },
    Stage.CORRECTING: {Supplemented: Stage.RECEIVED, Withdrawn: Stage.WITHDRAWN},
    Stage.ACCEPTED: {
        Reviewed: Stage.REVIEWED,
        Decided: Stage.DECIDED,
        Withdrawn: Stage.WITHDRAWN,
        **_stays(Stage.ACCEPTED),
    },
    Stage.REVIEWED: {
        Decided: Stage.DECIDED,
        Withdrawn: Stage.WITHDRAWN,
        **_stays(Stage.REVIEWED),
    },
    Stage.DECIDED: {Closed: Stage.CLOSED, **_stays(Stage.DECIDED)},
    Stage.CLOSED: {},
    Stage.DECLINED: {},
    Stage.WITHDRAWN: {},
}


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

    @property
    def day(self) -> date:
        return day_of(self.at)


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

    @property
    def case_no(self) -> str:
        return self.filed.case_no

    @property
    def received_at(self) -> datetime:
        return self.marks[0].at

    @property
    def changed_at(self) -> datetime:
        return self.marks[-1].at

    @property
    def ended(self) -> bool:
        return self.stage in ENDED

    def newest(self, kind: type[Fact]) -> Mark | None:
        return next((mark for mark in reversed(self.marks) if isinstance(mark.fact, kind)), None)

    def missing_materials(self, item: ItemVersion) -> list[str]:
        """Names of what the applicant has to hand in and did not."""
        there = {material.name for material in self.materials}
        return [
            needed.name
            for needed in item.materials
            if needed.asked_of_applicant and needed.name not in there
        ]

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
    if stage is None:
        raise ActNotPossible("event", stage=NAMES[case.stage], act=type(event.fact).__name__)
    return replace(
        case,
        stage=stage,
        custodian=_custodian_after(case, event),
        transit=_transit_after(event),
        materials=_merged(case.materials, event.fact),
        marks=(*case.marks, Mark(event.fact, event.at, event.author)),
        sequence=event.sequence,
        last_digest=event_digest,
    )


def _opened(event: CaseEvent, event_digest: bytes) -> Case:
    filed = event.fact
    if not isinstance(filed, Filed) or event.sequence != 1 or event.previous:
        raise HistoryBroken("event.sequence", sequence=event.sequence)
    if filed.intake_hall != event.author:
        raise EventOutOfTurn("event.author", author=event.author)
    return Case(
        case_id=event.case_id,
        filed=filed,
        stage=Stage.RECEIVED,
        custodian=event.author,
        transit=None,
        materials=filed.materials,
        marks=(Mark(filed, event.at, event.author),),
        sequence=1,
        last_digest=event_digest,
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

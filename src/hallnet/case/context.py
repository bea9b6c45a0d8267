"""What a decision needs to know beside the case."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from hallnet.case.calendar import Calendar, WorkingCalendar
from hallnet.case.case import Case, day_of
from hallnet.case.clock import Clock, CountClocks, clocks
from hallnet.case.event import Fact
from hallnet.case.fact import DeceitFound, PlannedLeg
from hallnet.case.fee import FeeAccount
from hallnet.case.grant import Grant, require_power
from hallnet.case.item import ItemVersion
from hallnet.case.mandate import MandateAct, require_covers
from hallnet.case.person import Actor, ActorKind
from hallnet.case.policy import DEFAULT, Policy
from hallnet.case.power import NAMES as POWER_NAMES
from hallnet.case.power import Power
from hallnet.case.problems import (
    ActNotPossible,
    MandateMissing,
    MandateNotForThis,
    NotCompetent,
    PowerMissing,
    ReasonsMissing,
    ResultsSuspended,
)
from hallnet.case.stage import NAMES, NOT_DURING_PROCEDURE, TABLE
from hallnet.places import Address

REMEDY = "申请人不服的，可自收到决定之日起60日内申请行政复议，或6个月内提起行政诉讼"
"""行政许可法 article 38, 行政复议法 article 20, 行政诉讼法 article 46."""


def _no_calendar() -> Calendar:
    return Calendar(WorkingCalendar(()))


@dataclass(frozen=True, slots=True)
class Context:
    """Time, place, actor and the rules in force. `document_no` is for a paper that may follow."""

    now: datetime
    here: Address
    actor: Actor
    powers: frozenset[Power]
    item: ItemVersion
    document_no: str
    results_suspended_since: datetime | None = None
    calendar: Calendar = field(default_factory=_no_calendar)
    policy: Policy = DEFAULT
    legs: tuple[PlannedLeg, ...] = ()
    """The legs that a joint case could have; only for opening them."""
    legs_due: Mapping[int, date] = field(default_factory=dict)
    """The last day of each open leg; only for ending one."""
    fees: FeeAccount | None = None
    """What the case costs and what was paid; None if it costs nothing."""
    count_clocks: CountClocks = clocks
    lapsed: Mapping[Power, Grant] = field(default_factory=dict)
    """Grants of the actor that are over and would have covered the act."""
    stands_in_for: frozenset[str] = frozenset()
    """Who is away today and whose stand-in (B) the actor is; only for handing a case to another."""
    credit_broken_since: date | None = None
    """Since when a promise of the applicant stands as broken; only for what rests on a promise."""
    successors: frozenset[Address] = frozenset()
    """Halls that go on in the place of this one, as a hall above both ordered."""
    bar: DeceitFound | None = None
    """That the applicant may not apply for the item yet, as this hall knows; only for filing."""

    @property
    def today(self) -> date:
        return day_of(self.now)

    def clocks_of(self, case: Case) -> Sequence[Clock]:
        """All clocks of a case, in the order in which they were started."""
        return self.count_clocks(case, self.item, self.calendar, self.policy)

    def require(self, *any_of: Power) -> None:
        """Staff act by one of their powers; an agent has none (行政许可法 article 24)."""
        if self.actor.kind is ActorKind.SYSTEM:
            return
        if self.actor.kind is not ActorKind.STAFF:
            named = "或".join(POWER_NAMES[power] for power in any_of)
            raise PowerMissing("act.actor_id", power=named)
        require_power(self.powers, self.lapsed, any_of, "act.actor_id")

    def require_results(self) -> None:
        """Past the hard expiry of its trust data a hall issues no results."""
        if self.results_suspended_since is not None:
            raise ResultsSuspended("case_id", expired_at=self.results_suspended_since)

    def require_competent(self, case: Case) -> None:
        if case.competent_hall != self.here:
            raise NotCompetent("case_id", competent=case.competent_hall)

    def require_applicant_side(self, case: Case, power: Power, act: MandateAct) -> None:
        """Staff with a power, or the agent whose mandate covers the act; checked at every hall."""
        if self.actor.kind is not ActorKind.AGENT:
            self.require(power)
            return
        mandate = case.filed.mandate
        if mandate is None:
            raise MandateMissing("mandate_id")
        if case.mandate_stands_still:
            raise MandateNotForThis("mandate_id", what="委托已中止或终止")
        require_covers(
            mandate, self.item, case.filed.applicant, self.actor.actor_id, act, self.today
        )

    def reports_up(self, case: Case) -> bool:
        return case.reports_up(self.item, self.here)


def require_possible(case: Case, fact: type[Fact], act: str) -> None:
    """Raises ActNotPossible, naming the stage, if nothing of the kind can happen now, or not while a
    special procedure goes on."""
    if fact not in TABLE[case.stage]:
        raise ActNotPossible("case_id", stage=NAMES[case.stage], act=act)
    if fact in NOT_DURING_PROCEDURE and case.procedure is not None:
        raise ActNotPossible("case_id", stage="特别程序中", act=act)


def require_text(text: str, where: str) -> None:
    """Raises ReasonsMissing for an empty one."""
    if not text.strip():
        raise ReasonsMissing(where)

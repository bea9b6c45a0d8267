"""A case as it lies on the desk of somebody who may see it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hallnet.case.event import EVENT, CaseEvent, Defect, Filed, NoticeGiven, PrereviewReturned
from hallnet.case.mandate import MandateAct
from hallnet.case.problems import CaseUnknown
from hallnet.case.stage import Stage
from hallnet.node.client import problems_raised
from hallnet.portal.site import Visit
from hallnet.wire.intake.v1 import intake_service_pb2 as wire


@dataclass(frozen=True, slots=True)
class CaseOnDesk:
    """A case as the intake shows it, with its events read."""

    view: wire.CaseView
    events: Sequence[CaseEvent]

    @property
    def filed(self) -> Filed:
        first = self.events[0].fact
        assert isinstance(first, Filed)
        return first

    @property
    def stage(self) -> Stage:
        return Stage(self.view.summary.stage)

    @property
    def in_transit(self) -> bool:
        return bool(self.view.summary.in_transit_to)

    @property
    def material_names(self) -> list[str]:
        """What the item asks for, what is still wanted first."""
        wanted = self.wanted
        others = [item.name for item in self.view.item.materials if item.name not in wanted]
        return [*wanted, *others]

    @property
    def wanted(self) -> list[str]:
        """Materials of the item that the last notice named or that are missing."""
        named = {defect.material for defect in self.told_defects}
        named.update(self.view.missing_materials, self.view.gaps)
        return [item.name for item in self.view.item.materials if item.name in named]

    @property
    def told_defects(self) -> tuple[Defect, ...]:
        """What the applicant was told last and has not answered."""
        if self.stage not in (Stage.CORRECTING, Stage.RETURNED):
            return ()
        notices = [
            event.fact
            for event in self.events
            if isinstance(event.fact, NoticeGiven | PrereviewReturned)
        ]
        return notices[-1].defects if notices else ()

    def may_agent(self, act: MandateAct) -> bool:
        return self.filed.mandate is not None and act in self.filed.mandate.acts


async def on_desk(visit: Visit, purpose: str) -> CaseOnDesk:
    """The case of the address. To an agent only what the agent filed; raises CaseUnknown or Reported."""
    account = visit.account
    request = wire.GetCaseRequest(
        case_ref=visit.path("case_id"), actor_id=account.actor_id, purpose=purpose
    )
    with problems_raised():
        view = (await visit.desk.intake.GetCase(request)).case
    case = CaseOnDesk(view, [EVENT.from_message(event) for event in view.events])
    mandate = case.filed.mandate
    if account.is_agent and (mandate is None or mandate.agent_id != account.actor_id):
        raise CaseUnknown("case_id")
    return case

"""What can be done with a case now, by whom, and how it is asked of the intake."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from hallnet.case.event import Fact, Supplemented, Withdrawn
from hallnet.case.fact import MandateChanged
from hallnet.case.mandate import MandateAct
from hallnet.case.power import NAMES as POWER_NAMES
from hallnet.case.power import Power
from hallnet.case.stage import TABLE, Stage
from hallnet.node.desk import Desk
from hallnet.portal.case_on_desk import CaseOnDesk
from hallnet.portal.forms import Form
from hallnet.portal.inputs import Input
from hallnet.portal.session import SignedIn
from hallnet.wire.case.v1 import case_event_pb2 as wire_event
from hallnet.wire.case.v1 import command_pb2 as wire_command
from hallnet.wire.case.v1 import item_pb2 as wire_item
from hallnet.wire.case.v1 import person_pb2 as wire_person
from hallnet.wire.intake.v1 import intake_service_pb2 as wire

DEFECTS_MAX = 40
_MISSING = ("未提交", "请补交后继续办理")


@dataclass(frozen=True, slots=True)
class Attempt:
    """What somebody asks to be done, with everything that came in the form of the act."""

    desk: Desk
    case: CaseOnDesk
    by: wire.Act
    form: Form
    materials: Sequence[wire_person.Material]
    """Uploaded before."""

    @property
    def case_id(self) -> str:
        return self.case.view.summary.case_id


Command = Callable[[Attempt], wire_command.CaseCommand]
"""What is asked of the intake, from what came in the form."""


@dataclass(frozen=True, slots=True)
class Act:
    """One thing that people do with a case."""

    key: str
    """In addresses."""
    command: str
    """Its name in CaseView.possible_acts."""
    name: str
    done: str
    """Said when it was done."""
    power: Power | None
    """None where it depends on the case."""
    fields: frozenset[str]
    ask: Command
    takes_files: tuple[str, ...] | None = ()
    """Names of the files that its form takes; None for those of the item."""
    inputs: tuple[Input, ...] = ()
    """Of a form that is drawn from them; none for one with a drawing of its own."""
    explanation: str = ""
    danger: bool = False

    @property
    def is_rare(self) -> bool:
        """Not shown among the everyday acts."""
        return bool(self.inputs) or bool(self.explanation)


@dataclass(frozen=True, slots=True)
class Offer:
    """An act that fits the case now, and whether the person who looks holds the power for it."""

    act: Act
    may: bool
    power: str


def offers(every: Sequence[Act], case: CaseOnDesk, here: str, account: SignedIn) -> list[Offer]:
    """The acts that are possible now at this hall; for an agent only those of the applicant's side."""
    possible = set(case.view.possible_acts) | _to_be_passed_on(case, here)
    found = []
    for act in every:
        if act.command not in possible:
            continue
        if account.is_agent:
            if act.command in _AGENT_ACTS and case.may_agent(_AGENT_ACTS[act.command]):
                found.append(Offer(act, True, ""))
            continue
        if act.command in _OF_OWNERS:
            # Whose it is, who stands in for whom: the intake knows.
            found.append(Offer(act, True, ""))
            continue
        power = _power(act, case)
        found.append(Offer(act, power in account.powers, POWER_NAMES[power]))
    return found


def defects_in(form: Form) -> list[wire_event.Defect]:
    """The rows of a notice; those in which nothing stands are left out."""
    columns = [form.texts(f"defect_{part}") for part in ("material", "problem", "remedy")]
    kinds = form.texts("defect_kind") + ("",) * DEFECTS_MAX
    return [
        wire_event.Defect(material=material, problem=problem, remedy=remedy, kind=_kind(kind))
        for material, problem, remedy, kind in list(zip(*columns, kinds, strict=False))[
            :DEFECTS_MAX
        ]
        if material or problem or remedy
    ]


def _kind(text: str) -> wire_event.DefectKind.ValueType:
    """Unspecified for what is none."""
    known = text.isdigit() and int(text) in wire_event.DefectKind.values()
    return wire_event.DefectKind.ValueType(int(text) if known else 0)


def suggested_defects(case: CaseOnDesk) -> list[wire_event.Defect]:
    """What is plainly missing, for the clerk to complete."""
    problem, remedy = _MISSING
    return [
        wire_event.Defect(material=name, problem=problem, remedy=remedy)
        for name in case.view.missing_materials
    ]


async def perform(act: Act, attempt: Attempt) -> bool:
    """Do it, or raise Reported; True if it was passed on to the hall that has the case."""
    request = wire.ActOnCaseRequest(
        act=attempt.by, case_id=attempt.case_id, command=act.ask(attempt), summary_only=True
    )
    return (await attempt.desk.intake.ActOnCase(request)).passed_on


def _to_be_passed_on(case: CaseOnDesk, here: str) -> set[str]:
    """At the hall of intake the applicant can still be heard while another hall has the case."""
    elsewhere = not case.view.in_custody and not case.in_transit
    if not elsewhere or str(case.filed.intake_hall) != here:
        return set()
    wishes: dict[str, type[Fact]] = {"Supplement": Supplemented, "Withdraw": Withdrawn}
    if case.filed.mandate is not None:
        wishes["ChangeMandate"] = MandateChanged
    in_process = case.stage in (Stage.ACCEPTED, Stage.REVIEWED)
    if in_process and not case.view.gaps:
        del wishes["Supplement"]
    return {name for name, fact in wishes.items() if fact in TABLE[case.stage]}


_AGENT_ACTS = {
    "Supplement": MandateAct.SUBMIT,
    "Withdraw": MandateAct.SUBMIT,
    "Close": MandateAct.COLLECT,
}


_OF_OWNERS = frozenset({"OfferOwnership", "TakeOwnership", "DeclineOwnership", "ExplainOverdue"})


def _power(act: Act, case: CaseOnDesk) -> Power:
    """What the intake will ask for; it decides, this only spares people a refusal."""
    if act.command == "HandOver":
        reports_up = case.stage is Stage.REVIEWED
        return Power.REVIEW if reports_up else Power.COORDINATE
    if act.command == "Decide":
        is_instant = case.view.item.handling_kind == wire_item.HANDLING_KIND_INSTANT
        return Power.DECIDE_INSTANT if is_instant else Power.DECIDE
    assert act.power is not None
    return act.power


PASSED_ON = "已转送现在负责的大厅，对方办理后这里会更新。"

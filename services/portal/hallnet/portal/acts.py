"""What can be done with a case now, and the small form of each act."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from hallnet.case.case import TABLE, Stage
from hallnet.case.event import Fact, Supplemented, Withdrawn
from hallnet.case.mandate import MandateAct
from hallnet.case.power import NAMES as POWER_NAMES
from hallnet.case.power import Power
from hallnet.node.desk import Desk
from hallnet.portal.case_on_desk import CaseOnDesk
from hallnet.portal.forms import Form
from hallnet.portal.session import SignedIn
from hallnet.wire.case.v1 import case_event_pb2 as wire_event
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


Perform = Callable[[Attempt], Awaitable[bool]]
"""Does it, or raises Reported; True if it was passed on to the hall that has the case."""


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
    fields: frozenset[str]
    perform: Perform
    takes_files: bool = False


@dataclass(frozen=True, slots=True)
class Offer:
    """An act that fits the case now, and whether the person who looks holds the power for it."""

    act: Act
    may: bool
    power: str


def offers(case: CaseOnDesk, here: str, account: SignedIn) -> list[Offer]:
    """The acts that are possible now at this hall; for an agent only those of the applicant's side."""
    possible = set(case.view.possible_acts) | _to_be_passed_on(case, here)
    found = []
    for act in ACTS:
        if act.command not in possible:
            continue
        if account.is_agent:
            if act.command in _AGENT_ACTS and case.may_agent(_AGENT_ACTS[act.command]):
                found.append(Offer(act, True, ""))
            continue
        power = _power(act, case)
        found.append(Offer(act, power in account.powers, POWER_NAMES[power]))
    return found


def defects_in(form: Form) -> list[wire_event.Defect]:
    """The rows of a notice; those in which nothing stands are left out."""
    columns = [form.texts(f"defect_{part}") for part in ("material", "problem", "remedy")]
    return [
        wire_event.Defect(material=material, problem=problem, remedy=remedy)
        for material, problem, remedy in list(zip(*columns, strict=False))[:DEFECTS_MAX]
        if material or problem or remedy
    ]


def suggested_defects(case: CaseOnDesk) -> list[wire_event.Defect]:
    """What is plainly missing, for the clerk to complete."""
    problem, remedy = _MISSING
    return [
        wire_event.Defect(material=name, problem=problem, remedy=remedy)
        for name in case.view.missing_materials
    ]


def _to_be_passed_on(case: CaseOnDesk, here: str) -> set[str]:
    """At the hall of intake the applicant can still be heard while another hall has the case."""
    elsewhere = not case.view.in_custody and not case.in_transit
    if not elsewhere or str(case.filed.intake_hall) != here:
        return set()
    wishes: dict[str, type[Fact]] = {"Supplement": Supplemented, "Withdraw": Withdrawn}
    return {name for name, fact in wishes.items() if fact in TABLE[case.stage]}


_AGENT_ACTS = {
    "Supplement": MandateAct.SUBMIT,
    "Withdraw": MandateAct.SUBMIT,
    "Close": MandateAct.COLLECT,
}
_POWERS = {
    "GiveNotice": Power.VERIFY,
    "Supplement": Power.VERIFY,
    "Accept": Power.RECEIVE,
    "Decline": Power.GATEKEEP,
    "Review": Power.REVIEW,
    "Close": Power.RECEIVE,
    "Withdraw": Power.RECEIVE,
}


def _power(act: Act, case: CaseOnDesk) -> Power:
    """What the intake will ask for; it decides, this only spares people a refusal."""
    if act.command == "HandOver":
        reports_up = case.stage is Stage.REVIEWED
        return Power.REVIEW if reports_up else Power.COORDINATE
    if act.command == "Decide":
        is_instant = case.view.item.handling_kind == wire_item.HANDLING_KIND_INSTANT
        return Power.DECIDE_INSTANT if is_instant else Power.DECIDE
    return _POWERS[act.command]


async def _give_notice(attempt: Attempt) -> bool:
    request = wire.GiveNoticeRequest(
        act=attempt.by, case_id=attempt.case_id, defects=defects_in(attempt.form)
    )
    await attempt.desk.intake.GiveNotice(request)
    return False


async def _supplement(attempt: Attempt) -> bool:
    request = wire.SupplementCaseRequest(
        act=attempt.by, case_id=attempt.case_id, materials=attempt.materials
    )
    return (await attempt.desk.intake.SupplementCase(request)).passed_on


async def _accept(attempt: Attempt) -> bool:
    request = wire.AcceptCaseRequest(act=attempt.by, case_id=attempt.case_id)
    await attempt.desk.intake.AcceptCase(request)
    return False


async def _decline(attempt: Attempt) -> bool:
    form = attempt.form
    request = wire.DeclineCaseRequest(
        act=attempt.by,
        case_id=attempt.case_id,
        ground=wire_event.DeclineGround.ValueType(form.number("ground")),
        explanation=form.text("explanation"),
        right_body=form.text("right_body"),
    )
    await attempt.desk.intake.DeclineCase(request)
    return False


async def _review(attempt: Attempt) -> bool:
    form = attempt.form
    request = wire.ReviewCaseRequest(
        act=attempt.by,
        case_id=attempt.case_id,
        opinion=wire_event.Opinion.ValueType(form.number("opinion")),
        explanation=form.text("explanation"),
    )
    await attempt.desk.intake.ReviewCase(request)
    return False


async def _hand_over(attempt: Attempt) -> bool:
    request = wire.HandOverCaseRequest(
        act=attempt.by, case_id=attempt.case_id, explanation=attempt.form.text("explanation")
    )
    await attempt.desk.intake.HandOverCase(request)
    return False


async def _decide(attempt: Attempt) -> bool:
    form = attempt.form
    request = wire.DecideCaseRequest(
        act=attempt.by,
        case_id=attempt.case_id,
        outcome=wire_event.Outcome.ValueType(form.number("outcome")),
        reasons=form.text("reasons"),
        legal_basis=form.text("legal_basis"),
    )
    await attempt.desk.intake.DecideCase(request)
    return False


async def _close(attempt: Attempt) -> bool:
    form = attempt.form
    request = wire.CloseCaseRequest(
        act=attempt.by,
        case_id=attempt.case_id,
        method=wire_event.DeliveryMethod.ValueType(form.number("method")),
        received_by=form.text("received_by"),
    )
    await attempt.desk.intake.CloseCase(request)
    return False


async def _withdraw(attempt: Attempt) -> bool:
    request = wire.WithdrawCaseRequest(
        act=attempt.by, case_id=attempt.case_id, reason=attempt.form.text("reason")
    )
    return (await attempt.desk.intake.WithdrawCase(request)).passed_on


def _act(
    key: str,
    command: str,
    name: str,
    done: str,
    fields: str,
    perform: Perform,
    takes_files: bool = False,
) -> Act:
    return Act(key, command, name, done, frozenset(fields.split()), perform, takes_files)


ACTS = (
    _act("accept", "Accept", "受理", "已受理。", "", _accept),
    _act(
        "notice",
        "GiveNotice",
        "一次性告知",
        "一次性告知书已出具，申请人将收到通知。",
        "defects",
        _give_notice,
    ),
    _act(
        "supplement", "Supplement", "补正材料", "补正材料已收到。", "materials", _supplement, True
    ),
    _act("review", "Review", "初审", "初审意见已记录。", "opinion explanation", _review),
    _act(
        "hand-over",
        "HandOver",
        "上报或转交",
        "办件已发出，对方接收后由对方负责。",
        "explanation",
        _hand_over,
    ),
    _act("decide", "Decide", "作出决定", "决定已作出。", "outcome reasons legal_basis", _decide),
    _act("close", "Close", "办结", "办件已办结。", "method received_by", _close),
    _act(
        "decline", "Decline", "不予受理", "已不予受理。", "ground explanation right_body", _decline
    ),
    _act("withdraw", "Withdraw", "撤回申请", "申请已撤回。", "reason", _withdraw),
)
PASSED_ON = "已转送现在负责的大厅，对方办理后这里会更新。"
BY_KEY = {act.key: act for act in ACTS}

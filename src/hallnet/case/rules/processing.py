"""In process: review, special procedures, surveys, more time and less (行政许可法 articles 34 to 48)."""

from __future__ import annotations

from hallnet.case import command as commands
from hallnet.case.case import Case
from hallnet.case.clock import ClockKind
from hallnet.case.context import Context, require_possible, require_text
from hallnet.case.event import Fact, Reviewed
from hallnet.case.fact import (
    Extended,
    MadeUrgent,
    ProcedureBegan,
    ProcedureEnded,
    ProcedureKind,
    Surveyed,
)
from hallnet.case.item import ItemVersion, SpecialProcedure, TaskType, TimeLimit, TimeUnit
from hallnet.case.power import Power
from hallnet.case.problems import ActNotPossible
from hallnet.case.rules.hearing import require_may_preside
from hallnet.case.rules.problems import (
    DayImpossible,
    HearingTooSoon,
    NotExtendable,
    ProcedureTimeMissing,
    ProcedureTooLong,
    ProcedureUnknown,
    RecordUnsigned,
    SurveyorsTooFew,
)
from hallnet.case.stage import NAMES

HEARING_ANNOUNCED_DAYS = 7
SURVEYORS_MIN = 2
EXTENSION = TimeLimit(10, TimeUnit.WORKING_DAY, "行政许可法第四十二条第一款")
JOINT_EXTENSION = TimeLimit(15, TimeUnit.WORKING_DAY, "行政许可法第四十二条第二款")
PROCEDURE_NAMES = {
    ProcedureKind.HEARING: "听证",
    ProcedureKind.TENDER: "招标",
    ProcedureKind.AUCTION: "拍卖",
    ProcedureKind.INSPECTION: "检验",
    ProcedureKind.TEST: "检测",
    ProcedureKind.QUARANTINE: "检疫",
    ProcedureKind.APPRAISAL: "鉴定",
    ProcedureKind.EXPERT_REVIEW: "专家评审",
}
"""The steps of article 45, whose time never counts."""


def review(case: Case, command: commands.Review, context: Context) -> list[Fact]:
    """Article 35: the lower hall's first opinion."""
    context.require(Power.REVIEW)
    require_possible(case, Reviewed, "初审")
    require_text(command.explanation, "explanation")
    return [Reviewed(command.opinion, command.explanation)]


def begin_procedure(case: Case, command: commands.BeginProcedure, context: Context) -> list[Fact]:
    """Article 45: its time does not count, provided that the applicant is told in writing how long it
    takes. The paper is made with the act, so there is no pause without it."""
    context.require(Power.REVIEW, Power.DECIDE, Power.DECIDE_INSTANT)
    require_possible(case, ProcedureBegan, "启动特别程序")
    if command.expected.days < 1 or not command.reason.strip():
        raise ProcedureTimeMissing("expected")
    name, counted = _named(command, context)
    if command.kind is ProcedureKind.HEARING:
        held_on = command.held_on
        announced = context.calendar.working_days_between(context.today, held_on) if held_on else 0
        if announced < HEARING_ANNOUNCED_DAYS:
            raise HearingTooSoon("held_on")
        require_may_preside(case, command.presiding)
    return [
        ProcedureBegan(
            context.document_no,
            command.kind,
            name,
            command.expected,
            counted,
            command.reason,
            command.held_on,
            command.presiding.strip(),
        )
    ]


def end_procedure(case: Case, command: commands.EndProcedure, context: Context) -> list[Fact]:
    context.require(Power.REVIEW, Power.DECIDE, Power.DECIDE_INSTANT)
    require_possible(case, ProcedureEnded, "结束特别程序")
    began = case.procedure
    if began is None:
        raise ActNotPossible("case_id", stage=NAMES[case.stage], act="结束特别程序")
    assert isinstance(began.fact, ProcedureBegan)
    require_text(command.result, "result")
    signed_by = tuple(dict.fromkeys(name.strip() for name in command.signed_by if name.strip()))
    if began.fact.kind is ProcedureKind.HEARING and not signed_by:
        raise RecordUnsigned("signed_by")
    return [ProcedureEnded(command.result, signed_by)]


def survey(case: Case, command: commands.Survey, context: Context) -> list[Fact]:
    """Article 34: substance is checked on site by two or more."""
    context.require(Power.VERIFY, Power.REVIEW, Power.DECIDE)
    require_possible(case, Surveyed, "登记现场核查")
    people = {
        (person.name.strip(), person.unit.strip())
        for person in command.surveyors
        if person.name.strip() and person.certificate_no.strip()
    }
    if len(people) < SURVEYORS_MIN:
        raise SurveyorsTooFew("surveyors")
    require_text(command.findings, "findings")
    if not case.marks[0].day <= command.surveyed_on <= context.today:
        raise DayImpossible("surveyed_on", day=command.surveyed_on)
    return [
        Surveyed(command.surveyed_on, command.surveyors, command.findings, command.conditions_met)
    ]


def extend(case: Case, command: commands.Extend, context: Context) -> list[Fact]:
    """Article 42: once, before the limits end, by the head of the body, and the reason is told."""
    context.require(Power.HEAD)
    require_possible(case, Extended, "延期")
    require_text(command.approver, "approver")
    require_text(command.reason, "reason")
    if case.newest(Extended) is not None:
        raise ActNotPossible("case_id", stage=NAMES[case.stage], act="再次延期")
    allowed = extension_of(context.item)
    if allowed is None:
        raise NotExtendable("case_id", why="该事项没有延期规定")
    if command.by.unit is not allowed.unit or not 0 < command.by.days <= allowed.days:
        raise NotExtendable("by", why=f"最多延长{allowed.days}日")
    most = context.item.extension.total_max if context.item.extension else None
    limit = context.item.statutory_of(case.filed.option)
    if most is not None and limit is not None and _exceeds(limit, command.by, most):
        raise NotExtendable("by", why=f"连同法定时限不得超过{most.days}日")
    running = context.clocks_of(case)
    limits = [clock for clock in running if clock.kind in (ClockKind.PROMISE, ClockKind.STATUTORY)]
    if any(context.today > clock.due_on and not clock.stands for clock in limits):
        raise NotExtendable("case_id", why="期限已满")
    return [Extended(context.document_no, command.by, command.approver, command.reason)]


def make_urgent(case: Case, command: commands.MakeUrgent, context: Context) -> list[Fact]:
    """特事特办: with an approver and a reason, and a clock of its own."""
    context.require(Power.SUPERVISE, Power.HEAD)
    require_possible(case, MadeUrgent, "列为特办件")
    require_text(command.approver, "approver")
    require_text(command.reason, "reason")
    return [MadeUrgent(command.approver, command.reason, command.limit)]


def _named(command: commands.BeginProcedure, context: Context) -> tuple[str, bool]:
    """Name of a procedure, and whether its time counts."""
    item = context.item
    if command.kind is not ProcedureKind.OF_ITEM:
        return command.name.strip() or PROCEDURE_NAMES[command.kind], False
    known: SpecialProcedure | None = next(
        (step for step in item.special_procedures if step.name == command.name), None
    )
    if known is None:
        raise ProcedureUnknown("name", item=item.name, procedure=command.name)
    limit = known.limit
    comparable = limit is not None and limit.unit is command.expected.unit
    if limit is not None and comparable and command.expected.days > limit.days > 0:
        raise ProcedureTooLong("expected", procedure=known.name, limit=limit.days)
    return known.name, known.counted


def _exceeds(limit: TimeLimit, by: TimeLimit, most: TimeLimit) -> bool:
    """Lengths in different units are not added up."""
    return limit.unit is by.unit is most.unit and limit.days + by.days > most.days


def extension_of(item: ItemVersion) -> TimeLimit | None:
    """By how much the limits may be extended: as the item says, for a licence else as the law does."""
    if item.extension is not None:
        return item.extension.limit
    if item.task_type is not TaskType.LICENCE:
        return None
    return JOINT_EXTENSION if item.joint_mode is not None else EXTENSION

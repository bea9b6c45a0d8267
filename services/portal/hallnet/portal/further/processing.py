"""Acts while a case is worked on: special procedures, surveys, extension, urgency."""

from __future__ import annotations

from hallnet.case.power import Power
from hallnet.case.rules.processing import PROCEDURE_NAMES
from hallnet.portal.acts import Attempt
from hallnet.portal.further.drawing import (
    REASON,
    WORKING_DAYS,
    days,
    drawn_act,
    names,
)
from hallnet.portal.inputs import Input
from hallnet.wire.case.v1 import command_pb2 as wire
from hallnet.wire.case.v1 import fact_pb2 as wire_fact
from hallnet.wire.case.v1.command_pb2 import CaseCommand

_PROCEDURES = {int(kind): name for kind, name in PROCEDURE_NAMES.items()} | {
    int(wire_fact.PROCEDURE_KIND_OF_ITEM): "事项清单列明的特别程序"
}


def _begin_procedure(attempt: Attempt) -> CaseCommand:
    form = attempt.form
    command = wire.BeginProcedure(
        kind=wire_fact.ProcedureKind.ValueType(form.number("kind")),
        name=form.text("name"),
        expected=days(form),
        reason=form.text("reason"),
        held_on=form.text("held_on"),
        presiding=form.text("presiding"),
    )
    return CaseCommand(begin_procedure=command)


def _end_procedure(attempt: Attempt) -> CaseCommand:
    form = attempt.form
    command = wire.EndProcedure(result=form.text("result"), signed_by=names(form, "signed_by"))
    return CaseCommand(end_procedure=command)


def _survey(attempt: Attempt) -> CaseCommand:
    form = attempt.form
    people = [line.split() for line in names(form, "surveyors")]
    command = wire.Survey(
        surveyed_on=form.text("surveyed_on"),
        surveyors=[
            wire_fact.Surveyor(name=parts[0], unit=parts[1], certificate_no=parts[2])
            for parts in people
            if len(parts) == 3
        ],
        findings=form.text("findings"),
        conditions_met=bool(form.text("conditions_met")),
    )
    return CaseCommand(survey=command)


def _extend(attempt: Attempt) -> CaseCommand:
    form = attempt.form
    command = wire.Extend(by=days(form), approver=form.text("approver"), reason=form.text("reason"))
    return CaseCommand(extend=command)


def _make_urgent(attempt: Attempt) -> CaseCommand:
    form = attempt.form
    command = wire.MakeUrgent(
        approver=form.text("approver"), reason=form.text("reason"), limit=days(form)
    )
    return CaseCommand(make_urgent=command)


def _tell_rights(attempt: Attempt) -> CaseCommand:
    form = attempt.form
    command = wire.TellRights(
        parties=names(form, "parties"),
        interest=form.text("interest"),
        hearing=bool(form.text("hearing")),
    )
    return CaseCommand(tell_rights=command)


def _hear_view(attempt: Attempt) -> CaseCommand:
    form = attempt.form
    command = wire.HearView(
        party=form.text("party"),
        statement=form.text("statement"),
        asks_hearing=bool(form.text("asks_hearing")),
    )
    return CaseCommand(hear_view=command)


PROCESSING_ACTS = (
    drawn_act(
        "begin-procedure",
        "BeginProcedure",
        "启动特别程序",
        "特别程序已启动，所需时间已书面告知申请人。",
        Power.REVIEW,
        _begin_procedure,
        Input("kind", "特别程序", "choice", _PROCEDURES),
        Input("name", "名称", hint="事项清单列明的特别程序须填写", required=False),
        WORKING_DAYS,
        REASON,
        Input("held_on", "听证日期", "date", hint="听证须提前7个工作日通知", required=False),
        Input("presiding", "听证主持人", hint="听证须填写；不得是审查本件的人员", required=False),
    ),
    drawn_act(
        "end-procedure",
        "EndProcedure",
        "结束特别程序",
        "特别程序已结束，继续计算期限。",
        Power.REVIEW,
        _end_procedure,
        Input("result", "结果", "area"),
        Input(
            "signed_by", "听证笔录的签字人（每行一个）", "area", hint="听证须填写", required=False
        ),
    ),
    drawn_act(
        "tell-rights",
        "TellRights",
        "告知利害关系人（听证告知）",
        "告知书已出具；听取意见或者期满前不能作出决定。",
        Power.REVIEW,
        _tell_rights,
        Input("parties", "告知的人（每行一个姓名或名称）", "area"),
        Input("interest", "关系到的重大利益", "area"),
        Input("hearing", "可以要求听证", "check", required=False),
    ),
    drawn_act(
        "hear-view",
        "HearView",
        "听取陈述、申辩",
        "意见已登记。",
        Power.REVIEW,
        _hear_view,
        Input("party", "陈述人（按告知书上的姓名）"),
        Input("statement", "意见（没有意见的写“无意见”）", "area"),
        Input("asks_hearing", "要求听证", "check", required=False),
    ),
    drawn_act(
        "survey",
        "Survey",
        "登记现场核查",
        "现场核查已登记。",
        Power.VERIFY,
        _survey,
        Input("surveyed_on", "核查日期", "date"),
        Input("surveyors", "核查人员（每行：姓名 单位 证号）", "area", hint="不少于两人"),
        Input("findings", "核查情况", "area"),
        Input("conditions_met", "现场符合条件", "check", required=False),
    ),
    drawn_act(
        "extend",
        "Extend",
        "延期",
        "已延期，理由已告知申请人。",
        Power.HEAD,
        _extend,
        Input("days", "延长（工作日）", "number"),
        Input("approver", "批准的负责人"),
        Input("reason", "理由（告知申请人）", "area"),
    ),
    drawn_act(
        "make-urgent",
        "MakeUrgent",
        "列为特办件",
        "已列为特办件。",
        Power.SUPERVISE,
        _make_urgent,
        Input("approver", "批准人"),
        Input("reason", "理由", "area"),
        Input("days", "须在几个工作日内办结", "number"),
    ),
)

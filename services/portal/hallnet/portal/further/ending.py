"""Acts at the end and after it: refusal reports, certificates, checks, corrections, mandates, archive."""

from __future__ import annotations

from hallnet.case.fact import CHECK_RESULT_NAMES
from hallnet.case.power import Power
from hallnet.case.rules.ending import MANNER_NAMES
from hallnet.portal.acts import Attempt
from hallnet.portal.further.drawing import (
    BASIS,
    REASON,
    drawn_act,
)
from hallnet.portal.inputs import Input
from hallnet.wire.case.v1 import command_pb2 as wire
from hallnet.wire.case.v1 import fact_pb2 as wire_fact
from hallnet.wire.case.v1.command_pb2 import CaseCommand

_CHECKS = {int(result): name for result, name in CHECK_RESULT_NAMES.items()}
_MANNERS = {int(manner): name for manner, name in MANNER_NAMES.items()}
_MANDATE_CHANGES = {1: "终止", 2: "中止", 3: "续办"}


def _report_refusal(attempt: Attempt) -> CaseCommand:
    form = attempt.form
    command = wire.ReportRefusal(liaison=form.text("liaison"), explanation=form.text("explanation"))
    return CaseCommand(report_refusal=command)


def _issue(attempt: Attempt) -> CaseCommand:
    form = attempt.form
    command = wire.Issue(
        certificate=form.text("certificate"),
        certificate_no=form.text("certificate_no"),
        valid_from=form.text("valid_from"),
        valid_until=form.text("valid_until"),
    )
    return CaseCommand(issue=command)


def _check_afterwards(attempt: Attempt) -> CaseCommand:
    form = attempt.form
    command = wire.CheckAfterwards(
        result=wire_fact.CheckResult.ValueType(form.number("result")),
        findings=form.text("findings"),
    )
    return CaseCommand(check_afterwards=command)


def _revoke_decision(attempt: Attempt) -> CaseCommand:
    form = attempt.form
    command = wire.RevokeDecision(
        reasons=form.text("reasons"),
        legal_basis=form.text("legal_basis"),
        deceit=bool(form.text("deceit")),
    )
    return CaseCommand(revoke_decision=command)


def _correct(attempt: Attempt) -> CaseCommand:
    form = attempt.form
    command = wire.Correct(
        field=form.text("field"),
        before=form.text("before"),
        after=form.text("after"),
        reason=form.text("reason"),
    )
    return CaseCommand(correct=command)


def _end(attempt: Attempt) -> CaseCommand:
    form = attempt.form
    command = wire.End(
        manner=wire_fact.EndManner.ValueType(form.number("manner")),
        reasons=form.text("reasons"),
        legal_basis=form.text("legal_basis"),
    )
    return CaseCommand(end=command)


def _archive(attempt: Attempt) -> CaseCommand:
    return CaseCommand(archive=wire.Archive(archive_no=attempt.form.text("archive_no")))


def _change_mandate(attempt: Attempt) -> CaseCommand:
    form = attempt.form
    command = wire.ChangeMandate(
        change=wire_fact.MandateChange.ValueType(form.number("change")),
        reason=form.text("reason"),
    )
    return CaseCommand(change_mandate=command)


def _lift_bar(attempt: Attempt) -> CaseCommand:
    return CaseCommand(lift_bar=wire.LiftBar(reason=attempt.form.text("reason")))


def _recall_refusal(attempt: Attempt) -> CaseCommand:
    return CaseCommand(recall_refusal=wire.RecallRefusal(reason=attempt.form.text("reason")))


ENDING_ACTS = (
    drawn_act(
        "report-refusal",
        "ReportRefusal",
        "否定报备",
        "否定报备已登记。",
        Power.RECEIVE,
        _report_refusal,
        Input("liaison", "报备对象（联络员）"),
        Input("explanation", "说明", "area"),
    ),
    drawn_act(
        "recall-refusal",
        "RecallRefusal",
        "收回不予许可，重新审查",
        "不予许可的决定已收回，办件回到办理环节。",
        Power.SUPERVISE,
        _recall_refusal,
        REASON,
        explanation="原决定的办理天数照常计入期限。",
        danger=True,
    ),
    drawn_act(
        "issue",
        "Issue",
        "出证",
        "证照已登记。",
        Power.RECEIVE,
        _issue,
        Input("certificate", "证照名称"),
        Input("certificate_no", "证照编号", required=False),
        Input("valid_from", "生效日期", "date"),
        Input("valid_until", "失效日期", "date", required=False),
    ),
    drawn_act(
        "check-afterwards",
        "CheckAfterwards",
        "承诺核查",
        "核查结果已登记。",
        Power.DECIDE,
        _check_afterwards,
        Input("result", "核查结果", "choice", _CHECKS),
        Input("findings", "核查情况", "area"),
    ),
    drawn_act(
        "revoke-decision",
        "RevokeDecision",
        "撤销决定",
        "决定已撤销，申请人将收到理由和救济途径。",
        Power.DECIDE,
        _revoke_decision,
        Input("reasons", "理由", "area"),
        BASIS,
        Input("deceit", "许可以欺骗、贿赂等不正当手段取得", "check", required=False),
        danger=True,
    ),
    drawn_act(
        "lift-bar",
        "LiftBar",
        "撤销不得再次申请的限制",
        "限制已撤销，申请人可以再次申请。",
        Power.HEAD,
        _lift_bar,
        REASON,
        explanation="弄虚作假认定有误时，由作出认定的大厅负责人撤销；原记录保留。",
        danger=True,
    ),
    drawn_act(
        "correct",
        "Correct",
        "更正记录",
        "记录已更正，办理结果不变。",
        Power.DECIDE,
        _correct,
        Input("field", "更正的内容"),
        Input("before", "更正前"),
        Input("after", "更正后"),
        REASON,
    ),
    drawn_act(
        "archive",
        "Archive",
        "归档",
        "已归档。",
        Power.RECEIVE,
        _archive,
        Input("archive_no", "档案编号"),
    ),
    drawn_act(
        "change-mandate",
        "ChangeMandate",
        "变更代办委托",
        "代办委托已变更。",
        Power.RECEIVE,
        _change_mandate,
        Input("change", "变更", "choice", _MANDATE_CHANGES),
        REASON,
    ),
    drawn_act(
        "end",
        "End",
        "终结办件",
        "办件已终结，申请人将收到理由和救济途径。",
        Power.GATEKEEP,
        _end,
        Input("manner", "终结方式", "choice", _MANNERS),
        Input("reasons", "理由", "area"),
        Input("legal_basis", "法律依据", "area", required=False),
        danger=True,
    ),
)

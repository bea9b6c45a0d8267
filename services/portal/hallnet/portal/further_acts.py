"""Acts that are rarer; their forms are drawn from their inputs."""

from __future__ import annotations

from hallnet.case.fact import CHECK_RESULT_NAMES, LEG_OUTCOME_NAMES, LegOutcome
from hallnet.case.power import Power
from hallnet.case.rules.ending import MANNER_NAMES
from hallnet.case.rules.processing import PROCEDURE_NAMES
from hallnet.portal.acts import Act, Attempt, Command, defects_in
from hallnet.portal.forms import Form
from hallnet.portal.inputs import Input
from hallnet.wire.case.v1 import command_pb2 as wire
from hallnet.wire.case.v1 import fact_pb2 as wire_fact
from hallnet.wire.case.v1 import item_pb2 as wire_item
from hallnet.wire.case.v1 import person_pb2 as wire_person
from hallnet.wire.case.v1.command_pb2 import CaseCommand

NAMES_MAX = 40
_PROCEDURES = {int(kind): name for kind, name in PROCEDURE_NAMES.items()} | {
    int(wire_fact.PROCEDURE_KIND_OF_ITEM): "事项清单列明的特别程序"
}
_CHECKS = {int(result): name for result, name in CHECK_RESULT_NAMES.items()}
_MANNERS = {int(manner): name for manner, name in MANNER_NAMES.items()}
_LEG_OUTCOMES = {
    int(outcome): LEG_OUTCOME_NAMES[outcome]
    for outcome in (LegOutcome.DEEMED_AGREED, LegOutcome.STOPPED)
}
_MANDATE_CHANGES = {1: "终止", 2: "中止", 3: "续办"}


def _days(form: Form, name: str = "days") -> wire_item.TimeLimit:
    return wire_item.TimeLimit(days=form.number(name), unit=wire_item.TIME_UNIT_WORKING_DAY)


def _names(form: Form, name: str) -> list[str]:
    """One in each line."""
    lines = [line.strip() for line in form.text(name).splitlines()]
    return [line for line in lines if line][:NAMES_MAX]


def _signed(attempt: Attempt) -> wire_person.Material:
    return next(iter(attempt.materials), wire_person.Material())


def _pass_prereview(attempt: Attempt) -> CaseCommand:
    return CaseCommand(pass_prereview=wire.PassPrereview())


def _return_prereview(attempt: Attempt) -> CaseCommand:
    return CaseCommand(return_prereview=wire.ReturnPrereview(defects=defects_in(attempt.form)))


def _accept_with_gaps(attempt: Attempt) -> CaseCommand:
    return CaseCommand(accept_with_gaps=wire.AcceptWithGaps(promise=_signed(attempt)))


def _sign_commitment(attempt: Attempt) -> CaseCommand:
    command = wire.SignCommitment(
        materials=_names(attempt.form, "names"),
        text_version=attempt.form.text("text_version"),
        evidence=_signed(attempt),
    )
    return CaseCommand(sign_commitment=command)


def _withdraw_commitment(attempt: Attempt) -> CaseCommand:
    command = wire.WithdrawCommitment(reason=attempt.form.text("reason"))
    return CaseCommand(withdraw_commitment=command)


def _begin_procedure(attempt: Attempt) -> CaseCommand:
    form = attempt.form
    command = wire.BeginProcedure(
        kind=wire_fact.ProcedureKind.ValueType(form.number("kind")),
        name=form.text("name"),
        expected=_days(form),
        reason=form.text("reason"),
        held_on=form.text("held_on"),
    )
    return CaseCommand(begin_procedure=command)


def _end_procedure(attempt: Attempt) -> CaseCommand:
    return CaseCommand(end_procedure=wire.EndProcedure(result=attempt.form.text("result")))


def _survey(attempt: Attempt) -> CaseCommand:
    form = attempt.form
    people = [line.split() for line in _names(form, "surveyors")]
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
    command = wire.Extend(
        by=_days(form), approver=form.text("approver"), reason=form.text("reason")
    )
    return CaseCommand(extend=command)


def _make_urgent(attempt: Attempt) -> CaseCommand:
    form = attempt.form
    command = wire.MakeUrgent(
        approver=form.text("approver"), reason=form.text("reason"), limit=_days(form)
    )
    return CaseCommand(make_urgent=command)


def _open_legs(attempt: Attempt) -> CaseCommand:
    return CaseCommand(open_legs=wire.OpenLegs(items=_names(attempt.form, "items")))


def _end_leg(attempt: Attempt) -> CaseCommand:
    form = attempt.form
    command = wire.EndLeg(
        leg=form.number("leg"),
        outcome=wire_fact.LegOutcome.ValueType(form.number("outcome")),
        explanation=form.text("explanation"),
    )
    return CaseCommand(end_leg=command)


def _send_originals(attempt: Attempt) -> CaseCommand:
    form = attempt.form
    command = wire.SendOriginals(
        bag_no=form.text("bag_no"),
        originals=_names(form, "originals"),
        to=form.text("to"),
        carrier=form.text("carrier"),
    )
    return CaseCommand(send_originals=command)


def _receive_originals(attempt: Attempt) -> CaseCommand:
    form = attempt.form
    command = wire.ReceiveOriginals(
        bag_no=form.text("bag_no"),
        originals=_names(form, "originals"),
        sealed=bool(form.text("sealed")),
        remark=form.text("remark"),
    )
    return CaseCommand(receive_originals=command)


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
        reasons=form.text("reasons"), legal_basis=form.text("legal_basis")
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


def _offer_ownership(attempt: Attempt) -> CaseCommand:
    return CaseCommand(offer_ownership=wire.OfferOwnership(to=attempt.form.text("to")))


def _take_ownership(attempt: Attempt) -> CaseCommand:
    return CaseCommand(take_ownership=wire.TakeOwnership())


def _decline_ownership(attempt: Attempt) -> CaseCommand:
    command = wire.DeclineOwnership(reason=attempt.form.text("reason"))
    return CaseCommand(decline_ownership=command)


def _recall_refusal(attempt: Attempt) -> CaseCommand:
    return CaseCommand(recall_refusal=wire.RecallRefusal(reason=attempt.form.text("reason")))


def _repair_credit(attempt: Attempt) -> CaseCommand:
    return CaseCommand(repair_credit=wire.RepairCredit(reason=attempt.form.text("reason")))


def _act(
    key: str,
    command: str,
    name: str,
    done: str,
    power: Power | None,
    ask: Command,
    *inputs: Input,
    explanation: str = "",
    danger: bool = False,
) -> Act:
    return Act(
        key,
        command,
        name,
        done,
        power,
        frozenset(item.name for item in inputs),
        ask,
        tuple(item.name for item in inputs if item.kind == "file"),
        inputs,
        explanation,
        danger,
    )


_REASON = Input("reason", "原因", "area")
_BASIS = Input("legal_basis", "法律依据", "area")
_WORKING_DAYS = Input("days", "所需时间（工作日）", "number")

FURTHER_ACTS = (
    _act(
        "take-ownership",
        "TakeOwnership",
        "接手承办",
        "已接手，这件办件现在由您负责。",
        None,
        _take_ownership,
        explanation="接手后由您负责到底；您接手之前，原承办人仍然负责。",
    ),
    _act(
        "decline-ownership",
        "DeclineOwnership",
        "退回转交",
        "已退回，承办人不变。",
        None,
        _decline_ownership,
        _REASON,
    ),
    _act(
        "offer-ownership",
        "OfferOwnership",
        "转交同事承办",
        "已转交，对方接手之前仍由原承办人负责。",
        None,
        _offer_ownership,
        Input("to", "转交给（对方账户）"),
    ),
    _act(
        "recall-refusal",
        "RecallRefusal",
        "收回不予许可，重新审查",
        "不予许可的决定已收回，办件回到办理环节。",
        Power.SUPERVISE,
        _recall_refusal,
        _REASON,
        explanation="原决定的办理天数照常计入期限。",
        danger=True,
    ),
    _act(
        "repair-credit",
        "RepairCredit",
        "登记信用修复",
        "信用修复已登记，申请人可以重新适用告知承诺。",
        Power.SUPERVISE,
        _repair_credit,
        _REASON,
    ),
    _act(
        "pass-prereview",
        "PassPrereview",
        "通过预审",
        "预审通过，视为收件。",
        Power.VERIFY,
        _pass_prereview,
        explanation="材料齐全的，自全部材料到达之日起视为收件。",
    ),
    _act(
        "return-prereview",
        "ReturnPrereview",
        "退回预审",
        "已退回并一次告知全部问题。",
        Power.VERIFY,
        _return_prereview,
        Input("defects", "需要补正的内容", "defects"),
    ),
    _act(
        "accept-with-gaps",
        "AcceptWithGaps",
        "容缺受理",
        "已容缺受理，申请人将收到补交清单和期限。",
        Power.RECEIVE,
        _accept_with_gaps,
        Input("容缺受理承诺书", "申请人签署的容缺受理承诺书", "file"),
        explanation="主要材料齐全，次要材料由申请人承诺限期补交。",
    ),
    _act(
        "sign-commitment",
        "SignCommitment",
        "告知承诺",
        "告知承诺已登记，相应证明不再索要。",
        Power.RECEIVE,
        _sign_commitment,
        Input("names", "以承诺代替的材料（每行一项）", "area"),
        Input("text_version", "承诺书文本版本"),
        Input("告知承诺书", "申请人签署的告知承诺书", "file"),
    ),
    _act(
        "withdraw-commitment",
        "WithdrawCommitment",
        "撤回承诺",
        "承诺已撤回，按一般程序办理。",
        Power.RECEIVE,
        _withdraw_commitment,
        _REASON,
    ),
    _act(
        "begin-procedure",
        "BeginProcedure",
        "启动特别程序",
        "特别程序已启动，所需时间已书面告知申请人。",
        Power.REVIEW,
        _begin_procedure,
        Input("kind", "特别程序", "choice", _PROCEDURES),
        Input("name", "名称", hint="事项清单列明的特别程序须填写", required=False),
        _WORKING_DAYS,
        _REASON,
        Input("held_on", "听证日期", "date", hint="听证须提前7个工作日通知", required=False),
    ),
    _act(
        "end-procedure",
        "EndProcedure",
        "结束特别程序",
        "特别程序已结束，继续计算期限。",
        Power.REVIEW,
        _end_procedure,
        Input("result", "结果", "area"),
    ),
    _act(
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
    _act(
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
    _act(
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
    _act(
        "open-legs",
        "OpenLegs",
        "开启联办环节",
        "联办环节已同时开启。",
        Power.COORDINATE,
        _open_legs,
        Input("items", "需要办理的事项（每行一项编码，空为全部）", "area", required=False),
    ),
    _act(
        "end-leg",
        "EndLeg",
        "终结联办环节",
        "环节已终结。",
        Power.COORDINATE,
        _end_leg,
        Input("leg", "第几个环节", "number"),
        Input("outcome", "如何终结", "choice", _LEG_OUTCOMES),
        Input("explanation", "说明", "area"),
    ),
    _act(
        "send-originals",
        "SendOriginals",
        "寄送原件",
        "原件寄送已登记。",
        Power.RECEIVE,
        _send_originals,
        Input("bag_no", "封袋编号"),
        Input("originals", "原件清单（每行一件）", "area"),
        Input("to", "寄往大厅的编码"),
        Input("carrier", "承运人"),
    ),
    _act(
        "receive-originals",
        "ReceiveOriginals",
        "签收原件",
        "原件已签收。",
        Power.RECEIVE,
        _receive_originals,
        Input("bag_no", "封袋编号"),
        Input("originals", "实收原件（每行一件）", "area"),
        Input("sealed", "封口完好", "check", required=False),
        Input("remark", "与清单不符之处", "area", required=False),
    ),
    _act(
        "report-refusal",
        "ReportRefusal",
        "否定报备",
        "否定报备已登记。",
        Power.RECEIVE,
        _report_refusal,
        Input("liaison", "报备对象（联络员）"),
        Input("explanation", "说明", "area"),
    ),
    _act(
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
    _act(
        "check-afterwards",
        "CheckAfterwards",
        "承诺核查",
        "核查结果已登记。",
        Power.DECIDE,
        _check_afterwards,
        Input("result", "核查结果", "choice", _CHECKS),
        Input("findings", "核查情况", "area"),
    ),
    _act(
        "revoke-decision",
        "RevokeDecision",
        "撤销决定",
        "决定已撤销，申请人将收到理由和救济途径。",
        Power.DECIDE,
        _revoke_decision,
        Input("reasons", "理由", "area"),
        _BASIS,
        danger=True,
    ),
    _act(
        "correct",
        "Correct",
        "更正记录",
        "记录已更正，办理结果不变。",
        Power.DECIDE,
        _correct,
        Input("field", "更正的内容"),
        Input("before", "更正前"),
        Input("after", "更正后"),
        _REASON,
    ),
    _act(
        "archive",
        "Archive",
        "归档",
        "已归档。",
        Power.RECEIVE,
        _archive,
        Input("archive_no", "档案编号"),
    ),
    _act(
        "change-mandate",
        "ChangeMandate",
        "变更代办委托",
        "代办委托已变更。",
        Power.RECEIVE,
        _change_mandate,
        Input("change", "变更", "choice", _MANDATE_CHANGES),
        _REASON,
    ),
    _act(
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

"""Who answers for a case, and for what was late or not as it should be."""

from __future__ import annotations

from hallnet.case.clock import CLOCK_NAMES, ClockKind
from hallnet.case.fact import OVERDUE_CAUSE_NAMES
from hallnet.case.power import Power
from hallnet.portal.acts import Attempt
from hallnet.portal.further.drawing import (
    REASON,
    drawn_act,
)
from hallnet.portal.inputs import Input
from hallnet.wire.case.v1 import command_pb2 as wire
from hallnet.wire.case.v1 import fact_pb2 as wire_fact
from hallnet.wire.case.v1.command_pb2 import CaseCommand


def _offer_ownership(attempt: Attempt) -> CaseCommand:
    return CaseCommand(offer_ownership=wire.OfferOwnership(to=attempt.form.text("to")))


def _take_ownership(attempt: Attempt) -> CaseCommand:
    return CaseCommand(take_ownership=wire.TakeOwnership())


def _decline_ownership(attempt: Attempt) -> CaseCommand:
    command = wire.DeclineOwnership(reason=attempt.form.text("reason"))
    return CaseCommand(decline_ownership=command)


def _explain_overdue(attempt: Attempt) -> CaseCommand:
    form = attempt.form
    command = wire.ExplainOverdue(
        subject=_LIMITS.get(form.number("limit"), ""),
        cause=wire_fact.OverdueCause.ValueType(form.number("cause")),
        explanation=form.text("explanation"),
    )
    return CaseCommand(explain_overdue=command)


def _record_off_hall(attempt: Attempt) -> CaseCommand:
    command = wire.RecordOffHall(explanation=attempt.form.text("explanation"))
    return CaseCommand(record_off_hall=command)


_LIMITS = {int(kind): kind.name for kind in ClockKind}

OWNING_ACTS = (
    drawn_act(
        "explain-overdue",
        "ExplainOverdue",
        "登记逾期原因",
        "逾期原因已登记并告知申请人，逾期记录保留。",
        None,
        _explain_overdue,
        Input("limit", "逾期的期限", "choice", {int(k): name for k, name in CLOCK_NAMES.items()}),
        Input("cause", "原因", "choice", {int(k): name for k, name in OVERDUE_CAUSE_NAMES.items()}),
        Input("explanation", "具体说明（将告知申请人）", "area"),
    ),
    drawn_act(
        "take-ownership",
        "TakeOwnership",
        "接手承办",
        "已接手，这件办件现在由您负责。",
        None,
        _take_ownership,
        explanation="接手后由您负责到底；您接手之前，原承办人仍然负责。",
    ),
    drawn_act(
        "decline-ownership",
        "DeclineOwnership",
        "退回转交",
        "已退回，承办人不变。",
        None,
        _decline_ownership,
        REASON,
    ),
    drawn_act(
        "offer-ownership",
        "OfferOwnership",
        "转交同事承办",
        "已转交，对方接手之前仍由原承办人负责。",
        None,
        _offer_ownership,
        Input("to", "转交给（对方账户）"),
    ),
    drawn_act(
        "record-off-hall",
        "RecordOffHall",
        "登记越位收件",
        "越位收件已登记。",
        Power.SUPERVISE,
        _record_off_hall,
        Input("explanation", "查到的情况", "area"),
        explanation="进驻大厅的事项不得在大厅以外受理；登记后不能撤销。",
    ),
)

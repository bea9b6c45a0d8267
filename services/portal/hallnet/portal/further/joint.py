"""Acts that concern other halls: legs of joint cases, originals under way."""

from __future__ import annotations

from hallnet.case.fact import LEG_OUTCOME_NAMES, LegOutcome
from hallnet.case.power import Power
from hallnet.portal.acts import Attempt
from hallnet.portal.further.drawing import (
    drawn_act,
    names,
)
from hallnet.portal.inputs import Input
from hallnet.wire.case.v1 import command_pb2 as wire
from hallnet.wire.case.v1 import fact_pb2 as wire_fact
from hallnet.wire.case.v1.command_pb2 import CaseCommand

_LEG_OUTCOMES = {
    int(outcome): LEG_OUTCOME_NAMES[outcome]
    for outcome in (LegOutcome.DEEMED_AGREED, LegOutcome.STOPPED)
}


def _open_legs(attempt: Attempt) -> CaseCommand:
    return CaseCommand(open_legs=wire.OpenLegs(items=names(attempt.form, "items")))


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
        originals=names(form, "originals"),
        to=form.text("to"),
        carrier=form.text("carrier"),
    )
    return CaseCommand(send_originals=command)


def _receive_originals(attempt: Attempt) -> CaseCommand:
    form = attempt.form
    command = wire.ReceiveOriginals(
        bag_no=form.text("bag_no"),
        originals=names(form, "originals"),
        sealed=bool(form.text("sealed")),
        remark=form.text("remark"),
    )
    return CaseCommand(receive_originals=command)


JOINT_ACTS = (
    drawn_act(
        "open-legs",
        "OpenLegs",
        "开启联办环节",
        "联办环节已同时开启。",
        Power.COORDINATE,
        _open_legs,
        Input("items", "需要办理的事项（每行一项编码，空为全部）", "area", required=False),
    ),
    drawn_act(
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
    drawn_act(
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
    drawn_act(
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
)

"""The acts of every day; each has a form of its own."""

from __future__ import annotations

from hallnet.case.power import Power
from hallnet.portal.acts import Act, Attempt, Command, defects_in
from hallnet.wire.case.v1 import case_event_pb2 as wire_event
from hallnet.wire.case.v1 import command_pb2 as wire
from hallnet.wire.case.v1.command_pb2 import CaseCommand


def _give_notice(attempt: Attempt) -> CaseCommand:
    return CaseCommand(give_notice=wire.GiveNotice(defects=defects_in(attempt.form)))


def _supplement(attempt: Attempt) -> CaseCommand:
    return CaseCommand(supplement=wire.Supplement(materials=attempt.materials))


def _accept(attempt: Attempt) -> CaseCommand:
    return CaseCommand(accept=wire.Accept())


def _decline(attempt: Attempt) -> CaseCommand:
    form = attempt.form
    command = wire.Decline(
        ground=wire_event.DeclineGround.ValueType(form.number("ground")),
        explanation=form.text("explanation"),
        right_body=form.text("right_body"),
    )
    return CaseCommand(decline=command)


def _review(attempt: Attempt) -> CaseCommand:
    form = attempt.form
    command = wire.Review(
        opinion=wire_event.Opinion.ValueType(form.number("opinion")),
        explanation=form.text("explanation"),
    )
    return CaseCommand(review=command)


def _hand_over(attempt: Attempt) -> CaseCommand:
    return CaseCommand(hand_over=wire.HandOver(explanation=attempt.form.text("explanation")))


def _decide(attempt: Attempt) -> CaseCommand:
    form = attempt.form
    command = wire.Decide(
        outcome=wire_event.Outcome.ValueType(form.number("outcome")),
        reasons=form.text("reasons"),
        legal_basis=form.text("legal_basis"),
        deceit=bool(form.text("deceit")),
    )
    return CaseCommand(decide=command)


def _close(attempt: Attempt) -> CaseCommand:
    form = attempt.form
    command = wire.Close(
        method=wire_event.DeliveryMethod.ValueType(form.number("method")),
        received_by=form.text("received_by"),
        no_fee=form.text("no_fee"),
    )
    return CaseCommand(close=command)


def _withdraw(attempt: Attempt) -> CaseCommand:
    return CaseCommand(withdraw=wire.Withdraw(reason=attempt.form.text("reason")))


def _act(
    key: str,
    command: str,
    name: str,
    done: str,
    power: Power | None,
    fields: str,
    ask: Command,
    danger: bool = False,
) -> Act:
    files = None if key == "supplement" else ()
    return Act(
        key, command, name, done, power, frozenset(fields.split()), ask, files, danger=danger
    )


EVERYDAY_ACTS = (
    _act("accept", "Accept", "受理", "已受理。", Power.RECEIVE, "", _accept),
    _act(
        "notice",
        "GiveNotice",
        "一次性告知",
        "一次性告知书已出具，申请人将收到通知。",
        Power.VERIFY,
        "defects",
        _give_notice,
    ),
    _act(
        "supplement",
        "Supplement",
        "补正材料",
        "补正材料已收到。",
        Power.VERIFY,
        "materials",
        _supplement,
    ),
    _act(
        "review",
        "Review",
        "初审",
        "初审意见已记录。",
        Power.REVIEW,
        "opinion explanation",
        _review,
    ),
    _act(
        "hand-over",
        "HandOver",
        "上报或转交",
        "办件已发出，对方接收后由对方负责。",
        None,
        "explanation",
        _hand_over,
    ),
    _act(
        "decide",
        "Decide",
        "作出决定",
        "决定已作出。",
        None,
        "outcome reasons legal_basis deceit",
        _decide,
    ),
    _act(
        "close", "Close", "办结", "办件已办结。", Power.RECEIVE, "method received_by no_fee", _close
    ),
    _act(
        "decline",
        "Decline",
        "不予受理",
        "已不予受理。",
        Power.GATEKEEP,
        "ground explanation right_body",
        _decline,
        danger=True,
    ),
    _act(
        "withdraw",
        "Withdraw",
        "撤回申请",
        "申请已撤回。",
        Power.RECEIVE,
        "reason",
        _withdraw,
        danger=True,
    ),
)

"""Acts before and at acceptance: pre-review, gaps, promises."""

from __future__ import annotations

from hallnet.case.power import Power
from hallnet.portal.acts import Attempt, defects_in
from hallnet.portal.further.drawing import (
    REASON,
    drawn_act,
    names,
    signed,
)
from hallnet.portal.inputs import Input
from hallnet.wire.case.v1 import command_pb2 as wire
from hallnet.wire.case.v1.command_pb2 import CaseCommand


def _pass_prereview(attempt: Attempt) -> CaseCommand:
    return CaseCommand(pass_prereview=wire.PassPrereview())


def _return_prereview(attempt: Attempt) -> CaseCommand:
    return CaseCommand(return_prereview=wire.ReturnPrereview(defects=defects_in(attempt.form)))


def _accept_with_gaps(attempt: Attempt) -> CaseCommand:
    return CaseCommand(accept_with_gaps=wire.AcceptWithGaps(promise=signed(attempt)))


def _sign_commitment(attempt: Attempt) -> CaseCommand:
    command = wire.SignCommitment(
        materials=names(attempt.form, "names"),
        text_version=attempt.form.text("text_version"),
        evidence=signed(attempt),
    )
    return CaseCommand(sign_commitment=command)


def _withdraw_commitment(attempt: Attempt) -> CaseCommand:
    command = wire.WithdrawCommitment(reason=attempt.form.text("reason"))
    return CaseCommand(withdraw_commitment=command)


def _repair_credit(attempt: Attempt) -> CaseCommand:
    return CaseCommand(repair_credit=wire.RepairCredit(reason=attempt.form.text("reason")))


RECEIVING_ACTS = (
    drawn_act(
        "pass-prereview",
        "PassPrereview",
        "通过预审",
        "预审通过，视为收件。",
        Power.VERIFY,
        _pass_prereview,
        explanation="材料齐全的，自全部材料到达之日起视为收件。",
    ),
    drawn_act(
        "return-prereview",
        "ReturnPrereview",
        "退回预审",
        "已退回并一次告知全部问题。",
        Power.VERIFY,
        _return_prereview,
        Input("defects", "需要补正的内容", "defects"),
    ),
    drawn_act(
        "accept-with-gaps",
        "AcceptWithGaps",
        "容缺受理",
        "已容缺受理，申请人将收到补交清单和期限。",
        Power.RECEIVE,
        _accept_with_gaps,
        Input("容缺受理承诺书", "申请人签署的容缺受理承诺书", "file"),
        explanation="主要材料齐全，次要材料由申请人承诺限期补交。",
    ),
    drawn_act(
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
    drawn_act(
        "withdraw-commitment",
        "WithdrawCommitment",
        "撤回承诺",
        "承诺已撤回，按一般程序办理。",
        Power.RECEIVE,
        _withdraw_commitment,
        REASON,
    ),
    drawn_act(
        "repair-credit",
        "RepairCredit",
        "登记信用修复",
        "信用修复已登记，申请人可以重新适用告知承诺。",
        Power.SUPERVISE,
        _repair_credit,
        REASON,
    ),
)

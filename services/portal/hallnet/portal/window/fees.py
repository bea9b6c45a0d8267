"""Fees of a case, how they are paid in parts, and whom to remind."""

from __future__ import annotations

from hallnet.case.fee import Dunning
from hallnet.case.power import Power
from hallnet.codec.moments import from_timestamp
from hallnet.portal import wording
from hallnet.portal.inputs import Input
from hallnet.portal.site import Visit
from hallnet.portal.window.board import (
    ROWS,
    Board,
    Cell,
    Deed,
    Doing,
    Offer,
    Page,
    Row,
    Section,
    asked,
)
from hallnet.portal.window.cases import case_id_of
from hallnet.portal.window.parsing import day, fen, lines, yuan
from hallnet.wire.intake.v1 import intake_service_pb2 as wire_intake
from hallnet.wire.window.v1 import window_pb2 as wire_window
from hallnet.wire.window.v1 import window_service_pb2 as wire

_PROMISE = "分期付款承诺书"


async def _assess(doing: Doing) -> str:
    quantities = [
        wire.FeeQuantity(
            fee=words[0],
            units=int(words[1]) if len(words) > 1 and words[1].isdecimal() else 0,
            local_amount_fen=fen(words[2], "quantities") if len(words) > 2 else 0,
            reduced_fen=fen(words[3], "quantities") if len(words) > 3 else 0,
            reduction=words[4] if len(words) > 4 else "",
        )
        for words in lines(doing.text("quantities"), "quantities", range(1, 6))
    ]
    answer = await doing.visit.desk.window.AssessFees(
        wire.AssessFeesRequest(act=doing.act, case_id=doing.of, quantities=quantities)
    )
    total = sum(one.amount_fen for one in answer.account.charges)
    return f"应收{yuan(total)}，已一次告知全部收费。" if total else "本件不收费。"


async def _pay(doing: Doing) -> None:
    request = wire.RecordPaymentRequest(
        act=doing.act,
        case_id=doing.of,
        receipt_no=doing.text("receipt_no"),
        amount_fen=fen(doing.text("amount_fen"), "amount_fen"),
    )
    await doing.visit.desk.window.RecordPayment(request)


async def _refund(doing: Doing) -> None:
    request = wire.RefundFeeRequest(
        act=doing.act,
        case_id=doing.of,
        refund_no=doing.text("refund_no"),
        amount_fen=fen(doing.text("amount_fen"), "amount_fen"),
        reason=doing.text("reason"),
    )
    await doing.visit.desk.window.RefundFee(request)


async def _plan(doing: Doing) -> None:
    parts = [
        wire_window.Instalment(
            due_on=day(words[0], "instalments").isoformat(),
            amount_fen=fen(words[1], "instalments"),
        )
        for words in lines(doing.text("instalments"), "instalments", range(2, 3))
    ]
    await doing.visit.desk.window.PlanInstalments(
        wire.PlanInstalmentsRequest(act=doing.act, case_id=doing.of, instalments=parts)
    )


async def _review(doing: Doing) -> None:
    await _step(doing, wire.INSTALMENT_STEP_REVIEW)


async def _approve(doing: Doing) -> None:
    await _step(doing, wire.INSTALMENT_STEP_APPROVE)


async def _promise(doing: Doing) -> None:
    signed = next(iter(doing.handed.materials()), None)
    await _step(doing, wire.INSTALMENT_STEP_PROMISE, signed.digest if signed else b"")


async def _step(doing: Doing, step: wire.InstalmentStep.ValueType, digest: bytes = b"") -> None:
    await doing.visit.desk.window.StepInstalments(
        wire.StepInstalmentsRequest(
            act=doing.act, case_id=doing.of, step=step, promise_digest=digest
        )
    )


_ASSESS = Deed(
    "assess",
    "核定收费",
    "",
    _assess,
    (
        Input(
            "quantities",
            "数量和核定金额",
            "area",
            hint="每行：收费项目 数量 单价（元） 减免（元） 减免依据；只在按数量计费、金额由本地核定或者减免时填写，不适用的填0",
            required=False,
        ),
    ),
    explanation="没有依据、标准或收费许可的项目不能收费。",
)
_PAY = Deed(
    "pay",
    "登记缴费",
    "缴费已登记。",
    _pay,
    (Input("receipt_no", "票据号码"), Input("amount_fen", "金额（元）")),
)
_REFUND = Deed(
    "refund",
    "登记退费",
    "退费已登记。",
    _refund,
    (
        Input("refund_no", "退费单据号码"),
        Input("amount_fen", "金额（元）"),
        Input("reason", "原因"),
    ),
    powers=frozenset({Power.SUPERVISE, Power.HEAD}),
)
_PLAN = Deed(
    "plan",
    "分期计划",
    "分期计划已提出，待审核。",
    _plan,
    (
        Input(
            "instalments", "各期", "area", hint="每行：最后缴费日 金额（元），例如 2026-12-31 1000"
        ),
    ),
)
_REVIEW = Deed(
    "review",
    "分管审核",
    "已审核，待主管审批。",
    _review,
    powers=frozenset({Power.REVIEW, Power.HEAD}),
)
_APPROVE = Deed("approve", "主管审批", "已审批。", _approve, powers=frozenset({Power.HEAD}))
_SIGN = Deed(
    "promise",
    "登记书面承诺",
    "书面承诺已登记。",
    _promise,
    (Input(_PROMISE, "签署的承诺书", "file"),),
)


async def board(visit: Visit) -> Board:
    """What a case owes; without one, the instalments that are due next."""
    number = asked(visit, "case")
    search = (Input("case", "办件编号", "search", default=number),)
    if not number:
        return Board("收费", [await _due(visit)], filters=search)
    case_id = await case_id_of(visit, number, "case")
    act = wire_intake.Act(actor_id=visit.account.actor_id)
    found = await visit.desk.window.GetFees(wire.GetFeesRequest(act=act, case_id=case_id))
    if not found.HasField("account"):
        nothing = Section("收费", offers=[Offer(_ASSESS, case_id)], note="还没有核定收费。")
        return Board("收费", [nothing], filters=search)
    return Board("收费", _sections(found, case_id), _standing(found), filters=search)


async def _due(visit: Visit) -> Section:
    act = wire_intake.Act(actor_id=visit.account.actor_id)
    request = wire.ListDueRequest(act=act, kinds=[wire.RECORD_KIND_FEE], page_size=ROWS)
    found = await visit.desk.window.ListDue(request)
    return Section(
        "待催缴和待退还",
        ("办件", "最后缴费日或者终结日"),
        [
            Row(
                (
                    Cell("查看", at=f"/window/fees?case={one.subject}"),
                    Cell(one.due_on, "bad" if one.overdue else ""),
                ),
                tone="alarm-bad" if one.overdue else "",
            )
            for one in found.records
        ],
        nothing="没有未缴清的分期和应退的费用。",
    )


def _standing(found: wire.GetFeesResponse) -> str:
    if found.account.ended_on:
        due = f"应退{yuan(found.held_fen)}。" if found.held_fen else ""
        return f"办件已于{found.account.ended_on}终结，没有办理结果，不再收费。{due}"
    owed = f"尚欠{yuan(found.outstanding_fen)}。" if found.outstanding_fen else "已缴清。"
    return owed + ("可以出件。" if found.may_issue else "缴费或分期手续未完成，不能出件。")


def _sections(found: wire.GetFeesResponse, case_id: str) -> list[Section]:
    account = found.account
    offers = [Offer(_PAY, case_id)] if found.outstanding_fen else []
    if account.instalments_allowed and not account.payments:
        offers.append(Offer(_PLAN, case_id))
    if not (account.payments or account.HasField("plan") or account.ended_on):
        offers.append(Offer(_ASSESS, case_id))
    charges = Section(
        "应收",
        ("项目", "金额", "减免", "依据", "许可", "收款单位"),
        [
            Row(
                (
                    Cell(one.fee),
                    Cell(yuan(one.amount_fen)),
                    Cell(f"{yuan(one.reduced_fen)}：{one.reduction}" if one.reduced_fen else ""),
                    Cell(one.basis),
                    Cell(one.permit),
                    Cell(one.collected_by or "本厅"),
                )
            )
            for one in account.charges
        ],
        offers,
        nothing="本件不收费。",
        folded=True,
    )
    payments = Section(
        "已收",
        ("票据号码", "金额", "时间"),
        [
            Row(
                (
                    Cell(one.receipt_no),
                    Cell(yuan(one.amount_fen)),
                    Cell(wording.moment(from_timestamp(one.paid_at))),
                )
            )
            for one in account.payments
        ],
        offers=[Offer(_REFUND, case_id)] if found.held_fen else [],
        nothing="还没有缴费。",
    )
    refunds = Section(
        "已退",
        ("单据号码", "金额", "原因", "批准人", "时间"),
        [
            Row(
                (
                    Cell(one.refund_no),
                    Cell(yuan(one.amount_fen)),
                    Cell(one.reason),
                    Cell(one.approved_by),
                    Cell(wording.moment(from_timestamp(one.refunded_at))),
                )
            )
            for one in account.refunds
        ],
    )
    return [
        charges,
        *([_instalments(found, case_id)] if account.HasField("plan") else []),
        payments,
        *([refunds] if account.refunds else []),
    ]


def _instalments(found: wire.GetFeesResponse, case_id: str) -> Section:
    plan = found.account.plan
    dunned = {one.number: one.dunning for one in found.reminders}
    words = {int(Dunning.SOON): ("将到期", "wait"), int(Dunning.OVERDUE): ("逾期", "bad")}
    steps = [
        ("分管审核", plan.reviewed_by),
        ("主管审批", plan.approved_by),
        ("书面承诺", "已签" if plan.promise_digest else ""),
    ]
    deeds = (_REVIEW, _APPROVE, _SIGN)
    missing = [deed for deed, (_, done) in zip(deeds, steps, strict=True) if not done]
    return Section(
        "分期",
        ("期", "最后缴费日", "金额", "催缴"),
        [
            Row(
                (
                    Cell(f"第{number}期"),
                    Cell(one.due_on),
                    Cell(yuan(one.amount_fen)),
                    Cell(*words.get(dunned.get(number, 0), ("—", ""))),
                )
            )
            for number, one in enumerate(plan.instalments, 1)
        ],
        [Offer(deed, case_id) for deed in missing],
        note="；".join(f"{name}：{done or '未办'}" for name, done in steps),
        folded=True,
    )


PAGE = Page("fees", "收费", board, (_ASSESS, _PAY, _PLAN, _REVIEW, _APPROVE, _SIGN), kept=("case",))

"""Ratings: inviting, entering a paper card, and the way of a bad one until another has closed it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from hallnet.case.case import day_of
from hallnet.codec.moments import from_timestamp
from hallnet.portal import wording
from hallnet.portal.inputs import Input, choosing
from hallnet.portal.site import Visit
from hallnet.portal.window.board import (
    OVERSEES,
    Ask,
    Board,
    Cell,
    Deed,
    Doing,
    Offer,
    Page,
    Row,
    Section,
    asked,
    case_cell,
    export_of,
    listed,
    name_of,
    staff,
)
from hallnet.portal.window.parsing import day_or
from hallnet.window.rating import LEVEL_NAMES, STATE_NAMES, Finding, RatingState, Satisfaction
from hallnet.wire.window.v1 import window_pb2 as wire_window
from hallnet.wire.window.v1 import window_service_pb2 as wire

PERIOD_DAYS = 30
LEVELS = {int(level): name for level, name in LEVEL_NAMES.items()}
_FINDINGS = {
    int(Finding.CONFIRMED): "属实，需要整改",
    int(Finding.NO_BASIS): "诉求没有依据，已解释",
    int(Finding.UNFOUNDED): "不实或恶意，不计入",
}
_CHANNELS = {1: "现场", 2: "网上", 3: "评议卡"}


async def _invite(doing: Doing) -> str:
    answer = await doing.visit.desk.window.InviteToRate(
        wire.InviteToRateRequest(act=doing.act, subject=doing.text("subject"))
    )
    invitation = answer.invitation
    return f"评价码{invitation.code}，{invitation.expires_on}前有效。每次接待、每个办件只邀请一次。"


async def _card(doing: Doing) -> str:
    text = doing.text
    answer = await doing.visit.desk.window.Rate(
        wire.RateRequest(
            request_id=doing.request_id,
            subject=text("subject"),
            handler=text("handler"),
            level=wire_window.Satisfaction.ValueType(doing.form.number("level")),
            words=text("words"),
            named=bool(text("named")),
            channel=wire_window.RATING_CHANNEL_CARD,
        )
    )
    if answer.rating.state == wire_window.RATING_STATE_CALL_BACK:
        return f"已录入。这是差评，须在{answer.rating.due_on}前由被评价人以外的人回访。"
    return "已录入。"


def _stepped(step: wire.RatingStep.ValueType) -> Ask:
    async def ask(doing: Doing) -> None:
        request = wire.StepRatingRequest(
            act=doing.act,
            rating_id=doing.of,
            step=step,
            finding=wire_window.Finding.ValueType(doing.form.number("finding")),
            words=doing.text("words"),
        )
        await doing.visit.desk.window.StepRating(request)

    return ask


_INVITE = Deed(
    "invite",
    "邀请评价",
    "",
    _invite,
    (Input("subject", "排队号编号或办件编号", hint="已办完的接待或办件"),),
)
_CARD = Deed(
    "card",
    "录入评议卡",
    "",
    _card,
    (
        Input("subject", "办件编号、排队号编号或卡号"),
        Input("handler", "被评价人", "select", required=False),
        Input("level", "评价", "choice", LEVELS),
        Input("words", "意见", "area", required=False),
        Input("named", "实名", "check", required=False),
    ),
)
_CALL_BACK = Deed(
    "call-back",
    "回访",
    "回访已登记。",
    _stepped(wire.RATING_STEP_CALL_BACK),
    (Input("finding", "核实结果", "choice", _FINDINGS),),
    explanation="须由被评价人以外的人在1个工作日内回访。",
)
_REPAIR = Deed(
    "repair",
    "整改",
    "整改已登记。",
    _stepped(wire.RATING_STEP_REPAIR),
    (Input("words", "整改情况", "area"),),
)
_CLOSE = Deed(
    "close",
    "销号",
    "已销号。",
    _stepped(wire.RATING_STEP_CLOSE),
    powers=OVERSEES,
    explanation="由被评价人、回访人和整改人以外的人办理。",
)
_ADD = Deed(
    "add",
    "追评",
    "追评已登记。",
    _stepped(wire.RATING_STEP_ADD),
    (Input("words", "追评内容", "area"),),
)
_NEXT = {
    RatingState.CALL_BACK: _CALL_BACK,
    RatingState.REPAIR: _REPAIR,
    RatingState.TO_CLOSE: _CLOSE,
}
_EXPORT = export_of(wire.RECORD_KIND_RATING)


async def board(visit: Visit) -> Board:
    """Bad ratings that wait, the shares of a period, and the newest ratings."""
    names = await staff(visit)
    last = day_or(asked(visit, "last"), day_of(visit.now))
    first = day_or(asked(visit, "first"), last - timedelta(days=PERIOD_DAYS))
    rates = await visit.desk.window.GetRatingRates(
        wire.GetRatingRatesRequest(first=first.isoformat(), last=last.isoformat())
    )
    card = choosing(_CARD.inputs, {"handler": names})
    columns = ("评价", "评价人", "意见", "被评价人", "对象", "方式", "状态", "期限")
    return Board(
        "好差评",
        (
            Section(
                "待办的差评",
                columns,
                [
                    _row(one, names, one.overdue)
                    for one in await listed(visit, wire.RECORD_KIND_RATING, waiting=True)
                ],
                nothing="没有待办的差评。",
            ),
            Section(
                "评价",
                offers=[Offer(_INVITE), Offer(_CARD, inputs=card), Offer(_EXPORT)],
                folded=True,
            ),
            Section(
                f"{first} 至 {last}",
                ("指标", "分子", "分母", "比率"),
                [Row(cells) for cells in _shares(rates)],
                note=f"默认评价和查实不实的评价共{rates.left_out}条，不计入。",
            ),
            Section(
                "最近的评价",
                columns,
                [_row(one, names) for one in await listed(visit, wire.RECORD_KIND_RATING)],
            ),
        ),
        filters=(
            Input("first", "从", "date", default=first.isoformat()),
            Input("last", "到", "date", default=last.isoformat()),
        ),
    )


def _shares(rates: wire.GetRatingRatesResponse) -> Iterator[tuple[Cell, ...]]:
    named = [
        ("满意率", rates.satisfied),
        ("实名差评回访率", rates.called_back),
        ("实名差评按时回访率", rates.called_back_in_time),
        ("评价参与率（受邀）", rates.answered),
        *(
            (f"{_CHANNELS[one.channel]}：{one.title}", one.satisfied)
            for one in rates.indicators
            if one.satisfied.whole
        ),
    ]
    for name, share in named:
        percent = f"{100 * share.part / share.whole:.1f}%" if share.whole else "—"
        yield Cell(name), Cell(str(share.part)), Cell(str(share.whole)), Cell(percent)


def _row(one: wire.WindowRecord, names: dict[str, str], overdue: bool = False) -> Row:
    rating = one.rating
    state = RatingState(rating.state)
    bad = Satisfaction(rating.level).is_bad
    who = "默认" if rating.by_default else "实名" if rating.named else "匿名"
    words = "；".join(filter(None, (rating.words, rating.repair, rating.added)))
    deed = _NEXT.get(state, _ADD)
    return Row(
        (
            Cell(LEVELS[rating.level], "bad" if bad else "done"),
            Cell(who),
            Cell(words or "—"),
            Cell(name_of(names, rating.handler) if rating.handler else "—"),
            case_cell(rating.subject),
            Cell(_CHANNELS.get(rating.channel, "—")),
            Cell(STATE_NAMES[state]),
            Cell(rating.due_on or wording.moment(from_timestamp(rating.rated_at))),
        ),
        [] if deed is _ADD and rating.added else [Offer(deed, rating.rating_id)],
        "alarm-bad" if overdue else "",
    )


PAGE = Page(
    "ratings",
    "好差评",
    board,
    (_INVITE, _CARD, _CALL_BACK, _REPAIR, _CLOSE, _ADD, _EXPORT),
    kept=("first", "last"),
)

"""The rota of a week: who is at which shared window, who stands in, and what nobody covers."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta

from hallnet.case.case import day_of
from hallnet.portal.inputs import Input, choosing
from hallnet.portal.site import Visit
from hallnet.portal.window.board import (
    OVERSEES,
    Board,
    Cell,
    Deed,
    Doing,
    Offer,
    Page,
    Row,
    Section,
    asked,
    name_of,
    staff,
)
from hallnet.portal.window.parsing import day, day_or, monday
from hallnet.window.problems import SlotMalformed
from hallnet.window.rota import Absence, Half, Post, on_duty
from hallnet.wire.intake.v1 import intake_service_pb2 as wire_intake
from hallnet.wire.window.v1 import window_pb2 as wire_window
from hallnet.wire.window.v1 import window_service_pb2 as wire

DAYS = 7
SHIFT_DAYS_MAX = 62
_HALVES = {int(Half.MORNING): "上午", int(Half.AFTERNOON): "下午"}
_WHICH = {**_HALVES, 3: "全天"}
_ONE_DAY = timedelta(days=1)
_WEEKDAYS = "一二三四五六日"


async def _put_post(doing: Doing) -> None:
    text = doing.text
    post = wire_window.Post(
        post_id=text("post_id"), a=text("a"), b=text("b"), contacts=text("contacts").split()
    )
    await doing.visit.desk.window.PutPost(wire.PutPostRequest(act=doing.act, post=post))


async def _put_shifts(doing: Doing) -> str:
    first, last = day(doing.text("first"), "first"), day(doing.text("last"), "last")
    if not first <= last < first + SHIFT_DAYS_MAX * _ONE_DAY:
        raise SlotMalformed("last", detail=f"起止日期应在{SHIFT_DAYS_MAX}天之内")
    halves = [half for half in _HALVES if doing.form.number("half") in (half, 3)]
    window_id = doing.text("window_id")
    workdays = await _workdays(doing.visit, first, last)
    shifts = [
        wire_window.Shift(
            window_id=window_id,
            day=on,
            half=wire_window.Half.ValueType(half),
            post_id=doing.text("post"),
        )
        for on in workdays
        for half in halves
    ]
    answer = await doing.visit.desk.window.PutShifts(
        wire.PutShiftsRequest(act=doing.act, shifts=shifts)
    )
    return f"已排{answer.count}个班次，节假日和休息日不排。"


async def _workdays(visit: Visit, first: date, last: date) -> list[str]:
    found: list[str] = []
    while first <= last:
        days = min((last - first).days + 1, DAYS)
        found += (await _rota(visit, first, days)).workdays
        first += days * _ONE_DAY
    return found


async def _put_absence(doing: Doing) -> str:
    text = doing.text
    absence = wire_window.Absence(
        actor_id=text("who"),
        first=day(text("away_first"), "away_first").isoformat(),
        last=day(text("away_last"), "away_last").isoformat(),
    )
    answer = await doing.visit.desk.window.PutAbsence(
        wire.PutAbsenceRequest(act=doing.act, absence=absence)
    )
    if not answer.gaps:
        return "已登记，B角自动顶岗，没有空岗。"
    return f"已登记。近两周有{len(answer.gaps)}个时段无人值守，请尽快安排。"


_POST = Deed(
    "post",
    "设置岗位",
    "岗位已设置。",
    _put_post,
    (
        Input("post_id", "岗位名称"),
        Input("a", "A角", "select"),
        Input("b", "B角", "select"),
        Input("contacts", "联系人（空格隔开，按顺序联系）", required=False),
    ),
    powers=OVERSEES,
)
_SHIFTS = Deed(
    "shifts",
    "排班",
    "已排班。",
    _put_shifts,
    (
        Input("window_id", "窗口", "select"),
        Input("post", "岗位", "select"),
        Input("first", "从", "date"),
        Input("last", "到", "date"),
        Input("half", "时段", "choice", _WHICH, default="3"),
    ),
    powers=OVERSEES,
)
_ABSENCE = Deed(
    "absence",
    "登记外出",
    "已登记。",
    _put_absence,
    (
        Input("who", "谁", "select"),
        Input("away_first", "从", "date"),
        Input("away_last", "到", "date"),
    ),
)


async def _rota(visit: Visit, first: date, days: int = DAYS) -> wire.ListRotaResponse:
    act = wire_intake.Act(actor_id=visit.account.actor_id)
    request = wire.ListRotaRequest(act=act, first=first.isoformat(), days=days)
    return await visit.desk.window.ListRota(request)


async def board(visit: Visit) -> Board:
    """A week: each shared window in the morning and the afternoon, uncovered slots red."""
    first = monday(day_or(asked(visit, "week"), day_of(visit.now)))
    found = await _rota(visit, first)
    names = await staff(visit)
    windows = (await visit.desk.window.ListWindows(wire.ListWindowsRequest())).windows
    shared = {one.window_id: one.title or one.window_id for one in windows if one.needs_rota}
    days = [first + number * _ONE_DAY for number in range(DAYS)]
    alarms = [f"{one.window_id} {one.day} {_HALVES[one.half]}" for one in found.alarms]
    week = Section(
        "一周安排",
        ("窗口", "时段", *(f"{on.month}月{on.day}日 周{_WEEKDAYS[on.weekday()]}" for on in days)),
        [
            Row((Cell(shared[window]), Cell(_HALVES[half]), *cells))
            for window in sorted(shared)
            for half in _HALVES
            for cells in [list(_cells(found, window, half, days, names))]
        ],
        nothing="还没有轮值窗口。请在“叫号”页设置窗口时勾选“轮值窗口”。",
        note=f"马上要空岗：{'；'.join(alarms)}。" if alarms else "",
    )
    posts = {one.post_id: one.post_id for one in found.posts}
    choose = {"a": names, "b": names, "who": names, "window_id": shared, "post": posts}
    return Board(
        "轮值",
        (
            week,
            Section(
                "岗位",
                ("岗位", "A角", "B角", "联系人"),
                [
                    Row(
                        (
                            Cell(one.post_id),
                            Cell(name_of(names, one.a)),
                            Cell(name_of(names, one.b)),
                            Cell("、".join(one.contacts) or "—"),
                        )
                    )
                    for one in found.posts
                ],
                nothing="还没有岗位。",
            ),
            Section(
                "安排",
                offers=[Offer(deed, inputs=choosing(deed.inputs, choose)) for deed in PAGE.deeds],
                folded=True,
            ),
        ),
        filters=(Input("week", "哪一周", "date", default=first.isoformat()),),
    )


def _cells(
    found: wire.ListRotaResponse,
    window: str,
    half: int,
    days: Iterable[date],
    names: dict[str, str],
) -> Iterable[Cell]:
    posts = {one.post_id: Post(one.post_id, one.a, one.b, ()) for one in found.posts}
    at = {(one.window_id, one.day, int(one.half)): one.post_id for one in found.shifts}
    away = [
        Absence(one.actor_id, date.fromisoformat(one.first), date.fromisoformat(one.last))
        for one in found.absences
    ]
    uncovered = {(one.window_id, one.day, int(one.half)) for one in found.gaps}
    for on in days:
        place = (window, on.isoformat(), half)
        post = posts.get(at.get(place, ""))
        if place in uncovered:
            yield Cell("无人", "bad")
        elif post is None:
            yield Cell("休" if on.isoformat() not in found.workdays else "—")
        else:
            who = on_duty(post, on, away)
            yield Cell(
                f"{name_of(names, who or '')}{'（B角）' if who == post.b else ''}",
                "wait" if who == post.b else "",
            )


PAGE = Page("rota", "轮值", board, (_SHIFTS, _ABSENCE, _POST), kept=("week",))

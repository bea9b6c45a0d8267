"""What the hall did in a period, reconciled, with the cases behind each number; and the frozen months."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import date, timedelta
from urllib.parse import urlencode

from hallnet.case.case import day_of
from hallnet.case.item import HandlingKind
from hallnet.case.person import SYSTEM
from hallnet.codec.moments import from_timestamp
from hallnet.numbers.measure import NAMES, Measure
from hallnet.portal import wording
from hallnet.portal.inputs import Input
from hallnet.portal.site import Visit
from hallnet.portal.window.board import ROWS, Board, Cell, Page, Row, Section, asked
from hallnet.portal.window.parsing import day_or
from hallnet.wire.intake.v1 import intake_service_pb2 as wire

MONTHS_SHOWN = 6
_ONE_DAY = timedelta(days=1)


async def board(visit: Visit) -> Board:
    """Of a month so far, unless the address says another period."""
    last = day_or(asked(visit, "last"), day_of(visit.now))
    first = day_or(asked(visit, "first"), last.replace(day=1))
    measure = asked(visit, "measure")
    me = visit.account.actor_id
    days = {"first": first.isoformat(), "last": last.isoformat()}
    ask = visit.desk.intake
    found, months = await asyncio.gather(
        ask.GetNumbers(wire.GetNumbersRequest(actor_id=me, first=days["first"], last=days["last"])),
        asyncio.gather(
            *(
                ask.ListMonthLines(wire.ListMonthLinesRequest(actor_id=me, month=month))
                for month in _months_before(day_of(visit.now))
            )
        ),
    )
    sections = [_numbers(found, days), _rates(found), _frozen(months)]
    if measure.isdecimal() and int(measure) in {int(one) for one in Measure}:
        sections.insert(0, await _cases(visit, Measure(int(measure)), days))
    lead = f"期初在办{found.in_hand_before}件，期末在办{found.in_hand_after}件，{found.working_days}个工作日。"
    return Board(
        "统计",
        sections,
        lead,
        filters=tuple(
            Input(name, label, "date", default=days[name])
            for name, label in (("first", "从"), ("last", "到"))
        ),
    )


def _months_before(today: date) -> list[str]:
    months, first = [], today.replace(day=1)
    for _ in range(MONTHS_SHOWN):
        first = (first - _ONE_DAY).replace(day=1)
        months.append(f"{first:%Y-%m}")
    return months


def _numbers(found: wire.GetNumbersResponse, days: dict[str, str]) -> Section:
    amounts: Counter[tuple[int, int]] = Counter()
    for one in found.numbers:
        amounts[int(one.measure), int(one.handling_kind)] += one.amount
    rows = []
    for measure, name in NAMES.items():
        kinds = [amounts[int(measure), int(kind)] for kind in HandlingKind]
        if any(kinds):
            at = "/window/numbers?" + urlencode(days | {"measure": int(measure)})
            numbers = (Cell(str(amount)) for amount in (*kinds, sum(kinds)))
            rows.append(Row((Cell(name), *numbers, Cell("查看办件", at=at))))
    return Section(
        f"{days['first']} 至 {days['last']}",
        ("指标", *(wording.HANDLING[kind] for kind in HandlingKind), "合计", "明细"),
        rows,
        nothing="这段时间没有办理。",
    )


def _rates(found: wire.GetNumbersResponse) -> Section:
    return Section(
        "比率",
        ("名称", "分子", "分母", "比率"),
        [
            Row(
                (
                    Cell(one.name),
                    Cell(str(one.numerator)),
                    Cell(str(one.denominator)),
                    Cell(
                        f"{100 * one.numerator / one.denominator:.2f}%" if one.denominator else "—"
                    ),
                )
            )
            for one in found.rates
        ],
    )


def _frozen(months: list[wire.ListMonthLinesResponse]) -> Section:
    lines = [line for month in months for line in month.lines]
    return Section(
        "已定格的月份",
        ("月份", "第几次", "时间", "由谁", "更正理由", "摘要"),
        [
            Row(
                (
                    Cell(line.month),
                    Cell(str(line.line)),
                    Cell(wording.moment(from_timestamp(line.frozen_at))),
                    Cell(SYSTEM.name if line.frozen_by == SYSTEM.actor_id else line.frozen_by),
                    Cell(line.reason or "—"),
                    Cell(line.digest.hex()[:16]),
                )
            )
            for line in lines
        ],
        nothing="近半年还没有定格的月份。",
        note="每月结束后由系统按期定格；更正另起一行，原数字不变。",
    )


async def _cases(visit: Visit, measure: Measure, days: dict[str, str]) -> Section:
    request = wire.ListNumberedCasesRequest(
        actor_id=visit.account.actor_id,
        measure=int(measure),  # type: ignore[arg-type]
        page_size=ROWS,
        first=days["first"],
        last=days["last"],
    )
    found = await visit.desk.intake.ListNumberedCases(request)
    return Section(
        f"{NAMES[measure]}的办件",
        ("办件编号", "事项", "日期"),
        [
            Row(
                (
                    Cell(one.summary.case_no, at=f"/cases/{one.summary.case_id}"),
                    Cell(one.summary.item_name),
                    Cell(one.day),
                )
            )
            for one in found.cases
        ],
        nothing="没有办件。",
        note=f"只列出前{ROWS}件，全部用 hallnet numbers cases 列出。"
        if found.next_page_token
        else "",
    )


PAGE = Page("numbers", "统计", board, kept=("first", "last", "measure"))

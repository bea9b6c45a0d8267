"""`hallnet numbers`: what a hall did, reconciled, with the cases behind each number."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hallnet.cli.options import HomeArgument, Json

if TYPE_CHECKING:
    from hallnet.node.desk import Desk
    from hallnet.wire.intake.v1 import intake_service_pb2 as wire

app = typer.Typer(help="Numbers of a hall.", no_args_is_help=True)
Actor = Annotated[str, typer.Option("--as", help="Account in whose name you look, for the record")]
First = Annotated[str, typer.Option("--from", help="The first day, YYYY-MM-DD")]
Last = Annotated[str, typer.Option("--until", help="The last day, YYYY-MM-DD")]
Item = Annotated[str, typer.Option(help="Only this item, by its id")]


@app.command()
def show(
    home: HomeArgument,
    actor: Actor,
    first: First,
    last: Last,
    item: Item = "",
    by_item: Annotated[bool, typer.Option("--by-item", help="Item by item")] = False,
    by_day: Annotated[bool, typer.Option("--by-day", help="Day by day")] = False,
    csv_file: Annotated[Path | None, typer.Option("--csv", help="Write the table here")] = None,
    json: Json = False,
) -> None:
    """What was done in a period. What does not reconcile is not shown but refused."""
    from hallnet.cli.operator import ask
    from hallnet.cli.output import print_json
    from hallnet.wire.intake.v1 import intake_service_pb2 as wire

    async def question(desk: Desk) -> wire.GetNumbersResponse:
        request = wire.GetNumbersRequest(
            actor_id=actor, first=first, last=last, item_id=item, by_item=by_item, by_day=by_day
        )
        return await desk.intake.GetNumbers(request)

    answer = ask(home, question)
    if csv_file is not None:
        _write_csv(answer, csv_file)
    if json:
        print_json(answer)
    elif csv_file is None:
        print_numbers(answer)


@app.command()
def cases(
    home: HomeArgument,
    actor: Actor,
    first: First,
    last: Last,
    measure: Annotated[str, typer.Argument(help="For example accepted, finished, in_promise")],
    item: Item = "",
    json: Json = False,
) -> None:
    """The cases that a number counts."""
    from hallnet.cli.operator import ask
    from hallnet.cli.output import print_json, print_table
    from hallnet.numbers.measure import Measure
    from hallnet.wire.intake.v1 import intake_service_pb2 as wire

    known = {each.name.lower(): each for each in Measure}
    if measure.lower() not in known:
        raise typer.BadParameter(f"one of {', '.join(known)}", param_hint="MEASURE")

    async def question(desk: Desk) -> list[wire.NumberedCase]:
        found: list[wire.NumberedCase] = []
        request = wire.ListNumberedCasesRequest(
            actor_id=actor,
            first=first,
            last=last,
            item_id=item,
            measure=int(known[measure.lower()]),  # type: ignore[arg-type]
        )
        while True:
            answer = await desk.intake.ListNumberedCases(request)
            found += answer.cases
            if not answer.next_page_token:
                return found
            request.page_token = answer.next_page_token

    found = ask(home, question)
    if json:
        print_json(found)
        return
    print_table(
        f"{sum(case.amount for case in found)} {measure}",
        ("number", "item", "day", "event", "adds"),
        [
            (case.summary.case_no, case.summary.item_name, case.day, case.sequence, case.amount)
            for case in found
        ],
    )


@app.command()
def freeze(
    home: HomeArgument,
    actor: Actor,
    month: Annotated[str, typer.Argument(help="YYYY-MM, over")],
    reason: Annotated[str, typer.Option(help="Why it is frozen once more")] = "",
    json: Json = False,
) -> None:
    """Freeze the numbers of a month. A later correction is a new line; what stands stays."""
    from hallnet.cli.operator import act_of, ask
    from hallnet.cli.output import print_json
    from hallnet.wire.intake.v1 import intake_service_pb2 as wire

    async def question(desk: Desk) -> wire.MonthLine:
        request = wire.FreezeMonthRequest(act=act_of(actor), month=month, reason=reason)
        return (await desk.intake.FreezeMonth(request)).line

    line = ask(home, question)
    if json:
        print_json(line)
        return
    typer.echo(f"{line.month} line {line.line}, digest {line.digest.hex()}")


@app.command()
def months(
    home: HomeArgument,
    actor: Actor,
    month: Annotated[str, typer.Argument(help="YYYY-MM")],
    json: Json = False,
) -> None:
    """What was frozen of a month, with every correction."""
    from hallnet.cli.operator import ask
    from hallnet.cli.output import print_json
    from hallnet.wire.intake.v1 import intake_service_pb2 as wire

    async def question(desk: Desk) -> wire.ListMonthLinesResponse:
        return await desk.intake.ListMonthLines(
            wire.ListMonthLinesRequest(actor_id=actor, month=month)
        )

    answer = ask(home, question)
    if json:
        print_json(answer)
        return
    for line in answer.lines:
        typer.echo(f"{line.month} line {line.line}, {line.frozen_by}: {line.reason or '—'}")
        print_numbers(line.numbers)


@app.command()
def rebuild(
    home: HomeArgument,
    repair: Annotated[bool, typer.Option(help="Put right what is different")] = False,
    json: Json = False,
) -> None:
    """Work all numbers out anew from the events of all cases and compare them with those that are kept.

    The node may run meanwhile. Exit code 0 if they are the same or were put right, 2 if they are not.
    """
    import time

    from hallnet.cli.output import print_json
    from hallnet.intake import counting
    from hallnet.intake.context import hall_of
    from hallnet.node.home import Home, Part
    from hallnet.store import Database

    at = Home(home)
    hall = hall_of(at)
    database = Database(at.database_url("intake"), "intake", at.vault(Part.INTAKE))
    began, done = time.perf_counter(), 0

    def told(count: int) -> None:
        nonlocal done
        done = count

    try:
        kept, anew = database.look(
            lambda c: (counting.kept(c), counting.from_events(c, hall, told))
        )
        differences = {
            key: anew[key] - kept[key] for key in {*kept, *anew} if anew[key] != kept[key]
        }
        if repair and differences:
            database.transact(lambda c: counting.put_right(c, differences))
    finally:
        database.close()
    seconds = time.perf_counter() - began
    document = {
        "cases": done,
        "numbers": len(anew),
        "different": len(differences),
        "put_right": bool(repair and differences),
        "seconds": round(seconds, 1),
        "cases_per_second": round(done / seconds, 1),
    }
    if json:
        print_json(document)
    else:
        typer.echo(
            f"{done:,} cases, {len(anew):,} numbers in {seconds:,.1f} s: "
            f"{len(differences):,} different{', put right' if document['put_right'] else ''}"
        )
    sys.exit(2 if differences and not repair else 0)


@app.command()
def reconcile(
    total: Annotated[int, typer.Option(help="The whole, as reported")],
    part: Annotated[list[str], typer.Option(help="A class of it, NAME=COUNT (repeatable)")],
    json: Json = False,
) -> None:
    """Whether reported classes add up to their whole. Needs no node; exit code 1 if they do not."""
    from hallnet.cli.output import print_json
    from hallnet.numbers.report import require_classes

    parts: dict[str, int] = {}
    for text in part:
        name, _, count = text.partition("=")
        if not count.isdigit() or name in parts:
            raise typer.BadParameter("NAME=COUNT, each name once", param_hint="--part")
        parts[name] = int(count)
    require_classes("总量", total, parts)
    if json:
        print_json({"total": total, "parts": parts, "reconciles": True})
    else:
        typer.echo(
            f"{' + '.join(f'{name} {count:,}' for name, count in parts.items())} = {total:,}"
        )


def print_numbers(answer: wire.GetNumbersResponse) -> None:
    """The table and the rates, for people."""
    from hallnet.cli.output import print_table

    print_table(
        f"{answer.first} … {answer.last}, {answer.working_days} working days",
        ("number", "class", "item", "day", "amount"),
        [tuple(row.values()) for row in _rows(answer)],
    )
    for rate in answer.rates:
        value = rate.numerator / rate.denominator
        shown = f"{value:,.1f}" if rate.name == "日均受理" else f"{100 * value:.2f}%"
        typer.echo(f"{rate.name}: {rate.numerator:,} / {rate.denominator:,} = {shown}")
    typer.echo(f"在手: {answer.in_hand_before:,} → {answer.in_hand_after:,}")


def _rows(answer: wire.GetNumbersResponse) -> Iterator[dict[str, Any]]:
    from hallnet.numbers.measure import NAMES, Measure
    from hallnet.numbers.report import CLASSES

    for row in answer.numbers:
        yield {
            "number": NAMES[Measure(row.measure)],
            "class": CLASSES[row.handling_kind],
            "item": row.item_id,
            "day": row.day,
            "amount": row.amount,
        }


def _write_csv(answer: wire.GetNumbersResponse, file: Path) -> None:
    from hallnet.cli.output import write_table

    columns = ("number", "class", "item", "day", "amount")
    write_table(file, columns, ([row[name] for name in columns] for row in _rows(answer)))

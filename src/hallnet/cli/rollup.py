"""`hallnet rollup`: what the halls of a part of the tree did, day by day."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from hallnet.cli.options import HomeArgument, Json

if TYPE_CHECKING:
    from hallnet.node.desk import Desk
    from hallnet.wire.branch_sync.v1 import branch_sync_service_pb2 as wire

app = typer.Typer(help="Numbers of this hall and those below it.", no_args_is_help=True)


@app.command()
def show(
    home: HomeArgument,
    first: Annotated[str, typer.Argument(help="First day, as 2026-11-23")],
    last: Annotated[str, typer.Argument(help="Last day; the first if left out")] = "",
    under: Annotated[str, typer.Option(help="Only this hall and those below it")] = "",
    by_hall: Annotated[bool, typer.Option("--by-hall", help="Each hall by itself")] = False,
    json: Json = False,
) -> None:
    """Add up days, drill down to a hall, and see which halls have not reported."""
    from hallnet.cli.operator import ask
    from hallnet.cli.output import print_json, print_table
    from hallnet.wire.branch_sync.v1 import branch_sync_service_pb2 as wire

    async def question(desk: Desk) -> wire.SumRollupsResponse:
        request = wire.SumRollupsRequest(
            first_day=first, last_day=last or first, under=under, by_hall=by_hall
        )
        return await desk.branch_sync.SumRollups(request)

    answer = ask(home, question)
    if json:
        print_json(answer)
        return
    from hallnet.numbers.report import CLASSES

    rows = [
        (one.hall or "all", one.item_id, _name(one.measure), CLASSES[one.handling_kind], one.count)
        for one in answer.sums
    ]
    print_table("Numbers", ("hall", "item", "measure", "kind", "count"), rows)
    typer.echo(f"{answer.reports} reports")
    for missing in answer.missing:
        typer.echo(f"missing: {missing.hall} {missing.day}")


def _name(measure: str) -> str:
    """As reports name it; one of a later edition as it names itself."""
    from hallnet.numbers.measure import NAMES, Measure

    known = {one.name.lower(): NAMES[one] for one in Measure}
    return known.get(measure, measure)

"""`hallnet case`: looking at cases and exporting their proofs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hallnet.cli.options import HomeArgument, Json

if TYPE_CHECKING:
    from hallnet.node.desk import Desk
    from hallnet.wire.intake.v1 import intake_service_pb2 as wire


app = typer.Typer(help="Cases of a hall.", no_args_is_help=True)
Actor = Annotated[str, typer.Option("--as", help="Account in whose name you look, for the record")]


@app.command()
def show(
    home: HomeArgument,
    case: Annotated[str, typer.Argument(help="Number or id of the case")],
    actor: Actor,
    purpose: Annotated[str, typer.Option(help="Why you look, for the record")] = "",
) -> None:
    """Everything that this hall knows of a case, as JSON."""
    from hallnet.cli.operator import ask
    from hallnet.cli.output import print_json
    from hallnet.wire.intake.v1 import intake_service_pb2 as wire

    async def question(desk: Desk) -> wire.GetCaseResponse:
        return await desk.intake.GetCase(
            wire.GetCaseRequest(case_ref=case, actor_id=actor, purpose=purpose)
        )

    print_json(ask(home, question).case)


@app.command("list")
def list_cases(
    home: HomeArgument,
    actor: Actor,
    search: Annotated[
        str, typer.Option(help="Beginning of a case number; whole name, document number or phone")
    ] = "",
    item: Annotated[str, typer.Option(help="Only cases of this item, by its id")] = "",
    due_until: Annotated[str, typer.Option(help="Only cases due by this day, YYYY-MM-DD")] = "",
    owner: Annotated[str, typer.Option(help="Only open cases that this member of staff owns")] = "",
    json: Json = False,
) -> None:
    """Cases of a hall, the one due first at the top; what a name or number finds, the newest first."""
    from hallnet.cli.operator import ask
    from hallnet.cli.output import print_json, print_table
    from hallnet.wire.intake.v1 import intake_service_pb2 as wire

    async def question(desk: Desk) -> wire.ListCasesResponse:
        return await desk.intake.ListCases(
            wire.ListCasesRequest(
                actor_id=actor, search=search, item_id=item, due_until=due_until, owner=owner
            )
        )

    answer = ask(home, question)
    if json:
        print_json(answer)
        return
    print_table(
        f"{answer.total}{'+' if answer.total_is_least else ''} cases",
        ("number", "item", "applicant", "stage", "with", "due"),
        [
            (
                item.case_no,
                item.item_name,
                item.applicant,
                wire.CaseStage.Name(item.stage).removeprefix("CASE_STAGE_").lower(),
                item.custodian or f"→ {item.in_transit_to}",
                item.due_on + (" (provisional)" if item.due_provisional else ""),
            )
            for item in answer.cases
        ],
    )


@app.command()
def bundle(
    home: HomeArgument,
    case: Annotated[str, typer.Argument(help="Number or id of the case")],
    actor: Actor,
    out: Annotated[Path, typer.Option(help="File for the bundle")],
) -> None:
    """Export a case with its proofs; anybody with root.cert can check it with hallnet verify."""
    from hallnet.cli.operator import ask
    from hallnet.wire.exchange.v1 import exchange_service_pb2 as wire_exchange
    from hallnet.wire.intake.v1 import intake_service_pb2 as wire

    async def question(desk: Desk) -> bytes:
        found = await desk.intake.GetCase(
            wire.GetCaseRequest(case_ref=case, actor_id=actor, purpose="导出证据包")
        )
        parts = desk.exchange.ExportBundle(
            wire_exchange.ExportBundleRequest(
                subject=found.case.summary.case_id, actor_id=actor, purpose="导出证据包"
            )
        )
        return b"".join([part.data async for part in parts])

    out.write_bytes(ask(home, question))
    typer.echo(f"{out}: check it with hallnet verify {out} --root root.cert")

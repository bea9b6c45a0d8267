"""`hallnet case`: looking at cases and exporting their proofs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hallnet.cli.ledger import ledger
from hallnet.cli.options import HomeArgument, Json

if TYPE_CHECKING:
    from hallnet.node.desk import Desk
    from hallnet.wire.intake.v1 import intake_service_pb2 as wire


app = typer.Typer(help="Cases of a hall.", no_args_is_help=True)
app.command()(ledger)
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
    stage: Annotated[
        list[str] | None, typer.Option(help="Only in this stage, for example accepted (repeatable)")
    ] = None,
    csv_file: Annotated[
        Path | None, typer.Option("--csv", help="Write all of them here; needs --purpose")
    ] = None,
    purpose: Annotated[str, typer.Option(help="What the table is for, for the record")] = "",
    json: Json = False,
) -> None:
    """Cases of a hall, the one due first at the top; what a name or number finds, the newest first.

    Shown are the first 50; --csv writes all, for who supervises, and is on record with its purpose.
    """
    from hallnet.cli.operator import ask
    from hallnet.cli.output import print_json, print_table, write_table
    from hallnet.wire.intake.v1 import intake_service_pb2 as wire

    if csv_file is not None and not purpose:
        raise typer.BadParameter("say what the table is for", param_hint="--purpose")
    request = wire.ListCasesRequest(
        actor_id=actor,
        search=search,
        item_id=item,
        due_until=due_until,
        owner=owner,
        stages=[_stage(name) for name in stage or ()],
        export_purpose=purpose if csv_file is not None else "",
        page_size=200 if csv_file is not None else 0,
    )

    async def question(desk: Desk) -> wire.ListCasesResponse:
        answer = await desk.intake.ListCases(request)
        token = answer.next_page_token
        while csv_file is not None and token:
            request.page_token = token
            page = await desk.intake.ListCases(request)
            answer.cases.extend(page.cases)
            token = page.next_page_token
        return answer

    answer = ask(home, question)
    columns = ("number", "item", "applicant", "stage", "with", "due")
    rows = [_row(found) for found in answer.cases]
    if csv_file is not None:
        write_table(csv_file, columns, rows)
        typer.echo(f"{len(rows)} cases: {csv_file}")
    elif json:
        print_json(answer)
    else:
        print_table(f"{answer.total}{'+' if answer.total_is_least else ''} cases", columns, rows)


def _stage(name: str) -> wire.CaseStage.ValueType:
    from hallnet.wire.intake.v1 import intake_service_pb2 as wire

    known = {one.removeprefix("CASE_STAGE_").lower(): one for one in wire.CaseStage.keys()[1:]}
    if name.lower() not in known:
        raise typer.BadParameter(f"one of {', '.join(known)}", param_hint="--stage")
    return wire.CaseStage.Value(known[name.lower()])


def _row(found: wire.CaseSummary) -> tuple[str, ...]:
    from hallnet.wire.intake.v1 import intake_service_pb2 as wire

    return (
        found.case_no,
        found.item_name,
        found.applicant,
        wire.CaseStage.Name(found.stage).removeprefix("CASE_STAGE_").lower(),
        found.custodian or f"→ {found.in_transit_to}",
        found.due_on + (" (provisional)" if found.due_provisional else ""),
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

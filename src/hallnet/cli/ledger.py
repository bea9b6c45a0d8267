"""`hallnet case ledger`: the ledger of a hall (台账), and what is posted of it (办结公告)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hallnet.cli.options import HomeArgument

if TYPE_CHECKING:
    from hallnet.node.desk import Desk
    from hallnet.numbers.ledger import Entry
    from hallnet.wire.intake.v1 import intake_service_pb2 as wire

_BY = ("received", "accepted", "finished")
"""The measures by whose day a case is in the ledger."""


def ledger(
    home: HomeArgument,
    actor: Annotated[str, typer.Option("--as", help="Account of somebody who supervises")],
    first: Annotated[str, typer.Option("--from", help="The first day, YYYY-MM-DD")],
    last: Annotated[str, typer.Option("--until", help="The last day, YYYY-MM-DD")],
    purpose: Annotated[str, typer.Option(help="What the table is for, for the record")],
    to: Annotated[Path, typer.Option(help="CSV file to write")],
    by: Annotated[
        str, typer.Option(help="Whose day counts: received, accepted or finished")
    ] = "finished",
    item: Annotated[str, typer.Option(help="Only this item, by its id")] = "",
    names: Annotated[bool, typer.Option("--names", help="With whole names; else masked")] = False,
    posted: Annotated[
        bool, typer.Option("--posted", help="Only what may be posted: what was granted, masked")
    ] = False,
) -> None:
    """Write the ledger of a period: who applied for what, how it went, how the result was handed out.

    Each look at a case is on record with the purpose.

    Example: hallnet case ledger HOME --as chief --from 2026-11-01 --until 2026-11-30 --purpose 月度归档 --to nov.csv
    """
    from hallnet.cli.operator import ask
    from hallnet.cli.output import write_table
    from hallnet.numbers.ledger import COLUMNS, POSTED_COLUMNS
    from hallnet.numbers.measure import Measure
    from hallnet.wire.intake.v1 import intake_service_pb2 as wire

    if by not in _BY:
        raise typer.BadParameter(f"one of {', '.join(_BY)}", param_hint="--by")
    if names and posted:
        raise typer.BadParameter("what is posted has no whole names", param_hint="--names")
    wanted = wire.ListNumberedCasesRequest(
        actor_id=actor,
        first=first,
        last=last,
        item_id=item,
        measure=int(Measure["FINISHED" if posted else by.upper()]),  # type: ignore[arg-type]
        page_size=200,
        purpose=purpose,
    )

    async def question(desk: Desk) -> list[Entry]:
        # Only who supervises takes a table out of the hall, and that is on record.
        await desk.intake.ListCases(
            wire.ListCasesRequest(actor_id=actor, export_purpose=purpose, page_size=1)
        )
        return [one async for one in _entries(desk, wanted, names, posted)]

    found = ask(home, question)
    columns = POSTED_COLUMNS if posted else COLUMNS
    write_table(to, columns, [one.posted if posted else one.row for one in found])
    typer.echo(f"{len(found)} cases, {first} to {last}: {to}")


async def _entries(
    desk: Desk, wanted: wire.ListNumberedCasesRequest, names: bool, posted: bool
) -> AsyncIterator[Entry]:
    from hallnet.case.case import read_history
    from hallnet.case.event import EVENT
    from hallnet.numbers.ledger import entry, may_be_posted

    while True:
        page = await desk.intake.ListNumberedCases(wanted)
        for one in page.cases:
            case = read_history(EVENT.to_bytes(EVENT.from_message(it)) for it in one.events)
            assert case is not None
            if not posted or may_be_posted(case):
                yield entry(case, one.summary.item_name, names)
        if not page.next_page_token:
            return
        wanted.page_token = page.next_page_token

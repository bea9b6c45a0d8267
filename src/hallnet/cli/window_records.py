"""`hallnet window export`: enquiries, ratings and complaints as a table to take home."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hallnet.cli.options import HomeArgument

if TYPE_CHECKING:
    from hallnet.node.desk import Desk
    from hallnet.wire.window.v1 import window_service_pb2 as wire

_KINDS = ("enquiry", "rating", "complaint")
_PAGE_ROWS = 200


def export(
    home: HomeArgument,
    kind: Annotated[str, typer.Argument(help="enquiry, rating or complaint")],
    actor: Annotated[str, typer.Option("--as", help="Account of somebody who supervises")],
    purpose: Annotated[str, typer.Option(help="What the table is for, for the record")],
    to: Annotated[Path, typer.Option(help="CSV file to write")],
) -> None:
    """Write all records of a kind, the newest first; names are masked, and it is on record once."""
    from hallnet.cli.operator import act_of, ask
    from hallnet.cli.output import write_table
    from hallnet.window.record_table import TABLES
    from hallnet.wire.window.v1 import window_service_pb2 as wire

    if kind not in _KINDS:
        raise typer.BadParameter(f"one of {', '.join(_KINDS)}", param_hint="KIND")
    wanted = wire.RecordKind.Value(f"RECORD_KIND_{kind.upper()}")
    request = wire.ListRecordsRequest(
        act=act_of(actor),
        kind=wanted,
        page_size=_PAGE_ROWS,
        export_purpose=purpose,
    )

    async def question(desk: Desk) -> list[wire.WindowRecord]:
        found: list[wire.WindowRecord] = []
        while True:
            page = await desk.window.ListRecords(request)
            found += page.records
            request.page_token = page.next_page_token
            if not request.page_token:
                return found

    found = ask(home, question)
    table = TABLES[wanted]
    write_table(to, table.columns, table.rows(found))
    typer.echo(f"{len(found)}: {to}")

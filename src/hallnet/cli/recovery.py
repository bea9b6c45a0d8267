"""`hallnet node recovery`: what came back of a loss of records, and what did not."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Annotated

import typer

from hallnet.cli.options import HomeArgument, Json

app = typer.Typer()


@app.command()
def recovery(
    home: HomeArgument,
    out: Annotated[Path | None, typer.Option(help="Keep the report with its proofs here")] = None,
    loss: Annotated[
        int, typer.Option(help="End of the gap (hallnet node status); 0: the newest", min=0)
    ] = 0,
    json: Json = False,
) -> None:
    """What a node that was put back got back of what it had said itself, and what is still missing.

    The node has to be running. Every entry is checked with the node's own root certificate; anybody else can
    check the file with hallnet verify. Exit code 0 if every proof holds, 2 if one does not.
    """
    from hallnet.cli.operator import write_recovery
    from hallnet.cli.output import print_json
    from hallnet.cli.verifying import verified_file
    from hallnet.node.home import Home

    with tempfile.TemporaryDirectory(prefix="hallnet-") as folder:
        file = out or Path(folder) / "recovery"
        write_recovery(home, file, loss)
        described = verified_file(file, Home(home).root())
    if json:
        print_json(described)
    else:
        for line in described["lines"]:
            typer.echo(line)
        if out is not None:
            typer.echo(f"{out}: check it with hallnet verify {out} --root root.cert")
    raise typer.Exit(0 if described["holds"] else 2)

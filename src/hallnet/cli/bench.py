"""`hallnet bench`: how fast the network is on this machine."""

from __future__ import annotations

from typing import Annotated

import typer

from hallnet.cli.options import Json

app = typer.Typer(help="Benchmarks against a floor of bare libraries.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Keeps the command a group, for there will be others."""


@app.command()
def exchange(
    size: Annotated[int, typer.Option(help="Bytes of each message")] = 2048,
    envelopes: Annotated[int, typer.Option(help="Envelopes in each round")] = 4000,
    rounds: Annotated[int, typer.Option(help="Rounds after the one that warms up")] = 3,
    json: Json = False,
) -> None:
    """Envelopes a second from a township to its county, receipts included, on two real exchanges.

    In turns with the floor: the same unavoidable work (seal, hash, sign a batch, durable commits, one
    request, verify, open, receipt) in a bare loop. The ratio of the two is what counts, on any machine.
    """
    import asyncio

    from hallnet.bench.exchange import measure
    from hallnet.cli.output import print_json, print_table

    say = (lambda text: typer.echo(text, err=True)) if json else typer.echo
    found = asyncio.run(measure(envelopes, size, rounds, say)).as_data()
    if json:
        print_json({"size": size, "envelopes": envelopes, "rounds": rounds, **found})
    else:
        columns = ("", "min", "median", "max")
        print_table("", columns, [(name, *spread.values()) for name, spread in found.items()])

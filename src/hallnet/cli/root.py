"""`hallnet root`: the offline key of a network."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hallnet.cli.options import SUITE_HELP

app = typer.Typer(help="The offline key of a network.", no_args_is_help=True)


@app.command()
def create(
    folder: Annotated[Path, typer.Argument(help="New folder for root.key and root.cert")],
    division: Annotated[
        str, typer.Option(help="Division that the network governs, e.g. 33; empty: the country")
    ] = "",
    name: Annotated[str, typer.Option(help="Name for people")] = "hallnet root",
    suite: Annotated[int, typer.Option(help=SUITE_HELP, min=1, max=2)] = 1,
    allow: Annotated[
        list[int] | None,
        typer.Option(help="Suite that halls may use besides that of the root", min=1, max=2),
    ] = None,
) -> None:
    """Make the root of a network. Keep root.key offline; give root.cert to every hall by hand."""
    from hallnet.node.clock import clock
    from hallnet.node.rootkeys import create_root

    certificate = create_root(folder, division, name, clock(), suite, allow or ())
    typer.echo(f"{folder}/root.cert  fingerprint {certificate.id.hex()}")


@app.command()
def certify(
    folder: Annotated[Path, typer.Argument(help="Folder of the root")],
    request: Annotated[Path, typer.Argument(help="Request of the hall at the top")],
    out: Annotated[Path, typer.Option(help="Where the welcome goes")],
) -> None:
    """Certify the hall at the top of the network."""
    from hallnet.cli.files import read_message
    from hallnet.node.clock import clock
    from hallnet.node.rootkeys import certify_top
    from hallnet.wire.trust.v1 import certificate_pb2 as wire

    message = read_message(request, wire.CertificateRequest)
    out.write_bytes(certify_top(folder, message, clock()).SerializeToString())
    typer.echo(f"{out}: to be taken with hallnet node join")

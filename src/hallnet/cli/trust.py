"""`hallnet trust`: the offline root of a network, and roots that follow it."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hallnet.cli.options import SUITE_HELP, HomeArgument, Json

if TYPE_CHECKING:
    from hallnet.node.desk import Desk
    from hallnet.wire.exchange.v1 import exchange_service_pb2 as wire

app = typer.Typer(
    help="Who is believed: the offline root of a network, and roots that follow it.",
    no_args_is_help=True,
)
root = typer.Typer(
    help="The offline root: commands for a machine that is on no network.", no_args_is_help=True
)
app.add_typer(root, name="root")

PassphraseFile = Annotated[
    Path | None, typer.Option(help="File with the passphrase in its first line; else it is asked")
]


@root.command()
def new(
    folder: Annotated[Path, typer.Argument(help="New folder for root.key and root.cert")],
    division: Annotated[
        str, typer.Option(help="Division that the network governs, e.g. 33; empty: the country")
    ] = "",
    name: Annotated[str, typer.Option(help="Name for people")] = "hallnet root",
    present: Annotated[
        list[str] | None, typer.Option(help="Who is present (may be repeated), for the record")
    ] = None,
    passphrase_file: PassphraseFile = None,
    without_passphrase: Annotated[
        bool, typer.Option("--without-passphrase", help="For trials: the key lies open")
    ] = False,
    suite: Annotated[int, typer.Option(help=SUITE_HELP, min=1, max=2)] = 1,
    allow: Annotated[
        list[int] | None,
        typer.Option(help="Suite that halls may use besides that of the root", min=1, max=2),
    ] = None,
) -> None:
    """Make the root of a network, and print the record of it.

    Do this on a machine that is on no network. Keep root.key offline, in two places; give root.cert to
    the highest hall by hand. Everybody who is given it compares the fingerprint.
    """
    from hallnet.node.ceremony import record
    from hallnet.node.clock import clock
    from hallnet.node.rootkeys import create_root

    passphrase = None if without_passphrase else _passphrase(passphrase_file, "of the root", True)
    now = clock()
    certificate = create_root(folder, division, name, now, passphrase, suite, allow or ())
    text = record(certificate, passphrase is not None, present or [], now)
    (folder / "ceremony.txt").write_text(text, encoding="utf-8")
    typer.echo(text)
    typer.echo(f"{folder}/root.cert, {folder}/root.key, {folder}/ceremony.txt")


@root.command()
def show(
    certificate: Annotated[Path, typer.Argument(help="root.cert")], json: Json = False
) -> None:
    """The fingerprint of a root, to be read aloud and compared with the record of its making."""
    from hallnet.cli.output import print_json
    from hallnet.node.rootkeys import read_root, spoken

    found = read_root(certificate)
    if json:
        print_json(
            {
                "name": found.body.name,
                "division": found.body.subject,
                "not_after": found.body.not_after.isoformat(),
                "fingerprint": found.id.hex(),
                "spoken": spoken(found),
            }
        )
        return
    governs = found.body.subject or "the country"
    typer.echo(f"{found.body.name}: governs {governs}, until {found.body.not_after:%F}")
    typer.echo(spoken(found))
    typer.echo(found.id.hex())


@root.command()
def certify(
    folder: Annotated[Path, typer.Argument(help="Folder of the root")],
    request: Annotated[Path, typer.Argument(help="Request of the hall at the top")],
    out: Annotated[Path, typer.Option(help="Where the welcome goes")],
    passphrase_file: PassphraseFile = None,
) -> None:
    """Certify the hall at the top of the network."""
    from hallnet.cli.files import read_message
    from hallnet.node.clock import clock
    from hallnet.node.rootkeys import certify_top
    from hallnet.wire.trust.v1 import certificate_pb2 as wire

    message = read_message(request, wire.CertificateRequest)
    passphrase = _of_root(folder, passphrase_file)
    out.write_bytes(certify_top(folder, message, clock(), passphrase).SerializeToString())
    typer.echo(f"{out}: to be taken with hallnet node join")


@root.command()
def succeed(
    old: Annotated[Path, typer.Argument(help="Folder of the root that is believed so far")],
    successor: Annotated[
        Path, typer.Argument(metavar="NEW", help="Folder of the root that takes over")
    ],
    out: Annotated[Path, typer.Option(help="Where the statement goes")],
    passphrase_file: PassphraseFile = None,
    new_passphrase_file: PassphraseFile = None,
) -> None:
    """State with the keys of both that a new root takes over.

    Carry the statement to the highest hall: hallnet trust take-root. Whoever believes one of the two
    then believes the other, so what the old one certified stays verifiable.
    """
    from hallnet.node.clock import clock
    from hallnet.node.rootkeys import hand_over

    passphrases = _of_root(old, passphrase_file), _of_root(successor, new_passphrase_file)
    statement = hand_over(old, passphrases[0], successor, passphrases[1], clock())
    out.write_bytes(statement.SerializeToString())
    typer.echo(f"{out}: to be taken at the highest hall with hallnet trust take-root")


@app.command()
def take_root(
    home: HomeArgument,
    statement: Annotated[Path, typer.Argument(help="What hallnet trust root succeed made")],
) -> None:
    """Have the whole network believe a new root; at the highest hall, while its node runs.

    A hall that was cut off while the others heard of it takes the statement in by hand with the same.
    """
    from hallnet.cli.files import read_message
    from hallnet.cli.operator import ask
    from hallnet.node.rootkeys import spoken
    from hallnet.trust.certificate import read_certificate
    from hallnet.wire.exchange.v1 import exchange_service_pb2 as wire
    from hallnet.wire.trust.v1 import certificate_pb2 as wire_trust

    message = read_message(statement, wire_trust.RootSuccession)

    async def question(desk: Desk) -> wire.TakeRootSuccessionResponse:
        return await desk.exchange.TakeRootSuccession(
            wire.TakeRootSuccessionRequest(request_id=str(uuid.uuid4()), succession=message)
        )

    typer.echo("believed from now on, and everywhere with the next trust bundle:")
    for item in ask(home, question).roots:
        certificate = read_certificate(item)
        typer.echo(f"{certificate.body.name}  {spoken(certificate)}")


def _of_root(folder: Path, file: Path | None) -> str:
    """The passphrase of a root; empty if its key lies open."""
    from hallnet.node.rootkeys import is_sealed

    return _passphrase(file, f"of {folder}", False) if is_sealed(folder) else ""


def _passphrase(file: Path | None, whose: str, fresh: bool) -> str:
    if file is not None:
        lines = file.read_text(encoding="utf-8").splitlines()
        return lines[0] if lines else ""
    text: str = typer.prompt(
        f"Passphrase {whose}", hide_input=True, confirmation_prompt=fresh, err=True
    )
    return text

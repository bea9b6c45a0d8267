"""`hallnet trust`: the offline root of a network, and roots that follow it."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hallnet.cli import keeper
from hallnet.cli.options import SUITE_HELP, HomeArgument, Json, PassphraseFile
from hallnet.cli.passphrases import passphrase_from, passphrase_of

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
app.add_typer(keeper.app, name="keeper")


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
    keepers: Annotated[
        list[Path] | None,
        typer.Option("--keeper", help="keeper.pub of one of several who hold it together (repeat)"),
    ] = None,
    threshold: Annotated[
        int, typer.Option(help="With keepers: how many of them have to sign", min=0)
    ] = 0,
) -> None:
    """Make the root of a network, and print the record of it.

    Do this on a machine that is on no network. Keep root.key offline, in two places; give root.cert to
    the highest hall by hand. Everybody who is given it compares the fingerprint. With --keeper and
    --threshold no key is made: each keeper signs with her own (hallnet trust keeper).
    """
    from hallnet.node.ceremony import record
    from hallnet.node.clock import clock
    from hallnet.node.keeping import begin_root, read_keeper
    from hallnet.node.rootkeys import create_root

    now = clock()
    if keepers:
        read = [read_keeper(path) for path in keepers]
        draft = begin_root(folder, division, name, read, threshold, now, allow or ())
        keeper.tell_draft(draft)
        return
    passphrase = (
        None if without_passphrase else passphrase_from(passphrase_file, "of the root", True)
    )
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
    if found.body.keepers:
        held = f"held by {len(found.body.keepers)} keepers, {found.body.threshold} have to sign"
        typer.echo(f"{found.body.name}: {held}")
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
    """Certify the hall at the top of the network. A root with keepers makes a draft for them to sign."""
    from hallnet.cli.files import read_message
    from hallnet.node.clock import clock
    from hallnet.node.keeping import put_draft
    from hallnet.node.rootkeys import has_keepers
    from hallnet.node.stating import certify_top, top_draft
    from hallnet.wire.trust.v1 import certificate_pb2 as wire

    message = read_message(request, wire.CertificateRequest)
    if has_keepers(folder):
        keeper.tell_draft(put_draft(out, top_draft(folder, message, clock())))
        return
    passphrase = passphrase_of(folder, passphrase_file)
    out.write_bytes(certify_top(folder, message, clock(), passphrase).SerializeToString())
    typer.echo(f"{out}: to be taken with hallnet node join")


@root.command()
def succeed(
    old: Annotated[Path, typer.Argument(help="Folder of the root that is believed so far")],
    successor: Annotated[
        Path, typer.Argument(metavar="NEW", help="Folder of the root that takes over")
    ],
    out: Annotated[Path, typer.Option(help="Where the statement goes")],
    keep: Annotated[
        list[Path] | None,
        typer.Option(help="Welcome of the highest hall that signed.txt does not know (repeat)"),
    ] = None,
    old_stays: Annotated[
        bool, typer.Option("--old-stays", help="The old root stays in force beside the new one")
    ] = False,
    passphrase_file: PassphraseFile = None,
    new_passphrase_file: PassphraseFile = None,
) -> None:
    """State in the name of both that a new root takes over, as after the change of a keeper.

    Carry the statement to the highest hall: hallnet trust take-root. Whoever believes one of the two
    then believes the other. The old root ends: of what it signed only what signed.txt in its folder names stays
    believed, so that old signatures can be verified and nobody makes new ones with old keys, whatever date they
    bear. If one of the two has keepers, this makes a draft for them to sign.
    """
    from hallnet.node.clock import clock
    from hallnet.node.keeping import put_draft
    from hallnet.node.rootkeys import has_keepers
    from hallnet.node.stating import hand_over, succession_draft

    kept = None if old_stays else _kept(old, keep or ())
    if has_keepers(old) or has_keepers(successor):
        keeper.tell_draft(put_draft(out, succession_draft(old, successor, kept, clock())))
        return
    passphrases = passphrase_of(old, passphrase_file), passphrase_of(successor, new_passphrase_file)
    statement = hand_over(old, passphrases[0], successor, passphrases[1], clock(), kept)
    out.write_bytes(statement.SerializeToString())
    typer.echo(f"{out}: to be taken at the highest hall with hallnet trust take-root")


@root.command()
def revoke(
    folder: Annotated[Path, typer.Argument(help="Folder of the root")],
    welcome: Annotated[Path, typer.Argument(help="Welcome of the highest hall, as it was given")],
    reason: Annotated[str, typer.Option(help="Why, for the record")],
    out: Annotated[Path, typer.Option(help="Where the revocation goes")],
    since: Annotated[
        datetime | None,
        typer.Option(
            "--from", help="From when on (local time) it is not believed; else from now on"
        ),
    ] = None,
    passphrase_file: PassphraseFile = None,
) -> None:
    """End the certificate of the highest hall, as after a theft of its keys.

    Certify it with new keys first; then it takes the revocation: hallnet trust take-revocation.
    """
    from hallnet.cli.files import read_message
    from hallnet.node.clock import clock
    from hallnet.node.keeping import put_draft
    from hallnet.node.rootkeys import has_keepers
    from hallnet.node.stating import revocation_draft, revoke_top
    from hallnet.wire.trust.v1 import certificate_pb2 as wire

    now = clock()
    moment = now if since is None else since.astimezone()
    message = read_message(welcome, wire.Welcome)
    if has_keepers(folder):
        draft = revocation_draft(folder, message, reason, moment, now)
        keeper.tell_draft(put_draft(out, draft))
        return
    passphrase = passphrase_of(folder, passphrase_file)
    revocation = revoke_top(folder, message, reason, moment, now, passphrase)
    out.write_bytes(revocation.SerializeToString())
    typer.echo(f"{out}: to be taken at the highest hall with hallnet trust take-revocation")


@root.command()
def record(
    certificate: Annotated[Path, typer.Argument(help="root.cert")],
    present: Annotated[
        list[str] | None, typer.Option(help="Who is present (may be repeated)")
    ] = None,
) -> None:
    """Print the record of a root with keepers, to be signed on paper by who is present."""
    from hallnet.node.ceremony import record as record_of
    from hallnet.node.clock import clock
    from hallnet.node.rootkeys import read_root

    typer.echo(record_of(read_root(certificate), True, present or [], clock()))


@app.command()
def take_revocation(
    home: HomeArgument,
    revocation: Annotated[Path, typer.Argument(help="What hallnet trust root revoke made")],
) -> None:
    """Have the whole network take in what the root revoked; at the highest hall, while its node runs."""
    from hallnet.cli.files import read_message
    from hallnet.cli.operator import ask
    from hallnet.wire.exchange.v1 import exchange_service_pb2 as wire
    from hallnet.wire.trust.v1 import certificate_pb2 as wire_trust

    message = read_message(revocation, wire_trust.Revocation)

    async def question(desk: Desk) -> wire.TakeRootSuccessionResponse:
        return await desk.exchange.TakeRootSuccession(
            wire.TakeRootSuccessionRequest(request_id=str(uuid.uuid4()), revocation=message)
        )

    ask(home, question)
    typer.echo("revoked here, and everywhere with the next trust bundle")


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


def _kept(old: Path, files: Sequence[Path]) -> frozenset[bytes]:
    """What an ended root signed and that stays believed: by its record, and by the welcomes that are given."""
    from hallnet.cli.files import read_message
    from hallnet.node.rootkeys import (
        ROOT_CERTIFICATE,
        RootRecordMissing,
        read_root,
        signed_by,
        signed_so_far,
    )
    from hallnet.wire.trust.v1 import certificate_pb2 as wire

    certificate = read_root(old / ROOT_CERTIFICATE)
    given = frozenset(
        one for file in files for one in signed_by(certificate, read_message(file, wire.Welcome))
    )
    try:
        return given | signed_so_far(old)
    except RootRecordMissing:
        # Made before there was a record: what is given has to be all.
        if not given:
            raise
        return given

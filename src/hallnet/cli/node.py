"""`hallnet node`: founding, joining, running and looking at a node."""

from __future__ import annotations

import asyncio
import uuid
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hallnet.cli import backup, catching_up, inviting, recovery, standing, vault
from hallnet.cli.options import SUITE_HELP, HomeArgument, Json

if TYPE_CHECKING:
    from hallnet.node.desk import Desk
    from hallnet.node.home import Home
    from hallnet.wire.exchange.v1 import exchange_service_pb2 as wire
    from hallnet.wire.trust.v1 import certificate_pb2 as wire_trust

InvitationOption = Annotated[
    str, typer.Option(help="Code from the hall above (hallnet node invite), or a file with it")
]

app = typer.Typer(help="Found, join, run and look at a node.", no_args_is_help=True)
app.add_typer(vault.app, name="vault")
app.add_typer(backup.app)
app.add_typer(catching_up.app)
app.add_typer(recovery.app)
app.add_typer(inviting.app)
app.add_typer(standing.app)


@app.command()
def init(
    home: HomeArgument,
    address: Annotated[
        str,
        typer.Option(help="Division code, or code-name of a branch hall; an invitation names it"),
    ] = "",
    name: Annotated[
        str, typer.Option(help="The hall's name for people; by default that of its division")
    ] = "",
    branch_field: Annotated[
        str, typer.Option(help="Field of a branch hall: 社保, 房产, 车管, 税务, 林业, 运管")
    ] = "",
    department: Annotated[
        str, typer.Option(help="Department that owns a branch hall, for people")
    ] = "",
    database: Annotated[
        str, typer.Option(help="sqlite, or postgresql://user:password@host/database")
    ] = "sqlite",
    listen: Annotated[
        str, typer.Option(help="host:port of the node's services")
    ] = "127.0.0.1:7400",
    broker_listen: Annotated[
        str, typer.Option(help="host:port of the message server, for a hall with halls below it")
    ] = "",
    broker_url: Annotated[
        str, typer.Option(help="Where halls below dial the message server: tls://host:port")
    ] = "",
    portal: Annotated[str, typer.Option(help="host:port of the web site; empty for none")] = "",
    suite: Annotated[int, typer.Option(help=SUITE_HELP, min=1, max=2)] = 1,
    invitation: InvitationOption = "",
) -> None:
    """Found a node: make its home with fresh keys.

    With --invitation CODE (hallnet node invite, at the hall above) the node is certified at once and can
    run. Without it, the request in the home is carried to the hall above: hallnet node certify there,
    then hallnet node join here.
    """
    import tomli_w

    from hallnet.node.clock import clock
    from hallnet.node.home import Home
    from hallnet.places import Address, divisions

    invited = _invitation(invitation) if invitation else None
    if invited is not None and not address:
        address = invited.address
    if not address:
        raise typer.BadParameter("is needed where there is no --invitation", param_hint="--address")
    settings = {
        "hall": {
            "address": address,
            "name": name or divisions().full_name(Address.parse(address, "address").division),
            "branch_field": branch_field,
            "department": department,
            "suite": suite,
        },
        "database": {"url": database},
        "endpoints": dict.fromkeys(("intake", "exchange", "branch_sync", "notify"), listen),
        "broker": {
            "listen": broker_listen,
            "url": broker_url or (f"tls://{broker_listen}" if broker_listen else ""),
        },
        "portal": {"listen": portal},
    }
    made = Home.create(home, tomli_w.dumps(settings), clock())
    made.write("request.bin", made.request(clock()).SerializeToString())
    if invited is not None:
        _join_invited(made, invited)
        return
    typer.echo(f"{home}/request.bin: to be certified by the parent with hallnet node certify")


def _invitation(code: str) -> wire_trust.Invitation:
    """The invitation in a code, or in a file that holds one."""
    from hallnet.cli.files import FileUnusable
    from hallnet.trust.invitation import PREFIX, read_code

    text = code
    if not code.lstrip().startswith(PREFIX):
        try:
            text = Path(code).read_text(encoding="ascii")
        except (OSError, ValueError) as error:
            raise FileUnusable(file=code[:80], detail="no invitation code") from error
    return read_code(text)


def _join_invited(home: Home, invitation: wire_trust.Invitation) -> None:
    from hallnet.node.clock import clock
    from hallnet.node.joining import join

    identity = asyncio.run(join(home, invitation, clock()))
    parent = identity.parent
    until = identity.certificate.body.not_after
    typer.echo(f"{identity.address} is certified by {parent} until {until:%F}")
    typer.echo(f"root of the network: {identity.chain[-1].id.hex()}")
    typer.echo(f"it can run now: hallnet node run {home.folder}")


@app.command()
def certify(
    home: HomeArgument,
    request: Annotated[Path, typer.Argument(help="Request of the hall below")],
    out: Annotated[Path, typer.Option(help="Where the welcome goes")],
    days: Annotated[int, typer.Option(help="Validity in days; 0: the node's default")] = 0,
) -> None:
    """Certify a hall directly below this one; the node has to be running."""
    from hallnet.cli.files import read_message
    from hallnet.cli.operator import ask
    from hallnet.wire.exchange.v1 import exchange_service_pb2 as wire
    from hallnet.wire.trust.v1 import certificate_pb2 as wire_trust

    message = read_message(request, wire_trust.CertificateRequest)

    async def question(desk: Desk) -> wire.CertifyChildResponse:
        return await desk.exchange.CertifyChild(
            wire.CertifyChildRequest(
                request_id=str(uuid.uuid4()), request=message, validity_days=days
            )
        )

    out.write_bytes(ask(home, question).welcome.SerializeToString())
    typer.echo(f"{out}: to be taken by the hall with hallnet node join")


@app.command()
def revoke(
    home: HomeArgument,
    address: Annotated[str, typer.Argument(help="Address of the hall below")],
    reason: Annotated[str, typer.Option(help="Why, in words for the record")],
) -> None:
    """End the certificates of a hall directly below this one and shut it out; the node has to be running.

    What the hall signed until now stays believed. To let it in again, found its node anew and certify it.
    """
    from hallnet.cli.operator import ask
    from hallnet.wire.exchange.v1 import exchange_service_pb2 as wire

    async def question(desk: Desk) -> wire.RevokeChildResponse:
        return await desk.exchange.RevokeChild(
            wire.RevokeChildRequest(request_id=str(uuid.uuid4()), address=address, reason=reason)
        )

    count = len(ask(home, question).revocations)
    typer.echo(f"{address} is shut out: {count} certificate(s) revoked")


@app.command()
def join(
    home: HomeArgument,
    welcome: Annotated[
        Path | None, typer.Argument(help="Welcome of the parent; not with --invitation")
    ] = None,
    root: Annotated[Path | None, typer.Option(help="root.cert, given to you by hand")] = None,
    invitation: InvitationOption = "",
) -> None:
    """Take in the parent's welcome: the node can run from now on.

    Either the file that the parent made (with --root), or --invitation CODE, which asks the parent over
    the network, again if it did not answer before.
    """
    from hallnet.cli.files import read_message
    from hallnet.node.clock import clock
    from hallnet.node.home import Home
    from hallnet.node.rootkeys import read_root
    from hallnet.wire.trust.v1 import certificate_pb2 as wire_trust

    if invitation:
        _join_invited(Home(home), _invitation(invitation))
        return
    if welcome is None or root is None:
        raise typer.BadParameter("give WELCOME and --root, or --invitation")
    message = read_message(welcome, wire_trust.Welcome)
    identity = Home(home).join(message, read_root(root), clock())
    until = identity.certificate.body.not_after
    typer.echo(f"{identity.address} is certified until {until:%F}")


class Service(StrEnum):
    """Services that can run in a process of their own."""

    INTAKE = "intake"
    EXCHANGE = "exchange"
    BRANCH_SYNC = "branch-sync"
    NOTIFY = "notify"
    PORTAL = "portal"


@app.command()
def run(
    home: HomeArgument,
    only: Annotated[
        list[Service] | None, typer.Option(help="Run only this service (may be repeated)")
    ] = None,
) -> None:
    """Run a node, all services in one process, until it is told to stop."""
    from hallnet.assembly.running import run_parts, usual_parts
    from hallnet.node.home import Home, Part

    made = Home(home)
    parts = [Part(service.value) for service in only] if only else usual_parts(made)
    asyncio.run(run_parts(made, parts, lambda: typer.echo("ready")))


@app.command()
def archive(
    home: HomeArgument,
    out: Annotated[Path, typer.Option(help="File for the archive")],
    since: Annotated[
        datetime | None, typer.Option(help="Entries from then on, in the time of this machine")
    ] = None,
    until: Annotated[datetime | None, typer.Option(help="Entries before then")] = None,
    forget: Annotated[
        bool,
        typer.Option("--forget", help="Check the file, then remove its entries from the node"),
    ] = False,
) -> None:
    """Write the node's journal of a period to a file; anybody with root.cert can check it with hallnet
    verify.

    An archive ends where the next one begins if --until of the one is --since of the other. What was
    forgotten stands in its archives alone: keep them. Its hashes and all proofs stay at the node.
    """
    from hallnet.cli.operator import forget_archived, write_journal

    period = [None if moment is None else moment.astimezone() for moment in (since, until)]
    size = write_journal(home, out, *period)
    typer.echo(f"{out}: {size:,} bytes; check it with hallnet verify {out} --root root.cert")
    if forget:
        typer.echo(f"{forget_archived(home, out):,} entries are removed from the node")


@app.command()
def erase(
    home: HomeArgument,
    before: Annotated[datetime, typer.Option(help="What was settled before then")],
    purpose: Annotated[str, typer.Option(help="Why, for the record")],
    case: Annotated[str, typer.Option(help="Of this case alone; by default of all")] = "",
    json: Json = False,
) -> None:
    """Erase what was in the envelopes that this node sent and received, after its retention.

    Headers, receipts and the journal stay, and so does every proof: a bundle of the case shows that they
    were sent and taken, and says that their content was erased. The records of the intake are its own.
    """
    from hallnet.cli.operator import erase_contents
    from hallnet.cli.output import print_json, print_table

    found = erase_contents(home, before.astimezone(), case, purpose)
    if json:
        print_json(found)
    else:
        print_table("Erased", ["what", "number"], list(found.items()))

"""`hallnet node invite|invitations|uninvite`: codes with which halls below are certified over the network."""

from __future__ import annotations

import uuid
from datetime import UTC
from typing import TYPE_CHECKING, Annotated

import typer

from hallnet.cli.options import HomeArgument, Json

if TYPE_CHECKING:
    from hallnet.node.desk import Desk
    from hallnet.wire.exchange.v1 import exchange_service_pb2 as wire

app = typer.Typer()


@app.command()
def invite(
    home: HomeArgument,
    address: Annotated[str, typer.Argument(help="Address of the hall below")],
    hours: Annotated[int, typer.Option(help="For how long it is good; 0: a week", min=0)] = 0,
    days: Annotated[
        int, typer.Option(help="Validity of the certificate; 0: the node's default", min=0)
    ] = 0,
    json: Json = False,
) -> None:
    """Make an invitation code for a hall directly below this one; the node has to be running.

    Whoever has the code can join in the place of that hall, once: hand it over like a password. It is
    shown here and kept nowhere. An earlier code for the same hall ends.
    """
    from hallnet.cli.operator import ask
    from hallnet.cli.output import print_json
    from hallnet.node import tls
    from hallnet.trust.invitation import write_code
    from hallnet.wire.exchange.v1 import exchange_service_pb2 as wire

    key = tls.new_private_key()

    async def question(desk: Desk) -> wire.InviteChildResponse:
        return await desk.exchange.InviteChild(
            wire.InviteChildRequest(
                request_id=str(uuid.uuid4()),
                address=address,
                link_key=tls.public_der(key),
                hours=hours,
                validity_days=days,
            )
        )

    invitation = ask(home, question).invitation
    invitation.link_key = tls.private_der(key)
    code, ends = write_code(invitation), invitation.expires_at.ToDatetime(UTC)
    if json:
        print_json({"address": address, "code": code, "expires_at": ends.isoformat()})
        return
    typer.echo(code)
    typer.echo(
        f"for {address}, good until {ends.astimezone():%F %H:%M %Z}, once: "
        "hallnet node init HOME --invitation CODE",
        err=True,
    )


@app.command()
def invitations(home: HomeArgument, json: Json = False) -> None:
    """The invitations of a hall, the newest first; the node has to be running."""
    from hallnet.cli.operator import ask
    from hallnet.cli.output import print_json, print_table
    from hallnet.wire.exchange.v1 import exchange_service_pb2 as wire

    async def question(desk: Desk) -> wire.ListInvitationsResponse:
        return await desk.exchange.ListInvitations(wire.ListInvitationsRequest())

    answer = ask(home, question)
    if json:
        print_json(answer)
        return
    print_table(
        "Invitations",
        ("address", "state", "made", "ends", "refusals"),
        [
            (
                item.address,
                wire.InvitationState.Name(item.state).removeprefix("INVITATION_STATE_").lower(),
                f"{item.created_at.ToDatetime(UTC).astimezone():%F %H:%M}",
                f"{item.expires_at.ToDatetime(UTC).astimezone():%F %H:%M}",
                item.refusals,
            )
            for item in answer.invitations
        ],
    )


@app.command()
def uninvite(
    home: HomeArgument,
    address: Annotated[str, typer.Argument(help="Address of the hall below")],
) -> None:
    """Withdraw the open invitation of a hall; the node has to be running."""
    from hallnet.cli.operator import ask
    from hallnet.wire.exchange.v1 import exchange_service_pb2 as wire

    async def question(desk: Desk) -> wire.WithdrawInvitationResponse:
        return await desk.exchange.WithdrawInvitation(
            wire.WithdrawInvitationRequest(request_id=str(uuid.uuid4()), address=address)
        )

    ask(home, question)
    typer.echo(f"the invitation of {address} is withdrawn")

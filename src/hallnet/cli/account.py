"""`hallnet account`: staff and agents of a hall."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Annotated

import typer

from hallnet.cli.options import HomeArgument

if TYPE_CHECKING:
    from hallnet.node.desk import Desk
    from hallnet.wire.intake.v1 import intake_service_pb2 as wire

app = typer.Typer(help="Staff and agents of a hall.", no_args_is_help=True)


@app.callback()
def about() -> None:
    """Staff and agents of a hall."""


@app.command()
def put(
    home: HomeArgument,
    actor_id: Annotated[str, typer.Argument(help="Name of the account")],
    name: Annotated[str, typer.Option(help="Name of the person, for the record")],
    power: Annotated[
        list[str] | None,
        typer.Option(
            help="Power of staff (may be repeated): receive, verify, gatekeep, review, "
            "decide-instant, decide, coordinate, supervise"
        ),
    ] = None,
    point: Annotated[
        list[str] | None, typer.Option(help="Village point of an agent (may be repeated)")
    ] = None,
    password: Annotated[
        str, typer.Option(prompt=True, hide_input=True, confirmation_prompt=True)
    ] = "",
) -> None:
    """Make or change the account of a member of staff, or with --point of an agent."""
    from hallnet.cli.operator import ask
    from hallnet.cli.output import print_json
    from hallnet.wire.case.v1 import person_pb2 as wire_person
    from hallnet.wire.intake.v1 import intake_service_pb2 as wire

    powers = {
        value.removeprefix("POWER_").lower().replace("_", "-"): value
        for value in wire.Power.DESCRIPTOR.values_by_name
    }
    unknown = [text for text in power or () if text not in powers]
    if unknown:
        raise typer.BadParameter(f"no such power: {', '.join(unknown)}", param_hint="--power")
    account = wire.Account(
        actor=wire_person.Actor(
            kind=wire_person.ACTOR_KIND_AGENT if point else wire_person.ACTOR_KIND_STAFF,
            actor_id=actor_id,
            name=name,
        ),
        powers=[wire.Power.Value(powers[text]) for text in power or ()],
        points=point or (),
    )

    async def question(desk: Desk) -> wire.PutAccountResponse:
        return await desk.intake.PutAccount(
            wire.PutAccountRequest(request_id=str(uuid.uuid4()), account=account, password=password)
        )

    print_json(ask(home, question))

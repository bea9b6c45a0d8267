"""`hallnet account`: staff and agents of a hall."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hallnet.cli.options import HomeArgument, Json

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
            "decide-instant, decide, coordinate, supervise, head"
        ),
    ] = None,
    point: Annotated[
        list[str] | None, typer.Option(help="Village point of an agent (may be repeated)")
    ] = None,
    password: Annotated[
        str, typer.Option(prompt=True, hide_input=True, confirmation_prompt=True)
    ] = "",
    own_password: Annotated[
        bool,
        typer.Option(
            "--own-password",
            help="The person typed the password here, so it need not be changed at the first sign-in",
        ),
    ] = False,
    document: Annotated[
        str,
        typer.Option(
            help="Number of the person's identity document, to notice conflicts of interest; only a "
            "keyed digest is kept, and without it what is there stays"
        ),
    ] = "",
) -> None:
    """Make or change the account of a member of staff, or with --point of an agent.

    The powers are held without term; those that were given for a time stay as they are. A new password lets in
    again whoever typed a wrong one too often; the person changes it at the first sign-in."""
    from hallnet.cli.operator import ask
    from hallnet.cli.output import print_json
    from hallnet.wire.case.v1 import person_pb2 as wire_person
    from hallnet.wire.intake.v1 import intake_service_pb2 as wire

    account = wire.Account(
        actor=wire_person.Actor(
            kind=wire_person.ACTOR_KIND_AGENT if point else wire_person.ACTOR_KIND_STAFF,
            actor_id=actor_id,
            name=name,
        ),
        powers=[_power(text) for text in power or ()],
        points=point or (),
    )

    async def question(desk: Desk) -> wire.PutAccountResponse:
        return await desk.intake.PutAccount(
            wire.PutAccountRequest(
                request_id=str(uuid.uuid4()),
                account=account,
                password=password,
                password_is_own=own_password,
                document_number=document,
            )
        )

    print_json(ask(home, question))


@app.command()
def close(
    home: HomeArgument,
    actor_id: Annotated[str, typer.Argument(help="Name of the account")],
) -> None:
    """Close the account of somebody who left: nothing can be done with it from now on.

    Records keep the name. While open cases have no other owner it is refused; put opens the account again."""
    from hallnet.cli.operator import ask
    from hallnet.cli.output import print_json
    from hallnet.wire.intake.v1 import intake_service_pb2 as wire

    request = wire.CloseAccountRequest(request_id=str(uuid.uuid4()), actor_id=actor_id)
    print_json(ask(home, lambda desk: desk.intake.CloseAccount(request)))


@app.command(name="drop-second-factor")
def drop_second_factor(
    home: HomeArgument,
    actor_id: Annotated[str, typer.Argument(help="Name of the account")],
) -> None:
    """Ask an account for no codes any more, because the phone that makes them is lost."""
    from hallnet.cli.operator import ask
    from hallnet.cli.output import print_json
    from hallnet.wire.intake.v1 import intake_service_pb2 as wire

    request = wire.DropSecondFactorRequest(request_id=str(uuid.uuid4()), actor_id=actor_id)
    print_json(ask(home, lambda desk: desk.intake.DropSecondFactor(request)))


By = Annotated[str, typer.Option("--by", help="The member of staff who asks")]


@app.command()
def grant(
    home: HomeArgument,
    actor_id: Annotated[str, typer.Argument(help="Who is given the power")],
    power: Annotated[str, typer.Argument(help="The power, as for put")],
    by: By,
    first: Annotated[str, typer.Option("--from", help="First day, YYYY-MM-DD")] = "",
    last: Annotated[str, typer.Option("--until", help="Last day; no end if left out")] = "",
    item: Annotated[
        list[str] | None, typer.Option(help="Only for this item (may be repeated)")
    ] = None,
    kind: Annotated[str, typer.Option(help="Only for cases of this kind, for example 即办件")] = "",
    window: Annotated[str, typer.Option(help="Only while on duty at this window with a rota")] = "",
    department: Annotated[
        str,
        typer.Option(
            help="Only for items and legs of this department: its name in the catalogue, or its credit code"
        ),
    ] = "",
) -> None:
    """Give a member of staff a power for a time, for some items, a kind of case or a rota window."""
    from hallnet.cli.operator import act_of, ask
    from hallnet.cli.output import print_json
    from hallnet.wire.intake.v1 import intake_service_pb2 as wire

    wanted = wire.PowerGrant(
        power=_power(power),
        department=department,
        window_id=window,
        kind=kind,
        item_ids=item or (),
        valid_from=first,
        valid_until=last,
    )
    request = wire.GrantPowerRequest(act=act_of(by), actor_id=actor_id, grant=wanted)
    print_json(ask(home, lambda desk: desk.intake.GrantPower(request)))


@app.command()
def revoke(
    home: HomeArgument,
    actor_id: Annotated[str, typer.Argument(help="From whom")],
    number: Annotated[int, typer.Argument(help="Number of the grant")],
    by: By,
    reason: Annotated[str, typer.Option(help="Why")],
) -> None:
    """Take a power back, at once."""
    from hallnet.cli.operator import act_of, ask
    from hallnet.cli.output import print_json
    from hallnet.wire.intake.v1 import intake_service_pb2 as wire

    request = wire.RevokePowerRequest(
        act=act_of(by), actor_id=actor_id, number=number, reason=reason
    )
    print_json(ask(home, lambda desk: desk.intake.RevokePower(request)))


@app.command()
def grants(
    home: HomeArgument,
    by: By,
    holder: Annotated[str, typer.Option(help="Only those of this account")] = "",
    every: Annotated[bool, typer.Option("--all", help="Also those that hold no more")] = False,
    to: Annotated[Path | None, typer.Option(help="Write a table (CSV) here")] = None,
    json: Json = False,
) -> None:
    """The powers that the staff of a hall were given: for what, from when to when, by whom."""
    from hallnet.cli.operator import ask
    from hallnet.cli.output import print_json, print_table, write_table
    from hallnet.wire.intake.v1 import intake_service_pb2 as wire

    state = wire.GRANT_STATE_UNSPECIFIED if every else wire.GRANT_STATE_HOLDS
    request = wire.ListGrantsRequest(actor_id=by, holder=holder, state=state)
    answer = ask(home, lambda desk: desk.intake.ListGrants(request))
    if json:
        print_json(answer)
        return
    columns = (
        "account", "name", "number", "power", "department", "window", "kind", "items",
        "from", "until", "given by", "state", "taken back by", "why",
    )  # fmt: skip
    rows = [_row(one) for one in answer.grants]
    if to is None:
        print_table("Powers", columns, rows)
        return
    write_table(to, columns, rows)


@app.command()
def gaps(
    home: HomeArgument,
    by: By,
    day: Annotated[str, typer.Option(help="YYYY-MM-DD; today if left out")] = "",
    json: Json = False,
) -> None:
    """Items and kinds of cases for which nobody holds the power. Exit code 2 if there are some."""
    from hallnet.cli.operator import ask
    from hallnet.cli.output import print_json, print_table
    from hallnet.wire.intake.v1 import intake_service_pb2 as wire

    request = wire.ListPowerGapsRequest(actor_id=by, on_day=day)
    answer = ask(home, lambda desk: desk.intake.ListPowerGaps(request))
    if json:
        print_json(answer)
    else:
        print_table(
            "Nobody holds the power",
            ("item", "name", "kind", "power"),
            [(one.item_id, one.item_name, one.kind, _name(one.power)) for one in answer.gaps],
        )
    raise typer.Exit(2 if answer.gaps else 0)


def _row(one: wire.HeldGrant) -> tuple[object, ...]:
    from hallnet.wire.intake.v1 import intake_service_pb2 as wire

    given = one.grant
    return (
        one.actor_id,
        one.name,
        given.number,
        _name(given.power),
        given.department,
        given.window_id,
        given.kind,
        " ".join(given.item_ids),
        given.valid_from,
        given.valid_until,
        given.given_by,
        wire.GrantState.Name(one.state).removeprefix("GRANT_STATE_").lower().replace("_", " "),
        given.revoked_by,
        given.revocation_reason,
    )


def _name(power: int) -> str:
    from hallnet.wire.intake.v1 import intake_service_pb2 as wire

    return (
        wire.Power.Name(wire.Power.ValueType(power))
        .removeprefix("POWER_")
        .lower()
        .replace("_", "-")
    )


def _power(text: str) -> wire.Power.ValueType:
    """Raises BadParameter."""
    from hallnet.wire.intake.v1 import intake_service_pb2 as wire

    powers = {_name(value): value for value in wire.Power.values() if value}
    if text not in powers:
        raise typer.BadParameter(f"no such power: {text}", param_hint="power")
    return powers[text]

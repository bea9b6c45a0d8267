"""`hallnet hall`: a hall is suspended, resumed and closed; another one goes on in its place."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hallnet.cli.options import HomeArgument, Json

if TYPE_CHECKING:
    from hallnet.cli.handing_over import Plan
    from hallnet.node.desk import Desk
    from hallnet.wire.intake.v1 import intake_service_pb2 as wire

app = typer.Typer(
    help="Suspend, close, move, merge and split halls; the node has to be running.",
    no_args_is_help=True,
)
ReasonOption = Annotated[str, typer.Option(help="Why, for the record: the document that says so")]
ActorOption = Annotated[
    str, typer.Option("--as", help="Account in whose name cases are handed over (协调权)")
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would happen, and do nothing")]
Withdraw = Annotated[bool, typer.Option("--withdraw", help="Take back what was ordered before")]
CASES_SHOWN = 20


@app.command()
def status(home: HomeArgument, json: Json = False) -> None:
    """How this hall stands, what is open there, and which halls below are suspended or closed."""
    from hallnet.cli.output import print_json, print_table

    answer = _ask_state(home)
    if json:
        print_json(answer)
        return
    own = answer.standing
    rows = [_row(one) for one in (own, *answer.below)]
    print_table("Halls", ("hall", "state", "since", "reason", "goes on as"), rows)
    if own.guide:
        typer.echo(f"a branch hall of {own.department or '?'}, guided by {own.guide}")
    typer.echo(
        f"{answer.in_hand} open cases here, {answer.in_transit} under way to another hall, "
        f"{answer.to_come_back} results to come back"
    )
    for words, halls in (
        ("goes on in the place of this hall", answer.successors),
        ("this hall goes on in the place of", answer.predecessors),
    ):
        if halls:
            typer.echo(f"{words}: {', '.join(halls)}")


@app.command()
def suspend(home: HomeArgument, reason: ReasonOption) -> None:
    """Take nothing new and finish what is there; the halls above are told."""
    _put(home, "SUSPENDED", reason)


@app.command()
def resume(home: HomeArgument, reason: ReasonOption) -> None:
    """Take cases in again after a suspension."""
    _put(home, "OPEN", reason)


@app.command()
def transfer(
    home: HomeArgument,
    giver: Annotated[str, typer.Argument(help="Hall that hands cases over")],
    taker: Annotated[str, typer.Argument(help="Hall that goes on in its place")],
    reason: ReasonOption,
    withdraw: Withdraw = False,
) -> None:
    """Order that one hall goes on in the place of another, for all or some of its cases; at a hall above both.

    This is how a hall is split: found the new hall, order the transfer, and hand over the cases of its
    villages or items at the old one (hallnet hall hand-over). The address of the giver stays.
    """
    _order(home, giver, taker, reason, withdraw)


@app.command()
def move(
    home: HomeArgument,
    predecessor: Annotated[str, typer.Argument(help="Address that ends")],
    successor: Annotated[
        str,
        typer.Argument(help="Address under which it goes on: a new hall, or a neighbour (merger)"),
    ],
    reason: ReasonOption,
    since: Annotated[
        datetime | None, typer.Option("--from", help="From when on (local time); else from now on")
    ] = None,
    withdraw: Annotated[
        bool, typer.Option("--withdraw", help="Take the move back, before it is in effect")
    ] = False,
    gone: Annotated[
        bool, typer.Option("--gone", help="The old hall is lost for good and cannot be closed")
    ] = False,
    dry_run: DryRun = False,
) -> None:
    """State that a hall goes on under another address, for good; at a hall above both.

    From that moment on, what is sent to the old address goes to the new one, at every hall that has heard
    of it. The old hall may hand its cases over as soon as it has heard of the order, and has to be closed (hallnet
    hall close there): in a moment that has come while it is open the move is held, and staff are told. What the old address signed stays verifiable. See
    docs/operating.md, "Halls change".
    """
    from hallnet.cli.operator import ask
    from hallnet.codec.moments import to_timestamp
    from hallnet.wire.exchange.v1 import exchange_service_pb2 as wire_exchange

    when = f"from {since:%F %H:%M} on" if since is not None else "from now on"
    if dry_run:
        what = "stays itself" if withdraw else f"goes on as {successor}, {when}"
        typer.echo(f"would state, as a hall above both: {predecessor} {what}")
        typer.echo(f"would tell both: {successor} goes on in the place of {predecessor}")
        return

    async def question(desk: Desk) -> wire_exchange.DeclareSuccessionResponse:
        return await desk.exchange.DeclareSuccession(
            wire_exchange.DeclareSuccessionRequest(
                request_id=str(uuid.uuid4()),
                predecessor=predecessor,
                successor=successor,
                effective_at=to_timestamp(since.astimezone()) if since is not None else None,
                reason=reason,
                withdrawn=withdraw,
                gone=gone,
            )
        )

    ask(home, question)
    _order(home, predecessor, successor, reason, withdraw)
    if withdraw:
        typer.echo(f"{predecessor} stays itself")
    else:
        condition = ", once it is closed" if since is not None and not gone else ""
        typer.echo(f"{predecessor} goes on as {successor}, {when}{condition}")


@app.command("hand-over")
def hand_over(
    home: HomeArgument,
    taker: Annotated[str, typer.Argument(help="Hall that goes on in the place of this one")],
    actor: ActorOption,
    reason: ReasonOption,
    item: Annotated[
        list[str] | None, typer.Option(help="Only cases of this item (may be repeated)")
    ] = None,
    village: Annotated[
        list[str] | None,
        typer.Option(help="Only cases filed at this village point (may be repeated)"),
    ] = None,
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """Hand open cases over to the hall that goes on, one by one, each as it stands.

    What cannot go now (legs of a joint case are open) is named with the reason. Broken off and called again
    it goes on with what is left.
    """
    plan = _plan(home, actor, item or (), village or ())
    if dry_run:
        _tell_plan(plan, taker, json)
        return
    failed = _carry_out(home, plan, taker, actor, reason)
    _tell_result(len(plan.cases), failed, taker, json)


@app.command()
def close(
    home: HomeArgument,
    actor: ActorOption,
    reason: ReasonOption,
    successor: Annotated[
        str,
        typer.Option("--to", help="Hall that goes on in its place; none if nothing is left open"),
    ] = "",
    archive: Annotated[
        Path | None, typer.Option(help="File for the journal of the hall, which is checked")
    ] = None,
    dry_run: DryRun = False,
) -> None:
    """Suspend this hall, hand its open cases over, and close it once nothing is open there.

    What another hall decides comes back here first: call it again then. Who still turns to this hall is told
    that it is closed and who goes on. Its records stay, and its journal stays verifiable.
    """
    state = _ask_state(home)
    plan = _plan(home, actor, (), ())
    if dry_run:
        _tell_plan(plan, successor, False)
        typer.echo(
            f"under way to another hall: {state.in_transit}; results to come back: {state.to_come_back}"
        )
        ready = not state.to_come_back
        typer.echo("would be closed then" if ready else "would stay suspended until they are back")
        return
    if state.standing.state == _state("OPEN"):
        _put(home, "SUSPENDED", reason)
    if plan.cases:
        failed = _carry_out(home, plan, successor, actor, reason)
        _tell_result(len(plan.cases), failed, successor, False)
    _wait_for_answers(home)
    if archive is not None:
        _archive(home, archive)
    _put(home, "CLOSED", reason, successor)


def _ask_state(home: Path) -> wire.GetHallStateResponse:
    from hallnet.cli.operator import ask
    from hallnet.wire.intake.v1 import intake_service_pb2 as wire

    async def question(desk: Desk) -> wire.GetHallStateResponse:
        return await desk.intake.GetHallState(wire.GetHallStateRequest())

    return ask(home, question)


def _state(name: str) -> wire.HallState.ValueType:
    from hallnet.wire.intake.v1 import intake_service_pb2 as wire

    return wire.HallState.Value(f"HALL_STATE_{name}")


def _put(home: Path, name: str, reason: str, successor: str = "") -> None:
    from hallnet.cli.operator import ask
    from hallnet.wire.intake.v1 import intake_service_pb2 as wire

    async def question(desk: Desk) -> wire.SetHallStateResponse:
        return await desk.intake.SetHallState(
            wire.SetHallStateRequest(
                request_id=str(uuid.uuid4()),
                state=_state(name),
                reason=reason,
                successor=successor,
            )
        )

    standing = ask(home, question).standing
    goes_on = f"; {successor} goes on in its place" if successor else ""
    typer.echo(f"{standing.hall} is {name.lower()}{goes_on}")


def _order(home: Path, giver: str, taker: str, reason: str, withdrawn: bool) -> None:
    from hallnet.cli.operator import ask
    from hallnet.wire.intake.v1 import intake_service_pb2 as wire

    async def question(desk: Desk) -> wire.OrderTransferResponse:
        return await desk.intake.OrderTransfer(
            wire.OrderTransferRequest(
                request_id=str(uuid.uuid4()),
                giver=giver,
                taker=taker,
                reason=reason,
                withdrawn=withdrawn,
            )
        )

    ask(home, question)
    does = "hands no more cases to" if withdrawn else "may hand its cases to"
    typer.echo(f"{giver} {does} {taker}; both are told")


def _plan(home: Path, actor: str, items: Sequence[str], villages: Sequence[str]) -> Plan:
    from hallnet.cli.handing_over import plan_of
    from hallnet.cli.operator import ask

    async def question(desk: Desk) -> Plan:
        return await plan_of(desk, actor, items, villages)

    return ask(home, question)


def _carry_out(
    home: Path, plan: Plan, taker: str, actor: str, reason: str
) -> list[tuple[str, str]]:
    """Hand over case by case, with a bar; returns what could not go, and why."""
    from hallnet.cli.handing_over import hand_over_one
    from hallnet.cli.operator import ask
    from hallnet.problems import Reported

    async def question(desk: Desk) -> list[tuple[str, str]]:
        failed = []
        with typer.progressbar(plan.cases, label=f"to {taker}") as bar:
            for case in bar:
                try:
                    await hand_over_one(desk, case, taker, actor, reason)
                except Reported as problem:
                    failed.append((case.case_no, problem.in_english()))
        return failed

    return ask(home, question)


def _tell_plan(plan: Plan, taker: str, json: bool) -> None:
    from hallnet.cli.output import print_json, print_table

    if json:
        print_json({"to": taker, "cases": [case.case_no for case in plan.cases]})
        return
    rows = [(case.case_no, case.item_name, case.due_on) for case in plan.cases[:CASES_SHOWN]]
    print_table(f"{len(plan.cases)} cases would go to {taker}", ("number", "item", "due"), rows)
    if len(plan.cases) > CASES_SHOWN:
        typer.echo(f"and {len(plan.cases) - CASES_SHOWN} more")


def _tell_result(asked: int, failed: Sequence[tuple[str, str]], taker: str, json: bool) -> None:
    from hallnet.cli.output import print_json, print_table

    if json:
        print_json({"to": taker, "handed_over": asked - len(failed), "left": dict(failed)})
        return
    typer.echo(f"{asked - len(failed)} cases handed to {taker}")
    if failed:
        print_table("Still here", ("number", "why"), failed)


def _wait_for_answers(home: Path) -> None:
    """Until the other hall has answered what was handed to it, as far as that takes seconds."""
    from hallnet.cli.handing_over import answered
    from hallnet.cli.operator import ask

    if not ask(home, answered):
        typer.echo("not all is answered yet: call this again later", err=True)


def _archive(home: Path, file: Path) -> None:
    from hallnet.cli.operator import write_journal
    from hallnet.node.home import Home
    from hallnet.trust.archive import read_parts, verify_archive

    write_journal(home, file)
    with file.open("rb") as opened:
        report = verify_archive(read_parts(opened), Home(home).root())
    if report.problem is not None:
        raise report.problem
    typer.echo(f"{file}: {report.end:,} entries, checked")


def _row(one: wire.HallStanding) -> tuple[str, str, str, str, str]:
    from hallnet.wire.intake.v1 import intake_service_pb2 as wire

    name = wire.HallState.Name(one.state).removeprefix("HALL_STATE_").lower()
    since = f"{one.since.ToDatetime(UTC).astimezone():%F %H:%M}" if one.since.seconds else ""
    return one.hall, name, since, one.reason, one.successor

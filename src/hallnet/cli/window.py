"""`hallnet window`: queue, slots, rota, fees, ratings and agents of a running hall."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from hallnet.cli.options import HomeArgument, Json
from hallnet.cli.window_records import export

app = typer.Typer(help="What stands around a window.", no_args_is_help=True)
app.command()(export)

Actor = Annotated[str, typer.Option("--as", help="Account of the member of staff who asks")]


@app.command()
def put(
    home: HomeArgument,
    window_id: Annotated[str, typer.Argument(help="Name or number of the window")],
    actor: Actor,
    title: Annotated[str, typer.Option(help="What stands over it")] = "",
    item: Annotated[
        list[str] | None, typer.Option(help="An item that it may serve (repeatable); all if none")
    ] = None,
    shut: Annotated[bool, typer.Option("--shut", help="Nobody sits there")] = False,
    rota: Annotated[
        bool, typer.Option("--rota", help="Departments take turns; no slot may be uncovered")
    ] = False,
    enquiries: Annotated[
        bool, typer.Option("--enquiries", help="Questions are answered, whatever they are about")
    ] = False,
) -> None:
    """State a window as it is to be."""
    from hallnet.cli.operator import act_of, ask_window
    from hallnet.cli.output import print_json
    from hallnet.wire.window.v1 import window_pb2 as wire_window
    from hallnet.wire.window.v1 import window_service_pb2 as wire

    window = wire_window.Window(
        window_id=window_id,
        title=title,
        items=item or ["*"],
        open=not shut,
        needs_rota=rota,
        enquiries=enquiries,
    )
    print_json(
        ask_window(home, "PutWindow", wire.PutWindowRequest(act=act_of(actor), window=window))
    )


@app.command()
def slots(
    home: HomeArgument,
    day: Annotated[str, typer.Argument(help="YYYY-MM-DD")],
    group: Annotated[str, typer.Option(help="Group of windows")] = "",
    opens: Annotated[str, typer.Option("--open", help="Open slots, for example 09:00-17:00")] = "",
    minutes: Annotated[int, typer.Option(help="Length of a slot")] = 30,
    capacity: Annotated[int, typer.Option(help="How many can come to a slot")] = 1,
    actor: Actor = "",
    json: Json = False,
) -> None:
    """The appointments that a day still has; with --open, open its slots first."""
    from hallnet.cli.operator import act_of, ask_window
    from hallnet.cli.output import print_json, print_table
    from hallnet.wire.window.v1 import window_pb2 as wire_window
    from hallnet.wire.window.v1 import window_service_pb2 as wire

    if opens:
        first, _, last = opens.partition("-")
        plan = wire_window.SlotPlan(
            group=group,
            day=day,
            first_minute=_minute(first),
            last_minute=_minute(last),
            minutes=minutes,
            capacity=capacity,
        )
        ask_window(home, "OpenSlots", wire.OpenSlotsRequest(act=act_of(actor), plan=plan))
    answer = ask_window(home, "ListSlots", wire.ListSlotsRequest(day=day, group=group))
    if json:
        print_json(answer)
        return
    print_table(
        day,
        ("slot", "capacity", "free", "waiting", "out of hours"),
        [
            (one.slot.slot_id, one.slot.capacity, one.free, one.waiting, one.slot.out_of_hours)
            for one in answer.slots
        ],
    )


@app.command()
def queue(
    home: HomeArgument,
    day: Annotated[str, typer.Option(help="YYYY-MM-DD; today if left out")] = "",
    json: Json = False,
) -> None:
    """The tickets of a day, and how long people waited."""
    from hallnet.cli.operator import ask_window
    from hallnet.cli.output import print_json, print_table
    from hallnet.wire.window.v1 import window_pb2 as wire_window
    from hallnet.wire.window.v1 import window_service_pb2 as wire

    answer = ask_window(home, "ListTickets", wire.ListTicketsRequest(day=day))
    if json:
        print_json(answer)
        return
    print_table(
        f"median {answer.waits.median} s, p95 {answer.waits.p95} s, longest {answer.waits.longest} s",
        ("ticket", "label", "for", "state", "window", "waited (s)"),
        [
            (
                one.ticket_id,
                one.label,
                " ".join([*["?"] * one.enquiry, one.item_id, *one.further_items]).strip(),
                wire_window.TicketState.Name(one.state).removeprefix("TICKET_STATE_").lower(),
                one.window_id,
                one.waited_seconds,
            )
            for one in answer.tickets
        ],
    )


@app.command()
def gaps(
    home: HomeArgument,
    days: Annotated[int, typer.Option(help="How many days from today")] = 14,
    json: Json = False,
) -> None:
    """Slots of rota windows that nobody covers. Exit code 2 if one is an alarm today."""
    from hallnet.cli.operator import ask_window
    from hallnet.cli.output import print_json, print_table
    from hallnet.wire.window.v1 import window_pb2 as wire_window
    from hallnet.wire.window.v1 import window_service_pb2 as wire

    answer = ask_window(home, "ListGaps", wire.ListGapsRequest(days=days))
    if json:
        print_json(answer)
    else:
        print_table(
            "Uncovered",
            ("window", "day", "half", "why", "alarm on", "contacts"),
            [
                (
                    gap.window_id,
                    gap.day,
                    wire_window.Half.Name(gap.half).removeprefix("HALF_").lower(),
                    wire_window.GapKind.Name(gap.kind).removeprefix("GAP_KIND_").lower(),
                    gap.alarm_on,
                    " ".join(gap.contacts),
                )
                for gap in answer.gaps
            ],
        )
    raise typer.Exit(2 if answer.alarms else 0)


@app.command()
def due(
    home: HomeArgument,
    actor: Actor,
    owner: Annotated[str, typer.Option(help="Only what this one has to do")] = "",
    json: Json = False,
) -> None:
    """Enquiries, bad ratings, complaints and instalments that wait, by due date."""
    from hallnet.cli.operator import act_of, ask_window
    from hallnet.cli.output import print_json, print_table
    from hallnet.wire.window.v1 import window_service_pb2 as wire

    answer = ask_window(home, "ListDue", wire.ListDueRequest(act=act_of(actor), owner=owner))
    if json:
        print_json(answer)
        return
    print_table(
        "Due",
        ("record", "kind", "subject", "owner", "due on", "overdue"),
        [
            (
                one.record_id,
                wire.RecordKind.Name(one.kind).removeprefix("RECORD_KIND_").lower(),
                one.subject,
                one.owner,
                one.due_on,
                one.overdue,
            )
            for one in answer.records
        ],
    )


@app.command()
def ratings(
    home: HomeArgument,
    first: Annotated[str, typer.Option("--from", help="First day, YYYY-MM-DD")],
    last: Annotated[str, typer.Option("--to", help="Last day; today if left out")] = "",
) -> None:
    """How many were satisfied, with both numbers."""
    from hallnet.cli.operator import ask_window
    from hallnet.cli.output import print_json
    from hallnet.wire.window.v1 import window_service_pb2 as wire

    until = last or date.today().isoformat()
    print_json(
        ask_window(home, "GetRatingRates", wire.GetRatingRatesRequest(first=first, last=until))
    )


@app.command()
def agents(
    home: HomeArgument,
    within: Annotated[str, typer.Option(help="Division code; the own hall if left out")] = "",
    item: Annotated[str, typer.Option(help="Only agents who may act for it")] = "",
    gaps_only: Annotated[bool, typer.Option("--gaps", help="Only villages with none")] = False,
    to: Annotated[Path | None, typer.Option(help="Write a table (CSV) here")] = None,
    json: Json = False,
) -> None:
    """The villages below a hall with the agents who act there."""
    from hallnet.cli.operator import ask_window
    from hallnet.cli.output import print_json, print_table
    from hallnet.window.agents import VillageCoverage, as_table
    from hallnet.wire.window.v1 import window_service_pb2 as wire

    request = wire.GetAgentCoverageRequest(within=within, item_id=item, only_gaps=gaps_only)
    answer = ask_window(home, "GetAgentCoverage", request)
    rows = [
        VillageCoverage(one.village, one.title, one.township, tuple(one.agents))
        for one in answer.villages
    ]
    if to is not None:
        to.write_text(as_table(rows), encoding="utf-8", newline="")
    elif json:
        print_json(answer)
        return
    else:
        print_table(
            "Villages",
            ("village", "name", "township", "agents"),
            [(row.village, row.title, row.township, " ".join(row.agents)) for row in rows],
        )
    typer.echo(f"{answer.gaps} of {answer.total} villages have no agent")


def _minute(text: str) -> int:
    """Minutes from midnight of a time such as 09:30."""
    hours, _, minutes = text.partition(":")
    if not (hours.isdecimal() and minutes.isdecimal()):
        raise typer.BadParameter(f"no time: {text}", param_hint="--open")
    return int(hours) * 60 + int(minutes)

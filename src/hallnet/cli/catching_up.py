"""`hallnet node catch-up`: what waits for the neighbours after an outage, as it becomes less."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated

import typer

from hallnet.cli.options import HomeArgument, Json

if TYPE_CHECKING:
    from rich.progress import Progress

    from hallnet.federation.catching_up import CatchingUp
    from hallnet.node.desk import Desk
    from hallnet.wire.exchange.v1 import exchange_service_pb2 as wire

app = typer.Typer()


@app.command("catch-up")
def catch_up(
    home: HomeArgument,
    every: Annotated[float, typer.Option(help="Seconds between two looks", min=0.1)] = 1.0,
    seconds: Annotated[
        float, typer.Option("--for", help="Stop looking after so many seconds; 0: never", min=0)
    ] = 0.0,
    json: Json = False,
) -> None:
    """Watch a running node catch up: a bar for each neighbour, how fast it goes, and how long it will take.

    Ends with exit code 0 when nothing waits any more, with 1 when the time is over before. A link that is
    down is told as such: what waits for it goes as soon as it is back, the urgent first.
    """
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    from hallnet.cli.output import print_json

    seen: dict[str, CatchingUp] = {}
    began = time.monotonic()
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[told]}"),
    )
    with Progress(*columns, console=Console(stderr=True), disable=json) as bars:
        while not _look(home, seen, bars, time.monotonic() - began):
            if seconds and time.monotonic() - began >= seconds:
                break
            time.sleep(every)
    waited = round(time.monotonic() - began, 1)
    left = {neighbour: one.waiting for neighbour, one in seen.items()}
    if json:
        went = {neighbour: one.done for neighbour, one in seen.items()}
        print_json({"seconds": waited, "went": went, "waiting": left})
    elif not any(left.values()):
        typer.echo("nothing waits for any neighbour")
    raise typer.Exit(1 if any(left.values()) else 0)


def _look(home: HomeArgument, seen: dict[str, CatchingUp], bars: Progress, at: float) -> bool:
    """Whether nothing waits any more."""
    from hallnet.cli.operator import ask
    from hallnet.federation.catching_up import CatchingUp
    from hallnet.wire.exchange.v1 import exchange_service_pb2 as wire

    async def question(desk: Desk) -> wire.GetStatusResponse:
        return await desk.exchange.GetStatus(wire.GetStatusRequest())

    links = ask(home, question).links
    for number, link in enumerate(links):
        found = seen.setdefault(link.neighbour, CatchingUp())
        found.note(at, link.waiting)
        if number == len(bars.tasks):
            bars.add_task(link.neighbour, told="")
        bars.update(
            bars.task_ids[number], total=found.most, completed=found.done, told=_told(link, found)
        )
    return not any(link.waiting for link in links)


def _told(link: wire.LinkStatus, found: CatchingUp) -> str:
    if not found.waiting:
        return "up to date"
    if not link.up:
        return f"the link is down, {link.failures} tries failed"
    left = found.seconds_left
    pace = f"{max(found.per_second, 0):,.0f}/s"
    return (
        f"{pace}, nobody can say how long" if left is None else f"{pace}, some {left:,.0f} s left"
    )

"""Commands that need no node."""

from __future__ import annotations

import sys
from datetime import date
from importlib.metadata import version as installed_version
from pathlib import Path
from typing import Annotated, Any

import typer

from hallnet.cli.options import Json


def verify(
    file: Annotated[
        Path | None,
        typer.Argument(help="Bundle of a case, archive of a journal, or recovery report"),
    ] = None,
    root: Annotated[
        Path | None, typer.Option(help="root.cert, given to you by hand; of a node: its own")
    ] = None,
    node: Annotated[
        Path | None, typer.Option(help="Instead of a file: home of a running node, all its journal")
    ] = None,
    json: Json = False,
) -> None:
    """Check the bundle of a case, the archive of a journal or a recovery report offline, with nothing but
    the root certificate; or the whole journal of a running node. What is found is followed by what it means: what was
    checked, what follows, what does not, and on what it rests.

    Exit code 0 if every proof holds, 2 if one does not, 1 if there is nothing to check.
    """
    from hallnet.cli.language import speaks_chinese
    from hallnet.cli.output import print_json
    from hallnet.cli.verifying import verified_file, verified_node

    if (file is None) == (node is None):
        raise typer.BadParameter("is needed, or --node HOME", param_hint="FILE")
    if node is not None:
        described = verified_node(node, root)
    else:
        assert file is not None
        if root is None:
            raise typer.BadParameter("is needed to check a file", param_hint="--root")
        described = verified_file(file, root)
    if json:
        print_json(described)
    else:
        for line in described["lines"]:
            typer.echo(line)
        typer.echo()
        for line in described["explanation"]["zh" if speaks_chinese() else "en"]:
            typer.echo(line)
    sys.exit(0 if described["holds"] else 2)


def due(
    start: Annotated[str, typer.Option("--from", help="Day of the event, YYYY-MM-DD")],
    days: Annotated[int, typer.Option(min=0, help="Length of the limit")],
    calendar_days: Annotated[
        bool, typer.Option("--calendar-days", help="Count calendar days, not working days")
    ] = False,
    pause: Annotated[
        list[str] | None,
        typer.Option(help="A stop of the clock, A..B: A still counts, B does not (repeatable)"),
    ] = None,
    calendar: Annotated[
        Path | None,
        typer.Option(help="YAML or JSON with published years, beside those that are known"),
    ] = None,
    json: Json = False,
) -> None:
    """The last day of a limit, explained day by day."""
    from hallnet.case.calendar import Calendar, Pause
    from hallnet.case.item import TimeLimit, TimeUnit
    from hallnet.case.release_files import merged, read_calendar
    from hallnet.case.supplied_calendar import supplied_calendar
    from hallnet.cli.output import print_json, print_table

    years = supplied_calendar()
    if calendar is not None:
        years = merged(years, read_calendar(calendar.read_text(encoding="utf-8")))
    unit = TimeUnit.CALENDAR_DAY if calendar_days else TimeUnit.WORKING_DAY
    pauses = []
    for text in pause or ():
        began_on, _, ended_on = text.partition("..")
        pauses.append(Pause(_day(began_on, "--pause"), _day(ended_on, "--pause"), "特别程序"))
    count = Calendar(years).count(_day(start, "--from"), TimeLimit(days, unit), pauses)
    document: dict[str, Any] = {
        "due_on": count.due_on.isoformat(),
        "provisional": count.provisional,
        "unpublished_years": list(count.unpublished_years),
        "days": [
            {
                "date": day.date.isoformat(),
                "counted": day.counted,
                "total": day.total,
                "reason": day.reason,
            }
            for day in count.days
        ],
    }
    if json:
        print_json(document)
        return
    print_table(
        f"{start} + {days}",
        ("day", "counted", "reason"),
        [(d.date, d.total if d.counted else "—", d.reason) for d in count.days],
    )
    typer.echo(f"due on {count.due_on}")
    for year in count.unpublished_years:
        typer.echo(f"provisional: the calendar of {year} is not published")


def _day(text: str, where: str) -> date:
    from hallnet.case.problems import DayMalformed

    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise DayMalformed(where, text=text[:20]) from error


def demo(
    keep: Annotated[bool, typer.Option(help="Keep the folder of the network")] = False,
    json: Annotated[Path | None, typer.Option(help="Write everything to this file")] = None,
) -> None:
    """Found a real network of nine halls on this machine and send cases through it.

    On a terminal it stays up until Ctrl-C. Exit code 0 only if every check passed.
    """
    import asyncio

    from hallnet.demo.story import run_demo

    sys.exit(asyncio.run(run_demo(keep, json, sys.stdout.isatty())))


def errors(
    reason: Annotated[str, typer.Argument(help="A reason; all of them if left out")] = "",
    markdown: Annotated[bool, typer.Option("--markdown", help="As docs/errors.md")] = False,
) -> None:
    """What an error means and what to do about it."""
    from hallnet.cli.errors import as_markdown, every_problem

    if markdown:
        typer.echo(as_markdown(), nl=False)
        return
    found = {name: problem for name, problem in every_problem().items() if reason.upper() in name}
    if not found:
        raise typer.BadParameter(f"no such reason: {reason}", param_hint="reason")
    for name, problem in found.items():
        typer.echo(f"{name} ({problem.kind.value})")
        typer.echo(f"  {problem.zh}。{problem.zh_remedy}")
        typer.echo(f"  {problem.en}. {problem.en_remedy}")


def version() -> None:
    """The version of hallnet."""
    typer.echo(installed_version("hallnet"))


COMMANDS = (demo, verify, due, errors, version)

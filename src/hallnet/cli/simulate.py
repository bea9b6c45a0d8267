"""`hallnet simulate`: a province in one process, with all that can go wrong, from one seed."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

import typer

from hallnet.cli.options import Json

if TYPE_CHECKING:
    from hallnet.simulate.report import Report


def simulate(
    divisions: Annotated[
        str, typer.Option(help="Division whose halls take part, from the real data")
    ] = "33",
    halls: Annotated[
        int, typer.Option(help="At most so many halls, with all above them; 0: all", min=0)
    ] = 0,
    small: Annotated[bool, typer.Option(help="Ten halls in which everything occurs once")] = False,
    seed: Annotated[int, typer.Option(help="Everything follows from it")] = 1,
    seeds: Annotated[int, typer.Option(help="So many seeds, one after the other", min=1)] = 1,
    days: Annotated[float, typer.Option(help="Days to live through", min=0.05)] = 1.0,
    cases: Annotated[float, typer.Option(help="Applications at a township in a day")] = 1.0,
    faults: Annotated[float, typer.Option(help="Faults in a day")] = 200.0,
    lying_disks: Annotated[
        int, typer.Option(help="Disks that forget what they confirmed", min=0)
    ] = 0,
    old_backups: Annotated[int, typer.Option(help="Backups that are put back", min=0)] = 0,
    shrink: Annotated[
        bool, typer.Option(help="Look for a short history if a promise is broken")
    ] = True,
    json: Json = False,
) -> None:
    """Live through days of a province in virtual time: the product's own rules, stores and protocol code,
    people who apply and clerks who act, and halls, lines, disks and clocks that fail.

    After each commit the nine promises of the network are checked as far as the commit touched them, and
    all of them at the end, when everything has healed. The same seed gives the same history.
    Exit code 1 if a promise was broken.
    """
    from hallnet.cli.output import print_json, print_table
    from hallnet.simulate.scenario import SMALL_TREE, Scenario, whole
    from hallnet.simulate.shrinking import shrunk
    from hallnet.simulate.simulation import simulate as live

    def say(text: str) -> None:
        typer.echo(text, err=json)

    chosen = SMALL_TREE if small else whole(divisions, halls)
    reports: list[Report] = []
    for number in range(seed, seed + seeds):
        report = live(
            Scenario(
                number,
                chosen,
                days=days,
                cases_per_hall_and_day=cases,
                faults_per_day=faults,
                lying_disks=lying_disks,
                old_backups=old_backups,
            )
        )
        reports.append(report)
        if seeds > 1 and not json:
            say(f"seed {number}: {report.events} events, {len(report.violations)} violations")
        if report.violations and shrink:
            _tell_short_history(shrunk(report, say), say)
    found = [report.as_data() for report in reports]
    if json:
        print_json(found[0] if seeds == 1 else found)
    else:
        for data in found[:1] if seeds == 1 else []:
            print_table("", ("", ""), list(data.items()))
    sys.exit(1 if any(report.violations for report in reports) else 0)


def _tell_short_history(report: Report, say: Callable[[str], None]) -> None:
    say("the shortest history that was found:")
    for step in report.scenario.steps or ():
        say(f"  {step}")
    for arrival in report.scenario.people or ():
        say(f"  {arrival.at / 3600:.4f} h  somebody applies at {arrival.hall}")
    for violation in report.violations:
        say(f"  {violation}")


COMMANDS = (simulate,)

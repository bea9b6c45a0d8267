"""`hallnet simulate`: a province in one process, with all that can go wrong, from one seed."""

from __future__ import annotations

import os
import sys
import time
from collections import Counter
from collections.abc import Callable, Generator
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from hallnet.cli.options import Json

if TYPE_CHECKING:
    from hallnet.simulate.report import Report
    from hallnet.simulate.scenario import Scenario

TELL_SECONDS = 15.0


def simulate(
    divisions: Annotated[
        str, typer.Option(help="Division whose halls take part, from the real data")
    ] = "33",
    halls: Annotated[
        int, typer.Option(help="At most so many halls, with all above them; 0: all", min=0)
    ] = 0,
    small: Annotated[bool, typer.Option(help="Ten halls in which everything occurs once")] = False,
    seed: Annotated[int, typer.Option(help="Everything follows from it")] = 1,
    seeds: Annotated[int, typer.Option(help="So many seeds, until a promise is broken", min=1)] = 1,
    jobs: Annotated[
        int, typer.Option(help="So many worlds of a small tree at once; 0: all processors", min=0)
    ] = 1,
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

    def say(text: str) -> None:
        typer.echo(text, err=True)

    first = Scenario(
        seed,
        SMALL_TREE if small else whole(divisions, halls),
        days=days,
        cases_per_hall_and_day=cases,
        faults_per_day=faults,
        lying_disks=lying_disks,
        old_backups=old_backups,
    )
    reports: list[Report] = []
    progress = _Progress(seeds, say)
    with closing(_lived(first, seeds, jobs, say)) as worlds:
        for report in worlds:
            reports.append(report)
            progress.ended(report)
            if report.violations:
                break
    for report in reports[-1:]:
        if report.violations:
            say(f"to replay it: {_command(report, divisions, halls, small)}")
        if report.violations and shrink:
            _tell_short_history(shrunk(report, say), say)
    found = [report.as_data() for report in reports]
    if json:
        print_json(found[0] if seeds == 1 else found)
    elif seeds == 1:
        print_table("", ("", ""), list(found[0].items()))
    else:
        progress.tell()
    sys.exit(1 if any(report.violations for report in reports) else 0)


def _lived(
    first: Scenario, seeds: int, jobs: int, say: Callable[[str], None]
) -> Generator[Report, None, None]:
    """The reports of so many worlds, those of a small tree beside each other."""
    from hallnet.simulate.simulation import is_small, simulate_each
    from hallnet.simulate.simulation import simulate as live

    worlds = [replace(first, seed=number) for number in range(first.seed, first.seed + seeds)]
    if is_small(first):
        yield from simulate_each(worlds, jobs=jobs or os.cpu_count() or 1)
    else:
        for world in worlds:
            yield live(world, say=say)


class _Progress:
    """Of many worlds: what came of them so far."""

    def __init__(self, seeds: int, say: Callable[[str], None]) -> None:
        self._seeds = seeds
        self._say = say
        self._began = self._said = time.monotonic()
        self._ended = self._events = self._cases = 0
        self._faults: Counter[str] = Counter()

    def ended(self, report: Report) -> None:
        self._ended += 1
        self._events += report.events
        self._cases += report.cases
        self._faults += report.faults
        if report.violations:
            number = report.scenario.seed
            self._say(f"seed {number}: {len(report.violations)} promises were broken")
        if self._seeds > 1 and time.monotonic() - self._said > TELL_SECONDS:
            self._said = time.monotonic()
            seconds = self._said - self._began
            left = seconds / self._ended * (self._seeds - self._ended) / 60
            self._say(f"{self._ended} of {self._seeds} seeds, some {left:.0f} min more")

    def tell(self) -> None:
        """All that happened."""
        seconds = time.monotonic() - self._began
        self._say(
            f"{self._ended} seeds in {seconds:.0f} s: {self._cases:,} cases, {self._events:,} events"
        )
        faults = sorted(self._faults.items())
        self._say(", ".join(f"{name.replace('_', ' ')} {count:,}" for name, count in faults))


def _command(report: Report, divisions: str, halls: int, small: bool) -> str:
    """The command that lives through the same world once more."""
    scenario = report.scenario
    where = "--small" if small else f"--divisions {divisions} --halls {halls}"
    return (
        f"hallnet simulate {where} --seed {scenario.seed} --days {scenario.days}"
        f" --cases {scenario.cases_per_hall_and_day} --faults {scenario.faults_per_day}"
        f" --lying-disks {scenario.lying_disks} --old-backups {scenario.old_backups}"
    )


def _tell_short_history(report: Report, say: Callable[[str], None]) -> None:
    say("the shortest history that was found:")
    for step in report.scenario.steps or ():
        say(f"  {step}")
    for arrival in report.scenario.people or ():
        say(f"  {arrival.at / 3600:.4f} h  somebody applies at {arrival.hall}")
    for violation in report.violations:
        say(f"  {violation}")


COMMANDS = (simulate,)

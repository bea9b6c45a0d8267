"""A short history out of a long one: whatever can be left out and the promise is broken still."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TypeVar

from hallnet.simulate.invariants import Invariant
from hallnet.simulate.report import Report
from hallnet.simulate.scenario import Scenario
from hallnet.simulate.simulation import simulate

Part = TypeVar("Part")

RUNS_MAX = 200


def shrunk(report: Report, say: Callable[[str], None]) -> Report:
    """The report of the shortest history that was found in which the same promise is broken.

    Trouble and people are left out by halves, then by smaller and smaller pieces (delta debugging,
    Zeller and Hildebrandt 2002). Without a violation the report itself.
    """
    if not report.violations:
        return report
    search = _Search(report, report.violations[0].invariant, say)
    steps = search.least(
        report.scenario.steps or (), lambda kept: replace(search.best.scenario, steps=kept)
    )
    search.least(
        report.scenario.people or (),
        lambda kept: replace(search.best.scenario, steps=steps, people=kept),
    )
    return search.best


class _Search:
    def __init__(self, report: Report, invariant: Invariant, say: Callable[[str], None]) -> None:
        self.best = report
        self._invariant = invariant
        self._say = say
        self._runs = 0

    def least(
        self, parts: Sequence[Part], scenario_of: Callable[[tuple[Part, ...]], Scenario]
    ) -> tuple[Part, ...]:
        kept, pieces = tuple(parts), 2
        while kept and self._runs < RUNS_MAX:
            size = max(len(kept) // pieces, 1)
            for at in range(0, len(kept), size):
                rest = kept[:at] + kept[at + size :]
                if self._still_fails(scenario_of(rest)):
                    kept, pieces = rest, max(pieces - 1, 2)
                    break
            else:
                if size == 1:
                    return kept
                pieces = min(pieces * 2, len(kept))
        return kept

    def _still_fails(self, scenario: Scenario) -> bool:
        if self._runs >= RUNS_MAX:
            return False
        self._runs += 1
        report = simulate(scenario, ends_with=self._invariant)
        broken = any(one.invariant is self._invariant for one in report.violations)
        if broken:
            self.best = report
            trouble, people = len(scenario.steps or ()), len(scenario.people or ())
            self._say(f"{trouble} troubles, {people} applications: still broken")
        return broken

"""What a world follows from: its halls, how long it lives, who comes and what goes wrong."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from hallnet.places import Address, Level
from hallnet.simulate.faults import Step, plan
from hallnet.simulate.founding import chance, halls_under
from hallnet.simulate.network import Weather
from hallnet.simulate.people import HOUR, Arrival, arrivals
from hallnet.simulate.state import Rhythm

SMALL_TREE = tuple(
    map(
        Address.parse,
        (
            "33",
            "3301",
            "3304",
            "330110",
            "330127",
            "330402",
            "330110-shebao",
            "330110012",
            "330127101",
            "330127102",
        ),
    )
)
"""A province in which everything occurs once."""


def whole(top: str, most: int = 0) -> tuple[Address, ...]:
    """The halls of a division, from the real data."""
    return tuple(halls_under(top, most))


@dataclass(frozen=True, slots=True)
class Scenario:
    """What a world follows from."""

    seed: int
    halls: tuple[Address, ...]
    """Parents before children."""
    days: float = 1.0
    cases_per_hall_and_day: float = 1.0
    faults_per_day: float = 50.0
    lying_disks: int = 0
    old_backups: int = 0
    clock_seconds_max: float = 2 * HOUR
    """How far clocks jump."""
    villains: bool = True
    weather: Weather = field(default_factory=Weather)
    rhythm: Rhythm = field(default_factory=Rhythm)
    steps: tuple[Step, ...] | None = None
    """The trouble; None: what follows from the seed."""
    people: tuple[Arrival, ...] | None = None
    """Who comes; None: what follows from the seed."""

    @property
    def villain(self) -> Address | None:
        """A hall in the middle of the tree: it has somebody above and below."""
        return self._some(Level.COUNTY, "villain") if self.villains else None

    @property
    def bungler(self) -> Address | None:
        return self._some(Level.TOWNSHIP, "bungler") if self.villains else None

    def _some(self, level: Level, who: str) -> Address:
        fitting = [hall for hall in self.halls if hall.level is level and not hall.branch]
        return chance(self.seed, who).choice(fitting or list(self.halls))

    def planned(self) -> Scenario:
        """The same with its trouble and its people written down."""
        steps, people = self.steps, self.people
        if steps is None:
            steps = tuple(
                plan(
                    self.halls,
                    self.days,
                    self.faults_per_day,
                    self.lying_disks,
                    self.villain,
                    self.bungler,
                    self.seed,
                    self.old_backups,
                )
            )
        if people is None:
            people = tuple(
                arrivals(list(self.halls), self.days, self.cases_per_hall_and_day, self.seed)
            )
        return replace(self, steps=steps, people=people)

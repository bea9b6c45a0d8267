"""What came of a world, for people and programs."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from hallnet.places import Level, divisions
from hallnet.simulate.invariants import Violation
from hallnet.simulate.scenario import Scenario


@dataclass(slots=True)
class Report:
    """What came of a world."""

    scenario: Scenario
    violations: list[Violation]
    faults: Counter[str]
    messages: int = 0
    bytes: int = 0
    events: int = 0
    commits: int = 0
    cases: int = 0
    checks: Counter[str] = field(default_factory=Counter)
    acts: Counter[str] = field(default_factory=Counter)
    refusals: Counter[str] = field(default_factory=Counter)
    forgiven: Counter[str] = field(default_factory=Counter)
    """What halls did whose disks had forgotten what they had confirmed."""
    waited: int = 0
    healing_hours: float = 0.0
    seconds: float = 0.0
    memory_mb: float = 0.0
    digest: str = ""
    """Of all that happened, in its order: equal for equal scenarios."""

    def as_data(self) -> dict[str, object]:
        """For JSON."""
        scenario = self.scenario
        return {
            "seed": scenario.seed,
            "halls": len(scenario.halls),
            "village_points": sum(
                divisions().count(Level.VILLAGE, hall.division)
                for hall in scenario.halls
                if hall.level is Level.TOWNSHIP
            ),
            "days": scenario.days,
            "cases": self.cases,
            "events": self.events,
            "commits": self.commits,
            "messages": self.messages,
            "bytes": self.bytes,
            "faults": dict(sorted(self.faults.items())),
            "checks": sum(self.checks.values()),
            "checks_by_kind": dict(sorted(self.checks.items())),
            "acts": dict(sorted(self.acts.items())),
            "refusals": dict(sorted(self.refusals.items())),
            "came_again": self.waited,
            "healing_hours": round(self.healing_hours, 2),
            "seconds": round(self.seconds, 1),
            "memory_mb": round(self.memory_mb, 1),
            "digest": self.digest,
            "forgiven": dict(sorted(self.forgiven.items())),
            "violations": [str(violation) for violation in self.violations],
        }

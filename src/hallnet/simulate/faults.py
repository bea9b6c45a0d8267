"""What goes wrong, when and where: a plan that follows from the seed and can be made shorter."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from hallnet.places import Address, Level
from hallnet.simulate.founding import chance
from hallnet.simulate.people import DAY, HOUR, MINUTE


class Fault(Enum):
    """Kinds of trouble."""

    KILL = "a hall goes down before or after one of its next commits"
    CUT = "a line is cut"
    FLAP = "a line comes and goes"
    PARTITION = "a county and all below it is cut off"
    FULL_DISK = "a disk is full"
    LYING_DISK = "a disk forgets what it confirmed, when the power fails"
    CLOCK = "a clock jumps"
    REPLAY = "something old comes once more"
    FORGERY = "the malicious hall says what is not its to say"
    GARBAGE = "the buggy hall sends what nobody can read"
    RELEASE = "the highest hall publishes a calendar"
    WITHDRAWAL = "the highest hall publishes a wrong calendar, and withdraws it"
    SUSPENSION = "a hall takes nothing new, and is resumed"
    SPLIT = "some open cases of a hall go to its neighbour for good"
    CLOSURE = "a hall is closed, and its neighbour goes on in its place"
    MERGER = "a hall goes on as its neighbour, for good"
    MOVE = "a hall goes on under another parent, by a new address"
    OLD_BACKUP = "a backup is put back"


@dataclass(frozen=True, slots=True)
class Step:
    """One piece of trouble."""

    at: float
    fault: Fault
    hall: Address
    seconds: float
    """How long it lasts."""
    number: int
    """Draws what else there is to choose."""

    def __str__(self) -> str:
        hours, rest = divmod(self.at, HOUR)
        return (
            f"{int(hours):3}:{rest / MINUTE:05.2f}  {self.fault.name.lower().replace('_', ' '):12}"
            f"  {self.hall}  for {self.seconds:.1f} s  (#{self.number})"
        )


WEIGHTS = {
    Fault.KILL: 10,
    Fault.CUT: 6,
    Fault.FLAP: 4,
    Fault.PARTITION: 2,
    Fault.FULL_DISK: 3,
    Fault.CLOCK: 3,
    Fault.REPLAY: 6,
    Fault.FORGERY: 5,
    Fault.GARBAGE: 5,
    Fault.RELEASE: 1,
    Fault.WITHDRAWAL: 1,
    Fault.SUSPENSION: 2,
    Fault.SPLIT: 2,
    Fault.CLOSURE: 1,
    Fault.MERGER: 1,
    Fault.MOVE: 1,
}
"""How often what happens, against each other. Disks that lie and old backups come on top: see `plan`."""
BACKUP_HOURS = 2.0
"""How old a backup is when it is put back."""


def plan(
    halls: Sequence[Address],
    days: float,
    per_day: float,
    lying_disks: int,
    villain: Address | None,
    bungler: Address | None,
    seed: int,
    old_backups: int = 0,
) -> list[Step]:
    """So much trouble a day, in the order in which it comes."""
    draw = chance(seed, "faults")
    kinds = list(WEIGHTS)
    steps = []
    for number in range(round(per_day * days)):
        fault = draw.choices(kinds, list(WEIGHTS.values()))[0]
        # Most of it while there are people, for then it does harm.
        at = draw.random() * days * DAY
        if draw.random() < 0.8:
            at = (at // DAY * DAY + HOUR + draw.random() * 8 * HOUR) % (days * DAY)
        hall = _where(fault, halls, villain, bungler, draw.choice(list(halls)))
        if hall is not None:
            steps.append(Step(at, fault, hall, draw.expovariate(1 / (20 * MINUTE)), number))
    for number in range(lying_disks):
        at = HOUR + draw.random() * 7 * HOUR
        steps.append(Step(at, Fault.LYING_DISK, draw.choice(list(halls)), 600.0, 10_000 + number))
    for number in range(old_backups):
        at, hall = HOUR + draw.random() * HOUR, draw.choice(list(halls))
        steps.append(Step(at, Fault.OLD_BACKUP, hall, BACKUP_HOURS * HOUR, 20_000 + number))
    return sorted(steps, key=lambda step: (step.at, step.number))


def _where(
    fault: Fault,
    halls: Sequence[Address],
    villain: Address | None,
    bungler: Address | None,
    hall: Address,
) -> Address | None:
    if fault is Fault.FORGERY:
        return villain
    if fault is Fault.GARBAGE:
        return bungler
    if fault in (Fault.RELEASE, Fault.WITHDRAWAL):
        return halls[0]
    if fault in (Fault.MERGER, Fault.MOVE):
        # From where the hall that was drawn stands: the next one at which that happens.
        at = halls.index(hall)
        townships = (one for one in (*halls[at:], *halls) if one.level is Level.TOWNSHIP)
        return next((one for one in townships if not one.branch), None)
    return hall

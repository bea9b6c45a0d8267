"""A world from a scenario: founded, lived through with all its trouble, healed, and looked at wholly."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import random
import resource
import time
from collections import Counter
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial

from hallnet.case.calendar import CALENDAR
from hallnet.case.case import Case, day_of
from hallnet.exchange import believing
from hallnet.intake import cases
from hallnet.places import Address, Level, divisions
from hallnet.simulate import villains
from hallnet.simulate.disk import Disk, PowerFailed, seal
from hallnet.simulate.faults import Fault, Step, plan
from hallnet.simulate.founding import (
    BEGINNING,
    SERVICES,
    blank,
    chance,
    child_identity,
    halls_under,
    root_of,
    supplied,
    top_identity,
)
from hallnet.simulate.hall import Hall, Rhythm, has_open, is_full, waiting_for
from hallnet.simulate.invariants import Checker, Invariant, Violation
from hallnet.simulate.loop import run
from hallnet.simulate.network import CALM, Network, Weather
from hallnet.simulate.people import HOUR, MINUTE, Arrival, People, arrivals
from hallnet.trust.release import ReleaseKind

COMMITS_UNTIL_KILL_MAX = 12
HEALING_HOURS_MAX = 72
"""What is lost is sent again after six hours at the latest; then everything has to be settled."""


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
                )
            )
        if people is None:
            people = tuple(
                arrivals(list(self.halls), self.days, self.cases_per_hall_and_day, self.seed)
            )
        return replace(self, steps=steps, people=people)


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


class World:
    """All halls, all people and all trouble of a scenario."""

    def __init__(self, scenario: Scenario, stop_at_first: bool = False) -> None:
        self._scenario = scenario.planned()
        self._stop_at_first = stop_at_first
        self.halls: dict[Address, Hall] = {}
        self._network = Network(scenario.seed, scenario.weather)
        self.people = People(self.halls, scenario.seed)
        self._faults: Counter[str] = Counter()
        self._armed: dict[Address, tuple[int, bool, float]] = {}
        self._trace = hashlib.sha256()
        self._trouble: set[asyncio.Task[None]] = set()
        loop_time = lambda: asyncio.get_running_loop().time()  # noqa: E731
        self.checker = Checker(self.halls, loop_time)

    async def live(self) -> Report:
        """Everything from the founding to the last look."""
        began = time.perf_counter()
        asyncio.get_running_loop().set_exception_handler(lambda loop, context: None)
        self.found()
        await self._through(self._scenario.steps or (), self._scenario.people or ())
        hours = 0.0
        if not (self._stop_at_first and self.checker.violations):
            hours = await self._heal()
            today = day_of(next(iter(self.halls.values())).now()).isoformat()
            self.checker.wholly(self.people.record, self._is_sound, today)
        for hall in self.halls.values():
            hall.down()
        report = self._report(hours, time.perf_counter() - began)
        for hall in self.halls.values():
            for disk in hall.disks.values():
                disk.close()
        return report

    # Founding

    def found(self) -> None:
        """Found all halls and start their processes, for who wants to see nothing else."""
        self._found()
        for hall in self.halls.values():
            hall.up()

    def _found(self) -> None:
        scenario, seed = self._scenario, self._scenario.seed
        top = scenario.halls[0]
        root, root_key = root_of(top, seed)
        for address in scenario.halls:
            disks = {
                service: Disk(service, blank(service), seal(str(address).encode(), service))
                for service in SERVICES
            }
            parent = None if address == top else self.halls[_above(address, self.halls)]
            if parent is None:
                identity = top_identity(top, root, root_key, seed)
            else:
                identity = child_identity(parent.exchange, parent.context, address, seed)
            hall = Hall(identity, disks, self._network, root, scenario.rhythm, seed)
            hall.failed = partial(self._failed, address)
            hall.load()
            own = identity.chain[:-1]
            hall.exchange.transact(
                lambda c, hall=hall, own=own: believing.learn(c, hall.context, own, BEGINNING)  # type: ignore[misc]
            )
            self.halls[address] = hall
        self._introduce()
        for hall in self.halls.values():
            for disk in hall.disks.values():
                disk.before_commit = partial(self._before_commit, hall)
                disk.committed = partial(self._committed, hall)

    def _introduce(self) -> None:
        """Every hall knows one other county with which it deals across the tree, and it the hall."""
        counties = [hall for hall in self.halls.values() if hall.address.level is Level.COUNTY]
        for hall in self.halls.values():
            draw = chance(self._scenario.seed, "partner", hall.address)
            others = [
                county
                for county in counties
                if county.address.division[:6] != hall.address.division[:6]
                and not county.address.is_branch_hall
            ]
            if others and hall.address.level >= Level.COUNTY:
                partner = draw.choice(others)
                self.people.partners[hall.address] = partner.address
                for one, other in ((hall, partner), (partner, hall)):
                    chain = other.identity.chain[:-1]
                    one.exchange.transact(
                        lambda c, one=one, chain=chain: believing.learn(  # type: ignore[misc]
                            c, one.context, chain, BEGINNING
                        )
                    )

    # What is watched

    def _before_commit(self, hall: Hall, disk: Disk) -> None:
        self._count_down(hall, before=True)

    def _committed(self, hall: Hall, disk: Disk) -> None:
        self._trace.update(
            f"{asyncio.get_running_loop().time():.6f} {hall.address} {disk.schema}\n".encode()
        )
        if self.checker.committed(hall, disk):
            hall.fed(disk.schema)
        self._count_down(hall, before=False)

    def _count_down(self, hall: Hall, before: bool) -> None:
        armed = self._armed.get(hall.address)
        if armed is None or armed[1] is not before:
            return
        left, _, seconds = armed
        self._armed[hall.address] = left - 1, before, seconds
        if left <= 0:
            self._kill(hall, seconds)
            raise PowerFailed

    def _failed(self, address: Address, what: str, trace: str) -> None:
        self.checker.broken(Invariant.NOTHING_FAILS, address, f"{what}: {trace}")

    def _is_sound(self, address: Address) -> bool:
        return address not in self.checker.untrusted

    # Trouble

    async def _through(self, steps: Sequence[Step], people: Sequence[Arrival]) -> None:
        happenings: list[Step | Arrival] = sorted(
            [*steps, *people], key=lambda one: (one.at, isinstance(one, Step), one.number)
        )
        loop = asyncio.get_running_loop()
        for happening in happenings:
            await asyncio.sleep(happening.at - loop.time())
            if self._stop_at_first and self.checker.violations:
                return
            if isinstance(happening, Arrival):
                self.people.come(happening)
            elif happening.hall in self.halls:
                self._begin(happening)
        await asyncio.sleep(max(self._scenario.days * 24 * HOUR - loop.time(), 0))

    def _begin(self, step: Step) -> None:
        self._faults[step.fault.name.lower()] += 1
        hall, draw = self.halls[step.hall], chance(self._scenario.seed, "step", step.number)
        task = asyncio.create_task(self._contained(self._suffer(step, hall, draw)))
        self._trouble.add(task)
        task.add_done_callback(self._trouble.discard)

    async def _contained(self, work: Awaitable[None]) -> None:
        """The hall of a piece of trouble may go down or be full by another one."""
        try:
            await work
        except PowerFailed:
            return
        except Exception as error:
            if not is_full(error):
                raise

    async def _suffer(self, step: Step, hall: Hall, draw: random.Random) -> None:
        fault, address = step.fault, step.hall
        if fault is Fault.KILL:
            await self._arm(hall, step, draw)
        elif fault is Fault.CUT:
            await self._cut([address], step.seconds)
        elif fault is Fault.FLAP:
            ends = asyncio.get_running_loop().time() + step.seconds
            while asyncio.get_running_loop().time() < ends:
                await self._cut([address], draw.uniform(0.1, 20))
                await asyncio.sleep(draw.uniform(0.1, 20))
        elif fault is Fault.PARTITION:
            below = [other for other in self.halls if other.division[:6] == address.division[:6]]
            await self._cut(below, step.seconds)
        elif fault is Fault.FULL_DISK:
            await self._fill(draw.choice(list(hall.disks.values())), step.seconds)
        elif fault is Fault.LYING_DISK:
            await self._lie(hall, step.seconds)
        elif fault is Fault.CLOCK:
            hall.clock_is_off = timedelta(
                seconds=draw.choice((-1, 1)) * draw.uniform(1, self._scenario.clock_seconds_max)
            )
            await asyncio.sleep(step.seconds)
            hall.clock_is_off = timedelta(0)
        elif fault is Fault.REPLAY:
            await self._network.replay(step.number)
        elif hall.is_up:
            await self._bad_neighbour(step, hall, draw)

    async def _bad_neighbour(self, step: Step, hall: Hall, draw: random.Random) -> None:
        if step.fault is Fault.FORGERY:
            await villains.forge(hall, self._network, self._some_case(draw), draw)
        elif step.fault is Fault.GARBAGE:
            await villains.blunder(hall, self._network, draw)
        elif step.fault is Fault.RELEASE and hall.context.is_sure:
            calendar = CALENDAR.from_bytes(supplied()[1][1])
            await hall.publish(ReleaseKind.CALENDAR, CALENDAR.to_bytes(calendar))

    def _some_case(self, draw: random.Random) -> Case | None:
        filed = self.people.record.filed
        if not filed:
            return None
        case_id = draw.choice(list(filed))
        return self.halls[filed[case_id]].intake.inspect(lambda c: cases.find(c, case_id))

    async def _arm(self, hall: Hall, step: Step, draw: random.Random) -> None:
        """Within a few commits of the hall, or when some time has passed without any."""
        self._armed[hall.address] = (
            draw.randrange(COMMITS_UNTIL_KILL_MAX),
            draw.random() < 0.5,
            step.seconds,
        )
        await asyncio.sleep(10 * MINUTE)
        if hall.address in self._armed:
            self._kill(hall, step.seconds)

    def _kill(self, hall: Hall, seconds: float) -> None:
        self._armed.pop(hall.address, None)
        if not hall.is_up:
            return
        hall.down()
        task = asyncio.create_task(self._up_again(hall, seconds))
        self._trouble.add(task)
        task.add_done_callback(self._trouble.discard)

    async def _up_again(self, hall: Hall, seconds: float) -> None:
        await asyncio.sleep(seconds)
        if not hall.is_up:
            hall.up()

    async def _cut(self, children: Sequence[Address], seconds: float) -> None:
        for child in children:
            self._network.cut[child] += 1
        await asyncio.sleep(seconds)
        for child in children:
            self._network.cut[child] = max(self._network.cut[child] - 1, 0)
            if not self._network.cut[child]:
                self.halls[child].came_back()

    async def _fill(self, disk: Disk, seconds: float) -> None:
        disk.fill()
        await asyncio.sleep(seconds)
        disk.clear()

    async def _lie(self, hall: Hall, seconds: float) -> None:
        for disk in hall.disks.values():
            disk.keep()
        await asyncio.sleep(seconds)
        was_up = hall.is_up
        hall.down()
        forgot = [disk.forget() for disk in hall.disks.values()]
        if any(forgot):
            self.checker.forgot(hall)
        if was_up:
            await asyncio.sleep(1)
            hall.up()

    # Healing

    async def _heal(self) -> float:
        """Everything works again; returns how many hours it takes until nothing is under way."""
        self.people.go_home()
        for task in self._trouble:
            task.cancel()
        self._armed.clear()
        self._network.weather = CALM
        self._network.cut.clear()
        for hall in self.halls.values():
            hall.clock_is_off = timedelta(0)
            for disk in hall.disks.values():
                disk.clear()
            if not hall.is_up:
                hall.up()
            hall.came_back()
        began = asyncio.get_running_loop().time()
        await self._until_quiet()
        for hall in self.halls.values():
            await hall.ask_all()
            await hall.report_days()
        await self._until_quiet()
        return (asyncio.get_running_loop().time() - began) / HOUR

    async def _until_quiet(self) -> None:
        for _ in range(HEALING_HOURS_MAX * 6):
            await asyncio.sleep(10 * MINUTE)
            if not any(map(_is_busy, self.halls.values())):
                return

    def _report(self, hours: float, seconds: float) -> Report:
        record, network = self.people.record, self._network
        return Report(
            self._scenario,
            self.checker.violations,
            self._faults + Counter({f"message {k}": n for k, n in network.trouble.items()}),
            network.messages,
            network.carried,
            self.checker.events,
            sum(disk.commits for hall in self.halls.values() for disk in hall.disks.values()),
            len(record.filed),
            self.checker.checks,
            record.acts,
            record.refusals,
            self.checker.forgiven,
            record.waited,
            hours,
            seconds,
            resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
            self._trace.hexdigest(),
        )


def _above(address: Address, halls: dict[Address, Hall]) -> Address:
    above = divisions().parent(address)
    assert above is not None
    assert above in halls, f"{address} was founded before {above}"
    return above


def _is_busy(hall: Hall) -> bool:
    """Whether something of this hall is under way."""
    return bool(waiting_for(hall)) or has_open(hall, but_for=villains.FORGED)


def simulate(scenario: Scenario, stop_at_first: bool = False) -> Report:
    """Live through a scenario in virtual time."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    # The jitter of links is drawn from the one source of the process.
    state = random.getstate()
    random.seed(scenario.seed)
    try:
        return run(World(scenario, stop_at_first).live())
    finally:
        random.setstate(state)
        logging.disable(before)


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

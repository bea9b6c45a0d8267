"""A world from a scenario: founded, lived through with all its trouble, healed, and looked at wholly."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import random
import resource
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from hallnet.case.case import day_of
from hallnet.exchange import believing
from hallnet.places import Address, Level, divisions
from hallnet.simulate import villains
from hallnet.simulate.at_the_end import LastLook
from hallnet.simulate.carrying import has_open, waiting_for
from hallnet.simulate.disk import Disk, seal
from hallnet.simulate.faults import Step
from hallnet.simulate.founding import (
    BEGINNING,
    SERVICES,
    blank,
    chance,
    child_identity,
    root_of,
    top_identity,
)
from hallnet.simulate.hall import Hall, Rhythm
from hallnet.simulate.invariants import Checker, Invariant
from hallnet.simulate.loop import run
from hallnet.simulate.network import Network
from hallnet.simulate.people import HOUR, MINUTE, Arrival, People
from hallnet.simulate.report import Report
from hallnet.simulate.scenario import Scenario
from hallnet.simulate.trouble import Trouble
from hallnet.trust.certificate import Certificate

BUNDLE_HALLS_MAX = 100
"""In larger worlds no trust bundle is published: see `Rhythm`."""
HEALING_HOURS_MAX = 72
"""What is lost is sent again after six hours at the latest; then everything has to be settled."""


class World:
    """All halls, all people and all trouble of a scenario."""

    def __init__(self, scenario: Scenario, stop_at_first: bool = False) -> None:
        self._scenario = scenario.planned()
        self._stop_at_first = stop_at_first
        self.halls: dict[Address, Hall] = {}
        self._network = Network(scenario.seed, scenario.weather)
        self.people = People(self.halls, scenario.seed)
        self._trace = hashlib.sha256()
        loop_time = lambda: asyncio.get_running_loop().time()  # noqa: E731
        self.checker = Checker(self.halls, loop_time)
        self._trouble = Trouble(
            self._scenario, self.halls, self._network, self.people, self.checker
        )

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
            LastLook(self.checker).look(self.people.record, today)
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
        root, root_key = root_of(self._scenario.halls[0], self._scenario.seed)
        for address in self._scenario.halls:
            disks = {
                service: Disk(service, blank(service), seal(str(address).encode(), service))
                for service in SERVICES
            }
            self._found_one(address, disks, root, root_key)
        self._introduce()
        for hall in self.halls.values():
            for disk in hall.disks.values():
                disk.before_commit = partial(self._before_commit, hall)
                disk.committed = partial(self._committed, hall)
        for hall in self.halls.values():
            hall.up()

    def _found_one(
        self, address: Address, disks: dict[str, Disk], root: Certificate, root_key: bytes
    ) -> None:
        scenario, seed = self._scenario, self._scenario.seed
        parent = None if address == scenario.halls[0] else self.halls[_above(address, self.halls)]
        if parent is None:
            identity = top_identity(address, root, root_key, seed)
        else:
            identity = child_identity(parent.exchange, parent.context, address, seed)
        hall = Hall(identity, disks, self._network, root, self._rhythm(), seed)
        hall.failed = partial(self._failed, address)
        hall.load()
        own = identity.chain[:-1]
        hall.exchange.transact(lambda c: believing.learn(c, hall.context, own, BEGINNING))
        self.halls[address] = hall

    def _rhythm(self) -> Rhythm:
        small = len(self._scenario.halls) <= BUNDLE_HALLS_MAX
        rhythm = self._scenario.rhythm
        return rhythm if small else replace(rhythm, trust_bundles=False)

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
        self._trouble.commits(hall, before=True)

    def _committed(self, hall: Hall, disk: Disk) -> None:
        self._trace.update(
            f"{asyncio.get_running_loop().time():.6f} {hall.address} {disk.schema}\n".encode()
        )
        head = self.checker.committed(hall, disk)
        if head:
            hall.fed(disk.schema, head)
        self._trouble.commits(hall, before=False)

    def _failed(self, address: Address, what: str, trace: str) -> None:
        self.checker.broken(Invariant.NOTHING_FAILS, address, f"{what}: {trace}")

    # Living

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
                self._trouble.begin(happening)
        await asyncio.sleep(max(self._scenario.days * 24 * HOUR - loop.time(), 0))

    async def _heal(self) -> float:
        """Everything works again; returns how many hours it takes until nothing is under way."""
        self.people.go_home()
        self._trouble.end()
        began = asyncio.get_running_loop().time()
        await self._until_quiet()
        for hall in self.halls.values():
            await hall.chores.ask_all()
            await hall.chores.report_days()
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
            self._trouble.faults + Counter({f"message {k}": n for k, n in network.trouble.items()}),
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

"""A world from a scenario: founded, lived through with all its trouble, healed, and looked at wholly."""

from __future__ import annotations

import asyncio
import hashlib
import resource
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial

from hallnet.case.case import day_of
from hallnet.exchange import believing
from hallnet.node.home import Identity
from hallnet.places import Address, Level, divisions
from hallnet.simulate import villains
from hallnet.simulate.at_the_end import LastLook, missing_releases
from hallnet.simulate.carrying import has_open, waiting_for
from hallnet.simulate.disk import Disk, seal
from hallnet.simulate.faults import Step
from hallnet.simulate.founding import (
    FOUNDED,
    SERVICES,
    blank,
    chance,
    child_identity,
    root_of,
    top_identity,
)
from hallnet.simulate.hall import Hall
from hallnet.simulate.invariants import Checker, Invariant
from hallnet.simulate.network import Network
from hallnet.simulate.people import HOUR, MINUTE, Arrival, People
from hallnet.simulate.progress import Progress, Say, silent
from hallnet.simulate.report import Report
from hallnet.simulate.scenario import Scenario
from hallnet.simulate.state import Rhythm
from hallnet.simulate.trouble import Trouble
from hallnet.trust.certificate import Certificate

BUNDLE_HALLS_MAX = 100
"""In larger worlds no trust bundle is published: see `Rhythm`."""
LOOK_WHETHER_OVER = 300.0
"""Seconds between two looks whether a world is over before its time."""
HELLO_IN_LARGE = 43_200.0
"""Seconds between hellos there: neighbours have nothing to say, and each hello has to be checked at both ends."""
HEALING_HOURS_MAX = 72
"""What is lost is sent again after six hours at the latest; then everything has to be settled."""


class World:
    """All halls, all people and all trouble of a scenario."""

    def __init__(
        self,
        scenario: Scenario,
        ends_with: Invariant | None = None,
        say: Say = silent,
    ) -> None:
        self.halls: dict[Address, Hall] = {}
        self.network = Network(scenario.seed, scenario.weather)
        loop_time = lambda: asyncio.get_running_loop().time()  # noqa: E731
        self.checker = Checker(self.halls, loop_time)
        self._follow(scenario, ends_with, say)

    def _follow(self, scenario: Scenario, ends_with: Invariant | None, say: Say) -> None:
        """From now on all that happens follows from this scenario."""
        self._began = time.perf_counter()
        self._scenario = scenario.planned()
        self._ends_with = ends_with
        self._progress = Progress(self._scenario, say)
        self._trace = hashlib.sha256()
        self.people = People(self.halls, scenario.seed)
        self._trouble = Trouble(
            self._scenario, self.halls, self.network, self.people, self.checker, self._found_later
        )

    async def live(self) -> Report:
        """Everything from the founding to the last look."""
        asyncio.get_running_loop().set_exception_handler(lambda loop, context: None)
        self.found()
        self._progress.founded()
        return await self._to_the_end()

    async def rest(self) -> None:
        """Found all halls, let them hear whom to believe, and wait for the beginning of time."""
        asyncio.get_running_loop().set_exception_handler(lambda loop, context: None)
        self.found()
        await self.until_quiet()
        await asyncio.sleep(-asyncio.get_running_loop().time())
        if self.checker.violations:
            raise AssertionError(str(self.checker.violations[0]))

    async def go_on(self, scenario: Scenario, ends_with: Invariant | None) -> Report:
        """After the rest of halls that are founded once for many worlds: what follows from a scenario of them."""
        self._follow(scenario, ends_with, silent)
        self.network.follow(scenario.seed, scenario.weather)
        self.checker.events = 0
        self.checker.checks.clear()
        for hall in self.halls.values():
            hall.follow(scenario.seed, self._rhythm())
            for disk in hall.disks.values():
                disk.commits = 0
        self._choose_partners()
        return await self._to_the_end()

    async def _to_the_end(self) -> Report:
        await self._through(self._scenario.steps or (), self._scenario.people or ())
        hours = 0.0
        if not self._is_over:
            hours = await self._heal()
            self._progress.healed(hours)
            today = day_of(next(iter(self.halls.values())).now()).isoformat()
            LastLook(self.checker).look(self.people.record, today)
        for hall in self.halls.values():
            hall.down()
        report = self._report(hours, time.perf_counter() - self._began)
        for hall in self.halls.values():
            for disk in hall.disks.values():
                disk.close()
        return report

    # Founding

    def found(self) -> None:
        """Found all halls and start their processes, for who wants to see nothing else."""
        self.lay()
        self.start()

    def lay(self) -> None:
        """Found all halls."""
        self._found_all()
        for hall in self.halls.values():
            self._watch(hall)

    def _watch(self, hall: Hall) -> None:
        hall.failed = partial(self._failed, hall.address)
        for disk in hall.disks.values():
            disk.before_commit = partial(self._before_commit, hall)
            disk.committed = partial(self._committed, hall)

    def start(self) -> None:
        """The processes of all halls start."""
        for hall in self.halls.values():
            hall.up()

    def _found_all(self) -> None:
        seed, (top, *others) = self._scenario.seed, self._scenario.halls
        root, root_key = root_of(top, seed)
        images = {service: blank(service) for service in SERVICES}
        self._certified(self._add(top_identity(top, root, root_key, seed), root, images))
        for address in others:
            parent = self.halls[_above(address, self.halls)]
            identity = child_identity(parent.exchange, parent.context, address, seed)
            self._certified(self._add(identity, root, images))
        self._introduce()

    def _found_later(self, parent: Hall, address: Address) -> Hall:
        """A hall more, below one that is up; its parent's processes know it at once, as after an enrolment."""
        seed, root = self._scenario.seed, next(iter(self.halls.values())).identity.chain[-1]
        at = parent.now()
        identity = child_identity(parent.exchange, parent.context, address, seed, at)
        hall = self._add(identity, root, {service: blank(service) for service in SERVICES})
        hall.load()
        own = identity.chain[:-1]
        hall.exchange.transact(lambda c: believing.learn(c, hall.context, own, at))
        self._watch(hall)
        parent.links.start(address)
        hall.up()
        return hall

    def _add(self, identity: Identity, root: Certificate, images: Mapping[str, bytes]) -> Hall:
        disks = {
            service: Disk(service, image, seal(str(identity.address).encode(), service))
            for service, image in images.items()
        }
        hall = Hall(identity, disks, self.network, root, self._rhythm(), self._scenario.seed)
        self.halls[hall.address] = hall
        return hall

    def _certified(self, hall: Hall) -> None:
        hall.load()
        own = hall.identity.chain[:-1]
        hall.exchange.transact(lambda c: believing.learn(c, hall.context, own, FOUNDED))

    def _rhythm(self) -> Rhythm:
        small = len(self._scenario.halls) <= BUNDLE_HALLS_MAX
        rhythm = self._scenario.rhythm
        return rhythm if small else replace(rhythm, trust_bundles=False, hello=HELLO_IN_LARGE)

    def _choose_partners(self) -> None:
        """Every hall deals with one other county across the tree."""
        counties = [hall for hall in self.halls if hall.level is Level.COUNTY and not hall.branch]
        for hall in self.halls:
            draw = chance(self._scenario.seed, "partner", hall)
            others = [one for one in counties if one.division[:6] != hall.division[:6]]
            if others and hall.level >= Level.COUNTY:
                self.people.partners[hall] = draw.choice(others)

    def _introduce(self) -> None:
        """Partners know each other before any trust bundle comes."""
        self._choose_partners()
        for one, other in self.people.partners.items():
            for here, there in ((one, other), (other, one)):
                hall, chain = self.halls[here], self.halls[there].identity.chain[:-1]
                hall.exchange.transact(
                    lambda c, hall=hall, chain=chain: believing.learn(  # type: ignore[misc]
                        c, hall.context, chain, FOUNDED
                    )
                )

    # What is watched

    def _before_commit(self, hall: Hall, disk: Disk) -> None:
        self._trouble.commits(hall, before=True)

    def _committed(self, hall: Hall, disk: Disk) -> None:
        self._progress.committed(asyncio.get_running_loop().time(), self.checker)
        self._trace.update(
            f"{asyncio.get_running_loop().time():.6f} {hall.address} {disk.schema}\n".encode()
        )
        news = self.checker.committed(hall, disk)
        if news:
            hall.fed(disk.schema, news)
        self._trouble.commits(hall, before=False)

    def _failed(self, address: Address, what: str, trace: str) -> None:
        self.checker.broken(Invariant.NOTHING_FAILS, address, f"{what}: {trace}")

    # Living

    async def _through(self, steps: Sequence[Step], people: Sequence[Arrival]) -> None:
        happenings: list[Step | Arrival] = sorted(
            [*steps, *people], key=lambda one: (one.at, isinstance(one, Step), one.number)
        )
        loop = asyncio.get_running_loop()
        for number, happening in enumerate(happenings):
            self._progress.happened = number / len(happenings)
            await asyncio.sleep(happening.at - loop.time())
            if self._is_over:
                return
            if isinstance(happening, Arrival):
                self.people.come(happening)
            elif happening.hall in self.halls:
                self._trouble.begin(happening)
        await self._rest_of_the_days()

    async def _rest_of_the_days(self) -> None:
        left = self._scenario.days * 24 * HOUR - asyncio.get_running_loop().time()
        if self._ends_with is None:
            await asyncio.sleep(max(left, 0))
            return
        while left > 0 and not self._is_over:
            await asyncio.sleep(min(left, LOOK_WHETHER_OVER))
            left -= LOOK_WHETHER_OVER

    @property
    def _is_over(self) -> bool:
        """Whether the promise is broken for which it is lived through."""
        return self._ends_with is not None and self.checker.is_broken(self._ends_with)

    async def _heal(self) -> float:
        """Everything works again; returns how many hours it takes until nothing is under way."""
        self.people.go_home()
        self._trouble.end()
        began = asyncio.get_running_loop().time()
        await self.until_quiet()
        for hall in self.halls.values():
            await hall.chores.ask_all()
            await hall.chores.report_days()
        await self.until_quiet()
        return (asyncio.get_running_loop().time() - began) / HOUR

    async def until_quiet(self, hours: int = HEALING_HOURS_MAX) -> None:
        """Nothing is under way any more, or so many hours are over; a release that a hall refused, since its clock was behind, comes after
        its next word on what it has, a day later at most."""
        for _ in range(hours * 6):
            await asyncio.sleep(10 * MINUTE)
            if not any(map(_is_busy, self.halls.values())) and not missing_releases(self.checker):
                return

    def _report(self, hours: float, seconds: float) -> Report:
        record, network = self.people.record, self.network
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

"""What is done to the halls of a world: each kind of fault, from its beginning to its end."""

from __future__ import annotations

import asyncio
import random
import traceback
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

from sqlalchemy.exc import OperationalError

from hallnet.branch_sync import withdrawing
from hallnet.case.calendar import CALENDAR, CalendarDay, WorkingCalendar
from hallnet.case.case import Case
from hallnet.intake import cases
from hallnet.intake.hall_state import HallStateUnusable
from hallnet.places import Address, Level, divisions
from hallnet.simulate import operators, publishing, villains
from hallnet.simulate.disk import Disk, PowerFailed, is_full
from hallnet.simulate.faults import Fault, Step
from hallnet.simulate.founding import BEGINNING, chance, supplied
from hallnet.simulate.hall import Hall
from hallnet.simulate.invariants import Checker, Invariant
from hallnet.simulate.network import CALM, Network
from hallnet.simulate.people import MINUTE, People
from hallnet.simulate.scenario import Scenario
from hallnet.trust.release import ReleaseKind

COMMITS_UNTIL_KILL_MAX = 12
FLAPS = 5
"""Times that a line goes within one fault: more of them are only more of the same hellos."""
SPLIT_SHARE = 0.5
"""Of the open cases."""
KILLED_ANYHOW_AFTER = 10 * MINUTE
"""A hall that commits nothing goes down all the same."""

Suffer = Callable[[Step, Hall, random.Random], Awaitable[None]]


class Trouble:
    """All that is wrong in a world at a time."""

    def __init__(
        self,
        scenario: Scenario,
        halls: dict[Address, Hall],
        network: Network,
        people: People,
        checker: Checker,
        found: Callable[[Hall, Address], Hall],
    ) -> None:
        self.faults: Counter[str] = Counter()
        """How much of each kind there was."""
        self._scenario = scenario
        self._halls = halls
        self._network = network
        self._people = people
        self._checker = checker
        self._found = found
        self._ended: set[Address] = set()
        """Halls that are closed, or are to be."""
        self._armed: dict[Address, tuple[int, bool, float]] = {}
        self._under_way: set[asyncio.Task[None]] = set()
        self._kinds: dict[Fault, Suffer] = {
            Fault.KILL: self._arm,
            Fault.CUT: self._cut_off,
            Fault.FLAP: self._flap,
            Fault.PARTITION: self._part,
            Fault.FULL_DISK: self._fill,
            Fault.LYING_DISK: self._lie,
            Fault.CLOCK: self._jump,
            Fault.REPLAY: self._replay,
            Fault.FORGERY: self._forge,
            Fault.GARBAGE: self._blunder,
            Fault.RELEASE: self._publish,
            Fault.WITHDRAWAL: self._withdraw,
            Fault.SUSPENSION: self._suspend,
            Fault.SPLIT: self._split,
            Fault.CLOSURE: self._close,
            Fault.MERGER: self._merge,
            Fault.MOVE: self._move,
            Fault.OLD_BACKUP: self._restore,
        }

    def begin(self, step: Step) -> None:
        """It happens now, and goes on while others do."""
        self.faults[step.fault.name.lower()] += 1
        hall, draw = self._halls[step.hall], chance(self._scenario.seed, "step", step.number)
        self._go_on(self._contained(step, self._kinds[step.fault](step, hall, draw)))

    def end(self) -> None:
        """Everything works again."""
        for task in self._under_way:
            task.cancel()
        self._armed.clear()
        self._network.weather = CALM
        self._network.cut.clear()
        for hall in self._halls.values():
            hall.clock_is_off = timedelta(0)
            for disk in hall.disks.values():
                disk.clear()
            if not hall.is_up:
                hall.up()
            hall.came_back()

    def _go_on(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    async def _contained(self, step: Step, work: Awaitable[None]) -> None:
        """The hall of a piece of trouble may go down or be full by another one."""
        try:
            await work
        except PowerFailed:
            return
        except Exception as error:
            if not is_full(error):
                self._checker.broken(
                    Invariant.NOTHING_FAILS, step.hall, f"{step}: {traceback.format_exc()}"
                )

    # Power

    async def _arm(self, step: Step, hall: Hall, draw: random.Random) -> None:
        """Within a few commits of the hall, or when some time has passed without any."""
        before = draw.randrange(COMMITS_UNTIL_KILL_MAX), draw.random() < 0.5
        self._armed[hall.address] = (*before, step.seconds)
        await asyncio.sleep(KILLED_ANYHOW_AFTER)
        if hall.address in self._armed:
            self._kill(hall, step.seconds)

    def commits(self, hall: Hall, before: bool) -> None:
        """A hall is about to commit, or did; raises PowerFailed if that is the moment."""
        armed = self._armed.get(hall.address)
        if armed is None or armed[1] is not before:
            return
        left, _, seconds = armed
        self._armed[hall.address] = left - 1, before, seconds
        if left <= 0:
            self._kill(hall, seconds)
            raise PowerFailed

    def _kill(self, hall: Hall, seconds: float) -> None:
        self._armed.pop(hall.address, None)
        if not hall.is_up:
            return
        hall.down()
        self._go_on(self._up_again(hall, seconds))

    async def _up_again(self, hall: Hall, seconds: float) -> None:
        await asyncio.sleep(seconds)
        while not hall.is_up:
            try:
                hall.up()
            except OperationalError as error:
                # Its processes write when they start. Somebody comes to make room.
                hall.down()
                if not is_full(error):
                    raise
                await asyncio.sleep(MINUTE)

    # Lines

    async def _cut_off(self, step: Step, hall: Hall, draw: random.Random) -> None:
        await self._cut([step.hall], step.seconds)

    async def _flap(self, step: Step, hall: Hall, draw: random.Random) -> None:
        for _ in range(FLAPS):
            await self._cut([step.hall], draw.uniform(0.1, 20))
            await asyncio.sleep(draw.uniform(0.1, 2 * step.seconds / FLAPS))

    async def _part(self, step: Step, hall: Hall, draw: random.Random) -> None:
        county = step.hall.division[:6]
        below = [other for other in self._halls if other.division[:6] == county]
        await self._cut(below, step.seconds)

    async def _cut(self, children: Sequence[Address], seconds: float) -> None:
        for child in children:
            self._network.cut[child] += 1
        await asyncio.sleep(seconds)
        for child in children:
            self._network.cut[child] = max(self._network.cut[child] - 1, 0)
            if not self._network.cut[child]:
                self._halls[child].came_back()

    async def _replay(self, step: Step, hall: Hall, draw: random.Random) -> None:
        await self._network.replay(step.number)

    # Disks and clocks

    async def _fill(self, step: Step, hall: Hall, draw: random.Random) -> None:
        disk: Disk = draw.choice(list(hall.disks.values()))
        disk.fill()
        await asyncio.sleep(step.seconds)
        disk.clear()

    async def _lie(self, step: Step, hall: Hall, draw: random.Random) -> None:
        for disk in hall.disks.values():
            disk.keep()
        await asyncio.sleep(step.seconds)
        was_up = hall.is_up
        hall.down()
        forgot = [disk.forget() for disk in hall.disks.values()]
        if any(forgot):
            self._checker.forgot(hall)
        if was_up:
            await self._up_again(hall, 1.0)

    async def _restore(self, step: Step, hall: Hall, draw: random.Random) -> None:
        backup = {name: disk.image() for name, disk in hall.disks.items()}
        await asyncio.sleep(step.seconds)
        hall.down()
        for name, disk in hall.disks.items():
            disk.put_back(backup[name])
        self._checker.forgot(hall)
        await self._up_again(hall, 10 * MINUTE)

    async def _jump(self, step: Step, hall: Hall, draw: random.Random) -> None:
        far = draw.choice((-1, 1)) * draw.uniform(1, self._scenario.clock_seconds_max)
        hall.clock_is_off = timedelta(seconds=far)
        await asyncio.sleep(step.seconds)
        hall.clock_is_off = timedelta(0)

    # Those who do it on purpose, and those who know no better

    async def _forge(self, step: Step, hall: Hall, draw: random.Random) -> None:
        if hall.is_up and hall.context.is_sure:
            await villains.forge(hall, self._network, self._some_case(draw), draw)

    async def _blunder(self, step: Step, hall: Hall, draw: random.Random) -> None:
        if hall.is_up and hall.context.is_sure:
            await villains.blunder(hall, self._network, draw)

    def _some_case(self, draw: random.Random) -> Case | None:
        filed = self._people.record.filed
        if not filed:
            return None
        case_id = draw.choice(list(filed))
        return self._halls[filed[case_id]].intake.inspect(lambda c: cases.find(c, case_id))

    # What operators do

    async def _publish(self, step: Step, hall: Hall, draw: random.Random) -> None:
        if hall.is_up and hall.context.is_sure:
            await publishing.publish(hall, ReleaseKind.CALENDAR, supplied()[1][1])

    async def _withdraw(self, step: Step, hall: Hall, draw: random.Random) -> None:
        """A day off that was none; what was right before is published first, to be put back."""
        await self._publish(step, hall, draw)
        if not (hall.is_up and hall.context.is_sure):
            return
        wrong = _with_a_day_off(draw.randrange(1, 10))
        version = await publishing.publish(hall, ReleaseKind.CALENDAR, wrong)
        await asyncio.sleep(step.seconds)
        if hall.is_up and hall.context.is_sure:
            with suppress(withdrawing.WithdrawalUnusable):
                await publishing.withdraw(hall, ReleaseKind.CALENDAR, version)

    async def _suspend(self, step: Step, hall: Hall, draw: random.Random) -> None:
        name = f"suspension-{step.number:06}"
        with suppress(HallStateUnusable):
            await operators.suspend(hall, name)
            await asyncio.sleep(step.seconds)
            await operators.resume(hall, f"{name}-over")

    async def _split(self, step: Step, hall: Hall, draw: random.Random) -> None:
        taker = self._neighbour(hall, draw)
        if taker is None:
            return
        name = f"split-{step.number:06}"
        await operators.order(self._above(hall), hall.address, taker, name)
        await asyncio.sleep(step.seconds)
        await operators.hand_over(
            self._people, hall, taker, name, lambda: draw.random() < SPLIT_SHARE
        )

    async def _close(self, step: Step, hall: Hall, draw: random.Random) -> None:
        taker = self._neighbour(hall, draw)
        if taker is not None:
            await self._end(step, hall, taker, self._above(hall))

    async def _merge(self, step: Step, hall: Hall, draw: random.Random) -> None:
        taker, above = self._neighbour(hall, draw), self._above(hall)
        if taker is not None and await self._end(step, hall, taker, above):
            await self._declare(above, hall, taker)
            self.faults["hall merged"] += 1

    async def _move(self, step: Step, hall: Hall, draw: random.Random) -> None:
        """A township goes to another county of its city, under an address that is free there."""
        places = self._free_places(hall)
        if not places or hall.address in self._ended:
            return
        parent, taker = draw.choice(places)
        await operators.insist(parent, partial(self._enrol, parent, taker))
        above = self._above(self._above(hall))
        if await self._end(step, hall, taker, above):
            await self._declare(above, hall, taker)
            self.faults["hall moved"] += 1

    async def _end(self, step: Step, hall: Hall, taker: Address, above: Hall) -> bool:
        """A hall is closed and another goes on in its place; False if it never comes to that."""
        name = f"{step.fault.name.lower()}-{step.number:06}"
        self._ended.add(hall.address)
        await operators.order(above, hall.address, taker, name)
        await asyncio.sleep(step.seconds)
        try:
            closed = await operators.close(self._people, hall, taker, name)
        except HallStateUnusable:
            return False
        self.faults["hall closed"] += closed
        return closed

    async def _declare(self, above: Hall, hall: Hall, taker: Address) -> None:
        # Heard of at some halls before the act is answered.
        self._checker.gone_on[hall.address] = taker
        await operators.declare(above, hall.address, taker)

    async def _enrol(self, parent: Hall, successor: Address) -> None:
        if successor not in self._halls:
            self._found(parent, successor)

    def _free_places(self, hall: Hall) -> list[tuple[Hall, Address]]:
        """Other counties below the hall above the county of a township, each with its first free address."""
        county = self._above(hall)
        if hall.address.level is not Level.TOWNSHIP or county.context.parent is None:
            return []
        found = []
        for other in self._halls.values():
            beside = other.context.parent == county.context.parent and other is not county
            if beside and other.address.level is Level.COUNTY and not other.address.branch:
                places = divisions().halls(other.address.division)
                free = (one for one in places if one.level is Level.TOWNSHIP)
                first = next((one for one in free if one not in self._halls), None)
                found += [(other, first)] if first is not None else []
        return found

    def _neighbour(self, hall: Hall, draw: random.Random) -> Address | None:
        """Another hall of the same kind below the same parent."""
        fitting = [
            other.address
            for other in self._halls.values()
            if other is not hall
            and hall.address not in self._ended
            and other.address not in self._ended
            and other.context.parent == hall.context.parent
            and not other.address.branch
        ]
        return draw.choice(fitting) if fitting and not hall.address.branch else None

    def _above(self, hall: Hall) -> Hall:
        assert hall.context.parent is not None
        return self._halls[hall.context.parent]


def _with_a_day_off(days: int) -> bytes:
    """The supplied calendar with one day off more, so many days after the beginning."""
    right = CALENDAR.from_bytes(supplied()[1][1])
    day = CalendarDay((BEGINNING + timedelta(days=days)).date(), False, "误")
    years = [
        replace(year, exceptions=(*year.exceptions, day)) if year.year == day.date.year else year
        for year in right.years
    ]
    return CALENDAR.to_bytes(WorkingCalendar(tuple(years)))

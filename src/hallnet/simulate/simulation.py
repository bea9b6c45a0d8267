"""Living through a scenario in virtual time, from a tree that has settled."""

from __future__ import annotations

import logging
import random
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import lru_cache

from hallnet.intake import records
from hallnet.places import Address
from hallnet.simulate.founding import BEGINNING, FOUNDED, Settled
from hallnet.simulate.loop import run
from hallnet.simulate.network import CALM
from hallnet.simulate.report import Report
from hallnet.simulate.scenario import Scenario
from hallnet.simulate.world import BUNDLE_HALLS_MAX, World

SETTLED_TREES_MAX = 4
"""So many founded trees are remembered."""
FOUNDED_BY = 0
"""The seed of the keys of all trees that are founded once for many worlds."""
BEFORE = BEGINNING - FOUNDED


def simulate(scenario: Scenario, stop_at_first: bool = False) -> Report:
    """Live through a scenario in virtual time."""
    with _alone(scenario.seed):
        # A tree of a thousand halls is lived through once, and its disks need room once.
        small = len(scenario.halls) <= BUNDLE_HALLS_MAX
        tree = settled(scenario.halls) if small else None
        random.seed(scenario.seed)
        return run(World(scenario, stop_at_first, tree).live())


@lru_cache(maxsize=SETTLED_TREES_MAX)
def settled(halls: tuple[Address, ...]) -> Settled:
    """Halls that were founded some hours ago and have heard whom to believe. Founded once in a process."""
    scenario = Scenario(FOUNDED_BY, halls, weather=CALM, villains=False, steps=(), people=())
    with _alone(FOUNDED_BY):
        return run(_settle(World(scenario)))


async def _settle(world: World) -> Settled:
    world.lay()
    for hall in world.halls.values():
        hall.clock_is_off = -timedelta(seconds=BEFORE.total_seconds())
    world.start()
    await world.until_quiet()
    if world.checker.violations:
        raise AssertionError(str(world.checker.violations[0]))
    root = next(iter(world.halls.values())).identity.chain[-1]
    identities = {address: hall.identity for address, hall in world.halls.items()}
    images = {}
    for address, hall in world.halls.items():
        hall.down()
        # They were stopped in order, and on the machine on which they are started.
        hall.intake.inspect(lambda c: records.end(c, "0"))
        images[address] = {service: disk.image() for service, disk in hall.disks.items()}
        for disk in hall.disks.values():
            disk.close()
    return Settled(root, identities, images)


@contextmanager
def _alone(seed: int) -> Iterator[None]:
    """Without a log, and with the one source of chance of the process, from which links draw their jitter."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    state = random.getstate()
    random.seed(seed)
    try:
        yield
    finally:
        random.setstate(state)
        logging.disable(before)

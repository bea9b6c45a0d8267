"""Living through scenarios in virtual time, small ones from a tree that has come to rest.

A small tree is founded once in a process. Each world of it is a copy of that process, made by `fork`: so it begins
with halls that are up and at rest, whatever that took, and worlds run beside each other on all processors.
"""

from __future__ import annotations

import logging
import multiprocessing
import random
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import lru_cache

from hallnet.node.lifecycle import spare_the_collector
from hallnet.places import Address
from hallnet.simulate.founding import BEGINNING, FOUNDED
from hallnet.simulate.invariants import Invariant
from hallnet.simulate.loop import VirtualLoop, run
from hallnet.simulate.network import CALM
from hallnet.simulate.progress import Say, silent
from hallnet.simulate.report import Report
from hallnet.simulate.scenario import Scenario
from hallnet.simulate.state import Rhythm
from hallnet.simulate.world import BUNDLE_HALLS_MAX, World

TREES_MAX = 8
"""So many trees at rest are remembered."""
FOUNDED_BY = 0
"""The seed of the keys of all trees that are founded once for many worlds."""
BEFORE = (BEGINNING - FOUNDED).total_seconds()


def simulate(scenario: Scenario, ends_with: Invariant | None = None, say: Say = silent) -> Report:
    """Live through a scenario in virtual time, or until a promise is broken; `say` is told from time to time how far a
    large world is."""
    if is_small(scenario):
        (report,) = simulate_each([scenario], ends_with)
        return report
    spare_the_collector()
    with _alone(scenario.seed):
        return run(World(scenario, ends_with, say).live())


def is_small(scenario: Scenario) -> bool:
    """Whether worlds like this are copies of a tree that is founded once."""
    return len(scenario.halls) <= BUNDLE_HALLS_MAX


def simulate_each(
    scenarios: Iterable[Scenario], ends_with: Invariant | None = None, jobs: int = 1
) -> Iterator[Report]:
    """Live through small scenarios, so many at once; reports come as worlds end.

    Who stops listening stops those that still live.
    """
    wanted = list(scenarios)
    for scenario in wanted:
        _at_rest(scenario.halls, scenario.rhythm)
    with warnings.catch_warnings():
        # A copy has one thread, and uses nothing of what others of this process may hold.
        warnings.simplefilter("ignore", DeprecationWarning)
        # Each world in a process of its own, which is a copy of this one as it is now.
        with multiprocessing.get_context("fork").Pool(jobs, maxtasksperchild=1) as pool:
            yield from pool.imap_unordered(_live, [(one, ends_with) for one in wanted])


def _live(wanted: tuple[Scenario, Invariant | None]) -> Report:
    scenario, ends_with = wanted
    loop, world = _at_rest(scenario.halls, scenario.rhythm)
    with _alone(scenario.seed):
        return loop.run_until_complete(world.go_on(scenario, ends_with))


@lru_cache(maxsize=TREES_MAX)
def _at_rest(halls: tuple[Address, ...], rhythm: Rhythm) -> tuple[VirtualLoop, World]:
    """Halls that were founded some hours ago and have heard whom to believe, at the beginning of time."""
    scenario = Scenario(
        FOUNDED_BY, halls, weather=CALM, rhythm=rhythm, villains=False, steps=(), people=()
    )
    loop, world = VirtualLoop(-BEFORE), World(scenario)
    with _alone(FOUNDED_BY):
        loop.run_until_complete(world.rest())
    # A copy shares what the collector does not touch.
    spare_the_collector()
    return loop, world


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

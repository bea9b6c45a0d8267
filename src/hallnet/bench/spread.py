"""One release from the highest hall to every hall of a division: what it costs each parent.

In virtual time, on the product's stores, rules and protocol code in one process, on lines that lose nothing.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from dataclasses import dataclass

from hallnet.places import Address
from hallnet.simulate.founding import supplied
from hallnet.simulate.loop import run
from hallnet.simulate.network import CALM
from hallnet.simulate.progress import Say, silent
from hallnet.simulate.publishing import publish
from hallnet.simulate.scenario import Scenario
from hallnet.simulate.world import World
from hallnet.trust.release import ReleaseKind

LOOK_SECONDS = 0.1
GIVEN_UP_AFTER = 3600.0
QUIET_HOURS_MAX = 1
"""So long halls get before the release and after it, until nothing is under way."""
_IN_FORCE = "SELECT 1 FROM release WHERE kind = ? AND author = ? AND version = ? AND standing = 2"
_CARRIED = (
    "SELECT recipient, count(*), sum(length(sealed_body)) FROM delivery"
    " JOIN sent ON sent.leaf_index = delivery.leaf_index"
    " WHERE kind IN ('release', 'release.change') AND subject = ? GROUP BY recipient"
)


@dataclass(frozen=True, slots=True)
class Spread:
    """What one release cost."""

    halls: int
    in_force: int
    """Halls where it is in force at the end."""
    parents: int
    """Halls that have children."""
    children_most: int
    """Of one parent."""
    envelopes: int
    """That carried it, from all halls together."""
    envelopes_most: int
    """From one hall."""
    beside_children: int
    """Envelopes that carried it to anybody who is no child of the sender."""
    unlike_children: int
    """Halls that did not send exactly one to each child."""
    requests: int
    """Batches and hellos over all lines, until it was in force everywhere."""
    bytes: int
    """Of what was sealed, all envelopes together."""
    seconds: float
    """Of virtual time, until it was in force everywhere."""


def measure(halls: tuple[Address, ...], seed: int = 1, say: Say = silent) -> Spread:
    """Publish a calendar at the first of the halls, which stands above all others; `say` is told how far it is."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        return run(_measure(halls, seed, say))
    finally:
        logging.disable(before)


async def _measure(halls: tuple[Address, ...], seed: int, say: Say) -> Spread:
    days = 2 * QUIET_HOURS_MAX / 24
    scenario = Scenario(seed, halls, days, villains=False, weather=CALM, steps=(), people=())
    world = World(scenario, say=say)
    world.found()
    say(f"{len(halls):,} halls founded; they find each other ...")
    await world.until_quiet(QUIET_HOURS_MAX)
    say("at rest; a release goes down ...")
    top, loop = world.halls[halls[0]], asyncio.get_running_loop()
    began, requests = loop.time(), world.network.messages
    version = await publish(top, ReleaseKind.CALENDAR, supplied()[1][1])
    place = int(ReleaseKind.CALENDAR), str(top.address), version
    waiting = set(halls)
    while waiting and loop.time() - began < GIVEN_UP_AFTER:
        await asyncio.sleep(LOOK_SECONDS)
        waiting -= {hall for hall in waiting if world.halls[hall].sync.ask(_IN_FORCE, *place)}
    seconds, requests = loop.time() - began, world.network.messages - requests
    say(f"in force at {len(halls) - len(waiting):,} halls; what is under way comes to its end ...")
    await world.until_quiet(QUIET_HOURS_MAX)
    found = _count(world, f"calendar-{top.address}-{version}")
    for hall in world.halls.values():
        hall.down()
        for disk in hall.disks.values():
            disk.close()
    envelopes, beside, unlike, size = found
    children = Counter(hall.context.parent for hall in world.halls.values())
    del children[None]
    return Spread(
        len(halls),
        len(halls) - len(waiting),
        len(children),
        max(children.values()),
        sum(envelopes.values()),
        max(envelopes.values()),
        beside,
        unlike,
        requests,
        size,
        round(seconds, 2),
    )


def _count(world: World, subject: str) -> tuple[Counter[Address], int, int, int]:
    envelopes: Counter[Address] = Counter()
    beside = unlike = size = 0
    for hall in world.halls.values():
        rows = hall.exchange.ask(_CARRIED, subject)
        told = {Address.parse(recipient): number for recipient, number, _ in rows}
        envelopes[hall.address] = sum(told.values())
        size += sum(length for _, _, length in rows)
        children = hall.context.children
        beside += sum(number for one, number in told.items() if one not in children)
        unlike += told != dict.fromkeys(children, 1)
    return envelopes, beside, unlike, size

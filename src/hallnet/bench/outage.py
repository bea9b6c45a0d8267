"""A hall that is gone for a while, and what is sent to it meanwhile: what is lost, what comes twice, how long
catching up takes.

In virtual time, on the product's stores, rules and protocol code, over lines whose one way takes some twenty
milliseconds: a month takes as long as its work. So nothing here says how fast a machine is; how many envelopes
a second a link carries is measured by `hallnet bench exchange`.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass

from sqlalchemy import func, select

from hallnet.exchange import following, tables
from hallnet.places import Address
from hallnet.simulate.hall import Hall
from hallnet.simulate.loop import run
from hallnet.simulate.network import CALM
from hallnet.simulate.scenario import Scenario
from hallnet.simulate.state import Rhythm
from hallnet.simulate.world import World
from hallnet.store import Connection
from hallnet.trust.envelope import Urgency
from hallnet.wire.feed.v1 import feed_pb2 as wire_feed

GIVER, TAKER = Address("3301"), Address("33")
SETTLE_SECONDS = 60.0
AROUND = 0.1
"""So much of the messages is sent before the outage and after it."""
URGENT_EVERY = 10
LOOK_SECONDS = 0.05
GIVEN_UP_AFTER = 7 * 86_400.0
KIND = "bench.message"
SIZE = 2048
RHYTHM = Rhythm(retransmit=3600.0)
"""Nothing is under way without an answer here: nothing has to be looked for every few seconds."""


@dataclass(frozen=True, slots=True)
class Outage:
    """One outage and what came of it. Times are virtual seconds after its end."""

    seconds: float
    sent: int
    arrived: int
    doubled: int
    waited: int
    """Messages that waited when the taker was back."""
    urgent_after: float
    """Until the last urgent one that had waited was there."""
    all_after: float
    """Until the last one was."""

    @property
    def lost(self) -> int:
        return self.sent - self.arrived


def measure(seconds: float, messages: int, seed: int = 1) -> Outage:
    """The taker is down for so long while so many messages are sent to it, evenly."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        return run(_measure(seconds, messages, seed))
    finally:
        logging.disable(before)


async def _measure(seconds: float, messages: int, seed: int) -> Outage:
    # Hellos are not what is measured: a taker that is back says so at once.
    scenario = Scenario(
        seed, (TAKER, GIVER), villains=False, weather=CALM, rhythm=RHYTHM, steps=(), people=()
    )
    world = World(scenario)
    world.found()
    giver, taker = world.halls[GIVER], world.halls[TAKER]
    await asyncio.sleep(SETTLE_SECONDS)
    around = max(round(messages * AROUND), 1)
    await _send(giver, 0, around, seconds * AROUND)
    await asyncio.sleep(SETTLE_SECONDS)
    taker.down()
    await _send(giver, around, messages - 2 * around, seconds)
    ended = asyncio.get_running_loop().time()
    taker.up()
    waited = messages - around - _arrived(taker)[0]
    tasks = asyncio.create_task(_send(giver, messages - around, around, seconds * AROUND))
    urgent_after = await _until(taker, messages - around, ended, urgent=True)
    all_after = await _until(taker, messages - around, ended, urgent=False)
    await tasks
    await _until(taker, messages, ended, urgent=False)
    await asyncio.sleep(SETTLE_SECONDS)
    distinct, total = _arrived(taker)
    for hall in world.halls.values():
        hall.down()
        for disk in hall.disks.values():
            disk.close()
    return Outage(seconds, messages, distinct, total - distinct, waited, urgent_after, all_after)


async def _send(giver: Hall, start: int, count: int, seconds: float) -> None:
    for number in range(start, start + count):
        urgent = number % URGENT_EVERY == 0
        dispatch = wire_feed.Dispatch(
            recipient=str(TAKER),
            kind=KIND,
            subject=_subject(number),
            urgency=int(Urgency.URGENT if urgent else Urgency.ORDINARY),  # type: ignore[arg-type]
            payload=bytes(SIZE),
        )
        entry = wire_feed.FeedEntry(kind="bench.event", dispatches=[dispatch])

        def send(connection: Connection, entry: wire_feed.FeedEntry = entry) -> None:
            following.take(connection, giver.context, [entry], giver.now())

        await giver.exchange.write(send)
        giver.links.wake_those_with_parcels()
        await asyncio.sleep(seconds / count)


def _subject(number: int) -> str:
    return f"{'urgent' if number % URGENT_EVERY == 0 else 'other'}-{number:08}"


def _arrived(taker: Hall) -> tuple[int, int]:
    """How many messages of this bench the taker told its services of: different ones, and all."""
    subjects: list[str] = []
    position = 0
    while entries := taker.exchange.inspect(lambda c, p=position: tables.feed.after(c, p)):  # type: ignore[misc]
        position = entries[-1].position
        subjects += [entry.subject for entry in entries if entry.kind == "message.received"]
    ours = [subject for subject in subjects if subject.startswith(("urgent-", "other-"))]
    return len(set(ours)), len(ours)


async def _until(taker: Hall, messages: int, began: float, urgent: bool) -> float:
    """Wait until those among the first messages are there; returns how long after the beginning."""
    names = range(0, messages, URGENT_EVERY) if urgent else range(messages)
    last = _subject(messages)[-8:]
    table = tables.reception
    of_bench = (table.c.kind == KIND) & (func.substr(table.c.subject, -8) < last)
    if urgent:
        of_bench &= table.c.subject.startswith("urgent-")
    query = select(func.count()).where(of_bench)
    loop = asyncio.get_running_loop()
    while loop.time() - began < GIVEN_UP_AFTER:
        if taker.exchange.inspect(lambda c: c.execute(query).scalar_one()) >= len(names):
            break
        await asyncio.sleep(LOOK_SECONDS)
    return loop.time() - began

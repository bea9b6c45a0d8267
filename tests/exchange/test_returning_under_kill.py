"""A hall that gives back another one's words is killed with -9 again and again in the middle of it."""

from __future__ import annotations

import os
import random
import signal
from typing import Any

from sqlalchemy import event
from tests.exchange.losses import is_recovered, settle_words, words
from tests.exchange.parts import deliveries, settle_exchanges
from tests.exchange.test_returning import before, lose, speak
from tests.simulation.halls import World
from tests.simulation.worlds import COUNTY, TOWNSHIP

from hallnet.exchange.recovery import giving_back, returning
from hallnet.federation.returning import WORDS_MAX
from hallnet.node.home import Identity
from hallnet.places import Address

KILLS = 12
STATEMENTS_MAX = 60
"""After so many of a portion at most the giver is killed; some portions are committed before."""
DONE = b"!"


def give_until_killed(world: World, statements: int) -> bool:
    """A process of the giver's own makes the next portion, and is killed after so many statements.

    Returns whether it was in the middle of it.
    """
    reader, writer = os.pipe()
    identity = world.at(COUNTY).context.home
    process = os.fork()
    if process == 0:
        try:
            _give(world, identity, writer)
        finally:
            os._exit(1)
    os.close(writer)
    told = b""
    while len(told) < statements and DONE not in told:
        byte = os.read(reader, 1)
        assert byte, "the giver failed"
        told += byte
    os.kill(process, signal.SIGKILL)
    os.waitpid(process, 0)
    os.close(reader)
    return DONE not in told


def _give(world: World, identity: Identity, writer: int) -> None:
    """On connections of its own; nothing of what the process inherited is used or let go of."""
    station = world._open(identity)

    def tell(*_: Any) -> None:
        os.write(writer, b".")

    event.listen(station.exchange.engine, "after_cursor_execute", tell)
    station.exchange.transact(lambda c: returning.go_on(c, station.context, world.time.now))
    os.write(writer, DONE)
    signal.pause()


def test_a_giver_that_is_killed_goes_on_and_gives_nothing_twice(world: World) -> None:
    chance = random.Random("giver")
    backup = before(world)
    speak(world, COUNTY, count=3 * WORDS_MAX)
    lose(world, backup)
    settle_exchanges(world)
    in_the_middle = 0
    for _ in range(KILLS):
        in_the_middle += give_until_killed(world, chance.randrange(1, STATEMENTS_MAX))
        world.restart(COUNTY)
        settle_exchanges(world)
    assert in_the_middle > 0
    settle_words(world)
    station = world.at(TOWNSHIP)
    found = [word.envelope_id for word in words(station)]
    assert len(found) == len(set(found)) == 3 * WORDS_MAX
    assert is_recovered(station)
    # Each portion went as one envelope, none a second time.
    portions = [
        row
        for row in deliveries(world.at(COUNTY))
        if row.kind == giving_back.RETURNED_KIND
        and Address.parse(row.recipient) == Address(TOWNSHIP)
    ]
    assert len({row.envelope_id for row in portions}) == len(portions) <= 5

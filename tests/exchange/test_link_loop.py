"""The live side of a link: few batches under way, in their order, pauses as the link says, and no word is lost.

In place of the message server stands the neighbour itself: it carries, and keeps nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import cast

from tests.exchange.parts import deliveries, dispatch, fill, messages, want
from tests.simulation.halls import World
from tests.simulation.worlds import COUNTY, TOWNSHIP

from hallnet.exchange.link import links
from hallnet.exchange.link.link_loop import LinkLoop
from hallnet.exchange.queue.watching import HopWatch
from hallnet.federation import limits
from hallnet.federation.backoff import LINK
from hallnet.federation.delivery import State
from hallnet.federation.link import Link
from hallnet.federation.pace import UNDER_WAY_MAX
from hallnet.node.messaging import LinkClient, NeighbourAbsent
from hallnet.places import Address
from hallnet.wire.exchange.v1 import link_pb2 as wire

Handle = Callable[[bytes], Awaitable[bytes]]


class Line:
    """Carries requests to whatever stands at the other end."""

    def __init__(self, handle: Handle) -> None:
        self.handle = handle
        self.batches: list[wire.Batch] = []

    async def request(self, subject: str, data: bytes, seconds: float) -> bytes:
        if subject.endswith(".batch"):
            self.batches.append(wire.Batch.FromString(data))
        return await self.handle(data)


def neighbour(world: World) -> Handle:
    """The county, as it takes the township's batches."""

    async def take(data: bytes) -> bytes:
        return world.take(world.at(TOWNSHIP), world.at(COUNTY), data).reply.SerializeToString()

    return take


def loop_on(world: World, line: Line) -> LinkLoop:
    township = world.at(TOWNSHIP)
    return LinkLoop(
        Address(COUNTY),
        cast(LinkClient, line),
        "up.330127101",
        township.exchange,
        township.context,
        HopWatch(TOWNSHIP),
        "0.1.0",
        lambda: world.time.now,
        lambda _: None,
    )


async def until(what: Callable[[], bool]) -> None:
    """Wait as long as it takes; the test's own time limit is the only one."""
    while not what():  # noqa: ASYNC110  a store has no event to wait for
        await asyncio.sleep(0.005)


@contextlib.asynccontextmanager
async def running(loop: LinkLoop) -> AsyncIterator[None]:
    task = asyncio.create_task(loop.run())
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def test_what_waits_is_carried_without_being_asked_for(world: World) -> None:
    async def live() -> None:
        line = Line(neighbour(world))
        loop = loop_on(world, line)
        async with running(loop):
            want(world, TOWNSHIP, dispatch(COUNTY))
            loop.wake()
            await until(lambda: len(messages(world.at(COUNTY))) == 1)

    asyncio.run(live())


def test_a_batch_keeps_to_the_credit_of_the_answer_before(world: World) -> None:
    """The neighbour says how much it will take at once from then on."""
    count = 4 * limits.BATCH_PARCELS_MAX
    fill(world, TOWNSHIP, COUNTY, count, 10)

    async def live() -> list[int]:
        take = neighbour(world)

        async def frugal(data: bytes) -> bytes:
            reply = wire.BatchReply.FromString(await take(data))
            reply.credit_bytes = 5_000
            return reply.SerializeToString()

        line = Line(frugal)
        async with running(loop_on(world, line)):
            await until(lambda: len(messages(world.at(COUNTY))) == count)
        return [len(batch.parcels) for batch in line.batches]

    sizes = asyncio.run(live())
    # The second and the third were made before the first answer.
    assert sizes[0] > 100
    assert max(sizes[3:]) < 5


def test_a_second_batch_travels_while_the_neighbour_judges_the_first(world: World) -> None:
    fill(world, TOWNSHIP, COUNTY, 2 * limits.BATCH_PARCELS_MAX, 10)

    async def live() -> None:
        take = neighbour(world)
        line: Line

        async def slow(data: bytes) -> bytes:
            await until(lambda: len(line.batches) >= 2)
            return await take(data)

        line = Line(slow)
        async with running(loop_on(world, line)):
            await until(lambda: len(messages(world.at(COUNTY))) == 2 * limits.BATCH_PARCELS_MAX)
        first, second, *_ = line.batches
        assert (first.follows, second.follows) == (0, first.sequence)

    asyncio.run(live())
    subjects = [message.subject for message in messages(world.at(COUNTY))]
    assert subjects == [row.subject for row in deliveries(world.at(TOWNSHIP))]


def test_never_more_batches_are_under_way_than_allowed(world: World) -> None:
    count = 3 * limits.BATCH_PARCELS_MAX
    fill(world, TOWNSHIP, COUNTY, count, 10)

    async def live() -> int:
        take = neighbour(world)
        under_way, most = 0, 0

        async def counted(data: bytes) -> bytes:
            nonlocal under_way, most
            under_way += 1
            most = max(most, under_way)
            await asyncio.sleep(0.05)
            under_way -= 1
            return await take(data)

        async with running(loop_on(world, Line(counted))):
            await until(lambda: len(messages(world.at(COUNTY))) == count)
        return most

    assert asyncio.run(live()) <= UNDER_WAY_MAX


def test_if_the_first_of_two_is_lost_both_come_again_in_their_order(world: World) -> None:
    count = 2 * limits.BATCH_PARCELS_MAX
    fill(world, TOWNSHIP, COUNTY, count, 10)

    async def live() -> None:
        take = neighbour(world)
        line: Line
        said: list[str] = []

        async def loses_the_first(data: bytes) -> bytes:
            if len(line.batches) == 1:
                await until(lambda: bool(said))
                raise NeighbourAbsent("up.330127101")
            reply = await take(data)
            said.append(wire.BatchReply.FromString(reply).reason)
            return reply

        line = Line(loses_the_first)
        loop = loop_on(world, line)
        async with running(loop):
            await until(lambda: failures(world) == 1)
            world.time.pass_by(minutes=1)
            loop.wake()
            await until(lambda: len(messages(world.at(COUNTY))) == count)
        assert said[0] == "OUT_OF_ORDER"

    asyncio.run(live())
    subjects = [message.subject for message in messages(world.at(COUNTY))]
    assert subjects == [row.subject for row in deliveries(world.at(TOWNSHIP))]


def test_a_silent_neighbour_is_tried_again_and_nothing_is_lost(world: World) -> None:
    want(world, TOWNSHIP, dispatch(COUNTY))

    async def live() -> None:
        take = neighbour(world)
        tries = 0

        async def absent_at_first(data: bytes) -> bytes:
            nonlocal tries
            tries += 1
            if tries <= 2:
                raise NeighbourAbsent("up.330127101")
            return await take(data)

        line = Line(absent_at_first)
        loop = loop_on(world, line)
        async with running(loop):
            await until(lambda: failures(world) == 1)
            world.time.pass_by(minutes=1)
            loop.wake()
            await until(lambda: failures(world) == 2)
            world.time.pass_by(minutes=1)
            loop.wake()
            await until(lambda: failures(world) == 0)

    asyncio.run(live())
    assert len(messages(world.at(COUNTY))) == 1


def test_a_pause_that_another_process_ended_is_over_here_as_well(world: World) -> None:
    """The hello of the neighbour went to the other one, which has no word with this loop."""
    want(world, TOWNSHIP, dispatch(COUNTY))
    exchange = world.at(TOWNSHIP).exchange
    paused = Link().put_off(world.time.now + LINK.longest)
    exchange.transact(lambda c: links.store(c, Address(COUNTY), paused))

    async def live() -> None:
        line = Line(neighbour(world))
        loop = loop_on(world, line)
        loop.share(may_send=True, beside_others=True)
        async with running(loop):
            await asyncio.sleep(0.05)
            heard = paused.heard(world.time.now)
            exchange.transact(lambda c: links.store(c, Address(COUNTY), heard))
            await until(lambda: len(messages(world.at(COUNTY))) == 1)

    asyncio.run(live())


def failures(world: World) -> int:
    return world.at(TOWNSHIP).exchange.look(lambda c: links.load(c, Address(COUNTY))).failures


def test_a_batch_that_a_restarted_neighbour_will_never_answer_goes_again_at_once(
    world: World,
) -> None:
    want(world, TOWNSHIP, dispatch(COUNTY))

    async def live() -> None:
        take = neighbour(world)
        line: Line

        async def dead_at_first(data: bytes) -> bytes:
            if len(line.batches) == 1:
                await asyncio.Event().wait()
            return await take(data)

        line = Line(dead_at_first)
        loop = loop_on(world, line)
        async with running(loop):
            await until(lambda: len(line.batches) == 1)
            county = world.restart(COUNTY)
            said = county.exchange.look(
                lambda c: links.hello(c, county.context, Address(TOWNSHIP), "0.1.0", world.time.now)
            )
            await loop.take_hello(said)
            await until(lambda: len(messages(world.at(COUNTY))) == 1)

    asyncio.run(live())


def test_the_answer_ends_the_wait_of_the_delivery(world: World) -> None:
    want(world, TOWNSHIP, dispatch(COUNTY))

    async def live() -> None:
        async with running(loop_on(world, Line(neighbour(world)))):
            await until(
                lambda: [row.state for row in deliveries(world.at(TOWNSHIP))] == [State.ACCEPTED]
            )

    asyncio.run(live())


def test_a_hello_is_said_and_the_answer_is_heard(world: World) -> None:
    async def live() -> None:
        county = world.at(COUNTY)

        async def greet(data: bytes) -> bytes:
            assert wire.Hello.FromString(data).address == TOWNSHIP
            own = county.exchange.look(
                lambda c: links.hello(c, county.context, Address(TOWNSHIP), "0.2.0", world.time.now)
            )
            return wire.HelloReply(hello=own).SerializeToString()

        await loop_on(world, Line(greet)).say_hello()

    asyncio.run(live())
    found = world.at(TOWNSHIP).exchange.look(links.load_all)[Address(COUNTY)]
    assert (found.version, found.link.up) == ("0.2.0", True)


def test_a_hello_that_is_refused_absent_or_rubbish_leaves_the_link_down(world: World) -> None:
    async def refuse(data: bytes) -> bytes:
        return wire.HelloReply(reason="LINK_UNKNOWN").SerializeToString()

    async def absent(data: bytes) -> bytes:
        raise NeighbourAbsent("up.330127101")

    async def rubbish(data: bytes) -> bytes:
        return b"\xff\xff\xff"

    async def live() -> None:
        for handle in (refuse, absent, rubbish):
            await loop_on(world, Line(handle)).say_hello()

    asyncio.run(live())
    assert world.at(TOWNSHIP).exchange.look(links.load_all)[Address(COUNTY)].link == Link()

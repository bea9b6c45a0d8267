"""kill -9 of whole nodes while cases move: nothing acknowledged is lost, nothing happens twice."""

from __future__ import annotations

import asyncio
import os
import random
import signal
from collections.abc import Awaitable, Callable

import pytest
from tests.system.conftest import COUNTY, TOWNSHIP, RealNetwork, eventually

from hallnet.demo import world
from hallnet.demo.counter import Counter
from hallnet.node.broker import PID_FILE
from hallnet.problems import Reported
from hallnet.wire.intake.v1 import intake_service_pb2 as wire

ELDER = "elder-allowance"
CASES = 8


MESSAGE_SERVER = "message server"


@pytest.mark.parametrize("victim", [COUNTY, TOWNSHIP, MESSAGE_SERVER])
def test_nothing_lost_nothing_twice_when_something_is_killed_again_and_again(
    real: RealNetwork, victim: str
) -> None:
    chance = random.Random(victim)
    county, township = real.counter(COUNTY), real.counter(TOWNSHIP)

    async def prepare(number: int) -> str:
        view = await patiently(
            lambda: township.file_complete(
                world.CLERK, ELDER, world.villager(900 + number), world.scan(1)
            )
        )
        assert view is not None
        case_id = view.summary.case_id
        await patiently(lambda: township.accept(case_id))
        await patiently(lambda: township.review(case_id, "材料齐全"))
        return case_id

    async def hand_over(case_id: str) -> None:
        await asyncio.sleep(chance.uniform(0, 1.5))
        await patiently(lambda: township.hand_over(case_id, "初审通过"))

    async def kill_twice() -> None:
        for _ in range(2):
            await asyncio.sleep(chance.uniform(0.2, 0.8))
            if victim == MESSAGE_SERVER:
                # The node starts another one: nothing but what was under way is gone.
                pid_file = real.network.node(COUNTY).home.path(PID_FILE)
                os.kill(int(pid_file.read_text()), signal.SIGKILL)
                await asyncio.sleep(1.5)
            else:
                process = real.network.node(victim).processes[0]
                await process.kill()
                await process.start()

    async def story() -> list[str]:
        cases = [await prepare(number) for number in range(CASES)]
        await asyncio.gather(kill_twice(), *(hand_over(case_id) for case_id in cases))
        return cases

    for case_id in real.loop.run(story(), 100):
        real.loop.run(arrived_once(county, township, case_id), 130)


async def arrived_once(county: Counter, township: Counter, case_id: str) -> None:
    """The county has the case, with each event once, and the township agrees."""

    async def at_the_county() -> wire.CaseView | None:
        view = await county.look(case_id)
        return view if view.summary.custodian == COUNTY else None

    view = await eventually(at_the_county, 60)
    assert [event.sequence for event in view.events] == [1, 2, 3, 4, 5]
    facts = [event.WhichOneof("fact") for event in view.events]
    assert facts[-2:] == ["handed_over", "taken_over"]

    async def agreed() -> bool:
        mine = await township.look(case_id)
        return mine.last_digest == view.last_digest

    assert await eventually(agreed, 60)


async def patiently(act: Callable[[], Awaitable[wire.CaseView]]) -> wire.CaseView | None:
    """Do something as a person would while the system is down now and then: again until it is done.

    An act that turns out to have been done already, because its answer was lost, is done.
    """
    for _ in range(200):
        try:
            return await act()
        except Reported as problem:
            if problem.reason in ("ACT_NOT_POSSIBLE", "CASE_IN_TRANSIT", "NOT_THE_CUSTODIAN"):
                return None
            if problem.reason not in ("SERVICE_UNREACHABLE", "RECORDS_UNSURE"):
                raise
            await asyncio.sleep(0.1)
    raise AssertionError("the node did not come back")

"""A township's files are exchanged for older ones behind its back: it notices before it adds to its journal."""

from __future__ import annotations

import shutil
from pathlib import Path

from tests.system.conftest import COUNTY, TOWNSHIP, RealNetwork, eventually
from tests.system.test_hand_over_under_kill import ELDER, arrived_once, patiently

from hallnet.demo import world
from hallnet.sandbox.folder import sandbox_folder
from hallnet.trust.problems import NeighbourForked, NeighbourRewound, OwnJournalRewound
from hallnet.wire.exchange.v1 import exchange_service_pb2 as wire_exchange
from hallnet.wire.intake.v1 import intake_service_pb2 as wire


async def reported_up(real: RealNetwork, number: int) -> wire.CaseView:
    """A case of the township goes to the county and is there."""
    township = real.counter(TOWNSHIP)
    view = await patiently(
        lambda: township.file_complete(world.CLERK, ELDER, world.villager(number), world.scan(1))
    )
    assert view is not None
    case_id = view.summary.case_id
    await patiently(lambda: township.accept(case_id))
    await patiently(lambda: township.review(case_id, "材料齐全"))
    await patiently(lambda: township.hand_over(case_id, "初审通过"))
    await arrived_once(real.counter(COUNTY), township, case_id)
    return view


def copy_files(data: Path, to: Path) -> None:
    for file in data.glob("*.db*"):
        shutil.copy(file, to / file.name)


def put_back(kept: Path, data: Path) -> None:
    for file in data.glob("*.db*"):
        file.unlink()
    copy_files(kept, data)


async def incidents(real: RealNetwork, address: str) -> list[str]:
    desk = real.network.node(address).desk
    assert desk is not None
    answer = await desk.exchange.ListIncidents(wire_exchange.ListIncidentsRequest())
    return [item.incident.reason for item in answer.incidents]


async def status(real: RealNetwork) -> wire_exchange.GetStatusResponse:
    desk = real.network.node(TOWNSHIP).desk
    assert desk is not None
    answer: wire_exchange.GetStatusResponse = await desk.exchange.GetStatus(
        wire_exchange.GetStatusRequest()
    )
    return answer


async def sure(real: RealNetwork) -> wire_exchange.GetStatusResponse | None:
    answer = await status(real)
    return answer if answer.journal_sure else None


def test_old_files_neither_fork_the_journal_nor_give_a_number_twice(real: RealNetwork) -> None:
    node = real.network.node(TOWNSHIP)
    data = node.home.path("data")

    async def story(kept: Path) -> None:
        await reported_up(real, 951)
        copy_files(data, kept)
        copied = (await status(real)).journal_size
        lost = await reported_up(real, 952)
        size = (await status(real)).journal_size
        assert size > copied
        await node.processes[0].kill()
        put_back(kept, data)
        await node.processes[0].start()
        now = await eventually(lambda: sure(real), 30)
        assert [(gap.start, gap.end) for gap in now.journal_gaps] == [(copied, size)]
        assert now.journal_size > size
        assert OwnJournalRewound.reason in await incidents(real, TOWNSHIP)
        after = await reported_up(real, 953)
        assert after.summary.case_no != lost.summary.case_no
        found = await incidents(real, COUNTY)
        assert {NeighbourForked.reason, NeighbourRewound.reason}.isdisjoint(found)

    with sandbox_folder() as kept:
        real.loop.run(story(kept), 150)

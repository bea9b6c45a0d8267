"""A township's files are exchanged for older ones behind its back: it notices before it adds to its journal."""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

from tests.system.conftest import COUNTY, TOWNSHIP, RealNetwork, eventually
from tests.system.test_hand_over_under_kill import ELDER, arrived_once, patiently

from hallnet.demo import world
from hallnet.problems import Reported
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


def snapshot(data: Path, to: Path) -> None:
    """What the databases of a hall that runs hold at one moment: files copied one after the other may not fit."""
    for file in data.glob("*.db"):
        with (
            closing(sqlite3.connect(file)) as source,
            closing(sqlite3.connect(to / file.name)) as target,
        ):
            source.backup(target)


def journal_size_in(folder: Path) -> int:
    """The end of the journal in the files of a hall that is down, or in a copy of them: a hall that runs adds to
    it by itself."""
    with closing(sqlite3.connect(folder / "exchange.db")) as connection:
        ((size,),) = connection.execute("SELECT size FROM journal_head").fetchall()
    return int(size)


def put_back(kept: Path, data: Path) -> None:
    for file in data.glob("*.db*"):
        file.unlink()
    for file in kept.glob("*.db"):
        shutil.copy(file, data / file.name)


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


def test_a_backup_is_put_back_and_the_hall_goes_on(real: RealNetwork) -> None:
    """The commands of an operator, on a node that runs and takes cases meanwhile."""
    home = real.network.node(TOWNSHIP).home
    process = real.network.node(TOWNSHIP).processes[0]

    with sandbox_folder() as folder:
        target = folder / "backup"
        made = command("backup", str(home.folder), str(target), "--json")
        assert command("backup", str(home.folder), str(target), "--check", "--json") == made
        lost = real.loop.run(reported_up(real, 961), 60)
        assert "NODE_RUNS" in run("restore", str(target), str(home.folder)).stderr
        real.loop.run(process.stop(), 30)
        size = journal_size_in(home.path("data"))
        assert 0 < made["journal_size"] < size
        assert command("restore", str(target), str(home.folder), "--json") == made
        real.loop.run(process.start(), 60)
        now = real.loop.run(eventually(lambda: sure(real), 30), 40)
        gap = now.journal_gaps[-1]
        # It may have said more after it was asked for its size.
        assert gap.start == made["journal_size"] < gap.end
        after = real.loop.run(reported_up(real, 962), 60)
        assert after.summary.case_no != lost.summary.case_no
        # What the hall had said of it itself came back, and can be shown to anybody.
        case_id = lost.summary.case_id
        known = real.loop.run(eventually(lambda: knows(real, case_id), 60), 70)
        assert known.summary.case_no == lost.summary.case_no
        file = folder / "recovery"
        report = command("recovery", str(home.folder), "--out", str(file), "--json")
        assert (report["holds"], report["start"], report["end"]) == (True, gap.start, gap.end)
        # Pieces of materials come back as entries alone.
        assert 0 < report["with_content"] <= report["came_back"]["sent"]
        assert COUNTY in [one["hall"] for one in report["asked"] if one["answered_at"]]
        assert run_verify(file, home.path("trust/root.cert")).returncode == 0


async def knows(real: RealNetwork, case_id: str) -> wire.CaseView | None:
    """The case at the township, once it is there with what the township itself had said of it."""
    try:
        found: wire.CaseView = await real.counter(TOWNSHIP).look(case_id)
    except Reported:
        return None
    return found if len(found.events) >= 4 else None


def run_verify(file: Path, root: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "hallnet.cli.main", "verify", str(file), "--root", str(root)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "hallnet.cli.main", "node", *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def command(*arguments: str) -> dict[str, Any]:
    done = run(*arguments)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_old_files_neither_fork_the_journal_nor_give_a_number_twice(real: RealNetwork) -> None:
    node = real.network.node(TOWNSHIP)
    data = node.home.path("data")

    async def story(kept: Path) -> None:
        await reported_up(real, 951)
        snapshot(data, kept)
        copied = journal_size_in(kept)
        lost = await reported_up(real, 952)
        await node.processes[0].kill()
        size = journal_size_in(data)
        assert size > copied
        put_back(kept, data)
        await node.processes[0].start()
        now = await eventually(lambda: sure(real), 30)
        gap = now.journal_gaps[-1]
        # The last entries nobody else may have seen.
        assert gap.start == copied < gap.end <= size
        assert now.journal_size > size
        assert OwnJournalRewound.reason in await incidents(real, TOWNSHIP)
        after = await reported_up(real, 953)
        assert after.summary.case_no != lost.summary.case_no
        found = await incidents(real, COUNTY)
        assert {NeighbourForked.reason, NeighbourRewound.reason}.isdisjoint(found)

    with sandbox_folder() as kept:
        real.loop.run(story(kept), 150)

"""What processes of halls take of a machine (proc(5), so on Linux only)."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from hallnet.node.broker import PID_FILE
from hallnet.node.client import problems_raised
from hallnet.node.waiting import comes_about
from hallnet.problems import Reported
from hallnet.sandbox.network import Node
from hallnet.wire.exchange.v1 import exchange_service_pb2 as wire_exchange

REST_SECONDS = 20.0
READY_SECONDS = 120.0
_KILOBYTE = 1024


@dataclass(frozen=True, slots=True)
class Rest:
    """Halls of one process each that have nothing to do. Memory in megabytes.

    PSS counts what processes share by parts; the halls here were forked from one process and share its code.
    """

    pss_mb_median: float
    pss_mb_max: float
    rss_mb_median: float
    server_pss_mb_median: float
    """Of a message server."""
    total_pss_mb: float
    """Of all halls and message servers."""
    cpu_ms_per_second: float
    """Processor time of a hall, on average."""

    def in_words(self) -> str:
        return (
            f"a hall {self.pss_mb_median:.0f} MB PSS (most {self.pss_mb_max:.0f}), a message server "
            f"{self.server_pss_mb_median:.0f} MB, together {self.total_pss_mb:,.0f} MB; "
            f"{self.cpu_ms_per_second:.1f} ms of processor time a second for each hall"
        )


async def at_rest(nodes: Sequence[Node]) -> Rest:
    """Look at them for a while."""
    before = sum(processor_seconds(node.processes[0].pid) for node in nodes)
    await asyncio.sleep(REST_SECONDS)
    cpu = sum(processor_seconds(node.processes[0].pid) for node in nodes) - before
    halls = [memory(node.processes[0].pid) for node in nodes]
    files = [node.home.path(PID_FILE) for node in nodes if node.spec.has_children]
    servers = [memory(int(file.read_text()))[0] for file in files]
    pss = [one for one, _ in halls]
    return Rest(
        median(pss),
        max(pss),
        median(rss for _, rss in halls),
        median(servers),
        round(sum(pss) + sum(servers), 1),
        round(1000 * cpu / REST_SECONDS / len(nodes), 2),
    )


async def alone(node: Node) -> dict[str, float]:
    """A hall run by its command, in a process that shares nothing with the other halls; then as before."""
    (process,) = node.processes
    await process.stop()
    command = [sys.executable, "-m", "hallnet.cli.main", "node", "run", str(node.home.folder)]
    quiet = asyncio.subprocess.DEVNULL
    single = await asyncio.create_subprocess_exec(*command, stdout=quiet, stderr=quiet)
    try:
        await comes_about(lambda: _is_sure(node), READY_SECONDS)
        await asyncio.sleep(REST_SECONDS)
        pss, rss = memory(single.pid)
    finally:
        single.terminate()
        await single.wait()
    await process.start()
    return {"pss_mb": pss, "rss_mb": rss}


async def _is_sure(node: Node) -> bool:
    """It serves, and its neighbours have spoken."""
    assert node.desk is not None
    with suppress(Reported), problems_raised():
        status = await node.desk.exchange.GetStatus(wire_exchange.GetStatusRequest())
        return bool(status.journal_sure)
    return False


def memory(pid: int) -> tuple[float, float]:
    """Megabytes of a process: its proportional share, and what is resident."""
    fields = dict(
        line.split(":", 1)
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]
    )
    pss, rss = (int(fields[name].split()[0]) / _KILOBYTE for name in ("Pss", "Rss"))
    return round(pss, 1), round(rss, 1)


def processor_seconds(pid: int) -> float:
    """User and system time of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    # utime and stime are fields 14 and 15; the first two are before the bracket.
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

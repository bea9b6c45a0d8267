"""Starting node processes quickly: they are forked from a process that has the libraries loaded.

Each is a process of its own, with its own session and log, and runs exactly what `hallnet node run` runs.
On a small machine most of the time to start a node goes into loading libraries; this does it once.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import random
import signal
from collections.abc import Sequence
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from threading import Thread

from hallnet.node.home import Part

READY = "ready"
_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(
    [
        "alembic.command",
        "psycopg",
        "sqlalchemy.dialects.postgresql",
        "sqlalchemy.dialects.sqlite",
        "hallnet.assembly.running",
        "hallnet.branch_sync.service",
        "hallnet.exchange.service",
        "hallnet.intake.service",
        "hallnet.notify.service",
        "hallnet.portal.service",
    ]
)


def start(home: Path, parts: Sequence[Part], log: Path) -> tuple[ForkServerProcess, Connection]:
    """Start a process; it sends READY over the connection once it serves."""
    ours, theirs = _CONTEXT.Pipe(duplex=False)
    names = [part.value for part in parts]
    process = _CONTEXT.Process(target=_run, args=(str(home), names, str(log), theirs))
    process.start()
    theirs.close()
    return process, ours


def _run(home: str, names: list[str], log: str, ready: Connection) -> None:
    os.setsid()
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)
    # The forked process would otherwise draw the same numbers as its siblings.
    random.seed()
    from hallnet.assembly.running import run_parts
    from hallnet.node.home import Home

    Thread(target=_end_with_the_founder, daemon=True).start()

    def tell() -> None:
        ready.send(READY)
        ready.close()

    asyncio.run(run_parts(Home(Path(home)), [Part(name) for name in names], tell))


def _end_with_the_founder() -> None:
    """A sandbox whose founder was killed leaves nothing running."""
    founder = multiprocessing.parent_process()
    assert founder is not None
    founder.join()
    os.kill(os.getpid(), signal.SIGTERM)

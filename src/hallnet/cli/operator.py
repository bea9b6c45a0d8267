"""Asking a running node something, in the name of its operator."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from pathlib import Path
from typing import TypeVar

from hallnet.codec.codec import to_timestamp
from hallnet.node.client import problems_raised
from hallnet.node.desk import Desk
from hallnet.node.home import Home, Part
from hallnet.wire.exchange.v1 import exchange_service_pb2 as wire

Answer = TypeVar("Answer")


def ask(folder: Path, question: Callable[[Desk], Awaitable[Answer]]) -> Answer:
    """The answer; raises Reported, or HomeNotReady if there is no node."""

    async def run() -> Answer:
        desk = Desk(Home(folder), Part.OPERATOR)
        try:
            with problems_raised():
                return await question(desk)
        finally:
            await desk.close()

    return asyncio.run(run())


def write_journal(
    folder: Path, file: Path, since: datetime | None = None, until: datetime | None = None
) -> int:
    """Write the journal of a running node to a file, as an archive; returns its length in bytes.

    The file is there only once it is whole.
    """
    request = wire.ExportJournalRequest(actor_id="operator", purpose=str(file.name))
    if since is not None:
        request.since.CopyFrom(to_timestamp(since))
    if until is not None:
        request.until.CopyFrom(to_timestamp(until))
    unfinished = file.with_name(f"{file.name}.unfinished")

    async def question(desk: Desk) -> None:
        with unfinished.open("wb") as opened:
            async for part in desk.exchange.ExportJournal(request):
                opened.write(part.data)

    try:
        ask(folder, question)
        unfinished.replace(file)
    finally:
        unfinished.unlink(missing_ok=True)
    return file.stat().st_size

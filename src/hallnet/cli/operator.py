"""Asking a running node something, in the name of its operator."""

from __future__ import annotations

import asyncio
import os
import uuid
from collections.abc import AsyncIterable, Awaitable, Callable
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

from google.protobuf.message import Message

from hallnet.codec.moments import to_timestamp
from hallnet.node.client import problems_raised
from hallnet.node.desk import Desk
from hallnet.node.home import Home, Part
from hallnet.trust.archive import read_parts, verify_archive
from hallnet.wire.exchange.v1 import exchange_service_pb2 as wire
from hallnet.wire.intake.v1 import intake_service_pb2 as wire_intake

Answer = TypeVar("Answer")
Piece = wire.ExportJournalResponse | wire.ExportRecoveryResponse


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


def ask_window(folder: Path, method: str, request: Message) -> Any:
    """The answer to one question to the window of a running node; raises what `ask` raises."""

    async def question(desk: Desk) -> Any:
        return await getattr(desk.window, method)(request)

    return ask(folder, question)


def act_of(actor: str) -> wire_intake.Act:
    """A new act of an account."""
    return wire_intake.Act(request_id=str(uuid.uuid4()), actor_id=actor)


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
    return _write(folder, file, lambda desk: desk.exchange.ExportJournal(request))


def write_recovery(folder: Path, file: Path, loss: int) -> int:
    """Write the report of a loss of records of a running node to a file; returns its length in bytes.

    `loss` is the end of its gap, 0 for the newest.
    """
    request = wire.ExportRecoveryRequest(end=loss)
    return _write(folder, file, lambda desk: desk.exchange.ExportRecovery(request))


def _write(folder: Path, file: Path, parts: Callable[[Desk], AsyncIterable[Piece]]) -> int:
    """Write what a node streams to a file, which is there only once it is whole."""
    unfinished = file.with_name(f"{file.name}.unfinished")

    async def question(desk: Desk) -> None:
        with unfinished.open("wb") as opened:
            async for part in parts(desk):
                opened.write(part.data)

    try:
        ask(folder, question)
        unfinished.replace(file)
    finally:
        unfinished.unlink(missing_ok=True)
    return file.stat().st_size


def forget_archived(folder: Path, file: Path) -> int:
    """Check an archive of a running node, then have it remove the entries up to its end.

    Returns how many were removed. Raises the problem of the archive if it does not hold, ArchiveMalformed,
    or Reported.
    """
    with file.open("rb") as opened:
        # It will be the only place where they stand.
        os.fsync(opened.fileno())
        report = verify_archive(read_parts(opened), Home(folder).root())
    if report.problem is not None:
        raise report.problem
    request = wire.ForgetArchivedRequest(
        start=report.start,
        end=report.end,
        root=report.end_root,
        actor_id="operator",
        purpose=file.name,
    )

    async def question(desk: Desk) -> wire.ForgetArchivedResponse:
        return await desk.exchange.ForgetArchived(request)

    return ask(folder, question).entries


def erase_contents(folder: Path, before: datetime, subject: str, purpose: str) -> dict[str, int]:
    """Have a running node erase the content of what was settled before a moment; says how many of each."""
    request = wire.EraseContentsRequest(
        before=to_timestamp(before), subject=subject, actor_id="operator", purpose=purpose
    )

    async def question(desk: Desk) -> wire.EraseContentsResponse:
        return await desk.exchange.EraseContents(request)

    answer = ask(folder, question)
    return {
        "sent": answer.sent,
        "received": answer.received,
        "keys": answer.keys,
        "feed_entries": answer.feed_entries,
    }

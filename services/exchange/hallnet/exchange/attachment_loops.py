"""The live side of materials: what goes is fetched from the intake, what came is looked at."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime

from grpc import aio

from hallnet.case.problems import MaterialNotUploaded
from hallnet.exchange import (
    attachment_losses,
    attachment_sending,
    attachment_wishes,
    attachments,
    tables,
)
from hallnet.exchange.attachment_digests import Kept, RunningDigests
from hallnet.exchange.attachment_wishes import Portion
from hallnet.exchange.attachments import Check
from hallnet.exchange.context import Context
from hallnet.node.client import open_channel
from hallnet.node.home import Home, Part
from hallnet.node.status import from_error
from hallnet.node.waiting import is_set_within
from hallnet.places import Address
from hallnet.store import Connection, Database
from hallnet.wire.intake.v1 import intake_service_pb2 as wire_intake
from hallnet.wire.intake.v1 import intake_service_pb2_grpc as wire_intake_grpc

LOOK_EVERY_SECONDS = 10.0
"""How soon something is noticed that another process did; this process sets the events itself."""


FRESH_CHUNKS_MAX = 128
"""So many chunks wait in memory to be digested; what is more is read again from where it is stored."""


def _next_work(connection: Connection) -> tuple[Check | None, bool]:
    return attachments.next_check(connection), attachments.has_to_drop(connection)


class AttachmentLoops:
    """Sends the materials of a node and looks after those that come."""

    def __init__(
        self,
        database: Database,
        context: Context,
        home: Home,
        clock: Callable[[], datetime],
        queued: Callable[[], None],
        run_length: Callable[[Address], int],
    ) -> None:
        self._database = database
        self._context = context
        self._home = home
        self._clock = clock
        self._queued = queued
        self._run_length = run_length
        self._channel: aio.Channel | None = None
        self.wished = asyncio.Event()
        """There may be something to seal."""
        self.came = asyncio.Event()
        """There may be something to look at or to drop."""
        self._fresh: list[Kept] = []
        self._digests = RunningDigests()

    def kept(self, chunks: Sequence[Kept]) -> None:
        """Chunks were stored: they are digested soon, if not too much waits for that already."""
        if len(self._fresh) + len(chunks) <= FRESH_CHUNKS_MAX:
            self._fresh += chunks
        self.came.set()

    async def close(self) -> None:
        if self._channel is not None:
            await self._channel.close()

    async def send(self) -> None:
        """Seal what may go, portion after portion, with the bytes that the intake has."""
        address = self._home.settings().endpoints.intake
        self._channel = self._channel or open_channel(self._home, Part.EXCHANGE, address)
        intake = wire_intake_grpc.IntakeServiceStub(self._channel)
        while True:
            self.wished.clear()
            portions = await self._database.read(attachment_wishes.next_portions)
            await self._send_portions(intake, portions)
            if not portions:
                await is_set_within(self.wished, LOOK_EVERY_SECONDS)

    async def _send_portions(
        self, intake: wire_intake_grpc.IntakeServiceAsyncStub, portions: Sequence[Portion]
    ) -> None:
        """The bytes of one are fetched while those of the one before are sealed."""
        fetching: asyncio.Task[bytes] | None = None
        try:
            for number, portion in enumerate(portions):
                data = await (fetching or _fetched(intake, portion))
                after = portions[number + 1 : number + 2]
                fetching = asyncio.create_task(_fetched(intake, after[0])) if after else None
                await self._seal(portion, data)
        finally:
            if fetching is not None:
                fetching.cancel()

    async def _seal(self, portion: Portion, data: bytes) -> None:
        now, run_length = self._clock(), self._run_length(portion.wish.recipient)

        def work(connection: Connection) -> None:
            entries = attachment_sending.send_portion(
                connection, self._context, portion, data, now, run_length
            )
            tables.feed.append(connection, entries)

        await self._database.write(work)
        self._queued()

    async def look_after(self) -> None:
        """Take the digests of what came whole, tell of it, and drop what is not needed any more."""
        while True:
            self.came.clear()
            fresh, self._fresh = self._fresh, []
            if fresh:
                await asyncio.to_thread(self._digests.add, fresh)
            check, has_to_drop = await self._database.read(_next_work)
            if check is not None:
                check.running = self._digests.end(check.copy)
                while not await self._database.read(check.step):
                    pass
                now = self._clock()

                def end(connection: Connection, check: Check = check, now: datetime = now) -> None:
                    entries = attachment_losses.end_check(connection, self._context, check, now)
                    tables.feed.append(connection, entries)

                await self._database.write(end)
                tables.feed.announce()
            elif has_to_drop:
                await self._database.write(attachments.drop_some)
            else:
                await is_set_within(self.came, LOOK_EVERY_SECONDS)


async def _fetched(intake: wire_intake_grpc.IntakeServiceAsyncStub, portion: Portion) -> bytes:
    """The bytes of a portion; none if the intake does not have them."""
    # One that holds no bytes is not asked for: a length of 0 would mean all.
    if not portion.length:
        return b""
    request = wire_intake.ReadMaterialRequest(
        digest=portion.wish.digest, offset=portion.offset, length=portion.length
    )
    try:
        return b"".join([part.data async for part in intake.ReadMaterial(request)])
    except aio.AioRpcError as error:
        if from_error(error).reason != MaterialNotUploaded.reason:
            raise
        return b""

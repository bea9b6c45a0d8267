"""Fetching materials that came to the exchange: slice by slice, so that they never lie whole in memory."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterable, AsyncIterator, Callable
from datetime import datetime

from grpc import aio

from hallnet.intake.papers import materials
from hallnet.intake.papers.materials import Arrival, Fetching
from hallnet.node.status import from_error
from hallnet.store import Connection, Database
from hallnet.wire.exchange.v1 import exchange_service_pb2 as wire
from hallnet.wire.exchange.v1 import exchange_service_pb2_grpc as wire_grpc

MISSING = "ATTACHMENT_MISSING"

_log = logging.getLogger("hallnet.intake")


async def fetch(
    database: Database,
    exchange: wire_grpc.ExchangeServiceAsyncStub,
    arrival: Arrival,
    clock: Callable[[], datetime],
) -> None:
    """Have a material here and tell the exchange, which drops it only then.

    Goes on where it was left, whatever it was that ended it.
    """
    if not await database.read(lambda c: materials.is_here(c, arrival.digest)):
        now = clock()
        if not await database.read(lambda c: materials.is_begun(c, arrival.digest)):
            await database.write(
                lambda c: materials.begin(c, arrival.digest, arrival.size, "", now)
            )
        try:
            await _copy(database, exchange, arrival)
        except aio.AioRpcError as error:
            if from_error(error).reason != MISSING:
                raise
            _log.error("a material that arrived is gone: %s", arrival.digest.hex()[:16])
    await exchange.ReleaseAttachment(wire.ReleaseAttachmentRequest(digest=arrival.digest))
    await database.write(lambda c: materials.released(c, arrival.digest))


async def _copy(
    database: Database, exchange: wire_grpc.ExchangeServiceAsyncStub, arrival: Arrival
) -> None:
    fetching = Fetching(arrival)
    while not await database.read(fetching.resume):
        pass
    request = wire.ReadAttachmentRequest(digest=arrival.digest, offset=fetching.offset)
    async for data in _slices(exchange.ReadAttachment(request)):

        def keep(connection: Connection, data: bytes = data) -> None:
            fetching.add(connection, data)

        await database.write(keep)
        fetching.added(data)
    if not await database.write(fetching.end):
        _log.error(
            "a material that arrived is not what it should be: %s", arrival.digest.hex()[:16]
        )


async def _slices(
    pieces: AsyncIterable[wire.ReadAttachmentResponse],
) -> AsyncIterator[bytes]:
    """The pieces put together to slices of SLICE_BYTES, the last one shorter."""
    waiting = bytearray()
    async for piece in pieces:
        waiting += piece.data
        while len(waiting) >= materials.SLICE_BYTES:
            yield bytes(waiting[: materials.SLICE_BYTES])
            del waiting[: materials.SLICE_BYTES]
    if waiting:
        yield bytes(waiting)

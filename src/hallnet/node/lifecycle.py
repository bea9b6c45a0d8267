"""The life of a process of a node: start what it consists of, keep it running, stop it in order."""

from __future__ import annotations

import asyncio
import ctypes
import gc
import logging
import signal
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from hallnet.node import telemetry
from hallnet.node.feeds import CALLERS as FEED_CALLERS
from hallnet.node.feeds import SERVICE as FEED_SERVICE
from hallnet.node.feeds import FeedFace
from hallnet.node.home import Home, Part
from hallnet.node.server import Server
from hallnet.wire.feed.v1 import feed_pb2_grpc

RESTART_SECONDS = 1.0
RESTART_SECONDS_MAX = 30.0
COLLECTOR_THRESHOLDS = (20_000, 20, 20)
OWN_PAGES_FROM_BYTES = 256 * 1024
"""What is as long, as batches and chunks of materials are, gets pages of its own, which go back when it does."""
ARENAS_MAX = 2
"""Each keeps room of its own for what its threads free; they mostly take turns, so few serve."""
_M_MMAP_THRESHOLD, _M_ARENA_MAX = -3, -8

_log = logging.getLogger("hallnet.lifecycle")


class Service(Protocol):
    """What a process runs: a part of the node with a face, loops and a store of its own."""

    part: Part

    def serve(self, server: Server, feeds: FeedFace) -> None:
        """Put the face on the server."""
        ...

    def loops(self) -> Sequence[tuple[str, Callable[[], Awaitable[None]]]]:
        """What goes on while the process lives, each with a name for the log."""
        ...

    async def close(self) -> None:
        """Let go of channels and databases."""
        ...


async def run(
    home: Home, address: str, services: Sequence[Service], ready: Callable[[], None]
) -> None:
    """Run services behind one server until the process is told to stop (SIGTERM or SIGINT).

    Without an address there is no server: the portal alone serves nobody over gRPC.
    """
    spare_the_collector()
    spare_the_memory()
    settings = home.settings()
    names = "+".join(service.part.value for service in services)
    telemetry.start_telemetry(settings.telemetry, settings.hall.address, names)
    server = _server(home, address, services) if address else None
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    if server is not None:
        await server.start()
    tasks = [
        asyncio.create_task(keep_running(name, body), name=name)
        for service in services
        for name, body in service.loops()
    ]
    _log.info("%s serves %s on %s", settings.hall.address, names, address)
    ready()
    await stopped.wait()
    _log.info("%s stops", settings.hall.address)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    if server is not None:
        await server.stop()
    for service in services:
        await service.close()


def spare_the_collector() -> None:
    """Let the garbage collector pass over what lives as long as the process, and come less often.

    A batch makes thousands of values that no cycle holds, which go by themselves.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*COLLECTOR_THRESHOLDS)


def spare_the_memory() -> None:
    """Have the C library give back what is freed (mallopt(3)); without one that can, all stays as it is.

    By itself it lets what is long share its room with what is short once it saw one long block freed, and then
    pieces that live on hold the room between them: a busy exchange grew by megabytes a minute that nothing used.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_MMAP_THRESHOLD, OWN_PAGES_FROM_BYTES)
        mallopt(_M_ARENA_MAX, ARENAS_MAX)


def _server(home: Home, address: str, services: Sequence[Service]) -> Server:
    """One server with the faces and the feeds of all services."""
    server = Server(home, address, [service.part for service in services])
    feeds = FeedFace()
    for service in services:
        service.serve(server, feeds)
    server.add(FEED_SERVICE, feed_pb2_grpc.add_FeedServiceServicer_to_server, feeds, FEED_CALLERS)
    return server


async def keep_running(name: str, body: Callable[[], Awaitable[None]]) -> None:
    """Run a loop until it is cancelled: what fails is logged and begun again after a growing pause."""
    pause = RESTART_SECONDS
    task = asyncio.current_task()
    assert task is not None
    # A cancellation that a library swallowed, or that ended in another error, still counts.
    while not task.cancelling():
        started = asyncio.get_running_loop().time()
        try:
            await body()
            _log.error("%s ended and is begun again", name)
        except Exception:
            _log.exception("%s failed and is begun again", name)
        lived = asyncio.get_running_loop().time() - started
        pause = (
            RESTART_SECONDS if lived > RESTART_SECONDS_MAX else min(pause * 2, RESTART_SECONDS_MAX)
        )
        await asyncio.sleep(pause)

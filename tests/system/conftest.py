"""A small real network for the tests of this folder: a county, a township and a second one."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

import pytest

from hallnet.case.calendar import CALENDAR
from hallnet.case.catalogue_file import supplied_catalogue
from hallnet.case.item import CATALOGUE
from hallnet.case.supplied_calendar import supplied_calendar
from hallnet.demo.counter import Counter
from hallnet.demo.world import PASSWORD, VILLAGE
from hallnet.problems import Reported
from hallnet.sandbox.folder import sandbox_folder
from hallnet.sandbox.network import Network, NodeSpec
from hallnet.sandbox.running import LoopThread
from hallnet.wire.branch_sync.v1 import branch_sync_service_pb2 as wire_sync
from hallnet.wire.release.v1 import release_pb2 as wire_release

Found = TypeVar("Found")

COUNTY = "330127"
TOWNSHIP = "330127101"
OTHER_TOWNSHIP = "330127102"


@dataclass(slots=True)
class RealNetwork:
    """Processes that run, and a loop to talk with them."""

    network: Network
    loop: LoopThread

    def counter(self, address: str) -> Counter:
        desk = self.network.node(address).desk
        assert desk is not None
        return Counter(desk)


@pytest.fixture(scope="session")
def loop() -> Iterator[LoopThread]:
    thread = LoopThread()
    yield thread
    thread.close()


@pytest.fixture(scope="session")
def real(loop: LoopThread) -> Iterator[RealNetwork]:
    """A county at the top of a network of its own, with two townships."""
    with sandbox_folder() as folder:
        network = Network(folder, COUNTY)
        made = RealNetwork(network, loop)
        try:
            loop.run(_found(made))
            yield made
        finally:
            loop.run(network.stop())


async def _found(made: RealNetwork) -> None:
    await made.network.found(NodeSpec(COUNTY, "淳安县政务服务中心", has_children=True))
    await made.network.found(
        NodeSpec(TOWNSHIP, "文昌镇便民服务中心", cuttable=True),
        NodeSpec(OTHER_TOWNSHIP, "石林镇便民服务中心"),
    )
    county = made.counter(COUNTY)
    for kind, content in (
        (wire_release.RELEASE_KIND_CATALOGUE, CATALOGUE.to_bytes(supplied_catalogue())),
        (wire_release.RELEASE_KIND_CALENDAR, CALENDAR.to_bytes(supplied_calendar())),
    ):
        await county.desk.branch_sync.PublishRelease(
            wire_sync.PublishReleaseRequest(
                request_id=str(uuid.uuid4()), kind=kind, content=content
            )
        )
    for address in (COUNTY, TOWNSHIP, OTHER_TOWNSHIP):
        counter = made.counter(address)
        await eventually(partial(_is_ready, counter))
        await counter.open_accounts(PASSWORD, [VILLAGE] if address == TOWNSHIP else [])


async def _is_ready(counter: Counter) -> bool:
    status = await counter.status()
    return bool(await counter.items()) and status.believed_halls == 3


async def eventually(look: Callable[[], Awaitable[Found | None]], seconds: float = 60.0) -> Found:
    """What `look` finds, as soon as it finds something; fails if it does not in time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with suppress(Reported):
            found = await look()
            if found:
                return found
        await asyncio.sleep(0.05)
    raise AssertionError("it did not come about in time")

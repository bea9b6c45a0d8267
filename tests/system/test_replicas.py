"""Two processes of one exchange share its load; one is killed: nothing is lost, nothing comes twice, and
what goes over a link stays in its order."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import msgspec
import pytest
from grpc import aio
from tests.system.conftest import COUNTY, OTHER_TOWNSHIP, TOWNSHIP, eventually

from hallnet.bench.exchange import Source
from hallnet.node.client import open_channel
from hallnet.node.home import Home, Part
from hallnet.node.settings import SETTINGS_FILE
from hallnet.sandbox.folder import sandbox_folder
from hallnet.sandbox.network import Network, NodeSpec, Process
from hallnet.sandbox.ports import LOOPBACK, free_port
from hallnet.sandbox.running import LoopThread
from hallnet.wire.feed.v1 import feed_pb2 as wire
from hallnet.wire.feed.v1 import feed_pb2_grpc as wire_grpc

COUNT = 1200
TOWNSHIPS = (TOWNSHIP, OTHER_TOWNSHIP)


async def founded(network: Network, url: str) -> dict[str, Source]:
    """A county on PostgreSQL and two townships of which only the exchanges run; who wants things carried."""
    county = NodeSpec(COUNTY, "county", has_children=True, split=True, database_url=url)
    await network.found(county)
    await network.found(*(NodeSpec(each, "township", split=True) for each in TOWNSHIPS))
    sources = {}
    for address, node in network.nodes.items():
        for process in node.processes:
            if Part.EXCHANGE not in process.parts:
                await process.stop()
        folder = network.folder / f"source-{address}"
        folder.mkdir()
        sources[address] = Source(node, folder)
        await sources[address].start()
    return sources


async def second(network: Network) -> Process:
    """Another process of the county's exchange: the same home, database and message server."""
    home = network.node(COUNTY).home
    copy = Home(shutil.copytree(home.folder, network.folder / "second"))
    settings = copy.settings()
    endpoints = msgspec.structs.replace(settings.endpoints, exchange=f"{LOOPBACK}:{free_port()}")
    broker = msgspec.structs.replace(settings.broker, supervised=False)
    changed = msgspec.structs.replace(settings, endpoints=endpoints, broker=broker)
    copy.write(SETTINGS_FILE, msgspec.toml.encode(changed))
    process = Process(copy.folder, (Part.EXCHANGE,))
    await process.start()
    return process


class Arrivals:
    """What an exchange told its intake of: subjects by their senders, in the order of its feed."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._position = 0
        self.subjects: dict[str, list[str]] = {}

    async def come(self, senders: Sequence[str]) -> bool:
        """Whether all of each sender have come."""
        channel = open_channel(self._home, Part.INTAKE, self._home.settings().endpoints.exchange)
        request = wire.FollowRequest(feed="exchange", after=self._position, follower="intake")
        try:
            async for batch in wire_grpc.FeedServiceStub(channel).Follow(request):
                if not batch.entries:
                    break
                for entry in batch.entries:
                    self._note(entry)
        except aio.AioRpcError:
            return False
        finally:
            await channel.close()
        return all(len(self.subjects.get(sender, [])) >= COUNT for sender in senders)

    def _note(self, entry: wire.FeedEntry) -> None:
        self._position = entry.position
        if entry.kind == "message.received":
            message = wire.InboundMessage.FromString(entry.payload)
            # Halls tell each other of certificates besides.
            if message.kind == "bench.message":
                self.subjects.setdefault(message.sender, []).append(message.subject)


@pytest.mark.parametrize("victim", ["first", "second"])
def test_two_processes_share_the_load_and_one_is_killed(
    loop: LoopThread, postgresql_url: str, victim: str
) -> None:
    async def story(folder: Path) -> dict[str, Arrivals]:
        network = Network(folder, COUNTY)
        processes: dict[str, Process] = {}
        sources: dict[str, Source] = {}
        try:
            sources = await founded(network, postgresql_url)
            processes["first"] = network.node(COUNTY).process_of(Part.EXCHANGE)
            processes["second"] = await second(network)
            for township in TOWNSHIPS:
                await sources[township].want(COUNT, 500)
                await sources[COUNTY].want(COUNT, 500, township)
            await asyncio.sleep(1.5)
            await processes[victim].kill()
            await asyncio.sleep(1.5)
            await processes[victim].start()
            arrivals = {each: Arrivals(node.home) for each, node in network.nodes.items()}
            for address, there in arrivals.items():
                senders = TOWNSHIPS if address == COUNTY else (COUNTY,)
                assert await eventually(partial(there.come, senders), 100)
            return arrivals
        finally:
            for source in sources.values():
                await source.stop()
            if "second" in processes:
                await processes["second"].stop()
            await network.stop()

    with sandbox_folder() as folder:
        arrivals = loop.run(story(folder), 250)
    in_order = [f"bench-{number}" for number in range(COUNT)]
    assert arrivals[COUNTY].subjects == dict.fromkeys(TOWNSHIPS, in_order)
    for township in TOWNSHIPS:
        assert arrivals[township].subjects == {COUNTY: in_order}

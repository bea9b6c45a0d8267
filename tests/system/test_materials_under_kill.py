"""kill -9 and a wiped message server while a material travels: it arrives whole, and once."""

from __future__ import annotations

import hashlib
import os
import random
import shutil
import signal
from pathlib import Path

import pytest
from grpc import aio
from tests.system.conftest import COUNTY, TOWNSHIP, eventually

from hallnet.bench.exchange import MEGABYTE, Materials, founded
from hallnet.node.broker import PID_FILE
from hallnet.node.client import open_channel
from hallnet.node.home import Part
from hallnet.problems import Reported
from hallnet.sandbox.folder import sandbox_folder
from hallnet.sandbox.network import Network, Process
from hallnet.sandbox.running import LoopThread
from hallnet.wire.exchange.v1 import exchange_service_pb2 as wire
from hallnet.wire.exchange.v1 import exchange_service_pb2_grpc as wire_grpc

BYTES = 12 * MEGABYTE
BLOWS = 2
WIPED = "message server with its disk"


def exchange_of(network: Network, address: str) -> Process:
    return network.node(address).process_of(Part.EXCHANGE)


async def strike(network: Network, victim: str) -> None:
    """End something as a power cut would, and bring it back."""
    if victim != WIPED:
        process = exchange_of(network, victim)
        await process.kill()
        await process.start()
        return
    county = exchange_of(network, COUNTY)
    home = network.node(COUNTY).home
    await county.kill()
    os.kill(int(home.path(PID_FILE).read_text()), signal.SIGKILL)
    for left in home.path("data").glob("broker*"):
        shutil.rmtree(left) if left.is_dir() else left.unlink()
    await county.start()


class Look:
    """What the county has of a material, as its operator and its intake see it."""

    def __init__(self, network: Network, digest: bytes) -> None:
        self._network = network
        self._digest = digest

    async def bytes_there(self) -> int:
        """All of them once it can be used, 0 while nobody answers."""
        desk = self._network.node(COUNTY).desk
        assert desk is not None
        if await self.digest_of_the_whole() is not None:
            return BYTES
        try:
            answer = await desk.exchange.ListAttachments(wire.ListAttachmentsRequest())
        except (aio.AioRpcError, Reported):
            return 0
        return sum(item.done for item in answer.attachments)

    async def digest_of_the_whole(self) -> bytes | None:
        """Of what the county's intake is given for it; None while it is given nothing."""
        home, found = self._network.node(COUNTY).home, hashlib.sha256()
        channel = open_channel(home, Part.INTAKE, home.settings().endpoints.exchange)
        request = wire.ReadAttachmentRequest(digest=self._digest)
        try:
            async for part in wire_grpc.ExchangeServiceStub(channel).ReadAttachment(request):
                found.update(part.data)
        except (aio.AioRpcError, Reported):
            return None
        finally:
            await channel.close()
        return found.digest()


@pytest.mark.parametrize("victim", [COUNTY, TOWNSHIP, WIPED])
def test_a_material_arrives_whole_whatever_is_killed_at_any_byte(
    loop: LoopThread, victim: str
) -> None:
    chance = random.Random(victim)
    blows = sorted(chance.randrange(BYTES) for _ in range(BLOWS))

    async def story(folder: Path) -> None:
        data = chance.randbytes(BYTES)
        digest = hashlib.sha256(data).digest()
        (folder / "material").write_bytes(data)
        network = Network(folder, COUNTY)
        try:
            source = await founded(network, folder, Materials(folder / "material"))  # type: ignore[abstract]
            try:
                await source.want_material(digest, BYTES)
                await under_blows(network, digest, blows, victim)
            finally:
                await source.stop()
        finally:
            await network.stop()

    with sandbox_folder() as folder:
        loop.run(story(folder), 200)


async def under_blows(network: Network, digest: bytes, blows: list[int], victim: str) -> None:
    look = Look(network, digest)
    for at in blows:

        async def is_so_far(at: int = at) -> bool:
            return await look.bytes_there() >= at

        assert await eventually(is_so_far, 60)
        await strike(network, victim)
    assert await eventually(look.digest_of_the_whole, 120) == digest

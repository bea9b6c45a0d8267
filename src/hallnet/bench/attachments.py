"""How fast a material goes from a township to its county, and a plain copy of the same bytes over NATS."""

from __future__ import annotations

import asyncio
import hashlib
import os
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from grpc import aio

from hallnet.bench.exchange import (
    COUNTY,
    MEGABYTE,
    TOWNSHIP,
    Materials,
    Say,
    Source,
    founded,
    spread,
)
from hallnet.bench.resources import memory, processor_seconds
from hallnet.federation.limits import ATTACHMENT_CHUNK_BYTES
from hallnet.node.client import open_channel
from hallnet.node.home import Part
from hallnet.node.messaging import LinkClient
from hallnet.sandbox.folder import sandbox_folder
from hallnet.sandbox.network import Network
from hallnet.wire.exchange.v1 import exchange_service_pb2 as wire
from hallnet.wire.exchange.v1 import exchange_service_pb2_grpc as wire_grpc

LOOK_SECONDS = 0.05
WATCH_SECONDS = 0.5
REPLY_SECONDS = 30.0
ROUND_SECONDS_MAX = 900.0
COPY_SUBJECT = f"up.{TOWNSHIP}.copy"


@dataclass(frozen=True, slots=True)
class Rates:
    """Megabytes a second of each round, and what the two exchanges took."""

    attachments: list[float]
    copy: list[float]
    township: list[Taken]
    county: list[Taken]

    def as_data(self) -> dict[str, dict[str, float]]:
        ratios = [ours / bare for ours, bare in zip(self.attachments, self.copy, strict=True)]
        return {
            "megabytes_per_second": spread(self.attachments, 2),
            "copy_megabytes_per_second": spread(self.copy, 2),
            "ratio": spread(ratios, 4),
            **_as_data("township", self.township),
            **_as_data("county", self.county),
        }


@dataclass(frozen=True, slots=True)
class Taken:
    """What the process of an exchange took for a round."""

    cpu_ms_per_megabyte: float
    """Processor time: what a busy machine changes least."""
    resident_mb: float
    """The most that was seen."""


def _as_data(name: str, taken: list[Taken]) -> dict[str, dict[str, float]]:
    return {
        f"{name}_cpu_ms_per_megabyte": spread([one.cpu_ms_per_megabyte for one in taken], 2),
        f"{name}_resident_mb": spread([one.resident_mb for one in taken], 0),
    }


class _Watch:
    """Looks at the process of an exchange while a material travels."""

    def __init__(self, network: Network, address: str) -> None:
        self._pid = network.node(address).process_of(Part.EXCHANGE).pid
        self._began = processor_seconds(self._pid)
        self._resident = 0.0

    def look(self) -> None:
        self._resident = max(self._resident, memory(self._pid)[1])

    def end(self, size: int) -> Taken:
        seconds = processor_seconds(self._pid) - self._began
        return Taken(seconds * 1000 / (size / MEGABYTE), self._resident)


async def measure(size: int, rounds: int, say: Say) -> Rates:
    """A material of `size` bytes and a plain copy in turns, after one round that warms both up."""
    rates = Rates([], [], [], [])
    with sandbox_folder() as folder:
        material, copy = folder / "material", folder / "copy"
        network = Network(folder, COUNTY)
        try:
            source = await founded(network, folder, Materials(material))  # type: ignore[abstract]
            for number in range(rounds + 1):
                digest = _random_file(material, size)
                watches = [_Watch(network, address) for address in (TOWNSHIP, COUNTY)]
                ours = await _send(network, source, digest, size, watches)
                township, county = (watch.end(size) for watch in watches)
                bare = size / MEGABYTE / await _copy(network, material, copy)
                say(
                    f"round {number or 'to warm up'}: material {ours:,.1f} MB/s, plain copy "
                    f"{bare:,.1f} MB/s, ratio {ours / bare:.3f}; township "
                    f"{township.cpu_ms_per_megabyte:.1f} ms/MB, {township.resident_mb:.0f} MB; county "
                    f"{county.cpu_ms_per_megabyte:.1f} ms/MB, {county.resident_mb:.0f} MB"
                )
                if number:
                    rates.attachments.append(ours)
                    rates.copy.append(bare)
                    rates.township.append(township)
                    rates.county.append(county)
            await source.stop()
        finally:
            await network.stop()
    return rates


async def _send(
    network: Network, source: Source, digest: bytes, size: int, watches: Sequence[_Watch]
) -> float:
    """Until the county can read the material: all of it is there and its digest was checked."""
    node = network.node(COUNTY)
    channel = open_channel(node.home, Part.INTAKE, node.home.settings().endpoints.exchange)
    exchange = wire_grpc.ExchangeServiceStub(channel)
    began = look_at = time.perf_counter()
    await source.want_material(digest, size)
    try:
        while time.perf_counter() - began < ROUND_SECONDS_MAX:
            if await _is_usable(exchange, digest, size):
                seconds = time.perf_counter() - began
                await exchange.ReleaseAttachment(wire.ReleaseAttachmentRequest(digest=digest))
                return size / MEGABYTE / seconds
            if time.perf_counter() >= look_at:
                for watch in watches:
                    watch.look()
                look_at += WATCH_SECONDS
            await asyncio.sleep(LOOK_SECONDS)
    finally:
        await channel.close()
    raise TimeoutError("the material did not arrive")


async def _is_usable(
    exchange: wire_grpc.ExchangeServiceAsyncStub, digest: bytes, size: int
) -> bool:
    try:
        # Its last byte says it; no more is to be moved for the answer.
        request = wire.ReadAttachmentRequest(digest=digest, offset=max(size - 1, 0))
        async for _ in exchange.ReadAttachment(request):
            pass
    except aio.AioRpcError:
        return False
    return True


async def _copy(network: Network, source: Path, target: Path) -> float:
    """The same bytes through the same message server, in pieces as long as chunks, one after the other.

    The receiver writes each piece to a file and has the disk confirm the whole at the end. Returns seconds.
    """
    clients = [_client(network, COUNTY, "own"), _client(network, TOWNSHIP, "parent")]
    receiver, sender = clients
    with target.open("wb") as file:

        async def take(_subject: str, data: bytes) -> bytes:
            file.write(data)
            return b"1"

        ups = [asyncio.Event() for _ in clients]
        for client, up in zip(clients, ups, strict=True):
            client.on_up(_setting(up))
        receiver.serve(COPY_SUBJECT, "copy", take)
        running = [asyncio.create_task(client.run()) for client in clients]
        await asyncio.gather(*(up.wait() for up in ups))
        began = time.perf_counter()
        with source.open("rb") as original:
            while data := original.read(ATTACHMENT_CHUNK_BYTES):
                await sender.request(COPY_SUBJECT, data, REPLY_SECONDS)
        file.flush()
        await asyncio.to_thread(os.fsync, file.fileno())
        seconds = time.perf_counter() - began
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
    return seconds


def _setting(event: asyncio.Event) -> Callable[[], Awaitable[None]]:
    async def note() -> None:
        event.set()

    return note


def _random_file(path: Path, size: int) -> bytes:
    """Fill a file with random bytes; returns their digest."""
    digest = hashlib.sha256()
    with path.open("wb") as file:
        for at in range(0, size, MEGABYTE):
            data = os.urandom(min(MEGABYTE, size - at))
            digest.update(data)
            file.write(data)
    return digest.digest()


def _client(network: Network, address: str, end: str) -> LinkClient:
    home = network.node(address).home
    if end == "own":
        return LinkClient(
            home.settings().broker.own_url,
            address,
            home.path("tls/own-link.pem"),
            home.path("tls/own-link.key"),
            home.path("trust/link-authority.pem"),
        )
    return LinkClient(
        home.settings().broker.parent_url or home.welcome().broker_url,
        address,
        home.path("trust/parent-link.pem"),
        home.path("keys/link.key"),
        home.path("trust/parent-authority.pem"),
    )

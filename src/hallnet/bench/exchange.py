"""How many envelopes a second two exchanges carry from a township to its county, receipts included."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from sqlalchemy import MetaData

from hallnet.bench import floor
from hallnet.node import broker
from hallnet.node.clock import clock
from hallnet.node.feeds import CALLERS, FeedFace
from hallnet.node.home import Part
from hallnet.node.server import Server
from hallnet.sandbox.folder import sandbox_folder
from hallnet.sandbox.network import Network, Node, NodeSpec
from hallnet.sandbox.ports import free_port
from hallnet.store import Connection, Database
from hallnet.store.feed import ENTRIES_PER_BATCH_MAX, Entry, Feed
from hallnet.trust.envelope import Urgency
from hallnet.trust.suite import Suite
from hallnet.wire.exchange.v1 import attachment_pb2 as wire_attachment
from hallnet.wire.exchange.v1 import exchange_service_pb2 as wire
from hallnet.wire.feed.v1 import feed_pb2 as wire_feed
from hallnet.wire.feed.v1 import feed_pb2_grpc as wire_feed_grpc
from hallnet.wire.intake.v1 import intake_service_pb2 as wire_intake
from hallnet.wire.intake.v1 import intake_service_pb2_grpc as wire_intake_grpc

COUNTY, TOWNSHIP = "330127", "330127101"
LOOK_SECONDS = 0.05
"""A status is a dozen questions to the tables: asked more often, it takes a part of what is measured."""
ROUND_SECONDS_MAX = 300.0
MEGABYTE = 1024 * 1024
Say = Callable[[str], None]
_INTAKE = wire_intake.DESCRIPTOR.services_by_name["IntakeService"]


@dataclass(frozen=True, slots=True)
class Rates:
    """Messages a second of each round."""

    exchange: list[float]
    floor: list[float]

    def as_data(self) -> dict[str, dict[str, float]]:
        ratios = [ours / bare for ours, bare in zip(self.exchange, self.floor, strict=True)]
        return {
            "envelopes_per_second": spread(self.exchange, 1),
            "floor_per_second": spread(self.floor, 1),
            "ratio": spread(ratios, 4),
        }


class Materials(wire_intake_grpc.IntakeServiceServicer):
    """The one method of an intake that the exchange asks when it sends a material, on a file."""

    def __init__(self, path: Path) -> None:
        self._path = path

    async def ReadMaterial(
        self, request: wire_intake.ReadMaterialRequest, context: Any
    ) -> AsyncIterator[wire_intake.ReadMaterialResponse]:
        with self._path.open("rb") as file:
            file.seek(request.offset)
            left = request.length
            while left and (data := file.read(min(left, MEGABYTE))):
                left -= len(data)
                yield wire_intake.ReadMaterialResponse(data=data)


class Source:
    """A service of the township with a feed of its own: what the exchange takes for the intake."""

    def __init__(self, node: Node, folder: Path, materials: Materials | None = None) -> None:
        metadata = MetaData()
        self._feed = Feed("intake", metadata)
        self._database = Database(
            f"sqlite:///{folder / 'source.db'}", "intake", node.home.vault(Part.INTAKE)
        )
        metadata.create_all(self._database.engine)
        self._database.transact(self._go_on_after_the_intake)
        faces = FeedFace()
        faces.add(self._feed, self._database)
        self._server = Server(node.home, node.home.settings().endpoints.intake, [Part.INTAKE])
        self._server.add(
            wire_feed.DESCRIPTOR.services_by_name["FeedService"],
            wire_feed_grpc.add_FeedServiceServicer_to_server,
            faces,
            CALLERS,
        )
        if materials is not None:
            self._server.add(
                _INTAKE,
                wire_intake_grpc.add_IntakeServiceServicer_to_server,
                materials,
                {name: frozenset({Part.EXCHANGE}) for name in _INTAKE.methods_by_name},
            )

    def _go_on_after_the_intake(self, connection: Connection) -> None:
        """The exchange has followed the feed of a real intake before: this one goes on behind it."""
        self._feed.append(connection, [Entry("bench.begun", "", b"", clock())])
        self._feed.leap(connection, clock())

    async def start(self) -> None:
        await self._server.start()

    async def stop(self) -> None:
        await self._server.stop()
        self._database.close()

    async def want(self, count: int, size: int, recipient: str = COUNTY) -> None:
        """Have as many envelopes of a size carried to a hall."""
        dispatches = [(f"bench-{number}", bytes(size)) for number in range(count)]
        await self._append(
            [
                wire_feed.Dispatch(
                    recipient=recipient,
                    kind="bench.message",
                    subject=subject,
                    urgency=int(Urgency.ORDINARY),  # type: ignore[arg-type]
                    payload=payload,
                )
                for subject, payload in dispatches
            ]
        )

    async def want_material(self, digest: bytes, size: int) -> None:
        """Have a message and the material that it names carried to the county."""
        named = wire_attachment.Attachment(digest=digest, size=size)
        await self._append(
            [
                wire_feed.Dispatch(
                    recipient=COUNTY,
                    kind="bench.message",
                    subject="bench-material",
                    urgency=int(Urgency.ORDINARY),  # type: ignore[arg-type]
                    attachments=[named],
                )
            ]
        )

    async def _append(self, dispatches: list[wire_feed.Dispatch]) -> None:
        now = clock()
        entries = [
            Entry("bench.event", dispatch.subject, b"", now, [dispatch]) for dispatch in dispatches
        ]
        await self._database.write(lambda c: self._feed.append(c, entries))
        self._feed.announce()


async def measure(
    envelopes: int, size: int, rounds: int, say: Say, suite: Suite = Suite.ED25519
) -> Rates:
    """Run nodes of a suite and the floor (of suite 1) in turns, after one round that warms both up."""
    rates = Rates([], [])
    with sandbox_folder() as folder:
        network = Network(folder, COUNTY, suite)
        try:
            source = await founded(network, folder)
            for number in range(rounds + 1):
                ours = await one_round(network, source, envelopes, size)
                bare = await asyncio.to_thread(_floor, envelopes, size)
                say(
                    f"round {number or 'to warm up'}: exchange {ours:,.0f}/s, floor {bare:,.0f}/s, "
                    f"ratio {ours / bare:.3f}"
                )
                if number:
                    rates.exchange.append(ours)
                    rates.floor.append(bare)
            await source.stop()
        finally:
            await network.stop()
    return rates


async def founded(network: Network, folder: Path, materials: Materials | None = None) -> Source:
    """Two nodes in the suite of the root, of which only the exchanges run."""
    suite = network.root.body.suite
    for spec in (
        NodeSpec(COUNTY, "county", has_children=True, split=True, suite=suite),
        NodeSpec(TOWNSHIP, "township", split=True, suite=suite),
    ):
        await network.found(spec)
    for node in network.nodes.values():
        for process in node.processes:
            if Part.EXCHANGE not in process.parts:
                await process.stop()
    source = Source(network.node(TOWNSHIP), folder, materials)
    await source.start()
    return source


async def one_round(network: Network, source: Source, envelopes: int, size: int) -> float:
    """Until the township has the county's receipt for every envelope."""
    before = (await _status(network, TOWNSHIP)).journal_size
    began = time.perf_counter()
    await source.want(envelopes, size)
    while time.perf_counter() - began < ROUND_SECONDS_MAX:
        await asyncio.sleep(LOOK_SECONDS)
        township = await _status(network, TOWNSHIP)
        # All were sealed, and none is without its verdict.
        if township.journal_size - before >= envelopes and township.undelivered == 0:
            return envelopes / (time.perf_counter() - began)
    raise TimeoutError("the envelopes did not arrive")


async def _status(network: Network, address: str) -> wire.GetStatusResponse:
    desk = network.node(address).desk
    assert desk is not None
    return await desk.exchange.GetStatus(wire.GetStatusRequest())


def _floor(messages: int, size: int) -> float:
    with tempfile.TemporaryDirectory(prefix="hallnet-") as folder:
        return floor.run(
            Path(folder), broker.program(), free_port(), messages, size, ENTRIES_PER_BATCH_MAX
        )


def spread(values: list[float], digits: int) -> dict[str, float]:
    return {
        "min": round(min(values), digits),
        "median": round(median(values), digits),
        "max": round(max(values), digits),
    }

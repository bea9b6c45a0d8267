"""How long one hop takes on an idle link: from the event of a service to the neighbour that has it."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from statistics import quantiles

from hallnet.bench.exchange import COUNTY, TOWNSHIP, Say, founded
from hallnet.sandbox.folder import sandbox_folder
from hallnet.sandbox.network import Network
from hallnet.wire.exchange.v1 import exchange_service_pb2 as wire

WARM_UP = 20
PAUSE_SECONDS = 0.02
"""Between two messages: everything has come to rest."""
HOP_SECONDS_MAX = 30.0


@dataclass(frozen=True, slots=True)
class Latency:
    """Milliseconds until the neighbour has committed it, and until its verdict is with the sender."""

    taken: list[float]
    judged: list[float]

    def as_data(self) -> dict[str, dict[str, float]]:
        return {"taken_ms": _percentiles(self.taken), "judged_ms": _percentiles(self.judged)}


async def measure(messages: int, size: int, say: Say) -> Latency:
    """One message at a time from a township to its county."""
    found = Latency([], [])
    with sandbox_folder() as folder:
        network = Network(folder, COUNTY)
        try:
            source = await founded(network, folder)
            county, township = network.node(COUNTY).desk, network.node(TOWNSHIP).desk
            assert county is not None
            assert township is not None
            arrivals = county.exchange.WatchHops(wire.WatchHopsRequest())
            verdicts = township.exchange.WatchHops(wire.WatchHopsRequest())
            for number in range(WARM_UP + messages):
                await asyncio.sleep(PAUSE_SECONDS)
                began = time.perf_counter()
                async with asyncio.timeout(HOP_SECONDS_MAX):
                    await source.want(1, size)
                    taken, judged = await asyncio.gather(
                        _until(arrivals, "bench.message"), _until(verdicts, "receipt")
                    )
                if number >= WARM_UP:
                    found.taken.append(1000 * (taken - began))
                    found.judged.append(1000 * (judged - began))
            say(f"{messages} messages, one at a time")
            await source.stop()
        finally:
            await network.stop()
    return found


async def _until(hops: object, kind: str) -> float:
    """When a parcel of a kind is taken."""
    async for hop in hops:  # type: ignore[attr-defined]
        if hop.kind == kind and hop.direction == wire.HOP_DIRECTION_TAKEN:
            return time.perf_counter()
    raise AssertionError("nobody tells of hops any more")


def _percentiles(values: list[float]) -> dict[str, float]:
    cuts = quantiles(values, n=100, method="inclusive")
    return {
        "p50": round(cuts[49], 2),
        "p95": round(cuts[94], 2),
        "p99": round(cuts[98], 2),
        "max": round(max(values), 2),
    }

"""Two exchanges at full load for a while: whether their memory stays what it was."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass

from hallnet.bench.exchange import COUNTY, TOWNSHIP, Say, founded, one_round
from hallnet.bench.resources import memory
from hallnet.node.home import Part
from hallnet.sandbox.folder import sandbox_folder
from hallnet.sandbox.network import Network

WARM_UP_ROUNDS = 2


@dataclass(frozen=True, slots=True)
class Moment:
    """A round of the soak."""

    seconds: float
    """Since the beginning."""
    envelopes: int
    """Carried since the beginning."""
    envelopes_per_second: float
    township_mb: float
    """Resident memory of the exchange."""
    county_mb: float


async def measure(seconds: float, envelopes: int, size: int, say: Say) -> list[Moment]:
    """Round after round until the time is over; the first ones, which warm up, are left out."""
    moments: list[Moment] = []
    with sandbox_folder() as folder:
        network = Network(folder, COUNTY)
        try:
            source = await founded(network, folder)
            began, carried, number = time.monotonic(), 0, 0
            while time.monotonic() - began < seconds or len(moments) < 2:
                rate = await one_round(network, source, envelopes, size)
                carried += envelopes
                number += 1
                moment = Moment(
                    round(time.monotonic() - began, 1),
                    carried,
                    round(rate, 1),
                    _resident(network, TOWNSHIP),
                    _resident(network, COUNTY),
                )
                say(
                    f"{moment.seconds:6.0f} s  {carried:>9,} envelopes  {rate:7,.0f}/s  "
                    f"township {moment.township_mb:.0f} MB  county {moment.county_mb:.0f} MB"
                )
                if number > WARM_UP_ROUNDS:
                    moments.append(moment)
            await source.stop()
        finally:
            await network.stop()
    return moments


def as_data(moments: list[Moment]) -> dict[str, object]:
    first, last = moments[0], moments[-1]
    return {
        "rounds": [asdict(moment) for moment in moments],
        "township_growth": round(last.township_mb / first.township_mb, 3),
        "county_growth": round(last.county_mb / first.county_mb, 3),
    }


def _resident(network: Network, address: str) -> float:
    """Megabytes of the process of an exchange."""
    _, resident = memory(network.node(address).process_of(Part.EXCHANGE).pid)
    return resident

"""What every chapter of the story needs."""

from __future__ import annotations

from dataclasses import dataclass

from hallnet.demo.counter import Counter
from hallnet.demo.stage import Stage
from hallnet.sandbox.network import Network
from hallnet.wire.intake.v1 import intake_service_pb2 as wire


@dataclass(slots=True)
class Scene:
    """What every chapter needs. `finished` is the case whose bundle is verified at the end."""

    stage: Stage
    network: Network
    counters: dict[str, Counter]
    finished: str = ""

    def at(self, address: str) -> Counter:
        return self.counters[address]

    async def reaches(
        self, address: str, case_id: str, custodian: str, stage: int | None = None
    ) -> wire.CaseView | None:
        """The case at a hall, as soon as it knows who the custodian is."""

        async def look() -> wire.CaseView | None:
            view = await self.at(address).look(case_id)
            fits = view.summary.custodian == custodian
            return view if fits and stage in (None, view.summary.stage) else None

        return await self.stage.until(look)

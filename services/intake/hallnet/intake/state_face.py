"""The methods of the intake's face by which an operator suspends, closes and joins halls."""

from __future__ import annotations

from typing import Any

from hallnet.intake import hall_state
from hallnet.intake.answering import Answering
from hallnet.store import Connection
from hallnet.wire.intake.v1 import intake_service_pb2 as wire


class StateFace(Answering):
    """Suspends and closes this hall, and orders that one goes on for another."""

    async def SetHallState(self, request: wire.SetHallStateRequest, context: Any) -> Any:
        now = self._clock()

        def work(connection: Connection) -> wire.SetHallStateResponse:
            found = hall_state.change(connection, self._hall, request, now)
            return wire.SetHallStateResponse(standing=found)

        return await self._once(request.request_id, request, wire.SetHallStateResponse, work)

    async def GetHallState(self, request: wire.GetHallStateRequest, context: Any) -> Any:
        return await self._database.read(lambda c: hall_state.view(c, self._hall))

    async def OrderTransfer(self, request: wire.OrderTransferRequest, context: Any) -> Any:
        now = self._clock()

        def work(connection: Connection) -> wire.OrderTransferResponse:
            found = hall_state.order(connection, self._hall, request, now)
            return wire.OrderTransferResponse(transfer=found)

        return await self._once(request.request_id, request, wire.OrderTransferResponse, work)

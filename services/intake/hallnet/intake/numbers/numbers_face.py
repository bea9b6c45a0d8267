"""The methods of the intake's face that tell numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hallnet.case.case import day_of
from hallnet.case.person import ActorKind
from hallnet.case.power import NAMES as POWER_NAMES
from hallnet.case.power import Power
from hallnet.case.problems import PowerMissing
from hallnet.intake import accounts, listing
from hallnet.intake.answering import PURPOSE_CHARACTERS_MAX, Answering, insert_record
from hallnet.intake.numbers import reporting
from hallnet.store import Connection
from hallnet.wire.intake.v1 import intake_service_pb2 as wire


class NumbersFace(Answering):
    """Tells numbers and freezes them."""

    async def CountCases(self, request: wire.CountCasesRequest, context: Any) -> Any:
        today = day_of(self._clock())

        def look(connection: Connection) -> wire.CountCasesResponse:
            require_staff(connection, request.actor_id)
            return listing.count_cases(connection, request, today)

        return await self._look("CountCases", request.actor_id, look)

    async def GetNumbers(self, request: wire.GetNumbersRequest, context: Any) -> Any:
        today = day_of(self._clock())

        def look(connection: Connection) -> wire.GetNumbersResponse:
            require_staff(connection, request.actor_id)
            return reporting.get_numbers(connection, self._hall, request, today)

        return await self._look("GetNumbers", request.actor_id, look)

    async def ListNumberedCases(self, request: wire.ListNumberedCasesRequest, context: Any) -> Any:
        now, actor_id = self._clock(), request.actor_id
        purpose = request.purpose[:PURPOSE_CHARACTERS_MAX]

        def look(connection: Connection) -> wire.ListNumberedCasesResponse:
            require_staff(connection, actor_id)
            return reporting.numbered_cases(connection, self._hall, request, day_of(now))

        def look_at_each(connection: Connection) -> wire.ListNumberedCasesResponse:
            accounts.require_power(connection, actor_id, now, Power.SUPERVISE)
            found = look(connection)
            for one in found.cases:
                case_id = one.summary.case_id
                insert_record(connection, now, actor_id, case_id, "GetCase", purpose, "")
            return found

        if not purpose:
            return await self._look("ListNumberedCases", actor_id, look)
        answer = self._database.write(look_at_each)
        return await self._recorded("ListNumberedCases", actor_id, "", answer, purpose)

    async def ListMonthLines(self, request: wire.ListMonthLinesRequest, context: Any) -> Any:
        def look(connection: Connection) -> wire.ListMonthLinesResponse:
            require_staff(connection, request.actor_id)
            return wire.ListMonthLinesResponse(lines=reporting.lines(connection, request.month))

        return await self._look("ListMonthLines", request.actor_id, look)

    async def FreezeMonth(self, request: wire.FreezeMonthRequest, context: Any) -> Any:
        now = self._clock()

        def work(connection: Connection) -> wire.FreezeMonthResponse:
            actor_id = request.act.actor_id
            accounts.require_power(connection, actor_id, now, Power.SUPERVISE)
            line = reporting.freeze(
                connection, self._hall, request.month, request.reason, actor_id, now
            )
            return wire.FreezeMonthResponse(line=line)

        return await self._write(request, wire.FreezeMonthResponse, work)

    async def _look(self, act: str, actor_id: str, look: Callable[[Connection], Any]) -> Any:
        return await self._recorded(act, actor_id, "", self._database.read(look))


def require_staff(connection: Connection, actor_id: str) -> None:
    """Numbers are for the staff; raises ActorUnknown or PowerMissing."""
    if accounts.find(connection, actor_id).actor.kind is ActorKind.AGENT:
        raise PowerMissing("actor_id", power=POWER_NAMES[Power.RECEIVE])

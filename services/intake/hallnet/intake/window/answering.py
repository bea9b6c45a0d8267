"""What the parts of the face around a window have in common."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from hallnet.case.policy import Policy
from hallnet.intake import accounts
from hallnet.intake.accounts import Account
from hallnet.intake.answering import Answering, Response
from hallnet.intake.window import powers
from hallnet.store import Connection
from hallnet.store.sharing import LookUp
from hallnet.wire.intake.v1 import intake_service_pb2 as wire_intake


class WindowAnswering(Answering):
    """Every write of somebody with an account asks for the power of its method; visitors have none."""

    def _policy(self, connection: Connection) -> Policy:
        return self._hall.releases.policy(connection)

    def _staff(self, connection: Connection, act: wire_intake.Act) -> Account:
        """Raises ActorUnknown for who is no member of staff."""
        return accounts.staff_member(connection, act.actor_id, "act.actor_id")

    async def _write(
        self,
        request: Any,
        response: type[Response],
        work: Callable[[Connection], Response],
        subject: str = "",
        act: str = "",
        keys: Mapping[LookUp, str] | None = None,
    ) -> Response:
        """Every write of somebody with an account asks for the power of its method."""
        now = self._clock()

        def allowed(connection: Connection) -> Response:
            powers.require(connection, request, now)
            return work(connection)

        return await super()._write(request, response, allowed, subject, act, keys)

    async def _unnamed(
        self, request: Any, response: type[Response], work: Callable[[Connection], Response]
    ) -> Response:
        """A write of somebody who has no account here: a visitor, a terminal."""
        act = type(request).__name__.removesuffix("Request")
        answer: Response = await self._recorded(
            act, "visitor", "", self._once(request.request_id, request, response, work)
        )
        return answer

"""How every method answers: a write once for its request, and every refusal on record."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, TypeVar

from google.protobuf.message import Message
from sqlalchemy import insert

from hallnet.intake import tables
from hallnet.intake.context import Hall
from hallnet.problems import Problem
from hallnet.store import Connection, Database
from hallnet.store.sharing import HallBusy, LookUp

PURPOSE_CHARACTERS_MAX = 120
Response = TypeVar("Response", bound=Message)


class Answering:
    """What the faces of the intake have in common."""

    def __init__(self, database: Database, hall: Hall, clock: Callable[[], datetime]) -> None:
        self._database = database
        self._hall = hall
        self._clock = clock

    async def _write(
        self,
        request: Any,
        response: type[Response],
        work: Callable[[Connection], Response],
        subject: str = "",
        act: str = "",
        keys: Mapping[LookUp, str] | None = None,
    ) -> Response:
        """`keys` names what the work will look up: a face may look it up for many acts at once."""
        answer: Response = await self._recorded(
            act or type(request).__name__.removesuffix("Request"),
            request.act.actor_id,
            subject,
            self._once(request.act.request_id, request, response, work, keys),
        )
        return answer

    async def _once(
        self,
        request_id: str,
        request: Message,
        response: type[Response],
        work: Callable[[Connection], Response],
        keys: Mapping[LookUp, str] | None = None,
    ) -> Response:
        now = self._clock()

        def once(connection: Connection) -> Response:
            return tables.answered.once(
                connection, request_id, request, now, response, lambda: work(connection)
            )

        result = await self._commit(once, {tables.answered.look_up: request_id, **(keys or {})})
        tables.feed.announce()
        return result

    async def _commit(
        self, work: Callable[[Connection], Response], keys: Mapping[LookUp, str]
    ) -> Response:
        """One act, one transaction; a face may have acts share them."""
        return await self._database.write(work)

    async def _recorded(
        self, act: str, actor_id: str, subject: str, answer: Any, purpose: str = ""
    ) -> Any:
        """Wait for an answer; if it is a refusal, record it.

        Who is told to come again later was refused nothing, and a hall that is busy has no write to spare.
        """
        try:
            return await answer
        except HallBusy:
            raise
        except Problem as problem:
            await self._record(actor_id, subject, act, purpose, problem.reason)
            raise

    async def _record(
        self, actor_id: str, subject: str, act: str, purpose: str, refused: str
    ) -> None:
        now = self._clock()
        await self._database.write(
            lambda c: insert_record(c, now, actor_id, subject, act, purpose, refused)
        )


def insert_record(
    connection: Connection,
    at: datetime,
    actor_id: str,
    subject: str,
    act: str,
    purpose: str,
    refused: str,
) -> None:
    connection.execute(
        insert(tables.access_record).values(
            at=at,
            actor_id=actor_id[:64],
            subject=subject[:64],
            act=act,
            purpose=purpose,
            refused=refused,
        )
    )

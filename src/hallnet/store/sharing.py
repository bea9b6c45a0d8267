"""Many writes of one service in one transaction: one commit that the disk confirms, for all of them.

While a transaction runs, those who want to write wait; the next transaction is for all who waited. What
each of them looks up first is looked up for all at once, and what they write is gathered and written once
(`hallnet.store.gathering`), so one that is refused takes back what it gathered and nothing else. If it had
written at once, the transaction is undone and each gets one of its own. Nobody gets an answer before the
commit.

So many may wait and no more: who comes then is told at once when to come back, and those who wait are
served in a time that stays bounded however many come.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar, cast

from sqlalchemy import event
from sqlalchemy.exc import DBAPIError

from hallnet.problems import Kind, Problem
from hallnet.store.database import Connection, Database
from hallnet.store.gathering import Gathering, gathering, note_write

Result = TypeVar("Result")
Work = Callable[[Connection], Any]
LookUp = Callable[[Connection, Sequence[str]], object]
"""Looks something up for many keys, so that the works after it need not."""

SHARE_MAX = 64
"""Writes in one transaction."""
WAITING_MAX = 200
"""Writes that wait for the next ones."""
RETRY_SECONDS_MIN = 1
RETRY_SECONDS_MAX = 30
_SMOOTHING = 0.2


class HallBusy(Problem):
    """More is wanted at once than the hall can do in time."""

    kind = Kind.EXHAUSTED
    reason = "HALL_BUSY"
    zh = "本厅系统繁忙，已有{waiting}项操作在排队"
    zh_remedy = "请在{retry_seconds}秒后用同一request_id重试，不会重复办理"
    en = "The hall is busy: {waiting} acts are waiting"
    en_remedy = (
        "Come back in {retry_seconds} seconds with the same request_id: it will not be done twice"
    )


@dataclass(slots=True)
class _Wanted:
    work: Work
    keys: Mapping[LookUp, str]
    answer: asyncio.Future[Any]


class _Spoilt(Exception):
    """A work was refused that had written at once."""


@dataclass(frozen=True, slots=True)
class _Raised:
    error: Exception


class SharedWrites:
    """The way by which the acts of a service go into its database."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._waiting: deque[_Wanted] = deque()
        self._running: asyncio.Task[None] | None = None
        self._seconds_per_write = 0.001
        event.listen(database.engine, "before_cursor_execute", _note_write)

    async def write(
        self, work: Callable[[Connection], Result], keys: Mapping[LookUp, str] | None = None
    ) -> Result:
        """Run `work` in a transaction that others share; raises what it raises, or HallBusy.

        It may be run more than once, like any work on a database. `keys` names what it will look up.
        """
        if len(self._waiting) >= WAITING_MAX:
            raise self._busy()
        wanted = _Wanted(work, keys or {}, asyncio.get_running_loop().create_future())
        self._waiting.append(wanted)
        if self._running is None:
            self._running = asyncio.create_task(self._run(), name="shared writes")
        return cast(Result, await wanted.answer)

    def _busy(self) -> HallBusy:
        """When what waits now will be done, twice over: others come back as well."""
        seconds = 2 * len(self._waiting) * self._seconds_per_write
        bounded = min(max(round(seconds), RETRY_SECONDS_MIN), RETRY_SECONDS_MAX)
        return HallBusy(waiting=len(self._waiting), retry_seconds=bounded)

    async def _run(self) -> None:
        try:
            while self._waiting:
                share = [self._waiting.popleft() for _ in range(min(len(self._waiting), SHARE_MAX))]
                # Who has gone away meanwhile wants nothing any more.
                share = [wanted for wanted in share if not wanted.answer.done()]
                if share:
                    await self._serve(share)
        finally:
            self._running = None

    async def _serve(self, share: list[_Wanted]) -> None:
        began = time.perf_counter()
        try:
            results = await self._database.write(lambda c: _together(c, share))
        except (DBAPIError, _Spoilt):
            # One of them spoils the transaction for all: each in one of its own.
            results = [await self._alone(wanted.work) for wanted in share]
        except Exception as error:
            results = [_Raised(error)] * len(share)
        taken = (time.perf_counter() - began) / len(share)
        self._seconds_per_write += _SMOOTHING * (taken - self._seconds_per_write)
        for wanted, result in zip(share, results, strict=True):
            if wanted.answer.done():
                continue
            if isinstance(result, _Raised):
                wanted.answer.set_exception(result.error)
            else:
                wanted.answer.set_result(result)

    async def _alone(self, work: Work) -> Any:
        try:
            return await self._database.write(work)
        except Exception as error:
            return _Raised(error)


def _together(connection: Connection, share: Sequence[_Wanted]) -> list[Any]:
    with gathering() as gathered:
        look_ups: dict[LookUp, list[str]] = {}
        for wanted in share:
            for look_up, key in wanted.keys.items():
                look_ups.setdefault(look_up, []).append(key)
        for look_up, keys in look_ups.items():
            look_up(connection, keys)
        results = [_one(connection, gathered, wanted.work) for wanted in share]
        gathered.flush(connection)
    return results


def _one(connection: Connection, gathered: Gathering, work: Work) -> Any:
    """What goes wrong in the database itself is not one's own: it is raised."""
    marks = gathered.mark()
    gathered.wrote = False
    try:
        return work(connection)
    except DBAPIError:
        raise
    except Exception as error:
        if gathered.wrote:
            raise _Spoilt from error
        gathered.undo(marks)
        return _Raised(error)


def _note_write(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
    if not statement.startswith("SELECT"):
        note_write()

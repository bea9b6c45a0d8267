"""A batch of items: each is done once, after those that it depends on, and none keeps another from being done."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from datetime import datetime

from sqlalchemy.exc import DataError, DBAPIError

from hallnet.intake.answering import insert_record
from hallnet.intake.context import Hall
from hallnet.intake.device import items
from hallnet.intake.device.doing import Doing
from hallnet.intake.device.items import Kept, result_of
from hallnet.intake.device.reading import Item, read, require_batch
from hallnet.problems import Kind, Problem
from hallnet.store import Connection, Database
from hallnet.window.offline import (
    TO_SETTLE,
    ItemState,
    held_back,
    in_order,
    require_usable_time,
)
from hallnet.window.offline_problems import (
    ItemFailed,
    ItemIdReused,
    ItemIdUnusable,
    ItemNotYours,
    ItemSettled,
    ItemsInACircle,
    ParentNotDone,
)
from hallnet.wire.device.v1 import device_pb2 as wire

_log = logging.getLogger("hallnet.intake")


class Exchanging:
    """The items of one account from one device."""

    def __init__(
        self,
        database: Database,
        hall: Hall,
        clock: Callable[[], datetime],
        actor_id: str,
        device_id: str,
    ) -> None:
        self._database = database
        self._hall = hall
        self._clock = clock
        self._actor_id = actor_id
        self._device_id = device_id

    async def take(self, messages: Sequence[wire.QueuedItem]) -> list[wire.ItemResult]:
        """The results, in the order in which the items came; raises BatchTooLarge."""
        require_batch(messages)
        batch = [read(message) for message in messages]
        order = in_order([item.queued() for item in batch])
        results: dict[int, wire.ItemResult] = {}
        for place in order.done:
            results[place] = await self._one(batch[place], place in order.in_a_circle)
        return [results[place] for place in range(len(batch))]

    async def _one(self, item: Item, in_a_circle: bool) -> wire.ItemResult:
        now = self._clock()
        try:
            if item.wanted is not None and item.wanted.HasField("case_act"):
                await self._hall.records.wait()
            return await self._database.write(lambda c: self._settle(c, item, in_a_circle, now))
        except Problem as problem:
            if problem.kind is Kind.UNAVAILABLE:
                return result_of(item.client_id, ItemState.WAITS, problem)
            return await self._put(item, ItemState.REFUSED, problem, now)
        except DataError:
            # What no database keeps is the fault of the item, whatever else is wrong is not.
            return await self._put(item, ItemState.QUARANTINED, ItemFailed("body"), now)
        except DBAPIError:
            raise
        except Exception:
            _log.exception("an item of a device could not be done")
            return await self._put(item, ItemState.QUARANTINED, ItemFailed("body"), now)

    async def _put(
        self, item: Item, state: ItemState, problem: Problem, now: datetime
    ) -> wire.ItemResult:
        """What is kept of an item that was not done, unless it was done meanwhile."""

        def work(connection: Connection) -> wire.ItemResult:
            known = items.find_all(connection, self._actor_id, [item.client_id])
            if item.client_id in known:
                return self._again(known[item.client_id], item)
            return self._keep(connection, item, state, problem, now)

        return await self._database.write(work)

    def _settle(
        self, connection: Connection, item: Item, in_a_circle: bool, now: datetime
    ) -> wire.ItemResult:
        """Raises what the rules raise, after which nothing of it was done."""
        if isinstance(item.trouble, ItemIdUnusable):
            return result_of(item.client_id, ItemState.REFUSED, item.trouble)
        known = items.find_all(connection, self._actor_id, {item.client_id, *item.parents})
        if item.client_id in known:
            return self._again(known[item.client_id], item)
        if item.wanted is not None and item.wanted.account != self._actor_id:
            # Not kept: it is nobody's but its account's.
            return result_of(item.client_id, ItemState.REFUSED, ItemNotYours("account"))
        kept_back = self._kept_back(item, in_a_circle, known, now)
        if kept_back is not None:
            return self._keep(connection, item, *kept_back, now)
        doing = Doing(self._hall, self._actor_id, item, known, now)
        waiting = self._waiting(connection, doing)
        if waiting is not None:
            return waiting
        done = doing.do(connection)
        if done.state is ItemState.CONFLICT:
            reason = done.result.problem.reason
            insert_record(connection, now, self._actor_id, item.subject, item.act, "", reason)
        return items.keep(connection, self._actor_id, self._device_id, done, now)

    def _kept_back(
        self, item: Item, in_a_circle: bool, known: dict[str, Kept], now: datetime
    ) -> tuple[ItemState, Problem] | None:
        """What keeps an item from ever being done by itself."""
        if item.trouble is not None:
            return ItemState.QUARANTINED, item.trouble
        if in_a_circle:
            return ItemState.REFUSED, ItemsInACircle("depends_on")
        try:
            require_usable_time(item.made_at, now)
        except Problem as problem:
            return ItemState.QUARANTINED, problem
        if held_back(_states(item, known)) is ItemState.QUARANTINED:
            return ItemState.QUARANTINED, ParentNotDone("depends_on")
        return None

    def _waiting(self, connection: Connection, doing: Doing) -> wire.ItemResult | None:
        """What has to come before; nothing is kept of an item that waits, for it comes again."""
        item, known = doing.item, doing.parents
        result = result_of(item.client_id, ItemState.WAITS)
        result.missing_items.extend(sorted(name for name in item.parents if name not in known))
        result.missing_materials.extend(doing.missing(connection))
        return result if result.missing_items or result.missing_materials else None

    def _again(self, kept: Kept, item: Item) -> wire.ItemResult:
        if kept.digest != item.digest:
            return result_of(item.client_id, ItemState.REFUSED, ItemIdReused("client_id"))
        return kept.result

    def _keep(
        self,
        connection: Connection,
        item: Item,
        state: ItemState,
        problem: Problem,
        now: datetime,
    ) -> wire.ItemResult:
        insert_record(connection, now, self._actor_id, item.subject, item.act, "", problem.reason)
        result = result_of(item.client_id, state, problem)
        kept = Kept(item.client_id, item.digest, state, result, item.raw)
        return items.keep(connection, self._actor_id, self._device_id, kept, now)


def release(
    connection: Connection, hall: Hall, account: str, client_id: str, now: datetime
) -> wire.ItemResult:
    """Try an item that was kept back, as it stands, for its account.

    Who releases a conflict has seen what happened, and takes the act upon the case as it was shown. Raises
    QueuedItemUnknown, ItemSettled, what is wrong with the item, and what the rules raise: then it stays as it is.
    """
    kept = items.locked(connection, account, client_id)
    if kept.state not in TO_SETTLE:
        raise ItemSettled("client_id")
    item = read(wire.QueuedItem(client_id=client_id, body=kept.body))
    if item.trouble is not None:
        raise item.trouble
    assert item.wanted is not None
    if item.wanted.account != account:
        raise ItemNotYours("account")
    known = items.find_all(connection, account, item.parents)
    seen = kept.result.version if kept.state is ItemState.CONFLICT else None
    done = Doing(hall, account, item, known, now, seen).do(connection)
    return items.change(connection, account, done)


def discard(connection: Connection, account: str, client_id: str) -> wire.ItemResult:
    """Nothing will be done with an item any more; raises QueuedItemUnknown, ItemSettled."""
    kept = items.locked(connection, account, client_id)
    if kept.state not in TO_SETTLE:
        raise ItemSettled("client_id")
    result = result_of(client_id, ItemState.DISCARDED)
    gone = Kept(client_id, kept.digest, ItemState.DISCARDED, result, b"")
    return items.change(connection, account, gone)


def _states(item: Item, known: dict[str, Kept]) -> list[ItemState | None]:
    return [known[name].state if name in known else None for name in item.parents]

"""How the services of a hall follow each other's feeds."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from hallnet.branch_sync import following as sync_following
from hallnet.branch_sync import tables as sync_tables
from hallnet.exchange import following, tables
from hallnet.intake import following as intake_following
from hallnet.intake import tables as intake_tables
from hallnet.node.feeds import Handle, deal
from hallnet.store import Connection
from hallnet.store.feed import Cursors, Feed
from hallnet.wire.feed.v1 import feed_pb2 as wire_feed

if TYPE_CHECKING:
    from hallnet.simulate.hall import Hall

FEEDS: dict[str, Feed] = {
    "exchange": tables.feed,
    "intake": intake_tables.feed,
    "branch_sync": sync_tables.feed,
}
CURSORS: dict[str, Cursors] = {
    "exchange": tables.cursors,
    "intake": intake_tables.cursors,
    "branch_sync": sync_tables.cursors,
}


class Followers:
    """All followers of a hall that is up."""

    def __init__(self, hall: Hall) -> None:
        self._hall = hall
        self._fed = {name: asyncio.Event() for name in FEEDS}
        self._heads = dict.fromkeys(FEEDS, 0)

    def follow(self, feed: str, follower: str, handle: Handle) -> Callable[[], Awaitable[None]]:
        """A loop that looks into a feed only if there is something that it has not seen."""

        async def run() -> None:
            source, target = FEEDS[feed], self._hall.disks[follower]
            cursors = CURSORS[follower]
            position = target.look(lambda c: cursors.position(c, source.name))
            while True:
                head = self._heads[feed]
                entries = self._hall.disks[feed].look(partial(source.after, position=position))
                if entries:
                    batch = wire_feed.FollowResponse(entries=entries)
                    await target.write(partial(deal, source.name, batch, cursors, handle))
                    self._after_commit(follower)
                position = entries[-1].position if entries else max(position, head)
                while self._heads[feed] <= position:
                    self._fed[feed].clear()
                    await self._fed[feed].wait()

        return run

    def fed(self, service: str, head: int) -> None:
        """Something was appended to a feed: so far it goes now."""
        self._heads[service] = head
        self._fed[service].set()

    def _after_commit(self, service: str) -> None:
        if service == "exchange":
            self._hall.materials.sent.set()
            self._hall.links.wake_those_with_parcels()
        elif service == "intake":
            self._hall.materials.arrived.set()

    def carry(self, connection: Connection, entries: Sequence[wire_feed.FeedEntry]) -> None:
        following.take(connection, self._hall.context, entries, self._hall.now())

    def take(self, connection: Connection, entries: Sequence[wire_feed.FeedEntry]) -> None:
        intake_following.take_messages(
            connection, self._hall.intake_hall, entries, self._hall.now()
        )

    def take_down(self, connection: Connection, entries: Sequence[wire_feed.FeedEntry]) -> None:
        intake_following.take_releases(
            connection, self._hall.intake_hall, entries, self._hall.now()
        )

    def keep_up(self, connection: Connection, entries: Sequence[wire_feed.FeedEntry]) -> None:
        hall = self._hall
        if sync_following.take(connection, hall.sync_context, entries, hall.now()):
            hall.chores.halls_changed.set()

    def share(self, connection: Connection, entries: Sequence[wire_feed.FeedEntry]) -> None:
        sync_following.take_cases(connection, self._hall.sync_context, entries, self._hall.now())

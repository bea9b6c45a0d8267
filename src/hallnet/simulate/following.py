"""How the services of a hall follow each other's feeds."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial

from hallnet.branch_sync import following as sync_following
from hallnet.branch_sync import tables as sync_tables
from hallnet.exchange import following, tables
from hallnet.intake import following as intake_following
from hallnet.intake import tables as intake_tables
from hallnet.node.feeds import Concerns, Handle, Interest, deal
from hallnet.simulate.carrying import Links
from hallnet.simulate.chores import Chores
from hallnet.simulate.materials import Materials
from hallnet.simulate.state import HallState
from hallnet.store import Connection
from hallnet.store.feed import Cursors, Feed
from hallnet.wire.feed.v1 import feed_pb2 as wire_feed

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


NEWS_MAX = 8
"""So many of the newest pieces of a feed are at hand for who follows it."""


@dataclass(frozen=True, slots=True)
class News:
    """What a commit appended to a feed, as one look at it gives it."""

    after: int
    """The position up to which it was known before."""
    entries: Sequence[wire_feed.FeedEntry]


class Followers:
    """All followers of a hall that is up."""

    def __init__(self, hall: HallState, links: Links, materials: Materials, chores: Chores) -> None:
        self._hall = hall
        self._links, self._materials, self._chores = links, materials, chores
        self._fed = {name: asyncio.Event() for name in FEEDS}
        self._heads = dict.fromkeys(FEEDS, 0)
        self._news: dict[str, deque[News]] = {name: deque(maxlen=NEWS_MAX) for name in FEEDS}

    def follow(
        self, feed: str, follower: str, handle: Handle, concerns: Concerns
    ) -> Callable[[], Awaitable[None]]:
        """A loop that looks into a feed only if there is something that it has not seen."""

        async def run() -> None:
            source, target = FEEDS[feed], self._hall.disks[follower]
            cursors, interest = CURSORS[follower], Interest(concerns)
            position = target.look(lambda c: cursors.position(c, source.name))
            while True:
                head = self._heads[feed]
                entries = self._beyond(feed, position)
                if entries and not interest.passes_over(entries):
                    batch = wire_feed.FollowResponse(entries=entries)
                    await target.write(partial(deal, source.name, batch, cursors, handle))
                    self._after_commit(follower)
                position = entries[-1].position if entries else max(position, head)
                while self._heads[feed] <= position:
                    self._fed[feed].clear()
                    await self._fed[feed].wait()

        return run

    def fed(self, service: str, news: Sequence[News]) -> None:
        """This was appended to a feed."""
        self._heads[service] = news[-1].entries[-1].position
        self._news[service].extend(news)
        self._fed[service].set()

    def _beyond(self, feed: str, position: int) -> Sequence[wire_feed.FeedEntry]:
        """The next entries, which were read when they were committed, or lie in the feed since long ago."""
        for news in self._news[feed]:
            if news.after <= position < news.entries[-1].position:
                return [entry for entry in news.entries if entry.position > position]
        return self._hall.disks[feed].look(partial(FEEDS[feed].after, position=position))

    def _after_commit(self, service: str) -> None:
        if service == "exchange":
            self._hall.signals.sent.set()
            self._links.start_missing()
            self._links.wake_those_with_parcels()
        elif service == "intake":
            self._materials.arrived.set()

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
            self._chores.halls_changed.set()

    def share(self, connection: Connection, entries: Sequence[wire_feed.FeedEntry]) -> None:
        sync_following.take_cases(connection, self._hall.sync_context, entries, self._hall.now())

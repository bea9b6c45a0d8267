"""Feeds between services: one serves its own, the others follow and store their position as they go."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from functools import partial

from grpc import aio

from hallnet.node.home import Part
from hallnet.node.server import Callers
from hallnet.problems import Kind, Problem
from hallnet.store import Connection, Database
from hallnet.store.feed import Cursors, Feed
from hallnet.wire.feed.v1 import feed_pb2 as wire
from hallnet.wire.feed.v1 import feed_pb2_grpc as wire_grpc

RETRY_SECONDS = 0.5
RETRY_SECONDS_MAX = 15.0

PASSED_OVER_MAX = 1_000
"""So many entries in a row that do not concern a follower it passes over before it stores its position: after a start
it reads them again."""

FOLLOWERS = frozenset({Part.INTAKE, Part.EXCHANGE, Part.BRANCH_SYNC, Part.NOTIFY})
"""A feed holds all that is personal in cases, and who follows it leaves no record of a look: so people's
ways in, the portal and the command line, follow none."""
CALLERS: Callers = {"Follow": FOLLOWERS}
SERVICE = wire.DESCRIPTOR.services_by_name["FeedService"]

_log = logging.getLogger("hallnet.feeds")


class FeedUnknown(Problem):
    """This process has no feed of that name."""

    kind = Kind.NOT_FOUND
    reason = "FEED_UNKNOWN"
    zh = "此处没有名为{feed}的事件流"
    zh_remedy = "请连接该服务自身的地址"
    en = "There is no feed called {feed} here"
    en_remedy = "Connect to the address of the service whose feed it is"


class FeedFace(wire_grpc.FeedServiceServicer):
    """Serves the feeds of the services of this process."""

    def __init__(self) -> None:
        self._feeds: dict[str, tuple[Feed, Database]] = {}

    def add(self, feed: Feed, database: Database) -> None:
        self._feeds[feed.name] = (feed, database)

    async def Follow(
        self, request: wire.FollowRequest, context: object
    ) -> AsyncIterator[wire.FollowResponse]:
        if request.feed not in self._feeds:
            raise FeedUnknown("feed", feed=request.feed)
        feed, database = self._feeds[request.feed]
        position = request.after
        while True:
            batch = await feed.batches_after(database, position)
            yield batch
            if batch.entries:
                position = batch.entries[-1].position


Handle = Callable[[Connection, Sequence[wire.FeedEntry]], None]
Concerns = Callable[[wire.FeedEntry], bool]


def all_of_them(entry: wire.FeedEntry) -> bool:
    """Of a follower that every entry concerns."""
    return True


@dataclass(slots=True)
class Interest:
    """Which entries of a feed concern a follower, so that the others cost it no transaction."""

    concerns: Concerns
    passed_over: int = 0

    def passes_over(self, entries: Sequence[wire.FeedEntry]) -> bool:
        """Whether nothing is to be done about a batch, not even its position stored."""
        count = self.passed_over + len(entries)
        if count > PASSED_OVER_MAX or any(map(self.concerns, entries)):
            self.passed_over = 0
            return False
        self.passed_over = count
        return True


async def follow(
    channel: aio.Channel,
    feed: str,
    follower: str,
    database: Database,
    cursors: Cursors,
    handle: Handle,
    committed: Callable[[], None],
    concerns: Concerns = all_of_them,
) -> None:
    """Follow a feed for ever.

    `handle` deals with a batch of entries within the transaction that also stores the position, so each
    entry has its effect exactly once; `committed` is called after each commit. What fails is tried
    again with growing pauses: an entry that concerns the follower is never passed over.
    """
    interest = Interest(concerns)
    stub: wire_grpc.FeedServiceAsyncStub = wire_grpc.FeedServiceStub(channel)
    pause = RETRY_SECONDS
    while True:
        position = await database.read(lambda c: cursors.position(c, feed))
        request = wire.FollowRequest(feed=feed, after=position, follower=follower)
        try:
            async for batch in stub.Follow(request):
                pause = RETRY_SECONDS
                if batch.entries and not interest.passes_over(batch.entries):
                    await database.write(partial(deal, feed, batch, cursors, handle))
                    committed()
        except aio.AioRpcError as error:
            _log.info("%s lost the feed of %s: %s", follower, feed, error.code().name)
        except Exception:
            _log.exception("%s failed on the feed of %s after %d", follower, feed, position)
        await asyncio.sleep(pause)
        pause = min(pause * 2, RETRY_SECONDS_MAX)


def deal(
    feed: str,
    batch: wire.FollowResponse,
    cursors: Cursors,
    handle: Handle,
    connection: Connection,
) -> None:
    """Deal with a batch in this transaction, which stores the position too: each entry once."""
    position = cursors.claim(connection, feed)
    entries = [entry for entry in batch.entries if entry.position > position]
    if entries:
        handle(connection, entries)
        cursors.advance(connection, feed, entries[-1].position)

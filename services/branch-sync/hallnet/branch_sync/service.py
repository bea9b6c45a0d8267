"""Putting branch-sync together: the one place that knows its concrete parts."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime

from grpc import aio

from hallnet.branch_sync import (
    certificates,
    comparing,
    following,
    releasing,
    standings,
    tables,
)
from hallnet.branch_sync.face import CALLERS, BranchSyncFace
from hallnet.branch_sync.publishing import Publication, Publisher
from hallnet.node.client import open_channel
from hallnet.node.feeds import FeedFace, follow
from hallnet.node.forgetting import forget_answers
from hallnet.node.home import Home, Part
from hallnet.node.server import Server
from hallnet.node.waiting import is_set_within
from hallnet.store import Connection, Database
from hallnet.store.migrating import migrate
from hallnet.trust.believed import Trust
from hallnet.trust.release import ReleaseKind
from hallnet.trust.suite import Suite
from hallnet.trust.suites import algorithms
from hallnet.wire.branch_sync.v1 import branch_sync_service_pb2 as wire
from hallnet.wire.branch_sync.v1 import branch_sync_service_pb2_grpc as wire_grpc
from hallnet.wire.feed.v1 import feed_pb2 as wire_feed

ENFORCE_SECONDS = 1.0
GATHER_SECONDS = 0.3
"""How long new certificates are gathered before a bundle is published."""
COMPARE_CHECK_SECONDS = 60.0
RENEWAL_CHECK_SECONDS = 3600.0

_log = logging.getLogger("hallnet.branch_sync")


class BranchSync:
    """The branch-sync of a node."""

    part = Part.BRANCH_SYNC

    def __init__(self, home: Home, clock: Callable[[], datetime]) -> None:
        self._home = home
        self._settings = home.settings()
        self._clock = clock
        self._database = Database(
            home.database_url("branch-sync"), "branch_sync", home.vault(self.part)
        )
        migrate(self._database, "hallnet.branch_sync")
        self._database.transact(lambda c: tables.feed.leap(c, clock()))
        membership = home.membership()
        self._context = self._database.look(lambda c: releasing.load_context(c, membership))
        if membership.parent is None:
            self._context.wanted_suites = self._wanted_suites()
        self._channels: list[aio.Channel] = []
        self._publisher: Publisher | None = None
        self._halls_changed = asyncio.Event()

    def _wanted_suites(self) -> frozenset[Suite]:
        """What the settings of the highest hall allow; raises SuiteUnsupported or SuiteNotAllowed."""
        wanted = frozenset(algorithms(number).suite for number in self._settings.network.suites)
        if wanted:
            trial = Trust([])
            trial.suites = wanted
            releasing.require_believable(self._context, trial)
        return wanted

    def serve(self, server: Server, feeds: FeedFace) -> None:
        channel = self._channel(self._settings.endpoints.exchange)
        self._publisher = Publisher(self._database, self._context, channel, self._clock)
        server.add(
            wire.DESCRIPTOR.services_by_name["BranchSyncService"],
            wire_grpc.add_BranchSyncServiceServicer_to_server,
            BranchSyncFace(self._database, self._context, self._publisher, self._clock),
            CALLERS,
        )
        feeds.add(tables.feed, self._database)

    def loops(self) -> Sequence[tuple[str, Callable[[], Awaitable[None]]]]:
        loops: list[tuple[str, Callable[[], Awaitable[None]]]] = [
            ("branch-sync follows exchange", self._follow_exchange),
            ("branch-sync follows intake", self._follow_intake),
            ("branch-sync puts releases in force", self._enforce),
            ("branch-sync compares replicas", self._compare),
            (
                "branch-sync forgets old answers",
                forget_answers(self._database, tables.answered, self._clock),
            ),
        ]
        if self._context.parent is None:
            loops.append(("branch-sync publishes the trust bundle", self._publish_trust))
        return loops

    async def close(self) -> None:
        for channel in self._channels:
            await channel.close()
        self._database.close()

    def _channel(self, address: str) -> aio.Channel:
        channel = open_channel(self._home, Part.BRANCH_SYNC, address)
        self._channels.append(channel)
        return channel

    async def _follow_exchange(self) -> None:
        await follow(
            self._channel(self._settings.endpoints.exchange),
            "exchange",
            "branch-sync",
            self._database,
            tables.cursors,
            self._take,
            tables.feed.announce,
            following.concerns,
        )

    async def _follow_intake(self) -> None:
        await follow(
            self._channel(self._settings.endpoints.intake),
            "intake",
            "branch-sync",
            self._database,
            tables.cursors,
            lambda c, entries: following.take_cases(c, self._context, entries, self._clock()),
            tables.feed.announce,
            following.concerns_of_cases,
        )

    async def _compare(self) -> None:
        # Whatever happened while this process was not there, it is found now.
        await self._database.write(lambda c: comparing.ask_all(c, self._clock()))
        while True:
            now = self._clock()
            if await self._database.write(
                lambda c, now=now: comparing.ask_those_due(c, now)  # type: ignore[misc]
            ):
                tables.feed.announce()
            await asyncio.sleep(COMPARE_CHECK_SECONDS)

    def _take(self, connection: Connection, entries: Sequence[wire_feed.FeedEntry]) -> None:
        if following.take(connection, self._context, entries, self._clock()):
            self._halls_changed.set()

    async def _enforce(self) -> None:
        while True:
            now = self._clock()
            # A transaction that writes would have every follower of the feed look for what it wrote.
            if await self._database.read(
                lambda c, now=now: self._is_due(c, now)  # type: ignore[misc]
            ) and await self._database.write(
                lambda c, now=now: self._in_force(c, now)  # type: ignore[misc]
            ):
                tables.feed.announce()
            await asyncio.sleep(ENFORCE_SECONDS)

    def _is_due(self, connection: Connection, now: datetime) -> bool:
        return releasing.is_due(connection, now) or standings.is_due(connection, self._context, now)

    def _in_force(self, connection: Connection, now: datetime) -> bool:
        """Put in force what is due, and tell the halls above; True if there was something."""
        due = releasing.enforce(connection, self._context, now)
        return standings.report(connection, self._context, now) or due

    async def _publish_trust(self) -> None:
        """At the top of the tree: publish the bundle when halls change, and before it grows old."""
        assert self._publisher is not None
        own = certificates.Told(list(self._context.membership.chain[:1]))
        await self._database.write(
            lambda c: certificates.take(c, self._context, own, self._clock())
        )
        while True:
            self._halls_changed.clear()
            now = self._clock()
            bundle = await self._database.read(
                lambda c, now=now: certificates.bundle_to_publish(c, self._context, now)  # type: ignore[misc]
            )
            if bundle is not None:
                await self._publisher.publish(
                    Publication(
                        f"trust-{os.urandom(8).hex()}",
                        ReleaseKind.TRUST,
                        bundle.SerializeToString(),
                        None,
                        f"{len(bundle.certificates)}个大厅",
                    )
                )
            if await is_set_within(self._halls_changed, RENEWAL_CHECK_SECONDS):
                await asyncio.sleep(GATHER_SECONDS)

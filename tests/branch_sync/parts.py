"""Branch-syncs beside the exchanges of a world: the very rules and stores, moved step by step."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, TypeVar

from sqlalchemy import Row
from tests.exchange.parts import rows
from tests.simulation.halls import SUITE, World, pump
from tests.simulation.worlds import HALLS

from hallnet.branch_sync import certificates, following, releasing, tables
from hallnet.branch_sync.context import Context
from hallnet.branch_sync.standing import Standing
from hallnet.exchange import following as exchange_following
from hallnet.exchange import tables as exchange_tables
from hallnet.places import Address
from hallnet.store import Connection, Database
from hallnet.trust.release import RELEASE, ReleaseBody, ReleaseKind, sign_release
from hallnet.wire.feed.v1 import feed_pb2 as wire_feed
from hallnet.wire.release.v1 import release_pb2 as wire

Answer = TypeVar("Answer")


class Undone(Exception):
    """A process that ended before its transaction did."""


@dataclass(slots=True)
class Sync:
    """The branch-sync of a hall."""

    database: Database
    context: Context


@dataclass(slots=True)
class Halls:
    """The exchanges of a world, each with a branch-sync beside it."""

    world: World
    founded: bool = True
    """Whether the branch-syncs have their tables already."""
    syncs: dict[str, Sync] = field(default_factory=dict)

    def _opened(self, address: str) -> Sync:
        database = self.world._database("branch_sync", Address.parse(address))
        if not self.founded:
            database.create_schema()
            tables.metadata.create_all(database.engine, checkfirst=False)
        return self._started(address, database)

    def _started(self, address: str, database: Database) -> Sync:
        identity = self.world.at(address).context.identity
        return Sync(database, database.look(lambda c: releasing.load_context(c, identity)))

    def restart(self, address: str) -> Sync:
        """The process of branch-sync ends and starts again on the same records."""
        sync = self.syncs[address] = self._started(address, self.at(address).database)
        return sync

    def close(self) -> None:
        for sync in self.syncs.values():
            sync.database.close()

    def at(self, address: str) -> Sync:
        """The branch-sync of a hall; it stands empty when a test first looks at it."""
        if address not in self.syncs:
            self.syncs[address] = self._opened(address)
        return self.syncs[address]

    @property
    def now(self) -> datetime:
        return self.world.time.now

    # What processes do

    def settle(self) -> None:
        """Let the services of all halls follow each other and links carry, until nothing moves."""
        for _ in range(100):
            moved = [self.follow(address) for address in HALLS]
            moved += [self.world.carry_link(self.world.at(address)) for address in HALLS]
            if not any(moved):
                return
        raise AssertionError("the halls do not come to rest")

    def follow(self, address: str) -> bool:
        return self.follow_exchange(address) | self.follow_branch_sync(address)

    def follow_exchange(self, address: str) -> bool:
        """Branch-sync deals with a batch of what its exchange tells."""
        sync = self.at(address)
        return pump(
            exchange_tables.feed,
            self.world.at(address).exchange,
            tables.cursors,
            sync.database,
            lambda c, entries: following.take(c, sync.context, entries, self.now),
            following.concerns,
        )

    def follow_branch_sync(self, address: str) -> bool:
        """The exchange deals with a batch of what its branch-sync tells."""
        station = self.world.at(address)
        return pump(
            tables.feed,
            self.at(address).database,
            exchange_tables.cursors,
            station.exchange,
            lambda c, entries: exchange_following.take(c, station.context, entries, self.now),
            exchange_following.concerns,
        )

    def enforce(self, address: str) -> bool:
        sync = self.at(address)
        return sync.database.transact(lambda c: releasing.enforce(c, sync.context, self.now))

    def pass_by(self, **length: float) -> None:
        """Time passes, and every hall looks at its releases."""
        self.world.time.pass_by(**length)
        for address in self.syncs:
            self.enforce(address)

    # What people do

    def signed(
        self, at: str, kind: ReleaseKind = ReleaseKind.POLICY, content: bytes = b"", **changes: Any
    ) -> wire.SignedRelease:
        """A release that a hall has signed; every part of what it says can be another."""
        identity = self.world.at(at).context.identity
        body = ReleaseBody(
            SUITE.suite, kind, Address.parse(at), 1, self.now, self.now, content, "办法"
        )
        body = replace(body, **changes)
        return sign_release(body, identity.signing_key, list(identity.chain[:-1]))

    def publish(
        self, at: str, kind: ReleaseKind = ReleaseKind.POLICY, content: bytes = b"", **changes: Any
    ) -> wire.SignedRelease:
        """A hall publishes the next version."""
        sync = self.at(at)
        known = sync.database.look(lambda c: releasing.last_version(c, kind, at))
        release = self.signed(at, kind, content, **({"version": known + 1} | changes))
        sync.database.transact(lambda c: releasing.publish(c, sync.context, release, self.now))
        return release

    def publish_trust(self, at: str) -> bool:
        """The top of the tree publishes who is believed, if that has changed or grows old."""
        sync = self.at(at)
        own = certificates.Told([sync.context.membership.certificate])
        sync.database.transact(lambda c: certificates.take(c, sync.context, own, self.now))
        bundle = sync.database.look(
            lambda c: certificates.bundle_to_publish(c, sync.context, self.now)
        )
        if bundle is not None:
            self.publish(at, ReleaseKind.TRUST, bundle.SerializeToString())
        return bundle is not None

    def come(self, at: str, release: wire.SignedRelease | bytes) -> Row[Any]:
        """A release, or what claims to be one, comes to a hall; returns the last row."""
        payload = release if isinstance(release, bytes) else release.SerializeToString()
        self.receive(at, "release", payload)
        return self.releases(at)[-1]

    def receive(self, at: str, kind: str, payload: bytes) -> None:
        """The exchange of a hall hands over a message."""
        self.receive_from(at, "", kind, payload)

    def receive_from(self, at: str, sender: str, kind: str, payload: bytes) -> None:
        """The exchange of a hall hands over a message of another one."""
        message = wire_feed.InboundMessage(sender=sender, kind=kind, payload=payload)
        entry = wire_feed.FeedEntry(kind="message.received", payload=message.SerializeToString())
        self.take(at, entry)

    def take(self, at: str, *entries: wire_feed.FeedEntry) -> None:
        sync = self.at(at)
        sync.database.transact(lambda c: following.take(c, sync.context, entries, self.now))

    def take_and_end(self, at: str, *entries: wire_feed.FeedEntry) -> None:
        """The process ends after the work and before its commit."""
        sync = self.at(at)

        def work(connection: Connection) -> None:
            following.take(connection, sync.context, entries, self.now)
            raise Undone

        with suppress(Undone):
            sync.database.transact(work)

    # What there is to see

    def releases(self, at: str) -> list[Row[Any]]:
        return rows(self.at(at).database, tables.release)

    def standings(self, at: str) -> list[str]:
        """All releases of a hall as `kind-author-version STANDING`."""
        return [
            f"{ReleaseKind(row.kind).name.lower()}-{row.author}-{row.version}"
            f" {Standing(row.standing).name}"
            for row in self.releases(at)
        ]

    def content(self, at: str, kind: ReleaseKind = ReleaseKind.POLICY) -> bytes:
        """What is in force."""
        row = self.at(at).database.look(lambda c: releasing.in_force(c, kind))
        return RELEASE.from_bytes(wire.SignedRelease.FromString(row.signed).body).content

    def told(self, at: str, kind: str) -> list[wire_feed.FeedEntry]:
        """What branch-sync told the other services of its hall."""
        found: list[wire_feed.FeedEntry] = []
        while True:
            position = found[-1].position if found else 0
            more = self.at(at).database.look(lambda c, p=position: tables.feed.after(c, p))  # type: ignore[misc]
            if not more:
                return [entry for entry in found if entry.kind == kind]
            found += more

    def passed_on(self, at: str) -> list[tuple[str, str]]:
        """Which child was sent which release, in order."""
        return [
            (dispatch.recipient, dispatch.subject)
            for entry in self.told(at, "release.passed_on")
            for dispatch in entry.dispatches
        ]

    def certificates(self, at: str) -> set[str]:
        return {row.subject for row in rows(self.at(at).database, tables.certificate)}


def ask(answer: Awaitable[Answer]) -> Answer:
    async def wait() -> Answer:
        return await answer

    return asyncio.run(wait())


DAY = timedelta(days=1)

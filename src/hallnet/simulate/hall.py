"""A hall: the exchange, intake and branch-sync of the product on virtual disks and lines.

What the processes of a real hall do in loops is done here by the very same functions; where a real loop
looks every few seconds whether something happened, this one is told, so that an idle hall costs nothing.
"""

from __future__ import annotations

import asyncio
import traceback
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from sqlalchemy.exc import OperationalError

from hallnet.branch_sync import comparing, releasing, standings
from hallnet.branch_sync import following as sync_following
from hallnet.branch_sync import tables as sync_tables
from hallnet.case.case import day_of
from hallnet.codec import parse
from hallnet.codec.codec import to_timestamp
from hallnet.exchange import (
    attachment_sending,
    attachment_wishes,
    attachments,
    believing,
    continuity,
    following,
    keyring,
    links,
    outgoing,
    parcels,
    signing,
    tables,
)
from hallnet.exchange.context import Context
from hallnet.exchange.incoming import take_batch
from hallnet.exchange.link_loop import LinkLoop
from hallnet.exchange.making_sure import make_sure
from hallnet.exchange.service import BUSY_FOR
from hallnet.exchange.watching import HopWatch
from hallnet.federation import delivery
from hallnet.federation.pace import UNDER_WAY_MAX
from hallnet.intake import following as intake_following
from hallnet.intake import materials, records, telling, watching
from hallnet.intake import tables as intake_tables
from hallnet.intake.context import Hall as IntakeHall
from hallnet.intake.face import IntakeFace
from hallnet.node.feeds import Handle, deal
from hallnet.node.home import Identity
from hallnet.node.lifecycle import keep_running
from hallnet.node.messaging import LinkClient
from hallnet.places import Address, divisions
from hallnet.problems import Problem
from hallnet.simulate.disk import Disk
from hallnet.simulate.founding import BEGINNING, chance
from hallnet.simulate.network import Line, Network
from hallnet.store import Connection
from hallnet.store.feed import Cursors, Feed
from hallnet.trust.believed import Standing, Trust, suites_of
from hallnet.trust.certificate import Certificate
from hallnet.trust.release import ReleaseKind
from hallnet.wire.exchange.v1 import link_pb2 as wire_link
from hallnet.wire.feed.v1 import feed_pb2 as wire_feed
from hallnet.wire.release.v1 import release_pb2 as wire_release

VERSION = "simulated"


@dataclass(frozen=True, slots=True)
class Rhythm:
    """How often a hall does what it does without being told, in seconds."""

    idle: float = 3600.0
    retransmit: float = 20.0
    hello: float = 10_800.0
    housekeeping: float = 3600.0
    children_wait: float = 172_800.0
    """For so long a hall that starts waits for the word of children that are cut off. Here it is longer than
    any cut, so that no promise is broken by what a hall could not know."""


class Hall:
    """One hall and its disks. Whatever is in memory ends with `down` and begins anew with `up`."""

    def __init__(
        self,
        identity: Identity,
        disks: Mapping[str, Disk],
        network: Network,
        root: Certificate,
        rhythm: Rhythm,
        seed: int,
    ) -> None:
        self.identity = identity
        self.address = identity.address
        self.disks = disks
        self.exchange, self.intake = disks["exchange"], disks["intake"]
        self.sync = disks["branch_sync"]
        self.network = network
        self.context: Context
        self.face: IntakeFace
        self.intake_hall: IntakeHall
        self.is_up = False
        self.starts = 0
        self.clock_is_off = timedelta(0)
        self.failed: Callable[[str, str], None] = lambda what, trace: None
        """Told of whatever fails in a loop and is no want of room."""
        self._root = root
        self._rhythm = rhythm
        self._seed = seed
        self._tasks: set[asyncio.Task[Any]] = set()
        self._links: dict[Address, LinkLoop] = {}
        self._asking: Counter[Address] = Counter()
        self._turns: defaultdict[Address, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._fed: dict[str, asyncio.Event] = {}

    def now(self) -> datetime:
        """What the clock of this hall shows."""
        seconds = asyncio.get_running_loop().time()
        return BEGINNING + timedelta(seconds=seconds) + self.clock_is_off

    # Going up and down

    def load(self) -> None:
        """What its processes know when they start, from the tables."""
        self.starts += 1
        draw = chance(self._seed, "random", self.address, self.starts).randbytes
        identity = self.identity
        trust = Trust([self._root], suites_of(identity.chain))
        trust.learn(identity.chain[:-1])
        children = self.exchange.look(lambda c: believing.load(c, trust))
        if trust.standing is None:
            # Without bundles trust data do not grow old.
            trust.standing = Standing(0, *[BEGINNING + timedelta(days=4000)] * 2)
        self.context = Context(
            identity, trust, divisions(), draw, incarnation=draw(8), children=children
        )
        self.exchange.look(lambda c: keyring.load(c, self.context))
        self.intake_hall = IntakeHall(
            self.address,
            "社保" if self.address.branch else "",
            divisions(),
            draw,
            above=tuple(item.address for item in identity.chain[1:-1]),
        )
        self.face = IntakeFace(self.intake, self.intake_hall, self.now)
        self.sync_context = self.sync.look(lambda c: releasing.load_context(c, identity))

    def up(self) -> None:
        """The processes start. They do not know whether the disks forgot something."""
        for disk in self.disks.values():
            disk.on = True
        self.is_up = True
        self.load()
        self.context.is_sure = False
        # Going down is always a power failure here.
        today, draw = day_of(self.now()), self.intake_hall.random_bytes(records.WORD_BYTES)
        words = self.intake.inspect(lambda c: records.begin(c, str(self.starts), True, today, draw))
        self.intake_hall = replace(self.intake_hall, records=records.Records.unsure(words))
        self.face = IntakeFace(self.intake, self.intake_hall, self.now)
        for service, feed in FEEDS.items():
            self.disks[service].inspect(lambda c, feed=feed: feed.leap(c, self.now()))  # type: ignore[misc]
        self._links.clear()
        self._asking.clear()
        self._turns.clear()
        self._fed = {name: asyncio.Event() for name in self.disks}
        self._sent = asyncio.Event()
        self._came = asyncio.Event()
        self._arrived = asyncio.Event()
        self.network.halls[self.address] = self._receive
        for neighbour in self._neighbours():
            self._start_link(neighbour)
        for name, body in self._loops():
            self._keep(name, body)

    def down(self) -> None:
        """The power fails: what was not committed never was."""
        self.is_up = False
        self.network.halls.pop(self.address, None)
        for disk in self.disks.values():
            disk.on = False
        for task in self._tasks:
            task.cancel()
        self._tasks.clear()

    def _neighbours(self) -> list[Address]:
        above = [self.context.parent] if self.context.parent is not None else []
        return [*above, *sorted(self.context.children)]

    def _keep(self, name: str, body: Callable[[], Awaitable[None]]) -> None:
        task = asyncio.create_task(keep_running(name, partial(self._watched, name, body)))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _watched(self, name: str, body: Callable[[], Awaitable[None]]) -> None:
        try:
            await body()
        except Exception as error:
            if not is_full(error):
                self.failed(name, traceback.format_exc())
            raise

    def _loops(self) -> Sequence[tuple[str, Callable[[], Awaitable[None]]]]:
        return (
            ("exchange asks where its journal ends", self._make_sure),
            (
                "exchange follows intake",
                self._once_sure(self._follow("intake", "exchange", self._carry)),
            ),
            (
                "exchange follows branch-sync",
                self._once_sure(self._follow("branch_sync", "exchange", self._carry)),
            ),
            (
                "intake follows exchange",
                self._once_sure(self._follow("exchange", "intake", self._take)),
            ),
            ("intake follows branch-sync", self._follow("branch_sync", "intake", self._take_down)),
            (
                "branch-sync follows exchange",
                self._follow("exchange", "branch_sync", self._keep_up),
            ),
            ("branch-sync follows intake", self._follow("intake", "branch_sync", self._share)),
            ("exchange retransmits", self._once_sure(self._retransmit)),
            ("exchange sends attachments", self._once_sure(self._send_attachments)),
            ("exchange looks after attachments", self._look_after_attachments),
            ("intake fetches materials", self._fetch_materials),
            ("the rest", self._housekeeping),
            ("exchange says hello", self._greet),
        )

    # The end of the journal

    def _once_sure(self, body: Callable[[], Awaitable[None]]) -> Callable[[], Awaitable[None]]:
        may_act = self.intake_hall.records.may_act

        async def run() -> None:
            await may_act.wait()
            await body()

        return run

    async def _make_sure(self) -> None:
        wait = timedelta(seconds=self._rhythm.children_wait)
        await make_sure(self.exchange, self.context, self._links, self.now, wait)
        lost = self.exchange.look(continuity.gaps)
        if lost:
            noticed_on, today = day_of(lost[-1][1]), day_of(self.now())
            draw = self.intake_hall.random_bytes(records.WORD_BYTES)
            words = await self.intake.write(lambda c: records.are_old(c, noticed_on, today, draw))
            self.intake_hall.records.words = tuple(words)
        self.intake_hall.records.may_act.set()
        self.wake_those_with_parcels()
        await asyncio.Event().wait()

    # Feeds

    def _follow(self, feed: str, follower: str, handle: Handle) -> Callable[[], Awaitable[None]]:
        async def run() -> None:
            source, target = FEEDS[feed], self.disks[follower]
            cursors = CURSORS[follower]
            fed = self._fed[feed]
            while True:
                position = target.look(lambda c: cursors.position(c, source.name))
                entries = self.disks[feed].look(partial(source.after, position=position))
                if not entries:
                    fed.clear()
                    await fed.wait()
                    continue
                batch = wire_feed.FollowResponse(entries=entries)
                await target.write(partial(deal, source.name, batch, cursors, handle))
                self._after_commit(follower)

        return run

    def fed(self, service: str) -> None:
        """Something was appended to a feed."""
        if self.is_up:
            self._fed[service].set()

    def _after_commit(self, service: str) -> None:
        if service == "exchange":
            self._sent.set()
            self.wake_those_with_parcels()
        elif service == "intake":
            self._arrived.set()

    def _carry(self, connection: Connection, entries: Sequence[wire_feed.FeedEntry]) -> None:
        following.take(connection, self.context, entries, self.now())

    def _take(self, connection: Connection, entries: Sequence[wire_feed.FeedEntry]) -> None:
        intake_following.take_messages(connection, self.intake_hall, entries, self.now())

    def _take_down(self, connection: Connection, entries: Sequence[wire_feed.FeedEntry]) -> None:
        intake_following.take_releases(connection, self.intake_hall, entries, self.now())

    def _keep_up(self, connection: Connection, entries: Sequence[wire_feed.FeedEntry]) -> None:
        sync_following.take(connection, self.sync_context, entries, self.now())

    def _share(self, connection: Connection, entries: Sequence[wire_feed.FeedEntry]) -> None:
        sync_following.take_cases(connection, self.sync_context, entries, self.now())

    # Links

    def _start_link(self, neighbour: Address) -> None:
        is_up = neighbour == self.context.parent
        line = Line(self.network, self.address, neighbour, self.address if is_up else neighbour)
        loop = LinkLoop(
            neighbour,
            _as_client(line),
            f"{'up' if is_up else 'down'}.{neighbour}",
            self.exchange,
            self.context,
            HopWatch(str(self.address)),
            VERSION,
            self.now,
            self._wake_links,
            self._rhythm.idle,
        )
        self._links[neighbour] = loop
        self._keep(f"exchange carries to {neighbour}", loop.run)
        self.spawn(loop.say_hello())

    def spawn(self, work: Awaitable[None]) -> None:
        """Something that is done once, and ends with the hall."""

        async def run() -> None:
            try:
                await work
            except Exception as error:
                if not is_full(error):
                    self.failed("once", traceback.format_exc())

        task = asyncio.create_task(run())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def came_back(self) -> None:
        """The line to the parent is whole again: the child says so."""
        if self.is_up and self.context.parent is not None:
            self.spawn(self._links[self.context.parent].say_hello())

    def _wake_links(self, neighbours: Collection[Address]) -> None:
        self._sent.set()
        for neighbour in sorted(neighbours):
            if neighbour in self._links:
                self._links[neighbour].wake()

    def wake_those_with_parcels(self) -> None:
        self._wake_links([Address.parse(neighbour) for neighbour in waiting_for(self)])

    async def _receive(self, giver: Address, kind: str, data: bytes) -> bytes | None:
        """A request from a neighbour, in a task of this hall; None if it fails or the hall goes down."""
        body = self._take_batch if kind == "batch" else self._take_hello
        task = asyncio.create_task(self._answered(body, giver, data))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        await asyncio.wait([task])
        return None if task.cancelled() else task.result()

    async def _answered(
        self, body: Callable[[Address, bytes], Awaitable[bytes]], giver: Address, data: bytes
    ) -> bytes | None:
        try:
            return await body(giver, data)
        except Exception as error:
            if not is_full(error):
                self.failed("answering", traceback.format_exc())
            return None

    async def _take_batch(self, neighbour: Address, data: bytes) -> bytes:
        if self._asking[neighbour] >= UNDER_WAY_MAX:
            again = to_timestamp(self.now() + BUSY_FOR)
            return wire_link.BatchReply(reason="BUSY", retry_at=again).SerializeToString()
        self._asking[neighbour] += 1
        try:
            async with self._turns[neighbour]:
                now = self.now()
                taken = await self.exchange.write(
                    lambda c: take_batch(c, self.context, neighbour, data, now)
                )
        finally:
            self._asking[neighbour] -= 1
        if taken.has_materials:
            self._came.set()
        self._wake_links(taken.wake | {neighbour})
        return taken.reply.SerializeToString()

    async def _take_hello(self, neighbour: Address, data: bytes) -> bytes:
        loop = self._links.get(neighbour)
        if loop is None:
            return wire_link.HelloReply(reason="LINK_UNKNOWN").SerializeToString()
        try:
            hello = parse(wire_link.Hello, data)
        except Problem:
            return wire_link.HelloReply(reason="HELLO_MALFORMED").SerializeToString()
        await loop.take_hello(hello)
        own = self.exchange.look(
            lambda c: links.hello(c, self.context, neighbour, VERSION, self.now())
        )
        return wire_link.HelloReply(hello=own).SerializeToString()

    # What is done from time to time

    async def _retransmit(self) -> None:
        spread = chance(self._seed, "spread", self.address).random()
        await asyncio.sleep(self._rhythm.retransmit * spread)
        while True:
            count = await self.exchange.write(self._send_again) if has_open(self) else 0
            if count:
                self.wake_those_with_parcels()
            await asyncio.sleep(self._rhythm.retransmit)

    def _send_again(self, connection: Connection) -> int:
        count, entries = outgoing.send_due_again(connection, self.now())
        tables.feed.append(connection, entries)
        return count

    async def _greet(self) -> None:
        if self.context.parent is None:
            await asyncio.Event().wait()
        assert self.context.parent is not None
        spread = chance(self._seed, "spread", self.address).random()
        while True:
            await asyncio.sleep(self._rhythm.hello * (0.5 + spread))
            await self._links[self.context.parent].say_hello()

    async def _housekeeping(self) -> None:
        await self.ask_all()
        while True:
            now = self.now()
            if self.sync.ask("SELECT 1 FROM release WHERE standing = 1"):
                await self.sync.write(lambda c: releasing.enforce(c, self.sync_context, self.now()))
            await self._compare()
            await self._watch_the_calendar()
            await self.report_days()
            await self._tell_standings()
            if self.exchange.ask("SELECT 1 FROM parcel WHERE state <> ?", WAITING):
                await self.exchange.write(lambda c, now=now: parcels.sweep(c, now))  # type: ignore[misc]
            await asyncio.sleep(self._rhythm.housekeeping)

    async def _compare(self) -> None:
        now = self.now()
        if self.sync.ask("SELECT 1 FROM comparison WHERE due_at <= ?", written(now)):
            await self.sync.write(lambda c: comparing.ask_those_due(c, now))

    async def _watch_the_calendar(self) -> None:
        due = 'SELECT 1 FROM "case" WHERE custodian = ? AND watch_on < ?'
        now = self.now()
        while self.intake.ask(due, str(self.address), day_of(now).isoformat()):
            changed = await self.intake.write(
                lambda c, now=now: watching.watch(c, self.intake_hall, now)  # type: ignore[misc]
            )
            if not changed:
                return

    async def report_days(self) -> None:
        """The days that are over, once each unless something of them comes to light later."""
        yesterday = (day_of(self.now()) - timedelta(days=1)).isoformat()
        ((last, changed),) = self.intake.ask("SELECT max(day), sum(changed) FROM number_day")
        if last is None or last < yesterday or changed:
            now = self.now()
            await self.intake.write(lambda c: telling.tell_days(c, now))

    async def _tell_standings(self) -> None:
        """What is in force here, if that changed or was not told for a day."""
        now = self.now()
        due = written(now - standings.GATHER), written(now - standings.TOLD_AGAIN_AFTER)
        query = "SELECT 1 FROM standing_report WHERE hall = ? AND (changed_at <= ? OR told_at <= ?)"
        if self.sync.ask(query, str(self.address), *due):
            await self.sync.write(lambda c: standings.report(c, self.sync_context, now))

    async def ask_all(self) -> None:
        """As after a start: does everybody have what this hall said?"""
        await self.sync.write(lambda c: comparing.ask_all(c, self.now()))
        await self._compare()

    # Materials

    async def _send_attachments(self) -> None:
        while True:
            self._sent.clear()
            portions = self.exchange.look(attachment_wishes.next_portions)
            for portion in portions:
                data = b""
                while len(data) < portion.length:
                    at, left = portion.offset + len(data), portion.length - len(data)
                    data += self.intake.look(
                        lambda c, p=portion, at=at, left=left: materials.read(  # type: ignore[misc]
                            c, p.wish.digest, at, left
                        )
                    )

                def send(
                    connection: Connection,
                    portion: attachment_wishes.Portion = portion,
                    data: bytes = data,
                ) -> None:
                    entries = attachment_sending.send_portion(
                        connection, self.context, portion, data, self.now()
                    )
                    tables.feed.append(connection, entries)

                await self.exchange.write(send)
                self.wake_those_with_parcels()
            if not portions:
                await self._sent.wait()

    async def _look_after_attachments(self) -> None:
        while True:
            self._came.clear()
            check = self.exchange.look(attachments.next_check)
            if check is not None:
                while not self.exchange.look(check.step):
                    pass

                def end(connection: Connection, check: attachments.Check = check) -> None:
                    tables.feed.append(connection, check.end(connection, self.context, self.now()))

                await self.exchange.write(end)
            elif self.exchange.look(attachments.has_to_drop):
                await self.exchange.write(attachments.drop_some)
            else:
                await self._came.wait()

    async def _fetch_materials(self) -> None:
        while True:
            self._arrived.clear()
            waiting = self.intake.look(materials.arrivals)
            for arrival in waiting:
                await self._fetch(arrival)
            if not waiting:
                await self._arrived.wait()

    async def _fetch(self, arrival: materials.Arrival) -> None:
        """As the intake copies a material from the exchange, slice by slice, each committed."""
        now = self.now()
        digest = arrival.digest
        if not self.intake.look(lambda c: materials.is_here(c, digest)):
            fetching = materials.Fetching(arrival)
            if not self.intake.look(lambda c: materials.is_begun(c, digest)):
                await self.intake.write(lambda c: materials.begin(c, digest, arrival.size, "", now))
            while not self.intake.look(fetching.resume):
                pass
            while data := self._slice(digest, fetching.offset):
                await self.intake.write(lambda c, data=data: fetching.add(c, data))  # type: ignore[misc]
                fetching.added(data)
            await self.intake.write(fetching.end)
        await self.exchange.write(lambda c: attachments.release(c, digest, now))
        self._came.set()
        await self.intake.write(lambda c: materials.released(c, digest))

    def _slice(self, digest: bytes, offset: int) -> bytes:
        pieces = self.exchange.look(lambda c: attachments.read(c, digest, offset))
        return b"".join(pieces or ())

    # Releases

    async def publish(self, kind: ReleaseKind, content: bytes) -> None:
        """A release of this hall, signed by its exchange and taken by its branch-sync."""
        now, here = self.now(), str(self.address)
        last = self.sync.look(lambda c: releasing.last_version(c, kind, here))
        body = wire_release.ReleaseBody(
            kind=int(kind),  # type: ignore[arg-type]
            author=here,
            version=last + 1,
            issued_at=to_timestamp(now),
            effective_at=to_timestamp(now),
            content=content,
        )
        signed = await self.exchange.write(
            lambda c: signing.signed_release(c, self.context, body, now)
        )
        await self.sync.write(lambda c: releasing.publish(c, self.sync_context, signed, now))


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
WAITING = int(parcels.State.WAITING)


def waiting_for(hall: Hall) -> list[str]:
    """The neighbours for which something waits in the queues of a hall."""
    found = hall.exchange.ask(
        "SELECT neighbour FROM parcel WHERE state = ?"
        " UNION SELECT neighbour FROM delivery WHERE queued = 1",
        WAITING,
    )
    return sorted(neighbour for (neighbour,) in found)


def has_open(hall: Hall, but_for: str = "\0") -> bool:
    """Whether an envelope of a hall has no verdict yet, but for those that bear a reference."""
    states = sorted(int(state) for state in delivery.OPEN)
    found = hall.exchange.ask(
        "SELECT 1 FROM delivery WHERE state IN (?, ?, ?) AND reference <> ? LIMIT 1",
        *states,
        but_for,
    )
    return bool(found)


def written(moment: datetime) -> str:
    """A moment as SQLite keeps it, for plain SQL."""
    return moment.isoformat(" ", "microseconds").removesuffix("+00:00")


def is_full(error: BaseException) -> bool:
    """Whether something failed because a disk is full, and for no other reason."""
    if isinstance(error, BaseExceptionGroup):
        return all(is_full(one) for one in error.exceptions)
    return isinstance(error, OperationalError) and "full" in str(error.orig)


def _as_client(line: Line) -> LinkClient:
    """A link asks its client for nothing but requests."""
    return line  # type: ignore[return-value]

"""Putting the intake together: the one place that knows its concrete parts."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from grpc import aio

from hallnet.case.case import day_of
from hallnet.intake import following, own_words, records, tables, watching
from hallnet.intake.context import hall_of
from hallnet.intake.device import blocks as device_blocks
from hallnet.intake.device import items as device_items
from hallnet.intake.device import uploads as device_uploads
from hallnet.intake.device.face import CALLERS as DEVICE_CALLERS
from hallnet.intake.device.face import DeviceFace
from hallnet.intake.face import CALLERS, IntakeFace
from hallnet.intake.numbers import freezing, telling
from hallnet.intake.papers import fetching, materials
from hallnet.intake.records import Records
from hallnet.intake.same_matter import matters
from hallnet.intake.window import alarms
from hallnet.intake.window.face import CALLERS as WINDOW_CALLERS
from hallnet.intake.window.face import WindowFace
from hallnet.node.client import open_channel
from hallnet.node.feeds import Concerns, FeedFace, all_of_them, follow
from hallnet.node.forgetting import forget_answers
from hallnet.node.home import Home, Part
from hallnet.node.server import Server
from hallnet.store import Connection, Database
from hallnet.store.migrating import migrate
from hallnet.store.room import Room, measured
from hallnet.wire.device.v1 import device_service_pb2 as wire_device
from hallnet.wire.device.v1 import device_service_pb2_grpc as wire_device_grpc
from hallnet.wire.exchange.v1 import exchange_service_pb2 as wire_exchange
from hallnet.wire.exchange.v1 import exchange_service_pb2_grpc as wire_exchange_grpc
from hallnet.wire.feed.v1 import feed_pb2 as wire_feed
from hallnet.wire.intake.v1 import intake_service_pb2 as wire
from hallnet.wire.intake.v1 import intake_service_pb2_grpc as wire_grpc
from hallnet.wire.window.v1 import window_service_pb2 as wire_window
from hallnet.wire.window.v1 import window_service_pb2_grpc as wire_window_grpc

ARRIVALS_SECONDS = 10.0
WATCH_SECONDS = 60.0
TELL_SECONDS = 5.0
ALARM_SECONDS = 600.0
ASK_AGE_SECONDS = 0.2
FREEZE_SECONDS = 3_600.0
FORGET_SECONDS = 600.0

_log = logging.getLogger("hallnet.intake")


class Intake:
    """The intake of a node."""

    part = Part.INTAKE

    def __init__(self, home: Home, clock: Callable[[], datetime]) -> None:
        self._home = home
        self._settings = home.settings()
        self._clock = clock
        self._database = Database(home.database_url("intake"), "intake", home.vault(self.part))
        migrate(self._database, "hallnet.intake")
        self._boot = self._database.boot()
        self._hall = hall_of(home)
        words = self._database.transact(self._begin)
        self._hall = replace(self._hall, records=Records.unsure(words))
        self._channels: list[aio.Channel] = []
        self._arrived = asyncio.Event()

    def serve(self, server: Server, feeds: FeedFace) -> None:
        server.add(
            wire.DESCRIPTOR.services_by_name["IntakeService"],
            wire_grpc.add_IntakeServiceServicer_to_server,
            IntakeFace(self._database, self._hall, self._clock, self._room, self._spool_folder()),
            CALLERS,
        )
        server.add(
            wire_window.DESCRIPTOR.services_by_name["WindowService"],
            wire_window_grpc.add_WindowServiceServicer_to_server,
            WindowFace(self._database, self._hall, self._clock),
            WINDOW_CALLERS,
        )
        server.add(
            wire_device.DESCRIPTOR.services_by_name["DeviceService"],
            wire_device_grpc.add_DeviceServiceServicer_to_server,
            DeviceFace(self._database, self._hall, self._clock, self._room),
            DEVICE_CALLERS,
        )
        feeds.add(tables.feed, self._database)

    def loops(self) -> Sequence[tuple[str, Callable[[], Awaitable[None]]]]:
        endpoints = self._settings.endpoints
        return [
            ("intake asks how old its records are", self._ask_age),
            (
                "intake takes back its own words",
                self._follow(own_words.FEED, endpoints.exchange, self._take_back),
            ),
            (
                "intake follows exchange",
                self._once_known(
                    self._follow("exchange", endpoints.exchange, self._take, following.concerns)
                ),
            ),
            (
                "intake follows branch-sync",
                self._follow(
                    "branch-sync",
                    endpoints.branch_sync,
                    self._take_releases,
                    following.concerns_releases,
                ),
            ),
            ("intake fetches materials", self._fetch_materials),
            ("intake watches the calendar", self._once_known(self._watch)),
            ("intake tells what was filed", self._once_known(self._tell_matters)),
            ("intake sounds alarms", self._sound_alarms),
            ("intake freezes months", self._freeze_months),
            ("intake forgets what devices sent long ago", self._forget_old),
            (
                "intake forgets old answers",
                forget_answers(self._database, tables.answered, self._clock),
            ),
        ]

    # The age of the records

    def _begin(self, connection: Connection) -> list[records.Word]:
        today, random = day_of(self._clock()), self._hall.random_bytes(records.WORD_BYTES)
        tables.feed.leap(connection, self._clock())
        return records.begin(connection, self._boot, self._database.is_sqlite, today, random)

    def _once_known(self, body: Callable[[], Awaitable[None]]) -> Callable[[], Awaitable[None]]:
        """For what acts on cases by itself."""

        async def run() -> None:
            await self._hall.records.may_act.wait()
            await body()

        return run

    async def _ask_age(self) -> None:
        """Ask the exchange what the neighbours said of this hall's records."""
        channel = open_channel(self._home, Part.INTAKE, self._settings.endpoints.exchange)
        self._channels.append(channel)
        exchange: wire_exchange_grpc.ExchangeServiceAsyncStub
        exchange = wire_exchange_grpc.ExchangeServiceStub(channel)
        began, known = time.monotonic(), self._hall.records
        while True:
            with contextlib.suppress(aio.AioRpcError):
                answer = await exchange.ConfirmRecords(wire_exchange.ConfirmRecordsRequest())
                if answer.sure:
                    await self._take_word(answer)
                    if await self._has_words_back(answer):
                        known.may_act.set()
                        break
                    # The exchange waits for them, and no longer than it is to.
                    began = time.monotonic()
            waited = time.monotonic() - began
            if waited > records.ALONE_AFTER.total_seconds() and not known.may_act.is_set():
                _log.warning(
                    "no neighbour has spoken: this hall goes on with the records that it has"
                )
                known.may_act.set()
            await asyncio.sleep(ASK_AGE_SECONDS)
        await asyncio.Event().wait()

    async def _take_word(self, answer: wire_exchange.ConfirmRecordsResponse) -> None:
        """The neighbours have spoken."""
        known = self._hall.records
        if answer.restored:
            noticed_on = day_of(answer.restored[-1].found_at.ToDatetime(UTC))
            today, random = day_of(self._clock()), self._hall.random_bytes(records.WORD_BYTES)
            words = await self._database.write(
                lambda c: records.are_old(c, noticed_on, today, random)
            )
            known.words = tuple(words)

    async def _has_words_back(self, answer: wire_exchange.ConfirmRecordsResponse) -> bool:
        """Whether what this hall itself had said is back, as far as others gave it back in time."""
        read = partial(tables.cursors.position, feed=own_words.FEED)
        return answer.words_back and await self._database.read(read) >= answer.words_position

    async def close(self) -> None:
        for channel in self._channels:
            await channel.close()
        if self._database.is_sqlite:
            await self._database.write(lambda c: records.end(c, self._boot))
        self._database.close()

    def _follow(
        self,
        feed: str,
        address: str,
        handle: Callable[[Connection, Sequence[wire_feed.FeedEntry]], None],
        concerns: Concerns = all_of_them,
    ) -> Callable[[], Awaitable[None]]:
        async def run() -> None:
            channel = open_channel(self._home, Part.INTAKE, address)
            self._channels.append(channel)
            await follow(
                channel,
                feed,
                "intake",
                self._database,
                tables.cursors,
                handle,
                self._committed,
                concerns,
            )

        return run

    def _committed(self) -> None:
        tables.feed.announce()
        self._arrived.set()

    def _take(self, connection: Connection, entries: Sequence[wire_feed.FeedEntry]) -> None:
        following.take_messages(connection, self._hall, entries, self._clock())

    def _take_back(self, connection: Connection, entries: Sequence[wire_feed.FeedEntry]) -> None:
        own_words.take(connection, self._hall, entries, self._clock())

    def _take_releases(
        self, connection: Connection, entries: Sequence[wire_feed.FeedEntry]
    ) -> None:
        following.take_releases(connection, self._hall, entries, self._clock())

    async def _fetch_materials(self) -> None:
        channel = open_channel(self._home, Part.INTAKE, self._settings.endpoints.exchange)
        self._channels.append(channel)
        exchange = wire_exchange_grpc.ExchangeServiceStub(channel)
        while True:
            self._arrived.clear()
            waiting = await self._database.read(materials.arrivals)
            for arrival in waiting:
                await fetching.fetch(self._database, exchange, arrival, self._clock)
            if not waiting:
                now = self._clock()
                await self._database.write(lambda c, now=now: materials.discard_old(c, now))  # type: ignore[misc]
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(ARRIVALS_SECONDS):
                        await self._arrived.wait()

    async def _watch(self) -> None:
        while True:
            now = self._clock()
            if await self._database.write(lambda c, now=now: self._look_at_calendar(c, now)):  # type: ignore[misc]
                tables.feed.announce()
            else:
                await asyncio.sleep(WATCH_SECONDS)

    def _look_at_calendar(self, connection: Connection, now: datetime) -> int:
        """Do what time alone brings about, and tell what was done on days that are over."""
        return watching.watch(connection, self._hall, now) + telling.tell_days(connection, now)

    async def _tell_matters(self) -> None:
        """Tell the halls that compare what was filed, some after some."""
        while True:
            now = self._clock()
            if await self._database.write(lambda c, now=now: matters.tell(c, self._hall, now)):  # type: ignore[misc]
                tables.feed.announce()
            else:
                await asyncio.sleep(TELL_SECONDS)

    async def _sound_alarms(self) -> None:
        while True:
            now, place = self._clock(), None
            while True:
                sound = partial(alarms.sound, hall=self._hall, now=now, after=place)
                sounded = await self._database.write(sound)
                if sounded.told:
                    tables.feed.announce()
                place = sounded.next_place
                if place is None:
                    break
            await asyncio.sleep(ALARM_SECONDS)

    async def _freeze_months(self) -> None:
        while True:
            if await freezing.freeze_due(self._database, self._hall, self._clock()):
                tables.feed.announce()
            await asyncio.sleep(FREEZE_SECONDS)

    async def _forget_old(self) -> None:
        while True:
            now = self._clock()
            for forget in (
                device_items.forget_old,
                device_blocks.forget_old,
                device_uploads.forget_old,
            ):
                await self._database.write(lambda c, f=forget, now=now: f(c, now))  # type: ignore[misc]
            await asyncio.sleep(FORGET_SECONDS)

    def _spool_folder(self) -> Path | None:
        """Beside the records if they are files here, else where temporary files are."""
        return self._home.path("data") if self._settings.database.url == "sqlite" else None

    def _room(self) -> Room:
        return measured(
            self._settings.watched_folder(self._home.folder), self._settings.store.free_bytes_min
        )

"""Putting notify together: the one place that knows its concrete parts."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Any

from grpc import aio
from sqlalchemy import Row, select, update

from hallnet.federation.backoff import NOTICE
from hallnet.node.client import open_channel
from hallnet.node.feeds import FeedFace, follow
from hallnet.node.home import Home, Part
from hallnet.node.server import Server
from hallnet.notify import tables, writing
from hallnet.notify.channels import Channel, FileChannel, Notice, NotTaken
from hallnet.notify.face import CALLERS, NotifyFace
from hallnet.notify.wording import Audience
from hallnet.notify.writing import State
from hallnet.places import divisions
from hallnet.store import Connection, Database
from hallnet.store.migrating import migrate
from hallnet.wire.feed.v1 import feed_pb2 as wire_feed
from hallnet.wire.notify.v1 import notify_service_pb2 as wire
from hallnet.wire.notify.v1 import notify_service_pb2_grpc as wire_grpc

ATTEMPTS_MAX = 24
DUE_ROWS_MAX = 50
IDLE_SECONDS = 2.0

_log = logging.getLogger("hallnet.notify")


class Notify:
    """The notify of a node."""

    part = Part.NOTIFY

    def __init__(self, home: Home, clock: Callable[[], datetime]) -> None:
        self._home = home
        self._settings = home.settings()
        self._clock = clock
        self._database = Database(home.database_url("notify"), "notify")
        migrate(self._database, "hallnet.notify")
        self._register = divisions()
        self._written = asyncio.Event()
        self._grpc_channels: list[aio.Channel] = []
        self._channels: dict[str, Channel] = {}
        settings = self._settings.notify
        if settings.folder:
            self._channels["file"] = FileChannel(home.folder / settings.folder)
        if settings.webhook_url:
            # Its library is slow to load, and most halls have no webhook.
            from hallnet.notify.webhook import WebhookChannel

            self._channels["webhook"] = WebhookChannel(settings.webhook_url)

    def serve(self, server: Server, feeds: FeedFace) -> None:
        server.add(
            wire.DESCRIPTOR.services_by_name["NotifyService"],
            wire_grpc.add_NotifyServiceServicer_to_server,
            NotifyFace(self._database, self._clock, self._written.set),
            CALLERS,
        )

    def loops(self) -> Sequence[tuple[str, Callable[[], Awaitable[None]]]]:
        endpoints = self._settings.endpoints
        return [
            ("notify follows intake", self._follow("intake", endpoints.intake)),
            ("notify follows exchange", self._follow("exchange", endpoints.exchange)),
            ("notify follows branch-sync", self._follow("branch-sync", endpoints.branch_sync)),
            ("notify sends", self._send_due),
        ]

    async def close(self) -> None:
        for grpc_channel in self._grpc_channels:
            await grpc_channel.close()
        for channel in self._channels.values():
            await channel.close()
        self._database.close()

    def _follow(self, feed: str, address: str) -> Callable[[], Awaitable[None]]:
        def handle(connection: Connection, entries: Sequence[wire_feed.FeedEntry]) -> None:
            now = self._clock()
            for entry in entries:
                if entry.kind == "release.in_force":
                    writing.take_catalogue(connection, entry.payload)
                else:
                    writing.write(
                        connection, self._register, list(self._channels), feed, entry, now
                    )

        async def run() -> None:
            channel = open_channel(self._home, Part.NOTIFY, address)
            self._grpc_channels.append(channel)
            await follow(
                channel,
                feed,
                "notify",
                self._database,
                tables.cursors,
                handle,
                self._written.set,
            )

        return run

    async def _send_due(self) -> None:
        while True:
            self._written.clear()
            now = self._clock()
            due = await self._database.read(lambda c, now=now: _due(c, now))  # type: ignore[misc]
            for row in due:
                await self._send(row)
            if not due:
                try:
                    await asyncio.wait_for(self._written.wait(), IDLE_SECONDS)
                except TimeoutError:
                    continue

    async def _send(self, row: Row[Any]) -> None:
        channel = self._channels.get(row.channel)
        error = ""
        try:
            if channel is None:
                raise NotTaken("channel is switched off")
            await channel.send(
                Notice(
                    row.notice_id,
                    row.subject,
                    Audience(row.audience).name.lower(),
                    row.address,
                    row.text,
                    row.written_at,
                )
            )
        except NotTaken as failure:
            error = str(failure)
        now = self._clock()
        await self._database.write(lambda c: _note(c, row, error, now, random.random()))


def _due(connection: Connection, now: datetime) -> Sequence[Row[Any]]:
    table = tables.notice
    return connection.execute(
        select(table)
        .where(table.c.state == State.WAITING, table.c.next_try_at <= now)
        .order_by(table.c.next_try_at)
        .limit(DUE_ROWS_MAX)
    ).all()


def _note(connection: Connection, row: Row[Any], error: str, now: datetime, jitter: float) -> None:
    """What became of a try: sent, to be tried again, or given up for a person to see to."""
    attempts = row.attempts + 1
    values: dict[str, object] = {"attempts": attempts, "last_error": error}
    if not error:
        values |= {"state": State.SENT, "sent_at": now}
    elif attempts >= ATTEMPTS_MAX:
        _log.warning("notice %s is given up on %s: %s", row.notice_id, row.channel, error)
        values["state"] = State.GIVEN_UP
    else:
        values["next_try_at"] = NOTICE.next_try(attempts, now, jitter)
    table = tables.notice
    connection.execute(
        update(table)
        .where(table.c.notice_id == row.notice_id, table.c.channel == row.channel)
        .values(**values)
    )

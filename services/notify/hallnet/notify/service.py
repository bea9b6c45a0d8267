"""Putting notify together: the one place that knows its concrete parts."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from pathlib import Path

from grpc import aio

from hallnet.node.client import open_channel
from hallnet.node.feeds import FeedFace, follow
from hallnet.node.forgetting import forget_answers
from hallnet.node.home import Home, Part
from hallnet.node.server import Server
from hallnet.node.waiting import is_set_within
from hallnet.notify import tables, writing
from hallnet.notify.channels import Channel, FileChannel, SwitchedOff
from hallnet.notify.face import CALLERS, NotifyFace
from hallnet.notify.sending import send_due
from hallnet.places import divisions
from hallnet.store import Connection, Database
from hallnet.store.migrating import migrate
from hallnet.wire.feed.v1 import feed_pb2 as wire_feed
from hallnet.wire.notify.v1 import notify_service_pb2 as wire
from hallnet.wire.notify.v1 import notify_service_pb2_grpc as wire_grpc

IDLE_SECONDS = 2.0


class Notify:
    """The notify of a node."""

    part = Part.NOTIFY

    def __init__(self, home: Home, clock: Callable[[], datetime]) -> None:
        self._home = home
        self._settings = home.settings()
        self._clock = clock
        self._database = Database(home.database_url("notify"), "notify", home.vault(self.part))
        migrate(self._database, "hallnet.notify")
        self._register = divisions()
        self._grpc_channels: list[aio.Channel] = []
        settings = self._settings.notify
        self._channels: dict[str, Channel] = {
            "file": _file(home.folder, settings.folder),
            "webhook": _webhook(settings.webhook_url),
        }
        self._written = {name: asyncio.Event() for name in self._channels}

    def serve(self, server: Server, feeds: FeedFace) -> None:
        server.add(
            wire.DESCRIPTOR.services_by_name["NotifyService"],
            wire_grpc.add_NotifyServiceServicer_to_server,
            NotifyFace(self._database, self._clock, self._announce),
            CALLERS,
        )

    def loops(self) -> Sequence[tuple[str, Callable[[], Awaitable[None]]]]:
        endpoints = self._settings.endpoints
        return [
            ("notify follows intake", self._follow("intake", endpoints.intake)),
            ("notify follows exchange", self._follow("exchange", endpoints.exchange)),
            ("notify follows branch-sync", self._follow("branch-sync", endpoints.branch_sync)),
            (
                "notify forgets old answers",
                forget_answers(self._database, tables.answered, self._clock),
            ),
            *(
                (f"notify sends by {name}", self._sending(channel, self._written[name]))
                for name, channel in self._channels.items()
            ),
        ]

    async def close(self) -> None:
        for grpc_channel in self._grpc_channels:
            await grpc_channel.close()
        for channel in self._channels.values():
            await channel.close()
        self._database.close()

    def _follow(self, feed: str, address: str) -> Callable[[], Awaitable[None]]:
        def handle(connection: Connection, entries: Sequence[wire_feed.FeedEntry]) -> None:
            names = [name for name, channel in self._channels.items() if channel.is_on]
            writing.take(connection, self._register, names, feed, entries, self._clock())

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
                self._announce,
                writing.concerns,
            )

        return run

    def _sending(self, channel: Channel, written: asyncio.Event) -> Callable[[], Awaitable[None]]:
        """A loop for each channel: one that hangs does not hold up the others."""

        async def run() -> None:
            while True:
                written.clear()
                if await send_due(self._database, channel, self._clock):
                    continue
                await is_set_within(written, IDLE_SECONDS)

        return run

    def _announce(self) -> None:
        """Something waits to be sent."""
        for written in self._written.values():
            written.set()


def _file(home: Path, folder: str) -> Channel:
    return FileChannel(home / folder) if folder else SwitchedOff("file")


def _webhook(url: str) -> Channel:
    if not url:
        return SwitchedOff("webhook")
    # Its library is slow to load, and most halls have no webhook.
    from hallnet.notify.webhook import WebhookChannel

    return WebhookChannel(url)

"""What notify hears, and what came of it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import Row
from tests.case.builders import COUNTY, START, History, filed, mandate
from tests.exchange.parts import rows

from hallnet.case.event import Fact, Filed
from hallnet.case.item import CATALOGUE, Catalogue, ItemVersion
from hallnet.case.person import Person
from hallnet.notify import tables, writing
from hallnet.notify.channels import Channel, Notice
from hallnet.notify.sending import send_due
from hallnet.places import divisions
from hallnet.store import Database
from hallnet.trust.release import RELEASE, ReleaseBody, ReleaseKind
from hallnet.trust.suite import Suite
from hallnet.wire.feed.v1 import feed_pb2 as wire_feed
from hallnet.wire.release.v1 import release_pb2 as wire_release

Answer = TypeVar("Answer")

PERSON = Person("欧阳震华", "111", "330127195001010011", "13912345678", "文昌镇栅源村9号")
SECRETS = (PERSON.name, PERSON.document_number, PERSON.phone, PERSON.address)
OPENING = filed(applicant=PERSON)
BY_AGENT = filed(applicant=PERSON, mandate=replace(mandate(), client=PERSON))


def ask(answer: Awaitable[Answer]) -> Answer:
    async def wait() -> Answer:
        return await answer

    return asyncio.run(wait())


async def until(true: Callable[[], bool]) -> None:
    """Let others work until something is true."""
    while not true():  # noqa: ASYNC110  what is waited for has no event
        await asyncio.sleep(0.01)


def told_of(
    *facts: Fact, opening: Filed = OPENING, kind: str = "case.event"
) -> list[wire_feed.FeedEntry]:
    """What intake tells of a case: its opening and what happened to it."""
    history = History(opening).extend(facts)
    return [
        wire_feed.FeedEntry(position=position, kind=kind, subject="case-1", payload=raw)
        for position, raw in enumerate(history.raws, 1)
    ]


def in_force(
    *items: ItemVersion, position: int = 1, kind: ReleaseKind = ReleaseKind.CATALOGUE
) -> wire_feed.FeedEntry:
    """What branch-sync tells of a catalogue."""
    content = CATALOGUE.to_bytes(Catalogue(items, "test"))
    body = ReleaseBody(Suite.ED25519, kind, COUNTY, 1, START, START, content, "")
    payload = wire_release.SignedRelease(body=RELEASE.to_bytes(body)).SerializeToString()
    return wire_feed.FeedEntry(position=position, kind="release.in_force", payload=payload)


def take(
    database: Database,
    entries: Sequence[wire_feed.FeedEntry],
    feed: str = "intake",
    channels: Sequence[str] = ("file",),
    now: datetime = START,
) -> None:
    database.transact(lambda c: writing.take(c, divisions(), channels, feed, entries, now))


def notices(database: Database) -> list[Row[Any]]:
    return rows(database, tables.notice)


def send(database: Database, channel: Channel, now: datetime) -> int:
    """One round of a channel's loop."""
    return ask(send_due(database, channel, lambda: now))


def notice(notice_id: str = "intake-1-applicant", text: str = "已受理。") -> Notice:
    return Notice(notice_id, "case-1", "applicant", PERSON.phone, text, START)

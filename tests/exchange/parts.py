"""What the tests of the exchange ask for and look at: wishes, queues, journals, feeds, incidents."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import Row, Table, select
from tests.simulation.halls import Station, World
from tests.simulation.worlds import COUNTY, TOWNSHIP

from hallnet.codec.moments import to_timestamp
from hallnet.exchange import believing, following, tables
from hallnet.exchange.journal import journal_store, keeping
from hallnet.exchange.link import links
from hallnet.federation import limits
from hallnet.places import Address
from hallnet.store import Connection, Database
from hallnet.trust.envelope import Urgency
from hallnet.trust.journal import EntryKind
from hallnet.wire.exchange.v1 import attachment_pb2 as wire_attachment
from hallnet.wire.exchange.v1 import link_pb2 as wire_link
from hallnet.wire.feed.v1 import feed_pb2 as wire_feed
from hallnet.wire.release.v1 import release_pb2 as wire_release
from hallnet.wire.trust.v1 import certificate_pb2 as wire_certificate
from hallnet.wire.trust.v1 import journal_pb2 as wire_trust

SECRET = "方小明的低保申请".encode()
VERSION = "0.1.0"


def dispatch(
    recipient: str,
    payload: bytes = SECRET,
    *,
    kind: str = "test.message",
    subject: str = "matter-1",
    urgency: int = Urgency.ORDINARY,
    attachments: Sequence[wire_attachment.Attachment] = (),
) -> wire_feed.Dispatch:
    return wire_feed.Dispatch(
        recipient=recipient,
        kind=kind,
        subject=subject,
        urgency=urgency,  # type: ignore[arg-type]
        payload=payload,
        attachments=attachments,
    )


def sure_of_itself() -> asyncio.Event:
    """What an exchange waits for after its start, and what has happened already."""
    sure = asyncio.Event()
    sure.set()
    return sure


def want(world: World, at: str, *dispatches: wire_feed.Dispatch) -> None:
    """A service of a hall wants things carried, all because of one event."""
    entry = wire_feed.FeedEntry(kind="test.event", dispatches=dispatches)
    follow(world, at, entry)


def follow(world: World, at: str, *entries: wire_feed.FeedEntry) -> None:
    """The exchange of a hall deals with entries of another service's feed."""
    station = world.at(at)
    station.exchange.transact(lambda c: following.take(c, station.context, entries, world.time.now))


def in_force(signed: wire_release.SignedRelease) -> wire_feed.FeedEntry:
    """What branch-sync tells of a release."""
    return wire_feed.FeedEntry(kind="release.in_force", payload=signed.SerializeToString())


def bundle(world: World, *suites: int) -> wire_certificate.TrustBundle:
    """A trust bundle of all halls of a world, which allows these suites."""
    stations = world.stations.values()
    return wire_certificate.TrustBundle(
        certificates=[item.context.identity.certificate.to_message() for item in stations],
        suites=suites,  # type: ignore[arg-type]
        soft_expires_at=to_timestamp(world.time.now + timedelta(days=1000)),
        hard_expires_at=to_timestamp(world.time.now + timedelta(days=2000)),
    )


def allow(world: World, version: int, *suites: int) -> None:
    """A trust bundle comes into force everywhere that says which suites may be used."""
    raw = bundle(world, *suites).SerializeToString()
    for station in world.stations.values():

        def take(connection: Connection, station: Station = station) -> None:
            believing.take_bundle(connection, station.context, raw, version, world.time.now)

        station.exchange.transact(take)


def pass_on(world: World, *way: str) -> list[wire_link.BatchReply]:
    """One batch over each link of a way, answers included."""
    replies = []
    for giver, taker in itertools.pairwise(way):
        replies.append(give(world, giver, taker))
    return replies


def give(world: World, giver: str, taker: str) -> wire_link.BatchReply:
    """One batch to a neighbour, and its answer."""
    one, other = world.at(giver), world.at(taker)
    batch = world.next_batch(one, other)
    assert batch is not None
    reply = world.take(one, other, batch.data).reply
    world.answer(one, other, batch, reply.SerializeToString())
    return reply


def next_message(world: World, giver: str, taker: str) -> wire_link.Batch:
    """What would go next over a link, as a message that a test can change."""
    batch = world.next_batch(world.at(giver), world.at(taker))
    assert batch is not None
    return wire_link.Batch.FromString(batch.data)


def take(world: World, giver: str, taker: str, message: wire_link.Batch) -> wire_link.BatchReply:
    """Let a hall take a batch from its neighbour."""
    return world.take(world.at(giver), world.at(taker), message.SerializeToString()).reply


def settle_exchanges(world: World) -> None:
    """Let all links carry until nothing waits; the other services stand still."""
    for _ in range(100):
        carried = [world.carry_link(station) for station in world.stations.values()]
        if not any(carried):
            return
    raise AssertionError("the links do not come to rest")


def rows(database: Database, table: Table) -> list[Row[Any]]:
    def read(connection: Any) -> list[Row[Any]]:
        return list(connection.execute(select(table).order_by(*table.primary_key)))

    return database.look(read)


def everything(database: Database) -> dict[str, list[Row[Any]]]:
    """All rows of all tables."""
    return {table.name: rows(database, table) for table in tables.metadata.sorted_tables}


def deliveries(station: Station) -> list[Row[Any]]:
    return rows(station.exchange, tables.delivery)


def parcels(station: Station) -> list[Row[Any]]:
    """What others brought and this hall passes on."""
    return rows(station.exchange, tables.parcel)


def queued(station: Station) -> list[Row[Any]]:
    """Own envelopes that wait for a link."""
    return [row for row in deliveries(station) if row.queued]


def sent_bodies(station: Station) -> dict[int, bytes]:
    """Sealed bodies of own envelopes, by their place in the journal."""
    return {row.leaf_index: row.sealed_body for row in rows(station.exchange, tables.sent)}


def receipt_bodies(station: Station) -> dict[bytes, bytes]:
    """The verdicts on own envelopes, by envelope."""
    judged = [row for row in deliveries(station) if row.receipt_leaf_index is not None]
    return station.exchange.look(
        lambda c: {row.envelope_id: keeping.kept_receipt(c, row).body for row in judged}
    )


def receptions(station: Station) -> list[Row[Any]]:
    return rows(station.exchange, tables.reception)


def journal(station: Station, kind: EntryKind) -> list[bytes]:
    """The data of all entries of a kind."""
    return [entry.data for entry in journal_entries(station) if int(entry.kind) == kind]


def journal_size(station: Station) -> int:
    return len(journal_entries(station))


def journal_entries(station: Station) -> list[wire_trust.JournalEntry]:
    def read(connection: Connection) -> list[wire_trust.JournalEntry]:
        size = journal_store.size(connection)
        runs = journal_store.read_runs(connection, 0, size)
        return [entry for run in runs for entry in run.entries]

    return station.exchange.look(read)


def told(station: Station, kind: str) -> list[wire_feed.FeedEntry]:
    """What the exchange told the other services of its hall."""
    found: list[wire_feed.FeedEntry] = []
    while True:
        position = found[-1].position if found else 0
        more = station.exchange.look(lambda c, p=position: tables.feed.after(c, p))  # type: ignore[misc]
        if not more:
            return [entry for entry in found if entry.kind == kind]
        found += more


def ended(station: Station) -> list[wire_feed.DeliveryEnded]:
    return [
        wire_feed.DeliveryEnded.FromString(entry.payload)
        for entry in told(station, "delivery.ended")
    ]


def messages(station: Station) -> list[wire_feed.InboundMessage]:
    """What came for the other services of a hall."""
    return [
        wire_feed.InboundMessage.FromString(entry.payload)
        for entry in told(station, "message.received")
    ]


def incidents(station: Station) -> list[wire_trust.Incident]:
    """What was recorded; checks that it stands in the journal and was told to the others."""
    recorded = [row.incident for row in rows(station.exchange, tables.incident)]
    assert recorded == journal(station, EntryKind.INCIDENT)
    assert recorded == [entry.payload for entry in told(station, "incident.recorded")]
    return [wire_trust.Incident.FromString(raw) for raw in recorded]


def reasons(station: Station) -> list[str]:
    return [incident.reason for incident in incidents(station)]


def answers(reply: wire_link.BatchReply) -> list[str]:
    """What became of each parcel."""
    names = {1: "KEPT", 2: "DROPPED", 3: "LATER"}
    return [f"{names[answer.disposition]} {answer.reason}".strip() for answer in reply.answers]


def fill(world: World, giver: str, recipient: str, count: int, size: int = 10) -> None:
    """Many ordinary wishes at once."""
    assert size <= limits.PAYLOAD_BYTES_MAX
    want(world, giver, *(dispatch(recipient, b"x" * size) for _ in range(count)))


def hello(world: World, speaker: str, listener: str) -> wire_link.Hello:
    """What a hall says to its neighbour now."""
    station = world.at(speaker)
    return station.exchange.look(
        lambda c: links.hello(c, station.context, Address(listener), VERSION, world.time.now)
    )


def hear(world: World, listener: str, speaker: str, message: wire_link.Hello) -> None:
    station = world.at(listener)

    def take(connection: Any) -> None:
        entries = links.take_hello(
            connection, station.context, Address(speaker), message, world.time.now
        )
        if entries:
            tables.feed.append(connection, entries)

    station.exchange.transact(take)


def greet(world: World, speaker: str, listener: str) -> None:
    """A hello and its answer."""
    hear(world, listener, speaker, hello(world, speaker, listener))
    hear(world, speaker, listener, hello(world, listener, speaker))


def talk(world: World) -> None:
    """The journals of the township and the county grow."""
    want(world, TOWNSHIP, dispatch(COUNTY))
    settle_exchanges(world)

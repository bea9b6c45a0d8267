"""What a neighbour sends over its link, changed at random: an answer always comes, nothing but an incident
is kept of what is not genuine, and what is genuine counts once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.message import Message
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select
from tests.exchange.forging import Forger
from tests.exchange.parts import dispatch, greet, hello, next_message, pass_on, want
from tests.fuzz.mutating import mutated
from tests.fuzz.searching import numbers, one_world, undone
from tests.simulation.halls import World
from tests.simulation.worlds import CITY, COUNTY, OTHER_COUNTY, TOWNSHIP, worlds

from hallnet.codec import MessageMalformed, parse
from hallnet.exchange import attachments, tables
from hallnet.exchange.certificates import renewing
from hallnet.exchange.link import incoming, links, sending
from hallnet.places import Address
from hallnet.store import Connection
from hallnet.trust.certificate import RequestBody, make_request
from hallnet.wire.exchange.v1 import attachment_pb2 as wire_attachment
from hallnet.wire.exchange.v1 import envelope_pb2 as wire_envelope
from hallnet.wire.exchange.v1 import link_pb2 as wire
from hallnet.wire.feed.v1 import feed_pb2 as wire_feed
from hallnet.wire.trust.v1 import certificate_pb2 as wire_trust

TEXTS = [b"message %d" % number for number in range(3)]


@pytest.fixture(params=["sqlite", "postgresql"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    yield from worlds(request, tmp_path, intakes=False)


@dataclass(frozen=True, slots=True)
class Taken:
    """What came of a batch in a transaction that was undone."""

    reply: wire.BatchReply
    brought: list[bytes]
    """Payloads for the other services."""
    kept: int
    """Rows of envelopes that stay, or go on to others."""


def take(world: World, giver: str, taker: str, data: bytes) -> Taken:
    station = world.at(taker)
    found: list[Taken] = []

    def work(connection: Connection) -> None:
        position, rows = _last(connection), _kept(connection)
        address = Address.parse(giver)
        taken = incoming.take_batch(connection, station.context, address, data, world.time.now)
        brought = [
            wire_feed.InboundMessage.FromString(entry.payload).payload
            for entry in tables.feed.after(connection, position)
            if entry.kind == "message.received"
        ]
        found.append(Taken(taken.reply, brought, _kept(connection) - rows))

    undone(station.exchange, work)
    return found[0]


def _last(connection: Connection) -> int:
    position = 0
    while more := tables.feed.after(connection, position):
        position = more[-1].position
    return position


def _kept(connection: Connection) -> int:
    kept = (tables.reception, tables.seen, tables.parcel)
    return sum(len(connection.execute(select(table)).all()) for table in kept)


def require_answered(taken: Taken) -> None:
    """Every parcel got an answer that a neighbour understands, or the whole batch did."""
    found = {answer.disposition for answer in taken.reply.answers}
    assert found <= {wire.DISPOSITION_KEPT, wire.DISPOSITION_DROPPED}
    assert not (taken.reply.reason and taken.reply.answers)
    if wire.DISPOSITION_KEPT not in found:
        assert (taken.brought, taken.kept) == ([], 0)


# Genuine batches


@pytest.fixture
def envelopes(world: World) -> bytes:
    """Three envelopes of the township for the county."""
    want(world, TOWNSHIP, *(dispatch(COUNTY, text) for text in TEXTS))
    return next_message(world, TOWNSHIP, COUNTY).SerializeToString()


@pytest.fixture
def receipts(world: World) -> bytes:
    """Receipts of another county for the county, and an envelope of the city."""
    want(world, COUNTY, *(dispatch(OTHER_COUNTY) for _ in TEXTS))
    pass_on(world, COUNTY, CITY, OTHER_COUNTY)
    want(world, CITY, dispatch(COUNTY, TEXTS[0]))
    return next_message(world, CITY, COUNTY).SerializeToString()


@pytest.fixture
def relayed(world: World) -> bytes:
    """Envelopes of the township for another county, as the county gets them."""
    want(world, TOWNSHIP, *(dispatch(OTHER_COUNTY, text) for text in TEXTS))
    return next_message(world, TOWNSHIP, COUNTY).SerializeToString()


@one_world
@numbers
def test_of_changed_envelopes_only_the_genuine_are_taken_and_each_once(
    world: World, envelopes: bytes, number: int
) -> None:
    taken = take(world, TOWNSHIP, COUNTY, mutated(envelopes, wire.Batch, number))
    require_answered(taken)
    assert len(taken.brought) == len(set(taken.brought))
    assert set(taken.brought) <= set(TEXTS)


@one_world
@numbers
def test_of_changed_receipts_nothing_is_brought_but_what_is_genuine(
    world: World, receipts: bytes, number: int
) -> None:
    taken = take(world, CITY, COUNTY, mutated(receipts, wire.Batch, number))
    require_answered(taken)
    assert set(taken.brought) <= set(TEXTS)


@one_world
@numbers
def test_of_what_is_changed_on_the_way_a_relay_passes_on_only_the_genuine(
    world: World, relayed: bytes, number: int
) -> None:
    taken = take(world, TOWNSHIP, COUNTY, mutated(relayed, wire.Batch, number))
    require_answered(taken)
    assert taken.brought == []
    assert taken.kept <= 2 * len(TEXTS)


@one_world
@given(data=st.binary(max_size=300))
def test_any_bytes_get_an_answer_and_bring_nothing(world: World, data: bytes) -> None:
    taken = take(world, TOWNSHIP, COUNTY, data)
    require_answered(taken)
    assert (taken.brought, taken.kept) == ([], 0)


# Replies and hellos


@one_world
@numbers
def test_a_changed_reply_ends_no_delivery_that_has_no_proof(world: World, number: int) -> None:
    """Any reply is taken or counts as none."""
    township = world.at(TOWNSHIP)
    if not township.exchange.look(lambda c: c.execute(select(tables.delivery)).all()):
        want(world, TOWNSHIP, *(dispatch(COUNTY, text) for text in TEXTS))
    batch = world.next_batch(township, world.at(COUNTY))
    assert batch is not None
    genuine = take(world, TOWNSHIP, COUNTY, batch.data).reply.SerializeToString()
    reply = sending.read_reply(mutated(genuine, wire.BatchReply, number))

    def work(connection: Connection) -> None:
        before = _verdicts(connection)
        sending.apply_reply(
            connection, township.context, Address(COUNTY), batch, reply, world.time.now, 0.5
        )
        assert len(_verdicts(connection)) == len(before)

    undone(township.exchange, work)


def _verdicts(connection: Connection) -> list[Any]:
    return list(connection.execute(select(tables.delivery.c.state)))


@one_world
@numbers
def test_a_changed_hello_holds_up_nobody(world: World, number: int) -> None:
    county = world.at(COUNTY)
    if not county.exchange.look(lambda c: c.execute(select(tables.delivery)).all()):
        want(world, TOWNSHIP, dispatch(COUNTY))
        want(world, COUNTY, dispatch(TOWNSHIP))
        greet(world, TOWNSHIP, COUNTY)
        want(world, TOWNSHIP, dispatch(COUNTY))
    said = hello(world, TOWNSHIP, COUNTY).SerializeToString()
    try:
        message = parse(wire.Hello, mutated(said, wire.Hello, number))
    except MessageMalformed:
        return

    def work(connection: Connection) -> None:
        links.take_hello(connection, county.context, Address(TOWNSHIP), message, world.time.now)

    undone(county.exchange, work)


# A certified hall that writes what it likes


@one_world
@numbers
def test_whatever_a_certified_hall_writes_in_a_header_is_answered(
    world: World, number: int
) -> None:
    who = Forger(world.at(TOWNSHIP).context.identity)
    to = world.at(COUNTY).context.identity.certificate
    letter = who.letter(to, world.time.now)
    forged = replace(letter, header=mutated(letter.header, wire_envelope.Header, number))
    good = who.letter(to, world.time.now, payload=TEXTS[0])
    batch = who.batch(world.time.now, [forged, good]).SerializeToString()
    taken = take(world, TOWNSHIP, COUNTY, batch)
    require_answered(taken)
    assert taken.reply.answers[1].disposition == wire.DISPOSITION_KEPT
    assert TEXTS[0] in taken.brought


def _request(world: World) -> wire_trust.CertificateRequest:
    identity = world.at(TOWNSHIP).context.identity
    certificate = identity.certificate.body
    body = RequestBody(
        suite=certificate.suite,
        subject=identity.address,
        name=certificate.name,
        signing_key=certificate.signing_key,
        sealing_key=certificate.sealing_key,
        link_key=b"k" * 91,
        requested_at=world.time.now,
        suites=(1, 2),
    )
    return make_request(body, identity.signing_key)


def _chunk(world: World) -> Message:
    named = wire_attachment.Attachment(digest=b"d" * 32, size=600 * 1024)
    return wire_attachment.AttachmentChunk(attachment=named, data=b"d" * 100)


OWN_KINDS = {
    renewing.REQUEST_KIND: _request,
    renewing.ISSUED_KIND: lambda world: wire_trust.Welcome(
        chain=[item.to_message() for item in world.at(COUNTY).context.identity.chain]
    ),
    attachments.CHUNK_KIND: _chunk,
}


@pytest.mark.parametrize("kind", OWN_KINDS)
@one_world
@numbers
def test_whatever_a_certified_hall_tells_the_exchange_is_answered(
    world: World, kind: str, number: int
) -> None:
    genuine = OWN_KINDS[kind](world)
    payload = mutated(genuine.SerializeToString(), type(genuine), number)
    who = Forger(world.at(TOWNSHIP).context.identity)
    to = world.at(COUNTY).context.identity.certificate
    letters = [
        who.letter(to, world.time.now, kind=kind, payload=payload),
        who.letter(to, world.time.now, payload=TEXTS[0]),
    ]
    batch = who.batch(world.time.now, letters).SerializeToString()
    taken = take(world, TOWNSHIP, COUNTY, batch)
    require_answered(taken)
    assert TEXTS[0] in taken.brought

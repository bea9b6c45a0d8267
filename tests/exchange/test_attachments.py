"""Materials on their way: in pieces, in any order, once to each hall, and usable only when they are right."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterable, Sequence

import pytest
from tests.exchange.parts import (
    deliveries,
    dispatch,
    messages,
    parcels,
    receptions,
    rows,
    settle_exchanges,
    told,
    want,
)
from tests.simulation.halls import Station, World
from tests.simulation.worlds import COUNTY, OTHER_COUNTY, TOWNSHIP

from hallnet.exchange import attachments, outgoing, tables
from hallnet.exchange.attachments import CHUNK_KIND, AttachmentWish
from hallnet.federation import limits
from hallnet.federation.delivery import State
from hallnet.places import Address
from hallnet.store import Connection
from hallnet.trust.envelope import Urgency
from hallnet.wire.exchange.v1 import attachment_pb2 as wire
from hallnet.wire.feed.v1 import feed_pb2 as wire_feed

STEP = limits.ATTACHMENT_CHUNK_BYTES
SIZES = [0, 1, STEP - 1, STEP, STEP + 1, 2 * STEP, 2 * STEP + 7]


def material(size: int, label: str = "scan") -> bytes:
    """Bytes that differ from place to place."""
    return random.Random(f"{label} {size}").randbytes(size)


def named(data: bytes) -> wire.Attachment:
    return wire.Attachment(digest=hashlib.sha256(data).digest(), size=len(data))


def pieces(data: bytes) -> list[bytes]:
    """The payloads that carry a material."""
    wish = AttachmentWish(named(data).digest, Address(COUNTY), len(data), "matter-1")
    return [item.payload for item in attachments.chunks(wish, data)]


def come(world: World, payloads: Iterable[bytes], sender: str = TOWNSHIP) -> None:
    """Pieces come to the county, each in a transaction of its own."""
    county = world.at(COUNTY)
    for payload in payloads:

        def take(connection: Connection, payload: bytes = payload) -> None:
            entries = attachments.take_chunk(
                connection, Address(sender), "matter-1", payload, world.time.now
            )
            if entries:
                tables.feed.append(connection, entries)

        county.exchange.transact(take)


def arrived(station: Station) -> list[bytes]:
    """Digests of the materials that were told to be complete."""
    return [
        wire_feed.AttachmentArrived.FromString(entry.payload).attachment.digest
        for entry in told(station, "attachment.arrived")
    ]


def has(station: Station, data: bytes) -> bool:
    """Whether a material is complete; if so, its bytes must be the right ones."""
    digest = named(data).digest
    if not station.exchange.look(lambda c: attachments.is_complete(c, digest)):
        return False
    assert b"".join(station.exchange.look(lambda c: attachments.read(c, digest))) == data
    return True


@pytest.mark.parametrize("size", SIZES)
def test_a_material_of_any_size_arrives_whole_and_is_told_once(world: World, size: int) -> None:
    data = material(size)
    come(world, pieces(data))
    assert has(world.at(COUNTY), data)
    assert arrived(world.at(COUNTY)) == [named(data).digest]


@pytest.mark.parametrize("seed", range(3))
def test_pieces_come_in_any_order_and_any_number_of_times(world: World, seed: int) -> None:
    data = material(2 * STEP + 7)
    payloads = pieces(data) * 2
    random.Random(seed).shuffle(payloads)
    come(world, payloads)
    assert has(world.at(COUNTY), data)
    assert arrived(world.at(COUNTY)) == [named(data).digest]


def test_a_material_with_a_gap_is_not_usable(world: World) -> None:
    data = material(2 * STEP + 7)
    first, second, third = pieces(data)
    come(world, [first, third, first, third])
    assert not has(world.at(COUNTY), data)
    assert arrived(world.at(COUNTY)) == []
    come(world, [second])
    assert has(world.at(COUNTY), data)


def test_the_largest_material_is_carried_and_one_byte_more_is_not(world: World) -> None:
    largest = material(limits.ATTACHMENT_BYTES_MAX)
    come(world, pieces(largest))
    assert has(world.at(COUNTY), largest)
    come(world, pieces(largest + b"x")[:1])
    assert [row.digest for row in rows(world.at(COUNTY).exchange, tables.attachment)] == [
        named(largest).digest
    ]


# Pieces that are wrong


def piece(data: bytes, offset: int, content: bytes, size: int | None = None) -> bytes:
    attachment = named(data)
    if size is not None:
        attachment.size = size
    return wire.AttachmentChunk(
        attachment=attachment, offset=offset, data=content
    ).SerializeToString()


WHOLE = material(STEP + 7)
WRONG: dict[str, bytes] = {
    "rubbish": b"\xff\xff\xff",
    "nothing": b"",
    "a digest that is none": wire.AttachmentChunk(
        attachment=wire.Attachment(digest=b"short", size=3), data=b"abc"
    ).SerializeToString(),
    "an odd offset": piece(WHOLE, 1, WHOLE[1:STEP]),
    "beyond the end": piece(WHOLE, 2 * STEP, b"x"),
    "longer than the rest": piece(WHOLE, STEP, WHOLE[STEP:] + b"x"),
    "an offset that no store can hold": piece(WHOLE, (2**63 // STEP) * STEP, b""),
    "a size over the limit": piece(WHOLE, 0, WHOLE[:STEP], limits.ATTACHMENT_BYTES_MAX + 1),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_a_piece_that_cannot_be_right_is_passed_over(world: World, wrong: str) -> None:
    come(world, [WRONG[wrong]])
    assert rows(world.at(COUNTY).exchange, tables.attachment_chunk) == []
    come(world, pieces(WHOLE))
    assert has(world.at(COUNTY), WHOLE)


def test_wrong_bytes_are_noticed_and_the_material_begins_anew(world: World) -> None:
    first, second = pieces(WHOLE)
    come(world, [piece(WHOLE, 0, bytes(STEP)), second])
    assert not has(world.at(COUNTY), WHOLE)
    assert arrived(world.at(COUNTY)) == []
    assert rows(world.at(COUNTY).exchange, tables.attachment_chunk) == []
    come(world, [first, second])
    assert has(world.at(COUNTY), WHOLE)


LIES = {
    "wrong bytes": [piece(WHOLE, 0, bytes(STEP))],
    "a shorter piece": [piece(WHOLE, 0, WHOLE[: STEP - 1])],
    "a smaller size": [piece(WHOLE, 0, WHOLE[:100], 100)],
    "a larger size": [piece(WHOLE, 0, WHOLE[:STEP], len(WHOLE) + 1)],
    "all of it wrong": [piece(WHOLE, 0, bytes(STEP)), piece(WHOLE, STEP, bytes(7))],
}


@pytest.mark.parametrize("lie", LIES)
def test_a_hall_that_lies_about_a_material_harms_nobody_elses_pieces(
    world: World, lie: str
) -> None:
    """Whoever knows a digest may send pieces under it, before, between and after the true ones."""
    first, second = pieces(WHOLE)
    come(world, LIES[lie], OTHER_COUNTY)
    come(world, [first], TOWNSHIP)
    come(world, LIES[lie], OTHER_COUNTY)
    come(world, [second], TOWNSHIP)
    assert has(world.at(COUNTY), WHOLE)
    come(world, LIES[lie], OTHER_COUNTY)
    assert has(world.at(COUNTY), WHOLE)
    assert arrived(world.at(COUNTY)) == [named(WHOLE).digest]


def test_a_material_that_two_halls_send_is_told_once(world: World) -> None:
    come(world, pieces(WHOLE), TOWNSHIP)
    come(world, pieces(WHOLE), OTHER_COUNTY)
    assert has(world.at(COUNTY), WHOLE)
    assert arrived(world.at(COUNTY)) == [named(WHOLE).digest]


# Sending


def carry_attachments(world: World, at: str, stored: Sequence[bytes]) -> int:
    """What the exchange does with its wishes; the materials are at hand as bytes."""
    station = world.at(at)
    by_digest = {named(data).digest: data for data in stored}
    wishes = station.exchange.look(attachments.open_wishes)
    for wish in wishes:

        def send(connection: Connection, wish: AttachmentWish = wish) -> None:
            chunks = attachments.chunks(wish, by_digest[wish.digest])
            outgoing.send(connection, station.context, chunks, world.time.now)
            attachments.fulfil(connection, wish)

        station.exchange.transact(send)
    return len(wishes)


def test_a_material_travels_apart_from_its_message_as_bulk(world: World) -> None:
    want(world, TOWNSHIP, dispatch(COUNTY, attachments=[named(WHOLE)]))
    assert carry_attachments(world, TOWNSHIP, [WHOLE]) == 1
    queued = parcels(world.at(TOWNSHIP))
    assert [(row.kind, row.urgency) for row in queued] == [
        ("test.message", Urgency.ORDINARY),
        (CHUNK_KIND, Urgency.BULK),
        (CHUNK_KIND, Urgency.BULK),
    ]
    settle_exchanges(world)
    assert has(world.at(COUNTY), WHOLE)
    assert [message.kind for message in messages(world.at(COUNTY))] == ["test.message"]
    assert {row.state for row in deliveries(world.at(TOWNSHIP))} == {State.ACCEPTED}


def test_a_material_goes_to_a_hall_once_however_many_messages_name_it(world: World) -> None:
    for _ in range(2):
        want(world, TOWNSHIP, dispatch(COUNTY, attachments=[named(WHOLE)]))
        want(world, TOWNSHIP, dispatch(OTHER_COUNTY, attachments=[named(WHOLE), named(WHOLE)]))
    assert carry_attachments(world, TOWNSHIP, [WHOLE]) == 2
    want(world, TOWNSHIP, dispatch(COUNTY, attachments=[named(WHOLE)]))
    assert carry_attachments(world, TOWNSHIP, [WHOLE]) == 0
    settle_exchanges(world)
    assert has(world.at(COUNTY), WHOLE)
    assert has(world.at(OTHER_COUNTY), WHOLE)


def test_nothing_is_wished_for_oneself_or_beyond_the_limit(world: World) -> None:
    too_large = wire.Attachment(digest=b"d" * 32, size=limits.ATTACHMENT_BYTES_MAX + 1)
    want(world, TOWNSHIP, dispatch(TOWNSHIP, attachments=[named(WHOLE)]))
    want(world, TOWNSHIP, dispatch(COUNTY, attachments=[too_large]))
    assert carry_attachments(world, TOWNSHIP, []) == 0


def test_a_message_whose_material_is_named_wrongly_holds_up_nobody(world: World) -> None:
    bad = wire.Attachment(digest=b"short", size=2**64 - 1)
    want(world, TOWNSHIP, dispatch(COUNTY, attachments=[bad]), dispatch(COUNTY, b"good"))
    settle_exchanges(world)
    assert [message.payload for message in messages(world.at(COUNTY))][-1] == b"good"


def test_pieces_are_not_kept_twice_at_the_recipient(world: World) -> None:
    """The content of a piece stands with the material, not beside its receipt as well."""
    want(world, TOWNSHIP, dispatch(COUNTY, attachments=[named(WHOLE)]))
    carry_attachments(world, TOWNSHIP, [WHOLE])
    settle_exchanges(world)
    kept = {row.kind: row.sealed_body is not None for row in receptions(world.at(COUNTY))}
    assert kept == {"test.message": True, CHUNK_KIND: False}


def test_a_cut_link_costs_no_more_than_a_piece(world: World) -> None:
    data = material(3 * STEP)
    want(world, OTHER_COUNTY, dispatch(COUNTY, attachments=[named(data)]))
    carry_attachments(world, OTHER_COUNTY, [data])
    world.carry(world.at(OTHER_COUNTY), world.at("3301"))
    world.at(COUNTY).cut = True
    settle_exchanges(world)
    assert not has(world.at(COUNTY), data)
    world.restart("3301")
    world.at(COUNTY).cut = False
    settle_exchanges(world)
    assert has(world.at(COUNTY), data)

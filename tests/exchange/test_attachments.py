"""Materials on their way: in pieces, in any order, once to each hall, and usable only when they are right."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterable
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import event
from tests.exchange.parts import incidents, rows, told
from tests.simulation.halls import Station, World, read_slice
from tests.simulation.worlds import COUNTY, OTHER_COUNTY, TOWNSHIP

from hallnet.exchange import attachments, tables
from hallnet.exchange.attachment_sending import chunk_of
from hallnet.exchange.attachment_wishes import AttachmentWish
from hallnet.exchange.attachments import Piece
from hallnet.federation import chunks, limits
from hallnet.places import Address
from hallnet.problems import Problem
from hallnet.store import Connection
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
    return [chunk_of(wish, at, data[at : at + STEP]) for at in range(0, max(len(data), 1), STEP)]


def come(
    world: World,
    payloads: Iterable[bytes],
    sender: str = TOWNSHIP,
    sealed_at: datetime | None = None,
) -> list[str]:
    """Pieces come to the county, each in a transaction of its own; then they are looked at.

    Returns what the receipts say.
    """
    county = world.at(COUNTY)
    said = []
    for payload in payloads:

        def take(connection: Connection, payload: bytes = payload) -> str | Problem:
            piece = Piece(Address(sender), "matter-1", payload, sealed_at or world.time.now)
            (answer,), _ = attachments.take_chunks(connection, [piece], world.time.now)
            return answer

        answer = county.exchange.transact(take)
        said.append(answer.reason if isinstance(answer, Problem) else answer)
    world.look_after_attachments(county)
    return said


def arrived(station: Station) -> list[bytes]:
    """Digests of the materials that were told to be complete."""
    return [
        wire_feed.AttachmentArrived.FromString(entry.payload).attachment.digest
        for entry in told(station, "attachment.arrived")
    ]


def has(station: Station, data: bytes) -> bool:
    """Whether a material is usable; if so, its bytes must be the right ones."""
    digest, read = named(data).digest, b""
    if station.exchange.look(lambda c: attachments.read(c, digest, 0)) is None:
        return False
    while more := read_slice(station, digest, len(read)):
        read += more
    assert read == data
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


@pytest.mark.parametrize("seed", range(3))
def test_runs_of_chunks_come_in_any_order_and_over_each_other(world: World, seed: int) -> None:
    """Where a sending begins anew, it may cut the material into other runs."""
    data, chance = material(9 * STEP + 7), random.Random(seed)
    runs = []
    for longest in (1, 3, limits.ATTACHMENT_RUN_CHUNKS_MAX):
        numbers = chunks.runs(range(chunks.count_of(len(data))), longest)
        some = chance.sample(numbers, len(numbers) - 1) if longest < 4 else numbers
        runs += [
            piece(data, run.start * STEP, data[run.start * STEP :][: len(run) * STEP])
            for run in some
        ]
    chance.shuffle(runs)
    come(world, runs)
    assert has(world.at(COUNTY), data)
    assert arrived(world.at(COUNTY)) == [named(data).digest]


@pytest.mark.parametrize("size", SIZES)
def test_the_bytes_may_stand_in_the_message_or_be_attached_to_it(world: World, size: int) -> None:
    data, county = material(size), world.at(COUNTY)
    for payload in pieces(data):
        chunk = wire.AttachmentChunk.FromString(payload)
        attached, chunk.data = chunk.data, b""
        piece = Piece(
            Address(TOWNSHIP), "matter-1", chunk.SerializeToString(), world.time.now, attached
        )
        county.exchange.transact(
            lambda c, piece=piece: attachments.take_chunks(c, [piece], world.time.now)  # type: ignore[misc]
        )
    world.look_after_attachments(county)
    assert has(county, data)


def test_a_material_with_a_gap_is_not_usable(world: World) -> None:
    data = material(2 * STEP + 7)
    first, second, third = pieces(data)
    come(world, [first, third, first, third])
    assert not has(world.at(COUNTY), data)
    assert arrived(world.at(COUNTY)) == []
    come(world, [second])
    assert has(world.at(COUNTY), data)


def test_a_byte_more_than_the_largest_material_is_refused(world: World) -> None:
    data, largest = material(STEP), limits.ATTACHMENT_BYTES_MAX
    too_large, fitting = (piece(data, 0, data, size) for size in (largest + 1, largest))
    assert come(world, [too_large, fitting]) == ["ATTACHMENT_MALFORMED", ""]
    kept = rows(world.at(COUNTY).exchange, tables.attachment)
    assert [(row.size, row.received) for row in kept] == [(largest, STEP)]


def test_a_chunk_costs_the_same_however_much_came_before(world: World) -> None:
    """No statement of a chunk reads the bytes of the others."""
    data = material(3 * STEP)
    first, second, third = pieces(data)
    come(world, [first, second])
    read: list[str] = []

    def listen(_c: Any, _cursor: Any, statement: str, *_: Any) -> None:
        read.append(statement)

    engine = world.at(COUNTY).exchange.engine
    event.listen(engine, "before_cursor_execute", listen)
    county = world.at(COUNTY)
    piece = Piece(Address(TOWNSHIP), "matter-1", third, world.time.now)
    county.exchange.transact(lambda c: attachments.take_chunks(c, [piece], world.time.now))
    event.remove(engine, "before_cursor_execute", listen)
    assert read
    assert not [text for text in read if "SELECT" in text and "attachment_chunk.data" in text]


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
    "a run that ends within a chunk": piece(material(3 * STEP), 0, material(3 * STEP)[: STEP + 1]),
    "a run that is too long": piece(
        material(9 * STEP), 0, material(9 * STEP)[: (limits.ATTACHMENT_RUN_CHUNKS_MAX + 1) * STEP]
    ),
    "longer than the rest": piece(WHOLE, STEP, WHOLE[STEP:] + b"x"),
    "an offset that no store can hold": piece(WHOLE, (2**63 // STEP) * STEP, b""),
    "a size over the limit": piece(WHOLE, 0, WHOLE[:STEP], limits.ATTACHMENT_BYTES_MAX + 1),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_a_piece_that_cannot_be_right_is_refused(world: World, wrong: str) -> None:
    assert come(world, [WRONG[wrong]]) == ["ATTACHMENT_MALFORMED"]
    assert rows(world.at(COUNTY).exchange, tables.attachment_chunk) == []
    come(world, pieces(WHOLE))
    assert has(world.at(COUNTY), WHOLE)


def test_wrong_bytes_are_noticed_and_the_material_begins_anew(world: World) -> None:
    first, second = pieces(WHOLE)
    come(world, [piece(WHOLE, 0, bytes(STEP)), second])
    assert not has(world.at(COUNTY), WHOLE)
    assert arrived(world.at(COUNTY)) == []
    assert [incident.reason for incident in incidents(world.at(COUNTY))] == ["ATTACHMENT_SPOILED"]
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


# What a hall says of what it has


def test_who_shows_how_a_material_begins_hears_that_it_is_here(world: World) -> None:
    come(world, pieces(WHOLE), TOWNSHIP)
    first, second = pieces(WHOLE)
    assert come(world, [first], OTHER_COUNTY) == [attachments.HERE]
    assert come(world, [first, second], TOWNSHIP) == [attachments.HERE] * 2


def test_who_only_knows_the_digest_does_not_learn_that_a_material_is_here(world: World) -> None:
    wrong, late = piece(WHOLE, 0, bytes(STEP)), pieces(WHOLE)[1]
    before = come(world, [wrong, late], OTHER_COUNTY)
    come(world, pieces(WHOLE), TOWNSHIP)
    assert come(world, [wrong, late], OTHER_COUNTY) == before == ["", ""]


def test_a_material_on_its_way_from_two_halls_is_not_awaited_from_the_second(world: World) -> None:
    data = material(3 * STEP)
    first, second, third = pieces(data)
    come(world, [first, second], OTHER_COUNTY)
    come(world, [first, second, third], TOWNSHIP)
    assert come(world, [third], OTHER_COUNTY) == [attachments.HERE]
    kept = rows(world.at(COUNTY).exchange, tables.attachment_chunk)
    assert {row.sender for row in kept} == {TOWNSHIP}


def test_bytes_are_dropped_once_they_are_kept_elsewhere_and_not_before(world: World) -> None:
    county, digest = world.at(COUNTY), named(WHOLE).digest
    county.exchange.transact(lambda c: attachments.release(c, digest, world.time.now))
    come(world, pieces(WHOLE))
    assert has(county, WHOLE)
    county.exchange.transact(lambda c: attachments.release(c, digest, world.time.now))
    world.look_after_attachments(county)
    assert come(world, pieces(WHOLE)) == [attachments.HERE] * 2
    assert rows(county.exchange, tables.attachment_chunk) == []


def test_a_copy_of_which_nothing_more_comes_is_given_up(world: World) -> None:
    county = world.at(COUNTY)
    come(world, pieces(WHOLE)[:1])
    for days, left in ((59, 1), (2, 0)):
        world.time.pass_by(days=days)
        county.exchange.transact(lambda c: attachments.give_up_old(c, world.time.now))
        world.look_after_attachments(county)
        assert len(rows(county.exchange, tables.attachment_chunk)) == left
    come(world, pieces(WHOLE))
    assert has(county, WHOLE)

"""Materials that go: a window at a time, each chunk once, held back where there is no room."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import pytest
from tests.exchange.parts import (
    deliveries,
    dispatch,
    messages,
    parcels,
    queued,
    receptions,
    rows,
    sent_bodies,
    settle_exchanges,
    want,
)
from tests.exchange.test_attachments import STEP, WHOLE, come, has, material, named, pieces
from tests.simulation.halls import Station, World, send_portion
from tests.simulation.worlds import CITY, COUNTY, OTHER_COUNTY, TOWNSHIP

from hallnet.exchange import attachment_wishes, attachments, tables
from hallnet.exchange.attachments import CHUNK_KIND
from hallnet.exchange.link import links
from hallnet.federation import chunks, limits
from hallnet.federation.delivery import State
from hallnet.places import Address
from hallnet.store.room import ROOMY, Room
from hallnet.trust.envelope import Urgency
from hallnet.wire.exchange.v1 import attachment_pb2 as wire

WINDOW = limits.ATTACHMENT_WINDOW_CHUNKS
FULL = Room(free_bytes=0, free_bytes_min=1)


def seal_portions(world: World, at: str, stored: Sequence[bytes], run_length: int = 1) -> list[int]:
    """What the exchange does with its wishes, once; says how many chunks of each were sealed."""
    station = world.at(at)
    by_digest = {named(data).digest: data for data in stored}
    sealed = []
    for portion in station.exchange.look(attachment_wishes.next_portions):
        data = by_digest[portion.wish.digest]
        bytes_of_it = data[portion.offset : portion.offset + portion.length]
        send_portion(world, station, portion, bytes_of_it, run_length)
        sealed.append(len(portion.numbers))
    return sealed


def carry_whole(world: World, at: str, stored: Sequence[bytes], run_length: int = 1) -> int:
    """Seal and carry until nothing moves; says how many chunks were sealed."""
    count = 0
    while sealed := seal_portions(world, at, stored, run_length):
        count += sum(sealed)
        settle_exchanges(world)
    for station in world.stations.values():
        world.look_after_attachments(station)
    return count


def wishes(station: Station) -> list[tuple[int, int, bool, str]]:
    return [
        (row.sent, row.answered, row.done, row.reason)
        for row in rows(station.exchange, tables.attachment_wish)
    ]


def test_a_material_travels_apart_from_its_message_as_bulk(world: World) -> None:
    want(world, TOWNSHIP, dispatch(COUNTY, attachments=[named(WHOLE)]))
    assert seal_portions(world, TOWNSHIP, [WHOLE]) == [1]
    assert [(row.kind, row.urgency) for row in queued(world.at(TOWNSHIP))] == [
        ("test.message", Urgency.ORDINARY),
        (CHUNK_KIND, Urgency.BULK),
    ]
    settle_exchanges(world)
    assert carry_whole(world, TOWNSHIP, [WHOLE]) == 1
    assert has(world.at(COUNTY), WHOLE)
    assert [message.kind for message in messages(world.at(COUNTY))] == ["test.message"]
    assert {row.state for row in deliveries(world.at(TOWNSHIP))} == {State.ACCEPTED}
    assert wishes(world.at(TOWNSHIP)) == [(2, 2, True, "")]


@pytest.mark.parametrize("run_length", [2, limits.ATTACHMENT_RUN_CHUNKS_MAX])
def test_chunks_in_a_row_go_in_one_envelope_to_a_neighbour_that_takes_them(
    world: World, run_length: int
) -> None:
    data = material(2 * limits.ATTACHMENT_PORTION_CHUNKS * STEP + 7)
    count = chunks.count_of(len(data))
    want(world, TOWNSHIP, dispatch(COUNTY, attachments=[named(data)]))
    assert carry_whole(world, TOWNSHIP, [data], run_length) == count
    assert has(world.at(COUNTY), data)
    assert wishes(world.at(TOWNSHIP)) == [(count, count, True, "")]
    carried = [row for row in deliveries(world.at(TOWNSHIP)) if row.kind == CHUNK_KIND]
    assert len(carried) <= 3 + count // run_length


def test_an_empty_material_is_carried_too(world: World) -> None:
    want(world, TOWNSHIP, dispatch(COUNTY, attachments=[named(b"")]))
    assert carry_whole(world, TOWNSHIP, [b""]) == 1
    assert has(world.at(COUNTY), b"")


def test_a_material_goes_to_a_hall_once_however_many_messages_name_it(world: World) -> None:
    for _ in range(2):
        want(world, TOWNSHIP, dispatch(COUNTY, attachments=[named(WHOLE)]))
        want(world, TOWNSHIP, dispatch(OTHER_COUNTY, attachments=[named(WHOLE), named(WHOLE)]))
    assert carry_whole(world, TOWNSHIP, [WHOLE]) == 4
    want(world, TOWNSHIP, dispatch(COUNTY, attachments=[named(WHOLE)]))
    assert carry_whole(world, TOWNSHIP, [WHOLE]) == 0
    assert has(world.at(COUNTY), WHOLE)
    assert has(world.at(OTHER_COUNTY), WHOLE)


def test_of_a_material_that_the_recipient_has_only_the_first_chunk_goes(world: World) -> None:
    data = material(5 * STEP)
    come(world, pieces(data), CITY)
    want(world, TOWNSHIP, dispatch(COUNTY, attachments=[named(data)]))
    assert carry_whole(world, TOWNSHIP, [data]) == 1
    assert wishes(world.at(TOWNSHIP)) == [(1, 0, True, "")]


def test_a_material_does_not_go_back_to_where_it_came_from(world: World) -> None:
    come(world, pieces(WHOLE), TOWNSHIP)
    want(world, COUNTY, dispatch(TOWNSHIP, attachments=[named(WHOLE)]))
    assert carry_whole(world, COUNTY, [WHOLE]) == 0


def test_never_more_than_a_window_of_a_material_lies_in_the_queue(world: World) -> None:
    data = material(STEP * (2 * WINDOW + 5))
    want(world, TOWNSHIP, dispatch(COUNTY, attachments=[named(data)]))
    township = world.at(TOWNSHIP)
    rounds = 0
    while sealed := seal_portions(world, TOWNSHIP, [data]):
        while more := seal_portions(world, TOWNSHIP, [data]):
            sealed += more
        assert sum(sealed) <= WINDOW
        assert len(sent_bodies(township)) <= WINDOW + 1
        settle_exchanges(world)
        rounds += 1
    assert rounds == 4
    world.look_after_attachments(world.at(COUNTY))
    assert has(world.at(COUNTY), data)


def test_the_window_is_shared_by_all_materials_to_a_hall(world: World) -> None:
    many = [material(100, f"scan {n}") for n in range(WINDOW + 3)]
    want(world, TOWNSHIP, dispatch(COUNTY, attachments=[named(data) for data in many]))
    while seal_portions(world, TOWNSHIP, many):
        pass
    assert len([row for row in queued(world.at(TOWNSHIP)) if row.kind == CHUNK_KIND]) == WINDOW
    want(world, TOWNSHIP, dispatch(OTHER_COUNTY, attachments=[named(WHOLE)]))
    assert seal_portions(world, TOWNSHIP, [WHOLE]) == [1]
    settle_exchanges(world)
    carry_whole(world, TOWNSHIP, [*many, WHOLE])
    assert all(has(world.at(COUNTY), data) for data in many)


def test_what_was_sent_lies_sealed_at_its_sender_no_longer(world: World) -> None:
    want(world, TOWNSHIP, dispatch(COUNTY, attachments=[named(WHOLE)]))
    carry_whole(world, TOWNSHIP, [WHOLE])
    township = world.at(TOWNSHIP)
    kept = {row.kind for row in deliveries(township) if row.leaf_index in sent_bodies(township)}
    assert kept == {"test.message"}


def test_a_hall_on_the_way_keeps_nothing_of_what_it_passed_on(world: World) -> None:
    want(world, TOWNSHIP, dispatch(OTHER_COUNTY, attachments=[named(WHOLE)]))
    carry_whole(world, TOWNSHIP, [WHOLE])
    assert has(world.at(OTHER_COUNTY), WHOLE)
    for hall in (COUNTY, CITY):
        assert CHUNK_KIND not in {row.kind for row in parcels(world.at(hall))}


def test_pieces_are_not_kept_twice_at_the_recipient(world: World) -> None:
    """The content of a piece stands with the material, not beside its receipt as well."""
    want(world, TOWNSHIP, dispatch(COUNTY, attachments=[named(WHOLE)]))
    carry_whole(world, TOWNSHIP, [WHOLE])
    kept = {row.kind: row.sealed_body is not None for row in receptions(world.at(COUNTY))}
    assert kept == {"test.message": True, CHUNK_KIND: False}


def test_nothing_is_wished_for_oneself_or_beyond_the_limit(world: World) -> None:
    too_large = wire.Attachment(digest=b"d" * 32, size=limits.ATTACHMENT_BYTES_MAX + 1)
    want(world, TOWNSHIP, dispatch(TOWNSHIP, attachments=[named(WHOLE)]))
    want(world, TOWNSHIP, dispatch(COUNTY, attachments=[too_large]))
    assert seal_portions(world, TOWNSHIP, []) == []


def test_a_message_whose_material_is_named_wrongly_holds_up_nobody(world: World) -> None:
    bad = wire.Attachment(digest=b"short", size=2**64 - 1)
    want(world, TOWNSHIP, dispatch(COUNTY, attachments=[bad]), dispatch(COUNTY, b"good"))
    settle_exchanges(world)
    assert [message.payload for message in messages(world.at(COUNTY))][-1] == b"good"


def test_a_material_shorter_than_it_was_said_to_be_is_given_up_and_may_be_sent_anew(
    world: World,
) -> None:
    lie = wire.Attachment(digest=named(WHOLE).digest, size=len(WHOLE) + STEP)
    want(world, TOWNSHIP, dispatch(COUNTY, attachments=[lie]))
    carry_whole(world, TOWNSHIP, [WHOLE])
    assert wishes(world.at(TOWNSHIP))[0][2:] == (True, "ATTACHMENT_SIZE_WRONG")
    assert not has(world.at(COUNTY), WHOLE)


def test_a_material_still_on_its_way_here_goes_on_from_here_once_it_is_kept(world: World) -> None:
    """A case may be handed on before all its papers are there."""
    county, digest = world.at(COUNTY), named(WHOLE).digest
    want(world, COUNTY, dispatch(CITY, attachments=[named(WHOLE)]))
    for portion in county.exchange.look(attachment_wishes.next_portions):
        send_portion(world, county, portion, b"", 1)
    assert wishes(county)[0][2:] == (True, "ATTACHMENT_SIZE_WRONG")
    come(world, pieces(WHOLE), TOWNSHIP)
    world.look_after_attachments(county)
    county.exchange.transact(lambda c: attachments.release(c, digest, world.time.now))
    carry_whole(world, COUNTY, [WHOLE])
    assert has(world.at(CITY), WHOLE)


def test_a_refused_chunk_ends_the_sending_with_its_reason(world: World) -> None:
    """The county has begun a copy of another size from the same hall."""
    lie = wire.AttachmentChunk(
        attachment=wire.Attachment(digest=named(WHOLE).digest, size=STEP), data=WHOLE[:STEP]
    )
    lie.attachment.size = 3 * STEP
    come(world, [lie.SerializeToString()], TOWNSHIP)
    want(world, TOWNSHIP, dispatch(COUNTY, attachments=[named(WHOLE)]))
    carry_whole(world, TOWNSHIP, [WHOLE])
    assert wishes(world.at(TOWNSHIP)) == [(1, 0, True, "ATTACHMENT_MALFORMED")]


# After a cut or a crash


def test_a_cut_link_costs_no_more_than_what_was_under_way(world: World) -> None:
    data = material(6 * STEP)
    want(world, OTHER_COUNTY, dispatch(COUNTY, attachments=[named(data)]))
    seal_portions(world, OTHER_COUNTY, [data])
    settle_exchanges(world)
    seal_portions(world, OTHER_COUNTY, [data])
    world.carry(world.at(OTHER_COUNTY), world.at(CITY))
    world.at(COUNTY).cut = True
    settle_exchanges(world)
    assert not has(world.at(COUNTY), data)
    for hall in (CITY, OTHER_COUNTY, COUNTY):
        world.restart(hall)
    world.at(COUNTY).cut = False
    settle_exchanges(world)
    assert carry_whole(world, OTHER_COUNTY, [data]) == 0
    assert has(world.at(COUNTY), data)


@pytest.mark.parametrize("where", [TOWNSHIP, COUNTY])
def test_a_restart_anywhere_sends_no_chunk_twice_and_tells_nothing_twice(
    world: World, where: str
) -> None:
    data = material(4 * STEP + 7)
    want(world, TOWNSHIP, dispatch(COUNTY, attachments=[named(data)]))
    sealed = 0
    for _ in range(20):
        world.restart(where)
        sealed += sum(seal_portions(world, TOWNSHIP, [data]))
        world.restart(where)
        world.carry(world.at(TOWNSHIP), world.at(COUNTY))
        world.restart(where)
        world.look_after_attachments(world.at(COUNTY))
    assert sealed == 5
    assert has(world.at(COUNTY), data)
    chunks = [row for row in deliveries(world.at(TOWNSHIP)) if row.kind == CHUNK_KIND]
    assert [(row.state, row.attempts) for row in chunks] == [(State.ACCEPTED, 1)] * 5


def test_a_lost_answer_makes_no_chunk_count_twice(world: World) -> None:
    data = material(3 * STEP)
    township, county = world.at(TOWNSHIP), world.at(COUNTY)
    want(world, TOWNSHIP, dispatch(COUNTY, attachments=[named(data)]))
    for _ in range(6):
        seal_portions(world, TOWNSHIP, [data])
        batch = world.next_batch(township, county)
        if batch is not None:
            for _ in range(3):
                reply = world.take(township, county, batch.data).reply
            for _ in range(2):
                world.answer(township, county, batch, reply.SerializeToString())
    world.look_after_attachments(county)
    assert has(county, data)
    assert wishes(township) == [(3, 3, True, "")]


# Where there is no room


def test_a_full_hall_holds_materials_back_and_takes_all_else(world: World) -> None:
    county, township = world.at(COUNTY), world.at(TOWNSHIP)
    county.context.room = FULL
    want(world, TOWNSHIP, dispatch(COUNTY, attachments=[named(WHOLE)]))
    seal_portions(world, TOWNSHIP, [WHOLE])
    settle_exchanges(world)
    assert [message.kind for message in messages(county)] == ["test.message"]
    assert rows(county.exchange, tables.attachment) == []
    assert township.exchange.look(lambda c: links.load(c, Address(COUNTY))).up
    want(world, TOWNSHIP, dispatch(COUNTY, b"later"))
    settle_exchanges(world)
    assert [message.payload for message in messages(county)][-1] == b"later"
    assert [row.kind for row in queued(township)] == [CHUNK_KIND]


def test_what_was_held_back_goes_again_after_a_pause(world: World) -> None:
    county = world.at(COUNTY)
    county.context.room = FULL
    want(world, TOWNSHIP, dispatch(COUNTY, attachments=[named(WHOLE)]))
    carry_whole(world, TOWNSHIP, [WHOLE])
    county.context.room = ROOMY
    settle_exchanges(world)
    assert not has(county, WHOLE)
    world.time.pass_by(seconds=limits.ATTACHMENTS_PAUSE / timedelta(seconds=1))
    settle_exchanges(world)
    carry_whole(world, TOWNSHIP, [WHOLE])
    assert has(county, WHOLE)
    assert {row.state for row in deliveries(world.at(TOWNSHIP))} == {State.ACCEPTED}


def test_a_full_hall_on_the_way_holds_materials_back_for_those_behind_it(world: World) -> None:
    world.at(CITY).context.room = FULL
    want(world, COUNTY, dispatch(OTHER_COUNTY, attachments=[named(WHOLE)]))
    want(world, TOWNSHIP, dispatch(COUNTY, attachments=[named(WHOLE)]))
    carry_whole(world, TOWNSHIP, [WHOLE])
    carry_whole(world, COUNTY, [WHOLE])
    assert has(world.at(COUNTY), WHOLE)
    assert len(messages(world.at(OTHER_COUNTY))) == 1
    assert not has(world.at(OTHER_COUNTY), WHOLE)


def test_room_is_left_for_the_copy_that_the_intake_will_make(world: World) -> None:
    data, other = material(3 * STEP), material(STEP, "other")
    county = world.at(COUNTY)
    county.context.room = Room(2 * STEP, 0)
    want(world, TOWNSHIP, dispatch(COUNTY, attachments=[named(data)]))
    for _ in range(3):
        seal_portions(world, TOWNSHIP, [data])
        settle_exchanges(world)
    want(world, TOWNSHIP, dispatch(COUNTY, attachments=[named(other)]))
    carry_whole(world, TOWNSHIP, [data, other])
    assert has(county, data)
    assert not has(county, other)
    county.exchange.transact(lambda c: attachments.release(c, named(data).digest, world.time.now))
    world.time.pass_by(seconds=limits.ATTACHMENTS_PAUSE / timedelta(seconds=1))
    settle_exchanges(world)
    carry_whole(world, TOWNSHIP, [data, other])
    assert has(county, other)


def test_an_urgent_message_overtakes_a_large_material(world: World) -> None:
    data = material(40 * STEP)
    want(world, TOWNSHIP, dispatch(COUNTY, attachments=[named(data)]))
    seal_portions(world, TOWNSHIP, [data])
    settle_exchanges(world)
    seal_portions(world, TOWNSHIP, [data])
    world.carry(world.at(TOWNSHIP), world.at(COUNTY))
    want(world, TOWNSHIP, dispatch(COUNTY, b"now", urgency=Urgency.URGENT))
    world.carry(world.at(TOWNSHIP), world.at(COUNTY))
    assert [message.payload for message in messages(world.at(COUNTY))][-1] == b"now"
    assert not has(world.at(COUNTY), data)

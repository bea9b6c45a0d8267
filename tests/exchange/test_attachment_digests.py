"""Digests of materials on their way: right whatever was missed, and never those of another copy."""

from __future__ import annotations

import hashlib
import random
from datetime import timedelta

import pytest
from tests.exchange.parts import incidents
from tests.exchange.test_attachments import STEP, WHOLE, come, has, material, named, piece, pieces
from tests.simulation.halls import World, inspect
from tests.simulation.worlds import COUNTY, TOWNSHIP

from hallnet.exchange import attachments
from hallnet.exchange.attachment_digests import RUNNING_MAX, CopyId, Kept, RunningDigests
from hallnet.exchange.attachments import Check, Piece
from hallnet.places import Address
from hallnet.store import Connection


def keep(world: World, payload: bytes) -> list[Kept]:
    """A piece comes to the county; returns what was stored of it."""

    def take(connection: Connection) -> list[Kept]:
        one = Piece(Address(TOWNSHIP), "matter-1", payload, world.time.now)
        return attachments.take_chunks(connection, [one], world.time.now)[1]

    return world.at(COUNTY).exchange.transact(take)


def check_with(world: World, digests: RunningDigests) -> tuple[Check, int]:
    """The copy that is whole, looked at with what was digested before; and how much had to be read."""
    county = world.at(COUNTY)
    check = county.exchange.look(attachments.next_check)
    assert check is not None
    check.running = digests.end(check.copy)
    missed = check.size - check.running.offset
    inspect(world, county, check)
    return check, missed


def test_what_was_digested_in_memory_is_not_read_again(world: World) -> None:
    data, digests = material(3 * STEP + 7), RunningDigests()
    for payload in pieces(data):
        digests.add(keep(world, payload))
    _, missed = check_with(world, digests)
    assert missed == 0
    assert has(world.at(COUNTY), data)


@pytest.mark.parametrize("seed", range(4))
def test_what_was_missed_or_came_in_another_order_is_read(world: World, seed: int) -> None:
    data, digests, chance = material(5 * STEP + 7), RunningDigests(), random.Random(seed)
    payloads = pieces(data)
    if seed:
        chance.shuffle(payloads)
    for number, payload in enumerate(payloads):
        kept = keep(world, payload)
        if number != 2:
            digests.add(kept)
    _, missed = check_with(world, digests)
    assert missed > 0
    assert has(world.at(COUNTY), data)


def test_a_wrong_piece_is_noticed_in_memory_too(world: World) -> None:
    digests = RunningDigests()
    for payload in (piece(WHOLE, 0, bytes(STEP)), pieces(WHOLE)[1]):
        digests.add(keep(world, payload))
    check_with(world, digests)
    assert not has(world.at(COUNTY), WHOLE)
    assert [incident.reason for incident in incidents(world.at(COUNTY))] == ["ATTACHMENT_SPOILED"]


def test_a_piece_that_came_twice_is_digested_once(world: World) -> None:
    digests = RunningDigests()
    for payload in (pieces(WHOLE)[0], *pieces(WHOLE)):
        digests.add(keep(world, payload))
    check_with(world, digests)
    assert has(world.at(COUNTY), WHOLE)


def test_right_pieces_of_a_dropped_copy_do_not_vouch_for_wrong_ones_of_the_next(
    world: World,
) -> None:
    first, second = pieces(WHOLE)
    digests = RunningDigests()
    digests.add(keep(world, first))
    world.time.pass_by(days=61)
    county = world.at(COUNTY)
    county.exchange.transact(lambda c: attachments.give_up_old(c, world.time.now))
    world.look_after_attachments(county)
    for payload in (piece(WHOLE, 0, bytes(STEP)), second):
        digests.add(keep(world, payload))
    check_with(world, digests)
    assert not has(county, WHOLE)
    world.look_after_attachments(county)
    come(world, [first, second])
    assert has(county, WHOLE)


def test_no_more_copies_are_digested_at_once_than_may_be(world: World) -> None:
    digests, now = RunningDigests(), world.time.now
    copies = [CopyId(named(WHOLE).digest, TOWNSHIP, now + timedelta(seconds=n)) for n in range(300)]
    for copy in copies:
        digests.add([Kept(copy, 0, b"begin")])
    going = [copy for copy in copies if digests.end(copy).offset]
    assert going == copies[-RUNNING_MAX:]
    assert digests.end(copies[-1]).hash.digest() == hashlib.sha256(b"").digest()

"""Materials from counter to counter, through both exchanges."""

from __future__ import annotations

import hashlib
import random

import pytest
from tests.exchange.parts import rows
from tests.simulation.halls import World, fetch
from tests.simulation.worlds import COUNTY, TOWNSHIP

from hallnet.exchange import attachment_wishes
from hallnet.exchange import tables as exchange_tables
from hallnet.exchange.attachment_wishes import AttachmentWish
from hallnet.intake import tables
from hallnet.intake.papers import materials
from hallnet.intake.papers.materials import Arrival, Fetching
from hallnet.places import Address
from hallnet.store import Connection

LARGE = random.Random("scan").randbytes(2 * materials.SLICE_BYTES + 7)


def send(world: World, data: bytes) -> Arrival:
    """Have the township's intake hold bytes and its exchange send them to the county."""
    township = world.at(TOWNSHIP)
    digest = hashlib.sha256(data).digest()

    def keep(connection: Connection) -> None:
        materials.begin(connection, digest, len(data), "", world.time.now)
        materials.add(connection, digest, 0, data)
        materials.finish(connection, digest)

    township.intake.transact(keep)
    wish = AttachmentWish(digest, Address(COUNTY), len(data), "matter-1")
    township.exchange.transact(lambda c: attachment_wishes.wish_for(c, [wish], world.time.now))
    return Arrival(digest, len(data))


@pytest.mark.parametrize("data", [b"", b"x", LARGE], ids=["empty", "small", "large"])
def test_a_material_comes_to_the_other_counter_and_is_kept_once_in_that_hall(
    world: World, data: bytes
) -> None:
    arrival = send(world, data)
    world.settle()
    county = world.at(COUNTY)
    rest, read = materials.Rest(arrival.digest, 0, 0), b""
    while more := county.intake.look(rest.next):
        read += more
    assert read == data
    assert rows(county.exchange, exchange_tables.attachment_chunk) == []
    assert rows(county.intake, tables.material_arrival) == []


def test_fetching_goes_on_where_it_was_left(world: World) -> None:
    arrival = send(world, LARGE)
    county = world.at(COUNTY)
    began = Fetching(arrival)

    def leave_off(connection: Connection) -> None:
        materials.begin(connection, arrival.digest, arrival.size, "", world.time.now)
        began.add(connection, LARGE[: materials.SLICE_BYTES + 100])

    county.intake.transact(leave_off)
    again = Fetching(arrival)
    while not county.intake.look(again.resume):
        pass
    assert again.offset == materials.SLICE_BYTES
    world.settle()
    rest, read = materials.Rest(arrival.digest, 0, 0), b""
    while more := county.intake.look(rest.next):
        read += more
    assert read == LARGE


def test_the_exchange_is_told_again_if_the_intake_ended_before_it_was_told(world: World) -> None:
    arrival = send(world, LARGE)
    world.settle()
    county = world.at(COUNTY)
    county.intake.transact(lambda c: materials.note_arrival(c, arrival.digest, arrival.size))
    for waiting in county.intake.look(materials.arrivals):
        fetch(world, county, waiting)
    assert county.intake.look(materials.arrivals) == []
    assert len(rows(county.intake, tables.material)) == 1

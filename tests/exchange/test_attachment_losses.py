"""Materials of a hall that lost its records go to it again, whenever they reach who has them now."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from tests.exchange.parts import rows
from tests.exchange.test_attachment_sending import carry_whole
from tests.exchange.test_attachments import WHOLE, come, has, material, pieces
from tests.simulation.halls import World
from tests.simulation.worlds import CITY, COUNTY, TOWNSHIP

from hallnet.codec.moments import to_timestamp
from hallnet.exchange import tables
from hallnet.exchange.recovery import giving_back
from hallnet.federation import limits
from hallnet.places import Address
from hallnet.wire.exchange.v1 import returning_pb2 as wire

OTHER = material(7, "another scan")


def ask(world: World, since: datetime) -> None:
    """The county hears that the township lost what it had since a moment."""
    wish = wire.WordsWanted(start=0, end=10, since=to_timestamp(since))
    world.at(COUNTY).exchange.transact(
        lambda c: giving_back.take_wish(c, Address(TOWNSHIP), wish, world.time.now)
    )


@pytest.fixture
def lost(world: World) -> World:
    """The township lost the records of an hour, and the county has just heard it ask for them."""
    since = world.time.now
    world.time.pass_by(hours=1)
    ask(world, since)
    return world


def goes_back(world: World) -> list[str]:
    """The halls to which the county sends materials."""
    return [row.recipient for row in rows(world.at(COUNTY).exchange, tables.attachment_wish)]


def test_what_had_come_before_the_question_goes_back(world: World) -> None:
    come(world, pieces(WHOLE))
    ask(world, world.time.now)
    carry_whole(world, COUNTY, [WHOLE])
    assert has(world.at(TOWNSHIP), WHOLE)


def test_what_was_under_way_when_the_question_came_goes_back_once_it_is_here(lost: World) -> None:
    first, *others = pieces(WHOLE)
    sealed_at = lost.time.now - timedelta(minutes=30)
    come(lost, [first], sealed_at=sealed_at)
    assert goes_back(lost) == []
    come(lost, others, sealed_at=sealed_at)
    assert goes_back(lost) == [TOWNSHIP]
    carry_whole(lost, COUNTY, [WHOLE])
    assert has(lost.at(TOWNSHIP), WHOLE)


@pytest.mark.parametrize("ahead", [timedelta(0), limits.CLOCK_SKEW_MAX - timedelta(seconds=1)])
def test_a_clock_that_was_ahead_when_it_was_sealed_is_allowed_for(
    lost: World, ahead: timedelta
) -> None:
    come(lost, pieces(WHOLE), sealed_at=lost.time.now + ahead)
    assert goes_back(lost) == [TOWNSHIP]


def test_what_it_seals_after_it_asked_does_not_go_back(lost: World) -> None:
    lost.time.pass_by(seconds=limits.CLOCK_SKEW_MAX.total_seconds())
    come(lost, pieces(WHOLE))
    assert goes_back(lost) == []


def test_what_comes_from_others_does_not_go_back(lost: World) -> None:
    come(lost, pieces(WHOLE), CITY, sealed_at=lost.time.now - timedelta(minutes=30))
    assert goes_back(lost) == []


def test_what_is_not_as_it_was_said_to_be_does_not_go_back(lost: World) -> None:
    wrong = [piece.replace(OTHER, bytes(len(OTHER))) for piece in pieces(OTHER)]
    come(lost, wrong, sealed_at=lost.time.now - timedelta(minutes=30))
    assert goes_back(lost) == []

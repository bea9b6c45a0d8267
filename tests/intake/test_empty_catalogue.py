"""Releases that are hard to take: a catalogue without items, a policy that is none."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from tests.simulation.halls import BEGINNING, SUITE, World
from tests.simulation.worlds import PROVINCE, TOWNSHIP, worlds

from hallnet.case.item import CATALOGUE, Catalogue
from hallnet.case.policy import Policy
from hallnet.places import Address
from hallnet.trust.release import ReleaseBody, ReleaseKind


@pytest.fixture(params=["sqlite", "postgresql"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    yield from worlds(request, tmp_path)


def test_a_catalogue_without_items_withdraws_them_all_and_holds_up_nothing(world: World) -> None:
    station, day = world.at(TOWNSHIP), world.time.now.date()
    releases = station.hall.releases
    before = station.intake.look(lambda c: releases.items_in_force(c, day))
    empty = ReleaseBody(
        SUITE.suite,
        ReleaseKind.CATALOGUE,
        Address(PROVINCE),
        2,
        BEGINNING,
        BEGINNING,
        CATALOGUE.to_bytes(Catalogue((), "")),
        "",
    )
    again = replace(empty, version=3, content=CATALOGUE.to_bytes(Catalogue(tuple(before), "")))
    assert station.intake.transact(lambda c: releases.take(c, empty))
    assert station.intake.look(lambda c: releases.items_in_force(c, day)) == []
    assert station.intake.transact(lambda c: releases.take(c, again))
    assert station.intake.look(lambda c: releases.items_in_force(c, day)) == before


def test_a_policy_that_nobody_can_read_stops_no_hall(world: World) -> None:
    station = world.at(TOWNSHIP)
    releases = station.hall.releases
    unreadable = ReleaseBody(
        SUITE.suite,
        ReleaseKind.POLICY,
        Address(PROVINCE),
        2,
        BEGINNING,
        BEGINNING,
        b"\xff\xff",
        "",
    )
    assert not station.intake.transact(lambda c: releases.take(c, unreadable))
    assert station.intake.look(releases.policy) == Policy()

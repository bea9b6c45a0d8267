"""A case through its halls: each act is told by the hall that did it, and by no other."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.notify.parts import notices
from tests.simulation.halls import Station, World, pump
from tests.simulation.worlds import COUNTY, TOWNSHIP, worlds

from hallnet.case import command as commands
from hallnet.case.event import DeliveryMethod, Opinion, Outcome
from hallnet.intake import tables as intake_tables
from hallnet.notify import tables, writing
from hallnet.places import Address, divisions
from hallnet.store import Database

SUBSISTENCE = "subsistence-allowance"


@pytest.fixture(params=["sqlite", "postgresql"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    yield from worlds(request, tmp_path)


class Notifies:
    """A notify beside the intake of each hall."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.databases = {address: self._opened(address) for address in (COUNTY, TOWNSHIP)}
        world.also.append(self._follow)

    def _opened(self, address: str) -> Database:
        database = self._world._database("notify", Address.parse(address))
        database.create_schema()
        tables.metadata.create_all(database.engine)
        return database

    def _follow(self, station: Station) -> bool:
        database = self.databases.get(str(station.address))
        return database is not None and pump(
            intake_tables.feed,
            station.intake,
            tables.cursors,
            database,
            lambda c, entries: writing.take(
                c, divisions(), ["file"], "intake", entries, self._world.time.now
            ),
            writing.concerns,
        )

    def close(self) -> None:
        for database in self.databases.values():
            database.close()


def test_each_act_is_told_once_by_the_hall_that_did_it(world: World) -> None:
    notifies = Notifies(world)
    case = world.file(TOWNSHIP, SUBSISTENCE)
    world.act(TOWNSHIP, case, commands.Accept())
    world.act(TOWNSHIP, case, commands.Review(Opinion.FAVOURABLE, "符合条件"))
    world.act(TOWNSHIP, case, commands.HandOver("请予确认"))
    world.settle()
    world.act(COUNTY, case, commands.Decide(Outcome.GRANTED, "符合条件", ""))
    world.settle()
    world.act(TOWNSHIP, case, commands.Close(DeliveryMethod.AGENT, "代办员"))
    world.settle()
    closed = world.case(TOWNSHIP, case)
    assert closed is not None
    rows = {at: notices(database) for at, database in notifies.databases.items()}
    assert sum(len(found) for found in rows.values()) == closed.sequence
    acts = {at: [_act(row.text) for row in found] for at, found in rows.items()}
    assert acts == {
        TOWNSHIP: ["已收件", "已受理", "已完成初", "已上报杭", "已由本厅", "已办结"],
        COUNTY: ["已由本厅", "已准予", "的办理结"],
    }
    for found in rows.values():
        assert {row.address for row in found} == {case.filed.applicant.phone}
        assert all(case.filed.case_no in row.text for row in found)
    notifies.close()


def _act(text: str) -> str:
    """How the sentence begins, after the number of the case."""
    sentence = text.partition("”（")[2].partition("）")[2]
    return sentence[:4].rstrip("。（，")

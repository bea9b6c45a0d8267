"""Who is told, and in which words, that a due date was counted anew."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.exchange.parts import rows
from tests.intake.parts import ACCEPT, RELIEF, SUBSISTENCE, china, told
from tests.intake.test_due_dates import publish
from tests.simulation.halls import World
from tests.simulation.worlds import COUNTY, TOWNSHIP, worlds
from tests.store.builders import VAULT

from hallnet.notify import tables, writing
from hallnet.notify.wording import Audience
from hallnet.places import divisions
from hallnet.store import Connection, Database
from hallnet.store.migrating import migrate


@pytest.fixture(params=["sqlite", "postgresql"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    """A county and a township of it, on either database."""
    yield from worlds(request, tmp_path, halls=(COUNTY, TOWNSHIP))


@pytest.fixture
def notify(world: World) -> Iterator[Database]:
    """The database of the notify service of the township."""
    url = world.database_url.replace("world.db", "notify.db")
    database = Database(url, "notify_330127101", VAULT)
    migrate(database, "hallnet.notify")
    yield database
    database.close()


def test_the_applicant_is_told_once_when_the_end_of_a_limit_is_settled(
    world: World, notify: Database
) -> None:
    world.time.now = china("2026-12-15 09:00")
    case = world.act(TOWNSHIP, world.file(TOWNSHIP, SUBSISTENCE), ACCEPT)
    world.time.now = china("2026-12-28 09:00")
    world.file(TOWNSHIP, RELIEF)
    publish(world)
    publish(world, version=3)

    def write(connection: Connection) -> None:
        for entry in told(world.at(TOWNSHIP)):
            writing.write(connection, divisions(), ["file"], "intake", entry, world.time.now)

    notify.transact(write)
    notices = [row for row in rows(notify, tables.notice) if "到期日" in row.text]
    assert [(row.audience, row.subject) for row in notices] == [(Audience.APPLICANT, case.case_id)]
    assert notices[0].text.endswith("的办理期限已按公布的放假安排重新计算，到期日为2027-01-13。")
    assert notices[0].text.startswith("【杭州市淳安县文昌镇】方小明，")

"""Due dates: how they explain themselves, and how they are settled when a calendar is published."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from tests.exchange.test_face import ask
from tests.intake.parts import (
    ACCEPT,
    AUTHORISATION,
    GRANT,
    NOTICE,
    RELIEF,
    SUBSISTENCE,
    Post,
    china,
    face,
    reported_up,
    row_of,
    supplement,
    take_items,
    take_release,
    told,
)
from tests.simulation.halls import World
from tests.simulation.worlds import COUNTY, TOWNSHIP

from hallnet.case.calendar import CALENDAR, CalendarDay, CalendarYear
from hallnet.case.case import Case
from hallnet.case.catalogue_file import supplied_catalogue
from hallnet.case.clock import ClockKind
from hallnet.case.supplied_calendar import supplied_calendar
from hallnet.intake import tables
from hallnet.intake.numbers.recounting import DUE_CHANGED
from hallnet.trust.release import ReleaseKind
from hallnet.wire.intake.v1 import intake_service_pb2 as wire

NEW_YEAR = (CalendarDay(date(2027, 1, 1), False, "元旦"),)
LONGER = (*NEW_YEAR, CalendarDay(date(2027, 1, 4), False, "元旦"))


@pytest.fixture
def december(world: World) -> World:
    """The middle of December: limits of twenty days run into a year that is not published."""
    world.time.now = china("2026-12-15 09:00")
    return world


def publish(
    world: World, days: tuple[CalendarDay, ...] = NEW_YEAR, version: int = 2, at: str = TOWNSHIP
) -> None:
    known = supplied_calendar()
    notice = "国务院办公厅关于2027年部分节假日安排的通知"
    published = replace(known, years=(*known.years, CalendarYear(2027, notice, days)))
    take_release(world, at, ReleaseKind.CALENDAR, CALENDAR.to_bytes(published), version)


def accepted(world: World) -> Case:
    return world.act(TOWNSHIP, world.file(TOWNSHIP, SUBSISTENCE), ACCEPT)


def clock(world: World, case: Case, kind: ClockKind = ClockKind.PROMISE) -> wire.ClockView:
    request = wire.GetCaseRequest(case_ref=case.case_id, actor_id="chief", purpose="核对期限")
    view = ask(face(world).GetCase(request, None)).case
    found: wire.ClockView = next(item for item in view.clocks if item.kind == kind)
    return found


def due(world: World, case: Case, at: str = TOWNSHIP) -> tuple[Any, bool]:
    row = row_of(world.at(at), case)
    return row.due_on, row.due_provisional


def changes(world: World, at: str = TOWNSHIP) -> list[tuple[str, str, bool]]:
    """What was told of due dates that changed."""
    found = []
    for entry in told(world.at(at), DUE_CHANGED):
        view = wire.ClockView.FromString(entry.payload)
        found.append((entry.subject, view.due_on, view.provisional))
    return found


def test_a_due_date_explains_itself_day_by_day(world: World) -> None:
    world.time.now = china("2026-09-28 09:00")
    shown = clock(world, accepted(world))
    assert (shown.started_by, shown.starts_on) == ("受理", "2026-09-28")
    assert not shown.provisional
    days = {day.date: day for day in shown.days}
    assert (days["2026-09-28"].counted, days["2026-09-28"].reason) == (False, "起始当日不计入")
    assert days["2026-10-01"].reason == "星期四，国庆节放假"
    assert not days["2026-10-01"].counted
    assert (days["2026-10-10"].counted, days["2026-10-10"].reason) == (
        True,
        "星期六，国庆节调休上班",
    )
    counted = [day for day in shown.days if day.counted]
    assert [day.total for day in counted] == list(range(1, 21))
    assert counted[-1].date == shown.due_on


def test_a_limit_into_a_year_that_is_not_published_is_provisional(december: World) -> None:
    case = accepted(december)
    shown = clock(december, case)
    assert (shown.due_on, shown.provisional) == ("2027-01-12", True)
    assert list(shown.unpublished_years) == [2027]
    days = {day.date: day.reason for day in shown.days}
    assert days["2027-01-01"] == "星期五，2027年放假安排尚未公布，暂按工作日计"
    assert days["2026-12-31"] == "星期四，工作日"
    assert due(december, case) == (date(2027, 1, 12), True)


def test_when_the_year_is_published_the_date_is_settled_and_told(december: World) -> None:
    case = accepted(december)
    publish(december)
    assert due(december, case) == (date(2027, 1, 13), False)
    shown = clock(december, case)
    assert (shown.due_on, list(shown.unpublished_years)) == ("2027-01-13", [])
    assert "星期五，元旦放假" in {day.reason for day in shown.days}
    assert changes(december) == [(case.case_id, "2027-01-13", False)]


def test_a_date_that_does_not_move_is_told_once_as_settled(december: World) -> None:
    case = accepted(december)
    publish(december, ())
    assert changes(december) == [(case.case_id, "2027-01-12", False)]
    publish(december, (), version=3)
    assert len(changes(december)) == 1


def test_a_corrected_calendar_moves_the_date_again(december: World) -> None:
    case = accepted(december)
    publish(december)
    publish(december, LONGER, version=3)
    assert [day for _, day, _ in changes(december)] == ["2027-01-13", "2027-01-14"]
    publish(december, NEW_YEAR, version=3)
    publish(december, NEW_YEAR, version=2)
    assert due(december, case) == (date(2027, 1, 14), False)
    assert len(changes(december)) == 2


def test_a_case_whose_date_stands_firm_is_not_told_of(world: World) -> None:
    case = accepted(world)
    before = due(world, case)
    publish(world)
    assert due(world, case) == before == (date(2026, 12, 21), False)
    assert changes(world) == []


def test_what_was_decided_or_ended_is_not_told_of(december: World) -> None:
    december.time.now = china("2026-12-31 09:00")
    late = december.file(TOWNSHIP, RELIEF)
    for command in (ACCEPT, GRANT):
        december.act(TOWNSHIP, late, command)
    assert due(december, late) == (date(2027, 1, 4), True)
    publish(december)
    assert due(december, late) == (date(2027, 1, 5), False)
    assert changes(december) == []


def test_the_hall_that_received_the_application_tells_and_no_other(december: World) -> None:
    case = reported_up(december)
    Post(december).settle()
    for address in (COUNTY, TOWNSHIP):
        publish(december, at=address)
        assert due(december, case, address) == (date(2027, 1, 13), False)
    assert changes(december, COUNTY) == []
    assert changes(december) == [(case.case_id, "2027-01-13", False)]


def test_the_date_is_settled_after_a_restart_as_well(december: World) -> None:
    case = accepted(december)
    publish(december)
    december.restart(TOWNSHIP)
    assert clock(december, case).due_on == "2027-01-13"


def test_a_nearer_hall_may_publish_its_own_calendar(december: World) -> None:
    """Where a festival of the place is a holiday, its own hall says so."""
    case = accepted(december)
    publish(december)
    known = supplied_calendar()
    local = replace(known, years=(*known.years, CalendarYear(2027, "本市通知", LONGER)))
    content = CALENDAR.to_bytes(local)
    take_release(december, TOWNSHIP, ReleaseKind.CALENDAR, content, 1, author="3301")
    assert due(december, case) == (date(2027, 1, 14), False)
    publish(december, version=3)
    assert due(december, case) == (date(2027, 1, 14), False)


def test_before_any_calendar_every_date_is_provisional(world: World) -> None:
    def forget(connection: Any) -> None:
        connection.execute(tables.release.delete())

    world.at(TOWNSHIP).intake.transact(forget)
    world.restart(TOWNSHIP)
    case = accepted(world)
    assert due(world, case)[1]
    take_release(world, TOWNSHIP, ReleaseKind.CALENDAR, CALENDAR.to_bytes(supplied_calendar()), 1)
    assert due(world, case) == (date(2026, 12, 21), False)
    assert changes(world) == [(case.case_id, "2026-12-21", False)]


def test_the_limit_to_tell_what_is_missing_starts_anew_with_each_supplement(world: World) -> None:
    case = world.file(TOWNSHIP, SUBSISTENCE, without=[AUTHORISATION])
    assert due(world, case) == (date(2026, 11, 30), False)
    world.act(TOWNSHIP, case, NOTICE)
    world.time.pass_by(days=8)
    world.act(TOWNSHIP, case, supplement(world, TOWNSHIP))
    shown = clock(world, case, ClockKind.NOTICE)
    assert (shown.started_by, shown.starts_on, shown.due_on) == ("补正", "2026-12-01", "2026-12-08")
    assert due(world, case) == (date(2026, 12, 8), False)


def test_an_item_that_arrives_late_gives_its_cases_their_dates(world: World) -> None:
    """A county that has a copy of a case before it has the item counts as soon as the item comes."""
    county = world.at(COUNTY)
    county.intake.transact(lambda c: c.execute(tables.item_version.delete()))
    world.restart(COUNTY)
    case = reported_up(world)
    Post(world).settle()
    assert due(world, case, COUNTY) == (None, False)
    take_items(world, COUNTY, supplied_catalogue().items)
    assert due(world, case, COUNTY) == due(world, case)
    assert row_of(world.at(COUNTY), case).item_name.startswith("最低生活保障")

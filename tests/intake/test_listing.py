"""Lists of cases: the most urgent first, in pages, with no more read than is shown."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import event
from tests.exchange.test_face import ask
from tests.intake.parts import (
    ACCEPT,
    AUTHORISATION,
    ELDER_CARD,
    GRANT,
    NOTICE,
    RELIEF,
    SUBSISTENCE,
    WITHDRAW,
    Post,
    face,
    put_accounts,
    records,
    reported_up,
)
from tests.simulation.halls import CLERK, Station, World
from tests.simulation.worlds import COUNTY, TOWNSHIP

from hallnet.case.person import Actor, ActorKind
from hallnet.case.power import Power
from hallnet.case.problems import PowerMissing
from hallnet.case.stage import Stage
from hallnet.intake import cases, tables
from hallnet.intake.accounts import Account
from hallnet.intake.identifiers import new_id
from hallnet.intake.listing import PAGE_SIZE, PAGE_SIZE_MAX
from hallnet.node.paging import PageTokenInvalid
from hallnet.store import Connection
from hallnet.wire.intake.v1 import intake_service_pb2 as wire


def page(world: World, at: str = TOWNSHIP, **values: Any) -> wire.ListCasesResponse:
    request = wire.ListCasesRequest(actor_id="chief", **values)
    answer: wire.ListCasesResponse = ask(face(world, at).ListCases(request, None))
    return answer


def pages(world: World, **values: Any) -> Iterator[wire.ListCasesResponse]:
    token = ""
    while True:
        found = page(world, page_token=token, **values)
        yield found
        token = found.next_page_token
        if not token:
            return


def fill(world: World, count: int) -> list[str]:
    """Many cases at once, like one that was filed, each day a few."""
    station = world.at(TOWNSHIP)
    model = world.file(TOWNSHIP, RELIEF)
    filed = model.filed
    made: list[str] = []

    def add(connection: Connection) -> None:
        for number in range(count):
            world.time.pass_by(hours=3)
            case_id = new_id(world.time.now, station.hall.random_bytes)
            fact = replace(filed, case_no=f"{filed.case_no}-{number}")
            cases.append(
                connection, station.hall, case_id, None, [fact], CLERK.actor, world.time.now
            )
            made.append(case_id)

    station.intake.transact(add)
    return [model.case_id, *made]


def test_the_most_urgent_case_stands_first(world: World) -> None:
    cases_by_day = []
    for _ in range(2):
        cases_by_day.append(world.file(TOWNSHIP, SUBSISTENCE).case_id)
        world.time.pass_by(days=1)
    urgent = world.file(TOWNSHIP, RELIEF)
    world.act(TOWNSHIP, urgent, ACCEPT)
    found = page(world)
    assert [row.case_id for row in found.cases] == [urgent.case_id, *cases_by_day]
    assert [row.due_on for row in found.cases] == [
        "2026-11-27",
        "2026-11-30",
        "2026-12-01",
    ]


def test_pages_lose_and_repeat_nothing_while_cases_come_in(world: World) -> None:
    there = set(fill(world, 40))
    seen: list[str] = []
    for found in pages(world, page_size=7):
        assert len(found.cases) <= 7
        seen += [row.case_id for row in found.cases]
        world.time.pass_by(hours=1)
        world.file(TOWNSHIP, SUBSISTENCE)
        world.act(TOWNSHIP, world.file(TOWNSHIP, RELIEF), ACCEPT)
    assert len(seen) == len(set(seen))
    assert there <= set(seen)


def test_cases_without_a_due_date_are_paged_too(world: World) -> None:
    fill(world, 12)
    world.at(TOWNSHIP).intake.transact(
        lambda c: c.execute(tables.case.update().values(due_on=None, listed_by=cases.LISTED_LAST))
    )
    seen = [row.case_id for found in pages(world, page_size=5) for row in found.cases]
    assert len(seen) == len(set(seen)) == 13


@contextmanager
def statements(station: Station) -> Iterator[list[tuple[str, Any]]]:
    """Every statement that the intake of a hall sends to its database."""
    seen: list[tuple[str, Any]] = []

    def note(_c: Any, _cursor: Any, text: str, parameters: Any, *_: Any) -> None:
        seen.append((text, parameters))

    engines = {station.intake._reader, station.intake._writer}
    for engine in engines:
        event.listen(engine, "after_cursor_execute", note)
    yield seen
    for engine in engines:
        event.remove(engine, "after_cursor_execute", note)


def test_a_page_of_three_hundred_cases_reads_no_more_than_it_shows(world: World) -> None:
    station = world.at(TOWNSHIP)
    fill(world, 4)
    with statements(station) as few:
        assert len(page(world).cases) == 5
    fill_more = fill(world, 295)
    with statements(station) as many:
        found = page(world)
    assert len(fill_more) == 296
    assert (len(found.cases), found.total) == (PAGE_SIZE, 301)
    assert [text for text, _ in many] == [text for text, _ in few]
    (rows_of_page,) = [
        (text, values) for text, values in many if "ORDER BY" in text and "case_no" in text
    ]
    assert "LIMIT" in rows_of_page[0]
    values = rows_of_page[1]
    assert PAGE_SIZE + 1 in (values.values() if isinstance(values, dict) else values)


def test_no_page_is_longer_than_the_longest(world: World) -> None:
    fill(world, PAGE_SIZE_MAX + 20)
    assert len(page(world, page_size=100_000).cases) == PAGE_SIZE_MAX
    assert len(page(world).cases) == PAGE_SIZE
    assert len(page(world, page_size=1).cases) == 1


def test_the_last_page_says_that_it_is_the_last(world: World) -> None:
    fill(world, 9)
    sizes = [len(found.cases) for found in pages(world, page_size=5)]
    assert sizes == [5, 5]
    assert page(world, COUNTY).next_page_token == ""


def test_cases_are_chosen_by_stage_custody_and_number(world: World) -> None:
    incomplete = world.file(TOWNSHIP, SUBSISTENCE, without=[AUTHORISATION])
    world.act(TOWNSHIP, incomplete, NOTICE)
    on_its_way = reported_up(world)
    world.file(TOWNSHIP, RELIEF)
    withdrawn = world.file(TOWNSHIP, RELIEF)
    world.act(TOWNSHIP, withdrawn, WITHDRAW)

    def ids(**values: Any) -> set[str]:
        return {row.case_id for row in page(world, **values).cases}

    assert ids(stages=[Stage.CORRECTING, Stage.WITHDRAWN]) == {
        incomplete.case_id,
        withdrawn.case_id,
    }
    assert ids(in_transit=True) == {on_its_way.case_id}
    assert on_its_way.case_id not in ids(in_custody=True)
    assert len(ids(in_custody=True)) == 3
    assert ids(case_no_prefix=withdrawn.case_no) == {withdrawn.case_id}
    assert len(ids(case_no_prefix="330127101-2026")) == 4
    assert ids(case_no_prefix="%") == ids(case_no_prefix="3_0127") == set()
    Post(world).settle()
    assert ids(in_transit=True) == set()


@pytest.mark.parametrize(
    "words",
    [
        ["2026-01-01"],
        ["2026-01-01", "not-an-id"],
        ["2026-01-01", "\0" * 36],
        ["2026-13-01", "01890000-0000-7000-8000-000000000001"],
        {"a": 1, "b": 2},
        7,
        None,
    ],
)
def test_a_page_token_that_came_from_nowhere_is_refused(world: World, words: Any) -> None:
    token = base64.urlsafe_b64encode(json.dumps(words).encode()).decode()
    for made_up in (token, token[:-3], "!!!", base64.urlsafe_b64encode(b"[" * 3000).decode()):
        with pytest.raises(PageTokenInvalid):
            page(world, page_token=made_up)


def test_a_row_and_its_clock_show_the_same_alarm_every_day(world: World) -> None:
    """Who opens a case finds there what the list said."""
    long, short, instant = (
        world.file(TOWNSHIP, SUBSISTENCE),
        world.file(TOWNSHIP, RELIEF),
        world.file(TOWNSHIP, ELDER_CARD),
    )
    world.act(TOWNSHIP, long, ACCEPT)
    world.act(TOWNSHIP, short, ACCEPT)
    world.act(TOWNSHIP, instant, ACCEPT)
    alarms: dict[str, list[int]] = {}
    for day in range(32):
        if day == 30:
            world.act(TOWNSHIP, short, GRANT)
        for row in page(world).cases:
            request = wire.GetCaseRequest(case_ref=row.case_id, actor_id="chief", purpose="x")
            view = ask(face(world).GetCase(request, None)).case
            (clock,) = [clock for clock in view.clocks if clock.kind == row.due_kind]
            assert clock.alarm == row.alarm == view.summary.alarm
            assert clock.due_on == row.due_on
            alarms.setdefault(row.case_id, []).append(row.alarm)
        world.time.pass_by(days=1)
    # Eighteen of twenty working days are used on 17 December, the twenty-fifth day.
    assert alarms[long.case_id] == [0] * 24 + [1] * 5 + [2] * 3
    assert alarms[short.case_id] == [0, 1, 1] + [2] * 29
    assert alarms[instant.case_id] == [0] + [2] * 31


# What leaves the screens


def test_a_list_that_is_taken_out_is_on_record_with_its_purpose(world: World) -> None:
    world.file(TOWNSHIP, RELIEF)
    found = page(world, export_purpose="月度检查")
    assert [row.applicant for row in found.cases] == ["方**"]
    [record] = records(world.at(TOWNSHIP), "ExportCases")
    assert (record.actor_id, record.purpose, record.refused) == ("chief", "月度检查", "")


def test_a_list_of_many_pages_is_on_record_once(world: World) -> None:
    for _ in range(3):
        world.file(TOWNSHIP, RELIEF)
    found, token = 0, ""
    while True:
        some = page(world, export_purpose="月度检查", page_size=1, page_token=token)
        found, token = found + len(some.cases), some.next_page_token
        if not token:
            break
    assert found == 3
    assert len(records(world.at(TOWNSHIP), "ExportCases")) == 1


def test_only_who_supervises_takes_a_list_out_and_the_refusal_is_on_record(world: World) -> None:
    stranger = Account(Actor(ActorKind.STAFF, "stranger", "某某"), frozenset({Power.RECEIVE}), ())
    put_accounts(world, TOWNSHIP, stranger)
    request = wire.ListCasesRequest(actor_id="stranger", export_purpose="好奇")
    with pytest.raises(PowerMissing):
        ask(face(world, TOWNSHIP).ListCases(request, None))
    [record] = records(world.at(TOWNSHIP), "ExportCases")
    assert (record.actor_id, record.refused) == ("stranger", "POWER_MISSING")

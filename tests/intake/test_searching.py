"""A clerk finds a case by what people know of it; what lies in the database tells nobody who applied."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import func, select
from tests.exchange.test_face import ask
from tests.intake.parts import (
    ACCEPT,
    ELDER_CARD,
    GRANT,
    RELIEF,
    SUBSISTENCE,
    WITHDRAW,
    Post,
    face,
    file_request,
    reported_up,
)
from tests.intake.test_listing import fill, page, pages, statements
from tests.simulation.halls import CLERK, World
from tests.simulation.worlds import COUNTY, TOWNSHIP
from tests.store.lying import lying_in

from hallnet.case.case import Case
from hallnet.case.person import Person
from hallnet.case.problems import DayMalformed, PowerMissing
from hallnet.case.stage import Stage
from hallnet.intake import cases, listing, queues, tables
from hallnet.intake.identifiers import new_id
from hallnet.intake.queues import Place
from hallnet.node.paging import PageTokenInvalid
from hallnet.store import Connection
from hallnet.wire.intake.v1 import intake_service_pb2 as wire

RARE = Person("𠮷㛃", "111", "11010519491231002X", "+86 139 1234 5678", "")


def filed_for(world: World, person: Person, item_id: str = RELIEF) -> str:
    """A case of a person; its id."""
    request = file_request(world, item_id=item_id, applicant=person, papers=())
    return str(ask(face(world).FileCase(request, None)).case.summary.case_id)


def found(world: World, search: str, **values: Any) -> list[str]:
    return [row.case_id for row in page(world, search=search, **values).cases]


@pytest.mark.parametrize(
    "typed",
    [
        "𠮷㛃",
        "𠮷 㛃",
        "11010519491231002X",
        "11010519491231002x",
        "１１０１０５１９４９１２３１００２ｘ",
        "13912345678",
        "139-1234-5678",
    ],
)
def test_a_case_is_found_by_name_number_and_phone_however_they_are_written(
    world: World, typed: str
) -> None:
    fill(world, 3)
    wanted = filed_for(world, RARE)
    assert found(world, typed) == [wanted]


def test_a_part_of_a_name_or_number_finds_nothing(world: World) -> None:
    filed_for(world, RARE)
    for typed in ("𠮷", "110105", "1391234567", "㛃𠮷"):
        assert found(world, typed) == []


def test_what_finds_a_case_does_not_lie_open(world: World) -> None:
    filed_for(world, RARE)
    lying = lying_in(world.at(TOWNSHIP).intake, tables.metadata)
    for secret in ("𠮷㛃", "11010519491231002X", "13912345678"):
        assert secret.encode() not in lying


def test_what_is_found_by_a_name_is_not_found_as_a_number(world: World) -> None:
    """The same text in two columns has two digests."""
    wanted = filed_for(world, replace(RARE, name="13912345678"))
    by_name: dict[str, Any] = {"search_by": wire.SEARCH_BY_NAME}
    assert found(world, "13912345678", **by_name) == [wanted]
    station = world.at(TOWNSHIP)
    with statements(station) as seen:
        page(world, search="13912345678")
        page(world, search="13912345678", **by_name)
    digests = {
        value
        for _, values in seen
        for value in (values.values() if isinstance(values, dict) else values)
        if isinstance(value, bytes)
    }
    assert len(digests) == 2


def test_all_cases_of_a_person_are_found_the_newest_first_in_pages(world: World) -> None:
    wanted = []
    for _ in range(7):
        wanted.append(filed_for(world, RARE))
        world.time.pass_by(hours=1)
    seen = [row.case_id for one in pages(world, search="𠮷㛃", page_size=3) for row in one.cases]
    assert seen == wanted[::-1]


def test_a_search_is_narrowed_by_stage_item_and_due_date(world: World) -> None:
    subsistence = filed_for(world, RARE, SUBSISTENCE)
    relief = filed_for(world, RARE, RELIEF)
    world.time.pass_by(hours=1)
    withdrawn = filed_for(world, RARE, RELIEF)
    world.act(TOWNSHIP, cases_of(world, withdrawn), WITHDRAW)
    assert found(world, "𠮷㛃", item_id=RELIEF) == [withdrawn, relief]
    assert found(world, "𠮷㛃", stages=[Stage.WITHDRAWN]) == [withdrawn]
    assert found(world, "𠮷㛃", in_custody=True, item_id=SUBSISTENCE) == [subsistence]
    assert found(world, "𠮷㛃", due_from="2027-01-01") == []


def cases_of(world: World, case_id: str) -> Case:
    return world.at(TOWNSHIP).intake.look(lambda c: cases.load(c, case_id))


def test_a_short_page_of_a_narrowed_search_goes_on(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No page looks at more candidates than its bound, and none is passed over."""
    monkeypatch.setattr(listing, "CANDIDATES_MAX", 4)
    wanted = filed_for(world, RARE, SUBSISTENCE)
    for _ in range(10):
        world.time.pass_by(hours=1)
        filed_for(world, RARE, RELIEF)
    got = list(pages(world, search="𠮷㛃", item_id=SUBSISTENCE))
    assert [len(one.cases) for one in got] == [0, 0, 1]
    assert got[-1].cases[0].case_id == wanted
    assert [one.total_is_least for one in got] == [True, True, True]


def test_cases_are_chosen_by_item_and_due_date_without_a_search(world: World) -> None:
    filed = fill(world, 40)
    other = world.file(TOWNSHIP, ELDER_CARD)
    everything = {row.case_id: row for one in pages(world, page_size=9) for row in one.cases}
    assert set(everything) == {*filed, other.case_id}
    assert [row.case_id for row in page(world, item_id=ELDER_CARD).cases] == [other.case_id]
    days = sorted({row.due_on for row in everything.values()})
    one_day = page(world, due_from=days[1], due_until=days[1], page_size=200)
    assert {row.case_id for row in one_day.cases} == {
        case_id for case_id, row in everything.items() if row.due_on == days[1]
    }
    assert one_day.total == len(one_day.cases)


@pytest.mark.parametrize("day", ["2026-02-30", "20260302", "tomorrow", "2026-W10-1"])
def test_a_day_that_does_not_exist_is_refused(world: World, day: str) -> None:
    with pytest.raises(DayMalformed):
        page(world, due_from=day)


def test_a_page_token_of_another_kind_of_list_is_refused(world: World) -> None:
    fill(world, 5)
    token = page(world, page_size=2).next_page_token
    with pytest.raises(PageTokenInvalid):
        page(world, search="王芳", page_token=token)


def test_an_agent_counts_no_queues(world: World) -> None:
    from tests.intake.parts import AGENT, put_accounts

    put_accounts(world, TOWNSHIP, AGENT)
    with pytest.raises(PowerMissing):
        ask(face(world).CountCases(wire.CountCasesRequest(actor_id="agent"), None))


def test_what_is_more_than_was_counted_is_said_to_be(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing, "COUNTED_MAX", 3)
    for _ in range(4):
        filed_for(world, RARE)
    one = page(world, search="𠮷㛃")
    assert (one.total, one.total_is_least) == (3, True)
    one = page(world)
    assert (one.total, one.total_is_least) == (4, False)


# Counts of queues


def listed(world: World, at: str) -> Counter[tuple[int, int, str]]:
    """The queues as the rows of the list say."""

    def look(connection: Connection) -> Counter[tuple[int, int, str]]:
        table = tables.case.c
        query = select(table.place, table.stage, table.item_id, func.count()).group_by(
            table.place, table.stage, table.item_id
        )
        return Counter({(p, s, i): n for p, s, i, n in connection.execute(query)})

    return world.at(at).intake.look(look)


def kept(world: World, at: str) -> Counter[tuple[int, int, str]]:
    """The queues as they are counted."""

    def look(connection: Connection) -> Counter[tuple[int, int, str]]:
        rows = connection.execute(select(tables.queue_count)).all()
        return Counter({(r.place, r.stage, r.item_id): r.cases for r in rows if r.cases})

    return world.at(at).intake.look(look)


def test_the_counts_of_queues_are_right_at_every_hall_after_every_act(world: World) -> None:
    case = reported_up(world)
    assert kept(world, TOWNSHIP) == {(Place.IN_TRANSIT, Stage.REVIEWED, SUBSISTENCE): 1}
    Post(world).settle()
    assert kept(world, TOWNSHIP) == {(Place.ELSEWHERE, Stage.REVIEWED, SUBSISTENCE): 1}
    assert kept(world, COUNTY) == {(Place.HERE, Stage.REVIEWED, SUBSISTENCE): 1}
    world.act(COUNTY, case, GRANT)
    Post(world).settle()
    other = world.file(TOWNSHIP, RELIEF)
    world.act(TOWNSHIP, other, ACCEPT)
    for at in (TOWNSHIP, COUNTY):
        assert kept(world, at) == listed(world, at)


def test_counts_are_told_by_queue_and_by_item(world: World) -> None:
    for _ in range(3):
        world.act(TOWNSHIP, world.file(TOWNSHIP, RELIEF), ACCEPT)
    world.file(TOWNSHIP, ELDER_CARD)

    def told(item_id: str = "") -> dict[int, int]:
        request = wire.CountCasesRequest(actor_id="chief", item_id=item_id)
        answer = ask(face(world).CountCases(request, None))
        assert all(queue.place == wire.QUEUE_PLACE_HERE for queue in answer.queues)
        return {queue.stage: queue.cases for queue in answer.queues}

    assert told() == {Stage.RECEIVED: 1, Stage.ACCEPTED: 3}
    assert told(RELIEF) == {Stage.ACCEPTED: 3}
    world.time.pass_by(days=60)
    answer = ask(face(world).CountCases(wire.CountCasesRequest(actor_id="chief"), None))
    assert (answer.red, answer.yellow, answer.alarms_are_least) == (4, 0, False)


def test_a_refused_act_counts_nothing(world: World) -> None:
    case = world.file(TOWNSHIP, RELIEF)
    before = kept(world, TOWNSHIP)
    with pytest.raises(PowerMissing):
        world.act(TOWNSHIP, case, GRANT, CLERK)
    assert kept(world, TOWNSHIP) == before


def test_counts_that_are_made_anew_are_the_same(world: World) -> None:
    fill(world, 20)
    before = kept(world, TOWNSHIP)
    world.at(TOWNSHIP).intake.transact(queues.recount)
    assert kept(world, TOWNSHIP) == before == listed(world, TOWNSHIP)


def test_every_list_and_search_goes_by_an_index(world: World) -> None:
    """Where a plan reads the whole table a million cases take seconds; SQLite tells its plan."""
    station = world.at(TOWNSHIP)
    if not station.intake.is_sqlite:
        pytest.skip("PostgreSQL chooses by the size of the table")
    fill(world, 30)
    asked: list[dict[str, Any]] = [
        {},
        {"in_custody": True},
        {"stages": [Stage.RECEIVED]},
        {"item_id": RELIEF},
        {"due_from": "2026-11-01", "due_until": "2026-12-31"},
        {"agent_id": "agent"},
        {"search": "王芳"},
        {"search": "13900000000"},
        {"search": "11010519491231002X"},
        {"case_no_prefix": "330127101-2026", "stages": [Stage.ACCEPTED]},
    ]
    with statements(station) as alarms:
        ask(face(world).CountCases(wire.CountCasesRequest(actor_id="chief"), None))
    for values in asked:
        with statements(station) as seen:
            page(world, **values)
        seen += alarms
        for statement, parameters in seen:
            plan = station.intake.look(
                lambda c, s=statement, p=parameters: c.exec_driver_sql(  # type: ignore[misc]
                    f"EXPLAIN QUERY PLAN {s}", p
                ).all()
            )
            steps = [row.detail for row in plan]
            assert not [s for s in steps if s.startswith("SCAN case")], (values, steps)
            # Within an index, to the queue: a place alone is most of the table.
            assert not [s for s in steps if s.endswith("(place=?)")], (values, steps)


def test_what_is_counted_up_to_a_bound_is_counted_in_the_order_of_an_index(world: World) -> None:
    """Of a month among a million cases PostgreSQL finds a thousand in the table sooner, it thinks, than in the index:
    where they stand together, at the end, it has read all others before."""
    fill(world, 3)
    with statements(world.at(TOWNSHIP)) as seen:
        assert page(world, due_from="2026-11-01", due_until="2026-12-31").total == 4
        ask(face(world).CountCases(wire.CountCasesRequest(actor_id="chief"), None))
    counting = [text for text, _ in seen if "part_0" in text]
    assert len(counting) == 3
    for text in counting:
        assert text.count("ORDER BY") == text.count("LIMIT") > 0


def test_an_id_is_in_the_order_of_time(world: World) -> None:
    """What search results are in order by."""
    ids = []
    for _ in range(5):
        world.time.pass_by(seconds=1)
        ids.append(new_id(world.time.now, world.at(TOWNSHIP).hall.random_bytes))
    assert ids == sorted(ids)

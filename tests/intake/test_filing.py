"""Filing: what is received at a hall, under which number, and under which version of its item."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, timedelta
from typing import Any

import pytest
from tests.exchange.parts import rows
from tests.exchange.test_face import ask
from tests.intake.parts import (
    ACCEPT,
    AGENT,
    APPLICATION,
    AUTHORISATION,
    ELDER_CARD,
    HUKOU,
    OTHER_VILLAGE,
    PENSION,
    RELIEF,
    SUBSISTENCE,
    VILLAGE,
    act,
    asking,
    china,
    events_told,
    face,
    facts,
    file_request,
    put_accounts,
    row_of,
    take_items,
    told,
)
from tests.simulation.halls import CHIEF, World
from tests.simulation.worlds import COUNTY, OTHER_COUNTY, TOWNSHIP
from tests.store.builders import together

from hallnet.case.catalogue_file import supplied_catalogue
from hallnet.case.item import ItemVersion, ShelfStatus
from hallnet.case.problems import (
    ItemNotAcceptedHere,
    ItemNotInForce,
    ItemUnknown,
    MaterialNotUploaded,
    MaterialsMissing,
    MaterialUnknown,
    OutOfScope,
    PointNotYours,
)
from hallnet.intake import tables
from hallnet.intake.asked import ChoiceMissing
from hallnet.intake.numbering import Paper, next_case_no, next_document_no, query_code
from hallnet.places import Address
from hallnet.places.problems import DivisionUnknown
from hallnet.problems import Problem
from hallnet.store.requests import RequestIdMissing, RequestIdReused
from hallnet.wire.case.v1 import command_pb2 as wire_command
from hallnet.wire.intake.v1 import intake_service_pb2 as wire


def item(item_id: str) -> ItemVersion:
    return next(found for found in supplied_catalogue().items if found.item_id == item_id)


def file(world: World, at: str = TOWNSHIP, **values: Any) -> Any:
    """The view of a case that was filed at the face."""
    return ask(face(world, at).FileCase(file_request(world, at=at, **values), None)).case


def test_an_application_is_received_with_number_query_code_and_event(world: World) -> None:
    view = file(world, request_id="request-of-a-clerk")
    assert view.summary.case_no == "330127101-20261123-0001"
    assert view.summary.applicant == "方**"
    assert view.summary.custodian == TOWNSHIP
    assert len(view.query_code) == 8
    assert list(view.missing_materials) == []
    assert view.in_custody
    entries = told(world.at(TOWNSHIP))
    assert [entry.kind for entry in entries] == ["case.event"]
    assert entries[0].subject == view.summary.case_id


def test_the_same_request_again_is_one_case_and_the_same_answer(world: World) -> None:
    request = file_request(world)
    first = ask(face(world).FileCase(request, None))
    world.time.pass_by(days=3)
    world.restart(TOWNSHIP)
    assert ask(face(world).FileCase(request, None)) == first
    assert len(rows(world.at(TOWNSHIP).intake, tables.case)) == 1
    assert len(told(world.at(TOWNSHIP))) == 1


def test_who_asks_for_the_summary_only_gets_what_a_list_says_and_nothing_more(world: World) -> None:
    request = file_request(world, summary_only=True)
    filed = ask(face(world).FileCase(request, None))
    case_id = filed.case.summary.case_id
    assert filed.case == wire.CaseView(summary=listed(world, case_id))
    assert ask(face(world).FileCase(request, None)) == filed

    accept = asking(act(), case_id, wire_command.Accept())
    accept.summary_only = True
    answer = ask(face(world).ActOnCase(accept, None))
    assert answer.case.summary.stage == wire.CASE_STAGE_ACCEPTED
    assert answer == wire.ActOnCaseResponse(case=wire.CaseView(summary=listed(world, case_id)))
    assert len(told(world.at(TOWNSHIP))) == 2


def listed(world: World, case_id: str) -> wire.CaseSummary:
    """The line of a case in the list of a clerk."""
    request = wire.ListCasesRequest(actor_id=CHIEF.actor.actor_id)
    answer: wire.ListCasesResponse = ask(face(world).ListCases(request, None))
    return next(line for line in answer.cases if line.case_id == case_id)


def test_the_same_request_twice_at_once_is_one_case(world: World) -> None:
    request = file_request(world)
    first, second = together(2, lambda _: ask(face(world).FileCase(request, None)))
    assert first == second
    assert len(rows(world.at(TOWNSHIP).intake, tables.case)) == 1


def test_a_request_id_belongs_to_one_application(world: World) -> None:
    ask(face(world).FileCase(file_request(world, request_id="one-request"), None))
    with pytest.raises(RequestIdReused):
        ask(face(world).FileCase(file_request(world, request_id="one-request"), None))
    with pytest.raises(RequestIdMissing):
        ask(face(world).FileCase(file_request(world, request_id="short"), None))
    assert len(rows(world.at(TOWNSHIP).intake, tables.case)) == 1


# Numbers


def test_cases_filed_at_once_have_different_numbers_without_a_gap(world: World) -> None:
    requests = [file_request(world) for _ in range(8)]
    views = together(8, lambda n: ask(face(world).FileCase(requests[n], None)).case)
    assert sorted(view.summary.case_no for view in views) == [
        f"330127101-20261123-{number:04}" for number in range(1, 9)
    ]
    assert len({view.query_code for view in views}) == 8


def test_cases_are_counted_anew_each_day_of_china(world: World) -> None:
    numbers = []
    for moment in ("2026-12-31 23:58", "2026-12-31 23:59", "2027-01-01 00:00", "2027-01-02 08:00"):
        world.time.now = china(moment)
        numbers.append(world.file(TOWNSHIP, SUBSISTENCE).case_no)
    assert numbers == [
        "330127101-20261231-0001",
        "330127101-20261231-0002",
        "330127101-20270101-0001",
        "330127101-20270102-0001",
    ]


def test_papers_are_counted_by_kind_and_year(world: World) -> None:
    hall, days = Address(TOWNSHIP), (date(2026, 12, 31), date(2027, 1, 1))

    def take(connection: Any) -> list[str]:
        wanted = [(paper, day) for day in days for paper in (Paper.ACCEPTANCE, Paper.DECISION) * 2]
        return [next_document_no(connection, hall, paper, day) for paper, day in wanted]

    assert world.at(TOWNSHIP).intake.transact(take) == [
        "330127101受〔2026〕1号",
        "330127101决〔2026〕1号",
        "330127101受〔2026〕2号",
        "330127101决〔2026〕2号",
        "330127101受〔2027〕1号",
        "330127101决〔2027〕1号",
        "330127101受〔2027〕2号",
        "330127101决〔2027〕2号",
    ]


def test_the_ten_thousandth_case_of_a_day_has_a_number_too(world: World) -> None:
    day = date(2026, 11, 23)

    def take(connection: Any) -> str:
        next_case_no(connection, Address(TOWNSHIP), day)
        connection.execute(tables.number_counter.update().values(last=9999))
        return next_case_no(connection, Address(TOWNSHIP), day)

    assert world.at(TOWNSHIP).intake.transact(take) == "330127101-20261123-10000"


def test_what_is_refused_uses_up_no_number(world: World) -> None:
    with pytest.raises(MaterialUnknown):
        ask(face(world).FileCase(file_request(world, papers=["结婚证"]), None))
    case = world.file(TOWNSHIP, SUBSISTENCE, without=[APPLICATION])
    with pytest.raises(MaterialsMissing):
        world.act(TOWNSHIP, case, ACCEPT)
    whole = world.file(TOWNSHIP, SUBSISTENCE)
    accepted = world.act(TOWNSHIP, whole, ACCEPT)
    assert (case.case_no, whole.case_no) == (
        "330127101-20261123-0001",
        "330127101-20261123-0002",
    )
    assert accepted.marks[-1].fact.document_no == "330127101受〔2026〕1号"  # type: ignore[union-attr]


def test_a_query_code_has_no_letter_that_is_mistaken_for_a_digit() -> None:
    written = {query_code(bytes(range(at, at + 8))) for at in range(0, 248, 8)}
    assert not set("".join(written)) & set("01IO")
    assert {len(code) for code in written} == {8}


# What is accepted where, and for whom


ELSEWHERE: list[tuple[str, dict[str, Any], type[Problem]]] = [
    (COUNTY, {"item_id": SUBSISTENCE}, ItemNotAcceptedHere),
    (TOWNSHIP, {"item_id": "public-place-hygiene"}, ItemNotAcceptedHere),
    (TOWNSHIP, {"item_id": HUKOU, "intake_point": VILLAGE}, ItemNotAcceptedHere),
    (TOWNSHIP, {"item_id": SUBSISTENCE, "intake_point": "330127102200"}, Problem),
    (COUNTY, {"item_id": PENSION, "intake_point": VILLAGE}, ItemNotAcceptedHere),
    (TOWNSHIP, {"item_id": SUBSISTENCE, "intake_point": "330127101999"}, DivisionUnknown),
    (TOWNSHIP, {"item_id": "no-such-item"}, ItemUnknown),
    (TOWNSHIP, {"item_id": SUBSISTENCE, "for_division": OTHER_COUNTY}, OutOfScope),
    (TOWNSHIP, {"item_id": SUBSISTENCE, "for_division": "339999"}, DivisionUnknown),
    (TOWNSHIP, {"item_id": SUBSISTENCE, "papers": ["结婚证"]}, MaterialUnknown),
]


def test_what_is_not_for_this_place_is_not_received(world: World) -> None:
    for at, values, problem in ELSEWHERE:
        request = file_request(world, at=at, **({"papers": []} | values))
        with pytest.raises(problem):
            ask(face(world, at).FileCase(request, None))
    for at in (TOWNSHIP, COUNTY):
        assert rows(world.at(at).intake, tables.case) == []
        assert told(world.at(at)) == []


def test_a_material_that_was_not_uploaded_is_not_received(world: World) -> None:
    request = file_request(world)
    request.materials[1].digest = b"d" * 32
    with pytest.raises(MaterialNotUploaded):
        ask(face(world).FileCase(request, None))
    assert rows(world.at(TOWNSHIP).intake, tables.case) == []


def test_a_channel_has_to_be_chosen(world: World) -> None:
    request = file_request(world)
    request.channel = 0  # type: ignore[assignment]
    with pytest.raises(ChoiceMissing):
        ask(face(world).FileCase(request, None))


def test_an_agent_files_at_a_point_of_her_own_only(world: World) -> None:
    put_accounts(world, TOWNSHIP, AGENT)
    for point in ("", OTHER_VILLAGE):
        with pytest.raises(PointNotYours):
            file(world, actor=AGENT, intake_point=point)


def test_an_application_for_another_county_names_the_hall_that_is_competent(
    world: World,
) -> None:
    near = world.file(COUNTY, HUKOU)
    far = world.file(COUNTY, HUKOU, for_division=OTHER_COUNTY)
    assert near.filed.competent_hall == Address(COUNTY)
    assert far.filed.competent_hall == Address(OTHER_COUNTY)
    assert far.custodian == Address(COUNTY)


def test_what_the_township_decides_itself_concerns_no_other_hall(world: World) -> None:
    case = world.file(TOWNSHIP, RELIEF)
    (entry,) = told(world.at(TOWNSHIP))
    assert case.filed.competent_hall == Address(TOWNSHIP)
    assert [dispatch.recipient for dispatch in entry.dispatches] == [TOWNSHIP]


def test_a_hall_lists_the_items_of_its_place(world: World) -> None:
    request = _items_request(accepted_here=True)
    at_township = {found.item_id for found in ask(face(world).ListItems(request, None)).items}
    at_county = {found.item_id for found in ask(face(world, COUNTY).ListItems(request, None)).items}
    assert SUBSISTENCE in at_township - at_county
    assert "public-place-hygiene" in at_county - at_township
    for_agents = ask(face(world).ListItems(_items_request(for_agents=True), None)).items
    assert {found.item_id for found in for_agents} < at_township
    assert HUKOU not in {found.item_id for found in for_agents}
    found = ask(face(world).ListItems(_items_request(search="最低生活"), None)).items
    assert [item.item_id for item in found] == [SUBSISTENCE]


def _items_request(**values: Any) -> Any:
    return wire.ListItemsRequest(**values)


# The version of the item


def later(world: World, days: int, **changes: Any) -> list[ItemVersion]:
    """The version that the hall has, until a day, and a newer one from that day on."""
    old = item(RELIEF)
    turn = world.time.now.date() + timedelta(days=days)
    return [
        replace(old, effective_until=turn),
        replace(old, version=2, name="新的救助", effective_from=turn, **changes),
    ]


def test_the_version_in_force_that_day_is_filed_under(world: World) -> None:
    take_items(world, TOWNSHIP, later(world, 2))
    versions = []
    for _ in range(4):
        versions.append(world.file(TOWNSHIP, RELIEF).filed.item_version)
        world.time.pass_by(days=1)
    assert versions == [1, 1, 2, 2]


def test_a_running_case_keeps_the_version_it_was_filed_under(world: World) -> None:
    case = world.file(TOWNSHIP, RELIEF)
    world.act(TOWNSHIP, case, ACCEPT)
    before = row_of(world.at(TOWNSHIP), case)
    demanding = replace(item(ELDER_CARD).materials[0], name="新材料")
    _, newer = later(world, 0, promised_limit=item(SUBSISTENCE).promised_limit)
    take_items(world, TOWNSHIP, [replace(newer, materials=(demanding,))])
    world.restart(TOWNSHIP)
    after = row_of(world.at(TOWNSHIP), case)
    assert (after.item_version, after.item_name, after.due_on) == (
        1,
        before.item_name,
        before.due_on,
    )
    newcomer = world.file(TOWNSHIP, RELIEF)
    assert newcomer.filed.item_version == 2
    assert row_of(world.at(TOWNSHIP), newcomer).item_name == "新的救助"


def test_other_content_under_the_number_of_a_version_changes_no_running_case(world: World) -> None:
    case = world.file(TOWNSHIP, RELIEF)
    world.act(TOWNSHIP, case, ACCEPT)
    before = row_of(world.at(TOWNSHIP), case)
    slower = replace(item(RELIEF), promised_limit=item(SUBSISTENCE).promised_limit, name="改名")
    take_items(world, TOWNSHIP, [slower])
    world.restart(TOWNSHIP)
    after = row_of(world.at(TOWNSHIP), case)
    assert (after.due_on, after.item_name) == (before.due_on, before.item_name)
    newcomer = world.file(TOWNSHIP, RELIEF)
    assert row_of(world.at(TOWNSHIP), newcomer).item_name == before.item_name


def test_an_item_that_its_author_took_out_is_filed_no_more_but_handled_on(world: World) -> None:
    case = world.file(TOWNSHIP, RELIEF)
    take_items(world, TOWNSHIP, [item(SUBSISTENCE)])
    with pytest.raises(ItemUnknown):
        world.file(TOWNSHIP, RELIEF)
    assert facts(events_told(world.at(TOWNSHIP), world.act(TOWNSHIP, case, ACCEPT))) == [
        "Filed",
        "Accepted",
    ]


def test_an_item_that_is_off_the_shelf_or_not_yet_in_force_is_not_filed(world: World) -> None:
    resting = replace(item(RELIEF), version=2, status=ShelfStatus.OFF_SHELF)
    take_items(world, TOWNSHIP, [resting])
    with pytest.raises(ItemNotInForce):
        world.file(TOWNSHIP, RELIEF)
    take_items(world, TOWNSHIP, later(world, 5)[1:], version=3)
    with pytest.raises(ItemNotInForce):
        world.file(TOWNSHIP, RELIEF)
    world.time.pass_by(days=5)
    assert world.file(TOWNSHIP, RELIEF).filed.item_version == 2


def test_an_older_catalogue_that_comes_late_changes_nothing(world: World) -> None:
    take_items(world, TOWNSHIP, later(world, 0), version=3)
    take_items(world, TOWNSHIP, [item(SUBSISTENCE)], version=2)
    assert world.file(TOWNSHIP, RELIEF).filed.item_version == 2


def test_materials_are_named_with_the_day_on_which_they_came(world: World) -> None:
    view = file(world)
    submitted = {paper.material.name: paper.material.submitted_at for paper in view.materials}
    assert set(submitted) == {APPLICATION, AUTHORISATION}
    assert {stamp.ToDatetime(UTC) for stamp in submitted.values()} == {world.time.now}
    assert all(paper.here for paper in view.materials)

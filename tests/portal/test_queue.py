"""The lists of cases: how a case is found again, and what leaves the hall as a table."""

from __future__ import annotations

import csv
import html
import io
import re
import uuid
from typing import Any

import pytest
from tests.portal.applications import NUMBER, ORGANISATION, case_id, filed
from tests.portal.conftest import TOWNSHIP, Enter
from tests.portal.halls import AGENT, CHIEF, CLERK, SUBSISTENCE, Halls
from tests.portal.visitor import Page, Visitor

from hallnet.codec.spreadsheet import plain
from hallnet.node.client import problems_raised
from hallnet.node.desk import Desk
from hallnet.portal.queue import ROWS
from hallnet.wire.case.v1 import case_event_pb2 as wire_event
from hallnet.wire.case.v1 import person_pb2 as wire_person
from hallnet.wire.intake.v1 import intake_service_pb2 as wire

NAME, PHONE = "欧阳·阿依古丽", "13911112222"


def found(visitor: Visitor, **typed: Any) -> Page:
    return visitor.send(visitor.open("/cases").form("/cases"), **typed)


def cases_on(page: Page) -> list[str]:
    return re.findall(r'class="no" href="/cases/([^"]+)"', page.html)


def test_the_queue_finds_cases_by_place_and_stage(enter: Enter) -> None:
    clerk = enter(CLERK)
    case = case_id(filed(clerk))
    assert case in clerk.open("/cases").html
    assert case in clerk.open("/cases?stage=1").html
    assert case not in clerk.open("/cases?stage=3").html
    assert case not in clerk.open("/cases?tab=ended").html
    assert "陈秀英" not in clerk.open("/cases").text
    assert "陈**" in clerk.open("/cases").text


def test_a_person_is_found_by_name_telephone_and_number_and_named_in_no_address(
    enter: Enter,
) -> None:
    clerk = enter(CLERK)
    page = filed(clerk, applicant__name=NAME, applicant__phone=PHONE)
    case = case_id(page)
    number = page.html.split('id="case-no">')[1].split("<")[0]
    for typed in (NAME, "欧阳•阿依古丽", PHONE, "+86 139-1111-2222", NUMBER.lower(), number[:-1]):
        page = found(clerk, search=typed)
        assert case in cases_on(page), typed
        assert str(page.url).endswith("/cases")
        assert page.form("/cases").value("search") == typed


def test_what_is_not_found_says_what_to_try_and_offers_all_lists(enter: Enter) -> None:
    clerk = enter(CLERK)
    case = case_id(filed(clerk, applicant__name="只此一人"))
    page = found(clerk, search="只此一")
    assert "姓名要写全名" in page.text
    clerk.send(clerk.open("/cases").form("/cases"))
    page = found(clerk, search="只此一人", stage="5")
    assert cases_on(page) == []
    everywhere = next(form for form in page.forms if set(form.fields) == {"token", "search"})
    assert cases_on(clerk.send(everywhere, everywhere="1")) == [case]


def test_a_list_is_narrowed_by_item_and_day_and_then_has_an_address(enter: Enter) -> None:
    clerk = enter(CLERK)
    case = case_id(filed(clerk))
    page = found(clerk, item="最低生活保障", due_from="2020-01-01", due_until="2099-12-31")
    assert "item=" in str(page.url)
    assert case in cases_on(page)
    assert case not in cases_on(found(clerk, due_until="2020-01-01"))


@pytest.mark.parametrize(
    ("typed", "beside", "told"),
    [
        ({"item": "没有这个事项"}, "item", "对应0个事项"),
        ({"item": "救助"}, "item", "特困人员"),
        ({"due_from": "2026-02-30"}, "due_from", "日期"),
    ],
    ids=["no item", "many items", "no day"],
)
def test_what_is_wrong_with_a_filter_stands_beside_it(
    enter: Enter, typed: dict[str, str], beside: str, told: str
) -> None:
    page = found(enter(CLERK), **typed)
    assert page.status == 400
    assert told in page.troubles[beside]


def test_the_next_page_goes_on_where_the_first_ended(enter: Enter, halls: Halls) -> None:
    clerk = enter(CLERK)
    halls.run(_file_at_the_desk(halls.desk(TOWNSHIP), ROWS + 1, "翻页人"))
    first = clerk.open("/cases?tab=all")
    assert "回到第一页" not in first.text
    address = first.html.split('rel="next"')[0].rpartition('href="')[2].split('"')[0]
    second = clerk.open(html.unescape(address))
    assert "回到第一页" in second.text
    assert len(cases_on(first)) == ROWS
    assert cases_on(second)
    assert set(cases_on(first)).isdisjoint(cases_on(second))
    first = found(clerk, search="翻页人")
    onward = next(form for form in first.forms if "page" in form.fields)
    second = clerk.send(onward)
    assert (len(cases_on(first)), len(cases_on(second))) == (ROWS, 1)
    assert set(cases_on(first)).isdisjoint(cases_on(second))
    assert str(second.url).endswith("/cases")


def test_who_supervises_takes_the_list_home_masked(enter: Enter) -> None:
    chief = enter(CHIEF)
    case_id(filed(chief, applicant__name="=SUM甲"))
    form = chief.open("/cases?tab=all").form("/cases/export")
    answer = chief.client.post(form.action, data=form.fields | {"purpose": ["月度检查"]})
    assert answer.headers["content-disposition"].startswith("attachment")
    rows = list(csv.reader(io.StringIO(answer.text.removeprefix("\ufeff"))))
    assert rows[0][:3] == ["办件编号", "事项", "申请人"]
    assert len(rows) > 1
    assert all("*" in row[2] for row in rows[1:] if row[2] != ORGANISATION)
    assert "SUM" not in answer.text
    assert any(row[2].startswith("'=") for row in rows[1:])


def test_nobody_else_does(enter: Enter) -> None:
    clerk = enter(CLERK)
    page = clerk.open("/cases?tab=all")
    assert "导出表格" not in page.text
    token = page.form("/cases").value("token")
    answer = clerk.client.post("/cases/export", data={"token": token, "purpose": "好奇"})
    assert answer.status_code == 403


def test_no_cell_is_a_formula() -> None:
    assert [plain(text) for text in ("=1+1", "@x", "王*", "")] == ["'=1+1", "'@x", "王*", ""]


def test_an_agent_finds_a_client_among_her_own_cases_only(enter: Enter) -> None:
    clerk, agent = enter(CLERK), enter(AGENT)
    case = case_id(filed(clerk, applicant__name="村民甲"))
    form = agent.open("/agent").forms[-1]
    if not form.action.endswith("/agent"):
        token = agent.open("/agent").form("/sign-out").value("token")
        page = Page(agent.client.post("/agent", data={"token": token, "search": "村民甲"}))
    else:
        page = agent.send(form, search="村民甲")
    assert case not in page.html
    assert "没有相符的办件" in page.text


async def _file_at_the_desk(desk: Desk, count: int, name: str) -> None:
    for _ in range(count):
        request = wire.FileCaseRequest(
            act=wire.Act(request_id=str(uuid.uuid4()), actor_id=CLERK),
            item_id=SUBSISTENCE,
            applicant=wire_person.Person(name=name, document_kind="111", document_number=NUMBER),
            channel=wire_event.CHANNEL_COUNTER,
        )
        with problems_raised():
            await desk.intake.FileCase(request)

"""The forms of acts: each asks for its own command, and the newer ones are posted at a real hall."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from tests.portal.applications import PERSON, PNG, blank, case_id, filed
from tests.portal.conftest import COUNTY, Enter
from tests.portal.halls import CHIEF
from tests.portal.test_case_page import act, acts, opened

from hallnet.case import command as commands
from hallnet.case.catalogue_file import supplied_catalogue
from hallnet.case.clock import ClockKind
from hallnet.case.command import COMMAND
from hallnet.case.decide import RULES
from hallnet.portal.acts import Act, Attempt
from hallnet.portal.everyday_acts import EVERYDAY_ACTS
from hallnet.portal.forms import Form
from hallnet.portal.further_acts import FURTHER_ACTS
from hallnet.wire.case.v1 import person_pb2 as wire_person

HYGIENE, PLACE = "public-place-hygiene", "须取得卫生许可的场所"
ACTS = EVERYDAY_ACTS + FURTHER_ACTS
DRAWN = [one for one in ACTS if one.is_rare]
TYPED = {"date": "2026-03-02", "number": "3", "check": "1", "area": "甲 乙 丙", "text": COUNTY}


def typed(one: Act, **values: str) -> commands.Command:
    """What a filled-in form of a drawn act asks for."""
    fields = {}
    for field in one.inputs:
        text = str(next(iter(field.choices), "")) or TYPED.get(field.kind, "")
        fields[field.name] = (values.get(field.name, text),)
    paper = wire_person.Material(name="一份", submitted_at=Timestamp(seconds=1))
    case = cast(Any, SimpleNamespace(view=None))
    attempt = Attempt(cast(Any, None), case, cast(Any, None), Form(fields), [paper])
    return COMMAND.from_message(one.ask(attempt)).command


@pytest.mark.parametrize("one", DRAWN, ids=lambda one: one.key)
def test_each_drawn_form_asks_for_its_own_command(one: Act) -> None:
    assert type(typed(one)).__name__ == one.command


def test_every_act_that_people_can_do_has_a_form() -> None:
    assert {one.command for one in ACTS} == {command.__name__ for command in RULES}


@pytest.mark.parametrize("kind", ClockKind)
def test_why_something_was_late_names_the_limit_as_its_stamp_does(kind: ClockKind) -> None:
    [one] = [one for one in ACTS if one.command == "ExplainOverdue"]
    asked = typed(one, limit=str(int(kind)), explanation="窗口人员不足")
    assert isinstance(asked, commands.ExplainOverdue)
    assert (asked.subject, asked.explanation) == (kind.name, "窗口人员不足")


def test_rights_are_told_views_heard_and_what_came_in_elsewhere_put_on_record(
    enter: Enter,
) -> None:
    chief = enter(CHIEF)
    case = case_id(filed(chief))
    assert act(chief, case, "record-off-hall", explanation="材料由科室收取").status == 200
    assert "材料由科室收取" in opened(chief, case).text
    act(chief, case, "accept")
    told = act(chief, case, "tell-rights", parties="邻居甲\n邻居乙", interest="采光", hearing="1")
    assert told.url.query == b"done=tell-rights"
    wrong = act(chief, case, "hear-view", party="路人", statement="无意见")
    assert wrong.status == 400
    assert wrong.troubles["party"]
    heard = act(chief, case, "hear-view", party="邻居甲", statement="影响采光", asks_hearing="1")
    assert heard.url.query == b"done=hear-view"
    assert "要求听证" in opened(chief, case).text


def test_who_deceived_is_refused_told_until_when_and_turned_away_until_a_head_lifts_it(
    enter: Enter,
) -> None:
    chief = enter(CHIEF, COUNTY)
    item = next(one for one in supplied_catalogue().items if one.item_id == HYGIENE)
    papers = {f"material:{one.name}": PNG for one in item.materials if one.asked_of_applicant}
    page = chief.send(blank(chief, HYGIENE), papers, **PERSON, option=PLACE)
    case = case_id(page)
    act(chief, case, "accept")
    false: dict[str, Any] = {"reasons": "检测报告系伪造", "legal_basis": "公共场所卫生管理条例"}
    granted = act(chief, case, "decide", outcome="1", deceit="1", **false)
    assert granted.status == 400
    assert act(chief, case, "decide", outcome="2", deceit="1", **false).status == 200
    assert "不得再次申请" in opened(chief, case).text
    again = chief.send(blank(chief, HYGIENE), papers, **PERSON, option=PLACE)
    assert again.status == 400
    assert "不得再次申请" in again.troubles["applicant.document_number"]
    assert "lift-bar" in acts(opened(chief, case))
    assert act(chief, case, "lift-bar", reason="报告经复核属实").url.query == b"done=lift-bar"
    assert chief.send(blank(chief, HYGIENE), papers, **PERSON, option=PLACE).status == 200

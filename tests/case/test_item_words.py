"""Differences between versions in words, the table that spreadsheets read, and the printed guide."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from dataclasses import fields, replace
from datetime import date
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.case.builders import PHOTO, item, needed, working_days

from hallnet.case.catalogue_file import read_catalogue, supplied_catalogue, write_catalogue
from hallnet.case.catalogue_table import read_table, write_table
from hallnet.case.guide import guide
from hallnet.case.item import (
    BaseItem,
    Catalogue,
    Fee,
    ItemOption,
    ItemOverlay,
    ItemVersion,
    PublishingRules,
    Question,
    Requirement,
    ServicePlace,
    ShelfStatus,
)
from hallnet.case.item_words import changes, fen, label, named, said
from hallnet.case.problems import CatalogueMalformed

SUPPLIED = supplied_catalogue()


# Differences


def told(new: ItemVersion, old: ItemVersion | None = None) -> list[str]:
    return [str(change) for change in changes(old or item(), new)]


def test_a_change_is_told_by_the_name_of_the_field_with_before_and_after() -> None:
    assert told(item(promised_limit=working_days(3))) == ["承诺时限：由“5个工作日”改为“3个工作日”"]
    assert told(item(agent_allowed=False)) == ["允许代办：由“是”改为“否”"]
    assert told(item(status=ShelfStatus.OFF_SHELF)) == ["状态：由“在架”改为“下架”"]
    assert told(item(effective_from=date(2027, 1, 1))) == ["生效日期：增加“2027-01-01”"]
    assert told(item(promised_limit=None)) == ["承诺时限：取消“5个工作日”"]


def test_materials_that_come_and_go_and_change_are_told_by_name() -> None:
    materials = tuple(m for m in item().materials if m.name != PHOTO)
    changed = replace(materials[0], requirement=Requirement.TOLERATED)
    found = told(item(materials=(changed, *materials[1:], needed("户口簿"))))
    assert found[0] == "申请材料：取消“照片”"
    assert found[1].startswith("申请材料：增加“户口簿")
    assert found[2] == "申请材料“申请表”：由“必要”改为“容缺”"


def test_another_order_is_a_change_as_well() -> None:
    turned = item(materials=tuple(reversed(item().materials)))
    assert [change.label for change in changes(item(), turned)] == ["申请材料顺序"]


def test_the_number_of_a_version_is_no_change() -> None:
    assert changes(item(), item(version=2)) == ()


def test_every_field_of_the_record_has_a_name_and_every_term_is_known() -> None:
    for field in fields(ItemVersion):
        if field.name not in ("item_id", "version"):
            assert label(field.name)
    for found in SUPPLIED.items:
        for field in fields(ItemVersion):
            said(getattr(found, field.name))
        assert named(found.task_type)


@given(st.sampled_from(SUPPLIED.items), st.sampled_from(SUPPLIED.items))
def test_two_versions_differ_exactly_if_a_change_is_told(
    one: ItemVersion, other: ItemVersion
) -> None:
    other = replace(other, item_id=one.item_id, version=one.version)
    assert bool(changes(one, other)) is (one != other)


def test_money_is_exact() -> None:
    assert [fen(amount) for amount in (0, 1, 10, 100, 1205, 12500)] == [
        "0",
        "0.01",
        "0.10",
        "1",
        "12.05",
        "125",
    ]


# Files


AWKWARD = item(
    name="=HYPERLINK(1)",
    authority="'某局",
    conditions='逗号,引号"换行\n和\r\n𠮷㛃',
    enquiry_way="+86 571",
    complaint_way="-",
    topics=("@提醒", ""),
    questions=(Question("怎么办？", "不收费\n当场办结"),),
)
WHOLE = Catalogue(
    (AWKWARD, *SUPPLIED.items),
    "test",
    PublishingRules(promise_percent_max=40, base_items=(BaseItem("000117051000", "某事项"),)),
    (ItemOverlay("an-item", 1, 1, places=(ServicePlace("厅", "路1号", "", "", "", ("1",)),)),),
)


@pytest.mark.parametrize("as_json", [False, True])
def test_a_catalogue_is_read_as_it_was_written(as_json: bool) -> None:
    assert read_catalogue(write_catalogue(WHOLE, as_json)) == WHOLE


def test_a_table_is_read_as_it_was_written() -> None:
    assert read_table(write_table(WHOLE), "test").items == WHOLE.items


@given(st.builds(item, name=st.text(), conditions=st.text(), max_visits=st.integers(0, 99)))
def test_whatever_stands_in_a_text_a_table_keeps_it(found: ItemVersion) -> None:
    catalogue = Catalogue((found,), "test")
    assert read_table(write_table(catalogue), "test") == catalogue


def test_no_cell_of_a_table_is_a_formula() -> None:
    rows = csv.reader(io.StringIO(write_table(WHOLE).removeprefix("\ufeff"), newline=""))
    assert not [cell for row in rows for cell in row if cell.startswith(("=", "+", "-", "@"))]


def spoil(change: Callable[[str], str]) -> str:
    return change(write_table(Catalogue((item(),), "test")))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "item_id,colour\r\nx,red\r\n",
        "item_id,version\r\nx\r\n",
        "item_id,version\r\nx,1,2\r\n",
        "item_id,version\r\nx,one\r\n",
        "item_id,version\r\nx,-1\r\n",
        'item_id,materials\r\nx,"[{"\r\n',
        "item_id,report_up\r\nx,yes\r\n",
        "item_id,version\r\nx,1\r\n",
        'item_id,"version\r\n',
        "item_id,materials\r\nx," + "[" * 5000 + "\r\n",
    ],
)
def test_a_table_that_is_no_catalogue_is_refused_and_says_why(text: str) -> None:
    with pytest.raises(CatalogueMalformed) as malformed:
        read_table(text, "test")
    assert malformed.value.particulars["detail"]


# The guide


class Page(HTMLParser):
    """Tags that are open, and the text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.tags.add(tag)
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.mark.parametrize("found", SUPPLIED.items, ids=lambda found: found.item_id)
def test_the_guide_shows_the_eight_disclosures(found: ItemVersion) -> None:
    """八公开: 内容、程序、材料、时限、收费、依据、示范文本、结果."""
    page = Page(guide(found))
    assert page.open == []
    for wanted in (found.name, found.authority, found.result_name, "办理时限", "收费"):
        assert wanted in page.text
    assert all(wanted.name in page.text for wanted in found.materials)
    assert all(basis.law in page.text for basis in found.legal_basis)
    assert all(step.name in page.text for step in found.links)
    assert all(step.name in page.text for step in found.special_procedures)
    assert all(fee.basis in page.text for fee in found.fees)


def test_what_stands_in_a_record_is_text_in_the_guide_and_never_markup() -> None:
    page = Page(guide(item(name="<script>alert(1)</script>", conditions="<img src=x>")))
    assert "script" not in page.tags
    assert "img" not in page.tags
    assert "<script>alert(1)</script>" in page.text


def test_the_guide_can_be_printed() -> None:
    page = guide(item())
    assert "@page" in page
    assert "@media print" in page
    assert "http" not in page


def test_the_guide_of_what_is_off_the_shelf_says_so_and_that_results_remain() -> None:
    gone = item(status=ShelfStatus.OFF_SHELF, shelf_basis="某通知", results_stay_valid=True)
    text = Page(guide(gone)).text
    assert "本事项已下架" in text
    assert "某通知" in text
    assert "继续有效" in text


def test_the_guide_tells_limits_of_variants_fees_and_that_some_need_nothing() -> None:
    page = Page(
        guide(
            item(
                options=(
                    ItemOption("小型", working_days(6), "", working_days(2)),
                    ItemOption("农产品", None, "", needs_nothing=True),
                ),
                fees=(Fee("工本费", 1205, False, "某文件", "元/证", "", "", permit="清单3"),),
                materials=(needed("申请表", copies=2, example="示例.pdf"),),
            )
        )
    )
    for wanted in (
        "小型",
        "6个工作日",
        "2个工作日",
        "无需办理",
        "12.05元",
        "清单3",
        "原件2份",
        "示例.pdf",
    ):
        assert wanted in page.text

"""What people see when something is wrong, and on screens of any size."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from tests.browser.conftest import COUNTY, DESK, PHONE, TOWNSHIP, Look, act
from tests.portal.halls import (
    AGENT,
    APPLICATION,
    AUTHORISATION,
    CHIEF,
    CLERK,
    SUBSISTENCE,
    Halls,
    picture_file,
)

from hallnet.portal.uploads import MATERIAL_BYTES_MAX
from hallnet.portal.window.pages import PAGES

LINK_MILLISECONDS = 30_000
WRONG_NUMBER, RIGHT_NUMBER = "110105194912310021", "11010519491231002X"


def filled(page: Page, scan: Path, number: str) -> None:
    page.goto(f"/file/{SUBSISTENCE}")
    page.get_by_label("姓名").fill("陈秀英")
    page.get_by_label("证件号码").fill(number)
    page.get_by_label("住址").fill("浪洞村8号")
    page.get_by_label(APPLICATION).set_input_files(scan)


def test_a_wrong_identity_number_is_told_beside_it_and_nothing_is_lost(
    look: Look, tmp_path: Path
) -> None:
    page = look(TOWNSHIP, CLERK)
    filled(page, picture_file(tmp_path), WRONG_NUMBER)
    page.get_by_role("button", name="收件").click()
    number = page.get_by_label("证件号码")
    expect(number).to_have_attribute("aria-invalid", "true")
    expect(page.locator(".field", has=number).locator(".trouble")).to_contain_text("校验码")
    expect(number).to_have_value(WRONG_NUMBER)
    expect(page.get_by_label("姓名")).to_have_value("陈秀英")
    expect(page.get_by_label("住址")).to_have_value("浪洞村8号")
    expect(page.get_by_text("已上传 scan.png")).to_be_visible()
    number.fill(RIGHT_NUMBER)
    page.get_by_role("button", name="收件").click()
    expect(page.get_by_role("heading", name="收件凭证")).to_be_visible()
    expect(page.get_by_text(APPLICATION)).to_be_visible()


def test_a_wrong_query_code_is_told_kindly(look: Look) -> None:
    page = look(TOWNSHIP)
    page.goto("/")
    page.get_by_role("link", name="查询办件进度").click()
    page.get_by_label("办件编号").fill("330127101-20261122-0001")
    page.get_by_label("查询码").fill("WRONGONE")
    page.get_by_role("button", name="查询").click()
    expect(page.get_by_role("alert")).to_contain_text("没有找到相符的办件")
    expect(page.get_by_label("办件编号")).to_have_value("330127101-20261122-0001")
    expect(page.get_by_label("查询码")).to_have_value("WRONGONE")


@pytest.mark.parametrize("scripts", [True, False], ids=["before sending", "by the hall"])
def test_a_file_above_the_limit_is_told_beside_it(
    look: Look, tmp_path: Path, scripts: bool
) -> None:
    large = tmp_path / "large.png"
    large.write_bytes(bytes(MATERIAL_BYTES_MAX + 1))
    page = look(TOWNSHIP, CLERK, scripts=scripts)
    filled(page, large, RIGHT_NUMBER)
    page.get_by_role("button", name="收件").click()
    upload = page.get_by_label(APPLICATION)
    expect(page.locator(".upload", has=upload).locator(".trouble")).to_contain_text("20MB上限")
    expect(page.get_by_label("姓名")).to_have_value("陈秀英")
    expect(page.get_by_label("住址")).to_have_value("浪洞村8号")


def test_everything_works_without_scripts(look: Look, tmp_path: Path) -> None:
    page = look(TOWNSHIP, CLERK, scripts=False)
    filled(page, picture_file(tmp_path), RIGHT_NUMBER)
    page.get_by_role("button", name="收件").click()
    page.get_by_role("link", name="查看办件").click()
    page.get_by_role("button", name="再加一项").click()
    expect(page.get_by_text("第 3 项")).to_be_visible()
    page.get_by_role("button", name="出具一次性告知书").click()
    expect(page.get_by_role("status")).to_contain_text("一次性告知书已出具")


def test_a_double_click_files_once(look: Look, tmp_path: Path) -> None:
    page = look(TOWNSHIP, CLERK)
    page.goto("/cases")
    before = cases_here(page)
    filled(page, picture_file(tmp_path), RIGHT_NUMBER)
    page.get_by_role("button", name="收件").dblclick()
    expect(page.get_by_role("heading", name="收件凭证")).to_be_visible()
    page.goto("/cases")
    assert cases_here(page) == before + 1


def cases_here(page: Page) -> int:
    return int(page.locator(".tabs [aria-current] .count").inner_text())


def test_the_map_shows_a_link_that_is_cut_and_mended_by_itself(
    look: Look, halls: Halls, tmp_path: Path
) -> None:
    page = look(TOWNSHIP, CLERK)
    page.get_by_role("link", name="网络").click()
    parent = page.locator(".tier.parent .hall")
    expect(parent).to_contain_text("连通")
    wire = halls.network.node(TOWNSHIP).link
    assert wire is not None
    halls.loop.call_soon_threadsafe(wire.cut)
    try:
        report_up(look(TOWNSHIP, CLERK), picture_file(tmp_path))
        expect(parent).to_contain_text("断开", timeout=LINK_MILLISECONDS)
        expect(parent).to_contain_text("最早")
    finally:
        halls.loop.call_soon_threadsafe(wire.mend)
    expect(parent).to_contain_text("连通", timeout=LINK_MILLISECONDS)
    expect(parent.locator("dd").first).to_have_text("无", timeout=LINK_MILLISECONDS)


def report_up(page: Page, scan: Path) -> None:
    """Something that has to travel: it stays on its way while the link is cut."""
    filled(page, scan, RIGHT_NUMBER)
    page.get_by_label(AUTHORISATION).set_input_files(scan)
    page.get_by_role("button", name="收件").click()
    page.get_by_role("link", name="查看办件").click()
    act(page, "受理", "受理")
    page.get_by_label("符合条件", exact=True).check()
    page.locator("#act-review").get_by_label("说明").fill("属实")
    act(page, "初审", "提交初审意见")
    act(page, "上报", "上报")
    expect(page.get_by_role("heading", name="在途")).to_be_visible()
    page.goto("/cases?tab=transit")
    expect(page.locator("tbody tr")).to_have_count(1)


def test_the_map_of_a_parent_shows_its_children(look: Look) -> None:
    page = look(COUNTY, CLERK)
    page.goto("/network")
    expect(page.get_by_text("下级大厅")).to_be_visible()
    expect(page.locator(".halls .hall")).to_contain_text(["文昌镇"])
    expect(page.locator(".tier.parent")).to_contain_text("杭州市")
    expect(page.get_by_role("cell", name="事项目录")).to_be_visible()


@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
@pytest.mark.parametrize(
    ("actor_id", "paths"),
    [
        ("", ["/", "/sign-in", "/progress", "/rate", "/nothing"]),
        (CLERK, ["/cases", "/file", f"/file/{SUBSISTENCE}", "/network"]),
        (CHIEF, [f"/window/{page.key}" for page in PAGES]),
        (AGENT, ["/agent", "/file", f"/file/{SUBSISTENCE}", "/offline", "/window/mandates"]),
    ],
    ids=["anybody", "clerk", "chief", "agent"],
)
def test_no_page_is_wider_than_the_screen(
    look: Look, size: tuple[int, int], actor_id: str, paths: list[str]
) -> None:
    page = look(TOWNSHIP, actor_id, size)
    for path in paths:
        page.goto(path)
        width = page.evaluate("document.documentElement.scrollWidth")
        assert width <= size[0], path


def test_every_field_has_a_name_for_those_who_cannot_see(look: Look) -> None:
    page = look(TOWNSHIP, AGENT, PHONE)
    page.goto(f"/file/{SUBSISTENCE}")
    unnamed = page.evaluate(
        """[...document.querySelectorAll('input:not([type=hidden]), select, textarea')]
           .filter(field => field.labels.length === 0).map(field => field.name)"""
    )
    assert unnamed == []


def test_targets_on_a_phone_are_large_enough_to_touch(look: Look) -> None:
    page = look(TOWNSHIP, AGENT, PHONE)
    page.goto(f"/file/{SUBSISTENCE}")
    heights = page.evaluate(
        """[...document.querySelectorAll('main button, main .choice, main select')]
           .filter(target => target.checkVisibility())
           .map(target => target.getBoundingClientRect().height)"""
    )
    assert min(heights) >= 44


def test_the_receipt_prints_without_the_frame(look: Look, tmp_path: Path) -> None:
    page = look(TOWNSHIP, CLERK)
    filled(page, picture_file(tmp_path), RIGHT_NUMBER)
    page.get_by_role("button", name="收件").click()
    page.emulate_media(media="print")
    expect(page.locator("#query-code")).to_be_visible()
    expect(page.get_by_role("banner").first).to_be_hidden()
    expect(page.get_by_role("button", name="打印")).to_be_hidden()

"""The main paths at a window, in a real browser, by keyboard where it matters."""

from __future__ import annotations

import re
from datetime import date, timedelta

import pytest
from playwright.sync_api import Page, expect
from tests.browser.conftest import COUNTY, TOWNSHIP, Look
from tests.portal.halls import CHIEF, CLERK

from hallnet.portal.window.pages import PAGES

TOMORROW = (date.today() + timedelta(days=1)).isoformat()


def told(page: Page, text: str) -> None:
    expect(page.get_by_role("status")).to_contain_text(text)


def deed(page: Page, name: str) -> Page:
    """Open the form of a deed that waits behind its name."""
    page.locator("summary", has_text=re.compile(f"^{name}$")).first.click()
    return page


@pytest.mark.parametrize("page_key", [page.key for page in PAGES])
def test_every_field_of_a_window_page_has_a_label_of_its_own(look: Look, page_key: str) -> None:
    page = look(COUNTY, CHIEF)
    page.goto(f"/window/{page_key}")
    unnamed = page.evaluate(
        """[...document.querySelectorAll('input:not([type=hidden]), select, textarea')]
           .filter(field => field.labels.length === 0).map(field => field.name)"""
    )
    assert unnamed == []


def test_a_number_is_taken_called_served_and_rated(look: Look) -> None:
    page = look(TOWNSHIP, CHIEF)
    page.get_by_role("link", name="窗口", exact=True).click()
    deed(page, "设置窗口").get_by_label("窗口编号").fill("1")
    page.get_by_label("窗口名称").fill("综合")
    page.get_by_role("button", name="设置窗口").click()
    told(page, "窗口已设置")
    deed(page, "取号")
    # By keyboard: the lane, its ground, and send.
    page.get_by_label("普通").focus()
    page.keyboard.press("ArrowRight")
    page.get_by_label("老年人").check()
    page.get_by_role("button", name="取号").focus()
    page.keyboard.press("Enter")
    told(page, "前面还有0人")
    page.get_by_label("我的窗口").select_option("1")
    page.get_by_role("button", name="叫下一位").click()
    told(page, "到1窗口")
    page.get_by_role("button", name="到窗口").click()
    page.get_by_role("button", name="办完").click()
    told(page, "评价码")
    words = re.search(r"编号([\d-]+)，评价码(\w{8})", page.get_by_role("status").inner_text())
    assert words is not None
    visitor = look(TOWNSHIP)
    visitor.goto("/rate")
    visitor.get_by_label("编号", exact=True).fill(words[1])
    visitor.get_by_label("评价码或查询码").fill(words[2])
    visitor.get_by_role("button", name="下一步").click()
    levels = visitor.get_by_role("group", name="您对这次服务")
    levels.get_by_label("不满意", exact=True).check()
    visitor.get_by_role("button", name="提交评价").click()
    told(visitor, "1 个工作日内")
    page.goto("/window/ratings")
    expect(page.locator("section", has_text="待办的差评").first).to_contain_text("待回访")


def test_a_full_slot_is_told_where_it_was_booked_and_nothing_typed_is_lost(look: Look) -> None:
    page = look(TOWNSHIP, CHIEF)
    page.goto(f"/window/booking?day={TOMORROW}")
    deed(page, "开放号源").get_by_label("窗口组").fill("婚姻登记")
    page.get_by_label("日期").last.fill(TOMORROW)
    page.get_by_label("开始").fill("09:00")
    page.get_by_label("结束").fill("09:30")
    page.get_by_label("每段几人").fill("1")
    page.get_by_role("button", name="开放号源").click()
    told(page, "已开放1个时段")
    for name, phone in (("赵一", "13800000001"), ("钱二", "13800000002")):
        deed(page, "预约").get_by_label("来人姓名").fill(name)
        page.get_by_label("手机号").fill(phone)
        page.get_by_role("button", name="预约").click()
        page.wait_for_load_state()
    expect(page.get_by_role("alert")).to_contain_text("该时段已约满")
    expect(page.get_by_label("来人姓名")).to_have_value("钱二")
    page.get_by_label("约满时登记候补").check()
    page.get_by_role("button", name="预约").click()
    told(page, "已登记候补")


def test_an_enquiry_goes_to_who_takes_it(look: Look) -> None:
    clerk = look(TOWNSHIP, CLERK)
    clerk.goto("/window/enquiries")
    clerk.get_by_label("咨询内容").fill("老年证怎么办")
    clerk.get_by_role("button", name="登记咨询").click()
    told(clerk, "由您首问负责")
    deed(clerk, "转交").get_by_label("转给").select_option(CHIEF)
    clerk.get_by_role("button", name="转交").click()
    told(clerk, "仍由您负责")
    chief = look(TOWNSHIP, CHIEF)
    chief.goto("/window/enquiries")
    chief.get_by_role("button", name="接手", exact=True).click()
    told(chief, "现由您负责")


def test_a_person_is_found_by_name_and_the_address_names_nobody(look: Look) -> None:
    page = look(TOWNSHIP, CLERK)
    page.goto("/cases")
    page.get_by_label("找人或找件").fill("从未来过的人")
    page.keyboard.press("Enter")
    expect(page.get_by_text("姓名要写全名")).to_be_visible()
    assert page.url.endswith("/cases")
    expect(page.get_by_label("找人或找件")).to_have_value("从未来过的人")

"""One case through the whole network, by browsers only: villager's agent, clerk, county, applicant."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Page, expect
from tests.browser.conftest import COUNTY, PHONE, TOWNSHIP, Look, act
from tests.portal.halls import (
    AGENT,
    APPLICATION,
    AUTHORISATION,
    CHIEF,
    CLERK,
    SUBSISTENCE,
    picture_file,
    until,
)

NUMBER = "11010519491231002X"
NAME = "陈秀英"
STEPS = [
    "已收到您的申请",
    "已一次性告知需补正的内容",
    "已收到补正材料",
    "已受理",
    "已完成初审",
    "已上报杭州市淳安县",
    "已作出决定：准予",
    "结果已回传杭州市淳安县文昌镇",
    "已办结，结果已送达",
]


def file_for_a_villager(page: Page, scan: Path) -> tuple[str, str]:
    """One needed material is missing."""
    page.get_by_role("link", name="代办收件").first.click()
    page.get_by_role("link", name="最低生活保障对象认定").click()
    page.get_by_label("姓名").fill(NAME)
    page.get_by_label("证件号码").fill(NUMBER)
    page.get_by_label("手机号码").fill("13900000000")
    page.get_by_label("指印").check()
    page.get_by_label("委托凭证").set_input_files(scan)
    page.get_by_label(APPLICATION).set_input_files(scan)
    page.get_by_role("button", name="收件").click()
    expect(page.get_by_role("heading", name="收件凭证")).to_be_visible()
    expect(page.get_by_text("尚缺材料")).to_be_visible()
    return page.locator("#case-no").inner_text(), page.locator("#query-code").inner_text()


def open_from_queue(page: Page, number: str) -> None:
    """Found by its number in the queue, as soon as it has come."""

    def there() -> bool:
        page.goto("/cases")
        return page.get_by_role("link", name=number).count() > 0

    until(there)
    page.get_by_role("link", name=number).click()


def progress(page: Page, number: str, code: str) -> None:
    page.goto("/progress")
    page.get_by_label("办件编号").fill(number)
    page.get_by_label("查询码").fill(code)
    page.get_by_role("button", name="查询").click()


def test_a_case_goes_from_a_village_to_the_county_and_back(look: Look, tmp_path: Path) -> None:
    scan = picture_file(tmp_path)
    agent = look(TOWNSHIP, AGENT, PHONE)
    number, code = file_for_a_villager(agent, scan)

    clerk = look(TOWNSHIP, CLERK)
    open_from_queue(clerk, number)
    expect(clerk.locator("[name=defect_material]").first).to_have_value(AUTHORISATION)
    act(clerk, "一次性告知", "出具一次性告知书")
    expect(clerk.get_by_role("status")).to_contain_text("一次性告知书已出具")

    applicant = look(TOWNSHIP)
    progress(applicant, number, code.lower())
    expect(applicant.get_by_role("heading", name="需要您补正")).to_be_visible()
    expect(applicant.get_by_text(AUTHORISATION)).to_be_visible()

    agent.goto("/agent")
    expect(agent.get_by_role("heading", name="等您补正")).to_be_visible()
    agent.get_by_role("link", name=number).click()
    agent.get_by_label(AUTHORISATION).set_input_files(scan)
    act(agent, "补正材料", "提交补正材料")
    expect(agent.get_by_role("status")).to_contain_text("补正材料已收到")

    clerk.reload()
    act(clerk, "受理", "受理")
    expect(clerk.get_by_role("status")).to_contain_text("已受理")
    clerk.get_by_label("符合条件", exact=True).check()
    clerk.locator("#act-review").get_by_label("说明").fill("入户核查属实，公示期满无异议")
    act(clerk, "初审", "提交初审意见")
    act(clerk, "上报", "上报")
    expect(clerk.get_by_role("status")).to_contain_text("办件已发出")

    chief = look(COUNTY, CHIEF)
    open_from_queue(chief, number)
    expect(chief.get_by_text("入户核查属实")).to_be_visible()
    until(lambda: _reloaded(chief).get_by_role("link", name=AUTHORISATION).count() > 0)
    chief.get_by_label("准予", exact=True).check()
    chief.locator("#act-decide").get_by_label("理由").fill("经审查符合条件")
    act(chief, "作出决定", "作出决定")
    expect(chief.get_by_role("status")).to_contain_text("决定已作出")

    open_from_queue(clerk, number)
    expect(clerk.get_by_text("决定：准予")).to_be_visible()
    act(clerk, "办结", "办结")
    expect(clerk.get_by_role("status")).to_contain_text("办件已办结")

    progress(applicant, number, code)
    for step in STEPS:
        expect(applicant.get_by_text(step).first).to_be_visible()
    expect(applicant.get_by_text("已办结", exact=True)).to_be_visible()


def _reloaded(page: Page) -> Page:
    page.reload()
    return page


def test_the_papers_of_a_case_can_be_looked_at_and_taken_along(look: Look, tmp_path: Path) -> None:
    scan = picture_file(tmp_path, shade=90)
    clerk = look(TOWNSHIP, CLERK)
    clerk.goto(f"/file/{SUBSISTENCE}")
    clerk.get_by_label("姓名").fill(NAME)
    clerk.get_by_label("证件号码").fill(NUMBER)
    clerk.get_by_label(APPLICATION).set_input_files(scan)
    clerk.get_by_role("button", name="收件").click()
    clerk.get_by_role("link", name="查看办件").click()
    with clerk.expect_popup() as opened:
        clerk.get_by_role("link", name=APPLICATION).click()
    assert opened.value.locator("img").count() == 1
    with clerk.expect_download() as taken:
        clerk.get_by_role("button", name="导出").click()
    assert taken.value.suggested_filename.endswith(".bundle")
    assert taken.value.path().stat().st_size > 1000

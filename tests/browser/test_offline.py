"""An agent files where there is no network, in a real browser that is cut off and comes back."""

from __future__ import annotations

import json
import re
from pathlib import Path

from playwright.sync_api import Page, Route, expect
from tests.browser.conftest import PHONE, TOWNSHIP, Look, act
from tests.portal.halls import (
    AGENT,
    APPLICATION,
    AUTHORISATION,
    CHIEF,
    OTHER_AGENT,
    PASSWORD,
    SUBSISTENCE,
    Halls,
    picture_file,
)
from tests.portal.test_offline import devices_of, shut_out

NUMBER = "11010519491231002X"
GIVEN = re.compile(r"330127101-\d{8}-.*")
RAW = """async () => {
  const opened = await new Promise((resolve) => {
    const request = indexedDB.open("hallnet-offline");
    request.onsuccess = () => resolve(request.result);
  });
  const all = (store) => new Promise((resolve) => {
    const request = opened.transaction(store).objectStore(store).getAll();
    request.onsuccess = () => resolve(request.result);
  });
  const found = [];
  for (const store of ["items", "files", "kept"]) {
    for (const record of await all(store)) {
      found.push(new TextDecoder().decode(record.closed.data) + Object.keys(record));
    }
  }
  const keys = (await all("keys")).map(({ account, key }) => [account, key?.extractable]);
  opened.close();
  return { found, keys };
}"""


def at_work(look: Look, actor_id: str = AGENT) -> Page:
    """A browser of its own at the page, enrolled, with a network and everything fetched."""
    page = look(TOWNSHIP, actor_id, PHONE)
    page.goto("/offline")
    page.get_by_label("设备名称").fill("浪洞村平板")
    page.get_by_role("button", name="登记本设备").click()
    expect(page.get_by_text("已同步")).to_be_visible()
    # From here on the page comes out of the browser.
    page.evaluate("navigator.serviceWorker.ready.then(() => true)")
    page.reload()
    expect(page.get_by_text("已同步")).to_be_visible()
    return page


def fill_in(page: Page, folder: Path, name: str = "陈秀英", shade: int = 200) -> None:
    page.get_by_label("事项").select_option(SUBSISTENCE)
    page.get_by_label("姓名").fill(name)
    page.get_by_label("证件号码").fill(NUMBER)
    page.get_by_label("委托凭证").set_input_files(picture_file(folder, "m.png", shade))
    page.get_by_label(APPLICATION).set_input_files(picture_file(folder, "a.png", shade + 1))
    page.get_by_label(AUTHORISATION).set_input_files(picture_file(folder, "b.png", shade + 2))


def file_one(page: Page, folder: Path, name: str = "陈秀英", shade: int = 200) -> str:
    """File for a villager; returns the number on the receipt."""
    fill_in(page, folder, name, shade)
    page.get_by_role("button", name="收件", exact=True).click()
    number = page.locator("#receipt-number")
    expect(number).to_have_text(GIVEN)
    return number.inner_text()


def rows(page: Page, state: str) -> int:
    return page.locator("#items .badge", has_text=state).count()


def test_what_is_filed_without_a_network_is_sent_when_there_is_one(
    look: Look, tmp_path: Path
) -> None:
    page = at_work(look)
    page.context.set_offline(True)
    page.reload()
    expect(page.get_by_role("status").first).to_contain_text("离线")
    numbers = [
        file_one(page, tmp_path, name, 10 * n) for n, name in enumerate(("陈秀英", "方大山"))
    ]
    assert len(set(numbers)) == 2
    expect(page.get_by_text("待发送 4 项")).to_be_visible()
    # The browser is closed and opened again, still without a network.
    page.reload()
    expect(page.get_by_text("待发送 4 项")).to_be_visible()
    page.context.set_offline(False)
    expect(page.get_by_text("没有待发送的事务")).to_be_visible()
    expect(page.locator("#items .badge", has_text="已办")).to_have_count(4)
    for number in numbers:
        expect(page.locator("#cases").get_by_text(number)).to_be_visible()
    clerk = look(TOWNSHIP, CHIEF)
    clerk.goto("/cases")
    for number in numbers:
        expect(clerk.get_by_role("link", name=number)).to_be_visible()


def test_a_number_that_is_given_while_others_are_fetched_is_given_once(
    look: Look, tmp_path: Path
) -> None:
    """On a slow line new numbers are under way while the next villager sits down."""
    page = at_work(look)
    page.context.set_offline(True)
    numbers = [file_one(page, tmp_path, "陈秀英", 10 * n) for n in range(3)]
    held: list[Route] = []
    page.route("**/offline/numbers", lambda route: held.append(route))
    page.context.set_offline(False)
    with page.expect_request("**/offline/numbers"):
        page.get_by_role("button", name="立即发送").click()
    numbers.append(file_one(page, tmp_path, "方大山", 40))
    held.pop().continue_()
    page.unroute("**/offline/numbers")
    expect(page.get_by_text("已同步")).to_be_visible()
    page.context.set_offline(True)
    numbers.append(file_one(page, tmp_path, "汪小芳", 50))
    assert len(set(numbers)) == 5


def test_who_presses_twice_files_once(look: Look, tmp_path: Path) -> None:
    page = at_work(look)
    page.context.set_offline(True)
    fill_in(page, tmp_path)
    page.get_by_role("button", name="收件", exact=True).dblclick()
    expect(page.locator("#receipt-number")).to_have_text(GIVEN)
    expect(page.get_by_text("待发送 2 项")).to_be_visible()


def test_what_lies_in_the_browser_is_closed(look: Look, tmp_path: Path) -> None:
    page = at_work(look)
    page.context.set_offline(True)
    file_one(page, tmp_path, "汪小芳")
    seen = page.evaluate(RAW)
    assert len(seen["found"]) >= 6
    assert "汪小芳" not in json.dumps(seen, ensure_ascii=False)
    assert NUMBER not in json.dumps(seen)
    assert seen["keys"] == [[AGENT, False]]


def test_another_user_of_the_device_sees_nothing_of_it(look: Look, tmp_path: Path) -> None:
    page = at_work(look)
    page.context.set_offline(True)
    file_one(page, tmp_path, "余小红")
    page.get_by_role("button", name="锁定").click()
    expect(page.locator("#work")).to_be_hidden()
    page.reload()
    expect(page.locator("#work")).to_be_hidden()
    page.context.set_offline(False)
    page.reload()
    # Locking ended the session at the hall as well.
    page.get_by_role("link", name="登录后使用").click()
    sign_in(page, OTHER_AGENT)
    expect(page.get_by_text("已同步")).to_be_visible()
    expect(page.get_by_text("没有待发送的事务")).to_be_visible()
    assert "余**" not in page.locator("main").inner_text()
    assert page.evaluate(RAW)["keys"] == [[OTHER_AGENT, False]]
    page.get_by_role("button", name="锁定").click()
    page.get_by_role("link", name="登录后使用").click()
    sign_in(page, AGENT)
    # What she had queued was still there, and is sent in her name.
    expect(page.locator("#items .badge", has_text="已办")).to_have_count(2)


def test_a_conflict_shows_what_happened_and_is_settled_by_the_agent(
    look: Look, tmp_path: Path
) -> None:
    page = at_work(look)
    number = file_one(page, tmp_path, "洪小军")
    page.get_by_role("button", name="立即发送").click()
    found = page.locator("#cases li", has_text=number)
    expect(found).to_be_visible()
    page.context.set_offline(True)
    found.get_by_text("撤回申请").click()
    found.get_by_label("撤回原因").fill("不办了")
    found.get_by_role("button", name="撤回", exact=True).click()
    expect(page.get_by_text("待发送 1 项")).to_be_visible()
    clerk = look(TOWNSHIP, CHIEF)
    clerk.goto("/cases")
    clerk.get_by_role("link", name=number).click()
    act(clerk, "受理", "受理")
    page.context.set_offline(False)
    row = page.locator("#items li", has_text="有冲突")
    expect(row).to_contain_text("离线期间：受理")
    row.get_by_role("button", name="仍要办理").click()
    expect(page.locator("#items .badge", has_text="有冲突")).to_have_count(0)
    expect(page.locator("#items .badge", has_text="已办")).to_have_count(3)


def test_a_lost_device_keeps_nothing_that_anybody_can_read(
    look: Look, halls: Halls, tmp_path: Path
) -> None:
    before = set(devices_of(halls, AGENT))
    page = at_work(look)
    [device_id] = set(devices_of(halls, AGENT)) - before
    page.context.set_offline(True)
    file_one(page, tmp_path, "胡小明")
    shut_out(halls, device_id)
    page.context.set_offline(False)
    expect(page.get_by_role("alert")).to_contain_text("没有登记这台设备")
    expect(page.locator("#work")).to_be_hidden()
    assert page.evaluate(RAW)["keys"] == []
    page.goto("/agent")
    expect(page.get_by_role("button", name="退出")).to_have_count(0)


def sign_in(page: Page, actor_id: str) -> None:
    page.get_by_label("账号").fill(actor_id)
    page.get_by_label("密码").fill(PASSWORD)
    page.get_by_role("button", name="登录").click()

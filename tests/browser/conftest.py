"""A real browser without a screen, and a real network of four levels for it to look at."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Page, StorageState, sync_playwright
from tests.portal.halls import PASSWORD, Halls, running

from hallnet.sandbox.network import NodeSpec

PROVINCE, CITY, COUNTY, TOWNSHIP = "33", "3301", "330127", "330127101"
STEP_MILLISECONDS = 40_000
DESK, PHONE = (1280, 900), (360, 740)
ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
Look = Callable[..., Page]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Debian's Chromium; none is ever downloaded.

    Not for longer than a module: as long as Playwright runs, no other test on this thread can run an
    event loop of its own.
    """
    program = shutil.which("chromium")
    if program is None:
        pytest.skip("Chromium is not installed: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def halls(browser: Browser) -> Iterator[Halls]:
    """Asks for the browser first, so that no network is founded in vain."""
    levels = [
        NodeSpec(PROVINCE, "浙江省政务服务中心", has_children=True),
        NodeSpec(CITY, "杭州市政务服务中心", has_children=True),
        NodeSpec(COUNTY, "淳安县政务服务中心", has_children=True, portal=True),
        NodeSpec(TOWNSHIP, "文昌镇便民服务中心", portal=True, cuttable=True),
    ]
    with running(PROVINCE, levels) as halls:
        yield halls


@pytest.fixture(scope="module")
def sessions() -> dict[tuple[str, str], StorageState]:
    """Cookies of those who have signed in, by hall and account."""
    return {}


@pytest.fixture
def look(
    browser: Browser, halls: Halls, sessions: dict[tuple[str, str], StorageState]
) -> Iterator[Look]:
    """A window of somebody's own at a portal, signed in if an account is named.

    A page that breaks its own rules (a script that fails, a style that the policy forbids) fails the
    test.
    """
    contexts = []
    complaints: list[str] = []

    def opened(
        address: str = TOWNSHIP,
        actor_id: str = "",
        size: tuple[int, int] = DESK,
        scripts: bool = True,
    ) -> Page:
        context = browser.new_context(
            base_url=halls.url(address),
            viewport={"width": size[0], "height": size[1]},
            locale="zh-CN",
            java_script_enabled=scripts,
            storage_state=sessions.get((address, actor_id)),
        )
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(STEP_MILLISECONDS)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on(
            "console",
            lambda message: (
                complaints.append(message.text)
                if "Content Security Policy" in message.text
                else None
            ),
        )
        if actor_id and (address, actor_id) in sessions:
            page.goto("/")
        elif actor_id:
            page.goto("/sign-in")
            page.get_by_label("账号").fill(actor_id)
            page.get_by_label("密码").fill(PASSWORD)
            page.get_by_role("button", name="登录").click()
            page.get_by_text("退出").wait_for()
            sessions[address, actor_id] = context.storage_state()
        return page

    yield opened
    for context in contexts:
        context.close()
    assert complaints == []


def act(page: Page, name: str, button: str) -> None:
    """Open the form of an act, unless it stands open, and send it."""
    form = page.locator("details.act").filter(has=page.locator("summary", has_text=name)).first
    if form.get_attribute("open") is None:
        form.locator("summary").click()
    form.get_by_role("button", name=button, exact=True).click()

"""Every page: for whom it is, what its headers say, what happens at its edges."""

from __future__ import annotations

import re
from typing import Any

import httpx
import pytest
from starlette.routing import Route
from tests.portal.conftest import COUNTY, TOWNSHIP, Enter
from tests.portal.halls import AGENT, CLERK, Halls

from hallnet.portal.application import application

STAFF_PAGES = ["/cases", "/network", "/window/queue", "/window/fees"]


@pytest.mark.parametrize("path", [*STAFF_PAGES, "/agent", "/file", "/cases/anything"])
def test_nobody_gets_in_without_signing_in(enter: Enter, path: str) -> None:
    page = enter().open(path)
    assert page.url.path == "/sign-in"
    assert page.form("/sign-in").value("next") == path


OPEN_PAGES = {
    "/",
    "/healthz",
    "/sign-in",
    "/sign-out",
    "/progress",
    "/rate",
    "/rate/send",
    "/static",
    "/offline",
    "/offline-worker.js",
}
"""For anybody. What is not here needs a session, also a page that is added later."""


def closed_pages() -> list[tuple[str, str]]:
    site: Any = None
    routes = application(site, secure=False).routes
    found = [
        (method, re.sub("{[a-z_]+}", "x", route.path))
        for route in routes
        if isinstance(route, Route) and route.path not in OPEN_PAGES
        for method in sorted(route.methods or ())
    ]
    assert len(found) >= 12
    return found


@pytest.mark.parametrize(("method", "path"), closed_pages())
def test_no_page_but_the_open_ones_answers_without_a_session(
    halls: Halls, method: str, path: str
) -> None:
    response = httpx.request(method, halls.url(TOWNSHIP) + path)
    if path.startswith("/offline/"):
        # Asked by a script, which has no use for a page.
        assert response.status_code == 401
        assert method == "HEAD" or response.json()["reason"] == "NOT_SIGNED_IN"
        return
    assert response.status_code == 303
    assert response.headers["location"].partition("?")[0] == "/sign-in"


@pytest.mark.parametrize("path", STAFF_PAGES)
def test_an_agent_cannot_open_the_pages_of_staff(enter: Enter, path: str) -> None:
    page = enter(AGENT).open(path)
    assert page.status == 403
    assert "仅供本厅工作人员使用" in page.text


def test_staff_cannot_open_the_page_of_agents(enter: Enter) -> None:
    assert enter(CLERK).open("/agent").status == 403


@pytest.mark.parametrize("path", ["/", "/sign-in", "/progress", "/cases", "/nothing"])
def test_no_page_is_kept_or_framed_or_runs_foreign_code(halls: Halls, path: str) -> None:
    headers = httpx.get(halls.url(TOWNSHIP) + path).headers
    assert headers["cache-control"] == "no-store"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy


def test_static_files_are_kept_under_an_address_that_changes_with_them(enter: Enter) -> None:
    visitor = enter()
    html = visitor.open("/").html
    address = html.split('rel="stylesheet" href="')[1].split('"')[0]
    response = visitor.client.get(address)
    assert response.headers["content-type"].startswith("text/css")
    assert "immutable" in response.headers["cache-control"]
    assert "?" in address


def test_no_page_needs_anything_from_another_site(enter: Enter) -> None:
    visitor = enter(CLERK)
    for path in ("/", "/cases", "/file", "/network"):
        assert "http://" not in visitor.open(path).html.replace("http://www.w3.org", "")
        assert "https://" not in visitor.open(path).html


def test_the_front_page_names_the_hall_and_its_connection(enter: Enter) -> None:
    text = enter().open("/").text
    assert "文昌镇便民服务中心" in text
    assert "已与上级大厅（杭州市淳安县）连通" in text
    assert "最上一级" in enter(address=COUNTY).open("/").text


def test_an_unknown_page_says_what_to_do(enter: Enter) -> None:
    page = enter().open("/nothing")
    assert page.status == 404
    assert "没有这个页面" in page.text


def test_the_map_shows_links_releases_and_incidents(enter: Enter) -> None:
    text = enter(CLERK).open("/network").text
    for word in ("上级大厅", "连通", "日志条目", "事项目录", "工作日历", "生效中", "安全事件"):
        assert word in text
    county = enter(CLERK, COUNTY).open("/network").text
    assert "下级大厅" in county
    assert "文昌镇" in county


def test_a_body_that_is_too_large_is_refused(enter: Enter) -> None:
    visitor = enter()
    form = visitor.open("/sign-in").form("/sign-in")
    page = visitor.send(form, actor_id="a" * 100_000, password="b")
    assert page.status == 413
    assert "上限" in page.text


def test_a_body_that_is_no_form_is_refused(enter: Enter) -> None:
    response = enter().client.post(
        "/sign-in", content=b"\xff\xfe", headers={"content-type": "multipart/form-data"}
    )
    assert response.status_code == 400

"""What the page that works without a network asks of the hall: for who is signed in, at a device that is enrolled."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import uuid
from datetime import UTC, datetime
from typing import Any

import httpx
from tests.portal.conftest import TOWNSHIP, Enter
from tests.portal.halls import (
    AGENT,
    APPLICATION,
    CHIEF,
    OTHER_AGENT,
    SUBSISTENCE,
    VILLAGE,
    Halls,
    picture,
)
from tests.portal.visitor import Page, SeenForm, Visitor

from hallnet.node.client import problems_raised
from hallnet.wire.device.v1 import device_service_pb2 as wire
from hallnet.wire.intake.v1 import intake_service_pb2 as wire_intake

NUMBER = "11010519491231002X"
NOTHING_KNOWN: dict[str, Any] = {"cases": [], "items": "", "calendar": ""}


def asks(visitor: Visitor, path: str, value: Any, token: str = "") -> httpx.Response:
    """A question of the script, with the token of the session unless another is given."""
    token = token or visitor.client.get("/offline/who").json().get("token", "")
    content = value if isinstance(value, bytes) else json.dumps(value).encode()
    return visitor.client.post(
        f"/offline/{path}", content=content, headers={"x-hallnet-token": token}
    )


def enrolled(enter: Enter, actor_id: str = AGENT) -> Visitor:
    """A browser of its own that was enrolled."""
    visitor: Visitor = enter(actor_id, afresh=True)
    answer = asks(visitor, "enrol", {"name": "村里的平板"})
    assert answer.status_code == 200, answer.text
    return visitor


def devices_of(halls: Halls, actor_id: str) -> list[str]:
    async def listed() -> list[str]:
        with problems_raised():
            found = await halls.desk(TOWNSHIP).device.ListDevices(
                wire.ListDevicesRequest(actor_id=actor_id)
            )
        return [device.device_id for device in found.devices if not device.shut_out_by]

    return halls.run(listed())


def shut_out(halls: Halls, device_id: str) -> None:
    async def shut() -> None:
        act = wire_intake.Act(request_id=str(uuid.uuid4()), actor_id=CHIEF)
        request = wire.ShutOutDeviceRequest(act=act, device_id=device_id, reason="遗失")
        with problems_raised():
            await halls.desk(TOWNSHIP).device.ShutOutDevice(request)

    halls.run(shut())


def test_the_page_is_the_same_for_everybody(enter: Enter) -> None:
    agent, nobody = enter(AGENT).open("/offline"), enter().open("/offline")
    assert agent.status == 200
    assert agent.html == nobody.html
    assert "方代办" not in agent.html


def test_the_worker_keeps_the_page_and_every_file_that_it_needs(enter: Enter) -> None:
    visitor = enter()
    script = visitor.client.get("/offline-worker.js")
    assert script.headers["content-type"].startswith("text/javascript")
    shell = json.loads(script.text.removeprefix("const SHELL = ").partition(";\n")[0])
    needed = set(re.findall(r'(?:src|href)="(/static/[^"]+)"', visitor.open("/offline").html))
    assert needed | {"/offline"} == set(shell)
    assert all(visitor.client.get(path).status_code == 200 for path in shell)


def test_who_is_not_signed_in_gets_nothing(enter: Enter) -> None:
    visitor = enter()
    assert visitor.client.get("/offline/who").status_code == 401
    for path in ("open", "exchange", "settle", "changes", "numbers", "enrol", "uploads/00"):
        assert asks(visitor, path, {}, "x").json()["reason"] == "NOT_SIGNED_IN"


def test_another_site_cannot_ask(enter: Enter) -> None:
    visitor = enter(AGENT)
    assert asks(visitor, "open", {}, "x").json()["reason"] == "FORM_STALE"


def test_a_browser_that_is_not_enrolled_gets_no_key(enter: Enter) -> None:
    assert asks(enter(AGENT), "open", {}).json()["reason"] == "DEVICE_UNKNOWN"


def test_the_key_of_an_account_is_the_same_each_time_and_no_script_sees_the_secret(
    enter: Enter,
) -> None:
    visitor = enrolled(enter)
    [cookie] = [one for one in visitor.client.cookies.jar if one.name.endswith("-device")]
    assert cookie.has_nonstandard_attr("HttpOnly")
    keys = {asks(visitor, "open", {}).json()["key"] for _ in range(2)}
    assert [len(base64.b64decode(key)) for key in keys] == [32]


def test_two_accounts_of_one_browser_have_keys_of_their_own(enter: Enter) -> None:
    visitor = enrolled(enter)
    mine = asks(visitor, "open", {}).json()["key"]
    visitor.send(visitor.open("/agent").form("/sign-out"))
    visitor.sign_in(OTHER_AGENT)
    assert visitor.client.get("/offline/who").json()["account"] == OTHER_AGENT
    assert asks(visitor, "open", {}).json()["key"] != mine


def test_shutting_a_device_out_ends_the_session_at_it(enter: Enter, halls: Halls) -> None:
    before = set(devices_of(halls, AGENT))
    visitor = enrolled(enter)
    [device_id] = set(devices_of(halls, AGENT)) - before
    assert visitor.open("/agent").url.path == "/agent"
    shut_out(halls, device_id)
    assert asks(visitor, "open", {}, "x").json()["reason"] == "DEVICE_UNKNOWN"
    assert visitor.client.get("/offline/who").json()["reason"] == "DEVICE_UNKNOWN"
    assert visitor.open("/agent").url.path == "/"
    visitor.sign_in(AGENT)
    who = visitor.client.get("/offline/who").json()
    assert (who["account"], who["enrolled"]) == (AGENT, False)


def test_what_is_queued_is_uploaded_sent_and_filed_under_its_number(enter: Enter) -> None:
    visitor = enrolled(enter)
    asks(visitor, "open", {})
    content = picture(91) * 40
    digest = hashlib.sha256(content)
    material = {
        "digest": base64.b64encode(digest.digest()).decode(),
        "size": str(len(content)),
        "mediaType": "image/png",
    }
    now = datetime.now(UTC).isoformat().replace("+00:00", "Z")
    person = {"name": "陈秀英", "documentKind": "111", "documentNumber": NUMBER}
    [number, *_] = asks(visitor, "numbers", {"request_id": str(uuid.uuid4())}).json()["numbers"]
    mandate_id, application_id = str(uuid.uuid4()), str(uuid.uuid4())
    common = {"account": AGENT, "madeAt": now}
    mandate = {
        "mandateId": mandate_id,
        "client": person,
        "agentId": AGENT,
        "itemIds": [SUBSISTENCE],
        "acts": ["MANDATE_ACT_SUBMIT"],
        "validFrom": "2020-01-01",
        "validUntil": "2099-12-31",
        "evidenceKind": 2,
        "evidence": {**material, "name": "mandate", "submittedAt": now},
    }
    filing = {
        "itemId": SUBSISTENCE,
        "applicant": person,
        "channel": "CHANNEL_AGENT",
        "intakePoint": VILLAGE,
        "mandateId": mandate_id,
        "materials": [{**material, "name": APPLICATION}],
    }
    application = {"filing": filing, "reservedCaseNo": number["caseNo"]}
    items = [
        {
            "id": application_id,
            "body": json.dumps({**common, "dependsOn": [mandate_id], "application": application}),
        },
        {"id": mandate_id, "body": json.dumps({**common, "mandate": mandate})},
    ]
    waits = asks(visitor, "exchange", {"items": items}).json()["results"]
    assert [one["state"] for one in waits] == ["ITEM_STATE_WAITS"] * 2
    at, received = f"uploads/{digest.hexdigest()}?size={len(content)}&type=image/png", 0
    while received < len(content):
        sent = asks(visitor, f"{at}&offset={received}", content[received : received + 777])
        received = sent.json()["received"]
    results = asks(visitor, "exchange", {"items": items}).json()["results"]
    assert [one["state"] for one in results] == ["ITEM_STATE_DONE"] * 2, results
    assert results[0]["caseNo"] == number["caseNo"]
    known = asks(visitor, "changes", NOTHING_KNOWN).json()
    assert number["caseNo"] in {view["summary"]["caseNo"] for view in known["cases"]}
    assert known["items"]
    progress = visitor.open("/progress").form("/progress")
    found = visitor.send(progress, case_no=number["caseNo"], query_code=number["queryCode"])
    assert "已收到您的申请" in found.text


def test_a_manager_finds_what_was_not_done_and_shuts_a_device_out(
    enter: Enter, halls: Halls
) -> None:
    visitor = enrolled(enter)
    asks(visitor, "open", {})
    bad = str(uuid.uuid4())
    [result] = asks(visitor, "exchange", {"items": [{"id": bad, "body": "读不懂"}]}).json()[
        "results"
    ]
    assert result["state"] == "ITEM_STATE_QUARANTINED"
    chief = enter(CHIEF)
    page = chief.open("/window/devices")
    assert "读不懂" in page.text
    of = f"{AGENT} {bad}"
    told = chief.send(_form(page, "/release", of), reason="核实")
    assert "无法识读" in told.text
    told = chief.send(_form(chief.open("/window/devices"), "/discard", of), reason="作废")
    assert "已作废" in told.text
    assert "读不懂" not in chief.open("/window/devices").text
    own = visitor.open("/window/devices")
    [device_id] = [form.value("of") for form in own.forms if form.action.endswith("/shut-out")][:1]
    assert visitor.send(_form(own, "/shut-out", device_id), reason="遗失").url.path == "/"


def _form(page: Page, action: str, of: str) -> SeenForm:
    return next(
        form
        for form in page.forms
        if form.action.endswith(action) and form.fields.get("of") == [of]
    )


def test_what_is_malformed_is_told_as_such(enter: Enter) -> None:
    visitor = enrolled(enter)
    for path in ("exchange", "settle", "changes", "numbers", "uploads/xyz?size=1&offset=0"):
        answer = asks(visitor, path, b"{")
        assert (answer.status_code, answer.json()["reason"]) == (400, "FORM_MALFORMED"), path

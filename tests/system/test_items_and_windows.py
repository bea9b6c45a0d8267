"""Items and windows by the command line, at a running hall, as docs/catalogue.md and docs/operating.md say."""

from __future__ import annotations

import csv
import json
from datetime import timedelta
from pathlib import Path

import yaml
from tests.system.conftest import COUNTY, TOWNSHIP, RealNetwork
from tests.system.test_operators_way import hallnet

from hallnet.demo.world import CHIEF, VILLAGE, villager
from hallnet.node.clock import clock

ITEM = "elder-card"


def test_the_supplied_items_are_checked_converted_compared_and_printed(tmp_path: Path) -> None:
    checked = json.loads(hallnet("item", "check", "--json"))
    assert (checked["items"], checked["publishable"]) == (45, True)
    table, text = tmp_path / "items.csv", tmp_path / "items.yaml"
    hallnet("item", "convert", str(table))
    hallnet("item", "convert", str(text), "--file", str(table))
    assert hallnet("item", "diff", str(table), str(text)) == ""
    changed = yaml.safe_load(text.read_text("utf-8"))
    [card] = [item for item in changed["items"] if item["item_id"] == ITEM]
    card["name"], card["promised_limit"]["days"] = "老年优待证", 3
    text.write_text(yaml.safe_dump(changed, allow_unicode=True), "utf-8")
    told = json.loads(hallnet("item", "diff", str(table), str(text), "--json"))
    assert told["changed"][ITEM][0] == "事项名称：由“老年人优待证办理”改为“老年优待证”"
    spoilt = json.loads(hallnet("item", "check", "--file", str(text), "--json", code=2))
    assert [found["rule"] for found in spoilt["findings"] if found["item_id"] == ITEM] == [
        "handling"
    ]
    page = tmp_path / "guide.html"
    hallnet("item", "guide", ITEM, "--to", str(page))
    assert "老年人优待证办理" in page.read_text("utf-8")
    assert "ITEM_UNKNOWN" in hallnet("item", "guide", "nothing", code=1)


def test_what_may_not_be_published_is_refused_by_the_hall_with_its_reason(
    real: RealNetwork, tmp_path: Path
) -> None:
    home = str(real.network.node(COUNTY).home.folder)
    file = tmp_path / "items.yaml"
    hallnet("item", "convert", str(file))
    document = yaml.safe_load(file.read_text("utf-8"))
    [pension] = [i for i in document["items"] if i["item_id"] == "resident-pension-enrolment"]
    pension["version"], pension["promised_limit"]["days"] = 2, 6
    file.write_text(yaml.safe_dump(document, allow_unicode=True), "utf-8")
    refused = hallnet("release", "catalogue", home, "--file", str(file), code=1)
    assert "CATALOGUE_NOT_PUBLISHABLE" in refused
    pension["version"], pension["promised_limit"]["days"] = 1, 2
    file.write_text(yaml.safe_dump(document, allow_unicode=True), "utf-8")
    changed = hallnet("release", "catalogue", home, "--file", str(file), code=1)
    assert "ITEM_VERSION_CHANGED" in changed


def test_a_county_tries_and_publishes_what_narrows_an_item_from_above(
    real: RealNetwork, tmp_path: Path
) -> None:
    file, made = tmp_path / "county.yaml", tmp_path / "made.yaml"

    def written(**more: object) -> str:
        overlay = {"item_id": ITEM, "base_version": 1, "revision": 1, "enquiry_way": "12345"}
        document = {"overlays": [overlay | more]}
        file.write_text(yaml.safe_dump(document, allow_unicode=True), "utf-8")
        return str(file)

    told = hallnet("item", "overlay", written(), "--to", str(made))
    assert "咨询方式：增加“12345”" in told
    [item] = yaml.safe_load(made.read_text("utf-8"))["items"]
    assert (item["version"], item["base_version"]) == (1001, 1)
    widening = written(dropped_materials=["没有的材料"])
    assert "OVERLAY_WIDENS" in hallnet("item", "overlay", widening, code=1)
    # This county stands at the top: nobody above it has published anything.
    home = str(real.network.node(COUNTY).home.folder)
    refused = hallnet("release", "catalogue", home, "--file", written(), code=1)
    assert "OVERLAY_BASE_UNKNOWN" in refused


def test_a_refusal_of_one_service_comes_through_another_with_its_reason(
    real: RealNetwork, tmp_path: Path
) -> None:
    """A township without halls below may not publish: the exchange refuses to sign, branch-sync was asked."""
    file = tmp_path / "township.yaml"
    overlay = {"item_id": ITEM, "base_version": 1, "revision": 1, "enquiry_way": "12345"}
    file.write_text(yaml.safe_dump({"overlays": [overlay]}, allow_unicode=True), "utf-8")
    home = str(real.network.node(TOWNSHIP).home.folder)
    refused = hallnet("release", "catalogue", home, "--file", str(file), code=1)
    assert "PERMISSION_MISSING" in refused


def test_slots_queue_rota_and_agents_are_seen_by_command(real: RealNetwork, tmp_path: Path) -> None:
    home = str(real.network.node(TOWNSHIP).home.folder)
    window = json.loads(hallnet("window", "put", home, "预约1", "--as", CHIEF, "--rota"))
    assert window["window"]["needs_rota"]
    assert "ACTOR_UNKNOWN" in hallnet("window", "put", home, "1", "--as", "x", code=1)
    day = (clock().date() + timedelta(days=3)).isoformat()
    opening = ("--open", "09:00-10:00", "--group", "综合", "--capacity", "2", "--as", CHIEF)
    slots = json.loads(hallnet("window", "slots", home, day, *opening, "--json"))["slots"]
    assert [(one["free"], one["waiting"]) for one in slots] == [(2, 0), (2, 0)]
    gaps = json.loads(hallnet("window", "gaps", home, "--json", code=2))
    assert gaps["alarms"]
    assert json.loads(hallnet("window", "queue", home, "--json"))["tickets"] == []
    table = tmp_path / "agents.csv"
    told = hallnet("window", "agents", home, "--to", str(table))
    rows = list(csv.DictReader(table.read_text("utf-8-sig").splitlines()))
    assert [row["agents"] for row in rows if row["village"] == VILLAGE] == ["agent"]
    assert f"of {len(rows)} villages have no agent" in told
    assert json.loads(hallnet("window", "due", home, "--as", CHIEF, "--json"))["records"] == []
    hallnet("window", "ratings", home, "--from", "2026-01-01")


def test_somebody_is_given_a_copy_of_what_the_hall_keeps_of_her_by_command(
    real: RealNetwork, tmp_path: Path
) -> None:
    home = str(real.network.node(TOWNSHIP).home.folder)
    staff = ("--as", CHIEF)
    person = ("--name", "方小明", "--number", "330127199003071234", "--seen", "身份证原件")
    asked = ("personal", "open", home, "--right", "copy", *staff)
    assert "IDENTITY" in hallnet(*asked, *person, code=1)
    person = ("--name", villager(1).name, "--number", villager(1).number, "--seen", "身份证原件")
    number = json.loads(hallnet(*asked, *person))["request_no"]
    [waiting] = json.loads(hallnet("personal", "list", home, *staff, "--json"))["records"]
    assert waiting["personal"]["request_no"] == number
    hallnet("personal", "copy", home, number, *staff, "--out", str(tmp_path))
    assert villager(1).name in (tmp_path / "个人信息副本.txt").read_text("utf-8-sig")
    assert json.loads((tmp_path / "个人信息副本.json").read_text("utf-8"))
    hallnet("personal", "answer", home, number, *staff, "--words", "已当面交付副本")
    assert json.loads(hallnet("personal", "list", home, *staff, "--json"))["records"] == []


def test_enquiries_are_taken_home_as_a_table_by_command(real: RealNetwork, tmp_path: Path) -> None:
    home = str(real.network.node(TOWNSHIP).home.folder)
    table = tmp_path / "enquiries.csv"
    export = ("window", "export", home, "enquiry", "--as", CHIEF, "--to", str(table))
    hallnet(*export, "--purpose", "月度分析")
    assert next(csv.reader(table.read_text("utf-8-sig").splitlines()))
    assert "one of enquiry" in hallnet(*(*export[:3], "x", *export[4:]), "--purpose", "x", code=2)

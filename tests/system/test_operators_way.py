"""A hall is founded and used with nothing but the command line, as docs/operating.md says."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from hallnet.cli.standing import warnings
from hallnet.sandbox.ports import free_ports
from hallnet.wire.exchange.v1 import exchange_service_pb2 as wire


def hallnet(*arguments: str, code: int = 0, **environment: str) -> str:
    """Run the command; returns what it printed."""
    run = subprocess.run(
        [sys.executable, "-m", "hallnet.cli.main", *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        env=os.environ | environment,
    )
    assert run.returncode == code, run.stdout + run.stderr
    return run.stdout + run.stderr


@contextmanager
def running(home: Path) -> Iterator[None]:
    """`hallnet node run`, until it says that it is ready, and in order to its end."""
    with (home / "node.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "hallnet.cli.main", "node", "run", str(home)],
            stdout=subprocess.PIPE,
            stderr=log,
        )
    assert process.stdout is not None
    try:
        assert process.stdout.readline() == b"ready\n", (home / "node.log").read_text()
        yield
    finally:
        process.terminate()
        assert process.wait(20) == 0


def until(look: Any, seconds: float = 60.0) -> Any:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = look()
        if found:
            return found
        time.sleep(0.3)
    raise AssertionError("it did not come about in time")


@pytest.mark.parametrize(
    ("suite", "other"), [("1", "1"), ("2", "1")], ids=["suite 1", "suite 2 above suite 1"]
)
def test_a_county_and_a_township_are_founded_and_work_together(
    tmp_path: Path, suite: str, other: str
) -> None:
    root, county, township = tmp_path / "root", tmp_path / "county", tmp_path / "township"
    county_port, broker_port, township_port = free_ports(3)
    hallnet(
        "trust", "root", "new", str(root), "--division", "330127", "--without-passphrase",
        "--suite", suite, "--allow", other,
    )  # fmt: skip
    hallnet(
        "node", "init", str(county), "--address", "330127", "--name", "淳安县政务服务中心",
        "--listen", f"127.0.0.1:{county_port}", "--broker-listen", f"127.0.0.1:{broker_port}",
        "--suite", suite,
    )  # fmt: skip
    welcome = str(tmp_path / "welcome.bin")
    hallnet("trust", "root", "certify", str(root), str(county / "request.bin"), "--out", welcome)
    certificate = str(root / "root.cert")
    hallnet("node", "join", str(county), welcome, "--root", certificate)
    with running(county):
        hallnet("release", "catalogue", str(county))
        hallnet("release", "calendar", str(county))
        texts = tmp_path / "texts.yaml"
        texts.write_text(hallnet("release", "templates", str(county), "--print"), "utf-8")
        assert hallnet("release", "templates", str(county), str(texts), "--diff") == ""
        texts.write_text("ACCEPTANCE: 本厅已受理（{document_no}）。\n", "utf-8")
        shown = hallnet("release", "templates", str(county), str(texts), "--diff")
        assert "+本厅已受理（{document_no}）。" in shown
        assert "version 1" in hallnet("release", "templates", str(county), str(texts))
        assert hallnet("release", "templates", str(county), str(texts), "--diff") == ""
        hallnet(
            "node", "init", str(township), "--address", "330127101", "--name", "文昌镇便民服务中心",
            "--listen", f"127.0.0.1:{township_port}", "--suite", other,
        )  # fmt: skip
        hallnet("node", "certify", str(county), str(township / "request.bin"), "--out", welcome)
        hallnet("node", "join", str(township), welcome, "--root", certificate)
        with running(township):
            until(lambda: "catalogue" in hallnet("release", "list", str(township)))
            status = json.loads(
                until(lambda: _connected(hallnet("node", "status", str(township), "--json")))
            )
            assert status["address"] == "330127101"
            hallnet(
                "account", "put", str(township), "li", "--name", "李窗口", "--power", "receive",
                "--power", "decide-instant", "--password", "a-good-password",
            )  # fmt: skip
            listed = hallnet("case", "list", str(township), "--as", "li")
            assert "0 cases" in listed
            table = tmp_path / "cases.csv"
            exporting = ("case", "list", str(township), "--as", "li", "--csv", str(table))
            assert "what the table is for" in hallnet(*exporting, code=2)
            assert "POWER_MISSING" in hallnet(*exporting, "--purpose", "月报", code=1)
            hallnet(
                "account",
                "put",
                str(township),
                "zhu",
                "--name",
                "朱主任",
                "--power",
                "supervise",
                "--password",
                "a-good-password",
            )
            period = ("--as", "zhu", "--from", "2026-11-01", "--until", "2026-11-30")
            told = hallnet(
                "case", "ledger", str(township), *period, "--purpose", "月报", "--to", str(table)
            )
            assert "0 cases" in told
            assert table.read_text("utf-8-sig").startswith("办件编号,申请人,事项")
            hallnet("account", "drop-second-factor", str(township), "zhu")
            hallnet("account", "close", str(township), "zhu")
            assert "ACTOR_UNKNOWN" in hallnet("case", "list", str(township), "--as", "zhu", code=1)
            assert "catalogue-330127-1" in hallnet("release", "where", str(county))
            withdrawn = hallnet(
                "release", "withdraw", str(county), "catalogue", "1", "--reason", "金额有误"
            )
            assert "version 1 is withdrawn by version 2: nothing" in withdrawn
            until(lambda: "withdrawn" in hallnet("release", "list", str(township)))
            looked = hallnet("node", "catch-up", str(township), "--for", "60", "--json")
            assert json.loads(looked)["waiting"] == {"330127": 0}
            journal = tmp_path / "county.journal"
            hallnet("node", "archive", str(county), "--out", str(journal))
            verified = hallnet("verify", str(journal), "--root", certificate)
            assert "VALID: every proof holds" in verified
            live = json.loads(hallnet("verify", "--node", str(county), "--json"))
            assert live["holds"]
            assert (live["address"], live["start"]) == ("330127", 0)
            cut = tmp_path / "cut.journal"
            cut.write_bytes(journal.read_bytes().replace(b"330127101", b"330127102"))
            assert "NOT VALID" in hallnet("verify", str(cut), "--root", certificate, code=2)
            told = hallnet("node", "revoke", str(county), "330127101", "--reason", "密钥丢失")
            assert "shut out: 1 certificate(s) revoked" in told
            until(lambda: not _connected(hallnet("node", "status", str(township), "--json")))
            until(lambda: "disconnected from" in (township / "node.log").read_text())
            assert json.loads(hallnet("node", "status", str(county), "--json"))["links"] == []
            refused = hallnet(
                "node", "certify", str(county), str(township / "request.bin"), "--out", welcome,
                code=1,
            )  # fmt: skip
            assert "KEY_REVOKED" in refused
    assert sorted(path.name for path in (county / "data").glob("*.db")) == [
        "branch-sync.db",
        "exchange.db",
        "intake.db",
        "notify.db",
    ]


def test_halls_are_founded_with_invitations_alone(tmp_path: Path) -> None:
    """One code and one command for each; the root is handed over once, with both keys."""
    root, county, township = tmp_path / "root", tmp_path / "county", tmp_path / "township"
    stranger, newcomer = tmp_path / "stranger", tmp_path / "newcomer"
    secret, welcome = tmp_path / "passphrase", str(tmp_path / "welcome.bin")
    secret.write_text("a long passphrase of several words\n")
    county_port, broker_port, township_port, newcomer_port = free_ports(4)
    sealed = ("--passphrase-file", str(secret))
    record = hallnet("trust", "root", "new", str(root), "--division", "330127", *sealed)
    shown = json.loads(hallnet("trust", "root", "show", str(root / "root.cert"), "--json"))
    assert shown["fingerprint"] in record
    hallnet(
        "node", "init", str(county), "--address", "330127",
        "--listen", f"127.0.0.1:{county_port}", "--broker-listen", f"127.0.0.1:{broker_port}",
    )  # fmt: skip
    hallnet(
        "trust",
        "root",
        "certify",
        str(root),
        str(county / "request.bin"),
        "--out",
        welcome,
        *sealed,
    )
    hallnet("node", "join", str(county), welcome, "--root", str(root / "root.cert"))
    with running(county):
        first = json.loads(hallnet("node", "invite", str(county), "330127101", "--json"))["code"]
        second = json.loads(hallnet("node", "invite", str(county), "330127101", "--json"))["code"]
        file = tmp_path / "code"
        file.write_text(second)
        founded = hallnet(
            "node", "init", str(township), "--listen", f"127.0.0.1:{township_port}",
            "--invitation", str(file),
        )  # fmt: skip
        assert "330127101 is certified by 330127" in founded
        assert shown["fingerprint"] in founded
        assert "文昌镇" in (township / "hallnet.toml").read_text()
        # The same hall may ask again, another may not, and an invitation that was replaced is dead.
        assert "is certified" in hallnet("node", "join", str(township), "--invitation", second)
        assert "INVITATION_USED" in hallnet(
            "node", "init", str(stranger), "--invitation", second, code=1
        )
        assert "INVITATION_UNANSWERED" in hallnet(
            "node", "join", str(stranger), "--invitation", first, code=1
        )
        listed = hallnet("node", "invitations", str(county))
        assert "used" in listed
        assert "withdrawn" in listed
        with running(township):
            until(lambda: _connected(hallnet("node", "status", str(township), "--json")))
            until(lambda: "2个大厅" in hallnet("release", "list", str(township)))
            before = _trust_version(township)
            # A new root takes over; whoever is founded from now on is given that one.
            following = tmp_path / "next"
            hallnet("trust", "root", "new", str(following), "--division", "330127", *sealed)
            statement = str(tmp_path / "succession.bin")
            hallnet(
                "trust", "root", "succeed", str(root), str(following), "--out", statement,
                *sealed, "--new-passphrase-file", str(secret),
            )  # fmt: skip
            told = hallnet("trust", "take-root", str(county), statement)
            assert told.count("hallnet root") == 2
            until(lambda: _trust_version(township) > before)
    hallnet(
        "trust", "root", "certify", str(following), str(county / "request.bin"), "--out", welcome,
        *sealed,
    )  # fmt: skip
    hallnet("node", "join", str(county), welcome, "--root", str(following / "root.cert"))
    with running(county), running(township):
        until(lambda: _connected(hallnet("node", "status", str(township), "--json")))
        code = json.loads(hallnet("node", "invite", str(county), "330127102", "--json"))["code"]
        founded = hallnet(
            "node", "init", str(newcomer), "--listen", f"127.0.0.1:{newcomer_port}",
            "--invitation", code,
        )  # fmt: skip
        assert shown["fingerprint"] not in founded
        with running(newcomer):
            until(lambda: _knows(3, hallnet("node", "status", str(newcomer), "--json")))
            until(lambda: _knows(3, hallnet("node", "status", str(township), "--json")))
            move = ("hall", "move", str(county), "330127101")
            assert "330127101 goes on as 330127102" in hallnet(
                *move, "330127102", "--reason", "撤并", "--from", "2099-01-01"
            )
            assert "NOT_ABOVE_BOTH" in hallnet(
                *move, "330110012", "--reason", "撤并", "--from", "2099-01-01", code=1
            )


def test_the_status_warns_of_old_trust_data_and_of_clocks_that_are_apart() -> None:
    fresh = wire.GetStatusResponse(trust_freshness=wire.TRUST_FRESHNESS_FRESH, journal_sure=True)
    assert warnings(fresh) == []
    unsure = wire.GetStatusResponse(trust_freshness=wire.TRUST_FRESHNESS_FRESH)
    assert "where this hall's journal ends" in warnings(unsure)[0]
    stale = wire.GetStatusResponse(trust_freshness=wire.TRUST_FRESHNESS_STALE, journal_sure=True)
    assert "from 1970-01-01" in warnings(stale)[0]
    expired = wire.GetStatusResponse(
        trust_freshness=wire.TRUST_FRESHNESS_EXPIRED, journal_sure=True
    )
    assert "no results are issued" in warnings(expired)[0]
    fresh.links.add(neighbour="330127", clock_skew_ms=-600_000, clock_skewed=True)
    assert "the clock of 330127 is -600 s away" in warnings(fresh)[0]


def _trust_version(home: Path) -> int:
    return int(json.loads(hallnet("node", "status", str(home), "--json"))["trust_version"])


def _knows(halls: int, text: str) -> bool:
    return int(json.loads(text)["believed_halls"]) == halls


def _connected(text: str) -> str | None:
    return text if any(link["up"] for link in json.loads(text)["links"]) else None


def test_a_folder_that_is_no_node_is_told_in_the_users_language(tmp_path: Path) -> None:
    english = hallnet("node", "run", str(tmp_path), code=1, LC_ALL="C.UTF-8")
    chinese = hallnet("node", "run", str(tmp_path), code=1, LC_ALL="zh_CN.UTF-8")
    for text in (english, chinese):
        assert "Traceback" not in text
    assert "hallnet node init" in english or "hallnet.toml" in english
    assert any("\u4e00" <= character <= "\u9fff" for character in chinese)


def test_a_file_that_is_not_there_or_is_something_else_is_told_by_name(tmp_path: Path) -> None:
    rubbish = tmp_path / "rubbish"
    rubbish.write_bytes(b"\xff\xff")
    home = tmp_path / "node"
    hallnet("node", "init", str(home), "--address", "330127", "--name", "x")
    missing = str(tmp_path / "missing")
    for arguments in (
        ("verify", missing, "--root", missing),
        ("node", "certify", str(home), missing, "--out", missing),
        ("node", "certify", str(home), str(rubbish), "--out", missing),
        ("node", "join", str(home), str(rubbish), "--root", missing),
        ("trust", "root", "certify", str(tmp_path), str(rubbish), "--out", missing),
    ):
        told = hallnet(*arguments, code=1)
        assert "Traceback" not in told
        assert "FILE_UNUSABLE" in told
        assert "rubbish" in told or "missing" in told


def test_keys_are_never_overwritten(tmp_path: Path) -> None:
    arguments = ("node", "init", str(tmp_path / "n"), "--address", "330127", "--name", "x")
    hallnet(*arguments)
    before = (tmp_path / "n" / "keys" / "signing.key").read_bytes()
    assert "HOME_NOT_EMPTY" in hallnet(*arguments, code=1)
    assert (tmp_path / "n" / "keys" / "signing.key").read_bytes() == before


def test_another_halls_welcome_is_not_taken(tmp_path: Path) -> None:
    root, one, other = tmp_path / "root", tmp_path / "one", tmp_path / "other"
    hallnet("trust", "root", "new", str(root), "--division", "33", "--without-passphrase")
    hallnet("node", "init", str(one), "--address", "33", "--name", "one")
    hallnet("node", "init", str(other), "--address", "33", "--name", "other")
    welcome = str(tmp_path / "welcome.bin")
    hallnet("trust", "root", "certify", str(root), str(one / "request.bin"), "--out", welcome)
    text = hallnet("node", "join", str(other), welcome, "--root", str(root / "root.cert"), code=1)
    assert "SPEAKS_FOR_ANOTHER" in text


def test_a_file_that_is_no_bundle_is_refused(tmp_path: Path) -> None:
    root, file = tmp_path / "root", tmp_path / "x.bundle"
    hallnet("trust", "root", "new", str(root), "--without-passphrase")
    file.write_bytes(b"no bundle")
    text = hallnet("verify", str(file), "--root", str(root / "root.cert"), code=1)
    assert "BUNDLE_MALFORMED" in text


def test_a_due_date_is_explained_without_any_node() -> None:
    document = json.loads(hallnet("due", "--from", "2026-09-28", "--days", "20", "--json"))
    assert document["due_on"] == "2026-10-30"
    assert not document["provisional"]
    document = json.loads(hallnet("due", "--from", "2026-12-25", "--days", "5", "--json"))
    assert document["provisional"]
    assert document["unpublished_years"] == [2027]
    paused = hallnet(
        "due", "--from", "2026-03-02", "--days", "20", "--pause", "2026-03-06..2026-03-20", "--json"
    )
    assert json.loads(paused)["due_on"] == "2026-04-14"


def test_a_hall_that_was_started_says_for_whom_it_waits_and_how_long() -> None:
    asked = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)
    answer = wire.GetStatusResponse(
        trust_freshness=wire.TRUST_FRESHNESS_FRESH,
        links=[wire.LinkStatus(neighbour=one) for one in ("3301", "330110012", "330110013")],
        journal_silent=["3301", "330110013"],
    )
    answer.journal_asked_since.FromDatetime(asked)
    (said,) = warnings(answer)
    assert "silent: 3301, 330110013; answered: 330110012" in said
    assert f"since {asked.astimezone():%F %H:%M}" in said
    assert "goes on without the hall above" not in said
    answer.journal_alone_at.FromDatetime(asked + timedelta(minutes=10))
    (said,) = warnings(answer)
    alone = f"{(asked + timedelta(minutes=10)).astimezone():%F %H:%M}"
    assert f"From {alone} on it goes on without the hall above" in said


def test_the_status_names_a_new_number_of_the_journal_and_what_is_lost_under_the_one_before() -> (
    None
):
    number = wire.JournalNumber(number=2, start=70)
    answer = wire.GetStatusResponse(
        trust_freshness=wire.TRUST_FRESHNESS_FRESH, journal_sure=True, journal_numbers=[number]
    )
    (said,) = warnings(answer)
    assert "from entry 70 under the number 2" in said
    assert "lost" not in said
    answer.journal_numbers[0].lost_end = 90
    (said,) = warnings(answer)
    assert "the entries 70 to 89 under the number before are lost" in said

"""The benchmarks run, print what they promise, and leave nothing behind. How fast is not tested here."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

SECONDS_MAX = 240


def printed(command: str) -> Any:
    """What a benchmark says to a program."""
    run = subprocess.run(
        [sys.executable, "-m", "hallnet.cli.main", "bench", *command.split(), "--json"],
        capture_output=True,
        text=True,
        timeout=SECONDS_MAX,
    )
    assert run.returncode == 0, run.stderr[-2000:]
    return json.loads(run.stdout)


def test_the_benchmark_of_the_exchange_prints_one_object() -> None:
    found = printed("exchange --envelopes 100 --size 500 --rounds 1")
    assert (found["size"], found["envelopes"], found["rounds"]) == (500, 100, 1)
    for name in ("envelopes_per_second", "floor_per_second", "ratio"):
        spread = found[name]
        assert 0 < spread["min"] <= spread["median"] <= spread["max"]


def test_the_benchmark_of_attachments_prints_one_object() -> None:
    command = "bench attachments --size 1000000 --rounds 1 --json"
    run = subprocess.run(
        [sys.executable, "-m", "hallnet.cli.main", *command.split()],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert run.returncode == 0, run.stderr[-2000:]
    found = json.loads(run.stdout)
    assert (found["size"], found["rounds"]) == (1_000_000, 1)
    for name in ("megabytes_per_second", "copy_megabytes_per_second", "ratio"):
        assert 0 < found[name]["min"] <= found[name]["max"]
    for hall in ("township", "county"):
        assert found[f"{hall}_cpu_ms_per_megabyte"]["max"] > 0
        assert found[f"{hall}_resident_mb"]["max"] > 0


def test_the_benchmark_of_the_suites_has_both_carry_envelopes() -> None:
    found = printed("suites --envelopes 100 --size 500 --rounds 1")
    for suite in (1, 2):
        assert all(rate > 0 for rate in found[f"suite_{suite}_per_second"].values())
        assert found[f"suite_{suite}_envelopes_per_second"]["min"] > 0
    assert found["ratio"]["min"] > 0


def test_the_benchmark_of_the_journal_grows_it_to_each_size() -> None:
    small, big = printed("journal --size 300 --size 1000")["sizes"]
    assert 300 <= small["entries"] < big["entries"]
    for cost in (small, big):
        assert min(cost["append_us"], cost["prove_us"], cost["check_us"]) > 0
    assert small["path_hashes"] <= big["path_hashes"]


def test_the_benchmark_of_the_latency_times_each_hop() -> None:
    found = printed("latency --messages 20")
    for name in ("taken_ms", "judged_ms"):
        assert 0 < found[name]["p50"] <= found[name]["p99"] <= found[name]["max"]


def test_the_soak_tells_the_memory_of_each_round() -> None:
    found = printed("soak --seconds 1 --envelopes 50 --size 100")
    assert len(found["rounds"]) >= 2
    assert all(moment["township_mb"] > 10 for moment in found["rounds"])
    assert found["county_growth"] > 0


def test_the_benchmark_of_the_intake_loses_nothing_when_asked_too_much() -> None:
    found = printed("intake --cycles 100 --stored 300")
    assert (found["database"], found["cycles"], found["stored"]) == ("sqlite", 100, 300)
    names = (
        "lifecycles_per_second",
        "empty_lifecycles_per_second",
        "p95_ms",
        "list_p95_ms",
        "search_p95_ms",
        "counts_p95_ms",
    )
    assert all(found[name] > 0 for name in names)
    overload = found["overload"]
    assert overload["accepted"] > 0
    # A machine that does other things as well lets some calls run out of time.
    reasons = {text.partition(":")[0] for text in overload["other_errors"]}
    assert reasons <= {"SERVICE_UNREACHABLE", "DEADLINE_PASSED"}
    assert overload["acknowledged_but_not_there"] == 0


def test_the_replay_of_a_county_year_reconciles_and_is_the_same_from_its_events() -> None:
    found = printed("year --cases 912")
    assert found["numbers_different"] == 0
    accepted = {
        row["handling_kind"]: int(row["amount"])
        for row in found["report"]["numbers"]
        if row["measure"] == "MEASURE_ACCEPTED"
    }
    # 883,439 of 893,236 are instant.
    assert accepted == {"HANDLING_KIND_INSTANT": 901, "HANDLING_KIND_COMMITTED": 11}


def test_real_halls_whose_processes_are_killed_keep_every_promise() -> None:
    """Five of the hundred halls: a city, a county or more, and townships."""
    found = printed("halls --halls 5 --minutes 0.3")
    findings = found["findings"]
    assert findings["violations"] == []
    assert found["ended"] == findings["checked"]["every case ended"] > 0
    assert findings["checked"]["the journal verifies"] == found["halls"] >= 4
    assert sum(found["killed"].values()) > 0
    assert 10 < found["alone"]["pss_mb"] <= found["alone"]["rss_mb"]
    assert found["rest"]["total_pss_mb"] > 100

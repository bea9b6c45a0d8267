"""Halls are suspended, split, merged and closed from the command line, with real nodes; no case is lost."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.system.conftest import COUNTY, OTHER_TOWNSHIP, TOWNSHIP, RealNetwork
from tests.system.conftest import _found as found_halls
from tests.system.test_operators_way import hallnet, until

from hallnet.demo import world
from hallnet.problems import Reported
from hallnet.sandbox.folder import sandbox_folder
from hallnet.sandbox.network import Network
from hallnet.sandbox.running import LoopThread
from hallnet.wire.intake.v1 import intake_service_pb2 as wire

RELIEF, CARD = "temporary-relief-township", "elder-card"
REASON = ("--reason", "浙政函〔2026〕1号")


@pytest.fixture
def small(loop: LoopThread) -> Iterator[RealNetwork]:
    """A county and two townships of its own for one test, for they do not stay what they are."""
    with sandbox_folder() as folder:
        made = RealNetwork(Network(folder, COUNTY), loop)
        try:
            loop.run(found_halls(made))
            yield made
        finally:
            loop.run(made.network.stop())


def file(small: RealNetwork, at: str, item: str, number: int) -> wire.CaseView:
    counter, villager = small.counter(at), world.villager(number)
    return small.loop.run(counter.file_complete(world.CLERK, item, villager, world.scan(number)))


def holder(small: RealNetwork, at: str, case: wire.CaseView) -> str:
    found = small.loop.run(small.counter(at).look(case.summary.case_id))
    return found.summary.custodian


def test_a_township_is_split_then_merged_and_closed_and_its_cases_are_finished_elsewhere(
    small: RealNetwork, tmp_path: Path
) -> None:
    home = {
        address: str(small.network.node(address).home.folder)
        for address in (COUNTY, TOWNSHIP, OTHER_TOWNSHIP)
    }

    def status(at: str) -> Any:
        return json.loads(hallnet("hall", "status", home[at], "--json"))

    # Split: the cases of one item go, all others stay.
    card, relief = (file(small, OTHER_TOWNSHIP, item, n) for n, item in enumerate((CARD, RELIEF)))
    hallnet("hall", "transfer", home[COUNTY], OTHER_TOWNSHIP, TOWNSHIP, *REASON)
    until(lambda: status(OTHER_TOWNSHIP)["successors"] and status(TOWNSHIP)["predecessors"])
    give = ("hall", "hand-over", home[OTHER_TOWNSHIP], TOWNSHIP, "--as", world.CLERK, *REASON)
    shown = json.loads(hallnet(*give, "--item", CARD, "--dry-run", "--json"))
    assert shown == {"to": TOWNSHIP, "cases": [card.summary.case_no]}
    assert holder(small, OTHER_TOWNSHIP, card) == OTHER_TOWNSHIP
    hallnet(*give, "--item", CARD)
    until(lambda: holder(small, OTHER_TOWNSHIP, card) == TOWNSHIP)
    assert holder(small, OTHER_TOWNSHIP, relief) == OTHER_TOWNSHIP

    # Suspended and resumed.
    hallnet("hall", "suspend", home[TOWNSHIP], *REASON)
    with pytest.raises(Reported) as refused:
        file(small, TOWNSHIP, CARD, 5)
    assert refused.value.reason == "HALL_TAKES_NOTHING"
    until(lambda: [one["hall"] for one in status(COUNTY)["below"]] == [TOWNSHIP])
    hallnet("hall", "resume", home[TOWNSHIP], *REASON)
    at_village = file(small, TOWNSHIP, RELIEF, 6)

    # Merged: a move that lies ahead is taken back, and then made; it takes effect once the hall is closed.
    move = ("hall", "move", home[COUNTY], TOWNSHIP, OTHER_TOWNSHIP, *REASON)
    assert "would state" in hallnet(*move, "--dry-run")
    hallnet(*move, "--from", "2099-01-01")
    assert "stays itself" in hallnet(*move, "--withdraw")
    assert "NOTHING_TO_WITHDRAW" in hallnet(*move, "--withdraw", code=1)
    assert "HALL_NOT_CLOSED" in hallnet(*move, code=1)
    # Its moment comes while it is open: the move is held.
    hallnet(*move, "--from", f"{datetime.now() + timedelta(seconds=40):%F %T}")
    until(lambda: "the move is held" in hallnet("node", "status", home[COUNTY]), 120)
    until(lambda: status(TOWNSHIP)["successors"] == [OTHER_TOWNSHIP])
    archive = tmp_path / "township.journal"
    close = (
        "hall", "close", home[TOWNSHIP], "--to", OTHER_TOWNSHIP, "--as", world.CLERK, *REASON,
    )  # fmt: skip
    planned = hallnet(*close, "--dry-run")
    assert "2 cases would go" in planned
    assert status(TOWNSHIP)["standing"]["state"] == "HALL_STATE_OPEN"
    until(lambda: OTHER_TOWNSHIP in status(TOWNSHIP)["successors"])
    closed = hallnet(*close, "--archive", str(archive))
    assert f"{TOWNSHIP} is closed; {OTHER_TOWNSHIP} goes on in its place" in closed
    assert "VALID" in hallnet("verify", str(archive), "--root", str(small.network.root_certificate))
    (below,) = until(lambda: [o for o in status(COUNTY)["below"] if o["successor"]])
    assert (below["hall"], below["state"]) == (TOWNSHIP, "HALL_STATE_CLOSED")
    until(lambda: f"{TOWNSHIP} goes on" not in hallnet("node", "status", home[COUNTY]))
    assert "from now on" in hallnet(*move)
    for case in (card, at_village):
        assert holder(small, OTHER_TOWNSHIP, case) == OTHER_TOWNSHIP
        found = hallnet("case", "show", home[TOWNSHIP], case.summary.case_no, "--as", world.CHIEF)
        assert OTHER_TOWNSHIP in found
    counter = small.counter(OTHER_TOWNSHIP)
    done = small.loop.run(counter.grant(card.summary.case_id))
    assert done.summary.stage == wire.CASE_STAGE_DECIDED

"""What the settings of the highest hall say of suites, as its process reads them."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from hallnet.branch_sync.service import BranchSync
from hallnet.node.home import Home
from hallnet.node.rootkeys import create_root
from hallnet.node.settings import SETTINGS_FILE
from hallnet.node.stating import certify_top
from hallnet.trust.problems import SuiteNotAllowed
from hallnet.trust.suite import Suite

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
HALL = '[hall]\naddress = "33"\nname = "hall"\n'


def started(folder: Path, founded_in: Suite, network: str) -> BranchSync:
    root = create_root(folder / "root", "33", "root", NOW, suite_number=founded_in)
    home = Home.create(folder / "home", f"{HALL}suite = {founded_in}\n", NOW)
    home.join(certify_top(folder / "root", home.request(NOW), NOW), root, NOW)
    home.write(SETTINGS_FILE, f"{HALL}[network]\n{network}\n".encode())
    return BranchSync(home, lambda: NOW)


@pytest.mark.parametrize("founded_in", list(Suite))
def test_the_highest_hall_refuses_to_cut_itself_off(tmp_path: Path, founded_in: Suite) -> None:
    (other,) = set(Suite) - {founded_in}
    with pytest.raises(SuiteNotAllowed) as refused:
        started(tmp_path, founded_in, f"suites = [{other}]")
    assert refused.value.particulars == {"suite": str(founded_in), "allowed": str(other)}


@pytest.mark.parametrize("founded_in", list(Suite))
@pytest.mark.parametrize(
    ("said", "wanted"), [("", set()), ("suites = []", set()), ("suites = [2, 1]", set(Suite))]
)
def test_the_highest_hall_wants_what_its_settings_say(
    tmp_path: Path, founded_in: Suite, said: str, wanted: set[Suite]
) -> None:
    service = started(tmp_path, founded_in, said)
    assert service._context.wanted_suites == wanted
    service._database.close()

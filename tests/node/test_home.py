"""A root and homes in either suite, without a process."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from hallnet.node.home import Home
from hallnet.node.rootkeys import certify_top, create_root
from hallnet.node.settings import SETTINGS_FILE, SettingsInvalid, read_settings
from hallnet.trust.certificate import read_request
from hallnet.trust.problems import SuiteNotAllowed
from hallnet.trust.suites import Suite

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
HALL = '[hall]\naddress = "33"\nname = "hall"\n'


def home(folder: Path, suite: int | None = None) -> Home:
    settings = HALL + (f"suite = {suite}\n" if suite else "")
    return Home.create(folder, settings, NOW)


@pytest.mark.parametrize(
    ("asked", "suite"), [(None, Suite.ED25519), (1, Suite.ED25519), (2, Suite.SM2)]
)
def test_a_home_has_keys_of_the_suite_of_its_settings_and_says_what_it_can_verify(
    tmp_path: Path, asked: int | None, suite: Suite
) -> None:
    request = read_request(home(tmp_path / "home", asked).request(NOW))
    assert request.suite is suite
    assert request.suites == (1, 2)


def test_the_keys_of_a_home_stay_what_they_are_when_the_settings_change(tmp_path: Path) -> None:
    made = home(tmp_path / "home")
    made.write(SETTINGS_FILE, f"{HALL}suite = 2\n".encode())
    assert read_request(made.request(NOW)).suite is Suite.ED25519


@pytest.mark.parametrize("root_suite", list(Suite))
@pytest.mark.parametrize("suite", list(Suite))
def test_a_home_of_any_suite_joins_under_a_root_of_any_that_allows_it(
    tmp_path: Path, root_suite: Suite, suite: Suite
) -> None:
    root = create_root(
        tmp_path / "root", "33", "root", NOW, suite_number=root_suite, allowed=[1, 2]
    )
    made = home(tmp_path / "home", suite)
    identity = made.join(certify_top(tmp_path / "root", made.request(NOW), NOW), root, NOW)
    assert identity.certificate.body.suite is suite
    assert identity.chain[-1].body.suite is root_suite
    assert made.identity() == identity


@pytest.mark.parametrize(("root_suite", "suite"), [(1, 2), (2, 1)])
def test_a_root_certifies_no_keys_of_a_suite_that_it_does_not_allow(
    tmp_path: Path, root_suite: int, suite: int
) -> None:
    create_root(tmp_path / "root", "33", "root", NOW, suite_number=root_suite)
    request = home(tmp_path / "home", suite).request(NOW)
    with pytest.raises(SuiteNotAllowed):
        certify_top(tmp_path / "root", request, NOW)


@pytest.mark.parametrize("value", ["3", "0", '"sm2"'])
def test_a_suite_that_is_none_is_told_when_the_settings_are_read(
    tmp_path: Path, value: str
) -> None:
    for text in (f"{HALL}suite = {value}\n", f"{HALL}[network]\nsuites = [{value}]\n"):
        (tmp_path / SETTINGS_FILE).write_text(text, encoding="utf-8")
        with pytest.raises(SettingsInvalid):
            read_settings(tmp_path, {})

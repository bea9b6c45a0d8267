"""A root and homes in either suite, without a process."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from hallnet.node.home import Home, Part, SecretJustRenewed
from hallnet.node.rootkeys import create_root
from hallnet.node.settings import SETTINGS_FILE, SettingsInvalid, read_settings
from hallnet.node.stating import certify_top
from hallnet.store.vault import VaultNotOpened
from hallnet.trust.certificate import read_request
from hallnet.trust.problems import SuiteNotAllowed
from hallnet.trust.suite import NONCE_BYTES, Suite

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


NONCE = bytes(NONCE_BYTES)


def test_a_renewed_secret_closes_what_is_new_and_the_old_one_still_opens(tmp_path: Path) -> None:
    made = home(tmp_path / "home")
    before = made.vault(Part.INTAKE)
    closed = before.close(b"text", b"place", NONCE)
    made.renew_secret(Part.INTAKE)
    between = made.vault(Part.INTAKE)
    assert between.open(closed, b"place") == b"text"
    with pytest.raises(VaultNotOpened):
        before.open(between.close(b"text", b"place", NONCE), b"place")
    assert made.has_old_secret(Part.INTAKE)
    assert not made.has_old_secret(Part.EXCHANGE)
    made.forget_old_secret(Part.INTAKE)
    with pytest.raises(VaultNotOpened):
        made.vault(Part.INTAKE).open(closed, b"place")


def test_what_closed_values_are_found_by_stays_through_all_renewals(tmp_path: Path) -> None:
    made = home(tmp_path / "home")
    digest = made.vault(Part.INTAKE).index(b"number")
    for _ in range(2):
        made.renew_secret(Part.INTAKE)
        made.forget_old_secret(Part.INTAKE)
        assert made.vault(Part.INTAKE).index(b"number") == digest


def test_a_secret_is_not_renewed_while_the_one_before_is_needed(tmp_path: Path) -> None:
    made = home(tmp_path / "home")
    made.renew_secret(Part.INTAKE)
    with pytest.raises(SecretJustRenewed):
        made.renew_secret(Part.INTAKE)


@pytest.mark.parametrize("steps", range(3))
def test_a_renewal_that_was_broken_off_is_done_again_and_loses_nothing(
    tmp_path: Path, steps: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = home(tmp_path / "home")
    closed = made.vault(Part.INTAKE).close(b"text", b"place", NONCE)
    write, left = Home.write, steps

    def dies(self: Home, name: str, data: bytes) -> None:
        nonlocal left
        if left == 0:
            raise KeyboardInterrupt
        left -= 1
        write(self, name, data)

    with monkeypatch.context() as broken:
        broken.setattr(Home, "write", dies)
        with pytest.raises(KeyboardInterrupt):
            made.renew_secret(Part.INTAKE)
    assert made.vault(Part.INTAKE).open(closed, b"place") == b"text"
    made.renew_secret(Part.INTAKE)
    assert made.vault(Part.INTAKE).open(closed, b"place") == b"text"
    assert not made.vault(Part.INTAKE).is_current(closed, b"place")

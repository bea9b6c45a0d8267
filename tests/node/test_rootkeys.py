"""The root of a network: its key lies sealed, and it hands over to another with both keys."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from hallnet.node import rootkeys
from hallnet.node.ceremony import CHECKS, record
from hallnet.node.home import Home
from hallnet.node.rootkeys import (
    PASSPHRASE_LENGTH_MIN,
    PassphraseTooShort,
    PassphraseWrong,
    RootExists,
    RootUnreadable,
    create_root,
    is_sealed,
    read_root,
    spoken,
)
from hallnet.node.stating import certify_top, hand_over
from hallnet.trust.certificate import read_certificate, verify_under
from hallnet.trust.problems import IssuerNotAbove
from hallnet.trust.succession import read_root_succession

NOW = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)
PASSPHRASE = "正确的马电池订书钉之类的长口令"
SETTINGS = '[hall]\naddress = "33"\nname = "浙江省政务服务中心"\n'


@pytest.fixture(autouse=True)
def cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    """Half a second for each opening is for who guesses, not for who tests."""
    monkeypatch.setattr(rootkeys, "_COST", 2**4)


def test_a_sealed_root_certifies_with_its_passphrase_alone(tmp_path: Path) -> None:
    root = create_root(tmp_path / "root", "33", "root", NOW, PASSPHRASE)
    request = Home.create(tmp_path / "top", SETTINGS, NOW).request(NOW)
    assert is_sealed(tmp_path / "root")
    for wrong in ("", PASSPHRASE[:-1], PASSPHRASE + " "):
        with pytest.raises(PassphraseWrong):
            certify_top(tmp_path / "root", request, NOW, wrong)
    welcome = certify_top(tmp_path / "root", request, NOW, PASSPHRASE)
    verify_under(read_certificate(welcome.chain[0]), root)


def test_the_key_does_not_lie_open_and_only_its_owner_reads_the_file(tmp_path: Path) -> None:
    create_root(tmp_path / "open", "33", "root", NOW)
    create_root(tmp_path / "sealed", "33", "root", NOW, PASSPHRASE)
    key = (tmp_path / "open" / "root.key").read_bytes()
    sealed = (tmp_path / "sealed" / "root.key").read_bytes()
    assert len(sealed) > len(key) + 40
    assert (tmp_path / "sealed" / "root.key").stat().st_mode & 0o077 == 0
    assert not is_sealed(tmp_path / "open")


@pytest.mark.parametrize("at", [0, 30, 45, -1])
def test_a_sealed_key_that_was_changed_is_not_opened(tmp_path: Path, at: int) -> None:
    create_root(tmp_path, "33", "root", NOW, PASSPHRASE)
    file = tmp_path / "root.key"
    data = bytearray(file.read_bytes())
    data[at] ^= 1
    file.write_bytes(data)
    request = Home.create(tmp_path / "top", SETTINGS, NOW).request(NOW)
    # A changed beginning makes it a file of another kind, whose key is none.
    with pytest.raises((PassphraseWrong, RootUnreadable)):
        certify_top(tmp_path, request, NOW, PASSPHRASE)


@pytest.mark.parametrize("passphrase", ["", "short", "x" * (PASSPHRASE_LENGTH_MIN - 1)])
def test_a_passphrase_that_is_soon_guessed_is_refused(tmp_path: Path, passphrase: str) -> None:
    with pytest.raises(PassphraseTooShort):
        create_root(tmp_path / "root", "33", "root", NOW, passphrase)
    assert not (tmp_path / "root").exists()


def test_a_root_is_never_overwritten(tmp_path: Path) -> None:
    before = create_root(tmp_path, "33", "root", NOW, PASSPHRASE)
    with pytest.raises(RootExists):
        create_root(tmp_path, "33", "root", NOW, PASSPHRASE)
    assert read_root(tmp_path / "root.cert") == before


def test_the_fingerprint_is_read_aloud_in_twelve_groups_of_five_digits(tmp_path: Path) -> None:
    one = create_root(tmp_path / "one", "33", "root", NOW)
    other = create_root(tmp_path / "other", "33", "root", NOW)
    groups = spoken(one).split()
    assert [len(group) for group in groups] == [5] * 12
    assert all(group.isdecimal() for group in groups)
    assert spoken(one) == spoken(read_root(tmp_path / "one" / "root.cert"))
    assert spoken(one) != spoken(other)


def test_the_record_names_the_fingerprint_what_to_check_and_who_was_present(tmp_path: Path) -> None:
    root = create_root(tmp_path, "33", "浙江根", NOW, PASSPHRASE)
    text = record(root, True, ["王局长", "李工"], NOW)
    for part in (root.id.hex(), "浙江根", "王局长", "李工", *(zh for zh, _ in CHECKS)):
        assert part in text
    assert spoken(root) == " ".join(
        line.strip() for line in text.splitlines() if line.strip().replace(" ", "").isdecimal()
    )
    assert "NOT SEALED" in record(root, False, [], NOW)


def test_a_root_hands_over_with_both_keys(tmp_path: Path) -> None:
    old = create_root(tmp_path / "old", "33", "old", NOW, PASSPHRASE)
    new = create_root(tmp_path / "new", "33", "new", NOW, PASSPHRASE * 2)
    folders = tmp_path / "old", tmp_path / "new"
    message = hand_over(folders[0], PASSPHRASE, folders[1], PASSPHRASE * 2, NOW)
    statement = read_root_succession(message)
    assert (statement.predecessor, statement.successor) == (old, new)
    with pytest.raises(PassphraseWrong):
        hand_over(folders[0], PASSPHRASE, folders[1], PASSPHRASE, NOW)


def test_a_root_does_not_hand_over_another_division(tmp_path: Path) -> None:
    create_root(tmp_path / "old", "33", "old", NOW)
    create_root(tmp_path / "new", "", "new", NOW)
    with pytest.raises(IssuerNotAbove):
        hand_over(tmp_path / "old", "", tmp_path / "new", "", NOW)

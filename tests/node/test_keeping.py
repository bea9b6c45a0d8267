"""Keepers sign one after the other, from files, on a machine that is on no network."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from hallnet.node import rootkeys
from hallnet.node.ceremony import CHECKS_OF_KEEPERS, record
from hallnet.node.home import Home
from hallnet.node.keeping import (
    DRAFT_BYTES_MAX,
    Keeper,
    begin_root,
    create_keeper,
    described,
    open_draft,
    put_draft,
    read_keeper,
    sign_draft,
)
from hallnet.node.rootkeys import (
    PassphraseTooShort,
    PassphraseWrong,
    RootExists,
    RootRecordMissing,
    RootUnreadable,
    create_root,
    has_keepers,
    is_sealed,
    read_root,
    signed_by,
    signed_so_far,
    spoken_key,
)
from hallnet.node.stating import certify_top, revocation_draft, succession_draft, top_draft
from hallnet.trust.certificate import Certificate, read_certificate, verify_under
from hallnet.trust.drafts import NotAKeeper
from hallnet.trust.problems import CertificateUnknown
from hallnet.trust.revocation import read_revocation, verify_revocation
from hallnet.trust.succession import read_root_succession
from hallnet.wire.trust.v1 import certificate_pb2 as wire

NOW = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)
SETTINGS = '[hall]\naddress = "33"\nname = "浙江省政务服务中心"\n'
NAMES = ("王", "李", "张", "刘", "陈")


@pytest.fixture(autouse=True)
def cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    """Half a second for each opening is for who guesses, not for who tests."""
    monkeypatch.setattr(rootkeys, "_COST", 2**4)


def passphrase(name: str) -> str:
    return f"{name}一个只有她自己知道的长口令"


@dataclass(frozen=True)
class Ceremony:
    """Keepers, each with her own medium, and the folder that goes round."""

    folder: Path

    def keeper(self, name: str) -> Keeper:
        return create_keeper(self.folder / name, name, passphrase(name))

    def sign(self, draft: Path, *names: str) -> Path | None:
        out = None
        for name in names:
            _, out = sign_draft(draft, self.folder / name, passphrase(name))
        return out

    def root(self, name: str = "root", names: tuple[str, ...] = NAMES) -> Certificate:
        public = [
            read_keeper(self.folder / one / "keeper.pub")
            if (self.folder / one).exists()
            else self.keeper(one)
            for one in names
        ]
        draft = begin_root(self.folder / name, "33", name, public, 3, NOW)
        assert self.sign(draft, *names) == self.folder / name / "root.cert"
        return read_root(self.folder / name / "root.cert")

    def request(self) -> wire.CertificateRequest:
        return Home.create(self.folder / "top", SETTINGS, NOW).request(NOW)


@pytest.fixture
def ceremony(tmp_path: Path) -> Ceremony:
    return Ceremony(tmp_path)


def test_a_root_is_there_when_its_last_keeper_has_signed(ceremony: Ceremony) -> None:
    public = [ceremony.keeper(name) for name in NAMES]
    draft = begin_root(ceremony.folder / "root", "33", "root", public, 3, NOW)
    assert ceremony.sign(draft, *NAMES[:4]) is None
    assert not (ceremony.folder / "root" / "root.cert").exists()
    ceremony.sign(draft, NAMES[4])
    assert has_keepers(ceremony.folder / "root")
    assert not (ceremony.folder / "root" / "root.key").exists()
    with pytest.raises(RootExists):
        begin_root(ceremony.folder / "root", "33", "root", public, 3, NOW)


def test_three_of_five_certify_the_highest_hall_one_after_the_other(ceremony: Ceremony) -> None:
    root, out = ceremony.root(), ceremony.folder / "welcome.bin"
    draft = put_draft(out, top_draft(ceremony.folder / "root", ceremony.request(), NOW))
    assert ceremony.sign(draft, "陈", "王") is None
    assert not out.exists()
    assert ceremony.sign(draft, "李") == out
    welcome = wire.Welcome.FromString(out.read_bytes())
    verify_under(read_certificate(welcome.chain[0]), root)
    Home(ceremony.folder / "top").join(welcome, root, NOW)
    assert signed_so_far(ceremony.folder / "root") == set(signed_by(root, welcome))


def test_a_keeper_needs_her_own_key_and_passphrase(ceremony: Ceremony) -> None:
    ceremony.root()
    out = ceremony.folder / "welcome.bin"
    draft = put_draft(out, top_draft(ceremony.folder / "root", ceremony.request(), NOW))
    with pytest.raises(PassphraseWrong):
        sign_draft(draft, ceremony.folder / "王", passphrase("李"))
    create_keeper(ceremony.folder / "stranger", "stranger", passphrase("stranger"))
    with pytest.raises(NotAKeeper):
        ceremony.sign(draft, "stranger")
    assert not open_draft(draft).signatures
    assert is_sealed(ceremony.folder / "王")


def test_a_root_with_keepers_has_no_key_that_certifies_alone(ceremony: Ceremony) -> None:
    ceremony.root()
    with pytest.raises(RootUnreadable):
        certify_top(ceremony.folder / "root", ceremony.request(), NOW)


def test_a_keeper_is_replaced_and_what_the_old_root_signed_is_kept(ceremony: Ceremony) -> None:
    old = ceremony.root()
    welcome = ceremony.folder / "welcome.bin"
    certifying = top_draft(ceremony.folder / "root", ceremony.request(), NOW)
    ceremony.sign(put_draft(welcome, certifying), *NAMES[:3])
    new = ceremony.root("next", (*NAMES[:4], "杨"))
    folders = ceremony.folder / "root", ceremony.folder / "next"
    out = ceremony.folder / "succession.bin"
    draft = put_draft(out, succession_draft(*folders, signed_so_far(folders[0]), NOW))
    assert ceremony.sign(draft, "王", "李", "陈") is None  # three of the old, two of the new
    assert ceremony.sign(draft, "杨") == out
    step = read_root_succession(wire.RootSuccession.FromString(out.read_bytes()))
    assert (step.predecessor, step.successor, step.ends) == (old, new, True)
    assert step.kept == set(signed_by(old, wire.Welcome.FromString(welcome.read_bytes())))
    assert step.digest in signed_so_far(folders[1])  # kept in its turn when the new one ends


def test_a_root_with_one_key_hands_over_to_keepers(ceremony: Ceremony) -> None:
    create_root(ceremony.folder / "single", "33", "single", NOW, passphrase("single"))
    ceremony.root()
    out = ceremony.folder / "succession.bin"
    folders = ceremony.folder / "single", ceremony.folder / "root"
    draft = put_draft(out, succession_draft(*folders, signed_so_far(folders[0]), NOW))
    assert ceremony.sign(draft, "single", "王", "李") is None
    assert ceremony.sign(draft, "张") == out


def test_the_certificate_of_the_highest_hall_is_ended_by_keepers(ceremony: Ceremony) -> None:
    root, out = ceremony.root(), ceremony.folder / "welcome.bin"
    folder = ceremony.folder / "root"
    ceremony.sign(put_draft(out, top_draft(folder, ceremony.request(), NOW)), *NAMES[:3])
    welcome = wire.Welcome.FromString(out.read_bytes())
    ended = ceremony.folder / "ended.bin"
    draft = put_draft(ended, revocation_draft(folder, welcome, "密钥被盗", NOW, NOW))
    assert ceremony.sign(draft, *NAMES[:3]) == ended
    revocation = read_revocation(wire.Revocation.FromString(ended.read_bytes()))
    verify_revocation(revocation, root)
    assert revocation.digest in signed_so_far(folder)
    other = create_root(ceremony.folder / "other", "33", "other", NOW)
    assert signed_by(other, welcome) == []
    with pytest.raises(CertificateUnknown):
        revocation_draft(ceremony.folder / "other", welcome, "密钥被盗", NOW, NOW)


def test_a_keeper_reads_what_she_signs(ceremony: Ceremony) -> None:
    ceremony.root()
    out = ceremony.folder / "welcome.bin"
    draft = put_draft(out, top_draft(ceremony.folder / "root", ceremony.request(), NOW))
    ceremony.sign(draft, "王")
    text = "\n".join(described(open_draft(draft)))
    for part in ("33", "浙江省政务服务中心", "1/3"):
        assert part in text


def test_the_record_names_the_keepers_by_their_fingerprints_and_what_to_check(
    ceremony: Ceremony,
) -> None:
    text = record(ceremony.root(), True, list(NAMES), NOW)
    for name in NAMES:
        key = read_keeper(ceremony.folder / name / "keeper.pub").signing_key
        assert spoken_key(key) in text
    for zh, _ in CHECKS_OF_KEEPERS:
        assert zh in text


def test_without_a_record_of_what_it_signed_a_root_does_not_end_unawares(tmp_path: Path) -> None:
    create_root(tmp_path, "33", "root", NOW)
    assert signed_so_far(tmp_path) == frozenset()
    for damaged in ("zz certificate", "00 certificate"):
        (tmp_path / "signed.txt").write_text(damaged)
        with pytest.raises(RootRecordMissing):
            signed_so_far(tmp_path)
    (tmp_path / "signed.txt").unlink()
    with pytest.raises(RootRecordMissing):
        signed_so_far(tmp_path)


def test_keys_are_not_overwritten_and_short_passphrases_refused(tmp_path: Path) -> None:
    with pytest.raises(PassphraseTooShort):
        create_keeper(tmp_path / "keeper", "王", "short")
    create_keeper(tmp_path / "keeper", "王", passphrase("王"))
    with pytest.raises(RootExists):
        create_keeper(tmp_path / "keeper", "王", passphrase("王"))
    assert (tmp_path / "keeper" / "keeper.key").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("data", [b"", b"\xff", b"\x08\x01"])
def test_rubbish_is_no_keeper_and_no_draft(tmp_path: Path, data: bytes) -> None:
    file = tmp_path / "file"
    for read in (read_keeper, open_draft):
        with pytest.raises(RootUnreadable):
            read(tmp_path / "not there")
    file.write_bytes(data)
    with pytest.raises(RootUnreadable):
        read_keeper(file)
    file.write_bytes(bytes(DRAFT_BYTES_MAX + 1))
    with pytest.raises(RootUnreadable):
        open_draft(file)

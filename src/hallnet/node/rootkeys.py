"""The root of a network: a key that is kept offline and certifies the hall at the top.

root.key       the private key, sealed by a passphrase: keep it offline, in two places; not there if
               the root has keepers, who have a keeper.key each (`keeping`)
root.cert      the certificate: give it to every hall by hand
signed.txt     digests of what the root signed: what stays believed when another takes over
ceremony.txt   the record of how it was made, to be signed by who was present
"""

from __future__ import annotations

import os
from collections.abc import Collection
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from hallnet.node.files import PRIVATE_FILE, write_whole
from hallnet.problems import Kind, Problem
from hallnet.trust.certificate import (
    Certificate,
    CertificateBody,
    Permission,
    Role,
    issue,
    read_certificate,
)
from hallnet.trust.suite import DIGEST_BYTES, NONCE_BYTES, Suite
from hallnet.trust.suites import algorithms
from hallnet.wire.trust.v1 import certificate_pb2 as wire

ROOT_YEARS = 20
SERIAL_BYTES = 16
ROOT_KEY = "root.key"
ROOT_CERTIFICATE = "root.cert"
SIGNED_RECORD = "signed.txt"
KEEPER_KEY = "keeper.key"
PASSPHRASE_LENGTH_MIN = 12
_DAYS_IN_YEAR = 365
_SEALED = b"hallnet sealed root key v1\n"
_SALT_BYTES = 16
_KEY_BYTES = 32
_COST = 2**17
"""Of scrypt (RFC 7914), with blocks of 8 and one lane: 128 MB and about half a second for each guess."""


class RootExists(Problem):
    """There is a root in that folder."""

    kind = Kind.CONFLICT
    reason = "ROOT_EXISTS"
    zh = "目录{folder}中已有根密钥"
    zh_remedy = "请另选目录；覆盖根密钥会使整个网络失去信任"
    en = "There is a root key in {folder} already"
    en_remedy = "Choose another folder: without its root key a network loses its trust"


class RootRecordMissing(Problem):
    """A root is to end, and nobody knows what it signed."""

    kind = Kind.CONFLICT
    reason = "ROOT_RECORD_MISSING"
    zh = "目录{folder}中没有该根已签署内容的记录（signed.txt），或记录已损坏"
    zh_remedy = "请用--keep逐一给出最高大厅历次的welcome文件，或用--old-stays使旧根继续有效"
    en = "There is no usable record of what the root in {folder} signed (signed.txt)"
    en_remedy = (
        "Give every welcome that the highest hall ever took with --keep, or leave the old root in force "
        "with --old-stays"
    )


class RootUnreadable(Problem):
    """A file is no root certificate, or the folder has no root."""

    kind = Kind.INVALID
    reason = "ROOT_UNREADABLE"
    zh = "{path}不是根证书或根密钥"
    zh_remedy = "请指定hallnet trust root new生成的文件"
    en = "{path} is no root certificate or root key"
    en_remedy = "Name what hallnet trust root new made"


class PassphraseWrong(Problem):
    """The key of a root was not opened."""

    kind = Kind.DENIED
    reason = "PASSPHRASE_WRONG"
    zh = "口令不能打开{folder}中的根密钥"
    zh_remedy = "请核对口令；口令遗失的根密钥无法恢复，须启用备份或更换根证书"
    en = "The passphrase does not open the root key in {folder}"
    en_remedy = (
        "Check it; a key whose passphrase is lost cannot be restored: use the copy, or a new root"
    )


class PassphraseTooShort(Problem):
    """A passphrase that is guessed too soon."""

    kind = Kind.INVALID
    reason = "PASSPHRASE_TOO_SHORT"
    zh = "根密钥口令不得少于{limit}个字符"
    zh_remedy = "请使用几个不相关的词组成的长口令"
    en = "The passphrase of a root key has {limit} characters at least"
    en_remedy = "Use a long one, made of words that have nothing to do with each other"


def create_root(
    folder: Path,
    division: str,
    name: str,
    now: datetime,
    passphrase: str | None = None,
    suite_number: int = Suite.ED25519,
    allowed: Collection[int] = (),
) -> Certificate:
    """Make a root for a division ('' for the whole country).

    Without a passphrase its key lies open: for trials only. `allowed` are the suites that the network
    may use until a trust bundle says otherwise, besides that of the root. Raises RootExists,
    PassphraseTooShort or SuiteUnsupported.
    """
    require_long(passphrase)
    require_no_root(folder)
    suite = algorithms(suite_number)
    key = suite.new_signing_key()
    body = root_body(division, name, suite.suite, allowed, now)
    certificate = issue(replace(body, signing_key=suite.signing_public(key)), key)
    folder.mkdir(parents=True, exist_ok=True)
    write_key(folder / ROOT_KEY, key, passphrase)
    write_root(folder, certificate)
    return certificate


def require_long(passphrase: str | None) -> None:
    """Raises PassphraseTooShort."""
    if passphrase is not None and len(passphrase) < PASSPHRASE_LENGTH_MIN:
        raise PassphraseTooShort("passphrase", limit=PASSPHRASE_LENGTH_MIN)


def require_no_root(folder: Path) -> None:
    """Raises RootExists."""
    if (folder / ROOT_KEY).exists() or (folder / ROOT_CERTIFICATE).exists():
        raise RootExists(str(folder), folder=folder)


def root_body(
    division: str, name: str, suite: Suite, allowed: Collection[int], now: datetime
) -> CertificateBody:
    """What the certificate of a root says, without its key or keepers."""
    return CertificateBody(
        suite=suite,
        serial=os.urandom(SERIAL_BYTES),
        role=Role.ROOT,
        subject=division,
        name=name,
        issuer=division,
        issuer_id=b"",
        signing_key=b"",
        sealing_key=b"",
        not_before=now - timedelta(minutes=5),
        not_after=now + timedelta(days=_DAYS_IN_YEAR * ROOT_YEARS),
        permissions=(Permission.CERTIFY,),
        suites=tuple(sorted({int(suite), *allowed})),
    )


def write_root(folder: Path, certificate: Certificate) -> None:
    """Put a new root into its folder, with the record of what it signed, which is empty."""
    write_whole(folder / SIGNED_RECORD, b"")
    (folder / ROOT_CERTIFICATE).write_bytes(certificate.to_message().SerializeToString())


def write_key(path: Path, key: bytes, passphrase: str | None) -> None:
    """Write a private key that was not there before, sealed if there is a passphrase."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE_FILE)
    with os.fdopen(descriptor, "wb") as file:
        file.write(key if passphrase is None else _sealed(key, passphrase))


def note_signed(folder: Path, digest: bytes, what: str, now: datetime) -> None:
    """Record what a root signs, before it is signed."""
    file = folder / SIGNED_RECORD
    before = file.read_bytes() if file.exists() else b""
    line = f"{digest.hex()} {now:%FT%TZ} {what}\n"
    write_whole(file, before + line.encode())


def signed_so_far(folder: Path) -> frozenset[bytes]:
    """Digests of what a root signed; raises RootRecordMissing if there is no record or it is damaged."""
    try:
        lines = (folder / SIGNED_RECORD).read_text(encoding="utf-8").splitlines()
        found = frozenset(bytes.fromhex(line.partition(" ")[0]) for line in lines)
    except (OSError, ValueError) as error:
        raise RootRecordMissing(str(folder), folder=folder) from error
    if any(len(one) != DIGEST_BYTES for one in found):
        raise RootRecordMissing(str(folder), folder=folder)
    return found


def signed_by(root: Certificate, welcome: wire.Welcome) -> list[bytes]:
    """Identifiers of the certificates in a welcome that a root signed."""
    chain = [read_certificate(item) for item in welcome.chain]
    return [item.id for item in chain if item.body.issuer_id == root.id]


def read_root(path: Path) -> Certificate:
    """A root certificate from its file; raises RootUnreadable."""
    try:
        certificate = read_certificate(wire.Certificate.FromString(path.read_bytes()))
    except Exception as error:
        raise RootUnreadable(str(path), path=path) from error
    if certificate.body.role is not Role.ROOT:
        raise RootUnreadable(str(path), path=path)
    return certificate


def has_keepers(folder: Path) -> bool:
    """Whether the root in a folder is held by keepers; raises RootUnreadable."""
    return bool(read_root(folder / ROOT_CERTIFICATE).body.keepers)


def is_sealed(folder: Path) -> bool:
    """Whether a passphrase is needed to use the root; raises RootUnreadable."""
    return _key_file(folder).startswith(_SEALED)


def spoken(certificate: Certificate) -> str:
    """The fingerprint of a certificate to be read aloud: 60 decimal digits in groups of five.

    About 199 bits of its identifier; digits are the same in every language.
    """
    digits = str(int.from_bytes(certificate.id, "big") % 10**60).zfill(60)
    return " ".join(digits[at : at + 5] for at in range(0, 60, 5))


def spoken_key(key: bytes) -> str:
    """The fingerprint of a public key to be read aloud: 30 decimal digits in groups of five."""
    digest = algorithms(Suite.ED25519).digest(key)
    digits = str(int.from_bytes(digest, "big") % 10**30).zfill(30)
    return " ".join(digits[at : at + 5] for at in range(0, 30, 5))


def _key_file(folder: Path) -> bytes:
    """The key of a root, or of one of its keepers."""
    name = KEEPER_KEY if (folder / KEEPER_KEY).exists() else ROOT_KEY
    try:
        return (folder / name).read_bytes()
    except OSError as error:
        raise RootUnreadable(str(folder), path=folder) from error


def _sealed(key: bytes, passphrase: str) -> bytes:
    salt, nonce = os.urandom(_SALT_BYTES), os.urandom(NONCE_BYTES)
    return _SEALED + salt + nonce + _cipher(passphrase, salt).encrypt(nonce, key, _SEALED)


def opened_key(folder: Path, passphrase: str) -> bytes:
    """The private key in a folder; raises RootUnreadable or PassphraseWrong."""
    data = _key_file(folder)
    if not data.startswith(_SEALED):
        return data
    rest = data.removeprefix(_SEALED)
    salt, nonce = rest[:_SALT_BYTES], rest[_SALT_BYTES : _SALT_BYTES + NONCE_BYTES]
    sealed = rest[_SALT_BYTES + NONCE_BYTES :]
    try:
        return _cipher(passphrase, salt).decrypt(nonce, sealed, _SEALED)
    except (InvalidTag, ValueError) as error:
        raise PassphraseWrong("passphrase", folder=folder) from error


def _cipher(passphrase: str, salt: bytes) -> AESGCM:
    kdf = Scrypt(salt, _KEY_BYTES, n=_COST, r=8, p=1)
    return AESGCM(kdf.derive(passphrase.encode()))

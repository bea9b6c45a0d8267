"""The root of a network: a key that is kept offline and certifies the hall at the top.

root.key       the private key, sealed by a passphrase: keep it offline, in two places
root.cert      the certificate: give it to every hall by hand
ceremony.txt   the record of how it was made, to be signed by who was present
"""

from __future__ import annotations

import os
from collections.abc import Collection
from datetime import datetime, timedelta
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from hallnet.problems import Kind, Problem
from hallnet.trust.certificate import (
    Certificate,
    CertificateBody,
    Permission,
    Role,
    issue,
    read_certificate,
    read_request,
)
from hallnet.trust.problems import IssuerNotAbove, SuiteNotAllowed
from hallnet.trust.succession import succeed
from hallnet.trust.suite import NONCE_BYTES, Suite
from hallnet.trust.suites import algorithms
from hallnet.wire.trust.v1 import certificate_pb2 as wire

ROOT_YEARS = 20
TOP_DAYS = 1095
SERIAL_BYTES = 16
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
    if passphrase is not None and len(passphrase) < PASSPHRASE_LENGTH_MIN:
        raise PassphraseTooShort("passphrase", limit=PASSPHRASE_LENGTH_MIN)
    if (folder / "root.key").exists():
        raise RootExists(str(folder), folder=folder)
    suite = algorithms(suite_number)
    key = suite.new_signing_key()
    body = CertificateBody(
        suite=suite.suite,
        serial=os.urandom(SERIAL_BYTES),
        role=Role.ROOT,
        subject=division,
        name=name,
        issuer=division,
        issuer_id=b"",
        signing_key=suite.signing_public(key),
        sealing_key=b"",
        not_before=now - timedelta(minutes=5),
        not_after=now + timedelta(days=_DAYS_IN_YEAR * ROOT_YEARS),
        permissions=(Permission.CERTIFY,),
        suites=tuple(sorted({int(suite.suite), *allowed})),
    )
    certificate = issue(body, key)
    folder.mkdir(parents=True, exist_ok=True)
    key_file = os.open(folder / "root.key", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(key_file, "wb") as file:
        file.write(key if passphrase is None else _sealed(key, passphrase))
    (folder / "root.cert").write_bytes(certificate.to_message().SerializeToString())
    return certificate


def read_root(path: Path) -> Certificate:
    """A root certificate from its file; raises RootUnreadable."""
    try:
        certificate = read_certificate(wire.Certificate.FromString(path.read_bytes()))
    except Exception as error:
        raise RootUnreadable(str(path), path=path) from error
    if certificate.body.role is not Role.ROOT:
        raise RootUnreadable(str(path), path=path)
    return certificate


def is_sealed(folder: Path) -> bool:
    """Whether a passphrase is needed to use the root; raises RootUnreadable."""
    return _key_file(folder).startswith(_SEALED)


def spoken(certificate: Certificate) -> str:
    """The fingerprint of a certificate to be read aloud: 60 decimal digits in groups of five.

    About 199 bits of its identifier; digits are the same in every language.
    """
    digits = str(int.from_bytes(certificate.id, "big") % 10**60).zfill(60)
    return " ".join(digits[at : at + 5] for at in range(0, 60, 5))


def hand_over(
    old: Path, old_passphrase: str, new: Path, new_passphrase: str, now: datetime
) -> wire.RootSuccession:
    """State with the keys of both that the root in `new` takes over from the one in `old`.

    Raises RootUnreadable, PassphraseWrong, or IssuerNotAbove if they govern different divisions.
    """
    before, after = read_root(old / "root.cert"), read_root(new / "root.cert")
    if before.body.subject != after.body.subject:
        raise IssuerNotAbove(str(new), issuer=before.body.subject, subject=after.body.subject)
    return succeed(before, _opened(old, old_passphrase), after, _opened(new, new_passphrase), now)


def certify_top(
    folder: Path, request: wire.CertificateRequest, now: datetime, passphrase: str = ""
) -> wire.Welcome:
    """Certify the hall at the top of the network.

    Raises RootUnreadable, PassphraseWrong, SignatureInvalid, IssuerNotAbove or SuiteNotAllowed.
    """
    root = read_root(folder / "root.cert")
    key = _opened(folder, passphrase)
    asked = read_request(request)
    if asked.suite not in root.suites:
        allowed = ", ".join(map(str, sorted(root.suites)))
        raise SuiteNotAllowed("request.suite", suite=int(asked.suite), allowed=allowed)
    if not asked.subject.within(root.body.subject):
        raise IssuerNotAbove("request.subject", issuer=root.body.subject, subject=asked.subject)
    body = CertificateBody(
        suite=asked.suite,
        serial=os.urandom(SERIAL_BYTES),
        role=Role.HALL,
        subject=str(asked.subject),
        name=asked.name,
        issuer=root.body.subject,
        issuer_id=root.id,
        signing_key=asked.signing_key,
        sealing_key=asked.sealing_key,
        not_before=now - timedelta(minutes=5),
        not_after=now + timedelta(days=TOP_DAYS),
        permissions=(Permission.CERTIFY, Permission.EXCHANGE, Permission.RELEASE),
        suites=asked.suites,
    )
    try:
        certificate = issue(body, key, root.body.suite)
    except ValueError as error:
        raise RootUnreadable(str(folder), path=folder / "root.key") from error
    return wire.Welcome(chain=[certificate.to_message(), root.to_message()])


def _key_file(folder: Path) -> bytes:
    try:
        return (folder / "root.key").read_bytes()
    except OSError as error:
        raise RootUnreadable(str(folder), path=folder) from error


def _sealed(key: bytes, passphrase: str) -> bytes:
    salt, nonce = os.urandom(_SALT_BYTES), os.urandom(NONCE_BYTES)
    return _SEALED + salt + nonce + _cipher(passphrase, salt).encrypt(nonce, key, _SEALED)


def _opened(folder: Path, passphrase: str) -> bytes:
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

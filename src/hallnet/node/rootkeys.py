"""The root of a network: a key that is kept offline and certifies the hall at the top.

root.key    the private key: keep it offline, in two places
root.cert   the certificate: give it to every hall by hand
"""

from __future__ import annotations

import os
from collections.abc import Collection
from datetime import datetime, timedelta
from pathlib import Path

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
from hallnet.trust.suites import Suite, algorithms
from hallnet.wire.trust.v1 import certificate_pb2 as wire

ROOT_YEARS = 20
TOP_DAYS = 1095
SERIAL_BYTES = 16
_DAYS_IN_YEAR = 365


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
    zh_remedy = "请指定hallnet root create生成的文件"
    en = "{path} is no root certificate or root key"
    en_remedy = "Name what hallnet root create made"


def create_root(
    folder: Path,
    division: str,
    name: str,
    now: datetime,
    suite_number: int = Suite.ED25519,
    allowed: Collection[int] = (),
) -> Certificate:
    """Make a root for a division ('' for the whole country); raises RootExists, SuiteUnsupported.

    `allowed` are the suites that the network may use until a trust bundle says otherwise, besides
    that of the root.
    """
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
        file.write(key)
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


def certify_top(folder: Path, request: wire.CertificateRequest, now: datetime) -> wire.Welcome:
    """Certify the hall at the top of the network; raises RootUnreadable, SignatureInvalid, IssuerNotAbove,
    SuiteNotAllowed."""
    root = read_root(folder / "root.cert")
    try:
        key = (folder / "root.key").read_bytes()
    except OSError as error:
        raise RootUnreadable(str(folder), path=folder) from error
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
    certificate = issue(body, key, root.body.suite)
    return wire.Welcome(chain=[certificate.to_message(), root.to_message()])

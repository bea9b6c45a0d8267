"""Releases: signed, versioned packages that flow down the tree unchanged."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum

from hallnet.codec import Codec
from hallnet.places import Address
from hallnet.trust.believed import Trust
from hallnet.trust.certificate import Certificate, Permission, read_certificate
from hallnet.trust.problems import (
    CertificateUnknown,
    ReleaseLeaps,
    ReleaseOutdated,
    ReleaseOutOfReach,
    SignatureInvalid,
    SpeaksForAnother,
    SuiteMismatched,
)
from hallnet.trust.suite import Suite
from hallnet.trust.suites import algorithms
from hallnet.wire.release.v1 import release_pb2 as wire

VERSION_LEAP_MAX = 1_000_000
"""Versions that a hall may have missed: a release every hour for a hundred years."""
_RELEASE_TEXT = b"hallnet release v1\n"


class ReleaseKind(IntEnum):
    """What a release holds."""

    CATALOGUE = 1
    CALENDAR = 2
    TRUST = 3
    POLICY = 4
    TEMPLATE = 5
    CODE_MAP = 6


@dataclass(frozen=True, slots=True)
class ReleaseBody:
    """What an author states; the fields are those of the wire."""

    suite: Suite
    kind: ReleaseKind
    author: Address
    version: int
    issued_at: datetime
    effective_at: datetime
    content: bytes
    summary: str
    withdraws: int = 0
    restores: int = 0

    @property
    def is_void(self) -> bool:
        """Whether it says that nothing of its kind and author is in force any more."""
        return self.withdraws > 0 and not self.restores


RELEASE: Codec[ReleaseBody] = Codec(ReleaseBody, wire.ReleaseBody)


def sign_release(
    body: ReleaseBody, private_key: bytes, chain: list[Certificate]
) -> wire.SignedRelease:
    """Sign in the author's name; `chain` is the author's certificate and its issuers."""
    raw = RELEASE.to_bytes(body)
    return wire.SignedRelease(
        body=raw,
        signature=algorithms(body.suite).sign(private_key, _RELEASE_TEXT + raw),
        chain=[certificate.to_message() for certificate in chain],
    )


def verify_release(
    message: wire.SignedRelease, trust: Trust, here: Address, now: datetime
) -> ReleaseBody:
    """The release, proved to come from this hall or one above it.

    Raises a NotAuthentic problem. Whether it is newer than what is known is `require_newer`'s matter.
    """
    body = RELEASE.from_bytes(message.body)
    chain = [read_certificate(item) for item in message.chain]
    if not chain:
        raise CertificateUnknown("release.chain", subject=body.author)
    trust.learn(chain)
    author = trust.signer(chain[0].id, body.issued_at, now)
    author.require(Permission.RELEASE)
    if author.address != body.author:
        raise SpeaksForAnother("release.author", signer=author.body.subject, claimed=body.author)
    if body.author != here and not body.author.may_certify(here):
        raise ReleaseOutOfReach("release.author", author=body.author, kind=body.kind.name)
    if body.suite is not author.body.suite:
        raise SuiteMismatched(
            "release.suite", what="release", named=int(body.suite), used=int(author.body.suite)
        )
    if not author.is_signed(_RELEASE_TEXT + message.body, message.signature):
        raise SignatureInvalid("release.signature", what="release")
    return body


def require_newer(body: ReleaseBody, known_version: int) -> None:
    """Trust data and catalogues only move forward, and not by leaps.

    A stolen key that signs the highest version there is would end all publishing for ever. Raises
    ReleaseOutdated or ReleaseLeaps.
    """
    if body.version > known_version + VERSION_LEAP_MAX:
        raise ReleaseLeaps(
            "release.version", kind=body.kind.name, version=body.version, known=known_version
        )
    if body.version <= known_version:
        raise ReleaseOutdated(
            "release.version", kind=body.kind.name, version=body.version, known=known_version
        )

"""Roots that several keepers hold together."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from datetime import datetime

from tests.trust.builders import NOW, SUITE, body_for, private_key

from hallnet.trust import drafts
from hallnet.trust.certificate import Certificate, CertificateBody, Permission, Role
from hallnet.trust.drafts import Draft, draft_root, draft_succession, finished_root
from hallnet.trust.succession import RootSuccession
from hallnet.trust.suite import Suite
from hallnet.trust.suites import algorithms
from hallnet.wire.trust.v1 import certificate_pb2 as wire

FIVE = ("王", "李", "张", "刘", "陈")


def key_of(keeper: str, suite: Suite = Suite.ED25519) -> bytes:
    return private_key(f"keeper {keeper}", suite)


def body_of(
    keepers: Sequence[str] = FIVE,
    threshold: int = 3,
    suite: Suite = SUITE.suite,
    label: str = "root",
) -> CertificateBody:
    public = algorithms(suite).signing_public
    body = body_for(
        "33", None, label=label, permissions=(Permission.CERTIFY,), role=Role.ROOT, suite=suite
    )
    return replace(
        body,
        name=label,
        signing_key=b"",
        sealing_key=b"",
        keepers=tuple(public(key_of(keeper, suite)) for keeper in keepers),
        threshold=threshold,
    )


def signed_by(draft: Draft, keepers: Iterable[str], suite: Suite = Suite.ED25519) -> Draft:
    for keeper in keepers:
        draft = drafts.signed(draft, key_of(keeper, suite))
    return draft


def root_of(
    keepers: Sequence[str] = FIVE,
    threshold: int = 3,
    suite: Suite = SUITE.suite,
    label: str = "root",
) -> Certificate:
    draft = draft_root(body_of(keepers, threshold, suite, label))
    return finished_root(signed_by(draft, keepers, suite))


def handed_over(
    old: Certificate,
    new: Certificate,
    by: Iterable[str],
    kept: Collection[bytes] | None = (),
) -> RootSuccession:
    return drafts.finished_succession(signed_by(draft_succession(old, new, NOW, kept), by))


def succeed(
    old: Certificate,
    old_key: bytes,
    new: Certificate,
    new_key: bytes,
    now: datetime,
    kept: Collection[bytes] | None = None,
) -> wire.RootSuccession:
    """Two roots with one key each state that one takes over from the other."""
    draft = draft_succession(old, new, now, kept)
    both = drafts.signed(drafts.signed(draft, old_key), new_key)
    return drafts.finished_succession(both).message

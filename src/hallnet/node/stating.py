"""What a root states: who is the highest hall, that a root takes over, that a certificate ends.

A root with one key states it at once; one with keepers has a draft go round (`keeping`). Both are the same draft,
and what is stated is in the record of the root before anybody signs.
"""

from __future__ import annotations

import os
from collections.abc import Collection
from datetime import datetime, timedelta
from pathlib import Path

from hallnet.node.rootkeys import (
    ROOT_CERTIFICATE,
    ROOT_KEY,
    SERIAL_BYTES,
    RootUnreadable,
    note_signed,
    opened_key,
    read_root,
)
from hallnet.trust.certificate import (
    Certificate,
    CertificateBody,
    Permission,
    Role,
    read_certificate,
    read_request,
)
from hallnet.trust.drafts import (
    Draft,
    NotAKeeper,
    draft_hall,
    draft_revocation,
    draft_succession,
    finished_hall,
    finished_revocation,
    finished_succession,
    signed,
)
from hallnet.trust.problems import CertificateUnknown, IssuerNotAbove, SuiteNotAllowed
from hallnet.trust.revocation import RevocationBody
from hallnet.trust.suites import algorithms
from hallnet.wire.trust.v1 import certificate_pb2 as wire

TOP_DAYS = 1095


def certify_top(
    folder: Path, request: wire.CertificateRequest, now: datetime, passphrase: str = ""
) -> wire.Welcome:
    """Certify the hall at the top of the network, by a root with one key.

    Raises RootUnreadable, PassphraseWrong, SignatureInvalid, IssuerNotAbove or SuiteNotAllowed.
    """
    key = opened_key(folder, passphrase)
    return finished_hall(_signed(top_draft(folder, request, now), folder, key))


def hand_over(
    old: Path,
    old_passphrase: str,
    new: Path,
    new_passphrase: str,
    now: datetime,
    kept: Collection[bytes] | None = None,
) -> wire.RootSuccession:
    """State with the keys of both that the root in `new` takes over from the one in `old`.

    Unless `kept` is None the old one ends, and of what it signed only that stays believed. Raises
    RootUnreadable, PassphraseWrong, or IssuerNotAbove if they govern different divisions.
    """
    keys = opened_key(old, old_passphrase), opened_key(new, new_passphrase)
    draft = _signed(succession_draft(old, new, kept, now), old, keys[0])
    return finished_succession(_signed(draft, new, keys[1])).message


def revoke_top(
    folder: Path,
    welcome: wire.Welcome,
    reason: str,
    revoked_at: datetime,
    now: datetime,
    passphrase: str = "",
) -> wire.Revocation:
    """End the certificate of the highest hall, by a root with one key.

    Raises RootUnreadable, PassphraseWrong or CertificateUnknown.
    """
    key = opened_key(folder, passphrase)
    draft = revocation_draft(folder, welcome, reason, revoked_at, now)
    return finished_revocation(_signed(draft, folder, key)).to_message()


def top_draft(folder: Path, request: wire.CertificateRequest, now: datetime) -> Draft:
    """What the root is to state of the highest hall.

    Raises RootUnreadable, SignatureInvalid, IssuerNotAbove or SuiteNotAllowed.
    """
    root = read_root(folder / ROOT_CERTIFICATE)
    body = _top_body(root, request, now)
    draft = draft_hall(root, body)
    digest = algorithms(body.suite).digest(draft.body)
    note_signed(folder, digest, f"certificate of {body.subject}", now)
    return draft


def succession_draft(old: Path, new: Path, kept: Collection[bytes] | None, now: datetime) -> Draft:
    """That a root takes over from another (`drafts.draft_succession`); raises RootUnreadable or IssuerNotAbove."""
    before, after = read_root(old / ROOT_CERTIFICATE), read_root(new / ROOT_CERTIFICATE)
    if before.body.subject != after.body.subject:
        raise IssuerNotAbove("new", issuer=before.body.subject, subject=after.body.subject)
    draft = draft_succession(before, after, now, kept)
    digest = algorithms(before.body.suite).digest(draft.body)
    for folder in (old, new):
        note_signed(folder, digest, "root succession", now)
    return draft


def revocation_draft(
    folder: Path, welcome: wire.Welcome, reason: str, revoked_at: datetime, now: datetime
) -> Draft:
    """That the certificate in a welcome of the highest hall ends; raises RootUnreadable or CertificateUnknown."""
    root = read_root(folder / ROOT_CERTIFICATE)
    chain = [read_certificate(item) for item in welcome.chain]
    of_root = [item for item in chain if item.body.issuer_id == root.id]
    if not of_root:
        raise CertificateUnknown("welcome.chain", subject=root.body.name)
    body = RevocationBody(
        root.body.suite, of_root[0].id, of_root[0].address, revoked_at, now, reason
    )
    draft = draft_revocation(root, body)
    digest = algorithms(root.body.suite).digest(draft.body)
    note_signed(folder, digest, f"revocation of {body.subject}", now)
    return draft


def _signed(draft: Draft, folder: Path, key: bytes) -> Draft:
    try:
        return signed(draft, key)
    except NotAKeeper as error:
        raise RootUnreadable(str(folder), path=folder / ROOT_KEY) from error


def _top_body(
    root: Certificate, request: wire.CertificateRequest, now: datetime
) -> CertificateBody:
    asked = read_request(request)
    if asked.suite not in root.suites:
        allowed = ", ".join(map(str, sorted(root.suites)))
        raise SuiteNotAllowed("request.suite", suite=int(asked.suite), allowed=allowed)
    if not asked.subject.within(root.body.subject):
        raise IssuerNotAbove("request.subject", issuer=root.body.subject, subject=asked.subject)
    return CertificateBody(
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

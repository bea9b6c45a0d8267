"""Certifying a child: a hall below this one becomes a node of the network."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import delete

from hallnet.exchange import believing, tables
from hallnet.exchange.context import Context
from hallnet.exchange.journal.journal_store import JournalWriter
from hallnet.exchange.queue import outgoing
from hallnet.node import tls
from hallnet.node.broker import user_name
from hallnet.node.home import CONNECTION_CERTIFICATE_DAYS
from hallnet.places import Address, Level
from hallnet.problems import Kind, Problem
from hallnet.store import Connection
from hallnet.store.feed import Entry
from hallnet.store.upsert import upsert
from hallnet.trust.certificate import (
    Certificate,
    CertificateBody,
    Permission,
    RequestBody,
    Role,
    issue,
    read_request,
)
from hallnet.trust.journal import EntryKind
from hallnet.trust.revocation import REASON_LENGTH_MAX, RevocationBody, revoke
from hallnet.trust.suites import algorithms
from hallnet.wire.feed.v1 import feed_pb2 as wire_feed
from hallnet.wire.trust.v1 import certificate_pb2 as wire

SERIAL_BYTES = 16
BACKDATED = timedelta(minutes=5)
VALIDITY_DAYS_MAX = 1100


class NotAChild(Problem):
    """The hall that asks does not stand directly below this one."""

    kind = Kind.DENIED
    reason = "NOT_A_CHILD"
    zh = "{subject}不是{here}的直接下级"
    zh_remedy = "请由其直接上级大厅签发"
    en = "{subject} is not directly below {here}"
    en_remedy = "Have it certified by the hall directly above it"


class RevocationUnusable(Problem):
    """A reason that is too long, or a moment that lies ahead."""

    kind = Kind.INVALID
    reason = "REVOCATION_UNUSABLE"
    zh = "吊销理由不得超过{limit}字，吊销时间不得晚于现在"
    zh_remedy = "请缩短理由或更正时间"
    en = "The reason may have {limit} characters at most, and the moment may not lie ahead"
    en_remedy = "Shorten the reason or correct the moment"


class KeyRevoked(Problem):
    """A key whose certificate was revoked is to be certified again."""

    kind = Kind.DENIED
    reason = "KEY_REVOKED"
    zh = "{subject}所申请的密钥已随其证书吊销"
    zh_remedy = "请该厅重新建立节点（hallnet node init），用新密钥申请"
    en = "The key that {subject} asks for was revoked with its certificate"
    en_remedy = "Have the hall found its node anew (hallnet node init) and ask with new keys"


class ValidityTooLong(Problem):
    """More days than a certificate may be valid."""

    kind = Kind.INVALID
    reason = "VALIDITY_TOO_LONG"
    zh = "证书有效期不得超过{limit}天"
    zh_remedy = "请缩短有效期"
    en = "A certificate may be valid for {limit} days at most"
    en_remedy = "Give fewer days"


def certify(
    connection: Connection,
    context: Context,
    request: wire.CertificateRequest,
    permissions: Sequence[Permission],
    validity_days: int,
    broker_url: str,
    link_authority: tls.Authority,
    now: datetime,
) -> wire.Welcome:
    """Certify a child and give it what it needs to dial in.

    Raises SignatureInvalid, MessageMalformed, NotAChild, DivisionUnknown, ValidityTooLong,
    KeyRevoked, LinkKeyUnusable.
    """
    asked = read_request(request)
    if context.register.parent(asked.subject) != context.here:
        raise NotAChild("request.subject", subject=asked.subject, here=context.here)
    if validity_days > VALIDITY_DAYS_MAX:
        raise ValidityTooLong("validity_days", limit=VALIDITY_DAYS_MAX)
    # Whether the child may still dial in is up to the message server, so this need not be renewed.
    link_certificate = tls.issue(
        link_authority,
        asked.link_key,
        [user_name(asked.subject)],
        now,
        CONNECTION_CERTIFICATE_DAYS,
    )
    certificate, entries = certify_child(
        connection, context, asked, permissions or _usual(asked.subject), validity_days, now
    )
    tables.feed.append(connection, entries)
    return wire.Welcome(
        chain=[item.to_message() for item in (certificate, *context.identity.chain)],
        broker_url=broker_url,
        link_certificate=link_certificate,
        link_authority=link_authority.certificate,
    )


def certify_child(
    connection: Connection,
    context: Context,
    asked: RequestBody,
    permissions: Sequence[Permission],
    validity_days: int,
    now: datetime,
) -> tuple[Certificate, list[Entry]]:
    """Sign a child's certificate and remember the child; returns the entries for the feed too.

    Raises KeyRevoked, or SuiteNotAllowed if the network does not use the suite of the keys.
    """
    context.trust.require_allowed(asked.suite, "request.suite")
    for known in context.trust.of_hall(asked.subject):
        revoked = context.trust.revoked_at(known.id) is not None
        if revoked and known.body.signing_key == asked.signing_key:
            raise KeyRevoked("request.signing_key", subject=asked.subject)
    body = _body(context, asked, permissions, validity_days, now)
    certificate = issue(body, context.identity.signing_key, context.identity.certificate.body.suite)
    journal = JournalWriter(connection, context, now)
    journal.add(EntryKind.SIGNED, certificate.id)
    journal.sign()
    context.trust.learn([certificate])
    connection.execute(
        upsert(connection, tables.certificate)
        .values(
            id=certificate.id,
            subject=body.subject,
            certificate=certificate.to_message().SerializeToString(),
            learned_at=now,
        )
        .on_conflict_do_nothing()
    )
    entry = enrol(connection, context, certificate, now)
    # What waits for it goes now; from here on there is a way to it.
    return certificate, [entry, *outgoing.seal_waiting(connection, context, now)]


def enrol(
    connection: Connection, context: Context, certificate: Certificate, now: datetime
) -> Entry:
    """Remember a child under its certificate; returns the entry for the feed."""
    child = upsert(connection, tables.child).values(
        address=certificate.body.subject, certificate_id=certificate.id, enrolled_at=now
    )
    connection.execute(
        child.on_conflict_do_update(
            index_elements=["address"],
            set_={"certificate_id": child.excluded.certificate_id, "enrolled_at": now},
        )
    )
    context.children.add(certificate.address)
    enrolled = wire_feed.ChildEnrolled(
        address=certificate.body.subject,
        certificate=certificate.to_message().SerializeToString(),
    )
    return Entry("child.enrolled", certificate.body.subject, enrolled.SerializeToString(), now)


def revoke_child(
    connection: Connection,
    context: Context,
    child: Address,
    reason: str,
    revoked_at: datetime,
    now: datetime,
) -> list[wire.Revocation]:
    """End all certificates of a child; it is no child any more, and has to be certified with new keys.

    What it signed before `revoked_at` stays believed. Raises NotAChild or RevocationUnusable.
    """
    removed = connection.execute(
        delete(tables.child).where(tables.child.c.address == str(child))
    ).rowcount
    if not removed:
        raise NotAChild("address", subject=child, here=context.here)
    if revoked_at > now or len(reason) > REASON_LENGTH_MAX or not reason.isprintable():
        raise RevocationUnusable("reason, revoked_at", limit=REASON_LENGTH_MAX)
    signer = context.identity.certificate
    revocations = [
        revoke(
            RevocationBody(signer.body.suite, item.id, child, revoked_at, now, reason),
            signer,
            context.identity.signing_key,
        )
        for item in context.trust.of_hall(child)
    ]
    journal = JournalWriter(connection, context, now)
    digest = algorithms(signer.body.suite).digest
    for item in revocations:
        journal.add(EntryKind.SIGNED, digest(item.raw))
    journal.sign()
    messages = [item.to_message() for item in revocations]
    told = wire.TrustBundle(revocations=messages).SerializeToString()
    tables.feed.append(connection, [Entry("child.revoked", str(child), told, now)])
    context.trust.take_revocations(revocations)
    believing.keep_revocations(connection, context, revocations, now)
    context.children.discard(child)
    return messages


def _usual(subject: Address) -> list[Permission]:
    """A hall exchanges; one that can have halls below it certifies and publishes as well."""
    if subject.is_branch_hall or subject.level >= Level.TOWNSHIP:
        return [Permission.EXCHANGE]
    return [Permission.EXCHANGE, Permission.CERTIFY, Permission.RELEASE]


def _body(
    context: Context,
    asked: RequestBody,
    permissions: Sequence[Permission],
    validity_days: int,
    now: datetime,
) -> CertificateBody:
    issuer = context.identity.certificate
    return CertificateBody(
        suite=asked.suite,
        serial=context.random_bytes(SERIAL_BYTES),
        role=Role.HALL,
        subject=str(asked.subject),
        name=asked.name,
        issuer=issuer.body.subject,
        issuer_id=issuer.id,
        signing_key=asked.signing_key,
        sealing_key=asked.sealing_key,
        not_before=now - BACKDATED,
        not_after=min(now + timedelta(days=validity_days), issuer.body.not_after),
        permissions=tuple(permissions),
        suites=asked.suites,
    )

"""Certificates of halls below: told up to the top of the tree, where they become a trust bundle."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from google.protobuf.message import DecodeError
from sqlalchemy import select

from hallnet.branch_sync import releasing, tables
from hallnet.branch_sync.context import Context
from hallnet.codec.codec import to_timestamp
from hallnet.problems import Problem
from hallnet.store import Connection
from hallnet.store.feed import Entry
from hallnet.store.upsert import upsert
from hallnet.trust.certificate import Certificate, read_certificate
from hallnet.trust.envelope import Urgency
from hallnet.trust.release import ReleaseKind
from hallnet.wire.feed.v1 import feed_pb2 as wire_feed
from hallnet.wire.release.v1 import release_pb2 as wire_release
from hallnet.wire.trust.v1 import certificate_pb2 as wire

CERTIFICATES_KIND = "trust.certificates"
SOFT_EXPIRY = timedelta(days=30)
HARD_EXPIRY = timedelta(days=90)
RENEW_BEFORE = timedelta(days=20)
"""The bundle is published anew when its soft expiry is nearer than this."""


def take(
    connection: Connection,
    context: Context,
    certificates: Sequence[Certificate],
    now: datetime,
) -> bool:
    """Keep certificates that lead to the root and tell them to the parent; True if some are new."""
    context.trust.learn_what_leads_to_a_root(certificates)
    fresh = [
        item
        for item in certificates
        if context.trust.knows(item.id) and not _is_kept(connection, item.id)
    ]
    if not fresh:
        return False
    connection.execute(
        upsert(connection, tables.certificate).on_conflict_do_nothing(),
        [
            {
                "id": item.id,
                "subject": item.body.subject,
                "certificate": item.to_message().SerializeToString(),
            }
            for item in fresh
        ],
    )
    if context.parent is not None:
        payload = wire.TrustBundle(certificates=[item.to_message() for item in fresh])
        told = wire_feed.Dispatch(
            recipient=str(context.parent),
            kind=CERTIFICATES_KIND,
            subject="trust",
            urgency=int(Urgency.URGENT),  # type: ignore[arg-type]
            payload=payload.SerializeToString(),
        )
        tables.feed.append(connection, [Entry("certificates.told", "trust", b"", now, [told])])
    return True


def read_told(payload: bytes) -> list[Certificate]:
    """Certificates that a child told; none if it is no such message."""
    try:
        message = wire.TrustBundle.FromString(payload)
        return [read_certificate(item) for item in message.certificates]
    except (DecodeError, Problem):
        return []


def bundle(connection: Connection, context: Context, now: datetime) -> wire.TrustBundle:
    """The trust bundle of the network as it is now; made at the top of the tree."""
    table = tables.certificate
    rows = connection.scalars(select(table.c.certificate).order_by(table.c.subject, table.c.id))
    return wire.TrustBundle(
        roots=[root.to_message() for root in context.trust.roots],
        certificates=[wire.Certificate.FromString(raw) for raw in rows],
        suites=[int(context.membership.certificate.body.suite)],  # type: ignore[list-item]
        soft_expires_at=to_timestamp(now + SOFT_EXPIRY),
        hard_expires_at=to_timestamp(now + HARD_EXPIRY),
    )


def bundle_to_publish(
    connection: Connection, context: Context, now: datetime
) -> wire.TrustBundle | None:
    """The bundle that has to be published; None while the one in force tells all and is not old."""
    made = bundle(connection, context, now)
    standing = context.trust.standing
    if standing is None or standing.soft_expires_at < now + RENEW_BEFORE:
        return made
    row = releasing.in_force(connection, ReleaseKind.TRUST)
    body = wire_release.ReleaseBody.FromString(
        wire_release.SignedRelease.FromString(row.signed).body
    )
    current = wire.TrustBundle.FromString(body.content)
    return made if list(made.certificates) != list(current.certificates) else None


def _is_kept(connection: Connection, certificate_id: bytes) -> bool:
    table = tables.certificate
    query = select(table.c.id).where(table.c.id == certificate_id)
    return connection.execute(query).first() is not None

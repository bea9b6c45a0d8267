"""Certificates of halls below, and their ends: told up to the top of the tree, where they become a trust
bundle."""

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
from hallnet.trust.revocation import Revocation, read_revocation
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
    revocations: Sequence[Revocation] = (),
) -> bool:
    """Keep what leads to the root and tell it to the parent; True if some of it is new."""
    told = wire.TrustBundle(
        certificates=[
            item.to_message() for item in _keep_certificates(connection, context, certificates)
        ],
        revocations=[
            item.to_message() for item in _keep_revocations(connection, context, revocations)
        ],
    )
    if not told.certificates and not told.revocations:
        return False
    if context.parent is not None:
        dispatch = wire_feed.Dispatch(
            recipient=str(context.parent),
            kind=CERTIFICATES_KIND,
            subject="trust",
            urgency=int(Urgency.URGENT),  # type: ignore[arg-type]
            payload=told.SerializeToString(),
        )
        tables.feed.append(connection, [Entry("certificates.told", "trust", b"", now, [dispatch])])
    return True


def _keep_certificates(
    connection: Connection, context: Context, certificates: Sequence[Certificate]
) -> list[Certificate]:
    """Returns those that are new."""
    context.trust.learn_what_leads_to_a_root(certificates)
    fresh = [
        item
        for item in certificates
        if context.trust.knows(item.id) and not _is_kept(connection, item.id)
    ]
    if fresh:
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
    return fresh


def _keep_revocations(
    connection: Connection, context: Context, revocations: Sequence[Revocation]
) -> list[Revocation]:
    """Returns those that are new, or end a certificate earlier than was known."""
    context.trust.take_revocations(revocations)
    table = tables.revocation
    fresh = []
    for item in revocations:
        body = item.body
        if context.trust.revoked_at(body.certificate_id) != body.revoked_at:
            continue
        kept = connection.scalars(
            select(table.c.revocation).where(table.c.certificate_id == body.certificate_id)
        ).one_or_none()
        if kept is not None and _revoked_at(kept) <= body.revoked_at:
            continue
        raw = item.to_message().SerializeToString()
        statement = upsert(connection, table).values(
            certificate_id=body.certificate_id, revocation=raw
        )
        connection.execute(
            statement.on_conflict_do_update(
                index_elements=["certificate_id"], set_={"revocation": raw}
            )
        )
        fresh.append(item)
    return fresh


def _revoked_at(raw: bytes) -> datetime:
    return read_revocation(wire.Revocation.FromString(raw)).body.revoked_at


def read_told(payload: bytes) -> tuple[list[Certificate], list[Revocation]]:
    """Certificates and revocations that the own exchange or a child told; none if it is no such
    message."""
    try:
        message = wire.TrustBundle.FromString(payload)
        return (
            [read_certificate(item) for item in message.certificates],
            [read_revocation(item) for item in message.revocations],
        )
    except (DecodeError, Problem):
        return [], []


def bundle(connection: Connection, context: Context, now: datetime) -> wire.TrustBundle:
    """The trust bundle of the network as it is now; made at the top of the tree."""
    table = tables.certificate
    rows = connection.scalars(select(table.c.certificate).order_by(table.c.subject, table.c.id))
    ended = tables.revocation
    revocations = connection.scalars(select(ended.c.revocation).order_by(ended.c.certificate_id))
    suites = sorted(context.wanted_suites or context.trust.suites)
    return wire.TrustBundle(
        roots=[root.to_message() for root in context.trust.roots],
        certificates=[wire.Certificate.FromString(raw) for raw in rows],
        revocations=[wire.Revocation.FromString(raw) for raw in revocations],
        suites=[int(suite) for suite in suites],  # type: ignore[misc]
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
    same = all(
        getattr(made, name) == getattr(current, name)
        for name in ("certificates", "revocations", "suites")
    )
    return None if same else made


def _is_kept(connection: Connection, certificate_id: bytes) -> bool:
    table = tables.certificate
    query = select(table.c.id).where(table.c.id == certificate_id)
    return connection.execute(query).first() is not None

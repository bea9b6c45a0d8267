"""Certificates of halls below, and their ends: told up to the top of the tree, where they become a trust
bundle."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from google.protobuf.message import DecodeError
from sqlalchemy import select

from hallnet.branch_sync import releasing, tables
from hallnet.branch_sync.context import Context
from hallnet.codec.moments import to_timestamp
from hallnet.problems import Problem
from hallnet.store import Connection
from hallnet.store.feed import Entry
from hallnet.store.upsert import upsert
from hallnet.trust.certificate import Certificate, read_certificate
from hallnet.trust.envelope import Urgency
from hallnet.trust.freshness import HARD_EXPIRY, SOFT_EXPIRY
from hallnet.trust.release import ReleaseKind
from hallnet.trust.revocation import Revocation, read_revocation
from hallnet.trust.succession import (
    RootSuccession,
    Succession,
    read_root_succession,
    read_succession,
)
from hallnet.wire.feed.v1 import feed_pb2 as wire_feed
from hallnet.wire.release.v1 import release_pb2 as wire_release
from hallnet.wire.trust.v1 import certificate_pb2 as wire

CERTIFICATES_KIND = "trust.certificates"
RENEW_BEFORE = timedelta(days=20)
"""The bundle is published anew when its soft expiry is nearer than this."""
_PARTS = ("certificates", "revocations", "successions", "root_successions", "suites")


@dataclass(frozen=True, slots=True)
class Told:
    """What the own exchange or a child tells of trust."""

    certificates: Sequence[Certificate] = ()
    revocations: Sequence[Revocation] = ()
    successions: Sequence[Succession] = ()
    root_successions: Sequence[RootSuccession] = ()


def take(connection: Connection, context: Context, news: Told, now: datetime) -> bool:
    """Keep what is believed and tell it to the parent; True if some of it is new."""
    roots = _keep_root_successions(connection, context, news.root_successions)
    certificates = _keep_certificates(connection, context, news.certificates)
    revocations = _keep_revocations(connection, context, news.revocations)
    successions = _keep_successions(connection, context, news.successions)
    told = wire.TrustBundle(
        certificates=[item.to_message() for item in certificates],
        revocations=[item.to_message() for item in revocations],
        successions=[item.to_message() for item in successions],
        root_successions=[item.message for item in roots],
    )
    if not told.ByteSize():
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


def _keep_successions(
    connection: Connection, context: Context, successions: Sequence[Succession]
) -> list[Succession]:
    """Returns those that are new, or were signed later than what was known."""
    context.trust.take_successions(successions)
    table = tables.succession
    fresh = []
    for item in successions:
        predecessor, raw = str(item.body.predecessor), item.to_message().SerializeToString()
        kept = connection.scalars(
            select(table.c.succession).where(table.c.predecessor == predecessor)
        ).one_or_none()
        if not context.trust.believes(item) or kept == raw:
            continue
        statement = upsert(connection, table).values(predecessor=predecessor, succession=raw)
        connection.execute(
            statement.on_conflict_do_update(
                index_elements=["predecessor"], set_={"succession": raw}
            )
        )
        fresh.append(item)
    return fresh


def _keep_root_successions(
    connection: Connection, context: Context, successions: Sequence[RootSuccession]
) -> list[RootSuccession]:
    """Returns those that are new."""
    context.trust.take_root_successions(successions)
    table = tables.root_succession
    fresh = []
    for item in successions:
        query = select(table.c.digest).where(table.c.digest == item.digest)
        believed = context.trust.believes_root_succession(item)
        if believed and connection.execute(query).first() is None:
            raw = item.message.SerializeToString()
            connection.execute(table.insert().values(digest=item.digest, succession=raw))
            fresh.append(item)
    return fresh


def _revoked_at(raw: bytes) -> datetime:
    return read_revocation(wire.Revocation.FromString(raw)).body.revoked_at


def read_told(payload: bytes) -> Told:
    """What the own exchange or a child told; nothing if it is no such message."""
    try:
        message = wire.TrustBundle.FromString(payload)
        return Told(
            [read_certificate(item) for item in message.certificates],
            [read_revocation(item) for item in message.revocations],
            [read_succession(item) for item in message.successions],
            [read_root_succession(item) for item in message.root_successions],
        )
    except (DecodeError, Problem):
        return Told()


def needed(certificates: Sequence[Certificate], now: datetime) -> list[Certificate]:
    """What everybody needs to know: of each hall the newest certificate in each suite that has not ended,
    and whoever certified it, in the order of addresses.

    Older ones travel with what was signed under them. A bundle of all that there ever were would outgrow
    its bound, and with that end all publishing.
    """
    known = {item.id: item for item in certificates}
    newest: dict[tuple[str, int], Certificate] = {}
    for item in certificates:
        place = item.body.subject, int(item.body.suite)
        other = newest.get(place)
        rank = (item.body.not_before, item.id)
        if item.body.not_after > now and (
            other is None or rank > (other.body.not_before, other.id)
        ):
            newest[place] = item
    chosen: dict[bytes, Certificate] = {}
    for leaf in newest.values():
        above: Certificate | None = leaf
        while above is not None and above.id not in chosen:
            chosen[above.id] = above
            above = known.get(above.body.issuer_id)
    return sorted(chosen.values(), key=lambda item: (item.body.subject, item.id))


def bundle(connection: Connection, context: Context, now: datetime) -> wire.TrustBundle:
    """The trust bundle of the network as it is now; made at the top of the tree."""
    table = tables.certificate
    rows = connection.scalars(select(table.c.certificate))
    kept = [read_certificate(wire.Certificate.FromString(raw)) for raw in rows]
    ended = tables.revocation
    revocations = connection.scalars(select(ended.c.revocation).order_by(ended.c.certificate_id))
    suites = sorted(context.wanted_suites or context.trust.suites)
    moved, roots = tables.succession, tables.root_succession
    successions = connection.scalars(select(moved.c.succession).order_by(moved.c.predecessor))
    root_successions = connection.scalars(select(roots.c.succession).order_by(roots.c.digest))
    return wire.TrustBundle(
        roots=[root.to_message() for root in context.trust.roots],
        certificates=[item.to_message() for item in needed(kept, now)],
        revocations=[wire.Revocation.FromString(raw) for raw in revocations],
        successions=[wire.Succession.FromString(raw) for raw in successions],
        root_successions=[wire.RootSuccession.FromString(raw) for raw in root_successions],
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
    same = all(getattr(made, part) == getattr(current, part) for part in _PARTS)
    return None if same else made


def _is_kept(connection: Connection, certificate_id: bytes) -> bool:
    table = tables.certificate
    query = select(table.c.id).where(table.c.id == certificate_id)
    return connection.execute(query).first() is not None

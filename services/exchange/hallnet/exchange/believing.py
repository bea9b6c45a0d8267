"""What this node believes, kept in its tables and in memory."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select

from hallnet.exchange import tables
from hallnet.exchange.context import Context
from hallnet.places import Address
from hallnet.store import Connection
from hallnet.store.upsert import Upsert, upsert
from hallnet.trust.believed import Trust
from hallnet.trust.certificate import Certificate, read_certificate
from hallnet.trust.revocation import Revocation, read_revocation
from hallnet.trust.succession import (
    RootSuccession,
    Succession,
    read_root_succession,
    read_succession,
)
from hallnet.wire.trust.v1 import certificate_pb2 as wire

_KEEP = Upsert(tables.certificate)


def learn(
    connection: Connection, context: Context, certificates: Sequence[Certificate], now: datetime
) -> bool:
    """Take in certificates that came along; True if some are new. One that leads nowhere is passed
    over: what depends on it will fail by itself."""
    fresh = context.trust.learn_what_leads_to_a_root(certificates)
    # All of them, for one that is known in memory was not stored if that transaction was undone.
    _keep(connection, [item for item in certificates if context.trust.knows(item.id)], now)
    return bool(fresh)


def take_bundle(
    connection: Connection, context: Context, raw_bundle: bytes, version: int, now: datetime
) -> None:
    """Move forward to a trust bundle whose release was verified by branch-sync and here again."""
    known = connection.execute(select(tables.trust_bundle.c.version)).scalar_one_or_none()
    if known is not None and version <= known:
        return
    bundle = wire.TrustBundle.FromString(raw_bundle)
    context.trust.take_bundle(bundle, version)
    _keep(connection, [read_certificate(item) for item in bundle.certificates], now)
    revocations = [read_revocation(item) for item in bundle.revocations]
    keep_revocations(connection, context, revocations, now)
    roots = [read_root_succession(item) for item in bundle.root_successions]
    keep_root_successions(connection, context, roots, now)
    moved = [read_succession(item) for item in bundle.successions]
    keep_successions(connection, context, moved, now)
    statement = upsert(connection, tables.trust_bundle).values(
        id=1, version=version, bundle=raw_bundle
    )
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=["id"],
            set_={"version": statement.excluded.version, "bundle": statement.excluded.bundle},
        )
    )


def keep_revocations(
    connection: Connection, context: Context, revocations: Sequence[Revocation], now: datetime
) -> None:
    """Keep the revocations that are believed, whatever later bundles tell; of two for one certificate
    the one with the earlier moment."""
    kept = [
        item
        for item in revocations
        if context.trust.revoked_at(item.body.certificate_id) == item.body.revoked_at
    ]
    if not kept:
        return
    statement = upsert(connection, tables.revocation)
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=["certificate_id"], set_={"revocation": statement.excluded.revocation}
        ),
        [
            {
                "certificate_id": item.body.certificate_id,
                "revocation": item.to_message().SerializeToString(),
                "learned_at": now,
            }
            for item in kept
        ],
    )


def keep_successions(
    connection: Connection, context: Context, successions: Sequence[Succession], now: datetime
) -> None:
    """Keep those that are believed, whatever later bundles tell."""
    kept = [item for item in successions if context.trust.believes(item)]
    if not kept:
        return
    statement = upsert(connection, tables.succession)
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=["predecessor"], set_={"succession": statement.excluded.succession}
        ),
        [
            {
                "predecessor": str(item.body.predecessor),
                "succession": item.to_message().SerializeToString(),
                "learned_at": now,
            }
            for item in kept
        ],
    )


def keep_root_successions(
    connection: Connection, context: Context, successions: Sequence[RootSuccession], now: datetime
) -> None:
    """Keep those of roots that are believed."""
    kept = [item for item in successions if context.trust.believes_root_succession(item)]
    if kept:
        connection.execute(
            upsert(connection, tables.root_succession).on_conflict_do_nothing(),
            [
                {
                    "digest": item.digest,
                    "succession": item.message.SerializeToString(),
                    "learned_at": now,
                }
                for item in kept
            ],
        )


def root_successions(connection: Connection) -> list[wire.RootSuccession]:
    """All that are kept."""
    table = tables.root_succession
    raws = connection.scalars(select(table.c.succession).order_by(table.c.digest))
    return [wire.RootSuccession.FromString(raw) for raw in raws]


def load(connection: Connection, trust: Trust) -> set[Address]:
    """Fill `trust` from the tables when a process starts; returns the children."""
    # Roots first: the certificates are judged by them.
    trust.take_root_successions(read_root_succession(item) for item in root_successions(connection))
    rows = connection.scalars(select(tables.certificate.c.certificate)).all()
    certificates = [read_certificate(wire.Certificate.FromString(raw)) for raw in rows]
    trust.learn_what_leads_to_a_root(certificates)
    # Before what is signed, for it says which suites the signers may use.
    bundle = connection.execute(select(tables.trust_bundle)).one_or_none()
    if bundle is not None:
        trust.take_bundle(wire.TrustBundle.FromString(bundle.bundle), bundle.version)
    revocations = connection.scalars(select(tables.revocation.c.revocation)).all()
    trust.take_revocations(read_revocation(wire.Revocation.FromString(raw)) for raw in revocations)
    moved = connection.scalars(select(tables.succession.c.succession)).all()
    trust.take_successions(read_succession(wire.Succession.FromString(raw)) for raw in moved)
    return children(connection)


def children(connection: Connection) -> set[Address]:
    """The halls that this one certified."""
    return {
        Address.parse(address) for address in connection.scalars(select(tables.child.c.address))
    }


def _keep(connection: Connection, certificates: Sequence[Certificate], now: datetime) -> None:
    if certificates:
        connection.execute(
            _KEEP.on(connection),
            [
                {
                    "id": item.id,
                    "subject": item.body.subject,
                    "certificate": item.to_message().SerializeToString(),
                    "learned_at": now,
                }
                for item in certificates
            ],
        )

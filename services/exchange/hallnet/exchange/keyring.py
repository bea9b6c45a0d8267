"""The keys that a hall made for itself: in a closed column, so that its home need not be writable."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import func, select, update

from hallnet.exchange import tables
from hallnet.exchange.context import Context
from hallnet.node.home import Identity
from hallnet.problems import Kind, Problem
from hallnet.store import Connection
from hallnet.store.vault import VaultNotOpened
from hallnet.trust.certificate import Certificate
from hallnet.trust.suite import Algorithms


class KeysNotOpened(Problem):
    """The keys in the tables were wrapped by those of another home."""

    kind = Kind.INVALID
    reason = "KEYS_NOT_OPENED"
    zh = "数据库中的密钥不是由本节点目录中的密钥保护的，无法打开"
    zh_remedy = "请核对节点目录与数据库是否属于同一节点、是否来自同一时期的备份"
    en = "The keys in the database were not wrapped by those of this home and cannot be opened"
    en_remedy = (
        "Check that home and database belong to the same node and to backups of the same time"
    )


def make(
    connection: Connection, context: Context, suite: Algorithms, now: datetime
) -> tuple[bytes, bytes]:
    """Make keys to ask a certificate for, and store them; returns those to sign and to open with."""
    signing_key, sealing_key = suite.new_signing_key(), suite.new_sealing_key()
    public = suite.signing_public(signing_key)
    plain = len(signing_key).to_bytes(2, "big") + signing_key + sealing_key
    connection.execute(
        tables.own_key.insert().values(signing_public=public, private_keys=plain, asked_at=now)
    )
    context.waiting_keys.insert(0, sealing_key)
    return signing_key, sealing_key


def asked(connection: Connection) -> tuple[datetime | None, int]:
    """When a certificate was asked for last without an answer, and how often."""
    table = tables.own_key
    row = connection.execute(
        select(func.max(table.c.asked_at), func.count()).where(table.c.certificate_id.is_(None))
    ).one()
    return row[0], row[1]


def take(connection: Connection, context: Context, certificate: Certificate) -> bool:
    """Act under a new certificate, if it is for keys of this hall that wait for one."""
    table = tables.own_key
    this = table.c.signing_public == certificate.body.signing_key
    taken = connection.execute(
        update(table)
        .where(this, table.c.certificate_id.is_(None))
        .values(certificate_id=certificate.id)
    ).rowcount
    if taken:
        load(connection, context)
    return bool(taken)


def load(connection: Connection, context: Context) -> None:
    """Bring the keys in memory up to the tables; raises KeysNotOpened."""
    table = tables.own_key
    try:
        rows = connection.execute(select(table).order_by(table.c.asked_at.desc())).all()
    except VaultNotOpened as error:
        raise KeysNotOpened(str(context.here)) from error
    opened = [(row.certificate_id, *_parted(row.private_keys)) for row in rows]
    context.waiting_keys[:] = [sealing for id, _, sealing in opened if id is None]
    identities = []
    for certificate_id, signing, sealing in opened:
        if certificate_id is not None:
            chain = context.trust.chain_of(certificate_id)
            identities.append(Identity(tuple(chain), signing, sealing))
    # The oldest last: of two that begin at the same moment the one that was asked for later counts.
    identities.append(context.home)
    for identity in identities:
        context.sealing_keys[identity.certificate.id] = identity.sealing_key
    context.identity = max(identities, key=lambda item: _preference(context, item.certificate))


def _preference(context: Context, certificate: Certificate) -> tuple[bool, datetime]:
    """The newest counts, of those in a suite that the network allows."""
    return certificate.body.suite in context.trust.suites, certificate.body.not_before


def _parted(keys: bytes) -> tuple[bytes, bytes]:
    """The key to sign and the one to open with."""
    length = int.from_bytes(keys[:2], "big")
    return keys[2 : 2 + length], keys[2 + length :]

"""Signing for the other services of the node: they ask, for the exchange alone has the key."""

from __future__ import annotations

from datetime import datetime

from hallnet.exchange.context import Context
from hallnet.exchange.journal.journal_store import JournalWriter
from hallnet.store import Connection
from hallnet.trust.certificate import Permission
from hallnet.trust.journal import EntryKind
from hallnet.trust.release import RELEASE, sign_release
from hallnet.trust.suites import algorithms
from hallnet.wire.release.v1 import release_pb2 as wire


def signed_release(
    connection: Connection, context: Context, release: wire.ReleaseBody, now: datetime
) -> wire.SignedRelease:
    """Sign a release in the name of this hall, with an entry in the journal.

    Raises PermissionMissing if the certificate does not permit it.
    """
    identity = context.identity
    named = wire.ReleaseBody()
    named.CopyFrom(release)
    named.suite = int(identity.certificate.body.suite)  # type: ignore[assignment]
    identity.certificate.require(Permission.RELEASE)
    chain = list(identity.chain[:-1])
    signed = sign_release(RELEASE.from_message(named), identity.signing_key, chain)
    journal = JournalWriter(connection, context, now)
    journal.add(EntryKind.SIGNED, algorithms(named.suite).digest(signed.body))
    journal.sign()
    return signed

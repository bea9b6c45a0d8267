"""Children that this hall certified and forgot with its records: the trust bundle names them, and they are known again."""

from __future__ import annotations

import logging
from datetime import datetime

from hallnet.exchange.certificates import moving
from hallnet.exchange.certificates.certifying import enrol
from hallnet.exchange.context import Context
from hallnet.exchange.journal import continuity
from hallnet.store import Connection
from hallnet.store.feed import Entry
from hallnet.trust.certificate import Certificate

_log = logging.getLogger("hallnet.exchange")


def know_again(connection: Connection, context: Context, now: datetime) -> list[Entry]:
    """Enrol the halls whose newest certificate this hall itself signed, if it lost records; returns the entries.

    Only what this hall signed makes a child, and nobody who was shut out or is closed. A hall that lost nothing
    knows its children.
    """
    if not continuity.lost_records(connection):
        return []
    own = {item.id for item in context.trust.of_hall(context.here)}
    forgotten = [
        certificate
        for address, certificate in sorted(context.trust.halls().items())
        if certificate.body.issuer_id in own
        and address not in context.children | {context.here}
        and _may_be_a_child(connection, context, certificate, now)
    ]
    for certificate in forgotten:
        _log.warning("%s is a child of this hall, which had forgotten it", certificate.address)
    return [enrol(connection, context, certificate, now) for certificate in forgotten]


def _may_be_a_child(
    connection: Connection, context: Context, certificate: Certificate, now: datetime
) -> bool:
    return (
        context.register.parent(certificate.address) == context.here
        and context.trust.revoked_at(certificate.id) is None
        and certificate.body.not_before <= now < certificate.body.not_after
        and not moving.is_closed(connection, certificate.address)
    )

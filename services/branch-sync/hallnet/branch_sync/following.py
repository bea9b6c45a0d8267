"""What the exchange tells in its feed: releases from above, certificates from below, children that join
or are shut out."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from hallnet.branch_sync import certificates, releasing
from hallnet.branch_sync.context import Context
from hallnet.store import Connection
from hallnet.trust.certificate import read_certificate
from hallnet.wire.feed.v1 import feed_pb2 as wire_feed
from hallnet.wire.trust.v1 import certificate_pb2 as wire_trust


def take(
    connection: Connection,
    context: Context,
    entries: Sequence[wire_feed.FeedEntry],
    now: datetime,
) -> bool:
    """Deal with a batch of entries; True if halls joined or were shut out."""
    changed = False
    for entry in entries:
        if entry.kind == "child.enrolled":
            enrolled = wire_feed.ChildEnrolled.FromString(entry.payload)
            releasing.add_child(connection, enrolled.address, now)
            raw = wire_trust.Certificate.FromString(enrolled.certificate)
            told = certificates.Told([read_certificate(raw)])
            changed |= certificates.take(connection, context, told, now)
        elif entry.kind in ("child.revoked", "trust.stated"):
            if entry.kind == "child.revoked":
                releasing.remove_child(connection, entry.subject)
            told = certificates.read_told(entry.payload)
            changed |= certificates.take(connection, context, told, now)
        elif entry.kind == "message.received":
            message = wire_feed.InboundMessage.FromString(entry.payload)
            if message.kind == releasing.RELEASE_KIND:
                releasing.take_message(connection, context, message.payload, now)
            elif message.kind == certificates.CERTIFICATES_KIND:
                told = certificates.read_told(message.payload)
                changed |= certificates.take(connection, context, told, now)
    return changed

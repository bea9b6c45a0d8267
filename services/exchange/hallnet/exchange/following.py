"""What the other services of the node ask for in their feeds: things to carry, trust data to believe."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime

from hallnet.exchange import attachment_wishes, believing, tables
from hallnet.exchange.attachment_wishes import AttachmentWish
from hallnet.exchange.certificates import forgotten_children, moving
from hallnet.exchange.context import Context
from hallnet.exchange.queue import outgoing
from hallnet.exchange.queue.sealing import Wish
from hallnet.problems import Problem
from hallnet.store import Connection
from hallnet.store.feed import Entry
from hallnet.trust.envelope import NAME_LENGTH_MAX
from hallnet.trust.release import ReleaseKind, verify_release
from hallnet.wire.feed.v1 import feed_pb2 as wire_feed
from hallnet.wire.release.v1 import release_pb2 as wire_release

_TAKEN = frozenset({"release.in_force", moving.STATE_KIND})

_log = logging.getLogger("hallnet.exchange")


def take(
    connection: Connection,
    context: Context,
    entries: Sequence[wire_feed.FeedEntry],
    now: datetime,
) -> None:
    """Seal, journal and queue all that a batch of entries wants carried."""
    wishes: list[Wish] = []
    attached: list[AttachmentWish] = []
    results: list[Entry] = []
    for entry in entries:
        if entry.kind == "release.in_force":
            results += _believe(connection, context, entry.payload, now)
        elif entry.kind == moving.STATE_KIND:
            moving.take_state(connection, entry.payload, now)
        for dispatch in entry.dispatches:
            try:
                wish = outgoing.wish_of(dispatch, entry.traceparent, context.register)
            except Problem as problem:
                # It will never be carried: whoever wished it hears of that, and the rest goes on.
                results.append(_impossible(dispatch, problem, now))
                continue
            wishes.append(wish)
            attached += [
                AttachmentWish(item.digest, wish.recipient, item.size, wish.subject)
                for item in dispatch.attachments
                if wish.recipient != context.here
            ]
    results += outgoing.send(connection, context, wishes, now)
    attachment_wishes.wish_for(connection, attached, now)
    if results:
        tables.feed.append(connection, results)


def concerns(entry: wire_feed.FeedEntry) -> bool:
    """Whether there is anything to do about an entry."""
    return bool(entry.dispatches) or entry.kind in _TAKEN


def _impossible(dispatch: wire_feed.Dispatch, problem: Problem, now: datetime) -> Entry:
    ended = wire_feed.DeliveryEnded(
        recipient=dispatch.recipient,
        kind=dispatch.kind,
        subject=dispatch.subject,
        reason=problem.reason,
        reference=dispatch.reference,
    )
    usable = dispatch.subject.isprintable()
    subject = dispatch.subject[:NAME_LENGTH_MAX] if usable else ""
    return Entry("delivery.ended", subject, ended.SerializeToString(), now)


def _believe(
    connection: Connection, context: Context, payload: bytes, now: datetime
) -> list[Entry]:
    signed = wire_release.SignedRelease.FromString(payload)
    try:
        body = verify_release(signed, context.trust, context.here, now)
    except Problem as problem:
        _log.error("a release in force is not believed: %s", problem.reason)
        return []
    if body.kind is not ReleaseKind.TRUST:
        return []
    believing.take_bundle(connection, context, body.content, body.version, now)
    known_again = forgotten_children.know_again(connection, context, now)
    return [*known_again, *outgoing.seal_waiting(connection, context, now)]

"""What the other services of the node tell in their feeds: messages of other halls, releases in force."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from hallnet.intake import dispatches, hall_state, replicas
from hallnet.intake.context import Hall
from hallnet.intake.numbers import recounting
from hallnet.intake.papers import materials
from hallnet.intake.same_matter import alike_notes, matching, matter_keys, matters
from hallnet.intake.window import paper_requests
from hallnet.node import telemetry
from hallnet.places import Address
from hallnet.store import Connection
from hallnet.trust.release import RELEASE, ReleaseKind
from hallnet.wire.branch_sync.v1 import comparison_pb2 as wire_comparison
from hallnet.wire.feed.v1 import feed_pb2 as wire_feed
from hallnet.wire.release.v1 import release_pb2 as wire_release


def take_messages(
    connection: Connection, hall: Hall, entries: Sequence[wire_feed.FeedEntry], now: datetime
) -> None:
    """What the exchange verified: messages of other halls, materials, and bad ends."""
    for entry in entries:
        with telemetry.span(f"intake takes {entry.kind}", entry.traceparent):
            if entry.kind == "message.received":
                message = wire_feed.InboundMessage.FromString(entry.payload)
                _take_message(connection, hall, message, now)
            elif entry.kind == "delivery.ended":
                ended = wire_feed.DeliveryEnded.FromString(entry.payload)
                _take_end(connection, hall, ended, now)
            elif entry.kind == "attachment.arrived":
                arrived = wire_feed.AttachmentArrived.FromString(entry.payload).attachment
                materials.note_arrival(connection, arrived.digest, arrived.size)


def concerns(entry: wire_feed.FeedEntry) -> bool:
    """Whether there is anything to do about an entry of the exchange."""
    if entry.kind == "message.received":
        return wire_feed.InboundMessage.FromString(entry.payload).kind in _MESSAGES
    if entry.kind == "delivery.ended":
        ended = wire_feed.DeliveryEnded.FromString(entry.payload)
        return ended.kind.startswith((_OF_CASES, _OF_MATTERS, _OF_PAPERS))
    return entry.kind == "attachment.arrived"


def take_releases(
    connection: Connection, hall: Hall, entries: Sequence[wire_feed.FeedEntry], now: datetime
) -> None:
    """What branch-sync tells: releases in force from now on, and halls that have a gap."""
    changed = False
    for entry in entries:
        if entry.kind == "release.in_force":
            signed = wire_release.SignedRelease.FromString(entry.payload)
            body = RELEASE.from_bytes(signed.body)
            changed |= hall.releases.take(connection, body)
            if body.kind is ReleaseKind.TRUST:
                matter_keys.look_at_trust(connection, hall, body.content, now)
        elif entry.kind == "replica.behind":
            behind = wire_comparison.ReplicaBehind.FromString(entry.payload)
            replicas.complete(connection, hall, Address.parse(behind.hall), behind.case_ids, now)
    if changed:
        recounting.recount(connection, hall, now)


def concerns_releases(entry: wire_feed.FeedEntry) -> bool:
    """Whether there is anything to do about an entry of branch-sync."""
    return entry.kind in ("release.in_force", "replica.behind")


def _take_end(
    connection: Connection, hall: Hall, ended: wire_feed.DeliveryEnded, now: datetime
) -> None:
    if ended.kind.startswith(_OF_CASES):
        replicas.take_delivery_end(connection, hall, ended, now)
    elif ended.kind.startswith(_OF_MATTERS):
        matters.take_delivery_end(connection, hall, ended, now)
    elif ended.kind.startswith(_OF_PAPERS):
        paper_requests.take_delivery_end(connection, hall, ended, now)


def _take_message(
    connection: Connection, hall: Hall, message: wire_feed.InboundMessage, now: datetime
) -> None:
    if message.kind in _MESSAGES:
        sender = Address.parse(message.sender)
        _MESSAGES[message.kind](connection, hall, sender, message.payload, now)


def _take_state(
    connection: Connection, hall: Hall, sender: Address, payload: bytes, now: datetime
) -> None:
    hall_state.take_state(connection, hall, sender, payload)
    matter_keys.hall_below_changed(connection, hall, sender, now)


_MESSAGES: Mapping[str, Callable[[Connection, Hall, Address, bytes, datetime], None]] = {
    dispatches.EVENTS_KIND: replicas.take_events,
    dispatches.REQUEST_KIND: replicas.take_request,
    replicas.REFUSED_KIND: lambda c, hall, sender, payload, now: replicas.take_refusal(
        c, sender, payload, now
    ),
    hall_state.TRANSFER_KIND: lambda c, hall, sender, payload, now: hall_state.take_transfer(
        c, hall, sender, payload
    ),
    hall_state.STATE_KIND: _take_state,
    matter_keys.WANTED_KIND: matter_keys.take_wanted,
    matter_keys.KEY_KIND: matter_keys.take_key,
    matching.TOLD_KIND: matching.take_told,
    alike_notes.ALIKE_KIND: alike_notes.take,
    paper_requests.ASKED_KIND: paper_requests.take_request,
    paper_requests.ANSWERED_KIND: paper_requests.take_answer,
}
_OF_CASES, _OF_MATTERS, _OF_PAPERS = "case.", "matter.", "paper."

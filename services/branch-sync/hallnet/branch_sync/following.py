"""What the exchange tells in its feed: releases from above, certificates from below, children that join
or are shut out."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from hallnet.branch_sync import (
    certificates,
    comparing,
    passing_on,
    releasing,
    rollups,
    sharing,
    standings,
)
from hallnet.branch_sync.context import Context
from hallnet.places import Address
from hallnet.store import Connection
from hallnet.trust.certificate import read_certificate
from hallnet.wire.exchange.v1 import envelope_pb2 as wire_envelope
from hallnet.wire.feed.v1 import feed_pb2 as wire_feed
from hallnet.wire.trust.v1 import certificate_pb2 as wire_trust

CASE_EVENTS_KIND = "case.events"
"""Of the messages in which the intake tells other halls what happened to a case."""


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
            passing_on.add_child(connection, enrolled.address, now)
            raw = wire_trust.Certificate.FromString(enrolled.certificate)
            told = certificates.Told([read_certificate(raw)])
            changed |= certificates.take(connection, context, told, now)
        elif entry.kind in ("child.revoked", "trust.stated"):
            if entry.kind == "child.revoked":
                passing_on.remove_child(connection, entry.subject)
            told = certificates.read_told(entry.payload)
            changed |= certificates.take(connection, context, told, now)
        elif entry.kind == "message.received":
            message = wire_feed.InboundMessage.FromString(entry.payload)
            if message.kind == passing_on.RELEASE_KIND:
                releasing.take_message(connection, context, message.payload, now)
            elif message.kind == passing_on.CHANGE_KIND:
                releasing.take_change(connection, context, message.sender, message.payload, now)
            elif message.kind == passing_on.WANTED_KIND:
                passing_on.take_wish(connection, message.sender, message.payload, now)
            elif message.kind == standings.STANDINGS_KIND:
                sender = Address.parse(message.sender)
                standings.take(connection, context, sender, message.payload, now)
            elif message.kind == certificates.CERTIFICATES_KIND:
                told = certificates.read_told(message.payload)
                changed |= certificates.take(connection, context, told, now)
            elif message.kind == rollups.ROLLUP_KIND:
                sender = Address.parse(message.sender)
                rollups.take(connection, context, sender, message.payload, now)
            elif message.kind in _COMPARISONS:
                sender = Address.parse(message.sender)
                _COMPARISONS[message.kind](connection, context.here, sender, message.payload, now)
        elif entry.kind == "delivery.ended":
            _take_end(connection, entry.payload, now)
    return changed


def take_cases(
    connection: Connection,
    context: Context,
    entries: Sequence[wire_feed.FeedEntry],
    now: datetime,
) -> None:
    """What the intake tells: who said something about which case, and what was done on a day."""
    raws = [entry.payload for entry in entries if entry.kind in ("case.event", "case.replica")]
    if raws:
        sharing.take_events(connection, context.here, raws)
        comparing.notice(connection, context.here, now)
    for entry in entries:
        if entry.kind == rollups.NUMBERS_OF_DAY:
            rollups.take_day(connection, context, entry.payload, now)


def _take_end(connection: Connection, payload: bytes, now: datetime) -> None:
    """A message about a case that nobody took leaves a gap at its recipient."""
    ended = wire_feed.DeliveryEnded.FromString(payload)
    if ended.kind in (passing_on.RELEASE_KIND, passing_on.CHANGE_KIND):
        passing_on.delivered(connection, ended, now)
        return
    accepted = ended.verdict == wire_envelope.VERDICT_ACCEPTED
    if ended.kind == CASE_EVENTS_KIND and not accepted:
        comparing.not_delivered(connection, ended.recipient, now)


_COMPARISONS = {
    comparing.ASKED_KIND: comparing.take_question,
    comparing.ANSWERED_KIND: comparing.take_answer,
}

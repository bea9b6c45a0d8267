"""What the exchange tells in its feed: releases from above, certificates from below, children that join
or are shut out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
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
        if entry.kind in _ENTRIES:
            changed |= _ENTRIES[entry.kind](connection, context, entry, now)
    return changed


def concerns(entry: wire_feed.FeedEntry) -> bool:
    """Whether there is anything to do about an entry of the exchange."""
    if entry.kind == "message.received":
        return wire_feed.InboundMessage.FromString(entry.payload).kind in _MESSAGES
    if entry.kind == "delivery.ended":
        ended = wire_feed.DeliveryEnded.FromString(entry.payload)
        return _is_release(ended) or _leaves_a_gap(ended)
    return entry.kind in _ENTRIES


def concerns_of_cases(entry: wire_feed.FeedEntry) -> bool:
    """Whether there is anything to do about an entry of the intake."""
    return entry.kind in (*_OF_CASES, rollups.NUMBERS_OF_DAY)


def _take_child(
    connection: Connection, context: Context, entry: wire_feed.FeedEntry, now: datetime
) -> bool:
    enrolled = wire_feed.ChildEnrolled.FromString(entry.payload)
    passing_on.add_child(connection, enrolled.address, now)
    raw = wire_trust.Certificate.FromString(enrolled.certificate)
    told = certificates.Told([read_certificate(raw)])
    return certificates.take(connection, context, told, now)


def _take_statement(
    connection: Connection, context: Context, entry: wire_feed.FeedEntry, now: datetime
) -> bool:
    if entry.kind == "child.revoked":
        passing_on.remove_child(connection, entry.subject)
    return certificates.take(connection, context, certificates.read_told(entry.payload), now)


def _take_message(
    connection: Connection, context: Context, entry: wire_feed.FeedEntry, now: datetime
) -> bool:
    message = wire_feed.InboundMessage.FromString(entry.payload)
    if message.kind not in _MESSAGES:
        return False
    return bool(_MESSAGES[message.kind](connection, context, message, now))


def _take_end(
    connection: Connection, context: Context, entry: wire_feed.FeedEntry, now: datetime
) -> bool:
    ended = wire_feed.DeliveryEnded.FromString(entry.payload)
    if _is_release(ended):
        passing_on.delivered(connection, ended, now)
    elif _leaves_a_gap(ended):
        comparing.not_delivered(connection, ended.recipient, now)
    return False


def _is_release(ended: wire_feed.DeliveryEnded) -> bool:
    return ended.kind in (passing_on.RELEASE_KIND, passing_on.CHANGE_KIND)


def _leaves_a_gap(ended: wire_feed.DeliveryEnded) -> bool:
    """A message about a case that its recipient did not take."""
    return ended.kind == CASE_EVENTS_KIND and ended.verdict != wire_envelope.VERDICT_ACCEPTED


def take_cases(
    connection: Connection,
    context: Context,
    entries: Sequence[wire_feed.FeedEntry],
    now: datetime,
) -> None:
    """What the intake tells: who said something about which case, and what was done on a day."""
    raws = [entry.payload for entry in entries if entry.kind in _OF_CASES]
    if raws:
        sharing.take_events(connection, context.here, raws)
        comparing.notice(connection, context.here, now)
    for entry in entries:
        if entry.kind == rollups.NUMBERS_OF_DAY:
            rollups.take_day(connection, context, entry.payload, now)


_ENTRIES: Mapping[str, Callable[[Connection, Context, wire_feed.FeedEntry, datetime], bool]] = {
    "child.enrolled": _take_child,
    "child.revoked": _take_statement,
    "trust.stated": _take_statement,
    "message.received": _take_message,
    "delivery.ended": _take_end,
}
_OF_CASES = ("case.event", "case.replica")
_MESSAGES: Mapping[
    str, Callable[[Connection, Context, wire_feed.InboundMessage, datetime], bool | None]
] = {
    passing_on.RELEASE_KIND: lambda c, context, message, now: releasing.take_message(
        c, context, message.payload, now
    ),
    passing_on.CHANGE_KIND: lambda c, context, message, now: releasing.take_change(
        c, context, message.sender, message.payload, now
    ),
    passing_on.WANTED_KIND: lambda c, context, message, now: passing_on.take_wish(
        c, message.sender, message.payload, now
    ),
    standings.STANDINGS_KIND: lambda c, context, message, now: standings.take(
        c, context, Address.parse(message.sender), message.payload, now
    ),
    certificates.CERTIFICATES_KIND: lambda c, context, message, now: certificates.take(
        c, context, certificates.read_told(message.payload), now
    ),
    rollups.ROLLUP_KIND: lambda c, context, message, now: rollups.take(
        c, context, Address.parse(message.sender), message.payload, now
    ),
    comparing.ASKED_KIND: lambda c, context, message, now: comparing.take_question(
        c, context.here, Address.parse(message.sender), message.payload, now
    ),
    comparing.ANSWERED_KIND: lambda c, context, message, now: comparing.take_answer(
        c, context.here, Address.parse(message.sender), message.payload, now
    ),
}
"""The messages of other halls; those of trust tell whether halls joined or were shut out, the others nothing."""

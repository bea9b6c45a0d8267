"""How old trust data may be: past the soft expiry a node says so and goes on; past the hard one it takes
cases in and queues them, but issues no results.

Whoever keeps new trust data from a hall keeps from it who was shut out (a freeze). It cannot be told from
a cut line; so a hall goes on for as long as lines are cut in practice, and no longer.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import IntEnum

SOFT_EXPIRY = timedelta(days=30)
"""A month without a word from the top is no outage any more: somebody has to look."""
HARD_EXPIRY = timedelta(days=90)
"""The highest hall publishes anew every ten days at the latest, so eight bundles have been missed; a township
that was cut off by a flood is back by then."""

CARRIED_ALWAYS = frozenset(
    {
        "release",
        "release.change",
        "release.wanted",
        "trust.certificates",
        "certificate.request",
        "certificate.issued",
    }
)
"""Kinds of messages by which trust data are renewed: past the hard expiry a hall sends nothing else."""


class Freshness(IntEnum):
    """The numbers are those of the wire."""

    FRESH = 1
    STALE = 2
    EXPIRED = 3


def freshness(soft_expires_at: datetime, hard_expires_at: datetime, now: datetime) -> Freshness:
    """At the very moment of an expiry it has come."""
    if now >= hard_expires_at:
        return Freshness.EXPIRED
    return Freshness.STALE if now >= soft_expires_at else Freshness.FRESH


def without_bundle(certified_at: datetime) -> tuple[datetime, datetime]:
    """Soft and hard expiry of a node that has no bundle yet.

    What it believes is as fresh as its own certificate: the parent that gave it vouched for all above.
    """
    return certified_at + SOFT_EXPIRY, certified_at + HARD_EXPIRY

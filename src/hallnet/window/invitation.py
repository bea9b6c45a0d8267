"""Invitations to rate: one for each visit at the hall, one for each case over the network.

现场一次一评、网上一事一评 (国办发〔2019〕51号): nobody is asked twice for the same, nobody can be rated by who
was not there. Whoever has the number and the word that goes with it was.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from hallnet.case.case import day_of
from hallnet.window.problems import RatingInvitationOver, RatingInvitationUnknown
from hallnet.window.rating import RatingChannel

VALID_DAYS = 30
SUBJECT_LENGTH_MAX = 64


@dataclass(frozen=True, slots=True)
class Invitation:
    """`subject` is a ticket or a case; `code` the word that goes with it."""

    subject: str
    channel: RatingChannel
    item_id: str
    handler: str
    invited_at: datetime
    expires_on: date
    code: str


def invited(
    subject: str, channel: RatingChannel, item_id: str, handler: str, code: str, now: datetime
) -> Invitation:
    """Good for VALID_DAYS days."""
    expires_on = day_of(now) + timedelta(days=VALID_DAYS)
    return Invitation(subject, channel, item_id, handler, now, expires_on, code)


def require_answerable(invitation: Invitation | None, code: str, today: date) -> Invitation:
    """Raises RatingInvitationUnknown, RatingInvitationOver."""
    known = invitation.code if invitation is not None else ""
    right = hmac.compare_digest(known.encode(), code.strip().upper().encode())
    if invitation is None or not known or not right:
        raise RatingInvitationUnknown("code")
    if today > invitation.expires_on:
        raise RatingInvitationOver("code", day=invitation.expires_on.isoformat())
    return invitation

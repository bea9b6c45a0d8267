"""Invitations to rate, as they are kept: one for each visit and each case."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime

from sqlalchemy import func, insert, select, update

from hallnet.case.case import Case, day_of
from hallnet.case.problems import CaseUnknown
from hallnet.case.stage import ENDED
from hallnet.intake import cases, tables
from hallnet.intake.numbering import query_code
from hallnet.intake.window import tickets
from hallnet.intake.window.codecs import INVITATION
from hallnet.store import Connection
from hallnet.window.invitation import (
    SUBJECT_LENGTH_MAX,
    Invitation,
    invited,
    require_answerable,
)
from hallnet.window.problems import NotOverYet, RecordUnknown, TicketUnknown
from hallnet.window.queue import Ticket, TicketState
from hallnet.window.rating import RatingChannel, Share

_RANDOM_BYTES = 16


def visit_over(
    connection: Connection,
    ticket: Ticket,
    handler: str,
    random_bytes: Callable[[int], bytes],
    now: datetime,
) -> Invitation:
    """The invitation of a visit that has just ended."""
    code = query_code(random_bytes(_RANDOM_BYTES))
    made = invited(ticket.ticket_id, RatingChannel.ON_SITE, ticket.item_id, handler, code, now)
    return _kept(connection, made)


def invite(
    connection: Connection,
    subject: str,
    handler: str,
    random_bytes: Callable[[int], bytes],
    now: datetime,
) -> Invitation:
    """Of a visit or a case that is over; raises NotOverYet, RecordUnknown."""
    known = _found(connection, subject)
    if known is not None:
        return known
    try:
        ticket = tickets.find(connection, subject)
    except TicketUnknown:
        case = _case(connection, subject)
        if case is None:
            raise RecordUnknown("subject") from None
        return _of_case(connection, case, now)
    if ticket.state is not TicketState.DONE:
        raise NotOverYet("subject")
    return visit_over(connection, ticket, handler, random_bytes, now)


def of_visitor(connection: Connection, subject: str, code: str, now: datetime) -> Invitation:
    """By who has the number and the word; of a case that is over the word is the query code.

    Raises RatingInvitationUnknown, RatingInvitationOver.
    """
    known = _found(connection, subject)
    if known is None:
        case = _case(connection, subject)
        # Who does not know the word does not learn from here which cases there are.
        knows = case is not None and case.filed.query_code == code.strip().upper()
        if case is not None and knows and case.stage in ENDED:
            known = _of_case(connection, case, now)
    return require_answerable(known, code, day_of(now))


def canonical(connection: Connection, subject: str) -> str:
    """A case is rated under its id, however it was named."""
    case = _case(connection, subject)
    return subject if case is None else case.case_id


def answered(connection: Connection, subject: str) -> None:
    table = tables.rating_invitation
    connection.execute(update(table).where(table.c.subject == subject).values(answered=True))


def answers(connection: Connection, first: date, last: date) -> Share:
    """Of those who were invited in a period, how many rated."""
    table = tables.rating_invitation
    query = (
        select(table.c.answered, func.count())
        .where(table.c.invited_on.between(first, last))
        .group_by(table.c.answered)
    )
    counted: dict[bool, int] = {bool(row[0]): row[1] for row in connection.execute(query)}
    return Share(counted.get(True, 0), sum(counted.values()))


def _of_case(connection: Connection, case: Case, now: datetime) -> Invitation:
    """Raises NotOverYet."""
    known = _found(connection, case.case_id)
    if known is not None:
        return known
    if case.stage not in ENDED:
        raise NotOverYet("subject")
    filed = case.filed
    handler = case.marks[-1].actor.actor_id
    made = invited(
        case.case_id, RatingChannel.ONLINE, filed.item_id, handler, filed.query_code, now
    )
    return _kept(connection, made)


def _kept(connection: Connection, invitation: Invitation) -> Invitation:
    connection.execute(
        insert(tables.rating_invitation).values(
            subject=invitation.subject,
            invited_on=day_of(invitation.invited_at),
            answered=False,
            body=INVITATION.to_bytes(invitation),
        )
    )
    return invitation


def _found(connection: Connection, subject: str) -> Invitation | None:
    table = tables.rating_invitation
    raw = connection.execute(
        select(table.c.body).where(table.c.subject == subject[:SUBJECT_LENGTH_MAX])
    ).scalar_one_or_none()
    return None if raw is None else INVITATION.from_bytes(raw)


def _case(connection: Connection, subject: str) -> Case | None:
    try:
        return cases.load(connection, cases.id_of(connection, subject[:SUBJECT_LENGTH_MAX]))
    except CaseUnknown:
        return None

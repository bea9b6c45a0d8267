"""Invitations: a hall below joins with one code, over the link that it will use.

The message server lets the holder of an invitation publish on one subject; what is asked there is
answered here, once, and refusals are on record.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum
from typing import Any

from google.protobuf.message import DecodeError
from sqlalchemy import Row, Select, func, insert, select, update

from hallnet.codec.moments import to_timestamp
from hallnet.exchange import tables
from hallnet.exchange.certificates import certifying
from hallnet.exchange.certificates.certifying import VALIDITY_DAYS_MAX, NotAChild, ValidityTooLong
from hallnet.exchange.context import Context
from hallnet.exchange.journal.incidents import record_incident
from hallnet.node import tls
from hallnet.node.broker import user_of_invitation
from hallnet.places import Address
from hallnet.problems import Kind, Problem
from hallnet.store import Connection
from hallnet.store.feed import Entry
from hallnet.trust.certificate import RequestBody, read_request
from hallnet.trust.invitation import (
    InvitationClosed,
    InvitationExpired,
    InvitationOfAnother,
    InvitationUsed,
    InvitationWithdrawn,
)
from hallnet.trust.suites import algorithms
from hallnet.wire.exchange.v1 import exchange_service_pb2 as wire
from hallnet.wire.trust.v1 import certificate_pb2 as wire_trust
from hallnet.wire.trust.v1 import journal_pb2 as wire_journal

HOURS_USUAL = 168
"""A week: the code goes out in an official letter, and the hall is set up on a working day."""
HOURS_MAX = 720
OPEN_MAX = 500
"""Open invitations of a hall: more than the divisions and departments that lie directly below any."""
REFUSALS_MAX = 20
"""Requests that do not fit, before an invitation is closed: also the bound of what they put on record."""
REQUEST_BYTES_MAX = 4096
ID_BYTES = 16


class InvitationUnusable(Problem):
    """More hours than an invitation may be good for."""

    kind = Kind.INVALID
    reason = "INVITATION_UNUSABLE"
    zh = "邀请码有效期不得超过{limit}小时"
    zh_remedy = "请缩短有效期；确需更长时，到期后另发"
    en = "An invitation may be good for {limit} hours at most"
    en_remedy = "Give fewer hours; make another when it has expired"


class NobodyCanDialIn(Problem):
    """A hall without a message server invites nobody."""

    kind = Kind.CONFLICT
    reason = "NOBODY_CAN_DIAL_IN"
    zh = "本厅未设置消息服务器，下级大厅无法接入"
    zh_remedy = "请在hallnet.toml的[broker]中设置listen和url后重新启动节点"
    en = "This hall has no message server, so no hall below can dial in"
    en_remedy = "Set listen and url in [broker] of hallnet.toml and start the node again"


class TooManyInvitations(Problem):
    """More open invitations than a hall has reason for."""

    kind = Kind.EXHAUSTED
    reason = "TOO_MANY_INVITATIONS"
    zh = "有效的邀请码已达{limit}个"
    zh_remedy = "请先收回不再需要的邀请码（hallnet node uninvite）"
    en = "There are {limit} open invitations already"
    en_remedy = "Withdraw those that are not needed any more (hallnet node uninvite)"


class NotInvited(Problem):
    """There is no open invitation of that hall."""

    kind = Kind.NOT_FOUND
    reason = "NOT_INVITED"
    zh = "{address}没有有效的邀请码"
    zh_remedy = "请用hallnet node invitations核对"
    en = "There is no open invitation of {address}"
    en_remedy = "Look at hallnet node invitations"


class State(IntEnum):
    """What became of an invitation; the numbers are those of the wire."""

    OPEN = 1
    USED = 2
    WITHDRAWN = 3
    EXPIRED = 4
    CLOSED = 5


def state(row: Row[Any], now: datetime) -> State:
    """A hall that joined may ask again with the same key: the first answer may have been lost."""
    if row.withdrawn_at is not None:
        return State.WITHDRAWN
    if row.used_at is not None:
        return State.USED
    if row.refusals >= REFUSALS_MAX:
        return State.CLOSED
    return State.EXPIRED if now >= row.expires_at else State.OPEN


@dataclass(frozen=True, slots=True)
class Door:
    """Where newcomers dial in."""

    broker_url: str
    authority: tls.Authority


def invite(
    connection: Connection,
    context: Context,
    address: Address,
    link_key: bytes,
    hours: int,
    validity_days: int,
    door: Door,
    now: datetime,
) -> wire_trust.Invitation:
    """Let a hall below join within `hours`; an earlier open invitation of it ends.

    Raises NobodyCanDialIn, NotAChild, DivisionUnknown, InvitationUnusable, ValidityTooLong,
    TooManyInvitations or LinkKeyUnusable.
    """
    if not door.broker_url:
        raise NobodyCanDialIn()
    if context.register.parent(address) != context.here:
        raise NotAChild("address", subject=address, here=context.here)
    if hours > HOURS_MAX:
        raise InvitationUnusable("hours", limit=HOURS_MAX)
    if validity_days > VALIDITY_DAYS_MAX:
        raise ValidityTooLong("validity_days", limit=VALIDITY_DAYS_MAX)
    _withdraw(connection, address, now)
    table = tables.invitation
    count = select(func.count()).select_from(_open(now).subquery())
    if connection.execute(count).scalar_one() >= OPEN_MAX:
        raise TooManyInvitations(limit=OPEN_MAX)
    expires_at = now + timedelta(hours=hours or HOURS_USUAL)
    invitation_id = context.random_bytes(ID_BYTES).hex()
    days = (expires_at - now).days + 1
    certificate = tls.issue(
        door.authority, link_key, [user_of_invitation(invitation_id)], now, days
    )
    connection.execute(
        insert(table).values(
            invitation_id=invitation_id,
            address=str(address),
            created_at=now,
            expires_at=expires_at,
            validity_days=validity_days,
            refusals=0,
        )
    )
    return wire_trust.Invitation(
        address=str(address),
        broker_url=door.broker_url,
        root_id=context.identity.chain[-1].id,
        link_authority=tls.certificate_der(door.authority.certificate),
        link_certificate=tls.certificate_der(certificate),
        invitation_id=invitation_id,
        expires_at=to_timestamp(expires_at),
    )


def withdraw(connection: Connection, address: Address, now: datetime) -> wire.InvitationView:
    """End the open invitation of a hall; raises NotInvited."""
    rows = _withdraw(connection, address, now)
    if not rows:
        raise NotInvited("address", address=address)
    return view(rows[-1], now)


def admitted(connection: Connection, now: datetime) -> set[str]:
    """Invitations whose holders the message server lets in: open ones, and used ones whose answer may
    have been lost."""
    table = tables.invitation
    return set(
        connection.scalars(
            select(table.c.invitation_id).where(
                table.c.withdrawn_at.is_(None),
                table.c.expires_at > now,
                table.c.refusals < REFUSALS_MAX,
            )
        )
    )


def answer(
    connection: Connection,
    context: Context,
    invitation_id: str,
    data: bytes,
    door: Door,
    now: datetime,
) -> tuple[wire_trust.InvitationReply, bool]:
    """Answer a request that came with an invitation; also whether a child joined.

    The same request again gets the same welcome. What does not fit is refused and recorded.
    """
    table = tables.invitation
    row = connection.execute(
        # Of two requests at once the second waits, and finds the invitation used.
        select(table).where(table.c.invitation_id == invitation_id).with_for_update()
    ).one_or_none()
    if row is None or len(data) > REQUEST_BYTES_MAX:
        return wire_trust.InvitationReply(reason="INVITATION_UNKNOWN"), False
    asked: RequestBody | None = None
    try:
        request = wire_trust.CertificateRequest.FromString(data)
        asked = read_request(request)
        if row.withdrawn_at is None and row.signing_public == asked.signing_key:
            known = wire_trust.Welcome.FromString(row.welcome)
            return wire_trust.InvitationReply(welcome=known), False
        _require_open(row, asked, now)
        welcome = certifying.certify(
            connection,
            context,
            request,
            (),
            row.validity_days,
            door.broker_url,
            door.authority,
            now,
        )
    except DecodeError:
        return _refuse(connection, context, row, data, asked, "MESSAGE_MALFORMED", now), False
    except Problem as problem:
        return _refuse(connection, context, row, data, asked, problem.reason, now), False
    connection.execute(
        update(table)
        .where(table.c.position == row.position)
        .values(
            used_at=now,
            signing_public=asked.signing_key,
            welcome=welcome.SerializeToString(),
        )
    )
    return wire_trust.InvitationReply(welcome=welcome), True


def page(connection: Connection, before: int, limit: int) -> Sequence[Row[Any]]:
    """Invitations, the newest first."""
    table = tables.invitation
    query = select(table).order_by(table.c.position.desc()).limit(limit)
    if before:
        query = query.where(table.c.position < before)
    return connection.execute(query).all()


def view(row: Row[Any], now: datetime) -> wire.InvitationView:
    return wire.InvitationView(
        invitation_id=row.invitation_id,
        address=row.address,
        created_at=to_timestamp(row.created_at),
        expires_at=to_timestamp(row.expires_at),
        state=int(state(row, now)),  # type: ignore[arg-type]
        refusals=row.refusals,
    )


def _require_open(row: Row[Any], asked: RequestBody, now: datetime) -> None:
    standing = state(row, now)
    if standing is State.USED:
        raise InvitationUsed(address=row.address)
    if standing is State.WITHDRAWN:
        raise InvitationWithdrawn(address=row.address)
    if standing is State.CLOSED:
        raise InvitationClosed(address=row.address)
    if standing is State.EXPIRED:
        raise InvitationExpired(address=row.address)
    if str(asked.subject) != row.address:
        raise InvitationOfAnother("request.subject", address=row.address)


def _refuse(
    connection: Connection,
    context: Context,
    row: Row[Any],
    data: bytes,
    asked: RequestBody | None,
    reason: str,
    now: datetime,
) -> wire_trust.InvitationReply:
    reply = wire_trust.InvitationReply(reason=reason)
    if row.refusals >= REFUSALS_MAX:
        return reply
    table = tables.invitation
    connection.execute(
        update(table).where(table.c.position == row.position).values(refusals=row.refusals + 1)
    )
    incident = wire_journal.Incident(
        reason=reason,
        neighbour=row.address,
        digest=algorithms(1).digest(data),
        at=to_timestamp(now),
        claimed_from=str(asked.subject) if asked is not None else "",
    )
    entries: list[Entry] = record_incident(connection, context, incident, now)
    if entries:
        tables.feed.append(connection, entries)
    return reply


def _open(now: datetime) -> Select[Any]:
    table = tables.invitation
    return select(table).where(
        table.c.withdrawn_at.is_(None),
        table.c.used_at.is_(None),
        table.c.expires_at > now,
        table.c.refusals < REFUSALS_MAX,
    )


def _withdraw(connection: Connection, address: Address, now: datetime) -> Sequence[Row[Any]]:
    """End the open invitations of a hall; returns them as they are afterwards."""
    table = tables.invitation
    found = connection.scalars(
        _open(now).where(table.c.address == str(address)).with_only_columns(table.c.position)
    ).all()
    if not found:
        return []
    ended = table.c.position.in_(found)
    connection.execute(update(table).where(ended).values(withdrawn_at=now))
    return connection.execute(select(table).where(ended).order_by(table.c.position)).all()

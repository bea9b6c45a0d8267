"""Releases: published here or come from above, in force at their date, passed on to every child."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime
from enum import IntEnum
from typing import Any

from google.protobuf.message import DecodeError
from sqlalchemy import Row, func, insert, select, update

from hallnet.branch_sync import tables
from hallnet.branch_sync.context import Context
from hallnet.case.calendar import CALENDAR
from hallnet.case.item import CATALOGUE
from hallnet.problems import Kind, Problem
from hallnet.store import Connection
from hallnet.store.feed import Entry
from hallnet.trust.envelope import Urgency
from hallnet.trust.problems import ReleaseOutdated
from hallnet.trust.release import (
    RELEASE,
    ReleaseBody,
    ReleaseKind,
    require_newer,
    verify_release,
)
from hallnet.wire.feed.v1 import feed_pb2 as wire_feed
from hallnet.wire.release.v1 import release_pb2 as wire
from hallnet.wire.trust.v1 import certificate_pb2 as wire_trust

RELEASE_KIND = "release"
CONTENT_BYTES_MAX = 900 * 1024
PENDING_ROWS_MAX = 50


class Standing(IntEnum):
    """What this node makes of a release; the numbers are those of the wire."""

    PENDING = 1
    IN_FORCE = 2
    REPLACED = 3
    REFUSED = 4


class ReleaseTooLarge(Problem):
    """More content than an envelope carries."""

    kind = Kind.EXHAUSTED
    reason = "RELEASE_TOO_LARGE"
    zh = "发布内容超过{limit}字节的上限"
    zh_remedy = "请分成几次发布"
    en = "The content of the release is larger than {limit} bytes"
    en_remedy = "Publish it in several releases"


class ReleaseUnknown(Problem):
    """Nothing of that kind is in force."""

    kind = Kind.NOT_FOUND
    reason = "RELEASE_UNKNOWN"
    zh = "本厅没有生效中的该类发布"
    zh_remedy = "请等待上级发布"
    en = "No release of that kind is in force here"
    en_remedy = "Wait until one is published"


def require_content(kind: ReleaseKind, content: bytes) -> None:
    """Check content before it is signed; raises ReleaseTooLarge, MessageMalformed and the like."""
    if len(content) > CONTENT_BYTES_MAX:
        raise ReleaseTooLarge("content", limit=CONTENT_BYTES_MAX)
    if kind is ReleaseKind.CATALOGUE:
        CATALOGUE.from_bytes(content)
    elif kind is ReleaseKind.CALENDAR:
        CALENDAR.from_bytes(content)
    elif kind is ReleaseKind.TRUST:
        wire_trust.TrustBundle.FromString(content)


def last_version(connection: Connection, kind: ReleaseKind, author: str) -> int:
    """The highest version of a kind and author that was taken; 0 if none was."""
    table = tables.release
    return (
        connection.execute(
            select(func.max(table.c.version)).where(
                table.c.kind == kind,
                table.c.author == author,
                table.c.standing != Standing.REFUSED,
            )
        ).scalar_one_or_none()
        or 0
    )


def published(connection: Connection, request_id: str) -> Row[Any] | None:
    """The release that a request published here before."""
    table = tables.release
    return connection.execute(
        select(table).where(table.c.request_id == request_id).limit(1)
    ).one_or_none()


def take_message(connection: Connection, context: Context, payload: bytes, now: datetime) -> None:
    """Take a release that came from above; bytes that are none are refused like any bad one."""
    try:
        signed = wire.SignedRelease.FromString(payload)
    except DecodeError:
        signed = wire.SignedRelease(body=payload)
    take(connection, context, signed, now)


def take(
    connection: Connection,
    context: Context,
    signed: wire.SignedRelease,
    now: datetime,
    request_id: str = "",
) -> Row[Any]:
    """Take a release, from above or from this hall itself: store it, pass it on, put it in force.

    One that is not believed or not newer is stored as refused and has no effect; the same one again
    changes nothing. Returns its row.
    """
    raw = signed.SerializeToString(deterministic=True)
    digest = hashlib.sha256(signed.body).digest()
    known = _by_digest(connection, digest)
    if known is not None:
        return known
    try:
        body = verify_release(signed, context.trust, context.here, now)
        require_content(body.kind, body.content)
        require_newer(body, last_version(connection, body.kind, str(body.author)))
    except (Problem, DecodeError) as error:
        reason = error.reason if isinstance(error, Problem) else "CONTENT_MALFORMED"
        outdated = isinstance(error, ReleaseOutdated)
        return _refuse(connection, signed, digest, reason, outdated, now)
    connection.execute(
        insert(tables.release).values(
            **_columns(body),
            received_at=now,
            standing=Standing.PENDING,
            reason="",
            digest=digest,
            signed=raw,
            request_id=request_id,
        )
    )
    _pass_on(connection, [raw], children(connection), now)
    enforce(connection, context, now)
    row = _by_digest(connection, digest)
    assert row is not None
    return row


def enforce(connection: Connection, context: Context, now: datetime) -> bool:
    """Put in force what has reached its date; True if something did."""
    table = tables.release
    due = connection.execute(
        select(table)
        .where(table.c.standing == Standing.PENDING, table.c.effective_at <= now)
        .order_by(table.c.version)
        .limit(PENDING_ROWS_MAX)
    ).all()
    entries: list[Entry] = []
    for row in due:
        same = (table.c.kind == row.kind) & (table.c.author == row.author)
        newer = connection.execute(
            select(table.c.version).where(
                same, table.c.standing == Standing.IN_FORCE, table.c.version > row.version
            )
        ).first()
        if newer is None:
            connection.execute(
                update(table)
                .where(same, table.c.standing == Standing.IN_FORCE)
                .values(standing=Standing.REPLACED)
            )
        standing = Standing.IN_FORCE if newer is None else Standing.REPLACED
        connection.execute(
            update(table).where(table.c.position == row.position).values(standing=standing)
        )
        if newer is None:
            entries.append(Entry("release.in_force", _subject(row), row.signed, now))
            _believe(context, row)
    if entries:
        tables.feed.append(connection, entries)
    return bool(due)


def add_child(connection: Connection, address: str, now: datetime) -> None:
    """A child joined: it gets everything that is in force or will be."""
    known = address in children(connection)
    if not known:
        connection.execute(insert(tables.child).values(address=address))
    table = tables.release
    current = connection.scalars(
        select(table.c.signed)
        .where(table.c.standing.in_((Standing.IN_FORCE, Standing.PENDING)))
        # Trust first: the others are judged by it.
        .order_by(table.c.kind.desc(), table.c.position)
    ).all()
    _pass_on(connection, current, [address], now)


def children(connection: Connection) -> list[str]:
    return list(connection.scalars(select(tables.child.c.address).order_by(tables.child.c.address)))


def in_force(connection: Connection, kind: ReleaseKind) -> Row[Any]:
    """The release of a kind by the nearest author; raises ReleaseUnknown."""
    table = tables.release
    row = connection.execute(
        select(table)
        .where(table.c.kind == kind, table.c.standing == Standing.IN_FORCE)
        .order_by(func.length(table.c.author).desc())
        .limit(1)
    ).one_or_none()
    if row is None:
        raise ReleaseUnknown("kind")
    return row


def load_trust(connection: Connection, context: Context) -> None:
    """Believe what was in force when the process stopped."""
    table = tables.release
    rows = connection.execute(
        select(table).where(
            table.c.kind == ReleaseKind.TRUST, table.c.standing == Standing.IN_FORCE
        )
    )
    for row in rows:
        _believe(context, row)


def _believe(context: Context, row: Row[Any]) -> None:
    if row.kind == ReleaseKind.TRUST:
        body = RELEASE.from_bytes(wire.SignedRelease.FromString(row.signed).body)
        context.trust.take_bundle(wire_trust.TrustBundle.FromString(body.content), body.version)


def _pass_on(
    connection: Connection, signed: Sequence[bytes], halls: Sequence[str], now: datetime
) -> None:
    if not halls:
        return
    entries = []
    for raw in signed:
        body = RELEASE.from_bytes(wire.SignedRelease.FromString(raw).body)
        subject = f"{body.kind.name.lower()}-{body.author}-{body.version}"
        urgency = Urgency.URGENT if body.kind is ReleaseKind.TRUST else Urgency.ORDINARY
        dispatches = [
            wire_feed.Dispatch(
                recipient=hall,
                kind=RELEASE_KIND,
                subject=subject,
                urgency=int(urgency),  # type: ignore[arg-type]
                payload=raw,
            )
            for hall in halls
        ]
        entries.append(Entry("release.passed_on", subject, b"", now, dispatches))
    if entries:
        tables.feed.append(connection, entries)


def _refuse(
    connection: Connection,
    signed: wire.SignedRelease,
    digest: bytes,
    reason: str,
    outdated: bool,
    now: datetime,
) -> Row[Any]:
    columns: dict[str, object]
    try:
        columns = _columns(RELEASE.from_bytes(signed.body))
    except Problem:
        columns = {
            "kind": 0,
            "author": "",
            "version": 0,
            "issued_at": now,
            "effective_at": now,
            "summary": "",
            "size": len(signed.body),
        }
    connection.execute(
        insert(tables.release).values(
            **columns,
            received_at=now,
            standing=Standing.REFUSED,
            reason=reason,
            digest=digest,
            signed=b"",
            request_id="",
        )
    )
    kind = "release.outdated" if outdated else "release.refused"
    tables.feed.append(connection, [Entry(kind, reason, digest, now)])
    row = _by_digest(connection, digest)
    assert row is not None
    return row


def _columns(body: ReleaseBody) -> dict[str, object]:
    return {
        "kind": body.kind,
        "author": str(body.author),
        "version": body.version,
        "issued_at": body.issued_at,
        "effective_at": body.effective_at,
        "summary": body.summary,
        "size": len(body.content),
    }


def _by_digest(connection: Connection, digest: bytes) -> Row[Any] | None:
    table = tables.release
    return connection.execute(
        select(table).where(table.c.digest == digest).order_by(table.c.position).limit(1)
    ).one_or_none()


def _subject(row: Row[Any]) -> str:
    return f"{ReleaseKind(row.kind).name.lower()}-{row.author}-{row.version}"

"""Releases: published here or come from above, in force at their date, passed on to every child."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime
from enum import IntEnum
from typing import Any

from google.protobuf.message import DecodeError
from sqlalchemy import Row, delete, func, insert, select, update

from hallnet.branch_sync import tables
from hallnet.branch_sync.context import Context
from hallnet.case.calendar import CALENDAR
from hallnet.case.catalogue import require_catalogue
from hallnet.case.item import CATALOGUE
from hallnet.case.template import TEMPLATES, require_templates
from hallnet.codec import MessageMalformed
from hallnet.federation import limits
from hallnet.node.home import Membership
from hallnet.places import Address
from hallnet.problems import Kind, Problem
from hallnet.store import Connection
from hallnet.store.feed import Entry
from hallnet.trust.believed import Trust, suites_of
from hallnet.trust.certificate import read_certificate
from hallnet.trust.envelope import Urgency
from hallnet.trust.problems import ReleaseOutdated, ReleaseOutOfReach
from hallnet.trust.release import (
    RELEASE,
    ReleaseBody,
    ReleaseKind,
    require_newer,
    verify_release,
)
from hallnet.trust.revocation import read_revocation
from hallnet.trust.succession import read_root_succession, read_succession
from hallnet.trust.suites import algorithms
from hallnet.wire.feed.v1 import feed_pb2 as wire_feed
from hallnet.wire.release.v1 import release_pb2 as wire
from hallnet.wire.trust.v1 import certificate_pb2 as wire_trust

RELEASE_KIND = "release"
CONTENT_BYTES_MAX = 900 * 1024
PENDING_ROWS_MAX = 50
SUMMARY_CHARACTERS_MAX = 4000
VERSION_MAX = 2**63 - 1
YEARS = range(1970, 9999)
"""Both databases keep moments of these years, in any zone."""


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


def require_content(context: Context, kind: ReleaseKind, content: bytes) -> None:
    """Check content before it is signed or taken, so that nobody who uses it can fail at it.

    Raises ReleaseTooLarge, MessageMalformed, CatalogueMalformed, TemplateMalformed, and for a trust
    bundle the problems of its certificates.
    """
    if len(content) > CONTENT_BYTES_MAX:
        raise ReleaseTooLarge("content", limit=CONTENT_BYTES_MAX)
    if kind is ReleaseKind.CATALOGUE:
        require_catalogue(CATALOGUE.from_bytes(content))
    elif kind is ReleaseKind.CALENDAR:
        CALENDAR.from_bytes(content)
    elif kind is ReleaseKind.TEMPLATE:
        require_templates(TEMPLATES.from_bytes(content))
    elif kind is ReleaseKind.TRUST:
        _require_bundle(context, content)


def require_author(context: Context, kind: ReleaseKind, author: Address) -> None:
    """Only the top of the tree says who is believed; raises ReleaseOutOfReach."""
    if kind is ReleaseKind.TRUST and author != context.top:
        raise ReleaseOutOfReach("release.author", author=author, kind=kind.name)


def require_storable(summary: str, *moments: datetime) -> None:
    """Raises MessageMalformed for a text or a moment that a database does not keep."""
    if len(summary) > SUMMARY_CHARACTERS_MAX or "\0" in summary:
        raise _malformed("summary", "ReleaseBody")
    if any(moment.year not in YEARS for moment in moments):
        raise _malformed("effective_at", "ReleaseBody")


def _require_bundle(context: Context, content: bytes) -> None:
    """Try the bundle on somebody who believes nothing but the roots."""
    try:
        bundle = wire_trust.TrustBundle.FromString(content)
        for number in bundle.suites:
            algorithms(number)
        trial = Trust(context.trust.roots)
        trial.take_bundle(bundle, 1)
    except (DecodeError, ValueError, OverflowError) as error:
        raise _malformed("content", "TrustBundle") from error
    require_believable(context, trial)
    if not bundle.suites or not bundle.HasField("soft_expires_at"):
        raise _malformed("content", "TrustBundle")
    if bundle.hard_expires_at.ToSeconds() < bundle.soft_expires_at.ToSeconds():
        raise _malformed("content.hard_expires_at", "TrustBundle")


def require_believable(context: Context, trial: Trust) -> None:
    """Check that root and highest hall stay believed, for else nothing that comes after would be.

    Raises SuiteNotAllowed.
    """
    for above in context.membership.chain[-2:]:
        trial.require_allowed(above.body.suite, "suites")


def _malformed(where: str, message: str) -> MessageMalformed:
    return MessageMalformed(where, message=message, detail=where)


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


def take_message(connection: Connection, context: Context, payload: bytes, now: datetime) -> None:
    """Take a release that came from above; bytes that are none are refused like any bad one."""
    try:
        signed = wire.SignedRelease.FromString(payload)
    except DecodeError:
        signed = wire.SignedRelease(body=payload)
    take(connection, context, signed, now)


def take(
    connection: Connection, context: Context, signed: wire.SignedRelease, now: datetime
) -> Row[Any]:
    """Take a release that came from above: store it, pass it on, put it in force.

    One that is not believed or not newer is stored as refused and has no effect; the same one again
    changes nothing. Returns its row.
    """
    known = _known(connection, signed)
    if known is not None:
        return known
    try:
        body = _judged(connection, context, signed, now)
    except Problem as problem:
        return _refused(connection, signed, problem, now)
    return _keep(connection, context, signed, body, now)


def publish(
    connection: Connection, context: Context, signed: wire.SignedRelease, now: datetime
) -> Row[Any]:
    """Take a release that this hall has just signed; raises what speaks against it."""
    return _keep(connection, context, signed, _judged(connection, context, signed, now), now)


def _judged(
    connection: Connection, context: Context, signed: wire.SignedRelease, now: datetime
) -> ReleaseBody:
    body = _read(signed)
    verify_release(signed, context.trust, context.here, now)
    require_author(context, body.kind, body.author)
    require_content(context, body.kind, body.content)
    require_newer(body, last_version(connection, body.kind, str(body.author)))
    return body


def _read(signed: wire.SignedRelease) -> ReleaseBody:
    """What a release says of itself; raises MessageMalformed if that cannot be kept."""
    body = RELEASE.from_bytes(signed.body)
    require_storable(body.summary, body.issued_at, body.effective_at)
    if body.version > VERSION_MAX:
        raise _malformed("version", "ReleaseBody")
    return body


def _keep(
    connection: Connection,
    context: Context,
    signed: wire.SignedRelease,
    body: ReleaseBody,
    now: datetime,
) -> Row[Any]:
    raw = signed.SerializeToString(deterministic=True)
    columns = _columns(body)
    if body.issued_at > now + limits.CLOCK_SKEW_MAX:
        # A statement from the future is kept and passed on, and has no effect before its time.
        columns["effective_at"] = max(body.effective_at, body.issued_at)
    connection.execute(
        insert(tables.release).values(
            **columns,
            received_at=now,
            standing=Standing.PENDING,
            reason="",
            digest=hashlib.sha256(signed.body).digest(),
            signed=raw,
        )
    )
    _pass_on(connection, [raw], children(connection), now)
    enforce(connection, context, now)
    row = _known(connection, signed)
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
        # Of two who do this at once the second waits, and finds it done.
        .with_for_update()
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
        .order_by(table.c.kind != ReleaseKind.TRUST, table.c.position)
    ).all()
    _pass_on(connection, current, [address], now)


def remove_child(connection: Connection, address: str) -> None:
    """A child was shut out: releases are not passed on to it any more."""
    connection.execute(delete(tables.child).where(tables.child.c.address == address))


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


def load_context(connection: Connection, membership: Membership) -> Context:
    """What branch-sync knew when its process stopped."""
    chain = membership.chain
    context = Context(membership, Trust([chain[-1]], suites_of(chain)))
    context.trust.learn(membership.chain[:-1])
    # Roots first: the certificates are judged by them.
    roots = connection.scalars(select(tables.root_succession.c.succession))
    context.trust.take_root_successions(
        [read_root_succession(wire_trust.RootSuccession.FromString(raw)) for raw in roots]
    )
    kept = connection.scalars(select(tables.certificate.c.certificate))
    context.trust.learn_what_leads_to_a_root(
        [read_certificate(wire_trust.Certificate.FromString(raw)) for raw in kept]
    )
    table = tables.release
    rows = connection.execute(
        select(table).where(
            table.c.kind == ReleaseKind.TRUST, table.c.standing == Standing.IN_FORCE
        )
    )
    for row in rows:
        _believe(context, row)
    # After the bundle, for it says which suites their signers may use.
    ended = connection.scalars(select(tables.revocation.c.revocation))
    context.trust.take_revocations(
        [read_revocation(wire_trust.Revocation.FromString(raw)) for raw in ended]
    )
    moved = connection.scalars(select(tables.succession.c.succession))
    context.trust.take_successions(
        [read_succession(wire_trust.Succession.FromString(raw)) for raw in moved]
    )
    return context


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


def _refused(
    connection: Connection, signed: wire.SignedRelease, problem: Problem, now: datetime
) -> Row[Any]:
    """The record of a refusal; the same bytes again give the same one."""
    digest = _whole_digest(signed)
    known = _refused_before(connection, digest)
    if known is not None:
        return known
    connection.execute(
        insert(tables.release).values(
            **_claimed(signed, now),
            received_at=now,
            standing=Standing.REFUSED,
            reason=problem.reason,
            digest=digest,
            signed=b"",
        )
    )
    kind = "release.outdated" if isinstance(problem, ReleaseOutdated) else "release.refused"
    tables.feed.append(connection, [Entry(kind, problem.reason, digest, now)])
    row = _refused_before(connection, digest)
    assert row is not None
    return row


def _claimed(signed: wire.SignedRelease, now: datetime) -> dict[str, object]:
    """What a refused release says of itself, as far as it can be read."""
    try:
        return _columns(_read(signed))
    except Problem:
        return {
            "kind": 0,
            "author": "",
            "version": 0,
            "issued_at": now,
            "effective_at": now,
            "summary": "",
            "size": len(signed.body),
        }


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


def _known(connection: Connection, signed: wire.SignedRelease) -> Row[Any] | None:
    table = tables.release
    digest = hashlib.sha256(signed.body).digest()
    return connection.execute(
        select(table).where(table.c.digest == digest, table.c.standing != Standing.REFUSED)
    ).one_or_none()


def _refused_before(connection: Connection, digest: bytes) -> Row[Any] | None:
    table = tables.release
    return connection.execute(
        select(table).where(table.c.digest == digest, table.c.standing == Standing.REFUSED)
    ).one_or_none()


def _whole_digest(signed: wire.SignedRelease) -> bytes:
    return hashlib.sha256(signed.SerializeToString(deterministic=True)).digest()


def _subject(row: Row[Any]) -> str:
    return f"{ReleaseKind(row.kind).name.lower()}-{row.author}-{row.version}"

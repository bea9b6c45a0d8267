"""Releases: published here or come from above, in force at their date, passed on to every child."""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Any

from google.protobuf.message import DecodeError
from sqlalchemy import ColumnElement, Row, func, insert, select, update

from hallnet.branch_sync import catalogues, passing_on, standings, tables
from hallnet.branch_sync.context import Context
from hallnet.branch_sync.standing import Standing
from hallnet.case.catalogue import require_catalogue
from hallnet.case.published import calendar_of, catalogue_of
from hallnet.case.template import TEMPLATES, require_templates
from hallnet.codec import MessageMalformed, parse
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
from hallnet.trust.release_change import applied
from hallnet.trust.revocation import read_revocation
from hallnet.trust.succession import read_root_succession, read_succession
from hallnet.trust.suites import algorithms
from hallnet.wire.feed.v1 import feed_pb2 as wire_feed
from hallnet.wire.release.v1 import release_pb2 as wire
from hallnet.wire.trust.v1 import certificate_pb2 as wire_trust

CONTENT_BYTES_MAX = 900 * 1024
BODY_BYTES_MAX = CONTENT_BYTES_MAX + 32 * 1024
"""With the summary and all else that a release says."""
PENDING_ROWS_MAX = 50
SUMMARY_CHARACTERS_MAX = 4000
VERSION_MAX = 2**63 - 1
YEARS = range(1970, 9999)
"""Both databases keep moments of these years, in any zone."""


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
        require_catalogue(catalogue_of(content))
    elif kind is ReleaseKind.CALENDAR:
        calendar_of(content)
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


def require_withdrawal(body: ReleaseBody) -> None:
    """Raises MessageMalformed for a release that withdraws what is no earlier one, or trust data."""
    if not body.withdraws and not body.restores:
        return
    earlier = body.restores < body.withdraws < body.version
    if not earlier or body.kind is ReleaseKind.TRUST or (body.is_void and body.content):
        raise _malformed("withdraws", "ReleaseBody")


def _require_bundle(context: Context, content: bytes) -> None:
    """Try the bundle on somebody who believes nothing but the roots."""
    try:
        bundle = wire_trust.TrustBundle.FromString(content)
        for number in bundle.suites:
            algorithms(number)
        trial = context.trust.with_its_roots_alone()
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


def take_change(
    connection: Connection, context: Context, sender: str, payload: bytes, now: datetime
) -> None:
    """Take a release of which only what is new came; if it does not fit what is here, it is asked for whole."""
    try:
        change = parse(wire.ReleaseChange, payload)
        kind = ReleaseKind(change.kind)
    except (MessageMalformed, ValueError):
        take(connection, context, wire.SignedRelease(body=payload), now)
        return
    if change.version <= last_version(connection, kind, change.author):
        return
    base = passing_on.signed_of(connection, kind, change.author, change.base_version)
    try:
        known = wire.SignedRelease.FromString(base)
        signed = applied(known, change, BODY_BYTES_MAX)
    except MessageMalformed:
        if sender == str(context.parent):
            _ask_for_whole(connection, sender, change, now)
        return
    take(connection, context, signed, now)


def _ask_for_whole(
    connection: Connection, parent: str, change: wire.ReleaseChange, now: datetime
) -> None:
    wanted = wire.ReleaseWanted(kind=change.kind, author=change.author)
    dispatch = wire_feed.Dispatch(
        recipient=parent,
        kind=passing_on.WANTED_KIND,
        subject="release",
        urgency=int(Urgency.URGENT),  # type: ignore[arg-type]
        payload=wanted.SerializeToString(),
    )
    tables.feed.append(connection, [Entry("release.wanted", "release", b"", now, [dispatch])])


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
    if body.kind is ReleaseKind.CATALOGUE:
        catalogues.require_bounded(connection, body.author, catalogue_of(body.content))
    require_newer(body, last_version(connection, body.kind, str(body.author)))
    return body


def _read(signed: wire.SignedRelease) -> ReleaseBody:
    """What a release says of itself; raises MessageMalformed if that cannot be kept."""
    body = RELEASE.from_bytes(signed.body)
    require_storable(body.summary, body.issued_at, body.effective_at)
    if body.version > VERSION_MAX:
        raise _malformed("version", "ReleaseBody")
    require_withdrawal(body)
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
    if body.withdraws:
        _withdraw(connection, body, Standing.PENDING)
    # Those that still wait for an older one get this one after it.
    enforce(connection, context, now)
    passing_on.pass_on(connection, passing_on.children(connection), now)
    row = _known(connection, signed)
    assert row is not None
    return row


def is_due(connection: Connection, now: datetime) -> bool:
    """Whether something has reached its date."""
    query = select(tables.release.c.position).where(_reached(now)).limit(1)
    return connection.execute(query).first() is not None


def _reached(now: datetime) -> ColumnElement[bool]:
    table = tables.release
    return (table.c.standing == Standing.PENDING) & (table.c.effective_at <= now)


def enforce(connection: Connection, context: Context, now: datetime) -> bool:
    """Put in force what has reached its date; True if something did."""
    table = tables.release
    due = connection.execute(
        select(table)
        .where(_reached(now))
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
            if row.withdraws:
                wrong = same & (table.c.version == row.withdraws)
                connection.execute(update(table).where(wrong).values(standing=Standing.WITHDRAWN))
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
            entries.append(Entry("release.in_force", passing_on.subject(row), row.signed, now))
            _believe(context, row)
    if entries:
        tables.feed.append(connection, entries)
        standings.note_change(connection, context, now)
    return bool(due)


def in_force(connection: Connection, kind: ReleaseKind) -> Row[Any]:
    """The release of a kind by the nearest author; raises ReleaseUnknown."""
    table = tables.release
    row = connection.execute(
        select(table)
        .where(
            table.c.kind == kind,
            table.c.standing == Standing.IN_FORCE,
            (table.c.withdraws == 0) | (table.c.restores > 0),
        )
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
            "withdraws": 0,
            "restores": 0,
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
        "withdraws": body.withdraws,
        "restores": body.restores,
    }


def _withdraw(connection: Connection, body: ReleaseBody, standing: Standing) -> None:
    """One that waits for its date will not take force any more."""
    table = tables.release
    connection.execute(
        update(table)
        .where(
            table.c.kind == body.kind,
            table.c.author == str(body.author),
            table.c.version == body.withdraws,
            table.c.standing == standing,
        )
        .values(standing=Standing.WITHDRAWN)
    )


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

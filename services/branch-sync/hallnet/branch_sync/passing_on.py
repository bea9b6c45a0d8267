"""Passing releases on: each child is sent what it does not have, one release of a kind and author at a time.

The next one goes when the one before has its receipt. So a hall that was cut off finds one release waiting,
and then gets the newest in one step, however many there were between; and this hall knows from what each
child can make the next one, so only what is new is sent.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, delete, insert, select

from hallnet.branch_sync import tables
from hallnet.branch_sync.standing import Standing
from hallnet.codec import MessageMalformed, parse
from hallnet.store import Connection
from hallnet.store.feed import Entry
from hallnet.store.upsert import upsert
from hallnet.trust.envelope import Urgency
from hallnet.trust.release import ReleaseKind
from hallnet.trust.release_change import change_of
from hallnet.wire.exchange.v1 import envelope_pb2 as wire_envelope
from hallnet.wire.feed.v1 import feed_pb2 as wire_feed
from hallnet.wire.release.v1 import release_pb2 as wire

RELEASE_KIND = "release"
CHANGE_KIND = "release.change"
WANTED_KIND = "release.wanted"
_RELEASE, _CHILD_RELEASE = tables.release, tables.child_release
_Stream = tuple[int, str]
"""Kind and author."""


def children(connection: Connection) -> list[str]:
    return list(connection.scalars(select(tables.child.c.address).order_by(tables.child.c.address)))


def add_child(connection: Connection, address: str, now: datetime) -> None:
    """A child joined, perhaps anew: it gets everything that is in force or will be."""
    remove_child(connection, address)
    connection.execute(insert(tables.child).values(address=address))
    pass_on(connection, [address], now)


def remove_child(connection: Connection, address: str) -> None:
    """A child was shut out: releases are not passed on to it any more."""
    connection.execute(delete(tables.child).where(tables.child.c.address == address))
    connection.execute(delete(_CHILD_RELEASE).where(_CHILD_RELEASE.c.child == address))


def pass_on(connection: Connection, halls: Sequence[str], now: datetime) -> None:
    """Send each of these children the next release of every kind and author that it does not have, where
    none is under way to it."""
    if not halls:
        return
    due = _due(connection)
    known = {
        (row.child, row.kind, row.author): row
        for row in connection.execute(
            select(_CHILD_RELEASE).where(_CHILD_RELEASE.c.child.in_(halls))
        )
    }
    writer = _Writer(connection)
    sent: list[dict[str, object]] = []
    dispatches: dict[int, list[wire_feed.Dispatch]] = defaultdict(list)
    for rows in due.values():
        for hall in halls:
            kind, author = rows[0].kind, rows[0].author
            state = known.get((hall, kind, author))
            taken = state.taken if state is not None else 0
            row = next((row for row in rows if row.version > taken), None)
            if row is None or (state is not None and state.under_way):
                continue
            dispatches[row.position].append(writer.dispatch(hall, row, taken))
            sent.append(_state(hall, kind, author, taken, row.version))
    positions = {row.position: row for rows in due.values() for row in rows}
    entries = [
        Entry("release.passed_on", subject(positions[position]), b"", now, found)
        for position, found in dispatches.items()
    ]
    if entries:
        tables.feed.append(connection, entries)
        _note(connection, sent)


def delivered(connection: Connection, ended: wire_feed.DeliveryEnded, now: datetime) -> None:
    """A release has its receipt, or will never have one: what comes next is sent."""
    row = connection.execute(
        select(_RELEASE).where(_RELEASE.c.position == _position(ended.reference))
    ).one_or_none()
    if row is None:
        return
    state = _state_of(connection, ended.recipient, row.kind, row.author)
    if state is None or state.under_way != row.version:
        return
    accepted = ended.verdict == wire_envelope.VERDICT_ACCEPTED
    taken = row.version if accepted else 0
    _note(connection, [_state(ended.recipient, row.kind, row.author, taken, 0)])
    refused = not accepted and ended.verdict != wire_envelope.VERDICT_UNSPECIFIED
    if not refused:
        # One that refused it is sent the next one, or this one again when it says what it has.
        pass_on(connection, [ended.recipient], now)


def take_wish(connection: Connection, child: str, payload: bytes, now: datetime) -> None:
    """A child could make nothing of a change: it gets the release whole."""
    try:
        wanted = parse(wire.ReleaseWanted, payload)
    except MessageMalformed:
        return
    state = _state_of(connection, child, int(wanted.kind), wanted.author)
    if state is not None:
        _note(connection, [_state(child, state.kind, state.author, 0, 0)])
        pass_on(connection, [child], now)


def send_from(
    connection: Connection, child: str, has: Mapping[tuple[int, str], int], now: datetime
) -> None:
    """A child says that it lacks what is in force here: it is sent what follows that which it has, also what
    it refused before, for the reason may have passed (a clock that was wrong)."""
    rows = []
    for (kind, author), version in has.items():
        state = _state_of(connection, child, kind, author)
        if state is not None and not state.under_way:
            rows.append(_state(child, kind, author, version, 0))
    if rows:
        _note(connection, rows)
        pass_on(connection, [child], now)


def subject(row: Row[Any]) -> str:
    return f"{ReleaseKind(row.kind).name.lower()}-{row.author}-{row.version}"


class _Writer:
    """Writes releases for children, each form of each once."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._written: dict[tuple[int, int], tuple[str, bytes]] = {}
        self._signed: dict[tuple[int, str, int], bytes] = {}

    def dispatch(self, hall: str, row: Row[Any], taken: int) -> wire_feed.Dispatch:
        place = row.position, taken
        if place not in self._written:
            self._written[place] = self._write(row, taken)
        kind, payload = self._written[place]
        trust = row.kind == ReleaseKind.TRUST
        return wire_feed.Dispatch(
            recipient=hall,
            kind=kind,
            subject=subject(row),
            urgency=int(Urgency.URGENT if trust else Urgency.ORDINARY),  # type: ignore[arg-type]
            payload=payload,
            reference=f"release-{row.position}",
        )

    def _write(self, row: Row[Any], taken: int) -> tuple[str, bytes]:
        """As a change of the one that the child has, if that is shorter."""
        whole = self._read(row.kind, row.author, row.version)
        before = self._read(row.kind, row.author, taken) if taken else b""
        if before:
            change = change_of(
                wire.SignedRelease.FromString(before), wire.SignedRelease.FromString(whole)
            ).SerializeToString()
            if len(change) < len(whole):
                return CHANGE_KIND, change
        return RELEASE_KIND, whole

    def _read(self, kind: int, author: str, version: int) -> bytes:
        place = kind, author, version
        if place not in self._signed:
            self._signed[place] = signed_of(self._connection, kind, author, version)
        return self._signed[place]


def signed_of(connection: Connection, kind: int, author: str, version: int) -> bytes:
    """A release as signed; empty if it is not here."""
    found = connection.scalars(
        select(_RELEASE.c.signed).where(
            _RELEASE.c.kind == kind,
            _RELEASE.c.author == author,
            _RELEASE.c.version == version,
            _RELEASE.c.standing != Standing.REFUSED,
        )
    ).one_or_none()
    return found or b""


def _due(connection: Connection) -> dict[_Stream, list[Row[Any]]]:
    """What is in force or will be, version by version; trust first, for the others are judged by it."""
    rows = connection.execute(
        select(*(column for column in _RELEASE.c if column is not _RELEASE.c.signed))
        .where(_RELEASE.c.standing.in_((Standing.IN_FORCE, Standing.PENDING)))
        .order_by(_RELEASE.c.kind != ReleaseKind.TRUST, _RELEASE.c.position)
    )
    found: dict[_Stream, list[Row[Any]]] = defaultdict(list)
    for row in rows:
        found[row.kind, row.author].append(row)
    for versions in found.values():
        versions.sort(key=lambda row: row.version)
    return found


def _position(reference: str) -> int:
    text = reference.removeprefix("release-")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else 0


def _state_of(connection: Connection, child: str, kind: int, author: str) -> Row[Any] | None:
    return connection.execute(
        select(_CHILD_RELEASE).where(
            _CHILD_RELEASE.c.child == child,
            _CHILD_RELEASE.c.kind == kind,
            _CHILD_RELEASE.c.author == author,
        )
    ).one_or_none()


def _state(child: str, kind: int, author: str, taken: int, under_way: int) -> dict[str, object]:
    return {
        "child": child,
        "kind": kind,
        "author": author,
        "taken": taken,
        "under_way": under_way,
    }


def _note(connection: Connection, rows: Iterable[dict[str, object]]) -> None:
    statement = upsert(connection, _CHILD_RELEASE)
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=["child", "kind", "author"],
            set_={name: statement.excluded[name] for name in ("taken", "under_way")},
        ),
        list(rows),
    )

"""Writing notices: each event of this hall gives each notice once, in the transaction of the cursor."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from enum import IntEnum

from sqlalchemy import func, insert, select

from hallnet.case.event import EVENT, REQUEST_REFUSED, CaseEvent, Filed
from hallnet.case.published import catalogue_of
from hallnet.case.template import BUILT_IN_TEXTS, TEMPLATES, Texts, texts_of
from hallnet.notify import tables
from hallnet.notify.wording import (
    Message,
    Recipient,
    due_messages,
    instalment_messages,
    messages,
    paper_messages,
    staff_message,
)
from hallnet.places import Divisions
from hallnet.problems import all_problems
from hallnet.store import Connection
from hallnet.store.upsert import upsert
from hallnet.trust.problems import JournalDoubted
from hallnet.trust.release import RELEASE, ReleaseBody, ReleaseKind
from hallnet.wire.feed.v1 import feed_pb2 as wire_feed
from hallnet.wire.intake.v1 import intake_service_pb2 as wire_intake
from hallnet.wire.release.v1 import release_pb2 as wire_release
from hallnet.wire.trust.v1 import journal_pb2 as wire_trust
from hallnet.wire.window.v1 import paper_request_pb2 as wire_paper
from hallnet.wire.window.v1 import window_pb2 as wire_window

_FOR_PEOPLE = frozenset(
    {
        "release.in_force",
        "case.event",
        "case.replica",
        "case.due_changed",
        "fee.reminder",
        "paper.request_sent",
    }
)
_IN_WORDS = frozenset(
    {
        "case.set_aside",
        "case.looks_alike",
        "matter.too_many",
        "move.held",
        "paper.wanted",
        "paper.answer_came",
        "paper.undelivered",
    }
)
"""Entries whose payload is the detail that staff are told."""


class State(IntEnum):
    """How far a notice is on a channel; the numbers are those of the wire."""

    WAITING = 1
    SENT = 2
    GIVEN_UP = 3


def take(
    connection: Connection,
    register: Divisions,
    channels: Sequence[str],
    feed: str,
    entries: Sequence[wire_feed.FeedEntry],
    now: datetime,
) -> None:
    """Deal with a batch of another service's feed, within the transaction of the cursor."""
    texts: Texts | None = None
    for entry in entries:
        if entry.kind == "release.in_force":
            _take_release(connection, entry.payload)
            texts = None
        else:
            texts = texts or texts_in_force(connection)
            write(connection, register, channels, feed, entry, now, texts)


def concerns(entry: wire_feed.FeedEntry) -> bool:
    """Whether anything may be written because of an entry, or remembered of it."""
    return entry.kind in _FOR_PEOPLE or staff_message(*_for_staff(entry)) is not None


def texts_in_force(connection: Connection) -> Texts:
    """The texts of papers of the nearest hall that released some, else the built-in ones."""
    table = tables.template
    row = connection.execute(
        select(table).order_by(func.length(table.c.author).desc()).limit(1)
    ).one_or_none()
    if row is None:
        return BUILT_IN_TEXTS
    return texts_of(TEMPLATES.from_bytes(row.content), f"{row.author}-{row.version}")


def write(
    connection: Connection,
    register: Divisions,
    channels: Sequence[str],
    feed: str,
    entry: wire_feed.FeedEntry,
    now: datetime,
    texts: Texts = BUILT_IN_TEXTS,
) -> None:
    """Write what an entry of a feed gives rise to."""
    if entry.kind in ("case.event", "case.replica"):
        event = EVENT.from_bytes(entry.payload)
        _remember(connection, event)
        to = _recipient(connection, event.case_id)
        if entry.kind == "case.replica" or to.is_leg:
            # The hall that says it tells the people, so that they are told once; and of a joint case
            # they are told as of one case.
            return
        told = messages(event.fact, event.author, to, register, texts)
    elif entry.kind == "case.due_changed":
        clock = wire_intake.ClockView.FromString(entry.payload)
        to = _recipient(connection, entry.subject)
        told = [] if to.is_leg else due_messages(clock, to, register)
    elif entry.kind == "fee.reminder":
        reminder = wire_window.InstalmentReminder.FromString(entry.payload)
        told = instalment_messages(reminder, _recipient(connection, entry.subject), register)
    elif entry.kind == "paper.request_sent":
        asked = wire_paper.PaperRequest.FromString(entry.payload)
        told = paper_messages(asked, _recipient(connection, entry.subject), register)
    else:
        note = staff_message(*_for_staff(entry))
        told = [note] if note is not None else []
    notice_id = f"{feed}-{entry.position}"
    _insert(connection, channels, notice_id, entry.subject, told, now, texts.version)


def _take_release(connection: Connection, payload: bytes) -> None:
    """Remember what is needed of a release that is in force; branch-sync has checked it."""
    body = RELEASE.from_bytes(wire_release.SignedRelease.FromString(payload).body)
    if body.kind is ReleaseKind.CATALOGUE:
        _take_catalogue(connection, body)
    elif body.kind is ReleaseKind.TEMPLATE:
        _take_templates(connection, body)


def _take_templates(connection: Connection, body: ReleaseBody) -> None:
    """Only forward: an older release of the same hall changes nothing."""
    table, author = tables.template, str(body.author)
    known = connection.execute(
        select(table.c.version).where(table.c.author == author)
    ).scalar_one_or_none()
    if known is not None and known >= body.version:
        return
    statement = upsert(connection, table).values(
        author=author, version=body.version, content=body.content
    )
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=["author"],
            set_={"version": body.version, "content": body.content},
        )
    )


def _take_catalogue(connection: Connection, body: ReleaseBody) -> None:
    """Remember the names of the items of a catalogue that is in force."""
    names = [
        {"item_id": item.item_id, "version": item.version, "name": item.name}
        for item in catalogue_of(body.content).items
    ]
    statement = upsert(connection, tables.item_name)
    if names:
        connection.execute(
            statement.on_conflict_do_update(
                index_elements=["item_id", "version"], set_={"name": statement.excluded.name}
            ),
            names,
        )


def _remember(connection: Connection, event: CaseEvent) -> None:
    filed = event.fact
    if not isinstance(filed, Filed):
        return
    statement = upsert(connection, tables.recipient).values(
        case_id=event.case_id,
        case_no=filed.case_no,
        query_code=filed.query_code,
        item_id=filed.item_id,
        # What narrows an item bears its name, and may not be known here.
        item_version=filed.overlay.base_version if filed.overlay else filed.item_version,
        applicant=_storable(filed.applicant.name),
        phone=_storable(filed.applicant.phone),
        agent_id=filed.mandate.agent_id if filed.mandate else "",
        is_leg=filed.lead is not None,
    )
    connection.execute(statement.on_conflict_do_nothing())


def _storable(text: str) -> str:
    """PostgreSQL keeps no NUL; a name that holds one is to hold up nobody."""
    return text.replace("\0", "")


def _recipient(connection: Connection, case_id: str) -> Recipient:
    table, names = tables.recipient, tables.item_name
    row = connection.execute(select(table).where(table.c.case_id == case_id)).one()
    name = connection.execute(
        select(names.c.name).where(
            names.c.item_id == row.item_id, names.c.version == row.item_version
        )
    ).scalar_one_or_none()
    return Recipient(
        row.case_no,
        row.query_code,
        name or row.item_id,
        row.applicant,
        row.phone,
        row.agent_id,
        row.is_leg,
    )


def _for_staff(entry: wire_feed.FeedEntry) -> tuple[str, str]:
    """The kind of a note and its detail: doubts about a journal are told apart from bad envelopes."""
    if entry.kind == "incident.recorded":
        incident = wire_trust.Incident.FromString(entry.payload)
        found = all_problems().get(incident.reason)
        if found is not None and issubclass(found, JournalDoubted):
            return "incident.journal", found(neighbour=incident.neighbour).in_chinese()
    return entry.kind, _detail(entry)


def _detail(entry: wire_feed.FeedEntry) -> str:
    """The stable reason in an entry, for staff."""
    if entry.kind == "incident.recorded":
        incident = wire_trust.Incident.FromString(entry.payload)
        return f"{incident.reason}，来自{incident.neighbour}"
    if entry.kind == "case.undelivered":
        ended = wire_feed.DeliveryEnded.FromString(entry.payload)
        return f"{ended.reason}，收件方{ended.recipient}"
    if entry.kind == "case.request_refused":
        return REQUEST_REFUSED.from_bytes(entry.payload).explanation
    if entry.kind in _IN_WORDS:
        return entry.payload.decode()
    return entry.subject


def _insert(
    connection: Connection,
    channels: Sequence[str],
    notice_id: str,
    subject: str,
    told: Sequence[Message],
    now: datetime,
    template: str,
) -> None:
    rows = [
        {
            "notice_id": f"{notice_id}-{message.audience.name.lower()}",
            "channel": channel,
            "subject": subject,
            "audience": message.audience,
            "address": message.address,
            "text": _storable(message.text),
            "template": template,
            "written_at": now,
            "state": State.WAITING,
            "attempts": 0,
            "next_try_at": now,
            "last_error": "",
        }
        for message in told
        for channel in channels
    ]
    if rows:
        connection.execute(insert(tables.notice), rows)

"""What is remembered of the neighbours: how each link stands, and hellos."""

from __future__ import annotations

import logging
from dataclasses import asdict, dataclass, fields
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, bindparam, select, update

from hallnet.codec.moments import from_timestamp, to_timestamp
from hallnet.exchange import tables
from hallnet.exchange.context import Context
from hallnet.exchange.journal import continuity, journal_store, witnessing
from hallnet.exchange.journal.incidents import record_incident
from hallnet.exchange.queue import resending
from hallnet.exchange.recovery import asking_back
from hallnet.federation import limits
from hallnet.federation.link import Link
from hallnet.federation.problems import ClocksApart
from hallnet.places import Address
from hallnet.store import Connection
from hallnet.store.feed import Entry
from hallnet.store.upsert import Upsert
from hallnet.trust.suites import algorithms
from hallnet.wire.exchange.v1 import link_pb2 as wire
from hallnet.wire.trust.v1 import journal_pb2 as wire_trust

HELLO_EVERY = timedelta(seconds=10)
VERSION_LENGTH_MAX = 32

_log = logging.getLogger("hallnet.exchange")


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A link as the status shows it."""

    address: Address
    link: Link
    clock_skew_ms: int
    version: str
    seen_size: int


def load(connection: Connection, neighbour: Address) -> Link:
    row = _row(connection, neighbour)
    return Link() if row is None else _link(row)


def load_all(connection: Connection) -> dict[Address, Neighbour]:
    return {
        Address.parse(row.neighbour): Neighbour(
            Address.parse(row.neighbour), _link(row), row.clock_skew_ms, row.version, row.seen_size
        )
        for row in connection.execute(select(tables.link))
    }


def store(connection: Connection, neighbour: Address, link: Link) -> None:
    connection.execute(_STORE.on(connection), {"neighbour": str(neighbour)} | asdict(link))


def took_batch(connection: Connection, neighbour: Address, sequence: int, now: datetime) -> None:
    """A batch was taken: the neighbour is there, whatever pause there was."""
    link = Link().heard(now).took(sequence)
    connection.execute(_TOOK.on(connection), {"neighbour": str(neighbour)} | asdict(link))


def not_heard(connection: Connection, neighbour: Address) -> None:
    """The neighbour did not answer a hello: the link does not stand."""
    store(connection, neighbour, load(connection, neighbour).unheard())


def hold_attachments(connection: Connection, neighbour: Address, until: datetime) -> None:
    """The neighbour has no room for materials: none go to it for a while."""
    table = tables.link
    this = table.c.neighbour == str(neighbour)
    connection.execute(update(table).where(this).values(attachments_held_until=until))


def load_to_send(connection: Connection, neighbour: Address, now: datetime) -> tuple[Link, bool]:
    """How a link stands, and whether the neighbour has room for materials."""
    row = _row(connection, neighbour)
    if row is None:
        return Link(), True
    until = row.attachments_held_until
    return _link(row), until is None or until <= now


def hello(
    connection: Connection, context: Context, neighbour: Address, version: str, now: datetime
) -> wire.Hello:
    """What this node says when it opens a link, and from time to time."""
    row = _row(connection, neighbour)
    # What is older than what others saw is not shown.
    head = journal_store.newest_head(connection, context) if context.is_sure else None
    seen = wire_trust.SignedCheckpoint.FromString(row.seen_head) if row and row.seen_head else None
    shown_size, path = witnessing.continuation(
        connection, context, row.shown_size if row else 0, head
    )
    return wire.Hello(
        address=str(context.here),
        clock=to_timestamp(now),
        suites=[int(suite) for suite in sorted(context.trust.suites)],  # type: ignore[misc]
        version=version,
        head=head.to_message() if head else None,
        seen_head=seen,
        last_taken_sequence=row.taken_sequence if row else 0,
        last_sent_sequence=row.sent_sequence if row else 0,
        incarnation=context.presence,
        continues_from=shown_size,
        consistency=path,
        frontier=continuity.frontier(connection, context, head.checkpoint.size) if head else (),
        restored=resending.wish(connection, context, now) if context.is_sure else None,
        known_end=wire.JournalEnd.FromString(row.end) if row and row.end else None,
        chunks_in_a_row=limits.ATTACHMENT_RUN_CHUNKS_MAX,
        asks=not context.is_sure,
        end_doubted=continuity.is_doubted(
            connection, row is not None and bool(row.end_since_start)
        ),
    )


def take_hello(
    connection: Connection,
    context: Context,
    neighbour: Address,
    message: wire.Hello,
    now: datetime,
) -> list[Entry]:
    """Note the neighbour's clock, version and journal; returns the entries for the feed."""
    row = _row(connection, neighbour)
    link = (Link() if row is None else _link(row)).heard(now)
    skew = _skew(message, now)
    if skew is None or not context.is_sure:
        store(connection, neighbour, link)
    if skew is None:
        return []
    if not context.is_sure:
        # Nothing can be recorded yet. The neighbour says hello again soon.
        continuity.note_word(context, neighbour, message, now)
        return []
    version = message.version if message.version.isprintable() else ""
    told = {"clock_skew_ms": _milliseconds(skew), "version": version[:VERSION_LENGTH_MAX]}
    connection.execute(_HEARD.on(connection), {"neighbour": str(neighbour)} | asdict(link) | told)
    before_ms = 0 if row is None else row.clock_skew_ms
    resending.send_again(connection, neighbour, message, now)
    entries = _report_skew(connection, context, neighbour, before_ms, skew, now)
    shown = witnessing.take_cosignature(connection, context, neighbour, message, now)
    if shown:
        # It may have seen what was lost before the journal went on under a new number.
        shown += asking_back.begin(connection, context, now)
    return entries + shown + witnessing.follow(connection, context, neighbour, message, now)


def is_skewed(skew_ms: int) -> bool:
    """Whether two clocks are further apart than halls tolerate."""
    return abs(skew_ms) > _milliseconds(limits.CLOCK_SKEW_MAX)


def _report_skew(
    connection: Connection,
    context: Context,
    neighbour: Address,
    before_ms: int,
    skew: timedelta,
    now: datetime,
) -> list[Entry]:
    """An incident when two clocks part, not with every hello while they are apart."""
    if is_skewed(before_ms) or not is_skewed(_milliseconds(skew)):
        return []
    incident = wire_trust.Incident(
        reason=ClocksApart.reason,
        neighbour=str(neighbour),
        # Not what a neighbour repeats: each parting of the clocks is an incident of its own.
        digest=algorithms(1).digest(now.isoformat().encode()),
        at=to_timestamp(now),
        claimed_from=str(neighbour),
    )
    _log.warning("the clock of %s is %s away from ours", neighbour, skew)
    return record_incident(connection, context, incident, now)


def _skew(message: wire.Hello, now: datetime) -> timedelta | None:
    """How far ahead the clock of the neighbour is; None if it tells no time."""
    try:
        return from_timestamp(message.clock) - now
    except ValueError:
        return None


def _milliseconds(length: timedelta) -> int:
    return round(length.total_seconds() * 1000)


def _storing(*names: str) -> Upsert:
    return Upsert(
        tables.link,
        lambda link: link.on_conflict_do_update(
            index_elements=["neighbour"], set_={name: link.excluded[name] for name in names}
        ),
    )


_TOOK = _storing("up", "failures", "next_try_at", "heard_at", "taken_sequence")
_OF_LINK = tuple(field.name for field in fields(Link))
_STORE = _storing(*_OF_LINK)
_HEARD = _storing(*_OF_LINK, "clock_skew_ms", "version")
_of_neighbour = select(tables.link).where(tables.link.c.neighbour == bindparam("of"))


def _row(connection: Connection, neighbour: Address) -> Row[Any] | None:
    return connection.execute(_of_neighbour, {"of": str(neighbour)}).one_or_none()


def _link(row: Row[Any]) -> Link:
    return Link(
        row.up,
        row.failures,
        row.next_try_at,
        row.heard_at,
        row.sent_sequence,
        row.taken_sequence,
    )

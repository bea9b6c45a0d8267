"""Where journals end: each hall keeps the longest end that it saw of its neighbours' journals and gives it
back, so that a hall whose records are older than its journal goes on from there and not beside it.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import bindparam, false, insert, select, true, update

from hallnet.exchange import tables
from hallnet.exchange.context import Context
from hallnet.exchange.journal import journal_store, numbering
from hallnet.exchange.journal.incidents import record_doubt
from hallnet.federation.admission import ProofVerifier
from hallnet.federation.continuity import End, is_alone
from hallnet.places import Address
from hallnet.problems import Problem
from hallnet.store import Connection
from hallnet.store.feed import Entry
from hallnet.store.upsert import upsert
from hallnet.trust.evidence import SignedCheckpoint, read_checkpoint
from hallnet.trust.journal import TILE_HEIGHT, TILE_WIDTH
from hallnet.trust.merkle import frontier_places
from hallnet.trust.problems import OwnJournalRewound
from hallnet.trust.suite import DIGEST_BYTES
from hallnet.wire.exchange.v1 import link_pb2 as wire
from hallnet.wire.feed.v1 import feed_pb2 as wire_feed

_LINK = tables.link.c
_is_shorter = _LINK.end_size < bindparam("shown")
_is_seen_again = (_LINK.end_size == bindparam("shown")) & _LINK.end_since_start.is_not(true())
_is_of_same_number = _LINK.end_number == bindparam("number")
_is_older = _LINK.end_number < bindparam("replaced_below")
_SHORTER_END = (_LINK.neighbour == bindparam("of")) & (
    (_is_of_same_number & (_is_shorter | _is_seen_again)) | _is_older
)
_HAS_SHORTER_END = select(_LINK.neighbour).where(_SHORTER_END)
_KEEP_END = (
    update(tables.link)
    .where(_SHORTER_END)
    .values(
        end_number=bindparam("number"),
        end_size=bindparam("shown"),
        end=bindparam("raw"),
        end_since_start=true(),
    )
)

_log = logging.getLogger("hallnet.exchange")


def frontier(connection: Connection, context: Context, size: int) -> list[bytes]:
    """Of the own journal as it was when it had that many entries; empty if the next one is lost."""
    journal = journal_store.journal_at(connection, context, size)
    return [] if journal.gaps.hides(size) else journal.frontier()


def frontier_of_largest(
    connection: Connection, context: Context, heads: Iterable[SignedCheckpoint]
) -> list[bytes]:
    """Of the largest head of the own journal among those that are shown in a message."""
    sizes = [item.checkpoint.size for item in heads if item.checkpoint.address == context.here]
    return frontier(connection, context, max(sizes)) if sizes else []


def note_shown(
    connection: Connection,
    neighbour: Address,
    heads: Iterable[SignedCheckpoint],
    roots: Sequence[bytes],
    proofs: ProofVerifier,
    renumbered: bool = False,
) -> None:
    """Keep the longest end that a message shows of the journal of the neighbour who sent it.

    One under a new number takes its place only where it is known how that goes on from the one before: until
    then the neighbour is told what was seen of that.
    """
    own = [head for head in heads if head.checkpoint.address == neighbour]
    if not own or not roots:
        return
    end = End(max(own, key=_length), tuple(roots))
    number = end.head.checkpoint.number
    shown = {
        "of": str(neighbour),
        "number": number,
        "shown": end.size,
        # That a new number goes on from an older one has to be shown first, but for the first that is seen.
        "replaced_below": number if renumbered else 1,
    }
    if connection.execute(_HAS_SHORTER_END, shown).one_or_none() is None:
        return
    try:
        proofs.signer(end.head)
    except Problem:
        return
    if end.is_whole():
        journal_store.keep_checkpoints(connection, [end.head])
        raw = end.to_message().SerializeToString()
        connection.execute(_KEEP_END, shown | {"raw": raw})


def _length(head: SignedCheckpoint) -> tuple[int, int]:
    return head.checkpoint.number, head.checkpoint.size


def note_word(context: Context, neighbour: Address, message: wire.Hello, now: datetime) -> None:
    """What a neighbour knows of the own journal, while this hall asks where that ends.

    A parent that asks itself will know better: it is asked again. So the halls of a tree that start together are sure
    one level after the other, from the top.
    """
    if message.asks and neighbour == context.parent:
        return
    context.heard[neighbour] = word_of(context, message, now)
    if message.end_doubted:
        context.doubted.add(neighbour)
    else:
        context.doubted.discard(neighbour)


def is_doubted(connection: Connection, shown_since_start: bool) -> bool:
    """Whether this hall lost records and was not shown a neighbour's end since."""
    return not shown_since_start and lost_records(connection)


def lost_records(connection: Connection) -> bool:
    """Whether entries of the own journal were ever lost, behind which it went on or beside which it began anew."""
    return bool(gaps(connection)) or any(one.lost_end for one in numbering.beginnings(connection))


def word_of(context: Context, message: wire.Hello, now: datetime) -> End | None:
    """The end of this hall's own journal that a neighbour gives back, if this hall signed it; None for one under
    an older number."""
    end = signed_word_of(context, message, now)
    return end if end and end.head.checkpoint.number >= context.journal_number else None


def signed_word_of(context: Context, message: wire.Hello, now: datetime) -> End | None:
    """The end that a neighbour gives back, under whatever number, if this hall signed it."""
    if not message.HasField("known_end"):
        return None
    try:
        end = End(read_checkpoint(message.known_end.head), tuple(message.known_end.frontier))
        signer = ProofVerifier(context.trust, now).signer(end.head)
    except Problem:
        return None
    head = end.head.checkpoint
    is_own = signer.address == context.here and head.suite is context.journal_suite
    return end if is_own and end.is_whole() else None


def provable_from(connection: Connection, seen_size: int, end: End | None) -> int:
    """From which size this hall shows its neighbour that its journal goes on: the one that the neighbour
    saw last in a hello, unless entries behind that are lost; then the end that it saw at all."""
    gaps = journal_store.load_gaps(connection)
    is_whole = all(place.stop <= seen_size for place in gaps.places)
    return seen_size if is_whole or end is None else end.size


def go_on(connection: Connection, context: Context, now: datetime) -> list[Entry]:
    """The neighbours have spoken: from the commit on the journal may grow, `is_sure` is to be set, and the number
    of the journal to be read.

    If the longest end that they saw is beyond the own records, the places up to there are left to the
    entries that are lost, and the journal goes on from it: so it has one past. Without the word of the parent,
    or with one that the parent itself doubts, it goes on under a new number. Returns the entries for the feed.
    """
    ends = [end for end in context.heard.values() if end is not None]
    end = max(ends, key=lambda end: _length(end.head), default=None)
    entries = _go_on_from(connection, context, end, now) if end is not None else []
    number = numbering.current(connection)
    seen = end.head.checkpoint.number if end is not None else number
    alone = is_alone(context.parent, context.heard, context.doubted)
    if entries or alone:
        # What it knows of others may be as old as what it knows of itself.
        connection.execute(update(tables.link).values(end_since_start=false()))
    if seen > number or alone:
        entries += numbering.begin(connection, context, max(number, seen) + 1, now)
    return entries


def _go_on_from(connection: Connection, context: Context, end: End, now: datetime) -> list[Entry]:
    start = journal_store.size(connection)
    if end.size <= start:
        return []
    _log.critical(
        "the records of this hall are old: its neighbours saw %d entries of its journal, here are %d",
        end.size,
        start,
    )
    _leave_out(connection, context, start, end, now)
    sure = context.once_sure(end.head.checkpoint.number)
    entries = record_doubt(connection, sure, context.here, OwnJournalRewound, end.head, now)
    restored = wire_feed.JournalRestored(start=start, end=end.size)
    return [*entries, Entry("journal.restored", "", restored.SerializeToString(), now)]


_GAPS = select(tables.journal_gap).order_by(tables.journal_gap.c.end)
"""Made once: it is asked for each hello."""


def gaps(connection: Connection) -> list[tuple[range, datetime]]:
    """The places of lost entries, and when it was noticed that they are."""
    return [(range(row.start, row.end), row.found_at) for row in connection.execute(_GAPS)]


def gap_before(connection: Connection, end: int) -> range | None:
    """The lost places up to an end; None if none were lost there."""
    return next((gap for gap, _ in gaps(connection) if gap.stop == end), None)


def _leave_out(
    connection: Connection, context: Context, start: int, end: End, now: datetime
) -> None:
    """Let the journal go on from an end that others saw."""
    own = journal_store.journal_at(connection, context, start).frontier()
    here = dict(zip(frontier_places(start), own, strict=True))
    nodes = list(zip(frontier_places(end.size), end.frontier, strict=True))
    # What is wholly before the gap has to be what is here, or it is another journal.
    if any(here.get(place, value) != value for place, value in nodes):
        raise OwnJournalRewound("known_end", neighbour=context.here)
    table = tables.journal_gap
    connection.execute(insert(table).values(start=start, end=end.size, found_at=now))
    statement = upsert(connection, tables.journal_node)
    connection.execute(
        statement.on_conflict_do_nothing(),
        [{"level": level, "index": index, "hash": value} for (level, index), value in nodes],
    )
    _fill_tiles(connection, end.size)
    values = {"number": end.head.checkpoint.number, "size": end.size}
    statement = upsert(connection, tables.journal_head).values(id=1, **values)
    connection.execute(statement.on_conflict_do_update(index_elements=["id"], set_=values))
    journal_store.keep_checkpoints(connection, [end.head])


def _fill_tiles(connection: Connection, size: int) -> None:
    """Make the tiles to which the journal adds next as long as they have to be."""
    tile = tables.journal_tile
    level = 0
    while count := size >> (TILE_HEIGHT * level):
        index, width = divmod(count, TILE_WIDTH)
        if width:
            query = select(tile.c.hashes).where(tile.c.level == level, tile.c.index == index)
            stored: bytes = connection.execute(query).scalar_one_or_none() or b""
            whole = stored[: width * DIGEST_BYTES].ljust(width * DIGEST_BYTES, b"\0")
            statement = upsert(connection, tile).values(level=level, index=index, hashes=whole)
            connection.execute(
                statement.on_conflict_do_update(
                    index_elements=["level", "index"], set_={"hashes": statement.excluded.hashes}
                )
            )
        level += 1

"""Messages about own words that were lost: the exchange deals with them itself."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from hallnet.exchange import tables
from hallnet.exchange.context import Context
from hallnet.exchange.recovery import asking_back, giving_back, taking_back
from hallnet.places import Address
from hallnet.store import Connection
from hallnet.store.feed import Entry
from hallnet.wire.exchange.v1 import returning_pb2 as wire

KINDS = frozenset({giving_back.WANTED_KIND, giving_back.RETURNED_KIND})


@dataclass(frozen=True, slots=True)
class Said:
    """What another hall asks for, or gives back."""

    hall: Address
    message: wire.WordsWanted | wire.WordsReturned


def read(hall: Address, kind: str, payload: bytes) -> Said:
    """Raises MessageMalformed or ParcelMalformed."""
    if kind == giving_back.WANTED_KIND:
        return Said(hall, giving_back.read_wish(payload))
    return Said(hall, taking_back.read(payload))


def act(connection: Connection, context: Context, said: Said, now: datetime) -> list[Entry]:
    """Note a wish, or take in what was given back; returns the entries for the feed."""
    if isinstance(said.message, wire.WordsWanted):
        giving_back.take_wish(connection, said.hall, said.message, now)
        return []
    return taking_back.take(connection, context, said.hall, said.message, now)


def is_under_way(connection: Connection, now: datetime) -> bool:
    """Whether a hall waits for its words here, or this hall for its own, or has to ask for them once more."""
    return (
        giving_back.is_asked(connection)
        or asking_back.is_under_way(connection)
        or asking_back.is_to_ask_again(connection, now)
    )


def go_on(connection: Connection, context: Context, now: datetime) -> bool:
    """Give back the next portions, and see whether what was lost here is back; True if something was done."""
    ended = asking_back.end_if_due(connection, context, now)
    asked, entries = asking_back.ask_again(connection, context, now)
    moved, given = giving_back.give_some(connection, context, now)
    tables.feed.append(connection, [*entries, *given])
    return bool(ended or asked or moved)

"""Items that were queued at a device without a network: their order, and whether a case went on meanwhile.

An item is done as if it had been done at a window, once, after those that it depends on, in whatever order and
however often it comes. An act on a case was wanted by somebody who saw the case as it then stood. If something
happened since that could matter to that wish, nobody guesses: a person looks at both sides.
"""

from __future__ import annotations

import heapq
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum

from hallnet.case import command as commands
from hallnet.case.case import Case
from hallnet.case.command import Command
from hallnet.case.event import Fact, Supplemented
from hallnet.case.fact import (
    OriginalsReceived,
    OriginalsSent,
    OverdueExplained,
    OwnershipDeclined,
    OwnershipOffered,
    OwnershipTaken,
    ViolationRecorded,
)
from hallnet.case.stage import TABLE
from hallnet.window.offline_problems import ItemTimeUnusable

ITEM_AGE_MAX = timedelta(days=90)
"""Older wishes are asked for again."""
CLOCKS_APART = timedelta(days=1)
RESULTS_KEPT_FOR = timedelta(days=180)
"""Longer than ITEM_AGE_MAX and CLOCKS_APART together: what is forgotten is too old to be done once more."""


class ItemState(IntEnum):
    """What became of an item; the numbers are those of the wire."""

    DONE = 1
    REFUSED = 2
    CONFLICT = 3
    WAITS = 4
    QUARANTINED = 5
    DISCARDED = 6


TO_SETTLE = frozenset({ItemState.REFUSED, ItemState.CONFLICT, ItemState.QUARANTINED})
"""A person may release or discard what is in one of these states."""


@dataclass(frozen=True, slots=True)
class Queued:
    """An item as far as its place in a batch goes."""

    client_id: str
    depends_on: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Order:
    """Places of the items of a batch: in which order they are done, and which wait for each other."""

    done: tuple[int, ...]
    in_a_circle: frozenset[int]


def in_order(items: Sequence[Queued]) -> Order:
    """Parents before children, else as they came. Of items with the same id the first is the parent."""
    place = {item.client_id: n for n, item in reversed(list(enumerate(items)))}
    parents = [{place[name] for name in item.depends_on if name in place} for item in items]
    circle = frozenset(n for n in range(len(items)) if n in _above(n, parents))
    children: list[list[int]] = [[] for _ in items]
    waits = [0] * len(items)
    for n, above in enumerate(parents):
        for parent in above - circle:
            children[parent].append(n)
            waits[n] += 1
    ready = [n for n in range(len(items)) if not waits[n] and n not in circle]
    order: list[int] = []
    while ready:
        n = heapq.heappop(ready)
        order.append(n)
        for child in children[n]:
            waits[child] -= 1
            if not waits[child] and child not in circle:
                heapq.heappush(ready, child)
    return Order((*sorted(circle), *order), circle)


def _above(start: int, parents: Sequence[Collection[int]]) -> set[int]:
    """All that an item waits for, directly or not."""
    found: set[int] = set()
    left = list(parents[start])
    while left:
        n = left.pop()
        if n not in found:
            found.add(n)
            left += parents[n]
    return found


def held_back(parents: Iterable[ItemState | None]) -> ItemState | None:
    """What keeps an item from being done now, given what became of its parents (None: not heard of).

    One that will not be done outweighs one that may still come, so that the order does not matter.
    """
    states = set(parents)
    if states & {*TO_SETTLE, ItemState.DISCARDED}:
        return ItemState.QUARANTINED
    return ItemState.WAITS if states & {ItemState.WAITS, None} else None


def require_usable_time(made_at: datetime, now: datetime) -> None:
    """Raises ItemTimeUnusable."""
    if not now - ITEM_AGE_MAX <= made_at <= now + CLOCKS_APART:
        raise ItemTimeUnusable("made_at", made_at=f"{made_at:%Y-%m-%d}", days=ITEM_AGE_MAX.days)


_OWNING_FACTS = (OwnershipOffered, OwnershipTaken, OwnershipDeclined)
_OWNING_ACTS = (commands.OfferOwnership, commands.TakeOwnership, commands.DeclineOwnership)
_BAGS = (OriginalsSent, OriginalsReceived)


def leaves_be(fact: Fact, command: Command, case: Case) -> bool:
    """Whether an act means the same after a fact as before it, on the case as it stands now.

    Only what is known to be harmless is: a note of the hall about itself, who answers for the case, originals
    in another bag, and of two supplements those of different materials.
    """
    if isinstance(fact, ViolationRecorded | OverdueExplained):
        return True
    if isinstance(fact, _OWNING_FACTS):
        return not isinstance(command, _OWNING_ACTS)
    if isinstance(fact, _BAGS):
        bag_acts = (commands.SendOriginals, commands.ReceiveOriginals)
        return not isinstance(command, bag_acts) or command.bag_no != fact.bag_no
    if isinstance(fact, Supplemented) and isinstance(command, commands.Supplement):
        mine = {material.name for material in command.materials}
        theirs = {material.name for material in fact.materials}
        return mine.isdisjoint(theirs) and Supplemented in TABLE[case.stage]
    return False


def unknown_to(case: Case, sequence: int, digest: bytes, digests: Sequence[bytes]) -> range:
    """Numbers of the events that somebody did not know who knew the history up to an event.

    `digests` are those of the events of the case, in order. If that event is another one here, all of the
    history is news.
    """
    known = 0 < sequence <= case.sequence and digests[sequence - 1] == digest
    return range(sequence + 1 if known else 1, case.sequence + 1)


def conflicting(
    case: Case, command: Command, unknown: Iterable[int], own: Collection[int]
) -> tuple[int, ...]:
    """Which of the events that somebody did not know could matter to what he or she wants.

    `own` are events of items on which the act depends: those were known before they happened.
    """
    return tuple(
        number
        for number in unknown
        if number not in own and not leaves_be(case.marks[number - 1].fact, command, case)
    )

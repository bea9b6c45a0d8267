"""What was worked out a moment ago and may be used again: whoever acts on a case mostly acts again soon.

Nothing here can be out of date, also if another process of this hall wrote meanwhile or a transaction was
undone. A history is used only if it ends in the event in which the stored one ends: that event names, by
its digest, all that came before it. What was worked out from a case, an item and a calendar is used only for
these very ones.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Generic, TypeVar

from hallnet.case.calendar import Calendar, Count
from hallnet.case.case import Case
from hallnet.case.clock import Clock, clocks
from hallnet.case.item import ITEM, ItemVersion
from hallnet.case.policy import Policy
from hallnet.wire.case.v1 import case_event_pb2 as wire
from hallnet.wire.case.v1 import item_pb2 as wire_item
from hallnet.wire.intake.v1 import intake_service_pb2 as wire_intake

CASES_MAX = 512
CLOCKS_MAX = 1_024
ITEMS_MAX = 256
VIEWS_MAX = 1_024

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class Remembered(Generic[Key, Value]):
    """Values by key, the least used of which are forgotten. Threads may use it side by side."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._values: OrderedDict[Key, Value] = OrderedDict()

    def get(self, key: Key) -> Value | None:
        return self._values.get(key)

    def put(self, key: Key, value: Value) -> None:
        self._values.pop(key, None)
        self._values[key] = value
        if len(self._values) > self._most:
            self._values.popitem(last=False)


@dataclass(frozen=True, slots=True)
class History:
    """A case and the events it is the fold of, serialised and as messages."""

    case: Case
    raws: tuple[bytes, ...]
    messages: tuple[wire.CaseEvent, ...]


_histories: Remembered[str, History] = Remembered(CASES_MAX)
_clocks: Remembered[bytes, tuple[ItemVersion, Calendar, Policy, list[Clock]]] = Remembered(
    CLOCKS_MAX
)
_items: Remembered[tuple[str, int], tuple[ItemVersion, wire_item.ItemVersion]] = Remembered(
    ITEMS_MAX
)
_views: Remembered[tuple[object, ...], tuple[Count, wire_intake.ClockView]] = Remembered(VIEWS_MAX)


def history_of(case_id: str) -> History | None:
    """What is remembered of a case; to be used only if the stored history ends in the same event."""
    return _histories.get(case_id)


def remember(case: Case, raws: Sequence[bytes], before: History | None) -> History:
    """A case after further events, whose history before them was the given one."""
    messages = tuple(wire.CaseEvent.FromString(raw) for raw in raws)
    if before is None:
        found = History(case, tuple(raws), messages)
    else:
        found = History(case, (*before.raws, *raws), (*before.messages, *messages))
    _histories.put(case.case_id, found)
    return found


def clocks_of(case: Case, item: ItemVersion, calendar: Calendar, policy: Policy) -> list[Clock]:
    """All clocks of a case."""
    known = _clocks.get(case.last_digest)
    if known is not None and known[0] is item and known[1] is calendar and known[2] is policy:
        return known[3]
    found = clocks(case, item, calendar, policy)
    _clocks.put(case.last_digest, (item, calendar, policy, found))
    return found


def item_message(item: ItemVersion) -> wire_item.ItemVersion:
    """An item as it is told; not to be changed."""
    key = (item.item_id, item.version)
    known = _items.get(key)
    if known is not None and known[0] is item:
        return known[1]
    message: wire_item.ItemVersion = ITEM.to_message(item)
    _items.put(key, (item, message))
    return message


def clock_message(
    clock: Clock, today: date, make: Callable[[Clock], wire_intake.ClockView]
) -> wire_intake.ClockView:
    """A clock as it is told on a day; not to be changed. Most cases of a day have the same ones."""
    key = (id(clock.count), clock.kind, clock.started_by, clock.limit, clock.met_on, today)
    known = _views.get(key)
    if known is not None and known[0] is clock.count:
        return known[1]
    message = make(clock)
    _views.put(key, (clock.count, message))
    return message

"""Queue tickets: who is called next, to which window, and how long people waited.

Old and disabled people and soldiers go first, then who booked, then who came (老年人、残疾人、现役军人优先);
but of each run of privileged calls there is an end while ordinary people wait. A number is for a matter: one
item, several, or a question. Who comes for several goes to one window that may do them all, if one is open, else
from one to the next.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import IntEnum

from hallnet.window.problems import (
    PriorityUnfounded,
    StepNotPossible,
    TicketMalformed,
    WindowNotForThis,
)

WAITING_MAX = 500
"""Tickets that may wait in a hall at once."""
TICKETS_A_DAY_MAX = 5_000
CALLS_MAX = 3
"""After so many calls without anybody coming a ticket is missed."""
PRIVILEGED_RUN_MAX = 3
"""Privileged calls in a row while an ordinary ticket waits."""
ITEMS_MAX = 10
"""Items of one ticket."""
ANY_ITEM = "*"


class Lane(IntEnum):
    """The numbers are those of the wire, in the order of the calls."""

    PRIORITY = 1
    BOOKED = 2
    ORDINARY = 3


class PriorityGround(IntEnum):
    """Why somebody goes first."""

    OLD_AGE = 1
    DISABILITY = 2
    SOLDIER = 3
    PREGNANCY = 4


class TicketState(IntEnum):
    """The numbers are those of the wire."""

    WAITING = 1
    CALLED = 2
    SERVED = 3
    MISSED = 4
    DONE = 5
    LEFT = 6


STATE_NAMES = {
    TicketState.WAITING: "等候",
    TicketState.CALLED: "已叫号",
    TicketState.SERVED: "办理中",
    TicketState.MISSED: "过号",
    TicketState.DONE: "办结离开",
    TicketState.LEFT: "放弃",
}


@dataclass(frozen=True, slots=True)
class Window:
    """A window: what it may serve, and whether somebody sits there."""

    window_id: str
    title: str
    items: tuple[str, ...]
    open: bool
    needs_rota: bool
    enquiries: bool = False
    """Whether questions are answered here, whatever they are about."""

    def serves(self, item_id: str) -> bool:
        return self.open and (ANY_ITEM in self.items or item_id in self.items)

    def may_do_some(self, ticket: Ticket) -> bool:
        """Something of what a ticket is still for. A question is answered also where its item is dealt with."""
        if ticket.enquiry and self.open and self.enquiries:
            return True
        return any(self.serves(item_id) for item_id in ticket.open_items)

    def may_do_all(self, ticket: Ticket) -> bool:
        if ticket.enquiry:
            return self.may_do_some(ticket)
        return all(self.serves(item_id) for item_id in ticket.open_items)


@dataclass(frozen=True, slots=True)
class Ticket:
    """A number that was taken. `stands_since` is its place in the queue; `only_for` a window it waits for."""

    ticket_id: str
    label: str
    item_id: str
    lane: Lane
    ground: PriorityGround | None
    state: TicketState
    taken_at: datetime
    stands_since: datetime
    called_at: datetime | None
    served_at: datetime | None
    ended_at: datetime | None
    window_id: str
    only_for: str
    calls: int
    waited_seconds: int
    further_items: tuple[str, ...] = ()
    enquiry: bool = False
    done_items: tuple[str, ...] = ()
    """Dealt with at a window before this one."""

    @property
    def open_items(self) -> tuple[str, ...]:
        """What it is still for; an empty item is one that was not named."""
        every = (self.item_id, *self.further_items)
        return tuple(item_id for item_id in every if item_id not in self.done_items)


def require_items(item_id: str, further_items: Sequence[str]) -> None:
    """Raises TicketMalformed if a ticket is for too many items, or for one that has no name or twice."""
    if 1 + len(further_items) > ITEMS_MAX:
        raise TicketMalformed("further_items", detail=f"一个号最多办{ITEMS_MAX}个事项")
    every = (item_id, *further_items)
    if further_items and (not all(every) or len(set(every)) < len(every)):
        raise TicketMalformed("further_items", detail="事项编码为空或重复")


def require_lane(lane: Lane, ground: PriorityGround | None) -> None:
    """Raises PriorityUnfounded."""
    if (lane is Lane.PRIORITY) is (ground is None):
        raise PriorityUnfounded("ground")


def next_for(
    window: Window,
    waiting: Iterable[Ticket],
    privileged_run: int = 0,
    windows: Sequence[Window] = (),
) -> Ticket | None:
    """Whom a window calls next; None if nobody whom it may serve waits.

    `privileged_run` is how many of the last calls in a row were privileged, `windows` are all of the hall: who
    comes for several items is left to one that does them all.
    """
    fitting = [
        ticket
        for ticket in waiting
        if _may_call(window, ticket) and _is_best(window, ticket, windows)
    ]
    ordinary = [t for t in fitting if t.lane is Lane.ORDINARY and t.only_for != window.window_id]
    handed = [ticket for ticket in fitting if ticket.only_for == window.window_id]
    if ordinary and not handed and privileged_run >= PRIVILEGED_RUN_MAX:
        fitting = ordinary
    return min(fitting, key=lambda ticket: _place(ticket, window), default=None)


def privileged_run(lanes_called: Sequence[Lane]) -> int:
    """Of the last calls, the newest first, how many in a row were privileged."""
    for number, lane in enumerate(lanes_called):
        if lane is Lane.ORDINARY:
            return number
    return len(lanes_called)


def called(ticket: Ticket, window: Window, now: datetime) -> Ticket:
    """Called to a window, or called there again; raises StepNotPossible or WindowNotForThis."""
    if ticket.state is TicketState.WAITING:
        if not _may_call(window, ticket):
            raise WindowNotForThis("window_id", window=window.window_id)
        waited = ticket.waited_seconds + int((now - ticket.stands_since).total_seconds())
        return replace(
            ticket,
            state=TicketState.CALLED,
            window_id=window.window_id,
            called_at=now,
            calls=1,
            waited_seconds=waited,
        )
    again = ticket.state is TicketState.CALLED and ticket.calls < CALLS_MAX
    _require(again and ticket.window_id == window.window_id, ticket, "再叫号")
    return replace(ticket, called_at=now, calls=ticket.calls + 1)


def served(ticket: Ticket, now: datetime) -> Ticket:
    """Who was called has come."""
    _require(ticket.state is TicketState.CALLED, ticket, "开始办理")
    return replace(ticket, state=TicketState.SERVED, served_at=now)


def missed(ticket: Ticket, now: datetime) -> Ticket:
    """Who was called did not come; only after the last call."""
    gone = ticket.state is TicketState.CALLED and ticket.calls >= CALLS_MAX
    _require(gone, ticket, "作过号处理")
    return replace(ticket, state=TicketState.MISSED, ended_at=now)


def back(ticket: Ticket, now: datetime) -> Ticket:
    """Who missed the call stands at the end of the lane again, with the same number."""
    _require(ticket.state is TicketState.MISSED, ticket, "重新排队")
    return replace(
        ticket, state=TicketState.WAITING, stands_since=now, ended_at=None, window_id="", calls=0
    )


def handed_over(ticket: Ticket, to: Window, now: datetime, at: Window | None = None) -> Ticket:
    """Served at one window (`at`), now the next one at another; raises WindowNotForThis, StepNotPossible.

    If the other one does something that this one does not, what this one does is done.
    """
    _require(ticket.state is TicketState.SERVED, ticket, "转窗口")
    if not to.may_do_some(ticket) or to.window_id == ticket.window_id:
        raise WindowNotForThis("window_id", window=to.window_id)
    here = tuple(item_id for item_id in ticket.open_items if at is not None and at.serves(item_id))
    left = replace(ticket, done_items=(*ticket.done_items, *here))
    if to.may_do_some(left) and not ticket.enquiry:
        ticket = left
    return replace(
        ticket,
        state=TicketState.WAITING,
        stands_since=now,
        only_for=to.window_id,
        window_id="",
        calls=0,
    )


def done(ticket: Ticket, now: datetime) -> Ticket:
    """The business is over."""
    _require(ticket.state is TicketState.SERVED, ticket, "结束办理")
    return replace(ticket, state=TicketState.DONE, ended_at=now)


def left(ticket: Ticket, now: datetime) -> Ticket:
    """Who waited has gone."""
    _require(ticket.state in (TicketState.WAITING, TicketState.MISSED), ticket, "放弃排队")
    return replace(ticket, state=TicketState.LEFT, ended_at=now)


@dataclass(frozen=True, slots=True)
class Waits:
    """How long people waited until their first call and all later ones together, in seconds."""

    people: int
    total: int
    median: int
    p95: int
    longest: int


def waits(tickets: Iterable[Ticket]) -> Waits:
    """Of all who were called; who still waits or has left is not among them."""
    lengths = sorted(t.waited_seconds for t in tickets if t.called_at is not None)
    if not lengths:
        return Waits(0, 0, 0, 0, 0)

    def share(percent: int) -> int:
        return lengths[max(0, -(-len(lengths) * percent // 100) - 1)]

    return Waits(len(lengths), sum(lengths), share(50), share(95), lengths[-1])


def _may_call(window: Window, ticket: Ticket) -> bool:
    return (
        ticket.state is TicketState.WAITING
        and window.may_do_some(ticket)
        and ticket.only_for in ("", window.window_id)
    )


def _is_best(window: Window, ticket: Ticket, windows: Sequence[Window]) -> bool:
    if window.may_do_all(ticket) or ticket.only_for == window.window_id:
        return True
    return not any(other.may_do_all(ticket) for other in windows)


def _place(ticket: Ticket, window: Window) -> tuple[bool, Lane, datetime, str]:
    return (ticket.only_for != window.window_id, ticket.lane, ticket.stands_since, ticket.ticket_id)


def _require(possible: bool, ticket: Ticket, act: str) -> None:
    if not possible:
        raise StepNotPossible("ticket_id", state=STATE_NAMES[ticket.state], act=act)

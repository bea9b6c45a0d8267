"""The queue of a day: numbers, calls, and what becomes of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime

from sqlalchemy import func, insert, select, update

from hallnet.case.case import day_of
from hallnet.intake import tables
from hallnet.intake.numbering import next_number
from hallnet.intake.window.codecs import TICKET, WINDOW
from hallnet.store import Connection
from hallnet.store.upsert import upsert
from hallnet.window import queue
from hallnet.window.problems import QueueFull, SlotMalformed, TicketUnknown, WindowUnknown
from hallnet.window.queue import Lane, PriorityGround, Ticket, TicketState, Window

WINDOWS_MAX = 500
_LETTERS = {Lane.PRIORITY: "P", Lane.BOOKED: "B", Lane.ORDINARY: "A"}


def put_window(connection: Connection, window: Window) -> None:
    """Make or change a window; raises SlotMalformed without a usable name."""
    if not window.window_id.strip() or len(window.window_id) > 64:
        raise SlotMalformed("window.window_id", detail="窗口没有编号")
    raw = WINDOW.to_bytes(window)
    statement = upsert(connection, tables.window).values(window_id=window.window_id, body=raw)
    connection.execute(
        statement.on_conflict_do_update(index_elements=["window_id"], set_={"body": raw})
    )


def windows(connection: Connection) -> list[Window]:
    """By their names."""
    table = tables.window
    query = select(table.c.body).order_by(table.c.window_id).limit(WINDOWS_MAX)
    return [WINDOW.from_bytes(raw) for raw in connection.scalars(query)]


def find_window(connection: Connection, window_id: str) -> Window:
    """Raises WindowUnknown."""
    table = tables.window
    raw = connection.execute(
        select(table.c.body).where(table.c.window_id == window_id)
    ).scalar_one_or_none()
    if raw is None:
        raise WindowUnknown("window_id", window=window_id[:64])
    return WINDOW.from_bytes(raw)


def take(
    connection: Connection,
    item_id: str,
    lane: Lane,
    ground: PriorityGround | None,
    now: datetime,
    further_items: Sequence[str] = (),
    enquiry: bool = False,
) -> tuple[Ticket, int]:
    """A new ticket, and how many wait before it; raises QueueFull, PriorityUnfounded, TicketMalformed."""
    queue.require_lane(lane, ground)
    queue.require_items(item_id, further_items)
    day = day_of(now)
    before = _count(connection, day, (TicketState.WAITING,))
    if before >= queue.WAITING_MAX:
        raise QueueFull("item_id", limit=queue.WAITING_MAX)
    number = next_number(connection, f"ticket-{day:%Y%m%d}")
    if number > queue.TICKETS_A_DAY_MAX:
        raise QueueFull("item_id", limit=queue.TICKETS_A_DAY_MAX)
    ticket = Ticket(
        ticket_id=f"{day:%Y%m%d}-{number:04}",
        label=f"{_LETTERS[lane]}{number:03}",
        item_id=item_id[:64],
        lane=lane,
        ground=ground,
        state=TicketState.WAITING,
        taken_at=now,
        stands_since=now,
        called_at=None,
        served_at=None,
        ended_at=None,
        window_id="",
        only_for="",
        calls=0,
        waited_seconds=0,
        further_items=tuple(one[:64] for one in further_items),
        enquiry=enquiry,
    )
    connection.execute(
        insert(tables.ticket).values(ticket_id=ticket.ticket_id, day=day, **_columns(ticket))
    )
    return ticket, before


def call_next(connection: Connection, window_id: str, now: datetime) -> Ticket | None:
    """Call to a window whom it may serve; None if nobody waits for it. Raises WindowUnknown."""
    window = find_window(connection, window_id)
    day = day_of(now)
    waiting = {t.ticket_id: t for t in of_day(connection, day, (TicketState.WAITING,))}
    run, others = queue.privileged_run(_last_lanes(connection, day)), windows(connection)
    while ticket := queue.next_for(window, waiting.values(), run, others):
        called = queue.called(ticket, window, now)
        if _save(connection, called, ticket.state):
            return called
        # Another window was quicker.
        del waiting[ticket.ticket_id]
    return None


def find(connection: Connection, ticket_id: str) -> Ticket:
    """Raises TicketUnknown."""
    table = tables.ticket
    raw = connection.execute(
        select(table.c.body).where(table.c.ticket_id == ticket_id)
    ).scalar_one_or_none()
    if raw is None:
        raise TicketUnknown("ticket_id")
    return TICKET.from_bytes(raw)


def change(connection: Connection, ticket_id: str, rule: Callable[[Ticket], Ticket]) -> Ticket:
    """Apply a rule to a ticket; raises TicketUnknown and what the rule raises."""
    table = tables.ticket
    raw = connection.execute(
        select(table.c.body).where(table.c.ticket_id == ticket_id).with_for_update()
    ).scalar_one_or_none()
    if raw is None:
        raise TicketUnknown("ticket_id")
    ticket = rule(TICKET.from_bytes(raw))
    connection.execute(
        update(table).where(table.c.ticket_id == ticket_id).values(**_columns(ticket))
    )
    return ticket


def of_day(connection: Connection, day: date, states: Sequence[TicketState] = ()) -> list[Ticket]:
    """Tickets in the order in which they were taken."""
    table = tables.ticket
    query = select(table.c.body).where(table.c.day == day).order_by(table.c.ticket_id)
    if states:
        query = query.where(table.c.state.in_(states))
    query = query.limit(queue.TICKETS_A_DAY_MAX)
    return [TICKET.from_bytes(raw) for raw in connection.scalars(query)]


def _save(connection: Connection, ticket: Ticket, before: TicketState) -> bool:
    """Whether the ticket was still as it was before."""
    table = tables.ticket
    result = connection.execute(
        update(table)
        .where(table.c.ticket_id == ticket.ticket_id, table.c.state == before)
        .values(**_columns(ticket))
    )
    return result.rowcount == 1


def _columns(ticket: Ticket) -> dict[str, object]:
    return {
        "state": ticket.state,
        "lane": ticket.lane,
        "called_at": ticket.called_at,
        "body": TICKET.to_bytes(ticket),
    }


def _last_lanes(connection: Connection, day: date) -> list[Lane]:
    table = tables.ticket
    query = (
        select(table.c.lane)
        .where(table.c.day == day, table.c.called_at.is_not(None))
        .order_by(table.c.called_at.desc(), table.c.ticket_id.desc())
        .limit(queue.PRIVILEGED_RUN_MAX)
    )
    return [Lane(lane) for lane in connection.scalars(query)]


def _count(connection: Connection, day: date, states: Iterable[TicketState]) -> int:
    table = tables.ticket
    query = select(func.count()).where(table.c.day == day, table.c.state.in_(list(states)))
    many: int = connection.execute(query).scalar_one()
    return many

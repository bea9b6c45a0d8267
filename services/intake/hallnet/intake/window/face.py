"""The gRPC face of what stands around a window: thin; each method is a rule in a transaction."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from hallnet.case.case import day_of
from hallnet.codec.moments import to_timestamp
from hallnet.intake import accounts
from hallnet.intake.asked import ChoiceMissing
from hallnet.intake.identifiers import new_id
from hallnet.intake.window import booking, duty, inviting, tickets
from hallnet.intake.window.choices import chosen, day_named
from hallnet.intake.window.codecs import (
    ABSENCE,
    GAP,
    INVITATION,
    POST,
    SHIFT,
    SLOT,
    SLOT_PLAN,
    TICKET,
    WAITS,
    WINDOW,
)
from hallnet.intake.window.looking import Looking
from hallnet.intake.window.paper_acts import PaperActs
from hallnet.intake.window.personal_acts import PersonalActs
from hallnet.intake.window.service_acts import ServiceActs
from hallnet.node.home import Part
from hallnet.node.server import Callers
from hallnet.store import Connection
from hallnet.window import queue
from hallnet.window.queue import Lane, PriorityGround, Ticket, TicketState
from hallnet.window.rota import alarmed
from hallnet.window.slots import BookingState, slots_of
from hallnet.wire.window.v1 import window_pb2 as wire_window
from hallnet.wire.window.v1 import window_service_pb2 as wire
from hallnet.wire.window.v1 import window_service_pb2_grpc as wire_grpc

_DESK = frozenset({Part.PORTAL, Part.OPERATOR})
CALLERS: Callers = {
    method.name: _DESK for method in wire.DESCRIPTOR.services_by_name["WindowService"].methods
}


class WindowFace(Looking, ServiceActs, PersonalActs, PaperActs, wire_grpc.WindowServiceServicer):
    """Serves hallnet.wire.window.v1.WindowService."""

    # Windows and the queue

    async def PutWindow(self, request: wire.PutWindowRequest, context: Any) -> Any:
        window = WINDOW.from_message(request.window)

        def work(connection: Connection) -> wire.PutWindowResponse:
            tickets.put_window(connection, window)
            return wire.PutWindowResponse(window=WINDOW.to_message(window))

        return await self._write(request, wire.PutWindowResponse, work)

    async def ListWindows(self, request: wire.ListWindowsRequest, context: Any) -> Any:
        found = await self._database.read(tickets.windows)
        return wire.ListWindowsResponse(windows=[WINDOW.to_message(window) for window in found])

    async def TakeTicket(self, request: wire.TakeTicketRequest, context: Any) -> Any:
        lane = chosen(Lane, request.lane, "lane")
        ground = chosen(PriorityGround, request.ground, "ground") if request.ground else None
        now = self._clock()

        def work(connection: Connection) -> wire.TakeTicketResponse:
            if lane is Lane.BOOKED:
                booking.step(connection, request.appointment_id, BookingState.ARRIVED, now)
            ticket, ahead = tickets.take(
                connection,
                request.item_id,
                lane,
                ground,
                now,
                request.further_items,
                request.enquiry,
            )
            return wire.TakeTicketResponse(ticket=TICKET.to_message(ticket), ahead=ahead)

        return await self._unnamed(request, wire.TakeTicketResponse, work)

    async def CallNext(self, request: wire.CallNextRequest, context: Any) -> Any:
        now = self._clock()

        def work(connection: Connection) -> wire.CallNextResponse:
            ticket = tickets.call_next(connection, request.window_id, now)
            called = None if ticket is None else TICKET.to_message(ticket)
            return wire.CallNextResponse(ticket=called)

        return await self._write(request, wire.CallNextResponse, work)

    async def StepTicket(self, request: wire.StepTicketRequest, context: Any) -> Any:
        now = self._clock()

        def work(connection: Connection) -> wire.StepTicketResponse:
            rule = self._ticket_rule(connection, request, now)
            ticket = tickets.change(connection, request.ticket_id, rule)
            answer = wire.StepTicketResponse(ticket=TICKET.to_message(ticket))
            if request.step == wire.TICKET_STEP_FINISH:
                handler, draw = request.act.actor_id, self._hall.random_bytes
                invitation = inviting.visit_over(connection, ticket, handler, draw, now)
                answer.invitation.CopyFrom(INVITATION.to_message(invitation))
            return answer

        return await self._write(request, wire.StepTicketResponse, work, request.ticket_id)

    def _ticket_rule(
        self, connection: Connection, request: wire.StepTicketRequest, now: datetime
    ) -> Callable[[Ticket], Ticket]:
        simple = {
            wire.TICKET_STEP_SERVE: queue.served,
            wire.TICKET_STEP_MISS: queue.missed,
            wire.TICKET_STEP_BACK: queue.back,
            wire.TICKET_STEP_FINISH: queue.done,
            wire.TICKET_STEP_LEAVE: queue.left,
        }
        if request.step in simple:
            return lambda ticket: simple[request.step](ticket, now)
        window = tickets.find_window(connection, request.window_id)
        if request.step == wire.TICKET_STEP_CALL_AGAIN:
            return lambda ticket: queue.called(ticket, window, now)
        if request.step == wire.TICKET_STEP_HAND_OVER:
            return lambda ticket: queue.handed_over(
                ticket, window, now, tickets.find_window(connection, ticket.window_id)
            )
        raise ChoiceMissing("step", field="step")

    async def ListTickets(self, request: wire.ListTicketsRequest, context: Any) -> Any:
        day = day_named(request.day, "day") if request.day else day_of(self._clock())
        states = [chosen(TicketState, state, "states") for state in request.states]
        found = await self._database.read(lambda c: tickets.of_day(c, day))
        return wire.ListTicketsResponse(
            tickets=[TICKET.to_message(t) for t in found if not states or t.state in states],
            waits=WAITS.to_message(queue.waits(found)),
        )

    # Appointments

    async def OpenSlots(self, request: wire.OpenSlotsRequest, context: Any) -> Any:
        plan = SLOT_PLAN.from_message(request.plan)
        today = day_of(self._clock())

        def work(connection: Connection) -> wire.OpenSlotsResponse:
            slots = slots_of(plan, self._hall.releases.calendar(connection), today)
            booking.open_slots(connection, slots)
            return wire.OpenSlotsResponse(slots=[SLOT.to_message(slot) for slot in slots])

        return await self._write(request, wire.OpenSlotsResponse, work)

    async def ListSlots(self, request: wire.ListSlotsRequest, context: Any) -> Any:
        day = day_named(request.day, "day")
        found = await self._database.read(lambda c: booking.slots_on(c, day, request.group))
        return wire.ListSlotsResponse(
            slots=[
                wire.SlotView(
                    slot=SLOT.to_message(slot), free=slot.capacity - taken, waiting=waiting
                )
                for slot, taken, waiting in found
            ]
        )

    async def BookSlot(self, request: wire.BookSlotRequest, context: Any) -> Any:
        now = self._clock()
        appointment_id = new_id(now, self._hall.random_bytes)

        def work(connection: Connection) -> wire.BookSlotResponse:
            row = booking.book(
                connection,
                appointment_id,
                request.slot_id,
                request.holder,
                request.visitor,
                request.telephone,
                request.case_id,
                request.or_wait,
                now,
            )
            return wire.BookSlotResponse(appointment=appointment(row))

        return await self._unnamed(request, wire.BookSlotResponse, work)

    async def StepAppointment(self, request: wire.StepAppointmentRequest, context: Any) -> Any:
        state = chosen(BookingState, request.state, "state")
        now = self._clock()

        def work(connection: Connection) -> wire.StepAppointmentResponse:
            row, moved = booking.step(connection, request.appointment_id, state, now)
            return wire.StepAppointmentResponse(
                appointment=appointment(row), moved_up=None if moved is None else appointment(moved)
            )

        return await self._unnamed(request, wire.StepAppointmentResponse, work)

    async def ListAppointments(self, request: wire.ListAppointmentsRequest, context: Any) -> Any:
        def work(connection: Connection) -> wire.ListAppointmentsResponse:
            self._staff(connection, request.act)
            rows = booking.of_slot(connection, request.slot_id)
            return wire.ListAppointmentsResponse(appointments=[appointment(row) for row in rows])

        actor = request.act.actor_id
        answer = await self._recorded(
            "ListAppointments", actor, request.slot_id[:64], self._database.read(work)
        )
        # Names and telephones were seen.
        await self._record(actor, request.slot_id, "ListAppointments", "", "")
        return answer

    # The rota

    async def PutPost(self, request: wire.PutPostRequest, context: Any) -> Any:
        post = POST.from_message(request.post)

        def work(connection: Connection) -> wire.PutPostResponse:
            for actor_id in filter(None, (post.a, post.b)):
                accounts.find(connection, actor_id)
            duty.put_post(connection, post)
            return wire.PutPostResponse(post=POST.to_message(post))

        return await self._write(request, wire.PutPostResponse, work)

    async def PutShifts(self, request: wire.PutShiftsRequest, context: Any) -> Any:
        shifts = [SHIFT.from_message(shift) for shift in request.shifts]

        def work(connection: Connection) -> wire.PutShiftsResponse:
            return wire.PutShiftsResponse(count=duty.put_shifts(connection, shifts))

        return await self._write(request, wire.PutShiftsResponse, work)

    async def PutAbsence(self, request: wire.PutAbsenceRequest, context: Any) -> Any:
        absence = ABSENCE.from_message(request.absence)
        today = day_of(self._clock())

        def work(connection: Connection) -> wire.PutAbsenceResponse:
            accounts.find(connection, absence.actor_id)
            duty.put_absence(connection, absence)
            calendar = self._hall.releases.calendar(connection)
            found = duty.uncovered(connection, calendar, today)
            return wire.PutAbsenceResponse(gaps=[GAP.to_message(gap) for gap in found])

        return await self._write(request, wire.PutAbsenceResponse, work)

    async def ListGaps(self, request: wire.ListGapsRequest, context: Any) -> Any:
        today = day_of(self._clock())

        def look(connection: Connection) -> wire.ListGapsResponse:
            calendar = self._hall.releases.calendar(connection)
            found = duty.uncovered(connection, calendar, today, request.days or duty.GAP_DAYS)
            return wire.ListGapsResponse(
                gaps=[GAP.to_message(gap) for gap in found],
                alarms=[GAP.to_message(gap) for gap in alarmed(found, today)],
            )

        return await self._database.read(look)


def appointment(row: Any) -> wire_window.Appointment:
    return wire_window.Appointment(
        appointment_id=row.appointment_id,
        slot_id=row.slot_id,
        holder=row.holder,
        visitor=row.visitor,
        telephone=row.telephone,
        case_id=row.case_id,
        state=row.state,
        made_at=to_timestamp(row.made_at),
    )

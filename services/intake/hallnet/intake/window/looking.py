"""The part of the face that shows what the desk works from: records, the rota, staff, invitations."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from hallnet.case.case import day_of
from hallnet.case.power import Power
from hallnet.intake import accounts
from hallnet.intake.answering import PURPOSE_CHARACTERS_MAX
from hallnet.intake.window import duty, inviting, records
from hallnet.intake.window.answering import WindowAnswering
from hallnet.intake.window.choices import chosen, day_named
from hallnet.intake.window.codecs import ABSENCE, GAP, INVITATION, POST, RATING, SHIFT
from hallnet.intake.window.records import RecordKind
from hallnet.node.paging import Page
from hallnet.store import Connection
from hallnet.window.rating import asked_of
from hallnet.window.rota import HORIZON_DAYS_MAX, alarmed
from hallnet.wire.case.v1 import person_pb2 as wire_person
from hallnet.wire.case.v1 import policy_pb2 as wire_policy
from hallnet.wire.window.v1 import window_service_pb2 as wire

ROTA_DAYS = 7


class Looking(WindowAnswering):
    """Shows what there is, and says who was invited to rate."""

    async def ListRecords(self, request: wire.ListRecordsRequest, context: Any) -> Any:
        kind = chosen(RecordKind, request.kind, "kind")
        page = Page.of(request.page_size, request.page_token)
        now = self._clock()
        today = day_of(now)

        def look(connection: Connection) -> wire.ListRecordsResponse:
            self._staff(connection, request.act)
            if request.export_purpose:
                accounts.require_power(connection, request.act.actor_id, now, Power.SUPERVISE)
            found = records.listed(connection, kind, request.waiting, request.owner, page)
            places = [page.after + number for number in range(1, len(found) + 1)]
            return wire.ListRecordsResponse(
                records=[records.to_message(kind, *one, today) for one in found[: page.size]],
                next_page_token=page.next_token(places),
            )

        actor, about = request.act.actor_id, kind.name.lower()
        purpose = request.export_purpose[:PURPOSE_CHARACTERS_MAX]
        act = "ExportRecords" if purpose else "ListRecords"
        answer = await self._recorded(act, actor, about, self._database.read(look), purpose)
        if not purpose or not request.page_token:
            # An export is one look, however many pages it takes.
            await self._record(actor, about, act, purpose, "")
        return answer

    async def ListRota(self, request: wire.ListRotaRequest, context: Any) -> Any:
        first, today = day_named(request.first, "first"), day_of(self._clock())
        days = min(request.days or ROTA_DAYS, HORIZON_DAYS_MAX)

        def look(connection: Connection) -> wire.ListRotaResponse:
            self._staff(connection, request.act)
            calendar = self._hall.releases.calendar(connection)
            posts, shifts, absences = duty.planned(connection, first, days)
            found = duty.uncovered(connection, calendar, first, days)
            soon = duty.uncovered(connection, calendar, today)
            every = (first + timedelta(days=number) for number in range(days))
            return wire.ListRotaResponse(
                posts=[POST.to_message(post) for post in posts],
                shifts=[SHIFT.to_message(shift) for shift in shifts],
                absences=[ABSENCE.to_message(absence) for absence in absences],
                gaps=[GAP.to_message(gap) for gap in found],
                alarms=[GAP.to_message(gap) for gap in alarmed(soon, today)],
                workdays=[day.isoformat() for day in every if calendar.is_workday(day)],
            )

        return await self._recorded("ListRota", request.act.actor_id, "", self._database.read(look))

    async def ListStaff(self, request: wire.ListStaffRequest, context: Any) -> Any:
        def look(connection: Connection) -> wire.ListStaffResponse:
            self._staff(connection, request.act)
            return wire.ListStaffResponse(
                staff=[
                    wire_person.Actor(
                        kind=int(actor.kind),  # type: ignore[arg-type]
                        actor_id=actor.actor_id,
                        name=actor.name,
                    )
                    for actor in (account.actor for account in accounts.staff(connection))
                ]
            )

        return await self._recorded(
            "ListStaff", request.act.actor_id, "", self._database.read(look)
        )

    async def InviteToRate(self, request: wire.InviteToRateRequest, context: Any) -> Any:
        now = self._clock()

        def work(connection: Connection) -> wire.InviteToRateResponse:
            actor, draw = request.act.actor_id, self._hall.random_bytes
            made = inviting.invite(connection, request.subject.strip(), actor, draw, now)
            return wire.InviteToRateResponse(invitation=INVITATION.to_message(made))

        return await self._write(request, wire.InviteToRateResponse, work, request.subject)

    async def GetInvitation(self, request: wire.GetInvitationRequest, context: Any) -> Any:
        now = self._clock()

        def work(connection: Connection) -> wire.GetInvitationResponse:
            subject = inviting.canonical(connection, request.subject.strip())
            found = inviting.of_visitor(connection, subject, request.code, now)
            edition = self._policy(connection).indicators
            rating = records.RATINGS.find(connection, subject)
            return wire.GetInvitationResponse(
                invitation=INVITATION.to_message(found),
                indicator_version=edition.version,
                indicators=[
                    wire_policy.RatingIndicator(code=one.code, title=one.title)
                    for one in asked_of(found.channel, edition)
                ],
                rating=None if rating is None else RATING.to_message(rating),
            )

        # The first look at a case that is over makes its invitation.
        answer = self._database.write(work)
        return await self._recorded("GetInvitation", "visitor", request.subject, answer)

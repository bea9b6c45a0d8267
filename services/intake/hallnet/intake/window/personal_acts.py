"""The part of the face that deals with what people ask about the data that the hall keeps of them."""

from __future__ import annotations

from typing import Any

from hallnet.case.case import day_of
from hallnet.case.person import PERSON
from hallnet.intake import accounts
from hallnet.intake.answering import insert_record
from hallnet.intake.asked import ChoiceMissing
from hallnet.intake.identifiers import new_id
from hallnet.intake.steps import hall_name
from hallnet.intake.window import personal, records
from hallnet.intake.window.answering import WindowAnswering
from hallnet.intake.window.choices import chosen
from hallnet.intake.window.codecs import PERSONAL_COPY, PERSONAL_REQUEST
from hallnet.store import Connection
from hallnet.window import personal_copy
from hallnet.window import personal_request as rules
from hallnet.window.personal_request import PersonalGround, PersonalRequest, PersonalRight
from hallnet.wire.window.v1 import window_service_pb2 as wire

_MAKE = "MakePersonalCopy"


class PersonalActs(WindowAnswering):
    """Requests to see, correct and erase."""

    async def OpenPersonalRequest(
        self, request: wire.OpenPersonalRequestRequest, context: Any
    ) -> Any:
        now = self._clock()

        def work(connection: Connection) -> wire.OpenPersonalRequestResponse:
            right = chosen(PersonalRight, request.right, "right")
            owner = request.owner or request.act.actor_id
            accounts.staff_member(connection, owner, "owner")
            opened = rules.opened(
                new_id(now, self._hall.random_bytes),
                right,
                PERSON.from_message(request.person),
                request.identity_shown,
                request.representative,
                request.authority,
                request.about,
                request.words,
                owner,
                now,
                self._hall.releases.calendar(connection),
                self._policy(connection).personal_request_limit or rules.USUAL_LIMIT,
            )
            if right is PersonalRight.CORRECT:
                personal.require_case_of(connection, opened.about, opened.person)
            records.PERSONAL.add(connection, opened)
            return wire.OpenPersonalRequestResponse(request=PERSONAL_REQUEST.to_message(opened))

        return await self._write(request, wire.OpenPersonalRequestResponse, work)

    async def StepPersonalRequest(
        self, request: wire.StepPersonalRequestRequest, context: Any
    ) -> Any:
        now, by = self._clock(), request.act.actor_id

        def work(connection: Connection) -> wire.StepPersonalRequestResponse:
            def rule(one: PersonalRequest) -> PersonalRequest:
                match request.step:
                    case wire.PERSONAL_STEP_GRANT:
                        done = rules.granted(one, by, request.answer, now)
                        self._carry_out(connection, one)
                        return done
                    case wire.PERSONAL_STEP_REFUSE:
                        ground = chosen(PersonalGround, request.ground, "ground")
                        return rules.refused(one, by, ground, request.answer, now)
                raise ChoiceMissing("step", field="step")

            changed = records.PERSONAL.change(connection, request.request_no, rule)
            return wire.StepPersonalRequestResponse(request=PERSONAL_REQUEST.to_message(changed))

        return await self._write(
            request, wire.StepPersonalRequestResponse, work, request.request_no
        )

    async def MakePersonalCopy(self, request: wire.MakePersonalCopyRequest, context: Any) -> Any:
        """Not answered from what was answered before: the copy of a person is not kept once more."""
        now, by = self._clock(), request.act.actor_id

        def work(connection: Connection) -> wire.MakePersonalCopyResponse:
            accounts.staff_member(connection, by, "act.actor_id")
            asked = records.PERSONAL.change(
                connection, request.request_no, lambda one: rules.copied(one, by, now)
            )
            found = personal.cases_of(connection, asked.person)
            made = personal.copy(connection, self._hall, asked.person, found, now)
            for case in found[: personal.CASES_MAX]:
                insert_record(connection, now, by, case.case_id, _MAKE, request.request_no, "")
            insert_record(connection, now, by, request.request_no, _MAKE, "", "")
            text = personal_copy.as_text(made, hall_name(made.hall, self._hall.register))
            return wire.MakePersonalCopyResponse(copy=PERSONAL_COPY.to_message(made), text=text)

        return await self._recorded(_MAKE, by, request.request_no, self._database.write(work))

    def _carry_out(self, connection: Connection, asked: PersonalRequest) -> None:
        """Erase what is granted to be erased; what is granted to be corrected was corrected in the case."""
        if asked.right is PersonalRight.ERASE:
            personal.erase(connection, asked, day_of(self._clock()))
        if asked.right is PersonalRight.CORRECT:
            case = personal.require_case_of(connection, asked.about, asked.person)
            rules.require_corrected(case, asked.opened_at)

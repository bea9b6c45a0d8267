"""The part of the face that deals with papers that another hall has."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from hallnet.case.person import MATERIAL
from hallnet.codec.moments import to_timestamp
from hallnet.intake import accounts, cases, handling
from hallnet.intake.answering import insert_record
from hallnet.intake.asked import ChoiceMissing
from hallnet.intake.papers import materials
from hallnet.intake.window import paper_requests, powers
from hallnet.intake.window.answering import WindowAnswering
from hallnet.intake.window.choices import chosen, day_named
from hallnet.intake.window.codecs import PAPER_REQUEST
from hallnet.intake.window.records import PAPERS_ASKED, PAPERS_WANTED
from hallnet.places import Address
from hallnet.store import Connection
from hallnet.window import paper_answering as answering
from hallnet.window import paper_request as asking
from hallnet.window.paper_request import PAPERS_OF_A_CASE_MAX, PaperGround, PaperRequest
from hallnet.wire.window.v1 import window_service_pb2 as wire

_Rule = Callable[[PaperRequest], PaperRequest]
_FIND = "FindPapers"


class PaperActs(WindowAnswering):
    """Requests to other halls, and theirs to this one."""

    async def AskForPaper(self, request: wire.AskForPaperRequest, context: Any) -> Any:
        now = self._clock()

        def work(connection: Connection) -> wire.AskForPaperResponse:
            asked = paper_requests.ask(
                connection,
                self._hall,
                request.act.actor_id,
                request.case_id,
                Address.parse(request.hall, "hall"),
                request.paper,
                request.basis,
                request.purpose,
                day_named(request.used_until, "used_until"),
                now,
            )
            return wire.AskForPaperResponse(request=PAPER_REQUEST.to_message(asked))

        return await self._write(request, wire.AskForPaperResponse, work, request.case_id)

    async def StepPaperRequest(self, request: wire.StepPaperRequestRequest, context: Any) -> Any:
        now = self._clock()

        def work(connection: Connection) -> wire.StepPaperRequestResponse:
            number = request.request_no
            rule = self._rule_of_asker(connection, request)
            if rule is not None:
                done = paper_requests.step_as_asker(connection, number, rule, now)
            else:
                rule = self._rule_of_asked(connection, request)
                done = paper_requests.step_as_asked(connection, number, rule, now)
            return wire.StepPaperRequestResponse(request=PAPER_REQUEST.to_message(done))

        return await self._write(request, wire.StepPaperRequestResponse, work, request.request_no)

    async def GetPaperRequest(self, request: wire.GetPaperRequestRequest, context: Any) -> Any:
        now, by, act = self._clock(), request.act.actor_id, "GetPaperRequest"

        def look(connection: Connection) -> wire.GetPaperRequestResponse:
            self._staff(connection, request.act)
            found = PAPERS_WANTED.known(connection, request.request_no)
            insert_record(connection, now, by, request.request_no, act, "", "")
            return wire.GetPaperRequestResponse(request=PAPER_REQUEST.to_message(found))

        return await self._recorded(act, by, request.request_no, self._database.write(look))

    async def FindPapers(self, request: wire.FindPapersRequest, context: Any) -> Any:
        """Not answered from what was answered before: it tells how things stand."""
        now, by = self._clock(), request.act.actor_id

        def look(connection: Connection) -> wire.FindPapersResponse:
            powers.require(connection, request, now)
            found = paper_requests.find(connection, self._hall, by, request.request_no, now)
            return wire.FindPapersResponse(materials=[MATERIAL.to_message(one) for one in found])

        return await self._recorded(_FIND, by, request.request_no, self._database.write(look))

    async def ListPaperRequests(self, request: wire.ListPaperRequestsRequest, context: Any) -> Any:
        def look(connection: Connection) -> wire.ListPaperRequestsResponse:
            account = self._staff(connection, request.act)
            case = cases.load(connection, cases.id_of(connection, request.case_id))
            handling.require_may_look(account, case)
            found = PAPERS_ASKED.about(connection, case.case_id, PAPERS_OF_A_CASE_MAX)
            papers = [one.answer.material for one in found if one.answer and one.answer.material]
            here = materials.here(connection, [paper.digest for paper in papers])
            return wire.ListPaperRequestsResponse(
                requests=[
                    wire.ListedPaperRequest(
                        request=PAPER_REQUEST.to_message(one), here=_is_here(one, here)
                    )
                    for one in found
                ]
            )

        actor = request.act.actor_id
        return await self._recorded(
            "ListPaperRequests", actor, request.case_id, self._database.read(look)
        )

    def _rule_of_asker(
        self, connection: Connection, request: wire.StepPaperRequestRequest
    ) -> _Rule | None:
        """None for a step of the hall that is asked."""
        now, calendar = self._clock(), self._hall.releases.calendar(connection)
        rules: Mapping[int, _Rule] = {
            wire.PAPER_STEP_COMPLETE: lambda one: asking.completed(
                one, request.words, now, calendar
            ),
            wire.PAPER_STEP_DOUBT: lambda one: asking.doubted(one, request.words, now, calendar),
            wire.PAPER_STEP_WITHDRAW: asking.withdrawn,
        }
        if request.step != wire.PAPER_STEP_SEND_AGAIN:
            return rules.get(request.step)
        if PAPERS_ASKED.find(connection, request.request_no) is None:
            return None
        return lambda one: asking.asked_again(one, now, calendar)

    def _rule_of_asked(
        self, connection: Connection, request: wire.StepPaperRequestRequest
    ) -> _Rule:
        """Raises ChoiceMissing, ActorUnknown."""
        now, actor_id, words = self._clock(), request.act.actor_id, request.words
        calendar = self._hall.releases.calendar(connection)
        by = accounts.staff_member(connection, actor_id, "act.actor_id").actor.name
        match request.step:
            case wire.PAPER_STEP_TELL_LACKING:
                return lambda one: answering.told_lacking(one, by, words, now)
            case wire.PAPER_STEP_EXTEND:
                return lambda one: answering.extended(one, by, request.days, words, now, calendar)
            case wire.PAPER_STEP_AGREE:
                return lambda one: answering.agreed(one, by, words, now, calendar)
            case wire.PAPER_STEP_SUPPLY:
                return lambda one: self._supplied(connection, one, request, by)
            case wire.PAPER_STEP_REFUSE:
                ground = chosen(PaperGround, request.ground, "ground")
                return lambda one: answering.refused(one, by, ground, words, now)
            case wire.PAPER_STEP_CONFIRM:
                return lambda one: answering.confirmed(one, by, words, now)
            case wire.PAPER_STEP_SEND_AGAIN:
                return answering.answered_again
        raise ChoiceMissing("step", field="step")

    def _supplied(
        self,
        connection: Connection,
        one: PaperRequest,
        request: wire.StepPaperRequestRequest,
        by: str,
    ) -> PaperRequest:
        """From a case here, or as it was uploaded with where it is from."""
        now, actor_id = self._clock(), request.act.actor_id
        if request.from_case:
            material = paper_requests.supply_from_case(
                connection, self._hall, actor_id, one, request.from_case, now
            )
            source = request.from_case
        else:
            request.material.submitted_at.CopyFrom(to_timestamp(now))
            material, source = MATERIAL.from_message(request.material), request.source
        return answering.supplied(one, by, material, source, request.words, now)


def _is_here(one: PaperRequest, here: set[bytes]) -> bool:
    material = one.answer.material if one.answer else None
    return material is not None and material.digest in here

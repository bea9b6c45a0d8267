"""The gRPC face of the intake: thin; each method is a use case in a transaction.

Every refusal and every look at a case is recorded: who, what, why.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any

from hallnet.case.case import Case, day_of
from hallnet.case.item import ITEM
from hallnet.case.person import ActorKind
from hallnet.case.power import Power
from hallnet.case.problems import CaseUnknown
from hallnet.case.sought import matter
from hallnet.intake import (
    accounts,
    alike,
    applications,
    cases,
    credit,
    guessing,
    handling,
    listing,
    views,
)
from hallnet.intake.accounts_face import AccountsFace
from hallnet.intake.answering import PURPOSE_CHARACTERS_MAX, Response, insert_record
from hallnet.intake.asked import read_command
from hallnet.intake.context import Hall
from hallnet.intake.grants_face import GrantsFace
from hallnet.intake.guessing import Secret
from hallnet.intake.identifiers import new_id
from hallnet.intake.mandates_face import MandatesFace
from hallnet.intake.numbers.numbers_face import NumbersFace
from hallnet.intake.papers.materials_face import MaterialsFace
from hallnet.intake.records import RecordsUnsure
from hallnet.intake.state_face import StateFace
from hallnet.node import telemetry
from hallnet.node.home import Part
from hallnet.node.server import Callers
from hallnet.store import Connection, Database
from hallnet.store.room import ROOMY, Room
from hallnet.store.sharing import LookUp, SharedWrites
from hallnet.wire.intake.v1 import intake_service_pb2 as wire
from hallnet.wire.intake.v1 import intake_service_pb2_grpc as wire_grpc

_DESK = frozenset({Part.PORTAL, Part.OPERATOR})
CALLERS: Callers = {
    "SignIn": _DESK,
    "CheckSession": _DESK,
    "ChangePassword": _DESK,
    "BeginSecondFactor": _DESK,
    "ConfirmSecondFactor": _DESK,
    "DropSecondFactor": frozenset({Part.OPERATOR}),
    "PutAccount": frozenset({Part.OPERATOR}),
    "CloseAccount": frozenset({Part.OPERATOR}),
    "GrantPower": _DESK,
    "RevokePower": _DESK,
    "ListGrants": _DESK,
    "ListPowerGaps": _DESK,
    "ListItems": _DESK,
    "UploadMaterial": _DESK,
    "ReadMaterial": _DESK | {Part.EXCHANGE},
    "ListHeldMaterials": _DESK,
    "RegisterMandate": _DESK,
    "ListMandates": _DESK,
    "ChangeMandate": _DESK,
    "ListAgentFlags": _DESK,
    "FileCase": _DESK,
    "ActOnCase": _DESK,
    "GetCase": _DESK,
    "ListCases": _DESK,
    "GetProgress": _DESK,
    "CountCases": _DESK,
    "GetNumbers": _DESK,
    "ListNumberedCases": _DESK,
    "FreezeMonth": _DESK,
    "ListMonthLines": _DESK,
    "SetHallState": frozenset({Part.OPERATOR}),
    "GetHallState": _DESK,
    "OrderTransfer": frozenset({Part.OPERATOR}),
}


class IntakeFace(
    AccountsFace,
    GrantsFace,
    MandatesFace,
    MaterialsFace,
    NumbersFace,
    StateFace,
    wire_grpc.IntakeServiceServicer,
):
    """Serves hallnet.wire.intake.v1.IntakeService."""

    def __init__(
        self,
        database: Database,
        hall: Hall,
        clock: Callable[[], datetime],
        room: Callable[[], Room] = lambda: ROOMY,
        spool_folder: Path | None = None,
    ) -> None:
        """`room` looks at the disk; uploads wait in `spool_folder` until their digest is known."""
        super().__init__(database, hall, clock)
        self._writes = SharedWrites(database)
        self._room = room
        self._spool_folder = spool_folder

    # Items

    async def ListItems(self, request: wire.ListItemsRequest, context: Any) -> Any:
        today = day_of(self._clock())

        def look(connection: Connection) -> wire.ListItemsResponse:
            found = applications.items_to_file(
                connection,
                self._hall,
                today,
                request.search,
                request.accepted_here,
                request.for_agents,
            )
            return wire.ListItemsResponse(items=[ITEM.to_message(item) for item in found])

        return await self._database.read(look)

    # Cases

    async def FileCase(self, request: wire.FileCaseRequest, context: Any) -> Any:
        now = self._clock()
        application = applications.read_application(request)
        with contextlib.suppress(RecordsUnsure):
            # A new case is taken in whatever is known of the old ones.
            await self._hall.records.wait()

        def work(connection: Connection) -> wire.FileCaseResponse:
            case_id = new_id(now, self._hall.random_bytes)
            case = application.file(connection, self._hall, case_id, request.act.actor_id, now)
            if request.summary_only:
                return wire.FileCaseResponse(case=_summary_view(connection, case, now))
            view = self._view(connection, case, request.act, now)
            self._show_others_here(connection, case, view, request.act.actor_id, now)
            return wire.FileCaseResponse(case=view)

        keys: dict[LookUp, str] = {}
        if not request.summary_only:
            keys[self._look_up_like] = _matter_of(request)
        return await self._write(request, wire.FileCaseResponse, work, keys=keys)

    async def ActOnCase(self, request: wire.ActOnCaseRequest, context: Any) -> Any:
        now = self._clock()
        command = read_command(request.command, now)
        await self._hall.records.wait()

        def work(connection: Connection) -> wire.ActOnCaseResponse:
            case, passed_on = handling.act_or_ask(
                connection,
                self._hall,
                request.act.actor_id,
                request.case_id,
                command,
                request.act.request_id,
                now,
            )
            if request.summary_only:
                view = _summary_view(connection, case, now)
            else:
                view = self._view(connection, case, request.act, now)
            return wire.ActOnCaseResponse(case=view, passed_on=passed_on)

        act = type(command).__name__
        keys = handling.look_ups_of(command, request.case_id)
        return await self._write(request, wire.ActOnCaseResponse, work, request.case_id, act, keys)

    # Looking

    async def GetCase(self, request: wire.GetCaseRequest, context: Any) -> Any:
        now = self._clock()

        def work(connection: Connection) -> wire.GetCaseResponse:
            case_id = cases.id_of(connection, request.case_ref)
            case = cases.load(connection, case_id)
            handling.require_may_look(accounts.find(connection, request.actor_id), case)
            act = wire.Act(actor_id=request.actor_id)
            view = self._view(connection, case, act, now)
            self._show_others(connection, case, view, request.actor_id, now)
            if accounts.find(connection, request.actor_id).actor.kind is ActorKind.STAFF:
                _show_credit(connection, case, view, day_of(now))
            insert_record(
                connection, now, request.actor_id, case_id, "GetCase", request.purpose, ""
            )
            return wire.GetCaseResponse(case=view)

        return await self._recorded(
            "GetCase",
            request.actor_id,
            request.case_ref,
            self._database.write(work),
            request.purpose,
        )

    async def ListCases(self, request: wire.ListCasesRequest, context: Any) -> Any:
        now = self._clock()

        def look(connection: Connection) -> wire.ListCasesResponse:
            account = accounts.find(connection, request.actor_id)
            if account.actor.kind is ActorKind.AGENT:
                # Whatever an agent asks for, it is her own cases.
                request.agent_id = request.actor_id
            if request.export_purpose:
                accounts.require_power(connection, request.actor_id, now, Power.SUPERVISE)
            return listing.list_cases(connection, self._hall, request, day_of(now))

        actor, purpose = request.actor_id, request.export_purpose[:PURPOSE_CHARACTERS_MAX]
        act = "ExportCases" if purpose else "ListCases"
        answer = await self._recorded(act, actor, "", self._database.read(look), purpose)
        if purpose and not request.page_token:
            # An export is one look, however many pages it takes.
            await self._record(actor, "", act, purpose, "")
        return answer

    async def GetProgress(self, request: wire.GetProgressRequest, context: Any) -> Any:
        now = self._clock()

        def work(connection: Connection) -> wire.GetProgressResponse | None:
            """None if number and code do not go together: that it was tried has to stay on record."""
            case = _case_of_no(connection, request.case_no)
            # However its number is written, it is one case.
            whose = case.case_id if case is not None else request.case_no
            policy = self._hall.releases.policy(connection)
            guessing.begin(connection, Secret.QUERY_CODE, whose, policy, now)
            if case is None or case.filed.query_code != request.query_code.strip().upper():
                return None
            guessing.was_right(connection, Secret.QUERY_CODE, whose)
            insert_record(connection, now, "applicant", case.case_id, "GetProgress", "", "")
            return views.progress(connection, self._hall, case, now)

        return await self._recorded(
            "GetProgress", "applicant", request.case_no, self._progress(work)
        )

    async def _progress(
        self, work: Callable[[Connection], wire.GetProgressResponse | None]
    ) -> wire.GetProgressResponse:
        """Raises CaseUnknown: which of the two was wrong is nobody's business."""
        found = await self._database.write(work)
        if found is None:
            raise CaseUnknown()
        return found

    # How every write is done

    async def _commit(
        self, work: Callable[[Connection], Response], keys: Mapping[LookUp, str]
    ) -> Response:
        """The acts of many clerks share a transaction, and each belongs to its own trace."""
        asked = telemetry.present()

        def traced(connection: Connection) -> Response:
            with telemetry.within(asked):
                return work(connection)

        return await self._writes.write(traced, keys)

    def _look_up_like(self, connection: Connection, matters: Sequence[str]) -> None:
        alike.look_up(connection, matters, self._clock() - views.LIKE_WITHIN)

    def _view(
        self, connection: Connection, case: Case, act: wire.Act, now: datetime
    ) -> wire.CaseView:
        account = accounts.find(connection, act.actor_id)
        row = cases.row_of(connection, case)
        return views.case_view(connection, self._hall, case, account, row, now)

    def _show_others(
        self,
        connection: Connection,
        case: Case,
        view: wire.CaseView,
        actor_id: str,
        now: datetime,
    ) -> None:
        """The same person, item and option once more: shown to staff, never to agents."""
        if self._show_others_here(connection, case, view, actor_id, now):
            for row in alike.elsewhere_like(connection, case):
                view.alike_elsewhere.add(
                    case_no=row.other_case_no,
                    hall=row.other_hall,
                    received_on=row.received_on.isoformat(),
                )

    def _show_others_here(
        self,
        connection: Connection,
        case: Case,
        view: wire.CaseView,
        actor_id: str,
        now: datetime,
    ) -> bool:
        """Those of this hall: of others nobody can have heard yet when a case is filed. Whether they may be shown."""
        if accounts.find(connection, actor_id).actor.kind is ActorKind.AGENT:
            return False
        since = now - views.LIKE_WITHIN
        if alike.is_filed_twice(case):
            cases.write_now(connection)
        for row in alike.others_like(connection, case, since):
            view.possible_duplicates.append(views.summary(row, day_of(now)))
        return True


def _summary_view(connection: Connection, case: Case, now: datetime) -> wire.CaseView:
    return wire.CaseView(summary=views.summary(cases.row_of(connection, case), day_of(now)))


def _case_of_no(connection: Connection, case_no: str) -> Case | None:
    with contextlib.suppress(CaseUnknown):
        return cases.load(connection, cases.id_of(connection, case_no))
    return None


def _matter_of(request: wire.FileCaseRequest) -> str:
    kind, number = request.applicant.document_kind, request.applicant.document_number
    return matter(request.item_id, request.option, kind, number)


def _show_credit(connection: Connection, case: Case, view: wire.CaseView, today: date) -> None:
    """Whether a promise of the applicant stands as broken, and until when he may not apply for the item again: told
    to staff who open the case."""
    broken = credit.broken_since(connection, case.filed.applicant)
    view.credit_broken_since = broken.isoformat() if broken else ""
    bar = credit.bar_of(connection, case.filed.applicant, case.filed.item_id, today)
    if bar is not None:
        view.barred_until, view.barred_by = str(bar.barred_until), bar.article

"""The methods of the intake's face that show and change mandates, and what is unusual about them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from hallnet.case.case import day_of
from hallnet.case.context import require_text
from hallnet.case.fact import MandateChange
from hallnet.case.mandate import MANDATE
from hallnet.case.person import ActorKind
from hallnet.case.power import Power
from hallnet.intake import accounts, mandates, permissions
from hallnet.intake.answering import Answering
from hallnet.intake.asked import ChoiceMissing
from hallnet.intake.identifiers import new_id
from hallnet.node.paging import Page
from hallnet.store import Connection
from hallnet.window.agent_watch import Flag, flags
from hallnet.wire.intake.v1 import intake_service_pb2 as wire

FLAGGED_DAYS_BACK = 90


class MandatesFace(Answering):
    """Records mandates, shows and changes them."""

    async def RegisterMandate(self, request: wire.RegisterMandateRequest, context: Any) -> Any:
        now = self._clock()
        mandate = MANDATE.from_message(request.mandate)

        def work(connection: Connection) -> wire.RegisterMandateResponse:
            recorded = mandates.register(
                connection,
                mandate,
                new_id(now, self._hall.random_bytes),
                request.act.actor_id,
                now,
            )
            return wire.RegisterMandateResponse(mandate=MANDATE.to_message(recorded))

        return await self._write(request, wire.RegisterMandateResponse, work)

    async def ListMandates(self, request: wire.ListMandatesRequest, context: Any) -> Any:
        page = Page.of(request.page_size, request.page_token)
        today = day_of(self._clock())

        def look(connection: Connection) -> wire.ListMandatesResponse:
            account = accounts.find(connection, request.actor_id)
            is_agent = account.actor.kind is ActorKind.AGENT
            agent_id = request.actor_id if is_agent else request.agent_id
            rows = permissions.listed(connection, agent_id, request.client_document, page)
            places = [page.after + number for number in range(1, len(rows) + 1)]
            shown = permissions.Shown(connection, self._hall, today)
            return wire.ListMandatesResponse(
                mandates=[shown.view(row) for row in rows[: page.size]],
                next_page_token=page.next_token(places),
            )

        actor = request.actor_id
        return await self._recorded("ListMandates", actor, "", self._database.read(look))

    async def ChangeMandate(self, request: wire.ChangeMandateRequest, context: Any) -> Any:
        now = self._clock()
        if int(request.change) not in {int(change) for change in MandateChange}:
            raise ChoiceMissing("change", field="change")
        change = MandateChange(request.change)

        def work(connection: Connection) -> wire.ChangeMandateResponse:
            accounts.find(connection, request.act.actor_id)
            require_text(request.reason, "reason")
            return permissions.change(
                connection,
                self._hall,
                request.act.actor_id,
                request.mandate_id,
                change,
                request.reason,
                request.act.request_id,
                now,
            )

        return await self._write(request, wire.ChangeMandateResponse, work, request.mandate_id)

    async def ListAgentFlags(self, request: wire.ListAgentFlagsRequest, context: Any) -> Any:
        now = self._clock()
        since = day_of(now) - timedelta(days=FLAGGED_DAYS_BACK)

        def look(connection: Connection) -> wire.ListAgentFlagsResponse:
            accounts.require_power(connection, request.actor_id, now, Power.SUPERVISE)
            seen, is_cut = permissions.seen(connection, since)
            found = flags(seen, permissions.deciders(connection, day_of(now)))
            names = {
                one.actor.actor_id: one.actor.name for one in accounts.agents(connection, True)
            }
            return wire.ListAgentFlagsResponse(
                flags=[_flag_message(flag, names) for flag in found], is_cut=is_cut
            )

        actor = request.actor_id
        answer = await self._recorded("ListAgentFlags", actor, "", self._database.read(look))
        await self._record(actor, "", "ListAgentFlags", "", "")
        return answer


def _flag_message(flag: Flag, names: dict[str, str]) -> wire.AgentFlag:
    return wire.AgentFlag(
        kind=int(flag.kind),  # type: ignore[arg-type]
        agent_id=flag.agent_id,
        agent_name=names.get(flag.agent_id, flag.agent_id),
        count=flag.count,
        mandate_ids=flag.mandate_ids,
        by_name=flag.by_name,
    )

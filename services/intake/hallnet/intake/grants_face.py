"""The methods of the intake's face by which powers are given, taken back and listed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from hallnet.case import grant as rules
from hallnet.case.case import day_of
from hallnet.case.catalogue import accepts_here
from hallnet.case.grant import Grant
from hallnet.case.power import Power
from hallnet.case.problems import GrantImpossible
from hallnet.intake import accounts
from hallnet.intake.accounts import GRANT
from hallnet.intake.answering import Answering
from hallnet.intake.listing import day_from
from hallnet.intake.numbers.numbers_face import require_staff
from hallnet.intake.window import tickets
from hallnet.store import Connection
from hallnet.wire.intake.v1 import intake_service_pb2 as wire

_OVERSEES = (Power.HEAD, Power.SUPERVISE)


class GrantsFace(Answering):
    """Gives powers, takes them back, and lists them."""

    async def GrantPower(self, request: wire.GrantPowerRequest, context: Any) -> Any:
        now, by = self._clock(), request.act.actor_id
        request.grant.number = 0

        def work(connection: Connection) -> wire.GrantPowerResponse:
            accounts.require_power(connection, by, now, Power.HEAD)
            wanted = GRANT.from_message(request.grant)

            def rule(grants: Sequence[Grant]) -> tuple[Grant, ...]:
                return rules.given(grants, wanted, request.actor_id, by, now)

            if (
                wanted.window_id
                and not tickets.find_window(connection, wanted.window_id).needs_rota
            ):
                # Who sits at another window nobody writes down.
                raise GrantImpossible("grant.window_id", why="该窗口不实行轮值")
            if wanted.department:
                self._require_department(connection, wanted.department, day_of(now))
            after = accounts.change_grants(connection, request.actor_id, rule)
            return wire.GrantPowerResponse(grant=GRANT.to_message(after[-1]))

        return await self._write(request, wire.GrantPowerResponse, work, request.actor_id[:64])

    def _require_department(self, connection: Connection, department: str, day: date) -> None:
        """A name that no item bears would cover nothing, and nobody would notice."""
        items = self._hall.releases.items_in_force(connection, day)
        if department not in rules.departments(items):
            raise GrantImpossible(
                "grant.department",
                why="目录中没有由该部门办理的事项或联办环节，请按目录填写部门名称或统一社会信用代码",
            )

    async def RevokePower(self, request: wire.RevokePowerRequest, context: Any) -> Any:
        now, by = self._clock(), request.act.actor_id

        def rule(grants: Sequence[Grant]) -> tuple[Grant, ...]:
            return rules.revoked(grants, request.number, by, request.reason, now)

        def work(connection: Connection) -> wire.RevokePowerResponse:
            accounts.require_power(connection, by, now, Power.HEAD)
            after = accounts.change_grants(connection, request.actor_id, rule)
            found = next(grant for grant in after if grant.number == request.number)
            return wire.RevokePowerResponse(grant=GRANT.to_message(found))

        return await self._write(request, wire.RevokePowerResponse, work, request.actor_id[:64])

    async def ListGrants(self, request: wire.ListGrantsRequest, context: Any) -> Any:
        today = day_of(self._clock())

        def look(connection: Connection) -> wire.ListGrantsResponse:
            require_staff(connection, request.actor_id)
            own = accounts.find(connection, request.actor_id)
            if accounts.held(connection, own, today).powers.isdisjoint(_OVERSEES):
                request.holder = request.actor_id
            return wire.ListGrantsResponse(
                grants=[
                    wire.HeldGrant(
                        actor_id=account.actor.actor_id,
                        name=account.actor.name,
                        grant=GRANT.to_message(grant),
                        state=int(grant.state_on(today)),  # type: ignore[arg-type]
                    )
                    for account in accounts.staff(connection)
                    if request.holder in ("", account.actor.actor_id)
                    for grant in account.grants
                    if request.power in (0, grant.power)
                    and request.state in (0, grant.state_on(today))
                ]
            )

        return await self._recorded(
            "ListGrants", request.actor_id, request.holder, self._database.read(look)
        )

    async def ListPowerGaps(self, request: wire.ListPowerGapsRequest, context: Any) -> Any:
        hall, today = self._hall, day_of(self._clock())
        day = day_from(request.on_day, "on_day") if request.on_day else today

        def look(connection: Connection) -> wire.ListPowerGapsResponse:
            require_staff(connection, request.actor_id)
            items = [
                item
                for item in hall.releases.items_in_force(connection, day)
                if accepts_here(item, hall.address, hall.branch_field, False)
            ]
            found = rules.gaps(
                items,
                hall.releases.policy(connection),
                [account.grants for account in accounts.staff(connection)],
                [window.window_id for window in tickets.windows(connection)],
                day,
            )
            return wire.ListPowerGapsResponse(
                gaps=[
                    wire.PowerGap(
                        item_id=gap.item.item_id,
                        item_name=gap.item.name,
                        kind=gap.kind,
                        power=int(gap.power),  # type: ignore[arg-type]
                    )
                    for gap in found
                ]
            )

        return await self._recorded(
            "ListPowerGaps", request.actor_id, "", self._database.read(look)
        )

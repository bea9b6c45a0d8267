"""What people do at a counter: a member of staff or an agent at the services of one hall."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Sequence
from datetime import date, timedelta

from hallnet.demo.world import AGENT, CHIEF, CLERK, Villager
from hallnet.node.client import problems_raised
from hallnet.node.desk import Desk
from hallnet.wire.case.v1 import case_event_pb2 as wire_event
from hallnet.wire.case.v1 import command_pb2 as wire_command
from hallnet.wire.case.v1 import item_pb2 as wire_item
from hallnet.wire.case.v1 import person_pb2 as wire_person
from hallnet.wire.exchange.v1 import exchange_service_pb2 as wire_exchange
from hallnet.wire.intake.v1 import intake_service_pb2 as wire
from hallnet.wire.notify.v1 import notify_service_pb2 as wire_notify

UPLOAD_BYTES = 64 * 1024


class Counter:
    """A hall's services, used in the name of its people."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk

    async def open_accounts(self, password: str, points: Sequence[str]) -> None:
        """A clerk, a chief representative who decides, and where there are villages an agent."""
        powers = wire.Power
        clerk = ["RECEIVE", "VERIFY", "GATEKEEP", "REVIEW", "DECIDE_INSTANT", "COORDINATE"]
        people: list[tuple[str, str, wire_person.ActorKind.ValueType, list[str], list[str]]] = [
            (CLERK, "李窗口", wire_person.ACTOR_KIND_STAFF, clerk, []),
            (CHIEF, "王首席", wire_person.ACTOR_KIND_STAFF, [*clerk, "DECIDE", "SUPERVISE"], []),
        ]
        if points:
            people.append((AGENT, "方代办", wire_person.ACTOR_KIND_AGENT, [], list(points)))
        for actor_id, name, kind, names, villages in people:
            account = wire.Account(
                actor=wire_person.Actor(kind=kind, actor_id=actor_id, name=name),
                powers=[powers.Value(f"POWER_{power}") for power in names],
                points=villages,
            )
            with problems_raised():
                await self.desk.intake.PutAccount(
                    wire.PutAccountRequest(
                        request_id=_new(),
                        account=account,
                        password=password,
                        password_is_own=True,
                    )
                )

    async def items(self) -> list[wire_item.ItemVersion]:
        with problems_raised():
            response = await self.desk.intake.ListItems(wire.ListItemsRequest())
        return list(response.items)

    async def item(self, item_id: str) -> wire_item.ItemVersion:
        return next(item for item in await self.items() if item.item_id == item_id)

    async def upload(self, actor: str, name: str, data: bytes) -> wire_person.Material:
        async def parts() -> AsyncIterator[wire.UploadMaterialRequest]:
            yield wire.UploadMaterialRequest(
                description=wire.MaterialDescription(
                    act=_act(actor), name=name, media_type="image/png"
                )
            )
            for at in range(0, len(data), UPLOAD_BYTES):
                yield wire.UploadMaterialRequest(data=data[at : at + UPLOAD_BYTES])

        with problems_raised():
            return (await self.desk.intake.UploadMaterial(parts())).material

    async def mandate(
        self, villager: Villager, item_id: str, evidence: wire_person.Material
    ) -> wire_person.Mandate:
        """The agent records a villager's permission."""
        today = date.today()
        mandate = wire_person.Mandate(
            client=person(villager),
            agent_id=AGENT,
            item_ids=[item_id],
            acts=[wire_person.MANDATE_ACT_SUBMIT, wire_person.MANDATE_ACT_COLLECT],
            valid_from=(today - timedelta(days=1)).isoformat(),
            valid_until=(today + timedelta(days=90)).isoformat(),
            evidence_kind=wire_person.MANDATE_EVIDENCE_KIND_FINGERPRINT,
            evidence=evidence,
        )
        with problems_raised():
            response = await self.desk.intake.RegisterMandate(
                wire.RegisterMandateRequest(act=_act(AGENT), mandate=mandate)
            )
        return response.mandate

    async def file(
        self,
        actor: str,
        item_id: str,
        villager: Villager,
        materials: Sequence[wire_person.Material],
        *,
        mandate_id: str = "",
        intake_point: str = "",
        for_division: str = "",
    ) -> wire.CaseView:
        channel = wire_event.CHANNEL_AGENT if mandate_id else wire_event.CHANNEL_COUNTER
        with problems_raised():
            response = await self.desk.intake.FileCase(
                wire.FileCaseRequest(
                    act=_act(actor),
                    item_id=item_id,
                    applicant=person(villager),
                    channel=channel,
                    intake_point=intake_point,
                    for_division=for_division,
                    materials=materials,
                    mandate_id=mandate_id,
                )
            )
        return response.case

    async def file_complete(
        self, actor: str, item_id: str, villager: Villager, picture: bytes, for_division: str = ""
    ) -> wire.CaseView:
        """File with everything that the item asks of an applicant."""
        item = await self.item(item_id)
        materials = [await self.upload(actor, name, picture) for name in asked_for(item)]
        return await self.file(actor, item_id, villager, materials, for_division=for_division)

    async def act(
        self, actor: str, case_id: str, command: wire_command.CaseCommand
    ) -> wire.ActOnCaseResponse:
        with problems_raised():
            return await self.desk.intake.ActOnCase(
                wire.ActOnCaseRequest(act=_act(actor), case_id=case_id, command=command)
            )

    async def notice(self, case_id: str, missing: Sequence[str]) -> wire.CaseView:
        defects = [
            wire_event.Defect(material=name, problem="未提交", remedy="请补交后继续办理")
            for name in missing
        ]
        command = wire_command.GiveNotice(defects=defects)
        wanted = wire_command.CaseCommand(give_notice=command)
        return (await self.act(CLERK, case_id, wanted)).case

    async def supplement(
        self, actor: str, case_id: str, materials: Sequence[wire_person.Material]
    ) -> wire.ActOnCaseResponse:
        command = wire_command.Supplement(materials=materials)
        return await self.act(actor, case_id, wire_command.CaseCommand(supplement=command))

    async def accept(self, case_id: str) -> wire.CaseView:
        wanted = wire_command.CaseCommand(accept=wire_command.Accept())
        return (await self.act(CLERK, case_id, wanted)).case

    async def review(self, case_id: str, explanation: str) -> wire.CaseView:
        command = wire_command.Review(
            opinion=wire_event.OPINION_FAVOURABLE, explanation=explanation
        )
        return (await self.act(CLERK, case_id, wire_command.CaseCommand(review=command))).case

    async def hand_over(self, case_id: str, explanation: str) -> wire.CaseView:
        command = wire_command.HandOver(explanation=explanation)
        return (await self.act(CLERK, case_id, wire_command.CaseCommand(hand_over=command))).case

    async def grant(self, case_id: str, actor: str = CHIEF) -> wire.CaseView:
        command = wire_command.Decide(outcome=wire_event.OUTCOME_GRANTED, reasons="经审查符合条件")
        return (await self.act(actor, case_id, wire_command.CaseCommand(decide=command))).case

    async def close(
        self, case_id: str, received_by: str = "申请人本人", no_fee: str = ""
    ) -> wire.CaseView:
        command = wire_command.Close(
            method=wire_event.DELIVERY_METHOD_COUNTER, received_by=received_by, no_fee=no_fee
        )
        return (await self.act(CLERK, case_id, wire_command.CaseCommand(close=command))).case

    async def look(self, case_ref: str) -> wire.CaseView:
        """Raises Reported (CASE_UNKNOWN) while the case has not come."""
        with problems_raised():
            response = await self.desk.intake.GetCase(
                wire.GetCaseRequest(case_ref=case_ref, actor_id=CHIEF, purpose="演示")
            )
        return response.case

    async def progress(self, case_no: str, query_code: str) -> wire.GetProgressResponse:
        with problems_raised():
            return await self.desk.intake.GetProgress(
                wire.GetProgressRequest(case_no=case_no, query_code=query_code)
            )

    async def notices(self, subject: str) -> list[wire_notify.Notice]:
        with problems_raised():
            response = await self.desk.notify.ListNotices(
                wire_notify.ListNoticesRequest(subject=subject, page_size=500)
            )
        return list(response.notices)

    async def status(self) -> wire_exchange.GetStatusResponse:
        with problems_raised():
            return await self.desk.exchange.GetStatus(wire_exchange.GetStatusRequest())

    async def incidents(self) -> list[wire_exchange.RecordedIncident]:
        with problems_raised():
            response = await self.desk.exchange.ListIncidents(wire_exchange.ListIncidentsRequest())
        return list(response.incidents)

    async def bundle(self, case_id: str) -> bytes:
        """The case with its proofs."""
        parts = self.desk.exchange.ExportBundle(
            wire_exchange.ExportBundleRequest(subject=case_id, actor_id=CHIEF, purpose="演示导出")
        )
        with problems_raised():
            return b"".join([part.data async for part in parts])


def asked_for(item: wire_item.ItemVersion) -> list[str]:
    """Names of the materials that an applicant has to hand in."""
    return [
        material.name
        for material in item.materials
        if material.requirement == wire_item.REQUIREMENT_NEEDED
        and material.source != wire_item.MATERIAL_SOURCE_SHARED
    ]


def person(villager: Villager) -> wire_person.Person:
    return wire_person.Person(
        name=villager.name,
        document_kind="111",
        document_number=villager.number,
        phone=villager.phone,
    )


def _act(actor: str) -> wire.Act:
    return wire.Act(request_id=_new(), actor_id=actor)


def _new() -> str:
    return str(uuid.uuid4())

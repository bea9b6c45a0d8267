"""A device as its program sees it: it queues items, sends them, and keeps what became of them."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from google.protobuf import json_format
from google.protobuf.message import Message
from tests.exchange.test_face import ask
from tests.intake.parts import (
    AGENT,
    APPLICATION,
    AUTHORISATION,
    MATERIAL,
    PERSON,
    SUBSISTENCE,
    VILLAGE,
    act,
    mandate,
)
from tests.simulation.halls import World
from tests.simulation.worlds import TOWNSHIP

from hallnet.case.mandate import MANDATE
from hallnet.case.person import Person
from hallnet.codec.moments import to_timestamp
from hallnet.intake.accounts import Account
from hallnet.intake.device.face import DeviceFace
from hallnet.wire.case.v1 import case_event_pb2 as wire_event
from hallnet.wire.case.v1 import command_pb2 as wire_command
from hallnet.wire.device.v1 import device_pb2 as wire
from hallnet.wire.device.v1 import device_service_pb2 as service
from hallnet.wire.intake.v1 import intake_service_pb2 as wire_intake

DONE, REFUSED, CONFLICT, WAITS, QUARANTINED, DISCARDED = (
    wire.ITEM_STATE_DONE,
    wire.ITEM_STATE_REFUSED,
    wire.ITEM_STATE_CONFLICT,
    wire.ITEM_STATE_WAITS,
    wire.ITEM_STATE_QUARANTINED,
    wire.ITEM_STATE_DISCARDED,
)
SECRET = b"s" * 32


def device_face(world: World, at: str = TOWNSHIP) -> DeviceFace:
    station = world.at(at)
    return DeviceFace(station.intake, station.hall, lambda: world.time.now)


def call(world: World, method: str, at: str = TOWNSHIP, **values: Any) -> Any:
    request = getattr(service, f"{method}Request")(**values)
    return ask(getattr(device_face(world, at), method)(request, None))


def new_uuid(world: World) -> str:
    return str(uuid.UUID(bytes=world.chance.randbytes(16), version=4))


def json_of(body: wire.ItemBody) -> bytes:
    return json_format.MessageToJson(body).encode()


@dataclass
class Device:
    """A device of one account, enrolled and opened."""

    world: World
    account: Account = AGENT
    secret: bytes = SECRET
    device_id: str = ""
    key: bytes = field(init=False)

    def __post_init__(self) -> None:
        if not self.device_id:
            enrolled = call(
                self.world,
                "EnrolDevice",
                act=act(self.account),
                name="村里的平板",
                secret=self.secret,
            )
            self.device_id = enrolled.device.device_id
        opened = call(self.world, "OpenDevice", credential=self.credential, actor_id=self.actor_id)
        self.key = opened.item_key

    @property
    def actor_id(self) -> str:
        return self.account.actor.actor_id

    @property
    def credential(self) -> wire.Credential:
        return wire.Credential(device_id=self.device_id, secret=self.secret)

    def item(self, wanted: Message, *depends_on: str, **changes: Any) -> wire.QueuedItem:
        """What somebody did at the device, under an id of its own."""
        body = wire.ItemBody(
            account=changes.get("account", self.actor_id),
            made_at=to_timestamp(changes.get("made_at", self.world.time.now)),
            depends_on=depends_on,
        )
        name = {"Mandate": "mandate", "Application": "application", "CaseAct": "case_act"}[
            wanted.DESCRIPTOR.name
        ]
        getattr(body, name).CopyFrom(wanted)
        client_id = changes.get("client_id") or new_uuid(self.world)
        return wire.QueuedItem(client_id=client_id, body=json_of(body))

    def exchange(self, *items: wire.QueuedItem) -> list[wire.ItemResult]:
        answer = call(
            self.world,
            "ExchangeItems",
            credential=self.credential,
            actor_id=self.actor_id,
            items=items,
        )
        return list(answer.results)

    def permission(self, client: Person, *depends_on: str, **changes: Any) -> wire.QueuedItem:
        """A villager's mandate; its id is the one of its item, so that others can name it."""
        client_id = new_uuid(self.world)
        given = mandate(self.world, client, mandate_id=client_id, **changes)
        return self.item(MANDATE.to_message(given), *depends_on, client_id=client_id)

    def application(
        self,
        client: Person,
        under: wire.QueuedItem,
        papers: Sequence[str] = (APPLICATION, AUTHORISATION),
        number: str = "",
        **changes: Any,
    ) -> wire.QueuedItem:
        """An application for a villager, under a mandate that is queued before."""
        filing = wire_intake.FileCaseRequest(
            item_id=SUBSISTENCE,
            applicant=PERSON.to_message(client),
            channel=wire_event.CHANNEL_AGENT,
            intake_point=VILLAGE,
            mandate_id=under.client_id,
            materials=[MATERIAL.to_message(self.world.upload(TOWNSHIP, name)) for name in papers],
        )
        wanted = wire.Application(filing=filing, reserved_case_no=number)
        return self.item(wanted, under.client_id, **changes)

    def on_case(
        self, command: Message, *depends_on: str, seen: wire.Seen | None = None, **values: Any
    ) -> wire.QueuedItem:
        """Something to be done with a case."""
        wanted = wire.CaseAct(
            case_id=values.pop("case_id", ""), filed_by=values.pop("filed_by", "")
        )
        if seen is not None:
            wanted.based_on.CopyFrom(seen)
        chosen = wire_command.CaseCommand()
        name = next(
            field.name
            for field in chosen.DESCRIPTOR.fields
            if field.message_type is command.DESCRIPTOR
        )
        getattr(chosen, name).CopyFrom(command)
        wanted.command.CopyFrom(chosen)
        return self.item(wanted, *depends_on, **values)

    def filed(self, papers: Sequence[str] = (APPLICATION, AUTHORISATION)) -> wire.ItemResult:
        """A case that was filed from the device for some villager."""
        client = self.world.person()
        permission = self.permission(client)
        application = self.application(client, permission, papers)
        results = self.exchange(permission, application)
        assert [result.state for result in results] == [DONE, DONE], results
        return results[1]

    def settle(self, item: str, by: Account | None = None, discard: bool = False) -> Any:
        return call(
            self.world,
            "SettleItem",
            act=act(by or self.account),
            account=self.actor_id,
            client_id=item,
            discard=discard,
            reason="已与村民核实",
        ).result

    def changes(self, **values: Any) -> service.GetChangesResponse:
        answer: service.GetChangesResponse = call(
            self.world,
            "GetChanges",
            credential=self.credential,
            actor_id=self.actor_id,
            **values,
        )
        return answer


def states(results: Sequence[wire.ItemResult]) -> list[int]:
    return [result.state for result in results]

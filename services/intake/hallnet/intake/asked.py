"""What a caller asks to be done with a case: read from the wire, with choices that were not made named."""

from __future__ import annotations

from datetime import datetime

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

from hallnet.case.command import COMMAND, Command
from hallnet.case.reuse import MaterialNotHeld
from hallnet.codec.moments import to_timestamp
from hallnet.problems import Kind, Problem
from hallnet.wire.case.v1 import command_pb2 as wire
from hallnet.wire.case.v1 import person_pb2 as wire_person


class ChoiceMissing(Problem):
    """A choice among given values that was not made."""

    kind = Kind.INVALID
    reason = "CHOICE_MISSING"
    zh = "必选内容“{field}”没有选择"
    zh_remedy = "请选择后再提交"
    en = "No choice was made for {field}"
    en_remedy = "Choose one of its values"


def read_command(message: wire.CaseCommand, now: datetime) -> Command:
    """Raises ChoiceMissing, MessageMalformed, MaterialNotHeld: materials are taken again when a case is filed or
    supplemented, for nothing else. A material that does not say when it was handed in is handed in now."""
    chosen = message.WhichOneof("command")
    if chosen is None:
        raise ChoiceMissing("command", field="command")
    named: Message = getattr(message, chosen)
    enums = [
        field.name for field in named.DESCRIPTOR.fields if field.type == FieldDescriptor.TYPE_ENUM
    ]
    require_choices(named, *enums)
    for material in materials_of(named):
        if not material.HasField("submitted_at"):
            material.submitted_at.CopyFrom(to_timestamp(now))
        # Who supplied it the hall knows, not who asks.
        material.supplied_by = ""
        if material.taken_from and chosen != "supplement":
            raise MaterialNotHeld(
                "materials", material=material.name, case_no=material.taken_from[:64]
            )
    return COMMAND.from_message(message).command


def require_choices(message: Message, *fields: str) -> None:
    """Raises ChoiceMissing for the first of some fields whose value is none of its enum."""
    for name in fields:
        enum = message.DESCRIPTOR.fields_by_name[name].enum_type
        assert enum is not None, name
        if getattr(message, name) == 0 or getattr(message, name) not in enum.values_by_number:
            raise ChoiceMissing(name, field=name)


def materials_of(message: Message) -> list[wire_person.Material]:
    """The materials that a message names in fields of its own."""
    found: list[wire_person.Material] = []
    for field, value in message.ListFields():
        if field.message_type is wire_person.Material.DESCRIPTOR:
            found += list(value) if field.is_repeated else [value]
    return found

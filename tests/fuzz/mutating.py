"""Changing genuine messages: a field here, a byte there, also in messages that lie inside bytes.

What is changed follows from a number alone, so a finding is repeated by its number.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from typing import Any

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import DecodeError, Message

from hallnet.wire.case.v1 import case_event_pb2 as wire_case
from hallnet.wire.exchange.v1 import case_bundle_pb2 as wire_bundle
from hallnet.wire.exchange.v1 import envelope_pb2 as wire
from hallnet.wire.release.v1 import release_pb2 as wire_release
from hallnet.wire.trust.v1 import certificate_pb2 as wire_trust

CHANGES_MAX = 3
LONG = 10_000
INSIDE: dict[str, type[Message]] = {
    "Envelope.header": wire.Header,
    "Envelope.sealed_body": wire.SealedBody,
    "Receipt.body": wire.ReceiptBody,
    "Certificate.body": wire_trust.CertificateBody,
    "CertificateRequest.body": wire_trust.CertificateRequestBody,
    "Revocation.body": wire_trust.RevocationBody,
    "SignedRelease.body": wire_release.ReleaseBody,
    "SignedCaseBundle.bundle": wire_bundle.CaseBundle,
    "Exhibit.header": wire.Header,
    "CaseEvents.events": wire_case.CaseEvent,
}
"""Fields of bytes in which another message lies."""

TEXTS = (
    "",
    "\0",
    "x" * LONG,
    "\ud7ff\U0010ffff",
    "33/../..",
    "３３０１２７",
    "330127\n",
    "{}",
    "%s",
    "٣٣",
)
NUMBERS = (0, 1, -1, 2**31 - 1, -(2**31), 2**31, 2**32 - 1, 2**63 - 1, -(2**63), 2**64 - 1, 77)
RANGES = {
    FieldDescriptor.CPPTYPE_INT32: (-(2**31), 2**31 - 1),
    FieldDescriptor.CPPTYPE_ENUM: (-(2**31), 2**31 - 1),
    FieldDescriptor.CPPTYPE_UINT32: (0, 2**32 - 1),
    FieldDescriptor.CPPTYPE_INT64: (-(2**63), 2**63 - 1),
    FieldDescriptor.CPPTYPE_UINT64: (0, 2**64 - 1),
}

Place = tuple[Message, FieldDescriptor, Callable[[], None]]
"""A field of a message, and what writes the message back into the bytes in which it lies."""


def mutated(data: bytes, message_type: type[Message], number: int) -> bytes:
    """A message with one to three changes, of fields or of bytes."""
    chance = random.Random(number)
    for _ in range(chance.randint(1, CHANGES_MAX)):
        data = (
            _change_field(data, message_type, chance)
            if chance.random() < 0.75
            else _change_bytes(data, chance)
        )
    return data


def change_bytes_by(data: bytes, number: int) -> bytes:
    """One to three changes of bytes alone, for what is no message."""
    chance = random.Random(number)
    for _ in range(chance.randint(1, CHANGES_MAX)):
        data = _change_bytes(data, chance)
    return data


def _change_field(data: bytes, message_type: type[Message], chance: random.Random) -> bytes:
    message = message_type()
    try:
        message.ParseFromString(data)
    except DecodeError:
        return _change_bytes(data, chance)
    places = list(_places(message, lambda: None))
    holder, field, write_back = chance.choice(places)
    _spoil(holder, field, chance)
    write_back()
    return message.SerializeToString()


def _places(message: Any, write_back: Callable[[], None]) -> Iterator[Place]:
    """Every field of a message and of what lies in it, with what is not set."""
    for field in message.DESCRIPTOR.fields:
        yield message, field, write_back
    for field, value in message.ListFields():
        if field.message_type is not None:
            for inner in value if field.is_repeated else (value,):
                yield from _places(inner, write_back)
        elif (kind := INSIDE.get(f"{message.DESCRIPTOR.name}.{field.name}")) is not None:
            for index in range(len(value)) if field.is_repeated else (None,):
                yield from _places_inside(message, field, index, kind, write_back)


def _places_inside(
    message: Any,
    field: FieldDescriptor,
    index: int | None,
    kind: type[Message],
    write_back: Callable[[], None],
) -> Iterator[Place]:
    value = getattr(message, field.name)
    inner = kind()
    try:
        inner.ParseFromString(value if index is None else value[index])
    except DecodeError:
        return

    def write() -> None:
        raw = inner.SerializeToString()
        if index is None:
            setattr(message, field.name, raw)
        else:
            getattr(message, field.name)[index] = raw
        write_back()

    yield from _places(inner, write)


def _spoil(message: Any, field: FieldDescriptor, chance: random.Random) -> None:
    if field.is_repeated:
        _spoil_list(getattr(message, field.name), field, chance)
    elif field.message_type is not None:
        inner = getattr(message, field.name)
        inner.Clear() if chance.random() < 0.5 else inner.SetInParent()
    elif chance.random() < 0.2:
        message.ClearField(field.name)
    else:
        setattr(message, field.name, _scalar(field, getattr(message, field.name), chance))


def _spoil_list(values: Any, field: FieldDescriptor, chance: random.Random) -> None:
    what = chance.randrange(5)
    if what == 0 and len(values):
        del values[chance.randrange(len(values))]
    elif what == 1 and len(values):
        values.extend([values[chance.randrange(len(values))]] * chance.choice((1, 2, 300)))
    elif what == 2 and len(values) > 1:
        order = list(values)
        chance.shuffle(order)
        del values[:]
        values.extend(order)
    elif field.message_type is not None:
        for _ in range(chance.choice((1, 300))):
            values.add()
    elif len(values) and what == 3:
        at = chance.randrange(len(values))
        values[at] = _scalar(field, values[at], chance)
    else:
        values.append(_scalar(field, None, chance))


def _scalar(field: FieldDescriptor, value: Any, chance: random.Random) -> Any:
    kind = field.cpp_type
    if kind == FieldDescriptor.CPPTYPE_STRING:
        if field.type == FieldDescriptor.TYPE_BYTES:
            return _change_bytes(value or b"", chance)
        return chance.choice((*TEXTS, f"{value}{value}", f" {value}"))
    if kind == FieldDescriptor.CPPTYPE_BOOL:
        return not value
    low, high = RANGES[kind]
    near = (value or 0) + chance.choice((-1, 1))
    return chance.choice([number for number in (*NUMBERS, near) if low <= number <= high])


def _change_bytes(data: bytes, chance: random.Random) -> bytes:
    what = chance.randrange(6)
    at = chance.randint(0, len(data))
    if what == 0 and at < len(data):
        return data[:at] + bytes([data[at] ^ 1 << chance.randrange(8)]) + data[at + 1 :]
    if what == 1:
        return data[:at]
    if what == 2:
        return data[:at] + chance.randbytes(chance.choice((1, 2, 16))) + data[at:]
    if what == 3:
        return data[:at] + data[at + chance.randint(1, 16) :]
    if what == 4:
        return data + data[at:]
    return chance.choice((b"", b"\0" * 32, b"\xff" * 33, chance.randbytes(32), b"x" * LONG))

"""Reading a message that a stranger sent: its fields are counted in the bytes before any memory is spent.

An empty element of a list takes two bytes on the wire and some eighty in memory, so eight megabytes can ask
for three hundred. Here the wire format (protobuf.dev, "Encoding") is walked once, without making anything of
it; only what has few enough fields is handed to the parser.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache, lru_cache
from typing import TypeVar, cast

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import DecodeError, Message

from hallnet.codec.codec import MessageMalformed

FIELDS_MAX = 64 * 1024
"""Of one message with all that it contains: some ten times as many as the fullest genuine batch has."""
LENGTHS_REMEMBERED_MAX = 1024
"""Bodies of envelopes have few lengths, and all have the same tags."""
_VARINT_BYTES_MAX = 10
_VARINT, _FIXED64, _BYTES, _GROUP_START, _GROUP_END, _FIXED32 = range(6)
_FIXED_LENGTHS = {_FIXED64: 8, _FIXED32: 4, _GROUP_START: 0, _GROUP_END: 0}
_PACKED = None
"""Stands for a list of numbers, whose every byte may be an element."""

Read = TypeVar("Read", bound=Message)


def parse(message_type: type[Read], data: bytes, fields_max: int = FIELDS_MAX) -> Read:
    """The message in the bytes.

    Raises MessageMalformed if they are none, or if the message has more fields than it may have.
    """
    descriptor = cast(Descriptor, message_type.DESCRIPTOR)
    # A field takes two bytes at least: a short message needs no counting.
    if len(data) > 2 * fields_max and _counts_beyond(data, descriptor, fields_max):
        raise MessageMalformed("", message=descriptor.name, detail=f"> {fields_max}")
    try:
        return message_type.FromString(data)
    except DecodeError as error:
        raise MessageMalformed("", message=descriptor.name, detail="bytes") from error


def _counts_beyond(data: bytes, descriptor: Descriptor, fields_max: int) -> bool:
    """Whether the bytes hold more fields than that, or no fields as the format has them."""
    count = 0
    open_parts: list[tuple[int, int, Descriptor]] = [(0, len(data), descriptor)]
    while open_parts:
        at, end, kind = open_parts.pop()
        lists = _lists(kind)
        while at < end:
            count += 1
            if count > fields_max:
                return True
            tag, at = _varint(data, at, end)
            if at < 0:
                return True
            wire_type = tag & 7
            if wire_type == _BYTES:
                length, at = _varint(data, at, end)
                if at < 0 or length > end - at:
                    return True
                number = tag >> 3
                if number in lists:
                    inner = lists[number]
                    if inner is None:
                        count += length
                        if count > fields_max:
                            return True
                    elif length:
                        open_parts.append((at, at + length, inner))
                at += length
            elif wire_type == _VARINT:
                _, at = _varint(data, at, end)
                if at < 0:
                    return True
            elif wire_type in _FIXED_LENGTHS:
                at += _FIXED_LENGTHS[wire_type]
            else:
                return True
    return False


def after_field(data: bytes, at: int) -> int:
    """Where the field that begins at `at` ends; -1 if there is none as the format has it."""
    tag, at = _varint(data, at, len(data))
    wire_type = tag & 7
    if at < 0:
        return -1
    if wire_type == _BYTES:
        length, at = _varint(data, at, len(data))
        end = at + length if at >= 0 else -1
    elif wire_type == _VARINT:
        _, end = _varint(data, at, len(data))
    else:
        end = at + _FIXED_LENGTHS[wire_type] if wire_type in (_FIXED64, _FIXED32) else -1
    return end if end <= len(data) else -1


def field_of(data: bytes, number: int) -> int:
    """Where the value begins of the field that `data` is, if it has this number and is bytes; else -1."""
    tag, at = _varint(data, 0, len(data))
    return _varint(data, at, len(data))[1] if at > 0 and tag == number << 3 | _BYTES else -1


def bytes_field(number: int, data: bytes) -> bytes:
    """A field of bytes, to be put behind a serialised message whose fields have smaller numbers."""
    return _varint_of(number << 3 | _BYTES) + _varint_of(len(data)) + data


@lru_cache(maxsize=LENGTHS_REMEMBERED_MAX)
def _varint_of(value: int) -> bytes:
    found = bytearray()
    while value >= 0x80:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    found.append(value)
    return bytes(found)


def _varint(data: bytes, at: int, end: int) -> tuple[int, int]:
    """A number and where it ends; -1 for the end if it has none."""
    if at < end and data[at] < 0x80:
        return data[at], at + 1
    value = 0
    for shift in range(0, 7 * _VARINT_BYTES_MAX, 7):
        if at >= end:
            break
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
    return 0, -1


@cache
def _lists(descriptor: Descriptor) -> Mapping[int, Descriptor | None]:
    """What the fields of a message may contain of many things: messages, or numbers in a row."""
    found: dict[int, Descriptor | None] = {}
    for field in descriptor.fields:
        if field.message_type is not None:
            found[field.number] = field.message_type
        elif field.is_repeated and field.cpp_type != FieldDescriptor.CPPTYPE_STRING:
            found[field.number] = _PACKED
    return found

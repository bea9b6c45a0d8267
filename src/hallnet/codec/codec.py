"""A dataclass and a protobuf message of the same field names are turned into each other.

The correspondence is by name and checked when the codec is made, so a field that is added on one
side only is noticed at import. What corresponds:

    str, bytes, bool, int     the scalar
    IntEnum                   an enum of the same numbers; 0 (unspecified) is malformed
    datetime (with zone)      google.protobuf.Timestamp, to the microsecond
    date                      a string YYYY-MM-DD
    Address, Village          a string
    a dataclass               a message
    X | None                  an absent message, or an empty string
    tuple[X, ...]             repeated
    A | B | C (dataclasses)   a oneof of the field's name, each alternative a message called A, B, C
"""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Callable, Sequence
from datetime import date, datetime
from enum import IntEnum
from functools import cache
from typing import Any, Generic, TypeVar, cast

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import DecodeError, Message
from google.protobuf.message_factory import GetMessageClass

from hallnet.codec.moments import from_timestamp, moment, since_epoch, to_timestamp
from hallnet.places.address import Address, Village
from hallnet.problems import Kind, Problem

Value = TypeVar("Value")
Encode = Callable[[Any, Any], None]
"""Puts a value into its field of a message that is empty."""
Decode = Callable[[Any, str], Any]
_SAME = (str, bytes, bool, int)


class MessageMalformed(Problem):
    """Bytes that are no message of the expected type, or a field without a usable value."""

    kind = Kind.INVALID
    reason = "MESSAGE_MALFORMED"
    zh = "报文{message}不完整或格式有误：{detail}"
    zh_remedy = "请按接口文档核对该字段后重新发送"
    en = "The message {message} is cut short or malformed: {detail}"
    en_remedy = "Check the field against the description of the interface and send it again"


class Codec(Generic[Value]):
    """Turns values of one dataclass into messages of one type and back."""

    def __init__(self, value_type: type[Value], message_type: type[Message]) -> None:
        self._plan = _plan(cast(Any, value_type), message_type.DESCRIPTOR)
        self._message_type = message_type

    def to_message(self, value: Value) -> Any:
        return self._plan.write(value)

    def to_bytes(self, value: Value) -> bytes:
        """Serialise with a stable order of fields: equal values give equal bytes."""
        return cast(bytes, self.to_message(value).SerializeToString(deterministic=True))

    def from_message(self, message: Message) -> Value:
        """Raises MessageMalformed, naming the field."""
        return cast(Value, self._plan.read(message, ""))

    def from_bytes(self, data: bytes) -> Value:
        """Raises MessageMalformed, naming the field."""
        message = self._message_type()
        try:
            message.ParseFromString(data)
        except DecodeError as error:
            raise MessageMalformed(
                "", message=self._message_type.DESCRIPTOR.name, detail="bytes"
            ) from error
        return self.from_message(message)


class _Plan:
    """How a value is made from a message and back.

    Envelopes and events by the thousand a second pass through here. So both ways are functions made for
    this one type, as `dataclasses` makes its own: a line for each field that holds one scalar or one
    moment; all else has its own encoder and decoder.
    """

    def __init__(self, value_type: Any, descriptor: Descriptor) -> None:
        hints = typing.get_type_hints(value_type)
        named = [field.name for field in dataclasses.fields(value_type)]
        oneofs = {oneof.name for oneof in descriptor.oneofs}
        expected = {field.name for field in descriptor.fields if field.containing_oneof is None}
        if set(named) != expected | oneofs:
            difference = set(named) ^ (expected | oneofs)
            raise TypeError(f"{value_type.__name__} and {descriptor.full_name}: {difference}")
        making = _Making(value_type, descriptor)
        for name in named:
            if name in oneofs:
                making.other(name, *_oneof(hints[name], descriptor, name))
            elif _is_simple(hints[name]):
                making.simple(name, hints[name])
            else:
                making.other(name, *_field(hints[name], descriptor.fields_by_name[name]))
        self._message_type = GetMessageClass(descriptor)
        self.fill: Callable[[Any, Any], None]
        """Puts a value into a message that is empty."""
        self.read: Callable[[Any, str], Any]
        """Makes a value of a message; the text goes before the name of a field that is wrong."""
        self.fill, self.read = making.functions()

    def write(self, value: Any) -> Any:
        message = self._message_type()
        self.fill(value, message)
        return message

    def fill_part(self, value: Any, message: Any) -> None:
        """Put a value into a part of another message, which is there even if nothing in it is set."""
        message.SetInParent()
        self.fill(value, message)


class _Making:
    """The text of the two functions of a plan, as field after field is added, and what stands in it."""

    def __init__(self, value_type: Any, descriptor: Descriptor) -> None:
        self._descriptor = descriptor
        self._names: dict[str, Any] = {
            "Value": value_type,
            "Problem": Problem,
            "descriptor": descriptor,
            "missing": _missing,
            "invalid": _invalid,
            "since_epoch": since_epoch,
            "moment": moment,
        }
        self._fill: list[str] = []
        self._required: list[str] = []
        self._read: list[str] = []
        self._arguments: list[str] = []

    def simple(self, name: str, hint: Any) -> None:
        """A field that holds one scalar, or one moment that has to be there."""
        to_scalar, from_scalar = _scalar(hint, self._descriptor.fields_by_name[name])
        here = f"of_{name}"
        if hint is datetime:
            self._fill += [
                f"stamp = message.{name}",
                f"stamp.seconds, stamp.nanos = since_epoch(value.{name})",
            ]
            self._required += [
                f"if not message.HasField({name!r}):",
                f" raise missing(path + {name!r}, descriptor)",
            ]
            self._read += [
                f"name = {name!r}",
                f"stamp = message.{name}",
                f"{here} = moment(stamp.seconds, stamp.nanos)",
            ]
        elif to_scalar is _same:
            self._fill.append(f"message.{name} = value.{name}")
            here = f"message.{name}"
        else:
            self._names |= {f"to_{name}": to_scalar, f"from_{name}": from_scalar}
            self._fill.append(f"message.{name} = to_{name}(value.{name})")
            self._read += [f"name = {name!r}", f"{here} = from_{name}(message.{name})"]
        self._arguments.append(f"{name}={here}")

    def other(self, name: str, encode: Encode, decode: Decode) -> None:
        """A field with an encoder and a decoder of its own, which name what is wrong themselves."""
        self._names |= {f"encode_{name}": encode, f"decode_{name}": decode}
        self._fill.append(f"encode_{name}(value.{name}, message)")
        self._arguments.append(f"{name}=decode_{name}(message, path + {name!r})")

    def functions(self) -> tuple[Callable[[Any, Any], None], Callable[[Any, str], Any]]:
        lines = ["def fill(value, message):", *_indented(self._fill or ["pass"])]
        lines += ["def read(message, path):", *_indented(self._required)]
        if self._read:
            lines += [
                " name = ''",
                " try:",
                *_indented(_indented(self._read)),
                " except (ValueError, OverflowError) as error:",
                "  raise invalid(path + name, descriptor) from error",
                " except Problem as problem:",
                "  problem.where = path + name",
                "  raise",
            ]
        lines.append(f" return Value({', '.join(self._arguments)})")
        code = compile("\n".join(lines), f"<codec of {self._descriptor.full_name}>", "exec")
        # Made of the names of the fields of our own classes and nothing else.
        exec(code, self._names)  # noqa: S102
        return self._names["fill"], self._names["read"]


def _indented(lines: Sequence[str]) -> list[str]:
    return [f" {line}" for line in lines]


def _is_simple(hint: Any) -> bool:
    """Whether a field of this type holds one scalar, or one moment that has to be there."""
    is_enum = isinstance(hint, type) and issubclass(hint, IntEnum)
    return is_enum or hint in (*_SAME, datetime, date, Address, Village)


def _missing(path: str, descriptor: Descriptor) -> MessageMalformed:
    return MessageMalformed(path, message=descriptor.name, detail=f"{path} 缺失")


def _invalid(path: str, descriptor: Descriptor) -> MessageMalformed:
    return MessageMalformed(path, message=descriptor.name, detail=f"{path} 无效")


@cache
def _plan(value_type: Any, descriptor: Descriptor) -> _Plan:
    return _Plan(value_type, descriptor)


def _oneof(hint: Any, descriptor: Descriptor, name: str) -> tuple[Encode, Decode]:
    alternatives = {_message(field).name: field for field in descriptor.oneofs_by_name[name].fields}
    by_type: dict[type, tuple[str, _Plan]] = {}
    by_field: dict[str, _Plan] = {}
    for choice in typing.get_args(hint):
        field = alternatives.pop(choice.__name__, None)
        if field is None:
            raise TypeError(f"{descriptor.full_name}.{name}: no message {choice.__name__}")
        plan = _plan(choice, _message(field))
        by_type[choice] = (field.name, plan)
        by_field[field.name] = plan
    if alternatives:
        raise TypeError(f"{descriptor.full_name}.{name}: no dataclass for {set(alternatives)}")

    def encode(value: Any, message: Any) -> None:
        field_name, plan = by_type[type(value)]
        plan.fill_part(value, getattr(message, field_name))

    def decode(message: Any, path: str) -> Any:
        chosen = message.WhichOneof(name)
        if chosen is None:
            raise _missing(path, descriptor)
        return by_field[chosen].read(getattr(message, chosen), f"{path}.")

    return encode, decode


def _field(hint: Any, field: FieldDescriptor) -> tuple[Encode, Decode]:
    name = field.name
    if typing.get_origin(hint) is tuple:
        return _repeated(typing.get_args(hint)[0], field)
    optional = isinstance(hint, types.UnionType) and type(None) in typing.get_args(hint)
    inner = (
        next(arg for arg in typing.get_args(hint) if arg is not type(None)) if optional else hint
    )
    if dataclasses.is_dataclass(inner) and inner not in (Address, Village):
        return _nested(inner, field, optional)
    to_scalar, from_scalar = _scalar(inner, field)
    is_message = field.message_type is not None

    def encode(value: Any, message: Any) -> None:
        if value is None:
            return
        if is_message:
            getattr(message, name).CopyFrom(to_scalar(value))
        else:
            setattr(message, name, to_scalar(value))

    def decode(message: Any, path: str) -> Any:
        if is_message and not message.HasField(name):
            if optional:
                return None
            raise _missing(path, _owner(field))
        raw = getattr(message, name)
        if optional and raw in ("", 0):
            return None
        return _checked(from_scalar, raw, field, path)

    return encode, decode


def _nested(inner: Any, field: FieldDescriptor, optional: bool) -> tuple[Encode, Decode]:
    name, plan = field.name, _plan(inner, _message(field))

    def encode(value: Any, message: Any) -> None:
        if value is not None:
            plan.fill_part(value, getattr(message, name))

    def decode(message: Any, path: str) -> Any:
        if not message.HasField(name):
            if optional:
                return None
            raise _missing(path, _owner(field))
        return plan.read(getattr(message, name), f"{path}.")

    return encode, decode


def _repeated(inner: Any, field: FieldDescriptor) -> tuple[Encode, Decode]:
    name = field.name
    if dataclasses.is_dataclass(inner) and inner not in (Address, Village):
        plan = _plan(cast(Any, inner), _message(field))

        def encode_messages(values: Any, message: Any) -> None:
            items = getattr(message, name)
            for value in values:
                plan.fill(value, items.add())

        def decode_messages(message: Any, path: str) -> Any:
            return tuple(
                plan.read(item, f"{path}[{index}].")
                for index, item in enumerate(getattr(message, name))
            )

        return encode_messages, decode_messages
    to_scalar, from_scalar = _scalar(inner, field)

    def encode(values: Any, message: Any) -> None:
        getattr(message, name).extend(map(to_scalar, values))

    def decode(message: Any, path: str) -> Any:
        return tuple(
            _checked(from_scalar, raw, field, f"{path}[{index}]")
            for index, raw in enumerate(getattr(message, name))
        )

    return encode, decode


def _checked(read: Callable[[Any], Any], raw: Any, field: FieldDescriptor, path: str) -> Any:
    try:
        return read(raw)
    except (ValueError, OverflowError) as error:
        raise _invalid(path, _owner(field)) from error
    except Problem as problem:
        problem.where = path
        raise


def _message(field: FieldDescriptor) -> Descriptor:
    assert field.message_type is not None
    return field.message_type


def _owner(field: FieldDescriptor) -> Descriptor:
    assert field.containing_type is not None
    return field.containing_type


def _same(value: Any) -> Any:
    return value


def _member_of(enum: type[IntEnum]) -> Callable[[int], IntEnum]:
    members = {member.value: member for member in enum}

    def read(number: int) -> IntEnum:
        member = members.get(number)
        if member is None:
            raise ValueError(enum.__name__)
        return member

    return read


def _from_date(text: str) -> date:
    """Only YYYY-MM-DD: `fromisoformat` reads 20260302 and 2026-W10-1 as well."""
    day = date.fromisoformat(text)
    if day.isoformat() != text:
        raise ValueError("date")
    return day


def _scalar(hint: Any, field: FieldDescriptor) -> tuple[Callable[[Any], Any], Callable[[Any], Any]]:
    if hint in _SAME:
        return _same, _same
    if isinstance(hint, type) and issubclass(hint, IntEnum):
        enum = field.enum_type
        assert enum is not None
        numbers = {value.number for value in enum.values} - {0}
        if numbers != {member.value for member in hint}:
            raise TypeError(f"{hint.__name__} and {enum.full_name} differ")
        return int, _member_of(hint)
    if hint is datetime:
        return to_timestamp, from_timestamp
    if hint is date:
        return date.isoformat, _from_date
    if hint in (Address, Village):
        return str, hint.parse
    raise TypeError(f"no correspondence for {hint} in {field.full_name}")

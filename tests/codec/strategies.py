"""Values of a dataclass, drawn from its type and from the message type it travels as."""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta, timezone
from enum import IntEnum
from typing import Any, cast

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from hypothesis import strategies as st
from tests.places.strategies import ADDRESSES, VILLAGES

from hallnet.places import Address, Village

_INTEGER_MAX = {
    FieldDescriptor.TYPE_UINT32: 2**32 - 1,
    FieldDescriptor.TYPE_UINT64: 2**64 - 1,
}
_ZONES = st.sampled_from([UTC, timezone(timedelta(hours=8)), timezone(timedelta(hours=-11))])
_MOMENTS = st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30), timezones=_ZONES)
_MANY_MAX = 3
_TEXT = st.text(st.characters(codec="utf-8"), max_size=20)
MOMENT = datetime(2026, 3, 2, 9, 30, 15, 123456, UTC)


def values(value_type: type[Any], message: Descriptor) -> st.SearchStrategy[Any]:
    """Any value of a dataclass that a message of the type can carry."""
    hints = typing.get_type_hints(value_type)
    return st.builds(
        value_type,
        **{
            name: _field(hints[name], descriptor)
            for name, descriptor in _fields(value_type, message)
        },
    )


def fullest(value_type: type[Any], message: Descriptor) -> Any:
    """A value with every field set, and one of everything that there may be many of.

    Of alternatives it holds the first; `alternatives` gives the others.
    """
    hints = typing.get_type_hints(value_type)
    return value_type(
        **{
            name: _full(hints[name], descriptor)
            for name, descriptor in _fields(value_type, message)
        }
    )


def alternatives(value_type: type[Any], message: Descriptor) -> Iterator[Any]:
    """The fullest value, once for each alternative of its oneof (or once, if it has none)."""
    value = fullest(value_type, message)
    hints = typing.get_type_hints(value_type)
    oneofs = [name for name in hints if name in message.oneofs_by_name]
    if not oneofs:
        yield value
    for name in oneofs:
        for choice in typing.get_args(hints[name]):
            chosen = fullest(choice, _alternative(message, name, choice))
            yield dataclasses.replace(value, **{name: chosen})


Correspondent = FieldDescriptor | tuple[Descriptor, str]
"""What a field of a dataclass corresponds to: a field, or the oneof of a message."""


def _fields(value_type: type[Any], message: Descriptor) -> list[tuple[str, Correspondent]]:
    return [
        (
            field.name,
            (message, field.name)
            if field.name in message.oneofs_by_name
            else message.fields_by_name[field.name],
        )
        for field in dataclasses.fields(value_type)
    ]


def _field(hint: Any, descriptor: Correspondent) -> st.SearchStrategy[Any]:
    if isinstance(descriptor, tuple):
        message, name = descriptor
        return st.one_of(
            [values(item, _alternative(message, name, item)) for item in typing.get_args(hint)]
        )
    if typing.get_origin(hint) is tuple:
        many = st.lists(_one(typing.get_args(hint)[0], descriptor), max_size=_MANY_MAX)
        return many.map(tuple)
    inner, optional = _inner(hint)
    drawn = _one(inner, descriptor)
    return st.none() | drawn if optional else drawn


def _one(hint: Any, field: FieldDescriptor) -> st.SearchStrategy[Any]:
    if hint is int:
        return st.integers(0, _INTEGER_MAX[field.type])
    if hint in _SCALARS:
        return _SCALARS[hint]
    if issubclass(hint, IntEnum):
        return st.sampled_from(list(hint))
    return values(hint, cast(Descriptor, field.message_type))


_SCALARS: dict[Any, st.SearchStrategy[Any]] = {
    str: _TEXT,
    bytes: st.binary(max_size=40),
    bool: st.booleans(),
    datetime: _MOMENTS,
    date: st.dates(),
    Address: ADDRESSES,
    Village: VILLAGES,
}
_EXAMPLES: dict[Any, Any] = {
    str: "text",
    bytes: b"bytes",
    bool: True,
    int: 7,
    datetime: MOMENT,
    date: MOMENT.date(),
    Address: Address("330110", "shebao"),
    Village: Village("330110012001"),
}


def _full(hint: Any, descriptor: Correspondent) -> Any:
    if isinstance(descriptor, tuple):
        message, name = descriptor
        first = typing.get_args(hint)[0]
        return fullest(first, _alternative(message, name, first))
    if typing.get_origin(hint) is tuple:
        return (_full_one(typing.get_args(hint)[0], descriptor),)
    return _full_one(_inner(hint)[0], descriptor)


def _full_one(hint: Any, field: FieldDescriptor) -> Any:
    if hint in _EXAMPLES:
        return _EXAMPLES[hint]
    if issubclass(hint, IntEnum):
        return next(iter(hint))
    return fullest(hint, cast(Descriptor, field.message_type))


def _inner(hint: Any) -> tuple[Any, bool]:
    if not isinstance(hint, types.UnionType):
        return hint, False
    return next(item for item in typing.get_args(hint) if item is not types.NoneType), True


def _alternative(message: Descriptor, oneof: str, choice: type[Any]) -> Descriptor:
    return next(
        cast(Descriptor, field.message_type)
        for field in message.oneofs_by_name[oneof].fields
        if cast(Descriptor, field.message_type).name == choice.__name__
    )

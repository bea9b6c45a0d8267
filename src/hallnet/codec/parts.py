"""Cutting a message into its fields without reading them: what two messages have in common is found by it."""

from __future__ import annotations

from hallnet.codec.frugal import after_field, field_of


def fields(data: bytes) -> list[bytes]:
    """The fields of a serialised message in their order, tags and all: joined they are `data` again.

    What has no fields as the format has them (protobuf.dev, "Encoding") is one part.
    """
    found, at = [], 0
    while at < len(data):
        end = after_field(data, at)
        if end < 0:
            return [data]
        found.append(data[at:end])
        at = end
    return found


def fields_of_field(data: bytes, number: int) -> list[bytes]:
    """The same, with the message in field `number` cut into its own fields as well."""
    found: list[bytes] = []
    for part in fields(data):
        start = field_of(part, number)
        if start < 0:
            found.append(part)
        else:
            found += [part[:start], *fields(part[start:])]
    return found

"""Identifiers that sort by the time at which they were made (UUID version 7, RFC 9562)."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import datetime

_RANDOM_BYTES = 10


def new_id(now: datetime, random_bytes: Callable[[int], bytes]) -> str:
    """A fresh identifier; random enough that two halls never make the same one."""
    milliseconds = int(now.timestamp() * 1000)
    value = (milliseconds << 80) | int.from_bytes(random_bytes(_RANDOM_BYTES), "big")
    value = value & ~(0xF << 76) | (0x7 << 76)
    value = value & ~(0x3 << 62) | (0x2 << 62)
    return str(uuid.UUID(int=value))


def is_id(text: object) -> bool:
    """Whether a text has the form of the ids that halls give to cases."""
    try:
        return isinstance(text, str) and str(uuid.UUID(text)) == text
    except ValueError:
        return False

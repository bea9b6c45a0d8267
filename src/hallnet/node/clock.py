"""The one place where a process of a node asks for the time."""

from __future__ import annotations

from datetime import UTC, datetime


def clock() -> datetime:
    """Now, in UTC."""
    return datetime.now(UTC)

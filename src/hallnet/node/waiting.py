"""Waiting for what may happen, but not for ever."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

Found = TypeVar("Found")


async def is_set_within(event: asyncio.Event, seconds: float) -> bool:
    """Wait for an event; False if it was not set in that time."""
    try:
        # wait_for of Python 3.11 can swallow the cancellation that ends a loop.
        async with asyncio.timeout(seconds):
            return await event.wait()
    except TimeoutError:
        return False


async def comes_about(
    look: Callable[[], Awaitable[Found]], seconds: float, pause: float = 0.05
) -> Found:
    """What `look` finds, as soon as it finds something; raises TimeoutError if it does not in time."""
    async with asyncio.timeout(seconds):
        while not (found := await look()):  # noqa: ASYNC110
            await asyncio.sleep(pause)
        return found

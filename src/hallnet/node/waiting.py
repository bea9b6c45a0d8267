"""Waiting for what may happen, but not for ever."""

from __future__ import annotations

import asyncio


async def is_set_within(event: asyncio.Event, seconds: float) -> bool:
    """Wait for an event; False if it was not set in that time."""
    try:
        # wait_for of Python 3.11 can swallow the cancellation that ends a loop.
        async with asyncio.timeout(seconds):
            return await event.wait()
    except TimeoutError:
        return False

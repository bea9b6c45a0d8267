"""Asking a running node something, in the name of its operator."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

from hallnet.node.client import problems_raised
from hallnet.node.desk import Desk
from hallnet.node.home import Home, Part

Answer = TypeVar("Answer")


def ask(folder: Path, question: Callable[[Desk], Awaitable[Answer]]) -> Answer:
    """The answer; raises Reported, or HomeNotReady if there is no node."""

    async def run() -> Answer:
        desk = Desk(Home(folder), Part.OPERATOR)
        try:
            with problems_raised():
                return await question(desk)
        finally:
            await desk.close()

    return asyncio.run(run())

"""After a start: ask the neighbours where the journal ends, until enough of them have said it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from hallnet.exchange import tables
from hallnet.exchange.context import Context
from hallnet.exchange.journal import continuity, numbering
from hallnet.exchange.link.link_loop import LinkLoop
from hallnet.exchange.recovery import asking_back
from hallnet.federation.continuity import CHILDREN_WAIT, is_known
from hallnet.places import Address
from hallnet.store import Connection, Database

ASK_AGAIN_SECONDS = 0.1
ASK_AGAIN_SECONDS_MAX = 2.0
"""The pause between two rounds; a hello that is not answered takes its own time besides."""


async def make_sure(
    database: Database,
    context: Context,
    links: Mapping[Address, LinkLoop],
    clock: Callable[[], datetime],
    children_wait: timedelta = CHILDREN_WAIT,
    pause_max: float = ASK_AGAIN_SECONDS_MAX,
) -> None:
    """Returns when the journal may grow; afterwards all neighbours have been told that this hall is there.

    Who is silent is asked again after a pause that grows up to `pause_max` seconds.
    """
    loop = asyncio.get_running_loop()
    began, pause = loop.time(), ASK_AGAIN_SECONDS
    context.asking_since = clock()
    context.journal_number = await database.read(numbering.current)
    while not context.is_sure:
        neighbours = context.neighbours()
        waited = timedelta(seconds=loop.time() - began)
        wait = children_wait, context.parent_wait
        if is_known(context.parent, neighbours, context.heard, waited, *wait):
            await _go_on(database, context, clock())
            break
        silent = [links[one] for one in sorted(neighbours - context.heard.keys()) if one in links]
        await asyncio.gather(*(link.say_hello() for link in silent))
        await asyncio.sleep(pause)
        pause = min(2 * pause, pause_max)
    tables.feed.announce()
    # Whoever was put off meanwhile sends again at once.
    await asyncio.gather(*(links[one].say_hello() for one in sorted(links)))


async def _go_on(database: Database, context: Context, now: datetime) -> None:
    await database.write(lambda c: go_on(c, context, now))
    context.journal_number = await database.read(numbering.current)
    context.is_sure = True


def go_on(connection: Connection, context: Context, now: datetime) -> None:
    """The journal goes on from the longest end that neighbours saw; if entries are lost, they are asked for."""
    entries = continuity.go_on(connection, context, now)
    sure = context.once_sure(numbering.current(connection))
    entries += asking_back.begin(connection, sure, now)
    tables.feed.append(connection, entries)

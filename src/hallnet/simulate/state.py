"""What all parts of a simulated hall share: its disks, what its processes know, and the tasks that run there."""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from hallnet.branch_sync.context import Context as SyncContext
from hallnet.exchange.context import Context
from hallnet.intake.context import Hall as IntakeHall
from hallnet.intake.face import IntakeFace
from hallnet.intake.window.face import WindowFace
from hallnet.node.home import Identity
from hallnet.node.lifecycle import keep_running
from hallnet.simulate.disk import Disk, is_full
from hallnet.simulate.founding import BEGINNING
from hallnet.simulate.network import Network
from hallnet.trust.certificate import Certificate

Body = Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Rhythm:
    """How often a hall does what it does without being told, in seconds."""

    idle: float = 3600.0
    retransmit: float = 20.0
    hello: float = 10_800.0
    housekeeping: float = 3600.0
    tell: float = 300.0
    """Between two looks whether something was filed of which the halls that compare have to be told."""
    ask_again: float = 60.0
    """The longest pause between two questions where the journal ends. Who comes back says hello by itself."""
    trust_bundles: bool = True
    """Whether the highest hall publishes who is believed. Every hall judges every certificate in it, which is
    too much for one process where there are a thousand halls; those that deal with each other are introduced."""
    children_wait: float = 172_800.0
    """For so long a hall that starts waits for the word of children that are cut off, and for what it had said
    itself, if it lost that. Here it is longer than any cut, so that no promise is broken by what a hall could not know."""


@dataclass(frozen=True, slots=True)
class Signals:
    """By which one part of a hall tells another that there may be something to do."""

    sent: asyncio.Event = field(default_factory=asyncio.Event)
    """The exchange queued something, or got rid of something: there may be room for pieces of materials."""
    came: asyncio.Event = field(default_factory=asyncio.Event)
    """A piece of a material came, or one is not needed any more."""
    moved: asyncio.Event = field(default_factory=asyncio.Event)
    """A batch or an answer came in: there may be something to give back."""
    returned: asyncio.Event = field(default_factory=asyncio.Event)
    """There may be an own word that came back."""


class HallState:
    """A hall as its parts see it."""

    context: Context
    sync_context: SyncContext
    face: IntakeFace
    window: WindowFace
    intake_hall: IntakeHall
    signals: Signals

    def __init__(
        self,
        identity: Identity,
        disks: Mapping[str, Disk],
        network: Network,
        root: Certificate,
        rhythm: Rhythm,
        seed: int,
    ) -> None:
        self.identity = identity
        self.address = identity.address
        self.disks = disks
        self.exchange, self.intake = disks["exchange"], disks["intake"]
        self.sync = disks["branch_sync"]
        self.network = network
        self.rhythm = rhythm
        self.seed = seed
        self.is_up = False
        self.starts = 0
        self.boots = 0
        """How often the power came back."""
        self.clock_is_off = timedelta(0)
        self.failed: Callable[[str, str], None] = lambda what, trace: None
        """Told of whatever fails in a loop and is no want of room."""
        self.tasks: set[asyncio.Task[Any]] = set()
        """All that ends with the power."""
        self.root = root

    def now(self) -> datetime:
        """What the clock of this hall shows."""
        seconds = asyncio.get_running_loop().time()
        return BEGINNING + timedelta(seconds=seconds) + self.clock_is_off

    def keep(self, name: str, body: Body) -> None:
        """Run a loop until the hall goes down."""
        self.remember(asyncio.create_task(keep_running(name, partial(self._watched, name, body))))

    def spawn(self, work: Awaitable[None]) -> None:
        """Something that is done once, and ends with the hall."""

        async def run() -> None:
            try:
                await work
            except Exception as error:
                if not is_full(error):
                    self.failed("once", traceback.format_exc())

        self.remember(asyncio.create_task(run()))

    def remember(self, task: asyncio.Task[Any]) -> None:
        """It ends with the hall."""
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def _watched(self, name: str, body: Body) -> None:
        try:
            await body()
        except Exception as error:
            if not is_full(error):
                self.failed(name, traceback.format_exc())
            raise

"""A hall: the exchange, intake and branch-sync of the product on virtual disks and lines.

What the processes of a real hall do in loops is done here by the very same functions; where a real loop
looks every few seconds whether something happened, this one is told, so that an idle hall costs nothing.
"""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from hallnet.branch_sync import releasing
from hallnet.case.case import day_of
from hallnet.exchange import believing, keyring, tables
from hallnet.exchange.context import Context
from hallnet.intake import records
from hallnet.intake.context import Hall as IntakeHall
from hallnet.intake.face import IntakeFace
from hallnet.node.home import Identity
from hallnet.node.lifecycle import keep_running
from hallnet.places import divisions
from hallnet.simulate.carrying import Links
from hallnet.simulate.chores import Chores
from hallnet.simulate.disk import Disk, is_full
from hallnet.simulate.following import FEEDS, Followers, News
from hallnet.simulate.founding import BEGINNING, chance
from hallnet.simulate.materials import Materials
from hallnet.simulate.network import Network
from hallnet.simulate.words import Words
from hallnet.trust.believed import Standing, Trust, suites_of
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


class Hall:
    """One hall and its disks. Whatever is in memory ends with `down` and begins anew with `up`."""

    context: Context
    face: IntakeFace
    intake_hall: IntakeHall
    links: Links
    materials: Materials
    words: Words
    chores: Chores

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
        self._root = root

    def now(self) -> datetime:
        """What the clock of this hall shows."""
        seconds = asyncio.get_running_loop().time()
        return BEGINNING + timedelta(seconds=seconds) + self.clock_is_off

    # Going up and down

    def load(self) -> None:
        """What its exchange and branch-sync know when they start, from the tables."""
        self.starts += 1
        self._chance = chance(self.seed, "random", self.address, self.starts)
        self._draw = self._chance.randbytes
        identity = self.identity
        trust = Trust([self._root], suites_of(identity.chain))
        trust.learn(identity.chain[:-1])
        children = self.exchange.look(lambda c: believing.load(c, trust))
        if trust.standing is None:
            # Without bundles trust data do not grow old.
            trust.standing = Standing(0, *[BEGINNING + timedelta(days=4000)] * 2)
        self.context = Context(
            identity,
            trust,
            divisions(),
            self._draw,
            incarnation=self._draw(8),
            children=children,
            words_awaited_for=timedelta(seconds=self.rhythm.children_wait),
        )
        self.exchange.look(lambda c: keyring.load(c, self.context))
        self.sync_context = self.sync.look(lambda c: releasing.load_context(c, identity))

    def follow(self, seed: int, rhythm: Rhythm) -> None:
        """From now on what it draws follows from another seed."""
        self.seed, self.rhythm = seed, rhythm
        self._chance.setstate(chance(seed, "random", self.address, self.starts).getstate())

    def up(self) -> None:
        """The processes start. They do not know whether the disks forgot something."""
        for disk in self.disks.values():
            disk.on = True
        self.is_up = True
        self.load()
        self.context.is_sure = False
        self._open_intake()
        for service, feed in FEEDS.items():
            self.disks[service].inspect(lambda c, feed=feed: feed.leap(c, self.now()))  # type: ignore[misc]
        self.exchange.inspect(lambda c: tables.returned.leap(c, self.now()))
        self.links, self.materials, self.chores = Links(self), Materials(self), Chores(self)
        self.words = Words(self)
        self._followers = Followers(self)
        self.network.halls[self.address] = self.links.receive
        self.links.open()
        for name, body in self._loops():
            self.keep(name, body)

    def _open_intake(self) -> None:
        # Going down is always a power failure here.
        today, draw = day_of(self.now()), self._draw(records.WORD_BYTES)
        words = self.intake.inspect(lambda c: records.begin(c, str(self.boots), True, today, draw))
        self.intake_hall = IntakeHall(
            self.address,
            "社保" if self.address.branch else "",
            divisions(),
            self._draw,
            above=tuple(item.address for item in self.identity.chain[1:-1]),
            records=records.Records.unsure(words),
        )
        self.face = IntakeFace(self.intake, self.intake_hall, self.now)

    def down(self) -> None:
        """The power fails: what was not committed never was."""
        self.is_up = False
        self.boots += 1
        self.network.halls.pop(self.address, None)
        for disk in self.disks.values():
            disk.on = False
        for task in self.tasks:
            task.cancel()
        self.tasks.clear()

    # What runs here

    def _loops(self) -> Sequence[tuple[str, Body]]:
        links, followers, materials = self.links, self._followers, self.materials
        follow, sure, known = followers.follow, self._once_sure, self._once_known
        top = self.context.parent is None and self.rhythm.trust_bundles
        publishing = ("branch-sync publishes who is believed", sure(self.chores.publish_trust))
        return (
            *([publishing] if top else []),
            ("exchange asks where its journal ends", links.make_sure),
            ("exchange follows intake", known(follow("intake", "exchange", followers.carry))),
            (
                "exchange follows branch-sync",
                known(follow("branch_sync", "exchange", followers.carry)),
            ),
            ("intake follows exchange", sure(follow("exchange", "intake", followers.take))),
            ("intake follows branch-sync", follow("branch_sync", "intake", followers.take_down)),
            ("branch-sync follows exchange", follow("exchange", "branch_sync", followers.keep_up)),
            ("branch-sync follows intake", follow("intake", "branch_sync", followers.share)),
            ("exchange retransmits", known(links.retransmit)),
            ("exchange gives back", known(self.words.give_back)),
            ("intake takes back its own words", self.words.take_back),
            ("exchange sends attachments", known(materials.send)),
            ("exchange looks after attachments", materials.look_after),
            ("intake fetches materials", materials.fetch),
            ("intake tells what was filed", known(self.chores.tell_matters)),
            ("the rest", self.chores.keep_house),
            ("exchange says hello", links.greet),
        )

    def _once_known(self, body: Body) -> Body:
        """Not before the neighbours have said where the journal ends."""
        return _after(self.words.known, body)

    def _once_sure(self, body: Body) -> Body:
        """Not before what this hall itself had said is back as well, if it lost that."""
        return _after(self.intake_hall.records.may_act, body)

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

    # What it is told from outside

    def fed(self, service: str, news: Sequence[News]) -> None:
        """This was appended to a feed."""
        if self.is_up:
            self._followers.fed(service, news)

    def came_back(self) -> None:
        """The line to the parent is whole again."""
        if self.is_up:
            self.links.came_back()


def _after(event: asyncio.Event, body: Body) -> Body:
    async def run() -> None:
        await event.wait()
        await body()

    return run

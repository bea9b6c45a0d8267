"""A hall: the exchange, intake and branch-sync of the product on virtual disks and lines.

What the processes of a real hall do in loops is done here by the very same functions; where a real loop
looks every few seconds whether something happened, this one is told, so that an idle hall costs nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta

from hallnet.branch_sync import following as sync_following
from hallnet.branch_sync import releasing
from hallnet.case.case import day_of
from hallnet.exchange import believing, following, keyring, tables
from hallnet.exchange.context import Context
from hallnet.intake import following as intake_following
from hallnet.intake import records
from hallnet.intake.context import Hall as IntakeHall
from hallnet.intake.face import IntakeFace
from hallnet.intake.window.face import WindowFace
from hallnet.places import divisions
from hallnet.simulate.carrying import Links
from hallnet.simulate.chores import Chores
from hallnet.simulate.following import FEEDS, Followers, News
from hallnet.simulate.founding import BEGINNING, chance
from hallnet.simulate.materials import Materials
from hallnet.simulate.state import Body, HallState, Rhythm, Signals
from hallnet.simulate.words import Words
from hallnet.trust.believed import Standing, Trust, suites_of


class Hall(HallState):
    """One hall and its disks. Whatever is in memory ends with `down` and begins anew with `up`."""

    links: Links
    materials: Materials
    words: Words
    chores: Chores

    # Going up and down

    def load(self) -> None:
        """What its exchange and branch-sync know when they start, from the tables."""
        self.starts += 1
        self._chance = chance(self.seed, "random", self.address, self.starts)
        self._draw = self._chance.randbytes
        identity = self.identity
        trust = Trust([self.root], suites_of(identity.chain))
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
        self.signals = Signals()
        self.links, self.chores = Links(self), Chores(self)
        self.materials, self.words = Materials(self, self.links), Words(self, self.links)
        self._followers = Followers(self, self.links, self.materials, self.chores)
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
        self.window = WindowFace(self.intake, self.intake_hall, self.now)

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
            ("exchange asks where its journal ends", self.words.make_sure),
            (
                "exchange follows intake",
                known(follow("intake", "exchange", followers.carry, following.concerns)),
            ),
            (
                "exchange follows branch-sync",
                known(follow("branch_sync", "exchange", followers.carry, following.concerns)),
            ),
            (
                "intake follows exchange",
                sure(follow("exchange", "intake", followers.take, intake_following.concerns)),
            ),
            (
                "intake follows branch-sync",
                follow(
                    "branch_sync", "intake", followers.take_down, intake_following.concerns_releases
                ),
            ),
            (
                "branch-sync follows exchange",
                follow("exchange", "branch_sync", followers.keep_up, sync_following.concerns),
            ),
            (
                "branch-sync follows intake",
                follow("intake", "branch_sync", followers.share, sync_following.concerns_of_cases),
            ),
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

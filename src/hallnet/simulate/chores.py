"""What a hall does from time to time without being told."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from hallnet.branch_sync import certificates, comparing, releasing, standings
from hallnet.branch_sync.service import GATHER_SECONDS
from hallnet.case.case import day_of
from hallnet.exchange.queue import parcels
from hallnet.intake import watching
from hallnet.intake.numbers import telling
from hallnet.intake.same_matter import matters
from hallnet.simulate.carrying import WAITING
from hallnet.simulate.disk import written
from hallnet.simulate.publishing import publish
from hallnet.simulate.state import HallState
from hallnet.trust.release import ReleaseKind

_UNTOLD = (
    "SELECT 1 WHERE EXISTS (SELECT 1 FROM matter_untold) OR EXISTS (SELECT 1 FROM matter_key"
    " WHERE (key_id IS NOT NULL AND again_after <> '') OR (key_id IS NULL AND asked_at <= ?))"
)
"""When `matters.tell` has something to do, in plain SQL."""


class Chores:
    """Of a hall that is up."""

    def __init__(self, hall: HallState) -> None:
        self._hall = hall
        self.halls_changed = asyncio.Event()
        """Halls joined, were shut out, or go on under another address."""

    async def keep_house(self) -> None:
        await self.ask_all()
        while True:
            now = self._hall.now()
            if self._hall.sync.ask("SELECT 1 FROM release WHERE standing = 1"):
                await self._hall.sync.write(
                    lambda c: releasing.enforce(c, self._hall.sync_context, self._hall.now())
                )
            await self._compare()
            await self._watch_the_calendar()
            await self.report_days()
            await self._tell_standings()
            if self._hall.exchange.ask("SELECT 1 FROM parcel WHERE state <> ?", WAITING):
                await self._hall.exchange.write(lambda c, now=now: parcels.sweep(c, now))  # type: ignore[misc]
            await asyncio.sleep(self._hall.rhythm.housekeeping)

    async def _compare(self) -> None:
        now = self._hall.now()
        if self._hall.sync.ask("SELECT 1 FROM comparison WHERE due_at <= ?", written(now)):
            await self._hall.sync.write(lambda c: comparing.ask_those_due(c, now))

    async def _watch_the_calendar(self) -> None:
        due = 'SELECT 1 FROM "case" WHERE custodian = ? AND watch_on < ?'
        now = self._hall.now()
        while self._hall.intake.ask(due, str(self._hall.address), day_of(now).isoformat()):
            changed = await self._hall.intake.write(
                lambda c, now=now: watching.watch(c, self._hall.intake_hall, now)  # type: ignore[misc]
            )
            if not changed:
                return

    async def tell_matters(self) -> None:
        """What was filed here, to the halls that compare it with what was filed elsewhere."""
        hall = self._hall
        while True:
            await asyncio.sleep(hall.rhythm.tell)
            asked_again = written(hall.now() - matters.ASKED_AGAIN_AFTER)
            while hall.intake.ask(_UNTOLD, asked_again):
                now = hall.now()
                if not await hall.intake.write(
                    lambda c, now=now: matters.tell(c, hall.intake_hall, now)  # type: ignore[misc]
                ):
                    break

    async def report_days(self) -> None:
        """The days that are over, once each unless something of them comes to light later."""
        yesterday = (day_of(self._hall.now()) - timedelta(days=1)).isoformat()
        ((last, changed),) = self._hall.intake.ask("SELECT max(day), sum(changed) FROM number_day")
        if last is None or last < yesterday or changed:
            now = self._hall.now()
            await self._hall.intake.write(lambda c: telling.tell_days(c, now))

    async def _tell_standings(self) -> None:
        """What is in force here, if that changed or was not told for a day or ever."""
        now, context = self._hall.now(), self._hall.sync_context
        if self._hall.sync.look(lambda c: standings.is_due(c, context, now)):
            await self._hall.sync.write(lambda c: standings.report(c, context, now))

    async def ask_all(self) -> None:
        """As after a start: does everybody have what this hall said?"""
        await self._hall.sync.write(lambda c: comparing.ask_all(c, self._hall.now()))
        await self._compare()

    async def publish_trust(self) -> None:
        """At the highest hall: who is believed, when that changes."""
        hall = self._hall
        own = certificates.Told(list(hall.identity.chain[:1]))
        await hall.sync.write(lambda c: certificates.take(c, hall.sync_context, own, hall.now()))
        while True:
            self.halls_changed.clear()
            bundle = hall.sync.look(
                lambda c: certificates.bundle_to_publish(c, hall.sync_context, hall.now())
            )
            if bundle is not None:
                await publish(hall, ReleaseKind.TRUST, bundle.SerializeToString())
            await self.halls_changed.wait()
            await asyncio.sleep(GATHER_SECONDS)

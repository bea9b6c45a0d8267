"""How materials get from hall to hall: the exchange cuts and joins them, the intake fetches them."""

from __future__ import annotations

import asyncio

from hallnet.case.problems import MaterialNotUploaded
from hallnet.exchange import (
    attachment_losses,
    attachment_sending,
    attachment_wishes,
    attachments,
    tables,
)
from hallnet.intake.papers import materials
from hallnet.simulate.carrying import Links
from hallnet.simulate.state import HallState
from hallnet.store import Connection


class Materials:
    """What is on its way at a hall that is up."""

    def __init__(self, hall: HallState, links: Links) -> None:
        self._hall = hall
        self._links = links
        self._sent, self._came = hall.signals.sent, hall.signals.came
        self.arrived = asyncio.Event()
        """The intake heard something."""

    async def send(self) -> None:
        while True:
            self._sent.clear()
            some = self._hall.exchange.ask("SELECT 1 FROM attachment_wish WHERE NOT done LIMIT 1")
            portions = self._hall.exchange.look(attachment_wishes.next_portions) if some else []
            for portion in portions:
                data = self._read(portion)

                run_length = self._links.run_length(portion.wish.recipient)

                def send(
                    connection: Connection,
                    portion: attachment_wishes.Portion = portion,
                    data: bytes = data,
                    run_length: int = run_length,
                ) -> None:
                    entries = attachment_sending.send_portion(
                        connection, self._hall.context, portion, data, self._hall.now(), run_length
                    )
                    tables.feed.append(connection, entries)

                await self._hall.exchange.write(send)
                self._links.wake_those_with_parcels()
            if not portions:
                await self._sent.wait()

    def _read(self, portion: attachment_wishes.Portion) -> bytes:
        """As the intake answers the exchange: fewer bytes, or none, if that is all it has."""
        data = b""
        while len(data) < portion.length:
            at, left = portion.offset + len(data), portion.length - len(data)
            try:
                more = self._hall.intake.look(
                    lambda c, at=at, left=left: materials.read(c, portion.wish.digest, at, left)  # type: ignore[misc]
                )
            except MaterialNotUploaded:
                break
            if not more:
                break
            data += more
        return data

    async def look_after(self) -> None:
        while True:
            self._came.clear()
            check = self._hall.exchange.look(attachments.next_check)
            if check is not None:
                while not self._hall.exchange.look(check.step):
                    pass

                def end(connection: Connection, check: attachments.Check = check) -> None:
                    tables.feed.append(
                        connection,
                        attachment_losses.end_check(
                            connection, self._hall.context, check, self._hall.now()
                        ),
                    )

                await self._hall.exchange.write(end)
            elif self._hall.exchange.look(attachments.has_to_drop):
                await self._hall.exchange.write(attachments.drop_some)
            else:
                await self._came.wait()

    async def fetch(self) -> None:
        while True:
            self.arrived.clear()
            some = self._hall.intake.ask("SELECT 1 FROM material_arrival LIMIT 1")
            waiting = self._hall.intake.look(materials.arrivals) if some else []
            for arrival in waiting:
                await self._fetch_one(arrival)
            if not waiting:
                await self.arrived.wait()

    async def _fetch_one(self, arrival: materials.Arrival) -> None:
        """As the intake copies a material from the exchange, slice by slice, each committed."""
        now = self._hall.now()
        digest = arrival.digest
        if not self._hall.intake.look(lambda c: materials.is_here(c, digest)):
            fetching = materials.Fetching(arrival)
            if not self._hall.intake.look(lambda c: materials.is_begun(c, digest)):
                await self._hall.intake.write(
                    lambda c: materials.begin(c, digest, arrival.size, "", now)
                )
            while not self._hall.intake.look(fetching.resume):
                pass
            while data := self._slice(digest, fetching.offset):
                await self._hall.intake.write(lambda c, data=data: fetching.add(c, data))  # type: ignore[misc]
                fetching.added(data)
            await self._hall.intake.write(fetching.end)
        await self._hall.exchange.write(lambda c: attachments.release(c, digest, now))
        self._sent.set()
        self._came.set()
        await self._hall.intake.write(lambda c: materials.released(c, digest))

    def _slice(self, digest: bytes, offset: int) -> bytes:
        pieces = self._hall.exchange.look(lambda c: attachments.read(c, digest, offset))
        return b"".join(pieces or ())

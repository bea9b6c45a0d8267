"""What people do at the halls: they apply, clerks examine, halls decide, and everybody looks.

Each act goes through the face of the intake, as the portal's calls do, and is tried again with the same
request id when the hall went down in the middle of it.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from hallnet.case.case import Case
from hallnet.case.catalogue import accepts_here
from hallnet.case.catalogue_file import supplied_catalogue
from hallnet.case.item import ItemVersion
from hallnet.case.person import MATERIAL, Material
from hallnet.intake import cases
from hallnet.intake.records import RecordsUnsure
from hallnet.places import Address, Level, divisions
from hallnet.problems import Problem
from hallnet.simulate.clerks import Desk, further_command, next_command
from hallnet.simulate.disk import PowerFailed, is_full
from hallnet.simulate.founding import CHIEF, chance
from hallnet.simulate.hall import Hall
from hallnet.simulate.paper_requests import PaperRequests
from hallnet.window.paper_request import PaperRequest
from hallnet.wire.case.v1 import command_pb2 as wire_command
from hallnet.wire.case.v1 import person_pb2 as wire_person
from hallnet.wire.intake.v1 import intake_service_pb2 as wire

MINUTE = 60.0
HOUR = 3600.0
DAY = 86_400.0
OPENS, SHUTS = 9, 17
"""Hours between which halls are open, on any day: holidays are the business of the clocks."""
TRIES_MAX = 200
STEPS_MAX = 40
LOOKS_SHARE = 0.2
WRONG_HALL_SHARE = 0.03
AFTER_THE_END_SHARE = 0.4
PREREVIEW_SHARE = 0.1
PAPERS_SHARE = 0.05
"""Of steps after which another hall is asked for a paper."""
_ACTOR = CHIEF.actor.actor_id


@dataclass(frozen=True, slots=True)
class Arrival:
    """Somebody comes to a hall with an application."""

    at: float
    """Seconds after the beginning."""
    hall: Address
    number: int


@dataclass(slots=True)
class Record:
    """What was acknowledged to people."""

    filed: dict[str, Address] = field(default_factory=dict)
    """Cases by their id: the hall that received them."""
    acts: Counter[str] = field(default_factory=Counter)
    refusals: Counter[str] = field(default_factory=Counter)
    looks: Counter[Address] = field(default_factory=Counter)
    """Looks and refusals that have to be on record, for each hall."""
    untold: Counter[Address] = field(default_factory=Counter)
    """Looks whose answer never came: they may be on record or not."""
    papers: list[PaperRequest] = field(default_factory=list)
    """Papers that other halls were asked for."""
    waited: int = 0
    """How often somebody had to come again, because the hall was down or its disk full."""


def arrivals(
    halls: list[Address], days: float, per_hall_and_day: float, seed: int
) -> list[Arrival]:
    """Who comes when: between opening and shutting, more to higher halls."""
    found = []
    number = 0
    for hall in halls:
        draw = chance(seed, "arrivals", hall)
        weight = {Level.PROVINCE: 3.0, Level.CITY: 3.0, Level.COUNTY: 2.0}.get(hall.level, 1.0)
        rate = per_hall_and_day * weight / (DAY / 3)
        at = 0.0
        while True:
            at += draw.expovariate(rate)
            # Only the third part of a day has people in it.
            day, within = divmod(at, DAY / 3)
            moment = day * DAY + within + HOUR
            if moment >= days * DAY:
                break
            number += 1
            found.append(Arrival(moment, hall, number))
    return sorted(found, key=lambda arrival: (arrival.at, arrival.number))


class People:
    """Everybody who has to do with cases."""

    def __init__(self, halls: dict[Address, Hall], seed: int) -> None:
        self.record = Record()
        self.partners: dict[Address, Address] = {}
        """Another county with which a hall deals across the tree."""
        self._halls = halls
        self._seed = seed
        self._items = _items()
        self._filed_at: dict[str, Address] = {}
        """Every case that somebody deals with: the hall where it began."""
        self._steps: set[asyncio.Task[None]] = set()
        self.papers = PaperRequests(halls, self._try, self._upload, self.act, self.record.papers)

    def come(self, arrival: Arrival) -> None:
        """Somebody comes now."""
        draw = chance(self._seed, "person", arrival.hall, arrival.number)
        self._do(self._life(arrival, draw))

    def go_home(self) -> None:
        """From now on nobody does anything; of what was begun nobody hears any more."""
        for step in self._steps:
            step.cancel()

    def _do(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self._steps.add(task)
        task.add_done_callback(self._steps.discard)

    async def _life(self, arrival: Arrival, draw: random.Random) -> None:
        """One application from the counter to its end, or until the simulation is over."""
        hall = self._halls[arrival.hall]
        item = self._choose(hall.address, draw)
        if item is None:
            return
        case_id = await self._file(hall, item, arrival, draw)
        if case_id is not None:
            await self._live(case_id, f"{arrival.number:08}", draw)

    async def _live(self, case_id: str, name: str, draw: random.Random) -> None:
        for number in range(STEPS_MAX):
            await self._pause(draw)
            if await self._step(case_id, f"{name}-{number}", draw):
                return

    def _choose(self, here: Address, draw: random.Random) -> ItemVersion | None:
        field = "社保" if here.is_branch_hall else ""
        # Of items of a hall above all that are here, nobody could decide.
        top = next(iter(self._halls)).level
        fitting = [
            item
            for item in self._items.values()
            if item.level >= top and accepts_here(item, here, field, False)
        ]
        return draw.choice(fitting) if fitting else None

    async def _pause(self, draw: random.Random) -> None:
        """Clerks have other things to do; at night nobody works."""
        await asyncio.sleep(draw.expovariate(1 / (40 * MINUTE)))
        while True:
            hour = (asyncio.get_running_loop().time() / HOUR + 8) % 24
            if OPENS <= hour < SHUTS:
                return
            await asyncio.sleep(HOUR * (OPENS - hour if hour < OPENS else 24 - hour + OPENS))

    async def _file(
        self, hall: Hall, item: ItemVersion, arrival: Arrival, draw: random.Random
    ) -> str | None:
        request = wire.FileCaseRequest(
            act=_act(f"file-{arrival.number:08}"),
            item_id=item.item_id,
            option=item.options[0].name if item.options else "",
            applicant=_person(draw),
            channel=1,  # type: ignore[arg-type]
            for_division=self._for_division(hall.address, item, draw),
            for_prereview=draw.random() < PREREVIEW_SHARE,
        )
        if draw.random() < 0.3 and hall.address.level is Level.TOWNSHIP:
            points = list(divisions().villages_of(hall.address))
            if points and accepts_here(item, hall.address, "", True):
                request.intake_point = draw.choice(points)
        forgotten = draw.random() < 0.15
        for needed in item.materials:
            if needed.asked_of_applicant and not forgotten:
                data = f"{arrival.number} {needed.name}".encode() + draw.randbytes(200)
                material = await self._upload(hall, needed.name, data)
                request.materials.append(material)
        answer = await self._try(hall, lambda: hall.face.FileCase(request, None), "FileCase")
        if answer is None:
            return None
        case_id: str = answer.case.summary.case_id
        self.record.filed[case_id] = self._filed_at[case_id] = hall.address
        return case_id

    def _for_division(self, here: Address, item: ItemVersion, draw: random.Random) -> str:
        partner = self.partners.get(here)
        if partner is None or draw.random() > 0.25 or item.level is not Level.COUNTY:
            return ""
        return partner.division

    async def _paper(self, hall: Hall, name: str, data: bytes) -> Material:
        return MATERIAL.from_message(await self._upload(hall, name, data))

    async def _upload(self, hall: Hall, name: str, data: bytes) -> wire_person.Material:
        async def parts() -> AsyncIterator[wire.UploadMaterialRequest]:
            description = wire.MaterialDescription(
                act=_act("upload-1"), name=name, media_type="image/png"
            )
            yield wire.UploadMaterialRequest(description=description)
            yield wire.UploadMaterialRequest(data=data)

        answer = await self._try(
            hall, lambda: hall.face.UploadMaterial(parts(), None), "UploadMaterial"
        )
        return answer.material if answer is not None else wire_person.Material(name=name)

    async def _step(self, case_id: str, request_id: str, draw: random.Random) -> bool:
        """The custodian does what comes next; True if nothing does any more."""
        hall, case = self._custodian(case_id)
        if hall is None or case is None:
            return False
        if draw.random() < LOOKS_SHARE:
            await self._look(self._somebody(case, draw), case_id)
        if draw.random() < WRONG_HALL_SHARE:
            # Somebody who has no say tries it too: refused, and nothing changes.
            hall = self._somebody(case, draw)
        desk = Desk(hall, case, self._items[case.filed.item_id], draw, self._paper)
        if case.ended:
            # What is over is mostly left alone; there is an archive, and a second look.
            after = await further_command(desk) if draw.random() < AFTER_THE_END_SHARE else None
            if after is not None:
                await self.act(hall, case_id, request_id, after)
            return after is None
        self._ask_for_paper(desk, request_id)
        command = await next_command(desk)
        if command is not None:
            await self.act(hall, case_id, request_id, command)
        return False

    def _ask_for_paper(self, desk: Desk, name: str) -> None:
        """Now and then another hall is asked, while the case goes on."""
        draw = chance(self._seed, "paper", desk.case.case_id, name)
        if draw.random() < PAPERS_SHARE:
            self._do(self.papers.live(desk.hall, desk.case, desk.item, name, draw))

    async def act(
        self, hall: Hall, case_id: str, request_id: str, command: wire_command.CaseCommand
    ) -> None:
        """Somebody acts upon a case, in the name of the hall's chief."""
        act = command.WhichOneof("command") or ""
        request = wire.ActOnCaseRequest(
            act=_act(f"{act.replace('_', '-')}-{request_id}"), case_id=case_id, command=command
        )
        answer = await self._try(hall, lambda: hall.face.ActOnCase(request, None), act)
        if answer is not None and act == "open_legs":
            self._handle_legs(hall, case_id, request_id)

    def _handle_legs(self, hall: Hall, case_id: str, request_id: str) -> None:
        """Each leg of a joint case is a case of its own, and has clerks of its own."""
        lead = hall.intake.look(lambda c: cases.find(c, case_id))
        for leg in lead.legs if lead is not None else ():
            if leg.leg_case_id not in self._filed_at:
                self._filed_at[leg.leg_case_id] = hall.address
                draw = chance(self._seed, "leg", leg.leg_case_id)
                self._do(self._live(leg.leg_case_id, f"{request_id}-{leg.leg}", draw))

    async def _look(self, hall: Hall, case_id: str) -> None:
        request = wire.GetCaseRequest(case_ref=case_id, actor_id=_ACTOR, purpose="办理")
        await self._try(hall, lambda: hall.face.GetCase(request, None), "GetCase", looks=True)

    def _custodian(self, case_id: str) -> tuple[Hall | None, Case | None]:
        """The hall where the case can go on now, if that hall is up and knows that it is there."""
        home = self._halls[self._filed_at[case_id]]
        queue, seen = [home.address], set()
        while queue:
            address = queue.pop()
            if address in seen or address not in self._halls:
                continue
            seen.add(address)
            hall = self._halls[address]
            if not hall.is_up:
                continue
            case = hall.intake.look(lambda c: cases.find(c, case_id))
            if case is None:
                continue
            if case.transit is None and case.custodian == address:
                return hall, case
            queue.extend(sorted(case.halls()))
        return None, None

    def _somebody(self, case: Case, draw: random.Random) -> Hall:
        known = [self._halls[one] for one in sorted(case.halls()) if one in self._halls]
        return draw.choice(known)

    async def _try(self, hall: Hall, act: Callable[[], Any], name: str, looks: bool = False) -> Any:
        """Do it; if the hall is down or its disk full, come again. None if it is refused."""
        for _ in range(TRIES_MAX):
            if hall.is_up:
                try:
                    answer = await act()
                except RecordsUnsure:
                    # The hall has just started.
                    pass
                except Problem as problem:
                    self.record.refusals[problem.reason] += 1
                    self.record.looks[hall.address] += 1
                    return None
                except PowerFailed:
                    # Whether it was done turns out when it is tried again.
                    self.record.untold[hall.address] += 1
                except asyncio.CancelledError:
                    self.record.untold[hall.address] += 1
                    raise
                except Exception as error:
                    if not is_full(error):
                        raise
                    self.record.untold[hall.address] += 1
                else:
                    self.record.acts[name] += 1
                    self.record.looks[hall.address] += looks
                    return answer
            self.record.waited += 1
            await asyncio.sleep(5 * MINUTE)
        return None


def _act(request_id: str) -> wire.Act:
    return wire.Act(request_id=request_id.lower(), actor_id=_ACTOR)


def _person(draw: random.Random) -> wire_person.Person:
    """Somebody with a right identity number."""
    body = f"330127{draw.randint(1940, 1999)}0101{draw.randint(0, 999):03}"
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    total = sum(int(digit) * weight for digit, weight in zip(body, weights, strict=True))
    number = body + "10X98765432"[total % 11]
    return wire_person.Person(
        name="方小明", document_kind="111", document_number=number, phone="13900000000"
    )


@cache
def _items() -> dict[str, ItemVersion]:
    return {item.item_id: item for item in supplied_catalogue().items}

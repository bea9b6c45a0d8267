"""How many life cycles of cases a second an intake carries: file, accept, decide, close.

One intake of a county in a process of its own, as a big hall runs it, on SQLite or PostgreSQL; clients in
this process over gRPC with mutual TLS, each with the next act as soon as the last is answered. Then pages
of lists, searches and counts, one at a time; then twice the rate that was reached, whether or not anybody
answers: what is accepted has to be there at the end, the rest has to be told when to come back.
"""

from __future__ import annotations

import asyncio
import random
import time
import uuid
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from statistics import median, quantiles
from typing import Any

from grpc import StatusCode
from grpc.aio import AioRpcError

from hallnet.bench import stored
from hallnet.bench.exchange import COUNTY, Say
from hallnet.bench.resources import processor_seconds
from hallnet.case.calendar import CALENDAR
from hallnet.case.catalogue_file import supplied_catalogue
from hallnet.case.item import CATALOGUE, ItemVersion
from hallnet.case.supplied_calendar import supplied_calendar
from hallnet.demo import counter as demo
from hallnet.demo.world import CHIEF, CLERK, PASSWORD, villager
from hallnet.intake.records import RecordsUnsure
from hallnet.node.client import problems_raised
from hallnet.node.desk import Desk
from hallnet.node.home import Part
from hallnet.node.waiting import comes_about
from hallnet.problems import Reported
from hallnet.sandbox.folder import sandbox_folder
from hallnet.sandbox.network import Network, Node, NodeSpec
from hallnet.sandbox.postgresql import Postgresql
from hallnet.store.sharing import HallBusy
from hallnet.wire.branch_sync.v1 import branch_sync_service_pb2 as wire_sync
from hallnet.wire.case.v1 import case_event_pb2 as wire_event
from hallnet.wire.case.v1 import command_pb2 as wire_command
from hallnet.wire.case.v1 import person_pb2 as wire_person
from hallnet.wire.intake.v1 import intake_service_pb2 as wire
from hallnet.wire.release.v1 import release_pb2 as wire_release

CLIENTS = 100
ITEMS = ("id-card-renewal", "investment-approval", "road-freight-permit")
LOOKS = 200
OVERLOAD_SECONDS = 10.0
OVERLOAD = 2.0
WARM_UP_CYCLES = 200
READY_SECONDS = 60.0


@dataclass(slots=True)
class Measured:
    """What was measured; times in milliseconds."""

    stored: int = 0
    empty_lifecycles_per_second: float = 0.0
    """In the same run, before anything was stored; 0 if nothing was."""
    empty_processor_ms_per_act: float = 0.0
    lifecycles_per_second: float = 0.0
    processor_ms_per_act: float = 0.0
    client_processor_ms_per_act: float = 0.0
    """Of this process, which stands for the machines at the windows but shares the intake's processors."""
    acts_ms: list[float] = field(default_factory=list)
    list_ms: list[float] = field(default_factory=list)
    search_ms: list[float] = field(default_factory=list)
    counts_ms: list[float] = field(default_factory=list)
    overload: dict[str, Any] = field(default_factory=dict)

    def as_data(self) -> dict[str, Any]:
        return {
            "stored": self.stored,
            "empty_lifecycles_per_second": round(self.empty_lifecycles_per_second, 1),
            "empty_processor_ms_per_act": round(self.empty_processor_ms_per_act, 3),
            "lifecycles_per_second": round(self.lifecycles_per_second, 1),
            "processor_ms_per_act": round(self.processor_ms_per_act, 3),
            "client_processor_ms_per_act": round(self.client_processor_ms_per_act, 3),
            "p50_ms": round(median(self.acts_ms), 1),
            "p95_ms": _p95(self.acts_ms),
            "list_p95_ms": _p95(self.list_ms),
            "search_p95_ms": _p95(self.search_ms),
            "counts_p95_ms": _p95(self.counts_ms),
            "overload": self.overload,
        }


@dataclass(slots=True)
class Desks:
    """Who works at the intake: its stub, the items, and a material of each that they ask for."""

    desk: Desk
    items: Sequence[ItemVersion]
    materials: dict[str, wire_person.Material]
    chance: random.Random = field(default_factory=lambda: random.Random(4))

    async def file(self) -> wire.CaseView:
        item = self.chance.choice(self.items)
        request = wire.FileCaseRequest(
            act=_act(CLERK),
            item_id=item.item_id,
            option=item.options[0].name if item.options else "",
            applicant=demo.person(villager(self.chance.randrange(1_000_000))),
            channel=wire_event.CHANNEL_COUNTER,
            materials=[
                self.materials[needed.name]
                for needed in item.materials
                if stored.is_handed_in(needed)
            ],
            summary_only=True,
        )
        return (await self.desk.intake.FileCase(request)).case

    async def may_act(self) -> bool:
        """Whether cases are acted upon by now."""
        case = await self.file()
        try:
            with problems_raised():
                await self.accept(case.summary.case_id)
        except Reported as problem:
            if problem.reason != RecordsUnsure.reason:
                raise
            return False
        return True

    async def accept(self, case_id: str) -> None:
        await self._act(CLERK, case_id, wire_command.CaseCommand(accept=wire_command.Accept()))

    async def decide(self, case_id: str) -> None:
        command = wire_command.Decide(outcome=wire_event.OUTCOME_GRANTED, reasons="经审查符合条件")
        await self._act(CHIEF, case_id, wire_command.CaseCommand(decide=command))

    async def close(self, case_id: str) -> None:
        command = wire_command.Close(
            method=wire_event.DELIVERY_METHOD_COUNTER,
            received_by="申请人本人",
            no_fee="首次申领免收工本费",
        )
        await self._act(CLERK, case_id, wire_command.CaseCommand(close=command))

    async def _act(self, actor: str, case_id: str, command: wire_command.CaseCommand) -> None:
        request = wire.ActOnCaseRequest(
            act=_act(actor), case_id=case_id, command=command, summary_only=True
        )
        await self.desk.intake.ActOnCase(request)


async def measure(
    cycles: int, cases_stored: int, on_postgresql: bool, say: Say, overload: bool = True
) -> Measured:
    """Found a county, fill it, and measure."""
    found = Measured(stored=cases_stored)
    with sandbox_folder() as folder:
        server = Postgresql(folder / "postgresql").start() if on_postgresql else None
        network = Network(folder, COUNTY)
        try:
            url = server.create_database("county") if server else "sqlite"
            desks = await founded(network, url)
            node = network.node(COUNTY)
            if cases_stored:
                await _lead_cases(node, desks, cycles, found)
                found.empty_lifecycles_per_second = found.lifecycles_per_second
                found.empty_processor_ms_per_act = found.processor_ms_per_act
                say(
                    f"empty: {found.lifecycles_per_second:,.0f}/s, "
                    f"{found.processor_ms_per_act:.2f} ms of processor time for an act"
                )
                await _fill(node, desks, cases_stored, say)
            await _lead_cases(node, desks, cycles, found)
            say(
                f"{cycles} life cycles by {CLIENTS} clients: "
                f"{found.lifecycles_per_second:,.0f}/s, p95 {_p95(found.acts_ms)} ms, "
                f"{found.processor_ms_per_act:.2f} ms of the intake's processor time for an act, "
                f"{found.client_processor_ms_per_act:.2f} ms of the clients'"
            )
            await _look(desks, found)
            say(
                f"p95 of a list {_p95(found.list_ms)} ms, of a search {_p95(found.search_ms)} ms, "
                f"of counts {_p95(found.counts_ms)} ms"
            )
            if overload:
                found.overload = await _overload(desks, found.lifecycles_per_second * 4 * OVERLOAD)
                say(f"twice as much as it can do: {found.overload}")
        finally:
            await network.stop()
            if server is not None:
                server.stop()
    return found


async def founded(network: Network, database_url: str) -> Desks:
    """A county with its releases and staff, of which only the intake goes on running."""
    await network.found(
        NodeSpec(COUNTY, "淳安县政务服务中心", split=True, database_url=database_url)
    )
    node = network.node(COUNTY)
    assert node.desk is not None
    counter = demo.Counter(node.desk)
    for kind, content in (
        (wire_release.RELEASE_KIND_CATALOGUE, CATALOGUE.to_bytes(supplied_catalogue())),
        (wire_release.RELEASE_KIND_CALENDAR, CALENDAR.to_bytes(supplied_calendar())),
    ):
        await node.desk.branch_sync.PublishRelease(
            wire_sync.PublishReleaseRequest(
                request_id=str(uuid.uuid4()), kind=kind, content=content
            )
        )
    await comes_about(counter.items, READY_SECONDS)
    await counter.open_accounts(PASSWORD, [])
    for process in node.processes:
        if Part.INTAKE not in process.parts:
            await process.stop()
    known = {item.item_id: item for item in supplied_catalogue().items}
    items = [known[item_id] for item_id in ITEMS]
    names = {name.name for item in items for name in item.materials if stored.is_handed_in(name)}
    materials = {name: await counter.upload(CLERK, name, b"scan") for name in sorted(names)}
    return Desks(node.desk, items, materials)


async def _fill(node: Node, desks: Desks, count: int, say: Say) -> None:
    """Cases from before, written while the intake rests.

    After its start it waits for the exchange's word that its records are the newest.
    """
    process, exchange = node.process_of(Part.INTAKE), node.process_of(Part.EXCHANGE)
    await process.stop()
    began = time.perf_counter()
    await asyncio.to_thread(stored.fill, node.home, count, say)
    say(f"{count:,} cases stored in {time.perf_counter() - began:,.0f} s")
    await process.start()
    await exchange.start()
    try:
        await comes_about(desks.may_act, READY_SECONDS)
    finally:
        await exchange.stop()


async def _lead_cases(node: Node, desks: Desks, cycles: int, found: Measured) -> None:
    """Measure how fast cases are led through their life, and what it costs here and there."""
    found.acts_ms = []
    await comes_about(partial(_is_warm, desks), READY_SECONDS)
    process = node.process_of(Part.INTAKE).pid
    before, own_before = processor_seconds(process), time.process_time()
    found.lifecycles_per_second = await _cycles(desks, cycles, found.acts_ms)
    used, own = processor_seconds(process) - before, time.process_time() - own_before
    found.processor_ms_per_act = 1000 * used / (4 * cycles)
    found.client_processor_ms_per_act = 1000 * own / (4 * cycles)


async def _is_warm(desks: Desks) -> bool:
    """Whether all clients were served at once: a hall that has just begun turns some away while it is slow."""
    left = iter(range(WARM_UP_CYCLES))
    clients = (_client(desks, left, []) for _ in range(CLIENTS))
    for ended in await asyncio.gather(*clients, return_exceptions=True):
        if isinstance(ended, AioRpcError) and ended.code() is StatusCode.RESOURCE_EXHAUSTED:
            return False
        if ended is not None:
            raise ended
    return True


async def _cycles(desks: Desks, count: int, times: list[float]) -> float:
    """Life cycles a second, by clients who each wait for an answer before the next act."""
    left = iter(range(count))
    began = time.perf_counter()
    await asyncio.gather(*(_client(desks, left, times) for _ in range(CLIENTS)))
    return count / (time.perf_counter() - began)


async def _client(desks: Desks, left: Iterator[int], times: list[float]) -> None:
    for _ in left:
        case = await _timed(desks.file, times)
        case_id = case.summary.case_id
        for act in (desks.accept, desks.decide, desks.close):
            await _timed(partial(act, case_id), times)


async def _look(desks: Desks, found: Measured) -> None:
    """Lists, searches and counts, as the clerks at the windows ask for them."""
    intake, chance = desks.desk.intake, desks.chance
    open_stages = [
        wire.CASE_STAGE_RECEIVED,
        wire.CASE_STAGE_CORRECTING,
        wire.CASE_STAGE_ACCEPTED,
        wire.CASE_STAGE_REVIEWED,
        wire.CASE_STAGE_DECIDED,
    ]
    ended = [wire.CASE_STAGE_CLOSED, wire.CASE_STAGE_DECLINED, wire.CASE_STAGE_WITHDRAWN]
    lists = [
        wire.ListCasesRequest(actor_id=CLERK, in_custody=True, stages=open_stages),
        wire.ListCasesRequest(actor_id=CLERK),
        wire.ListCasesRequest(actor_id=CLERK, stages=ended),
        wire.ListCasesRequest(actor_id=CLERK, item_id=ITEMS[0]),
        wire.ListCasesRequest(actor_id=CLERK, due_from="2026-06-01", due_until="2026-06-30"),
    ]
    for number in range(LOOKS):
        request = lists[number % len(lists)]
        answer = await _timed(partial(intake.ListCases, request), found.list_ms)
        request.page_token = answer.next_page_token
    for number in range(LOOKS):
        somebody = villager(chance.randrange(1_000_000))
        text = (somebody.name, somebody.number, somebody.phone, f"{COUNTY}-2026")[number % 4]
        search = wire.ListCasesRequest(actor_id=CLERK, search=text)
        await _timed(partial(intake.ListCases, search), found.search_ms)
    for _ in range(LOOKS):
        await _timed(
            lambda: intake.CountCases(wire.CountCasesRequest(actor_id=CLERK)), found.counts_ms
        )


async def _overload(desks: Desks, acts_per_second: float) -> dict[str, Any]:
    """Applications at a rate that nobody can keep up with; nobody waits for anybody."""
    before = await _count(desks)
    accepted: list[float] = []
    busy: list[float] = []
    other: list[str] = []

    async def one() -> None:
        began = time.perf_counter()
        try:
            with problems_raised():
                await desks.file()
            accepted.append(1000 * (time.perf_counter() - began))
        except Reported as problem:
            if problem.reason == HallBusy.reason:
                busy.append(1000 * (time.perf_counter() - began))
            else:
                other.append(f"{problem.reason}: {problem.in_english()}")

    began, tasks = time.perf_counter(), []
    count = round(acts_per_second * OVERLOAD_SECONDS)
    for number in range(count):
        tasks.append(asyncio.create_task(one()))
        ahead = number / acts_per_second - (time.perf_counter() - began)
        await asyncio.sleep(max(ahead, 0))
    await asyncio.gather(*tasks)
    there = await _count(desks) - before
    return {
        "asked_per_second": round(count / (time.perf_counter() - began), 1),
        "accepted": len(accepted),
        "accepted_p95_ms": _p95(accepted),
        "told_when_to_come_back": len(busy),
        "other_errors": dict(Counter(other)),
        "acknowledged_but_not_there": len(accepted) - there,
    }


async def _count(desks: Desks) -> int:
    answer = await desks.desk.intake.CountCases(wire.CountCasesRequest(actor_id=CLERK))
    return sum(queue.cases for queue in answer.queues)


async def _timed(act: Callable[[], Awaitable[Any]], times: list[float]) -> Any:
    began = time.perf_counter()
    answer = await act()
    times.append(1000 * (time.perf_counter() - began))
    return answer


def _p95(times: Sequence[float]) -> float:
    if len(times) < 2:
        return round(max(times, default=0.0), 1)
    return round(quantiles(times, n=100, method="inclusive")[94], 1)


def _act(actor: str) -> wire.Act:
    return wire.Act(request_id=str(uuid.uuid4()), actor_id=actor)

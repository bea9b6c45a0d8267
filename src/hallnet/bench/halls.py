"""A tree of real halls on one machine: what each takes of it at rest, and whether the promises hold while cases
move and processes are killed.

Every hall is a process of its own with its SQLite databases and keys; every hall that has halls below it runs its
own message server, as it would anywhere else.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
import time
import uuid
from collections import Counter as Count
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict, dataclass, field

from hallnet.bench import halls_checked
from hallnet.bench.exchange import Say
from hallnet.bench.resources import Rest, alone, at_rest
from hallnet.demo.counter import Counter
from hallnet.demo.world import CHIEF, CLERK, PASSWORD, scan, villager
from hallnet.node.broker import PID_FILE
from hallnet.node.waiting import comes_about
from hallnet.places import Address, divisions
from hallnet.problems import Kind, Reported
from hallnet.sandbox.folder import sandbox_folder
from hallnet.sandbox.network import Network, NodeSpec
from hallnet.simulate.founding import halls_under, supplied
from hallnet.wire.branch_sync.v1 import branch_sync_service_pb2 as wire_sync
from hallnet.wire.intake.v1 import intake_service_pb2 as wire

DIVISION = "3301"
FOUNDED_AT_ONCE = 4
"""Halls that are founded and started side by side; the others wait, or all of them would be slow."""
READY_SECONDS = 600.0
PEOPLE = 6
"""Who file and see a case through, one after the other."""
CASE_SECONDS = 300.0
"""So long one step of a case may take until the case counts as stuck."""
SETTLE_SECONDS = 300.0
LOOK_SECONDS = 0.2
KILL_EVERY_SECONDS = 4.0
DOWN_SECONDS_MAX = 5.0
SERVER_EVERY = 4
"""Of so many kills one is that of a message server."""
ITEM = "elder-allowance"
"""The township reviews, the county decides, the result comes back."""


@dataclass(slots=True)
class Report:
    """What was measured and found."""

    halls: int
    message_servers: int
    founded_seconds: float
    rest: Rest
    alone: dict[str, float]
    """A township as `hallnet node run` runs it, whose memory is shared with no other hall."""
    minutes: float = 0.0
    ended: int = 0
    """Cases that were filed, handed up, decided, handed back and closed."""
    killed: Count[str] = field(default_factory=Count)
    findings: halls_checked.Findings = field(default_factory=halls_checked.Findings)

    def as_data(self) -> dict[str, object]:
        found = self.findings
        return {
            "halls": self.halls,
            "message_servers": self.message_servers,
            "founded_seconds": self.founded_seconds,
            "rest": asdict(self.rest),
            "alone": self.alone,
            "minutes": self.minutes,
            "ended": self.ended,
            # Not by asdict, which makes counts of counts.
            "killed": dict(self.killed),
            "findings": {
                "checked": dict(found.checked),
                "incidents": dict(found.incidents),
                "violations": found.violations,
            },
        }


@dataclass(slots=True)
class _Tree:
    network: Network
    halls: list[Address]
    counters: dict[Address, Counter]
    chance: random.Random
    cases: dict[str, Address] = field(default_factory=dict)
    """Every case that was acknowledged to somebody, with its township."""
    ended: int = 0
    killed: Count[str] = field(default_factory=Count)
    stuck: list[str] = field(default_factory=list)

    def lowest(self) -> list[Address]:
        depth = max(len(hall.division) for hall in self.halls)
        return [hall for hall in self.halls if len(hall.division) == depth]

    def parents(self) -> list[Address]:
        return [hall for hall in self.halls if any(_parent(one) == hall for one in self.halls[1:])]


async def measure(halls: int, minutes: float, seed: int, say: Say) -> Report:
    """Found so many halls, let them rest, let people act in them while processes are killed, and check."""
    began = time.monotonic()
    async with _founded(halls, seed, say) as tree:
        seconds = time.monotonic() - began
        say(f"{len(tree.halls)} halls stand after {seconds:.0f} s; at rest:")
        nodes = [tree.network.node(str(hall)) for hall in tree.halls]
        rest = await at_rest(nodes)
        say(rest.in_words())
        single = await alone(tree.network.node(str(tree.lowest()[0])))
        say(f"a township alone: {single['pss_mb']:.0f} MB PSS, {single['rss_mb']:.0f} MB RSS")
        report = Report(len(tree.halls), len(tree.parents()), round(seconds, 1), rest, single)
        await _live(tree, minutes, say)
        await _settle(tree, say)
        report.minutes, report.ended, report.killed = minutes, tree.ended, tree.killed
        report.findings = await halls_checked.check(
            tree.network, tree.counters, tree.cases, tree.stuck, say
        )
        return report


# Founding


@asynccontextmanager
async def _founded(halls: int, seed: int, say: Say) -> AsyncIterator[_Tree]:
    with sandbox_folder() as folder:
        network = Network(folder, DIVISION)
        tree = _Tree(network, halls_under(DIVISION, halls), {}, random.Random(seed))
        try:
            await _found(tree, say)
            yield tree
        finally:
            await network.stop()


async def _found(tree: _Tree, say: Say) -> None:
    parents = set(tree.parents())
    for level in _levels(tree.halls):
        for at in range(0, len(level), FOUNDED_AT_ONCE):
            some = level[at : at + FOUNDED_AT_ONCE]
            specs = [NodeSpec(str(one), _name(one), has_children=one in parents) for one in some]
            await tree.network.found(*specs)
            for one in some:
                desk = tree.network.node(str(one)).desk
                assert desk is not None
                tree.counters[one] = Counter(desk)
            say(f"  {len(tree.counters):>4} of {len(tree.halls)} halls founded")
            if level[0] == tree.halls[0]:
                await _publish(tree.counters[level[0]])
    for number, hall in enumerate(tree.halls, 1):
        await _until(lambda one=hall: _is_ready(tree, one), READY_SECONDS, f"{hall} is ready")  # type: ignore[misc]
        await tree.counters[hall].open_accounts(PASSWORD, [])
        if number % 20 == 0 or number == len(tree.halls):
            say(f"  {number:>4} of {len(tree.halls)} halls have items, staff and all certificates")


def _levels(halls: Sequence[Address]) -> list[list[Address]]:
    lengths = sorted({len(hall.division) for hall in halls})
    return [[hall for hall in halls if len(hall.division) == length] for length in lengths]


def _name(hall: Address) -> str:
    return f"{divisions().name(hall.division)}便民服务中心"


def _parent(hall: Address) -> Address:
    parent = divisions().parent(hall)
    assert parent is not None
    return parent


async def _publish(top: Counter) -> None:
    for kind, content in supplied():
        await top.desk.branch_sync.PublishRelease(
            wire_sync.PublishReleaseRequest(
                request_id=str(uuid.uuid4()),
                kind=int(kind),  # type: ignore[arg-type]
                content=content,
            )
        )


async def _is_ready(tree: _Tree, hall: Address) -> bool:
    counter = tree.counters[hall]
    status = await counter.status()
    return bool(await counter.items()) and status.believed_halls == len(tree.halls)


# Living


async def _live(tree: _Tree, minutes: float, say: Say) -> None:
    ends = time.monotonic() + 60 * minutes
    say(f"{PEOPLE} people act for {minutes:g} minutes while processes are killed ...")
    killer = asyncio.create_task(_kill(tree, ends))
    teller = asyncio.create_task(_tell(tree, say))
    try:
        await asyncio.gather(*(_act(tree, one, ends) for one in range(PEOPLE)), killer)
    finally:
        teller.cancel()
        killer.cancel()
    say(f"  {tree.ended} cases ended, killed: {dict(tree.killed)}")


async def _tell(tree: _Tree, say: Say) -> None:
    while True:
        await asyncio.sleep(20)
        say(
            f"  {len(tree.cases):>5} cases filed, {tree.ended:>5} ended, killed: {dict(tree.killed)}"
        )


async def _act(tree: _Tree, person: int, ends: float) -> None:
    picture = scan(person, 64, 48)
    number = 0
    while time.monotonic() < ends:
        number += 1
        township = tree.chance.choice(tree.lowest())
        applicant = 100_000 * person + number
        case_id = ""
        try:
            counter = tree.counters[township]
            view = await _done(
                lambda c=counter, a=applicant: c.file_complete(CLERK, ITEM, villager(a), picture)  # type: ignore[misc]
            )
            if view is None:
                tree.stuck.append(f"{township} takes in no application")
                continue
            case_id = view.summary.case_id
            tree.cases[case_id] = township
            await _see_through(tree, case_id, township)
            tree.ended += 1
        except TimeoutError as error:
            tree.stuck.append(f"{case_id} of {township}: {error}")


async def _see_through(tree: _Tree, case_id: str, township: Address) -> None:
    county = _parent(township)
    below, above = tree.counters[township], tree.counters[county]
    await _done(lambda: below.accept(case_id))
    await _done(lambda: below.review(case_id, "材料齐全"))
    await _done(lambda: below.hand_over(case_id, "初审通过"))
    await _until(lambda: _is_with(above, case_id, county), CASE_SECONDS, f"{county} has it")
    await _done(lambda: above.grant(case_id, CHIEF))
    await _until(lambda: _is_with(below, case_id, township), CASE_SECONDS, f"{township} has it")
    await _done(lambda: below.close(case_id))


async def _is_with(counter: Counter, case_id: str, hall: Address) -> bool:
    return (await counter.look(case_id)).summary.custodian == str(hall)


async def _done(act: Callable[[], Awaitable[wire.CaseView]]) -> wire.CaseView | None:
    """Do something as a person would while halls are down now and then: again until it is done.

    Returns None for one that is not possible any more: it was done, and its answer was lost. Raises TimeoutError
    and what else is reported.
    """
    ends = time.monotonic() + CASE_SECONDS
    while time.monotonic() < ends:
        try:
            return await act()
        except Reported as problem:
            if problem.kind is Kind.CONFLICT:
                return None
            if problem.kind not in (Kind.UNAVAILABLE, Kind.EXHAUSTED):
                raise
            await asyncio.sleep(LOOK_SECONDS)
    raise TimeoutError("an act is not done in time")


async def _kill(tree: _Tree, ends: float) -> None:
    number = 0
    while time.monotonic() < ends:
        await asyncio.sleep(tree.chance.uniform(0.5, 1.5) * KILL_EVERY_SECONDS)
        number += 1
        if time.monotonic() > ends:
            return
        if number % SERVER_EVERY == 0:
            home = tree.network.node(str(tree.chance.choice(tree.parents()))).home
            with suppress(OSError, ValueError):
                os.kill(int(home.path(PID_FILE).read_text()), signal.SIGKILL)
                tree.killed["message servers"] += 1
            continue
        (process,) = tree.network.node(str(tree.chance.choice(tree.halls))).processes
        await process.kill()
        tree.killed["halls"] += 1
        await asyncio.sleep(tree.chance.uniform(0, DOWN_SECONDS_MAX))
        await process.start()


async def _settle(tree: _Tree, say: Say) -> None:
    """Until nothing is under way any more; what remains is found by the checks."""
    say("what is under way comes to rest ...")
    for hall in tree.halls:
        with suppress(TimeoutError):
            await _until(lambda one=hall: _is_at_rest(tree, one), SETTLE_SECONDS, "it rests")  # type: ignore[misc]


async def _is_at_rest(tree: _Tree, hall: Address) -> bool:
    status = await tree.counters[hall].status()
    waits = any(link.waiting or not link.up for link in status.links)
    return status.journal_sure and not status.undelivered and not waits


async def _until(look: Callable[[], Awaitable[bool]], seconds: float, what: str) -> None:
    """Raises TimeoutError with what did not come about."""

    async def found() -> bool:
        with suppress(Reported):
            return await look()
        return False

    try:
        await comes_about(found, seconds, LOOK_SECONDS)
    except TimeoutError as error:
        raise TimeoutError(f"not in time: {what}") from error

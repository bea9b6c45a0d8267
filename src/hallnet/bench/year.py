"""A county's year replayed by the intake's own rules, and the report of it, which has to reconcile."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from resource import RUSAGE_SELF, getrusage

from hallnet.bench import stored
from hallnet.bench.exchange import COUNTY, Say
from hallnet.bench.intake import founded
from hallnet.bench.progress import Progress
from hallnet.demo.world import CHIEF
from hallnet.intake import counting
from hallnet.intake.context import hall_of
from hallnet.intake.numbers import reporting
from hallnet.node.clock import clock
from hallnet.node.home import Home, Part
from hallnet.numbers.problems import NumbersDoNotReconcile
from hallnet.numbers.report import require_classes
from hallnet.sandbox.folder import sandbox_folder
from hallnet.sandbox.network import Network
from hallnet.store import Connection, Database
from hallnet.wire.intake.v1 import intake_service_pb2 as wire


@dataclass(frozen=True, slots=True)
class Year:
    """What came of it."""

    cases: int
    replayed_per_second: float
    rebuilt_per_processor_second: float
    megabytes_at_most: int
    """Resident memory of this process, which replayed and counted."""
    numbers_different: int
    """Numbers that are not the same when they are worked out anew from the events."""
    report: wire.GetNumbersResponse


async def replay(cases: int, say: Say) -> Year:
    """Raises NumbersDoNotReconcile if the report of the year does not.

    The figures of the year as they were published do not: that they are refused is said first.
    """
    say(f"the year as it was published is refused: {refusal().in_english()}")
    with sandbox_folder() as folder:
        network = Network(folder, COUNTY)
        try:
            await founded(network, "sqlite")
            home = network.node(COUNTY).home
        finally:
            await network.stop()
        began = time.perf_counter()
        await asyncio.to_thread(stored.fill, home, cases, say)
        replayed = cases / (time.perf_counter() - began)
        say(f"{cases:,} cases replayed, {replayed:,.0f}/s")
        return await asyncio.to_thread(_looked_at, home, cases, replayed, say)


def refusal() -> NumbersDoNotReconcile:
    """What is wrong with the published year: its two classes are more than its cases."""
    classes = {"即办": stored.INSTANT_OF_THE_YEAR, "承诺": stored.COMMITTED}
    try:
        require_classes("受理总量", stored.CASES_OF_THE_YEAR, classes)
    except NumbersDoNotReconcile as problem:
        return problem
    raise AssertionError("it reconciles")


def _looked_at(home: Home, cases: int, replayed: float, say: Say) -> Year:
    hall = hall_of(home)
    database = Database(home.database_url("intake"), "intake", home.vault(Part.INTAKE))
    try:
        # One thread that does nothing but count: on a free processor this is the time it takes.
        began = time.process_time()
        progress = Progress(cases, "cases read again", say)
        kept, anew = database.look(
            lambda c: (counting.kept(c), counting.from_events(c, hall, progress.told))
        )
        rebuilt = cases / (time.process_time() - began)
        different = sum(anew[key] != kept[key] for key in {*kept, *anew})
        say(
            f"all numbers anew from the events: {rebuilt:,.0f} cases a second of processor time, {different} different"
        )
        megabytes = getrusage(RUSAGE_SELF).ru_maxrss // 1024
        say(f"at most {megabytes} MB of memory")
        request = wire.GetNumbersRequest(
            actor_id=CHIEF, first=f"{stored.YEAR}-01-01", last=f"{stored.YEAR}-12-31"
        )

        def look(connection: Connection) -> wire.GetNumbersResponse:
            return reporting.get_numbers(connection, hall, request, clock().date())

        return Year(cases, replayed, rebuilt, megabytes, different, database.look(look))
    finally:
        database.close()

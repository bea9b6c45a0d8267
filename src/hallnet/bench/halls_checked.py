"""What can be checked of a network of real halls from outside, when everything has come to rest."""

from __future__ import annotations

import asyncio
from collections import Counter as Count
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from io import BytesIO

from hallnet.bench.exchange import Say
from hallnet.demo.counter import Counter
from hallnet.demo.world import CHIEF
from hallnet.node.client import problems_raised
from hallnet.places import Address, divisions
from hallnet.problems import Problem, Reported, all_problems
from hallnet.sandbox.network import Network
from hallnet.trust.archive import ArchiveReport, read_parts, verify_archive
from hallnet.trust.problems import JournalDoubted
from hallnet.wire.exchange.v1 import exchange_service_pb2 as wire_exchange
from hallnet.wire.intake.v1 import intake_service_pb2 as wire

HISTORY = [
    *("filed", "accepted", "reviewed", "handed_over", "taken_over"),
    *("decided", "handed_over", "taken_over", "closed"),
]
"""What happens to a case of the benchmark: filed and reviewed below, decided above, closed below."""
SHOWN_MAX = 20


@dataclass(slots=True)
class Findings:
    """What was checked, how often, and what does not hold."""

    checked: Count[str] = field(default_factory=Count)
    incidents: Count[str] = field(default_factory=Count)
    violations: list[str] = field(default_factory=list)

    def require(self, holds: bool, what: str, violation: str) -> None:
        self.checked[what] += 1
        if not holds:
            self.violations.append(f"{what}: {violation}")


async def check(
    network: Network,
    counters: Mapping[Address, Counter],
    cases: Mapping[str, Address],
    stuck: Sequence[str],
    say: Say,
) -> Findings:
    """Cases, queues, incidents and journals of all halls."""
    found = Findings()
    for text in stuck:
        found.require(False, "no case is stuck", text)
    numbers: Count[str] = Count()
    for case_id, township in cases.items():
        await _case(found, counters, case_id, township, numbers)
    for number, times in numbers.items():
        found.require(times == 1, "a number is given once", f"{number} {times} times")
    for hall in counters:
        await _hall(found, network, counters, hall)
    for what, times in sorted(found.checked.items()):
        say(f"  {times:>7,}  {what}")
    for text in found.violations[:SHOWN_MAX]:
        say(f"  VIOLATED {text}")
    return found


async def _case(
    found: Findings,
    counters: Mapping[Address, Counter],
    case_id: str,
    township: Address,
    numbers: Count[str],
) -> None:
    county = divisions().parent(township)
    assert county is not None
    try:
        here, above = [await counters[hall].look(case_id) for hall in (township, county)]
    except Reported as problem:
        found.require(False, "nothing is lost", f"{case_id} of {township}: {problem.reason}")
        return
    numbers[here.summary.case_no] += 1
    found.require(
        here.summary.stage == wire.CASE_STAGE_CLOSED, "every case ended", f"{case_id} of {township}"
    )
    custodians = {here.summary.custodian, above.summary.custodian}
    found.require(
        custodians == {str(township)}, "a case has one custodian", f"{case_id}: {custodians}"
    )
    found.require(
        here.last_digest == above.last_digest,
        "both halls agree on every event",
        f"{case_id}: {len(here.events)} and {len(above.events)} events",
    )
    facts = [event.WhichOneof("fact") for event in here.events]
    in_order = [event.sequence for event in here.events] == [*range(1, len(here.events) + 1)]
    found.require(
        in_order and facts == HISTORY,
        "everything happened once and in order",
        f"{case_id}: {facts}",
    )


async def _hall(
    found: Findings, network: Network, counters: Mapping[Address, Counter], hall: Address
) -> None:
    counter = counters[hall]
    try:
        status = await counter.status()
        incidents = await counter.incidents()
        with problems_raised():
            archive = await _journal(counter)
        report = await asyncio.to_thread(
            lambda: verify_archive(read_parts(BytesIO(archive)), network.root)
        )
    except (Reported, Problem) as problem:
        found.require(False, "every hall answers", f"{hall}: {problem.reason}")
        return
    waiting = {link.neighbour: link.waiting for link in status.links if link.waiting}
    found.require(
        not status.undelivered and not waiting,
        "nothing waits any more",
        f"{hall}: {status.undelivered} without a verdict, waiting {waiting}",
    )
    found.require(report.holds, "the journal verifies", f"{hall}: {report.problem}")
    reasons = Count(item.incident.reason for item in incidents)
    found.incidents.update(reasons)
    doubts = [reason for reason in reasons if reason in _DOUBTS]
    found.require(not doubts, "no journal is doubted", f"{hall}: {doubts}")
    await _witness(found, counters, hall, report)


async def _journal(counter: Counter) -> bytes:
    request = wire_exchange.ExportJournalRequest(actor_id=CHIEF, purpose="核对")
    return b"".join([part.data async for part in counter.desk.exchange.ExportJournal(request)])


async def _witness(
    found: Findings, counters: Mapping[Address, Counter], hall: Address, report: ArchiveReport
) -> None:
    """The head that the parent cosigned lies on the journal as it was exported; it has seen no longer one."""
    parent = divisions().parent(hall)
    if parent is None or parent not in counters:
        return
    seen = {link.neighbour: link.seen_size for link in (await counters[parent].status()).links}
    witnessed = report.witness == parent and 0 < report.witnessed <= report.end
    size = (await counters[hall].status()).journal_size
    found.require(
        witnessed and report.witnessed <= seen[str(hall)] <= size,
        "the head that the parent witnessed is that of the journal",
        f"{hall}: {report.witness} up to {report.witnessed}, seen {seen[str(hall)]} of {size}",
    )


_DOUBTS = {
    reason for reason, problem in all_problems().items() if issubclass(problem, JournalDoubted)
}

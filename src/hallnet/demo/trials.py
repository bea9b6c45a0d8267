"""The chapters in which something goes wrong, and those that prove that nothing did."""

from __future__ import annotations

import asyncio

from hallnet.demo import attack, world
from hallnet.demo.counter import Counter
from hallnet.demo.scene import Scene
from hallnet.node.home import Part
from hallnet.places import Address
from hallnet.problems import Problem
from hallnet.trust.bundle import verify_bundle
from hallnet.wire.exchange.v1 import exchange_service_pb2 as wire_exchange
from hallnet.wire.exchange.v1 import link_pb2 as wire_link

ELDER = "elder-allowance"
CASES_IN_OUTAGE = 4
CASES_IN_KILL = 6


async def outage(scene: Scene) -> None:
    """A township loses its link and goes on."""
    stage = scene.stage
    stage.chapter("A township loses its link, goes on, and catches up by itself")
    township = scene.at(world.WENCHANG)
    link = scene.network.node(world.WENCHANG).link
    assert link is not None
    link.cut()
    cases = [await _prepared(township, 40 + n) for n in range(CASES_IN_OUTAGE)]
    for case_id in cases:
        await township.hand_over(case_id, "初审通过")

    async def waits() -> wire_exchange.LinkStatus | None:
        status = await township.status()
        return next((item for item in status.links if item.waiting >= CASES_IN_OUTAGE), None)

    waiting = await stage.until(waits)
    stage.check(
        "Cut off, the township takes cases in, reviews them and queues what is for the county",
        waiting is not None,
        f"{CASES_IN_OUTAGE} cases, {waiting.waiting if waiting else 0} parcels wait",
    )
    link.mend()
    await _arrive_once(scene, cases, "after the link is back")


async def killed(scene: Scene) -> None:
    """The county's exchange is killed with -9 in the middle of a hand-over."""
    stage = scene.stage
    stage.chapter("The county's exchange is killed with -9 in the middle of a hand-over")
    township = scene.at(world.WENCHANG)
    cases = [await _prepared(township, 50 + n) for n in range(CASES_IN_KILL)]
    process = scene.network.node(world.CHUNAN).process_of(Part.EXCHANGE)
    hops_before = len(stage.hops)

    async def hand_over_all() -> None:
        for case_id in cases:
            await township.hand_over(case_id, "初审通过")

    async def something_moved() -> bool:
        return any(hop.subject in cases for hop in stage.hops[hops_before:])

    handing_over = asyncio.create_task(hand_over_all())
    moved = await stage.until(something_moved)
    killed_pid = process.pid
    await process.kill()
    await handing_over
    stage.check("kill -9 while parcels were moving", bool(moved), f"process {killed_pid}")
    await process.start()
    await _arrive_once(scene, cases, "after the restart")


async def _prepared(township: Counter, seed: int) -> str:
    """A case that is ready to be reported up."""
    view = await township.file_complete(world.CLERK, ELDER, world.villager(seed), world.scan(40))
    case_id = view.summary.case_id
    await township.accept(case_id)
    await township.review(case_id, "材料齐全")
    return case_id


async def _arrive_once(scene: Scene, cases: list[str], when: str) -> None:
    arrived = [await scene.reaches(world.CHUNAN, case_id, world.CHUNAN) for case_id in cases]
    known = [await scene.reaches(world.WENCHANG, case_id, world.CHUNAN) for case_id in cases]
    scene.stage.check(
        f"Nothing is lost: all cases are with the county {when}, and the township knows it",
        all(arrived) and all(known),
        f"{sum(view is not None for view in arrived)} of {len(cases)}",
    )
    once = all(
        view is not None and [event.sequence for event in view.events] == list(range(1, 6))
        for view in arrived
    )
    scene.stage.check("Nothing is doubled: each has the same five events, once", once)


async def forgery(scene: Scene) -> None:
    """A township forges an envelope in another's name and replays a genuine one."""
    stage = scene.stage
    stage.chapter("A township forges an envelope and replays a genuine one")
    county = scene.at(world.YUHANG)
    attacker = scene.network.node(world.CANGQIAN).home
    victim = scene.network.node(world.YUHANG).home.identity().certificate
    before = len(await county.incidents())
    forged = attack.forged_batch(attacker, Address.parse(world.WENCHANG), victim)
    reply = await attack.send_as(attacker, forged)
    stage.check(
        "An envelope in another township's name is dropped",
        _dropped(reply),
        reply.answers[0].reason if reply.answers else reply.reason,
    )
    chain = list(scene.network.node(world.CHUNAN).home.identity().chain[:-1])
    relay = scene.network.node(world.HANGZHOU)
    replayed = await asyncio.to_thread(attack.replayed_batch, relay, world.CHUNAN, chain)
    reply = await attack.send_as(attacker, replayed)
    stage.check(
        "A genuine envelope of another hall, sent again by the township, is dropped",
        _dropped(reply),
        reply.answers[0].reason if reply.answers else reply.reason,
    )
    incidents = await county.incidents()
    stage.check(
        "Both are recorded in the county's journal, with what came and from whom",
        len(incidents) == before + 2,
        "; ".join(
            f"entry {item.leaf_index}: {item.incident.reason} from {item.incident.neighbour}"
            for item in incidents[:2]
        ),
    )

    async def reported() -> bool:
        notices = await county.notices(world.CANGQIAN)
        return len({notice.notice_id for notice in notices}) >= 2

    stage.check("The staff of the county were told", bool(await stage.until(reported)))


def _dropped(reply: wire_link.BatchReply) -> bool:
    return [answer.disposition for answer in reply.answers] == [wire_link.DISPOSITION_DROPPED]


async def proof(scene: Scene) -> None:
    """The bundle of a finished case is verified offline."""
    stage = scene.stage
    stage.chapter("The bundle of the finished case is verified with the root certificate alone")
    township = scene.at(world.WENCHANG)
    size = (await township.status()).journal_size

    async def witnessed() -> bool:
        return (await township.status()).witnessed_size >= size

    stage.check(
        "The county has witnessed the township's journal",
        bool(await stage.until(witnessed)),
        f"{size} entries",
    )
    data = await township.bundle(scene.finished)
    report = await asyncio.to_thread(verify_bundle, data, scene.network.root)
    receipts = sum(item.receipt is not None for item in report.exhibits)
    witnesses = frozenset().union(*(item.witnesses for item in report.exhibits))
    stage.check(
        "Every exhibit holds: chain, journal, content, receipt, witness",
        report.holds and Address.parse(world.CHUNAN) in witnesses,
        f"{len(report.exhibits)} exhibits, {receipts} receipts, {len(data)} bytes",
    )
    flipped = bytearray(data)
    flipped[len(flipped) // 2] ^= 1
    stage.check("With one bit flipped it does not", not _holds(bytes(flipped), scene))


def _holds(data: bytes, scene: Scene) -> bool:
    try:
        return verify_bundle(data, scene.network.root).holds
    except Problem:
        return False

"""The chapters of the story: each acts through the services as people would, and checks what came of it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from hallnet.case.supplied_calendar import supplied_calendar
from hallnet.demo import attack, world
from hallnet.demo.counter import Counter, asked_for
from hallnet.demo.stage import Stage
from hallnet.node.home import Part
from hallnet.places import Address
from hallnet.problems import Problem, Reported
from hallnet.sandbox.network import Network
from hallnet.trust.bundle import verify_bundle
from hallnet.wire.exchange.v1 import exchange_service_pb2 as wire_exchange
from hallnet.wire.exchange.v1 import link_pb2 as wire_link
from hallnet.wire.intake.v1 import intake_service_pb2 as wire
from hallnet.wire.notify.v1 import notify_service_pb2 as wire_notify

SUBSISTENCE = "subsistence-allowance"
PENSION = "resident-pension-enrolment"
HUKOU = "hukou-transfer-cross"
MEDICAL = "resident-medical-enrolment"
ELDER = "elder-allowance"

CASES_IN_OUTAGE = 4
CASES_IN_KILL = 6


@dataclass(slots=True)
class Scene:
    """What every chapter needs. `finished` is the case whose bundle is verified at the end."""

    stage: Stage
    network: Network
    counters: dict[str, Counter]
    finished: str = ""

    def at(self, address: str) -> Counter:
        return self.counters[address]

    async def reaches(
        self, address: str, case_id: str, custodian: str, stage: int | None = None
    ) -> wire.CaseView | None:
        """The case at a hall, as soon as it knows who the custodian is."""

        async def look() -> wire.CaseView | None:
            view = await self.at(address).look(case_id)
            fits = view.summary.custodian == custodian
            return view if fits and stage in (None, view.summary.stage) else None

        return await self.stage.until(look)


async def village_to_county(scene: Scene) -> None:
    """A village agent files 最低生活保障; township reviews, county decides, the result comes back."""
    stage = scene.stage
    stage.chapter("最低生活保障: a village agent files, the township reviews, the county decides")
    township, county = scene.at(world.WENCHANG), scene.at(world.CHUNAN)
    client = world.villager(1)
    item = await township.item(SUBSISTENCE)
    evidence = await township.upload(world.AGENT, "mandate", world.scan(1))
    mandate = await township.mandate(client, SUBSISTENCE, evidence)
    needed = asked_for(item)
    scans = [
        await township.upload(world.AGENT, name, world.scan(2 + n)) for n, name in enumerate(needed)
    ]
    view = await township.file(
        world.AGENT,
        SUBSISTENCE,
        client,
        scans[:-1],
        mandate_id=mandate.mandate_id,
        intake_point=world.VILLAGE,
    )
    case_id, case_no = view.summary.case_id, view.summary.case_no
    stage.say(f"{case_no} {item.name}, filed at village point {world.VILLAGE} under a mandate")
    stage.check(
        "The hall knows at once what is missing",
        list(view.missing_materials) == needed[-1:],
        "、".join(view.missing_materials),
    )
    await township.notice(case_id, view.missing_materials)
    view = (await township.supplement(world.AGENT, case_id, scans[-1:])).case
    stage.check("One notice said all of it, and it was supplemented", not view.missing_materials)
    await township.accept(case_id)
    await township.review(case_id, "入户调查2人，符合条件")
    await township.hand_over(case_id, "初审通过，请予确认")
    taken = await scene.reaches(world.CHUNAN, case_id, world.CHUNAN)
    stage.check("The county has taken the case over", taken is not None)

    async def scans_arrived() -> bool:
        found = await county.look(case_id)
        return all(material.here for material in found.materials)

    stage.check("The scans have arrived and are whole", bool(await stage.until(scans_arrived)))
    try:
        await township.review(case_id, "township acts on a case that it gave away")
        refused = ""
    except Reported as problem:
        refused = problem.reason
    stage.check(
        "While the county has it, the township cannot act on it",
        refused == "NOT_THE_CUSTODIAN",
        refused,
    )
    await county.grant(case_id)
    back = await scene.reaches(world.WENCHANG, case_id, world.WENCHANG)
    stage.check(
        "The decision has come back to the township",
        back is not None and back.summary.stage == wire.CASE_STAGE_DECIDED,
    )
    closed = await township.close(case_id, "代办员方代办（持委托书）")
    await _show_records(scene, case_id, closed)
    await _show_notices(scene, case_id, closed)
    _show_due_date(scene, closed)
    told = await township.progress(case_no, closed.query_code)
    stage.check(
        "The public page tells the applicant every step",
        len(told.steps) == len(closed.events),
        told.steps[-1].text,
    )
    scene.finished = case_id


async def _show_records(scene: Scene, case_id: str, closed: wire.CaseView) -> None:
    async def agrees() -> bool:
        view = await scene.at(world.CHUNAN).look(case_id)
        return view.last_digest == closed.last_digest

    same = await scene.stage.until(agrees)
    scene.stage.check(
        "Both halls keep their own record and agree on every event",
        bool(same),
        f"{len(closed.events)} events, last digest {closed.last_digest.hex()[:16]}",
    )
    for event in closed.events:
        fact = event.WhichOneof("fact") or ""
        scene.stage.say(
            f"[dim]{event.sequence:>3}. {event.author:<10} {fact:<16} {event.actor.name}[/dim]"
        )


async def _show_notices(scene: Scene, case_id: str, closed: wire.CaseView) -> None:
    async def all_told() -> list[wire_notify.Notice] | None:
        notices = [
            notice
            for address in (world.WENCHANG, world.CHUNAN)
            for notice in await scene.at(address).notices(case_id)
            if notice.audience == wire_notify.NOTICE_AUDIENCE_APPLICANT
            and notice.channel == "file"
            and notice.state == wire_notify.NOTICE_STATE_SENT
        ]
        return notices if len(notices) >= len(closed.events) else None

    notices = await scene.stage.until(all_told) or []
    scene.stage.check(
        "The villager was told of every step, once",
        len(notices) == len(closed.events),
        f"{len(notices)} notices for {len(closed.events)} events",
    )
    for notice in notices[1:2]:
        scene.stage.say(f"[dim]{notice.text}[/dim]")


def _show_due_date(scene: Scene, view: wire.CaseView) -> None:
    clocks = {clock.kind: clock for clock in view.clocks}
    promise = clocks[wire.CLOCK_KIND_PROMISE]
    statutory = clocks[wire.CLOCK_KIND_STATUTORY]
    scene.stage.say(
        f"promise: {promise.limit.days} working days from {promise.starts_on} ({promise.started_by}) "
        f"end on {promise.due_on}; statutory: {statutory.limit.days}, {statutory.due_on}"
    )
    for day in [*statutory.days[:4], *statutory.days[-3:]]:
        scene.stage.say(
            f"[dim]{day.date} {day.total if day.counted else '—':>3}  {day.reason}[/dim]"
        )
    counted = sum(day.counted for day in promise.days)
    scene.stage.check(
        "The due date explains itself day by day",
        counted == promise.limit.days and promise.days[-1].date == promise.due_on,
        f"{counted} days counted up to {promise.due_on}",
    )
    published = {year.year for year in supplied_calendar().years}
    over_the_year = any(int(day.date[:4]) not in published for day in statutory.days)
    scene.stage.check(
        "A date that runs into a year without a published calendar says that it is provisional",
        statutory.provisional == over_the_year,
        f"{statutory.due_on}, unpublished: {list(statutory.unpublished_years)}",
    )


async def across_halls(scene: Scene) -> None:
    """同城通办 by the city, and across cities by the province."""
    stage = scene.stage
    stage.chapter("同城通办 and across cities: filed here, decided there, the result comes back")
    routes = (
        (world.CHUNAN, world.YUHANG, PENSION, [world.HANGZHOU]),
        (world.HAIYAN, world.YUHANG, HUKOU, [world.JIAXING, world.PROVINCE, world.HANGZHOU]),
    )
    for number, (origin, competent, item_id, halls_between) in enumerate(routes):
        here, there = scene.at(origin), scene.at(competent)
        view = await here.file_complete(
            world.CLERK, item_id, world.villager(10 + number), world.scan(20), competent
        )
        case_id = view.summary.case_id
        stage.say(f"{view.summary.case_no} {view.item.name}: {origin} for {competent}")
        await here.hand_over(case_id, "材料已核对，请贵厅受理")
        taken = await scene.reaches(competent, case_id, competent)
        await there.accept(case_id)
        await there.grant(case_id)
        back = await scene.reaches(origin, case_id, origin)
        await here.close(case_id)
        passed_by = {hop.node for hop in stage.hops if hop.subject == case_id}
        stage.check(
            f"A case of {competent} filed at {origin} came back decided",
            taken is not None and back is not None,
            " → ".join([origin, *halls_between, competent]),
        )
        stage.check(
            "It went through exactly the halls between, which could not read it",
            set(halls_between) <= passed_by <= {origin, *halls_between, competent},
            "、".join(sorted(passed_by)),
        )


async def instant_case(scene: Scene) -> None:
    """即办件 at a branch hall."""
    stage = scene.stage
    stage.chapter("即办件: an instant case at the branch hall, under its county")
    branch, county = scene.at(world.SOCIAL_INSURANCE), scene.at(world.YUHANG)
    view = await branch.file_complete(world.CLERK, MEDICAL, world.villager(30), world.scan(30))
    case_id = view.summary.case_id
    decided = await branch.grant(case_id, world.CLERK)
    stage.check(
        "It is accepted and decided in one act, on the spot",
        decided.summary.stage == wire.CASE_STAGE_DECIDED,
        f"{view.summary.case_no} {view.item.name}",
    )
    closed = await branch.close(case_id)

    async def county_knows() -> bool:
        return (await county.look(case_id)).last_digest == closed.last_digest

    stage.check(
        "The county that guides the branch hall has a replica of it",
        bool(await stage.until(county_knows)),
    )


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
    data = await scene.at(world.WENCHANG).bundle(scene.finished)
    report = await asyncio.to_thread(verify_bundle, data, scene.network.root)
    receipts = sum(item.receipt is not None for item in report.exhibits)
    stage.check(
        "Every exhibit holds: chain, journal, content, receipt",
        report.holds,
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


Chapter = Callable[[Scene], Awaitable[None]]
ALL: tuple[Chapter, ...] = (
    village_to_county,
    across_halls,
    instant_case,
    outage,
    killed,
    forgery,
    proof,
)

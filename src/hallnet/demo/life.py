"""The chapters in which cases live: each acts through the services as people would, and checks what
came of it."""

from __future__ import annotations

import asyncio

from hallnet.case.supplied_calendar import supplied_calendar
from hallnet.demo import world
from hallnet.demo.counter import asked_for
from hallnet.demo.scene import Scene
from hallnet.problems import Reported
from hallnet.sandbox.belongings import places_with
from hallnet.wire.intake.v1 import intake_service_pb2 as wire
from hallnet.wire.notify.v1 import notify_service_pb2 as wire_notify

SUBSISTENCE = "subsistence-allowance"
PENSION = "resident-pension-enrolment"
HUKOU = "hukou-transfer-cross"
MEDICAL = "resident-medical-enrolment"


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
    await scene.reaches(world.WENCHANG, case_id, world.CHUNAN)
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
        applicant = world.villager(10 + number)
        view = await here.file_complete(world.CLERK, item_id, applicant, world.scan(20), competent)
        case_id = view.summary.case_id
        stage.say(f"{view.summary.case_no} {view.item.name}: {origin} for {competent}")
        await here.hand_over(case_id, "材料已核对，请贵厅受理")
        taken = await scene.reaches(competent, case_id, competent)
        await there.accept(case_id)
        await there.grant(case_id)
        back = await scene.reaches(origin, case_id, origin)
        await here.close(case_id)
        passed_by = await _passed_by(scene, case_id, halls_between)
        stage.check(
            f"A case of {competent} filed at {origin} came back decided",
            taken is not None and back is not None,
            " → ".join([origin, *halls_between, competent]),
        )
        stage.check(
            "It went through exactly the halls between",
            set(halls_between) <= passed_by <= {origin, *halls_between, competent},
            "、".join(sorted(passed_by)),
        )
        await _show_secrecy(scene, applicant, halls_between, competent)


async def _passed_by(scene: Scene, case_id: str, halls_between: list[str]) -> set[str]:
    """The halls at which parcels of a case were seen; what is seen comes a moment after what is."""

    def seen() -> set[str]:
        return {hop.node for hop in scene.stage.hops if hop.subject == case_id}

    async def all_seen() -> bool:
        return seen() >= set(halls_between)

    await scene.stage.until(all_seen)
    return seen()


async def _show_secrecy(
    scene: Scene, applicant: world.Villager, halls_between: list[str], competent: str
) -> None:
    words = [applicant.name, applicant.number, applicant.phone]

    async def found_at(address: str) -> list[str]:
        return await asyncio.to_thread(places_with, scene.network.node(address), words)

    between = [place for address in halls_between for place in await found_at(address)]
    there = await found_at(competent)
    scene.stage.check(
        "No file and no table of the halls between holds the applicant's name, number or phone",
        not between and bool(there),
        f"{competent}, which decides, holds them in {len(there)} places",
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
    closed = await branch.close(case_id, no_fee="个人缴费由税务部门征收")

    async def county_knows() -> bool:
        return (await county.look(case_id)).last_digest == closed.last_digest

    stage.check(
        "The county that guides the branch hall has a replica of it",
        bool(await stage.until(county_knows)),
    )

"""Running the demo: found the network, tell the story, show the checks."""

from __future__ import annotations

import asyncio
import io
import logging
import signal
import sys
import uuid
from pathlib import Path
from typing import Any

from rich.console import Console

from hallnet.case.calendar import CALENDAR
from hallnet.case.catalogue_file import supplied_catalogue
from hallnet.case.item import CATALOGUE
from hallnet.case.supplied_calendar import supplied_calendar
from hallnet.demo import life, trials, web, world
from hallnet.demo.counter import Counter
from hallnet.demo.scene import Scene
from hallnet.demo.stage import Stage
from hallnet.node.client import problems_raised
from hallnet.places import divisions
from hallnet.sandbox.folder import sandbox_folder
from hallnet.sandbox.network import Network
from hallnet.sandbox.postgresql import Postgresql
from hallnet.wire.branch_sync.v1 import branch_sync_service_pb2 as wire
from hallnet.wire.release.v1 import release_pb2 as wire_release

SCREEN_WIDTH = 132
CHAPTERS = (
    life.village_to_county,
    web.pages,
    life.across_halls,
    life.instant_case,
    trials.outage,
    trials.killed,
    trials.forgery,
    trials.proof,
)


async def run_demo(keep: bool, json_file: Path | None, on_terminal: bool) -> int:
    """Run all of it; returns the exit code. On a terminal it stays up until Ctrl-C."""
    # The TLS of the attack's own connection is chatty when it closes.
    logging.getLogger("asyncio").setLevel(logging.ERROR)
    if isinstance(sys.stdout, io.TextIOWrapper):
        # The view is live also when somebody else reads it.
        sys.stdout.reconfigure(line_buffering=True)
    console = Console(highlight=False, width=None if on_terminal else SCREEN_WIDTH)
    stage = Stage(console)
    with sandbox_folder(keep) as folder:
        console.print(f"hallnet demo: everything lies under {folder}")
        database = Postgresql(folder / "postgresql")
        network = Network(folder, world.PROVINCE)
        try:
            await _tell(stage, network, database)
            stage.table()
            if json_file is not None:
                stage.write_json(json_file, _described(network))
            if on_terminal:
                await _stay(console, network)
        finally:
            await stage.close()
            await network.stop()
            await asyncio.to_thread(database.stop)
            if keep:
                console.print(f"kept: {folder}")
    console.print(stage.last_line())
    return 1 if stage.failed or not stage.checks else 0


async def _tell(stage: Stage, network: Network, database: Postgresql) -> None:
    await _found(stage, network, database)
    counters = {
        address: Counter(node.desk)
        for address, node in network.nodes.items()
        if node.desk is not None
    }
    for node in network.nodes.values():
        assert node.desk is not None
        stage.watch(node.desk)
    await _release(stage, counters)
    scene = Scene(stage, network, counters)
    for chapter in CHAPTERS:
        await chapter(scene)


async def _found(stage: Stage, network: Network, database: Postgresql) -> None:
    stage.chapter("Nine halls are founded, each certified by the hall above it")
    await asyncio.to_thread(database.start)
    urls = {
        address: database.create_database(f"hall-{address}") for address in world.POSTGRESQL_HALLS
    }
    for level in world.levels(urls):
        await network.found(*level)
        for spec in level:
            store = "PostgreSQL" if spec.database_url != "sqlite" else "SQLite"
            processes = len(network.node(spec.address).processes)
            where = divisions().full_name(spec.address.partition("-")[0])
            stage.say(
                f"{spec.address:<14} {spec.name}（{where}）: {processes} process(es), {store}"
                + (", its own NATS server" if spec.has_children else "")
            )
    believed = network.node(world.WENCHANG).home.identity()
    chain = " ← ".join(item.body.subject for item in believed.chain)
    stage.check(
        "Every hall holds keys of its own and a certificate that leads to the offline root",
        all(
            node.home.identity().chain[-1].id == network.root.id for node in network.nodes.values()
        ),
        chain,
    )


async def _release(stage: Stage, counters: dict[str, Counter]) -> None:
    stage.chapter("The province releases 45 items, the working days and the trust bundle")
    contents = (
        (wire_release.RELEASE_KIND_CATALOGUE, CATALOGUE.to_bytes(supplied_catalogue())),
        (wire_release.RELEASE_KIND_CALENDAR, CALENDAR.to_bytes(supplied_calendar())),
    )
    for kind, content in contents:
        with problems_raised():
            await counters[world.PROVINCE].desk.branch_sync.PublishRelease(
                wire.PublishReleaseRequest(request_id=str(uuid.uuid4()), kind=kind, content=content)
            )

    async def in_step() -> bool:
        answers = await asyncio.gather(*(_in_step(counter) for counter in counters.values()))
        return all(answers)

    arrived = await stage.until(in_step)
    items = await counters[world.WENCHANG].items()
    stage.check(
        "All releases are in force at all nine halls, and every hall is known to every other",
        bool(arrived),
        f"{len(items)} items at {world.WENCHANG}",
    )
    for address, counter in counters.items():
        points = [world.VILLAGE] if address == world.WENCHANG else []
        await counter.open_accounts(world.PASSWORD, points)


async def _in_step(counter: Counter) -> bool:
    with problems_raised():
        listed = await counter.desk.branch_sync.ListReleases(wire.ListReleasesRequest())
    kinds = {
        item.kind for item in listed.releases if item.standing == wire.RELEASE_STANDING_IN_FORCE
    }
    status = await counter.status()
    return len(kinds) == 3 and status.believed_halls == 9 and bool(await counter.items())


async def _stay(console: Console, network: Network) -> None:
    """Stay up for somebody to look around, until Ctrl-C."""
    console.print()
    console.rule("The network is up: look around, then Ctrl-C", align="left", style="bold cyan")
    for node in network.nodes.values():
        if node.spec.portal:
            console.print(f"  {node.spec.name:<12} {node.portal_url}")
    console.print(
        f"  Accounts everywhere: {world.CLERK} and {world.CHIEF}, in {world.WENCHANG} also "
        f"{world.AGENT}; password {world.PASSWORD}"
    )
    console.print(f"  hallnet node status {network.folder / world.CHUNAN}")
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopped.set)
    await stopped.wait()


def _described(network: Network) -> dict[str, Any]:
    return {
        "halls": [
            {
                "address": node.spec.address,
                "name": node.spec.name,
                "processes": len(node.processes),
                "database": node.spec.database_url.partition(":")[0],
                "portal": node.portal_url if node.spec.portal else "",
            }
            for node in network.nodes.values()
        ],
        "root": network.root.id.hex(),
    }

"""Real halls with portals for tests: founded and run from a thread of their own, so that tests and
browsers can be written one step after the other."""

from __future__ import annotations

import asyncio
import struct
import threading
import time
import uuid
import zlib
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import httpx

from hallnet.case.calendar import CALENDAR
from hallnet.case.catalogue_file import supplied_catalogue
from hallnet.case.item import CATALOGUE
from hallnet.case.supplied_calendar import supplied_calendar
from hallnet.node.client import problems_raised
from hallnet.node.desk import Desk
from hallnet.sandbox.folder import sandbox_folder
from hallnet.sandbox.network import Network, Node, NodeSpec
from hallnet.wire.branch_sync.v1 import branch_sync_service_pb2 as wire_sync
from hallnet.wire.case.v1 import person_pb2 as wire_person
from hallnet.wire.intake.v1 import intake_service_pb2 as wire
from hallnet.wire.release.v1 import release_pb2 as wire_release

PASSWORD = "a word for tests"
CLERK, CHIEF, HEAD, AGENT, OTHER_AGENT = "clerk", "chief", "head", "agent", "other-agent"
VILLAGE = "330127101200"
SUBSISTENCE = "subsistence-allowance"
APPLICATION = "最低生活保障申请书（含诚信承诺）"
AUTHORISATION = "家庭经济状况核对授权书（全体成年成员签字）"
WAIT_SECONDS = 45.0
POLL_SECONDS = 0.1

_CLERK_POWERS = ("RECEIVE", "VERIFY", "GATEKEEP", "REVIEW", "COORDINATE")
_CHIEF_POWERS = (*_CLERK_POWERS, "DECIDE_INSTANT", "DECIDE", "SUPERVISE", "HEAD")
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Halls:
    """A running network; what is asynchronous is run in its own thread."""

    network: Network
    loop: asyncio.AbstractEventLoop

    def run(self, work: Coroutine[Any, Any, Result]) -> Result:
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(WAIT_SECONDS * 3)

    def url(self, address: str) -> str:
        return self.network.node(address).portal_url

    def desk(self, address: str) -> Desk:
        desk = self.network.node(address).desk
        assert desk is not None
        return desk


@contextmanager
def running(division: str, levels: Sequence[NodeSpec]) -> Iterator[Halls]:
    """Found halls, one level after the other, with catalogue, calendar and accounts everywhere."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    with sandbox_folder() as folder:
        halls = Halls(Network(folder, division), loop)
        try:
            halls.run(_found(halls.network, levels))
            for address in halls.network.nodes:
                _wait_for_portal(halls.network.node(address))
            yield halls
        finally:
            halls.run(halls.network.stop())
            loop.call_soon_threadsafe(loop.stop)
            thread.join()
            loop.close()


def until(look: Callable[[], Result | None]) -> Result:
    """What `look` finds, as soon as it finds something."""
    deadline = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < deadline:
        found = look()
        if found:
            return found
        time.sleep(POLL_SECONDS)
    raise AssertionError(f"nothing found within {WAIT_SECONDS} s")


async def _found(network: Network, levels: Sequence[NodeSpec]) -> None:
    for spec in levels:
        await network.found(spec)
        await _open_accounts(network.node(spec.address))
    top = network.node(levels[0].address).desk
    assert top is not None
    for kind, content in (
        (wire_release.RELEASE_KIND_CATALOGUE, CATALOGUE.to_bytes(supplied_catalogue())),
        (wire_release.RELEASE_KIND_CALENDAR, CALENDAR.to_bytes(supplied_calendar())),
    ):
        with problems_raised():
            await top.branch_sync.PublishRelease(
                wire_sync.PublishReleaseRequest(request_id=_new(), kind=kind, content=content)
            )
    for node in network.nodes.values():
        await _wait_for_items(node)


async def _open_accounts(node: Node) -> None:
    assert node.desk is not None
    staff, agent = wire_person.ACTOR_KIND_STAFF, wire_person.ACTOR_KIND_AGENT
    is_township = len(node.spec.address) == len("330127101")
    people: list[tuple[str, str, wire_person.ActorKind.ValueType, tuple[str, ...]]] = [
        (CLERK, "李窗口", staff, _CLERK_POWERS),
        (CHIEF, "王首席", staff, _CHIEF_POWERS),
        (HEAD, "赵主任", staff, ("HEAD", "SUPERVISE")),
    ]
    if is_township:
        people += [(AGENT, "方代办", agent, ()), (OTHER_AGENT, "余代办", agent, ())]
    for actor_id, name, kind, powers in people:
        account = wire.Account(
            actor=wire_person.Actor(kind=kind, actor_id=actor_id, name=name),
            powers=[wire.Power.Value(f"POWER_{power}") for power in powers],
            points=[VILLAGE] if kind == agent else [],
        )
        with problems_raised():
            await node.desk.intake.PutAccount(
                wire.PutAccountRequest(
                    request_id=_new(), account=account, password=PASSWORD, password_is_own=True
                )
            )


async def _wait_for_items(node: Node) -> None:
    assert node.desk is not None
    deadline = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < deadline:
        releases = await node.desk.branch_sync.ListReleases(wire_sync.ListReleasesRequest())
        calendars = {item.kind for item in releases.releases}
        items = await node.desk.intake.ListItems(wire.ListItemsRequest())
        if items.items and wire_release.RELEASE_KIND_CALENDAR in calendars:
            return
        await asyncio.sleep(POLL_SECONDS)
    raise AssertionError(f"{node.spec.address} has no catalogue")


def _wait_for_portal(node: Node) -> None:
    def answers() -> bool:
        try:
            return httpx.get(f"{node.portal_url}/healthz").text == "ok"
        except httpx.TransportError:
            return False

    if node.spec.portal:
        until(answers)


def picture(shade: int = 255) -> bytes:
    """A picture of one grey point, as PNG; another shade is another file."""
    parts = (
        (b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0)),
        (b"IDAT", zlib.compress(bytes((0, shade)))),
        (b"IEND", b""),
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in parts
    )


def picture_file(folder: Path, name: str = "scan.png", shade: int = 255) -> Path:
    path = folder / name
    path.write_bytes(picture(shade))
    return path


def _new() -> str:
    return str(uuid.uuid4())

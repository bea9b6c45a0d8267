"""A real network on this machine: every hall with its own processes, keys, database and message server.

Nodes are founded as operators found them: keys and request made in the hall's home, certified by the
parent over gRPC, joined with the root certificate. The child's link can be made to run over a wire that
can be cut.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Collection
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerProcess
from pathlib import Path

import msgspec

from hallnet.node.client import problems_raised
from hallnet.node.clock import clock
from hallnet.node.desk import Desk
from hallnet.node.home import Home, Part
from hallnet.node.rootkeys import create_root
from hallnet.node.settings import (
    SETTINGS_FILE,
    BrokerSettings,
    DatabaseSettings,
    EndpointSettings,
    HallSettings,
    NotifySettings,
    PortalSettings,
    Settings,
)
from hallnet.node.stating import certify_top
from hallnet.places import Address, divisions
from hallnet.problems import Kind, Problem
from hallnet.sandbox import nursery
from hallnet.sandbox.cuttable import CuttableWire
from hallnet.sandbox.ports import LOOPBACK, free_port, free_ports
from hallnet.trust.certificate import Certificate
from hallnet.trust.suite import Suite
from hallnet.wire.exchange.v1 import exchange_service_pb2 as wire_exchange
from hallnet.wire.trust.v1 import certificate_pb2 as wire_trust

READY_SECONDS = 60.0
STOP_SECONDS = 8.0
ALL_PARTS = (Part.INTAKE, Part.EXCHANGE, Part.BRANCH_SYNC, Part.NOTIFY)


class NodeNotReady(Problem):
    """A process of the sandbox did not come up."""

    kind = Kind.UNAVAILABLE
    reason = "NODE_NOT_READY"
    zh = "节点{address}未能启动：{detail}"
    zh_remedy = "请查看其日志{log}"
    en = "The node {address} did not start: {detail}"
    en_remedy = "Look at its log {log}"


@dataclass(frozen=True, slots=True)
class NodeSpec:
    """What kind of node is to be founded."""

    address: str
    name: str
    branch_field: str = ""
    has_children: bool = False
    database_url: str = "sqlite"
    split: bool = False
    """Whether each service runs in a process of its own, as in a big hall."""
    portal: bool = False
    cuttable: bool = False
    """Whether the link to the parent can be cut."""
    webhook_url: str = ""
    suite: Suite = Suite.ED25519


class Process:
    """One operating system process of a node."""

    def __init__(self, home: Path, parts: tuple[Part, ...]) -> None:
        self._home = home
        self.parts = parts
        self.log = home / f"{'+'.join(part.value for part in parts)}.log"
        self._process: ForkServerProcess | None = None

    @property
    def pid(self) -> int:
        assert self._process is not None
        assert self._process.pid is not None
        return self._process.pid

    async def start(self) -> None:
        """Start and wait until it serves; raises NodeNotReady."""
        self._process, ready = await asyncio.to_thread(
            nursery.start, self._home, self.parts, self.log
        )
        word = await asyncio.to_thread(_word, ready)
        if word != nursery.READY:
            detail = self.log.read_text(errors="replace")[-400:]
            raise NodeNotReady(address=self._home.name, detail=detail, log=self.log)

    async def kill(self) -> None:
        """End it at once, as a power cut would (SIGKILL)."""
        if self._process is not None:
            self._process.kill()
            await asyncio.to_thread(self._process.join)

    async def stop(self) -> None:
        """End it in order."""
        if self._process is None or not self._process.is_alive():
            return
        self._process.terminate()
        await asyncio.to_thread(self._process.join, STOP_SECONDS)
        if self._process.is_alive():
            await self.kill()


def _word(ready: Connection) -> object:
    """What a process says when it is up; None if it ends without a word or takes too long."""
    try:
        return ready.recv() if ready.poll(READY_SECONDS) else None
    except EOFError:
        return None
    finally:
        ready.close()


@dataclass(slots=True)
class Node:
    """A hall of the sandbox."""

    spec: NodeSpec
    home: Home
    processes: list[Process]
    link: CuttableWire | None = None
    desk: Desk | None = None

    @property
    def address(self) -> Address:
        return Address.parse(self.spec.address)

    @property
    def portal_url(self) -> str:
        return f"http://{self.home.settings().portal.listen}"

    async def start(self) -> None:
        await asyncio.gather(*(process.start() for process in self.processes))
        self.desk = self.desk or Desk(self.home, Part.OPERATOR)

    async def stop(self) -> None:
        if self.desk is not None:
            await self.desk.close()
            self.desk = None
        await asyncio.gather(*(process.stop() for process in self.processes))
        if self.link is not None:
            await self.link.stop()

    def process_of(self, part: Part) -> Process:
        return next(process for process in self.processes if part in process.parts)


class Network:
    """Halls that were founded in a folder. `stop` ends all processes; the folder is the caller's."""

    def __init__(
        self,
        folder: Path,
        division: str,
        suite: Suite = Suite.ED25519,
        allowed: Collection[Suite] = (),
    ) -> None:
        """`suite` is that of the root; halls may use the suites that are `allowed` besides."""
        self.folder = folder
        self.division = division
        self.nodes: dict[str, Node] = {}
        self.root: Certificate = create_root(
            folder / "root",
            division,
            f"{division} root",
            clock(),
            suite_number=suite,
            allowed=allowed,
        )

    @property
    def root_certificate(self) -> Path:
        """The file that is given to every hall by hand."""
        return self.folder / "root" / "root.cert"

    def node(self, address: str) -> Node:
        return self.nodes[address]

    async def found(self, *specs: NodeSpec) -> None:
        """Found nodes whose parents run already, side by side, and start them."""
        await asyncio.gather(*(self._found(spec) for spec in specs))

    async def stop(self) -> None:
        """End all nodes, the lowest first."""
        for node in sorted(self.nodes.values(), key=lambda node: -len(node.spec.address)):
            await node.stop()

    async def _found(self, spec: NodeSpec) -> None:
        parent = self._parent(spec)
        home = Home.create(
            self.folder / spec.address, msgspec.toml.encode(_settings(spec)).decode(), clock()
        )
        welcome = await self._certified(home, parent)
        link = None
        if spec.cuttable and parent is not None:
            link = await self._wire(home, parent)
        home.join(welcome, self.root, clock())
        groups: list[tuple[Part, ...]]
        groups = [(part,) for part in ALL_PARTS] if spec.split else [ALL_PARTS]
        if spec.portal:
            groups = [*groups, (Part.PORTAL,)] if spec.split else [(*ALL_PARTS, Part.PORTAL)]
        processes = [Process(home.folder, parts) for parts in groups]
        node = self.nodes[spec.address] = Node(spec, home, processes, link)
        await node.start()

    def _parent(self, spec: NodeSpec) -> Node | None:
        if len(spec.address) == len(self.division):
            return None
        above = divisions().parent(Address.parse(spec.address))
        return self.nodes[str(above)]

    async def _certified(self, home: Home, parent: Node | None) -> wire_trust.Welcome:
        request = home.request(clock())
        if parent is None:
            return certify_top(self.folder / "root", request, clock())
        assert parent.desk is not None
        with problems_raised():
            response = await parent.desk.exchange.CertifyChild(
                wire_exchange.CertifyChildRequest(request_id=str(uuid.uuid4()), request=request)
            )
        return response.welcome

    async def _wire(self, home: Home, parent: Node) -> CuttableWire:
        """Put a wire that can be cut between the child and its parent's message server."""
        target = int(parent.home.settings().broker.listen.rpartition(":")[2])
        wire = CuttableWire(free_port(), target)
        await wire.start()
        settings = home.settings()
        broker = msgspec.structs.replace(
            settings.broker, parent_url=f"tls://{LOOPBACK}:{wire.port}"
        )
        changed = msgspec.structs.replace(settings, broker=broker)
        home.write(SETTINGS_FILE, msgspec.toml.encode(changed))
        return wire


def _settings(spec: NodeSpec) -> Settings:
    ports = iter(free_ports(6))
    first = f"{LOOPBACK}:{next(ports)}"
    at = [first, *(f"{LOOPBACK}:{next(ports)}" if spec.split else first for _ in range(3))]
    broker = f"{LOOPBACK}:{next(ports)}" if spec.has_children else ""
    return Settings(
        hall=HallSettings(
            address=spec.address,
            name=spec.name,
            branch_field=spec.branch_field,
            suite=2 if spec.suite is Suite.SM2 else 1,
        ),
        database=DatabaseSettings(url=spec.database_url),
        endpoints=EndpointSettings(*at),
        broker=BrokerSettings(listen=broker, url=f"tls://{broker}" if broker else ""),
        portal=PortalSettings(
            listen=f"{LOOPBACK}:{next(ports)}" if spec.portal else "", secure_cookies=False
        ),
        notify=NotifySettings(webhook_url=spec.webhook_url),
    )

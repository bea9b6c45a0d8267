"""What the demo shows and remembers: every hop as it happens, every check with its finding."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Any, TypeVar

from grpc import aio
from rich.console import Console
from rich.table import Table

from hallnet.node.desk import Desk
from hallnet.problems import Reported
from hallnet.wire.exchange.v1 import exchange_service_pb2 as wire

WAIT_SECONDS = 45.0
POLL_SECONDS = 0.05
HOPS_MAX = 20_000
_ARROWS = {
    wire.HOP_DIRECTION_SENT: "→",
    wire.HOP_DIRECTION_TAKEN: "←",
    wire.HOP_DIRECTION_REFUSED: "✗",
}
Found = TypeVar("Found")


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that is to be believed, and what was found."""

    chapter: str
    claim: str
    passed: bool
    finding: str


@dataclass(frozen=True, slots=True)
class Hop:
    """One parcel that moved."""

    at: float
    node: str
    direction: str
    neighbour: str
    sender: str
    recipient: str
    kind: str
    subject: str
    size: int
    remark: str


@dataclass(slots=True)
class Stage:
    """The screen and the record of a run."""

    console: Console
    checks: list[Check] = field(default_factory=list)
    hops: list[Hop] = field(default_factory=list)
    chapters: list[dict[str, Any]] = field(default_factory=list)
    _began: float = field(default_factory=time.monotonic)
    _watches: list[asyncio.Task[None]] = field(default_factory=list)

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._began

    def chapter(self, title: str) -> None:
        """A new part of the story."""
        self.chapters.append({"title": title, "at": round(self.seconds, 2)})
        self.console.print()
        self.console.rule(f"{len(self.chapters)}. {title}", align="left", style="bold cyan")

    def say(self, text: str) -> None:
        self.console.print(f"  {text}")

    def check(self, claim: str, passed: bool, finding: str = "") -> bool:
        """Note whether a claim holds."""
        chapter = self.chapters[-1]["title"] if self.chapters else ""
        self.checks.append(Check(chapter, claim, passed, finding))
        mark = "[green]✓[/green]" if passed else "[red]✗[/red]"
        shown = f"  [dim]{finding}[/dim]" if finding else ""
        self.console.print(f"  {mark} {claim}{shown}")
        return passed

    def watch(self, desk: Desk) -> None:
        """Show each hop of a node from now on, also after its exchange was restarted."""
        self._watches.append(asyncio.create_task(self._watch(desk)))

    async def _watch(self, desk: Desk) -> None:
        while True:
            with suppress(aio.AioRpcError):
                async for hop in desk.exchange.WatchHops(wire.WatchHopsRequest()):
                    self._show(hop)
            await asyncio.sleep(0.1)

    def _show(self, hop: wire.WatchHopsResponse) -> None:
        if len(self.hops) >= HOPS_MAX:
            return
        arrow = _ARROWS.get(hop.direction, "?")
        self.hops.append(
            Hop(
                round(self.seconds, 3),
                hop.node,
                arrow,
                hop.neighbour,
                hop.sender,
                hop.recipient,
                hop.kind,
                hop.subject,
                hop.size,
                hop.remark,
            )
        )
        if hop.direction == wire.HOP_DIRECTION_TAKEN:
            # It was shown as it left.
            return
        colour = "red" if hop.direction == wire.HOP_DIRECTION_REFUSED else "dim"
        self.console.print(
            f"    [{colour}]{self.seconds:6.2f} s  {hop.node:>13} {arrow} {hop.neighbour:<13} "
            f"{hop.kind:<18} {hop.size:>6} B  {hop.sender} ⇒ {hop.recipient} {hop.remark}[/{colour}]"
        )

    async def until(
        self, look: Callable[[], Awaitable[Found | None]], seconds: float = WAIT_SECONDS
    ) -> Found | None:
        """What `look` finds, as soon as it finds something; None if it does not in time."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            with suppress(Reported):
                found = await look()
                if found:
                    return found
            await asyncio.sleep(POLL_SECONDS)
        return None

    def table(self) -> None:
        """All checks by chapter, and the last line."""
        table = Table(title="Checks", title_justify="left", expand=True)
        table.add_column("")
        table.add_column("claim", ratio=3)
        table.add_column("finding", ratio=2, overflow="fold")
        for chapter, checks in groupby(self.checks, lambda check: check.chapter):
            table.add_section()
            table.add_row("", f"[bold cyan]{chapter}[/bold cyan]", "")
            for check in checks:
                mark = "[green]✓[/green]" if check.passed else "[red]✗[/red]"
                table.add_row(mark, check.claim, check.finding)
        self.console.print()
        self.console.print(table)

    @property
    def failed(self) -> int:
        return sum(1 for check in self.checks if not check.passed)

    def last_line(self) -> str:
        return f"demo: {len(self.checks) - self.failed} checks passed, {self.failed} failed"

    def write_json(self, path: Path, more: dict[str, Any]) -> None:
        document = {
            "checks": [asdict(check) for check in self.checks],
            "passed": len(self.checks) - self.failed,
            "failed": self.failed,
            "seconds": round(self.seconds, 2),
            "chapters": self.chapters,
            "hops": [asdict(hop) for hop in self.hops],
            **more,
        }
        path.write_text(json.dumps(document, ensure_ascii=False, indent=2), encoding="utf-8")

    async def close(self) -> None:
        for watch in self._watches:
            watch.cancel()
        await asyncio.gather(*self._watches, return_exceptions=True)

"""Running some or all services of a node in one process."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib.metadata import version

from hallnet.node.clock import clock
from hallnet.node.home import Home, Part
from hallnet.node.lifecycle import Service, run
from hallnet.node.settings import EndpointSettings

SERVICES = (Part.INTAKE, Part.EXCHANGE, Part.BRANCH_SYNC, Part.NOTIFY, Part.PORTAL)


async def run_parts(home: Home, parts: Sequence[Part], ready: Callable[[], None]) -> None:
    """Run some or all services of a node in this process."""
    home.membership()
    home.renew_connection_certificates(clock())
    endpoints = home.settings().endpoints
    served = [part for part in parts if part is not Part.PORTAL]
    address = _address(endpoints, served[0]) if served else ""
    await run(home, address, [build(home, part) for part in parts], ready)


def build(home: Home, part: Part) -> Service:
    """One service of a node; its package is imported only where it runs."""
    if part is Part.INTAKE:
        from hallnet.intake.service import Intake

        return Intake(home, clock)
    if part is Part.EXCHANGE:
        from hallnet.exchange.service import Exchange

        return Exchange(home, version("hallnet"), clock)
    if part is Part.BRANCH_SYNC:
        from hallnet.branch_sync.service import BranchSync

        return BranchSync(home, clock)
    if part is Part.NOTIFY:
        from hallnet.notify.service import Notify

        return Notify(home, clock)
    from hallnet.portal.service import Portal

    return Portal(home, clock)


def usual_parts(home: Home) -> list[Part]:
    """All services; the portal only where it has an address."""
    listens = bool(home.settings().portal.listen)
    return [part for part in SERVICES if part is not Part.PORTAL or listens]


def _address(endpoints: EndpointSettings, part: Part) -> str:
    """Where a part listens: at the port where it is dialled."""
    host, _, port = {
        Part.INTAKE: endpoints.intake,
        Part.EXCHANGE: endpoints.exchange,
        Part.BRANCH_SYNC: endpoints.branch_sync,
        Part.NOTIFY: endpoints.notify,
    }[part].rpartition(":")
    return f"{endpoints.listen_host or host}:{port}"

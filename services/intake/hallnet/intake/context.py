"""What the intake knows of its own hall while it runs."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from hallnet.intake.records import Records
from hallnet.intake.releases import Releases
from hallnet.node.home import Home
from hallnet.places import Address, Divisions, divisions

RandomBytes = Callable[[int], bytes]


@dataclass(frozen=True, slots=True)
class Hall:
    """Passed to every use case."""

    address: Address
    branch_field: str
    register: Divisions
    random_bytes: RandomBytes
    founded_at: datetime | None = None
    """When the node was certified: its trust data are as old as that while no bundle has come."""
    department: str = ""
    """The department that owns a branch hall."""
    above: tuple[Address, ...] = ()
    """The halls above this one in the network, the nearest first."""
    releases: Releases = field(default_factory=Releases)
    records: Records = field(default_factory=Records)


def hall_of(home: Home) -> Hall:
    """The hall of a node that is a member of the network."""
    settings, membership = home.settings().hall, home.membership()
    return Hall(
        Address.parse(settings.address, "hall.address"),
        settings.branch_field,
        divisions(),
        os.urandom,
        membership.certificate.body.not_before,
        settings.department,
        tuple(item.address for item in membership.chain[1:-1]),
    )

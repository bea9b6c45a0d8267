"""What the intake knows of its own hall while it runs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from hallnet.intake.releases import Releases
from hallnet.places import Address, Divisions

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
    releases: Releases = field(default_factory=Releases)

"""What the intake knows of its own hall while it runs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

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
    releases: Releases = field(default_factory=Releases)

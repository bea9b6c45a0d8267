"""The way through the tree: down towards a descendant, else up."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from enum import Enum

from hallnet.places.address import Address
from hallnet.places.divisions import Divisions
from hallnet.places.problems import DivisionUnknown


class Direction(Enum):
    """Where the next step goes."""

    HERE = "here"
    UP = "up"
    DOWN = "down"
    NOWHERE = "nowhere"


@dataclass(frozen=True, slots=True)
class Way:
    """The next step of an envelope: a neighbour, or none if it is for this hall or for nobody."""

    direction: Direction
    neighbour: Address | None = None


def way_to(
    recipient: Address,
    here: Address,
    parent: Address | None,
    children: Collection[Address],
    register: Divisions,
) -> Way:
    """The next step from `here` to `recipient`.

    A recipient under one of the children goes down to that child; one that would lie under this
    hall but under none of its children goes nowhere; all others go up.
    """
    if recipient == here:
        return Way(Direction.HERE)
    try:
        for above in register.path(recipient):
            if above in children:
                return Way(Direction.DOWN, above)
            if above == here:
                return Way(Direction.NOWHERE)
    except DivisionUnknown:
        return Way(Direction.NOWHERE)
    if parent is None:
        return Way(Direction.NOWHERE)
    return Way(Direction.UP, parent)

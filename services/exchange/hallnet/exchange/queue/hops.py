"""Parcels that moved over a link, for those who watch."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from hallnet.exchange.queue.parcels import Parcel
from hallnet.places import Address
from hallnet.trust.envelope import Header
from hallnet.trust.receipt import ReceiptBody


class Direction(IntEnum):
    """The numbers are those of HopDirection on the wire."""

    SENT = 1
    TAKEN = 2
    REFUSED = 3


@dataclass(slots=True)
class Hop:
    """One parcel that moved. It is put into words only if somebody watches."""

    neighbour: Address
    direction: Direction
    about: Header | ReceiptBody | Parcel | None
    """None if nothing of it could be read."""
    size: int
    remark: str = ""

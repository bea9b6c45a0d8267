"""Parcels that moved over a link, for those who watch."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from hallnet.places import Address
from hallnet.trust.envelope import Header
from hallnet.trust.receipt import ReceiptBody
from hallnet.wire.exchange.v1 import link_pb2 as wire_link


class Direction(IntEnum):
    """The numbers are those of HopDirection on the wire."""

    SENT = 1
    TAKEN = 2
    REFUSED = 3


@dataclass(frozen=True, slots=True)
class Hop:
    """One parcel that moved."""

    neighbour: Address
    direction: Direction
    envelope_id: bytes
    sender: str
    recipient: str
    kind: str
    subject: str
    size: int
    remark: str = ""


def of_envelope(
    neighbour: Address, direction: Direction, header: Header, size: int, remark: str = ""
) -> Hop:
    return Hop(
        neighbour,
        direction,
        header.envelope_id,
        str(header.sender),
        str(header.recipient),
        header.kind,
        header.subject,
        size,
        remark,
    )


def of_receipt(neighbour: Address, direction: Direction, body: ReceiptBody, size: int) -> Hop:
    return Hop(
        neighbour,
        direction,
        body.envelope_id,
        str(body.issuer),
        str(body.sender),
        "receipt",
        "",
        size,
        body.verdict.name,
    )


def of_refused(
    neighbour: Address, header: Header | None, message: wire_link.Parcel, reason: str
) -> Hop:
    """A parcel that was dropped, of which perhaps nothing could be read."""
    if header is None:
        size = message.ByteSize()
        return Hop(neighbour, Direction.REFUSED, b"", "", "", "", "", size, reason)
    return of_envelope(neighbour, Direction.REFUSED, header, message.ByteSize(), reason)

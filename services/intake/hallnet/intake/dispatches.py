"""What has to be told to the other halls that are concerned with a case, as messages of the feed."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from hallnet.case.case import Case
from hallnet.case.event import Filed, HandedOver, Supplemented
from hallnet.case.person import Material
from hallnet.places import Address
from hallnet.trust.envelope import Urgency
from hallnet.wire.case.v1 import case_event_pb2 as wire
from hallnet.wire.exchange.v1 import attachment_pb2 as wire_attachment
from hallnet.wire.feed.v1 import feed_pb2 as wire_feed

EVENTS_KIND = "case.events"
REQUEST_KIND = "case.request"


def of_case(
    here: Address,
    before: Case | None,
    case: Case,
    raws: Sequence[bytes],
    own_events: Callable[[], list[bytes]],
) -> list[wire_feed.Dispatch]:
    """New events to the halls that know the case; all own events to those that are new to it, and to
    one that is handed the case: of a hand-over that failed before it may have received nothing.

    With no other hall concerned the events go into the own journal alone.
    """
    others = sorted(case.halls() - {here})
    if not others:
        return [of_events(case, here, raws, ())]
    known = before.halls() if before else frozenset()
    own = own_events()
    takers = handed_to(case, raws)
    return [
        of_events(
            case,
            other,
            raws if other in known - takers else own,
            _not_handed_in_at(other, case) if other in takers else (),
        )
        for other in others
    ]


def handed_to(case: Case, raws: Sequence[bytes]) -> frozenset[Address]:
    """The halls to which the newest events hand the case over."""
    return frozenset(
        mark.fact.to for mark in case.marks[-len(raws) :] if isinstance(mark.fact, HandedOver)
    )


def _not_handed_in_at(taker: Address, case: Case) -> list[Material]:
    """The materials that a hall that is handed a case does not have from its own counters."""
    there = {
        material.digest
        for mark in case.marks
        if mark.author == taker and isinstance(mark.fact, (Filed, Supplemented))
        for material in mark.fact.materials
    }
    return [material for material in case.materials if material.digest not in there]


def of_events(
    case: Case, recipient: Address, raws: Sequence[bytes], materials: Sequence[Material]
) -> wire_feed.Dispatch:
    """Events of a case for a hall, with materials that go along."""
    return dispatch(
        recipient,
        EVENTS_KIND,
        case.case_id,
        wire.CaseEvents(case_id=case.case_id, events=raws).SerializeToString(),
        materials,
        str(case.sequence),
    )


def dispatch(
    recipient: Address,
    kind: str,
    case_id: str,
    payload: bytes,
    materials: Sequence[Material] = (),
    reference: str = "",
) -> wire_feed.Dispatch:
    """A message to another hall about a case. `reference` comes back when it has ended."""
    return wire_feed.Dispatch(
        recipient=str(recipient),
        kind=kind,
        subject=case_id,
        urgency=int(Urgency.ORDINARY),  # type: ignore[arg-type]
        payload=payload,
        attachments=[
            wire_attachment.Attachment(digest=material.digest, size=material.size)
            for material in materials
        ],
        reference=reference,
    )

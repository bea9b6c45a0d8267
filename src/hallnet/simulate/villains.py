"""Two bad neighbours: one who lies with valid keys, and one whose software is broken."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace

from hallnet.case.case import Case
from hallnet.case.event import (
    EVENT,
    CaseEvent,
    Closed,
    Decided,
    DeliveryMethod,
    Fact,
    Outcome,
    TakenOver,
)
from hallnet.case.person import Actor, ActorKind
from hallnet.exchange import tables
from hallnet.exchange.queue import outgoing
from hallnet.exchange.queue.sealing import Wish
from hallnet.intake import dispatches
from hallnet.places import Address
from hallnet.simulate.founding import KEYS, supplied
from hallnet.simulate.hall import Hall
from hallnet.simulate.network import Network
from hallnet.store import Connection
from hallnet.trust.certificate import CertificateBody, issue
from hallnet.trust.envelope import Urgency
from hallnet.trust.release import ReleaseBody, sign_release
from hallnet.wire.case.v1 import case_event_pb2 as wire_case
from hallnet.wire.exchange.v1 import link_pb2 as wire_link
from hallnet.wire.trust.v1 import certificate_pb2 as wire_trust

FORGED = "forged"
"""How the villain calls what it sends: whether it arrives is nobody's concern."""
NOBODY = Actor(ActorKind.STAFF, "villain", "某人")


async def forge(villain: Hall, network: Network, known: Case | None, draw: random.Random) -> None:
    """Say something that is not the villain's to say: whom it reaches has to find that out."""
    kind = draw.randrange(5)
    if kind == 0 and known is not None and villain.address not in known.halls():
        await _send(villain, _false_events(villain, known, draw))
    elif kind == 1:
        await _send(villain, _false_release(villain))
    elif kind == 2:
        await _send(villain, _false_certificate(villain))
    elif network.attic:
        data = draw.choice(list(network.attic))[3]
        await _hand_on(villain, network, _twisted(data, draw) if kind == 3 else data, draw)


async def blunder(bungler: Hall, network: Network, draw: random.Random) -> None:
    """Send what nobody can read, as a batch, as a hello, or well sealed."""
    kind = draw.randrange(4)
    if kind == 0:
        await _hand_on(bungler, network, draw.randbytes(draw.randrange(2000)), draw)
    elif kind == 1 and network.attic:
        data = bytearray(draw.choice(list(network.attic))[3])
        for _ in range(draw.randrange(1, 6)):
            data[draw.randrange(len(data))] = draw.randrange(256)
        await _hand_on(bungler, network, bytes(data[: draw.randrange(len(data))]), draw)
    elif kind == 2:
        await _hand_on(bungler, network, draw.randbytes(100), draw, "hello")
    else:
        names = (
            dispatches.EVENTS_KIND,
            dispatches.REQUEST_KIND,
            "release",
            "trust.certificates",
            "?",
        )
        neighbours = _around(bungler)
        wishes = [
            Wish(
                draw.choice(neighbours),
                draw.choice(names),
                "subject",
                Urgency.ORDINARY,
                draw.randbytes(draw.randrange(500)),
            )
            for _ in range(3)
        ]
        await _send(bungler, wishes)


def _around(hall: Hall) -> list[Address]:
    above = [hall.context.parent] if hall.context.parent is not None else []
    return [*above, *sorted(hall.context.children)]


async def _send(hall: Hall, wishes: Sequence[Wish]) -> None:
    """By way of the hall's own journal, sealed and signed as is right."""

    marked = [replace(wish, reference=FORGED) for wish in wishes]

    def send(connection: Connection) -> None:
        entries = outgoing.send(connection, hall.context, marked, hall.now())
        tables.feed.append(connection, entries)

    await hall.exchange.write(send)
    hall.links.wake_those_with_parcels()


async def _hand_on(
    hall: Hall, network: Network, data: bytes, draw: random.Random, kind: str = "batch"
) -> None:
    taker = draw.choice(_around(hall))
    line = hall.address if taker == hall.context.parent else taker
    if taker in network.halls and not network.cut[line]:
        await network.halls[taker](hall.address, kind, data)


def _false_events(villain: Hall, case: Case, draw: random.Random) -> list[Wish]:
    """The next event of a case with which the villain has nothing to do, in its own or another's name."""
    facts: list[Fact] = [
        TakenOver(),
        Closed(DeliveryMethod.COUNTER, "冒领"),
        Decided("假1号", Outcome.GRANTED, "伪造", "", "", ""),
    ]
    halls = sorted(case.halls())
    event = CaseEvent(
        case.case_id,
        case.sequence + 1,
        case.last_digest,
        villain.now(),
        draw.choice([villain.address, *halls]),
        NOBODY,
        draw.choice(facts),
    )
    told = wire_case.CaseEvents(case_id=case.case_id, events=[EVENT.to_bytes(event)])
    payload = told.SerializeToString()
    return [
        Wish(hall, dispatches.EVENTS_KIND, case.case_id, Urgency.ORDINARY, payload)
        for hall in halls
    ]


def _false_release(villain: Hall) -> list[Wish]:
    """A calendar in the name of the highest hall."""
    kind, content = supplied()[1]
    top = villain.identity.chain[-2].address
    body = ReleaseBody(KEYS.suite, kind, top, 99, villain.now(), villain.now(), content, "伪造")
    chain = list(villain.identity.chain[:-1])
    raw = sign_release(body, villain.identity.signing_key, chain).SerializeToString()
    return [Wish(hall, "release", "release", Urgency.ORDINARY, raw) for hall in _around(villain)]


def _false_certificate(villain: Hall) -> list[Wish]:
    """A certificate for a hall that is not below the villain."""
    own = villain.identity.certificate.body
    victim = villain.identity.chain[-2].body.subject
    body = CertificateBody(
        suite=own.suite,
        serial=b"f" * 16,
        role=own.role,
        subject=victim,
        name=own.name,
        issuer=own.subject,
        issuer_id=villain.identity.certificate.id,
        signing_key=own.signing_key,
        sealing_key=own.sealing_key,
        not_before=own.not_before,
        not_after=own.not_after,
        permissions=own.permissions,
        suites=own.suites,
    )
    false = issue(body, villain.identity.signing_key, own.suite)
    bundle = wire_trust.TrustBundle(certificates=[false.to_message()])
    raw = bundle.SerializeToString()
    return [
        Wish(hall, "trust.certificates", "trust", Urgency.URGENT, raw) for hall in _around(villain)
    ]


def _twisted(data: bytes, draw: random.Random) -> bytes:
    """Another's batch with something changed in what is signed."""
    batch = wire_link.Batch.FromString(data)
    for parcel in batch.parcels:
        load = parcel.envelope if parcel.HasField("envelope") else None
        if load is None:
            continue
        target = bytearray(load.header if draw.random() < 0.5 else load.sealed_body)
        if target:
            target[draw.randrange(len(target))] ^= 1
        if draw.random() < 0.5:
            load.header = bytes(target)
        else:
            load.sealed_body = bytes(target)
    return batch.SerializeToString()

"""What the tests of the intake do and look at: applications, the post between halls, feeds, records."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from google.protobuf.message import Message
from sqlalchemy import Row, select
from tests.exchange.parts import rows
from tests.simulation.halls import CHIEF, SUITE, Station, World
from tests.simulation.worlds import TOWNSHIP

from hallnet.case import command as commands
from hallnet.case.case import Case
from hallnet.case.event import EVENT, CaseEvent, Defect, DeliveryMethod, Opinion, Outcome
from hallnet.case.item import CATALOGUE, Catalogue, ItemVersion
from hallnet.case.mandate import EvidenceKind, Mandate, MandateAct
from hallnet.case.person import Actor, ActorKind, Material, Person
from hallnet.codec import Codec
from hallnet.intake import accounts, following, passwords, tables
from hallnet.intake.accounts import Account
from hallnet.intake.face import IntakeFace
from hallnet.places import Address, Village
from hallnet.store import Connection
from hallnet.trust.release import RELEASE, ReleaseBody, ReleaseKind
from hallnet.wire.case.v1 import case_event_pb2 as wire_event
from hallnet.wire.case.v1 import command_pb2 as wire_command
from hallnet.wire.case.v1 import person_pb2 as wire_person
from hallnet.wire.exchange.v1 import envelope_pb2 as wire_envelope
from hallnet.wire.feed.v1 import feed_pb2 as wire_feed
from hallnet.wire.intake.v1 import intake_service_pb2 as wire
from hallnet.wire.release.v1 import release_pb2 as wire_release

SUBSISTENCE = "subsistence-allowance"
"""Received by the township, decided by the county."""
APPLICATION, AUTHORISATION = (
    "最低生活保障申请书（含诚信承诺）",
    "家庭经济状况核对授权书（全体成年成员签字）",
)
RELIEF = "temporary-relief-township"
"""Received and decided by the township."""
ELDER_CARD = "elder-card"
"""Instant, at the township."""
PENSION = "resident-pension-enrolment"
HUKOU = "hukou-transfer-cross"
"""Handed across to the county that is competent."""
VILLAGE, OTHER_VILLAGE = "330127101200", "330127101207"

ACCEPT = commands.Accept()
REVIEW = commands.Review(Opinion.FAVOURABLE, "符合条件")
HAND_OVER = commands.HandOver("请予确认")
GRANT = commands.Decide(Outcome.GRANTED, "符合条件", "")
CLOSE = commands.Close(DeliveryMethod.COUNTER, "方小明")
WITHDRAW = commands.Withdraw("不办了")
NOTICE = commands.GiveNotice((Defect(AUTHORISATION, "缺少", "请全体成年成员签字"),))

AGENT = Account(Actor(ActorKind.AGENT, "agent", "王代办"), frozenset(), (Village.parse(VILLAGE),))
OTHER_AGENT = Account(
    Actor(ActorKind.AGENT, "other-agent", "赵代办"), frozenset(), (Village.parse(OTHER_VILLAGE),)
)
ACCEPTED, REFUSED, UNANSWERED = (
    wire_envelope.VERDICT_ACCEPTED,
    wire_envelope.VERDICT_REFUSED,
    wire_envelope.VERDICT_UNSPECIFIED,
)

PERSON: Codec[Person] = Codec(Person, wire_person.Person)
MATERIAL: Codec[Material] = Codec(Material, wire_person.Material)
_request_numbers = itertools.count(1)


# Looking


def told(station: Station, *kinds: str) -> list[wire_feed.FeedEntry]:
    """What an intake told the other services, of some kinds or all."""
    found: list[wire_feed.FeedEntry] = []
    while True:
        position = found[-1].position if found else 0
        more = station.intake.look(lambda c, p=position: tables.feed.after(c, p))  # type: ignore[misc]
        if not more:
            return [entry for entry in found if not kinds or entry.kind in kinds]
        found += more


def events_told(station: Station, case: Case) -> list[CaseEvent]:
    """The own events of a hall on a case, in the order of its feed."""
    return [
        EVENT.from_bytes(entry.payload)
        for entry in told(station, "case.event")
        if entry.subject == case.case_id
    ]


def facts(events: Sequence[CaseEvent]) -> list[str]:
    return [type(event.fact).__name__ for event in events]


def history(station: Station, case: Case) -> list[CaseEvent]:
    """All that a hall knows of a case."""
    found = [row for row in rows(station.intake, tables.case_event) if row.case_id == case.case_id]
    return [EVENT.from_bytes(row.event) for row in found]


def raws(station: Station, case: Case) -> list[bytes]:
    found = rows(station.intake, tables.case_event)
    return [row.event for row in found if row.case_id == case.case_id]


def row_of(station: Station, case: Case) -> Row[Any]:
    """The row of a case in the lists of a hall."""
    return station.intake.look(
        lambda c: c.execute(select(tables.case).where(tables.case.c.case_id == case.case_id)).one()
    )


def set_aside(station: Station) -> list[tuple[str, str]]:
    """Who sent what was set aside, and why; checks that each was told."""
    found = [(row.sender, row.reason) for row in rows(station.intake, tables.set_aside)]
    assert [reason for _, reason in found] == [
        entry.payload.decode() for entry in told(station, "case.set_aside")
    ]
    return found


def everything(station: Station) -> dict[str, list[Row[Any]]]:
    """All rows of all tables."""
    return {table.name: rows(station.intake, table) for table in tables.metadata.sorted_tables}


def records(station: Station, act: str = "") -> list[Row[Any]]:
    """Who looked at what, and who was refused what."""
    found = rows(station.intake, tables.access_record)
    return [row for row in found if not act or row.act == act]


# The post between halls


def message(sender: str, kind: str, subject: str, payload: bytes) -> wire_feed.InboundMessage:
    return wire_feed.InboundMessage(sender=sender, kind=kind, subject=subject, payload=payload)


def events_message(sender: str, case_id: str, *raw_events: bytes) -> wire_feed.InboundMessage:
    payload = wire_event.CaseEvents(case_id=case_id, events=raw_events).SerializeToString()
    return message(sender, "case.events", case_id, payload)


def sent(station: Station, recipient: str) -> list[wire_feed.InboundMessage]:
    """What an intake wants carried to another hall, as it would arrive there."""
    return [
        message(str(station.address), wanted.kind, wanted.subject, wanted.payload)
        for entry in told(station)
        for wanted in entry.dispatches
        if wanted.recipient == recipient
    ]


def receive(world: World, at: str, *messages: wire_feed.InboundMessage) -> None:
    """Messages of other halls reach an intake, all in one batch of the exchange's feed."""
    station = world.at(at)
    entries = [
        wire_feed.FeedEntry(kind="message.received", payload=item.SerializeToString())
        for item in messages
    ]
    station.intake.transact(
        lambda c: following.take_messages(c, station.hall, entries, world.time.now)
    )


def end_delivery(
    world: World,
    at: str,
    case: Case,
    verdict: wire_envelope.Verdict.ValueType,
    reason: str = "",
    *,
    recipient: str,
    kind: str = "case.events",
    envelope_id: bytes = b"an envelope's id",
    reference: str | None = None,
) -> None:
    """The exchange tells how a message of an intake ended: the one with the newest event, unless
    another is named."""
    station = world.at(at)
    ended = wire_feed.DeliveryEnded(
        envelope_id=envelope_id,
        recipient=recipient,
        kind=kind,
        subject=case.case_id,
        verdict=verdict,
        reason=reason,
        reference=str(case.sequence) if reference is None else reference,
    )
    entry = wire_feed.FeedEntry(kind="delivery.ended", payload=ended.SerializeToString())
    station.intake.transact(
        lambda c: following.take_messages(c, station.hall, [entry], world.time.now)
    )


@dataclass
class Post:
    """Carries what the intakes of a world tell each other, each message once, without exchanges."""

    world: World
    carried: dict[tuple[str, str], int] = field(default_factory=dict)

    def carry(self, giver: str, taker: str) -> int:
        """What is new from one hall to another; how many messages that were."""
        done = self.carried.get((giver, taker), 0)
        waiting = sent(self.world.at(giver), taker)[done:]
        for item in waiting:
            receive(self.world, taker, item)
        self.carried[giver, taker] = done + len(waiting)
        return len(waiting)

    def settle(self) -> None:
        """Carry until nothing waits."""
        ways = list(itertools.permutations(self.world.stations, 2))
        while sum(self.carry(giver, taker) for giver, taker in ways):
            pass


# Cases on their way


def reported_up(world: World) -> Case:
    """Accepted and reviewed by the township, and given to the county."""
    case = world.file(TOWNSHIP, SUBSISTENCE)
    for command in (ACCEPT, REVIEW, HAND_OVER):
        case = world.act(TOWNSHIP, case, command)
    return case


def supplement(world: World, at: str, name: str = AUTHORISATION) -> commands.Supplement:
    return commands.Supplement((world.upload(at, name),))


# Releases


def take_release(
    world: World,
    at: str,
    kind: ReleaseKind,
    content: bytes,
    version: int = 2,
    author: str = "33",
) -> None:
    """A release comes into force at a hall."""
    station, now = world.at(at), world.time.now
    body = ReleaseBody(SUITE.suite, kind, Address.parse(author), version, now, now, content, "")
    signed = wire_release.SignedRelease(body=RELEASE.to_bytes(body))
    entry = wire_feed.FeedEntry(kind="release.in_force", payload=signed.SerializeToString())
    station.intake.transact(
        lambda c: following.take_releases(c, station.hall, [entry], world.time.now)
    )


def take_items(world: World, at: str, items: Sequence[ItemVersion], version: int = 2) -> None:
    content = CATALOGUE.to_bytes(Catalogue(tuple(items), "test"))
    take_release(world, at, ReleaseKind.CATALOGUE, content, version)


# People


def put_accounts(world: World, at: str, *people: Account, password: str = "") -> None:
    station = world.at(at)

    def put(connection: Connection) -> None:
        for account in people:
            accounts.put(connection, account, world.time.now)
            if password:
                passwords.put(
                    connection,
                    account.actor.actor_id,
                    password,
                    True,
                    station.hall.random_bytes,
                    world.time.now,
                )

    station.intake.transact(put)


def mandate(world: World, client: Person, at: str = TOWNSHIP, **changes: Any) -> Mandate:
    """A mandate for the agent over subsistence allowance, with evidence that is stored."""
    today = world.time.now.date()
    values: dict[str, Any] = {
        "mandate_id": "",
        "client": client,
        "agent_id": AGENT.actor.actor_id,
        "item_ids": (SUBSISTENCE,),
        "acts": (MandateAct.SUBMIT, MandateAct.COLLECT),
        "valid_from": today,
        "valid_until": today + timedelta(days=30),
        "evidence_kind": EvidenceKind.SIGNATURE,
        "evidence": world.upload(at, "mandate"),
    }
    return Mandate(**(values | changes))


# The face


def face(world: World, at: str = TOWNSHIP) -> IntakeFace:
    station = world.at(at)
    return IntakeFace(station.intake, station.hall, lambda: world.time.now)


def act(actor: Account = CHIEF, request_id: str = "") -> wire.Act:
    """Who asks; each request has an id of its own unless one is given."""
    return wire.Act(
        request_id=request_id or f"request-{next(_request_numbers)}",
        actor_id=actor.actor.actor_id,
    )


def asking(by: wire.Act, case_id: str, command: Message) -> wire.ActOnCaseRequest:
    """The request for a command, given as its message."""
    wanted = wire_command.CaseCommand()
    field = next(
        field for field in wanted.DESCRIPTOR.fields if field.message_type is command.DESCRIPTOR
    )
    getattr(wanted, field.name).CopyFrom(command)
    return wire.ActOnCaseRequest(act=by, case_id=case_id, command=wanted)


def file_request(
    world: World,
    *,
    at: str = TOWNSHIP,
    item_id: str = SUBSISTENCE,
    actor: Account = CHIEF,
    request_id: str = "",
    applicant: Person | None = None,
    papers: Sequence[str] = (APPLICATION, AUTHORISATION),
    **values: Any,
) -> wire.FileCaseRequest:
    """An application at the counter, complete unless papers are left out."""
    return wire.FileCaseRequest(
        act=act(actor, request_id),
        item_id=item_id,
        applicant=PERSON.to_message(applicant or world.person()),
        channel=wire_event.CHANNEL_COUNTER,
        materials=[MATERIAL.to_message(world.upload(at, name)) for name in papers],
        **values,
    )


def china(text: str) -> datetime:
    """A moment in China, given as `2026-03-02 09:00`."""
    return datetime.fromisoformat(f"{text}+08:00")

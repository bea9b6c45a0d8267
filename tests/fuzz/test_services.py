"""What a certified hall says to the services of another, changed at random: it is taken, or set aside with
its reason; it never stops those who follow the feed, and what comes after it is taken."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from google.protobuf.message import Message
from sqlalchemy import select
from tests.branch_sync.parts import Halls
from tests.case.builders import AGENT, ITEM, REPORTED_UP, START, WITHDRAWN
from tests.fuzz.mutating import mutated
from tests.fuzz.searching import numbers, one_world, undone
from tests.intake.test_disorder import AFAR, CASE_ID, handed_here, whole_life
from tests.simulation.halls import World
from tests.simulation.worlds import CITY, COUNTY, HALLS, PROVINCE, worlds

from hallnet.branch_sync import certificates, following, passing_on
from hallnet.branch_sync import tables as sync_tables
from hallnet.branch_sync.standing import Standing
from hallnet.case.calendar import CALENDAR
from hallnet.case.event import EVENT, REQUEST, REQUEST_REFUSED, CaseRequest, CaseRequestRefused
from hallnet.case.item import CATALOGUE, Catalogue
from hallnet.case.supplied_calendar import supplied_calendar
from hallnet.codec import MessageMalformed, parse
from hallnet.exchange import following as exchange_following
from hallnet.intake import dispatches, replicas
from hallnet.intake import following as intake_following
from hallnet.intake import tables as intake_tables
from hallnet.notify import tables as notify_tables
from hallnet.notify import writing
from hallnet.places import divisions
from hallnet.store import Connection, Database
from hallnet.store.feed import Feed
from hallnet.trust.release import ReleaseKind
from hallnet.wire.case.v1 import calendar_pb2 as wire_calendar
from hallnet.wire.case.v1 import case_event_pb2 as wire_case
from hallnet.wire.case.v1 import item_pb2 as wire_item
from hallnet.wire.feed.v1 import feed_pb2 as wire_feed
from hallnet.wire.release.v1 import release_pb2 as wire_release
from hallnet.wire.trust.v1 import certificate_pb2 as wire_trust


def said(sender: str, kind: str, payload: bytes, subject: str = CASE_ID) -> wire_feed.FeedEntry:
    message = wire_feed.InboundMessage(
        envelope_id=b"e" * 16, sender=sender, kind=kind, subject=subject, payload=payload
    )
    return wire_feed.FeedEntry(kind="message.received", payload=message.SerializeToString())


# Cases


@pytest.fixture(params=["sqlite", "postgresql"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    yield from worlds(request, tmp_path)


@pytest.fixture
def notify(world: World) -> Iterator[Database]:
    yield from notify_beside(world)


def notify_beside(world: World) -> Iterator[Database]:
    """The records of the county's notify, beside those of its intake."""
    database = world._database("notify", world.at(COUNTY).address)
    database.create_schema()
    notify_tables.metadata.create_all(database.engine)
    yield database
    database.close()


def taken_by_intake(world: World, entries: list[wire_feed.FeedEntry]) -> list[wire_feed.FeedEntry]:
    """What the county's intake tells after it took what came; undone."""
    county, told = world.at(COUNTY), []

    def work(connection: Connection) -> None:
        before = _all(connection, intake_tables.feed)
        for entry in entries:
            intake_following.take_messages(connection, county.hall, [entry], world.time.now)
        told.extend(_all(connection, intake_tables.feed)[len(before) :])

    undone(county.intake, work)
    return told


def _all(connection: Connection, feed: Feed) -> list[wire_feed.FeedEntry]:
    found: list[wire_feed.FeedEntry] = []
    while more := feed.after(connection, found[-1].position if found else 0):
        found += more
    return found


def require_told(world: World, notify: Database, told: list[wire_feed.FeedEntry]) -> None:
    """What the intake tells of a stranger's words stops nobody who follows it."""
    undone(
        notify,
        lambda c: writing.take(c, divisions(), ["file"], "intake", told, world.time.now),
    )


def from_authors(raws: list[bytes]) -> list[wire_feed.FeedEntry]:
    return [
        said(str(EVENT.from_bytes(raw).author), dispatches.EVENTS_KIND, events(raw)) for raw in raws
    ]


def events(*raws: bytes) -> bytes:
    return wire_case.CaseEvents(case_id=CASE_ID, events=raws).SerializeToString()


STORIES = {"a case of others": whole_life, "a case that is handed here": handed_here}


@pytest.mark.parametrize("story", STORIES)
@one_world
@numbers
def test_whatever_a_hall_says_of_a_case_is_taken_or_set_aside(
    world: World, notify: Database, story: str, number: int
) -> None:
    raws = STORIES[story]().raws
    at = number % len(raws)
    spoiled = said(
        str(EVENT.from_bytes(raws[at]).author),
        dispatches.EVENTS_KIND,
        mutated(events(raws[at]), wire_case.CaseEvents, number),
    )
    genuine = from_authors(raws)
    told = taken_by_intake(world, [*genuine[:at], spoiled, *genuine[at:]])
    require_told(world, notify, told)
    known = [entry.payload for entry in told if entry.kind == "case.replica"]
    assert known[:at] == raws[:at]
    assert len(known) == len(set(known))


@one_world
@numbers
def test_whatever_a_hall_asks_of_a_case_is_done_or_refused(
    world: World, notify: Database, number: int
) -> None:
    story = handed_here()
    asked = CaseRequest(CASE_ID, "r" * 36, AGENT, START, WITHDRAWN)
    payload = mutated(REQUEST.to_bytes(asked), wire_case.CaseRequest, number)
    entries = [*from_authors(story.raws), said(str(AFAR), dispatches.REQUEST_KIND, payload)]
    require_told(world, notify, taken_by_intake(world, entries))


@one_world
@numbers
def test_whatever_a_hall_says_of_a_refused_wish_is_told_or_set_aside(
    world: World, notify: Database, number: int
) -> None:
    story = handed_here()
    refused = CaseRequestRefused(CASE_ID, "r" * 36, "CASE_CLOSED", "办件已办结")
    payload = mutated(REQUEST_REFUSED.to_bytes(refused), wire_case.CaseRequestRefused, number)
    entries = [*from_authors(story.raws), said(str(AFAR), replicas.REFUSED_KIND, payload)]
    require_told(world, notify, taken_by_intake(world, entries))


# Releases


@pytest.fixture(params=["sqlite", "postgresql"])
def halls(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Halls]:
    for world in worlds(request, tmp_path, prepare=found_branch_syncs):
        made = Halls(world)
        yield made
        made.close()


@pytest.fixture
def listening(halls: Halls) -> Iterator[Database]:
    yield from notify_beside(halls.world)


def found_branch_syncs(world: World) -> None:
    halls = Halls(world, founded=False)
    for address in HALLS:
        halls.at(address)
    halls.settle()
    halls.close()


def trust_bundle(halls: Halls) -> bytes:
    sync = halls.at(PROVINCE)
    return sync.database.look(
        lambda c: certificates.bundle(c, sync.context, halls.now)
    ).SerializeToString()


CONTENTS: dict[str, tuple[ReleaseKind, Callable[[Halls], bytes], type[Message]]] = {
    "catalogue": (
        ReleaseKind.CATALOGUE,
        lambda halls: CATALOGUE.to_bytes(Catalogue((ITEM, REPORTED_UP), "test")),
        wire_item.Catalogue,
    ),
    "calendar": (
        ReleaseKind.CALENDAR,
        lambda halls: CALENDAR.to_bytes(supplied_calendar()),
        wire_calendar.WorkingCalendar,
    ),
    "trust bundle": (ReleaseKind.TRUST, trust_bundle, wire_trust.TrustBundle),
    "policy": (ReleaseKind.POLICY, lambda halls: b"policy", wire_release.ReleaseBody),
}


def taken_by_branch_sync(
    halls: Halls, kind: str, payload: bytes, then: Callable[[list[wire_feed.FeedEntry]], None]
) -> list[int]:
    """How each release that came to the city stands now; `then` sees what is told of them. Undone."""
    sync = halls.at(CITY)
    standings: list[int] = []

    def work(connection: Connection) -> None:
        before = len(_all(connection, sync_tables.feed))
        following.take(connection, sync.context, [said(PROVINCE, kind, payload)], halls.now)
        then(_all(connection, sync_tables.feed)[before:])
        standings.extend(connection.scalars(select(sync_tables.release.c.standing)))

    undone(sync.database, work)
    # What a process believes after an undone transaction is read anew from its records.
    halls.restart(CITY)
    return standings


@pytest.mark.parametrize("what", CONTENTS)
@one_world
@numbers
def test_a_release_that_was_changed_on_the_way_has_no_effect(
    halls: Halls, what: str, number: int
) -> None:
    kind, content, _ = CONTENTS[what]
    signed = halls.signed(PROVINCE, kind, content(halls))
    payload = mutated(signed.SerializeToString(), wire_release.SignedRelease, number)
    told: list[wire_feed.FeedEntry] = []
    standings = taken_by_branch_sync(halls, passing_on.RELEASE_KIND, payload, told.extend)
    came = parse_or_none(payload)
    if came is None or (came.body, came.signature) != (signed.body, signed.signature):
        assert set(standings) <= {Standing.REFUSED}
        assert [entry for entry in told if entry.kind == "release.in_force"] == []


def parse_or_none(payload: bytes) -> wire_release.SignedRelease | None:
    try:
        return parse(wire_release.SignedRelease, payload)
    except MessageMalformed:
        return None


@pytest.mark.parametrize("what", CONTENTS)
@one_world
@numbers
def test_whatever_a_hall_above_publishes_stops_nobody_who_takes_it(
    halls: Halls, listening: Database, what: str, number: int
) -> None:
    """It is refused, or everybody who follows can use it."""
    kind, content, message = CONTENTS[what]
    signed = halls.signed(PROVINCE, kind, mutated(content(halls), message, number))

    def use(told: list[wire_feed.FeedEntry]) -> None:
        county = halls.world.at(COUNTY)
        undone(
            county.intake,
            lambda c: intake_following.take_releases(c, county.hall, told, halls.now),
        )
        undone(
            county.exchange,
            lambda c: exchange_following.take(c, county.context, told, halls.now),
        )
        require_told(halls.world, listening, told)

    taken_by_branch_sync(halls, passing_on.RELEASE_KIND, signed.SerializeToString(), use)
    halls.world.restart(COUNTY)


@one_world
@numbers
def test_whatever_a_child_tells_of_certificates_is_taken_or_passed_over(
    halls: Halls, number: int
) -> None:
    payload = mutated(trust_bundle(halls), wire_trust.TrustBundle, number)
    told: list[wire_feed.FeedEntry] = []
    assert taken_by_branch_sync(halls, certificates.CERTIFICATES_KIND, payload, told.extend) == []

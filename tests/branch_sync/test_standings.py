"""Which release is in force where: every hall above can say it, and names who is behind or unheard."""

from __future__ import annotations

from datetime import timedelta

import pytest
from tests.branch_sync.parts import DAY, Halls
from tests.simulation.worlds import CITY, COUNTY, HALLS, OTHER_COUNTY, PROVINCE, TOWNSHIP

from hallnet.branch_sync import standings, tables
from hallnet.branch_sync.standings import GATHER, MISSED_AFTER, STANDINGS_KIND, TOLD_AGAIN_AFTER
from hallnet.codec.moments import to_timestamp
from hallnet.trust.release import ReleaseKind
from hallnet.wire.branch_sync.v1 import branch_sync_service_pb2 as wire_service
from hallnet.wire.branch_sync.v1 import standing_pb2 as wire
from hallnet.wire.exchange.v1 import envelope_pb2 as wire_envelope
from hallnet.wire.feed.v1 import feed_pb2 as wire_feed

LEVELS = (TOWNSHIP, COUNTY, CITY)


def tell(halls: Halls) -> None:
    """Some minutes pass, and what is in force where gets from hall to hall up to the province."""
    for _ in LEVELS:
        halls.pass_by(seconds=GATHER.total_seconds())
        for address in HALLS:
            sync = halls.at(address)
            sync.database.transact(lambda c, s=sync: standings.report(c, s.context, halls.now))  # type: ignore[misc]
        halls.settle()


def words(halls: Halls, of: str) -> list[wire_feed.Dispatch]:
    """All that a hall said of what is in force."""
    return [one for entry in halls.told(of, "standings.told") for one in entry.dispatches]


def spread(halls: Halls, at: str, kind: int = 0) -> wire_service.ListStandingsResponse:
    sync = halls.at(at)
    return sync.database.look(lambda c: standings.spread(c, sync.context, kind))


def in_words(answer: wire_service.ListStandingsResponse) -> list[str]:
    return [
        f"{ReleaseKind(one.kind).name.lower()}-{one.author}-{one.version}: "
        + " ".join([*one.halls, *(f"{late.hall}@{late.version}" for late in one.behind)])
        for one in answer.spreads
    ]


def test_every_hall_above_sees_what_is_in_force_where(halls: Halls) -> None:
    halls.publish(PROVINCE, content=b"policy")
    halls.publish(COUNTY, content=b"of the county")
    halls.settle()
    tell(halls)
    assert in_words(spread(halls, PROVINCE)) == [
        f"policy-{PROVINCE}-1: {PROVINCE} {CITY} {OTHER_COUNTY} {COUNTY} {TOWNSHIP}",
        f"policy-{COUNTY}-1: {COUNTY} {TOWNSHIP}",
    ]
    assert in_words(spread(halls, COUNTY)) == [
        f"policy-{PROVINCE}-1: {COUNTY} {TOWNSHIP}",
        f"policy-{COUNTY}-1: {COUNTY} {TOWNSHIP}",
    ]


def test_a_hall_that_is_behind_is_named_with_what_it_has_and_since_when(halls: Halls) -> None:
    halls.publish(PROVINCE, content=b"first")
    halls.settle()
    tell(halls)
    halls.world.at(TOWNSHIP).cut = True
    halls.pass_by(days=1)
    since = halls.now
    for content in (b"second", b"third"):
        halls.publish(PROVINCE, content=content)
        halls.settle()
        halls.pass_by(days=1)
    tell(halls)
    (one,) = spread(halls, PROVINCE).spreads
    (late,) = one.behind
    assert (late.hall, late.version, one.version) == (TOWNSHIP, 1, 3)
    assert late.since == to_timestamp(since)
    halls.world.at(TOWNSHIP).cut = False
    halls.settle()
    tell(halls)
    (one,) = spread(halls, PROVINCE).spreads
    assert not one.behind


def test_a_hall_never_heard_from_is_named_as_unknown_and_not_as_behind(halls: Halls) -> None:
    halls.world.at(TOWNSHIP).cut = True
    halls.publish(PROVINCE, content=b"policy")
    halls.settle()
    tell(halls)
    answer = spread(halls, PROVINCE)
    assert list(answer.unknown) == [TOWNSHIP]
    assert in_words(answer) == [f"policy-{PROVINCE}-1: {PROVINCE} {CITY} {OTHER_COUNTY} {COUNTY}"]


def test_what_halls_below_told_goes_up_in_one_word_of_the_hall_between(halls: Halls) -> None:
    """However many there are below a county, its city hears of all of them at once."""
    halls.publish(PROVINCE, content=b"policy")
    halls.settle()
    tell(halls)
    assert {one.recipient for one in words(halls, TOWNSHIP)} == {COUNTY}
    said = words(halls, COUNTY)
    assert {one.recipient for one in said} == {CITY}
    halls.publish(PROVINCE, content=b"another")
    halls.settle()
    tell(halls)
    # The county has it first and says so; then it has heard of the township.
    *_, last = (wire.Standings.FromString(one.payload) for one in words(halls, COUNTY)[len(said) :])
    assert [[one.hall for one in group.halls] for group in last.below] == [[TOWNSHIP]]
    assert len(words(halls, COUNTY)) == len(said) + 2
    assert not spread(halls, PROVINCE).spreads[0].behind


def test_what_did_not_change_below_goes_up_with_the_word_of_the_day(halls: Halls) -> None:
    halls.publish(PROVINCE, content=b"policy")
    halls.settle()
    tell(halls)
    halls.pass_by(seconds=TOLD_AGAIN_AFTER.total_seconds())
    before = len(words(halls, COUNTY))
    tell(halls)
    (word,) = words(halls, COUNTY)[before:]
    (group,) = wire.Standings.FromString(word.payload).below
    assert [one.hall for one in group.halls] == [TOWNSHIP]


def test_many_halls_below_are_told_of_in_as_many_words_as_it_takes(
    halls: Halls, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(standings, "HALLS_MAX", 1)
    halls.publish(PROVINCE, content=b"policy")
    halls.settle()
    tell(halls)
    assert in_words(spread(halls, PROVINCE)) == [
        f"policy-{PROVINCE}-1: {PROVINCE} {CITY} {OTHER_COUNTY} {COUNTY} {TOWNSHIP}"
    ]
    too_many = wire.Standings(at=to_timestamp(halls.now))
    for hall in (COUNTY, TOWNSHIP):
        too_many.below.add().halls.add(hall=hall, at=to_timestamp(halls.now))
    halls.receive_from(PROVINCE, CITY, STANDINGS_KIND, too_many.SerializeToString())
    assert not spread(halls, PROVINCE).spreads[0].behind


def test_one_kind_can_be_asked_for(halls: Halls) -> None:
    halls.publish(PROVINCE, content=b"policy")
    halls.publish(PROVINCE, ReleaseKind.CODE_MAP, b"codes")
    halls.settle()
    tell(halls)
    (one,) = spread(halls, CITY, ReleaseKind.CODE_MAP).spreads
    assert ReleaseKind(one.kind) is ReleaseKind.CODE_MAP


def test_changes_are_gathered_and_said_again_once_a_day(halls: Halls) -> None:
    def said() -> int:
        return len(halls.told(TOWNSHIP, "standings.told"))

    for content in (b"first", b"second", b"third"):
        halls.publish(COUNTY, content=content)
        halls.settle()
    tell(halls)
    assert said() == 1
    tell(halls)
    assert said() == 1
    halls.pass_by(seconds=TOLD_AGAIN_AFTER.total_seconds())
    tell(halls)
    assert said() == 2


def test_a_hall_in_which_nothing_is_in_force_says_so_as_well(halls: Halls) -> None:
    """So the hall above knows that what it sent was refused, whatever the reason."""

    def said() -> int:
        return len(halls.told(TOWNSHIP, "standings.told"))

    tell(halls)
    tell(halls)
    assert said() == 1
    assert not spread(halls, COUNTY).unknown
    halls.pass_by(seconds=TOLD_AGAIN_AFTER.total_seconds())
    tell(halls)
    assert said() == 2


def test_an_older_word_of_a_hall_does_not_replace_a_newer_one(halls: Halls) -> None:
    def say(version: int, ago: timedelta) -> None:
        told = wire.Standings(at=to_timestamp(halls.now - ago))
        told.standings.add(kind=4, author=PROVINCE, version=version)
        halls.receive_from(CITY, TOWNSHIP, STANDINGS_KIND, told.SerializeToString())

    say(5, timedelta(hours=1))
    say(3, timedelta(hours=2))
    say(4, timedelta(hours=1))
    halls.publish(CITY)
    stored = halls.at(CITY).database.look(
        lambda c: [row.version for row in c.execute(tables.standing.select())]
    )
    assert stored == [5]


def test_a_hall_tells_of_no_hall_that_is_not_below_it(halls: Halls) -> None:
    told = wire.Standings(at=to_timestamp(halls.now))
    group = told.below.add()
    for hall in (TOWNSHIP, COUNTY, CITY, PROVINCE):
        group.halls.add(hall=hall, at=to_timestamp(halls.now))
    halls.receive_from(CITY, OTHER_COUNTY, STANDINGS_KIND, told.SerializeToString())
    assert set(spread(halls, CITY).unknown) == {COUNTY, TOWNSHIP}


def test_an_older_word_on_a_hall_below_does_not_replace_its_own(halls: Halls) -> None:
    def say(sender: str, version: int, ago: timedelta) -> None:
        has = [wire.Standing(kind=4, author=PROVINCE, version=version)]  # type: ignore[arg-type]
        at = to_timestamp(halls.now - ago)
        if sender == TOWNSHIP:
            told = wire.Standings(at=at, standings=has)
        else:
            told = wire.Standings(at=to_timestamp(halls.now))
            told.below.add(halls=[wire.StandingHall(hall=TOWNSHIP, at=at)], standings=has)
        halls.receive_from(CITY, sender, STANDINGS_KIND, told.SerializeToString())

    say(TOWNSHIP, 5, timedelta(hours=1))
    say(COUNTY, 4, timedelta(hours=2))
    halls.publish(CITY)
    table = tables.standing
    kept = table.select().where(table.c.hall == TOWNSHIP)
    assert [
        row.version for row in halls.at(CITY).database.look(lambda c: c.execute(kept).all())
    ] == [5]


@pytest.mark.parametrize("sender", [OTHER_COUNTY, PROVINCE, CITY])
def test_who_is_not_below_says_nothing_of_what_is_in_force(halls: Halls, sender: str) -> None:
    told = wire.Standings(at=to_timestamp(halls.now))
    halls.receive_from(COUNTY, sender, STANDINGS_KIND, told.SerializeToString())
    halls.receive_from(COUNTY, TOWNSHIP, STANDINGS_KIND, b"\xff")
    ahead = wire.Standings(at=to_timestamp(halls.now + DAY))
    halls.receive_from(COUNTY, TOWNSHIP, STANDINGS_KIND, ahead.SerializeToString())
    odd = wire.Standings(at=to_timestamp(halls.now))
    odd.below.add().halls.add(hall="nowhere", at=to_timestamp(halls.now))
    halls.receive_from(COUNTY, TOWNSHIP, STANDINGS_KIND, odd.SerializeToString())
    assert list(spread(halls, COUNTY).unknown) == [TOWNSHIP]


def test_a_child_that_lost_what_it_had_taken_is_sent_it_again(halls: Halls) -> None:
    """Its parent learns of it from what it says."""
    halls.publish(PROVINCE, content=b"policy")
    halls.settle()
    tell(halls)
    sync = halls.at(TOWNSHIP)
    sync.database.transact(lambda c: c.execute(tables.release.delete()))
    halls.pass_by(seconds=(TOLD_AGAIN_AFTER + MISSED_AFTER).total_seconds())
    tell(halls)
    assert halls.content(TOWNSHIP) == b"policy"
    tell(halls)
    assert not spread(halls, PROVINCE).spreads[0].behind


def test_a_child_that_refused_its_first_release_is_sent_it_again(halls: Halls) -> None:
    """Its clock was behind, say: nothing is in force there, and its parent learns of it from what it says."""
    halls.world.at(TOWNSHIP).cut = True
    halls.publish(COUNTY, content=b"policy")
    halls.settle()

    def sent() -> list[wire_feed.Dispatch]:
        entries = halls.told(COUNTY, "release.passed_on")
        return [one for entry in entries for one in entry.dispatches if one.recipient == TOWNSHIP]

    (first,) = sent()
    ended = wire_feed.DeliveryEnded(
        recipient=TOWNSHIP,
        kind=first.kind,
        reference=first.reference,
        verdict=wire_envelope.VERDICT_REFUSED,
        reason="CLOCK_AHEAD",
    )
    refused = ended.SerializeToString()
    halls.take(COUNTY, wire_feed.FeedEntry(kind="delivery.ended", payload=refused))
    halls.pass_by(seconds=(TOLD_AGAIN_AFTER + MISSED_AFTER).total_seconds())
    nothing = wire.Standings(at=to_timestamp(halls.now)).SerializeToString()
    halls.receive_from(COUNTY, TOWNSHIP, STANDINGS_KIND, nothing)
    assert [one.subject for one in sent()] == [first.subject] * 2

"""What was in envelopes is erased after its retention; what proves them stays, for ever."""

from __future__ import annotations

from datetime import timedelta

import pytest
from tests.exchange.parts import (
    SECRET,
    dispatch,
    messages,
    receptions,
    rows,
    settle_exchanges,
    told,
    want,
)
from tests.exchange.test_bundles import checked, contents, export, matter
from tests.simulation.halls import World
from tests.simulation.worlds import COUNTY, OTHER_COUNTY

from hallnet.exchange import tables
from hallnet.exchange.records import erasing
from hallnet.exchange.records.erasing import ROWS_AT_ONCE, Erased, RetentionTooShort
from hallnet.federation import limits
from hallnet.trust.receipt import Verdict


def erase(world: World, at: str, subject: str = "") -> Erased:
    """What is older than envelopes live, in as many transactions as it takes."""
    station, before = world.at(at), world.time.now - limits.LIFETIME
    erasing.require_over(before, world.time.now)
    whole = Erased()
    while some := station.exchange.transact(lambda c: erasing.erase_some(c, before, subject)):
        if some == Erased():
            return whole
        whole += some
    raise AssertionError("unreachable")


def long_ago(world: World) -> None:
    matter(world)
    world.time.pass_by(days=limits.LIFETIME.days + 1)


@pytest.mark.parametrize("at", [COUNTY, OTHER_COUNTY])
def test_every_proof_holds_after_the_content_is_gone(world: World, at: str) -> None:
    long_ago(world)
    before = checked(world, export(world, at))
    erase(world, at)
    report = checked(world, export(world, at))
    assert report.holds
    assert contents(before) != []
    assert contents(report) == []
    said = [(item.header, item.receipt, item.leaf_index) for item in report.exhibits]
    assert said == [(item.header, item.receipt, item.leaf_index) for item in before.exhibits]
    assert {item.receipt.verdict for item in report.exhibits if item.receipt} == {Verdict.ACCEPTED}


def test_nothing_is_left_that_opens_or_could_be_opened(world: World) -> None:
    long_ago(world)
    assert SECRET in [message.payload for message in messages(world.at(OTHER_COUNTY))]
    for at in (COUNTY, OTHER_COUNTY):
        erased = erase(world, at)
        assert erased.sent > 0
        assert erased.received > 0
        station = world.at(at)
        assert {row.sealed_body for row in rows(station.exchange, tables.sent)} == {None}
        assert {row.sealed_body for row in receptions(station)} == {None}
        assert rows(station.exchange, tables.content_key) == []
    assert [message.payload for message in messages(world.at(OTHER_COUNTY))] == []


def test_erasing_one_case_leaves_the_others(world: World) -> None:
    """Though envelopes of one transaction share a key."""
    long_ago(world)
    erased = erase(world, OTHER_COUNTY, "matter-1")
    assert (erased.sent, erased.received, erased.keys, erased.feed_entries) == (1, 1, 1, 0)
    assert contents(checked(world, export(world, OTHER_COUNTY))) == []
    assert contents(checked(world, export(world, OTHER_COUNTY, "other"))) == [b"x"]
    erase(world, OTHER_COUNTY)
    assert rows(world.at(OTHER_COUNTY).exchange, tables.content_key) == []


def test_what_is_not_settled_is_kept_and_still_goes(world: World) -> None:
    want(world, COUNTY, dispatch(OTHER_COUNTY))
    world.time.pass_by(days=limits.LIFETIME.days - 1)
    assert erase(world, COUNTY) == Erased()
    station = world.at(COUNTY)
    tomorrow = world.time.now + timedelta(days=1)
    some = station.exchange.transact(lambda c: erasing.erase_some(c, tomorrow, ""))
    assert some.sent == 0
    settle_exchanges(world)
    assert [message.payload for message in messages(world.at(OTHER_COUNTY))] == [SECRET]


def test_what_may_have_to_be_sent_again_is_not_erased(world: World) -> None:
    now = world.time.now
    with pytest.raises(RetentionTooShort):
        erasing.require_over(now - limits.LIFETIME + timedelta(seconds=1), now)


def test_what_is_young_stays(world: World) -> None:
    long_ago(world)
    want(world, COUNTY, dispatch(OTHER_COUNTY, b"young", subject="young"))
    settle_exchanges(world)
    for at in (COUNTY, OTHER_COUNTY):
        erase(world, at)
        assert contents(checked(world, export(world, at, "young"))) == [b"young"]


def test_the_feed_goes_on_where_it_was(world: World) -> None:
    long_ago(world)
    station = world.at(OTHER_COUNTY)
    head = station.exchange.look(tables.feed.head)
    erase(world, OTHER_COUNTY)
    want(world, COUNTY, dispatch(OTHER_COUNTY, b"later"))
    settle_exchanges(world)
    assert [message.payload for message in messages(station)] == [b"later"]
    assert told(station, "message.received")[-1].position == head + 1


def test_many_are_erased_few_at_a_time(world: World) -> None:
    count = ROWS_AT_ONCE + 5
    want(world, COUNTY, *(dispatch(OTHER_COUNTY) for _ in range(count)))
    settle_exchanges(world)
    world.time.pass_by(days=limits.LIFETIME.days + 1)
    before = world.time.now - limits.LIFETIME
    first = world.at(COUNTY).exchange.transact(lambda c: erasing.erase_some(c, before, ""))
    assert first.sent == ROWS_AT_ONCE
    # They share one key, which stays until the last of them is gone.
    assert first.keys == 0
    assert (erase(world, COUNTY).sent, rows(world.at(COUNTY).exchange, tables.content_key)) == (
        5,
        [],
    )


def test_who_erased_what_and_why_is_on_record(world: World) -> None:
    station, now = world.at(COUNTY), world.time.now
    erased = Erased(1, 2, 3, 4)

    number = station.exchange.transact(
        lambda c: erasing.begin_record(c, now, "matter-1", "operator", "retention of 2026", now)
    )
    station.exchange.transact(lambda c: erasing.end_record(c, number, erased))
    (record,) = rows(station.exchange, tables.erasure_record)
    assert (record.actor_id, record.subject, record.purpose) == (
        "operator",
        "matter-1",
        "retention of 2026",
    )
    assert (record.sent, record.received, record.keys, record.feed_entries) == (1, 2, 3, 4)

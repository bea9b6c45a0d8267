"""Halls that share cases keep each other's replicas complete."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Row
from tests.branch_sync.parts import Halls
from tests.case.builders import ACCEPTED, CLERK, START, filed, to
from tests.exchange.parts import rows
from tests.simulation.worlds import COUNTY, OTHER_COUNTY, TOWNSHIP

from hallnet.branch_sync import comparing, following, sharing, tables
from hallnet.branch_sync.sharing import Side
from hallnet.case.event import EVENT, CaseEvent, Fact, digest
from hallnet.federation import comparison
from hallnet.places import Address
from hallnet.wire.branch_sync.v1 import comparison_pb2 as wire
from hallnet.wire.exchange.v1 import envelope_pb2 as wire_envelope
from hallnet.wire.feed.v1 import feed_pb2 as wire_feed


def history(number: int, *facts: tuple[str, Fact]) -> list[bytes]:
    """Events of a case, each by its author."""
    case_id = f"01a20000-0000-7000-8000-{number:012}"
    raws: list[bytes] = []
    for author, fact in facts:
        previous = digest(raws[-1]) if raws else b""
        event = CaseEvent(
            case_id, len(raws) + 1, previous, START, Address.parse(author), CLERK, fact
        )
        raws.append(EVENT.to_bytes(event))
    return raws


def reported_up(number: int) -> list[bytes]:
    """A case that the township gave to its county."""
    township, county = Address.parse(TOWNSHIP), Address.parse(COUNTY)
    return history(
        number, (TOWNSHIP, filed(township, county)), (TOWNSHIP, ACCEPTED), (TOWNSHIP, to(county))
    )


def learn(halls: Halls, at: str, *raws: bytes) -> None:
    """The intake of a hall tells of events."""
    sync = halls.at(at)
    entries = [
        wire_feed.FeedEntry(position=number, kind="case.event", payload=raw)
        for number, raw in enumerate(raws, 1)
    ]
    sync.database.transact(lambda c: following.take_cases(c, sync.context, entries, halls.now))


def compare(halls: Halls, at: str) -> None:
    """A hall asks all with which it shares cases, and everything comes to rest."""
    sync = halls.at(at)
    sync.database.transact(lambda c: comparing.ask_all(c, halls.now))
    sync.database.transact(lambda c: comparing.ask_those_due(c, halls.now))
    halls.settle()


def behind(halls: Halls, at: str) -> list[tuple[str, list[str]]]:
    """What a hall's branch-sync told its intake."""
    told = [
        wire.ReplicaBehind.FromString(entry.payload) for entry in halls.told(at, "replica.behind")
    ]
    return [(one.hall, list(one.case_ids)) for one in told]


def standing(halls: Halls, at: str, hall: str) -> Row[Any]:
    return next(row for row in rows(halls.at(at).database, tables.comparison) if row.hall == hall)


def questions(halls: Halls, at: str) -> int:
    return len(halls.told(at, comparing.ASKED_KIND))


def test_halls_that_agree_exchange_one_small_message(halls: Halls) -> None:
    for number in range(20):
        learn(halls, TOWNSHIP, *reported_up(number))
        learn(halls, COUNTY, *reported_up(number))
    compare(halls, TOWNSHIP)
    (asked,) = halls.told(TOWNSHIP, comparing.ASKED_KIND)
    assert len(asked.dispatches[0].payload) < 40
    assert halls.told(COUNTY, comparing.ANSWERED_KIND) == []
    assert standing(halls, COUNTY, TOWNSHIP).agreed_at == halls.now
    assert behind(halls, TOWNSHIP) == []


def test_a_gap_is_found_and_told_to_the_intake_of_the_author(halls: Halls) -> None:
    for number in range(20):
        learn(halls, TOWNSHIP, *reported_up(number))
        # Of number 7 the last event did not arrive, of number 8 nothing.
        known = {7: reported_up(7)[:2], 8: []}.get(number, reported_up(number))
        learn(halls, COUNTY, *known)
    compare(halls, TOWNSHIP)
    ((hall, case_ids),) = behind(halls, TOWNSHIP)
    assert hall == COUNTY
    assert [case_id[-2:] for case_id in case_ids] == ["07", "08"]


def test_a_gap_that_was_filled_is_none_any_more(halls: Halls) -> None:
    learn(halls, TOWNSHIP, *reported_up(1))
    learn(halls, COUNTY, *reported_up(1)[:1])
    compare(halls, TOWNSHIP)
    assert len(behind(halls, TOWNSHIP)) == 1
    learn(halls, COUNTY, *reported_up(1)[1:])
    compare(halls, TOWNSHIP)
    assert len(behind(halls, TOWNSHIP)) == 1
    assert standing(halls, COUNTY, TOWNSHIP).agreed_at == halls.now


def test_many_differences_are_found_in_portions(halls: Halls) -> None:
    numbers = range(comparison.WITHIN_MAX + 40)
    for number in numbers:
        learn(halls, TOWNSHIP, *reported_up(number))
    found: set[str] = set()
    for _ in range(5):
        compare(halls, TOWNSHIP)
        for _, case_ids in behind(halls, TOWNSHIP):
            found |= set(case_ids)
        for case_id in found:
            learn(halls, COUNTY, *reported_up(int(case_id[-12:])))
    assert {int(case_id[-12:]) for case_id in found} == set(numbers)


def test_only_what_a_hall_itself_said_is_compared(halls: Halls) -> None:
    """What a third hall said and one of the two lacks is between it and the third."""
    township, other = Address.parse(TOWNSHIP), Address.parse(OTHER_COUNTY)
    raws = history(
        1,
        (TOWNSHIP, filed(township, other)),
        (TOWNSHIP, to(other)),
        (OTHER_COUNTY, ACCEPTED),
    )
    learn(halls, TOWNSHIP, *raws)
    learn(halls, OTHER_COUNTY, *raws)
    for at in (TOWNSHIP, OTHER_COUNTY):
        compare(halls, at)
    assert behind(halls, TOWNSHIP) == behind(halls, OTHER_COUNTY) == []


def test_a_hall_that_forgot_what_it_said_is_told(halls: Halls) -> None:
    learn(halls, TOWNSHIP, *reported_up(1)[:1], *reported_up(2))
    learn(halls, TOWNSHIP, *history(3, (TOWNSHIP, filed(Address(TOWNSHIP), Address(COUNTY)))))
    learn(halls, COUNTY, *reported_up(1), *reported_up(2))
    compare(halls, TOWNSHIP)
    assert standing(halls, TOWNSHIP, COUNTY).forgotten == 1


def test_what_was_not_delivered_is_compared_soon(halls: Halls) -> None:
    learn(halls, TOWNSHIP, *reported_up(1))
    ended = wire_feed.DeliveryEnded(
        recipient=COUNTY, kind="case.events", verdict=wire_envelope.VERDICT_REFUSED
    )
    entry = wire_feed.FeedEntry(kind="delivery.ended", payload=ended.SerializeToString())
    halls.take(TOWNSHIP, entry)
    assert standing(halls, TOWNSHIP, COUNTY).due_at == halls.now + comparing.COMPARE_AGAIN


def test_comparisons_come_once_a_day(halls: Halls) -> None:
    learn(halls, TOWNSHIP, *reported_up(1))
    learn(halls, COUNTY, *reported_up(1))
    compare(halls, TOWNSHIP)
    sync = halls.at(TOWNSHIP)
    for hours, asked in ((23, 1), (2, 2)):
        halls.world.time.now += timedelta(hours=hours)
        sync.database.transact(lambda c: comparing.ask_those_due(c, halls.now))
        assert questions(halls, TOWNSHIP) == asked


@pytest.mark.parametrize(
    "payload",
    [
        b"\xff\xff",
        wire.Comparison(ranges=[wire.Range(digest=b"short")]).SerializeToString(),
        wire.Comparison(level=7).SerializeToString(),
        wire.Comparison(level=2, within=[2**31], by_case=True).SerializeToString(),
        wire.Comparison(
            by_case=True, marks=[wire.CaseMark(case_id="none", sequence=9)]
        ).SerializeToString(),
    ],
    ids=["no message", "no sum", "no level", "no range", "no case"],
)
@pytest.mark.parametrize("kind", [comparing.ASKED_KIND, comparing.ANSWERED_KIND])
def test_what_no_hall_says_that_keeps_to_the_rules_changes_nothing(
    halls: Halls, kind: str, payload: bytes
) -> None:
    learn(halls, COUNTY, *reported_up(1))
    halls.receive_from(COUNTY, TOWNSHIP, kind, payload)
    assert behind(halls, COUNTY) == []
    assert standing(halls, COUNTY, TOWNSHIP).agreed_at is None


def test_the_sums_equal_those_that_are_taken_anew(halls: Halls) -> None:
    """However the events came: those of a case at once, or one by one with others in between."""
    raws = [reported_up(number) for number in range(30)]
    for step in range(3):
        learn(halls, TOWNSHIP, *(events[step] for events in raws))
    sync, county = halls.at(TOWNSHIP), Address.parse(COUNTY)
    kept = sync.database.look(lambda c: sharing.sums(c, county, Side.OWN))
    own = sync.database.look(
        lambda c: sharing.marks(c, sync.context.here, county, Side.OWN, list(kept))
    )
    assert len(own) == 30
    assert comparison.whole(kept) == comparison.total_weight(own.items())

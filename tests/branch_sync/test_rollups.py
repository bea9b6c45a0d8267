"""What halls counted is reported to every hall above, and never guessed."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta

import pytest
from tests.branch_sync.parts import DAY, Halls
from tests.exchange.parts import told as told_by
from tests.exchange.test_revoking import shut_out
from tests.simulation.worlds import CITY, COUNTY, HALLS, OTHER_COUNTY, PROVINCE, TOWNSHIP

from hallnet.branch_sync import following, rollups, tables
from hallnet.case.case import day_of
from hallnet.federation.rollup import DaysUnusable
from hallnet.numbers.measure import Measure
from hallnet.wire.branch_sync.v1 import branch_sync_service_pb2 as wire_service
from hallnet.wire.branch_sync.v1 import rollup_pb2 as wire
from hallnet.wire.feed.v1 import feed_pb2 as wire_feed
from hallnet.wire.intake.v1 import intake_service_pb2 as wire_intake

LONG_AGO = "2026-03-02"
INSTANT, COMMITTED = 1, 2


def count(halls: Halls, at: str, day: str = LONG_AGO, **amounts: int) -> None:
    """The intake of a hall tells what it counted on a day; all of one item, of instant cases."""
    told = wire_intake.DayNumbers(day=day)
    for name, amount in amounts.items():
        told.numbers.add(
            measure=Measure[name.upper()],
            handling_kind=INSTANT,
            item_id="elder-card",
            amount=amount,
        )
    entry = wire_feed.FeedEntry(kind="numbers.day", payload=told.SerializeToString())
    sync = halls.at(at)
    sync.database.transact(lambda c: following.take_cases(c, sync.context, [entry], halls.now))


def report(halls: Halls, day: str) -> None:
    """Every hall reports a day on which it did nothing, and the reports arrive."""
    for address in HALLS:
        count(halls, address, day)
    halls.settle()


def asked(
    halls: Halls, at: str, day: str = LONG_AGO, **more: object
) -> wire_service.SumRollupsResponse:
    sync = halls.at(at)
    request = wire_service.SumRollupsRequest(first_day=day, last_day=day, **more)  # type: ignore[arg-type]
    return sync.database.look(lambda c: rollups.sums(c, sync.context, request, halls.now))


def numbers(answer: wire_service.SumRollupsResponse) -> dict[str, int]:
    """How often what was done, whatever the item."""
    found: Counter[str] = Counter()
    for one in answer.sums:
        found[f"{one.hall} {one.measure}".strip()] += one.count
    return dict(found)


def busy(halls: Halls) -> None:
    count(halls, TOWNSHIP, received=3, accepted=3, granted=3, finished=3)
    count(halls, COUNTY, received=1, accepted=1)
    count(halls, OTHER_COUNTY, received=1, accepted=1, granted=1)
    halls.settle()


def test_the_sum_of_the_province_is_the_sum_of_what_its_halls_counted(halls: Halls) -> None:
    busy(halls)
    whole = {"received": 5, "accepted": 5, "granted": 4, "finished": 3}
    assert numbers(asked(halls, PROVINCE)) == whole
    each = numbers(asked(halls, PROVINCE, by_hall=True))
    assert {
        measure: sum(count for name, count in each.items() if name.endswith(f" {measure}"))
        for measure in whole
    } == whole


def test_a_number_can_be_drilled_down_to_its_hall(halls: Halls) -> None:
    busy(halls)
    assert numbers(asked(halls, PROVINCE, under=COUNTY))["received"] == 4
    assert numbers(asked(halls, PROVINCE, under=TOWNSHIP))["received"] == 3
    assert numbers(asked(halls, CITY, under=COUNTY, by_hall=True))[f"{TOWNSHIP} finished"] == 3


def test_instant_and_committed_cases_stay_apart(halls: Halls) -> None:
    told = wire_intake.DayNumbers(day=LONG_AGO)
    for kind, amount in ((INSTANT, 3), (COMMITTED, 4)):
        told.numbers.add(measure=4, handling_kind=kind, item_id="i", amount=amount)
    entry = wire_feed.FeedEntry(kind="numbers.day", payload=told.SerializeToString())
    sync = halls.at(TOWNSHIP)
    sync.database.transact(lambda c: following.take_cases(c, sync.context, [entry], halls.now))
    halls.settle()
    found = {one.handling_kind: one.count for one in asked(halls, PROVINCE).sums}
    assert found == {INSTANT: 3, COMMITTED: 4}


def test_a_day_told_again_replaces_what_was_told_before_at_every_hall(halls: Halls) -> None:
    busy(halls)
    count(halls, TOWNSHIP, received=4, accepted=2)
    halls.settle()
    for at, sums in ((PROVINCE, 6), (CITY, 6), (COUNTY, 5), (TOWNSHIP, 4)):
        assert numbers(asked(halls, at))["received"] == sums
    assert "finished" not in numbers(asked(halls, PROVINCE))


def test_reports_have_their_effect_once_in_any_order(halls: Halls) -> None:
    def come(version: int, count: int) -> None:
        counts = [wire.RollupCount(item_id="an-item", measure="received", count=count)]
        told = wire.Rollup(day=LONG_AGO, version=version, counts=counts)
        halls.receive_from(COUNTY, TOWNSHIP, rollups.ROLLUP_KIND, told.SerializeToString())

    for version, number in ((2, 7), (1, 5), (2, 7), (2, 9)):
        come(version, number)
    assert numbers(asked(halls, COUNTY)) == {"received": 7}


def test_a_hall_that_lost_its_records_goes_on_with_later_versions(halls: Halls) -> None:
    """Else what it tells anew would be older than what it had told before."""
    for _ in range(3):
        count(halls, TOWNSHIP, received=3)
    halls.settle()
    sync = halls.at(TOWNSHIP)
    sync.database.transact(lambda c: c.execute(tables.rollup.delete()))
    halls.pass_by(hours=1)
    count(halls, TOWNSHIP, received=2)
    halls.settle()
    assert numbers(asked(halls, PROVINCE)) == {"received": 2}


def test_a_report_goes_to_every_hall_above_once(halls: Halls) -> None:
    count(halls, TOWNSHIP, received=3)
    halls.settle()
    for address in (COUNTY, CITY, PROVINCE):
        messages = [
            wire_feed.InboundMessage.FromString(entry.payload)
            for entry in told_by(halls.world.at(address), "message.received")
        ]
        assert [one.sender for one in messages if one.kind == "rollup"] == [TOWNSHIP]


def test_a_hall_that_did_not_report_is_named_and_not_zero(halls: Halls) -> None:
    halls.world.at(TOWNSHIP).cut = True
    halls.world.time.now += DAY
    yesterday = (day_of(halls.now) - timedelta(days=1)).isoformat()
    report(halls, yesterday)
    answer = asked(halls, PROVINCE, yesterday)
    assert [(one.hall, one.day) for one in answer.missing] == [(TOWNSHIP, yesterday)]
    assert answer.reports == len(HALLS) - 1
    halls.world.at(TOWNSHIP).cut = False
    halls.settle()
    answer = asked(halls, PROVINCE, yesterday)
    assert (list(answer.missing), answer.reports) == ([], len(HALLS))


def test_a_hall_that_was_shut_out_is_missing_no_more(halls: Halls) -> None:
    yesterday = (day_of(halls.now) - timedelta(days=1)).isoformat()
    assert TOWNSHIP in {one.hall for one in asked(halls, COUNTY, yesterday).missing}
    shut_out(halls.world)
    halls.settle()
    for at in (COUNTY, PROVINCE):
        assert TOWNSHIP not in {one.hall for one in asked(halls, at, yesterday).missing}


def test_more_than_a_report_may_hold_wedges_nobody(halls: Halls) -> None:
    """It ends at the exchange, and what comes after it is told."""
    told = wire_intake.DayNumbers(day=LONG_AGO)
    for number in range(30_000):
        told.numbers.add(measure=4, handling_kind=1, item_id=f"item-{number:020}", amount=1)
    entry = wire_feed.FeedEntry(kind="numbers.day", payload=told.SerializeToString())
    sync = halls.at(TOWNSHIP)
    sync.database.transact(lambda c: following.take_cases(c, sync.context, [entry], halls.now))
    count(halls, TOWNSHIP, (date.fromisoformat(LONG_AGO) + DAY).isoformat(), received=1)
    halls.settle()
    assert len(asked(halls, PROVINCE, "2026-03-03").sums) == 1
    assert not asked(halls, PROVINCE).sums


@pytest.mark.parametrize(
    ("sender", "told"),
    [
        (OTHER_COUNTY, wire.Rollup(day=LONG_AGO, version=1)),
        (CITY, wire.Rollup(day=LONG_AGO, version=1)),
        (TOWNSHIP, wire.Rollup(day=LONG_AGO)),
        (TOWNSHIP, wire.Rollup(day="yesterday", version=1)),
        (TOWNSHIP, wire.Rollup(day="2999-01-01", version=1)),
        (
            TOWNSHIP,
            wire.Rollup(
                day=LONG_AGO,
                version=1,
                counts=[wire.RollupCount(item_id="i", measure="m", count=2**60)],
            ),
        ),
        (
            TOWNSHIP,
            wire.Rollup(
                day=LONG_AGO,
                version=1,
                counts=[wire.RollupCount(item_id="i", measure="m", count=1)] * 2,
            ),
        ),
        (
            TOWNSHIP,
            wire.Rollup(
                day=LONG_AGO,
                version=1,
                counts=[
                    wire.RollupCount(item_id="i", measure="m", count=1, handling_kind=99)  # type: ignore[arg-type]
                ],
            ),
        ),
    ],
    ids=[
        "of a neighbour",
        "from above",
        "no version",
        "no day",
        "ahead",
        "too much",
        "twice",
        "no kind",
    ],
)
def test_a_report_that_no_hall_below_makes_is_refused(
    halls: Halls, sender: str, told: wire.Rollup
) -> None:
    halls.receive_from(COUNTY, sender, rollups.ROLLUP_KIND, told.SerializeToString())
    assert asked(halls, COUNTY).reports == 0
    assert len(halls.told(COUNTY, "rollup.refused")) == 1


@pytest.mark.parametrize(
    "days", [("2026-03-02", "2026-03-01"), ("2025-01-01", "2026-12-31"), ("", "")]
)
def test_days_that_are_no_span_are_refused(halls: Halls, days: tuple[str, str]) -> None:
    sync = halls.at(COUNTY)
    request = wire_service.SumRollupsRequest(first_day=days[0], last_day=days[1])
    with pytest.raises(DaysUnusable):
        sync.database.look(lambda c: rollups.sums(c, sync.context, request, halls.now))

"""What halls did is counted once, reported to every hall above, and never guessed."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

import pytest
from tests.branch_sync.parts import DAY, Halls
from tests.branch_sync.test_comparing import history, learn
from tests.case.builders import ACCEPTED, CLOSED, GRANTED, filed
from tests.simulation.worlds import CITY, COUNTY, HALLS, OTHER_COUNTY, PROVINCE, TOWNSHIP

from hallnet.branch_sync import rollups
from hallnet.case.case import day_of
from hallnet.case.event import Fact
from hallnet.federation.rollup import DaysUnusable
from hallnet.places import Address
from hallnet.wire.branch_sync.v1 import branch_sync_service_pb2 as wire_service
from hallnet.wire.branch_sync.v1 import rollup_pb2 as wire

LONG_AGO = "2026-03-02"
"""The day of the events that `history` makes."""


def decided_at(hall: str, number: int, *facts: Fact) -> list[bytes]:
    """A case that one hall takes in and decides."""
    here = Address.parse(hall)
    return history(number, *((hall, fact) for fact in (filed(here, here), *facts)))


def report(halls: Halls) -> None:
    """Every hall reports the days that are over, and the reports arrive."""
    for address in HALLS:
        sync = halls.at(address)
        sync.database.transact(lambda c, s=sync: rollups.report_days(c, s.context, halls.now))  # type: ignore[misc]
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
    """Three cases at the township, one at its county, one at another county."""
    for number in range(3):
        learn(halls, TOWNSHIP, *decided_at(TOWNSHIP, number, ACCEPTED, GRANTED, CLOSED))
    learn(halls, COUNTY, *decided_at(COUNTY, 10, ACCEPTED))
    learn(halls, OTHER_COUNTY, *decided_at(OTHER_COUNTY, 11, ACCEPTED, GRANTED))
    report(halls)


def test_the_sum_of_the_province_is_the_sum_of_what_its_halls_did(halls: Halls) -> None:
    busy(halls)
    whole = {"filed": 5, "accepted": 5, "decided.granted": 4, "closed": 3}
    assert numbers(asked(halls, PROVINCE)) == whole
    each = numbers(asked(halls, PROVINCE, by_hall=True))
    assert {
        measure: sum(count for name, count in each.items() if name.endswith(f" {measure}"))
        for measure in whole
    } == whole


def test_a_number_can_be_drilled_down_to_its_hall(halls: Halls) -> None:
    busy(halls)
    assert numbers(asked(halls, PROVINCE, under=COUNTY))["filed"] == 4
    assert numbers(asked(halls, PROVINCE, under=TOWNSHIP))["filed"] == 3
    assert numbers(asked(halls, CITY, under=COUNTY, by_hall=True))[f"{TOWNSHIP} closed"] == 3


def test_what_another_hall_did_is_counted_there_and_not_here(halls: Halls) -> None:
    raws = decided_at(TOWNSHIP, 1, ACCEPTED)
    learn(halls, TOWNSHIP, *raws)
    learn(halls, COUNTY, *raws)
    report(halls)
    assert numbers(asked(halls, PROVINCE)) == {"filed": 1, "accepted": 1}


def test_a_report_is_replaced_when_something_comes_to_light_later(halls: Halls) -> None:
    busy(halls)
    learn(halls, TOWNSHIP, *decided_at(TOWNSHIP, 99))
    report(halls)
    assert numbers(asked(halls, PROVINCE))["filed"] == 6


def test_reports_have_their_effect_once_in_any_order(halls: Halls) -> None:
    def come(version: int, count: int) -> None:
        counts = [wire.RollupCount(item_id="an-item", measure="filed", count=count)]
        told = wire.Rollup(day=LONG_AGO, version=version, counts=counts)
        halls.receive_from(COUNTY, TOWNSHIP, rollups.ROLLUP_KIND, told.SerializeToString())

    for version, count in ((2, 7), (1, 5), (2, 7), (2, 9)):
        come(version, count)
    assert numbers(asked(halls, COUNTY)) == {"filed": 7}


def test_a_hall_that_did_not_report_is_named_and_not_zero(halls: Halls) -> None:
    halls.world.at(TOWNSHIP).cut = True
    halls.world.time.now += DAY
    report(halls)
    yesterday = (day_of(halls.now) - timedelta(days=1)).isoformat()
    answer = asked(halls, PROVINCE, yesterday)
    assert [(one.hall, one.day) for one in answer.missing] == [(TOWNSHIP, yesterday)]
    assert answer.reports == len(HALLS) - 1
    halls.world.at(TOWNSHIP).cut = False
    report(halls)
    answer = asked(halls, PROVINCE, yesterday)
    assert (list(answer.missing), answer.reports) == ([], len(HALLS))


def test_days_without_any_work_are_reported_too(halls: Halls) -> None:
    report(halls)
    halls.world.time.now += 3 * DAY
    report(halls)
    for back in range(1, 5):
        day = (day_of(halls.now) - timedelta(days=back)).isoformat()
        assert not asked(halls, PROVINCE, day).missing


def test_a_day_that_is_not_over_is_not_reported(halls: Halls) -> None:
    report(halls)
    today = day_of(halls.now).isoformat()
    assert asked(halls, PROVINCE, today).reports == 0


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
    ],
    ids=["of a neighbour", "from above", "no version", "no day", "ahead", "too much", "twice"],
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

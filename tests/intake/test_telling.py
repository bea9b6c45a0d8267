"""What a hall did on a day is told once the day is over, and again when something of it comes to light."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

from tests.exchange.parts import told
from tests.intake.parts import CLOSE, ELDER_CARD, GRANT
from tests.intake.test_numbers import amounts, live_through_weeks, numbers
from tests.simulation.halls import World
from tests.simulation.worlds import COUNTY, TOWNSHIP

from hallnet.case.case import day_of
from hallnet.intake import counting
from hallnet.intake import tables as intake_tables
from hallnet.intake.numbers import telling
from hallnet.numbers.measure import Key, Measure
from hallnet.wire.feed.v1 import feed_pb2 as wire_feed
from hallnet.wire.intake.v1 import intake_service_pb2 as wire


def tell(world: World, at: str = TOWNSHIP) -> int:
    """A hall looks at its days, until nothing is left to tell; returns how many were told."""
    station, count = world.at(at), 0
    while number := station.intake.transact(lambda c: telling.tell_days(c, world.time.now)):
        count += number
    return count


def days(world: World, at: str = TOWNSHIP) -> list[wire.DayNumbers]:
    """Everything that was told, in order."""
    station = world.at(at)
    entries: list[wire_feed.FeedEntry] = []
    position = 0
    while more := station.intake.look(lambda c, p=position: intake_tables.feed.after(c, p)):  # type: ignore[misc]
        entries += more
        position = more[-1].position
    return [
        wire.DayNumbers.FromString(entry.payload)
        for entry in entries
        if entry.kind == telling.NUMBERS_OF_DAY
    ]


def newest(world: World, at: str = TOWNSHIP) -> Counter[tuple[int, int]]:
    """The sum of the last word on each day, by measure and kind."""
    last = {one.day: one for one in days(world, at)}
    found: Counter[tuple[int, int]] = Counter()
    for day in last.values():
        for one in day.numbers:
            found[one.measure, one.handling_kind] += one.amount
    return found


def test_the_sum_of_all_days_told_is_what_the_report_of_the_hall_says(world: World) -> None:
    live_through_weeks(world)
    world.time.pass_by(days=1)
    for at in (TOWNSHIP, COUNTY):
        tell(world, at)
        assert dict(newest(world, at)) == amounts(numbers(world, at))


def test_every_day_is_told_once_also_one_on_which_nothing_was_done(world: World) -> None:
    live_through_weeks(world)
    world.time.pass_by(days=4)
    tell(world)
    assert tell(world) == 0
    found = [one.day for one in days(world)]
    last = day_of(world.time.now) - timedelta(days=1)
    assert found[-1] == last.isoformat()
    assert found == [
        (last - timedelta(days=number)).isoformat() for number in reversed(range(len(found)))
    ]
    assert any(not one.numbers for one in days(world))


def test_a_day_that_is_not_over_is_not_told(world: World) -> None:
    case = world.file(TOWNSHIP, ELDER_CARD)
    world.act(TOWNSHIP, case, GRANT)
    tell(world)
    assert not any(one.numbers for one in days(world))


def test_what_comes_to_light_later_is_told_with_all_of_its_day(world: World) -> None:
    case = world.file(TOWNSHIP, ELDER_CARD)
    world.act(TOWNSHIP, case, GRANT)
    world.act(TOWNSHIP, case, CLOSE)
    day = day_of(world.time.now)
    world.time.pass_by(days=1)
    tell(world)
    before = newest(world)
    station = world.at(TOWNSHIP)
    late = {Key(day, "elder-card", 1, Measure.RECEIVED): 2}
    station.intake.transact(lambda c: counting.add(c, late))
    assert tell(world) == 1
    assert days(world)[-1].day == day.isoformat()
    assert newest(world) == before + Counter({(int(Measure.RECEIVED), 1): 2})


def test_a_hall_that_was_down_for_weeks_tells_each_day_in_bounded_steps(world: World) -> None:
    world.file(TOWNSHIP, ELDER_CARD)
    world.time.pass_by(days=120)
    station = world.at(TOWNSHIP)
    first = station.intake.transact(lambda c: telling.tell_days(c, world.time.now))
    assert first == telling.DAYS_AT_ONCE_MAX
    assert first + tell(world) == 120
    assert not told(station, telling.NUMBERS_OF_DAY)

"""Numbers are projections of the events: kept with every act, the same when made anew, with the cases behind
each, and frozen month by month."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import update
from tests.exchange.parts import rows
from tests.exchange.test_face import ask
from tests.intake.parts import (
    ACCEPT,
    AGENT,
    CLOSE,
    ELDER_CARD,
    GRANT,
    RELIEF,
    SUBSISTENCE,
    WITHDRAW,
    Post,
    act,
    face,
    put_accounts,
    records,
    reported_up,
    take_release,
)
from tests.simulation.halls import CLERK, World
from tests.simulation.worlds import COUNTY, TOWNSHIP

from hallnet.case.case import read_history
from hallnet.case.event import EVENT
from hallnet.case.person import Actor, ActorKind
from hallnet.case.policy import POLICY, Policy
from hallnet.case.power import Power
from hallnet.case.problems import DayMalformed, PowerMissing
from hallnet.intake import counting, tables
from hallnet.intake.accounts import Account
from hallnet.intake.numbers import freezing, reporting
from hallnet.node.paging import PageTokenInvalid
from hallnet.numbers.measure import NAMES, Measure
from hallnet.numbers.problems import MonthFrozen, NumbersDoNotReconcile, PeriodInvalid
from hallnet.trust.release import ReleaseKind
from hallnet.wire.case.v1 import item_pb2 as wire_item
from hallnet.wire.intake.v1 import intake_service_pb2 as wire

INSTANT, COMMITTED = wire_item.HANDLING_KIND_INSTANT, wire_item.HANDLING_KIND_COMMITTED


def live_through_weeks(world: World) -> None:
    """Cases of both kinds, some reported up, some open, some given up."""
    for number in range(12):
        world.time.pass_by(days=1)
        instant = world.file(TOWNSHIP, ELDER_CARD)
        world.act(TOWNSHIP, instant, GRANT)
        world.act(TOWNSHIP, instant, CLOSE)
        committed = world.file(TOWNSHIP, RELIEF)
        world.act(TOWNSHIP, committed, ACCEPT)
        world.time.pass_by(days=number % 5)
        if number % 4 == 3:
            world.act(TOWNSHIP, committed, WITHDRAW)
        else:
            world.act(TOWNSHIP, committed, GRANT)
            world.act(TOWNSHIP, committed, CLOSE)
    case = reported_up(world)
    reported_up(world)
    Post(world).settle()
    world.act(COUNTY, case, GRANT)
    Post(world).settle()
    world.act(TOWNSHIP, case, CLOSE)
    Post(world).settle()


def numbers(world: World, at: str = TOWNSHIP, **values: Any) -> wire.GetNumbersResponse:
    asked = {"actor_id": "chief", "first": "2026-11-01", "last": "2027-02-28"} | values
    answer: wire.GetNumbersResponse = ask(
        face(world, at).GetNumbers(wire.GetNumbersRequest(**asked), None)
    )
    return answer


def amounts(answer: wire.GetNumbersResponse) -> dict[tuple[int, int], int]:
    return {(row.measure, row.handling_kind): row.amount for row in answer.numbers}


def behind(world: World, at: str = TOWNSHIP, **values: Any) -> list[wire.NumberedCase]:
    """All the cases behind a number."""
    asked = {"actor_id": "chief", "first": "2026-11-01", "last": "2027-02-28"} | values
    found: list[wire.NumberedCase] = []
    token = ""
    while True:
        request = wire.ListNumberedCasesRequest(page_token=token, **asked)
        answer = ask(face(world, at).ListNumberedCases(request, None))
        found += answer.cases
        token = answer.next_page_token
        if not token:
            return found


def test_every_number_of_every_hall_is_the_same_when_made_anew_from_the_events(
    world: World,
) -> None:
    live_through_weeks(world)
    for at in (TOWNSHIP, COUNTY):
        station = world.at(at)
        kept = station.intake.look(counting.kept)
        anew = station.intake.look(lambda c, s=station: counting.from_events(c, s.hall))  # type: ignore[misc]
        assert kept == anew
        assert kept


def test_classes_never_overlap_and_add_up_to_the_whole(world: World) -> None:
    live_through_weeks(world)
    found = amounts(numbers(world))
    assert found[Measure.ACCEPTED, INSTANT] == 12
    assert found[Measure.ACCEPTED, COMMITTED] == 14
    assert found[Measure.FINISHED, INSTANT] == 12
    assert found[Measure.FINISHED, COMMITTED] == 10
    assert found[Measure.WITHDRAWN, COMMITTED] == 3
    promise = [found.get((m, COMMITTED), 0) for m in (Measure.IN_PROMISE, Measure.OVERDUE)]
    assert sum(promise) == 10
    assert min(promise) > 0


def test_rates_come_with_their_numerators_and_denominators(world: World) -> None:
    live_through_weeks(world)
    answer = numbers(world)
    found = amounts(answer)
    rates = {rate.name: (rate.numerator, rate.denominator) for rate in answer.rates}
    assert rates["即办比重"] == (12, 26)
    assert rates["按时办结率"] == (found[Measure.IN_PROMISE, COMMITTED], 10)
    assert rates["提前办结率"] == (found.get((Measure.EARLY, COMMITTED), 0), 10)
    assert rates["日均受理"] == (26, answer.working_days)


def test_a_decision_of_another_hall_is_counted_there_and_nowhere_else(world: World) -> None:
    live_through_weeks(world)
    assert numbers(world, COUNTY).numbers
    at_county = amounts(numbers(world, COUNTY))
    assert at_county[Measure.GRANTED, COMMITTED] == 1
    assert at_county[Measure.TAKEN_OVER, COMMITTED] == 2
    assert (Measure.ACCEPTED, COMMITTED) not in at_county
    assert amounts(numbers(world))[Measure.GRANTED, COMMITTED] == 9
    assert amounts(numbers(world))[Measure.REPORTED_UP, COMMITTED] == 2


def test_what_is_in_hand_is_what_came_without_what_left(world: World) -> None:
    live_through_weeks(world)
    answer = numbers(world)
    assert (answer.in_hand_before, answer.in_hand_after) == (0, 0)
    assert numbers(world, COUNTY).in_hand_after == 1
    world.time.pass_by(days=1)
    world.file(TOWNSHIP, RELIEF)
    assert numbers(world).in_hand_after == 1
    today = world.time.now.date().isoformat()
    assert numbers(world, first=today, last=today).in_hand_before == 0


def test_every_number_leads_to_its_cases(world: World) -> None:
    live_through_weeks(world)
    for at in (TOWNSHIP, COUNTY):
        for row in numbers(world, at).numbers:
            cases = behind(
                world, at, measure=row.measure, handling_kind=row.handling_kind, page_size=5
            )
            assert sum(case.amount for case in cases) == row.amount, NAMES[Measure(row.measure)]
            events = [(case.summary.case_id, case.sequence) for case in cases]
            assert len(events) == len(set(events))


def test_numbers_of_items_and_days_add_up(world: World) -> None:
    live_through_weeks(world)
    whole = amounts(numbers(world))
    ways: list[dict[str, Any]] = [{"by_item": True}, {"by_day": True}]
    for how in ways:
        parts: Counter[tuple[int, int]] = Counter()
        for row in numbers(world, **how).numbers:
            parts[row.measure, row.handling_kind] += row.amount
        assert parts == whole
    one = numbers(world, item_id=SUBSISTENCE)
    assert amounts(one)[Measure.REPORTED_UP, COMMITTED] == 2
    items = {
        row.summary.item_name for row in behind(world, measure=Measure.RECEIVED, item_id=ELDER_CARD)
    }
    assert len(items) == 1


def test_a_report_whose_numbers_were_tampered_with_is_refused(world: World) -> None:
    live_through_weeks(world)
    table = tables.number
    world.at(TOWNSHIP).intake.transact(
        lambda c: c.execute(
            update(table)
            .where(table.c.measure == Measure.ACCEPTED, table.c.handling_kind == INSTANT)
            .values(amount=table.c.amount + 1)
        )
    )
    with pytest.raises(NumbersDoNotReconcile):
        numbers(world)


def test_numbers_that_went_wrong_are_put_right_from_the_events(world: World) -> None:
    live_through_weeks(world)
    station = world.at(TOWNSHIP)
    right = station.intake.look(counting.kept)
    table = tables.number
    station.intake.transact(lambda c: c.execute(update(table).values(amount=7)))
    kept = station.intake.look(counting.kept)
    anew = station.intake.look(lambda c: counting.from_events(c, station.hall))
    difference = {key: anew[key] - kept[key] for key in {*anew, *kept}}
    station.intake.transact(lambda c: counting.put_right(c, difference))
    assert station.intake.look(counting.kept) == right


def test_a_refused_act_counts_for_nothing(world: World) -> None:
    case = world.file(TOWNSHIP, RELIEF)
    before = world.at(TOWNSHIP).intake.look(counting.kept)
    with pytest.raises(PowerMissing):
        world.act(TOWNSHIP, case, GRANT, CLERK)
    assert world.at(TOWNSHIP).intake.look(counting.kept) == before


# Months


def freeze(world: World, month: str, reason: str = "", **values: Any) -> wire.MonthLine:
    request = wire.FreezeMonthRequest(act=act(**values), month=month, reason=reason)
    return ask(face(world).FreezeMonth(request, None)).line  # type: ignore[no-any-return]


def test_a_frozen_month_stays_and_a_correction_is_a_new_line(world: World) -> None:
    live_through_weeks(world)
    world.time.now = datetime(2027, 2, 1, 1, tzinfo=UTC)
    first = freeze(world, "2026-12")
    with pytest.raises(MonthFrozen):
        freeze(world, "2026-12")
    again = freeze(world, "2026-12", "上级要求复核")
    assert (first.line, again.line, again.reason) == (1, 2, "上级要求复核")
    assert first.digest != again.digest
    request = wire.ListMonthLinesRequest(actor_id="chief", month="2026-12")
    told = ask(face(world).ListMonthLines(request, None)).lines
    assert list(told) == [first, again]
    assert amounts(numbers(world, first="2026-12-01", last="2026-12-31")) == {
        (m, k): sum(
            r.amount for r in first.numbers.numbers if (r.measure, r.handling_kind) == (m, k)
        )
        for m, k in {(r.measure, r.handling_kind) for r in first.numbers.numbers}
    }


@pytest.mark.parametrize("month", ["2026-11", "2026-13", "2099-01", "2026-1", "2026-W1", "x"])
def test_a_month_that_is_not_over_or_none_is_not_frozen(world: World, month: str) -> None:
    with pytest.raises(PeriodInvalid):
        freeze(world, month)


def test_who_may_not_supervise_freezes_nothing(world: World) -> None:
    world.time.now = datetime(2027, 2, 1, 1, tzinfo=UTC)
    put_accounts(world, TOWNSHIP, AGENT)
    with pytest.raises(PowerMissing):
        freeze(world, "2026-12", actor=AGENT)
    assert rows(world.at(TOWNSHIP).intake, tables.month_line) == []


def test_an_agent_sees_no_numbers(world: World) -> None:
    put_accounts(world, TOWNSHIP, AGENT)
    with pytest.raises(PowerMissing):
        numbers(world, actor_id="agent")
    with pytest.raises(PowerMissing):
        behind(world, actor_id="agent", measure=Measure.RECEIVED)


@pytest.mark.parametrize(
    ("first", "last", "problem"),
    [
        ("2026-12-01", "2026-11-30", PeriodInvalid),
        ("2020-01-01", "2026-11-30", PeriodInvalid),
        ("2026-02-30", "2026-11-30", DayMalformed),
        ("2026-12-01", "", DayMalformed),
    ],
)
def test_a_period_that_is_none_is_refused(
    world: World, first: str, last: str, problem: type[Exception]
) -> None:
    with pytest.raises(problem):
        numbers(world, first=first, last=last)


def test_a_token_that_came_from_nowhere_is_refused(world: World) -> None:
    for token in ("!!!", "W10=", "WyJ4IiwgMSwgMl0="):
        request = wire.ListNumberedCasesRequest(
            actor_id="chief",
            first="2026-11-01",
            last="2026-11-30",
            measure=wire.MEASURE_RECEIVED,
            page_token=token,
        )
        with pytest.raises(PageTokenInvalid):
            ask(face(world).ListNumberedCases(request, None))


def test_histories_come_with_the_page_for_who_supervises_and_each_case_is_a_look(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    live_through_weeks(world)
    asked: dict[str, Any] = {"measure": wire.MEASURE_FINISHED, "page_size": 200}
    plain = behind(world, **asked)
    assert not any(one.events for one in plain)
    before = len(records(world.at(TOWNSHIP), "GetCase"))
    found = behind(world, purpose="月度归档", **asked)
    assert [one.summary.case_id for one in found] == [one.summary.case_id for one in plain]
    for one in found:
        case = read_history(EVENT.to_bytes(EVENT.from_message(event)) for event in one.events)
        assert case is not None
        assert (case.case_id, case.ended) == (one.summary.case_id, True)
    looks = records(world.at(TOWNSHIP), "GetCase")[before:]
    assert [look.subject for look in looks] == [one.summary.case_id for one in found]
    assert {(look.actor_id, look.purpose) for look in looks} == {("chief", "月度归档")}
    monkeypatch.setattr(reporting, "HISTORIES_BYTES_MAX", 1)
    assert behind(world, purpose="又", **asked) == found


def test_only_who_supervises_is_given_histories_and_the_refusal_is_on_record(world: World) -> None:
    stranger = Account(Actor(ActorKind.STAFF, "stranger", "某某"), frozenset({Power.RECEIVE}), ())
    put_accounts(world, TOWNSHIP, stranger)
    with pytest.raises(PowerMissing):
        behind(world, actor_id="stranger", measure=wire.MEASURE_FINISHED, purpose="好奇")
    assert records(world.at(TOWNSHIP), "ListNumberedCases")[-1].refused == "POWER_MISSING"


def test_the_names_of_measures_are_those_of_the_wire() -> None:
    for measure in Measure:
        assert wire.Measure.Name(int(measure)) == f"MEASURE_{measure.name}"  # type: ignore[arg-type]
    assert set(NAMES) == set(Measure)
    assert len(wire.Measure.values()) == len(Measure) + 1


# By itself


def months_frozen(world: World) -> list[str]:
    station = world.at(TOWNSHIP)
    frozen: list[str] = ask(freezing.freeze_due(station.intake, station.hall, world.time.now))
    return frozen


def test_months_freeze_by_themselves_on_the_named_working_day_and_once(world: World) -> None:
    live_through_weeks(world)
    started = f"{world.time.now:%Y-%m}"
    world.time.now = datetime(2027, 2, 2, 1, tzinfo=UTC)
    before = months_frozen(world)
    assert before
    assert "2027-01" not in before
    assert months_frozen(world) == []
    world.time.now = datetime(2027, 2, 3, 1, tzinfo=UTC)
    assert months_frozen(world) == ["2027-01"]
    lines = rows(world.at(TOWNSHIP).intake, tables.month_line)
    assert {line.frozen_by for line in lines} == {"system"}
    assert started in {line.month for line in lines}
    assert {line.line for line in lines} == {1}
    with pytest.raises(MonthFrozen):
        freeze(world, "2027-01")


def test_a_month_that_does_not_reconcile_is_left_and_the_others_are_frozen(world: World) -> None:
    live_through_weeks(world)
    wrong = f"{world.time.now:%Y-%m}"
    table = tables.number
    day = world.time.now.date()
    world.at(TOWNSHIP).intake.transact(
        lambda c: c.execute(
            update(table)
            .where(table.c.measure == Measure.ACCEPTED, table.c.day >= day.replace(day=1))
            .values(amount=table.c.amount + 5)
        )
    )
    world.time.now = datetime(2027, 2, 3, 1, tzinfo=UTC)
    frozen = months_frozen(world)
    assert wrong not in frozen
    assert months_frozen(world) == []


def test_another_day_may_be_named_by_policy(world: World) -> None:
    live_through_weeks(world)
    policy = POLICY.to_bytes(Policy(freeze_working_day=1))
    take_release(world, TOWNSHIP, ReleaseKind.POLICY, policy)
    world.time.now = datetime(2027, 2, 1, 1, tzinfo=UTC)
    assert "2027-01" in months_frozen(world)


def test_what_somebody_froze_before_is_not_frozen_again(world: World) -> None:
    live_through_weeks(world)
    world.time.now = datetime(2027, 2, 1, 1, tzinfo=UTC)
    freeze(world, "2026-12")
    assert "2026-12" not in months_frozen(world)

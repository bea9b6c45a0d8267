"""Overdue is stamped by itself and stays, for every limit that binds a hall (行政许可法 articles 42 to 45, 74)."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from tests.case.builders import (
    ACCEPTED,
    BEGAN,
    CLOSED,
    COUNTY,
    GRANTED,
    NOTICE,
    OTHER_COUNTY,
    PROCEDURE_ENDED,
    REPORTED_UP,
    REVIEWED,
    SIGNED,
    TAKEN,
    TOWNSHIP,
    History,
    at,
    calendar,
    case_with,
    context,
    filed,
    item,
    to,
    working_days,
)

from hallnet.case import command as commands
from hallnet.case.case import Case
from hallnet.case.clock import Clock, ClockKind, clocks
from hallnet.case.decide import decide
from hallnet.case.event import Closed, DeliveryMethod, HandOverPurpose
from hallnet.case.fact import ProcedureEnded, ViolationRecorded, ViolationRule
from hallnet.case.item import CrossAreaLeg, CrossAreaPart, ItemVersion, Leg, TimeLimit
from hallnet.case.rules.time import watch_on, what_time_brings
from hallnet.places import Level

RETURN, REPORT_UP = HandOverPurpose.RETURN, HandOverPurpose.REPORT_UP


def leg(level: Level, days: int, group: int = 1) -> Leg:
    return Leg(group, group, level, "某局", "办理", working_days(days), None, True)


def share(sequence: int, part: CrossAreaPart, limit: TimeLimit | None) -> CrossAreaLeg:
    return CrossAreaLeg(sequence, "某地", "办理", limit, "收到", part)


IN_LEGS = item(report_up=True, legs=(leg(Level.TOWNSHIP, 2), leg(Level.COUNTY, 3, 2)))
ACROSS = item(
    cross_area_legs=(
        share(1, CrossAreaPart.INTAKE, working_days(3)),
        share(2, CrossAreaPart.DECISION, working_days(10)),
        share(3, CrossAreaPart.RESULT, working_days(3)),
    )
)


def stamps(case: Case, today: str, wanted: ItemVersion, **changes: Any) -> list[str]:
    """The limits that are stamped on a day."""
    now = context(case.custodian, wanted, now=at(f"2026-{today} 09:00"), **changes)
    return [
        fact.subject
        for fact in what_time_brings(case, now)
        if isinstance(fact, ViolationRecorded) and fact.rule is ViolationRule.OVERDUE
    ]


def clock(kind: ClockKind, case: Case, wanted: ItemVersion) -> Clock | None:
    found = [one for one in clocks(case, wanted, calendar()) if one.kind is kind]
    return found[0] if found else None


PLAIN = item(promised_limit=None, statutory_limit=working_days(200), commitment_allowed=True)


@pytest.mark.parametrize(
    ("case", "wanted", "kind", "due_on"),
    [
        # Article 44: ten working days from the decision.
        (case_with(ACCEPTED, GRANTED), PLAIN, ClockKind.DELIVERY, date(2026, 3, 16)),
        # 浙江省保障“最多跑一次”改革规定 article 14: sixty working days.
        (
            case_with(SIGNED, ACCEPTED, GRANTED, CLOSED),
            PLAIN,
            ClockKind.AFTER_CHECK,
            date(2026, 5, 28),
        ),
        # Article 45: as long as the applicant was told.
        (case_with(ACCEPTED, BEGAN), PLAIN, ClockKind.PROCEDURE, date(2026, 3, 16)),
        # 安阳市政务服务条例 article 42: one working day.
        (
            case_with(opening=filed(for_prereview=True)),
            PLAIN,
            ClockKind.PREREVIEW,
            date(2026, 3, 3),
        ),
    ],
)
def test_every_limit_of_a_hall_is_stamped_once_when_it_is_over(
    case: Case, wanted: ItemVersion, kind: ClockKind, due_on: date
) -> None:
    running = clock(kind, case, wanted)
    assert running is not None
    assert running.due_on == due_on
    assert watch_on(case, clocks(case, wanted, calendar()), wanted) == due_on
    last, after = f"{due_on:%m-%d}", f"{due_on.replace(day=due_on.day + 1):%m-%d}"
    assert stamps(case, last, wanted) == []
    assert stamps(case, after, wanted) == [kind.name]
    history = History(case.filed)
    for mark in case.marks[1:]:
        history.add(mark.fact, mark.at)
    for stamp in what_time_brings(case, context(wanted=wanted, now=at(f"2026-{after} 09:00"))):
        history.add(stamp, at(f"2026-{after} 09:01"))
    assert stamps(history.case, "06-20", wanted) == []


def test_the_time_of_the_applicant_is_no_violation_of_the_hall() -> None:
    """What a notice asked for and promised materials are the applicant's to bring."""
    assert stamps(case_with(NOTICE), "06-20", PLAIN) == []


def test_the_link_of_a_case_is_stamped_though_the_case_is_not_late() -> None:
    """环节超期: of two halls each bears the stamp of its own share, also when both are late."""
    history = History(filed(TOWNSHIP)).add(ACCEPTED)
    assert stamps(history.case, "03-04", IN_LEGS) == []
    assert stamps(history.case, "03-05", IN_LEGS) == ["LEG"]
    [stamp] = what_time_brings(history.case, context(TOWNSHIP, IN_LEGS, now=at("2026-03-05 09:00")))
    history.add(stamp, at("2026-03-05 09:00")).add(REVIEWED).add(to(COUNTY, REPORT_UP)).add(TAKEN)
    wide = item(report_up=True, legs=IN_LEGS.legs, promised_limit=working_days(60))
    assert stamps(history.case, "03-10", wide) == []
    assert stamps(history.case, "03-11", wide) == ["LEG"]


def test_the_share_of_a_hall_is_that_of_all_its_bodies() -> None:
    """Those that follow on each other are added up, of those that run together the longest counts."""
    two = item(
        promised_limit=working_days(60),
        legs=(leg(Level.COUNTY, 1), leg(Level.COUNTY, 3, 2), leg(Level.COUNTY, 2, 2)),
    )
    running = clock(ClockKind.LEG, case_with(ACCEPTED), two)
    assert running is not None
    assert running.limit.days == 4


def test_a_late_act_bears_the_stamp_that_nobody_has_made_yet() -> None:
    """A hall that was down when a limit ended stamps it with the next thing that it does."""
    late = context(wanted=PLAIN, now=at("2026-04-20 09:00"))
    close = commands.Close(DeliveryMethod.COUNTER, "章三")
    stamp, closed = decide(case_with(ACCEPTED, GRANTED), close, late)
    assert isinstance(stamp, ViolationRecorded)
    assert (stamp.rule, stamp.subject) == (ViolationRule.OVERDUE, "DELIVERY")
    assert "送达" in stamp.explanation
    assert isinstance(closed, Closed)
    ending = decide(case_with(ACCEPTED, BEGAN), commands.EndProcedure("通过"), late)
    assert [type(fact) for fact in ending] == [ViolationRecorded, ProcedureEnded]


def test_a_second_procedure_that_is_late_is_stamped_too() -> None:
    history = History().add(ACCEPTED).add(BEGAN)
    late = context(wanted=PLAIN, now=at("2026-03-17 09:00"))
    for fact in decide(history.case, commands.EndProcedure("通过"), late):
        history.add(fact, at("2026-03-17 09:00"))
    assert history.case.last(ProcedureEnded) == PROCEDURE_ENDED
    history.add(BEGAN, at("2026-03-17 09:01"))
    assert stamps(history.case, "03-31", PLAIN) == []
    assert stamps(history.case, "04-01", PLAIN) == ["PROCEDURE"]


# Across areas


def test_across_areas_each_place_has_its_limit_and_its_stamp() -> None:
    """Practice of 跨省通办: so long to pass it on, so long to decide, so long to hand the result out."""
    history = History(filed(OTHER_COUNTY, COUNTY))
    running = clock(ClockKind.LEG, history.case, ACROSS)
    assert running is not None
    assert (running.limit.days, running.due_on) == (3, date(2026, 3, 5))
    assert stamps(history.case, "03-06", ACROSS) == ["LEG"]

    history.add(to(COUNTY)).add(TAKEN, at("2026-03-04 09:00")).add(ACCEPTED)
    running = clock(ClockKind.LEG, history.case, ACROSS)
    assert running is not None
    assert (running.starts_on, running.limit.days) == (date(2026, 3, 4), 10)

    history.add(GRANTED, at("2026-03-06 09:00")).add(to(OTHER_COUNTY, RETURN))
    assert clock(ClockKind.LEG, history.case, ACROSS) is not None
    history.add(TAKEN, at("2026-03-09 09:00"))
    running = clock(ClockKind.LEG, history.case, ACROSS)
    assert running is not None
    assert (running.starts_on, running.due_on) == (date(2026, 3, 9), date(2026, 3, 12))
    assert stamps(history.case, "03-13", ACROSS) == ["LEG"]
    history.add(CLOSED)
    running = clock(ClockKind.LEG, history.case, ACROSS)
    assert running is not None
    assert running.met_on == date(2026, 3, 9)


def test_the_check_of_a_promise_gives_the_place_that_decided_no_new_limit_to_decide() -> None:
    """It went across, was decided in time, closed, and came back to be checked."""
    history = History(filed(OTHER_COUNTY, COUNTY)).add(SIGNED).add(to(COUNTY)).add(TAKEN)
    history.extend([ACCEPTED, GRANTED, to(OTHER_COUNTY, RETURN), TAKEN, CLOSED])
    history.add(to(COUNTY, HandOverPurpose.AFTER_CHECK)).add(TAKEN)
    running = clock(ClockKind.LEG, history.case, ACROSS)
    assert running is not None
    assert running.met_on == date(2026, 3, 2)
    assert stamps(history.case, "03-20", ACROSS) == []


def test_the_time_to_pass_a_case_on_runs_from_when_all_is_there() -> None:
    history = History(filed(OTHER_COUNTY, COUNTY)).add(NOTICE)
    assert clock(ClockKind.LEG, history.case, ACROSS) is None


def test_what_goes_up_has_the_shares_of_its_bodies_and_none_across() -> None:
    both = item(report_up=True, legs=IN_LEGS.legs, cross_area_legs=ACROSS.cross_area_legs)
    running = clock(ClockKind.LEG, case_with(ACCEPTED, opening=filed(TOWNSHIP)), both)
    assert running is not None
    assert running.limit.days == 2
    assert clock(ClockKind.LEG, case_with(opening=filed(TOWNSHIP)), REPORTED_UP) is None

"""Third parties and hearings: 行政许可法 articles 36, 46, 47 and 48."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from tests.case.builders import (
    ACCEPTED,
    BEGAN,
    CLERK,
    COUNTY,
    GRANTED,
    HEARD,
    ITEM,
    PROCEDURE_ENDED,
    REVIEWED,
    RIGHTS_TOLD,
    SURVEYED,
    VIOLATION,
    History,
    at,
    calendar,
    case_with,
    context,
    working_days,
)

from hallnet.case import command as commands
from hallnet.case.case import Case
from hallnet.case.clock import Clock, ClockKind, clocks
from hallnet.case.decide import decide
from hallnet.case.event import Decided, Outcome
from hallnet.case.fact import (
    ProcedureBegan,
    ProcedureEnded,
    ProcedureKind,
    RightsTold,
    ViewHeard,
    ViolationRecorded,
)
from hallnet.case.possible import possible_acts
from hallnet.case.problems import ActNotPossible, PowerMissing, ReasonsMissing
from hallnet.case.rules.problems import (
    HearingAskedTooLate,
    HearingToBeHeld,
    PartiesMissing,
    PartyUnknown,
    PresidingOfficerUnfit,
    RecordUnsigned,
    StillToBeHeard,
)
from hallnet.case.rules.time import what_time_brings

NEIGHBOUR = RIGHTS_TOLD.parties[0]
TELL = commands.TellRights((NEIGHBOUR,), "采光", True)
GRANT = commands.Decide(Outcome.GRANTED, "", "")
ASKS = replace(HEARD, asks_hearing=True)
HEARING = replace(BEGAN, kind=ProcedureKind.HEARING, name="听证", held_on=date(2026, 3, 13))


def hear(statement: str = "影响采光", asks_hearing: bool = False) -> commands.HearView:
    return commands.HearView(NEIGHBOUR, statement, asks_hearing)


def hearing_clock(case: Case) -> Clock | None:
    found = [one for one in clocks(case, ITEM, calendar()) if one.kind is ClockKind.HEARING]
    return found[0] if found else None


def test_who_has_an_important_interest_is_told_of_it_and_of_the_right_to_be_heard() -> None:
    """Article 36; of the right to a hearing article 47."""
    [told] = decide(case_with(ACCEPTED), TELL, context())
    assert told == RightsTold("330110-0001", (NEIGHBOUR,), "采光", True)
    with pytest.raises(PartiesMissing):
        decide(case_with(ACCEPTED), replace(TELL, parties=(" ",)), context())
    with pytest.raises(ReasonsMissing):
        decide(case_with(ACCEPTED), replace(TELL, interest=""), context())
    with pytest.raises(PowerMissing):
        decide(case_with(ACCEPTED), TELL, context(powers=frozenset()))


def test_nothing_is_decided_before_who_was_told_was_heard_or_has_let_five_days_pass() -> None:
    """Told on 2026-03-02: five working days end on 03-09."""
    told = case_with(ACCEPTED, RIGHTS_TOLD)
    for outcome in (GRANT, commands.Decide(Outcome.REFUSED, "不符", "某法")):
        with pytest.raises(StillToBeHeard) as raised:
            decide(told, outcome, context(now=at("2026-03-09 09:00")))
        assert "2026-03-09" in raised.value.in_chinese()
    *_, decided = decide(told, GRANT, context(now=at("2026-03-10 09:00")))
    assert isinstance(decided, Decided)
    *_, decided = decide(case_with(ACCEPTED, RIGHTS_TOLD, HEARD), GRANT, context())
    assert isinstance(decided, Decided)


def test_a_second_party_that_was_told_is_waited_for_too() -> None:
    another = replace(RIGHTS_TOLD, parties=("周八",))
    with pytest.raises(StillToBeHeard):
        decide(case_with(ACCEPTED, RIGHTS_TOLD, another, HEARD), GRANT, context())


def test_only_who_was_told_is_heard_and_in_words() -> None:
    told = case_with(ACCEPTED, RIGHTS_TOLD)
    assert decide(told, hear(), context()) == [ViewHeard(NEIGHBOUR, "影响采光", False)]
    with pytest.raises(PartyUnknown):
        decide(told, replace(hear(), party="路人"), context())
    with pytest.raises(ReasonsMissing):
        decide(told, hear(statement=" "), context())
    with pytest.raises(ActNotPossible):
        decide(case_with(ACCEPTED), hear(), context())
    assert "HearView" in possible_acts(told, ITEM, COUNTY)
    assert "HearView" not in possible_acts(case_with(ACCEPTED), ITEM, COUNTY)


def test_a_hearing_is_asked_for_within_five_days_and_by_who_was_told_of_it() -> None:
    """Article 47."""
    told = case_with(ACCEPTED, RIGHTS_TOLD)
    assert decide(told, hear(asks_hearing=True), context(now=at("2026-03-09 17:00")))
    with pytest.raises(HearingAskedTooLate):
        decide(told, hear(asks_hearing=True), context(now=at("2026-03-10 09:00")))
    without = case_with(ACCEPTED, replace(RIGHTS_TOLD, hearing=False))
    with pytest.raises(HearingAskedTooLate):
        decide(without, hear(asks_hearing=True), context())


def test_a_hearing_that_was_asked_for_is_held_before_the_decision() -> None:
    """Articles 47 and 48: the decision follows the record of the hearing, so it says why."""
    late = context(now=at("2026-03-20 09:00"))
    asked = case_with(ACCEPTED, RIGHTS_TOLD, ASKS)
    with pytest.raises(HearingToBeHeld):
        decide(asked, GRANT, late)
    before = case_with(ACCEPTED, HEARING, PROCEDURE_ENDED, RIGHTS_TOLD, ASKS)
    with pytest.raises(HearingToBeHeld):
        decide(before, GRANT, late)
    other = case_with(ACCEPTED, RIGHTS_TOLD, ASKS, BEGAN, PROCEDURE_ENDED)
    with pytest.raises(HearingToBeHeld):
        decide(other, GRANT, late)
    held = case_with(ACCEPTED, RIGHTS_TOLD, ASKS, HEARING, PROCEDURE_ENDED)
    with pytest.raises(ReasonsMissing):
        decide(held, GRANT, late)
    *_, decided = decide(held, replace(GRANT, reasons="听证笔录：间距达标"), late)
    assert isinstance(decided, Decided)


def test_a_hearing_is_held_within_twenty_days_of_the_asking_or_it_is_stamped() -> None:
    """Article 47: asked for on 2026-03-02, twenty working days end on 03-30."""
    history = History().add(ACCEPTED).add(RIGHTS_TOLD)
    assert hearing_clock(history.case) is None
    history.add(ASKS)
    running = hearing_clock(history.case)
    assert running is not None
    assert (running.due_on, running.met_on) == (date(2026, 3, 30), None)
    subjects = [
        fact.subject
        for fact in what_time_brings(history.case, context(now=at("2026-03-31 09:00")))
        if isinstance(fact, ViolationRecorded)
    ]
    assert "HEARING" in subjects
    history.add(HEARING).add(VIOLATION).add(PROCEDURE_ENDED, at("2026-03-13 17:00"))
    running = hearing_clock(history.case)
    assert running is not None
    assert running.met_on == date(2026, 3, 13)


def test_what_is_decided_is_not_told_of_any_more() -> None:
    with pytest.raises(ActNotPossible):
        decide(case_with(ACCEPTED, GRANTED), TELL, context())


HOLD = commands.BeginProcedure(
    ProcedureKind.HEARING, "", working_days(20), "申请人要求", date(2026, 3, 13), "周八"
)


def test_who_examined_the_application_does_not_preside_over_its_hearing() -> None:
    """Article 48: at whatever hall, whoever records it."""
    case = case_with(ACCEPTED, SURVEYED, REVIEWED)
    [began] = decide(case, HOLD, context())
    assert isinstance(began, ProcedureBegan)
    assert began.presiding == "周八"
    for name in (CLERK.name, SURVEYED.surveyors[0].name, ""):
        with pytest.raises(PresidingOfficerUnfit):
            decide(case, replace(HOLD, presiding=f" {name} "), context())
    assert decide(case_with(ACCEPTED), replace(HOLD, presiding=CLERK.name), context())


def test_a_hearing_ends_with_a_record_that_was_signed() -> None:
    held = case_with(ACCEPTED, HEARING)
    with pytest.raises(RecordUnsigned):
        decide(held, commands.EndProcedure("已听证", (" ",)), context())
    signed = decide(held, commands.EndProcedure("已听证", ("章三", "吴九")), context())
    assert signed == [ProcedureEnded("已听证", ("章三", "吴九"))]
    other = case_with(ACCEPTED, BEGAN)
    assert decide(other, commands.EndProcedure("合格"), context()) == [ProcedureEnded("合格", ())]

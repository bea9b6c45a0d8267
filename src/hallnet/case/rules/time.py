"""What time alone brings about: acceptance by silence, and the stamp of what is overdue."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from hallnet.case.case import Case
from hallnet.case.clock import CLOCK_NAMES, Clock, ClockKind
from hallnet.case.context import Context
from hallnet.case.event import (
    AcceptanceBasis,
    Accepted,
    Decided,
    Fact,
    HandedOver,
    HandOverPurpose,
    Outcome,
)
from hallnet.case.fact import ProcedureEnded, ViolationRecorded, ViolationRule
from hallnet.case.item import ItemVersion
from hallnet.case.renewal import ends_on, is_renewed_by_silence
from hallnet.case.rules.joint import stopped_legs
from hallnet.case.rules.receiving import needs_nothing
from hallnet.case.stage import TABLE, Stage

_STAMPED = frozenset(
    {
        ClockKind.PREREVIEW,
        ClockKind.PROMISE,
        ClockKind.STATUTORY,
        ClockKind.URGENT,
        ClockKind.LEG,
        ClockKind.PROCEDURE,
        ClockKind.HEARING,
        ClockKind.DELIVERY,
        ClockKind.AFTER_CHECK,
    }
)
"""Limits that bind a hall. Silence and the end of a licence have stamps of their own; what a notice asked for and
what was promised are the applicant's to bring, in the applicant's time."""


def watch_on(case: Case, running: Sequence[Clock], item: ItemVersion | None) -> date | None:
    """The first day after which time brings something about; None if nothing is due."""
    watched = [
        *_silent(case, running, item),
        *_to_be_stamped(case, running),
        *_to_be_renewed(case, running),
    ]
    return min((clock.due_on for clock in watched), default=None)


def what_time_brings(case: Case, context: Context) -> list[Fact]:
    """The facts that follow today from silence and from limits that are over.

    行政许可法 article 32(4): nothing was told within five working days, so the case counts as accepted
    from the day on which it was received. What is overdue is stamped once, and the stamp stays whatever
    becomes of the calendar.

    Where nothing is needed (article 32(1)) silence accepts nothing: there is nothing that could be granted. That
    the applicant was not told so is on record, and the case waits to be declined.
    """
    running = context.clocks_of(case)
    facts: list[Fact] = []
    for clock in _silent(case, running, context.item):
        if context.today <= clock.due_on:
            continue
        if needs_nothing(case, context.item):
            untold = f"收件后至{clock.due_on}未告知依法不需要办理"
        else:
            untold = f"收件后至{clock.due_on}未作出一次性告知"
            facts.append(Accepted(context.document_no, AcceptanceBasis.SILENCE, clock.starts_on))
        facts.append(ViolationRecorded(ViolationRule.SILENCE, "", untold))
    return facts + overdue(case, running, context.today) + _renewed(case, context)


def _renewed(case: Case, context: Context) -> list[Fact]:
    """Article 50: nothing was decided before the licence ended, so it is renewed. What was going on has no
    say any more, and the hall was late."""
    if not is_renewed_by_silence(case, context.item, context.today):
        return []
    ended_on = ends_on(case, context.item)
    procedure = [ProcedureEnded("原许可期满，视为准予延续")] if case.procedure is not None else []
    late = f"原许可于{ended_on}期满，期满前未作出是否准予延续的决定"
    facts: list[Fact] = [
        *procedure,
        *stopped_legs(case),
        ViolationRecorded(ViolationRule.OVERDUE, ClockKind.RENEWAL.name, late),
        Decided(
            context.document_no,
            Outcome.GRANTED,
            f"{late}，视为准予延续",
            "行政许可法第五十条第二款",
            "",
            context.item.result_name,
        ),
    ]
    if case.home != context.here:
        facts.append(HandedOver(case.home, HandOverPurpose.RETURN, "结果回传收件大厅"))
    return facts


def overdue(case: Case, running: Sequence[Clock], today: date) -> list[Fact]:
    """The stamps of limits that are over: made when they end, or before the next act of a hall that slept then."""
    return [
        ViolationRecorded(
            ViolationRule.OVERDUE,
            clock.kind.name,
            f"{CLOCK_NAMES[clock.kind]}（自{clock.started_by}起）{clock.due_on}届满，逾期",
        )
        for clock in _to_be_stamped(case, running)
        if today > clock.due_on
    ]


def _silent(case: Case, running: Sequence[Clock], item: ItemVersion | None) -> list[Clock]:
    if case.stage is not Stage.RECEIVED:
        return []
    if item is not None and needs_nothing(case, item) and _silence_is_recorded(case):
        return []
    return [clock for clock in running if clock.kind is ClockKind.NOTICE and clock.met_on is None]


def _to_be_renewed(case: Case, running: Sequence[Clock]) -> list[Clock]:
    accepted = case.last(Accepted)
    return [
        clock
        for clock in running
        if clock.kind is ClockKind.RENEWAL
        and clock.met_on is None
        and accepted is not None
        and accepted.accepted_on <= clock.due_on
    ]


def _silence_is_recorded(case: Case) -> bool:
    return any(fact.rule is ViolationRule.SILENCE for fact in case.all_of(ViolationRecorded))


def _to_be_stamped(case: Case, running: Sequence[Clock]) -> list[Clock]:
    if ViolationRecorded not in TABLE[case.stage]:
        return []
    return [
        clock
        for clock in running
        if clock.kind in _STAMPED
        and clock.met_on is None
        and not clock.stands
        and not _is_stamped(case, clock)
    ]


def _is_stamped(case: Case, clock: Clock) -> bool:
    """Each running of a limit is stamped once: the next hall, or a second procedure, has one of its own. A limit
    is stamped after the day on which it began, for no limit ends before it."""
    return case.newest(ViolationRecorded) is not None and any(
        isinstance(mark.fact, ViolationRecorded)
        and mark.fact.rule is ViolationRule.OVERDUE
        and mark.fact.subject == clock.kind.name
        and mark.day > clock.starts_on
        for mark in case.marks
    )

"""Why something was late, and what people find that no program sees."""

from __future__ import annotations

from hallnet.case import command as commands
from hallnet.case.case import Case
from hallnet.case.context import Context, require_possible, require_text
from hallnet.case.event import Fact
from hallnet.case.fact import OverdueExplained, ViolationRecorded, ViolationRule
from hallnet.case.ownership import ownership_of
from hallnet.case.power import Power
from hallnet.case.problems import ActNotPossible, NotYours
from hallnet.case.rules.problems import NothingOverdue
from hallnet.case.stage import NAMES


def explain_overdue(case: Case, command: commands.ExplainOverdue, context: Context) -> list[Fact]:
    """优化营商环境条例 article 36: whoever is late makes public why. By who answers for the case, or who
    supervises; once for each stamp, which stays."""
    require_possible(case, OverdueExplained, "登记逾期原因")
    supervises = not context.powers.isdisjoint((Power.HEAD, Power.SUPERVISE))
    if not supervises and context.actor.actor_id != ownership_of(case).owner:
        raise NotYours("act.actor_id", detail="由承办人或有督办权的人登记逾期原因")
    stamped = unexplained(case)
    if not stamped:
        raise ActNotPossible("case_id", stage=NAMES[case.stage], act="登记逾期原因（没有逾期记录）")
    require_text(command.explanation, "explanation")
    if command.subject not in stamped:
        raise NothingOverdue("subject")
    return [OverdueExplained(command.subject, command.cause, command.explanation)]


def unexplained(case: Case) -> list[str]:
    """The limits whose newest stamp nobody has given a reason for, the oldest first."""
    open_stamps: list[str] = []
    for mark in case.marks:
        fact = mark.fact
        if isinstance(fact, OverdueExplained) and fact.subject in open_stamps:
            open_stamps.remove(fact.subject)
        elif (
            isinstance(fact, ViolationRecorded)
            and fact.rule is ViolationRule.OVERDUE
            and fact.subject not in open_stamps
        ):
            open_stamps.append(fact.subject)
    return open_stamps


def record_off_hall(case: Case, command: commands.RecordOffHall, context: Context) -> list[Fact]:
    """越位收件, 体外循环: what has its place in the hall is not received behind it. No program sees that; who
    supervises finds it and puts it on record, once."""
    context.require(Power.SUPERVISE)
    require_possible(case, ViolationRecorded, "登记越位收件")
    require_text(command.explanation, "explanation")
    if is_off_hall(case):
        raise ActNotPossible("case_id", stage=NAMES[case.stage], act="再次登记越位收件")
    return [ViolationRecorded(ViolationRule.OFF_HALL, "", command.explanation)]


def is_off_hall(case: Case) -> bool:
    return any(fact.rule is ViolationRule.OFF_HALL for fact in case.all_of(ViolationRecorded))

"""Who is heard before a decision: third parties whose important interest it touches, and hearings
(行政许可法 articles 36 and 46 to 48)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from hallnet.case import command as commands
from hallnet.case.case import Case
from hallnet.case.context import Context, require_possible, require_text
from hallnet.case.event import Fact, Reviewed
from hallnet.case.fact import RightsTold, Surveyed, ViewHeard
from hallnet.case.hearing import asked_hearing
from hallnet.case.item import TimeLimit, TimeUnit
from hallnet.case.power import Power
from hallnet.case.problems import ActNotPossible
from hallnet.case.rules.problems import (
    HearingAskedTooLate,
    HearingToBeHeld,
    PartiesMissing,
    PartyUnknown,
    PresidingOfficerUnfit,
    StillToBeHeard,
)
from hallnet.case.stage import NAMES

ANSWERED_WITHIN = TimeLimit(5, TimeUnit.WORKING_DAY, "行政许可法第四十七条第一款")
"""To ask for a hearing. Article 36 sets no time for being heard: this one is taken."""
PARTIES_MAX = 100


def tell_rights(case: Case, command: commands.TellRights, context: Context) -> list[Fact]:
    """Article 36: whose important interest the matter touches is told of it; articles 46 and 47: and of the right
    to a hearing, which costs them nothing. The paper is made with the act."""
    context.require(Power.REVIEW, Power.DECIDE, Power.DECIDE_INSTANT)
    require_possible(case, RightsTold, "告知利害关系人")
    parties = tuple(dict.fromkeys(name.strip() for name in command.parties if name.strip()))
    if not 1 <= len(parties) <= PARTIES_MAX:
        raise PartiesMissing("parties", most=PARTIES_MAX)
    require_text(command.interest, "interest")
    return [RightsTold(context.document_no, parties, command.interest, command.hearing)]


def hear_view(case: Case, command: commands.HearView, context: Context) -> list[Fact]:
    """Statement and objections, or that there are none; a hearing is asked for within five working days."""
    context.require(Power.RECEIVE, Power.REVIEW, Power.DECIDE, Power.DECIDE_INSTANT)
    require_possible(case, ViewHeard, "听取意见")
    if case.newest(RightsTold) is None:
        raise ActNotPossible("case_id", stage=NAMES[case.stage], act="听取意见（尚未告知任何人）")
    party = command.party.strip()
    told = [(fact, until) for fact, until in _told(case, context) if party in fact.parties]
    if not told:
        raise PartyUnknown("party")
    require_text(command.statement, "statement")
    in_time = any(fact.hearing and context.today <= until for fact, until in told)
    if command.asks_hearing and not in_time:
        raise HearingAskedTooLate("asks_hearing", days=ANSWERED_WITHIN.days)
    return [ViewHeard(party, command.statement, command.asks_hearing)]


def require_may_preside(case: Case, presiding: str) -> None:
    """Article 48: a hearing is presided over by another than those who examined the application, at any hall.

    Raises PresidingOfficerUnfit.
    """
    examined = {
        mark.actor.name for mark in case.marks if isinstance(mark.fact, Reviewed | Surveyed)
    }
    examined |= {one.name.strip() for fact in case.all_of(Surveyed) for one in fact.surveyors}
    if not presiding.strip() or presiding.strip() in examined:
        raise PresidingOfficerUnfit("presiding")


def require_heard(case: Case, reasons: str, context: Context) -> None:
    """Nothing is decided before those who were told were heard or let their time pass, and before a hearing that
    was asked for was held; after a hearing the decision follows its record and says why (article 48).

    Raises StillToBeHeard, HearingToBeHeld, ReasonsMissing.
    """
    heard = {fact.party for fact in case.all_of(ViewHeard)}
    for fact, until in _told(case, context):
        silent = set(fact.parties) - heard
        if silent and context.today <= until:
            raise StillToBeHeard("case_id", parties=len(silent), until=until)
    hearing = asked_hearing(case)
    if hearing is None:
        return
    if hearing.held is None:
        raise HearingToBeHeld("case_id")
    require_text(reasons, "reasons")


def _told(case: Case, context: Context) -> Iterator[tuple[RightsTold, date]]:
    """Who was told of what, with the last day on which they may answer."""
    if case.newest(RightsTold) is None:
        return
    for mark in case.marks:
        if isinstance(mark.fact, RightsTold):
            yield mark.fact, context.calendar.count(mark.day, ANSWERED_WITHIN).due_on

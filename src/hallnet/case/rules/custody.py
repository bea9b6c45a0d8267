"""Custody: handing a case over, answering that, and originals in a sealed bag."""

from __future__ import annotations

from collections.abc import Container

from hallnet.case import command as commands
from hallnet.case.case import Case
from hallnet.case.context import Context, require_possible
from hallnet.case.event import (
    AcceptanceBasis,
    Accepted,
    Fact,
    HandedOver,
    HandOverDeclined,
    HandOverPurpose,
    TakenOver,
)
from hallnet.case.fact import OriginalsReceived, OriginalsSent
from hallnet.case.power import Power
from hallnet.case.problems import ActNotPossible, MaterialsMissing, NothingToHandOver
from hallnet.case.rules.problems import (
    BagNumberTaken,
    BagUnknown,
    LegsOpen,
    OriginalsMissing,
    SuccessorUnknown,
)
from hallnet.case.stage import NAMES, TABLE, WITH_APPLICANT, Stage
from hallnet.places import Address


def hand_over(case: Case, command: commands.HandOver, context: Context) -> list[Fact]:
    """上报 after a review, or 转交 after the check of form at the place of intake; 承接 at any time."""
    if command.successor is not None:
        return _hand_to_successor(case, command.successor, command.explanation, context)
    competent = case.competent_hall
    if competent == context.here:
        raise NothingToHandOver("case_id")
    require_possible(case, HandedOver, "移交")
    if case.stage in WITH_APPLICANT:
        raise ActNotPossible("case_id", stage=NAMES[case.stage], act="移交")
    if case.open_legs:
        raise LegsOpen("case_id", bodies="、".join(leg.body for leg in case.open_legs))
    if context.reports_up(case):
        context.require(Power.REVIEW)
        if case.stage is not Stage.REVIEWED:
            raise ActNotPossible("case_id", stage=NAMES[case.stage], act="上报（须先初审）")
        purpose = HandOverPurpose.REPORT_UP
    else:
        context.require(Power.COORDINATE)
        if not may_go_across(case):
            raise ActNotPossible("case_id", stage=NAMES[case.stage], act="转交")
        missing = case.missing_materials(context.item)
        if missing and case.stage is Stage.RECEIVED:
            raise MaterialsMissing("materials", materials="、".join(missing))
        purpose = HandOverPurpose.ACROSS
    return [HandedOver(competent, purpose, command.explanation)]


def _hand_to_successor(
    case: Case, successor: Address, explanation: str, context: Context
) -> list[Fact]:
    """The hall that goes on in the place of this one gets the case as it stands, also during a procedure."""
    context.require(Power.COORDINATE)
    if successor not in context.successors:
        raise SuccessorUnknown("successor", successor=successor)
    if case.ended or HandedOver not in TABLE[case.stage]:
        raise ActNotPossible("case_id", stage=NAMES[case.stage], act="移交承接")
    if case.open_legs:
        raise LegsOpen("case_id", bodies="、".join(leg.body for leg in case.open_legs))
    return [HandedOver(successor, HandOverPurpose.SUCCESSION, explanation)]


def answer_hand_over(
    case: Case,
    here: Address,
    item_known: bool,
    owner: str = "",
    *,
    goes_on_for: Container[Address] = (),
    takes_nothing: str = "",
) -> TakenOver | HandOverDeclined:
    """Whether this hall takes a case that was handed to it; `owner` will answer for it there.

    `goes_on_for` are the halls in whose place this one goes on; `takes_nothing` says in words why it
    takes nothing new: what it gave away itself comes back all the same.
    """
    assert case.transit is not None
    if case.transit.purpose is not HandOverPurpose.RETURN:
        if takes_nothing:
            return HandOverDeclined("HALL_TAKES_NOTHING", takes_nothing)
        if case.transit.purpose is HandOverPurpose.SUCCESSION:
            if case.transit.giver not in goes_on_for:
                return HandOverDeclined("SUCCESSION_NOT_ORDERED", "本厅未接到承接该大厅办件的通知")
        elif case.competent_hall != here:
            return HandOverDeclined("NOT_COMPETENT", "本厅不是该事项的办理大厅")
        if not item_known:
            return HandOverDeclined("ITEM_UNKNOWN", "本厅事项目录中没有该事项版本")
    return TakenOver(owner)


def send_originals(case: Case, command: commands.SendOriginals, context: Context) -> list[Fact]:
    """A bag goes off: number, list, recipient and carrier are on record at both ends."""
    context.require(Power.RECEIVE, Power.VERIFY)
    require_possible(case, OriginalsSent, "寄送原件")
    if not command.bag_no.strip() or not any(name.strip() for name in command.originals):
        raise OriginalsMissing("originals")
    if any(sent.bag_no == command.bag_no for sent in case.all_of(OriginalsSent)):
        raise BagNumberTaken("bag_no", bag=command.bag_no)
    return [OriginalsSent(command.bag_no, command.originals, command.to, command.carrier)]


def receive_originals(
    case: Case, command: commands.ReceiveOriginals, context: Context
) -> list[Fact]:
    context.require(Power.RECEIVE, Power.VERIFY)
    require_possible(case, OriginalsReceived, "签收原件")
    sent = {bag.bag_no for bag in case.all_of(OriginalsSent) if bag.to == context.here}
    there = {bag.bag_no for bag in case.all_of(OriginalsReceived)}
    if command.bag_no not in sent - there:
        raise BagUnknown("bag_no", bag=command.bag_no)
    return [OriginalsReceived(command.bag_no, command.originals, command.sealed, command.remark)]


def bags_under_way(case: Case) -> list[OriginalsSent]:
    """Bags that nobody has confirmed."""
    there = {bag.bag_no for bag in case.all_of(OriginalsReceived)}
    return [bag for bag in case.all_of(OriginalsSent) if bag.bag_no not in there]


def may_go_across(case: Case) -> bool:
    """What was accepted by silence before it went off still has to go to where it is decided."""
    accepted = case.last(Accepted)
    silent = accepted is not None and accepted.basis is AcceptanceBasis.SILENCE
    return case.stage is Stage.RECEIVED or (case.stage is Stage.ACCEPTED and silent)

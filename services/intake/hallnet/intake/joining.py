"""Joint cases at the hall that leads them: opening legs, taking in how they ended, and going on."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime

from hallnet.case import command as commands
from hallnet.case.case import Case, day_of
from hallnet.case.clock import ClockKind
from hallnet.case.command import Command
from hallnet.case.context import Context
from hallnet.case.event import (
    REQUEST,
    CaseRequest,
    Closed,
    DeliveryMethod,
    HandedOver,
    HandOverPurpose,
    Withdrawn,
)
from hallnet.case.fact import LegEnded, LegOutcome, PlannedLeg
from hallnet.case.item import ItemOverlay, ItemVersion
from hallnet.case.person import SYSTEM
from hallnet.case.rules import joint
from hallnet.case.stage import Stage
from hallnet.intake import cases, dispatches, memory, tables
from hallnet.intake.context import Hall
from hallnet.intake.identifiers import new_id
from hallnet.intake.numbering import next_case_no, query_code
from hallnet.store import Connection
from hallnet.store.feed import Entry


def planned(
    connection: Connection,
    hall: Hall,
    case: Case,
    item: ItemVersion,
    command: Command | None,
    now: datetime,
) -> tuple[PlannedLeg, ...]:
    """The legs that a joint case could have, with ids and numbers; only for opening them."""
    if not isinstance(command, commands.OpenLegs):
        return ()
    today = day_of(now)
    bundled = {
        version.item_id: version
        for version in hall.releases.items_in_force(connection, today)
        if version.item_id in item.bundled_items
    }
    return tuple(
        replace(
            leg,
            leg_case_id=new_id(now, hall.random_bytes),
            leg_case_no=next_case_no(connection, hall.address, today, hall.records.word_on(today)),
        )
        for leg in joint.plan_legs(case, item, bundled, command, hall.address, hall.register)
    )


def legs_due(
    connection: Connection, hall: Hall, case: Case, command: Command | None
) -> dict[int, date]:
    """The last day of each open leg; only for ending one."""
    if not isinstance(command, commands.EndLeg):
        return {}
    local = hall.releases.local_rules(connection)
    found: dict[int, date] = {}
    for leg in case.open_legs:
        own = cases.find(connection, leg.leg_case_id)
        item = cases.item_of(connection, hall, own) if own is not None else None
        if own is None or item is None:
            continue
        running = memory.clocks_of(own, item, local.calendar, local.policy)
        ends = {clock.kind: clock.due_on for clock in running}
        due_on = ends.get(ClockKind.PROMISE) or ends.get(ClockKind.STATUTORY)
        if due_on is not None:
            found[leg.leg] = due_on
    return found


def follow(connection: Connection, hall: Hall, before: Case, case: Case, context: Context) -> Case:
    """What an act on a case means for its legs, or for the joint case of which it is a leg.

    Returns the case as it stands then.
    """
    _file_legs(connection, hall, before, case, context.now)
    _tell_ended(connection, hall, before, case, context.now)
    if case.filed.lead is None:
        return case
    leg_ended(connection, hall, case, context.now)
    return cases.load(connection, case.case_id)


def leg_ended(connection: Connection, hall: Hall, leg_case: Case, now: datetime) -> None:
    """Note in the joint case how a leg ended, and open the legs that follow on it."""
    lead, outcome = leg_case.filed.lead, joint.outcome_of_leg(leg_case)
    here = leg_case.filed.intake_hall == hall.address
    if lead is None or outcome is None or not here or leg_case.transit is not None:
        return
    if leg_case.stage is Stage.DECIDED and leg_case.custodian == hall.address:
        closed = Closed(DeliveryMethod.ELECTRONIC, "联办牵头办件")
        cases.append(connection, hall, leg_case.case_id, leg_case, [closed], SYSTEM, now)
    case = cases.find(connection, lead.case_id)
    # A leg from before a recall has the number of a later one, and no say any more.
    if case is None or leg_case.case_id not in {leg.leg_case_id for leg in case.open_legs}:
        return
    ended = LegEnded(lead.leg, outcome, lead.body)
    case = cases.append(connection, hall, case.case_id, case, [ended], SYSTEM, now)
    following = joint.next_legs(case)
    if following:
        after = cases.append(connection, hall, case.case_id, case, following, SYSTEM, now)
        _file_legs(connection, hall, case, after, now)


def _file_legs(connection: Connection, hall: Hall, before: Case, case: Case, now: datetime) -> None:
    """File a case for each leg that was just opened."""
    known = {leg.leg for leg in before.opened_legs}
    for leg in case.opened_legs:
        if leg.leg not in known:
            code = query_code(hall.random_bytes(16))
            overlay = _overlay_for(connection, hall, case, leg)
            facts = joint.facts_of_leg(case, leg, hall.address, day_of(now), code, overlay)
            cases.append(connection, hall, leg.leg_case_id, None, facts, SYSTEM, now)


def _overlay_for(
    connection: Connection, hall: Hall, case: Case, leg: PlannedLeg
) -> ItemOverlay | None:
    """What narrows the item of a leg: it travels with the leg's own case."""
    filed = case.filed
    if (leg.item_id, leg.item_version) == (filed.item_id, filed.item_version):
        return filed.overlay
    item = hall.releases.item(connection, leg.item_id, leg.item_version)
    return None if item is None else hall.releases.overlay_of(connection, item)


def _tell_ended(
    connection: Connection, hall: Hall, before: Case, case: Case, now: datetime
) -> None:
    """A leg that was stopped is withdrawn where it is; one to be taken back goes to its body again."""
    known = len(before.all_of(LegEnded))
    by_leg = {leg.leg: leg for leg in case.legs}
    for ended in case.all_of(LegEnded)[known:]:
        own = cases.find(connection, by_leg[ended.leg].leg_case_id)
        if own is None or own.transit is not None:
            continue
        if ended.outcome is LegOutcome.STOPPED and not own.decided_or_ended:
            _withdraw(connection, hall, own, ended.explanation, now)
        elif ended.outcome is LegOutcome.COMPENSATED:
            _hand_back(connection, hall, own, ended.explanation, now)


def _withdraw(
    connection: Connection, hall: Hall, leg_case: Case, reason: str, now: datetime
) -> None:
    wish = Withdrawn(reason)
    if leg_case.custodian == hall.address:
        cases.append(connection, hall, leg_case.case_id, leg_case, [wish], SYSTEM, now)
        return
    request_id = new_id(now, hall.random_bytes)
    raw = REQUEST.to_bytes(CaseRequest(leg_case.case_id, request_id, SYSTEM, now, wish))
    message = dispatches.dispatch(
        leg_case.custodian, dispatches.REQUEST_KIND, leg_case.case_id, raw
    )
    entry = Entry("case.request_sent", leg_case.case_id, raw, now, [message])
    tables.feed.append(connection, [entry])


def _hand_back(
    connection: Connection, hall: Hall, leg_case: Case, reason: str, now: datetime
) -> None:
    body = leg_case.filed.competent_hall
    if leg_case.custodian == hall.address and body != hall.address:
        handed = HandedOver(body, HandOverPurpose.AFTER_CHECK, reason)
        cases.append(connection, hall, leg_case.case_id, leg_case, [handed], SYSTEM, now)

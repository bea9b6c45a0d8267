"""The share of a limit that each hall has: of its bodies, or of a place in a case that was filed elsewhere.

So a link that is late shows at the hall that is late, also while the case itself is not (环节超期).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from itertools import groupby

from hallnet.case.case import Case, Mark
from hallnet.case.event import (
    Accepted,
    Closed,
    Decided,
    Declined,
    Fact,
    HandedOver,
    HandOverDeclined,
    HandOverFailed,
    NoticeGiven,
    Supplemented,
    TakenOver,
    Withdrawn,
)
from hallnet.case.fact import DecisionRevoked, Ended
from hallnet.case.item import CrossAreaLeg, CrossAreaPart, ItemVersion, Leg, TimeLimit
from hallnet.places import Address

UNDECIDED_ENDS = (Withdrawn, Declined, Ended)


@dataclass(frozen=True, slots=True)
class Share:
    """The part of the hall that has the case now: since when, how long it may take, and what met it."""

    started_by: str
    starts_on: date
    limit: TimeLimit
    met: Mark | None


def share_of_hall(case: Case, item: ItemVersion) -> Share | None:
    """None if the item gives that hall no limit of its own. A leg of a joint case has the limits of its body,
    and while the legs of a joint case run they have its time."""
    if case.filed.lead is not None or case.legs:
        return None
    if goes_across(case, item) and any(leg.part and leg.limit for leg in item.cross_area_legs):
        return _across(case, item)
    return _of_bodies(case, item)


def goes_across(case: Case, item: ItemVersion) -> bool:
    """Whether it was filed at another place than the one that is competent, and not below it (异地代收代办)."""
    filed = case.filed
    below = item.report_up and filed.competent_hall.may_certify(filed.intake_hall)
    return filed.competent_hall != filed.intake_hall and not below


def decided_after(case: Case, started: Mark) -> Mark | None:
    """What met a limit for deciding: the decision that stands, what was only filed and is done, or another
    end. A refusal that was recalled met nothing: the limit runs on from where it began."""
    for mark in case.marks_after(started, Decided, Closed, *UNDECIDED_ENDS):
        if not isinstance(mark.fact, Decided) or mark is case.decision:
            return mark
    return None


def _of_bodies(case: Case, item: ItemVersion) -> Share | None:
    """Article 43 of 行政许可法 for a lower hall's review, and what the bodies of an item promise."""
    accepted = case.newest(Accepted)
    if accepted is None or case.decision is not None:
        return None
    taken = case.marks_after(accepted, TakenOver)
    started = taken[-1] if taken else accepted
    here = [leg for leg in item.legs if leg.level == case.custodian.level and leg.promised]
    limit = _added_up(here)
    if limit is None:
        return None
    text = "接收移交" if taken else "受理"
    met = _passed_on(case, started, HandedOver, Closed, Withdrawn, Ended)
    return Share(f"{here[0].actor}{text}", started.day, limit, met)


def _added_up(legs: list[Leg]) -> TimeLimit | None:
    """Groups follow on each other; in a group the longest counts. Different units are not added up."""
    limits = [(leg.group, leg.promised) for leg in legs if leg.promised is not None]
    if not limits:
        return None
    first = limits[0][1]
    if any(limit.unit is not first.unit for _, limit in limits):
        return first
    in_groups = groupby(sorted(limits, key=lambda one: one[0]), key=lambda one: one[0])
    days = sum(max(limit.days for _, limit in group) for _, group in in_groups)
    return replace(first, days=days)


def _across(case: Case, item: ItemVersion) -> Share | None:
    parts = {leg.part: leg for leg in item.cross_area_legs if leg.limit is not None}
    if case.custodian == case.competent_hall:
        started = _taken_by(case, case.competent_hall)
        met = decided_after(case, started) if started else None
        return _part(parts.get(CrossAreaPart.DECISION), "办理地接收", started, met)
    if case.decision is not None:
        back = case.marks_after(case.decision, TakenOver)
        started = back[-1] if back else None
        met = case.mark_after(started, Closed, DecisionRevoked) if started else None
        return _part(parts.get(CrossAreaPart.RESULT), "收件地收到结果", started, met)
    started = _complete_since(case)
    met = _passed_on(case, started, HandedOver, *UNDECIDED_ENDS) if started else None
    return _part(parts.get(CrossAreaPart.INTAKE), "收件地收件", started, met)


def _part(
    leg: CrossAreaLeg | None, text: str, started: Mark | None, met: Mark | None
) -> Share | None:
    if leg is None or leg.limit is None or started is None:
        return None
    return Share(text, started.day, leg.limit, met)


def _taken_by(case: Case, hall: Address) -> Mark | None:
    """The first time: what comes back to be checked or examined again has no new limit."""
    taken = (m for m in case.marks if isinstance(m.fact, TakenOver) and m.author == hall)
    return next(taken, None)


def _complete_since(case: Case) -> Mark | None:
    """What was received, or supplemented after a notice; None while the applicant is to bring something."""
    if case.received is None:
        return None
    noticed = case.newest(NoticeGiven)
    return case.received[0] if noticed is None else case.mark_after(noticed, Supplemented)


def _passed_on(case: Case, started: Mark, *kinds: type[Fact]) -> Mark | None:
    """What met it; what was handed over in vain is here again, and not done."""
    marks = case.marks_after(started, *kinds)
    met = marks[-1] if marks else None
    if met is not None and case.mark_after(met, HandOverDeclined, HandOverFailed):
        return None
    return met

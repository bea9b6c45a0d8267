"""Renewing a licence (行政许可法 article 50): whoever applies in time and is told nothing before the licence ends
has it renewed."""

from __future__ import annotations

from datetime import date, timedelta

from hallnet.case.case import Case
from hallnet.case.event import Accepted
from hallnet.case.fact import Renewal
from hallnet.case.item import ItemVersion, TaskType
from hallnet.case.problems import RenewalNotOfThis
from hallnet.case.stage import Stage

DAYS_BEFORE = 30
"""The applicant's days are calendar days: article 82 counts those of the body alone in working days."""
_IN_PROCESS = frozenset({Stage.ACCEPTED, Stage.REVIEWED})


def require_renewable(renews: Renewal | None, item: ItemVersion) -> None:
    """Only a licence is renewed, and it has a number; raises RenewalNotOfThis."""
    if renews is None:
        return
    if item.task_type is not TaskType.LICENCE or not renews.certificate_no.strip():
        raise RenewalNotOfThis("renews", item=item.name)


def ends_on(case: Case, item: ItemVersion) -> date | None:
    """The last day of the licence, if its renewal was applied for in time; else None: silence then renews
    nothing."""
    renews = case.filed.renews
    if renews is None or case.received is None:
        return None
    _, received_on = case.received
    before = timedelta(days=item.renewal_days_before or DAYS_BEFORE)
    return renews.valid_until if received_on + before <= renews.valid_until else None


def is_renewed_by_silence(case: Case, item: ItemVersion, today: date) -> bool:
    """Whether the licence ended without a decision on an application that had been accepted by then."""
    last, accepted = ends_on(case, item), case.last(Accepted)
    return (
        last is not None
        and accepted is not None
        and case.stage in _IN_PROCESS
        and accepted.accepted_on <= last < today
    )

"""What can be done with a case now, as far as stage, place, item and history decide.

Who may do it, and with which words, is decided when it is done (`decide`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from hallnet.case.case import Case
from hallnet.case.decide import RULES
from hallnet.case.fact import Extended, RightsTold
from hallnet.case.item import HandlingKind, ItemVersion
from hallnet.case.ownership import ownership_of
from hallnet.case.rules import (
    custody,
    deceit,
    ending,
    joint,
    processing,
    promises,
    receiving,
    violations,
)
from hallnet.case.stage import TABLE, Stage
from hallnet.places import Address

Condition = Callable[[Case, ItemVersion, Address], bool]


def possible_acts(case: Case, item: ItemVersion, here: Address) -> list[str]:
    """Names of the commands that a hall could carry out now, in the order of the rules."""
    if case.transit is not None or case.custodian != here:
        return []
    fitting = _FITTING[case.stage]
    if case.stage is Stage.RECEIVED and item.handling_kind is HandlingKind.INSTANT:
        # Accepted and decided in one act.
        fitting = fitting | {"Decide"}
    return [
        name
        for name in _NAMES
        if name in fitting and (name not in _CONDITIONS or _CONDITIONS[name](case, item, here))
    ]


def _competent(case: Case, here: Address) -> bool:
    return case.competent_hall == here


def _accepts(case: Case, item: ItemVersion, here: Address) -> bool:
    return _competent(case, here) or case.reports_up(item, here)


def _needed(case: Case, item: ItemVersion) -> bool:
    return not receiving.needs_nothing(case, item)


def _nothing_goes_on(case: Case) -> bool:
    return case.procedure is None and not case.open_legs


def _can_be_accepted(case: Case, item: ItemVersion, here: Address) -> bool:
    return _needed(case, item) and _accepts(case, item, here)


def _can_be_accepted_with_gaps(case: Case, item: ItemVersion, here: Address) -> bool:
    return bool(case.missing_tolerable(item)) and _can_be_accepted(case, item, here)


def _can_be_decided(case: Case, item: ItemVersion, here: Address) -> bool:
    decidable = not item.filing_only and (case.stage is not Stage.RECEIVED or _needed(case, item))
    return decidable and _nothing_goes_on(case) and _competent(case, here)


def _can_be_closed(case: Case, item: ItemVersion, here: Address) -> bool:
    if case.stage is Stage.DECIDED:
        return True
    return item.filing_only and _nothing_goes_on(case) and _competent(case, here)


def _can_be_handed_over(case: Case, item: ItemVersion, here: Address) -> bool:
    if case.reports_up(item, here):
        ready = case.stage is Stage.REVIEWED
    else:
        ready = custody.may_go_across(case)
    return ready and _nothing_goes_on(case) and not _competent(case, here)


def _is_joint(case: Case, item: ItemVersion, here: Address) -> bool:
    return (
        joint.has_legs(item)
        and case.filed.lead is None
        and not case.legs
        and _competent(case, here)
    )


def _can_be_recalled(case: Case, item: ItemVersion, here: Address) -> bool:
    return case.filed.lead is None and ending.is_refused(case) and ending.is_reported(case)


def _is_offered(case: Case, item: ItemVersion, here: Address) -> bool:
    return bool(ownership_of(case).offered_to)


_IN_PROCESS = frozenset({Stage.ACCEPTED, Stage.REVIEWED})
_CONDITIONS: Mapping[str, Condition] = {
    "Accept": _can_be_accepted,
    "AcceptWithGaps": _can_be_accepted_with_gaps,
    "GiveNotice": lambda case, item, here: _needed(case, item),
    "Supplement": lambda case, item, here: case.stage not in _IN_PROCESS or bool(case.gaps),
    "SignCommitment": lambda case, item, here: item.commitment_allowed and case.commitment is None,
    "WithdrawCommitment": lambda case, item, here: case.commitment is not None,
    "CheckAfterwards": lambda case, item, here: (
        case.commitment is not None and _competent(case, here)
    ),
    "RepairCredit": lambda case, item, here: promises.is_broken(case) and _competent(case, here),
    "LiftBar": lambda case, item, here: deceit.may_lift(case, here),
    "HearView": lambda case, item, here: case.newest(RightsTold) is not None,
    "ExplainOverdue": lambda case, item, here: bool(violations.unexplained(case)),
    "RecordOffHall": lambda case, item, here: not violations.is_off_hall(case),
    "BeginProcedure": lambda case, item, here: case.procedure is None,
    "EndProcedure": lambda case, item, here: case.procedure is not None,
    "Extend": lambda case, item, here: (
        case.newest(Extended) is None and processing.extension_of(item) is not None
    ),
    "Review": lambda case, item, here: case.procedure is None and _accepts(case, item, here),
    "OpenLegs": _is_joint,
    "EndLeg": lambda case, item, here: bool(case.open_legs),
    "ReceiveOriginals": lambda case, item, here: any(
        bag.to == here for bag in custody.bags_under_way(case)
    ),
    "HandOver": _can_be_handed_over,
    "Decide": _can_be_decided,
    "ReportRefusal": lambda case, item, here: ending.is_refused(case),
    "RecallRefusal": _can_be_recalled,
    "Issue": lambda case, item, here: not ending.is_refused(case),
    "Close": _can_be_closed,
    "RevokeDecision": lambda case, item, here: _competent(case, here),
    "ChangeMandate": lambda case, item, here: case.filed.mandate is not None,
    "Archive": lambda case, item, here: not case.archived,
    "TakeOwnership": _is_offered,
    "DeclineOwnership": _is_offered,
}
"""What has to hold beside the stage; of other commands the stage alone decides."""
_NAMES = tuple(command.__name__ for command in RULES)
_FITTING = {
    stage: frozenset(command.__name__ for command, (_, fact) in RULES.items() if fact in facts)
    for stage, facts in TABLE.items()
}
"""The commands whose fact can happen in each stage."""

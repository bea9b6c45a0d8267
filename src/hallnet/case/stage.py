"""Stages of a case, and what can happen in each: the life of a case as a table."""

from __future__ import annotations

from enum import IntEnum

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
    PrereviewReturned,
    Reviewed,
    Supplemented,
    TakenOver,
    Withdrawn,
)
from hallnet.case.fact import (
    AfterChecked,
    Archived,
    BarLifted,
    CommitmentSigned,
    CommitmentWithdrawn,
    Corrected,
    CreditRepaired,
    DeceitFound,
    DecisionRevoked,
    Ended,
    Extended,
    Issued,
    LegEnded,
    LegOpened,
    LegsPlanned,
    MadeUrgent,
    MandateChanged,
    OriginalsReceived,
    OriginalsSent,
    OverdueExplained,
    OwnershipDeclined,
    OwnershipOffered,
    OwnershipTaken,
    PrereviewPassed,
    ProcedureBegan,
    ProcedureEnded,
    RefusalRecalled,
    RefusalReported,
    RightsTold,
    Surveyed,
    ViewHeard,
    ViolationRecorded,
)


class Stage(IntEnum):
    """Where a case is in its life; the numbers are those of CaseStage on the wire."""

    RECEIVED = 1
    CORRECTING = 2
    ACCEPTED = 3
    REVIEWED = 4
    DECIDED = 5
    CLOSED = 6
    DECLINED = 7
    WITHDRAWN = 8
    PREREVIEW = 9
    RETURNED = 10
    ENDED = 11
    REVOKED = 12


NAMES = {
    Stage.RECEIVED: "已收件",
    Stage.CORRECTING: "待补正",
    Stage.ACCEPTED: "已受理",
    Stage.REVIEWED: "已初审",
    Stage.DECIDED: "已决定",
    Stage.CLOSED: "已办结",
    Stage.DECLINED: "不予受理",
    Stage.WITHDRAWN: "已撤回",
    Stage.PREREVIEW: "预审中",
    Stage.RETURNED: "预审退回",
    Stage.ENDED: "已终止",
    Stage.REVOKED: "决定已撤销",
}
ENDED = frozenset({Stage.CLOSED, Stage.DECLINED, Stage.WITHDRAWN, Stage.ENDED, Stage.REVOKED})


_CUSTODY: tuple[type[Fact], ...] = (HandedOver, TakenOver, HandOverDeclined, HandOverFailed)
_DECEIT: tuple[type[Fact], ...] = (DeceitFound, BarLifted)
_OWNING: tuple[type[Fact], ...] = (OwnershipOffered, OwnershipTaken, OwnershipDeclined)
_AT_ANY_TIME: tuple[type[Fact], ...] = (
    MandateChanged,
    OriginalsSent,
    OriginalsReceived,
    ViolationRecorded,
    OverdueExplained,
    *_OWNING,
)
_IN_PROCESS: tuple[type[Fact], ...] = (
    Supplemented,
    CommitmentSigned,
    CommitmentWithdrawn,
    ProcedureBegan,
    ProcedureEnded,
    Surveyed,
    Extended,
    LegsPlanned,
    LegOpened,
    LegEnded,
    RightsTold,
    ViewHeard,
)


def _row(
    stage: Stage, *stays: tuple[type[Fact], ...], moves: dict[type[Fact], Stage]
) -> dict[type[Fact], Stage]:
    """What can happen in a stage: what leaves it as it is, and what moves on."""
    return {fact: stage for facts in stays for fact in facts} | moves


TABLE: dict[Stage, dict[type[Fact], Stage]] = {
    Stage.PREREVIEW: _row(
        Stage.PREREVIEW,
        _CUSTODY,
        _AT_ANY_TIME,
        moves={
            PrereviewPassed: Stage.RECEIVED,
            PrereviewReturned: Stage.RETURNED,
            Withdrawn: Stage.WITHDRAWN,
            Ended: Stage.ENDED,
        },
    ),
    Stage.RETURNED: _row(
        Stage.RETURNED,
        _CUSTODY,
        _AT_ANY_TIME,
        moves={
            Supplemented: Stage.PREREVIEW,
            Withdrawn: Stage.WITHDRAWN,
            Ended: Stage.ENDED,
        },
    ),
    Stage.RECEIVED: _row(
        Stage.RECEIVED,
        _CUSTODY,
        _AT_ANY_TIME,
        (Supplemented, CommitmentSigned, CommitmentWithdrawn, MadeUrgent),
        moves={
            NoticeGiven: Stage.CORRECTING,
            Accepted: Stage.ACCEPTED,
            Declined: Stage.DECLINED,
            Withdrawn: Stage.WITHDRAWN,
            Ended: Stage.ENDED,
        },
    ),
    Stage.CORRECTING: _row(
        Stage.CORRECTING,
        _CUSTODY,
        _AT_ANY_TIME,
        (CommitmentSigned, CommitmentWithdrawn),
        moves={
            Supplemented: Stage.RECEIVED,
            Withdrawn: Stage.WITHDRAWN,
            Ended: Stage.ENDED,
        },
    ),
    Stage.ACCEPTED: _row(
        Stage.ACCEPTED,
        _CUSTODY,
        _AT_ANY_TIME,
        _IN_PROCESS,
        (MadeUrgent,),
        moves={
            Reviewed: Stage.REVIEWED,
            Decided: Stage.DECIDED,
            # What is only filed (备案) ends without a decision; the rule of closing knows which that is.
            Closed: Stage.CLOSED,
            Withdrawn: Stage.WITHDRAWN,
            Ended: Stage.ENDED,
        },
    ),
    Stage.REVIEWED: _row(
        Stage.REVIEWED,
        _CUSTODY,
        _AT_ANY_TIME,
        _IN_PROCESS,
        (MadeUrgent,),
        moves={
            Decided: Stage.DECIDED,
            Closed: Stage.CLOSED,
            Withdrawn: Stage.WITHDRAWN,
            Ended: Stage.ENDED,
        },
    ),
    Stage.DECIDED: _row(
        Stage.DECIDED,
        _CUSTODY,
        _AT_ANY_TIME,
        (RefusalReported, Issued, Corrected, AfterChecked, CreditRepaired),
        _DECEIT,
        moves={
            Closed: Stage.CLOSED,
            DecisionRevoked: Stage.REVOKED,
            RefusalRecalled: Stage.ACCEPTED,
        },
    ),
    Stage.CLOSED: _row(
        Stage.CLOSED,
        _CUSTODY,
        _OWNING,
        (OriginalsSent, OriginalsReceived, ViolationRecorded, Corrected, AfterChecked, Archived),
        (CreditRepaired, OverdueExplained, BarLifted),
        moves={DecisionRevoked: Stage.REVOKED},
    ),
    Stage.DECLINED: _row(
        Stage.DECLINED, (OriginalsSent, OriginalsReceived, Archived), _DECEIT, moves={}
    ),
    Stage.WITHDRAWN: _row(Stage.WITHDRAWN, (OriginalsSent, OriginalsReceived, Archived), moves={}),
    Stage.ENDED: _row(Stage.ENDED, (OriginalsSent, OriginalsReceived, Archived), moves={}),
    Stage.REVOKED: _row(
        Stage.REVOKED,
        (OriginalsSent, OriginalsReceived, Archived, CreditRepaired),
        _DECEIT,
        moves={},
    ),
}
WITH_APPLICANT = frozenset({Stage.RETURNED, Stage.CORRECTING})
"""The next step is the applicant's: the case stays where it is, unless its hall goes on as another."""
NOT_DURING_PROCEDURE = (Reviewed, HandedOver, Decided, ProcedureBegan)
"""While a special procedure goes on nothing is decided and the case stays where it is."""

"""Who may do what around a window: every method of the service, with the power it needs.

Who has to do something because it is hers or his (the owner of an enquiry, who answers a complaint, another
than the one it is about) the rule of the act knows.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from hallnet.case.power import Power
from hallnet.intake import accounts
from hallnet.store import Connection
from hallnet.wire.window.v1 import window_service_pb2 as wire

Need = frozenset[Power] | None
"""One of these powers; none of them for any member of staff; None for anybody, signed in or not."""

ANYBODY: Need = None
STAFF: Need = frozenset()
AT_THE_COUNTER: Need = frozenset({Power.RECEIVE, Power.VERIFY, Power.DECIDE_INSTANT, Power.DECIDE})
OVERSEES: Need = frozenset({Power.SUPERVISE, Power.HEAD})
SUPERVISES: Need = frozenset({Power.SUPERVISE})
MONEY: Need = frozenset({Power.RECEIVE, Power.DECIDE, Power.DECIDE_INSTANT})
REVIEWS: Need = frozenset({Power.REVIEW, Power.HEAD})
VERIFIES: Need = frozenset({Power.VERIFY})
APPROVES: Need = frozenset({Power.HEAD})

NEEDED: Mapping[str, Need] = {
    "PutWindow": OVERSEES,
    "ListWindows": ANYBODY,
    "TakeTicket": ANYBODY,
    "CallNext": AT_THE_COUNTER,
    "StepTicket": AT_THE_COUNTER,
    "ListTickets": ANYBODY,
    "OpenSlots": OVERSEES,
    "ListSlots": ANYBODY,
    "BookSlot": ANYBODY,
    "StepAppointment": ANYBODY,
    "ListAppointments": STAFF,
    "PutPost": OVERSEES,
    "PutShifts": OVERSEES,
    "PutAbsence": OVERSEES,
    "ListGaps": ANYBODY,
    "OpenEnquiry": STAFF,
    "StepEnquiry": STAFF,
    "Rate": ANYBODY,
    "StepRating": STAFF,
    "GetRatingRates": ANYBODY,
    "OpenComplaint": STAFF,
    "StepComplaint": STAFF,
    "OpenPersonalRequest": STAFF,
    "StepPersonalRequest": STAFF,
    "MakePersonalCopy": STAFF,
    "AskForPaper": VERIFIES,
    "StepPaperRequest": VERIFIES,
    "GetPaperRequest": STAFF,
    "FindPapers": VERIFIES,
    "ListPaperRequests": STAFF,
    "AssessFees": MONEY,
    "PlanInstalments": MONEY,
    "StepInstalments": MONEY,
    "RecordPayment": MONEY,
    "RefundFee": OVERSEES,
    "GetFees": STAFF,
    "PutScoreSheet": SUPERVISES,
    "PutEvidence": SUPERVISES,
    "GetScore": ANYBODY,
    "ListDue": STAFF,
    "GetAgentCoverage": ANYBODY,
    "ListRecords": STAFF,
    "ListRota": STAFF,
    "ListStaff": STAFF,
    "InviteToRate": STAFF,
    "GetInvitation": ANYBODY,
}
OF_STEP: Mapping[tuple[str, int], Need] = {
    ("StepRating", wire.RATING_STEP_CLOSE): OVERSEES,
    ("StepComplaint", wire.COMPLAINT_STEP_EXTEND): OVERSEES,
    ("StepComplaint", wire.COMPLAINT_STEP_CLOSE): OVERSEES,
    # 分管审核, 主管审批.
    ("StepInstalments", wire.INSTALMENT_STEP_REVIEW): REVIEWS,
    ("StepInstalments", wire.INSTALMENT_STEP_APPROVE): APPROVES,
}
"""Steps that need something else than their method."""


def require(connection: Connection, request: Any, now: datetime) -> None:
    """Raises ActorUnknown for who is no member of staff, PowerMissing or PowerLapsed."""
    method = type(request).__name__.removesuffix("Request")
    need = OF_STEP.get((method, getattr(request, "step", 0)), NEEDED[method])
    if need is None:
        return
    accounts.staff_member(connection, request.act.actor_id, "act.actor_id")
    if need and not _is_own(request):
        accounts.require_power(connection, request.act.actor_id, now, *sorted(need))


def _is_own(request: Any) -> bool:
    """Whoever is away may say so."""
    return (
        isinstance(request, wire.PutAbsenceRequest)
        and request.absence.actor_id == request.act.actor_id
    )

"""The case that somebody names by its number."""

from __future__ import annotations

from hallnet.portal.problems import CaseNumberUnclear
from hallnet.portal.site import Visit
from hallnet.wire.intake.v1 import intake_service_pb2 as wire


async def case_id_of(visit: Visit, number: str, where: str) -> str:
    """Raises CaseNumberUnclear."""
    request = wire.ListCasesRequest(
        actor_id=visit.account.actor_id,
        search=number,
        search_by=wire.SEARCH_BY_CASE_NUMBER,
        page_size=2,
    )
    found = (await visit.desk.intake.ListCases(request)).cases
    for one in found:
        if one.case_no == number.strip():
            return one.case_id
    raise CaseNumberUnclear(where, number=number[:40])

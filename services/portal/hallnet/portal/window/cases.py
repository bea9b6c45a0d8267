"""The case that somebody names by its number."""

from __future__ import annotations

from hallnet.portal.problems import CaseNumberUnclear
from hallnet.portal.site import Visit
from hallnet.wire.intake.v1 import intake_service_pb2 as wire

_ID_CHARACTERS = 36
"""No case number is as long."""


async def case_id_of(visit: Visit, number: str, where: str) -> str:
    """Of a case number, or of an id itself; raises CaseNumberUnclear."""
    if len(number) == _ID_CHARACTERS:
        return number
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

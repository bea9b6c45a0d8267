"""Handing the open cases of a hall over to the one that goes on, with the ordinary acts of its staff."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from hallnet.cli.operator import act_of
from hallnet.node.client import problems_raised
from hallnet.node.desk import Desk
from hallnet.wire.case.v1 import command_pb2 as wire_command
from hallnet.wire.intake.v1 import intake_service_pb2 as wire

PAGE_SIZE = 200
ANSWER_SECONDS = 60.0
LOOK_AGAIN_SECONDS = 1.0
OPEN_STAGES = (
    wire.CASE_STAGE_PREREVIEW,
    wire.CASE_STAGE_RETURNED,
    wire.CASE_STAGE_RECEIVED,
    wire.CASE_STAGE_CORRECTING,
    wire.CASE_STAGE_ACCEPTED,
    wire.CASE_STAGE_REVIEWED,
    wire.CASE_STAGE_DECIDED,
)


@dataclass(frozen=True, slots=True)
class Plan:
    """The cases that are to go, the one due first at the top."""

    cases: Sequence[wire.CaseSummary]


async def plan_of(desk: Desk, actor: str, items: Sequence[str], villages: Sequence[str]) -> Plan:
    """The open cases in the hands of this hall; of some items and village points if such are named."""
    found: dict[str, wire.CaseSummary] = {}
    for item in items or ("",):
        token = ""
        while True:
            page = await desk.intake.ListCases(
                wire.ListCasesRequest(
                    actor_id=actor,
                    stages=OPEN_STAGES,
                    in_custody=True,
                    item_id=item,
                    page_size=PAGE_SIZE,
                    page_token=token,
                )
            )
            found.update({case.case_id: case for case in page.cases})
            token = page.next_page_token
            if not token:
                break
    cases = list(found.values())
    if villages:
        cases = [case for case in cases if await _point(desk, case, actor) in villages]
    return Plan(cases)


async def hand_over_one(
    desk: Desk, case: wire.CaseSummary, taker: str, actor: str, reason: str
) -> None:
    """Raises Reported if the case cannot go now."""
    command = wire_command.CaseCommand(
        hand_over=wire_command.HandOver(explanation=reason, successor=taker)
    )
    act = act_of(actor)
    with problems_raised():
        await desk.intake.ActOnCase(
            wire.ActOnCaseRequest(act=act, case_id=case.case_id, command=command, summary_only=True)
        )


async def answered(desk: Desk) -> bool:
    """Wait until nothing is under way to another hall; False if that takes too long."""
    for _ in range(int(ANSWER_SECONDS / LOOK_AGAIN_SECONDS)):
        state = await desk.intake.GetHallState(wire.GetHallStateRequest())
        if not state.in_transit:
            return True
        await asyncio.sleep(LOOK_AGAIN_SECONDS)
    return False


async def _point(desk: Desk, case: wire.CaseSummary, actor: str) -> str:
    found = await desk.intake.GetCase(
        wire.GetCaseRequest(case_ref=case.case_id, actor_id=actor, purpose="机构调整移交")
    )
    return found.case.events[0].filed.intake_point

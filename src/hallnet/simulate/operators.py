"""What the operators of halls do when halls change: they suspend, split, close and resume.

Each act goes through the same functions as the command line's, and is done again with the same request id
while the hall is down, unsure of its records or full.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from hallnet.case import command as commands
from hallnet.case.command import COMMAND, CaseCommand
from hallnet.exchange.certificates import succeeding
from hallnet.exchange.context import JournalHeld
from hallnet.intake.hall_state import HallNotIdle
from hallnet.intake.records import RecordsUnsure
from hallnet.places import Address
from hallnet.simulate.disk import PowerFailed, is_full
from hallnet.simulate.hall import Hall
from hallnet.simulate.people import HOUR, MINUTE, People
from hallnet.wire.intake.v1 import intake_service_pb2 as wire

TRIES_MAX = 200
REASON = "浙政函〔2026〕1号"
ROUNDS_MAX = 100
"""So often a hall that is to be closed is looked after."""


async def suspend(hall: Hall, request_id: str) -> None:
    """Nothing new is taken in there."""
    await _put(hall, wire.HALL_STATE_SUSPENDED, request_id)


async def resume(hall: Hall, request_id: str) -> None:
    """After a suspension."""
    await _put(hall, wire.HALL_STATE_OPEN, request_id)


async def order(above: Hall, giver: Address, taker: Address, request_id: str) -> None:
    """A hall above both orders that one goes on in the place of the other."""
    request = wire.OrderTransferRequest(
        request_id=request_id, giver=str(giver), taker=str(taker), reason=REASON
    )
    await insist(above, lambda: above.face.OrderTransfer(request, None))


async def declare(above: Hall, predecessor: Address, successor: Address) -> None:
    """A hall above both states that one, which is closed, goes on under the address of the other from now on."""

    async def state() -> None:
        now = above.now()
        await above.exchange.write(
            lambda c: succeeding.declare_succession(
                c, above.context, predecessor, successor, REASON, now, now
            )
        )

    await insist(above, state)


async def hand_over(
    people: People, hall: Hall, taker: Address, request_id: str, chosen: Callable[[], bool]
) -> None:
    """The open cases of a hall go to the one that goes on, one by one, as far as they can go now."""
    query = (
        "SELECT case_id FROM \"case\" WHERE NOT ended AND custodian = ? AND in_transit_to = ''"
        " ORDER BY case_id"
    )
    command = COMMAND.to_message(CaseCommand(commands.HandOver(REASON, taker)))
    for (case_id,) in hall.intake.ask(query, str(hall.address)):
        if chosen():
            await people.act(hall, case_id, f"{request_id}-{case_id}", command)


async def close(people: People, hall: Hall, taker: Address, request_id: str) -> bool:
    """Suspend a hall, hand its cases over, and close it once nothing is open there; False if that takes too
    long."""
    await suspend(hall, f"{request_id}-suspend")
    for number in range(ROUNDS_MAX):
        await hand_over(people, hall, taker, f"{request_id}-{number}", lambda: True)
        await asyncio.sleep(10 * MINUTE)
        try:
            await _put(hall, wire.HALL_STATE_CLOSED, f"{request_id}-{number}", str(taker))
        except HallNotIdle:
            # What another hall decides comes back here first.
            await asyncio.sleep(HOUR)
        else:
            return True
    return False


async def _put(
    hall: Hall, state: wire.HallState.ValueType, request_id: str, successor: str = ""
) -> None:
    request = wire.SetHallStateRequest(
        request_id=request_id, state=state, reason=REASON, successor=successor
    )
    await insist(hall, lambda: hall.face.SetHallState(request, None))


async def insist(hall: Hall, act: Callable[[], Awaitable[Any]]) -> None:
    """Do it, and do it again while the hall is down, full, or has just started. Raises what it is refused for."""
    for _ in range(TRIES_MAX):
        if hall.is_up:
            try:
                await act()
            except (RecordsUnsure, JournalHeld, PowerFailed):
                pass
            except Exception as error:
                if not is_full(error):
                    raise
            else:
                return
        await asyncio.sleep(5 * MINUTE)

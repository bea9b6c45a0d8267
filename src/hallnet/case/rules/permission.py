"""The agent's permission while a case runs: 终止, 中止, 续办."""

from __future__ import annotations

from datetime import date
from enum import IntEnum

from hallnet.case import command as commands
from hallnet.case.case import Case
from hallnet.case.context import Context, require_possible, require_text
from hallnet.case.event import Fact
from hallnet.case.fact import MandateChange, MandateChanged
from hallnet.case.mandate import Mandate
from hallnet.case.power import Power
from hallnet.case.problems import MandateMissing
from hallnet.case.rules.problems import MandateChangeImpossible


def change_mandate(case: Case, command: commands.ChangeMandate, context: Context) -> list[Fact]:
    """The client's wish, entered by staff; what was revoked is signed anew, it does not come back."""
    context.require(Power.RECEIVE)
    mandate = case.filed.mandate
    if mandate is None:
        raise MandateMissing("case_id")
    require_possible(case, MandateChanged, "变更委托")
    require_text(command.reason, "reason")
    changes = [fact.change for fact in case.all_of(MandateChanged)]
    require_change(changes[-1] if changes else MandateChange.RESUMED, command.change)
    return [MandateChanged(mandate.mandate_id, command.change, command.reason)]


def require_change(now: MandateChange, to: MandateChange) -> None:
    """Raises MandateChangeImpossible: what was revoked does not come back, and nothing changes to itself."""
    if now is MandateChange.REVOKED:
        raise MandateChangeImpossible("change", why="委托已终止")
    if now is to:
        raise MandateChangeImpossible("change", why="委托已处于该状态")


class MandateState(IntEnum):
    """Whether something can be done under a mandate; the numbers are those of the wire."""

    STANDS = 1
    NOT_YET = 2
    EXPIRED = 3
    SUSPENDED = 4
    REVOKED = 5


def state_on(mandate: Mandate, change: MandateChange | None, day: date) -> MandateState:
    """How a mandate stands on a day, after the last change of it."""
    if change is MandateChange.REVOKED:
        return MandateState.REVOKED
    if change is MandateChange.SUSPENDED:
        return MandateState.SUSPENDED
    if day < mandate.valid_from:
        return MandateState.NOT_YET
    return MandateState.EXPIRED if day > mandate.valid_until else MandateState.STANDS

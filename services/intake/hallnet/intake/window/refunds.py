"""What becomes of the fees of a case that ended without a result: nothing more is owed, and what was paid waits
to go back (退费) in the list of what is due."""

from __future__ import annotations

from collections.abc import Sequence

from hallnet.case import fee as fees
from hallnet.case.case import Case, Mark
from hallnet.case.event import Declined, Withdrawn
from hallnet.case.fact import Ended
from hallnet.case.fee import FeeAccount
from hallnet.intake.window.records import FEES
from hallnet.store import Connection

_WITHOUT_RESULT = (Declined, Withdrawn, Ended)


def note(connection: Connection, case: Case, marks: Sequence[Mark]) -> None:
    """What the newest events of a case mean for its fees, where they are collected."""
    if not any(isinstance(mark.fact, _WITHOUT_RESULT) for mark in marks):
        return
    if FEES.find(connection, case.case_id) is not None:
        FEES.change(connection, case.case_id, lambda account: settled(account, case))


def settled(account: FeeAccount, case: Case) -> FeeAccount:
    """An account as the end of its case leaves it."""
    ends = [mark.day for mark in case.marks if isinstance(mark.fact, _WITHOUT_RESULT)]
    return fees.ended_without_result(account, ends[-1]) if ends else account

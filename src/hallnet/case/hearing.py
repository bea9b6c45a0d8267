"""A hearing that somebody asked for: since when, and whether it was held (行政许可法 article 47)."""

from __future__ import annotations

from dataclasses import dataclass

from hallnet.case.case import Case, Mark
from hallnet.case.fact import ProcedureBegan, ProcedureEnded, ProcedureKind, ViewHeard
from hallnet.case.item import TimeLimit, TimeUnit

HELD_WITHIN = TimeLimit(20, TimeUnit.WORKING_DAY, "行政许可法第四十七条第一款")


@dataclass(frozen=True, slots=True)
class AskedHearing:
    """Who asked first, and the end of the hearing that was held for all who asked; None before it."""

    asked: Mark
    held: Mark | None


def asked_hearing(case: Case) -> AskedHearing | None:
    """None if nobody asked for one."""
    if case.newest(ViewHeard) is None:
        return None
    asked = [m for m in case.marks if isinstance(m.fact, ViewHeard) and m.fact.asks_hearing]
    if not asked:
        return None
    for began in case.marks_after(asked[0], ProcedureBegan):
        assert isinstance(began.fact, ProcedureBegan)
        ended = case.mark_after(began, ProcedureEnded)
        is_hearing = began.fact.kind is ProcedureKind.HEARING
        if (
            is_hearing
            and ended is not None
            and ended in case.marks_after(asked[-1], ProcedureEnded)
        ):
            return AskedHearing(asked[0], ended)
    return AskedHearing(asked[0], None)

"""Who answers for what was wrong with an application that is received at one hall and decided at another.

异地代收代办, 收受分离: the hall of intake checks identity and form, the one that decides substance and legality.
Source: 国办发〔2020〕35号 on 跨省通办.
"""

from __future__ import annotations

from dataclasses import dataclass

from hallnet.case.case import Case
from hallnet.case.event import Defect, NoticeGiven, PrereviewReturned
from hallnet.places import Address


@dataclass(frozen=True, slots=True)
class AnsweredDefect:
    """What was found wrong where the case is decided, and the hall that answers for it."""

    defect: Defect
    hall: Address


def answered_defects(case: Case) -> list[AnsweredDefect]:
    """What the hall that decides found wrong, in the order in which it was told; nothing where one hall
    does both, and nothing of what the hall of intake found itself."""
    intake, competent = case.filed.intake_hall, case.filed.competent_hall
    if intake == competent:
        return []
    return [
        AnsweredDefect(defect, intake if defect.missed_at_intake else competent)
        for mark in case.marks
        if mark.author == competent and isinstance(mark.fact, NoticeGiven | PrereviewReturned)
        for defect in mark.fact.defects
    ]

"""Catalogues and calendars as they were published.

What is read is the same wherever the same bytes are: in one process it is read once while it is among the
newest. A release is looked at where it comes in, where its author's powers are judged, and where it takes
force; in a world of many halls in one process, at each of them.
"""

from __future__ import annotations

from functools import lru_cache

from hallnet.case.calendar import CALENDAR, WorkingCalendar
from hallnet.case.item import CATALOGUE, Catalogue

REMEMBERED_MAX = 4
"""Of each kind: those of the halls above, and what comes in their place."""


@lru_cache(maxsize=REMEMBERED_MAX)
def catalogue_of(content: bytes) -> Catalogue:
    """The catalogue of a release; raises MessageMalformed."""
    return CATALOGUE.from_bytes(content)


@lru_cache(maxsize=REMEMBERED_MAX)
def calendar_of(content: bytes) -> WorkingCalendar:
    """The calendar of a release; raises MessageMalformed."""
    return CALENDAR.from_bytes(content)

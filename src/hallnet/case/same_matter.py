"""The same matter of the same person at two halls: which halls compare, and by what.

A hall that filed a case tells the hall that guides it a keyed digest of who wants what. Identity numbers are
few, so who has the key and the digests can try all of them out: the halls below have the key and never see
digests of others; the hall that guides them has both, and may see these cases anyway (decision 0021).
"""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from datetime import timedelta

from hallnet.case.case import Case
from hallnet.case.item import Scope
from hallnet.case.sought import matter
from hallnet.case.stage import Stage
from hallnet.places import Address, Level

REMEMBERED_FOR = timedelta(days=90)
"""So long after a case was received it is compared with others; then all that was told of it is forgotten."""
KEY_BYTES = 32
KEY_ID_BYTES = 8
DIGEST_BYTES = 32
NUMBER_LENGTH_MAX = 64
COMPARING_LEVELS = frozenset({Level.COUNTY, Level.CITY})
"""Halls that compare what halls below tell them. A province is too many people for one key."""
_DOMAIN = b"hallnet matter v1\n"
_CITY_WIDE = frozenset({Scope.CITY, Scope.PROVINCE, Scope.NATION})


def compares(hall: Address) -> bool:
    """Whether a hall may compare the cases of halls below it."""
    return hall.level in COMPARING_LEVELS and not hall.is_branch_hall


def told_to(filed_at: Address, above: Sequence[Address], scope: Scope | None) -> list[Address]:
    """The halls to which the hall of intake tells what was filed there: a township the hall it lies under, and
    whoever receives for the whole city (通办范围) the city. `above` are the halls above it, the nearest first.

    A branch hall does not tell the hall whose code it bears: that has a replica of each of its cases.
    """
    may = [hall for hall in above if compares(hall) and hall.division != filed_at.division]
    found = may[:1] if filed_at.level is Level.TOWNSHIP else []
    if scope in _CITY_WIDE:
        found += [hall for hall in may if hall.level is Level.CITY and hall not in found]
    return found


def asks_for_keys(here: Address, above: Sequence[Address]) -> list[Address]:
    """All halls to which this one may have to tell something."""
    return told_to(here, above, Scope.CITY)


def is_number_of(hall: Address, case_no: str) -> bool:
    """Whether a text can be the number of a case that was filed at a hall."""
    usable = len(case_no) <= NUMBER_LENGTH_MAX and case_no.isascii() and case_no.isprintable()
    return usable and case_no.startswith(f"{hall}-")


def is_compared(case: Case) -> bool:
    """Whether a case takes part: one with a document, that is not a leg of another."""
    return bool(case.filed.applicant.document_number.strip()) and case.filed.lead is None


def stands(case: Case) -> bool:
    """Whether it is open or was closed with a result: what ended otherwise may be wanted once more."""
    return not case.ended or case.stage is Stage.CLOSED


def digest(key: bytes, case: Case) -> bytes:
    """HMAC-SHA256 (RFC 2104) of item, option, kind and number of the document."""
    filed, applicant = case.filed, case.filed.applicant
    text = matter(filed.item_id, filed.option, applicant.document_kind, applicant.document_number)
    return hmac.digest(key, _DOMAIN + text.encode(), "sha256")

"""Numbers for people: of cases, counted by hall and day, and of papers, counted by hall, kind and year."""

from __future__ import annotations

from datetime import date
from enum import Enum

from hallnet.intake import tables
from hallnet.places import Address
from hallnet.store import Connection
from hallnet.store.upsert import upsert

QUERY_CODE_LENGTH = 8
_QUERY_ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
"""Without what is mistaken for something else when it is read out or written by hand."""


class Paper(Enum):
    """Kinds of papers that bear a number."""

    NOTICE = "告"
    ACCEPTANCE = "受"
    DECLINE = "不受"
    DECISION = "决"
    COMMITMENT = "承"
    PROCEDURE = "特"
    EXTENSION = "延"
    REVOCATION = "撤"
    END = "终"


def next_case_no(connection: Connection, hall: Address, day: date) -> str:
    """For example 330127101-20261122-0007: it stays with the case at every hall."""
    stamp = day.strftime("%Y%m%d")
    return f"{hall}-{stamp}-{next_number(connection, f'case-{stamp}'):04}"


def next_document_no(connection: Connection, hall: Address, paper: Paper, day: date) -> str:
    """For example 330127101受〔2026〕12号."""
    return (
        f"{hall}{paper.value}〔{day.year}〕{next_number(connection, f'{paper.name}-{day.year}')}号"
    )


def query_code(random: bytes) -> str:
    """The word by which an applicant asks for the progress of a case."""
    return "".join(
        _QUERY_ALPHABET[byte % len(_QUERY_ALPHABET)] for byte in random[:QUERY_CODE_LENGTH]
    )


def next_number(connection: Connection, series: str) -> int:
    table = tables.number_counter
    statement = upsert(connection, table).values(series=series, last=1)
    counted = statement.on_conflict_do_update(
        index_elements=["series"], set_={"last": table.c.last + 1}
    )
    last: int = connection.execute(counted.returning(table.c.last)).scalar_one()
    return last

"""Numbers for people: of cases, counted by hall and day, and of papers, counted by hall, kind and year."""

from __future__ import annotations

from collections import Counter
from datetime import date
from enum import Enum
from string import ascii_uppercase

from sqlalchemy import Integer, bindparam, select

from hallnet.intake import tables
from hallnet.places import Address
from hallnet.store import Connection
from hallnet.store.gathering import gathered
from hallnet.store.upsert import Upsert, upsert

QUERY_CODE_LENGTH = 8
NUMBER_DIGITS_MAX = 9
_QUERY_ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
"""Without what is mistaken for something else when it is read out or written by hand."""
_COUNTER = tables.number_counter
_HOLD = select(_COUNTER.c.last).where(_COUNTER.c.series == bindparam("of")).with_for_update()
_TAKE = Upsert(
    _COUNTER,
    lambda new: new.on_conflict_do_update(
        index_elements=["series"],
        set_={"last": _COUNTER.c.last + bindparam("further", type_=Integer)},
    ).returning(_COUNTER.c.last),
)


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
    RIGHTS = "权"


def next_case_no(connection: Connection, hall: Address, day: date, word: str = "") -> str:
    """For example 330127101-20261122-0007: it stays with the case at every hall.

    With a word 330127101-20261122-CWK0007: numbers with one and those without are counted apart, so that none
    is given twice though it is not known which were given (`hallnet.intake.records`).
    """
    stamp = day.strftime("%Y%m%d")
    return f"{hall}-{stamp}-{word}{next_number(connection, f'case-{stamp}{word}'):04}"


def next_document_no(
    connection: Connection, hall: Address, paper: Paper, day: date, word: str = ""
) -> str:
    """For example 330127101受〔2026〕12号, with a word 330127101受〔2026〕CWK12号."""
    number = next_number(connection, f"{paper.name}-{day.year}{word}")
    return f"{hall}{paper.value}〔{day.year}〕{word}{number}号"


def note_case_no(connection: Connection, hall: Address, case_no: str) -> None:
    """A number was given that the records do not have: none up to it is given again."""
    stamp, _, counted = case_no.removeprefix(f"{hall}-").partition("-")
    count = counted.lstrip(ascii_uppercase)
    if not count.isdecimal() or len(count) > NUMBER_DIGITS_MAX:
        return
    table = tables.number_counter
    series = f"case-{stamp}{counted.removesuffix(count)}"
    statement = upsert(connection, table).values(series=series, last=int(count))
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=["series"],
            set_={"last": statement.excluded.last},
            where=table.c.last < statement.excluded.last,
        )
    )


def query_code(random: bytes) -> str:
    """The word by which an applicant asks for the progress of a case."""
    return "".join(
        _QUERY_ALPHABET[byte % len(_QUERY_ALPHABET)] for byte in random[:QUERY_CODE_LENGTH]
    )


def next_number(connection: Connection, series: str) -> int:
    taken = gathered(_Taken)
    if taken is None:
        return _take(connection, series, 1)
    return taken.next(connection, series)


class _Taken:
    """Numbers that the acts of a shared transaction took: each series is read and written once.

    A number that was given to an act that is refused is given to the next one.
    """

    def __init__(self) -> None:
        self._before: dict[str, int] = {}
        self._taken: list[str] = []

    def next(self, connection: Connection, series: str) -> int:
        if series not in self._before:
            # The row is held from here on: nobody else takes a number of the series meanwhile.
            held = connection.execute(_HOLD, {"of": series})
            self._before[series] = held.scalar_one_or_none() or 0
        self._taken.append(series)
        return self._before[series] + self._taken.count(series)

    def mark(self) -> int:
        return len(self._taken)

    def undo(self, mark: int) -> None:
        del self._taken[mark:]
        # The savepoint took back what held the row.
        self._before.clear()

    def flush(self, connection: Connection) -> None:
        for series, count in sorted(Counter(self._taken).items()):
            _take(connection, series, count)


def _take(connection: Connection, series: str, count: int) -> int:
    """The last of `count` further numbers."""
    row = {"series": series, "last": count, "further": count}
    last: int = connection.execute(_TAKE.on(connection), row).scalar_one()
    return last

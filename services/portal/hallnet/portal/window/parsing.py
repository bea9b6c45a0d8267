"""What people type into the forms of a window, as the wire wants it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal, InvalidOperation

from hallnet.portal.problems import AmountMalformed, DateMalformed, LineMalformed, TimeMalformed

LINES_MAX = 200
_CLOCK = re.compile(r"([01]?\d|2[0-4]):([0-5]\d)", re.ASCII)
_HUNDRED = Decimal(100)
_FEN_MAX = 10**15


def fen(text: str, where: str) -> int:
    """Yuan as typed, in fen; raises AmountMalformed for anything finer or no number."""
    try:
        amount = Decimal(text.replace(",", "").replace("，", "")) * _HUNDRED
    except InvalidOperation as error:
        raise AmountMalformed(where, text=text[:20]) from error
    if not amount.is_finite() or amount != int(amount) or not 0 <= amount <= _FEN_MAX:
        raise AmountMalformed(where, text=text[:20])
    return int(amount)


def yuan(amount_fen: int) -> str:
    return f"{amount_fen // 100:,}.{amount_fen % 100:02} 元"


def minute(text: str, where: str) -> int:
    """Minutes from midnight of a time as HH:MM; raises TimeMalformed."""
    found = _CLOCK.fullmatch(text.strip())
    if found is None:
        raise TimeMalformed(where)
    return int(found[1]) * 60 + int(found[2])


def day(text: str, where: str) -> date:
    """Raises DateMalformed."""
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise DateMalformed(where) from error


def day_or(text: str, otherwise: date) -> date:
    """The day of an address, which somebody may have typed."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        return otherwise


def monday(of: date) -> date:
    """The first day of its week."""
    return of - timedelta(days=of.weekday())


def lines(text: str, where: str, parts: range) -> Iterator[list[str]]:
    """The words of each line that is not blank; raises LineMalformed for one with too few or too many."""
    found = [line.split() for line in text.splitlines() if line.strip()]
    for number, words in enumerate(found[:LINES_MAX], 1):
        if len(words) not in parts:
            raise LineMalformed(where, number=number)
        yield words

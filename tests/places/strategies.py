"""Addresses to draw from: any that is well formed, and those that the register knows."""

from __future__ import annotations

import csv
from functools import cache
from importlib.resources import files

from hypothesis import strategies as st

from hallnet.places import Address, Level, Village
from hallnet.places.address import CODE_LENGTH

DIGITS = "0123456789"
BRANCH_NAMES = st.from_regex(r"[a-z][a-z0-9]{1,23}", fullmatch=True)


def codes(*levels: Level) -> st.SearchStrategy[str]:
    """Codes of the form of a level, known to the register or not."""
    lengths = st.sampled_from([CODE_LENGTH[level] for level in levels])
    return lengths.flatmap(lambda length: st.text(DIGITS, min_size=length, max_size=length))


HALL_CODES = codes(Level.PROVINCE, Level.CITY, Level.COUNTY, Level.TOWNSHIP)
HALLS = HALL_CODES.map(Address)
BRANCH_HALLS = st.builds(Address, HALL_CODES, BRANCH_NAMES)
ADDRESSES = HALLS | BRANCH_HALLS
VILLAGES = codes(Level.VILLAGE).map(Village)


@cache
def rows(table: str) -> tuple[tuple[str, ...], ...]:
    """The rows of a table of the register, read without the code under test."""
    text = (files("hallnet.places") / "data" / f"{table}.csv").read_text(encoding="utf-8")
    return tuple(tuple(row) for row in csv.reader(text.splitlines()[1:]))


@cache
def registered() -> tuple[str, ...]:
    """Every code of the register down to the township."""
    return tuple(
        row[0] for table in ("provinces", "cities", "areas", "streets") for row in rows(table)
    )

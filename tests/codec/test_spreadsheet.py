"""Tables for spreadsheets."""

from __future__ import annotations

import csv
import io

from hypothesis import given
from hypothesis import strategies as st

from hallnet.codec.spreadsheet import as_csv

CELLS = st.text(st.characters(codec="utf-8", exclude_characters="\0"))


@given(st.lists(st.tuples(CELLS, st.integers())))
def test_a_table_reads_back_and_no_cell_of_it_is_a_formula(rows: list[tuple[str, int]]) -> None:
    text = as_csv(("name", "amount"), rows)
    assert text.startswith("\ufeffname,amount\r\n")
    read = list(csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline="")))[1:]
    assert [amount for _, amount in read] == [str(amount) for _, amount in rows]
    for (name, _), (cell, _) in zip(rows, read, strict=True):
        assert cell in (name, f"'{name}")
        assert not cell.startswith(("=", "+", "-", "@", "\t", "\r"))

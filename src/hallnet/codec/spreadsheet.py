"""Tables that people open in a spreadsheet: CSV (RFC 4180)."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable

_FORMULA_BEGINS = ("=", "+", "-", "@", "\t", "\r")
_BYTE_ORDER_MARK = "\ufeff"


def as_csv(columns: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    """With a byte order mark, so that spreadsheets read the Chinese in it, and without formulas."""
    output = io.StringIO()
    table = csv.writer(output, lineterminator="\r\n")
    table.writerow(columns)
    table.writerows([plain(cell) for cell in row] for row in rows)
    return _BYTE_ORDER_MARK + output.getvalue()


def plain(cell: object) -> object:
    """A text that no spreadsheet takes for a formula (OWASP, CSV injection); a number as it is."""
    begins = isinstance(cell, str) and cell.startswith(_FORMULA_BEGINS)
    return f"'{cell}" if begins else cell

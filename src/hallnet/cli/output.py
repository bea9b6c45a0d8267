"""How commands print: tables for people, one JSON document with --json for programs."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from google.protobuf import json_format
from google.protobuf.message import Message
from rich.console import Console
from rich.table import Table

from hallnet.codec.spreadsheet import as_csv


def print_json(value: Any) -> None:
    """One document on standard output; messages in their JSON form."""
    json.dump(to_data(value), sys.stdout, ensure_ascii=False, indent=2)
    sys.stdout.write("\n")


def print_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    table = Table(title=title, title_justify="left")
    for number, column in enumerate(columns):
        # The first names the row: it is never cut, for it is what other commands are given.
        table.add_column(column, overflow="fold", no_wrap=number == 0)
    for row in rows:
        table.add_row(*(str(cell) for cell in row))
    Console(highlight=False).print(table)


def write_table(file: Path, columns: Sequence[str], rows: Iterable[Iterable[object]]) -> None:
    """A file for spreadsheets; see `spreadsheet.as_csv`."""
    file.write_text(as_csv(columns, rows), encoding="utf-8", newline="")


def to_data(value: Any) -> Any:
    """A value as JSON writes it."""
    if isinstance(value, Message):
        return json_format.MessageToDict(
            value, preserving_proto_field_name=True, always_print_fields_with_no_presence=True
        )
    if isinstance(value, Mapping):
        return {str(key): to_data(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [to_data(item) for item in value]
    if isinstance(value, str | int | float | bool) or value is None:
        return value
    return str(value)

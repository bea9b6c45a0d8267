"""Catalogues as tables (CSV), for the spreadsheets in which departments keep their items.

A row for each version, a column for each field of `hallnet.wire.case.v1.ItemVersion`; a field that is no
single value stands in its cell as JSON. What is written is read back the same.
"""

from __future__ import annotations

import csv
import io
import json
from typing import Any

from google.protobuf import json_format
from google.protobuf.descriptor import FieldDescriptor

from hallnet.case.item import CATALOGUE, Catalogue
from hallnet.case.problems import CatalogueMalformed
from hallnet.codec import MessageMalformed
from hallnet.wire.case.v1 import item_pb2 as wire

BYTE_ORDER_MARK = "\ufeff"
"""Without it a spreadsheet takes the Chinese for something else."""
_FIELDS = wire.ItemVersion.DESCRIPTOR.fields_by_name
_FORMULA = ("=", "+", "-", "@", "'", "\t", "\r")
"""A spreadsheet would reckon with what begins like this; an apostrophe stops it."""
_TRUE, _FALSE = "是", "否"


def write_table(catalogue: Catalogue) -> str:
    """The items as CSV; source, rules and overlays of the catalogue are not items and stay behind."""
    output = io.StringIO()
    table = csv.DictWriter(output, fieldnames=list(_FIELDS), lineterminator="\r\n")
    table.writeheader()
    for item in CATALOGUE.to_message(catalogue).items:
        document = json_format.MessageToDict(item, preserving_proto_field_name=True)
        table.writerow({name: _cell(document.get(name)) for name in _FIELDS})
    return BYTE_ORDER_MARK + output.getvalue()


def read_table(text: str, source: str) -> Catalogue:
    """Read what `write_table` wrote, columns in any order or left out; raises CatalogueMalformed."""
    table = csv.DictReader(io.StringIO(text.removeprefix(BYTE_ORDER_MARK), newline=""), strict=True)
    try:
        unknown = set(table.fieldnames or ("",)) - set(_FIELDS)
        if unknown:
            raise CatalogueMalformed("catalogue", detail=f"没有名为{min(map(str, unknown))!r}的列")
        message = wire.Catalogue(source=source)
        for number, row in enumerate(table, 2):
            if None in row or None in row.values():
                raise CatalogueMalformed("catalogue", detail=f"第{number}行的列数与表头不符")
            document = {name: _value(name, cell) for name, cell in row.items() if cell != ""}
            json_format.ParseDict(document, message.items.add())
        return CATALOGUE.from_message(message)
    except (
        csv.Error,
        ValueError,
        RecursionError,
        json_format.ParseError,
        MessageMalformed,
    ) as error:
        raise CatalogueMalformed("catalogue", detail=str(error)[:300]) from error


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return _TRUE if value else _FALSE
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False)
    text = str(value)
    return f"'{text}" if text.startswith(_FORMULA) else text


def _value(name: str, cell: str) -> Any:
    field = _FIELDS[name]
    if field.is_repeated or field.type == FieldDescriptor.TYPE_MESSAGE:
        return json.loads(cell)
    if field.type == FieldDescriptor.TYPE_BOOL:
        if cell not in (_TRUE, _FALSE):
            raise ValueError(f"{name}应为“{_TRUE}”或“{_FALSE}”")
        return cell == _TRUE
    if field.type == FieldDescriptor.TYPE_UINT32:
        return int(cell)
    return cell.removeprefix("'")

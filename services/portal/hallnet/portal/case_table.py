"""A list of cases as a table for spreadsheets: what the list shows, and no more of anybody."""

from __future__ import annotations

from collections.abc import Iterable

from hallnet.case.case import CHINA
from hallnet.codec.moments import from_timestamp
from hallnet.codec.spreadsheet import as_csv
from hallnet.portal import wording
from hallnet.portal.halls import Halls
from hallnet.wire.intake.v1 import intake_service_pb2 as wire

EXPORT_ROWS_MAX = 5_000
_COLUMNS = ("办件编号", "事项", "申请人", "环节", "现由", "收件时间", "到期日", "时限", "更新时间")
_ALARMS = {0: "", 1: "临近到期", 2: "已超期"}


def as_table(rows: Iterable[wire.CaseSummary], halls: Halls, is_cut: bool) -> str:
    """CSV with a byte order mark; the last line says so if there are more cases than a table may hold."""
    last = [(f"只导出前{EXPORT_ROWS_MAX}件，请缩小范围后分次导出",)] if is_cut else []
    return as_csv(_COLUMNS, [*(_cells(row, halls) for row in rows), *last])


def _cells(row: wire.CaseSummary, halls: Halls) -> tuple[str, ...]:
    holder = f"在途：{halls.name(row.in_transit_to)}" if row.in_transit_to else ""
    if row.custodian:
        holder = halls.name(row.custodian)
    received, changed = (
        from_timestamp(moment).astimezone(CHINA).strftime("%Y-%m-%d %H:%M")
        for moment in (row.received_at, row.changed_at)
    )
    return (
        row.case_no,
        row.item_name,
        row.applicant,
        wording.STAGES[row.stage],
        holder,
        received,
        row.due_on,
        _ALARMS.get(row.alarm, ""),
        changed,
    )

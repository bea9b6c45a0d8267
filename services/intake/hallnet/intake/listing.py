"""Lists of cases: open ones by due date, the most urgent first."""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass
from datetime import date

from sqlalchemy import ColumnElement, and_, func, or_, select

from hallnet.intake import tables, views
from hallnet.intake.context import Hall
from hallnet.intake.identifiers import is_id
from hallnet.node.paging import PageTokenInvalid
from hallnet.store import Connection
from hallnet.wire.intake.v1 import intake_service_pb2 as wire

PAGE_SIZE = 50
PAGE_SIZE_MAX = 200
_NEVER = date(9999, 12, 31)


@dataclass(frozen=True, slots=True)
class _After:
    """Where a page begins: after this row."""

    due_on: date
    case_id: str


def list_cases(
    connection: Connection, hall: Hall, request: wire.ListCasesRequest, today: date
) -> wire.ListCasesResponse:
    """A page of cases; raises PageTokenInvalid."""
    table = tables.case
    size = min(request.page_size or PAGE_SIZE, PAGE_SIZE_MAX)
    wanted = _filters(hall, request)
    total = connection.execute(select(func.count()).select_from(table).where(*wanted)).scalar_one()
    due = func.coalesce(table.c.due_on, _NEVER)
    query = select(table).where(*wanted).order_by(due, table.c.case_id).limit(size + 1)
    if request.page_token:
        after = _read_token(request.page_token)
        query = query.where(
            or_(due > after.due_on, and_(due == after.due_on, table.c.case_id > after.case_id))
        )
    rows = connection.execute(query).all()
    more = len(rows) > size
    return wire.ListCasesResponse(
        cases=[views.summary(row, today) for row in rows[:size]],
        next_page_token=_token(rows[size - 1].due_on, rows[size - 1].case_id) if more else "",
        total=total,
    )


def _filters(hall: Hall, request: wire.ListCasesRequest) -> list[ColumnElement[bool]]:
    table = tables.case
    wanted: list[ColumnElement[bool]] = []
    if request.stages:
        wanted.append(table.c.stage.in_(list(request.stages)))
    if request.in_custody:
        wanted.append(table.c.custodian == str(hall.address))
    if request.in_transit:
        # Nobody is the custodian of what is on its way.
        wanted.append(table.c.custodian == "")
    if request.case_no_prefix:
        wanted.append(table.c.case_no.startswith(request.case_no_prefix, autoescape=True))
    if request.agent_id:
        wanted.append(table.c.agent_id == request.agent_id)
    return wanted


def _token(due_on: date | None, case_id: str) -> str:
    text = json.dumps([(due_on or _NEVER).isoformat(), case_id])
    return base64.urlsafe_b64encode(text.encode()).decode()


def _read_token(token: str) -> _After:
    try:
        due_on, case_id = json.loads(base64.urlsafe_b64decode(token.encode()))
        if not is_id(case_id):
            raise PageTokenInvalid("page_token")
        return _After(date.fromisoformat(due_on), case_id)
    except (ValueError, TypeError, RecursionError, binascii.Error) as error:
        raise PageTokenInvalid("page_token") from error

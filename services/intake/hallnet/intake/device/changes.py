"""What a device needs to work without a network: the account's open cases, its items, the calendar.

A device says which cases it has and up to which event. What it lacks follows from that alone: no clock and no
position of a feed has to agree, and a hall that lost records, or a device that did, is brought right the same way.
"""

from __future__ import annotations

import hashlib
from datetime import datetime

from sqlalchemy import select

from hallnet.case.case import day_of
from hallnet.case.item import ITEM
from hallnet.case.person import ActorKind
from hallnet.case.stage import ENDED
from hallnet.intake import accounts, applications, cases, handling, tables, views
from hallnet.intake.accounts import Account
from hallnet.intake.answering import insert_record
from hallnet.intake.context import Hall
from hallnet.store import Connection
from hallnet.window.offline_problems import BatchTooLarge
from hallnet.wire.case.v1 import calendar_pb2 as wire_calendar
from hallnet.wire.device.v1 import device_service_pb2 as wire

CASES_MAX = 500
"""Open cases of an account that a device holds: the newest."""
PAGE_SIZE = 20
PAGE_SIZE_MAX = 50
_case = tables.case


def since(
    connection: Connection, hall: Hall, request: wire.GetChangesRequest, now: datetime
) -> wire.GetChangesResponse:
    """A page of what is new; each case that is shown is a look on record. Raises ActorUnknown, BatchTooLarge."""
    if len(request.known) > CASES_MAX:
        raise BatchTooLarge("known", items=CASES_MAX, kilobytes=0)
    account = accounts.find(connection, request.actor_id)
    open_here, is_cut = _open_cases(connection, account)
    known = {case.case_id: case.last_digest for case in request.known}
    changed = [case_id for case_id, digest in open_here.items() if known.get(case_id) != digest]
    size = min(request.page_size or PAGE_SIZE, PAGE_SIZE_MAX)
    answer = wire.GetChangesResponse(
        gone=[case_id for case_id in known if case_id not in open_here],
        more=len(changed) > size,
        is_cut=is_cut,
    )
    for case_id in changed[:size]:
        case = cases.load(connection, case_id)
        handling.require_may_look(account, case)
        row = cases.row_of(connection, case)
        answer.cases.append(views.case_view(connection, hall, case, account, row, now))
        insert_record(connection, now, request.actor_id, case_id, "GetChanges", "", "")
    _add_items(connection, hall, account, request.items_digest, answer, now)
    _add_calendar(connection, hall, request.calendar_digest, answer)
    return answer


def _open_cases(connection: Connection, account: Account) -> tuple[dict[str, bytes], bool]:
    """The newest open cases of an account by id with their last digests, and whether there are more."""
    actor_id = account.actor.actor_id
    is_agent = account.actor.kind is ActorKind.AGENT
    mine = _case.c.agent_id == actor_id if is_agent else _case.c.owner == actor_id
    open_still = _case.c.stage.not_in([int(stage) for stage in ENDED])
    query = select(_case.c.case_id, _case.c.last_digest).where(mine, open_still)
    rows = connection.execute(query.order_by(_case.c.case_id.desc()).limit(CASES_MAX + 1)).all()
    return {row.case_id: row.last_digest for row in rows[:CASES_MAX]}, len(rows) > CASES_MAX


def _add_items(
    connection: Connection,
    hall: Hall,
    account: Account,
    known: bytes,
    answer: wire.GetChangesResponse,
    now: datetime,
) -> None:
    by_agent = account.actor.kind is ActorKind.AGENT
    found = applications.items_to_file(
        connection, hall, day_of(now), accepted_here=not by_agent, for_agents=by_agent
    )
    hashed = hashlib.sha256()
    for item in found:
        hashed.update(hashlib.sha256(ITEM.to_bytes(item)).digest())
    answer.items_digest = hashed.digest()
    if answer.items_digest != known:
        answer.items.extend(ITEM.to_message(item) for item in found)


def _add_calendar(
    connection: Connection, hall: Hall, known: bytes, answer: wire.GetChangesResponse
) -> None:
    raw = hall.releases.calendar_release(connection)
    answer.calendar_digest = hashlib.sha256(raw).digest()
    if answer.calendar_digest != known:
        answer.calendar.CopyFrom(wire_calendar.WorkingCalendar.FromString(raw))

"""Lists of cases and searches among them, in pages, with no more read than is shown.

What a list is chosen by decides its order. By queues: the most urgent first, from as many queues as are
not empty, each of them in order by its index. By an agent: the same. By what a clerk types: a name, the
number of a document or a telephone number give the newest first, the beginning of a case number gives the
numbers in order. What narrows a search further is looked at candidate by candidate, up to CANDIDATES_MAX
for a page: such a page may be shorter than asked for and still be followed by another.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import product
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, func, literal, select, tuple_, union_all

from hallnet.case.problems import DayMalformed
from hallnet.case.sought import (
    Sought,
    SoughtBy,
    normal_document_number,
    normal_name,
    normal_phone,
    sought,
)
from hallnet.case.stage import ENDED, Stage
from hallnet.intake import queues, tables, views
from hallnet.intake.context import Hall
from hallnet.intake.identifiers import is_id
from hallnet.intake.queues import Place
from hallnet.intake.window import duty
from hallnet.node.paging import PageTokenInvalid
from hallnet.store import Connection
from hallnet.wire.intake.v1 import intake_service_pb2 as wire

PAGE_SIZE = 50
PAGE_SIZE_MAX = 200
CANDIDATES_MAX = 5_000
"""How many of those that a text finds are looked at for one page."""
COUNTED_MAX = 1_000
"""How far is counted what no counter is kept of."""
_CASE = tables.case.c
_AFTER_ANY = "\U0010ffff"


@dataclass(frozen=True, slots=True)
class _Order:
    """The columns by which a list is in order, downwards or not, and how a place in it is written."""

    columns: tuple[ColumnElement[Any], ...]
    read: Callable[[list[Any]], tuple[Any, ...]]
    newest_first: bool = False

    def after(self, place: Sequence[Any]) -> ColumnElement[bool]:
        columns, values = tuple_(*self.columns), tuple_(*place)
        return columns < values if self.newest_first else columns > values

    def sorted(self, query: Select[Any]) -> Select[Any]:
        ways = [column.desc() for column in self.columns] if self.newest_first else self.columns
        return query.order_by(*ways)

    def place_of(self, row: Row[Any]) -> tuple[Any, ...]:
        return tuple(getattr(row, str(column.key)) for column in self.columns)


def _id(text: object) -> str:
    if not is_id(text):
        raise PageTokenInvalid("page_token")
    return str(text)


def _text(text: object) -> str:
    if not isinstance(text, str) or "\0" in text:
        raise PageTokenInvalid("page_token")
    return text


_URGENT_FIRST = _Order(
    (_CASE.listed_by, _CASE.case_id), lambda place: (date.fromisoformat(place[0]), _id(place[1]))
)
_NEWEST_FIRST = _Order((_CASE.case_id,), lambda place: (_id(place[0]),), newest_first=True)
_BY_NUMBER = _Order((_CASE.case_no,), lambda place: (_text(place[0]),))


@dataclass(frozen=True, slots=True)
class _Found:
    """A page: its rows, whether and where the next one begins, and how many there are."""

    rows: Sequence[Row[Any]]
    next_place: tuple[Any, ...] | None
    total: int
    total_is_least: bool = False


def list_cases(
    connection: Connection, hall: Hall, request: wire.ListCasesRequest, today: date
) -> wire.ListCasesResponse:
    """A page of cases; raises PageTokenInvalid or DayMalformed."""
    owners = _owners(connection, request, today)
    candidates = _candidates(request, owners)
    order = candidates[1] if candidates else _URGENT_FIRST
    size = min(request.page_size or PAGE_SIZE, PAGE_SIZE_MAX)
    begin = _read_token(request.page_token, order) if request.page_token else None
    if candidates is None:
        found = _from_queues(connection, request, size, begin)
    else:
        narrowed = _narrowed(request, owners)
        found = _from_candidates(connection, narrowed, candidates[0], order, size, begin)
    return wire.ListCasesResponse(
        cases=[views.summary(row, today) for row in found.rows],
        next_page_token=_token(found.next_place) if found.next_place else "",
        total=found.total,
        total_is_least=found.total_is_least,
    )


def count_cases(
    connection: Connection, request: wire.CountCasesRequest, today: date
) -> wire.CountCasesResponse:
    """How many cases stand in each queue, and how many of those that are here are near their end or over."""
    counted = queues.counts(connection, request.item_id)
    # Stage by stage, so that the index leads to the open ones among the many that ended.
    still_open = sorted({stage for place, stage in counted if place is Place.HERE} - ENDED)
    running = [
        select(literal(1)).where(
            _CASE.place == Place.HERE,
            _CASE.stage == stage,
            _CASE.met_on.is_(None),
            *([_CASE.item_id == request.item_id] if request.item_id else []),
        )
        for stage in still_open
    ]
    red = _counted(connection, [query.where(_CASE.listed_by < today) for query in running])
    near = (_CASE.listed_by >= today) & (_CASE.yellow_on <= today)
    yellow = _counted(connection, [query.where(near) for query in running])
    return wire.CountCasesResponse(
        queues=[
            wire.QueueCount(place=int(place), stage=int(stage), cases=number)  # type: ignore[arg-type]
            for (place, stage), number in sorted(counted.items())
        ],
        red=min(red, COUNTED_MAX),
        yellow=min(yellow, COUNTED_MAX),
        alarms_are_least=max(red, yellow) > COUNTED_MAX,
    )


def _from_queues(
    connection: Connection,
    request: wire.ListCasesRequest,
    size: int,
    begin: tuple[Any, ...] | None,
) -> _Found:
    """The first of each queue that is not empty, merged: each is in order by its index."""
    counted = queues.counts(connection, request.item_id)
    wanted = [queue for queue in _queues(request) if counted.get(queue)]
    days = _days(request)
    if not wanted:
        return _Found((), None, 0)
    chosen = []
    for place, stage in wanted:
        conditions = [_CASE.place == place, _CASE.stage == stage, *days]
        if request.item_id:
            conditions.append(_CASE.item_id == request.item_id)
        chosen.append(select(*_URGENT_FIRST.columns).where(*conditions))
    total = _counted(connection, chosen) if days else sum(counted[queue] for queue in wanted)
    if begin is not None:
        chosen = [query.where(_URGENT_FIRST.after(begin)) for query in chosen]
    first = [
        _URGENT_FIRST.sorted(query).limit(size + 1).subquery(f"queue_{number}").select()
        for number, query in enumerate(chosen)
    ]
    merged = union_all(*first).subquery("merged")
    ids = (
        select(merged.c.case_id).order_by(merged.c.listed_by, merged.c.case_id).limit(size + 1)
    ).subquery("page")
    rows = connection.execute(
        _URGENT_FIRST.sorted(select(tables.case).join(ids, ids.c.case_id == _CASE.case_id))
    ).all()
    last = _URGENT_FIRST.place_of(rows[size - 1]) if len(rows) > size else None
    if days and total > COUNTED_MAX:
        return _Found(rows[:size], last, COUNTED_MAX, total_is_least=True)
    return _Found(rows[:size], last, total)


def _from_candidates(
    connection: Connection,
    narrowed: Sequence[ColumnElement[bool]],
    found_by: ColumnElement[bool],
    order: _Order,
    size: int,
    begin: tuple[Any, ...] | None,
) -> _Found:
    """What an index finds, in its order, and of that what is wanted."""
    candidates = order.sorted(select(_CASE.case_id).where(found_by))
    total, is_least = _total(connection, candidates, narrowed)
    if begin is not None:
        candidates = candidates.where(order.after(begin))
    looked_at = candidates.limit(CANDIDATES_MAX if narrowed else size + 1).subquery("looked_at")
    rows = connection.execute(
        order.sorted(
            select(tables.case)
            .join(looked_at, looked_at.c.case_id == _CASE.case_id)
            .where(*narrowed)
        ).limit(size + 1)
    ).all()
    place = order.place_of(rows[size - 1]) if len(rows) > size else None
    if narrowed and place is None:
        place = _last_looked_at(connection, found_by, order, begin)
    return _Found(rows[:size], place, total, is_least)


def _last_looked_at(
    connection: Connection,
    found_by: ColumnElement[bool],
    order: _Order,
    begin: tuple[Any, ...] | None,
) -> tuple[Any, ...] | None:
    """The last candidate of a page if others follow it."""
    query = order.sorted(select(*order.columns).where(found_by))
    if begin is not None:
        query = query.where(order.after(begin))
    last = connection.execute(query.offset(CANDIDATES_MAX - 1).limit(2)).all()
    return order.place_of(last[0]) if len(last) == 2 else None


def _total(
    connection: Connection, candidates: Select[Any], narrowed: Sequence[ColumnElement[bool]]
) -> tuple[int, bool]:
    """How many there are on all pages, and whether there may be more."""
    furthest = CANDIDATES_MAX if narrowed else COUNTED_MAX
    found = candidates.limit(furthest + 1).subquery("found")
    total: int = connection.execute(select(func.count()).select_from(found)).scalar_one()
    if not narrowed:
        return min(total, COUNTED_MAX), total > COUNTED_MAX
    wanted = (
        select(func.count())
        .select_from(tables.case)
        .join(found, found.c.case_id == _CASE.case_id)
        .where(*narrowed)
    )
    return connection.execute(wanted).scalar_one(), total > CANDIDATES_MAX


def _candidates(
    request: wire.ListCasesRequest, owners: frozenset[str]
) -> tuple[ColumnElement[bool], _Order] | None:
    """What finds the cases if it is not their queue, and in which order."""
    wanted = _sought(request)
    if wanted is None and owners:
        return _CASE.owner.in_(sorted(owners)) & (_CASE.owner != ""), _URGENT_FIRST
    if wanted is None:
        if not request.agent_id:
            return None
        # Said twice, so that the index over what agents filed is used.
        by_agent = (_CASE.agent_id == request.agent_id) & (_CASE.agent_id != "")
        return by_agent, _URGENT_FIRST
    if wanted.by is SoughtBy.CASE_NUMBER:
        beginning = (_CASE.case_no >= wanted.text) & (_CASE.case_no < wanted.text + _AFTER_ANY)
        return beginning, _BY_NUMBER
    column = {
        SoughtBy.NAME: _CASE.applicant_name,
        SoughtBy.DOCUMENT_NUMBER: _CASE.document_number,
        SoughtBy.PHONE: _CASE.phone,
    }[wanted.by]
    return column == wanted.text, _NEWEST_FIRST


def _sought(request: wire.ListCasesRequest) -> Sought | None:
    if request.case_no_prefix:
        return Sought(SoughtBy.CASE_NUMBER, request.case_no_prefix)
    if not request.search_by:
        return sought(request.search)
    normal: dict[SoughtBy, Callable[[str], str]] = {
        SoughtBy.CASE_NUMBER: str.strip,
        SoughtBy.NAME: normal_name,
        SoughtBy.DOCUMENT_NUMBER: normal_document_number,
        SoughtBy.PHONE: normal_phone,
    }
    by = SoughtBy(request.search_by)
    text = normal[by](request.search)
    return Sought(by, text) if text else None


def _queues(request: wire.ListCasesRequest) -> list[tuple[Place, Stage]]:
    places = set(Place)
    if request.in_custody:
        places &= {Place.HERE}
    if request.in_transit:
        places &= {Place.IN_TRANSIT}
    stages = {Stage(stage) for stage in request.stages} if request.stages else set(Stage)
    return sorted(product(places, stages))


def _owners(connection: Connection, request: wire.ListCasesRequest, today: date) -> frozenset[str]:
    """Whose cases are wanted: somebody's, and those of whom he or she stands in for today (AB角)."""
    if not request.owner:
        return frozenset()
    return duty.stands_in_for(connection, request.owner, today) | {request.owner}


def _narrowed(request: wire.ListCasesRequest, owners: frozenset[str]) -> list[ColumnElement[bool]]:
    """What is wanted of the candidates besides."""
    wanted = _days(request)
    if request.stages:
        wanted.append(_CASE.stage.in_(list(request.stages)))
    if request.in_custody:
        wanted.append(_CASE.place == Place.HERE)
    if request.in_transit:
        wanted.append(_CASE.place == Place.IN_TRANSIT)
    if request.item_id:
        wanted.append(_CASE.item_id == request.item_id)
    is_sought = _sought(request) is not None
    if request.agent_id and (is_sought or owners):
        wanted.append(_CASE.agent_id == request.agent_id)
    if owners and is_sought:
        wanted.append(_CASE.owner.in_(sorted(owners)))
    return wanted


def _days(request: wire.ListCasesRequest) -> list[ColumnElement[bool]]:
    wanted: list[ColumnElement[bool]] = []
    if request.due_from:
        wanted.append(_CASE.listed_by >= day_from(request.due_from, "due_from"))
    if request.due_until:
        wanted.append(_CASE.listed_by <= day_from(request.due_until, "due_until"))
    return wanted


def day_from(text: str, where: str) -> date:
    """Raises DayMalformed."""
    try:
        day = date.fromisoformat(text)
    except ValueError as error:
        raise DayMalformed(where, text=text[:20]) from error
    if day.isoformat() != text:
        raise DayMalformed(where, text=text[:20])
    return day


def _counted(connection: Connection, queries: Sequence[Select[Any]]) -> int:
    """How many rows the queries give together, each counted up to one more than COUNTED_MAX.

    In the order of the index of a queue: without one PostgreSQL may read the table from its beginning until it has
    found so many, and the cases of the last months stand at its end.
    """
    if not queries:
        return 0
    parts = [
        _URGENT_FIRST.sorted(query).limit(COUNTED_MAX + 1).subquery(f"part_{number}").select()
        for number, query in enumerate(queries)
    ]
    together = union_all(*parts).subquery("together")
    return int(connection.execute(select(func.count()).select_from(together)).scalar_one())


def _token(place: Sequence[Any]) -> str:
    text = json.dumps([part.isoformat() if isinstance(part, date) else part for part in place])
    return base64.urlsafe_b64encode(text.encode()).decode()


def _read_token(token: str, order: _Order) -> tuple[Any, ...]:
    try:
        place = json.loads(base64.urlsafe_b64decode(token.encode()))
        if not isinstance(place, list) or len(place) != len(order.columns):
            raise PageTokenInvalid("page_token")
        return order.read(place)
    except (ValueError, TypeError, RecursionError, binascii.Error) as error:
        raise PageTokenInvalid("page_token") from error

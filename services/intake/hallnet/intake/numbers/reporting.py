"""Numbers of a period with the cases behind each, and months that are frozen."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import func, insert, select, tuple_

from hallnet.case.case import Case, day_of, evolve
from hallnet.case.event import EVENT, digest
from hallnet.case.stage import ENDED
from hallnet.codec.moments import to_timestamp
from hallnet.intake import cases, counting, queues, tables, views
from hallnet.intake.context import Hall
from hallnet.intake.identifiers import is_id
from hallnet.intake.listing import PAGE_SIZE, PAGE_SIZE_MAX, day_from
from hallnet.intake.queues import Place
from hallnet.node.paging import PageTokenInvalid
from hallnet.numbers.measure import COUNTED_OF, Key, Measure, counted
from hallnet.numbers.problems import MonthFrozen, PeriodInvalid
from hallnet.numbers.report import Report, report
from hallnet.store import Connection
from hallnet.store.feed import Entry
from hallnet.wire.intake.v1 import intake_service_pb2 as wire

PERIOD_DAYS_MAX = 400
CANDIDATES_MAX = 500
HISTORIES_BYTES_MAX = 2 * 1024 * 1024
"""A page with histories ends with the case that goes beyond it, far below what a message may have."""
"""Events looked at for one page of the cases behind a number."""
NUMBERS_FROZEN = "numbers.frozen"
_OCCURRED = {
    # The cases and the legs of joint ones have the same events: each is counted once, as one or the other.
    Measure.ACCEPTED: Measure.LEG_ACCEPTED,
    Measure.FINISHED: Measure.LEG_FINISHED,
}
_ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Period:
    """From the first day to the last."""

    first: date
    last: date

    @classmethod
    def of(cls, first: str, last: str) -> Period:
        """Raises DayMalformed or PeriodInvalid."""
        found = cls(day_from(first, "first"), day_from(last, "last"))
        if not _ONE_DAY * 0 <= found.last - found.first < _ONE_DAY * PERIOD_DAYS_MAX:
            raise PeriodInvalid("last", period=f"{first}..{last}", days=PERIOD_DAYS_MAX)
        return found

    @classmethod
    def of_month(cls, month: str, today: date) -> Period:
        """A month that is over; raises PeriodInvalid."""
        try:
            first = date.fromisoformat(f"{month}-01")
        except ValueError as error:
            raise PeriodInvalid("month", period=month[:20], days=PERIOD_DAYS_MAX) from error
        following = date(first.year + first.month // 12, first.month % 12 + 1, 1)
        if len(month) != len("2026-01") or following > today:
            raise PeriodInvalid("month", period=month[:20], days=PERIOD_DAYS_MAX)
        return cls(first, following - _ONE_DAY)


def get_numbers(
    connection: Connection, hall: Hall, request: wire.GetNumbersRequest, today: date
) -> wire.GetNumbersResponse:
    """Raises DayMalformed, PeriodInvalid or NumbersDoNotReconcile."""
    period = Period.of(request.first, request.last)
    counts = _counts(connection, period, request.item_id)
    made = _report(connection, hall, period, counts, request.item_id, today)
    answer = _response(made, counts, request.by_item, request.by_day)
    if not request.item_id:
        answer.rates.extend(_rates(made))
    return answer


def numbered_cases(
    connection: Connection, hall: Hall, request: wire.ListNumberedCasesRequest, today: date
) -> wire.ListNumberedCasesResponse:
    """The cases behind a number: each candidate is folded and counted once more."""
    period = Period.of(request.first, request.last)
    size = min(request.page_size or PAGE_SIZE, PAGE_SIZE_MAX)
    answer = wire.ListNumberedCasesResponse()
    if not request.measure:
        return answer
    after = _read_token(request.page_token) if request.page_token else None
    candidates = _candidates(connection, hall, period, Measure(request.measure), after)
    histories = 0
    for number, place in enumerate(candidates):
        is_full = len(answer.cases) == size or histories > HISTORIES_BYTES_MAX
        if number == CANDIDATES_MAX or is_full:
            break
        after = place
        amount, case = _counted_by(connection, hall, place, request)
        if amount and case is not None:
            answer.cases.add(
                summary=views.summary(cases.row_of(connection, case), today),
                day=place[0].isoformat(),
                sequence=place[2],
                amount=amount,
                events=cases.event_messages(connection, case) if request.purpose else (),
            )
            histories += answer.cases[-1].ByteSize() if request.purpose else 0
    else:
        return answer
    answer.next_page_token = _token(after) if after else ""
    return answer


def freeze(
    connection: Connection,
    hall: Hall,
    month: str,
    reason: str,
    actor_id: str,
    now: datetime,
) -> wire.MonthLine:
    """Raises PeriodInvalid, MonthFrozen without a reason, NumbersDoNotReconcile."""
    period = Period.of_month(month, day_of(now))
    before = lines(connection, month)
    if before and not reason.strip():
        raise MonthFrozen("month", month=month)
    counts = _counts(connection, period, "")
    made = _report(connection, hall, period, counts, "", day_of(now))
    numbers = _response(made, counts, by_item=True, by_day=False)
    numbers.rates.extend(_rates(made))
    raw = numbers.SerializeToString(deterministic=True)
    previous = before[-1].digest if before else b""
    row = {
        "month": month,
        "line": len(before) + 1,
        "frozen_at": now,
        "frozen_by": actor_id,
        "reason": reason if before else "",
        "numbers": raw,
        "digest": hashlib.sha256(previous + raw).digest(),
    }
    connection.execute(insert(tables.month_line).values(row))
    line = lines(connection, month)[-1]
    tables.feed.append(
        connection, [Entry(NUMBERS_FROZEN, month, line.SerializeToString(deterministic=True), now)]
    )
    return line


def lines(connection: Connection, month: str) -> list[wire.MonthLine]:
    """What was frozen of a month, the oldest line first."""
    table = tables.month_line
    query = select(table).where(table.c.month == month[:7]).order_by(table.c.line)
    return [
        wire.MonthLine(
            month=row.month,
            line=row.line,
            frozen_at=to_timestamp(row.frozen_at),
            frozen_by=row.frozen_by,
            reason=row.reason,
            numbers=wire.GetNumbersResponse.FromString(row.numbers),
            digest=row.digest,
        )
        for row in connection.execute(query)
    ]


def _counts(connection: Connection, period: Period, item_id: str) -> Counter[Key]:
    table = tables.number
    query = select(table).where(table.c.day.between(period.first, period.last))
    if item_id:
        query = query.where(table.c.item_id == item_id)
    # Measure by measure, in the order of the key.
    query = query.where(table.c.measure.in_([int(measure) for measure in Measure]))
    return Counter(
        {
            Key(row.day, row.item_id, row.handling_kind, Measure(row.measure)): row.amount
            for row in connection.execute(query)
        }
    )


def _report(
    connection: Connection,
    hall: Hall,
    period: Period,
    counts: Counter[Key],
    item_id: str,
    today: date,
) -> Report:
    occurred = {} if item_id else _occurred(connection, hall, period, counts)
    if period.last >= today and not item_id:
        stages = queues.counts(connection)
        after = sum(
            number
            for (place, stage), number in stages.items()
            if place is Place.HERE and stage not in ENDED
        )
    else:
        after = counting.in_hand(connection, period.last, item_id)
    return report(
        counts.items(),
        period.first,
        period.last,
        occurred,
        counting.in_hand(connection, period.first - _ONE_DAY, item_id),
        after,
        hall.releases.calendar(connection),
    )


def _occurred(
    connection: Connection, hall: Hall, period: Period, counts: Counter[Key]
) -> dict[Measure, int]:
    """How many events of this hall there are in the histories, whatever the numbers say."""
    table = tables.case_event
    query = (
        select(table.c.fact, func.count())
        .where(
            table.c.on_day.between(period.first, period.last),
            table.c.fact.in_([_fact_of(measure) for measure in _OCCURRED]),
            table.c.author == str(hall.address),
        )
        .group_by(table.c.fact)
    )
    found: dict[int, int] = {row[0]: row[1] for row in connection.execute(query)}
    legs = {
        measure: sum(amount for key, amount in counts.items() if key.measure is of_legs)
        for measure, of_legs in _OCCURRED.items()
    }
    return {measure: int(found.get(_fact_of(measure), 0)) - legs[measure] for measure in _OCCURRED}


def _fact_of(measure: Measure) -> int:
    return counting.FACT_NUMBER[COUNTED_OF[measure][0]]


def _response(
    made: Report, counts: Counter[Key], by_item: bool, by_day: bool
) -> wire.GetNumbersResponse:
    told: Counter[tuple[int, int, str, str]] = Counter()
    for key, amount in counts.items():
        item_id = key.item_id if by_item else ""
        day = key.day.isoformat() if by_day else ""
        told[int(key.measure), key.handling_kind, item_id, day] += amount
    return wire.GetNumbersResponse(
        first=made.first.isoformat(),
        last=made.last.isoformat(),
        numbers=[
            wire.Number(
                measure=measure,  # type: ignore[arg-type]
                handling_kind=kind,  # type: ignore[arg-type]
                item_id=item_id,
                day=day,
                amount=amount,
            )
            for (measure, kind, item_id, day), amount in sorted(told.items())
            if amount
        ],
        in_hand_before=made.in_hand_before,
        in_hand_after=made.in_hand_after,
        working_days=made.working_days,
    )


def _rates(made: Report) -> Iterator[wire.Rate]:
    for name, rate in made.rates.items():
        yield wire.Rate(name=name, numerator=rate.numerator, denominator=rate.denominator)


def _candidates(
    connection: Connection,
    hall: Hall,
    period: Period,
    measure: Measure,
    after: tuple[date, str, int] | None,
) -> Sequence[tuple[date, str, int]]:
    """Day, case and place of the events by which a measure may have grown, one more than is looked at."""
    table = tables.case_event
    order = (table.c.on_day, table.c.case_id, table.c.sequence)
    query = select(*order).where(table.c.on_day.between(period.first, period.last))
    kinds = COUNTED_OF[measure]
    if kinds:
        query = query.where(
            table.c.fact.in_([counting.FACT_NUMBER[kind] for kind in kinds]),
            table.c.author == str(hall.address),
        )
    if after is not None:
        query = query.where(tuple_(*order) > tuple_(*after))
    rows = connection.execute(query.order_by(*order).limit(CANDIDATES_MAX + 1))
    return [(row.on_day, row.case_id, row.sequence) for row in rows]


def _counted_by(
    connection: Connection,
    hall: Hall,
    place: tuple[date, str, int],
    request: wire.ListNumberedCasesRequest,
) -> tuple[int, Case | None]:
    """What an event adds to the number that is asked for, and the case as it is now."""
    _, case_id, sequence = place
    before: Case | None = None
    case: Case | None = None
    for raw in cases.history(connection, case_id)[:sequence]:
        before, case = case, evolve(case, EVENT.from_bytes(raw), digest(raw))
    assert case is not None
    item = hall.releases.item_of(connection, case.filed)
    calendar = hall.releases.calendar(connection)
    policy = hall.releases.policy(connection)
    measure = Measure(request.measure)
    amount = sum(
        added
        for key, added in counted(before, case, item, calendar, policy, hall.address)
        if key.measure is measure
        and request.item_id in ("", key.item_id)
        and request.handling_kind in (0, key.handling_kind)
    )
    return amount, cases.load(connection, case_id) if amount else None


def _token(place: tuple[date, str, int]) -> str:
    text = json.dumps([place[0].isoformat(), place[1], place[2]])
    return base64.urlsafe_b64encode(text.encode()).decode()


def _read_token(token: str) -> tuple[date, str, int]:
    try:
        day, case_id, sequence = json.loads(base64.urlsafe_b64decode(token.encode()))
        if not is_id(case_id) or not isinstance(sequence, int) or not 0 < sequence < 2**31:
            raise PageTokenInvalid("page_token")
        return date.fromisoformat(day), case_id, sequence
    except (ValueError, TypeError, RecursionError, binascii.Error) as error:
        raise PageTokenInvalid("page_token") from error

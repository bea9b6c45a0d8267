"""Ratings (政务服务"好差评", 国办发〔2019〕51号, GB/T 39734 and 39735): five levels, the last two are bad.

One visit or case is rated once; a default rating is marked and never counted. A bad rating is called back
within one working day, mended or explained, and closed by somebody who was not rated and did not mend it.
The codes of the levels run in opposite directions in the national table (GB/T 39046-2020 table A.8) and at
the interfaces of the provinces: inside there are only names.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import IntEnum

from hallnet.case.calendar import Calendar
from hallnet.case.case import day_of
from hallnet.case.item import HandlingKind, TimeLimit, TimeUnit
from hallnet.case.policy import RatingIndicator, RatingIndicators
from hallnet.case.problems import NotYours
from hallnet.window.problems import CodeUnknown, IndicatorUnknown, StepNotPossible, WordsMissing

CALL_BACK_LIMIT = TimeLimit(1, TimeUnit.WORKING_DAY, "差评1个工作日内回访")
REPAIR_LIMIT = TimeLimit(5, TimeUnit.WORKING_DAY, "核实后5个工作日内整改")


class Satisfaction(IntEnum):
    """The numbers are those of the wire and of GB/T 39046-2020 table A.8."""

    VERY_SATISFIED = 1
    SATISFIED = 2
    FAIRLY_SATISFIED = 3
    DISSATISFIED = 4
    VERY_DISSATISFIED = 5

    @property
    def is_bad(self) -> bool:
        return self >= Satisfaction.DISSATISFIED


class CodeTable(IntEnum):
    """Whose codes are meant."""

    NATIONAL = 1
    """GB/T 39046-2020: 1 is 非常满意, 即办件 is 1."""
    INTERFACE = 2
    """Interfaces of provinces: 1 is 非常不满意, 承诺件 is 1."""


_LEVELS = 6
_KINDS = 3


def code_of(level: Satisfaction, table: CodeTable) -> int:
    """The code of a level in a table."""
    return int(level) if table is CodeTable.NATIONAL else _LEVELS - int(level)


def level_of(code: int, table: CodeTable) -> Satisfaction:
    """The level of a code in a table; raises CodeUnknown."""
    if not 1 <= code < _LEVELS:
        raise CodeUnknown("satisfaction", table=table.name, code=code)
    return Satisfaction(code if table is CodeTable.NATIONAL else _LEVELS - code)


def kind_code_of(kind: HandlingKind, table: CodeTable) -> int:
    """即办 and 承诺 run both ways as well."""
    return int(kind) if table is CodeTable.NATIONAL else _KINDS - int(kind)


def kind_of(code: int, table: CodeTable) -> HandlingKind:
    """Raises CodeUnknown."""
    if not 1 <= code < _KINDS:
        raise CodeUnknown("handling_kind", table=table.name, code=code)
    return HandlingKind(code if table is CodeTable.NATIONAL else _KINDS - code)


class RatingChannel(IntEnum):
    """How a rating was given; the numbers are those of the wire."""

    ON_SITE = 1
    """At the hall: one for each visit (现场一次一评)."""
    ONLINE = 2
    """Over the network: one for each case (网上一事一评)."""
    CARD = 3
    """A paper card that staff enter; it asks what is asked at the hall."""


@dataclass(frozen=True, slots=True)
class IndicatorRating:
    """The level of one indicator."""

    code: str
    level: Satisfaction


class RatingState(IntEnum):
    """The numbers are those of the wire."""

    CALL_BACK = 1
    REPAIR = 2
    TO_CLOSE = 3
    CLOSED = 4


LEVEL_NAMES = {
    Satisfaction.VERY_SATISFIED: "非常满意",
    Satisfaction.SATISFIED: "满意",
    Satisfaction.FAIRLY_SATISFIED: "基本满意",
    Satisfaction.DISSATISFIED: "不满意",
    Satisfaction.VERY_DISSATISFIED: "非常不满意",
}
STATE_NAMES = {
    RatingState.CALL_BACK: "待回访",
    RatingState.REPAIR: "整改中",
    RatingState.TO_CLOSE: "待销号",
    RatingState.CLOSED: "已办结",
}


class Finding(IntEnum):
    """What calling back and looking into it showed."""

    CONFIRMED = 1
    """The complaint is right: it is mended."""
    NO_BASIS = 2
    """What was asked for has no basis in law: it is explained, and counts."""
    UNFOUNDED = 3
    """It is false or malicious: it does not count."""


@dataclass(frozen=True, slots=True)
class Rating:
    """What somebody thought of a visit or a case, and what came of it.

    `handler` served; `by_default` says that nobody said it; `due_on` is the end of the step that is next.
    """

    rating_id: str
    subject: str
    item_id: str
    handler: str
    level: Satisfaction
    by_default: bool
    named: bool
    words: str
    rated_at: datetime
    state: RatingState
    due_on: date | None
    called_back_by: str
    called_back_at: datetime | None
    finding: Finding | None
    repaired_by: str
    repair: str
    closed_by: str
    added: str
    channel: RatingChannel | None = None
    indicator_version: str = ""
    indicators: tuple[IndicatorRating, ...] = ()


def asked_of(channel: RatingChannel, edition: RatingIndicators) -> tuple[RatingIndicator, ...]:
    """The indicators of a channel."""
    return edition.online if channel is RatingChannel.ONLINE else edition.on_site


def with_indicators(
    rating: Rating,
    channel: RatingChannel | None,
    said: tuple[IndicatorRating, ...],
    edition: RatingIndicators,
) -> Rating:
    """The rating with what was said of the indicators, each at most once; raises IndicatorUnknown."""
    known = {one.code for one in asked_of(channel, edition)} if channel else set()
    codes = [one.code for one in said]
    for code in codes:
        if code not in known or codes.count(code) > 1:
            raise IndicatorUnknown("indicators", code=code[:16], version=edition.version)
    version = edition.version if said else ""
    return replace(rating, channel=channel, indicator_version=version, indicators=said)


def rated(
    rating_id: str,
    subject: str,
    item_id: str,
    handler: str,
    level: Satisfaction,
    words: str,
    now: datetime,
    calendar: Calendar,
    by_default: bool = False,
    named: bool = True,
    limit: TimeLimit = CALL_BACK_LIMIT,
) -> Rating:
    """A bad rating that somebody gave is called back; everything else is closed at once."""
    bad = level.is_bad and not by_default
    due_on = calendar.count(day_of(now), limit).due_on if bad else None
    state = RatingState.CALL_BACK if bad else RatingState.CLOSED
    return Rating(
        rating_id,
        subject,
        item_id,
        handler,
        level,
        by_default,
        named,
        words,
        now,
        state,
        due_on,
        "",
        None,
        None,
        "",
        "",
        "",
        "",
    )


def added_to(rating: Rating, words: str) -> Rating:
    """追评: words are added, the level stays."""
    if not words.strip():
        raise WordsMissing("words", what="追评内容")
    return replace(rating, added=words)


def called_back(
    rating: Rating,
    by: str,
    finding: Finding,
    now: datetime,
    calendar: Calendar,
    limit: TimeLimit = REPAIR_LIMIT,
) -> Rating:
    """Somebody who was not rated has asked what was wrong (实名差评回访率100%)."""
    _require(rating, RatingState.CALL_BACK, "回访")
    if by == rating.handler:
        raise NotYours("by", detail="被评价人不得回访本人的差评")
    mended = finding is Finding.CONFIRMED
    return replace(
        rating,
        state=RatingState.REPAIR if mended else RatingState.TO_CLOSE,
        called_back_by=by,
        called_back_at=now,
        finding=finding,
        due_on=calendar.count(day_of(now), limit).due_on,
    )


def repaired(rating: Rating, by: str, repair: str) -> Rating:
    """What was wrong is mended."""
    _require(rating, RatingState.REPAIR, "提交整改")
    if not repair.strip():
        raise WordsMissing("repair", what="整改情况")
    return replace(rating, state=RatingState.TO_CLOSE, repaired_by=by, repair=repair)


def closed(rating: Rating, by: str) -> Rating:
    """整改销号: by another than who was rated, called back or mended it."""
    _require(rating, RatingState.TO_CLOSE, "销号")
    if by in (rating.handler, rating.repaired_by, rating.called_back_by):
        raise NotYours("by", detail="销号须由被评价人、回访人和整改人以外的人办理")
    return replace(rating, state=RatingState.CLOSED, closed_by=by, due_on=None)


@dataclass(frozen=True, slots=True)
class Share:
    """A rate with what it was reckoned from: neither number is ever lost."""

    part: int
    whole: int

    @property
    def percent(self) -> float | None:
        """None if there is nothing to take a share of."""
        return 100 * self.part / self.whole if self.whole else None


def counts(rating: Rating) -> bool:
    """Whether a rating counts: somebody gave it, and it was not found to be false."""
    return not rating.by_default and rating.finding is not Finding.UNFOUNDED


def satisfied(ratings: Iterable[Rating]) -> Share:
    """满意率: satisfied of all that count."""
    valid = [rating for rating in ratings if counts(rating)]
    return Share(sum(not rating.level.is_bad for rating in valid), len(valid))


def called_back_at_all(ratings: Iterable[Rating]) -> Share:
    """实名差评回访率: of the bad ratings with a name, how many were called back (100 % is asked for)."""
    bad = [r for r in ratings if r.level.is_bad and r.named and not r.by_default]
    return Share(sum(r.called_back_at is not None for r in bad), len(bad))


def satisfied_with(ratings: Iterable[Rating], code: str, version: str) -> Share:
    """Of the ratings that count and say something of an indicator of an edition, the satisfied ones."""
    levels = [
        one.level
        for rating in ratings
        if counts(rating) and rating.indicator_version == version
        for one in rating.indicators
        if one.code == code
    ]
    return Share(sum(not level.is_bad for level in levels), len(levels))


def called_back_in_time(
    ratings: Iterable[Rating], calendar: Calendar, limit: TimeLimit = CALL_BACK_LIMIT
) -> Share:
    """Of the bad ratings that were given with a name, how many were called back in time."""
    bad = [r for r in ratings if r.level.is_bad and r.named and not r.by_default]
    in_time = [
        r
        for r in bad
        if r.called_back_at is not None
        and day_of(r.called_back_at) <= calendar.count(day_of(r.rated_at), limit).due_on
    ]
    return Share(len(in_time), len(bad))


def _require(rating: Rating, state: RatingState, act: str) -> None:
    if rating.state is not state:
        raise StepNotPossible("rating_id", state=STATE_NAMES[rating.state], act=act)

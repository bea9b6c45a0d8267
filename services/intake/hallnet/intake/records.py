"""Whether the records of this intake may be older than what the hall said to people and to other halls.

After each start nobody knows: a backup may have been put back, or a disk may have forgotten. The exchange
asks the neighbours. Until it has their word no case that is in the records is acted upon, for it may have
gone on. Which numbers were given nobody but the applicants may know: where the records may lack some, numbers
bear a word that none before had, so that none is given twice.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

from sqlalchemy import select

from hallnet.intake import tables
from hallnet.problems import Kind, Problem
from hallnet.store import Connection
from hallnet.store.upsert import upsert

ALONE_AFTER = timedelta(minutes=10)
"""So long a hall whose exchange hears of no neighbour waits before it acts on its cases: it is cut off, and
works alone. If its records were old after all, other halls will find two histories of a case."""
PATIENCE_SECONDS = 5.0
"""How long a person waits for an answer before being told to come back: mostly it takes a moment."""
RETRY_SECONDS = 5
WORD_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ"
"""Without what is mistaken for a digit."""
WORD_BYTES = 3
CLOCKS_APART = timedelta(days=1)
"""A clock that ran ahead may have given numbers of the next day."""


class RecordsUnsure(Problem):
    """A case is to be acted upon while nobody knows whether it went on without these records."""

    kind = Kind.UNAVAILABLE
    reason = "RECORDS_UNSURE"
    zh = "系统刚刚启动，正在向相邻大厅核对本厅记录是否为最新"
    zh_remedy = "请在{retry_seconds}秒后用同一request_id重试；新申请可以照常受理"
    en = "The hall has just started and asks its neighbours whether its records are the newest"
    en_remedy = "Come back in {retry_seconds} seconds with the same request_id; new cases can be filed meanwhile"


@dataclass(frozen=True, slots=True)
class Word:
    """What numbers bear beside the count, up to the day on which it was noticed that records may be lost."""

    text: str
    noticed_on: date


def _set_event() -> asyncio.Event:
    event = asyncio.Event()
    event.set()
    return event


@dataclass(slots=True)
class Records:
    """What is known of the age of the records. By default that they are the newest."""

    may_act: asyncio.Event = field(default_factory=_set_event)
    """Whether cases may be acted upon."""
    words: tuple[Word, ...] = ()
    """In the order in which they were drawn."""

    @classmethod
    def unsure(cls, words: Sequence[Word]) -> Records:
        """As they are after a start."""
        return cls(asyncio.Event(), tuple(words))

    async def wait(self) -> None:
        """Raises RecordsUnsure if it takes long."""
        if self.may_act.is_set():
            return
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                await self.may_act.wait()
        except TimeoutError as error:
            raise RecordsUnsure(retry_seconds=RETRY_SECONDS) from error

    def word_on(self, day: date) -> str:
        """What stands in the numbers of a day beside the count."""
        return self._word(lambda last: day <= last)

    def word_in(self, year: int) -> str:
        """What stands in the numbers of a year."""
        return self._word(lambda last: year <= last.year)

    def _word(self, is_touched: Callable[[date], bool]) -> str:
        touched = [word for word in self.words if is_touched(word.noticed_on + CLOCKS_APART)]
        # The newest: what bore an older one may be forgotten as well.
        return touched[-1].text if touched else ""


def begin(
    connection: Connection, boot: str, is_alone: bool, today: date, random: bytes
) -> list[Word]:
    """Note that a process starts; returns the words that numbers have to bear.

    If the one before did not end in order, or the machine (of PostgreSQL: the server) was started anew
    since, nobody knows which numbers were given that the records do not have: a new word. A process that is
    not alone on its database does not say how it ended.
    """
    table = tables.last_run
    last = connection.execute(select(table)).one_or_none()
    if last is not None and not (last.closed and last.boot == boot):
        _draw(connection, today, random)
    _note_run(connection, boot, closed=not is_alone)
    return load(connection)


def end(connection: Connection, boot: str) -> None:
    """The processes end in order."""
    _note_run(connection, boot, closed=True)


def are_old(connection: Connection, noticed_on: date, today: date, random: bytes) -> list[Word]:
    """The neighbours had seen more than is in the records, which was noticed on a day: numbers bear a word
    since then. Returns all words."""
    if not any(word.noticed_on >= noticed_on for word in load(connection)):
        _draw(connection, max(today, noticed_on), random)
    return load(connection)


def load(connection: Connection) -> list[Word]:
    table = tables.number_word
    rows = connection.execute(select(table).order_by(table.c.number))
    return [Word(row.word, row.noticed_on) for row in rows]


def _draw(connection: Connection, today: date, random: bytes) -> None:
    text = _in_letters(int.from_bytes(random[:WORD_BYTES], "big"))
    statement = upsert(connection, tables.number_word).values(
        word=text, number=len(load(connection)) + 1, noticed_on=today
    )
    connection.execute(statement.on_conflict_do_nothing())


def _note_run(connection: Connection, boot: str, closed: bool) -> None:
    values = {"boot": boot, "closed": closed}
    statement = upsert(connection, tables.last_run).values(id=1, **values)
    connection.execute(statement.on_conflict_do_update(index_elements=["id"], set_=values))


def _in_letters(number: int) -> str:
    letters = ""
    while number or not letters:
        number, digit = divmod(number, len(WORD_LETTERS))
        letters = WORD_LETTERS[digit] + letters
    return letters

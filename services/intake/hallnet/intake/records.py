"""Whether the records of this intake may be older than what the hall said to people and to other halls.

After each start nobody knows: a backup may have been put back, or a disk may have forgotten. The exchange
asks the neighbours. Until it has their word no case that is in the records is acted upon, for it may have
gone on; and numbers that are given bear a word, so that none is given twice, whatever was forgotten.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

from hallnet.problems import Kind, Problem

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
class Restored:
    """Once the records were older than the journal, which had grown to `end` entries."""

    end: int
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
    unsure_word: str = ""
    """In numbers while nothing is known; random for each start."""
    restored: tuple[Restored, ...] = ()

    @classmethod
    def unsure(cls, random: bytes) -> Records:
        """As they are after a start."""
        return cls(asyncio.Event(), word_of(int.from_bytes(random)))

    def are_known(self, restored: Sequence[Restored]) -> None:
        """The neighbours have spoken."""
        self.restored = tuple(restored)
        self.unsure_word = ""
        self.may_act.set()

    async def wait(self) -> None:
        """Raises RecordsUnsure if it takes long."""
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
        if self.unsure_word:
            return self.unsure_word
        touched = [item.end for item in self.restored if is_touched(item.noticed_on + CLOCKS_APART)]
        # What the neighbours had seen only grows, so it names each loss.
        return word_of(max(touched)) if touched else ""


def word_of(number: int) -> str:
    """A number in letters."""
    letters = ""
    while number or not letters:
        number, digit = divmod(number, len(WORD_LETTERS))
        letters = WORD_LETTERS[digit] + letters
    return letters

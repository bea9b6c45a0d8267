"""After a start nobody knows which numbers were given: none is given twice, whatever was forgotten."""

from __future__ import annotations

import asyncio
from datetime import date, timedelta

import pytest
from tests.simulation.halls import World
from tests.simulation.worlds import TOWNSHIP

from hallnet.intake import records
from hallnet.intake.numbering import Paper, next_case_no, next_document_no
from hallnet.intake.records import Records, RecordsUnsure, Word
from hallnet.places import Address
from hallnet.store import Connection

TODAY = date(2026, 11, 23)
HERE = Address(TOWNSHIP)


def start(world: World, boot: str = "boot-1", random: bytes = b"abc") -> tuple[Word, ...]:
    intake = world.at(TOWNSHIP).intake
    return tuple(intake.transact(lambda c: records.begin(c, boot, True, TODAY, random)))


def stop(world: World, boot: str = "boot-1") -> None:
    world.at(TOWNSHIP).intake.transact(lambda c: records.end(c, boot))


def number(world: World, words: tuple[Word, ...], day: date = TODAY) -> tuple[str, str]:
    known = Records(words=words)

    def take(connection: Connection) -> tuple[str, str]:
        return (
            next_case_no(connection, HERE, day, known.word_on(day)),
            next_document_no(connection, HERE, Paper.NOTICE, day, known.word_in(day.year)),
        )

    return world.at(TOWNSHIP).intake.transact(take)


def test_after_a_start_in_order_numbers_go_on_plainly(world: World) -> None:
    words = start(world)
    assert number(world, words) == (f"{HERE}-20261123-0001", f"{HERE}告〔2026〕1号")
    stop(world)
    assert number(world, start(world))[0] == f"{HERE}-20261123-0002"


@pytest.mark.parametrize("how", ["killed", "the machine was started anew"])
def test_where_numbers_may_be_forgotten_new_ones_bear_a_word_for_as_long_as_they_count(
    world: World, how: str
) -> None:
    number(world, start(world))
    if how == "killed":
        words = start(world, random=b"xyz")
    else:
        stop(world)
        words = start(world, boot="boot-2", random=b"xyz")
    (word,) = words
    assert number(world, words) == (
        f"{HERE}-20261123-{word.text}0001",
        f"{HERE}告〔2026〕{word.text}1号",
    )
    # A clock may have been a day ahead. Papers are counted by the year.
    later = TODAY + timedelta(days=2)
    assert number(world, words, later) == (
        f"{HERE}-20261125-0001",
        f"{HERE}告〔2026〕{word.text}2号",
    )
    assert number(world, words, date(2027, 1, 4))[1] == f"{HERE}告〔2027〕1号"


def test_a_word_stays_after_the_next_start_in_order(world: World) -> None:
    start(world)
    words = start(world, random=b"xyz")
    stop(world)
    assert start(world, random=b"123") == words


def test_when_a_number_with_a_word_may_be_forgotten_the_next_word_counts(world: World) -> None:
    start(world)
    first = number(world, start(world, random=b"xyz"))
    for random in (b"zzz", b"aaa", b"mmm"):
        words = start(world, random=random)
        assert words[-1] not in words[:-1]
        again = number(world, words)
        assert words[-1].text in again[0]
        assert again != first


def test_records_that_the_neighbours_know_to_be_old_get_a_word_once(world: World) -> None:
    assert start(world) == ()
    intake = world.at(TOWNSHIP).intake

    def hear(random: bytes) -> list[Word]:
        return intake.transact(lambda c: records.are_old(c, TODAY, TODAY, random))

    words = hear(b"abc")
    assert len(words) == 1
    assert hear(b"xyz") == words


def test_no_two_words_are_alike_and_none_is_mistaken_for_a_count() -> None:
    texts = {records._in_letters(value) for value in range(0, 2**24, 4097)}
    assert len(texts) == len(range(0, 2**24, 4097))
    assert all(text.isalpha() and text.isupper() for text in texts)


def test_before_the_neighbours_have_spoken_a_case_is_not_acted_upon(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(records, "PATIENCE_SECONDS", 0.01)
    unsure = Records.unsure(())
    with pytest.raises(RecordsUnsure):
        asyncio.run(unsure.wait())
    unsure.may_act.set()
    asyncio.run(unsure.wait())

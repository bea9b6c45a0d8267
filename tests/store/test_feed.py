"""Feeds: every event once, in the order of commits, without a gap, however many write and follow."""

from __future__ import annotations

import asyncio
from threading import Event

import pytest
from sqlalchemy import insert
from tests.store.builders import NOW, cursors, entry, feed, made, opened, thing, together

from hallnet.codec.moments import from_timestamp
from hallnet.store import Connection, Database
from hallnet.store.feed import BATCH_BYTES_MAX, ENTRIES_PER_BATCH_MAX, Entry
from hallnet.wire.feed.v1 import feed_pb2 as wire


def append(database: Database, *subjects: str) -> int:
    return database.transact(
        lambda connection: feed.append(connection, [entry(subject) for subject in subjects])
    )


def after(database: Database, position: int) -> list[wire.FeedEntry]:
    return database.look(lambda connection: feed.after(connection, position))


def subjects(entries: list[wire.FeedEntry]) -> list[str]:
    return [message.subject for message in entries]


def test_positions_count_from_one(database: Database) -> None:
    made(database)
    assert database.look(feed.head) == 0
    assert append(database, "a") == 1
    assert append(database, "b", "c") == 3
    assert database.look(feed.head) == 3
    entries = after(database, 0)
    assert subjects(entries) == ["a", "b", "c"]
    assert [message.position for message in entries] == [1, 2, 3]


def test_an_entry_is_read_as_it_was_appended(database: Database) -> None:
    made(database)
    dispatch = wire.Dispatch(recipient="330110", kind="case.events", payload=b"events")
    appended = Entry("case.event", "case-1", b"payload", NOW, [dispatch], "00-trace")
    database.transact(lambda connection: feed.append(connection, [appended]))
    (message,) = after(database, 0)
    assert (message.kind, message.subject, message.payload) == ("case.event", "case-1", b"payload")
    assert from_timestamp(message.recorded_at) == NOW
    assert list(message.dispatches) == [dispatch]
    assert message.traceparent == "00-trace"


def test_appending_nothing_moves_nothing(database: Database) -> None:
    made(database)
    assert append(database) == 0
    assert append(database, "a") == 1
    assert append(database) == 1
    assert subjects(after(database, 0)) == ["a"]


def test_what_was_undone_leaves_no_gap(database: Database) -> None:
    made(database)
    append(database, "a")

    def work(connection: Connection) -> None:
        feed.append(connection, [entry("lost"), entry("lost too")])
        raise ValueError("undone")

    with pytest.raises(ValueError, match="undone"):
        database.transact(work)
    assert append(database, "b") == 2
    assert [(message.position, message.subject) for message in after(database, 0)] == [
        (1, "a"),
        (2, "b"),
    ]


def test_a_follower_gets_what_comes_after_its_position(database: Database) -> None:
    made(database)
    append(database, *"abcde")
    assert subjects(after(database, 0)) == list("abcde")
    assert subjects(after(database, 3)) == list("de")
    assert after(database, 5) == []
    assert after(database, 99) == []


def test_a_batch_is_bounded_in_number(database: Database) -> None:
    made(database)
    count = ENTRIES_PER_BATCH_MAX + 5
    append(database, *(str(number) for number in range(count)))
    first = after(database, 0)
    assert len(first) == ENTRIES_PER_BATCH_MAX
    assert subjects(after(database, first[-1].position)) == [
        str(number) for number in range(ENTRIES_PER_BATCH_MAX, count)
    ]


def test_a_batch_is_bounded_in_bytes_but_never_empty(database: Database) -> None:
    made(database)
    half = BATCH_BYTES_MAX // 2 - 1000
    sizes = [half, half, half, BATCH_BYTES_MAX + 1, 10]
    database.transact(
        lambda connection: feed.append(
            connection, [entry(str(number), bytes(size)) for number, size in enumerate(sizes)]
        )
    )
    batches, position = [], 0
    while entries := after(database, position):
        batches.append(subjects(entries))
        assert len(entries) == 1 or sum(map(wire.FeedEntry.ByteSize, entries)) <= BATCH_BYTES_MAX
        position = entries[-1].position
    assert batches == [["0", "1"], ["2"], ["3"], ["4"]]


WRITERS, TRANSACTIONS = 4, 20


def test_many_writers_leave_no_gap_and_each_transaction_stays_together(
    database: Database,
) -> None:
    made(database)

    def write(writer: int) -> None:
        for number in range(TRANSACTIONS):
            append(database, *(f"{writer}/{number}/{part}" for part in range(1 + number % 3)))

    together(WRITERS, write)
    entries = everything(database)
    expected = sum(1 + number % 3 for number in range(TRANSACTIONS)) * WRITERS
    assert [message.position for message in entries] == list(range(1, expected + 1))
    assert database.look(feed.head) == expected
    told = subjects(entries)
    assert len(set(told)) == expected
    for writer in range(WRITERS):
        own = [subject for subject in told if subject.startswith(f"{writer}/")]
        assert own == sorted(own, key=lambda text: [int(part) for part in text.split("/")])
    for place, subject in enumerate(told):
        transaction, _, part = subject.rpartition("/")
        if part != "0":
            assert told[place - 1] == f"{transaction}/{int(part) - 1}"


def everything(database: Database) -> list[wire.FeedEntry]:
    entries: list[wire.FeedEntry] = []
    while batch := after(database, entries[-1].position if entries else 0):
        entries += batch
    return entries


def test_a_follower_misses_nothing_and_repeats_nothing_while_others_write(
    database: Database,
) -> None:
    """Also not an entry of a transaction that began early and commits late."""
    made(database)
    finished = Event()
    writers_left = [WRITERS]

    def work(number: int) -> list[int]:
        if number == WRITERS:
            return follow()
        for turn in range(TRANSACTIONS):

            def write(connection: Connection, turn: int = turn) -> None:
                connection.execute(insert(thing).values(name=f"{number}/{turn}", amount=0))
                feed.append(connection, [entry(f"{number}/{turn}")])

            database.transact(write)
        writers_left[0] -= 1
        if writers_left[0] == 0:
            finished.set()
        return []

    def follow() -> list[int]:
        seen: list[int] = []
        while True:
            was_finished = finished.is_set()
            batch = after(database, seen[-1] if seen else 0)
            seen += [message.position for message in batch]
            if was_finished and not batch:
                return seen

    *_, seen = together(WRITERS + 1, work)
    assert seen == list(range(1, WRITERS * TRANSACTIONS + 1))


# Waiting for the next entry --------------------------------------------------------------------


def test_who_waits_is_told_of_a_commit_at_once(database: Database) -> None:
    made(database)

    async def wait() -> wire.FollowResponse:
        waiting = asyncio.create_task(feed.batches_after(database, 0))
        await asyncio.sleep(0)
        await database.write(lambda connection: feed.append(connection, [entry("a")]))
        feed.announce()
        return await waiting

    found = asyncio.run(wait())
    assert subjects(list(found.entries)) == ["a"]
    assert found.head == 1


def test_who_does_not_have_to_wait_is_answered_at_once(database: Database) -> None:
    made(database)
    append(database, *"abc")
    found = asyncio.run(feed.batches_after(database, 1))
    assert subjects(list(found.entries)) == ["b", "c"]
    assert found.head == 3


def test_a_quiet_feed_gives_a_sign_of_life_with_its_head(database: Database) -> None:
    made(database)
    append(database, *"abc")
    found = asyncio.run(feed.batches_after(database, 3))
    assert list(found.entries) == []
    assert found.head == 3


def test_a_commit_of_another_process_is_noticed_without_being_announced(
    database: Database, database_url: str
) -> None:
    made(database)

    async def wait(other: Database) -> wire.FollowResponse:
        waiting = asyncio.create_task(feed.batches_after(database, 0))
        await asyncio.sleep(0)
        await other.write(lambda connection: feed.append(connection, [entry("a")]))
        return await waiting

    with opened(database_url) as other:
        assert subjects(list(asyncio.run(wait(other)).entries)) == ["a"]


def test_who_no_longer_waits_is_forgotten(database: Database) -> None:
    made(database)

    async def wait() -> None:
        waiting = asyncio.create_task(feed.batches_after(database, 0))
        await asyncio.sleep(0.01)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)

    asyncio.run(wait())
    assert not feed._waiting


# Cursors ---------------------------------------------------------------------------------------


def position(database: Database, name: str) -> int:
    return database.look(lambda connection: cursors.position(connection, name))


def advance(database: Database, name: str, to: int) -> None:
    database.transact(lambda connection: cursors.advance(connection, name, to))


def test_a_cursor_begins_before_the_first_entry_and_never_goes_back(database: Database) -> None:
    made(database)
    assert position(database, "intake") == 0
    for to, expected in ((5, 5), (3, 5), (5, 5), (0, 5), (9, 9)):
        advance(database, "intake", to)
        assert position(database, "intake") == expected


def test_each_feed_has_a_cursor_of_its_own(database: Database) -> None:
    made(database)
    advance(database, "intake", 5)
    advance(database, "exchange", 2)
    assert (position(database, "intake"), position(database, "exchange")) == (5, 2)
    assert position(database, "branch-sync") == 0


def test_of_many_who_advance_at_once_the_farthest_stays(database: Database) -> None:
    made(database)
    together(6, lambda number: advance(database, "intake", 10 - number))
    assert position(database, "intake") == 10


def test_a_cursor_moves_in_the_transaction_of_what_was_done(database: Database) -> None:
    made(database)

    def deal_with(connection: Connection) -> None:
        connection.execute(insert(thing).values(name="effect", amount=1))
        cursors.advance(connection, "intake", 1)
        raise ValueError("crash")

    with pytest.raises(ValueError, match="crash"):
        database.transact(deal_with)
    assert position(database, "intake") == 0


def test_after_a_start_no_position_is_given_that_a_follower_may_have_seen(
    database: Database,
) -> None:
    """Records that are older than a follower's cursor: what comes next is not passed over."""
    made(database)
    append(database, "a")
    seen = 3  # two entries more than these records have
    database.transact(lambda connection: feed.leap(connection, NOW))
    assert append(database, "b") > seen
    assert subjects(after(database, seen)) == ["b"]
    assert subjects(after(database, 0)) == ["a", "b"]
    last = database.look(feed.head)
    database.transact(lambda connection: feed.leap(connection, NOW))
    assert database.look(feed.head) == last

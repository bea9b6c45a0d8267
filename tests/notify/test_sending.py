"""Sending: tried again after stored pauses, given up after a bound, and nobody held up by another."""

from __future__ import annotations

import asyncio
import itertools
import json
import logging
from collections.abc import Coroutine
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.case.builders import ACCEPTED, CLOSED, GRANTED, START
from tests.exchange.test_face import SETTINGS
from tests.notify.parts import BY_AGENT, SECRETS, ask, notices, send, take, told_of, until
from tests.notify.receiver import receiving, silence, status

from hallnet.federation.backoff import NOTICE
from hallnet.node.home import Home, Part
from hallnet.notify.channels import FileChannel, SwitchedOff
from hallnet.notify.face import NoticeUnknown, NotifyFace
from hallnet.notify.sending import ATTEMPTS_MAX, DUE_ROWS_MAX, send_due
from hallnet.notify.service import Notify
from hallnet.notify.webhook import WebhookChannel
from hallnet.notify.writing import State
from hallnet.store import Database
from hallnet.store.requests import RequestIdMissing, RequestIdReused
from hallnet.wire.notify.v1 import notify_service_pb2 as wire

FIRST = "intake-1-applicant"


def break_for(folder: Path, notice_id: str) -> Path:
    """Whatever is written for a notice stands in the way of itself: the disk fails for it alone."""
    path = folder / f".{notice_id}.json.partial"
    path.mkdir(parents=True)
    return path


def try_all(database: Database, channel: FileChannel | SwitchedOff) -> list[datetime]:
    """Let time pass until the notice is given up; returns the moments of the tries."""
    now, tried = START, []
    while send(database, channel, now):
        tried.append(now)
        row = notices(database)[0]
        if row.state == State.WAITING:
            now = row.next_try_at
    return tried


def retry(
    database: Database, notice_id: str, request_id: str = "request-1", channel: str = "file"
) -> wire.Notice:
    face = NotifyFace(database, lambda: START, lambda: None)
    request = wire.RetryNoticeRequest(request_id=request_id, notice_id=notice_id, channel=channel)
    answer: Coroutine[Any, Any, wire.RetryNoticeResponse] = face.RetryNotice(request, None)
    return ask(answer).notice


def test_what_a_channel_takes_is_sent_once(database: Database, tmp_path: Path) -> None:
    take(database, told_of(ACCEPTED))
    later = START + timedelta(minutes=1)
    assert send(database, FileChannel(tmp_path), later) == 2
    assert send(database, FileChannel(tmp_path), later + timedelta(days=400)) == 0
    assert [(row.state, row.attempts, row.sent_at) for row in notices(database)] == [
        (State.SENT, 1, later)
    ] * 2
    assert len(list(tmp_path.glob("*.json"))) == 2


def test_notices_go_in_the_order_in_which_they_were_written(
    database: Database, tmp_path: Path
) -> None:
    take(database, told_of(ACCEPTED, GRANTED, CLOSED, opening=BY_AGENT))
    send(database, FileChannel(tmp_path), START)
    files = sorted(tmp_path.glob("*.json"), key=lambda path: path.stat().st_mtime_ns)
    assert [path.stem for path in files] == [row.notice_id for row in notices(database)]


def test_a_round_is_bounded(database: Database, tmp_path: Path) -> None:
    entries = told_of(opening=BY_AGENT)
    for position in range(1, DUE_ROWS_MAX):
        entries[0].position = position
        take(database, entries)
    rounds = [send(database, FileChannel(tmp_path), START) for _ in range(3)]
    assert rounds == [DUE_ROWS_MAX, DUE_ROWS_MAX - 2, 0]


def test_a_failure_is_noted_and_tried_again_after_a_pause_that_is_stored(
    database: Database, tmp_path: Path
) -> None:
    take(database, told_of())
    break_for(tmp_path, FIRST)
    send(database, FileChannel(tmp_path), START)
    (row,) = notices(database)
    assert (row.state, row.attempts, row.last_error) == (
        State.WAITING,
        1,
        "IsADirectoryError 21",
    )
    assert NOTICE.first / 2 <= row.next_try_at - START <= NOTICE.first
    just_before = row.next_try_at - timedelta(microseconds=1)
    assert send(database, FileChannel(tmp_path), just_before) == 0
    assert send(database, FileChannel(tmp_path), row.next_try_at) == 1


def test_pauses_double_up_to_a_bound_and_then_it_is_given_up(
    database: Database, tmp_path: Path
) -> None:
    take(database, told_of())
    break_for(tmp_path, FIRST)
    tried = try_all(database, FileChannel(tmp_path))
    assert len(tried) == ATTEMPTS_MAX
    pauses = [later - sooner for sooner, later in itertools.pairwise(tried)]
    for number, pause in enumerate(pauses):
        whole = min(NOTICE.first * 2**number, NOTICE.longest)
        assert whole / 2 <= pause <= whole
    (row,) = notices(database)
    assert (row.state, row.attempts) == (State.GIVEN_UP, ATTEMPTS_MAX)
    assert send(database, FileChannel(tmp_path), START + timedelta(days=1000)) == 0


def test_what_is_given_up_is_visible_and_warned_of_without_naming_anybody(
    database: Database, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    take(database, told_of())
    break_for(tmp_path, FIRST)
    try_all(database, FileChannel(tmp_path))
    warnings = [item.getMessage() for item in caplog.records if item.name == "hallnet.notify"]
    assert warnings == [f"notice {FIRST} is given up on file: IsADirectoryError 21"]
    assert not any(secret in caplog.text for secret in SECRETS)
    face = NotifyFace(database, lambda: START, lambda: None)
    listed: Coroutine[Any, Any, wire.ListNoticesResponse] = face.ListNotices(
        wire.ListNoticesRequest(), None
    )
    (shown,) = ask(listed).notices
    assert shown.state == wire.NOTICE_STATE_GIVEN_UP
    assert shown.last_error == "IsADirectoryError 21"


def test_who_retries_brings_it_back(database: Database, tmp_path: Path) -> None:
    take(database, told_of())
    broken = break_for(tmp_path, FIRST)
    try_all(database, FileChannel(tmp_path))
    shown = retry(database, FIRST)
    assert (shown.state, shown.attempts) == (wire.NOTICE_STATE_WAITING, 0)
    broken.rmdir()
    assert send(database, FileChannel(tmp_path), START) == 1
    (row,) = notices(database)
    assert (row.state, row.attempts, row.last_error) == (State.SENT, 1, "")


def test_the_same_retry_again_has_no_second_effect(database: Database, tmp_path: Path) -> None:
    take(database, told_of())
    break_for(tmp_path, FIRST)
    try_all(database, FileChannel(tmp_path))
    first = retry(database, FIRST)
    try_all(database, FileChannel(tmp_path))
    assert notices(database)[0].state == State.GIVEN_UP
    assert retry(database, FIRST) == first
    assert notices(database)[0].state == State.GIVEN_UP
    assert retry(database, FIRST, "request-2").state == wire.NOTICE_STATE_WAITING


def test_what_was_sent_or_still_waits_is_not_sent_again_by_a_retry(
    database: Database, tmp_path: Path
) -> None:
    take(database, told_of(ACCEPTED))
    send(database, FileChannel(tmp_path), START)
    assert retry(database, FIRST).state == wire.NOTICE_STATE_SENT
    assert send(database, FileChannel(tmp_path), START) == 0


def test_a_retry_of_nothing_is_refused_and_its_id_is_free_again(
    database: Database, tmp_path: Path
) -> None:
    take(database, told_of())
    with pytest.raises(NoticeUnknown):
        retry(database, "intake-9-applicant")
    with pytest.raises(NoticeUnknown):
        retry(database, FIRST, channel="webhook")
    assert retry(database, FIRST).notice_id == FIRST


def test_a_retry_needs_an_id_that_belongs_to_it_alone(database: Database) -> None:
    take(database, told_of(ACCEPTED))
    with pytest.raises(RequestIdMissing):
        retry(database, FIRST, "")
    retry(database, FIRST)
    with pytest.raises(RequestIdReused):
        retry(database, "intake-2-applicant")


def test_a_notice_that_fails_does_not_hold_up_the_others(
    database: Database, tmp_path: Path
) -> None:
    take(database, told_of(ACCEPTED, GRANTED))
    break_for(tmp_path, FIRST)
    assert send(database, FileChannel(tmp_path), START) == 3
    assert [row.state for row in notices(database)] == [State.WAITING, State.SENT, State.SENT]


def test_a_channel_that_fails_is_not_the_matter_of_another(
    database: Database, tmp_path: Path
) -> None:
    async def run() -> int:
        async with receiving(status(503)) as receiver:
            webhook = WebhookChannel(f"http://127.0.0.1:{receiver.port}/")
            for channel in (webhook, FileChannel(tmp_path)):
                await send_due(database, channel, lambda: START)
            await webhook.close()
            return len(receiver.requests)

    take(database, told_of(), channels=("file", "webhook"))
    assert ask(run()) == 1
    assert {row.channel: (row.state, row.last_error) for row in notices(database)} == {
        "file": (State.SENT, ""),
        "webhook": (State.WAITING, "HTTP 503"),
    }


def test_what_waits_for_a_channel_that_was_switched_off_is_given_up_for_a_person_to_see(
    database: Database,
) -> None:
    take(database, told_of(), channels=("webhook",))
    assert len(try_all(database, SwitchedOff("webhook"))) == ATTEMPTS_MAX
    (row,) = notices(database)
    assert (row.state, row.last_error) == (State.GIVEN_UP, "channel is switched off")


def test_a_process_that_ends_after_the_channel_took_it_sends_the_same_again(
    database: Database,
) -> None:
    """The program behind the webhook tells the repetition by its key."""

    async def run() -> list[str]:
        async with receiving(status(200)) as receiver:
            webhook = WebhookChannel(f"http://127.0.0.1:{receiver.port}/")
            for clock in (_ends, lambda: START):
                try:
                    await send_due(database, webhook, clock)
                except _Ended:
                    continue
            await webhook.close()
            return [item.headers["idempotency-key"] for item in receiver.requests]

    take(database, told_of(), channels=("webhook",))
    calls = iter([START])

    class _Ended(Exception):
        pass

    def _ends() -> datetime:
        """The clock stops the process between the answer of the channel and its record."""
        for moment in calls:
            return moment
        raise _Ended

    assert ask(run()) == [FIRST, FIRST]
    assert notices(database)[0].state == State.SENT


def test_what_one_process_sent_stays_sent_whatever_another_says(
    database: Database, tmp_path: Path
) -> None:
    """Two tried at once; the one that failed is noted last."""

    class Slower(FileChannel):
        async def send(self, notice: Any) -> None:
            await send_due(database, FileChannel(tmp_path / "whole"), lambda: START)
            await super().send(notice)

    take(database, told_of())
    break_for(tmp_path / "broken", FIRST)
    send(database, Slower(tmp_path / "broken"), START)
    (row,) = notices(database)
    assert (row.state, row.attempts, row.last_error) == (State.SENT, 1, "")


def test_a_hanging_webhook_does_not_hold_up_the_files(database_url: str, tmp_path: Path) -> None:
    """The loops of the very service, for as long as the file needs."""
    ask(_with_a_hanging_webhook(database_url, tmp_path / "home"))


async def _with_a_hanging_webhook(database_url: str, folder: Path) -> None:
    async with receiving(silence) as receiver:
        settings = (
            SETTINGS.format(address="330127")
            + f'[notify]\nwebhook_url = "http://127.0.0.1:{receiver.port}/"\n'
            + f'[database]\nurl = "{database_url}"\n'
        )
        home = Home.create(folder, settings, datetime.now(UTC))
        notify = Notify(home, lambda: START)
        database = Database(database_url, "notify", home.vault(Part.NOTIFY))
        take(database, told_of(ACCEPTED), channels=("file", "webhook"))
        sending = [
            asyncio.ensure_future(body()) for name, body in notify.loops() if "sends" in name
        ]
        await until(lambda: len(list((folder / "notices").glob("*.json"))) == 2)
        await until(lambda: len(receiver.requests) == 1)
        for task in sending:
            task.cancel()
        await asyncio.gather(*sending, return_exceptions=True)
        await notify.close()
        states = {(row.channel, row.state) for row in notices(database)}
        database.close()
    assert ("webhook", State.WAITING) in states
    assert ("webhook", State.SENT) not in states


def test_the_texts_of_all_notices_of_a_case_are_listed_in_the_order_of_what_happened(
    database: Database, tmp_path: Path
) -> None:
    take(database, told_of(ACCEPTED, GRANTED))
    send(database, FileChannel(tmp_path), START)
    texts = [
        json.loads(path.read_text("utf-8"))["text"] for path in sorted(tmp_path.glob("*.json"))
    ]
    assert texts == [row.text for row in notices(database)]

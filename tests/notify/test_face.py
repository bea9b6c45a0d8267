"""The list of notices, called as its server calls it."""

from __future__ import annotations

from collections.abc import Coroutine
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.case.builders import ACCEPTED, CLOSED, GRANTED, START
from tests.notify.parts import OPENING, PERSON, ask, in_force, send, take, told_of

from hallnet.codec.moments import to_timestamp
from hallnet.node.paging import PAGE_SIZE_MAX, PageTokenInvalid
from hallnet.notify.channels import FileChannel
from hallnet.notify.face import NotifyFace
from hallnet.store import Database
from hallnet.wire.feed.v1 import feed_pb2 as wire_feed
from hallnet.wire.notify.v1 import notify_service_pb2 as wire


def listed(database: Database, **values: Any) -> wire.ListNoticesResponse:
    face = NotifyFace(database, lambda: START, lambda: None)
    answer: Coroutine[Any, Any, wire.ListNoticesResponse] = face.ListNotices(
        wire.ListNoticesRequest(**values), None
    )
    return ask(answer)


def incident(position: int) -> wire_feed.FeedEntry:
    return wire_feed.FeedEntry(position=position, kind="incident.recorded", subject="330127")


def test_a_notice_is_shown_with_how_far_it_is_and_without_where_it_goes(
    database: Database, tmp_path: Path
) -> None:
    take(database, told_of())
    (waiting,) = listed(database).notices
    assert waiting.state == wire.NOTICE_STATE_WAITING
    assert not waiting.HasField("sent_at")
    later = START + timedelta(minutes=1)
    send(database, FileChannel(tmp_path), later)
    (sent,) = listed(database).notices
    assert sent.state == wire.NOTICE_STATE_SENT
    assert sent.sent_at == to_timestamp(later)
    assert sent.written_at == to_timestamp(START)
    assert (sent.notice_id, sent.subject, sent.audience, sent.channel, sent.attempts) == (
        "intake-1-applicant",
        "case-1",
        wire.NOTICE_AUDIENCE_APPLICANT,
        "file",
        1,
    )
    assert OPENING.case_no in sent.text
    assert PERSON.phone not in str(sent)


def test_the_notices_of_one_matter_are_found(database: Database) -> None:
    take(database, told_of(ACCEPTED))
    take(database, [incident(5)], "exchange")
    assert len(listed(database).notices) == 3
    found = listed(database, subject="330127").notices
    assert [item.audience for item in found] == [wire.NOTICE_AUDIENCE_STAFF]
    assert list(listed(database, subject="nothing").notices) == []


def test_notices_are_paged_oldest_first_without_loss_or_repetition(database: Database) -> None:
    take(database, told_of(ACCEPTED, GRANTED, CLOSED))
    take(database, [incident(number) for number in range(1, 5)], "exchange")
    found: list[str] = []
    token = ""
    while True:
        page = listed(database, page_size=3, page_token=token)
        found += [item.notice_id for item in page.notices]
        assert len(page.notices) <= 3
        token = page.next_page_token
        if not token:
            break
        take(database, [in_force()], "branch-sync")
    assert found == [f"intake-{number}-applicant" for number in range(1, 5)] + [
        f"exchange-{number}-staff" for number in range(1, 5)
    ]


def test_a_page_is_bounded_whatever_is_asked_for(database: Database) -> None:
    take(
        database,
        [incident(number) for number in range(1, PAGE_SIZE_MAX + 2)],
        "exchange",
    )
    assert len(listed(database, page_size=2**32 - 1).notices) == PAGE_SIZE_MAX
    assert len(listed(database).notices) == 100


@pytest.mark.parametrize("token", ["x", "!!!!", "eHh4", "LTU=", "OTk5OTk5OTk5OTk5OTk5OTk5OTk5"])
def test_a_page_token_that_came_from_nowhere_is_refused(database: Database, token: str) -> None:
    with pytest.raises(PageTokenInvalid):
        listed(database, page_token=token)

"""Writing notices: what its own hall did, once, for each person and channel."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy.exc import IntegrityError
from tests.case.builders import ACCEPTED, CLOSED, GRANTED, INSTANT, ITEM, REVIEWED, START
from tests.exchange.parts import rows
from tests.notify.parts import (
    BY_AGENT,
    OPENING,
    PERSON,
    SECRETS,
    in_force,
    notices,
    take,
    told_of,
)

from hallnet.case.event import REQUEST_REFUSED, CaseRequestRefused
from hallnet.notify import tables, writing
from hallnet.notify.wording import Audience
from hallnet.notify.writing import State
from hallnet.store import Database
from hallnet.trust.problems import JournalDoubted
from hallnet.trust.release import ReleaseKind
from hallnet.wire.feed.v1 import feed_pb2 as wire_feed
from hallnet.wire.trust.v1 import journal_pb2 as wire_trust
from hallnet.wire.window.v1 import paper_request_pb2 as wire_paper


def test_every_act_of_this_hall_is_told_once_to_each_who_is_concerned(database: Database) -> None:
    take(database, told_of(ACCEPTED, GRANTED, CLOSED, opening=BY_AGENT))
    found = notices(database)
    assert [row.notice_id for row in found] == [
        f"intake-{position}-{who}" for position in (1, 2, 3, 4) for who in ("applicant", "agent")
    ]
    assert {row.subject for row in found} == {"case-1"}
    assert [(row.audience, row.address) for row in found[:2]] == [
        (Audience.APPLICANT, PERSON.phone),
        (Audience.AGENT, "agent-1"),
    ]


def test_a_new_notice_waits_and_was_never_tried(database: Database) -> None:
    take(database, told_of())
    (row,) = notices(database)
    assert (row.state, row.attempts, row.sent_at, row.last_error) == (State.WAITING, 0, None, "")
    assert row.written_at == row.next_try_at == START


def test_a_notice_is_written_for_each_channel_of_the_hall(database: Database) -> None:
    take(database, told_of(), channels=("file", "webhook"))
    assert [(row.notice_id, row.channel) for row in notices(database)] == [
        ("intake-1-applicant", "file"),
        ("intake-1-applicant", "webhook"),
    ]


def test_a_hall_without_channels_writes_nothing_and_goes_on(database: Database) -> None:
    take(database, told_of(ACCEPTED), channels=())
    assert notices(database) == []


def test_what_another_hall_said_is_told_by_that_hall_alone(database: Database) -> None:
    take(database, told_of(ACCEPTED, REVIEWED, kind="case.replica"))
    assert notices(database) == []


def test_a_case_that_was_filed_elsewhere_is_told_of_under_its_own_number(
    database: Database,
) -> None:
    """The opening came from the other hall, the decision is of this one."""
    entries = told_of(ACCEPTED, GRANTED)
    for entry in entries[:2]:
        entry.kind = "case.replica"
    take(database, entries)
    (row,) = notices(database)
    assert (row.notice_id, row.address) == ("intake-3-applicant", PERSON.phone)
    assert OPENING.case_no in row.text
    assert PERSON.name in row.text


def test_the_opening_that_is_told_again_does_not_change_who_is_told(database: Database) -> None:
    take(database, told_of())
    other = replace(OPENING, applicant=replace(PERSON, phone="13000000000"))
    take(database, told_of(opening=other, kind="case.replica"))
    (row,) = rows(database, tables.recipient)
    assert row.phone == PERSON.phone


def test_the_applicant_is_told_once_of_whom_the_hall_asks_for_which_paper(
    database: Database,
) -> None:
    """个人信息保护法 articles 17 and 35."""
    take(database, told_of(ACCEPTED))
    asked = wire_paper.PaperRequest(
        asker="330127", asked="330110", paper="居民户口簿", basis="某条例第八条。", edition=1
    )
    again = wire_paper.PaperRequest()
    again.CopyFrom(asked)
    again.edition = 2
    entries = [
        wire_feed.FeedEntry(
            position=position,
            kind="paper.request_sent",
            subject="case-1",
            payload=one.SerializeToString(),
        )
        for position, one in ((3, asked), (4, again))
    ]
    assert all(map(writing.concerns, entries))
    take(database, entries)
    *_, row = notices(database)
    assert (row.notice_id, row.address) == ("intake-3-applicant", PERSON.phone)
    assert row.text.endswith(
        "所需的“居民户口簿”，本厅正依法向杭州市余杭区调取，仅用于办理本件，您不必提交。依据：某条例第八条。"
    )


def test_an_item_is_called_by_the_name_of_the_version_under_which_it_was_filed(
    database: Database,
) -> None:
    newer = replace(ITEM, version=ITEM.version + 1, name="新名称")
    take(database, [in_force(ITEM, newer)], "branch-sync")
    take(database, told_of())
    assert f"“{ITEM.name}”" in notices(database)[0].text


def test_a_later_catalogue_corrects_a_name(database: Database) -> None:
    take(database, [in_force(ITEM)], "branch-sync")
    take(database, [in_force(replace(ITEM, name="更正的名称"))], "branch-sync")
    take(database, told_of())
    assert "“更正的名称”" in notices(database)[0].text


def test_an_item_whose_name_never_came_is_called_by_its_id(database: Database) -> None:
    take(database, told_of())
    assert f"“{ITEM.item_id}”" in notices(database)[0].text


def test_a_catalogue_without_items_and_other_releases_hold_up_nothing(database: Database) -> None:
    take(
        database,
        [in_force(), in_force(INSTANT, kind=ReleaseKind.POLICY)],
        "branch-sync",
    )
    assert rows(database, tables.item_name) == []
    assert notices(database) == []


STAFF: list[tuple[str, str, bytes, str]] = [
    ("case.set_aside", "case-1", b"HISTORY_BROKEN", "HISTORY_BROKEN"),
    (
        "case.undelivered",
        "case-1",
        wire_feed.DeliveryEnded(recipient="330127", reason="EXPIRED").SerializeToString(),
        "EXPIRED，收件方330127",
    ),
    (
        "case.request_refused",
        "case-1",
        REQUEST_REFUSED.to_bytes(
            CaseRequestRefused("case-1", "request-1", "STAGE_WRONG", "办件已办结")
        ),
        "办件已办结",
    ),
    ("case.looks_alike", "case-1", "文昌镇，330127101-1".encode(), "文昌镇，330127101-1"),
    ("matter.too_many", "330127102", b"330127102", "330127102"),
    (
        "incident.recorded",
        "330127",
        wire_trust.Incident(reason="PROOF_INVALID", neighbour="330127").SerializeToString(),
        "PROOF_INVALID，来自330127",
    ),
    ("release.refused", "SIGNATURE_INVALID", b"d" * 32, "SIGNATURE_INVALID"),
]


@pytest.mark.parametrize(("kind", "subject", "payload", "detail"), STAFF)
def test_staff_are_told_once_with_the_stable_reason(
    database: Database, kind: str, subject: str, payload: bytes, detail: str
) -> None:
    entry = wire_feed.FeedEntry(position=7, kind=kind, subject=subject, payload=payload)
    take(database, [entry], "exchange")
    (row,) = notices(database)
    assert (row.notice_id, row.audience, row.address, row.subject) == (
        "exchange-7-staff",
        Audience.STAFF,
        "",
        subject,
    )
    assert f"（{detail}）" in row.text
    assert not any(secret in row.text for secret in SECRETS)


@pytest.mark.parametrize("doubt", JournalDoubted.__subclasses__(), ids=lambda doubt: doubt.reason)
def test_a_doubt_about_a_journal_is_told_in_words_with_what_to_do(
    database: Database, doubt: type[JournalDoubted]
) -> None:
    payload = wire_trust.Incident(reason=doubt.reason, neighbour="330127").SerializeToString()
    entry = wire_feed.FeedEntry(position=7, kind="incident.recorded", payload=payload)
    take(database, [entry], "exchange")
    (row,) = notices(database)
    assert row.text.startswith("安全事件：")
    assert "330127" in row.text
    assert doubt.zh_remedy in row.text
    assert "拒收" not in row.text


def test_the_same_position_of_two_feeds_gives_two_notices(database: Database) -> None:
    entry = wire_feed.FeedEntry(position=1, kind="incident.recorded")
    take(database, told_of())
    take(database, [entry], "exchange")
    assert [row.notice_id for row in notices(database)] == [
        "intake-1-applicant",
        "exchange-1-staff",
    ]


def test_two_who_write_the_same_notice_cannot_both_do_it(database: Database) -> None:
    """The cursor keeps them apart; the table would notice if it did not."""
    take(database, told_of())
    with pytest.raises(IntegrityError):
        take(database, told_of())
    assert len(notices(database)) == 1


def test_an_error_of_the_database_names_nobody(database: Database) -> None:
    """It goes to the log with its traceback."""
    take(database, told_of())
    with pytest.raises(IntegrityError) as error:
        take(database, told_of())
    assert not any(secret in _all_of(error.value) for secret in SECRETS)


def _all_of(error: BaseException) -> str:
    context: Any = error.__cause__ or error.__context__
    return str(error) + (_all_of(context) if context is not None else "")


@pytest.mark.parametrize("text", ["张\0三", "张" * 5000, "", "张三\n李四", "𠮷野家"])
def test_no_name_of_an_applicant_holds_up_the_notices_of_others(
    database: Database, text: str
) -> None:
    """Names come from other halls as well."""
    odd = replace(OPENING, applicant=replace(PERSON, name=text, phone=text))
    take(database, told_of(ACCEPTED, opening=odd))
    assert len(notices(database)) == 2

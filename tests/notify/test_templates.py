"""Acceptance check 7: the text of a 告知单 is changed by a release and by nothing else."""

from __future__ import annotations

import pytest
from tests.case.builders import START
from tests.notify.parts import OPENING, notices, take, told_of
from tests.notify.test_wording import NOTICE

from hallnet.case.template import TEMPLATES, PaperKind, PaperTemplate, PaperTemplates
from hallnet.places import Address
from hallnet.store import Database
from hallnet.trust.release import RELEASE, ReleaseBody, ReleaseKind
from hallnet.trust.suite import Suite
from hallnet.wire.case.v1 import command_pb2 as wire_command
from hallnet.wire.feed.v1 import feed_pb2 as wire_feed
from hallnet.wire.release.v1 import release_pb2 as wire_release


def released(text: str, author: str, version: int) -> wire_feed.FeedEntry:
    content = TEMPLATES.to_bytes(PaperTemplates((PaperTemplate(PaperKind.NOTICE, text),)))
    kind, hall = ReleaseKind.TEMPLATE, Address(author)
    body = ReleaseBody(Suite.ED25519, kind, hall, version, START, START, content, "")
    payload = wire_release.SignedRelease(body=RELEASE.to_bytes(body)).SerializeToString()
    return wire_feed.FeedEntry(position=version, kind="release.in_force", payload=payload)


def last_text(database: Database) -> tuple[str, str]:
    row = notices(database)[-1]
    return row.text, row.template


def test_without_a_release_the_built_in_text_holds_and_is_named(database: Database) -> None:
    take(database, told_of(NOTICE))
    text, template = last_text(database)
    assert "现一次性告知全部内容（补正-1）" in text
    assert template == "内置"


def test_a_notice_has_the_text_in_force_when_it_was_given_and_names_its_version(
    database: Database,
) -> None:
    own = "请一次补齐（{document_no}）：{defects}。逾期不补视为撤回。"
    take(database, [released(own, "33", 4)], feed="branch-sync")
    take(database, told_of(NOTICE))
    text, template = last_text(database)
    assert "请一次补齐（补正-1，文本33-4）：1. 户口簿" in text
    assert template == "33-4"
    take(database, [released(own.replace("请", "务请"), "33", 5)], feed="branch-sync")
    assert last_text(database) == (text, template)


def test_the_nearest_hall_holds_and_an_older_release_changes_nothing(database: Database) -> None:
    for author, version, words in (("33", 9, "省"), ("3301", 2, "市"), ("3301", 1, "旧")):
        entry = released(f"{words}（{{document_no}}）{{defects}}。", author, version)
        take(database, [entry], feed="branch-sync")
    take(database, told_of(NOTICE))
    text, template = last_text(database)
    assert "市（补正-1，文本3301-2）" in text
    assert template == "3301-2"


def test_releases_and_events_of_one_batch_are_taken_in_their_order(database: Database) -> None:
    first, second = told_of(NOTICE)
    entry = released("新（{document_no}）{defects}。", "33", 1)
    take(database, [first, entry, second])
    texts = [row.template for row in notices(database)]
    assert texts == ["内置", "33-1"]
    assert OPENING.case_no


@pytest.mark.parametrize("command", ["GiveNotice", "Accept", "Decline", "Decide"])
def test_no_act_of_a_clerk_bears_a_text_of_a_paper(command: str) -> None:
    """What a clerk enters are defects, reasons and a basis; which words stand around them is not asked."""
    message = getattr(wire_command, command)
    names = set(message.DESCRIPTOR.fields_by_name)
    assert names.isdisjoint({"text", "template", "body", "document_no", "text_version"})

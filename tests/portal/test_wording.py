"""There are words for everything that can happen."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import get_args

import pytest
from google.protobuf.descriptor import EnumDescriptor
from tests.case.builders import LATER_FACTS

from hallnet.case.event import (
    AcceptanceBasis,
    Accepted,
    CaseEvent,
    Channel,
    Closed,
    Decided,
    Declined,
    DeclineGround,
    Defect,
    DeliveryMethod,
    Fact,
    Filed,
    HandedOver,
    HandOverDeclined,
    HandOverFailed,
    HandOverPurpose,
    NoticeGiven,
    Opinion,
    Outcome,
    Reviewed,
    Supplemented,
    TakenOver,
    Withdrawn,
)
from hallnet.case.person import Actor, ActorKind, Person
from hallnet.case.stage import Stage
from hallnet.places import Address, divisions
from hallnet.portal import wording
from hallnet.portal.halls import Halls
from hallnet.wire.branch_sync.v1 import branch_sync_service_pb2 as wire_sync
from hallnet.wire.case.v1 import case_event_pb2 as wire_event
from hallnet.wire.case.v1 import fact_pb2 as wire_fact
from hallnet.wire.case.v1 import item_pb2 as wire_item
from hallnet.wire.case.v1 import person_pb2 as wire_person
from hallnet.wire.exchange.v1 import exchange_service_pb2 as wire_exchange
from hallnet.wire.intake.v1 import intake_service_pb2 as wire_intake
from hallnet.wire.notify.v1 import notify_service_pb2 as wire_notify
from hallnet.wire.release.v1 import release_pb2 as wire_release

NOW = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)
COUNTY = Address("330127")
HALLS = Halls(COUNTY, "淳安县政务服务中心", divisions())
FACTS: list[Fact] = [
    Filed(
        "330127-20261123-0001",
        "item",
        1,
        "",
        Person("陈秀英", "111", "11010519491231002X", "", ""),
        Channel.COUNTER,
        COUNTY,
        None,
        COUNTY,
        (),
        None,
        "ABCDEFGH",
    ),
    NoticeGiven("告1号", (Defect("申请书", "未签名", "请签名"),)),
    Supplemented(()),
    Accepted("受1号", AcceptanceBasis.SILENCE, date(2026, 11, 23)),
    Declined("不受1号", DeclineGround.WRONG_BODY, "不归本机关", "市监局"),
    Reviewed(Opinion.FAVOURABLE, "属实"),
    HandedOver(Address("3301"), HandOverPurpose.REPORT_UP, ""),
    TakenOver(),
    HandOverDeclined("NOT_COMPETENT", "不归本厅"),
    HandOverFailed("EXPIRED"),
    Decided("决1号", Outcome.REFUSED, "不符合条件", "某法", "可复议", ""),
    Closed(DeliveryMethod.POST, "本人"),
    Withdrawn("不办了"),
    *LATER_FACTS,
]


@pytest.mark.parametrize("fact", FACTS, ids=lambda fact: type(fact).__name__)
def test_every_fact_is_told(fact: Fact) -> None:
    actor = Actor(ActorKind.STAFF, "clerk", "李窗口")
    told = wording.tell(CaseEvent("id", 1, b"", NOW, COUNTY, actor, fact), HALLS)
    assert told.headline
    assert all(name and text for name, text in told.particulars)


def test_no_fact_is_left_out() -> None:
    assert {type(fact) for fact in FACTS} == set(get_args(Fact))


@pytest.mark.parametrize(
    ("words", "enum"),
    [
        (wording.STAGES, wire_intake.CaseStage.DESCRIPTOR),
        (wording.STAGE_TONES, wire_intake.CaseStage.DESCRIPTOR),
        (wording.LEG_OUTCOMES, wire_fact.LegOutcome.DESCRIPTOR),
        (wording.CLOCKS, wire_intake.ClockKind.DESCRIPTOR),
        (wording.HANDLING, wire_item.HandlingKind.DESCRIPTOR),
        (wording.REQUIREMENTS, wire_item.Requirement.DESCRIPTOR),
        (wording.SOURCES, wire_item.MaterialSource.DESCRIPTOR),
        (wording.FORMS, wire_item.MaterialForm.DESCRIPTOR),
        (wording.CHANNELS, wire_event.Channel.DESCRIPTOR),
        (wording.OPINIONS, wire_event.Opinion.DESCRIPTOR),
        (wording.OUTCOMES, wire_event.Outcome.DESCRIPTOR),
        (wording.DECLINE_GROUNDS, wire_event.DeclineGround.DESCRIPTOR),
        (wording.DELIVERY_METHODS, wire_event.DeliveryMethod.DESCRIPTOR),
        (wording.DEFECT_KINDS, wire_event.DefectKind.DESCRIPTOR),
        (wording.HAND_OVERS, wire_event.HandOverPurpose.DESCRIPTOR),
        (wording.ACTORS, wire_person.ActorKind.DESCRIPTOR),
        (wording.MANDATE_ACTS, wire_person.MandateAct.DESCRIPTOR),
        (wording.EVIDENCE_KINDS, wire_person.MandateEvidenceKind.DESCRIPTOR),
        (wording.DELIVERIES, wire_exchange.DeliveryState.DESCRIPTOR),
        (wording.NOTICES, wire_notify.NoticeState.DESCRIPTOR),
        (wording.NOTICE_TONES, wire_notify.NoticeState.DESCRIPTOR),
        (wording.AUDIENCES, wire_notify.NoticeAudience.DESCRIPTOR),
        (wording.RELEASES, wire_release.ReleaseKind.DESCRIPTOR),
        (wording.STANDINGS, wire_sync.ReleaseStanding.DESCRIPTOR),
    ],
    ids=lambda value: value.full_name if isinstance(value, EnumDescriptor) else "",
)
def test_every_value_has_a_word(words: Mapping[int, str], enum: EnumDescriptor) -> None:
    assert {int(number) for number in words} == {value.number for value in enum.values} - {0}


@pytest.mark.parametrize(
    ("due_on", "words"),
    [
        ("", ""),
        ("2026-11-23", "今天到期"),
        ("2026-11-24", "剩1天"),
        ("2026-11-20", "逾期3天"),
    ],
)
def test_days_left_are_counted_from_today(due_on: str, words: str) -> None:
    assert wording.days_left(due_on, date(2026, 11, 23)) == words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(-5, "0秒前"), (59, "59秒前"), (60, "1分钟前"), (3600, "1小时前"), (200_000, "2天前")],
)
def test_an_age_has_one_unit(seconds: int, words: str) -> None:
    assert wording.age(NOW - timedelta(seconds=seconds), NOW) == words


def test_moments_are_told_in_the_time_of_the_country() -> None:
    assert wording.moment(datetime(2026, 12, 31, 16, 30, tzinfo=UTC)) == "2027-01-01 00:30"
    assert wording.day("2026-11-23") == "2026-11-23 周一"


def test_only_what_counters_can_read_is_shown() -> None:
    assert wording.if_chinese("租房提取") == "租房提取"
    assert wording.if_chinese("if an agent files") == ""


def test_a_number_shows_both_ends() -> None:
    assert wording.masked_number("11010519491231002X") == "1101**********002X"
    assert wording.masked_number("A12") == "A*2"
    assert wording.masked_number("") == "*"


def test_a_division_is_found_by_code_or_name() -> None:
    assert HALLS.division("", "for_division") == ""
    assert HALLS.division("330424", "for_division") == "330424"
    assert HALLS.division("330424 嘉兴市海盐县", "for_division") == "330424"
    assert HALLS.division("海盐县", "for_division") == "330424"


@pytest.mark.parametrize("stage", list(Stage))
def test_every_stage_has_a_tone(stage: Stage) -> None:
    assert wording.STAGE_TONES[stage]

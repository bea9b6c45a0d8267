"""The life of a case through the real tables: each act, its event in the feed, its row in the lists."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy.exc import IntegrityError
from tests.exchange.parts import rows
from tests.exchange.test_face import ask
from tests.intake.parts import (
    ACCEPT,
    AUTHORISATION,
    CLOSE,
    ELDER_CARD,
    GRANT,
    HAND_OVER,
    MATERIAL,
    NOTICE,
    RELIEF,
    REVIEW,
    SUBSISTENCE,
    WITHDRAW,
    Post,
    act,
    asking,
    events_told,
    everything,
    face,
    facts,
    file_request,
    history,
    raws,
    reported_up,
    row_of,
    set_aside,
    supplement,
    take_release,
    told,
)
from tests.simulation.halls import World
from tests.simulation.worlds import COUNTY, TOWNSHIP
from tests.store.builders import together

from hallnet.case import command as commands
from hallnet.case.case import Case
from hallnet.case.command import Command
from hallnet.case.event import DeclineGround, Outcome
from hallnet.case.fact import EndManner, ProcedureKind, Surveyor
from hallnet.case.item import TimeLimit, TimeUnit
from hallnet.case.problems import (
    ActNotPossible,
    CaseInTransit,
    CaseUnknown,
    DefectsIncomplete,
    MaterialNotUploaded,
    MaterialsMissing,
    NothingSupplemented,
    NotTheCustodian,
    ReasonsMissing,
    ResultsSuspended,
    RightBodyMissing,
)
from hallnet.case.stage import Stage
from hallnet.codec.moments import to_timestamp
from hallnet.intake import handling, tables
from hallnet.places import Address
from hallnet.problems import Problem
from hallnet.trust.freshness import HARD_EXPIRY
from hallnet.trust.release import ReleaseKind
from hallnet.wire.case.v1 import case_event_pb2 as wire_event
from hallnet.wire.case.v1 import command_pb2 as wire_command
from hallnet.wire.intake.v1 import intake_service_pb2 as wire
from hallnet.wire.trust.v1 import certificate_pb2 as wire_trust

MAIN_LINE = [
    "Filed",
    "NoticeGiven",
    "Supplemented",
    "Accepted",
    "Reviewed",
    "HandedOver",
    "TakenOver",
    "Decided",
    "HandedOver",
    "TakenOver",
    "Closed",
]


def whole_life(world: World, post: Post) -> Case:
    """All acts of the main line, at both halls."""
    case = world.file(TOWNSHIP, SUBSISTENCE, without=[AUTHORISATION])
    world.act(TOWNSHIP, case, NOTICE)
    world.act(TOWNSHIP, case, supplement(world, TOWNSHIP))
    for command in (ACCEPT, REVIEW, HAND_OVER):
        world.time.pass_by(hours=1)
        world.act(TOWNSHIP, case, command)
    post.settle()
    world.act(COUNTY, case, GRANT)
    post.settle()
    ended = world.act(TOWNSHIP, case, CLOSE)
    post.settle()
    return ended


def test_the_main_line_is_told_in_order_and_both_halls_hold_the_same(world: World) -> None:
    case = whole_life(world, Post(world))
    township, county = world.at(TOWNSHIP), world.at(COUNTY)
    assert facts(history(township, case)) == MAIN_LINE
    assert raws(township, case) == raws(county, case)
    own = events_told(township, case)
    assert facts(own) == [*MAIN_LINE[:6], "TakenOver", "Closed"]
    assert facts(events_told(county, case)) == ["TakenOver", "Decided", "HandedOver"]
    assert [event.sequence for event in own] == [1, 2, 3, 4, 5, 6, 10, 11]
    for station, kinds in ((township, 3), (county, 8)):
        entries = [entry for entry in told(station) if entry.subject == case.case_id]
        assert {entry.kind for entry in entries} == {"case.event", "case.replica"}
        assert sum(entry.kind == "case.replica" for entry in entries) == kinds
        assert [entry.payload for entry in entries] == raws(station, case)
    assert set_aside(township) == set_aside(county) == []


def test_each_stage_stands_in_the_lists_of_both_halls(world: World) -> None:
    post = Post(world)
    case = whole_life(world, post)
    for address in (TOWNSHIP, COUNTY):
        row = row_of(world.at(address), case)
        assert (row.stage, row.ended, row.custodian) == (Stage.CLOSED, True, TOWNSHIP)
        assert row.met_on == world.time.now.date()


def test_a_case_in_transit_stands_in_nobodys_custody(world: World) -> None:
    case = reported_up(world)
    row = row_of(world.at(TOWNSHIP), case)
    assert (row.custodian, row.in_transit_to) == ("", COUNTY)
    Post(world).settle()
    row = row_of(world.at(TOWNSHIP), case)
    assert (row.custodian, row.in_transit_to) == (COUNTY, "")


def test_an_instant_case_is_accepted_and_decided_in_one_act(world: World) -> None:
    case = world.file(TOWNSHIP, ELDER_CARD)
    world.act(TOWNSHIP, case, GRANT)
    world.act(TOWNSHIP, case, CLOSE)
    assert facts(events_told(world.at(TOWNSHIP), case)) == [
        "Filed",
        "Accepted",
        "Decided",
        "Closed",
    ]


def test_a_case_can_be_declined_and_is_ended(world: World) -> None:
    case = world.file(TOWNSHIP, SUBSISTENCE)
    wrong_body = commands.Decline(DeclineGround.WRONG_BODY, "不属于本机关职权", "县医保局")
    ended = world.act(TOWNSHIP, case, wrong_body)
    assert ended.stage is Stage.DECLINED
    assert row_of(world.at(TOWNSHIP), case).ended


def test_a_case_can_be_withdrawn_until_it_is_decided(world: World) -> None:
    early, late = world.file(TOWNSHIP, RELIEF), world.file(TOWNSHIP, RELIEF)
    world.act(TOWNSHIP, early, WITHDRAW)
    for command in (ACCEPT, GRANT):
        world.act(TOWNSHIP, late, command)
    with pytest.raises(ActNotPossible):
        world.act(TOWNSHIP, late, WITHDRAW)
    assert facts(history(world.at(TOWNSHIP), early)) == ["Filed", "Withdrawn"]
    assert facts(history(world.at(TOWNSHIP), late)) == ["Filed", "Accepted", "Decided"]


REFUSED_ACTS: list[tuple[Command, type[Problem]]] = [
    (ACCEPT, MaterialsMissing),
    (commands.GiveNotice(()), Problem),
    (REVIEW, ActNotPossible),
    (GRANT, Problem),
    (CLOSE, ActNotPossible),
    (HAND_OVER, ActNotPossible),
    (commands.Supplement(()), NothingSupplemented),
    (commands.Decline(DeclineGround.NOT_NEEDED, " ", ""), ReasonsMissing),
    (commands.Decline(DeclineGround.WRONG_BODY, "不属于", ""), RightBodyMissing),
]


def test_what_is_refused_leaves_no_trace_in_any_table(world: World) -> None:
    case = world.file(TOWNSHIP, SUBSISTENCE, without=[AUTHORISATION])
    before = everything(world.at(TOWNSHIP))
    for command, problem in REFUSED_ACTS:
        with pytest.raises(problem):
            world.act(TOWNSHIP, case, command)
    assert everything(world.at(TOWNSHIP)) == before


def test_a_notice_has_to_name_all_that_is_missing(world: World) -> None:
    case = world.file(TOWNSHIP, SUBSISTENCE, without=[AUTHORISATION])
    told_of_another = commands.GiveNotice((_defect("别的材料"),))
    with pytest.raises(DefectsIncomplete):
        world.act(TOWNSHIP, case, told_of_another)
    assert world.act(TOWNSHIP, case, NOTICE).stage is Stage.CORRECTING


def _defect(name: str) -> Any:
    return type(NOTICE.defects[0])(name, "缺少", "补交")


def test_nobody_acts_on_a_case_that_is_elsewhere(world: World) -> None:
    case = reported_up(world)
    post = Post(world)
    with pytest.raises(CaseInTransit):
        world.act(TOWNSHIP, case, GRANT)
    post.settle()
    with pytest.raises(NotTheCustodian):
        world.act(TOWNSHIP, case, REVIEW)
    world.act(COUNTY, case, GRANT)
    with pytest.raises(CaseInTransit):
        world.act(COUNTY, case, CLOSE)


def test_a_case_is_found_by_its_number_as_well_as_by_its_id(world: World) -> None:
    case = world.file(TOWNSHIP, RELIEF)
    station = world.at(TOWNSHIP)
    found = station.intake.transact(
        lambda c: handling.act(c, station.hall, "chief", case.case_no, ACCEPT, world.time.now)
    )
    assert found.case_id == case.case_id
    with pytest.raises(CaseUnknown):
        ask(face(world).GetCase(wire.GetCaseRequest(case_ref="x", actor_id="chief"), None))


# Through the face


def acts(world: World, case: Case) -> Iterable[tuple[str, Any]]:
    """The main line of a case that the township decides itself, as requests."""
    paper = MATERIAL.to_message(world.upload(TOWNSHIP, "居民家庭经济状况", b"x"))
    name = world.case(TOWNSHIP, case).materials[0].name  # type: ignore[union-attr]
    paper.name = name
    yield (
        "ActOnCase",
        asking(
            act(),
            case.case_id,
            wire_command.GiveNotice(
                defects=[wire_event.Defect(material=name, problem="不清楚", remedy="重拍")]
            ),
        ),
    )
    yield "ActOnCase", asking(act(), case.case_id, wire_command.Supplement(materials=[paper]))
    yield "ActOnCase", asking(act(), case.case_id, wire_command.Accept())
    yield (
        "ActOnCase",
        asking(
            act(),
            case.case_id,
            wire_command.Review(opinion=wire_event.OPINION_FAVOURABLE, explanation="符合"),
        ),
    )
    yield (
        "ActOnCase",
        asking(
            act(),
            case.case_id,
            wire_command.Decide(
                outcome=wire_event.OUTCOME_REFUSED,
                reasons="收入超过标准",
                legal_basis="社会救助暂行办法第九条",
            ),
        ),
    )
    yield (
        "ActOnCase",
        asking(
            act(),
            case.case_id,
            wire_command.ReportRefusal(liaison="联络员", explanation="收入超过标准"),
        ),
    )
    yield (
        "ActOnCase",
        asking(
            act(),
            case.case_id,
            wire_command.Close(method=wire_event.DELIVERY_METHOD_COUNTER, received_by="本人"),
        ),
    )


def test_the_face_does_each_act_once_for_its_request_id(world: World) -> None:
    case = world.file(TOWNSHIP, RELIEF)
    for method, request in acts(world, case):
        first = ask(getattr(face(world), method)(request, None))
        assert ask(getattr(face(world), method)(request, None)) == first
        assert first.case.last_digest == world.case(TOWNSHIP, case).last_digest  # type: ignore[union-attr]
    told_facts = facts(events_told(world.at(TOWNSHIP), case))
    assert told_facts == [
        "Filed",
        "NoticeGiven",
        "Supplemented",
        "Accepted",
        "Reviewed",
        "Decided",
        "RefusalReported",
        "Closed",
    ]


def test_the_possible_acts_are_those_that_the_rules_let_pass(world: World) -> None:
    """What a clerk is offered works; what she is not offered is refused."""
    commands_of: dict[str, Command] = {
        "GiveNotice": NOTICE,
        "Supplement": supplement(world, TOWNSHIP),
        "Accept": ACCEPT,
        "Decline": commands.Decline(DeclineGround.NOT_NEEDED, "无需", ""),
        "Review": REVIEW,
        "HandOver": HAND_OVER,
        "Decide": GRANT,
        "Close": CLOSE,
        "Withdraw": WITHDRAW,
        "SendOriginals": commands.SendOriginals("B-1", ("房产证",), Address(COUNTY), "邮政"),
        "End": commands.End(EndManner.VOID, "录入错误", ""),
        "MakeUrgent": commands.MakeUrgent("主任", "救急", TimeLimit(1, TimeUnit.WORKING_DAY)),
        "BeginProcedure": commands.BeginProcedure(
            ProcedureKind.TEST, "", TimeLimit(3, TimeUnit.WORKING_DAY), "需检测", None
        ),
        "Survey": commands.Survey(
            world.time.now.date(),
            (Surveyor("李四", "民政", "33-1"), Surveyor("周七", "村委", "33-2")),
            "属实",
            True,
        ),
        "OfferOwnership": commands.OfferOwnership("chief"),
        "RecordOffHall": commands.RecordOffHall("后方收件"),
        "TellRights": commands.TellRights(("邻居",), "采光", True),
        "HearView": commands.HearView("邻居", "不同意", False),
    }
    case = world.file(TOWNSHIP, SUBSISTENCE)
    for step in (NOTICE, commands_of["Supplement"], ACCEPT, REVIEW, HAND_OVER):
        offered = set(_look(world, case).possible_acts)
        assert offered <= commands_of.keys() | {"Extend", "SignCommitment"}
        offered &= commands_of.keys()
        works = {name for name, command in commands_of.items() if _would_work(world, case, command)}
        assert offered == works
        world.act(TOWNSHIP, case, step)
    assert list(_look(world, case).possible_acts) == []


def _look(world: World, case: Case) -> wire.CaseView:
    request = wire.GetCaseRequest(case_ref=case.case_id, actor_id="chief", purpose="办理")
    view: wire.CaseView = ask(face(world).GetCase(request, None)).case
    return view


class Undone(Exception):
    """Ends a transaction that was only tried."""


def _would_work(world: World, case: Case, command: Command) -> bool:
    station = world.at(TOWNSHIP)

    def attempt(connection: Any) -> None:
        handling.act(connection, station.hall, "chief", case.case_id, command, world.time.now)
        raise Undone

    try:
        station.intake.transact(attempt)
    except Undone:
        return True
    except Problem:
        return False
    raise AssertionError("unreachable")


def test_a_supplement_has_to_be_uploaded_first(world: World) -> None:
    case = world.file(TOWNSHIP, SUBSISTENCE, without=[AUTHORISATION])
    world.act(TOWNSHIP, case, NOTICE)
    paper = MATERIAL.to_message(world.upload(TOWNSHIP, AUTHORISATION))
    paper.digest = b"n" * 32
    request = asking(act(), case.case_id, wire_command.Supplement(materials=[paper]))
    with pytest.raises(MaterialNotUploaded):
        ask(face(world).ActOnCase(request, None))


# Two at once


def test_of_two_who_decide_at_once_one_does_and_the_other_is_told(world: World) -> None:
    case = world.file(TOWNSHIP, RELIEF)
    world.act(TOWNSHIP, case, ACCEPT)
    refuse = commands.Decide(Outcome.REFUSED, "收入超过标准", "社会救助暂行办法")

    def decide(number: int) -> str:
        try:
            world.act(TOWNSHIP, case, (GRANT, refuse)[number])
        except ActNotPossible:
            return "told"
        return "done"

    assert sorted(together(2, decide)) == ["done", "told"]
    station = world.at(TOWNSHIP)
    assert facts(history(station, case)) == ["Filed", "Accepted", "Decided"]
    assert len(events_told(station, case)) == 3


def test_the_tables_themselves_take_no_second_event_at_one_place(world: World) -> None:
    case = world.file(TOWNSHIP, RELIEF)
    station = world.at(TOWNSHIP)
    row = rows(station.intake, tables.case_event)[0]
    with pytest.raises(IntegrityError):
        station.intake.transact(
            lambda c: c.execute(tables.case_event.insert().values(**row._mapping))
        )
    assert len(history(station, case)) == 1


# Suspended


def test_nothing_is_decided_on_expired_trust_but_all_else_goes_on(world: World) -> None:
    bundle = wire_trust.TrustBundle(hard_expires_at=to_timestamp(world.time.now))
    take_release(world, TOWNSHIP, ReleaseKind.TRUST, bundle.SerializeToString())
    case = world.file(TOWNSHIP, RELIEF)
    world.act(TOWNSHIP, case, ACCEPT)
    with pytest.raises(ResultsSuspended):
        world.act(TOWNSHIP, case, GRANT)
    world.act(TOWNSHIP, case, REVIEW)
    world.restart(TOWNSHIP)
    with pytest.raises(ResultsSuspended):
        world.act(TOWNSHIP, case, GRANT)
    bundle.hard_expires_at.FromDatetime(world.time.now.replace(year=2028))
    take_release(world, TOWNSHIP, ReleaseKind.TRUST, bundle.SerializeToString(), 3)
    assert world.act(TOWNSHIP, case, GRANT).stage is Stage.DECIDED


def test_a_hall_to_which_no_bundle_ever_came_issues_results_for_as_long_as_one_would_be_good(
    world: World,
) -> None:
    station = world.at(TOWNSHIP)
    station.hall = replace(station.hall, founded_at=world.time.now)
    case = world.file(TOWNSHIP, ELDER_CARD)
    world.time.now += HARD_EXPIRY - timedelta(seconds=1)
    world.act(TOWNSHIP, case, GRANT)
    second = world.file(TOWNSHIP, ELDER_CARD)
    world.time.pass_by(seconds=1)
    with pytest.raises(ResultsSuspended):
        world.act(TOWNSHIP, second, GRANT)
    assert world.file(TOWNSHIP, ELDER_CARD).stage is Stage.RECEIVED


def test_results_are_suspended_from_the_very_moment_of_expiry(world: World) -> None:
    bundle = wire_trust.TrustBundle(hard_expires_at=to_timestamp(world.time.now))
    bundle.hard_expires_at.seconds += 60
    take_release(world, TOWNSHIP, ReleaseKind.TRUST, bundle.SerializeToString())
    first, second = world.file(TOWNSHIP, ELDER_CARD), world.file(TOWNSHIP, ELDER_CARD)
    world.time.pass_by(seconds=59.9)
    world.act(TOWNSHIP, first, GRANT)
    world.time.pass_by(seconds=0.1)
    with pytest.raises(ResultsSuspended):
        world.act(TOWNSHIP, second, GRANT)


def test_a_face_that_files_gives_the_view_of_the_whole_case(world: World) -> None:
    view = ask(face(world).FileCase(file_request(world), None)).case
    assert view.item.item_id == SUBSISTENCE
    assert {"GiveNotice", "Accept", "Decline", "Withdraw"} <= set(view.possible_acts)
    assert [event.WhichOneof("fact") for event in view.events] == ["filed"]

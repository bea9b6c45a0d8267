"""Broken promises, refusals that are recalled, and what is only filed, at halls that share a case."""

from __future__ import annotations

from typing import Any

import pytest
from tests.exchange.parts import rows
from tests.exchange.test_face import ask
from tests.intake.parts import (
    ACCEPT,
    CLOSE,
    HAND_OVER,
    REVIEW,
    Post,
    face,
)
from tests.intake.test_duplicates import SOMEBODY, do, filed
from tests.simulation.halls import World
from tests.simulation.worlds import COUNTY, TOWNSHIP

from hallnet.case import command as commands
from hallnet.case.case import Case
from hallnet.case.event import HandedOver, HandOverPurpose, Outcome
from hallnet.case.fact import CheckResult
from hallnet.case.rules.problems import CreditNotRepaired
from hallnet.case.stage import Stage
from hallnet.intake import cases, counting, tables
from hallnet.numbers.measure import Measure
from hallnet.wire.intake.v1 import intake_service_pb2 as wire

LEGAL_AID, FILING = "legal-aid", "investment-filing"
"""Received by the township and decided by the county; and only filed, at the county."""
GRANT = commands.Decide(Outcome.GRANTED, "符合条件", "")
REFUSE = commands.Decide(Outcome.REFUSED, "不符合条件", "法律援助条例")
BROKEN = commands.CheckAfterwards(CheckResult.BROKEN, "收入不实")


def case_at(world: World, at: str, view: wire.CaseView) -> Case:
    return world.at(at).intake.look(lambda c: cases.load(c, view.summary.case_id))


def sign(world: World, at: str, view: wire.CaseView) -> None:
    case = case_at(world, at, view)
    paper = world.upload(at, "告知承诺书")
    name = case.materials[0].name
    world.act(at, case, commands.SignCommitment((name,), "2026版", paper))


def closed(world: World, post: Post) -> wire.CaseView:
    """A case granted on a promise at the county and closed at the township."""
    view = filed(world, TOWNSHIP, LEGAL_AID)
    sign(world, TOWNSHIP, view)
    do(world, TOWNSHIP, view, ACCEPT, REVIEW, HAND_OVER)
    post.settle()
    do(world, COUNTY, view, GRANT)
    post.settle()
    do(world, TOWNSHIP, view, CLOSE)
    post.settle()
    return view


def broken(world: World, post: Post) -> wire.CaseView:
    view = closed(world, post)
    do(world, COUNTY, view, BROKEN)
    post.settle()
    return view


def credit(world: World, at: str, view: wire.CaseView) -> str:
    request = wire.GetCaseRequest(case_ref=view.summary.case_id, actor_id="chief", purpose="x")
    return ask(face(world, at).GetCase(request, None)).case.credit_broken_since  # type: ignore[no-any-return]


def numbers_hold(world: World, at: str) -> None:
    """What is kept with every act is what the events give."""
    station = world.at(at)
    kept = station.intake.look(counting.kept)
    assert kept == station.intake.look(lambda c: counting.from_events(c, station.hall))


def test_a_closed_case_with_a_promise_is_checked_by_the_hall_that_decided(world: World) -> None:
    view = broken(world, Post(world))
    case = case_at(world, COUNTY, view)
    last = case.last(HandedOver)
    assert last is not None
    assert last.purpose is HandOverPurpose.AFTER_CHECK
    for at in (TOWNSHIP, COUNTY):
        numbers_hold(world, at)


def test_who_broke_a_promise_has_none_taken_at_any_hall_that_knows_of_it(world: World) -> None:
    post = Post(world)
    view = broken(world, post)
    again = filed(world, TOWNSHIP, LEGAL_AID)
    for at in (TOWNSHIP, COUNTY):
        assert credit(world, at, view) == world.time.now.date().isoformat()
    with pytest.raises(CreditNotRepaired):
        sign(world, TOWNSHIP, again)
    other = filed(world, TOWNSHIP, LEGAL_AID, world.person())
    sign(world, TOWNSHIP, other)
    do(world, COUNTY, view, commands.RepairCredit("已履行承诺"))
    post.settle()
    assert credit(world, TOWNSHIP, view) == ""
    sign(world, TOWNSHIP, again)


def test_two_broken_promises_are_two_to_repair(world: World) -> None:
    post = Post(world)
    first, second = closed(world, post), closed(world, post)
    do(world, COUNTY, first, BROKEN)
    do(world, COUNTY, second, BROKEN)
    do(world, COUNTY, first, commands.RepairCredit("已履行承诺"))
    assert credit(world, COUNTY, first)
    do(world, COUNTY, second, commands.RepairCredit("已履行承诺"))
    assert credit(world, COUNTY, first) == ""


def test_a_person_is_known_by_a_keyed_digest_and_no_number_lies_open(world: World) -> None:
    view = broken(world, Post(world))
    for at in (TOWNSHIP, COUNTY):
        [row] = rows(world.at(at).intake, tables.broken_promise)
        assert row.case_id == view.summary.case_id
        assert SOMEBODY.document_number not in repr(row)
    digests = {
        rows(world.at(at).intake, tables.broken_promise)[0].person for at in (TOWNSHIP, COUNTY)
    }
    assert len(digests) == 2


def refused_and_reported(world: World, post: Post) -> wire.CaseView:
    view = filed(world, TOWNSHIP, LEGAL_AID)
    do(world, TOWNSHIP, view, ACCEPT, REVIEW, HAND_OVER)
    post.settle()
    do(world, COUNTY, view, REFUSE)
    post.settle()
    do(world, TOWNSHIP, view, commands.ReportRefusal("联络员", "收入超过标准"))
    return view


def test_a_refusal_is_recalled_at_home_examined_again_above_and_closed(world: World) -> None:
    """否定报备: and the numbers still reconcile."""
    post = Post(world)
    view = refused_and_reported(world, post)
    do(world, TOWNSHIP, view, commands.RecallRefusal("收入计算有误"))
    assert case_at(world, TOWNSHIP, view).transit is not None
    post.settle()
    there = case_at(world, COUNTY, view)
    assert (there.stage, str(there.custodian)) == (Stage.ACCEPTED, COUNTY)
    do(world, COUNTY, view, GRANT)
    post.settle()
    do(world, TOWNSHIP, view, CLOSE)
    assert case_at(world, TOWNSHIP, view).stage is Stage.CLOSED
    day = world.time.now.date().isoformat()
    for at in (TOWNSHIP, COUNTY):
        numbers_hold(world, at)
        request = wire.GetNumbersRequest(actor_id="chief", first=day, last=day)
        assert ask(face(world, at).GetNumbers(request, None)).numbers


def test_what_is_only_filed_is_counted_as_finished_and_not_as_decided(world: World) -> None:
    view: Any = filed(world, COUNTY, FILING)
    do(world, COUNTY, view, ACCEPT, CLOSE)
    station = world.at(COUNTY)
    found = {key.measure: n for key, n in station.intake.look(counting.kept).items()}
    assert (found[Measure.FINISHED], found[Measure.IN_PROMISE]) == (1, 1)
    assert Measure.GRANTED not in found
    numbers_hold(world, COUNTY)
    day = world.time.now.date().isoformat()
    request = wire.GetNumbersRequest(actor_id="chief", first=day, last=day)
    assert ask(face(world, COUNTY).GetNumbers(request, None)).rates

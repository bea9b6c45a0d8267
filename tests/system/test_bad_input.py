"""Bad input over the real interface: a stable reason, a sentence in Chinese that says what to do, the
field that is wrong, and nothing half done."""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable
from dataclasses import replace
from hashlib import sha256
from typing import Any

import pytest
from tests.system.conftest import TOWNSHIP, RealNetwork

from hallnet.demo import world
from hallnet.demo.counter import Counter, person
from hallnet.node.client import problems_raised
from hallnet.problems import Kind, Reported
from hallnet.wire.case.v1 import case_event_pb2 as wire_event
from hallnet.wire.case.v1 import person_pb2 as wire_person
from hallnet.wire.intake.v1 import intake_service_pb2 as wire

ELDER = "elder-allowance"
SOMEBODY = world.villager(700)


def filing(**changes: Any) -> wire.FileCaseRequest:
    """An application that is right, but for what is changed."""
    request = wire.FileCaseRequest(
        act=wire.Act(request_id=str(uuid.uuid4()), actor_id=world.CLERK),
        item_id=ELDER,
        applicant=person(SOMEBODY),
        channel=wire_event.CHANNEL_COUNTER,
    )
    for name, value in changes.items():
        if isinstance(value, str | int):
            setattr(request, name, value)
        else:
            getattr(request, name).CopyFrom(value)
    return request


def wrong_check_digit() -> wire_person.Person:
    number = SOMEBODY.number
    other = "1" if number[-1] != "1" else "2"
    return person(replace(SOMEBODY, number=number[:-1] + other))


def by(actor_id: str, request_id: str | None = None) -> wire.Act:
    return wire.Act(request_id=request_id or str(uuid.uuid4()), actor_id=actor_id)


REFUSED: list[tuple[str, Callable[[], wire.FileCaseRequest], str, str]] = [
    (
        "an identity number with a wrong check digit",
        lambda: filing(applicant=wrong_check_digit()),
        "IDENTITY_NUMBER_CHECK_DIGIT",
        "applicant.document_number",
    ),
    (
        "an identity number that is too short",
        lambda: filing(applicant=person(replace(SOMEBODY, number="3301271950"))),
        "IDENTITY_NUMBER_MALFORMED",
        "applicant.document_number",
    ),
    (
        "no name",
        lambda: filing(applicant=person(replace(SOMEBODY, name=" "))),
        "NAME_MISSING",
        "applicant.name",
    ),
    (
        "an unknown division",
        lambda: filing(item_id="resident-pension-enrolment", for_division="339999"),
        "DIVISION_UNKNOWN",
        "division",
    ),
    (
        "a division that is none",
        lambda: filing(item_id="resident-pension-enrolment", for_division="杭州"),
        "ADDRESS_MALFORMED",
        "for_division",
    ),
    (
        "an unknown village",
        lambda: filing(intake_point="330127101999"),
        "DIVISION_UNKNOWN",
        "division",
    ),
    ("an unknown item", lambda: filing(item_id="no-such-item"), "ITEM_UNKNOWN", "item_id"),
    (
        "an item that is not taken in here",
        lambda: filing(item_id="investment-approval"),
        "ITEM_NOT_ACCEPTED_HERE",
        "item_id",
    ),
    (
        "an item that only the own county handles, for another county",
        lambda: filing(for_division="330110"),
        "OUT_OF_SCOPE",
        "for_division",
    ),
    (
        "a material that was never uploaded",
        lambda: _with_material("居民身份证（老年人）", b"\0" * 32),
        "MATERIAL_NOT_UPLOADED",
        "materials",
    ),
    (
        "a name with a NUL",
        lambda: filing(applicant=person(replace(SOMEBODY, name="王\0芳"))),
        "TEXT_UNKEEPABLE",
        "applicant.name",
    ),
    ("an unknown channel", lambda: filing(channel=99), "CHOICE_UNKNOWN", "channel"),
    ("no channel", lambda: filing(channel=0), "CHOICE_MISSING", "channel"),
    (
        "a mandate that does not exist",
        lambda: filing(mandate_id="none"),
        "MANDATE_MISSING",
        "mandate_id",
    ),
    ("an unknown account", lambda: filing(act=by("nobody")), "ACTOR_UNKNOWN", "actor_id"),
    (
        "an agent without a mandate",
        lambda: filing(act=by(world.AGENT), intake_point=world.VILLAGE),
        "MANDATE_MISSING",
        "mandate_id",
    ),
    (
        "an agent who is not at a point of her own",
        lambda: filing(act=by(world.AGENT)),
        "POINT_NOT_YOURS",
        "intake_point",
    ),
    ("no request id", lambda: filing(act=by(world.CLERK, "x")), "REQUEST_ID_MISSING", "request_id"),
]


def _with_material(name: str, digest: bytes) -> wire.FileCaseRequest:
    request = filing()
    request.materials.add(name=name, digest=digest, size=1, media_type="image/png")
    return request


@pytest.mark.parametrize(
    ("request_", "reason", "where"),
    [case[1:] for case in REFUSED],
    ids=[case[0] for case in REFUSED],
)
def test_a_bad_application_is_refused_whole(
    real: RealNetwork, request_: Callable[[], wire.FileCaseRequest], reason: str, where: str
) -> None:
    counter = real.counter(TOWNSHIP)
    before = real.loop.run(count(counter))
    problem = real.loop.run(refusal(lambda: counter.desk.intake.FileCase(request_())))
    assert problem.reason == reason
    assert problem.where == where
    assert any("\u4e00" <= character <= "\u9fff" for character in problem.in_chinese())
    assert SOMEBODY.number not in problem.in_chinese() + problem.in_english()
    assert real.loop.run(count(counter)) == before


def test_a_material_of_many_slices_is_taken_whole(real: RealNetwork) -> None:
    counter = real.counter(TOWNSHIP)
    data = b"x" * (20 * 1024 * 1024 + 1)
    material = real.loop.run(counter.upload(world.CLERK, "照片", data))
    assert (material.size, material.digest) == (len(data), sha256(data).digest())


def test_an_empty_material_is_refused(real: RealNetwork) -> None:
    counter = real.counter(TOWNSHIP)
    problem = real.loop.run(refusal(lambda: counter.upload(world.CLERK, "照片", b"")))
    assert problem.reason == "MATERIAL_EMPTY"


def test_a_mandate_whose_evidence_is_no_picture_is_refused(real: RealNetwork) -> None:
    counter = real.counter(TOWNSHIP)

    async def register() -> None:
        evidence = await counter.upload(world.AGENT, "mandate", b"#!/bin/sh")
        evidence.media_type = "text/x-shellscript"
        await counter.mandate(SOMEBODY, ELDER, evidence)

    problem = real.loop.run(refusal(register))
    assert problem.reason == "MANDATE_EVIDENCE_UNUSABLE"


def test_the_same_request_again_has_no_second_effect(real: RealNetwork) -> None:
    counter = real.counter(TOWNSHIP)
    request = filing()

    async def twice() -> tuple[str, str]:
        first = await counter.desk.intake.FileCase(request)
        second = await counter.desk.intake.FileCase(request)
        return first.case.summary.case_no, second.case.summary.case_no

    first, second = real.loop.run(twice())
    assert first == second


def test_the_same_request_id_for_something_else_is_refused(real: RealNetwork) -> None:
    counter = real.counter(TOWNSHIP)
    request = filing()

    async def again_with_another_item() -> None:
        await counter.desk.intake.FileCase(request)
        request.item_id = "temporary-relief-township"
        await counter.desk.intake.FileCase(request)

    problem = real.loop.run(refusal(again_with_another_item))
    assert problem.reason == "REQUEST_ID_REUSED"
    assert problem.kind is Kind.CONFLICT


def test_a_wrong_query_code_says_no_more_than_that_there_is_no_such_case(real: RealNetwork) -> None:
    counter = real.counter(TOWNSHIP)

    async def ask(number: str) -> None:
        await counter.progress(number, "WRONGONE")

    filed = real.loop.run(_file(counter))
    known = real.loop.run(refusal(lambda: ask(filed.summary.case_no)))
    unknown = real.loop.run(refusal(lambda: ask("330127101-19700101-0001")))
    assert known.reason == unknown.reason == "CASE_UNKNOWN"
    assert known.in_chinese() == unknown.in_chinese()


async def _file(counter: Counter) -> wire.CaseView:
    return (await counter.desk.intake.FileCase(filing())).case


async def refusal(act: Callable[[], Awaitable[Any]]) -> Reported:
    """The problem with which something is refused."""
    with pytest.raises(Reported) as caught, problems_raised():
        await act()
    return caught.value


async def count(counter: Counter) -> int:
    response = await counter.desk.intake.ListCases(wire.ListCasesRequest(actor_id=world.CLERK))
    return int(response.total)

"""What people ask of a hall about what it keeps of them, through its face, on both databases."""

from __future__ import annotations

from typing import Any

import pytest
from tests.intake.parts import (
    ACCEPT,
    CLOSE,
    GRANT,
    RELIEF,
    act,
    history,
    records,
)
from tests.intake.test_window import book, call, opened
from tests.simulation.halls import CHIEF, CLERK, World
from tests.simulation.worlds import COUNTY, TOWNSHIP

from hallnet.case import command as commands
from hallnet.case.case import Case
from hallnet.case.item import TimeUnit
from hallnet.case.person import PERSON, Person
from hallnet.case.problems import NotYours
from hallnet.intake.window import booking, personal
from hallnet.window.problems import (
    CopyNotMade,
    CorrectionNotMade,
    NotErasable,
    RecordUnknown,
)
from hallnet.wire.window.v1 import personal_pb2 as wire
from hallnet.wire.window.v1 import window_service_pb2 as service

COPY, CORRECT, ERASE = (
    wire.PERSONAL_RIGHT_COPY,
    wire.PERSONAL_RIGHT_CORRECT,
    wire.PERSONAL_RIGHT_ERASE,
)


def asked(world: World, right: Any, person: Person, about: str = "", at: str = TOWNSHIP) -> Any:
    return call(
        world,
        "OpenPersonalRequest",
        at=at,
        right=right,
        person=PERSON.to_message(person),
        identity_shown="居民身份证原件",
        about=about,
        words="本人要求" if about else "",
    ).request


def copy_of(world: World, request: Any, at: str = TOWNSHIP) -> Any:
    return call(world, "MakePersonalCopy", at=at, request_no=request.request_no)


def granted(world: World, request: Any, at: str = TOWNSHIP) -> Any:
    return call(
        world,
        "StepPersonalRequest",
        at=at,
        request_no=request.request_no,
        step=service.PERSONAL_STEP_GRANT,
        answer="已办理并告知本人",
    ).request


def closed(world: World) -> Case:
    case = world.file(TOWNSHIP, RELIEF)
    for command in (ACCEPT, GRANT, CLOSE):
        case = world.act(TOWNSHIP, case, command)
    return case


def test_the_copy_has_all_cases_of_the_person_and_nobody_elses(world: World) -> None:
    """个人信息保护法 article 45."""
    person, other = world.person(), world.person()
    mine = world.file(TOWNSHIP, RELIEF, person=person)
    world.file(TOWNSHIP, RELIEF, person=other)
    made = copy_of(world, asked(world, COPY, person))
    [case] = made.copy.cases
    assert case.case_no == mine.case_no
    assert case.applicant == PERSON.to_message(person)
    assert [one.name for one in case.materials] == [one.name for one in mine.materials]
    assert case.steps
    assert person.document_number in made.text
    assert mine.case_no in made.text
    assert other.document_number not in made.text


def test_a_copy_of_more_than_it_holds_has_the_newest_and_says_so(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(personal, "CASES_MAX", 1)
    person = world.person()
    world.file(TOWNSHIP, RELIEF, person=person)
    world.time.pass_by(days=1)
    newest = world.file(TOWNSHIP, RELIEF, person=person)
    made = copy_of(world, asked(world, COPY, person))
    assert [case.case_no for case in made.copy.cases] == [newest.case_no]
    assert made.copy.is_cut
    assert "只列出最近的" in made.text


def test_the_person_sees_who_looked_and_that_the_copy_was_a_look(world: World) -> None:
    """Every look is on record, and the record is kept of the person too."""
    case = world.file(TOWNSHIP, RELIEF)
    request = asked(world, COPY, case.filed.applicant)
    copy_of(world, request)
    [record] = [one for one in records(world.at(TOWNSHIP)) if one.subject == case.case_id]
    assert (record.act, record.purpose) == ("MakePersonalCopy", request.request_no)
    [seen] = copy_of(world, request).copy.cases
    assert [look.act for look in seen.looks] == ["制作个人信息副本"]


def test_a_copy_is_made_by_the_owner_of_the_request_and_no_other(world: World) -> None:
    case = world.file(TOWNSHIP, RELIEF)
    request = asked(world, COPY, case.filed.applicant)
    with pytest.raises(NotYours):
        call(world, "MakePersonalCopy", at=TOWNSHIP, act=act(CLERK), request_no=request.request_no)
    refused = records(world.at(TOWNSHIP), "MakePersonalCopy")[-1]
    assert (refused.actor_id, refused.refused) == (CLERK.actor.actor_id, "NOT_YOURS")


def test_a_request_for_a_copy_is_done_when_the_copy_was_made(world: World) -> None:
    request = asked(world, COPY, world.person())
    with pytest.raises(CopyNotMade):
        granted(world, request)
    copy_of(world, request)
    assert granted(world, request).state == wire.PERSONAL_REQUEST_STATE_GRANTED


def test_what_is_corrected_is_corrected_in_the_case_and_no_event_is_written_over(
    world: World,
) -> None:
    """个人信息保护法 article 46."""
    case = closed(world)
    before = history(world.at(TOWNSHIP), case)
    request = asked(world, CORRECT, case.filed.applicant, case.case_no)
    with pytest.raises(CorrectionNotMade):
        granted(world, request)
    world.time.pass_by(minutes=5)
    world.act(TOWNSHIP, case, commands.Correct("电话", "13900000000", "13900000009", "录入错误"))
    assert granted(world, request).state == wire.PERSONAL_REQUEST_STATE_GRANTED
    assert history(world.at(TOWNSHIP), case)[: len(before)] == before
    [copied] = copy_of(world, asked(world, COPY, case.filed.applicant)).copy.cases
    assert [(one.field, one.after) for one in copied.corrections] == [("电话", "13900000009")]


def test_what_was_corrected_before_the_request_answers_it_not(world: World) -> None:
    case = closed(world)
    world.act(TOWNSHIP, case, commands.Correct("电话", "1", "2", "录入错误"))
    world.time.pass_by(minutes=5)
    request = asked(world, CORRECT, case.filed.applicant, case.case_no)
    with pytest.raises(CorrectionNotMade):
        granted(world, request)


def test_nobody_asks_for_the_correction_of_anothers_case(world: World) -> None:
    case = world.file(TOWNSHIP, RELIEF)
    with pytest.raises(RecordUnknown):
        asked(world, CORRECT, world.person(), case.case_no)


def test_a_case_is_not_erased_and_the_refusal_names_the_ground_and_the_remedy(
    world: World,
) -> None:
    """个人信息保护法 articles 47 and 50: a law has it kept."""
    case = closed(world)
    request = asked(world, ERASE, case.filed.applicant, case.case_no)
    with pytest.raises(NotErasable):
        granted(world, request)
    assert history(world.at(TOWNSHIP), case)
    answered = call(
        world,
        "StepPersonalRequest",
        at=TOWNSHIP,
        request_no=request.request_no,
        step=service.PERSONAL_STEP_REFUSE,
        ground=wire.PERSONAL_GROUND_KEPT_BY_LAW,
        answer="办件档案保存期限未届满",
    ).request
    assert answered.ground == wire.PERSONAL_GROUND_KEPT_BY_LAW
    assert "人民法院" in answered.remedy


def test_an_appointment_that_is_over_names_nobody_after_its_erasure(world: World) -> None:
    """个人信息保护法 article 47(1): its purpose is reached."""
    person = world.person()
    [slot] = opened(world, capacity=1)
    made = book(world, slot, "digest", visitor=person.name, telephone=person.phone)
    request = asked(world, ERASE, person, made.appointment_id, at=COUNTY)
    with pytest.raises(NotErasable):
        granted(world, request, at=COUNTY)
    world.time.pass_by(days=2)
    granted(world, request, at=COUNTY)
    row = world.at(COUNTY).intake.look(lambda c: booking.find(c, made.appointment_id))
    assert (row.visitor, row.telephone, row.holder) == ("", "", "")


def test_an_answered_enquiry_names_nobody_after_its_erasure(world: World) -> None:
    person = world.person()
    enquiry = call(world, "OpenEnquiry", question="我的低保", asked_by=person.name).enquiry
    stranger = asked(world, ERASE, Person("别人", *_but_name(person)), enquiry.enquiry_id, COUNTY)
    with pytest.raises(RecordUnknown):
        granted(world, stranger, COUNTY)
    request = asked(world, ERASE, person, enquiry.enquiry_id, COUNTY)
    with pytest.raises(NotErasable):
        granted(world, request, COUNTY)
    call(
        world,
        "StepEnquiry",
        enquiry_id=enquiry.enquiry_id,
        step=service.ENQUIRY_STEP_ANSWER,
        answer="方小明可以申请",
    )
    granted(world, request, COUNTY)
    [left] = call(world, "ListRecords", kind=service.RECORD_KIND_ENQUIRY).records
    assert person.name not in str(left)
    assert "低保" not in left.enquiry.question


def _but_name(person: Person) -> tuple[str, str, str, str]:
    return person.document_kind, person.document_number, person.phone, person.address


def test_it_waits_in_the_list_of_what_is_due_and_names_nobody_there(world: World) -> None:
    person = world.person()
    request = asked(world, COPY, person)
    [due] = call(world, "ListDue", at=TOWNSHIP, kinds=[service.RECORD_KIND_PERSONAL]).records
    assert (due.record_id, due.subject, due.owner) == (
        request.request_no,
        "",
        CHIEF.actor.actor_id,
    )
    assert (request.limit.days, request.limit.unit) == (30, TimeUnit.CALENDAR_DAY)

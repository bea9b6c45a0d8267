"""Papers that another hall has: asked for a case, supplied, and taken into it (政务数据共享条例 articles 19 to 29)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from tests.exchange.test_face import ask
from tests.intake.parts import (
    AGENT,
    PENSION,
    act,
    asking,
    face,
    file_request,
    message,
    put_accounts,
    receive,
    records,
    sent,
    take_release,
    told,
)
from tests.intake.test_personal import asked as personal_request
from tests.intake.test_personal import copy_of
from tests.intake.test_reusing import CARD, ENROLMENT_FORM, NOBODY, REGISTER
from tests.intake.test_window import call
from tests.simulation.halls import CHIEF, World
from tests.simulation.worlds import COUNTY, TOWNSHIP

from hallnet.case.case import day_of
from hallnet.case.person import Person
from hallnet.case.policy import POLICY, Policy
from hallnet.case.problems import ActorUnknown, MaterialUnknown, PowerMissing
from hallnet.case.reuse import MaterialNotHeld
from hallnet.intake import cases, following, handling
from hallnet.intake.papers import materials
from hallnet.intake.window import paper_requests
from hallnet.store import Connection
from hallnet.trust.release import ReleaseKind
from hallnet.window import paper_answering
from hallnet.window.problems import (
    AskedBefore,
    PaperNotFound,
    PaperNotToBeAsked,
    RecordUnknown,
    StepNotPossible,
)
from hallnet.wire.case.v1 import command_pb2 as wire_command
from hallnet.wire.case.v1 import person_pb2 as wire_person
from hallnet.wire.exchange.v1 import envelope_pb2 as wire_envelope
from hallnet.wire.feed.v1 import feed_pb2 as wire_feed
from hallnet.wire.intake.v1 import intake_service_pb2 as wire_intake
from hallnet.wire.window.v1 import paper_request_pb2 as wire_paper
from hallnet.wire.window.v1 import personal_pb2 as wire_personal
from hallnet.wire.window.v1 import window_service_pb2 as wire


@pytest.fixture
def applicant(world: World) -> Person:
    return world.person()


def accepted(
    world: World, at: str, item_id: str, applicant: Person, *papers: str
) -> wire_intake.CaseView:
    request = file_request(world, at=at, item_id=item_id, applicant=applicant, papers=papers)
    case_id = ask(face(world, at).FileCase(request, None)).case.summary.case_id
    command = asking(act(), case_id, wire_command.Accept())
    view: wire_intake.CaseView = ask(face(world, at).ActOnCase(command, None)).case
    return view


@pytest.fixture
def at_county(world: World, applicant: Person) -> str:
    """The number of a case of the applicant at the county, with the register of the household."""
    view = accepted(world, COUNTY, PENSION, applicant, ENROLMENT_FORM, CARD, REGISTER)
    return str(view.summary.case_no)


@pytest.fixture
def case_id(world: World, applicant: Person) -> str:
    """A case at the township that the register belongs to, and has not."""
    view = accepted(world, TOWNSHIP, PENSION, applicant, ENROLMENT_FORM, CARD)
    return str(view.summary.case_id)


def wanting(world: World, case_id: str, **changes: Any) -> wire_paper.PaperRequest:
    values = {
        "case_id": case_id,
        "hall": COUNTY,
        "paper": REGISTER,
        "basis": "社会保险法第二十条",
        "purpose": "核对参保人户籍",
        "used_until": "2026-12-31",
    }
    asked: wire_paper.PaperRequest = call(
        world, "AskForPaper", at=TOWNSHIP, **(values | changes)
    ).request
    return asked


def step(world: World, at: str, request_no: str, step: Any, **values: Any) -> Any:
    return call(
        world, "StepPaperRequest", at=at, request_no=request_no, step=step, **values
    ).request


def found(world: World, request_no: str) -> Sequence[wire_person.Material]:
    papers: Sequence[wire_person.Material] = call(
        world, "FindPapers", at=COUNTY, request_no=request_no
    ).materials
    return papers


def supply(world: World, request_no: str, case_no: str) -> None:
    """The county supplies what lies in a case of its own, and it arrives."""
    world.settle()
    step(world, COUNTY, request_no, wire.PAPER_STEP_SUPPLY, from_case=case_no)
    world.settle()


def listed(world: World, case_id: str) -> wire.ListedPaperRequest:
    (one,) = call(world, "ListPaperRequests", at=TOWNSHIP, case_id=case_id).requests
    assert isinstance(one, wire.ListedPaperRequest)
    return one


def wanted(world: World) -> list[wire_paper.PaperRequest]:
    """What waits at the county."""
    kind = wire.RECORD_KIND_PAPER_WANTED
    answer = call(world, "ListRecords", at=COUNTY, kind=kind, waiting=True)
    return [one.paper_wanted for one in answer.records]


def held_for(world: World, case_id: str) -> Sequence[wire_person.Material]:
    request = wire_intake.ListHeldMaterialsRequest(actor_id=CHIEF.actor.actor_id, case_id=case_id)
    papers: Sequence[wire_person.Material] = ask(
        face(world).ListHeldMaterials(request, None)
    ).materials
    return papers


def taken_into(world: World, case_id: str, request_no: str) -> wire_intake.CaseView:
    """The case takes the paper; what is said of its bytes and of who supplied it is wrong."""
    supplement = wire_command.Supplement()
    supplement.materials.add(
        name=REGISTER, digest=b"x" * 32, size=7, taken_from=request_no, supplied_by="33"
    )
    command = asking(act(), case_id, supplement)
    view: wire_intake.CaseView = ask(face(world).ActOnCase(command, None)).case
    return view


def test_a_paper_that_another_hall_has_comes_into_the_case_and_nobody_carries_it(
    world: World, at_county: str, case_id: str
) -> None:
    asked = wanting(world, case_id)
    world.settle()
    (seen,) = wanted(world)
    assert (seen.asker, seen.paper, seen.applicant.phone) == (TOWNSHIP, REGISTER, "")
    assert seen.owner
    assert seen.due_on == "2026-12-07"
    (paper,) = found(world, asked.request_no)
    assert paper.taken_from == at_county

    supply(world, asked.request_no, at_county)
    assert wanted(world) == []
    arrived = listed(world, case_id)
    assert arrived.here
    assert arrived.request.answer.source == at_county
    (held,) = [one for one in held_for(world, case_id) if one.supplied_by]
    assert (held.digest, held.taken_from) == (paper.digest, asked.request_no)

    view = taken_into(world, case_id, asked.request_no)
    (own,) = [one for one in view.materials if one.material.name == REGISTER]
    assert (own.material, own.here) == (held, True)
    assert held_for(world, case_id) == []


def test_the_paper_is_read_before_it_is_taken_into_the_case(
    world: World, at_county: str, case_id: str, applicant: Person
) -> None:
    asked = wanting(world, case_id)
    supply(world, asked.request_no, at_county)
    digest = listed(world, case_id).request.answer.material.digest
    township, today = world.at(TOWNSHIP), day_of(world.time.now)

    def read(connection: Connection, case_ref: str) -> bytes:
        handling.require_may_read(connection, CHIEF.actor.actor_id, case_ref, digest, today)
        return materials.read(connection, digest)

    assert township.intake.look(lambda c: read(c, case_id)).startswith(REGISTER.encode())
    other = accepted(world, TOWNSHIP, PENSION, applicant, ENROLMENT_FORM, CARD).summary.case_id
    with pytest.raises(MaterialUnknown):
        township.intake.look(lambda c: read(c, other))


def test_who_gave_which_paper_for_which_matter_is_on_record_at_both_halls(
    world: World, at_county: str, case_id: str, applicant: Person
) -> None:
    """Article 29."""
    asked = wanting(world, case_id)
    world.settle()
    found(world, asked.request_no)
    supply(world, asked.request_no, at_county)
    purpose = f"{TOWNSHIP} {asked.case_no}"
    county = world.at(COUNTY)
    own = county.intake.look(lambda c: cases.id_of(c, at_county))
    for what in ("FindPapers", "SupplyPaper"):
        (look,) = records(county, what)
        assert (look.subject, look.purpose) == (own, purpose)
    (look,) = records(world.at(TOWNSHIP), "AskForPaper")
    assert (look.subject, look.purpose) == (case_id, f"{COUNTY} {REGISTER}")
    made = copy_of(world, personal_request(world, wire_personal.PERSONAL_RIGHT_COPY, applicant))
    assert f"调取材料：{REGISTER}（已提供）" in made.text


def test_a_paper_is_for_the_case_for_which_it_was_asked_and_no_other(
    world: World, at_county: str, case_id: str, applicant: Person
) -> None:
    """Article 25: not for other matters, and not to third halls."""
    asked = wanting(world, case_id)
    supply(world, asked.request_no, at_county)
    other = accepted(world, TOWNSHIP, PENSION, applicant, ENROLMENT_FORM, CARD).summary.case_id
    with pytest.raises(MaterialNotHeld):
        taken_into(world, other, asked.request_no)
    taken_into(world, case_id, asked.request_no)
    assert [one.name for one in held_for(world, other)] == []
    wanting(world, other)


def test_nobody_asks_for_what_the_hall_has_itself_or_asked_for_already(
    world: World, case_id: str, applicant: Person
) -> None:
    wanting(world, case_id)
    with pytest.raises(AskedBefore):
        wanting(world, case_id)
    accepted(world, TOWNSHIP, PENSION, applicant, ENROLMENT_FORM, CARD, REGISTER)
    with pytest.raises(PaperNotToBeAsked):
        wanting(world, case_id, hall="33")


def test_only_staff_who_verify_ask_look_and_answer(world: World, case_id: str) -> None:
    put_accounts(world, TOWNSHIP, AGENT, NOBODY)
    put_accounts(world, COUNTY, NOBODY)
    asked = wanting(world, case_id)
    world.settle()
    with pytest.raises(ActorUnknown):
        call(world, "ListPaperRequests", at=TOWNSHIP, act=act(AGENT), case_id=case_id)
    for method, at, values in (
        ("AskForPaper", TOWNSHIP, {"case_id": case_id, "hall": COUNTY, "used_until": "2026-12-31"}),
        ("StepPaperRequest", COUNTY, {"request_no": asked.request_no}),
        ("FindPapers", COUNTY, {"request_no": asked.request_no}),
    ):
        with pytest.raises(PowerMissing):
            call(world, method, at=at, act=act(NOBODY), **values)


def test_a_hall_supplies_what_it_has_of_the_applicant_or_an_archive_and_nothing_else(
    world: World, case_id: str
) -> None:
    others = accepted(world, COUNTY, PENSION, world.person(), ENROLMENT_FORM, CARD, REGISTER)
    asked = wanting(world, case_id)
    world.settle()
    assert found(world, asked.request_no) == []
    for number in (others.summary.case_no, "330127-20260101-0001"):
        with pytest.raises(PaperNotFound):
            step(world, COUNTY, asked.request_no, wire.PAPER_STEP_SUPPLY, from_case=number)
    scan = world.upload(COUNTY, "扫描件")
    step(
        world,
        COUNTY,
        asked.request_no,
        wire.PAPER_STEP_SUPPLY,
        material=wire_person.Material(
            name="扫描件", digest=scan.digest, size=scan.size, media_type="image/jpeg"
        ),
        source="户籍档案2019-33",
    )
    world.settle()
    arrived = listed(world, case_id)
    assert arrived.here
    assert arrived.request.answer.material.name == REGISTER
    assert arrived.request.answer.source == "户籍档案2019-33"


def test_what_is_lacking_is_told_added_and_a_refusal_comes_with_its_reasons(
    world: World, case_id: str
) -> None:
    asked = wanting(world, case_id)
    world.settle()
    step(world, COUNTY, asked.request_no, wire.PAPER_STEP_TELL_LACKING, words="请注明户主")
    world.settle()
    assert listed(world, case_id).request.answer.words == "请注明户主"
    step(world, TOWNSHIP, asked.request_no, wire.PAPER_STEP_COMPLETE, words="户主王某")
    world.settle()
    (seen,) = wanted(world)
    assert seen.addition == "户主王某"
    not_held = wire_paper.PAPER_GROUND_NOT_HELD
    refusing = wire.PAPER_STEP_REFUSE
    step(world, COUNTY, asked.request_no, refusing, ground=not_held, words="查无登记")
    world.settle()
    refused = listed(world, case_id).request
    assert refused.state == wire_paper.PAPER_REQUEST_STATE_REFUSED
    assert refused.answer.remedy
    assert [entry.payload.decode() for entry in told(world.at(TOWNSHIP), "paper.answer_came")] == [
        f"杭州市淳安县，{REGISTER}，待补充申请",
        f"杭州市淳安县，{REGISTER}，不予提供",
    ]
    wanting(world, case_id)


def test_what_is_withdrawn_is_off_the_desk_of_the_other_hall(world: World, case_id: str) -> None:
    asked = wanting(world, case_id)
    world.settle()
    step(world, TOWNSHIP, asked.request_no, wire.PAPER_STEP_WITHDRAW)
    world.settle()
    assert wanted(world) == []
    with pytest.raises(StepNotPossible):
        step(world, COUNTY, asked.request_no, wire.PAPER_STEP_AGREE)
    # Nor does anybody look for the papers of the person any more.
    with pytest.raises(StepNotPossible):
        found(world, asked.request_no)


def test_only_the_hall_that_was_asked_answers_and_a_hall_asks_for_itself_alone(
    world: World, case_id: str
) -> None:
    asked = wanting(world, case_id)
    (request,) = sent(world.at(TOWNSHIP), COUNTY)[-1:]
    forged = message("33", request.kind, case_id, request.payload)
    receive(world, COUNTY, forged, message("33", request.kind, case_id, b"\xff"))
    assert wanted(world) == []
    world.settle()
    # Another hall gives the number of a request that is known, as its own.
    stolen = wire_paper.PaperRequest.FromString(request.payload)
    stolen.asker, stolen.edition = "33", 9
    receive(world, COUNTY, message("33", request.kind, case_id, stolen.SerializeToString()))
    assert [one.asker for one in wanted(world)] == [TOWNSHIP]

    step(world, COUNTY, asked.request_no, wire.PAPER_STEP_AGREE)
    (answer,) = sent(world.at(COUNTY), TOWNSHIP)[-1:]
    receive(world, TOWNSHIP, message("33", answer.kind, case_id, answer.payload))
    receive(world, TOWNSHIP, message(COUNTY, answer.kind, case_id, b"\xff"))
    assert listed(world, case_id).request.state == wire_paper.PAPER_REQUEST_STATE_OPEN


def test_one_hall_does_not_take_up_the_people_of_another(
    world: World, case_id: str, applicant: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paper_answering, "OPEN_OF_ONE_HALL_MAX", 1)
    other = accepted(world, TOWNSHIP, PENSION, applicant, ENROLMENT_FORM, CARD).summary.case_id
    wanting(world, case_id)
    world.settle()
    wanting(world, other)
    world.settle()
    assert len(wanted(world)) == 1
    assert listed(world, other).request.answer.ground == wire_paper.PAPER_GROUND_TOO_MANY


def ended(world: World, at: str, kind: str) -> wire_feed.DeliveryEnded:
    """The newest message of a kind, as it would end if nobody took it."""
    (newest,) = [
        one
        for entry in told(world.at(at), paper_requests.REQUEST_SENT, paper_requests.ANSWER_SENT)
        for one in entry.dispatches
        if one.kind == kind
    ][-1:]
    return wire_feed.DeliveryEnded(
        envelope_id=b"an envelope's id",
        recipient=newest.recipient,
        kind=newest.kind,
        subject=newest.subject,
        verdict=wire_envelope.VERDICT_REFUSED,
        reason="WAY_UNKNOWN",
        reference=newest.reference,
    )


def take_end(world: World, at: str, end: wire_feed.DeliveryEnded) -> None:
    entry = wire_feed.FeedEntry(kind="delivery.ended", payload=end.SerializeToString())
    assert following.concerns(entry)
    station = world.at(at)
    station.intake.transact(
        lambda c: following.take_messages(c, station.hall, [entry], world.time.now)
    )


def test_a_request_that_did_not_arrive_waits_for_a_person_and_is_sent_again(
    world: World, case_id: str
) -> None:
    asked = wanting(world, case_id)
    take_end(world, TOWNSHIP, ended(world, TOWNSHIP, "paper.asked"))
    lost = listed(world, case_id).request
    assert lost.state == wire_paper.PAPER_REQUEST_STATE_UNDELIVERED
    assert lost.due_on == "2026-11-23"
    assert len(told(world.at(TOWNSHIP), paper_requests.UNDELIVERED)) == 1
    again = step(world, TOWNSHIP, asked.request_no, wire.PAPER_STEP_SEND_AGAIN)
    assert (again.state, again.edition) == (wire_paper.PAPER_REQUEST_STATE_OPEN, 2)
    world.settle()
    assert len(wanted(world)) == 1


def test_an_answer_that_did_not_arrive_waits_for_a_person_and_is_sent_again(
    world: World, at_county: str, case_id: str
) -> None:
    asked = wanting(world, case_id)
    supply(world, asked.request_no, at_county)
    take_end(world, COUNTY, ended(world, COUNTY, "paper.answered"))
    (waits,) = wanted(world)
    assert waits.undelivered == "WAY_UNKNOWN"
    assert len(told(world.at(COUNTY), paper_requests.UNDELIVERED)) == 1
    step(world, COUNTY, asked.request_no, wire.PAPER_STEP_SEND_AGAIN)
    assert wanted(world) == []
    world.settle()
    assert listed(world, case_id).here


def test_a_step_of_what_is_not_here_changes_nothing(world: World, case_id: str) -> None:
    asked = wanting(world, case_id)
    for step_, at in ((wire.PAPER_STEP_AGREE, TOWNSHIP), (wire.PAPER_STEP_WITHDRAW, COUNTY)):
        with pytest.raises(RecordUnknown):
            step(world, at, asked.request_no, step_)


def test_what_is_shared_without_conditions_comes_by_itself_and_else_waits_for_a_person(
    world: World, at_county: str, case_id: str
) -> None:
    """Articles 14 and 21."""
    content = POLICY.to_bytes(Policy(unconditional_papers=(REGISTER,)))
    take_release(world, COUNTY, ReleaseKind.POLICY, content, 1)
    wanting(world, case_id)
    world.settle()
    assert wanted(world) == []
    assert listed(world, case_id).here
    assert listed(world, case_id).request.answer.source == at_county
    (look,) = records(world.at(COUNTY), "SupplyPaper")
    assert look.actor_id == "system"
    other = accepted(world, TOWNSHIP, PENSION, world.person(), ENROLMENT_FORM, CARD)
    wanting(world, other.summary.case_id)
    world.settle()
    assert [one.due_on for one in wanted(world)] == ["2026-11-24"]


def test_a_paper_that_came_wrong_is_looked_into_and_the_right_one_comes_into_the_case(
    world: World, at_county: str, case_id: str
) -> None:
    """Article 26."""
    asked = wanting(world, case_id)
    supply(world, asked.request_no, at_county)
    taken_into(world, case_id, asked.request_no)
    step(world, TOWNSHIP, asked.request_no, wire.PAPER_STEP_DOUBT, words="缺一页")
    world.settle()
    assert [one.addition for one in wanted(world)] == ["缺一页"]
    scan = world.upload(COUNTY, "全本")
    whole = wire_person.Material(digest=scan.digest, size=scan.size, media_type="image/jpeg")
    supplying, source = wire.PAPER_STEP_SUPPLY, "户籍档案2019-33"
    step(world, COUNTY, asked.request_no, supplying, material=whole, source=source)
    world.settle()
    view = taken_into(world, case_id, asked.request_no)
    papers = [one.material for one in view.materials if one.material.name == REGISTER]
    assert [paper.digest for paper in papers] == [scan.digest]

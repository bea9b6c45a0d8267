"""Nobody brings the same paper twice: materials of an earlier case are taken again for a new one."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from tests.exchange.test_face import ask
from tests.intake.parts import (
    AGENT,
    PENSION,
    VILLAGE,
    act,
    asking,
    face,
    file_request,
    put_accounts,
    records,
    take_release,
)
from tests.intake.test_personal import asked, copy_of
from tests.simulation.halls import CHIEF, World
from tests.simulation.worlds import TOWNSHIP

from hallnet.case.person import Actor, ActorKind, Person
from hallnet.case.policy import POLICY, Policy
from hallnet.case.problems import ActorUnknown, PowerMissing
from hallnet.case.reuse import MaterialNotHeld
from hallnet.intake.accounts import Account
from hallnet.trust.release import ReleaseKind
from hallnet.wire.case.v1 import command_pb2 as wire_command
from hallnet.wire.case.v1 import person_pb2 as wire_person
from hallnet.wire.intake.v1 import intake_service_pb2 as wire
from hallnet.wire.window.v1 import personal_pb2 as wire_personal

ENROLMENT_FORM, CARD, REGISTER = "参保登记表", "居民身份证（申请人）", "居民户口簿"
DISABILITY = "disability-certificate"
"""It asks for the same card and register as the enrolment into the pension."""


NOBODY = Account(Actor(ActorKind.STAFF, "nobody", "陈新人"), frozenset(), ())


@pytest.fixture
def applicant(world: World) -> Person:
    return world.person()


def accepted(world: World, applicant: Person) -> str:
    """The number of a case with three papers, which was accepted."""
    request = file_request(
        world, item_id=PENSION, applicant=applicant, papers=(ENROLMENT_FORM, CARD, REGISTER)
    )
    summary = ask(face(world).FileCase(request, None)).case.summary
    command = asking(act(), summary.case_id, wire_command.Accept())
    ask(face(world).ActOnCase(command, None))
    return str(summary.case_no)


def held(world: World, applicant: Person, actor: Account = CHIEF) -> Sequence[wire_person.Material]:
    request = wire.ListHeldMaterialsRequest(
        actor_id=actor.actor.actor_id,
        item_id=DISABILITY,
        document_kind=applicant.document_kind,
        document_number=applicant.document_number,
    )
    found: Sequence[wire_person.Material] = ask(
        face(world).ListHeldMaterials(request, None)
    ).materials
    return found


def taking(
    world: World, applicant: Person, case_no: str, name: str = CARD, actor: Account = CHIEF
) -> wire.FileCaseRequest:
    """An application that takes a paper from an earlier case; what it says of the bytes is wrong."""
    request = file_request(world, item_id=DISABILITY, applicant=applicant, papers=(), actor=actor)
    request.materials.add(name=name, digest=b"x" * 32, size=7, taken_from=case_no)
    return request


def test_what_the_applicant_handed_in_before_is_told_with_the_case_that_it_is_of(
    world: World, applicant: Person
) -> None:
    case_no = accepted(world, applicant)
    assert [(one.name, one.taken_from) for one in held(world, applicant)] == [
        (CARD, case_no),
        (REGISTER, case_no),
    ]
    assert held(world, world.person()) == []


def test_a_paper_is_taken_again_as_it_is_there_whatever_the_caller_says_of_it(
    world: World, applicant: Person
) -> None:
    case_no = accepted(world, applicant)
    known = {one.name: one for one in held(world, applicant)}
    view = ask(face(world).FileCase(taking(world, applicant, case_no), None)).case
    assert [one.material for one in view.materials] == [known[CARD]]
    assert view.materials[0].here
    assert CARD not in view.missing_materials


def test_looking_for_the_papers_of_a_person_is_a_look_at_the_cases_that_have_them(
    world: World, applicant: Person
) -> None:
    accepted(world, applicant)
    held(world, applicant)
    (look,) = records(world.at(TOWNSHIP), "ListHeldMaterials")
    assert (look.actor_id, look.purpose, look.refused) == (
        CHIEF.actor.actor_id,
        DISABILITY,
        "",
    )
    assert look.subject


def test_nobody_takes_the_paper_of_somebody_else(world: World, applicant: Person) -> None:
    case_no = accepted(world, applicant)
    with pytest.raises(MaterialNotHeld):
        ask(face(world).FileCase(taking(world, world.person(), case_no), None))
    with pytest.raises(MaterialNotHeld):
        ask(face(world).FileCase(taking(world, applicant, "330127101-20260101-0001"), None))


def test_only_staff_who_receive_applications_learn_what_the_hall_has(
    world: World, applicant: Person
) -> None:
    case_no = accepted(world, applicant)
    put_accounts(world, TOWNSHIP, AGENT, NOBODY)
    with pytest.raises(ActorUnknown):
        held(world, applicant, AGENT)
    with pytest.raises(PowerMissing):
        held(world, applicant, NOBODY)
    by_agent = taking(world, applicant, case_no, actor=AGENT)
    by_agent.intake_point = VILLAGE
    with pytest.raises(MaterialNotHeld):
        ask(face(world).FileCase(by_agent, None))


def with_gaps(world: World, applicant: Person) -> str:
    """The id of a case for which nothing was handed in yet."""
    request = file_request(world, item_id=DISABILITY, applicant=applicant, papers=())
    return str(ask(face(world).FileCase(request, None)).case.summary.case_id)


def supplementing(world: World, case_id: str, taken_from: str) -> wire.CaseView:
    supplement = wire_command.Supplement()
    supplement.materials.add(name=CARD, digest=b"x" * 32, size=7, taken_from=taken_from)
    view: wire.CaseView = ask(face(world).ActOnCase(asking(act(), case_id, supplement), None)).case
    return view


def held_for(world: World, case_id: str, actor: Account = CHIEF) -> Sequence[wire_person.Material]:
    request = wire.ListHeldMaterialsRequest(actor_id=actor.actor.actor_id, case_id=case_id)
    found: Sequence[wire_person.Material] = ask(
        face(world).ListHeldMaterials(request, None)
    ).materials
    return found


def test_a_case_that_is_supplemented_takes_what_the_hall_has_as_it_is_there(
    world: World, applicant: Person
) -> None:
    case_no = accepted(world, applicant)
    case_id = with_gaps(world, applicant)
    card, register = held_for(world, case_id)
    assert (card.name, card.taken_from, register.name) == (CARD, case_no, REGISTER)
    view = supplementing(world, case_id, case_no)
    assert [one.material for one in view.materials] == [card]
    assert CARD not in view.missing_materials
    assert [one.name for one in held_for(world, case_id)] == [REGISTER]
    looks = records(world.at(TOWNSHIP), "ListHeldMaterials")
    assert {look.purpose for look in looks} == {case_id}


def test_the_copy_of_what_is_kept_of_a_person_tells_from_which_case_a_paper_is(
    world: World, applicant: Person
) -> None:
    """个人信息保护法 article 45."""
    case_no = accepted(world, applicant)
    supplementing(world, with_gaps(world, applicant), case_no)
    made = copy_of(world, asked(world, wire_personal.PERSONAL_RIGHT_COPY, applicant))
    papers = [paper for case in made.copy.cases for paper in case.materials]
    assert {(paper.name, paper.taken_from) for paper in papers if paper.taken_from} == {
        (CARD, case_no)
    }
    assert made.text.count(f"沿用办件{case_no}的材料") == 1


def test_a_case_is_supplemented_with_no_paper_of_others_or_of_itself(
    world: World, applicant: Person
) -> None:
    other = accepted(world, world.person())
    case_id = with_gaps(world, applicant)
    with pytest.raises(MaterialNotHeld):
        supplementing(world, case_id, other)
    put_accounts(world, TOWNSHIP, AGENT, NOBODY)
    with pytest.raises(ActorUnknown):
        held_for(world, case_id, AGENT)
    with pytest.raises(PowerMissing):
        held_for(world, case_id, NOBODY)
    own = accepted(world, applicant)
    assert [one.taken_from for one in held_for(world, own)] == []


def test_nothing_but_an_application_and_its_supplement_takes_papers_again(
    world: World, applicant: Person
) -> None:
    case_no = accepted(world, applicant)
    case_id = with_gaps(world, applicant)
    promise = wire_person.Material(name=CARD, digest=b"x" * 32, size=7, taken_from=case_no)
    command = wire_command.AcceptWithGaps(promise=promise)
    with pytest.raises(MaterialNotHeld):
        ask(face(world).ActOnCase(asking(act(), case_id, command), None))


def test_a_policy_switches_it_off(world: World, applicant: Person) -> None:
    case_no = accepted(world, applicant)
    content = POLICY.to_bytes(Policy(materials_not_taken_again=True))
    take_release(world, TOWNSHIP, ReleaseKind.POLICY, content, 1)
    assert held(world, applicant) == []
    with pytest.raises(MaterialNotHeld):
        ask(face(world).FileCase(taking(world, applicant, case_no), None))

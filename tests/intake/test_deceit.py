"""Who deceived about what concerns safety does not apply again for a time, at any hall that knows of it
(行政许可法 articles 69, 78 and 79)."""

from __future__ import annotations

import pytest
from tests.case.builders import ORGANISATION
from tests.exchange.parts import rows
from tests.exchange.test_face import ask
from tests.intake.parts import ACCEPT, face, file_request
from tests.intake.test_credit import numbers_hold
from tests.intake.test_duplicates import SOMEBODY, do
from tests.simulation.halls import World
from tests.simulation.worlds import COUNTY

from hallnet.case import command as commands
from hallnet.case.event import Outcome
from hallnet.case.person import Person
from hallnet.case.rules.problems import ApplicantBarred
from hallnet.intake import tables
from hallnet.wire.intake.v1 import intake_service_pb2 as wire

HYGIENE, PLACE = "public-place-hygiene", "须取得卫生许可的场所"
"""A licence that concerns health; and one of its variants."""
REFUSE = commands.Decide(Outcome.REFUSED, "检测报告系伪造", "公共场所卫生管理条例", deceit=True)


def filed(
    world: World, person: Person = SOMEBODY, item_id: str = HYGIENE, option: str = PLACE
) -> wire.CaseView:
    item = world.at(COUNTY).intake.look(
        lambda c: world.at(COUNTY).hall.releases.item_to_file(c, item_id, world.time.now.date())
    )
    papers = [needed.name for needed in item.materials if needed.asked_of_applicant]
    request = file_request(
        world, at=COUNTY, applicant=person, papers=papers, item_id=item_id, option=option
    )
    world.time.pass_by(minutes=1)
    return ask(face(world, COUNTY).FileCase(request, None)).case  # type: ignore[no-any-return]


def seen(world: World, view: wire.CaseView) -> tuple[str, str]:
    request = wire.GetCaseRequest(case_ref=view.summary.case_id, actor_id="chief", purpose="办理")
    case = ask(face(world, COUNTY).GetCase(request, None)).case
    return case.barred_until, case.barred_by


@pytest.mark.parametrize("person", [SOMEBODY, ORGANISATION], ids=["person", "organisation"])
def test_who_gave_false_papers_does_not_file_for_the_same_licence_until_the_bar_ends(
    world: World, person: Person
) -> None:
    view = filed(world, person)
    do(world, COUNTY, view, ACCEPT, REFUSE)
    until = world.time.now.date().replace(year=world.time.now.year + 1)
    assert seen(world, view) == (str(until), "行政许可法第七十八条")
    with pytest.raises(ApplicantBarred) as caught:
        filed(world, person)
    assert caught.value.particulars["until"] == str(until)
    [row] = rows(world.at(COUNTY).intake, tables.bar)
    assert person.document_number not in repr(row)
    assert filed(world, world.person())
    assert filed(world, person, item_id="investment-filing", option="")
    numbers_hold(world, COUNTY)


def test_a_licence_got_by_deceit_bars_for_three_years_and_a_head_lifts_what_was_wrong(
    world: World,
) -> None:
    view = filed(world)
    grant = commands.Decide(Outcome.GRANTED, "符合条件", "")
    revoke = commands.RevokeDecision("检测报告系伪造", "行政许可法第六十九条", deceit=True)
    do(world, COUNTY, view, ACCEPT, grant, revoke)
    until = world.time.now.date().replace(year=world.time.now.year + 3)
    assert seen(world, view) == (str(until), "行政许可法第七十九条")
    do(world, COUNTY, view, commands.LiftBar("报告经复核属实"))
    assert seen(world, view) == ("", "")
    assert filed(world)
    [row] = rows(world.at(COUNTY).intake, tables.bar)
    assert row.lifted_on is not None

"""A case takes along what its hall says of an item of a hall above: both come to the same clocks (invariant 6)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tests.case.builders import working_days
from tests.exchange.test_face import ask
from tests.intake.parts import (
    ACCEPT,
    CLOSE,
    GRANT,
    HAND_OVER,
    REVIEW,
    SUBSISTENCE,
    Post,
    face,
    row_of,
    take_release,
)
from tests.simulation.halls import World
from tests.simulation.worlds import COUNTY, TOWNSHIP

from hallnet.case.case import Case
from hallnet.case.event import Filed, HandOverDeclined, TakenOver
from hallnet.case.item import CATALOGUE, Catalogue, ItemOverlay, ItemVersion
from hallnet.case.overlay import expanded, merged, overlay_of
from hallnet.intake import counting
from hallnet.trust.release import ReleaseKind
from hallnet.wire.intake.v1 import intake_service_pb2 as wire

FASTER = ItemOverlay(SUBSISTENCE, 1, 1, working_days(12))


def item_at(world: World, at: str, version: int) -> ItemVersion | None:
    station = world.at(at)
    return station.intake.look(lambda c: station.hall.releases.item(c, SUBSISTENCE, version))


def narrow(world: World, at: str, overlay: ItemOverlay = FASTER) -> None:
    """A hall publishes an overlay for itself and those below: here the township alone."""
    base = item_at(world, at, overlay.base_version)
    assert base is not None
    catalogue = expanded(Catalogue((), "test", overlays=(overlay,)), [base])
    content = CATALOGUE.to_bytes(catalogue)
    take_release(world, at, ReleaseKind.CATALOGUE, content, author="330127101")


def reported_up(world: World) -> Case:
    case = world.file(TOWNSHIP, SUBSISTENCE)
    for command in (ACCEPT, REVIEW, HAND_OVER):
        case = world.act(TOWNSHIP, case, command)
    return case


def seen(world: World, at: str, case: Case) -> wire.CaseView:
    request = wire.GetCaseRequest(case_ref=case.case_id, actor_id="chief", purpose="x")
    return ask(face(world, at).GetCase(request, None)).case  # type: ignore[no-any-return]


def clocks(view: wire.CaseView) -> list[Any]:
    return [(one.kind, one.limit.days, one.starts_on, one.due_on) for one in view.clocks]


def answers(world: World, at: str, case: Case) -> list[Any]:
    held = world.case(at, case)
    assert held is not None
    return [m.fact for m in held.marks if isinstance(m.fact, TakenOver | HandOverDeclined)]


def test_the_hall_above_does_not_know_the_version_and_comes_to_the_same_clocks(
    world: World,
) -> None:
    narrow(world, TOWNSHIP)
    case = reported_up(world)
    assert case.filed.item_version == 1001
    assert case.filed.overlay == FASTER
    post = Post(world)
    post.settle()
    assert item_at(world, COUNTY, 1001) is None
    assert isinstance(answers(world, COUNTY, case)[0], TakenOver)
    below, above = seen(world, TOWNSHIP, case), seen(world, COUNTY, case)
    assert clocks(below) == clocks(above)
    assert {one.limit.days for one in above.clocks if one.kind == wire.CLOCK_KIND_PROMISE} == {12}
    assert row_of(world.at(COUNTY), case).due_on == row_of(world.at(TOWNSHIP), case).due_on
    assert above.summary.item_name == below.summary.item_name != SUBSISTENCE
    world.act(COUNTY, case, GRANT)
    post.settle()
    world.act(TOWNSHIP, case, CLOSE)
    for at in (TOWNSHIP, COUNTY):
        station = world.at(at)
        kept = station.intake.look(counting.kept)
        assert kept == station.intake.look(lambda c, s=station: counting.from_events(c, s.hall))  # type: ignore[misc]


def test_two_halls_narrow_the_same_version_each_its_own_way(world: World) -> None:
    """The number of a version is that of its hall; what travels says which one is meant."""
    narrow(world, TOWNSHIP)
    narrow(world, COUNTY, replace(FASTER, promised_limit=working_days(15)))
    case = reported_up(world)
    Post(world).settle()
    assert clocks(seen(world, TOWNSHIP, case)) == clocks(seen(world, COUNTY, case))


def test_what_would_widen_the_item_is_not_taken(world: World) -> None:
    narrow(world, TOWNSHIP)
    case = reported_up(world)
    wider = replace(case.filed, overlay=replace(FASTER, promised_limit=working_days(300)))
    other = replace(case.filed, overlay=replace(FASTER, revision=2))
    elsewhere = replace(case.filed, overlay=replace(FASTER, item_id="elder-card"))
    station = world.at(COUNTY)
    for filed in (wider, other, elsewhere):
        assert station.intake.look(lambda c, f=filed: station.hall.releases.item_of(c, f)) is None  # type: ignore[misc]
    known = station.intake.look(lambda c: station.hall.releases.item_of(c, case.filed))
    assert known is not None


def test_a_case_of_an_item_that_stands_for_itself_takes_nothing_along(world: World) -> None:
    case = world.file(TOWNSHIP, SUBSISTENCE)
    assert case.filed.overlay is None
    [mark] = case.marks
    assert isinstance(mark.fact, Filed)


def test_what_is_taken_along_makes_the_version_again(world: World) -> None:
    base = item_at(world, TOWNSHIP, 1)
    assert base is not None
    narrowed = merged(base, FASTER)
    assert merged(base, overlay_of(base, narrowed)) == narrowed

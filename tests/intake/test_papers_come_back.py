"""A hall that lost its records gets the papers again that it had: those that it was sent, and its own from those
to whom it had sent them."""

from __future__ import annotations

from tests.exchange.parts import deliveries, dispatch, greet, rows, want
from tests.exchange.test_attachments import named
from tests.intake.parts import APPLICATION, GRANT, HAND_OVER, HUKOU, SUBSISTENCE, reported_up
from tests.intake.test_own_words import backup_of, put_back
from tests.simulation.halls import World
from tests.simulation.worlds import CITY, COUNTY, OTHER_COUNTY, TOWNSHIP

from hallnet.case.case import Case
from hallnet.exchange import tables as exchange_tables
from hallnet.exchange.attachments import CHUNK_KIND
from hallnet.intake import tables
from hallnet.intake.papers import materials


def has_papers(world: World, at: str, case: Case) -> bool:
    """Whether all materials of a case are at a hall."""
    digests = {material.digest for material in case.materials}
    assert digests
    return digests == world.at(at).intake.look(lambda c: materials.here(c, sorted(digests)))


def known(world: World, at: str, *neighbours: str) -> None:
    """The neighbours have seen something of the hall's journal."""
    for neighbour in neighbours:
        greet(world, at, neighbour)
    world.time.pass_by(minutes=5)


def test_papers_that_came_since_the_backup_come_again(world: World) -> None:
    world.file(TOWNSHIP, SUBSISTENCE)
    world.settle()
    known(world, COUNTY, TOWNSHIP)
    backup = backup_of(world, COUNTY)
    case = reported_up(world)
    world.settle()
    assert has_papers(world, COUNTY, case)
    put_back(world, COUNTY, backup, TOWNSHIP)
    world.settle()
    assert has_papers(world, COUNTY, case)
    world.act(COUNTY, case, GRANT)


def test_papers_of_a_hall_far_away_come_again(wide_world: World) -> None:
    """Neighbours passed them on and do not keep them: they show from where they came."""
    world = wide_world
    known(world, COUNTY, TOWNSHIP, CITY)
    backup = backup_of(world, COUNTY)
    case = world.file(OTHER_COUNTY, HUKOU, for_division=COUNTY)
    case = world.act(OTHER_COUNTY, case, HAND_OVER)
    world.settle()
    assert has_papers(world, COUNTY, case)
    put_back(world, COUNTY, backup, TOWNSHIP, CITY)
    world.settle()
    assert has_papers(world, COUNTY, case)


def test_own_papers_come_back_from_the_hall_to_which_they_had_gone(world: World) -> None:
    """They were handed in here, so nobody sends them with the case."""
    world.file(TOWNSHIP, SUBSISTENCE, without=[APPLICATION])
    world.settle()
    known(world, TOWNSHIP, COUNTY)
    backup = backup_of(world, TOWNSHIP)
    case = reported_up(world)
    world.settle()
    put_back(world, TOWNSHIP, backup, COUNTY)
    assert not has_papers(world, TOWNSHIP, case)
    world.settle()
    assert has_papers(world, TOWNSHIP, case)


def test_papers_of_which_only_a_part_had_come_begin_anew(world: World) -> None:
    """What the giver counts as received is lost."""
    world.file(TOWNSHIP, SUBSISTENCE)
    world.settle()
    known(world, COUNTY, TOWNSHIP)
    backup = backup_of(world, COUNTY)
    scan = world.upload(TOWNSHIP, "large", b"x" * 600_000)
    case = reported_up(world)
    township, county = world.at(TOWNSHIP), world.at(COUNTY)
    content = b"large:" + b"x" * 600_000
    want(world, TOWNSHIP, dispatch(COUNTY, attachments=[named(content)]))
    for _ in range(40):
        world.follow(township)
        world.carry(township, county)
        wish = rows(township.exchange, exchange_tables.attachment_wish)[-1]
        if 0 < wish.answered < wish.sent:
            break
    put_back(world, COUNTY, backup, TOWNSHIP)
    world.settle()
    assert county.intake.look(lambda c: materials.is_here(c, scan.digest))
    assert has_papers(world, COUNTY, case)


def test_of_papers_that_are_still_here_only_the_beginning_goes(world: World) -> None:
    """The clocks may have been apart by a day, so what came shortly before the backup is offered as well."""
    early = reported_up(world)
    world.settle()
    known(world, TOWNSHIP, COUNTY)
    backup = backup_of(world, TOWNSHIP)
    reported_up(world)
    world.settle()
    put_back(world, TOWNSHIP, backup, COUNTY)
    before = rows(world.at(TOWNSHIP).intake, tables.material)
    world.settle()
    chunks = [row for row in deliveries(world.at(COUNTY)) if row.kind == CHUNK_KIND]
    assert {row.reason for row in chunks} == {"ATTACHMENT_HERE"}
    assert len(chunks) == len(early.materials)
    assert rows(world.at(TOWNSHIP).intake, tables.material) == before

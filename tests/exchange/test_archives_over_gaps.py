"""An archive over entries that a hall lost says so, and nothing else may be left out of one."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from tests.exchange.losses import Backup, backup_of, recover, settle_words
from tests.exchange.parts import greet, talk
from tests.exchange.test_archiving import Parts, archive, parts, verified
from tests.simulation.halls import World
from tests.simulation.worlds import COUNTY, TOWNSHIP

from hallnet.exchange.journal import continuity
from hallnet.exchange.records import archiving
from hallnet.trust.journal import EntryKind
from hallnet.trust.problems import ProofInvalid, SignatureInvalid
from hallnet.wire.trust.v1 import archive_pb2 as wire
from hallnet.wire.trust.v1 import journal_pb2 as wire_journal


def lost(world: World) -> range:
    """The township loses its newest entries, and goes on; returns the places that are missing."""
    talk(world)
    greet(world, TOWNSHIP, COUNTY)
    backup: Backup = backup_of(world, TOWNSHIP)
    for _ in range(3):
        talk(world)
    recover(world, TOWNSHIP, backup, COUNTY)
    settle_words(world)
    talk(world)
    ((gap, _),) = world.at(TOWNSHIP).exchange.look(continuity.gaps)
    return gap


def place_of_gap(found: Parts) -> int:
    return next(number for number, part in enumerate(found) if part.WhichOneof("part") == "gap")


def test_an_archive_over_a_gap_holds_and_says_what_is_missing(world: World) -> None:
    gap = lost(world)
    found = parts(archive(world, TOWNSHIP))
    report = verified(world, found)
    assert report.problem is None
    assert list(report.gaps) == [gap]
    assert sum(report.counts.values()) + len(gap) == report.end
    assert report.counts[EntryKind.INCIDENT] == 1


def test_an_archive_that_begins_behind_a_gap_or_ends_before_it_is_as_any_other(
    world: World,
) -> None:
    talk(world)
    greet(world, TOWNSHIP, COUNTY)
    world.time.pass_by(days=1)
    middle = world.time.now
    world.time.pass_by(days=1)
    talk(world)
    gap = lost(world)
    before = verified(world, parts(archive(world, TOWNSHIP, until=middle)))
    assert before.problem is None
    assert list(before.gaps) == []
    after = verified(world, parts(archive(world, TOWNSHIP, since=middle)))
    assert after.problem is None
    assert list(after.gaps) == [gap]


def without_gap(found: Parts) -> None:
    del found[place_of_gap(found)]


def another_frontier(found: Parts) -> None:
    gap = found[place_of_gap(found)].gap
    gap.frontier[0] = bytes(len(gap.frontier[0]))


def another_signature(found: Parts) -> None:
    gap = found[place_of_gap(found)].gap
    gap.after.signature = bytes(len(gap.after.signature))


def another_head_before(found: Parts) -> None:
    gap = found[place_of_gap(found)].gap
    gap.before.CopyFrom(gap.after)


def no_head_before(found: Parts) -> None:
    found[place_of_gap(found)].gap.ClearField("before")


def twice(found: Parts) -> None:
    found.insert(place_of_gap(found), found[place_of_gap(found)])


def undeclared(found: Parts) -> None:
    """The incident in which the hall tells of its loss is another entry."""
    run = found[place_of_gap(found) + 1].run
    incident = wire_journal.Incident.FromString(run.entries[0].data)
    incident.reason = "WRONG_LINK"
    run.entries[0].data = incident.SerializeToString()


@pytest.mark.parametrize(
    "spoil",
    [
        without_gap,
        another_frontier,
        another_signature,
        another_head_before,
        no_head_before,
        twice,
        undeclared,
    ],
)
def test_a_gap_that_is_not_declared_as_it_was_is_refused(
    world: World, spoil: Callable[[Parts], None]
) -> None:
    lost(world)
    found = parts(archive(world, TOWNSHIP))
    spoil(found)
    problem = verified(world, found).problem
    assert isinstance(problem, ProofInvalid | SignatureInvalid)


def test_entries_that_are_there_cannot_be_left_out_as_if_they_were_lost(world: World) -> None:
    """The hall signed heads at both ends of them, but no incident behind them tells of a loss."""
    for _ in range(3):
        talk(world)
    greet(world, TOWNSHIP, COUNTY)
    found = parts(archive(world, TOWNSHIP))
    runs = [part for part in found if part.WhichOneof("part") == "run"]
    assert len(runs) > 2
    left_out = runs[1].run
    station = world.at(TOWNSHIP)

    places = range(left_out.start, left_out.start + len(left_out.entries))
    gap = station.exchange.look(lambda c: archiving._gap(c, station.context, places))
    number = found.index(runs[1])
    found[number] = wire.JournalArchivePart(gap=gap)
    assert isinstance(verified(world, found).problem, ProofInvalid)

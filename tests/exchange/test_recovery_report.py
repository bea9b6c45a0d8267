"""What came back of a loss and what did not is written to a file that anybody can check."""

from __future__ import annotations

from io import BytesIO

import pytest
from tests.exchange.losses import recover, settle_words
from tests.exchange.parts import dispatch, want
from tests.exchange.test_returning import before, speak
from tests.simulation.halls import World
from tests.simulation.worlds import COUNTY, OTHER_COUNTY, TOWNSHIP

from hallnet.cli.verifying import describe_recovery
from hallnet.exchange.records import recovery_report
from hallnet.exchange.records.recovery_report import NothingLost
from hallnet.trust.journal import EntryKind
from hallnet.trust.problems import NotAuthentic
from hallnet.trust.recovery import (
    MAGIC,
    RecoveryMalformed,
    RecoveryReport,
    read_parts,
    verify_recovery,
)
from hallnet.wire.exchange.v1 import returning_pb2 as wire


def report_of(world: World) -> bytes:
    station = world.at(TOWNSHIP)
    data, left = station.exchange.look(
        lambda c: recovery_report.begin(c, station.context, 0, world.time.now)
    )
    while left:
        more, at = station.exchange.look(
            lambda c, left=left: recovery_report.piece(c, station.context, left)  # type: ignore[misc]
        )
        data, left = data + more, range(at, left.stop)
    return data


def verified(world: World, data: bytes) -> RecoveryReport:
    return verify_recovery(read_parts(BytesIO(data)), world.root)


def recovered(world: World) -> bytes:
    """Two words to the county, one to nobody else, and two across the tree; the other county is silent."""
    backup = before(world)
    speak(world, COUNTY)
    want(world, TOWNSHIP, dispatch(TOWNSHIP))
    speak(world, OTHER_COUNTY)
    world.at(OTHER_COUNTY).cut = True
    recover(world, TOWNSHIP, backup, COUNTY)
    settle_words(world)
    return report_of(world)


def test_the_report_says_what_came_back_and_what_is_missing(world: World) -> None:
    report = verified(world, recovered(world))
    assert report.problem is None
    assert report.counts == {EntryKind.SENT: 4}
    # Of what the silent hall has the neighbour passed on header and proof.
    assert report.with_content == 2
    lost = sum(map(len, report.missing))
    assert lost + 4 == len(report.places)
    asked = {one.hall: (one.answered_at is not None, one.returned) for one in report.asked}
    assert asked == {COUNTY: (True, 4), OTHER_COUNTY: (False, 0)}
    assert report.waited_until is None
    lines = describe_recovery(report)["lines"]
    assert any(OTHER_COUNTY in line and "did not answer" in line for line in lines)


def test_every_byte_of_what_is_proved_counts(world: World) -> None:
    data = recovered(world)
    found = list(read_parts(BytesIO(data)))
    entries = found[1].entries
    for spoil in ("data", "hashes", "place", "signature", "end"):
        forged = [wire.RecoveryPart.FromString(part.SerializeToString()) for part in found]
        changed = forged[1].entries
        if spoil == "data":
            changed.entries[0].entry.data = entries.entries[1].entry.data
        elif spoil == "hashes":
            changed.evidence.hashes = bytes(len(entries.evidence.hashes))
        elif spoil == "place":
            changed.entries[0].proof.leaf_index += 1
        elif spoil == "signature":
            changed.evidence.checkpoints[0].signature = bytes(64)
        else:
            forged[0].head.end_head.signature = bytes(64)
        assert isinstance(verify_recovery(iter(forged), world.root).problem, NotAuthentic), spoil


def test_an_entry_is_counted_once_and_only_where_something_was_lost(world: World) -> None:
    found = list(read_parts(BytesIO(recovered(world))))
    twice = [found[0], found[1], found[1]]
    assert not verify_recovery(iter(twice), world.root).holds
    narrow = wire.RecoveryPart.FromString(found[0].SerializeToString())
    narrow.head.start = narrow.head.end - 1
    assert not verify_recovery(iter([narrow, found[1]]), world.root).holds


@pytest.mark.parametrize("data", [b"", b"something", MAGIC, MAGIC + b"\xff\xff\xff\xff\x7f"])
def test_what_is_no_report_is_refused(world: World, data: bytes) -> None:
    with pytest.raises(RecoveryMalformed):
        verified(world, data)


def test_a_hall_that_lost_nothing_has_nothing_to_report(world: World) -> None:
    with pytest.raises(NothingLost):
        report_of(world)

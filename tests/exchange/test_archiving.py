"""Archives of a journal: a period, proved offline from the first entry to the last."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from io import BytesIO

import pytest
from tests.exchange.parts import dispatch, fill, journal_entries, settle_exchanges, want
from tests.simulation.halls import World
from tests.simulation.worlds import CITY, COUNTY, OTHER_COUNTY, TOWNSHIP

from hallnet.exchange.journal import journal_store
from hallnet.exchange.link import links
from hallnet.exchange.records import archiving
from hallnet.exchange.records.archiving import NotArchived, NothingToArchive
from hallnet.store import Connection
from hallnet.trust.archive import (
    MAGIC,
    ArchiveMalformed,
    ArchiveReport,
    read_parts,
    verify_archive,
)
from hallnet.trust.journal import EntryKind
from hallnet.trust.parts import PART_BYTES_MAX
from hallnet.wire.trust.v1 import archive_pb2 as wire

Parts = list[wire.JournalArchivePart]


def archive(
    world: World, at: str, since: datetime | None = None, until: datetime | None = None
) -> bytes:
    station = world.at(at)

    def read(connection: Connection) -> bytes:
        head, start, end = archiving.begin(
            connection, station.context, since, until, world.time.now
        )
        data = archiving.opening(head)
        while start < end:
            # Few at a time, so that an archive is put together of many pieces.
            pieces, start = archiving.pieces(connection, station.context, start, end, 2)
            data += b"".join(pieces)
        return data

    return station.exchange.look(read)


def parts(data: bytes) -> Parts:
    return list(read_parts(BytesIO(data)))


def verified(world: World, found: Parts) -> ArchiveReport:
    return verify_archive(iter(found), world.root)


def talk(world: World) -> datetime:
    """Two days of traffic of the county; returns the moment between them."""
    for number in range(3):
        want(world, TOWNSHIP, dispatch(OTHER_COUNTY, b"%d" % number))
        want(world, COUNTY, dispatch(TOWNSHIP), dispatch(CITY))
        settle_exchanges(world)
    world.time.pass_by(hours=12)
    between = world.time.now
    world.time.pass_by(hours=12)
    fill(world, TOWNSHIP, COUNTY, 600)
    settle_exchanges(world)
    world.time.pass_by(seconds=1)
    return between


def witnessed(world: World) -> None:
    """The county and its parent say hello, so that the city cosigns the county's head."""
    county, city = world.at(COUNTY), world.at(CITY)
    for speaker, listener in ((county, city), (city, county)) * 2:
        said = speaker.exchange.look(
            lambda c, speaker=speaker, listener=listener: links.hello(  # type: ignore[misc]
                c, speaker.context, listener.address, "0.1.0", world.time.now
            )
        )
        listener.exchange.transact(
            lambda c, speaker=speaker, listener=listener, said=said: links.take_hello(  # type: ignore[misc]
                c, listener.context, speaker.address, said, world.time.now
            )
        )


def test_the_whole_journal_is_proved_entry_by_entry(world: World) -> None:
    talk(world)
    report = verified(world, parts(archive(world, COUNTY)))
    assert report.problem is None
    entries = journal_entries(world.at(COUNTY))
    assert (report.start, report.end) == (0, len(entries))
    assert report.counts[EntryKind.RELAYED] == 3
    assert sum(report.counts.values()) == len(entries)
    assert report.witness is None


def test_archives_of_periods_join_without_a_gap(world: World) -> None:
    between = talk(world)
    first = verified(world, parts(archive(world, COUNTY, until=between)))
    second = verified(world, parts(archive(world, COUNTY, since=between)))
    whole = verified(world, parts(archive(world, COUNTY)))
    assert first.holds
    assert second.holds
    assert (first.start, first.end, second.end) == (0, second.start, whole.end)
    assert second.counts[EntryKind.RECEIVED] == 600


def test_a_witness_is_named_with_how_far_it_saw(world: World) -> None:
    between = talk(world)
    witnessed(world)
    seen = len(journal_entries(world.at(COUNTY)))
    fill(world, TOWNSHIP, COUNTY, 3)
    settle_exchanges(world)
    report = verified(world, parts(archive(world, COUNTY, since=between)))
    assert report.holds
    assert (str(report.witness), report.witnessed) == (CITY, seen)
    # A period that ended before the witness looked has none.
    assert verified(world, parts(archive(world, COUNTY, until=between))).witness is None


def test_there_is_no_archive_of_a_period_without_entries(world: World) -> None:
    talk(world)
    with pytest.raises(NothingToArchive):
        archive(world, COUNTY, since=world.time.now)
    with pytest.raises(NothingToArchive):
        archive(world, COUNTY, until=world.time.now - timedelta(days=100))


def _changed_entry(found: Parts) -> None:
    data = bytearray(found[2].run.entries[0].data)
    data[5] ^= 1
    found[2].run.entries[0].data = bytes(data)


def _another_kind(found: Parts) -> None:
    found[2].run.entries[0].kind = int(EntryKind.INCIDENT)  # type: ignore[assignment]


def _no_kind(found: Parts) -> None:
    found[2].run.entries[0].kind = 99  # type: ignore[assignment]


def _entry_removed(found: Parts) -> None:
    del found[2].run.entries[0]


def _run_removed(found: Parts) -> None:
    del found[2]


def _end_removed(found: Parts) -> None:
    del found[-1]


def _entry_added(found: Parts) -> None:
    found[-1].run.entries.append(found[-1].run.entries[0])


def _runs_exchanged(found: Parts) -> None:
    found[2], found[3] = found[3], found[2]


def _two_heads(found: Parts) -> None:
    found.insert(2, found[0])


def _signature_changed(found: Parts) -> None:
    signature = bytearray(found[0].head.end.signature)
    signature[0] ^= 1
    found[0].head.end.signature = bytes(signature)


def _another_hall(found: Parts) -> None:
    found[0].head.address = OTHER_COUNTY


def _frontier_changed(found: Parts) -> None:
    found[0].head.frontier[0] = bytes(32)


def _witness_forged(found: Parts) -> None:
    word = found[0].head.witnessed.cosignatures[0]
    word.signature = bytes(len(word.signature))


def _witnessed_another_root(found: Parts) -> None:
    found[0].head.witnessed.CopyFrom(found[0].head.start)


@pytest.mark.parametrize(
    "spoil",
    [
        _changed_entry,
        _another_kind,
        _no_kind,
        _entry_removed,
        _run_removed,
        _end_removed,
        _entry_added,
        _runs_exchanged,
        _two_heads,
        _signature_changed,
        _another_hall,
        _frontier_changed,
        _witness_forged,
        _witnessed_another_root,
    ],
)
def test_whatever_is_changed_in_an_archive_is_found(world: World, spoil) -> None:  # type: ignore[no-untyped-def]
    between = talk(world)
    witnessed(world)
    found = parts(archive(world, COUNTY, since=between))
    assert verified(world, found).holds
    spoil(found)
    assert not verified(world, found).holds


def test_an_archive_under_another_root_does_not_hold(world: World) -> None:
    talk(world)
    stranger = World("sqlite://", intakes=False).root
    assert not verify_archive(iter(parts(archive(world, COUNTY))), stranger).holds


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"rubbish",
        MAGIC,
        MAGIC + b"\x05abc",
        MAGIC + b"\xff" * 12,
        MAGIC + (PART_BYTES_MAX + 1).to_bytes(4, "little"),
    ],
    ids=["nothing", "rubbish", "no part", "cut short", "no length", "too long a part"],
)
def test_what_is_no_archive_is_refused_before_memory_is_spent(world: World, data: bytes) -> None:
    with pytest.raises(ArchiveMalformed):
        verify_archive(read_parts(BytesIO(data)), world.root)


def test_an_archive_that_is_cut_anywhere_does_not_hold(world: World) -> None:
    talk(world)
    data = archive(world, COUNTY)
    for length in range(0, len(data), 997):
        try:
            report = verify_archive(read_parts(BytesIO(data[:length])), world.root)
        except ArchiveMalformed:
            continue
        assert not report.holds


# Forgetting what is archived


def forget(world: World, at: str, report: ArchiveReport) -> int:
    station, forgotten = world.at(at), 0
    station.exchange.look(
        lambda c: archiving.require_archived(
            c, station.context, report.start, report.end, report.end_root
        )
    )
    while more := station.exchange.transact(lambda c: archiving.forget_some(c, report.end)):
        forgotten += more
    return forgotten


def test_what_is_archived_can_be_removed_and_every_proof_still_be_made(world: World) -> None:
    between = talk(world)
    first = verified(world, parts(archive(world, COUNTY, until=between)))
    assert forget(world, COUNTY, first) == first.end
    station = world.at(COUNTY)
    size = station.exchange.look(journal_store.size)
    proofs = station.exchange.look(
        lambda c: journal_store.proofs_now(c, station.context, range(size))
    )
    assert len(proofs) == size
    second = verified(world, parts(archive(world, COUNTY)))
    assert second.holds
    assert (second.start, second.end) == (first.end, size)
    want(world, TOWNSHIP, dispatch(COUNTY))
    settle_exchanges(world)
    assert verified(world, parts(archive(world, COUNTY))).holds


def test_nothing_is_removed_that_no_archive_has(world: World) -> None:
    between = talk(world)
    second = verified(world, parts(archive(world, COUNTY, since=between)))
    with pytest.raises(NotArchived, match="nothing was removed"):
        forget(world, COUNTY, second)
    entries = len(journal_entries(world.at(COUNTY)))
    of_another = verified(world, parts(archive(world, TOWNSHIP)))
    for wrong in (
        of_another,
        replace(second, start=0, end=entries + 1),
        replace(second, start=0, end=0),
    ):
        with pytest.raises(NotArchived):
            forget(world, COUNTY, wrong)
    assert len(journal_entries(world.at(COUNTY))) == entries


def test_a_period_that_was_forgotten_is_not_archived_again(world: World) -> None:
    between = talk(world)
    first = verified(world, parts(archive(world, COUNTY, until=between)))
    forget(world, COUNTY, first)
    with pytest.raises(NothingToArchive):
        archive(world, COUNTY, until=between)

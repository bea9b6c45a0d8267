"""A matter with its proofs, exported from the tables of a hall and checked with the root alone."""

from __future__ import annotations

import random

import pytest
from sqlalchemy import select
from tests.exchange.forging import Forger
from tests.exchange.parts import SECRET, dispatch, settle_exchanges, take, want
from tests.simulation.halls import World
from tests.simulation.worlds import CITY, COUNTY, OTHER_COUNTY, TOWNSHIP

from hallnet.exchange import tables
from hallnet.exchange.attachments import CHUNK_KIND
from hallnet.exchange.certificates.renewing import REQUEST_KIND
from hallnet.exchange.records import bundling
from hallnet.exchange.records.bundling import NothingToExport
from hallnet.federation.delivery import State
from hallnet.places import Address
from hallnet.trust.bundle import Report, verify_bundle
from hallnet.trust.envelope import Urgency
from hallnet.trust.problems import BundleMalformed
from hallnet.trust.receipt import Verdict
from hallnet.wire.exchange.v1 import case_bundle_pb2 as wire

FLIPS = 150


def export(world: World, at: str, subject: str = "matter-1") -> bytes:
    station = world.at(at)
    return station.exchange.look(
        lambda c: bundling.export(c, station.context, subject, world.time.now)
    ).SerializeToString()


def checked(world: World, data: bytes) -> Report:
    """What somebody finds who has nothing but the root certificate."""
    return verify_bundle(data, world.root)


def contents(report: Report) -> list[bytes]:
    return [item.content.payload for item in report.exhibits if item.content is not None]


def matter(world: World) -> None:
    """A question and an answer between two counties, and a note to itself."""
    want(world, COUNTY, dispatch(OTHER_COUNTY), dispatch(COUNTY, b"note"))
    settle_exchanges(world)
    world.time.pass_by(minutes=1)
    want(world, OTHER_COUNTY, dispatch(COUNTY, b"answer"), dispatch(COUNTY, b"x", subject="other"))
    settle_exchanges(world)


@pytest.mark.parametrize(
    ("at", "expected"),
    [(COUNTY, [SECRET, b"note", b"answer"]), (OTHER_COUNTY, [SECRET, b"answer"])],
)
def test_both_halls_can_prove_a_matter_with_nothing_but_the_root(
    world: World, at: str, expected: list[bytes]
) -> None:
    matter(world)
    world.restart(at)
    report = checked(world, export(world, at))
    assert report.holds
    assert (report.subject, report.exported_by) == ("matter-1", at)
    assert contents(report) == expected
    receipts = [item.receipt for item in report.exhibits if item.receipt is not None]
    assert {receipt.verdict for receipt in receipts} == {Verdict.ACCEPTED}
    assert len(receipts) == 2


@pytest.mark.parametrize(
    "urgencies",
    [[Urgency.ORDINARY] * 4, [Urgency.BULK, Urgency.ORDINARY, Urgency.ORDINARY, Urgency.URGENT]],
    ids=["in-their-order", "in-another-order"],
)
def test_each_receipt_of_a_run_is_proved_alone(world: World, urgencies: list[Urgency]) -> None:
    """A neighbour answers a batch with verdicts that are proved together and kept once. They stand in the
    order in which the envelopes went, which need not be that in which they were wished, and say
    different things."""
    subjects = [f"matter-{number}" for number in range(5)]
    want(world, TOWNSHIP, dispatch(COUNTY, subject=subjects[0]))
    settle_exchanges(world)
    kinds = ["test.message", REQUEST_KIND, "test.message", "test.message"]
    together = zip(subjects[1:], kinds, urgencies, strict=True)
    want(
        world,
        TOWNSHIP,
        *[dispatch(COUNTY, subject=name, kind=kind, urgency=how) for name, kind, how in together],
    )
    settle_exchanges(world)
    station = world.at(TOWNSHIP)
    runs = station.exchange.look(lambda c: c.execute(select(tables.kept_run)).all())
    assert sorted(run.end - run.start for run in runs) == [1, 4]
    verdicts = {}
    for subject in subjects:
        report = checked(world, export(world, TOWNSHIP, subject))
        assert report.holds
        (exhibit,) = report.exhibits
        assert exhibit.receipt is not None
        assert exhibit.receipt.issuer == Address(COUNTY)
        verdicts[subject] = exhibit.receipt.verdict
    not_a_request = {subjects[2]: Verdict.REFUSED}
    assert verdicts == dict.fromkeys(subjects, Verdict.ACCEPTED) | not_a_request
    own = tables.delivery.c
    noted = station.exchange.look(
        lambda c: c.execute(select(own.subject, own.state, own.receipt)).all()
    )
    assert {tuple(row) for row in noted if row.subject in verdicts} == {
        (subject, State.REFUSED if subject in not_a_request else State.ACCEPTED, None)
        for subject in subjects
    }


def test_a_bundle_holds_long_after_the_certificates_ended(world: World) -> None:
    """What was signed while they were valid remains proved."""
    matter(world)
    data = export(world, COUNTY)
    world.time.pass_by(days=5000)
    assert checked(world, data).holds


def test_a_bundle_proves_nothing_to_somebody_with_another_root(world: World) -> None:
    matter(world)
    stranger = World("sqlite://", intakes=False).root
    assert not verify_bundle(export(world, COUNTY), stranger).holds


def test_any_flipped_bit_is_found(world: World) -> None:
    matter(world)
    data = export(world, COUNTY)
    chance = random.Random(20261123)
    for place in chance.sample(range(len(data) * 8), FLIPS):
        spoiled = bytearray(data)
        spoiled[place // 8] ^= 1 << place % 8
        try:
            report = checked(world, bytes(spoiled))
        except BundleMalformed:
            continue
        assert not report.holds, f"bit {place} of {len(data) * 8}"


@pytest.mark.parametrize("part", [0.1, 0.5, 0.99])
def test_a_bundle_that_is_cut_is_found(world: World, part: float) -> None:
    matter(world)
    data = export(world, COUNTY)
    try:
        report = checked(world, data[: int(len(data) * part)])
    except BundleMalformed:
        return
    assert not report.holds


def test_an_exhibit_that_is_left_out_breaks_the_seal(world: World) -> None:
    matter(world)
    station = world.at(COUNTY)
    signed = station.exchange.look(
        lambda c: bundling.export(c, station.context, "matter-1", world.time.now)
    )
    bundle = wire.CaseBundle.FromString(signed.bundle)
    del bundle.exhibits[0]
    signed.bundle = bundle.SerializeToString()
    assert checked(world, signed.SerializeToString()).seal_problem is not None


def test_what_is_still_under_way_is_shown_without_a_receipt(world: World) -> None:
    want(world, COUNTY, dispatch(OTHER_COUNTY))
    report = checked(world, export(world, COUNTY))
    assert report.holds
    assert [item.receipt for item in report.exhibits] == [None]


def test_a_refused_envelope_is_shown_by_its_sender_with_the_refusal(world: World) -> None:
    newcomer = "330127102"
    world.found(newcomer)
    world.at(COUNTY).context.children.discard(Address(newcomer))
    want(world, OTHER_COUNTY, dispatch(newcomer))
    settle_exchanges(world)
    report = checked(world, export(world, OTHER_COUNTY))
    assert report.holds
    (exhibit,) = report.exhibits
    assert exhibit.receipt is not None
    assert exhibit.receipt.verdict is Verdict.REFUSED
    assert exhibit.receipt.issuer == Address(COUNTY)


def test_what_was_refused_is_not_shown_by_the_hall_that_refused_it(world: World) -> None:
    """It was never opened, and had no effect."""
    who = Forger(world.at(TOWNSHIP).context.identity)
    county = world.at(COUNTY).context.identity.certificate
    late = who.letter(county, world.time.now, expires_at=world.time.now)
    take(world, TOWNSHIP, COUNTY, who.batch(world.time.now, [late]))
    with pytest.raises(NothingToExport):
        export(world, COUNTY)


def test_pieces_of_materials_are_not_exhibits(world: World) -> None:
    want(world, TOWNSHIP, dispatch(COUNTY), dispatch(COUNTY, b"piece", kind=CHUNK_KIND))
    settle_exchanges(world)
    for at in (TOWNSHIP, COUNTY):
        assert contents(checked(world, export(world, at))) == [SECRET]


@pytest.mark.parametrize("subject", ["matter-2", "", "matter-1'; --", "m" * 200])
def test_a_hall_has_nothing_to_export_of_a_matter_it_does_not_know(
    world: World, subject: str
) -> None:
    matter(world)
    with pytest.raises(NothingToExport):
        export(world, COUNTY, subject)


def test_a_hall_between_has_nothing_to_export(world: World) -> None:
    """It carried the matter and cannot show it."""
    matter(world)
    with pytest.raises(NothingToExport):
        export(world, CITY)

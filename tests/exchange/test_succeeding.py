"""A hall goes on under another address: who may say so, where things go, and that the past stays proved."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from tests.exchange.parts import (
    deliveries,
    dispatch,
    everything,
    journal,
    messages,
    settle_exchanges,
    told,
    want,
)
from tests.exchange.test_bundles import checked, contents, export, matter
from tests.simulation.halls import Station, World, new_root
from tests.simulation.worlds import CITY, COUNTY, OTHER_COUNTY, PROVINCE, TOWNSHIP
from tests.trust.keepers import succeed

from hallnet.exchange import believing
from hallnet.exchange.certificates import certifying, succeeding
from hallnet.exchange.certificates.succeeding import (
    NotAboveBoth,
    NothingToWithdraw,
    SuccessionUnusable,
    WouldCutOff,
)
from hallnet.federation.delivery import State
from hallnet.places import Address
from hallnet.places.problems import DivisionUnknown
from hallnet.trust.bundle import verify_bundle
from hallnet.trust.journal import EntryKind
from hallnet.trust.problems import CertificateUnknown, RootEnded
from hallnet.trust.suites import algorithms
from hallnet.wire.trust.v1 import certificate_pb2 as wire

MOVED = "330110012"
"""A township of the other county: the new address of the township."""
DAY = timedelta(days=1)


def declare(
    world: World,
    at: str = CITY,
    old: str = TOWNSHIP,
    new: str = MOVED,
    effective_at: datetime | None = None,
    reason: str = "浙政函〔2026〕1号",
    withdrawn: bool = False,
) -> wire.Succession:
    station, now = world.at(at), world.time.now
    return station.exchange.transact(
        lambda c: succeeding.declare_succession(
            c,
            station.context,
            Address.parse(old),
            Address.parse(new),
            reason,
            effective_at or now,
            now,
            withdrawn,
        )
    )


def publish(world: World, bundle: wire.TrustBundle, version: int = 1) -> None:
    """Every hall hears of it as of a trust bundle."""
    bundle.suites[:] = [wire.SUITE_ED25519]
    for expiry in (bundle.soft_expires_at, bundle.hard_expires_at):
        expiry.FromDatetime(world.time.now + 900 * DAY)
    raw = bundle.SerializeToString()
    for station in world.stations.values():

        def take(connection: Any, station: Station = station) -> None:
            believing.take_bundle(connection, station.context, raw, version, world.time.now)

        station.exchange.transact(take)


def moved(world: World, effective_at: datetime | None = None) -> None:
    statement = declare(world, effective_at=effective_at)
    publish(world, wire.TrustBundle(successions=[statement]))


# Stating


def test_a_statement_stands_in_the_journal_is_believed_and_told(world: World) -> None:
    city = world.at(CITY)
    statement = declare(world)
    assert journal(city, EntryKind.SIGNED)[-1] == algorithms(1).digest(statement.body)
    assert city.context.trust.goes_on_as(Address(TOWNSHIP), world.time.now) == Address(MOVED)
    (entry,) = told(city, "trust.stated")
    assert wire.TrustBundle.FromString(entry.payload).successions == [statement]
    again = world.restart(CITY)
    assert again.context.trust.goes_on_as(Address(TOWNSHIP), world.time.now) == Address(MOVED)


@pytest.mark.parametrize("at", [COUNTY, OTHER_COUNTY, TOWNSHIP])
def test_only_a_hall_above_both_states_it(world: World, at: str) -> None:
    before = everything(world.at(at).exchange)
    with pytest.raises(NotAboveBoth):
        declare(world, at)
    assert everything(world.at(at).exchange) == before


def test_what_cannot_be_kept_or_is_not_registered_is_refused(world: World) -> None:
    for values in ({"reason": " "}, {"reason": "x" * 201}, {"new": TOWNSHIP}):
        with pytest.raises(SuccessionUnusable):
            declare(world, **values)  # type: ignore[arg-type]
    with pytest.raises(DivisionUnknown):
        declare(world, new="330110999")
    assert told(world.at(CITY), "trust.stated") == []


def test_two_counties_that_are_merged_are_stated_one_by_one(world: World) -> None:
    declare(world, old=COUNTY, new="330182")
    declare(world, old=OTHER_COUNTY, new="330182")
    trust = world.at(CITY).context.trust
    for county in (COUNTY, OTHER_COUNTY):
        assert trust.goes_on_as(Address(county), world.time.now) == Address("330182")


# Where things go


def test_what_is_for_the_old_address_goes_to_the_new_one(world: World) -> None:
    world.found(MOVED)
    moved(world)
    want(world, PROVINCE, dispatch(TOWNSHIP))
    settle_exchanges(world)
    assert [message.sender for message in messages(world.at(MOVED))] == [PROVINCE]
    assert messages(world.at(TOWNSHIP)) == []
    (delivery,) = deliveries(world.at(PROVINCE))
    assert (delivery.recipient, delivery.state) == (MOVED, State.ACCEPTED)


def test_until_it_takes_effect_the_old_address_is_reached(world: World) -> None:
    world.found(MOVED)
    moved(world, world.time.now + DAY)
    want(world, PROVINCE, dispatch(TOWNSHIP, b"before"))
    world.time.pass_by(days=1)
    want(world, PROVINCE, dispatch(TOWNSHIP, b"after"))
    settle_exchanges(world)
    assert [message.payload for message in messages(world.at(TOWNSHIP))] == [b"before"]
    assert [message.payload for message in messages(world.at(MOVED))] == [b"after"]


def test_what_waited_for_the_old_address_goes_to_the_new_one_when_it_joins(world: World) -> None:
    """The new hall is founded after the statement: what is sent meanwhile waits for it."""
    moved(world)
    want(world, PROVINCE, dispatch(TOWNSHIP))
    assert [row.state for row in deliveries(world.at(PROVINCE))] == [State.UNSEALED]
    world.found(MOVED)
    settle_exchanges(world)
    assert [message.sender for message in messages(world.at(MOVED))] == [PROVINCE]


def test_the_parent_of_the_old_address_reaches_it_for_as_long_as_it_stands(world: World) -> None:
    """They have things to settle with each other."""
    world.found(MOVED)
    moved(world)
    want(world, COUNTY, dispatch(TOWNSHIP))
    settle_exchanges(world)
    assert len(messages(world.at(TOWNSHIP))) == 1
    county, now = world.at(COUNTY), world.time.now
    county.exchange.transact(
        lambda c: certifying.revoke_child(c, county.context, Address(TOWNSHIP), "撤并", now, now)
    )
    want(world, COUNTY, dispatch(TOWNSHIP))
    settle_exchanges(world)
    assert len(messages(world.at(MOVED))) == 1


def test_the_hall_that_goes_on_reaches_the_old_address_for_as_long_as_it_stands(
    world: World,
) -> None:
    """It answers what the old one hands over to it."""
    statement = declare(world, old=COUNTY, new=OTHER_COUNTY)
    bundle = wire.TrustBundle(successions=[statement])
    certificates = [
        world.at(at).context.identity.certificate.to_message() for at in (COUNTY, OTHER_COUNTY)
    ]
    bundle.certificates.extend(certificates)
    publish(world, bundle)
    want(world, OTHER_COUNTY, dispatch(COUNTY))
    want(world, PROVINCE, dispatch(COUNTY))
    settle_exchanges(world)
    assert [message.sender for message in messages(world.at(COUNTY))] == [OTHER_COUNTY]
    assert [message.sender for message in messages(world.at(OTHER_COUNTY))] == [PROVINCE]


# The past


def test_what_the_old_address_signed_is_verified_offline_after_the_move(world: World) -> None:
    want(world, TOWNSHIP, dispatch(OTHER_COUNTY))
    settle_exchanges(world)
    world.time.pass_by(days=1)
    moved(world)
    county, now = world.at(COUNTY), world.time.now
    county.exchange.transact(
        lambda c: certifying.revoke_child(c, county.context, Address(TOWNSHIP), "撤并", now, now)
    )
    world.time.pass_by(days=200)
    report = checked(world, export(world, OTHER_COUNTY))
    assert report.holds
    assert [str(item.header.sender) for item in report.exhibits if item.header] == [TOWNSHIP]


# Roots


def test_a_new_root_is_taken_in_at_the_top_and_believed_everywhere(world: World) -> None:
    new, statement = world.succession_of_root()
    province = world.at(PROVINCE)
    province.exchange.transact(
        lambda c: succeeding.take_root_succession(c, province.context, statement, world.time.now)
    )
    (entry,) = told(province, "trust.stated")
    publish(world, wire.TrustBundle.FromString(entry.payload))
    for address in world.stations:
        assert new in world.restart(address).context.trust.roots


def test_a_case_from_before_is_verified_with_the_new_root_and_with_the_old_one(
    world: World,
) -> None:
    matter(world)
    before = export(world, COUNTY)
    new, statement = world.succession_of_root()
    publish(world, wire.TrustBundle(root_successions=[statement]))
    after = export(world, COUNTY)
    for root in (world.root, new):
        report = verify_bundle(after, root)
        assert report.holds
        assert len(contents(report)) == 3
    assert verify_bundle(before, world.root).holds
    assert not verify_bundle(before, new).holds  # it was exported before anybody knew


def test_a_hall_that_was_cut_off_takes_the_new_root_in_by_hand(world: World) -> None:
    new, statement = world.succession_of_root()
    county = world.at(COUNTY)
    county.exchange.transact(
        lambda c: succeeding.take_root_succession(c, county.context, statement, world.time.now)
    )
    assert new in world.restart(COUNTY).context.trust.roots


def test_roots_of_which_none_is_believed_are_refused(world: World) -> None:
    (one, one_key), (other, other_key) = new_root(), new_root()
    statement = succeed(one, one_key, other, other_key, world.time.now)
    province = world.at(PROVINCE)
    with pytest.raises(CertificateUnknown):
        province.exchange.transact(
            lambda c: succeeding.take_root_succession(
                c, province.context, statement, world.time.now
            )
        )
    assert province.context.trust.roots == [world.root]


def take_in(world: World, address: str, statement: wire.RootSuccession) -> None:
    hall = world.at(address)
    hall.exchange.transact(
        lambda c: succeeding.take_root_succession(c, hall.context, statement, world.time.now)
    )


def top_certificate(world: World) -> bytes:
    return world.at(PROVINCE).context.identity.certificate.id


def test_a_root_that_ends_leaves_what_was_kept_in_force_at_every_hall(world: World) -> None:
    matter(world)
    new, statement = world.succession_of_root([top_certificate(world)])
    take_in(world, PROVINCE, statement)
    (entry,) = told(world.at(PROVINCE), "trust.stated")
    publish(world, wire.TrustBundle.FromString(entry.payload))
    for address in world.stations:
        context = world.restart(address).context
        assert context.trust.has_ended(world.root.id)
        now = world.time.now
        assert context.trust.hall(Address.parse(TOWNSHIP), now).body.subject == TOWNSHIP
    for root in (world.root, new):
        assert verify_bundle(export(world, COUNTY), root).holds


def test_a_statement_that_would_cut_the_network_off_is_refused_before_anything_is_believed(
    world: World,
) -> None:
    _, statement = world.succession_of_root([bytes(32)])
    for address in (PROVINCE, COUNTY):
        with pytest.raises(WouldCutOff):
            take_in(world, address, statement)
    assert world.at(PROVINCE).context.trust.roots == [world.root]


def test_the_old_root_after_the_new_one_hands_over_to_nobody(world: World) -> None:
    kept = [top_certificate(world)]
    new, statement = world.succession_of_root(kept)
    _, rival = world.succession_of_root(kept)
    take_in(world, PROVINCE, statement)
    with pytest.raises(RootEnded):
        take_in(world, PROVINCE, rival)
    take_in(world, PROVINCE, statement)
    assert world.restart(PROVINCE).context.trust.roots == [world.root, new]


def test_what_the_root_revokes_is_told_to_everybody_and_never_ends_the_hall_that_tells_it(
    world: World,
) -> None:
    ended = world.revocation_by_root(TOWNSHIP, "密钥被盗").to_message()
    own = world.revocation_by_root(PROVINCE, "密钥被盗").to_message()
    forged = wire.Revocation(body=ended.body, signature=bytes(64), signer_id=ended.signer_id)
    province = world.at(PROVINCE)

    def take(message: wire.Revocation) -> None:
        province.exchange.transact(
            lambda c: succeeding.take_revocation(c, province.context, message, world.time.now)
        )

    for refused, kind in ((own, WouldCutOff), (forged, CertificateUnknown)):
        with pytest.raises(kind):
            take(refused)
    take(ended)
    (entry,) = told(province, "trust.stated")
    assert wire.TrustBundle.FromString(entry.payload).revocations == [ended]
    certificate = world.at(TOWNSHIP).context.identity.certificate
    assert world.restart(PROVINCE).context.trust.revoked_at(certificate.id) == world.time.now


# Taken back


def test_a_change_that_is_not_in_effect_yet_can_be_taken_back_everywhere(world: World) -> None:
    ahead = world.time.now + 30 * DAY
    stated = declare(world, effective_at=ahead)
    publish(world, wire.TrustBundle(successions=[stated]))
    world.time.pass_by(days=1)
    back = declare(world, withdrawn=True)
    # In any order, and with the first once more.
    publish(world, wire.TrustBundle(successions=[back, stated]), 2)
    publish(world, wire.TrustBundle(successions=[stated]), 3)
    for at in (CITY, COUNTY, OTHER_COUNTY):
        trust = world.at(at).context.trust
        assert trust.goes_on_as(Address(TOWNSHIP), ahead + DAY) == Address(TOWNSHIP)
    world.time.pass_by(days=1)
    with pytest.raises(NothingToWithdraw):
        declare(world, withdrawn=True)
    again = declare(world, effective_at=ahead)
    publish(world, wire.TrustBundle(successions=[again]), 4)
    trust = world.at(OTHER_COUNTY).context.trust
    assert trust.goes_on_as(Address(TOWNSHIP), ahead + DAY) == Address(MOVED)


@pytest.mark.parametrize("stated", [False, True], ids=["never stated", "in effect"])
def test_what_was_not_stated_or_is_in_effect_cannot_be_taken_back(
    world: World, stated: bool
) -> None:
    if stated:
        moved(world)
        world.time.pass_by(days=1)
    with pytest.raises(NothingToWithdraw):
        declare(world, withdrawn=True)

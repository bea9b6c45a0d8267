"""A hall that is shut out is heard no more, at once and for good; what it said before stays believed."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from tests.exchange.parts import (
    answers,
    deliveries,
    dispatch,
    everything,
    give,
    incidents,
    journal,
    messages,
    rows,
    settle_exchanges,
    told,
    want,
)
from tests.exchange.test_certifying import certify
from tests.simulation.halls import SUITE, World
from tests.simulation.worlds import CITY, COUNTY, OTHER_COUNTY, TOWNSHIP

from hallnet.exchange import believing, tables
from hallnet.exchange.certificates import certifying
from hallnet.exchange.certificates.certifying import KeyRevoked, NotAChild, RevocationUnusable
from hallnet.exchange.records import bundling
from hallnet.federation.delivery import State
from hallnet.node import tls
from hallnet.node.home import Identity
from hallnet.places import Address
from hallnet.trust.bundle import verify_bundle
from hallnet.trust.certificate import RequestBody, make_request
from hallnet.trust.journal import EntryKind
from hallnet.trust.problems import CertificateRevoked
from hallnet.trust.revocation import REASON_LENGTH_MAX, read_revocation
from hallnet.wire.trust.v1 import certificate_pb2 as wire


def shut_out(
    world: World,
    child: str = TOWNSHIP,
    at: str = COUNTY,
    reason: str = "密钥丢失",
    since: datetime | None = None,
) -> list[wire.Revocation]:
    station = world.at(at)
    now = world.time.now
    return station.exchange.transact(
        lambda c: certifying.revoke_child(
            c, station.context, Address.parse(child), reason, since or now, now
        )
    )


def tell(world: World, at: str, revocations: list[wire.Revocation]) -> None:
    """What a trust bundle tells another hall."""
    station = world.at(at)
    read = [read_revocation(item) for item in revocations]

    def take(connection: object) -> None:
        station.context.trust.take_revocations(read)
        believing.keep_revocations(connection, station.context, read, world.time.now)  # type: ignore[arg-type]

    station.exchange.transact(take)


def test_what_it_sends_afterwards_is_dropped_and_recorded(world: World) -> None:
    shut_out(world)
    world.time.pass_by(seconds=1)
    want(world, TOWNSHIP, dispatch(COUNTY))
    assert answers(give(world, TOWNSHIP, COUNTY)) == ["DROPPED CERTIFICATE_REVOKED"]
    assert messages(world.at(COUNTY)) == []
    assert [item.reason for item in incidents(world.at(COUNTY))] == ["CERTIFICATE_REVOKED"]


def test_what_it_signed_before_and_that_comes_late_is_kept_as_evidence(world: World) -> None:
    want(world, TOWNSHIP, dispatch(COUNTY))
    world.time.pass_by(minutes=1)
    shut_out(world)
    assert answers(give(world, TOWNSHIP, COUNTY)) == ["KEPT"]
    assert messages(world.at(COUNTY)) == []


def test_what_it_said_before_can_still_be_proved(world: World) -> None:
    want(world, TOWNSHIP, dispatch(COUNTY))
    settle_exchanges(world)
    world.time.pass_by(days=1)
    shut_out(world)
    county = world.at(COUNTY)
    data = county.exchange.look(
        lambda c: bundling.export(c, county.context, "matter-1", world.time.now)
    ).SerializeToString()
    assert verify_bundle(data, world.root).holds


def test_nothing_is_sealed_to_it_any_more(world: World) -> None:
    shut_out(world)
    want(world, COUNTY, dispatch(TOWNSHIP))
    assert [row.state for row in deliveries(world.at(COUNTY))] == [State.UNSEALED]
    world.time.pass_by(days=60)
    world.send_again(world.at(COUNTY))
    assert [row.reason for row in deliveries(world.at(COUNTY))] == ["RECIPIENT_UNKNOWN"]


def test_it_is_no_child_any_more_and_stays_shut_out_after_a_restart(world: World) -> None:
    shut_out(world)
    context = world.restart(COUNTY).context
    assert Address.parse(TOWNSHIP) not in context.children
    with pytest.raises(CertificateRevoked):
        context.trust.hall(Address.parse(TOWNSHIP), world.time.now)


def test_the_revocation_stands_in_the_journal_and_is_told_to_the_other_services(
    world: World,
) -> None:
    (item,) = shut_out(world)
    assert SUITE.digest(item.body) in journal(world.at(COUNTY), EntryKind.SIGNED)
    (entry,) = told(world.at(COUNTY), "child.revoked")
    assert entry.subject == TOWNSHIP
    assert wire.TrustBundle.FromString(entry.payload).revocations == [item]


def test_another_hall_believes_it_and_remembers_it(world: World) -> None:
    tell(world, OTHER_COUNTY, shut_out(world))
    context = world.restart(OTHER_COUNTY).context
    with pytest.raises(CertificateRevoked):
        context.trust.hall(Address.parse(TOWNSHIP), world.time.now)


def test_of_two_words_the_one_with_the_earlier_moment_is_kept(world: World) -> None:
    world.time.pass_by(days=2)
    earlier = shut_out(world, since=world.time.now - timedelta(days=1))
    world.at(CITY).context.children.add(Address.parse(COUNTY))
    later = shut_out_again(world)
    for order in ((earlier, later), (later, earlier)):
        for revocations in order:
            tell(world, OTHER_COUNTY, revocations)
    (kept,) = rows(world.at(OTHER_COUNTY).exchange, tables.revocation)
    assert kept.revocation == earlier[0].SerializeToString()


def shut_out_again(world: World) -> list[wire.Revocation]:
    """The same certificate, from a later moment on."""
    county = world.at(COUNTY)
    county.exchange.transact(
        lambda c: c.execute(
            tables.child.insert().values(
                address=TOWNSHIP, certificate_id=b"c" * 32, enrolled_at=world.time.now
            )
        )
    )
    return shut_out(world)


def test_whoever_stands_below_it_is_shut_out_with_it(world: World) -> None:
    tell(world, OTHER_COUNTY, shut_out(world, COUNTY, CITY))
    world.time.pass_by(seconds=1)
    trust = world.at(OTHER_COUNTY).context.trust
    for address in (COUNTY, TOWNSHIP):
        with pytest.raises(CertificateRevoked):
            trust.hall(Address.parse(address), world.time.now)


def ask_anew(world: World, identity: Identity, signing_key: bytes) -> wire.CertificateRequest:
    body = RequestBody(
        SUITE.suite,
        identity.address,
        "文昌镇便民服务中心",
        SUITE.signing_public(signing_key),
        identity.certificate.body.sealing_key,
        tls.public_der(tls.new_private_key()),
        world.time.now,
    )
    return make_request(body, signing_key)


def test_with_new_keys_it_can_come_back_and_with_the_old_ones_it_cannot(world: World) -> None:
    identity = world.at(TOWNSHIP).context.identity
    shut_out(world)
    world.time.pass_by(days=1)
    with pytest.raises(KeyRevoked):
        certify(world, COUNTY, ask_anew(world, identity, identity.signing_key))
    certify(world, COUNTY, ask_anew(world, identity, SUITE.new_signing_key()))
    context = world.at(COUNTY).context
    assert context.trust.hall(identity.address, world.time.now) != identity.certificate
    assert identity.address in context.children


@pytest.mark.parametrize("address", [CITY, OTHER_COUNTY, "330127102"])
def test_only_a_child_can_be_shut_out(world: World, address: str) -> None:
    before = everything(world.at(COUNTY).exchange)
    with pytest.raises(NotAChild):
        shut_out(world, address)
    assert everything(world.at(COUNTY).exchange) == before


@pytest.mark.parametrize("reason", ["x" * (REASON_LENGTH_MAX + 1), "two\nlines"])
def test_a_reason_that_cannot_be_kept_is_refused_whole(world: World, reason: str) -> None:
    before = everything(world.at(COUNTY).exchange)
    with pytest.raises(RevocationUnusable):
        shut_out(world, reason=reason)
    with pytest.raises(RevocationUnusable):
        shut_out(world, since=world.time.now + timedelta(seconds=1))
    assert everything(world.at(COUNTY).exchange) == before

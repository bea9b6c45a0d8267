"""Certifying a child: authority follows the tree, and who asks holds the key."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta

import pytest
from tests.exchange.parts import everything, journal, rows, told
from tests.simulation.halls import SUITE, World
from tests.simulation.worlds import CITY, COUNTY, OTHER_COUNTY, PROVINCE, TOWNSHIP

from hallnet.codec import MessageMalformed
from hallnet.exchange import tables
from hallnet.exchange.certificates import certifying
from hallnet.exchange.certificates.certifying import VALIDITY_DAYS_MAX, NotAChild, ValidityTooLong
from hallnet.node import tls
from hallnet.node.tls import LinkKeyUnusable
from hallnet.places import Address
from hallnet.places.problems import AddressMalformed, DivisionUnknown
from hallnet.trust.certificate import (
    Certificate,
    Permission,
    RequestBody,
    make_request,
    read_certificate,
    verify_under,
)
from hallnet.trust.journal import EntryKind
from hallnet.trust.problems import SignatureInvalid
from hallnet.wire.feed.v1 import feed_pb2 as wire_feed
from hallnet.wire.trust.v1 import certificate_pb2 as wire

NEWCOMER = "330127102"
DAY = timedelta(days=1)
KEY = SUITE.new_signing_key()


def asked(world: World, subject: str = NEWCOMER) -> RequestBody:
    return RequestBody(
        SUITE.suite,
        Address.parse(subject),
        "石林镇便民服务中心",
        SUITE.signing_public(KEY),
        SUITE.sealing_public(SUITE.new_sealing_key()),
        tls.public_der(tls.new_private_key()),
        world.time.now,
    )


def certify(
    world: World,
    at: str,
    request: wire.CertificateRequest,
    permissions: Sequence[Permission] = (),
    days: int = 365,
) -> wire.Welcome:
    station = world.at(at)
    authority = tls.new_authority("links", world.time.now)
    return station.exchange.transact(
        lambda c: certifying.certify(
            c,
            station.context,
            request,
            permissions,
            days,
            "tls://parent:4222",
            authority,
            world.time.now,
        )
    )


def first(welcome: wire.Welcome) -> Certificate:
    return read_certificate(welcome.chain[0])


def test_a_welcome_holds_all_that_a_child_needs_to_join(world: World) -> None:
    welcome = certify(world, COUNTY, make_request(asked(world), KEY))
    chain = [read_certificate(item) for item in welcome.chain]
    assert [item.body.subject for item in chain] == [NEWCOMER, COUNTY, CITY, PROVINCE, "33"]
    assert chain[-1] == world.root
    verify_under(chain[0], chain[1])
    assert welcome.broker_url == "tls://parent:4222"
    assert tls.ends_at(welcome.link_certificate) > world.time.now + 3000 * DAY
    assert welcome.link_authority.startswith(b"-----BEGIN CERTIFICATE")
    assert first(welcome).body.not_before == world.time.now - certifying.BACKDATED
    assert first(welcome).body.not_after == world.time.now + 365 * DAY


def test_a_certificate_is_journaled_stored_believed_and_told(world: World) -> None:
    county = world.at(COUNTY)
    certificate = first(certify(world, COUNTY, make_request(asked(world), KEY)))
    assert journal(county, EntryKind.SIGNED)[-1] == certificate.id
    assert Address(NEWCOMER) in county.context.children
    (entry,) = [item for item in told(county, "child.enrolled") if item.subject == NEWCOMER]
    enrolled = wire_feed.ChildEnrolled.FromString(entry.payload)
    assert wire.Certificate.FromString(enrolled.certificate) == certificate.to_message()
    again = world.restart(COUNTY)
    assert again.context.trust.knows(certificate.id)
    assert Address(NEWCOMER) in again.context.children


def test_a_certificate_ends_no_later_than_that_of_its_issuer(world: World) -> None:
    ends = world.at(COUNTY).context.identity.certificate.body.not_after
    world.time.now = ends - 10 * DAY
    certificate = first(certify(world, COUNTY, make_request(asked(world), KEY)))
    assert certificate.body.not_after == ends


@pytest.mark.parametrize(
    ("at", "subject", "usual"),
    [
        (CITY, "330182", {Permission.EXCHANGE, Permission.CERTIFY, Permission.RELEASE}),
        (PROVINCE, "3304", {Permission.EXCHANGE, Permission.CERTIFY, Permission.RELEASE}),
        (COUNTY, NEWCOMER, {Permission.EXCHANGE}),
        (COUNTY, "330127-shebao", {Permission.EXCHANGE}),
        (CITY, "3301-gongan", {Permission.EXCHANGE}),
    ],
)
def test_a_hall_may_by_default_what_its_level_needs(
    world: World, at: str, subject: str, usual: set[Permission]
) -> None:
    certificate = first(certify(world, at, make_request(asked(world, subject), KEY)))
    assert set(certificate.body.permissions) == usual


def test_named_permissions_are_given_instead(world: World) -> None:
    request = make_request(asked(world), KEY)
    certificate = first(certify(world, COUNTY, request, [Permission.EXCHANGE, Permission.RELEASE]))
    assert certificate.body.permissions == (Permission.EXCHANGE, Permission.RELEASE)


def test_the_same_child_again_gets_a_new_certificate_in_place_of_the_old(world: World) -> None:
    certify(world, COUNTY, make_request(asked(world), KEY))
    world.time.pass_by(days=300)
    renewed = first(certify(world, COUNTY, make_request(asked(world), KEY)))
    county = world.restart(COUNTY)
    (row,) = [row for row in rows(county.exchange, tables.child) if row.address == NEWCOMER]
    assert row.certificate_id == renewed.id
    assert county.context.trust.hall(Address(NEWCOMER), world.time.now) == renewed


@pytest.mark.parametrize(
    ("at", "subject"),
    [
        (COUNTY, OTHER_COUNTY),
        (COUNTY, COUNTY),
        (COUNTY, CITY),
        (COUNTY, "330110012"),
        (CITY, TOWNSHIP),
        (PROVINCE, COUNTY),
        (COUNTY, "330110-shebao"),
    ],
)
def test_only_a_hall_directly_below_is_certified(world: World, at: str, subject: str) -> None:
    before = everything(world.at(at).exchange)
    with pytest.raises(NotAChild):
        certify(world, at, make_request(asked(world, subject), KEY))
    assert everything(world.at(at).exchange) == before


def test_a_place_that_does_not_exist_is_not_certified(world: World) -> None:
    with pytest.raises(DivisionUnknown):
        certify(world, COUNTY, make_request(asked(world, "330127999"), KEY))


@pytest.mark.parametrize("days", [VALIDITY_DAYS_MAX + 1, 100_000])
def test_a_certificate_is_not_valid_for_ever(world: World, days: int) -> None:
    with pytest.raises(ValidityTooLong):
        certify(world, COUNTY, make_request(asked(world), KEY), days=days)
    certify(world, COUNTY, make_request(asked(world), KEY), days=VALIDITY_DAYS_MAX)


def _another_key(world: World) -> wire.CertificateRequest:
    return make_request(asked(world), SUITE.new_signing_key())


def _changed_after_signing(world: World) -> wire.CertificateRequest:
    request = make_request(asked(world), KEY)
    other = make_request(asked(world, "330127103"), KEY)
    return wire.CertificateRequest(body=other.body, signature=request.signature)


def _no_signature(world: World) -> wire.CertificateRequest:
    return wire.CertificateRequest(body=make_request(asked(world), KEY).body)


def _no_key(world: World) -> wire.CertificateRequest:
    return make_request(replace(asked(world), signing_key=b""), KEY)


@pytest.mark.parametrize("make", [_another_key, _changed_after_signing, _no_signature, _no_key])
def test_who_asks_has_to_hold_the_key(
    world: World, make: Callable[[World], wire.CertificateRequest]
) -> None:
    before = everything(world.at(COUNTY).exchange)
    with pytest.raises(SignatureInvalid):
        certify(world, COUNTY, make(world))
    assert everything(world.at(COUNTY).exchange) == before


@pytest.mark.parametrize("sealing_key", [b"", b"short", bytes(32), b"k" * 33])
def test_a_key_to_which_nothing_can_be_sealed_is_not_certified(
    world: World, sealing_key: bytes
) -> None:
    """Whoever wrote to such a hall would be held up."""
    body = replace(asked(world), sealing_key=sealing_key)
    with pytest.raises(MessageMalformed):
        certify(world, COUNTY, make_request(body, KEY))
    assert Address(NEWCOMER) not in world.at(COUNTY).context.children


def test_a_link_key_that_is_none_is_not_certified(world: World) -> None:
    before = everything(world.at(COUNTY).exchange)
    body = replace(asked(world), link_key=b"rubbish")
    with pytest.raises(LinkKeyUnusable):
        certify(world, COUNTY, make_request(body, KEY))
    assert everything(world.at(COUNTY).exchange) == before


@pytest.mark.parametrize("body", [b"", b"\xff\xff", b"\x08\x01"])
def test_a_request_that_cannot_be_read_is_refused(world: World, body: bytes) -> None:
    with pytest.raises((MessageMalformed, AddressMalformed)):
        certify(world, COUNTY, wire.CertificateRequest(body=body, signature=b"s" * 64))


def test_a_township_certifies_nobody(world: World) -> None:
    """Nothing stands directly below it but village points, which are no nodes."""
    with pytest.raises(NotAChild):
        certify(world, TOWNSHIP, make_request(asked(world), KEY))

"""The attacks that The Update Framework (TUF, section 1.5.2) names, tried on the trust data of a hall.

Where it says "repository" read the hall above, the line, or whoever sits on it. What is tried: rollback,
freeze, mix-and-match, fast-forward, wrong author, endless data, arbitrary packages, indefinite use of old
certificates, and the theft of a key between the root and the victim.
"""

from __future__ import annotations

from datetime import timedelta

import pytest
from tests.branch_sync.parts import Halls
from tests.simulation.halls import new_root
from tests.simulation.worlds import CITY, COUNTY, OTHER_COUNTY, PROVINCE, TOWNSHIP

from hallnet.branch_sync import releasing
from hallnet.branch_sync.releasing import CONTENT_BYTES_MAX
from hallnet.branch_sync.standing import Standing
from hallnet.exchange import believing
from hallnet.exchange.certificates import certifying
from hallnet.places import Address
from hallnet.problems import Problem
from hallnet.trust.certificate import Certificate
from hallnet.trust.freshness import HARD_EXPIRY, SOFT_EXPIRY, Freshness
from hallnet.trust.problems import CertificateRevoked, ReleaseOutOfReach
from hallnet.trust.release import RELEASE, VERSION_LEAP_MAX, ReleaseKind
from hallnet.wire.release.v1 import release_pb2 as wire
from hallnet.wire.trust.v1 import certificate_pb2 as wire_trust

DAY = timedelta(days=1)


def publish(halls: Halls) -> wire.SignedRelease:
    """The province publishes a bundle; nobody has it yet."""
    assert halls.publish_trust(PROVINCE)
    row = halls.at(PROVINCE).database.look(lambda c: releasing.in_force(c, ReleaseKind.TRUST))
    return wire.SignedRelease.FromString(row.signed)


def shut_out(halls: Halls, address: str, by: str) -> Certificate:
    """A hall is revoked by its parent, and the province hears of it."""
    station, now = halls.world.at(by), halls.now
    ended = halls.world.at(address).context.identity.certificate
    station.exchange.transact(
        lambda c: certifying.revoke_child(
            c, station.context, Address.parse(address), "钥匙被盗", now, now
        )
    )
    halls.settle()
    return ended


def is_believed(halls: Halls, at: str, certificate: Certificate) -> bool:
    """Whether a hall believes what is signed now under a certificate: in both of its services."""
    found = []
    for trust in (halls.at(at).context.trust, halls.world.at(at).context.trust):
        try:
            trust.signer(certificate.id, halls.now, halls.now)
        except Problem:
            found.append(False)
        else:
            found.append(True)
    assert len(set(found)) == 1, "the services of a hall disagree"
    return found[0]


def refused(halls: Halls, at: str, release: wire.SignedRelease | bytes) -> str:
    """The reason for which a hall refused what came."""
    row = halls.come(at, release)
    assert row.standing == Standing.REFUSED
    return str(row.reason)


@pytest.fixture
def yesterdays(halls: Halls) -> wire.SignedRelease:
    """A genuine bundle of yesterday; today's, which every hall has, ends the other county."""
    yesterday = publish(halls)
    halls.settle()
    halls.pass_by(days=1)
    shut_out(halls, OTHER_COUNTY, CITY)
    assert halls.publish_trust(PROVINCE)
    halls.settle()
    return yesterday


# Rollback


def test_rollback_yesterdays_genuine_bundle_takes_nothing_back(
    halls: Halls, yesterdays: wire.SignedRelease
) -> None:
    ended = halls.world.at(OTHER_COUNTY).context.identity.certificate
    for address in (TOWNSHIP, COUNTY, CITY):
        halls.come(address, yesterdays)
        halls.settle()
        for _ in range(2):
            assert not is_believed(halls, address, ended)
            standing = halls.world.at(address).context.trust.standing
            assert standing is not None
            assert standing.version == 2
            halls.restart(address)
            halls.world.restart(address)


def test_rollback_a_hall_that_never_saw_the_old_bundle_refuses_it(halls: Halls) -> None:
    old = halls.signed(PROVINCE, version=1)
    halls.come(TOWNSHIP, halls.signed(PROVINCE, version=2, content=b"new"))
    assert refused(halls, TOWNSHIP, old) == "RELEASE_OUTDATED"
    assert halls.content(TOWNSHIP) == b"new"


def test_rollback_an_old_bundle_under_a_fresh_number_still_takes_no_revocation_back(
    halls: Halls, yesterdays: wire.SignedRelease
) -> None:
    """The key of the top itself is stolen and signs yesterday's content anew."""
    content = RELEASE.from_bytes(yesterdays.body).content
    ended = halls.world.at(OTHER_COUNTY).context.identity.certificate
    halls.publish(PROVINCE, ReleaseKind.TRUST, content)
    halls.settle()
    assert not is_believed(halls, TOWNSHIP, ended)


# Freeze


def test_freeze_a_hall_that_is_kept_from_new_bundles_says_so_and_then_issues_no_results(
    halls: Halls,
) -> None:
    publish(halls)
    halls.settle()
    township = halls.world.at(TOWNSHIP).context
    began = halls.now
    for age, expected in (
        (timedelta(0), Freshness.FRESH),
        (SOFT_EXPIRY, Freshness.STALE),
        (HARD_EXPIRY, Freshness.EXPIRED),
    ):
        assert township.standing().freshness(began + age) is expected


def test_freeze_replaying_the_newest_bundle_does_not_make_it_younger(halls: Halls) -> None:
    bundle = publish(halls)
    halls.settle()
    before = halls.world.at(TOWNSHIP).context.standing()
    halls.pass_by(days=29)
    halls.come(TOWNSHIP, bundle)
    halls.settle()
    assert halls.world.at(TOWNSHIP).context.standing() == before


# Mix and match


def test_mix_and_match_parts_of_two_bundles_make_no_third(
    halls: Halls, yesterdays: wire.SignedRelease
) -> None:
    """A bundle is one signed thing: what is put together from two is signed by nobody."""
    row = halls.at(PROVINCE).database.look(lambda c: releasing.in_force(c, ReleaseKind.TRUST))
    today = wire.SignedRelease.FromString(row.signed)
    old = wire_trust.TrustBundle.FromString(RELEASE.from_bytes(yesterdays.body).content)
    body = wire.ReleaseBody.FromString(today.body)
    mixed = wire_trust.TrustBundle.FromString(body.content)
    del mixed.revocations[:]
    mixed.certificates.extend(old.certificates)
    body.content, body.version = mixed.SerializeToString(), 3
    for signature in (today.signature, yesterdays.signature):
        made = wire.SignedRelease(
            body=body.SerializeToString(), signature=signature, chain=today.chain
        )
        assert refused(halls, TOWNSHIP, made) == "SIGNATURE_INVALID"


def test_mix_and_match_certificates_that_come_with_a_message_revive_nobody(
    halls: Halls, yesterdays: wire.SignedRelease
) -> None:
    """What travels with an envelope is believed as far as it leads to the root, and no further."""
    ended = halls.world.at(OTHER_COUNTY).context.identity.certificate
    station = halls.world.at(TOWNSHIP)
    station.exchange.transact(lambda c: believing.learn(c, station.context, [ended], halls.now))
    assert not is_believed(halls, TOWNSHIP, ended)
    with pytest.raises(CertificateRevoked):
        station.context.trust.hall(Address.parse(OTHER_COUNTY), halls.now)


def test_mix_and_match_a_bundle_with_one_bad_part_changes_nothing(halls: Halls) -> None:
    bundle = wire_trust.TrustBundle.FromString(RELEASE.from_bytes(publish(halls).body).content)
    halls.settle()
    before = halls.world.at(TOWNSHIP).context.standing()
    damaged = bytearray(bundle.certificates[-1].signature)
    damaged[0] ^= 1
    bundle.certificates[-1].signature = bytes(damaged)
    release = halls.signed(PROVINCE, ReleaseKind.TRUST, bundle.SerializeToString(), version=2)
    assert refused(halls, TOWNSHIP, release) == "SIGNATURE_INVALID"
    assert halls.world.at(TOWNSHIP).context.standing() == before


# Fast-forward


@pytest.mark.parametrize("version", [2**63, 2**63 - 1, 2 + VERSION_LEAP_MAX])
def test_fast_forward_a_leap_of_the_version_does_not_end_publishing(
    halls: Halls, version: int
) -> None:
    first = publish(halls)
    halls.settle()
    content = RELEASE.from_bytes(first.body).content
    leap = halls.signed(PROVINCE, ReleaseKind.TRUST, content, version=version)
    assert refused(halls, TOWNSHIP, leap) in ("RELEASE_LEAPS", "MESSAGE_MALFORMED")
    shut_out(halls, OTHER_COUNTY, CITY)
    assert halls.publish_trust(PROVINCE)
    halls.settle()
    assert halls.world.at(TOWNSHIP).context.standing().version == 2


# Wrong author


@pytest.mark.parametrize("author", [CITY, COUNTY])
def test_wrong_author_a_hall_between_publishes_no_trust_data(halls: Halls, author: str) -> None:
    content = RELEASE.from_bytes(publish(halls).body).content
    release = halls.signed(author, ReleaseKind.TRUST, content)
    assert refused(halls, TOWNSHIP, release) == ReleaseOutOfReach.reason


def test_wrong_author_a_bundle_in_the_name_of_the_top_needs_its_key(halls: Halls) -> None:
    content = RELEASE.from_bytes(publish(halls).body).content
    forged = halls.signed(CITY, ReleaseKind.TRUST, content, author=Address.parse(PROVINCE))
    assert refused(halls, TOWNSHIP, forged) == "SPEAKS_FOR_ANOTHER"


# Endless data


def test_endless_data_is_refused_by_its_size(halls: Halls) -> None:
    release = halls.signed(PROVINCE, ReleaseKind.TRUST, bytes(CONTENT_BYTES_MAX + 1))
    assert refused(halls, TOWNSHIP, release) == "RELEASE_TOO_LARGE"
    assert halls.releases(TOWNSHIP)[-1].signed == b""


# Arbitrary package


@pytest.mark.parametrize("content", [b"", b"\xff\xff", b"#!/bin/sh"])
def test_an_arbitrary_package_is_no_bundle(halls: Halls, content: bytes) -> None:
    release = halls.signed(PROVINCE, ReleaseKind.TRUST, content)
    assert refused(halls, TOWNSHIP, release) == "MESSAGE_MALFORMED"


def test_an_arbitrary_package_of_another_network_is_refused(halls: Halls) -> None:
    """Its roots are its own: who believes ours does not believe them because they come along."""
    root, _ = new_root()
    bundle = wire_trust.TrustBundle.FromString(RELEASE.from_bytes(publish(halls).body).content)
    bundle.roots.append(root.to_message())
    halls.publish(PROVINCE, ReleaseKind.TRUST, bundle.SerializeToString())
    halls.settle()
    assert root not in halls.world.at(TOWNSHIP).context.trust.roots


# Old certificates for ever


def test_an_old_certificate_whose_key_was_revoked_is_not_believed_again(
    halls: Halls, yesterdays: wire.SignedRelease
) -> None:
    """The revocation is kept when the bundles that told of it are long replaced."""
    ended = halls.world.at(OTHER_COUNTY).context.identity.certificate
    for _ in range(5):
        halls.pass_by(days=11)
        assert halls.publish_trust(PROVINCE)
        halls.settle()
    for address in (TOWNSHIP, COUNTY, CITY, PROVINCE):
        halls.restart(address)
        halls.world.restart(address)
        assert not is_believed(halls, address, ended)


# Theft of a key in between


def test_a_stolen_key_of_a_hall_between_speaks_for_nobody_after_it_is_revoked(
    halls: Halls,
) -> None:
    """The city's key is stolen: what it signed before stays, what it or those below sign since does not."""
    publish(halls)
    halls.settle()
    county = halls.world.at(COUNTY).context.identity.certificate
    stolen_at = halls.now
    halls.pass_by(days=1)
    city = shut_out(halls, CITY, PROVINCE)
    province = halls.world.at(PROVINCE).context.trust
    for certificate in (city, county):
        assert province.signer(certificate.id, stolen_at, halls.now) == certificate
        with pytest.raises(CertificateRevoked):
            province.signer(certificate.id, halls.now, halls.now)
        with pytest.raises(CertificateRevoked):
            # Dated back by the thief, but not to before the theft was told.
            province.signer(certificate.id, halls.now + DAY, halls.now)
    release = halls.signed(CITY, version=1)
    assert refused(halls, PROVINCE, release) in ("CERTIFICATE_REVOKED", "RELEASE_OUT_OF_REACH")
